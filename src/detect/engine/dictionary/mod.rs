//! Word lists: markings, special terms, an organisation's own words. A term counts as a word of prose only; as part
//! of an identifier, a path or an address it names something else.

mod adding;
mod prose;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use self::adding::add_up;
use self::prose::{MAX_TOKEN, names_something};
use super::inflection::{plain, turkish_capitals, written_out};
use super::terms::{TableHit, TermTable};
use super::words::{Ending, Hit, Joins, Term, WordSet, fold_term, is_word};
use crate::detect::catalog::{AddsUp, Catalog, ListSpec, MatchMode};
use crate::detect::language::{CODES, Languages};
use crate::detect::trace::{Considered, Outcome};
use crate::detect::{Category, Detector, EntityType, Explanation, Finding, reason};

/// All word lists.
pub(super) struct Dictionary {
    words: WordSet,
    lists: Vec<List>,
    terms: Vec<Owned>,
    /// Terms of files, each with its list.
    tables: Vec<(usize, Arc<TermTable>)>,
}

/// What is known of a term beside its text.
struct Owned {
    list: u32,
    /// Number of the term that it is a form of: spellings of one term add up to nothing.
    term: u32,
    score: f32,
    /// As it is written, in a list whose case counts.
    exact: Option<Box<str>>,
    /// Counts in a part of its list's language only, or of one that the text does not tell.
    ambiguous: bool,
    /// In small letters, if it is an everyday word of some language that is not the list's.
    everyday: Option<Box<str>>,
}

/// One list.
pub(super) struct List {
    pub(super) id: Arc<str>,
    entity_type: EntityType,
    category: Category,
    score: f32,
    mode: MatchMode,
    languages: Languages,
    adds_up: Option<AddsUp>,
}

/// A term in a text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ListHit {
    pub(super) range: Range<usize>,
    /// Of the term alone.
    pub(super) base: f32,
    /// With the terms near it.
    pub(super) score: f32,
    term: usize,
}

/// A term in a text that is no hit, and why.
pub(super) struct Refused {
    pub(super) range: Range<usize>,
    pub(super) outcome: Outcome,
}

impl Dictionary {
    /// The lists of a catalog.
    pub(super) fn build(catalog: &Catalog) -> Result<Self, aho_corasick::BuildError> {
        let mut lists = Vec::new();
        let mut owned = Vec::new();
        let mut texts: Vec<(String, Ending)> = Vec::new();
        let mut tables = Vec::new();
        for spec in catalog.lists() {
            let Some(info) = catalog.entity_type(spec.entity_type.as_str()) else { continue };
            let list = u32::try_from(lists.len()).unwrap_or(u32::MAX);
            let languages = Languages::of(&spec.language);
            if let Some(table) = &spec.table {
                tables.push((lists.len(), Arc::clone(table)));
            }
            lists.push(List {
                id: spec.id.as_str().into(),
                entity_type: info.name.clone(),
                category: info.category,
                score: spec.score,
                mode: spec.mode,
                languages,
                adds_up: spec.adds_up,
            });
            for (number, (term, score, ambiguous)) in spec.all_terms().enumerate() {
                for spelling in spellings(spec, term) {
                    let folded = fold_term(&spelling, Joins::Space);
                    owned.push(Owned {
                        list,
                        term: u32::try_from(number).unwrap_or(u32::MAX),
                        score,
                        exact: (spec.mode == MatchMode::Exact).then(|| single_spaces(term)),
                        ambiguous,
                        everyday: (languages.known() && Languages::EVERY.have_everyday(&folded)).then(|| folded.into()),
                    });
                    texts.push((spelling, ending(spec)));
                }
            }
        }
        let terms = texts.iter().map(|(text, ending)| Term { text, ending: *ending });
        Ok(Self { words: WordSet::build(terms, Joins::Space)?, lists, terms: owned, tables })
    }

    /// The list of this index.
    pub(super) fn list(&self, index: usize) -> Option<&List> {
        self.lists.get(index)
    }

    /// How many lists there are.
    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }

    /// Calls `found` with a list and a hit, for each term of prose, and with terms that are refused. `languages` tells
    /// those of the text; it is asked when a term depends on it. Returns the bytes that it read.
    pub(super) fn scan(
        &self,
        text: &str,
        languages: &dyn Fn() -> Languages,
        found: &mut dyn FnMut(usize, Result<ListHit, Refused>),
    ) -> usize {
        let mut adding: HashMap<usize, Vec<ListHit>> = HashMap::new();
        let mut emit = |index: usize, list: &List, hit: Result<ListHit, Refused>| match (list.adds_up, hit) {
            (Some(_), Ok(hit)) => adding.entry(index).or_default().push(hit),
            (_, hit) => found(index, hit),
        };
        self.words.scan(text, &mut |hit: Hit| {
            let Some(term) = self.terms.get(hit.term) else { return };
            let index = term.list as usize;
            let Some(list) = self.lists.get(index) else { return };
            let mut range = hit.start..hit.end;
            let written = text.get(range.clone()).unwrap_or_default();
            if term.exact.as_ref().is_some_and(|exact| *single_spaces(written) != **exact) {
                return emit(index, list, Err(Refused { range, outcome: Outcome::OtherCase }));
            }
            if list.mode == MatchMode::Prefix {
                let rest = text.get(range.end..).unwrap_or_default();
                range.end += rest.find(|c| !is_word(c)).unwrap_or(rest.len()).min(MAX_TOKEN);
                range.end = text.ceil_char_boundary(range.end);
            }
            let hit = if names_something(text, &range) {
                Err(Refused { range, outcome: Outcome::PartOfName })
            } else if term.counts(list, written, languages) {
                Ok(ListHit { range, base: term.score, score: term.score, term: term.term as usize })
            } else {
                Err(Refused { range, outcome: Outcome::OtherLanguage })
            };
            emit(index, list, hit);
        });
        let mut work = text.len();
        for (index, table) in &self.tables {
            let Some(list) = self.lists.get(*index) else { continue };
            work += table.scan(text, &mut |TableHit { term, range, score }| {
                let score = score.unwrap_or(list.score);
                let hit = if names_something(text, &range) {
                    Err(Refused { range, outcome: Outcome::PartOfName })
                } else {
                    Ok(ListHit { range, base: score, score, term })
                };
                emit(*index, list, hit);
            });
        }
        for (index, mut hits) in adding {
            if let Some(AddsUp { within, at_most }) = self.lists.get(index).and_then(|list| list.adds_up) {
                add_up(&mut hits, within, at_most);
            }
            hits.into_iter().for_each(|hit| found(index, Ok(hit)));
        }
        work
    }
}

impl Owned {
    /// Whether it counts in a text of these languages.
    fn counts(&self, list: &List, written: &str, languages: &dyn Fn() -> Languages) -> bool {
        if !self.ambiguous && self.everyday.is_none() {
            return true;
        }
        let told = languages();
        if told.meet(list.languages) {
            return true;
        }
        // Capitals are meant: nobody shouts an article.
        let foreign = self.everyday.as_ref().is_some_and(|word| told.have_everyday(word)) && !in_capitals(written);
        !self.ambiguous && !foreign
    }
}

/// Whether every letter is a capital one.
pub(super) fn in_capitals(word: &str) -> bool {
    word.chars().any(char::is_uppercase) && !word.chars().any(char::is_lowercase)
}

/// A term as it is written, and in an inflected list also as it is typed without diacritics, unless that is an everyday
/// word of the language.
fn spellings(spec: &ListSpec, term: &str) -> Vec<String> {
    let mut spellings = vec![term.to_owned()];
    if spec.mode == MatchMode::Inflect {
        let small = term.to_lowercase();
        let typed = [plain(&small), written_out(&small, &spec.language), turkish_capitals(&small, &spec.language)];
        let other = |typed: &String| !Languages::of(&spec.language).have_everyday(typed);
        spellings.extend(typed.into_iter().flatten().filter(other));
        spellings.dedup();
    }
    spellings
}

impl List {
    /// The finding of a term in a part; `range` is in the original text.
    pub(super) fn finding(&self, part: usize, range: Range<usize>, hit: &ListHit) -> Finding {
        let mut finding = Finding {
            part,
            range,
            entity_type: self.entity_type.clone(),
            category: self.category,
            score: hit.base,
            detector: Detector::Dictionary,
            recognizer: Arc::clone(&self.id),
            explanation: Explanation { pattern: Arc::clone(&self.id), base_score: hit.base, ..Explanation::default() },
        };
        finding.adjust(reason::OTHER_TERMS, hit.score);
        finding
    }

    /// A term that is no finding, for whoever asks why; `range` is in the original text.
    pub(super) fn considered(&self, range: Range<usize>, outcome: Outcome) -> Considered {
        Considered {
            range,
            entity_type: self.entity_type.clone(),
            detector: Detector::Dictionary,
            recognizer: Arc::clone(&self.id),
            pattern: Arc::clone(&self.id),
            outcome,
        }
    }
}

fn ending(spec: &ListSpec) -> Ending {
    match spec.mode {
        MatchMode::Prefix => Ending::Open,
        MatchMode::Word | MatchMode::Exact => Ending::Whole,
        MatchMode::Inflect => {
            CODES.iter().position(|code| *code == spec.language).map_or(Ending::Whole, Ending::Inflected)
        }
    }
}

fn single_spaces(text: &str) -> Box<str> {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |joined, word| joined + " " + word).into()
}
