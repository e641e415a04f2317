//! Words that the model doubts and that the words around them make sure: the surname behind a given name, a given name
//! that the lists know, a given name with a surname. A small model gives a rare name a tenth of its probability outside
//! a sentence like those that it was trained on; a list of names and a neighbour tell as much as the model does.
//!
//! It must not raise a word of code or of the dictionary: there a list of names proves nothing.

use std::ops::Range;

use super::decode::LabelledWord;
use super::filter::is_glued;
use super::labels::{LabelSet, Role};
use super::lexicon::{is_dictionary_word, is_given_name, is_surname};
use super::prose::{Capitals, Looks};
use super::spans::Placed;
use super::words::words;

/// Least probability of a word of the lists that is also a word of the dictionary: Rose, Mark, Will.
const AMBIGUOUS_FLOOR: f32 = 0.2;
/// The same in code, logs and tables, for any name.
const MACHINE_FLOOR: f32 = 0.2;
/// Least probability of a small word beside a name, where nobody writes capitals.
const SMALL_FLOOR: f32 = 0.3;
/// What a raised word scores. Nine in ten of them are people, on the texts that this was measured on; the score stays
/// below that of a name in which model and list agree.
const RAISED: f32 = 0.65;

/// The words of a part.
#[derive(Default)]
pub(super) struct Row {
    /// Words that are something, in order.
    pub(super) words: Vec<Placed>,
    /// Words that the model doubts, in order.
    pub(super) weak: Vec<Placed>,
}

/// A word and whether it is sure by now.
struct Candidate {
    placed: Placed,
    sure: bool,
    person: bool,
}

/// Raises the words that are names after all; what stays weak is left in `weak`.
pub(super) fn raise(text: &str, row: Row, labels: &LabelSet) -> Row {
    let person = |placed: &Placed| labels.kinds.get(placed.word.kind).is_some_and(|kind| kind.role.is_person());
    let with = |sure: bool| move |placed: Placed| Candidate { person: person(&placed), placed, sure };
    let mut all: Vec<Candidate> =
        row.words.into_iter().map(with(true)).chain(row.weak.into_iter().map(with(false))).collect();
    all.sort_by_key(|candidate| candidate.placed.word.range.start);
    for candidate in all.iter_mut().filter(|candidate| !candidate.sure && candidate.person) {
        if is_listed(text, &candidate.placed) {
            candidate.sure = true;
            candidate.placed.word.score = RAISED;
        }
    }
    extend(text, all.iter_mut());
    extend(text, all.iter_mut().rev());
    full_names(text, &mut all, labels);
    let mut row = Row::default();
    for candidate in all {
        if candidate.sure { row.words.push(candidate.placed) } else { row.weak.push(candidate.placed) }
    }
    row
}

/// Whether a word is a given name by form and list.
fn is_listed(text: &str, placed: &Placed) -> bool {
    let Some(word) = text.get(placed.word.range.clone()) else { return false };
    if !is_title_case(word) && !is_speaker(text, &placed.word.range) || is_glued(text, &placed.word.range) {
        return false;
    }
    let score = placed.word.score;
    is_given_name(word)
        && (score >= AMBIGUOUS_FLOOR || !is_dictionary_word(word))
        && (score >= MACHINE_FLOOR || !placed.looks.is_machine())
}

/// A capital and then small letters; also in both halves of a double name.
fn is_title_case(word: &str) -> bool {
    word.split(['-', '\'', '’']).all(|half| {
        let mut letters = half.chars();
        letters.next().is_some_and(char::is_uppercase) && letters.all(|c| !c.is_uppercase() && c.is_alphabetic())
    }) && word.chars().count() >= 3
}

/// Whether a word in capitals opens its line and a colon follows, as whoever speaks does in a transcript.
fn is_speaker(text: &str, range: &Range<usize>) -> bool {
    let opens = text.get(..range.start).is_some_and(|before| before.is_empty() || before.ends_with('\n'));
    let word = text.get(range.clone()).unwrap_or_default();
    let capitals = word.chars().count() >= 3 && word.chars().all(char::is_uppercase);
    capitals && opens && text.get(range.end..).is_some_and(|after| after.starts_with(": "))
}

/// Raises the doubtful words of a name beside its sure ones, in the order in which they come.
fn extend<'c>(text: &str, candidates: impl Iterator<Item = &'c mut Candidate>) {
    let mut last: Option<&Candidate> = None;
    for candidate in candidates {
        if let Some(sure) = last.filter(|last| last.sure && last.person)
            && candidate.person
            && !candidate.sure
            && continues(text, &sure.placed.word.range, &candidate.placed)
        {
            candidate.sure = true;
            candidate.placed.word.begins = false;
            candidate.placed.word.score = candidate.placed.word.score.max(RAISED);
        }
        last = Some(candidate);
    }
}

/// Whether a doubtful word stands directly beside a word of a name and could be one.
fn continues(text: &str, sure: &Range<usize>, placed: &Placed) -> bool {
    let range = &placed.word.range;
    let gap = text.get(sure.end.min(range.end)..sure.start.max(range.start)).unwrap_or_default();
    let Some(word) = text.get(range.clone()) else { return false };
    let capital = word.chars().next().is_some_and(char::is_uppercase);
    let small = placed.looks.capitals == Capitals::None && placed.word.score >= SMALL_FLOOR;
    let initial =
        gap.trim().strip_suffix('.').is_some_and(|c| c.chars().count() == 1 && c.chars().all(char::is_uppercase));
    (initial || matches!(gap, "" | " " | "\u{a0}" | "-" | "." | ". " | "'" | "’"))
        && !is_glued_beyond(text, sure, range)
        && (capital || small && word.chars().all(char::is_alphabetic) || word == "." || word == "-")
}

/// Whether a word is a piece of something longer on the side that does not face its neighbour.
fn is_glued_beyond(text: &str, sure: &Range<usize>, range: &Range<usize>) -> bool {
    is_glued(text, &(sure.start.min(range.start)..sure.end.max(range.end)))
}

/// A given name and a frequent surname, side by side, are a name though the model saw nothing.
fn full_names(text: &str, all: &mut Vec<Candidate>, labels: &LabelSet) {
    let kind_of = |wanted: Role| labels.kinds.iter().position(|kind| kind.role == wanted);
    let person = kind_of(Role::Person);
    let (Some(given), Some(surname)) = (kind_of(Role::GivenName).or(person), kind_of(Role::Surname).or(person)) else {
        return;
    };
    let mut found: Vec<Candidate> = Vec::new();
    let mut before: Option<Range<usize>> = None;
    for range in words(text) {
        let Some(word) = text.get(range.clone()) else { continue };
        if !is_title_case(word) {
            before = None;
            continue;
        }
        if let Some(first) = before.take()
            && text.get(first.end..range.start) == Some(" ")
            && is_surname(word)
            && !is_dictionary_word(word)
            && !is_glued(text, &(first.start..range.end))
            && !is_known(all, &first, &range)
        {
            for (range, kind, begins) in [(first, given, true), (range.clone(), surname, false)] {
                let word = LabelledWord { range, kind, begins, score: RAISED };
                let placed = Placed { word, looks: Looks::default() };
                found.push(Candidate { placed, sure: true, person: true });
            }
            continue;
        }
        before = (is_given_name(word) && !is_dictionary_word(word)).then_some(range);
    }
    if found.is_empty() {
        return;
    }
    let replaced = |candidate: &Candidate| {
        let start = candidate.placed.word.range.start;
        let after = found.partition_point(|new| new.placed.word.range.end <= start);
        found.get(after).is_some_and(|new| new.placed.word.range.start < candidate.placed.word.range.end)
    };
    all.retain(|candidate| !replaced(candidate));
    all.append(&mut found);
    all.sort_by_key(|candidate| candidate.placed.word.range.start);
}

/// Whether the model is sure about one of two words.
fn is_known(all: &[Candidate], first: &Range<usize>, second: &Range<usize>) -> bool {
    let from = all.partition_point(|candidate| candidate.placed.word.range.end <= first.start);
    let near = all.get(from..).unwrap_or_default();
    near.iter().take_while(|candidate| candidate.placed.word.range.start < second.end).any(|candidate| candidate.sure)
}

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ner::spans::entities;

    const LABELS: [&str; 5] = ["O", "GIVEN_NAME", "SURNAME", "CITY", "STREET_NAME"];

    /// The entities of a text whose words have these labels and probabilities; from 0.4 on the model is sure.
    fn found(text: &str, labelled: &[(&str, &str, f32)]) -> Vec<String> {
        let names: Vec<String> = LABELS.iter().map(|label| (*label).to_owned()).collect();
        let labels = LabelSet::new(&names, &BTreeMap::new(), None).unwrap();
        let looks = Looks::of(text);
        let mut row = Row::default();
        for (word, label, score) in labelled {
            let start = text.find(word).unwrap();
            let kind = labels.kinds.iter().position(|kind| &*kind.name == *label).unwrap();
            let word = LabelledWord { range: start..start + word.len(), kind, begins: false, score: *score };
            let list = if *score >= 0.4 { &mut row.words } else { &mut row.weak };
            list.push(Placed { word, looks });
        }
        let row = raise(text, row, &labels);
        entities(text, &row.words, &labels).into_iter().map(|entity| text[entity.range].to_owned()).collect()
    }

    #[test]
    fn a_doubtful_surname_behind_a_given_name_belongs_to_it() {
        let (g, s) = ("GIVEN_NAME", "SURNAME");
        assert_eq!(found("Author: Imogen Strand, today", &[("Imogen", g, 0.9), ("Strand", s, 0.3)]), ["Imogen Strand"]);
        assert_eq!(found("so Imogen strand was it", &[("Imogen", g, 0.9), ("strand", s, 0.3)]), ["Imogen"]);
        assert_eq!(found("jesse wijn came by today", &[("jesse", g, 0.9), ("wijn", s, 0.35)]), ["jesse wijn"]);
        assert_eq!(found("Ann Lee\nStrand", &[("Lee", s, 0.9), ("Strand", s, 0.3)]), ["Lee"], "another line");
    }

    #[test]
    fn a_listed_name_needs_little_more() {
        assert_eq!(found("Actions: Maribel makes the list", &[("Maribel", "GIVEN_NAME", 0.15)]), ["Maribel"]);
        assert_eq!(found("SABINE: so where are we", &[("SABINE", "GIVEN_NAME", 0.3)]), ["SABINE"]);
        for (text, word) in
            [("Will it be done", "Will"), ("Qwertz makes the list", "Qwertz"), ("call get_Anna now", "Anna")]
        {
            assert!(found(text, &[(word, "GIVEN_NAME", 0.15)]).is_empty(), "{text}");
        }
        let code = "let x: Option<Anna> = { y[0] = Some(Anna { z: 1 }) };";
        assert!(found(code, &[("Anna", "GIVEN_NAME", 0.15)]).is_empty());
    }

    #[test]
    fn a_given_name_with_a_frequent_surname_is_a_name() {
        assert_eq!(found("name,born\nThomas Jefferson,1743", &[]), ["Thomas Jefferson"]);
        assert_eq!(found("name,born\nThomas Jefferson,1743", &[("Thomas", "STREET_NAME", 0.2)]), ["Thomas Jefferson"]);
        for text in ["Thomas  Jefferson", "the Anna Report", "crate::Thomas Jefferson_x", "In May Smith"] {
            assert!(found(text, &[]).is_empty(), "{text}");
        }
    }
}
