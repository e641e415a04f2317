//! Checks of numbers that India, Australia, New Zealand, China, Taiwan, Hong Kong, Singapore, South Korea, Japan,
//! Thailand, Malaysia, Indonesia, Pakistan and Sri Lanka give to people.

use super::Validator;
use super::checksum::{all_same, alphanumerics, as_digits, digits, number, verhoeff, weighted};
use super::date::{is_day, is_yymmdd};
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "in_aadhaar" => in_aadhaar,
        "in_pan" => in_pan,
        "in_gstin" => in_gstin,
        "in_vehicle" => in_vehicle,
        "au_tfn" => au_tfn,
        "au_abn" => au_abn,
        "au_acn" => au_acn,
        "nz_ird" => nz_ird,
        "nz_nhi" => nz_nhi,
        "cn_ric" => cn_ric,
        "tw_id" => tw_id,
        "hk_id" => hk_id,
        "sg_nric" => sg_nric,
        "kr_rrn" => kr_rrn,
        "jp_my_number" => jp_my_number,
        "th_pin" => th_pin,
        "my_nric" => my_nric,
        "id_nik" => id_nik,
        "pk_cnic" => pk_cnic,
        _ => return None,
    })
}

/// Indian Aadhaar: twelve digits, first 2 to 9, no palindrome, Verhoeff (UIDAI).
fn in_aadhaar(value: &str) -> bool {
    digits::<12>(value).is_some_and(|d| d[0] >= 2 && verhoeff(&d) && !d.iter().eq(d.iter().rev()))
}

/// Indian income tax number: five letters, the fourth a kind of holder, four digits, a letter (Income Tax Department).
fn in_pan(value: &str) -> bool {
    alphanumerics::<10>(value).is_some_and(|c| {
        c[..5].iter().all(u8::is_ascii_uppercase)
            && c[5..9].iter().all(u8::is_ascii_digit)
            && c[9].is_ascii_uppercase()
            && &c[5..9] != b"0000"
            && b"ABCFGHJLPTEKD".contains(&c[3])
            && &c[..5] != b"ABCDE"
    })
}

/// Indian goods tax number: state, PAN, entity, Z, and a check of base 36 (GSTN).
fn in_gstin(value: &str) -> bool {
    alphanumerics::<15>(value).is_some_and(|c| {
        let sum = c[..14].iter().enumerate().try_fold(0, |sum, (i, b)| {
            let product = char::from(*b).to_digit(36)? * if i % 2 == 0 { 1 } else { 2 };
            Some(sum + product / 36 + product % 36)
        });
        let state = as_digits([c[0], c[1]]).is_some_and(|d| matches!(number(&d), 1..=38 | 97 | 99));
        state && c[13] == b'Z' && sum.is_some_and(|sum| char::from(c[14]).to_digit(36) == Some((36 - sum % 36) % 36))
    })
}

/// Indian registration plate: a state, district, series and number (Motor Vehicles Act).
fn in_vehicle(value: &str) -> bool {
    const STATES: &str = "ANAPARASBRCGCHDDDLDNGAGJHPHRJHJKKAKLLALDMHMLMNMPMZNLODORPBPYRJSKTGTNTRTSUKUPWB";
    value.as_bytes().get(..2).is_some_and(|state| STATES.as_bytes().chunks_exact(2).any(|known| known == state))
}

/// Australian tax file number: weights 1 4 3 7 5 8 6 9 10 modulo 11, or eight digits in the old form (ATO).
fn au_tfn(value: &str) -> bool {
    let nine = digits::<9>(value)
        .is_some_and(|d| weighted(&d, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11) && !all_same(&d));
    let eight = digits::<8>(value)
        .is_some_and(|d| weighted(&d, &[10, 7, 8, 4, 6, 3, 5, 1]).is_multiple_of(11) && !all_same(&d));
    (nine || eight) && !is_counting_or_repeated(value)
}

/// Australian business number: subtract 1 from the first digit, weights 10 1 3 5 … 19 modulo 89; the first two digits
/// are the check, from 11 to 99 (ABR).
fn au_abn(value: &str) -> bool {
    digits::<11>(value).is_some_and(|mut d| {
        if number(&d[..2]) < 11 {
            return false;
        }
        d[0] -= 1;
        weighted(&d, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]).is_multiple_of(89)
    })
}

/// Australian company number: weights 8 to 1, complement modulo 10 (ASIC).
fn au_acn(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| weighted(&d, &[8, 7, 6, 5, 4, 3, 2, 1, 1]).is_multiple_of(10) && !all_same(&d))
}

/// New Zealand tax number: eight or nine digits from 10,000,000, two tries modulo 11 (Inland Revenue).
fn nz_ird(value: &str) -> bool {
    let padded = digits::<9>(value).or_else(|| {
        digits::<8>(value).map(|d| {
            let mut out = [0; 9];
            out.iter_mut().skip(1).zip(d).for_each(|(slot, digit)| *slot = digit);
            out
        })
    });
    padded.is_some_and(|d| {
        let stage = |weights: &[u32]| (11 - weighted(&d[..8], weights) % 11) % 11;
        let check = match stage(&[3, 2, 7, 6, 5, 4, 3, 2]) {
            10 => stage(&[7, 4, 3, 2, 5, 2, 7, 6]),
            n => n,
        };
        (10_000_000..150_000_000).contains(&number(&d)) && check == u32::from(d[8]) && !is_counting_or_repeated(value)
    })
}

/// New Zealand health index: three letters without I and O, then four digits modulo 11, or two digits, a letter and a
/// check letter modulo 24 (HISO 10046).
fn nz_nhi(value: &str) -> bool {
    const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
    alphanumerics::<7>(value).is_some_and(|c| {
        let value = |b: u8| match b {
            b'0'..=b'9' => Some(u32::from(b - b'0')),
            b => LETTERS.iter().position(|l| *l == b).and_then(|p| u32::try_from(p + 1).ok()),
        };
        let sum = c[..6].iter().zip((2..=7u32).rev()).try_fold(0, |sum, (b, w)| Some(sum + value(*b)? * w));
        let Some(sum) = sum else { return false };
        let letters = c[..3].iter().all(u8::is_ascii_uppercase) && c[3..5].iter().all(u8::is_ascii_digit);
        if c[5].is_ascii_digit() && c[6].is_ascii_digit() {
            let rest = sum % 11;
            letters && rest != 0 && (11 - rest) % 10 == u32::from(c[6] - b'0')
        } else {
            letters
                && c[5].is_ascii_uppercase()
                && LETTERS.get(usize::try_from(23 - sum % 24).unwrap_or(0)) == Some(&c[6])
        }
    })
}

/// Chinese resident identity: place, birth date, serial, ISO 7064 MOD 11-2 (GB 11643).
fn cn_ric(value: &str) -> bool {
    alphanumerics::<18>(value).is_some_and(|c| {
        let [body @ .., check] = c;
        let Some(d) = as_digits(body) else { return false };
        let sum = weighted(&d, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
        let expected = b"10X98765432".get(usize::try_from(sum % 11).unwrap_or(0));
        let year = number(&d[6..10]);
        matches!(number(&d[..2]), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
            && (1900..=2100).contains(&year)
            && is_day(year, number(&d[10..12]), number(&d[12..14]))
            && expected == Some(&check)
    })
}

/// Taiwanese identity: letter as two digits, sex (or a second letter for residents), weights 1 9 8 … 1 modulo 10.
fn tw_id(value: &str) -> bool {
    alphanumerics::<10>(value).is_some_and(|c| {
        let [letter, rest @ ..] = c;
        let order =
            b"ABCDEFGHJKLMNPQRSTUVXYWZIO".iter().position(|l| *l == letter).and_then(|p| u32::try_from(p + 10).ok());
        let (Some(place), Some(d)) = (order, as_digits(rest)) else { return false };
        let sum = place / 10 + place % 10 * 9 + weighted(&d, &[8, 7, 6, 5, 4, 3, 2, 1, 1]);
        matches!(d[0], 1 | 2 | 8 | 9) && sum.is_multiple_of(10) && !is_counting_or_repeated(value)
    })
}

/// Hong Kong identity: one or two letters, six digits, check modulo 11 that may be A.
fn hk_id(value: &str) -> bool {
    let compact: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase()).collect();
    let letters = compact.iter().take_while(|b| b.is_ascii_uppercase()).count();
    if !matches!((letters, compact.len()), (1, 8) | (2, 9)) {
        return false;
    }
    // A missing first letter counts as a space with the value 36.
    let blank = if letters == 1 { 36 * 9 } else { 0 };
    let Some((check, body)) = compact.split_last() else { return false };
    let sum = body.iter().rev().zip(2u32..).try_fold(blank, |sum, (b, w)| Some(sum + char::from(*b).to_digit(36)? * w));
    let expected = sum.map(|sum| (11 - sum % 11) % 11);
    let value = if *check == b'A' { Some(10) } else { char::from(*check).to_digit(10) };
    body.iter().skip(letters).all(u8::is_ascii_digit) && value.is_some() && value == expected
}

/// Singapore identity and foreign numbers: S, T, F, G or M, seven digits, check letter (weights 2 7 6 5 4 3 2 modulo 11).
fn sg_nric(value: &str) -> bool {
    alphanumerics::<9>(value).is_some_and(|c| {
        let [kind, a, b, c2, d, e, f, g, check] = c;
        let Some(d) = as_digits([a, b, c2, d, e, f, g]) else { return false };
        let sum = weighted(&d, &[2, 7, 6, 5, 4, 3, 2]);
        let (offset, letters): (u32, &[u8; 11]) = match kind {
            b'S' => (0, b"JZIHGFEDCBA"),
            b'T' => (4, b"JZIHGFEDCBA"),
            b'F' => (0, b"XWUTRQPNMLK"),
            b'G' => (4, b"XWUTRQPNMLK"),
            b'M' => (3, b"XWUTRQPNJLK"),
            _ => return false,
        };
        letters.get(usize::try_from((sum + offset) % 11).unwrap_or(0)) == Some(&check)
            && !all_same(&d)
            && !is_counting_or_repeated(value)
    })
}

/// South Korean resident number: birth date, sex and century, place up to 96, weights 2 to 9 and 2 to 5 modulo 11, two
/// more for foreigners. Numbers since October 2020 have neither place nor check, so the date and the seventh digit must
/// do for them (Ministry of the Interior and Safety, 2020).
fn kr_rrn(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| {
        let check = (11 - weighted(&d[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10;
        let foreign = matches!(d[6], 5..=8) && (check + 2) % 10 == u32::from(d[12]);
        let recent = matches!(d[6], 3 | 4 | 7 | 8) && (20..=40).contains(&number(&d[..2]));
        let old = number(&d[7..9]) <= 96 && (check == u32::from(d[12]) || foreign);
        let century = match d[6] {
            9 | 0 => 1800,
            1 | 2 | 5 | 6 => 1900,
            _ => 2000,
        };
        is_day(century + number(&d[..2]), number(&d[2..4]), number(&d[4..6])) && (old || recent)
    })
}

/// Japanese individual number: weights 6 5 4 3 2 7 6 5 4 3 2 modulo 11 (Ministerial ordinance 85 of 2014).
fn jp_my_number(value: &str) -> bool {
    digits::<12>(value).is_some_and(|d| {
        let check = match weighted(&d[..11], &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11 {
            0 | 1 => 0,
            n => 11 - n,
        };
        check == u32::from(d[11]) && !is_counting_or_repeated(value)
    })
}

/// Thai identity: thirteen digits, weights 13 to 2 modulo 11.
fn th_pin(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| {
        let check = (11 - weighted(&d[..12], &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 10;
        (1..=8).contains(&d[0]) && check == u32::from(d[12]) && !all_same(&d)
    })
}

/// Malaysian identity: birth date, place of birth in use, serial (JPN).
fn my_nric(value: &str) -> bool {
    digits::<12>(value).is_some_and(|d| {
        is_yymmdd(&d[..6])
            && matches!(number(&d[6..8]), 1..=16 | 21..=59 | 60..=68 | 71 | 72 | 74..=79 | 82..=93 | 98 | 99)
    })
}

/// Indonesian identity: a province, birth date with 40 more in the day for women, serial (Dukcapil; codes of Kemendagri).
fn id_nik(value: &str) -> bool {
    digits::<16>(value).is_some_and(|d| {
        let day = number(&d[6..8]);
        let day = if day > 40 { day - 40 } else { day };
        matches!(number(&d[..2]), 11..=19 | 21 | 31..=36 | 51..=53 | 61..=65 | 71..=76 | 81 | 82 | 91..=97)
            && super::date::is_short_day(number(&d[10..12]), number(&d[8..10]), day)
            && number(&d[12..]) > 0
    })
}

/// Pakistani identity: province 1 to 7, thirteen digits, last digit not 0 (NADRA).
fn pk_cnic(value: &str) -> bool {
    digits::<13>(value)
        .is_some_and(|d| (1..=7).contains(&d[0]) && d[12] != 0 && !all_same(&d) && !is_counting_or_repeated(value))
}
