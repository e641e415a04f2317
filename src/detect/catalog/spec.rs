//! The catalog as it is written in TOML: entity types, recognizers, word lists. Policy files use the same tables.
//! Only what serde can say is checked here; the rest is in `check`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::{Category, Detector, EntityType, TermTable};

/// One catalog file. Any file may hold any of the three tables.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogFile {
    /// Entity types that it declares.
    #[serde(default)]
    pub entity_type: Vec<EntityTypeSpec>,
    /// Recognizers.
    #[serde(default)]
    pub recognizer: Vec<RecognizerSpec>,
    /// Word lists.
    #[serde(default)]
    pub list: Vec<ListSpec>,
    /// Context words that recognizers share.
    #[serde(default)]
    pub context_set: Vec<ContextSetSpec>,
    /// Words near a value that change its score.
    #[serde(default)]
    pub hotword: Vec<HotwordSpec>,
    /// Values that are none.
    #[serde(default)]
    pub exclusion: Vec<ExclusionSpec>,
}

/// A word near a value of some types that sets its score, raises or lowers it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotwordSpec {
    /// Unique, in `snake_case`; explanations name it.
    pub id: String,
    /// Types of the values.
    pub entity_types: Vec<EntityType>,
    /// Whole words and phrases, in any case.
    #[serde(default)]
    pub words: Words,
    /// In place of words: an expression, in any case.
    pub regex: Option<String>,
    /// Code points before the value.
    #[serde(default)]
    pub before: usize,
    /// Code points behind the value.
    #[serde(default)]
    pub after: usize,
    /// The score that the value gets.
    pub set: Option<f32>,
    /// In place of it: what is added to its score; may be negative.
    pub add: Option<f32>,
}

/// Values of some types that are no findings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExclusionSpec {
    /// Unique, in `snake_case`.
    pub id: String,
    /// Types of the values.
    pub entity_types: Vec<EntityType>,
    /// The values, in any case.
    #[serde(default)]
    pub values: Vec<String>,
    /// An expression for the whole value, in any case.
    pub regex: Option<String>,
    /// Types of findings in which a value counts as a piece of them only.
    #[serde(default)]
    pub inside: Vec<EntityType>,
    /// For the next reader.
    #[serde(default)]
    pub reason: String,
}

/// Context words that recognizers share. They are added to the words of each recognizer of these types that listens to
/// words and is bound to no country, and of each that names the set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextSetSpec {
    /// Unique, in `snake_case`.
    pub id: String,
    /// Types whose recognizers it is for.
    #[serde(default)]
    pub entity_types: Vec<EntityType>,
    /// Where the words come from.
    #[serde(default)]
    pub source: String,
    /// Words that confirm a value.
    #[serde(default)]
    pub words: Words,
    /// Words that refute it.
    #[serde(default)]
    pub negative_words: Words,
    /// Texts that show what recognizers of these types find with it and what they leave.
    #[serde(default)]
    pub examples: Examples,
}

/// An entity type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityTypeSpec {
    /// Name, such as `US_SSN`; of a policy file, `CUSTOM_…`.
    pub name: EntityType,
    /// Its group.
    pub category: Category,
    /// Coarse label, one of [`super::COARSE`].
    #[serde(default = "other")]
    pub coarse: String,
    /// One sentence for people.
    #[serde(default)]
    pub description: String,
    /// ISO 3166-1 alpha-2 codes; empty for a type of no country.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Whether it only helps rules to judge other findings, such as a pronoun or a word of fiction. A cue is evidence
    /// for conditions of the policy and is never reported, counted or redacted.
    #[serde(default)]
    pub cue: bool,
}

fn other() -> String {
    "OTHER".to_owned()
}

/// Words by language (ISO 639-1 code).
pub type Words = BTreeMap<String, Vec<String>>;

/// A recognizer: patterns around a trigger, what confirms them, and the examples that are its tests.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecognizerSpec {
    /// Unique, in `snake_case`.
    pub id: String,
    /// What it finds.
    pub entity_type: EntityType,
    /// `pattern` or `secret`; `dictionary` for a construction of words, which competes with no value that it holds.
    #[serde(default = "pattern")]
    pub detector: Detector,
    /// ISO 3166-1 alpha-2 codes.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Where the rule comes from.
    pub source: String,
    /// The cheap search that comes before the patterns.
    pub trigger: TriggerSpec,
    /// Name of the validator that must accept a value.
    pub validator: Option<String>,
    /// Names of validators that must not accept it.
    #[serde(default)]
    pub reject: Vec<String>,
    /// Score without context, from 0 to 1.
    pub score: f32,
    /// Score with a context word near; 0.35 above the score when it is left out, at most 0.95.
    pub context_score: Option<f32>,
    /// Whether there is no finding without a context word.
    #[serde(default)]
    pub requires_context: bool,
    /// Ids of sets whose words it takes too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context_sets: Vec<String>,
    /// Words that confirm a value.
    #[serde(default)]
    pub context: Words,
    /// Words that refute it, unless one that confirms it is nearer.
    #[serde(default)]
    pub negative_context: Words,
    /// Code points before the value in which words count; a third of it behind.
    #[serde(default = "sixty")]
    pub context_window: usize,
    /// At least one.
    #[serde(default)]
    pub pattern: Vec<PatternSpec>,
    /// Texts that show what it finds and what it leaves.
    #[serde(default)]
    pub examples: Examples,
}

fn pattern() -> Detector {
    Detector::Pattern
}

fn sixty() -> usize {
    60
}

/// The cheap search: exactly one of `digits`, `literals` and `fields`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerSpec {
    /// Fewest and most digits of a value. Patterns see 64 bytes before a run of digits and 192 from it on. A value
    /// that begins or ends inside a run of digits is dropped.
    pub digits: Option<[usize; 2]>,
    /// Literals that a match stands around; patterns see 96 bytes before the literal and `reach` behind it.
    pub literals: Option<Vec<String>>,
    /// Whether literals match in their own case only.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Bytes behind the literal that the pattern sees; 512 when it is left out.
    pub reach: Option<usize>,
    /// Names of fields (labels, keys, columns, XML elements) whose values the patterns see, from their first character
    /// on. `last name` is also `customer_lastName`; `=name` is the whole name only.
    pub fields: Option<Vec<String>>,
    /// Whether only values count that are in quotation marks, a cell or an element.
    #[serde(default)]
    pub delimited: bool,
}

/// One regular expression of a recognizer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatternSpec {
    /// Name, for explanations.
    pub name: String,
    /// In the syntax of the `regex` crate; the group `value`, if there is one, is the span.
    pub regex: String,
    /// In place of the recognizer's score.
    pub score: Option<f32>,
}

/// Examples of a recognizer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Texts with the value that must be found.
    #[serde(default)]
    pub positive: Vec<Example>,
    /// Texts in which it finds nothing of at least 0.4.
    #[serde(default)]
    pub negative: Vec<String>,
}

/// A text and the value in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// The text.
    pub text: String,
    /// Exactly what the finding covers.
    pub value: String,
}

/// A list of words and phrases.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSpec {
    /// Unique, in `snake_case`.
    pub id: String,
    /// What a term stands for.
    pub entity_type: EntityType,
    /// ISO 639-1 code; empty for any.
    #[serde(default)]
    pub language: String,
    /// Where the terms come from.
    #[serde(default)]
    pub source: String,
    /// From 0 to 1.
    pub score: f32,
    /// How a term matches.
    #[serde(default, rename = "match")]
    pub mode: MatchMode,
    /// The terms; a space stands for any run of white space.
    #[serde(default)]
    pub terms: Vec<String>,
    /// Terms with a score of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weighted: Vec<(String, f32)>,
    /// Terms that count only in a part of the list's language, or of one that the text does not tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ambiguous: Vec<String>,
    /// Whether different terms near each other say more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adds_up: Option<AddsUp>,
    /// The terms of a file, in place of `terms`; a policy's own list.
    #[serde(skip)]
    pub table: Option<Arc<TermTable>>,
    /// Texts that show what it finds and what it leaves.
    #[serde(default)]
    pub examples: ListExamples,
}

/// Different terms of a list within a distance add up: their score is the probability that not every one of them is
/// there by chance, `1 - (1 - a)(1 - b)…`, at most `at_most`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddsUp {
    /// Distance in bytes between the start of the first and of the last term.
    pub within: usize,
    /// Highest score that they reach.
    pub at_most: f32,
}

/// How a term of a list matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchMode {
    /// Whole words in any case.
    #[default]
    Word,
    /// Whole words in the case of the list.
    Exact,
    /// A word that begins so, in any case.
    Prefix,
    /// Whole words in any case, each with an ending of the list's language, with its diacritics or without.
    Inflect,
}

/// Examples of a list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListExamples {
    /// Texts in which a term is found.
    #[serde(default)]
    pub positive: Vec<String>,
    /// Texts in which none is.
    #[serde(default)]
    pub negative: Vec<String>,
}

impl ListSpec {
    /// Every term with its score and whether it counts in the list's language only; not those of a file.
    pub fn all_terms(&self) -> impl Iterator<Item = (&str, f32, bool)> {
        let plain = self.terms.iter().map(|term| (term.as_str(), self.score, false));
        let weighted = self.weighted.iter().map(|(term, score)| (term.as_str(), *score, false));
        plain.chain(weighted).chain(self.ambiguous.iter().map(|term| (term.as_str(), self.score, true)))
    }
}

impl TriggerSpec {
    /// Bytes behind a literal that a pattern sees.
    #[must_use]
    pub fn reach(&self) -> usize {
        self.reach.unwrap_or(512)
    }
}

impl RecognizerSpec {
    /// Adds the words of each set that is for it.
    pub(super) fn take_context(&mut self, sets: &[Arc<ContextSetSpec>]) {
        let listens = self.countries.is_empty() && !self.context.is_empty();
        for set in sets {
            let meant = listens && set.entity_types.contains(&self.entity_type);
            if meant || self.context_sets.contains(&set.id) {
                join(&mut self.context, &set.words);
                join(&mut self.negative_context, &set.negative_words);
            }
        }
    }

    /// The score of one of its patterns without context.
    #[must_use]
    pub fn base_score(&self, pattern: &PatternSpec) -> f32 {
        pattern.score.unwrap_or(self.score)
    }

    /// The score of one of its patterns with a context word near; never below the score without.
    #[must_use]
    pub fn score_in_context(&self, pattern: &PatternSpec) -> f32 {
        let base = self.base_score(pattern);
        self.context_score.unwrap_or((base + 0.35).min(0.95)).max(base)
    }
}

fn join(all: &mut Words, more: &Words) {
    for (language, words) in more {
        let known = all.entry(language.clone()).or_default();
        for word in words {
            if !known.contains(word) {
                known.push(word.clone());
            }
        }
    }
}
