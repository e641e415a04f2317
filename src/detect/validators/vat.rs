//! Checks of the VAT numbers of the European Union that no register of persons or firms covers by itself.
//!
//! The prefix of the country may be there or not. Lengths and letters are those that the European Commission publishes
//! for its own check (VIES, <https://ec.europa.eu/taxation_customs/vies/>); each function names the office behind the
//! arithmetic.

use super::Validator;
use super::checksum::{all_same, alphanumerics, as_digits, digit_count, digits, luhn, mod_97, number, weighted};
use super::east_europe;
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "nl_vat" => nl_vat,
        "fr_vat" => fr_vat,
        "cz_dic" => cz_dic,
        "sk_dph" => sk_dph,
        "hu_vat" => hu_vat,
        "ro_cui" => ro_cui,
        "bg_vat" => bg_vat,
        "ee_kmkr" => ee_kmkr,
        "lv_pvn" => lv_pvn,
        "lt_pvm" => lt_pvm,
        "lu_tva" => lu_tva,
        "ie_vat" => ie_vat,
        "cy_vat" => cy_vat,
        "mt_vat" => mt_vat,
        "se_vat" => se_vat,
        _ => return None,
    })
}

/// The value without the letters of its country.
fn without<'v>(value: &'v str, country: &str) -> &'v str {
    let trimmed = value.trim();
    let prefix = trimmed.get(..country.len()).is_some_and(|start| start.eq_ignore_ascii_case(country));
    if prefix { trimmed.get(country.len()..).unwrap_or_default() } else { trimmed }
}

/// Dutch: nine digits, B, two digits. Firms have their fiscal number in front, with the check of citizen numbers; since
/// 2020 sole traders have random digits, and ISO 7064 MOD 97-10 over the whole with NL (Belastingdienst).
fn nl_vat(value: &str) -> bool {
    alphanumerics::<12>(without(value, "NL")).is_some_and(|c| {
        let [d1, d2, d3, d4, d5, d6, d7, d8, d9, letter, s1, s2] = c;
        let Some(body) = as_digits([d1, d2, d3, d4, d5, d6, d7, d8, d9]) else { return false };
        let Some(suffix) = as_digits([s1, s2]) else { return false };
        let firm = weighted(&body[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11 == u32::from(body[8]);
        let trader = mod_97(b"NL".iter().copied().chain(c)) == Some(1);
        letter == b'B' && number(&body) > 0 && number(&suffix) > 0 && (firm || trader) && !all_same(&body)
    })
}

/// French: two characters and the number of the firm. Two digits are the remainder of that number followed by 12, modulo
/// 97; where one is a letter (no I, no O) both count in base 34 (DGFiP, BOI-TVA-DECLA-20-10-10). Monaco has numbers
/// that begin with 000 and are none of a French firm.
fn fr_vat(value: &str) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    alphanumerics::<11>(without(value, "FR")).is_some_and(|c| {
        let [k1, k2, d1, d2, d3, d4, d5, d6, d7, d8, d9] = c;
        let Some(firm) = as_digits([d1, d2, d3, d4, d5, d6, d7, d8, d9]) else { return false };
        let place = |b: u8| ALPHABET.iter().zip(0u64..).find(|(known, _)| **known == b).map(|(_, place)| place);
        let (Some(first), Some(second)) = (place(k1), place(k2)) else { return false };
        let monaco = number(&firm[..3]) == 0;
        let key = if first < 10 && second < 10 {
            first * 10 + second == (number(&firm) * 100 + 12) % 97
        } else {
            let check = if first < 10 { first * 24 + second - 10 } else { first * 34 + second - 100 };
            (number(&firm) + 1 + check / 11) % 11 == check % 11
        };
        key && !all_same(&firm) && (monaco || luhn(&firm))
    })
}

/// Czech: eight digits of a firm (weights 8 to 2 modulo 11), nine that begin with 6, or the number of a person
/// (Finanční správa).
fn cz_dic(value: &str) -> bool {
    let body = without(value, "CZ");
    let firm = digits::<8>(body).is_some_and(|d| {
        let check = match (11 - weighted(&d[..7], &[8, 7, 6, 5, 4, 3, 2]) % 11) % 11 {
            0 => 1,
            n => n % 10,
        };
        d[0] != 9 && check == u32::from(d[7]) && !all_same(&d)
    });
    let special = digits::<9>(body).is_some_and(|d| {
        let remainder = weighted(&d[1..8], &[8, 7, 6, 5, 4, 3, 2]) % 11;
        d[0] == 6 && (8 + 11 - (10 + 11 - remainder) % 11) % 11 % 10 == u32::from(d[8])
    });
    firm || special || (digit_count(body) >= 9 && east_europe::cz_rodne_cislo(body))
}

/// Slovak: ten digits, a multiple of 11, the third 2, 3, 4, 7, 8 or 9 (Finančná správa).
fn sk_dph(value: &str) -> bool {
    digits::<10>(without(value, "SK"))
        .is_some_and(|d| d[0] != 0 && matches!(d[2], 2..=4 | 7..=9) && number(&d).is_multiple_of(11) && !all_same(&d))
}

/// Hungarian: eight digits, weights 9 7 3 1 modulo 10; at home two more groups follow, for the kind of tax and the county
/// (Nemzeti Adó- és Vámhivatal, adószám).
fn hu_vat(value: &str) -> bool {
    let holds = |d: &[u8]| weighted(d, &[9, 7, 3, 1, 9, 7, 3, 1]).is_multiple_of(10) && !all_same(d);
    let body = without(value, "HU");
    digits::<8>(body).is_some_and(|d| holds(&d) && !is_counting_or_repeated(value))
        || digits::<11>(body).is_some_and(|d| {
            let county = number(&d[9..]);
            holds(&d[..8]) && matches!(d[8], 1..=5) && (matches!(county, 2..=20 | 22..=44) || county == 51)
        })
}

/// Romanian: two to ten digits, weights 7 5 3 2 1 7 5 3 2 from the right, times ten modulo 11 (ANAF, cod de identificare
/// fiscală).
fn ro_cui(value: &str) -> bool {
    let body = without(value, "RO");
    let all: Vec<u8> = body.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').take(11).collect();
    let Some((check, rest)) = all.split_last() else { return false };
    let sum: u32 = rest.iter().rev().zip([2, 3, 5, 7, 1, 2, 3, 5, 7]).map(|(d, w)| u32::from(*d) * w).sum();
    let only_digits = body.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-'));
    only_digits
        && (2..=10).contains(&all.len())
        && all.first() != Some(&0)
        && sum * 10 % 11 % 10 == u32::from(*check)
        && !is_counting_or_repeated(body)
}

/// Bulgarian: nine digits of a firm (weights 1 to 8 modulo 11, else 3 to 10), or ten of a person or another payer
/// (Агенция по вписванията, ЕИК; НАП).
fn bg_vat(value: &str) -> bool {
    let body = without(value, "BG");
    let firm = digits::<9>(body).is_some_and(|d| {
        let check = match weighted(&d[..8], &[1, 2, 3, 4, 5, 6, 7, 8]) % 11 {
            10 => weighted(&d[..8], &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10,
            n => n,
        };
        check == u32::from(d[8]) && !all_same(&d)
    });
    let other = digits::<10>(body).is_some_and(|d| {
        let foreigner = weighted(&d[..9], &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10 == u32::from(d[9]);
        let payer = (11 - weighted(&d[..9], &[4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11) % 11 == u32::from(d[9]);
        (east_europe::bg_egn(body) || foreigner || payer) && !all_same(&d)
    });
    firm || other
}

/// Estonian: nine digits, weights 3 7 1 modulo 10 (Maksu- ja Tolliamet, KMKR).
fn ee_kmkr(value: &str) -> bool {
    digits::<9>(without(value, "EE"))
        .is_some_and(|d| weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10) && !all_same(&d))
}

/// Latvian: eleven digits of a firm, the first 4 to 9, weights 9 1 4 8 3 10 2 5 7 6 1 with remainder 3 modulo 11 (Valsts
/// ieņēmumu dienests, PVN).
fn lv_pvn(value: &str) -> bool {
    digits::<11>(without(value, "LV"))
        .is_some_and(|d| d[0] > 3 && weighted(&d, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6, 1]) % 11 == 3 && !all_same(&d))
}

/// Lithuanian: nine digits of a firm or twelve of another payer, the last but one a 1, weights 1 to 9 going round modulo
/// 11, else from 3 (Valstybinė mokesčių inspekcija, PVM).
fn lt_pvm(value: &str) -> bool {
    let body = without(value, "LT");
    let holds = |d: &[u8]| {
        let Some(([rest @ .., one], check)) = d.split_last().map(|(check, rest)| (rest, check)) else { return false };
        let sum = |from: u32| -> u32 {
            let weights = (0u32..).map(|i| 1 + (i + from) % 9);
            rest.iter().chain([one]).zip(weights).map(|(d, w)| u32::from(*d) * w).sum()
        };
        let expected = match sum(0) % 11 {
            10 => sum(2) % 11 % 10,
            n => n,
        };
        *one == 1 && expected == u32::from(*check) && !all_same(d)
    };
    digits::<9>(body).is_some_and(|d| holds(&d)) || digits::<12>(body).is_some_and(|d| holds(&d))
}

/// Luxembourgish: six digits and their remainder modulo 89 (Administration de l'enregistrement, des domaines et de la
/// TVA).
fn lu_tva(value: &str) -> bool {
    digits::<8>(without(value, "LU")).is_some_and(|d| number(&d[..6]) % 89 == number(&d[6..]) && !all_same(&d))
}

/// Irish: seven digits, a check letter modulo 23 and perhaps one more letter, as in the number of a person; before 1991
/// the second place held a letter or a sign (Revenue, VAT registration).
fn ie_vat(value: &str) -> bool {
    const LETTERS: &[u8] = b"WABCDEFGHIJKLMNOPQRSTUV";
    let body: Vec<u8> = without(value, "IE").bytes().filter(|b| !matches!(b, b' ' | b'-')).take(10).collect();
    let place = |b: u8| LETTERS.iter().zip(0u32..).find(|(letter, _)| **letter == b).map(|(_, place)| place);
    let holds = |seven: [u8; 7], check: u8, more: u32| {
        as_digits(seven).is_some_and(|d| {
            let sum = weighted(&d, &[8, 7, 6, 5, 4, 3, 2]) + 9 * more;
            place(check) == Some(sum % 23) && !all_same(&d)
        })
    };
    match *body.as_slice() {
        [a, b, c, d, e, f, g, check] if b.is_ascii_digit() => holds([a, b, c, d, e, f, g], check, 0),
        [a, b, c, d, e, f, g, check, more] if b.is_ascii_digit() => {
            place(more).is_some_and(|more| holds([a, b, c, d, e, f, g], check, more))
        }
        [a, old, c, d, e, f, g, check] if old.is_ascii_uppercase() || matches!(old, b'+' | b'*') => {
            holds([b'0', c, d, e, f, g, a], check, 0)
        }
        _ => false,
    }
}

/// Cypriot: eight digits and a letter: the digits in odd places stand for 1 0 5 7 9 13 15 17 19 21, the others for
/// themselves, modulo 26 (Τμήμα Φορολογίας).
fn cy_vat(value: &str) -> bool {
    alphanumerics::<9>(without(value, "CY")).is_some_and(|c| {
        let [d1, d2, d3, d4, d5, d6, d7, d8, letter] = c;
        let Some(d) = as_digits([d1, d2, d3, d4, d5, d6, d7, d8]) else { return false };
        let odd = |d: u8| [1u32, 0, 5, 7, 9, 13, 15, 17, 19, 21].get(usize::from(d)).copied().unwrap_or_default();
        let sum: u32 = d.iter().enumerate().map(|(i, d)| if i % 2 == 0 { odd(*d) } else { u32::from(*d) }).sum();
        let expected = u8::try_from(sum % 26).map(|n| b'A' + n);
        number(&d[..2]) != 12 && expected == Ok(letter) && !all_same(&d)
    })
}

/// Maltese: eight digits, weights 3 4 6 7 8 9 10 1, a multiple of 37 (Office of the Commissioner for Revenue).
fn mt_vat(value: &str) -> bool {
    digits::<8>(without(value, "MT"))
        .is_some_and(|d| d[0] != 0 && weighted(&d, &[3, 4, 6, 7, 8, 9, 10, 1]).is_multiple_of(37) && !all_same(&d))
}

/// Swedish: the number of an organisation or a person, and 01 (Skatteverket, momsregistreringsnummer).
fn se_vat(value: &str) -> bool {
    digits::<12>(without(value, "SE"))
        .is_some_and(|d| d[0] != 0 && number(&d[10..]) == 1 && luhn(&d[..10]) && !all_same(&d[..10]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_may_be_there_or_not() {
        for (name, with, bare) in [
            ("lu_tva", "LU 15027442", "15027442"),
            ("mt_vat", "MT11679112", "1167-9112"),
            ("bg_vat", "BG175074752", "175074752"),
        ] {
            let validator = by_name(name).unwrap();
            assert!(validator(with) && validator(bare), "{name}");
            assert!(!validator(&format!("XX{bare}")), "{name}: the prefix of another country");
        }
    }
}
