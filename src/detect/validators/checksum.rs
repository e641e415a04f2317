//! Arithmetic that check digits share: reading digits, weighted sums, Luhn, Verhoeff, and the ISO 7064 systems.
//!
//! Nothing here knows a country. Every function is total: a value of the wrong shape gives `None` or `false`.

use super::Validator;

/// The checks that belong to no type, for recognizers of a user's policy.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "luhn" => |value| collected(value).is_some_and(|digits| luhn(&digits) && digits.iter().any(|d| *d > 0)),
        "verhoeff" => |value| collected(value).is_some_and(|digits| verhoeff(&digits)),
        "mod_11_10" => |value| collected(value).is_some_and(|digits| mod_11_10(&digits)),
        "mod_97_10" => |value| mod_97(value.bytes().filter(u8::is_ascii_alphanumeric)) == Some(1),
        _ => return None,
    })
}

/// The digits of a value of 2 to 64 of them.
fn collected(value: &str) -> Option<Vec<u8>> {
    let count = digit_count(value);
    (2..=64).contains(&count).then(|| value.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect())
}

/// The decimal digits of `value`, when there are exactly `N` and nothing else but separators (space . - / and the like).
pub(super) fn digits<const N: usize>(value: &str) -> Option<[u8; N]> {
    let mut out = [0u8; N];
    let mut slots = out.iter_mut();
    for c in value.chars() {
        match c {
            '0'..='9' => *slots.next()? = digit(c)?,
            c if c.is_alphanumeric() => return None,
            _ => {}
        }
    }
    slots.next().is_none().then_some(out)
}

/// The ASCII letters and digits of `value` in upper case, when there are exactly `N` and no other letters.
pub(super) fn alphanumerics<const N: usize>(value: &str) -> Option<[u8; N]> {
    let mut out = [0u8; N];
    let mut slots = out.iter_mut();
    for c in value.chars() {
        if c.is_ascii_alphanumeric() {
            *slots.next()? = u8::try_from(c.to_ascii_uppercase()).ok()?;
        } else if c.is_alphanumeric() {
            return None;
        }
    }
    slots.next().is_none().then_some(out)
}

/// How many decimal digits `value` holds.
pub(super) fn digit_count(value: &str) -> usize {
    value.bytes().filter(u8::is_ascii_digit).count()
}

/// Value of one decimal digit.
pub(super) fn digit(c: char) -> Option<u8> {
    c.to_digit(10).and_then(|d| u8::try_from(d).ok())
}

/// Value of an ASCII digit, when every one of them is a digit.
pub(super) fn as_digits<const N: usize>(ascii: [u8; N]) -> Option<[u8; N]> {
    ascii.iter().all(u8::is_ascii_digit).then(|| ascii.map(|b| b - b'0'))
}

/// A run of decimal digits as a number.
pub(super) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |sum, d| sum.wrapping_mul(10).wrapping_add(u64::from(*d)))
}

/// A run of ASCII digits as a number; `None` if one is not a digit.
pub(super) fn ascii_number(ascii: &[u8]) -> Option<u64> {
    ascii
        .iter()
        .try_fold(0u64, |sum, b| b.is_ascii_digit().then(|| sum.wrapping_mul(10).wrapping_add(u64::from(b - b'0'))))
}

/// Sum of the digits, each times its weight; the shorter list decides the length.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(d, w)| u32::from(*d) * w).sum()
}

/// Whether all digits are the same.
pub(super) fn all_same(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| pair.first() == pair.last())
}

/// Luhn check digit at the end (ISO/IEC 7812-1, annex B).
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| match (i % 2, u32::from(*d) * 2) {
            (0, _) => u32::from(*d),
            (_, doubled) => doubled / 10 + doubled % 10,
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// ISO 7064 MOD 11,10 with its check digit at the end (German and Croatian tax numbers).
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10u32, |product, d| {
        let sum = match (product + u32::from(*d)) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    (11 - product) % 10 == u32::from(*check)
}

/// Remainder of a text of letters and digits modulo 97, letters counting 10 to 35 (ISO 7064 MOD 97-10 as ISO 13616
/// uses it).
pub(super) fn mod_97(characters: impl Iterator<Item = u8>) -> Option<u32> {
    characters.into_iter().try_fold(0u32, |remainder, b| {
        let value = char::from(b).to_digit(36)?;
        let shift = if value > 9 { 100 } else { 10 };
        Some((remainder * shift + value) % 97)
    })
}

/// Verhoeff check digit at the end (J. Verhoeff, "Error Detecting Decimal Codes", 1969): the dihedral group D5.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let permute = |times: usize, digit: u8| {
        (0..times % 8).fold(digit, |d, _| PERMUTATION.get(usize::from(d)).copied().unwrap_or(0))
    };
    let product = digits.iter().rev().enumerate().fold(0u8, |c, (i, d)| dihedral(c, permute(i, *d)));
    !digits.is_empty() && product == 0
}

/// Product in the dihedral group D5: rotations are 0 to 4, reflections 5 to 9.
fn dihedral(a: u8, b: u8) -> u8 {
    match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_want_the_exact_count_and_no_letters() {
        assert_eq!(digits::<4>("1-2 3/4"), Some([1, 2, 3, 4]));
        assert_eq!(digits::<4>("12345"), None);
        assert_eq!(digits::<4>("123"), None);
        assert_eq!(digits::<4>("12A34"), None);
        assert_eq!(alphanumerics::<3>("a-1.b"), Some(*b"A1B"));
        assert_eq!(alphanumerics::<3>("aß1b"), None);
    }

    #[test]
    fn check_systems_accept_published_values_and_refuse_one_changed_digit() {
        // Luhn's patent example, ISO 7064's 0794, Verhoeff's 2363.
        assert!(luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3]));
        assert!(!luhn(&[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 4]));
        assert!(mod_11_10(&[0, 7, 9, 4, 5]));
        assert!(!mod_11_10(&[0, 7, 9, 4, 6]));
        assert!(verhoeff(&[2, 3, 6, 3]));
        assert!(!verhoeff(&[2, 3, 6, 4]));
        assert!(!verhoeff(&[3, 2, 6, 3]), "a transposition is seen");
        assert_eq!(mod_97(b"794".iter().copied().chain(*b"44")), Some(1));
    }
}
