//! Words near a value that confirm or refute it, in every language of the catalog. All words of all recognizers are
//! looked for together, at most once in a part, and only when somebody asks: in prose, and in identifiers, whose words
//! are told apart (`customerSsn`, `customer_ssn`, `customerssn` for "customer ssn").

mod nearby;
#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests;
mod wordings;

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use self::nearby::{Judgement, Nearby};
use self::wordings::{Wording, wordings};
use super::dictionary::in_capitals;
use super::fields::{Fields, in_key, mixed_identifiers, split_name};
use super::words::{Hit, Joins, Term, WordSet, fold_term};
use crate::detect::catalog::{RecognizerSpec, Words};
use crate::detect::language::{Languages, tell};

/// Bytes of a character at most; a window of code points is at most so many times as many bytes.
const CHAR: usize = 4;

/// Bytes between the end of a field's name and its value, and of the name itself, at most.
const LABEL: usize = 80;

/// Context words of all recognizers.
pub(super) struct ContextWords {
    words: WordSet,
    /// The name of each term of `words`: a phrase is two terms and more, with and without its spaces, its diacritics.
    owners: Vec<usize>,
    names: Vec<Arc<str>>,
    /// For each name, the languages that have it, if it is an everyday word of another one.
    everyday: Vec<Option<Languages>>,
    recognizers: Vec<Wanted>,
    /// For each name, the recognizers that find nothing without one of their words.
    waiting: Vec<Vec<usize>>,
    /// Widest window behind a value, in bytes.
    behind: usize,
}

/// What one recognizer listens for; indices of words, sorted.
struct Wanted {
    positive: Vec<usize>,
    negative: Vec<usize>,
    window: usize,
}

/// What is known of one part; filled when it is first needed.
#[derive(Default)]
pub(super) struct PartContext {
    /// Words of the part, in the order of their ends.
    hits: Option<Vec<Hit>>,
    fields: Option<Fields>,
    /// Words in the field's name that was given from outside.
    given: Option<Vec<usize>>,
    near: Option<Near>,
    /// Languages that the part may be in.
    pub(super) told: OnceCell<Languages>,
}

/// Which recognizers have heard one of their words near the place that a scan has come to.
struct Near {
    /// For each recognizer, one more than the end of the last word; 0 for none.
    last: Vec<usize>,
    /// For each recognizer, whether a word of it names a field: its values may be far away.
    anywhere: Vec<bool>,
    /// Hits before this one have been counted.
    next: usize,
}

impl ContextWords {
    /// The words of these recognizers, which keep their indices.
    pub(super) fn build(recognizers: &[Arc<RecognizerSpec>]) -> Result<Self, aho_corasick::BuildError> {
        let mut indices: HashMap<String, usize> = HashMap::new();
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut languages: Vec<Languages> = Vec::new();
        let mut waiting: Vec<Vec<usize>> = Vec::new();
        let mut index_all = |words: &Words| {
            let mut wanted: Vec<usize> = Vec::new();
            for (language, word) in words.iter().flat_map(|(language, words)| words.iter().map(move |w| (language, w)))
            {
                let folded = fold_term(word, Joins::Signs);
                let index = *indices.entry(folded).or_insert_with_key(|folded| {
                    names.push(folded.as_str().into());
                    languages.push(Languages::NONE);
                    names.len() - 1
                });
                let all = languages.get_mut(index);
                all.into_iter().for_each(|all| *all = all.and(Languages::of(language)));
                wanted.push(index);
            }
            wanted.sort_unstable();
            wanted.dedup();
            wanted
        };
        let wanted: Vec<Wanted> = recognizers
            .iter()
            .map(|spec| Wanted {
                positive: index_all(&spec.context),
                negative: index_all(&spec.negative_context),
                window: spec.context_window,
            })
            .collect();
        waiting.resize(names.len(), Vec::new());
        for (index, (spec, wanted)) in recognizers.iter().zip(&wanted).enumerate() {
            for word in wanted.positive.iter().filter(|_| spec.requires_context) {
                waiting.get_mut(*word).into_iter().for_each(|waiting| waiting.push(index));
            }
        }
        // Each way to write a name is a term, and says which name it is.
        let mut written: BTreeSet<(String, Wording, usize)> = BTreeSet::new();
        for (index, (name, languages)) in names.iter().zip(&languages).enumerate() {
            written.extend(wordings(name, *languages).into_iter().map(|(text, wording)| (text, wording, index)));
        }
        let owners = written.iter().map(|(.., index)| *index).collect();
        let terms = written.iter().map(|(text, wording, _)| Term { text, ending: wording.ending() });
        let words = WordSet::build(terms, Joins::Signs)?;
        let everyday = names.iter().zip(&languages).map(|(name, languages)| {
            (*languages != Languages::ALL && Languages::EVERY.have_everyday(name)).then_some(*languages)
        });
        let everyday = everyday.collect();
        let behind = recognizers.iter().map(|spec| spec.context_window / 3 * CHAR).max().unwrap_or_default();
        Ok(Self { words, owners, names, everyday, recognizers: wanted, waiting, behind })
    }

    /// Whether a recognizer that needs a word may have one for a value between `from` and `until`. Called with places
    /// in ascending order, this costs a constant for each word of the part.
    pub(super) fn may_confirm(
        &self,
        recognizer: usize,
        text: &str,
        field: &str,
        place: Range<usize>,
        part: &mut PartContext,
    ) -> bool {
        if part.near.is_none() {
            let near = self.near(text, field, part);
            part.near = Some(near);
        }
        let (Some(near), Some(hits)) = (part.near.as_mut(), part.hits.as_ref()) else { return true };
        let horizon = place.end + self.behind;
        while let Some(hit) = hits.get(near.next).filter(|hit| hit.end <= horizon) {
            for waiting in self.waiting.get(hit.term).into_iter().flatten() {
                near.last.get_mut(*waiting).into_iter().for_each(|last| *last = hit.end + 1);
            }
            near.next += 1;
        }
        let window = self.recognizers.get(recognizer).map_or(0, |wanted| wanted.window);
        let from = place.start.saturating_sub(window * CHAR + LABEL);
        near.anywhere.get(recognizer) == Some(&true) || near.last.get(recognizer).is_some_and(|last| *last > from)
    }

    /// Nothing heard yet, but for words in the names of fields.
    fn near(&self, text: &str, field: &str, part: &mut PartContext) -> Near {
        let count = self.recognizers.len();
        let mut anywhere = vec![false; count];
        let mut open = |word: usize| {
            for waiting in self.waiting.get(word).into_iter().flatten() {
                anywhere.get_mut(*waiting).into_iter().for_each(|open| *open = true);
            }
        };
        self.given(field, part).iter().copied().for_each(&mut open);
        let fields = part.fields.get_or_insert_with(|| Fields::of(text));
        let (header, keys) = (fields.header(), fields.has_keys());
        for hit in self.hits(text, part) {
            if (hit.start >= header.start && hit.end <= header.end) || (keys && in_key(text, hit.end)) {
                open(hit.term);
            }
        }
        Near { last: vec![0; count], anywhere, next: 0 }
    }

    /// What the text around `value` says to a recognizer. `field` is a name given from outside, or empty.
    pub(super) fn judge(
        &self,
        recognizer: usize,
        text: &str,
        field: &str,
        value: Range<usize>,
        part: &mut PartContext,
    ) -> Judgement {
        let Some(wanted) = self.recognizers.get(recognizer) else { return Judgement::default() };
        if wanted.positive.is_empty() && wanted.negative.is_empty() {
            return Judgement::default();
        }
        let mut nearby = Nearby::new(wanted);
        self.given(field, part).iter().for_each(|word| nearby.add(*word, 0));
        let name = part.fields.get_or_insert_with(|| Fields::of(text)).name_of(text, value.start).unwrap_or(0..0);
        let hits = self.hits(text, part);
        // Hits come in the order of their ends.
        let first = hits.partition_point(|hit| hit.end <= name.start);
        for hit in hits.get(first..).unwrap_or_default().iter().take_while(|hit| hit.end <= name.end) {
            if hit.start >= name.start {
                nearby.add(hit.term, 0);
            }
        }
        let before = text.get(..value.start).unwrap_or_default();
        let after = text.get(value.end..).unwrap_or_default();
        let from = before.char_indices().rev().nth(wanted.window - 1).map_or(0, |(at, _)| at);
        let to = after.char_indices().nth(wanted.window / 3).map_or(text.len(), |(at, _)| value.end + at);
        let first = hits.partition_point(|hit| hit.end < from);
        for hit in hits.get(first..).unwrap_or_default().iter().take_while(|hit| hit.end <= to) {
            if hit.end <= value.start {
                nearby.add(hit.term, chars(text, hit.end..value.start));
            } else if hit.start >= value.end {
                nearby.add(hit.term, chars(text, value.end..hit.start));
            }
        }
        nearby.judge(&self.names, wanted.window)
    }

    /// Whether a word that confirms a recognizer's values stands in a range of the text.
    pub(super) fn hears(&self, recognizer: usize, text: &str, range: Range<usize>, part: &mut PartContext) -> bool {
        let Some(wanted) = self.recognizers.get(recognizer).filter(|_| !range.is_empty()) else { return false };
        let hits = self.hits(text, part);
        let first = hits.partition_point(|hit| hit.end <= range.start);
        let mut inside = hits.get(first..).unwrap_or_default().iter().take_while(|hit| hit.end <= range.end);
        inside.any(|hit| hit.start >= range.start && wanted.positive.binary_search(&hit.term).is_ok())
    }

    /// Words in a field's name that was given from outside.
    fn given<'p>(&self, field: &str, part: &'p mut PartContext) -> &'p [usize] {
        part.given.get_or_insert_with(|| {
            let mut hits = Vec::new();
            if !field.is_empty() {
                self.find(field, &mut hits);
            }
            hits.into_iter().map(|hit| hit.term).collect()
        })
    }

    /// Words of the part.
    fn hits<'p>(&self, text: &str, part: &'p mut PartContext) -> &'p [Hit] {
        let told = &part.told;
        part.hits.get_or_insert_with(|| {
            let mut hits = Vec::new();
            self.find(text, &mut hits);
            hits.retain(|hit| !self.is_foreign(hit, text, told));
            hits
        })
    }

    /// Whether a hit is an everyday word of the text's language that another language has as a cue. In capitals, or
    /// before a colon, it is meant as the cue all the same.
    fn is_foreign(&self, hit: &Hit, text: &str, told: &OnceCell<Languages>) -> bool {
        let Some(Some(own)) = self.everyday.get(hit.term) else { return false };
        let told = *told.get_or_init(|| tell(text).possible);
        let word = text.get(hit.start..hit.end).unwrap_or_default();
        let labels = text.as_bytes().get(hit.end).is_some_and(|next| matches!(next, b':' | b'=' | b'"' | b'>' | b'|'));
        !told.meet(*own)
            && self.names.get(hit.term).is_some_and(|name| told.have_everyday(name))
            && !labels
            && !in_capitals(word)
    }

    fn find(&self, text: &str, hits: &mut Vec<Hit>) {
        let owner = |term: usize| self.owners.get(term).copied().unwrap_or(term);
        self.words.scan(text, &mut |hit| hits.push(Hit { term: owner(hit.term), ..hit }));
        let mut words = String::new();
        mixed_identifiers(text, &mut |range| {
            split_name(text.get(range.clone()).unwrap_or_default(), &mut words);
            self.words.scan(&words, &mut |hit| {
                hits.push(Hit { term: owner(hit.term), start: range.start, end: range.end });
            });
        });
        // The ending of an inflected word moves its end behind those of words that are found later.
        hits.sort_unstable_by_key(|hit| (hit.end, hit.start, hit.term));
        hits.dedup();
    }
}

impl PartContext {
    /// The fields of the part.
    pub(super) fn fields(&mut self, text: &str) -> &Fields {
        self.fields.get_or_insert_with(|| Fields::of(text))
    }

    /// The places that are asked for next begin at the start of the part again.
    pub(super) fn rewind(&mut self) {
        if let Some(near) = self.near.as_mut() {
            near.next = 0;
            near.last.fill(0);
        }
    }
}

fn chars(text: &str, range: Range<usize>) -> usize {
    text.get(range).map_or(0, |between| between.chars().count())
}
