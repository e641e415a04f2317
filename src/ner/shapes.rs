//! What a tokenizer forgets: the capitals of a token, and the space before it. A model that lowers all letters cannot tell
//! a name from a word by its look, nor code from prose; one that was trained with shapes gets both back for one addition.
//!
//! The training does the same in Python (`training/cordon_model/windows.py`); the golden file holds both to it.

use std::ops::Range;

/// What stands before a token.
const SPACINGS: u8 = 3;

/// The shape of each token: five kinds of capitals (none, lower, first upper, upper, mixed) times three kinds of what stands
/// before it (a character, a space, a line break or nothing).
pub(super) fn shapes(text: &str, tokens: &[Range<usize>]) -> Vec<u8> {
    tokens.iter().map(|range| shape(text, range)).collect()
}

fn shape(text: &str, range: &Range<usize>) -> u8 {
    let piece = text.get(range.clone()).unwrap_or_default();
    let (mut upper, mut lower) = (0_usize, 0_usize);
    for c in piece.chars() {
        upper += usize::from(c.is_uppercase());
        lower += usize::from(c.is_lowercase());
    }
    let capital = piece.chars().next().is_some_and(char::is_uppercase);
    let case = match (upper, lower) {
        (0, 0) => 0,
        (0, _) => 1,
        (1, _) if lower == 0 || capital => 2,
        (_, 0) => 3,
        _ => 4,
    };
    let spacing = match text.get(..range.start).and_then(|before| before.chars().next_back()) {
        None | Some('\n' | '\r') => 2,
        Some(c) => u8::from(c.is_whitespace()),
    };
    case * SPACINGS + spacing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, token: &str) -> (u8, u8) {
        let start = text.find(token).unwrap();
        let shape = shape(text, &(start..start + token.len()));
        (shape / SPACINGS, shape % SPACINGS)
    }

    #[test]
    fn capitals_and_spaces_make_the_shape() {
        let text = "Anna met IBM's McCoy\n(42) by B";
        assert_eq!(of(text, "Anna"), (2, 2));
        assert_eq!(of(text, "met"), (1, 1));
        assert_eq!(of(text, "IBM"), (3, 1));
        assert_eq!(of(text, "McCoy"), (4, 1));
        assert_eq!(of(text, "("), (0, 2));
        assert_eq!(of(text, "42"), (0, 0));
        assert_eq!(of("by B", "B"), (2, 1));
    }

    #[test]
    fn a_range_that_is_nowhere_has_a_shape_too() {
        assert_eq!(shape("é", &(1..9)), 2);
    }
}
