//! Calendar checks: whether digits name a real day, for identifiers that hold a date of birth and for dates in text.
//!
//! Years outside 1850 to 2100 are refused: versions and part numbers look like them, dates of people do not.

use super::Validator;
use super::checksum::number;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "calendar_date" => calendar_date,
        "birth_date" => birth_date,
        _ => return None,
    })
}

/// Whether this day exists in the Gregorian calendar.
pub(super) fn is_day(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=length).contains(&day)
}

/// Whether the day exists in some century: for identifiers with two digits of the year.
pub(super) fn is_short_day(year: u64, month: u64, day: u64) -> bool {
    is_day(1900 + year, month, day) || is_day(2000 + year, month, day)
}

/// Two-digit year, month, day from six digits.
pub(super) fn is_yymmdd(digits: &[u8]) -> bool {
    matches!(digits, [y1, y2, m1, m2, d1, d2]
        if is_short_day(number(&[*y1, *y2]), number(&[*m1, *m2]), number(&[*d1, *d2])))
}

/// Day, month, two-digit year from six digits.
pub(super) fn is_ddmmyy(digits: &[u8]) -> bool {
    matches!(digits, [d1, d2, m1, m2, y1, y2]
        if is_short_day(number(&[*y1, *y2]), number(&[*m1, *m2]), number(&[*d1, *d2])))
}

/// A date in text, numeric or spelled out: the numbers in it name a real day in some order of day, month and year.
pub(super) fn calendar_date(value: &str) -> bool {
    match groups(value) {
        // year first: 1979-04-23, or day first, or month first
        ([Some(a), Some(b), Some(c), None], _) => {
            let long = |n: (u64, usize)| n.1 == 4 && (1500..=2100).contains(&n.0);
            if long(a) {
                is_day(a.0, b.0, c.0)
            } else if long(c) {
                is_day(c.0, b.0, a.0) || is_day(c.0, a.0, b.0)
            } else if a.1 <= 2 && b.1 <= 2 && c.1 == 2 {
                is_short_day(c.0, b.0, a.0) || is_short_day(c.0, a.0, b.0) || is_short_day(a.0, b.0, c.0)
            } else {
                false
            }
        }
        // spelled-out month with day and year, in either order
        ([Some(a), Some(b), None, None], true) => {
            let year = |n: (u64, usize)| n.1 == 2 || (n.1 == 4 && (1500..=2100).contains(&n.0));
            let day = |n: (u64, usize)| n.1 <= 2 && (1..=31).contains(&n.0);
            (day(a) && year(b)) || (day(b) && year(a))
        }
        // compact: 19790423, 23041979, or 790423
        ([Some(a), None, None, None], false) => match a.1 {
            8 => {
                ((1850..=2100).contains(&(a.0 / 10_000)) && is_day(a.0 / 10_000, a.0 / 100 % 100, a.0 % 100))
                    || ((1850..=2100).contains(&(a.0 % 10_000))
                        && is_day(a.0 % 10_000, a.0 / 10_000 % 100, a.0 / 1_000_000))
            }
            6 => {
                is_short_day(a.0 / 10_000, a.0 / 100 % 100, a.0 % 100)
                    || is_short_day(a.0 % 100, a.0 / 100 % 100, a.0 / 10_000)
            }
            _ => false,
        },
        _ => false,
    }
}

/// A date on which a living or recent person can have been born: a calendar date whose year, where it has four
/// digits, is 1850 or later.
fn birth_date(value: &str) -> bool {
    let year = groups(value).0.into_iter().flatten().find(|group| group.1 == 4).map_or(1950, |group| group.0);
    (1850..=2100).contains(&year) && calendar_date(value)
}

/// The first four groups of digits as (number, count of digits), and whether a month is spelled out (three letters in
/// a row).
fn groups(value: &str) -> ([Option<(u64, usize)>; 4], bool) {
    let mut out = [None; 4];
    let mut slots = out.iter_mut();
    for group in value.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty() && group.len() <= 8) {
        if let (Some(slot), Ok(number)) = (slots.next(), group.parse()) {
            *slot = Some((number, group.len()));
        }
    }
    (out, value.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() >= 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_days_pass_and_impossible_ones_do_not() {
        for good in [
            "1979-04-23",
            "23.04.1979",
            "4/23/1979",
            "3/28/46",
            "12 aprile 1981",
            "June 5, 1985",
            "29.02.2000",
            "19880611",
        ] {
            assert!(calendar_date(good), "{good}");
        }
        for bad in
            ["1979-13-23", "31.04.1979", "29.02.1900", "45/67/1990", "1.2.3.4", "99 June", "20251399", "3.14.159"]
        {
            assert!(!calendar_date(bad), "{bad}");
        }
        assert!(birth_date("5 August 1930"));
        assert!(!birth_date("1732-02-22"), "long dead");
        assert!(is_yymmdd(&[0, 0, 0, 2, 2, 9]) && !is_yymmdd(&[0, 1, 0, 2, 2, 9]));
        assert!(is_ddmmyy(&[2, 9, 0, 2, 0, 0]) && !is_ddmmyy(&[3, 1, 0, 2, 0, 0]));
    }
}
