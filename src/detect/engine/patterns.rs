//! The recognizers, ready to run: compiled expressions, validators, scores. Turns one match into a finding or drops
//! it. An expression never sees more than the window it is given.

use std::ops::Range;
use std::sync::Arc;

use regex_automata::meta::Regex;
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Anchored, Input};

use super::triggers::Span;
use crate::detect::catalog::{Catalog, RecognizerSpec};
use crate::detect::trace::Outcome;
use crate::detect::validators::{self, Validator};
use crate::detect::{Category, Detector, EntityType};

/// Largest compiled expression in bytes; a larger one is a mistake.
const REGEX_SIZE: usize = 4 << 20;

/// Memory for the states of one expression's lazy automaton, for each direction and thread, in bytes. It is the bound
/// of what a long run can fill; half of it makes prose a tenth slower.
const STATES_SIZE: usize = 1 << 20;

/// The entity type of streets with their numbers.
const STREET: &str = "STREET_ADDRESS";

/// A recognizer.
pub(super) struct Recognizer {
    pub(super) id: Arc<str>,
    pub(super) entity_type: EntityType,
    pub(super) category: Category,
    pub(super) detector: Detector,
    pub(super) requires_context: bool,
    /// Fewest and most digits of a value, if digits trigger it.
    pub(super) digits: Option<(usize, usize)>,
    validator: Option<Validator>,
    pub(super) validator_name: Arc<str>,
    reject: Vec<(Arc<str>, Validator)>,
    /// Some of its context words, for people.
    pub(super) words: Vec<Arc<str>>,
    /// Code points before a value in which context words count.
    pub(super) window: usize,
    /// Whether its values are streets, which go on over unit, town, postal code and country.
    pub(super) extends: bool,
    /// Indices of its patterns.
    pub(super) patterns: Range<usize>,
}

/// One expression of a recognizer.
pub(super) struct Pattern {
    pub(super) name: Arc<str>,
    /// Index of its recognizer.
    pub(super) recognizer: usize,
    pub(super) score: f32,
    pub(super) score_in_context: f32,
    regex: Regex,
    /// Index of the group `value`; 0 is the whole match.
    group: usize,
}

/// Why a recognizer cannot run.
#[derive(Debug, thiserror::Error)]
pub(super) enum PatternError {
    #[error("{recognizer}: {pattern}: {message}")]
    Regex { recognizer: String, pattern: String, message: String },
    #[error("{recognizer}: there is no validator {name:?}")]
    Validator { recognizer: String, name: String },
    #[error("{recognizer}: entity type {name} is not declared")]
    EntityType { recognizer: String, name: String },
}

impl Recognizer {
    /// A recognizer of the catalog, with its patterns appended to `patterns`.
    pub(super) fn build(
        index: usize,
        spec: &RecognizerSpec,
        catalog: &Catalog,
        patterns: &mut Vec<Pattern>,
    ) -> Result<Self, PatternError> {
        let recognizer = || spec.id.clone();
        let name = spec.entity_type.as_str();
        let info = catalog
            .entity_type(name)
            .ok_or_else(|| PatternError::EntityType { recognizer: recognizer(), name: name.to_owned() })?;
        let validator = |name: &String| {
            validators::by_name(name)
                .ok_or_else(|| PatternError::Validator { recognizer: recognizer(), name: name.clone() })
        };
        let first = patterns.len();
        for pattern in &spec.pattern {
            let regex = Regex::builder()
                .configure(Regex::config().nfa_size_limit(Some(REGEX_SIZE)).hybrid_cache_capacity(STATES_SIZE))
                .build(&pattern.regex)
                .map_err(|error| PatternError::Regex {
                    recognizer: recognizer(),
                    pattern: pattern.name.clone(),
                    message: error.to_string(),
                })?;
            let group = regex.group_info().to_index(regex_automata::PatternID::ZERO, "value").unwrap_or(0);
            patterns.push(Pattern {
                name: pattern.name.as_str().into(),
                recognizer: index,
                score: spec.base_score(pattern),
                score_in_context: spec.score_in_context(pattern),
                regex,
                group,
            });
        }
        Ok(Self {
            id: spec.id.as_str().into(),
            entity_type: info.name.clone(),
            category: info.category,
            detector: spec.detector,
            requires_context: spec.requires_context,
            digits: spec.trigger.digits.map(|[min, max]| (min, max)),
            validator: spec.validator.as_ref().map(validator).transpose()?,
            validator_name: spec.validator.as_deref().unwrap_or_default().into(),
            reject: spec
                .reject
                .iter()
                .map(|name| Ok((name.as_str().into(), validator(name)?)))
                .collect::<Result<_, _>>()?,
            words: some_words(spec),
            window: spec.context_window,
            extends: info.name.as_str() == STREET,
            patterns: first..patterns.len(),
        })
    }

    /// Why a value is none, by its digits and its validators; `None` accepts it.
    pub(super) fn refusal(&self, text: &str, value: &Range<usize>) -> Option<Refusal<'_>> {
        let Some(content) = text.get(value.clone()) else { return Some(Refusal::PieceOfNumber) };
        if let Some((min, max)) = self.digits {
            let digits = content.bytes().filter(u8::is_ascii_digit).count();
            if digits < min || digits > max {
                return Some(Refusal::Digits { digits, min, max });
            }
            if splits_digits(text.as_bytes(), value) {
                return Some(Refusal::PieceOfNumber);
            }
        }
        if self.validator.is_some_and(|accepts| !accepts(content)) {
            return Some(Refusal::Validator(&self.validator_name));
        }
        self.reject.iter().find(|(_, rejects)| rejects(content)).map(|(name, _)| Refusal::Rejected(name))
    }
}

/// Why a value is none.
#[derive(Clone, Copy)]
pub(super) enum Refusal<'r> {
    Digits { digits: usize, min: usize, max: usize },
    PieceOfNumber,
    Validator(&'r Arc<str>),
    Rejected(&'r Arc<str>),
}

impl Refusal<'_> {
    /// Whether the value is of the recognizer's kind, its check included, but published for tests and examples.
    pub(super) fn is_test_value(&self) -> bool {
        matches!(self, Self::Rejected(name) if validators::is_test_value(name))
    }
}

impl From<Refusal<'_>> for Outcome {
    fn from(refusal: Refusal<'_>) -> Self {
        match refusal {
            Refusal::Digits { digits, min, max } => Self::Digits { digits, min, max },
            Refusal::PieceOfNumber => Self::PieceOfNumber,
            Refusal::Validator(name) => Self::Refused(Arc::clone(name)),
            Refusal::Rejected(name) => Self::Rejected(Arc::clone(name)),
        }
    }
}

/// Context words that a person is told of; those of the first language, English before others.
fn some_words(spec: &RecognizerSpec) -> Vec<Arc<str>> {
    const MOST: usize = 3;
    let english = spec.context.get("en").into_iter().flatten();
    let others = spec.context.iter().filter(|(language, _)| language.as_str() != "en").flat_map(|(_, words)| words);
    let mut words: Vec<Arc<str>> = Vec::new();
    for word in english.chain(others) {
        if words.len() < MOST && !words.iter().any(|known| **known == **word) {
            words.push(word.as_str().into());
        }
    }
    words
}

/// Whether a value begins or ends inside a run of digits: it is a piece of another number then.
fn splits_digits(bytes: &[u8], value: &Range<usize>) -> bool {
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    (digit(value.start.checked_sub(1)) && digit(Some(value.start)))
        || (digit(value.end.checked_sub(1)) && digit(Some(value.end)))
}

impl Pattern {
    /// The first match in a window: its value, and the end of the whole match. Boundaries look beyond the window.
    pub(super) fn find(
        &self,
        text: &str,
        window: Span,
        slots: &mut Vec<Option<NonMaxUsize>>,
    ) -> Option<(Range<usize>, usize)> {
        self.find_in(Input::new(text).range(window.start..window.end), slots)
    }

    /// The match that begins where a window begins: its value, and the end of the whole match.
    pub(super) fn find_at(
        &self,
        text: &str,
        window: Range<usize>,
        slots: &mut Vec<Option<NonMaxUsize>>,
    ) -> Option<(Range<usize>, usize)> {
        self.find_in(Input::new(text).range(window).anchored(Anchored::Yes), slots)
    }

    fn find_in(&self, input: Input<'_>, slots: &mut Vec<Option<NonMaxUsize>>) -> Option<(Range<usize>, usize)> {
        let needed = (self.group + 1) * 2;
        slots.clear();
        slots.resize(needed, None);
        self.regex.search_slots(&input, slots)?;
        let slot = |index: usize| slots.get(index).copied().flatten().map(NonMaxUsize::get);
        let (start, end) = (slot(0)?, slot(1)?);
        let value = match (slot(self.group * 2), slot(self.group * 2 + 1)) {
            (Some(from), Some(to)) => from..to,
            // The branch that matched has no value in it: the whole match is.
            _ => start..end,
        };
        Some((value, end))
    }
}

/// Where to look on after a value that was refused: behind its first word, since a value may begin at the second.
pub(super) fn behind_first_word(text: &str, value: &Range<usize>) -> usize {
    let content = text.get(value.clone()).unwrap_or_default();
    let first = content.find(|c: char| c.is_alphanumeric()).unwrap_or(0);
    let word = content.get(first..).unwrap_or_default();
    word.find(|c: char| !c.is_alphanumeric()).map_or(value.end, |at| value.start + first + at)
}
