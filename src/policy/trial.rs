//! The tests inside a policy file, and their runner. It runs the detectors that it is given, so a test proves what the
//! service would do, not only what the rules say. Reports name types and rules, never the found values.

use std::sync::Arc;

use toml::Spanned;

use crate::detect::{Coverage, EntityType, Finding, Topic};
use crate::document::Document;

use super::compile::known_type;
use super::condition::TypeIndex;
use super::file::RawPolicy;
use super::problem::{Problems, position};
use super::{Complexity, Evidence, OverrideDenied, Policy, Reason, Route, Sensitivity};

/// One `[[test]]` of a policy file.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What it shows; unique in the file.
    pub name: Arc<str>,
    /// Line in the file, from 1.
    pub line: usize,
    /// The text to classify; the policy author's own.
    pub text: Arc<str>,
    /// Level that the caller declares.
    pub declared: Option<Sensitivity>,
    /// Who asks.
    pub caller: Arc<str>,
    /// Complexity for the route.
    pub complexity: Complexity,
    /// The level that must come out.
    pub level: Sensitivity,
    /// The rule that must be the first reason.
    pub rule: Option<Arc<str>>,
    /// The route that must be preferred.
    pub route: Option<Route>,
    /// The level that the caller asks for by an override.
    pub override_to: Option<Sensitivity>,
    /// What a classifier of topics says of the text. The model's own topics count in no test: they change with every
    /// model, and a test must say what the policy makes of them.
    pub topics: Vec<Topic>,
    /// What must be found.
    pub findings: Vec<Expected>,
}

/// A finding that a test expects.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// Of this type.
    pub entity_type: EntityType,
    /// Over this part of the text; a finding that overlaps it is enough.
    pub value: Arc<str>,
    /// With a score below this.
    pub score_below: Option<f32>,
}

impl Trial {
    pub(super) fn read(raw: &RawPolicy, index: &TypeIndex, source: &str, problems: &mut Problems<'_>) -> Vec<Self> {
        let mut trials: Vec<Self> = Vec::with_capacity(raw.test.len());
        for (i, entry) in raw.test.iter().enumerate() {
            let test = entry.get_ref();
            let field = format!("test[{i}]");
            let name = test.name.get_ref();
            if trials.iter().any(|other| *other.name == **name) {
                problems.error(test.name.span(), format!("{field}.name"), format!("`{name}` is there twice"));
            }
            if let Some(rule) = &test.rule {
                let known = raw.rule.iter().any(|known| known.get_ref().id.get_ref() == rule.get_ref());
                if !known && !super::decide::BUILT_IN.contains(&rule.get_ref().as_str()) {
                    problems.error(rule.span(), format!("{field}.rule"), format!("no rule `{}`", rule.get_ref()));
                }
            }
            let mut findings = Vec::with_capacity(test.findings.len());
            for expected in &test.findings {
                let (span, expected) = (expected.span(), expected.get_ref());
                let name = Spanned::new(span.clone(), expected.entity_type.clone());
                known_type(index, problems, &name, &format!("{field}.findings"));
                if expected.value.is_empty() || !test.text.contains(&expected.value) {
                    problems.error(span, format!("{field}.findings"), "the `value` is not in the text");
                }
                findings.push(Expected {
                    entity_type: EntityType::new(expected.entity_type.as_str()),
                    value: Arc::from(expected.value.as_str()),
                    score_below: expected.score_below,
                });
            }
            let probability = |(name, probability): (&Spanned<String>, &f32)| {
                if !(0.0..=1.0).contains(probability) {
                    let field = format!("{field}.topics");
                    problems.error(
                        name.span(),
                        field,
                        format!("probability of `{}` is not between 0 and 1", name.get_ref()),
                    );
                }
                Topic { name: Arc::from(name.get_ref().as_str()), probability: *probability }
            };
            let topics = test.topics.iter().map(probability).collect();
            trials.push(Self {
                name: Arc::from(name.as_str()),
                line: position(source, entry.span().start).0,
                text: Arc::from(test.text.as_str()),
                declared: test.declared,
                caller: Arc::from(test.caller.as_deref().unwrap_or("anonymous")),
                complexity: test.complexity.unwrap_or(Complexity::Simple),
                level: test.level,
                rule: test.rule.as_ref().map(|rule| Arc::from(rule.get_ref().as_str())),
                route: test.route,
                override_to: test.override_to,
                topics,
                findings,
            });
        }
        trials
    }
}

/// What the detectors say of one document.
#[derive(Clone, Debug, Default)]
pub struct Detected {
    /// Findings in any order.
    pub findings: Vec<Finding>,
    /// Topics.
    pub topics: Vec<Topic>,
    /// The receipt.
    pub coverage: Coverage,
}

/// What came of one test.
#[derive(Clone, Debug)]
pub struct TrialResult {
    /// The test.
    pub trial: Trial,
    /// The level that came out.
    pub level: Sensitivity,
    /// The reasons that came out.
    pub reasons: Vec<Reason>,
    /// The route that came out.
    pub route: Route,
    /// Why the override was not granted, if the test asks for one.
    pub denied: Option<OverrideDenied>,
    /// Expected findings that are missing.
    pub missing: Vec<Expected>,
}

impl TrialResult {
    /// Whether everything came out as the test says.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures().is_empty()
    }

    /// What did not come out as the test says, in words; quotes the policy file only.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if self.level != self.trial.level {
            failures.push(format!("expected {}, got {}", self.trial.level, self.level));
        }
        if let Some(rule) = &self.trial.rule {
            let got = self.reasons.first().map_or("no rule", |reason| &*reason.rule);
            if got != &**rule {
                failures.push(format!("expected the rule {rule}, got {got}"));
            }
        }
        if let Some(route) = self.trial.route
            && route != self.route
        {
            failures.push(format!("expected the route {route}, got {}", self.route));
        }
        failures.extend(self.denied.iter().map(|denied| format!("the override was not granted: {denied}")));
        failures
            .extend(self.missing.iter().map(|missing| format!("no {} was found where expected", missing.entity_type)));
        failures
    }
}

impl Policy {
    /// The tests of the file.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// Runs one test with the given detectors.
    pub fn try_out(&self, trial: &Trial, detect: impl Fn(&Document) -> Detected) -> TrialResult {
        let document = Document::of(&*trial.text);
        let detected = detect(&document);
        let covered = |findings: &[Finding], expected: &Expected| {
            findings.iter().any(|finding| self.covers(finding, expected, &trial.text))
        };
        let unseen: Vec<Expected> =
            trial.findings.iter().filter(|expected| !covered(&detected.findings, expected)).cloned().collect();
        let verdict = self.decide(Evidence {
            document: &document,
            findings: detected.findings,
            topics: trial.topics.clone(),
            coverage: detected.coverage,
            declared_level: trial.declared,
            caller: &trial.caller,
        });
        // What the policy denies is found by the policy itself.
        let missing = unseen.into_iter().filter(|expected| !covered(verdict.findings(), expected)).collect();
        let waived = trial.override_to.map(|to| self.waive(&verdict, &trial.caller, to, true)).transpose();
        let (waiver, denied) = match waived {
            Ok(waiver) => (waiver.flatten(), None),
            Err(denied) => (None, Some(denied)),
        };
        let plan = self.route_waived(&verdict, waiver.as_ref(), trial.complexity, &trial.caller);
        TrialResult {
            trial: trial.clone(),
            level: verdict.level(),
            reasons: verdict.reasons().to_vec(),
            route: plan.preferred(),
            denied,
            missing,
        }
    }

    /// Runs every test of the file with the given detectors, in the order of the file.
    pub fn run_trials(&self, detect: impl Fn(&Document) -> Detected) -> Vec<TrialResult> {
        self.trials.iter().map(|trial| self.try_out(trial, &detect)).collect()
    }

    fn covers(&self, finding: &Finding, expected: &Expected, text: &str) -> bool {
        finding.entity_type == expected.entity_type
            && finding.score >= self.min_score
            && expected.score_below.is_none_or(|limit| finding.score < limit)
            && text
                .match_indices(&*expected.value)
                .any(|(start, value)| finding.range.start < start + value.len() && start < finding.range.end)
    }
}
