//! Lists of names and words that a small model does not know well enough: given names, surnames, and the words of the
//! English dictionary. They never find anything alone; they tip the balance where the model hesitates.
//!
//! Sources, with their licences in `NOTICE`: given names of the United States census of 1990 (public domain) and of
//! Faker's locales (MIT), names of months and weekdays left out; the 12,000 most frequent surnames of that census;
//! the uncapitalised entries of the SCOWL dictionary, size 60 (`dictionary-en` 4.0.0).

/// Lower case, one a line, in the order of bytes.
static GIVEN_NAMES: &str = include_str!("lists/given_names.txt");
static SURNAMES: &str = include_str!("lists/surnames.txt");
static WORDS: &str = include_str!("lists/words.txt");

/// Whether a word is a given name somewhere. Case is ignored.
pub(super) fn is_given_name(word: &str) -> bool {
    word_or_halves(GIVEN_NAMES, word)
}

/// Whether a word is a frequent surname. Case is ignored.
pub(super) fn is_surname(word: &str) -> bool {
    word_or_halves(SURNAMES, word)
}

/// Whether a word or the stem of its inflection stands uncapitalised in an English dictionary. Case is ignored.
pub(super) fn is_dictionary_word(word: &str) -> bool {
    let word = word.to_lowercase();
    let stem = |ending: &str, instead: &str| {
        word.strip_suffix(ending)
            .is_some_and(|stem| holds(WORDS, stem) || !instead.is_empty() && holds(WORDS, &format!("{stem}{instead}")))
    };
    const ENDINGS: [(&str, &str); 8] =
        [("s", ""), ("es", ""), ("ies", "y"), ("ed", "e"), ("ing", "e"), ("er", "e"), ("ly", ""), ("'s", "")];
    holds(WORDS, &word) || ENDINGS.iter().any(|(ending, instead)| stem(ending, instead))
}

/// Of a word with a hyphen, its first half counts: Jean-Luc, Anna-Maria.
fn word_or_halves(list: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    holds(list, &word) || word.split_once('-').is_some_and(|(first, _)| holds(list, first))
}

/// Whether a sorted list holds a line, by halving.
fn holds(list: &str, wanted: &str) -> bool {
    let bytes = list.as_bytes();
    let (mut low, mut high) = (0, bytes.len());
    while low < high {
        let middle = low.midpoint(high);
        let before = bytes.get(low..middle).unwrap_or_default();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(low, |at| low + at + 1);
        let rest = bytes.get(start..high).unwrap_or_default();
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        match line.cmp(wanted.as_bytes()) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_lower_case_and_all_found() {
        for list in [GIVEN_NAMES, SURNAMES, WORDS] {
            assert!(list.lines().is_sorted() && list.lines().count() > 10_000);
            for word in list.lines() {
                assert!(word == word.to_lowercase() && !word.contains(' ') && holds(list, word), "{word}");
            }
            for word in ["", "a", "zzzzz", "\u{10ffff}", "qqq", "\n"] {
                assert!(!holds(list, word), "{word:?}");
            }
        }
    }

    #[test]
    fn inflections_and_double_names_are_known() {
        for word in ["Houses", "running", "Liked", "policies", "quickly", "Maker"] {
            assert!(is_dictionary_word(word), "{word}");
        }
        assert!(!is_dictionary_word("Wiebke") && !is_dictionary_word("Anna"));
        assert!(is_given_name("ANNA") && is_given_name("Jean-Luc") && is_given_name("Solène"));
        assert!(is_surname("Smith") && !is_surname("Kubernetes"));
        // Dates are no names, though some of them are given.
        assert!(!is_given_name("June") && !is_given_name("Sunday"));
    }
}
