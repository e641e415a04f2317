//! Words of a text, independent of any tokenizer: a model that calls a piece of a word a name is asked about the whole
//! word. Linear in the text.

use std::ops::Range;

/// Whether a character belongs to the word before it without being a letter: combining marks, and what is invisible.
pub(super) fn extends(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6ed}' | '\u{93c}' | '\u{94d}' | '\u{9bc}' | '\u{9cd}'
        | '\u{a4d}' | '\u{acd}' | '\u{b4d}' | '\u{bcd}' | '\u{c4d}' | '\u{ccd}' | '\u{d4d}' | '\u{dca}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}'
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Whether words of this script are written without spaces; each character is then a word.
pub(super) fn unspaced(c: char) -> bool {
    matches!(c,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// The words, in order, not touching white space: runs of letters, digits and their marks; any other character alone.
pub(super) fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::with_capacity(text.len() / 5);
    let mut open = false;
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let letter = c.is_alphanumeric() && !unspaced(c);
        match words.last_mut() {
            Some(last) if open && (letter || extends(c)) => last.end = end,
            _ if c.is_whitespace() => open = false,
            _ => {
                open = letter;
                words.push(at..end);
            }
        }
    }
    words
}

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn letters_digits_and_marks_stay_together() {
        assert_eq!(of("Mr. O'Neil, 4b"), ["Mr", ".", "O", "'", "Neil", ",", "4b"]);
        assert_eq!(of("Jose\u{301} Nu\u{200b}ñez"), ["Jose\u{301}", "Nu\u{200b}ñez"]);
        assert_eq!(of("王小明 is"), ["王", "小", "明", "is"]);
        assert_eq!(of(" \n\t"), Vec::<&str>::new());
    }
}
