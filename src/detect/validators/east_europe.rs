//! Checks of numbers that Poland, Czechia, Slovakia, Hungary, Romania, Bulgaria, Croatia, Slovenia, Serbia, Ukraine and
//! Russia give to people.

use super::Validator;
use super::checksum::{all_same, alphanumerics, digits, mod_11_10, number, weighted};
use super::date::is_day;
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "pl_pesel" => pl_pesel,
        "pl_nip" => pl_nip,
        "pl_regon" => pl_regon,
        "pl_id_card" => pl_id_card,
        "pl_passport" => pl_passport,
        "cz_rodne_cislo" => cz_rodne_cislo,
        "hu_taj" => hu_taj,
        "hu_tax_id" => hu_tax_id,
        "ro_cnp" => ro_cnp,
        "bg_egn" => bg_egn,
        "hr_oib" => hr_oib,
        "jmbg" => jmbg,
        "si_tax_number" => si_tax_number,
        "ua_rntrc" => ua_rntrc,
        "ru_inn" => ru_inn,
        "ru_snils" => ru_snils,
        _ => return None,
    })
}

/// Polish personal number: birth date with the century in the month, weights 1 3 7 9 modulo 10 (Ministerstwo Cyfryzacji).
fn pl_pesel(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let month = number(&d[2..4]);
        let century = match month / 20 {
            0 => 1900,
            1 => 2000,
            2 => 2100,
            3 => 2200,
            _ => 1800,
        };
        let born = is_day(century + number(&d[..2]), month % 20, number(&d[4..6]));
        born && weighted(&d, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
    })
}

/// Polish tax number, with or without PL: weights 6 5 7 2 3 4 5 6 7 modulo 11 (Ministerstwo Finansów).
fn pl_nip(value: &str) -> bool {
    digits::<10>(value.trim_start_matches(['P', 'L'])).is_some_and(|d| {
        weighted(&d[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u32::from(d[9])
            && d[0] != 0
            && !is_counting_or_repeated(value)
    })
}

/// Polish register of firms: nine digits, weights 8 9 2 3 4 5 6 7 modulo 11 (GUS).
fn pl_regon(value: &str) -> bool {
    digits::<9>(value)
        .is_some_and(|d| weighted(&d[..8], &[8, 9, 2, 3, 4, 5, 6, 7]) % 11 % 10 == u32::from(d[8]) && !all_same(&d))
}

/// Sum over letters (10 to 35) and digits with these weights.
fn mixed(characters: &[u8], weights: &[u32]) -> Option<u32> {
    characters.iter().zip(weights).try_fold(0, |sum, (c, w)| Some(sum + char::from(*c).to_digit(36)? * w))
}

/// Polish identity card: three letters, six digits, weights 7 3 1 9 7 3 1 7 3 modulo 10.
fn pl_id_card(value: &str) -> bool {
    alphanumerics::<9>(value).is_some_and(|c| {
        let shaped = c[..3].iter().all(u8::is_ascii_uppercase) && c[3..].iter().all(u8::is_ascii_digit);
        shaped && mixed(&c, &[7, 3, 1, 9, 7, 3, 1, 7, 3]).is_some_and(|sum| sum % 10 == 0)
    })
}

/// Polish passport: two letters, seven digits, the first of them the check with weights 7 3 9 1 7 3 1 7 3 modulo 10.
fn pl_passport(value: &str) -> bool {
    alphanumerics::<9>(value).is_some_and(|c| {
        let shaped = c[..2].iter().all(u8::is_ascii_uppercase) && c[2..].iter().all(u8::is_ascii_digit);
        shaped && mixed(&c, &[7, 3, 9, 1, 7, 3, 1, 7, 3]).is_some_and(|sum| sum % 10 == 0)
    })
}

/// Czech and Slovak birth number: date with 50 more in the month for women and 20 more since 2004, a multiple of 11
/// since 1954, nine digits before (zákon 133/2000 Sb., § 13).
pub(super) fn cz_rodne_cislo(value: &str) -> bool {
    let born = |d: &[u8]| match d {
        [y1, y2, m1, m2, d1, d2, ..] => {
            let month = number(&[*m1, *m2]) % 50;
            let month = if month > 20 { month - 20 } else { month };
            let year = number(&[*y1, *y2]);
            let century = if d.len() == 9 || year >= 54 { 1900 } else { 2000 };
            is_day(century + year, month, number(&[*d1, *d2]))
        }
        _ => false,
    };
    let new = digits::<10>(value)
        .is_some_and(|d| born(&d) && (number(&d).is_multiple_of(11) || number(&d[..9]) % 11 == 10 && d[9] == 0));
    new || digits::<9>(value).is_some_and(|d| number(&d[..2]) <= 53 && born(&d) && number(&d[6..]) > 0)
}

/// Hungarian social insurance: weights 3 and 7 modulo 10 (NEAK).
fn hu_taj(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| {
        weighted(&d[..8], &[3, 7, 3, 7, 3, 7, 3, 7]) % 10 == u32::from(d[8]) && !is_counting_or_repeated(value)
    })
}

/// Hungarian tax identification of a person: begins with 8, weights 1 to 9 modulo 11 (NAV).
fn hu_tax_id(value: &str) -> bool {
    digits::<10>(value)
        .is_some_and(|d| d[0] == 8 && weighted(&d[..9], &[1, 2, 3, 4, 5, 6, 7, 8, 9]) % 11 == u32::from(d[9]))
}

/// Romanian personal code: sex and century, birth date, county, weights 2 7 9 1 4 6 3 5 8 2 7 9 modulo 11.
fn ro_cnp(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| {
        let century = match d[0] {
            3 | 4 => 1800,
            5 | 6 => 2000,
            0 => return false,
            _ => 1900,
        };
        let check = match weighted(&d[..12], &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11 {
            10 => 1,
            n => n,
        };
        let county = matches!(number(&d[7..9]), 1..=48 | 51 | 52 | 70 | 80..=83 | 99);
        county && is_day(century + number(&d[1..3]), number(&d[3..5]), number(&d[5..7])) && check == u32::from(d[12])
    })
}

/// Bulgarian personal number: month plus 20 or 40 for other centuries, weights 2 4 8 5 10 9 7 3 6 modulo 11 and 10.
pub(super) fn bg_egn(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        let (century, month) = match number(&d[2..4]) {
            m @ 41..=52 => (2000, m - 40),
            m @ 21..=32 => (1800, m - 20),
            m => (1900, m),
        };
        let born = is_day(century + number(&d[..2]), month, number(&d[4..6]));
        born && weighted(&d[..9], &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10 == u32::from(d[9])
    })
}

/// Croatian personal number: ISO 7064 MOD 11,10 (Porezna uprava).
fn hr_oib(value: &str) -> bool {
    digits::<11>(value.trim_start_matches(['H', 'R', ' ']))
        .is_some_and(|d| mod_11_10(&d) && !is_counting_or_repeated(value))
}

/// Unique number of the citizens of former Yugoslavia: day, month, three digits of the year, region, serial, weights
/// 7 to 2 twice modulo 11.
fn jmbg(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| {
        let year = number(&d[4..7]);
        let year = if year >= 800 { 1000 + year } else { 2000 + year };
        let check = match 11 - weighted(&d[..12], &[7, 6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
            10 | 11 => 0,
            n => n,
        };
        is_day(year, number(&d[2..4]), number(&d[..2])) && check == u32::from(d[12])
    })
}

/// Slovenian tax number, with or without SI: weights 8 to 2 modulo 11, from 10,000,000 (Finančna uprava).
fn si_tax_number(value: &str) -> bool {
    digits::<8>(value.trim_start_matches(['S', 'I'])).is_some_and(|d| {
        let check = 11 - weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11;
        d[0] != 0 && check % 10 == u32::from(d[7]) && check != 11 && !is_counting_or_repeated(value)
    })
}

/// Ukrainian taxpayer number: weights −1 5 7 9 4 6 10 5 7 modulo 11 and 10 (State Tax Service).
fn ua_rntrc(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        // The weight −1 is 10 modulo 11.
        weighted(&d[..9], &[10, 5, 7, 9, 4, 6, 10, 5, 7]) % 11 % 10 == u32::from(d[9])
            && !is_counting_or_repeated(value)
    })
}

/// Russian taxpayer number: ten digits with one check, twelve with two, modulo 11 and 10 (FNS).
fn ru_inn(value: &str) -> bool {
    const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let ten = digits::<10>(value).is_some_and(|d| {
        weighted(&d[..9], &WEIGHTS[2..]) % 11 % 10 == u32::from(d[9]) && !is_counting_or_repeated(value)
    });
    ten || digits::<12>(value).is_some_and(|d| {
        let first = weighted(&d[..10], &WEIGHTS[1..]) % 11 % 10 == u32::from(d[10]);
        first && weighted(&d[..11], &WEIGHTS) % 11 % 10 == u32::from(d[11]) && !all_same(&d)
    })
}

/// Russian pension insurance: nine digits, weights 9 to 1, sum modulo 101 with 100 as 00 (Social Fund).
fn ru_snils(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let check = weighted(&d[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]) % 101 % 100;
        u64::from(check) == number(&d[9..]) && !all_same(&d) && number(&d[..9]) > 1_001_998
    })
}
