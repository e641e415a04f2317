//! Checks of numbers that Sweden, Norway, Denmark, Finland, Iceland and the Baltic states give to people.

use super::Validator;
use super::checksum::{all_same, digits, luhn, number, weighted};
use super::date::{is_day, is_ddmmyy, is_short_day};

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "se_personnummer" => se_personnummer,
        "se_orgnr" => se_orgnr,
        "no_fodselsnummer" => no_fodselsnummer,
        "no_orgnr" => no_orgnr,
        "dk_cpr" => dk_cpr,
        "dk_cvr" => dk_cvr,
        "fi_hetu" => fi_hetu,
        "fi_ytunnus" => fi_ytunnus,
        "is_kennitala" => is_kennitala,
        "ee_isikukood" => ee_isikukood,
        "lt_asmens" => lt_asmens,
        "lv_personas" => lv_personas,
        _ => return None,
    })
}

/// Swedish personal number: birth date (day plus 60 for coordination numbers), serial, Luhn over the last ten
/// (Skatteverket, SKV 704).
fn se_personnummer(value: &str) -> bool {
    let holds = |d: &[u8]| match d {
        [y1, y2, m1, m2, d1, d2, ..] => {
            let day = number(&[*d1, *d2]);
            let day = if day > 60 { day - 60 } else { day };
            is_short_day(number(&[*y1, *y2]), number(&[*m1, *m2]), day) && luhn(d)
        }
        _ => false,
    };
    digits::<10>(value).is_some_and(|d| holds(&d))
        || digits::<12>(value).is_some_and(|d| matches!(number(&d[..2]), 18..=20) && holds(&d[2..]))
}

/// Swedish organisation number: ten digits, third at least 2, Luhn.
fn se_orgnr(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| d[2] >= 2 && d[0] != 0 && luhn(&d) && !all_same(&d))
}

/// Norwegian birth number: birth date (day plus 40 for D numbers), a serial whose range tells the century, two digits
/// modulo 11 (Skatteetaten; Folkeregisterforskriften § 2-2-1).
fn no_fodselsnummer(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let day = number(&d[..2]);
        let day = if day > 40 { day - 40 } else { day };
        let month = number(&d[2..4]);
        let month = if month > 40 { month - 40 } else { month };
        let year = number(&d[4..6]);
        let century = match (number(&d[6..9]), year) {
            (0..=499, _) | (900..=999, 40..=99) => 1900,
            (500..=999, 0..=39) => 2000,
            (500..=749, 54..=99) => 1800,
            _ => return false,
        };
        let born = is_day(century + year, month, day);
        let first = weighted(&d[..10], &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11);
        let second = weighted(&d, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11);
        born && first && second
    })
}

/// Norwegian organisation number: begins with 8 or 9, weights modulo 11 (Brønnøysundregistrene).
fn no_orgnr(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| {
        matches!(d[0], 8 | 9) && weighted(&d, &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && !all_same(&d)
    })
}

/// Danish personal number: a birth date and four digits. Since 2007 numbers are given without the old check digit
/// (CPR-kontoret), so the date is all that can be tested.
fn dk_cpr(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| is_ddmmyy(&d[..6]) && number(&d[6..]) > 0 && !all_same(&d))
}

/// Danish company number: weights 2 7 6 5 4 3 2 1 modulo 11 (Erhvervsstyrelsen).
fn dk_cvr(value: &str) -> bool {
    digits::<8>(value.trim_start_matches(['D', 'K', ' ']))
        .is_some_and(|d| d[0] != 0 && weighted(&d, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11) && !all_same(&d))
}

/// Finnish personal code: birth date, sign of the century, serial from 002, and a character for the remainder modulo 31
/// (Digi- ja väestötietovirasto).
fn fi_hetu(value: &str) -> bool {
    let bytes = value.as_bytes();
    let (Some(date), Some(sign), Some(serial), Some(check), 11) =
        (bytes.get(..6), bytes.get(6), bytes.get(7..10), bytes.get(10), bytes.len())
    else {
        return false;
    };
    let mut nine = [0u8; 9];
    for (slot, b) in nine.iter_mut().zip(date.iter().chain(serial)) {
        if !b.is_ascii_digit() {
            return false;
        }
        *slot = b - b'0';
    }
    let expected = usize::try_from(number(&nine) % 31).ok().and_then(|i| b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(i));
    b"+-ABCDEFUVWXY".contains(&sign.to_ascii_uppercase())
        && is_ddmmyy(&nine[..6])
        && number(&nine[6..]) > 1
        && expected == Some(&check.to_ascii_uppercase())
}

/// Finnish business identity: weights 7 9 10 5 8 4 2 modulo 11.
fn fi_ytunnus(value: &str) -> bool {
    let body = value.trim_start_matches(['F', 'I', ' ']);
    digits::<8>(body).is_some_and(|d| weighted(&d, &[7, 9, 10, 5, 8, 4, 2, 1]).is_multiple_of(11) && !all_same(&d))
}

/// Icelandic number: birth date (day plus 40 for firms), weights 3 2 7 6 5 4 3 2 modulo 11 in the ninth place, century
/// (Þjóðskrá).
fn is_kennitala(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        let day = number(&d[..2]);
        let day = if day > 40 { day - 40 } else { day };
        let century = match d[9] {
            9 => 1900,
            0 => 2000,
            8 => 1800,
            _ => return false,
        };
        is_day(century + number(&d[4..6]), number(&d[2..4]), day)
            && weighted(&d[..9], &[3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
    })
}

/// Estonian personal code: sex and century, birth date, serial, check (EVS 585).
fn ee_isikukood(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| baltic_birth(&d) && baltic_check(&d))
}

/// Lithuanian personal code: as the Estonian one; those that begin with 9 were given without a date (law I-2237).
fn lt_asmens(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| (d[0] == 9 || baltic_birth(&d)) && baltic_check(&d) && !all_same(&d))
}

/// The first digit tells sex and century, six more the day.
fn baltic_birth(d: &[u8; 11]) -> bool {
    let century = match d[0] {
        1 | 2 => 1800,
        3 | 4 => 1900,
        5 | 6 => 2000,
        _ => return false,
    };
    is_day(century + number(&d[1..3]), number(&d[3..5]), number(&d[5..7]))
}

/// A check of two stages modulo 11.
fn baltic_check(d: &[u8; 11]) -> bool {
    let stage = |weights: &[u32]| weighted(&d[..10], weights) % 11;
    let check = match stage(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 1]) {
        10 => stage(&[3, 4, 5, 6, 7, 8, 9, 1, 2, 3]) % 10,
        n => n,
    };
    check == u32::from(d[10])
}

/// Latvian personal code: birth date and check modulo 11; codes since 2017 begin with 32 and have no date (PMLP).
fn lv_personas(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let sum = weighted(&d[..10], &[10, 5, 8, 4, 2, 1, 6, 3, 7, 9]);
        let modern = number(&d[..2]) == 32;
        modern || is_ddmmyy(&d[..6]) && (1 + sum) % 11 % 10 == u32::from(d[10])
    })
}
