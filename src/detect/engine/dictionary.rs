//! Word lists: markings, special terms, an organisation's own words. A term counts as a word of prose only; as part
//! of an identifier, a path or an address it names something else.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::inflection::{plain, turkish_capitals, written_out};
use super::terms::{TableHit, TermTable};
use super::words::{Ending, Hit, Joins, Term, WordSet, fold_term, is_word};
use crate::detect::catalog::{AddsUp, Catalog, ListSpec, MatchMode};
use crate::detect::language::{CODES, Languages};
use crate::detect::trace::{Considered, Outcome};
use crate::detect::{Category, Detector, EntityType, Explanation, Finding, reason};

/// How far the token around a term is read.
const MAX_TOKEN: usize = 256;

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

    /// Calls `found` with a list and a hit, for each term of prose, and with terms that are refused. `languages` tells those of the text; it is asked
    /// when a term depends on it. Returns the bytes that it read.
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

/// Gives each hit the score of all different terms that stand within a distance of it, both ways. The number of terms
/// that stand there at once is counted with two ends that only move forward.
fn add_up(hits: &mut [ListHit], within: usize, at_most: f32) {
    hits.sort_by_key(|hit| hit.range.start);
    let mut window: HashMap<usize, (usize, f32)> = HashMap::new();
    // Sums of the logarithms of what a term leaves open, so that a term can leave the window again.
    let mut open = 0.0_f64;
    let left = |score: f32| f64::from(1.0 - score.min(0.999)).ln();
    let (mut first, mut next) = (0, 0);
    let mut sums = Vec::with_capacity(hits.len());
    for hit in hits.iter() {
        while let Some(coming) = hits.get(next).filter(|coming| coming.range.start <= hit.range.start + within) {
            let (count, _) = window.entry(coming.term).or_insert((0, coming.base));
            *count += 1;
            if *count == 1 {
                open += left(coming.base);
            }
            next += 1;
        }
        while let Some(gone) = hits.get(first).filter(|gone| gone.range.start + within < hit.range.start) {
            if let Some((count, score)) = window.get_mut(&gone.term) {
                *count -= 1;
                if *count == 0 {
                    open -= left(*score);
                    window.remove(&gone.term);
                }
            }
            first += 1;
        }
        sums.push(1.0 - open.exp());
    }
    for (hit, sum) in hits.iter_mut().zip(sums) {
        #[allow(clippy::cast_possible_truncation)] // between 0 and 1
        let sum = sum as f32;
        hit.score = hit.base.max(sum.min(at_most));
    }
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

/// Whether a term is part of an identifier, an address or a path.
fn names_something(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(text.floor_char_boundary(range.start.saturating_sub(MAX_TOKEN))..range.start);
    let after = text.get(range.end..text.ceil_char_boundary((range.end + MAX_TOKEN).min(text.len())));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let mut back = before.chars().rev();
    let mut forth = after.chars();
    joined(back.next(), back.next()) || joined(forth.next(), forth.next()) || {
        let before = before.rsplit(ends_token).next().unwrap_or_default();
        let after = after.split(ends_token).next().unwrap_or_default();
        in_hyphens(before, after) || in_path(before, after)
    }
}

/// Whether a sign joins a term to what lies beyond: `my_term`, `object.term`, `term.txt`, `module::term`.
fn joined(sign: Option<char>, beyond: Option<char>) -> bool {
    match sign {
        Some('_' | '@' | '\\' | '$') => true,
        Some('.') => beyond.is_some_and(is_word),
        Some(':') => beyond == Some(':'),
        _ => false,
    }
}

/// Whether a term follows a hyphen (`non-confidential`, `my-secret`) or stands in a name of three words in small
/// letters (`secret-key-name`). `HIV-positive` is prose.
fn in_hyphens(before: &str, after: &str) -> bool {
    let follows = before.strip_suffix('-').is_some_and(|word| word.ends_with(is_word));
    let small = !before.chars().chain(after.chars()).any(char::is_uppercase);
    follows || (after.starts_with('-') && after.matches('-').count() >= 2 && small)
}

/// Whether the token is a path or an address: two slashes, or one with a root or a file's extension. `and/or` is prose.
fn in_path(before: &str, after: &str) -> bool {
    let slashes = before.matches('/').count() + after.matches('/').count();
    let rooted = before.starts_with(['/', '~', '.']);
    let extension = after.trim_end_matches(['.', ':', '!', '?']).contains('.');
    slashes >= 2 || (slashes == 1 && (rooted || extension)) || before.starts_with("www.") || before.contains('\\')
}

fn ends_token(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | ';' | '`' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_prose(text: &str) -> bool {
        let at = text.find("secret").unwrap();
        !names_something(text, &(at..at + 6))
    }

    /// Findings of a small catalog with one list: text and score.
    fn found<'t>(list: &str, text: &'t str) -> Vec<(&'t str, f32)> {
        let types = "[[entity_type]]\nname = \"T\"\ncategory = \"other\"\n";
        let head = "[[list]]\nid = \"l\"\nentity_type = \"T\"\nsource = \"s\"\nscore = 0.5\n";
        let tail = "\n[list.examples]\npositive = [\"x\"]";
        let catalog = Catalog::from_files(&[("t", types), ("l", &format!("{head}{list}{tail}"))]).unwrap();
        let dictionary = Dictionary::build(&catalog).unwrap();
        let mut hits = Vec::new();
        let languages = || crate::detect::language::tell(text).possible;
        dictionary.scan(text, &languages, &mut |_, hit| {
            hits.extend(hit.ok().map(|hit| (text.get(hit.range).unwrap(), hit.score)));
        });
        hits
    }

    #[test]
    fn inflected_lists_find_forms_with_and_without_diacritics() {
        let list = "language = \"pl\"\nmatch = \"inflect\"\nterms = [\"ściśle tajny\", \"związek zawodowy\"]";
        let text = "SCISLE TAJNE, ściśle tajnego, zwiazek zawodowym; ściśle mówiąc";
        let texts: Vec<_> = found(list, text).into_iter().map(|(text, _)| text).collect();
        assert_eq!(texts, ["SCISLE TAJNE", "ściśle tajnego", "zwiazek zawodowym"]);
        let list = "language = \"de\"\nmatch = \"inflect\"\nterms = [\"Behörde\"]";
        assert_eq!(found(list, "Behörden, Behorde, behoerden, Behördlich").len(), 3);
    }

    #[test]
    fn ambiguous_and_everyday_words_count_in_their_own_language() {
        let english = "There was a draft of the report, and it has been sent to them with what we had.";
        let german = "Das ist der Text, und er ist nicht von mir, aber die Zahlen sind auch da.";
        let list = "language = \"de\"\nambiguous = [\"draft\"]";
        assert_eq!(found(list, english).len(), 0);
        assert_eq!(found(list, &format!("{german} draft")).len(), 1);
        assert_eq!(found(list, "draft").len(), 1, "a short text may be in any language");
        let list = "language = \"es\"\nterms = [\"nie\"]";
        assert_eq!(found(list, &format!("{german} nie mehr")).len(), 0);
        assert_eq!(found(list, &format!("{german} NIE")).len(), 1);
        assert_eq!(found(list, "mi nie").len(), 1);
        assert_eq!(found("terms = [\"nie\"]", &format!("{german} nie mehr")).len(), 1, "a list of no language");
    }

    #[test]
    fn different_weak_terms_near_each_other_add_up() {
        let list = "weighted = [[\"alpha\", 0.3], [\"beta\", 0.4]]\nadds_up = { within = 40, at_most = 0.8 }\n\
                    terms = [\"gamma\"]";
        let scores = |text: &str| -> Vec<f32> {
            found(list, text).into_iter().map(|(_, score)| (score * 1000.0).round() / 1000.0).collect()
        };
        assert_eq!(scores("alpha"), [0.3]);
        assert_eq!(scores("alpha alpha alpha"), [0.3, 0.3, 0.3], "one term is one sign");
        assert_eq!(scores("alpha beta"), [0.58, 0.58]);
        assert_eq!(scores("alpha beta gamma"), [0.79, 0.79, 0.79]);
        assert_eq!(scores(&format!("alpha {} beta", "x ".repeat(40))), [0.3, 0.4]);
        assert_eq!(scores(&format!("alpha {} beta {} gamma", "x ".repeat(12), "x ".repeat(12))), [0.58, 0.79, 0.7]);
    }

    #[test]
    fn terms_of_prose() {
        for text in [
            "secret",
            "a secret.",
            "**secret**",
            "\"secret\"",
            "secret: yes",
            "level:secret",
            "secret/internal",
            "(secret)",
            "secret-ish",
            "#secret",
            "end. secret",
            "secret...",
            "the secret is out: see https://x.org/a/b",
        ] {
            assert!(is_prose(text), "{text}");
        }
    }

    #[test]
    fn parts_of_identifiers_paths_and_addresses() {
        for text in [
            "my_secret",
            "secret_key",
            "obj.secret",
            "secret.txt",
            "std::secret",
            "secret::new",
            "non-secret",
            "secret-key-name",
            "https://x.org/secret",
            "/etc/secret",
            "./secret",
            "dir/secret.rs",
            "C:\\secret",
            "secret@x.org",
            "www.secret",
            "$secret",
            "a/secret/b",
        ] {
            assert!(!is_prose(text), "{text}");
        }
    }
}
