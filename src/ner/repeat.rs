//! Names that stand in full somewhere are found wherever they stand again: the surname alone in the next paragraph, the
//! given name in an answer, a cell, a log line. The model judges each window by itself; the document is one.
//!
//! It must only learn from names that are beyond doubt, because a mistake would be repeated with them.

use std::collections::HashMap;
use std::ops::Range;

use super::filter::is_glued;
use super::lexicon::{is_dictionary_word, is_given_name};
use super::stopwords::{class_of, is_country, is_determiner, is_particle};
use super::wording::is_name_of_body;
use super::words::words;

/// Least score of a name in full that is learnt.
const SURE: f32 = 0.8;
/// The same where no list of given names knows a word of it.
const SURE_UNLISTED: f32 = 0.95;
/// What a repetition scores at most: it stands where the model saw nothing.
const REPEATED: f32 = 0.75;
/// Shorter words are initials and particles.
const SHORTEST: usize = 3;
/// Words that are remembered of one document.
const MOST_NAMES: usize = 4096;

/// The words of the names in a document.
#[derive(Default)]
pub(super) struct Names {
    /// In lower case, with the score of the name.
    words: HashMap<String, f32>,
}

impl Names {
    /// Learns the words of a name, if it is in full and sure, or a given name alone and sure.
    pub(super) fn learn(&mut self, name: &str, score: f32) {
        let parts: Vec<&str> = name.split_whitespace().filter(|part| part.chars().count() >= SHORTEST).collect();
        let listed = parts.iter().any(|part| is_given_name(part));
        let least = if listed { SURE } else { SURE_UNLISTED };
        if score < least || parts.len() < 2 && !listed {
            return;
        }
        for part in parts {
            let capital = part.chars().next().is_some_and(char::is_uppercase);
            let common = is_dictionary_word(part) || class_of(part).is_some() || is_country(part) || is_particle(part);
            if capital && !common && self.words.len() < MOST_NAMES {
                let known = self.words.entry(part.to_lowercase()).or_insert(score);
                *known = known.max(score);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Where the words stand again outside `taken`, which is in order; neighbours are one name.
    pub(super) fn find(&self, text: &str, taken: &[Range<usize>]) -> Vec<(Range<usize>, f32)> {
        let mut found: Vec<(Range<usize>, f32)> = Vec::new();
        let mut taken = taken.iter().peekable();
        let mut before = "";
        for range in words(text) {
            let word = text.get(range.clone()).unwrap_or_default();
            let last = std::mem::replace(&mut before, word);
            if !word.chars().next().is_some_and(char::is_uppercase) || word.chars().count() < SHORTEST {
                continue;
            }
            while taken.next_if(|other| other.end <= range.start).is_some() {}
            if taken.peek().is_some_and(|other| other.start < range.end) {
                continue;
            }
            let Some(score) = self.words.get(&word.to_lowercase()) else { continue };
            if is_determiner(last) || is_glued(text, &range) || is_name_of_body(text, &range) {
                continue;
            }
            match found.last_mut() {
                Some((open, _)) if matches!(text.get(open.end..range.start), Some(" " | "-")) => open.end = range.end,
                _ => found.push((range, score.min(REPEATED))),
            }
        }
        found
    }
}

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod tests {
    use super::*;

    fn again<'t>(names: &[(&str, f32)], text: &'t str) -> Vec<&'t str> {
        let mut known = Names::default();
        names.iter().for_each(|(name, score)| known.learn(name, *score));
        known.find(text, &[]).into_iter().map(|(range, _)| &text[range]).collect()
    }

    #[test]
    fn parts_of_a_full_name_are_found_again() {
        let names = [("Wiebke van Holtgrewe", 0.9)];
        assert_eq!(again(&names, "Then Holtgrewe left; Wiebke stayed."), ["Holtgrewe", "Wiebke"]);
        assert_eq!(again(&names, "HOLTGREWE signed, Wiebke Holtgrewe too"), ["HOLTGREWE", "Wiebke Holtgrewe"]);
        for text in [
            "the Holtgrewe case",
            "Holtgrewe GmbH was sold",
            "see holtgrewe.rs and Holtgrewe_id",
            "Holtgrewes and van",
            "write to wiebke@example.com",
        ] {
            assert!(again(&names, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn doubtful_names_and_words_of_the_dictionary_are_not_learnt() {
        assert!(again(&[("Wiebke Holtgrewe", 0.7)], "Holtgrewe").is_empty());
        assert!(again(&[("Naczelny Sąd", 0.9)], "Sąd").is_empty(), "no given name in it");
        assert!(again(&[("Holtgrewe", 0.99)], "Holtgrewe").is_empty(), "a single word that no list knows");
        assert_eq!(again(&[("Alex Winter", 0.99)], "Winter and Alex"), ["Alex"], "a season");
    }

    #[test]
    fn what_is_taken_stays_as_it_is() {
        let mut known = Names::default();
        known.learn("Anna Holtgrewe", 0.9);
        let text = "Holtgrewe, Holtgrewe and Anna";
        let taken = [0..9, 25..29];
        let places: Vec<usize> = known.find(text, &taken).into_iter().map(|(range, _)| range.start).collect();
        assert_eq!(places, [11]);
    }
}
