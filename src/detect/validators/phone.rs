//! Checks of telephone numbers in the international form, and of the North American plan, which is one plan for many
//! countries.
//!
//! Numbers that regulators reserve for fiction are refused. Lengths count significant digits, without country code and
//! trunk prefix.

use super::Validator;
use super::checksum::{all_same, digit, number};

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "phone_international" => phone_international,
        "phone_nanp" => phone_nanp,
        "phone_nanp_loose" => phone_nanp_loose,
        "phone_toll_free" => phone_toll_free,
        "phone_plausible" => phone_plausible,
        _ => return None,
    })
}

/// Up to 15 digits of a number (ITU-T E.164), and how many there are. An extension is cut off first.
pub(super) fn dialled(value: &str) -> Option<([u8; 18], usize)> {
    let number = value.find(['x', 'X', 'e', 'E', '#', ';']).and_then(|at| value.get(..at)).unwrap_or(value);
    let mut out = [0u8; 18];
    let mut count = 0;
    for (slot, c) in out.iter_mut().zip(number.chars().filter(char::is_ascii_digit)) {
        *slot = digit(c)?;
        count += 1;
    }
    (number.chars().filter(char::is_ascii_digit).count() <= 18).then_some((out, count))
}

/// Country code, and the fewest and most significant digits that follow (ITU-T E.164 assignments and the national plans
/// that the ITU publishes). Codes not listed here but assigned take 6 to 12.
const LENGTHS: &[(u64, usize, usize)] = &[
    (1, 10, 10),
    (7, 10, 10),
    (20, 8, 10),
    (27, 9, 9),
    (30, 10, 10),
    (31, 9, 9),
    (32, 8, 9),
    (33, 9, 9),
    (34, 9, 9),
    (36, 8, 9),
    (39, 6, 11),
    (40, 9, 9),
    (41, 9, 9),
    (43, 4, 13),
    (44, 9, 10),
    (45, 8, 8),
    (46, 7, 10),
    (47, 8, 8),
    (48, 9, 9),
    (49, 6, 12),
    (51, 8, 9),
    (52, 10, 10),
    (54, 10, 11),
    (55, 10, 11),
    (56, 9, 9),
    (57, 10, 10),
    (60, 7, 10),
    (61, 9, 9),
    (62, 8, 12),
    (63, 8, 10),
    (64, 8, 10),
    (65, 8, 8),
    (66, 8, 9),
    (81, 9, 10),
    (82, 8, 10),
    (84, 9, 10),
    (86, 9, 11),
    (90, 10, 10),
    (91, 10, 10),
    (92, 9, 10),
    (94, 9, 9),
    (98, 10, 10),
    (212, 9, 9),
    (234, 8, 10),
    (254, 9, 10),
    (351, 9, 9),
    (352, 6, 9),
    (353, 7, 9),
    (354, 7, 9),
    (355, 8, 9),
    (356, 8, 8),
    (357, 8, 8),
    (358, 6, 11),
    (359, 8, 9),
    (370, 8, 8),
    (371, 8, 8),
    (372, 7, 8),
    (380, 9, 9),
    (381, 8, 10),
    (385, 8, 9),
    (386, 8, 8),
    (420, 9, 9),
    (421, 9, 9),
    (852, 8, 8),
    (886, 8, 9),
    (966, 9, 9),
    (971, 8, 9),
    (972, 8, 9),
];

/// Two-digit and three-digit country codes in use, and 1 and 7 (ITU-T E.164, list of assigned codes).
fn country_code(digits: &[u8]) -> Option<(u64, usize)> {
    let first = *digits.first()?;
    if first == 1 || first == 7 {
        return Some((u64::from(first), 1));
    }
    let two = number(digits.get(..2)?);
    if matches!(two, 20 | 27 | 30..=34 | 36 | 39..=41 | 43..=49 | 51..=58 | 60..=66 | 81 | 82 | 84 | 86 | 90..=95 | 98)
    {
        return Some((two, 2));
    }
    let three = number(digits.get(..3)?);
    matches!(three, 211..=213 | 216 | 218 | 220..=269 | 290 | 291 | 297..=299 | 350..=359 | 370..=378 | 380..=383 | 385..=387 | 389 | 420 | 421 | 423
        | 500..=509 | 590..=599 | 670 | 672..=683 | 685..=692 | 800 | 850 | 852 | 853 | 855 | 856 | 870 | 880 | 883 | 886 | 888 | 960..=968 | 970..=977
        | 979 | 992..=996 | 998)
    .then_some((three, 3))
}

/// A number with `+` or `00` and a country code: assigned code, length of that country, not fiction, not a blank.
fn phone_international(value: &str) -> bool {
    let Some((padded, count)) = dialled(value) else { return false };
    let all = padded.get(..count).unwrap_or_default();
    // `00` and `011` are what one dials for the plus sign.
    let digits = match all {
        [0, 0, rest @ ..] | [0, 1, 1, rest @ ..] if !value.contains('+') => rest,
        rest => rest,
    };
    let Some((code, length)) = country_code(digits) else { return false };
    let national = digits.get(length..).unwrap_or_default();
    // The trunk zero in `+44 (0)20` is not part of the number; Italy's zero is.
    let significant = match national {
        [0, rest @ ..] if code != 39 => rest,
        rest => rest,
    };
    let (shortest, longest) = LENGTHS.iter().find(|entry| entry.0 == code).map_or((6, 12), |entry| (entry.1, entry.2));
    let blank = significant.len() < 4 || all_same(significant.get(1..).unwrap_or_default());
    let plan = match code {
        1 => is_nanp(significant),
        44 => !super::phone_national::is_uk_drama(significant),
        61 => !super::phone_national::is_au_fiction(significant),
        _ => true,
    };
    (shortest..=longest).contains(&significant.len()) && !blank && plan && !counting(significant)
}

/// Area code and exchange begin with 2 to 9 and do not end in 11; 555-0100 to 555-0199 is fiction (NANPA, numbering
/// rules; ATIS-0300115).
pub(super) fn is_nanp(digits: &[u8]) -> bool {
    match digits {
        [a, b, c, d, e, f, rest @ ..] if rest.len() == 4 => {
            let service = |x: u8, y: u8| x == 1 && y == 1;
            let fiction = (*d, *e, *f) == (5, 5, 5) && matches!(rest, [0, 1, ..] | [1, 2, 1, 2]);
            *a >= 2
                && *d >= 2
                && !service(*b, *c)
                && !service(*e, *f)
                && !fiction
                && !(*a == 5 && *b == 5 && *c == 5)
                && *b != 9
                && !all_same(digits.get(3..).unwrap_or_default())
                && !counting(digits)
        }
        _ => false,
    }
}

/// Digits of a North American number, without the leading 1 (and `001`).
fn nanp_digits(value: &str) -> Option<[u8; 10]> {
    let (padded, count) = dialled(value)?;
    let digits = match padded.get(..count)? {
        [0, 0, 1, rest @ ..] | [1, rest @ ..] => rest,
        rest => rest,
    };
    digits.try_into().ok()
}

/// Toll-free area codes, which organisations publish.
fn is_toll_free(digits: &[u8; 10]) -> bool {
    matches!(number(&digits[..3]), 800 | 822 | 833 | 844 | 855 | 866 | 877 | 888)
}

/// A North American number that is not toll-free.
fn phone_nanp(value: &str) -> bool {
    nanp_digits(value).is_some_and(|d| is_nanp(&d) && !is_toll_free(&d))
}

/// Ten digits in the North American shape whose exchange breaks the rules: a typing error, or an invented number. Worth
/// a finding only next to a word for telephones.
fn phone_nanp_loose(value: &str) -> bool {
    nanp_digits(value).is_some_and(|d| {
        let fiction = d[3] == 5 && d[4] == 5 && d[5] == 5;
        !fiction && !is_toll_free(&d) && !all_same(&d[1..]) && !counting(&d)
    })
}

/// A North American toll-free number.
fn phone_toll_free(value: &str) -> bool {
    nanp_digits(value).is_some_and(|d| is_nanp(&d) && is_toll_free(&d))
}

/// Digits next to a word for telephones: 6 to 15 of them, not one repeated, not counting, not an American number for
/// fiction.
fn phone_plausible(value: &str) -> bool {
    let Some((padded, count)) = dialled(value) else { return false };
    let digits = padded.get(..count).unwrap_or_default();
    let fiction = nanp_digits(value).is_some_and(|d| (d[3], d[4], d[5], d[6], d[7]) == (5, 5, 5, 0, 1));
    let local_fiction = matches!(digits, [5, 5, 5, 0, 1, ..]) && count == 7;
    let drama = matches!(digits, [0, rest @ ..] if super::phone_national::is_uk_drama(rest));
    (6..=15).contains(&count)
        && !all_same(digits.get(1..).unwrap_or_default())
        && !counting(digits)
        && !fiction
        && !local_fiction
        && !drama
}

/// Whether the digits count up or down by one all the way, as in 1234567890.
pub(super) fn counting(digits: &[u8]) -> bool {
    let steps = |step: u8| {
        digits.windows(2).all(|pair| match pair {
            [a, b] => (a + step) % 10 == *b,
            _ => false,
        })
    };
    digits.len() >= 6 && (steps(1) || steps(9))
}
