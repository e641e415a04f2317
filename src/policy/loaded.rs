//! A policy that was read, checked and made ready. What is wrong with the file is said here and nowhere later: a
//! loaded policy cannot fail while a request waits.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::detect::Finding;
use crate::document::Document;

use super::compile::{self, Compiler};
use super::condition::{Condition, Selection, TypeIndex};
use super::custom::{self, CustomCatalog};
use super::file::{self, FORMAT, RawPolicy};
use super::known::KnownTypes;
use super::lint;
use super::problem::{Problem, Problems, Severity};
use super::recall::{self, Form};
use super::table::RouteTable;
use super::trial::Trial;
use super::values::{self, Allowed, Denied};
use super::waiver::OverrideRule;
use super::{BudgetOverrun, PolicyError, PolicyReference, Sensitivity};

/// Bytes of a policy file.
const MAX_POLICY_BYTES: u64 = 4 << 20;

/// The policy that is used when none is configured.
pub const DEFAULT_SOURCE: &str = include_str!("../../policy/default.toml");

/// The same levels, and all public text to the cloud.
pub const GATEWAY_SOURCE: &str = include_str!("../../policy/gateway.toml");

/// A rule that was read.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) id: Arc<str>,
    pub(super) level: Sensitivity,
    pub(super) description: Arc<str>,
    pub(super) condition: Condition,
}

/// What findings mean, and where a level may go.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) reference: PolicyReference,
    pub(super) description: Arc<str>,
    pub(super) min_score: f32,
    pub(super) may_skip_ner: bool,
    /// The least level of a request that holds something that no detector can read.
    pub(super) unscannable: Sensitivity,
    pub(super) index: TypeIndex,
    pub(super) rules: Vec<Rule>,
    pub(super) routes: RouteTable,
    pub(super) budget_overrun: BudgetOverrun,
    pub(super) overrides: Vec<OverrideRule>,
    pub(super) allowed: Allowed,
    pub(super) denied: Denied,
    pub(super) custom: CustomCatalog,
    /// The lists that conditions compare values with, each once.
    pub(super) forms: Arc<[Form]>,
    /// Digest of `[[allow]]` and `[[deny]]`; `None` if there is neither.
    pub(super) lists: Option<Arc<str>>,
    pub(super) trials: Vec<Trial>,
}

impl Policy {
    /// Reads a policy. `known` holds the types of the catalog; those that the policy adds are added here.
    ///
    /// # Errors
    /// [`PolicyError::Syntax`] and [`PolicyError::Invalid`].
    pub fn parse(source: &str, known: &dyn KnownTypes) -> Result<Self, PolicyError> {
        Self::parse_in(source, known, None)
    }

    /// Reads a policy file, and the word lists that it names relative to its folder.
    ///
    /// # Errors
    /// Those of [`Policy::parse`], and files that cannot be read.
    pub fn load(path: &Path, known: &dyn KnownTypes) -> Result<Self, PolicyError> {
        let source = custom::read_limited(path, MAX_POLICY_BYTES)?;
        Self::parse_in(&source, known, path.parent())
    }

    /// The policy that is compiled in.
    ///
    /// # Errors
    /// Only if the catalog lacks a type that the policy names.
    pub fn embedded(known: &dyn KnownTypes) -> Result<Self, PolicyError> {
        Self::parse(DEFAULT_SOURCE, known)
    }

    fn parse_in(source: &str, known: &dyn KnownTypes, folder: Option<&Path>) -> Result<Self, PolicyError> {
        let raw = file::read(source)?;
        let mut problems = Problems::new(source);
        let policy = Self::compile(source, &raw, known, folder, &mut problems)?;
        if problems.has_errors() {
            return Err(PolicyError::Invalid { problems: problems.into_sorted() });
        }
        Ok(policy)
    }

    fn compile(
        source: &str,
        raw: &RawPolicy,
        known: &dyn KnownTypes,
        folder: Option<&Path>,
        problems: &mut Problems<'_>,
    ) -> Result<Self, PolicyError> {
        if *raw.format.get_ref() != FORMAT {
            problems.error(raw.format.span(), "format", format!("this build reads format {FORMAT}"));
        }
        for (field, value) in [("name", &raw.name), ("version", &raw.version)] {
            if value.get_ref().trim().is_empty() {
                problems.error(value.span(), field, "must not be empty");
            }
        }
        if !(0.0..=1.0).contains(&raw.scan.min_score) {
            problems.error(0..0, "scan.min_score", "is not between 0 and 1");
        }
        let types = custom::types(&raw.entity_type, known, problems);
        custom::finders("recognizer", &raw.recognizer, &types, problems);
        custom::finders("list", &raw.list, &types, problems);
        let index = TypeIndex::new(&types);
        let groups = compile::groups(&raw.group, &index, raw.scan.min_score, problems);
        let rules = rules(raw, &index, &groups, problems);
        let (lists, files) = custom::lists(&raw.list, folder, problems)?;
        let tables = |tables: &[toml::Spanned<toml::Table>]| tables.iter().map(|t| t.get_ref().clone()).collect();
        Ok(Self {
            reference: PolicyReference {
                name: Arc::from(raw.name.get_ref().as_str()),
                version: Arc::from(raw.version.get_ref().as_str()),
                digest: Arc::from(blake3::hash(source.as_bytes()).to_hex().as_str()),
            },
            description: Arc::from(raw.description.as_str()),
            min_score: raw.scan.min_score,
            may_skip_ner: raw.scan.skip_ner_when_rules_reach_highest,
            unscannable: raw.scan.unscannable_content,
            routes: RouteTable::new(&raw.route, problems),
            overrides: OverrideRule::read(&raw.overrides, problems),
            budget_overrun: raw.limits.budget_overrun.unwrap_or_default(),
            allowed: Allowed::new(raw, &index, problems),
            denied: Denied::new(raw, &types, &index, problems),
            custom: CustomCatalog {
                entity_types: tables(&raw.entity_type),
                recognizers: tables(&raw.recognizer),
                lists,
                hotwords: tables(&raw.hotword),
                exclusions: tables(&raw.exclusion),
                files,
            },
            trials: Trial::read(raw, &index, source, problems),
            forms: recall::forms(rules.iter().map(|rule| &rule.condition), &index),
            lists: values::digest(raw),
            index,
            rules,
        })
    }

    /// Name, version and digest.
    #[must_use]
    pub fn reference(&self) -> &PolicyReference {
        &self.reference
    }

    /// What the policy is for.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Findings below this score count for no rule.
    #[must_use]
    pub fn min_score(&self) -> f32 {
        self.min_score
    }

    /// What becomes of a request that a budget has no room for.
    #[must_use]
    pub fn budget_overrun(&self) -> BudgetOverrun {
        self.budget_overrun
    }

    /// What the policy adds to the catalog.
    #[must_use]
    pub fn custom_catalog(&self) -> &CustomCatalog {
        &self.custom
    }

    /// Whether the policy lists the value of a finding as harmless for this caller.
    #[must_use]
    pub fn allows(&self, finding: &Finding, document: &Document, caller: &str) -> bool {
        self.allowed.holds(finding, document, caller, &self.index)
    }

    /// The ids of its rules, in the order of the file.
    pub fn rule_ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.iter().map(|rule| &rule.id)
    }

    /// The highest level that any rule gives.
    #[must_use]
    pub fn highest_level(&self) -> Sensitivity {
        self.rules.iter().map(|rule| rule.level).max().unwrap_or(Sensitivity::HIGHEST)
    }
}

/// Everything that is wrong with a policy file, errors and warnings, in the order of the file. `folder` is where its
/// word lists lie; `None` if it has no folder.
///
/// # Errors
/// Only a word list that cannot be read; a file that is no policy is one problem.
pub fn check(source: &str, known: &dyn KnownTypes, folder: Option<&Path>) -> Result<Vec<Problem>, PolicyError> {
    let raw = match file::read(source) {
        Ok(raw) => raw,
        Err(PolicyError::Syntax { line, column, field, message }) => {
            return Ok(vec![Problem { severity: Severity::Error, line, column, field, message }]);
        }
        Err(other) => return Err(other),
    };
    let mut problems = Problems::new(source);
    let policy = Policy::compile(source, &raw, known, folder, &mut problems)?;
    lint::lint(&raw, &policy, &mut problems);
    Ok(problems.into_sorted())
}

fn rules(
    raw: &RawPolicy,
    index: &TypeIndex,
    groups: &BTreeMap<String, Selection>,
    problems: &mut Problems<'_>,
) -> Vec<Rule> {
    if raw.rule.is_empty() {
        problems.error(0..0, "rule", "a policy without rules would call everything public; add a [[rule]]");
    }
    let mut rules: Vec<Rule> = Vec::with_capacity(raw.rule.len());
    for (i, rule) in raw.rule.iter().enumerate() {
        let rule = rule.get_ref();
        let id = rule.id.get_ref();
        check_id(id, rule.id.span(), &format!("rule[{i}].id"), problems);
        if rules.iter().any(|other| *other.id == **id) {
            problems.error(rule.id.span(), format!("rule[{i}].id"), format!("`{id}` is there twice"));
        }
        if rule.description.trim().is_empty() {
            problems.error(rule.id.span(), format!("rule[{i}].description"), "must not be empty: people read it");
        }
        let mut compiler = Compiler { index, problems: &mut *problems, groups, min_score: raw.scan.min_score };
        let mut condition = compiler.condition(&rule.when, &format!("rule[{i}].when"));
        if let Some(unless) = &rule.unless {
            let unless = compiler.condition(unless, &format!("rule[{i}].unless"));
            condition = Condition::All(vec![condition, Condition::Not(Box::new(unless))]);
        }
        rules.push(Rule {
            id: Arc::from(id.as_str()),
            level: rule.level,
            description: Arc::from(rule.description.as_str()),
            condition,
        });
    }
    rules
}

/// Ids go into records, metrics and URLs, so they are plain words; built-in reasons keep their names.
pub(super) fn check_id(id: &str, span: std::ops::Range<usize>, field: &str, problems: &mut Problems<'_>) {
    let plain = id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if id.is_empty() || id.len() > 64 || !plain {
        problems.error(span, field, "an id is 1 to 64 of a-z, 0-9 and `_`");
    } else if super::decide::BUILT_IN.contains(&id) {
        problems.error(span, field, format!("`{id}` is a built-in reason; choose another id"));
    }
}
