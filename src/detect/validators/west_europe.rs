//! Checks of numbers that Germany, Austria, Switzerland, France, the Netherlands, Belgium and Luxembourg give to
//! people and firms.

use super::Validator;
use super::checksum::{all_same, alphanumerics, as_digits, digits, luhn, mod_11_10, number, verhoeff, weighted};
use super::date::{is_day, is_short_day};
use super::mrz;
use super::placeholder::is_counting_or_repeated;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "de_tax_id" => de_tax_id,
        "de_social_security" => de_social_security,
        "de_passport" => de_passport,
        "de_id_card" => de_id_card,
        "de_driving_licence" => de_driving_licence,
        "de_vat" => de_vat,
        "at_svnr" => at_svnr,
        "at_tax" => at_tax,
        "at_uid" => at_uid,
        "ch_ahv" => ch_ahv,
        "ch_uid" => ch_uid,
        "fr_nir" => fr_nir,
        "fr_tax_id" => fr_tax_id,
        "fr_siren" => fr_siren,
        "fr_siret" => fr_siret,
        "fr_id_card" => fr_id_card,
        "nl_bsn" => nl_bsn,
        "nl_document" => nl_document,
        "be_national_number" => be_national_number,
        "be_id_card" => be_id_card,
        "be_enterprise" => be_enterprise,
        "lu_matricule" => lu_matricule,
        _ => return None,
    })
}

/// German tax identification: eleven digits, no leading zero, among the first ten one digit twice or thrice and the
/// rest at most once, ISO 7064 MOD 11,10 (Bundeszentralamt für Steuern).
fn de_tax_id(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let counts = (0..10u8).map(|digit| d.iter().take(10).filter(|x| **x == digit).count());
        let repeated = counts.clone().filter(|n| *n > 1).count();
        let most = counts.max().unwrap_or(0);
        d[0] != 0 && repeated == 1 && most <= 3 && mod_11_10(&d)
    })
}

/// German pension insurance number: area, birth date, letter of the name, serial, check with weights 2 1 2 5 7 1 2 1 2 1 2 1
/// over the digit sums (VKVV section 2).
fn de_social_security(value: &str) -> bool {
    alphanumerics::<12>(value).is_some_and(|c| {
        let [a, b, d1, d2, m1, m2, y1, y2, letter, s1, s2, check] = c;
        let Some(d) = as_digits([a, b, d1, d2, m1, m2, y1, y2, s1, s2, check]) else { return false };
        if !letter.is_ascii_uppercase() {
            return false;
        }
        // A second number for the same day and letter adds 50 to the day.
        let day = match number(&d[2..4]) {
            day @ 51.. => day - 50,
            day => day,
        };
        let born = is_short_day(number(&d[6..8]), number(&d[4..6]), day);
        let ordinal = letter - b'A' + 1;
        let all = [d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], ordinal / 10, ordinal % 10, d[8], d[9]];
        let sum: u32 = all
            .iter()
            .zip([2u32, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])
            .map(|(d, w)| u32::from(*d) * w)
            .map(|p| p / 10 + p % 10)
            .sum();
        born && sum % 10 == u32::from(d[10])
    })
}

/// German passport: C, F, G, H, J or K, then eight of the reduced alphabet; a tenth character is the check digit.
fn de_passport(value: &str) -> bool {
    german_document(value, b"CFGHJK")
}

/// German identity card: L, M, N, P, R, T, V, W, X, Y or Z, then eight of the reduced alphabet; a tenth is the check.
fn de_id_card(value: &str) -> bool {
    german_document(value, b"LMNPRTVWXYZ")
}

/// Nine characters that begin with one of these letters and hold two digits or more, with a valid tenth if there is one.
fn german_document(value: &str, first: &[u8]) -> bool {
    let shaped = |c: &[u8; 9]| {
        first.contains(&c[0])
            && c.iter().all(|b| mrz::de_document_character(*b))
            && c.iter().filter(|b| b.is_ascii_digit()).count() >= 2
    };
    alphanumerics::<9>(value).is_some_and(|c| shaped(&c))
        || alphanumerics::<10>(value).is_some_and(|c| {
            let [head @ .., check] = c;
            shaped(&head) && check.is_ascii_digit() && mrz::check(&head, check)
        })
}

/// German driving licence: authority (a letter and two digits, or more letters), serial, check, and issue: eleven
/// characters (FeV, annex 8).
fn de_driving_licence(value: &str) -> bool {
    alphanumerics::<11>(value).is_some_and(|c| {
        c[0].is_ascii_uppercase()
            && c[1..3].iter().all(u8::is_ascii_digit)
            && c.iter().filter(|b| b.is_ascii_digit()).count() >= 5
            && c[3..9].iter().any(u8::is_ascii_alphabetic)
    }) && !super::placeholder::is_placeholder(value)
}

/// German VAT number: nine digits, ISO 7064 MOD 11,10.
fn de_vat(value: &str) -> bool {
    digits::<9>(value.trim_start_matches(['D', 'E', 'd', 'e'])).is_some_and(|d| d[0] != 0 && mod_11_10(&d))
}

/// Austrian social insurance number: serial, check with weights 3 7 9 5 8 4 2 1 6 modulo 11 in the fourth place, birth
/// date; months 13 to 15 are used when the days run out (Dachverband der Sozialversicherungsträger).
fn at_svnr(value: &str) -> bool {
    digits::<10>(value).is_some_and(|d| {
        let serial = [d[0], d[1], d[2], d[4], d[5], d[6], d[7], d[8], d[9]];
        let month = number(&d[6..8]);
        let born =
            is_short_day(number(&d[8..10]), if (13..=15).contains(&month) { 1 } else { month }, number(&d[4..6]));
        d[0] != 0 && born && weighted(&serial, &[3, 7, 9, 5, 8, 4, 2, 1, 6]) % 11 == u32::from(d[3])
    })
}

/// Austrian tax number: office of two digits, seven more, Luhn with the doubled digits in even places.
fn at_tax(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| luhn(&d) && !all_same(&d) && number(&d[..2]) >= 3)
}

/// Austrian VAT number: U and eight digits, weights 1 and 2 with digit sums plus 4.
fn at_uid(value: &str) -> bool {
    let body = value.trim_start_matches(['A', 'T', 'U', 'a', 't', 'u', ' ']);
    digits::<8>(body).is_some_and(|d| {
        let sum: u32 =
            d[..7].iter().zip([1u32, 2].iter().cycle()).map(|(d, w)| u32::from(*d) * w).map(|p| p / 10 + p % 10).sum();
        (10 - (sum + 4) % 10) % 10 == u32::from(d[7])
    })
}

/// Swiss old-age insurance number: 756, nine digits, check of EAN-13 (Zentrale Ausgleichsstelle).
fn ch_ahv(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| {
        number(&d[..3]) == 756
            && weighted(&d, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_multiple_of(10)
            && !all_same(&d[3..])
    })
}

/// Swiss enterprise number: weights 5 4 3 2 7 6 5 4 modulo 11 (Bundesamt für Statistik).
fn ch_uid(value: &str) -> bool {
    let body = value.trim_start_matches(['C', 'H', 'E', '-', ' ']);
    let body = body.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ');
    digits::<9>(body).is_some_and(|d| {
        let check = (11 - weighted(&d[..8], &[5, 4, 3, 2, 7, 6, 5, 4]) % 11) % 11;
        check == u32::from(d[8]) && !all_same(&d)
    })
}

/// French social security number: sex, year, month, place (2A and 2B for Corsica), serial, key 97 minus the remainder
/// (INSEE, "Numéro d'inscription au répertoire").
fn fr_nir(value: &str) -> bool {
    alphanumerics::<15>(value).is_some_and(|c| {
        // Corsica's departments count as 19 and 18.
        let (place, corsica) = match (c[5], c[6]) {
            (b'2', b'A') => ([b'1', b'9'], true),
            (b'2', b'B') => ([b'1', b'8'], true),
            pair => ([pair.0, pair.1], false),
        };
        let mut plain = c;
        plain[5] = place[0];
        plain[6] = place[1];
        let Some(d) = as_digits(plain) else { return false };
        let month = number(&d[3..5]);
        let dated = matches!(month, 1..=12 | 20..=42 | 50..=99);
        // 20 was Corsica until 1976.
        let department = corsica || number(&d[5..7]) > 0;
        matches!(d[0], 1..=4 | 7 | 8) && dated && department && 97 - number(&d[..13]) % 97 == number(&d[13..])
    })
}

/// French tax number of a person: thirteen digits from 0 to 3, the last three the first ten modulo 511 (DGFiP).
fn fr_tax_id(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| d[0] <= 3 && number(&d[..10]) % 511 == number(&d[10..]) && !all_same(&d))
}

/// French firm: nine digits, Luhn (INSEE).
fn fr_siren(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| luhn(&d) && !all_same(&d))
}

/// French establishment: fourteen digits, Luhn. For those of the post office but its seat, the sum of the digits is a
/// multiple of five instead, because it has more of them than Luhn digits (INSEE).
fn fr_siret(value: &str) -> bool {
    digits::<14>(value).is_some_and(|d| {
        let post = number(&d[..9]) == 356_000_000 && number(&d[9..]) != 48;
        let checks = if post { d.iter().map(|d| u32::from(*d)).sum::<u32>().is_multiple_of(5) } else { luhn(&d) };
        !all_same(&d) && luhn(&d[..9]) && checks
    })
}

/// French identity card: twelve digits of the old form, or nine characters of the new.
fn fr_id_card(value: &str) -> bool {
    let old = digits::<12>(value).is_some_and(|d| matches!(number(&d[2..4]), 1..=12));
    let new = alphanumerics::<9>(value)
        .is_some_and(|c| c[0].is_ascii_uppercase() && c.iter().filter(|b| b.is_ascii_digit()).count() >= 2);
    (old || new) && !super::placeholder::is_placeholder(value)
}

/// Dutch citizen service number: weights 9 to 2 and −1 modulo 11 (Rijksdienst voor Identiteitsgegevens).
fn nl_bsn(value: &str) -> bool {
    let holds = |d: &[u8; 9]| {
        let sum = weighted(&d[..8], &[9, 8, 7, 6, 5, 4, 3, 2]);
        sum % 11 == u32::from(d[8]) && !all_same(d)
    };
    digits::<9>(value).is_some_and(|d| holds(&d) && !is_counting_or_repeated(value))
}

/// Dutch passport or identity card: two letters, six characters without O, and a digit.
fn nl_document(value: &str) -> bool {
    alphanumerics::<9>(value).is_some_and(|c| {
        c.iter().take(2).all(u8::is_ascii_uppercase)
            && !c.contains(&b'O')
            && c[8].is_ascii_digit()
            && c.iter().filter(|b| b.is_ascii_digit()).count() >= 3
    })
}

/// Belgian national number: birth date, serial, 97 minus the remainder, with a 2 in front for those born since 2000;
/// bis numbers add 20 or 40 to the month (Rijksregister).
fn be_national_number(value: &str) -> bool {
    digits::<11>(value).is_some_and(|d| {
        let (body, check) = (number(&d[..9]), number(&d[9..]));
        let (year, month, day) = (number(&d[..2]), number(&d[2..4]) % 20, number(&d[4..6]));
        let key = |n: u64| 97 - n % 97 == check;
        let unknown = day == 0 || month == 0;
        let born = |century: u64| unknown && month <= 12 && day <= 31 || is_day(century + year, month, day);
        number(&d[2..4]) <= 52 && (key(body) && born(1900) || key(2_000_000_000 + body) && year <= 40 && born(2000))
    })
}

/// Belgian identity card: twelve digits, the last two the first ten modulo 97.
fn be_id_card(value: &str) -> bool {
    digits::<12>(value).is_some_and(|d| {
        let remainder = match number(&d[..10]) % 97 {
            0 => 97,
            n => n,
        };
        remainder == number(&d[10..]) && !all_same(&d)
    })
}

/// Belgian enterprise number: 0 or 1, and 97 minus the remainder.
fn be_enterprise(value: &str) -> bool {
    let body = value.trim_start_matches(['B', 'E', ' ', 'b', 'e']);
    digits::<10>(body).is_some_and(|d| d[0] <= 1 && 97 - number(&d[..8]) % 97 == number(&d[8..]) && !all_same(&d))
}

/// Luxembourg identification number: birth date and serial, then a Luhn digit, then a Verhoeff digit over the first
/// eleven (CTIE).
fn lu_matricule(value: &str) -> bool {
    digits::<13>(value).is_some_and(|d| {
        let mut second = [0; 12];
        second.iter_mut().zip(&d[..11]).for_each(|(slot, digit)| *slot = *digit);
        second[11] = d[12];
        is_day(number(&d[..4]), number(&d[4..6]), number(&d[6..8]))
            && number(&d[..4]) >= 1850
            && luhn(&d[..12])
            && verhoeff(&second)
    })
}
