//! Checks of numbers that South Africa, Turkey, Israel, Egypt, the Emirates, Saudi Arabia and Kuwait give to people.

use super::Validator;
use super::checksum::{all_same, digits, luhn, number, weighted};
use super::date::{is_day, is_yymmdd};
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "za_id" => za_id,
        "tr_tckn" => tr_tckn,
        "tr_vkn" => tr_vkn,
        "il_id" => il_id,
        "eg_national_id" => eg_national_id,
        "ae_emirates_id" => ae_emirates_id,
        "sa_national_id" => sa_national_id,
        "kw_civil_id" => kw_civil_id,
        _ => return None,
    })
}

/// South African identity: birth date, serial, citizenship 0 to 2, Luhn (Department of Home Affairs).
fn za_id(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| is_yymmdd(&d[..6]) && d[10] <= 2 && luhn(&d))
}

/// Turkish identity: first digit not 0; tenth is 7 times the odd places minus the even ones modulo 10, eleventh the sum
/// of the first ten (Nüfus ve Vatandaşlık İşleri).
fn tr_tckn(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let odd = weighted(&d[..9], &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
        let even = weighted(&d[..9], &[0, 1, 0, 1, 0, 1, 0, 1, 0]);
        let total: u32 = d[..10].iter().map(|d| u32::from(*d)).sum();
        d[0] != 0 && (odd * 7 + 1000 - even) % 10 == u32::from(d[9]) && total % 10 == u32::from(d[10])
    })
}

/// Turkish tax number: ten digits, each of nine shifted by its place and multiplied by a power of two modulo 9.
fn tr_vkn(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        let sum: u32 = d[..9]
            .iter()
            .zip((1..=9u32).rev())
            .map(|(d, place)| {
                let shifted = (u32::from(*d) + place) % 10;
                match (shifted * (1 << place)) % 9 {
                    0 if shifted != 0 => 9,
                    n => n,
                }
            })
            .sum();
        (10 - sum % 10) % 10 == u32::from(d[9]) && !is_counting_or_repeated(value)
    })
}

/// Israeli identity: nine digits, Luhn (Population Authority).
fn il_id(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| luhn(&d) && !is_counting_or_repeated(value))
}

/// Egyptian identity: century 2 or 3, birth date, governorate (Civil Status Organisation).
fn eg_national_id(value: &str) -> bool {
    digits::<14>(value).is_some_and(|d| {
        let century = match d[0] {
            2 => 1900,
            3 => 2000,
            _ => return false,
        };
        is_day(century + number(&d[1..3]), number(&d[3..5]), number(&d[5..7]))
            && matches!(number(&d[7..9]), 1..=4 | 11..=19 | 21..=29 | 31..=35 | 88)
    })
}

/// Emirates identity: 784, year of birth, serial, Luhn (Federal Authority for Identity).
fn ae_emirates_id(value: &str) -> bool {
    digits::<15>(value).is_some_and(|d| number(&d[..3]) == 784 && (1900..=2100).contains(&number(&d[3..7])) && luhn(&d))
}

/// Saudi identity or residence: ten digits, first 1 or 2, Luhn (Ministry of Interior).
fn sa_national_id(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| matches!(d[0], 1 | 2) && luhn(&d) && !all_same(&d[1..]))
}

/// Kuwaiti civil number: century 1 to 3, birth date, weights 2 1 6 3 7 9 10 5 8 4 2 modulo 11 (PACI).
fn kw_civil_id(value: &str) -> bool {
    digits::<12>(value).is_some_and(|d| {
        let century = match d[0] {
            1 => 1800,
            2 => 1900,
            3 => 2000,
            _ => return false,
        };
        let check = 11 - weighted(&d[..11], &[2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11;
        is_day(century + number(&d[1..3]), number(&d[3..5]), number(&d[5..7])) && check == u32::from(d[11])
    })
}
