//! What normalisation does with one character: keep it, drop it, or put one ASCII byte in its place. Facts of the
//! Unicode Character Database only; which neighbours a dash has is the business of `normalise`.

/// What becomes of a character in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It stays as it is.
    Keep,
    /// It is invisible: it is left out.
    Drop,
    /// This ASCII byte stands for it.
    Ascii(u8),
    /// A dash of prose, which is a hyphen only beside a digit.
    Dash,
    /// An accent that stands apart from its letter: the two are one letter.
    Combine,
}

/// The zeros of the decimal digits (general category Nd) outside ASCII, in order; nine more digits follow each.
/// Source: Unicode 16.0, `extracted/DerivedNumericType.txt`.
const ZEROS: [u32; 75] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50,
    0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2,
    0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The ASCII digit of a decimal digit of any script.
pub(super) fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c as u8);
    }
    let code = c as u32;
    let zero = ZEROS.get(ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?)?;
    let value = u8::try_from(code - zero).ok()?;
    (value < 10).then(|| b'0' + value)
}

/// What becomes of a character.
pub(super) fn change(c: char) -> Change {
    match c {
        '\0'..='\u{84}' | '\u{86}'..='\u{9f}' => Change::Keep,
        '\u{85}' | '\u{2028}' | '\u{2029}' => Change::Ascii(b'\n'),
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Change::Ascii(b' '),
        // Quotation marks, primes.
        '\u{ab}' | '\u{bb}' | '\u{201c}'..='\u{201f}' | '\u{2033}' => Change::Ascii(b'"'),
        '\u{2018}'..='\u{201b}' | '\u{2032}' | '\u{2039}' | '\u{203a}' => Change::Ascii(b'\''),
        // Hyphens that join; the dashes of prose are left to their neighbours.
        '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2212}' | '\u{2043}' | '\u{fe63}' => Change::Ascii(b'-'),
        '\u{2013}'..='\u{2015}' => Change::Dash,
        // Default ignorable code points: soft hyphen, joiners, bidirectional controls, variation selectors, fillers,
        // byte order mark; and the key cap that encloses a digit.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{20e3}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' => Change::Drop,
        // Tag characters carry ASCII that no reader sees and a model may read: they are scanned as what they carry.
        '\u{e0020}'..='\u{e007e}' => low_byte(c),
        '\u{e0000}'..='\u{e0fff}' => Change::Drop,
        // Small forms and full-width forms.
        '\u{fe50}' => Change::Ascii(b','),
        '\u{fe52}' => Change::Ascii(b'.'),
        '\u{fe55}' => Change::Ascii(b':'),
        '\u{fe6b}' => Change::Ascii(b'@'),
        '\u{ff01}'..='\u{ff5e}' => u8::try_from(c as u32 - 0xff01 + 0x21).map_or(Change::Keep, Change::Ascii),
        // Mathematical letters: thirteen alphabets of 26 capitals and 26 small letters.
        '\u{1d400}'..='\u{1d6a3}' => match u8::try_from((c as u32 - 0x1d400) % 52) {
            Ok(index @ 0..26) => Change::Ascii(b'A' + index),
            Ok(index) => Change::Ascii(b'a' + index - 26),
            Err(_) => Change::Keep,
        },
        // Combining diacritical marks; U+034F among them is invisible.
        '\u{300}'..='\u{36f}' => Change::Combine,
        // Letters of mathematics that were encoded before the alphabets were, so that these have holes.
        'ℂ' => Change::Ascii(b'C'),
        '\u{210a}'..='\u{2134}' => letterlike(c).map_or(Change::Keep, Change::Ascii),
        // The common scripts, before the search for digits.
        '\u{a1}'..='\u{65f}' | '\u{3041}'..='\u{a61f}' | '\u{ac00}'..='\u{d7a3}' => Change::Keep,
        _ => digit(c).map_or(Change::Keep, Change::Ascii),
    }
}

/// The letters of `Letterlike Symbols` that are ASCII letters in another style.
/// Source: Unicode 16.0, `UnicodeData.txt`, compatibility decompositions of kind `<font>`.
fn letterlike(c: char) -> Option<u8> {
    Some(match c {
        'ℊ' => b'g',
        'ℋ' | 'ℌ' | 'ℍ' => b'H',
        'ℎ' => b'h',
        'ℐ' | 'ℑ' => b'I',
        'ℒ' => b'L',
        'ℓ' => b'l',
        'ℕ' => b'N',
        'ℙ' => b'P',
        'ℚ' => b'Q',
        'ℛ' | 'ℜ' | 'ℝ' => b'R',
        'ℤ' | 'ℨ' => b'Z',
        'ℬ' => b'B',
        'ℭ' => b'C',
        'ℯ' => b'e',
        'ℰ' => b'E',
        'ℱ' => b'F',
        'ℳ' => b'M',
        'ℴ' => b'o',
        _ => return None,
    })
}

fn low_byte(c: char) -> Change {
    u8::try_from(c as u32 & 0x7f).map_or(Change::Keep, Change::Ascii)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    fn all() -> impl Iterator<Item = char> {
        '\0'..=char::MAX
    }

    #[test]
    fn every_decimal_digit_of_unicode_becomes_ascii() {
        let decimal = Regex::new(r"^\p{Nd}$").unwrap();
        let mut buffer = [0; 4];
        for c in all() {
            let is_digit = decimal.is_match(c.encode_utf8(&mut buffer));
            assert_eq!(digit(c).is_some(), is_digit, "{c:?} U+{:04X}", c as u32);
            if is_digit && !c.is_ascii() {
                assert!(matches!(change(c), Change::Ascii(b'0'..=b'9')), "U+{:04X}", c as u32);
            }
        }
        assert_eq!(digit('٤'), Some(b'4'));
        assert_eq!(digit('𝟗'), Some(b'9'));
    }

    #[test]
    fn nothing_invisible_is_kept() {
        let ignorable = Regex::new(r"^\p{Default_Ignorable_Code_Point}$").unwrap();
        let mut buffer = [0; 4];
        for c in all() {
            if ignorable.is_match(c.encode_utf8(&mut buffer)) {
                assert_ne!(change(c), Change::Keep, "U+{:04X}", c as u32);
            }
        }
    }

    #[test]
    fn every_space_of_unicode_becomes_ascii() {
        for c in all().filter(|c| c.is_whitespace() && !c.is_ascii()) {
            assert!(matches!(change(c), Change::Ascii(b' ' | b'\n')), "U+{:04X}", c as u32);
        }
    }
}
