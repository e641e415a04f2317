//! What a catalog entry must be beyond its syntax. Every problem is reported, with file, entry and field, so that an
//! author mends them at once. A catalog with a problem is never used: a recognizer that cannot run would look like
//! one that finds nothing.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::spec::{
    ContextSetSpec, ExclusionSpec, HotwordSpec, ListSpec, MatchMode, PatternSpec, RecognizerSpec, TriggerSpec, Words,
};
use super::{COARSE, EntityTypeSpec};
use crate::detect::adjust::{MAX_WINDOW, compiled};
use crate::detect::language::CODES;
use crate::detect::{Detector, EntityType, validators};

/// Longest reach of a literal trigger in bytes: enough for a private key of 8192 bits in PEM.
const MAX_REACH: usize = 16 * 1024;

/// Most digits of a value; a longer run of digits is never part of one.
const MAX_DIGITS: usize = 63;

/// Widest context window in code points.
const MAX_CONTEXT: usize = 2000;

/// Something wrong in a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// File that holds the entry.
    pub file: String,
    /// Id or name of the entry; empty if the file cannot be read at all.
    pub entry: String,
    /// Field of the entry.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub problem: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, entry, field, problem } = self;
        match entry.as_str() {
            "" => write!(f, "{file}: {problem}"),
            _ => write!(f, "{file}: {entry}: {field}: {problem}"),
        }
    }
}

/// Checks entries one by one and gathers what is wrong.
pub(super) struct Checker {
    pub(super) problems: Vec<Problem>,
    file: String,
    entry: String,
    /// Id of an entry, and the file that holds it.
    ids: HashMap<String, String>,
}

impl Checker {
    pub(super) fn new() -> Self {
        Self { problems: Vec::new(), file: String::new(), entry: String::new(), ids: HashMap::new() }
    }

    /// Takes ids as used by entries that were checked before.
    pub(super) fn reserve<'a>(&mut self, ids: impl Iterator<Item = &'a str>) {
        self.ids.extend(ids.map(|id| (id.to_owned(), "the built-in catalog".to_owned())));
    }

    pub(super) fn problem(&mut self, field: &'static str, problem: impl Into<String>) {
        self.problems.push(Problem {
            file: self.file.clone(),
            entry: self.entry.clone(),
            field,
            problem: problem.into(),
        });
    }

    /// The problems that follow are about this entry.
    pub(super) fn enter(&mut self, file: &str, entry: &str) {
        file.clone_into(&mut self.file);
        entry.clone_into(&mut self.entry);
    }

    pub(super) fn entity_type(&mut self, file: &str, spec: &EntityTypeSpec, known: bool) {
        self.enter(file, spec.name.as_str());
        let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if spec.name.as_str().is_empty() || !spec.name.as_str().chars().all(upper) {
            self.problem("name", "write it in capital letters, digits and underscores");
        }
        if known {
            self.problem("name", "it is declared twice; remove one");
        }
        if !COARSE.contains(&spec.coarse.as_str()) {
            self.problem("coarse", format!("{:?} is no coarse label; use one of {}", spec.coarse, COARSE.join(" ")));
        }
        self.countries(&spec.countries);
    }

    pub(super) fn recognizer(&mut self, file: &str, spec: &RecognizerSpec, known: &dyn Fn(&EntityType) -> bool) {
        self.enter(file, &spec.id);
        self.id(&spec.id);
        if !known(&spec.entity_type) {
            self.problem("entity_type", format!("{} is not declared; declare it first", spec.entity_type));
        }
        if spec.detector == Detector::Ner {
            self.problem("detector", "use \"pattern\", \"secret\", or \"dictionary\" for a construction of words");
        }
        self.countries(&spec.countries);
        if spec.source.trim().is_empty() {
            self.problem("source", "say where the rule comes from");
        }
        self.trigger(&spec.trigger);
        for name in spec.validator.iter().chain(&spec.reject) {
            if validators::by_name(name).is_none() {
                let field = if spec.validator.as_ref() == Some(name) { "validator" } else { "reject" };
                self.problem(field, format!("there is no validator {name:?}"));
            }
        }
        self.score("score", spec.score);
        if let Some(score) = spec.context_score {
            self.score("context_score", score);
        }
        let words: usize = spec.context.values().map(Vec::len).sum();
        if spec.requires_context && words == 0 {
            self.problem("context", "requires_context is set, so give at least one word");
        }
        self.words("context", &spec.context);
        self.words("negative_context", &spec.negative_context);
        if !(1..=MAX_CONTEXT).contains(&spec.context_window) {
            self.problem("context_window", format!("use 1 to {MAX_CONTEXT}"));
        }
        if spec.pattern.is_empty() {
            self.problem("pattern", "give at least one");
        }
        for pattern in &spec.pattern {
            self.pattern(pattern);
        }
        if spec.examples.positive.is_empty() || spec.examples.negative.is_empty() {
            self.problem("examples", "give at least one positive and one negative example");
        }
        for example in &spec.examples.positive {
            if example.value.is_empty() || !example.text.contains(&example.value) {
                self.problem("examples", format!("the value of {:?} is not in its text", example.text));
            }
        }
    }

    /// The sets that a recognizer names must exist.
    pub(super) fn sets_exist(&mut self, file: &str, spec: &RecognizerSpec, sets: &[Arc<ContextSetSpec>]) {
        self.enter(file, &spec.id);
        for wanted in spec.context_sets.iter().filter(|wanted| !sets.iter().any(|set| set.id == **wanted)) {
            self.problem("context_sets", format!("there is no context_set {wanted:?}"));
        }
    }

    pub(super) fn context_set(&mut self, file: &str, spec: &ContextSetSpec, known: &dyn Fn(&EntityType) -> bool) {
        self.enter(file, &spec.id);
        self.id(&spec.id);
        for name in spec.entity_types.iter().filter(|name| !known(name)) {
            self.problem("entity_types", format!("{name} is not declared; declare it first"));
        }
        if spec.source.trim().is_empty() {
            self.problem("source", "say where the words come from");
        }
        self.words("words", &spec.words);
        self.words("negative_words", &spec.negative_words);
        if spec.examples.positive.is_empty() || spec.examples.negative.is_empty() {
            self.problem("examples", "give at least one positive and one negative example");
        }
    }

    pub(super) fn hotword(&mut self, file: &str, spec: &HotwordSpec, known: &dyn Fn(&EntityType) -> bool) {
        self.enter(file, &spec.id);
        self.id(&spec.id);
        self.types("entity_types", &spec.entity_types, known);
        self.words("words", &spec.words);
        if spec.words.values().flatten().next().is_some() == spec.regex.is_some() {
            self.problem("words", "give exactly one of words and regex");
        }
        if let Some(error) = spec.regex.as_ref().and_then(|regex| compiled("regex", regex).err()) {
            self.problem("regex", error);
        }
        if spec.set.is_some() == spec.add.is_some() {
            self.problem("set", "give exactly one of set and add");
        }
        self.score("set", spec.set.unwrap_or_default());
        self.score("add", spec.add.unwrap_or_default().abs());
        if spec.before + spec.after == 0 || spec.before.max(spec.after) > MAX_WINDOW {
            self.problem(
                "before",
                format!("before and after are code points, together at least 1, each at most {MAX_WINDOW}"),
            );
        }
    }

    pub(super) fn exclusion(&mut self, file: &str, spec: &ExclusionSpec, known: &dyn Fn(&EntityType) -> bool) {
        self.enter(file, &spec.id);
        self.id(&spec.id);
        self.types("entity_types", &spec.entity_types, known);
        if spec.values.is_empty() && spec.regex.is_none() && spec.inside.is_empty() {
            self.problem("values", "give values, regex or inside");
        }
        if spec.values.iter().any(|value| value.trim().is_empty()) {
            self.problem("values", "an empty value excludes nothing");
        }
        if let Some(error) = spec.regex.as_ref().and_then(|regex| compiled("regex", regex).err()) {
            self.problem("regex", error);
        }
        if !spec.inside.is_empty() {
            self.types("inside", &spec.inside, known);
        }
        if spec.inside.iter().any(|name| spec.entity_types.contains(name)) {
            self.problem("inside", "every value lies inside a finding of its own type");
        }
    }

    fn types(&mut self, field: &'static str, names: &[EntityType], known: &dyn Fn(&EntityType) -> bool) {
        if names.is_empty() {
            self.problem(field, "name at least one");
        }
        for name in names.iter().filter(|name| !known(name)) {
            self.problem(field, format!("{name} is not declared; declare it first"));
        }
    }

    pub(super) fn list(&mut self, file: &str, spec: &ListSpec, known: &dyn Fn(&EntityType) -> bool, custom: bool) {
        self.enter(file, &spec.id);
        self.id(&spec.id);
        if !known(&spec.entity_type) {
            self.problem("entity_type", format!("{} is not declared; declare it first", spec.entity_type));
        }
        self.score("score", spec.score);
        if spec.all_terms().next().is_none() && spec.table.is_none() {
            self.problem("terms", "give at least one term");
        }
        for (term, score, _) in spec.all_terms() {
            if !term.chars().any(char::is_alphanumeric) {
                self.problem("terms", format!("{term:?} holds no letter or digit"));
            }
            if !(0.0..=1.0).contains(&score) {
                self.problem("weighted", format!("the score {score} of {term:?} is not between 0 and 1"));
            }
        }
        if spec.table.is_some() && !matches!(spec.mode, MatchMode::Word | MatchMode::Exact) {
            self.problem("match", "the terms of a file match as \"word\" or \"exact\"");
        }
        let told = CODES.contains(&spec.language.as_str());
        if spec.mode == MatchMode::Inflect && !told {
            self.problem("language", format!("\"inflect\" needs one of {}", CODES.join(" ")));
        }
        if !spec.ambiguous.is_empty() && !told {
            self.problem("language", format!("ambiguous terms need one of {}", CODES.join(" ")));
        }
        if let Some(adds_up) = spec.adds_up {
            self.score("adds_up.at_most", adds_up.at_most);
            if !(1..=MAX_CONTEXT).contains(&adds_up.within) {
                self.problem("adds_up.within", format!("use 1 to {MAX_CONTEXT} bytes"));
            }
        }
        if !custom {
            if spec.source.trim().is_empty() {
                self.problem("source", "say where the terms come from");
            }
            if spec.examples.positive.is_empty() {
                self.problem("examples", "give at least one positive example");
            }
        }
    }

    fn id(&mut self, id: &str) {
        let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if id.is_empty() || !id.chars().all(snake) {
            self.problem("id", "write it in small letters, digits and underscores");
        }
        if let Some(file) = self.ids.insert(id.to_owned(), self.file.clone()) {
            self.problem("id", format!("it is used twice, also in {file}; choose another"));
        }
    }

    fn countries(&mut self, countries: &[String]) {
        for code in countries {
            if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                self.problem("countries", format!("{code:?} is no ISO 3166-1 alpha-2 code"));
            }
        }
    }

    fn score(&mut self, field: &'static str, score: f32) {
        if !(0.0..=1.0).contains(&score) {
            self.problem(field, format!("{score} is not between 0 and 1"));
        }
    }

    fn words(&mut self, field: &'static str, words: &Words) {
        for word in words.values().flatten() {
            if !word.chars().any(char::is_alphanumeric) {
                self.problem(field, format!("{word:?} holds no letter or digit"));
            }
        }
    }

    fn trigger(&mut self, trigger: &TriggerSpec) {
        if trigger.delimited && trigger.fields.is_none() {
            self.problem("trigger", "delimited belongs to fields");
        }
        match (trigger.digits, &trigger.literals, &trigger.fields) {
            (Some([min, max]), None, None) => {
                if min == 0 || min > max || max > MAX_DIGITS {
                    self.problem("trigger", format!("digits = [min, max] with 1 <= min <= max <= {MAX_DIGITS}"));
                }
                if trigger.reach.is_some() || trigger.case_sensitive {
                    self.problem("trigger", "reach and case_sensitive belong to literals");
                }
            }
            (None, Some(literals), None) => {
                if literals.is_empty() || literals.iter().any(String::is_empty) {
                    self.problem("trigger", "give at least one literal, and none that is empty");
                }
                if !(1..=MAX_REACH).contains(&trigger.reach()) {
                    self.problem("trigger", format!("reach is 1 to {MAX_REACH} bytes"));
                }
            }
            (None, None, Some(fields)) => {
                if fields.is_empty() || fields.iter().any(|name| !name.chars().any(char::is_alphanumeric)) {
                    self.problem("trigger", "give at least one field, and none without a letter");
                }
                if trigger.reach.is_some() || trigger.case_sensitive {
                    self.problem("trigger", "reach and case_sensitive belong to literals");
                }
            }
            _ => self.problem("trigger", "give exactly one of digits, literals and fields"),
        }
    }

    fn pattern(&mut self, pattern: &PatternSpec) {
        self.score("pattern.score", pattern.score.unwrap_or_default());
        match regex_syntax::parse(&pattern.regex) {
            // The error draws the pattern with a mark under the fault.
            Err(error) => self.problem("pattern.regex", format!("{}: {error}", pattern.name)),
            Ok(hir) if hir.properties().minimum_len().unwrap_or_default() == 0 => {
                self.problem("pattern.regex", format!("{}: it matches the empty text", pattern.name));
            }
            Ok(_) => {}
        }
    }
}
