//! Checks of telephone numbers in national forms, one small rule for each country: the trunk prefix, the first digits
//! of mobile and area codes, and the count of digits.
//!
//! Rules follow the national numbering plans that the ITU publishes
//! (<https://www.itu.int/oth/T0202.aspx?parent=T0202>).

use super::Validator;
use super::checksum::all_same;
use super::phone::{counting, dialled};

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "phone_uk" => phone_uk,
        "phone_ie" => phone_ie,
        "phone_de" => phone_de,
        "phone_at" => phone_at,
        "phone_ch" => phone_ch,
        "phone_fr" => phone_fr,
        "phone_be" => phone_be,
        "phone_nl" => phone_nl,
        "phone_es" => phone_es,
        "phone_pt" => phone_pt,
        "phone_it" => phone_it,
        "phone_pl" => phone_pl,
        "phone_se" => phone_se,
        "phone_br" => phone_br,
        "phone_in" => phone_in,
        "phone_au" => phone_au,
        "phone_published" => phone_published,
        _ => return None,
    })
}

/// Runs a rule over the digits of a number that is no blank.
fn national(value: &str, rule: impl Fn(&[u8]) -> bool) -> bool {
    dialled(value).is_some_and(|(padded, count)| {
        let digits = padded.get(..count).unwrap_or_default();
        let tail = digits.get(digits.len().saturating_sub(6)..).unwrap_or_default();
        !all_same(tail) && !counting(digits) && rule(digits)
    })
}

/// British numbers that Ofcom reserves for drama, without the leading zero.
pub(super) fn is_uk_drama(significant: &[u8]) -> bool {
    matches!(
        significant,
        [7, 7, 0, 0, 9, 0, 0, ..]
            | [2, 0, 7, 9, 4, 6, 0, ..]
            | [1, 6, 3, 2, 9, 6, 0, ..]
            | [3, 0, 6, 9, 9, 9, 0, ..]
            | [1, 1, 3..=8, 4, 9, 6, 0, ..]
            | [1, 2..=6, 1, 4, 9, 6, 0, ..]
            | [1, 9, 1, 4, 9, 8, 0, ..]
            | [2, 8, 9, 6, 4, 9, 6, 0, ..]
            | [2, 9, 2, 0, 1, 8, 0, ..]
    )
}

/// Australian numbers that ACMA reserves for fiction, without the leading zero.
pub(super) fn is_au_fiction(significant: &[u8]) -> bool {
    matches!(significant, [4, 9, 1, 5, 7, ..] | [2 | 3 | 7 | 8, 5, 5, 5, 0, ..] | [2 | 3 | 7 | 8, 7, 0, 1, 0, ..])
}

/// United Kingdom (Ofcom): 0 and 9 or 10 digits, first 1, 2, 3 or 7.
fn phone_uk(value: &str) -> bool {
    national(value, |d| match d {
        [0, rest @ ..] if is_uk_drama(rest) => false,
        // Nine digits are left only in a few old areas.
        [0, 1, ..] => matches!(d.len(), 10 | 11),
        [0, 2 | 3 | 7, ..] => d.len() == 11,
        _ => false,
    })
}

/// Ireland (ComReg): mobile 08x and seven digits, areas 01 to 09 with 7 to 9 digits in all after the zero.
fn phone_ie(value: &str) -> bool {
    national(value, |d| match d {
        [0, 8, 2 | 3 | 5 | 6 | 7 | 8 | 9, ..] => d.len() == 10,
        [0, 1, ..] => d.len() == 9,
        [0, 2 | 4 | 5 | 6 | 7 | 9, ..] => (9..=10).contains(&d.len()),
        _ => false,
    })
}

/// Germany (Bundesnetzagentur): 0 and 6 to 11 digits; mobiles begin 015, 016 or 017 and have 11 or 12 in all.
fn phone_de(value: &str) -> bool {
    national(value, |d| match d {
        [0, 1, 5..=7, ..] => (11..=12).contains(&d.len()),
        [0, 2..=9, ..] => (7..=13).contains(&d.len()),
        _ => false,
    })
}

/// Austria (RTR): mobiles begin 06, areas 01 to 07.
fn phone_at(value: &str) -> bool {
    national(value, |d| match d {
        [0, 6, 5..=9, ..] => (10..=13).contains(&d.len()),
        [0, 1..=7, ..] => (8..=13).contains(&d.len()),
        _ => false,
    })
}

/// Switzerland (BAKOM): 0 and nine digits.
fn phone_ch(value: &str) -> bool {
    national(value, |d| d.len() == 10 && matches!(d, [0, 2..=7 | 9, 1..=9, ..]))
}

/// France (ARCEP): 0, 1 to 7 or 9, eight digits. Numbers for fiction (06 39 98 and others) are refused.
fn phone_fr(value: &str) -> bool {
    national(value, |d| {
        let fiction = matches!(
            d,
            [0, 1, 9, 9, 0, 0, ..]
                | [0, 2, 6, 1, 9, 1, ..]
                | [0, 3, 5, 3, 0, 1, ..]
                | [0, 4, 6, 5, 7, 1, ..]
                | [0, 5, 3, 6, 4, 9, ..]
                | [0, 6, 3, 9, 9, 8, ..]
        );
        d.len() == 10 && matches!(d, [0, 1..=7 | 9, ..]) && !fiction
    })
}

/// Belgium (BIPT): nine digits with the zero, ten for mobiles 045 to 049.
fn phone_be(value: &str) -> bool {
    national(value, |d| match d {
        [0, 4, 5..=9, ..] => d.len() == 10,
        [0, 1..=9, ..] => d.len() == 9,
        _ => false,
    })
}

/// The Netherlands (ACM): 0 and nine digits, first 1 to 7 (06 for mobiles).
fn phone_nl(value: &str) -> bool {
    national(value, |d| d.len() == 10 && matches!(d, [0, 6, 1..=5 | 8, ..] | [0, 1..=5 | 7, 0..=9, ..]))
}

/// Spain (CNMC): nine digits, first 6 or 7 for mobiles, 8 or 9 for fixed lines.
fn phone_es(value: &str) -> bool {
    national(value, |d| d.len() == 9 && matches!(d, [6, ..] | [7, 1..=9, ..] | [8 | 9, 1..=8, ..]))
}

/// Portugal (ANACOM): nine digits, mobiles 91, 92, 93, 96, fixed lines 2.
fn phone_pt(value: &str) -> bool {
    national(value, |d| d.len() == 9 && matches!(d, [9, 1 | 2 | 3 | 6, ..] | [2, 1..=9, ..]))
}

/// Italy (MIMIT): mobiles 3 and 8 or 9 more, fixed lines 0 and 5 to 10 more.
fn phone_it(value: &str) -> bool {
    national(value, |d| match d {
        [3, 1..=9, ..] => (9..=10).contains(&d.len()),
        [0, 1..=9, ..] => (6..=11).contains(&d.len()),
        _ => false,
    })
}

/// Poland (UKE): nine digits, first 1 to 8.
fn phone_pl(value: &str) -> bool {
    national(value, |d| d.len() == 9 && matches!(d, [1..=8, ..]))
}

/// Sweden (PTS): 0 and 7 to 9 digits, mobiles 07.
fn phone_se(value: &str) -> bool {
    national(value, |d| match d {
        [0, 7, 0 | 2 | 3 | 6 | 9, ..] => d.len() == 10,
        [0, 1..=9, ..] => (8..=10).contains(&d.len()),
        _ => false,
    })
}

/// Brazil (Anatel): area code of two digits from 11 to 99, then eight digits, or nine that begin with 9.
fn phone_br(value: &str) -> bool {
    national(value, |d| match d {
        [1..=9, 1..=9, 9, ..] if d.len() == 11 => true,
        [1..=9, 1..=9, 2..=5, ..] => d.len() == 10,
        _ => false,
    })
}

/// India (DoT): mobiles of ten digits, first 6 to 9, with or without 0.
fn phone_in(value: &str) -> bool {
    national(value, |d| match d {
        [0, rest @ ..] => rest.len() == 10 && matches!(rest, [2..=9, ..]),
        rest => rest.len() == 10 && matches!(rest, [6..=9, ..]),
    })
}

/// Australia (ACMA): 0, then 2, 3, 4, 7 or 8, and eight digits.
fn phone_au(value: &str) -> bool {
    national(value, |d| match d {
        [0, rest @ ..] => d.len() == 10 && matches!(rest, [2 | 3 | 4 | 7 | 8, ..]) && !is_au_fiction(rest),
        _ => false,
    })
}

/// Free or shared-cost numbers that organisations publish: 0800, 0808, 0845, 0180, 1300, 1800 and 900.
fn phone_published(value: &str) -> bool {
    dialled(value).is_some_and(|(padded, count)| {
        let digits = padded.get(..count).unwrap_or_default();
        matches!(
            digits,
            [0, 8, 0, 0..=2 | 5 | 6 | 8, ..]
                | [0, 8, 4, 3..=5, ..]
                | [0, 3, 0 | 3, 0, ..]
                | [0, 1, 8, 0, ..]
                | [1, 3 | 8, 0, 0, ..]
                | [9, 0, 0..=2, ..]
                | [8, 0, 0, ..]
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::by_name;

    #[test]
    fn each_plan_accepts_its_numbers_and_refuses_near_misses() {
        let cases = [
            ("phone_uk", "07482 611 930", "07700 900 123"),
            ("phone_uk", "020 3602 6773", "020 7946 0958"),
            ("phone_ie", "086 771 2094", "081 771 2094"),
            ("phone_de", "0171 6624890", "0171 66248"),
            ("phone_at", "0664 1234567", "064 12"),
            ("phone_ch", "044 668 18 00", "084 668 18"),
            ("phone_fr", "06 44 71 90 28", "06 44 71 90"),
            ("phone_be", "0470 12 34 56", "0410 12 34 56"),
            ("phone_nl", "06 29147055", "06 91470"),
            ("phone_es", "633 349 565", "533 349 565"),
            ("phone_pt", "912 345 670", "952 345 670"),
            ("phone_it", "347 618 2290", "247 618 2290"),
            ("phone_pl", "601 234 981", "901 234 981"),
            ("phone_se", "070-174 06 05", "070-174 06"),
            ("phone_br", "(11) 91234-5670", "(11) 61234-5670"),
            ("phone_in", "98851 21101", "58851 21101"),
            ("phone_au", "0428 114 285", "0491 570 156"),
            ("phone_nanp", "(765) 671-5105", "(765) 555-0142"),
            ("phone_toll_free", "1-800-448-2210", "1-801-448-2210"),
            ("phone_international", "+44 7912 330184", "+44 7700 900123"),
            ("phone_international", "+49(0)5235340483", "+49 123"),
            ("phone_international", "+353 86 219 4470", "+999 86 219 4470"),
            ("phone_international", "001-458-835-0173", "001-458-135-0173"),
        ];
        for (name, good, bad) in cases {
            let validator = by_name(name).unwrap();
            assert!(validator(good), "{name} {good}");
            assert!(!validator(bad), "{name} {bad}");
        }
    }
}
