//! From evidence to verdict. Adding evidence never lowers the level, a missing detector makes it the highest, and the
//! caller's own opinion can only raise it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::detect::{EntityType, Finding};
use crate::document::Document;

use super::doubt::Lens;
use super::evaluate::{holds, topics};
use super::loaded::Rule;
use super::view::{Evidence, View};
use super::{Policy, Reason, Sensitivity, Verdict};

/// The reason when a detector did not do all of its work.
pub const INCOMPLETE_COVERAGE: &str = "incomplete_coverage";
/// The reason when something in the request can be read by no detector, such as an image.
pub const UNSCANNABLE_CONTENT: &str = "unscannable_content";
/// The reason when the caller declared the level.
pub const DECLARED_LEVEL: &str = "declared_level";
/// Names that rules and routes of a policy file cannot take.
pub(super) const BUILT_IN: [&str; 5] =
    [INCOMPLETE_COVERAGE, UNSCANNABLE_CONTENT, DECLARED_LEVEL, super::table::NO_ROUTE, super::waiver::NO_OVERRIDE];

/// Every level, the highest first.
const LEVELS: [Sensitivity; 3] = [Sensitivity::Confidential, Sensitivity::Internal, Sensitivity::Public];

impl Policy {
    /// Gives the verdict: the highest level that a rule, the coverage receipt or the caller gives; public if none does.
    /// For each level the first rule that holds is the reason.
    #[must_use]
    pub fn decide(&self, mut evidence: Evidence<'_>) -> Verdict {
        let allowed = self.order(&mut evidence);
        self.judge(evidence, allowed)
    }

    /// The level that the evidence of a verdict would give if its findings and cues were changed, and the rule that would
    /// give it; for explanations. It makes no verdict: nothing that was not found in a document may route it.
    #[must_use]
    pub fn level_if(
        &self,
        verdict: &Verdict,
        document: &Document,
        (declared_level, caller): (Option<Sensitivity>, &str),
        change: &mut dyn FnMut(&mut Vec<Finding>),
    ) -> (Sensitivity, Option<Arc<str>>) {
        let mut findings = [verdict.findings.as_slice(), &verdict.cues].concat();
        change(&mut findings);
        let (topics, coverage) = (verdict.topics.clone(), verdict.coverage.clone());
        let mut evidence = Evidence { document, findings, topics, coverage, declared_level, caller };
        in_order(&mut evidence.findings);
        let changed = self.judge(evidence, Vec::new());
        (changed.level, changed.reasons.first().map(|reason| Arc::clone(&reason.rule)))
    }

    /// The verdict on evidence in the order of the document.
    fn judge(&self, evidence: Evidence<'_>, allowed: Vec<Finding>) -> Verdict {
        let mut reasons = self.reasons(&evidence);
        let circumstances = Circumstances {
            complete: evidence.coverage.is_complete(),
            unscannable: evidence.document.unscannable() > 0,
            declared: evidence.declared_level,
        };
        reasons.extend(self.built_in(&circumstances).into_iter().flatten().map(Because::from));
        // Stable: within a level the rule of the policy stays before the built-in reasons.
        reasons.sort_by_key(|because| std::cmp::Reverse(because.reason.level));
        let (findings, cues) = self.divide(evidence.findings, &mut reasons);
        let mut verdict = Verdict {
            document_id: evidence.document.id(),
            level: reasons.first().map_or(Sensitivity::Public, |because| because.reason.level),
            reasons: Vec::with_capacity(reasons.len()),
            because: Vec::with_capacity(reasons.len()),
            because_of_topics: Vec::with_capacity(reasons.len()),
            findings,
            cues,
            allowed,
            topics: evidence.topics,
            coverage: evidence.coverage,
            policy: self.reference.clone(),
            forms: Arc::clone(&self.forms),
            lists: self.lists.clone(),
        };
        for because in reasons {
            verdict.reasons.push(because.reason);
            verdict.because.push(because.findings);
            verdict.because_of_topics.push(because.topics);
        }
        verdict
    }

    /// Whether these findings alone already give the highest level that the policy knows, so that no other detector
    /// can raise it, and the policy permits to stop there. What the caller declares does not count: no option of a
    /// caller skips a detector.
    #[must_use]
    pub fn rules_suffice(&self, evidence: &Evidence<'_>) -> bool {
        if !self.may_skip_ner {
            return false;
        }
        let mut own = Evidence {
            document: evidence.document,
            findings: evidence.findings.clone(),
            topics: evidence.topics.clone(),
            coverage: evidence.coverage.clone(),
            declared_level: None,
            caller: evidence.caller,
        };
        self.order(&mut own);
        self.reaches_highest(&View::new(&own, &self.index, self.min_score), Lens::Sure)
    }

    /// Whether a rule of the highest level holds.
    pub(super) fn reaches_highest(&self, view: &View<'_>, lens: Lens) -> bool {
        let highest = self.highest_level();
        let mut rules = self.rules.iter().filter(|rule| rule.level == highest);
        rules.any(|rule| holds(&rule.condition, view, lens, &mut Vec::new()))
    }

    /// For each level, the highest first, the first rule that holds, with the findings that made it hold.
    pub(super) fn rules_that_hold(&self, view: &View<'_>, lens: Lens) -> Vec<(&Rule, Vec<usize>)> {
        let first = |level| {
            self.rules.iter().filter(move |rule| rule.level == level).find_map(|rule| {
                let mut because = Vec::new();
                holds(&rule.condition, view, lens, &mut because).then_some((rule, because))
            })
        };
        LEVELS.into_iter().filter_map(first).collect()
    }

    /// What speaks beside the rules of the file.
    pub(super) fn built_in(&self, circumstances: &Circumstances) -> [Option<BuiltIn>; 3] {
        let unscannable = circumstances.unscannable && self.unscannable > Sensitivity::Public;
        [
            (!circumstances.complete).then_some(BuiltIn {
                rule: INCOMPLETE_COVERAGE,
                level: Sensitivity::HIGHEST,
                description: "A detector did not see all of the text, and what is unknown is not public.",
            }),
            unscannable.then_some(BuiltIn {
                rule: UNSCANNABLE_CONTENT,
                level: self.unscannable,
                description: "The request holds something that no detector can read, such as an image.",
            }),
            circumstances.declared.filter(|level| *level > Sensitivity::Public).map(|level| BuiltIn {
                rule: DECLARED_LEVEL,
                level,
                description: "The caller declared at least this level.",
            }),
        ]
    }

    /// Takes out what the policy allows by name, adds what it denies, and puts all in the order of the document.
    fn order(&self, evidence: &mut Evidence<'_>) -> Vec<Finding> {
        let (document, caller) = (evidence.document, evidence.caller);
        let allowed = evidence.findings.extract_if(.., |finding| self.allows(finding, document, caller)).collect();
        self.denied.add_to(evidence);
        in_order(&mut evidence.findings);
        allowed
    }

    /// Findings and cues apart, and the reasons counting in findings alone.
    fn divide(&self, all: Vec<Finding>, reasons: &mut [Because]) -> (Vec<Finding>, Vec<Finding>) {
        let (mut findings, mut cues) = (Vec::with_capacity(all.len()), Vec::new());
        let mut places: Vec<Option<usize>> = Vec::with_capacity(all.len());
        for finding in all {
            let cue = self.index.is_cue(finding.entity_type.as_str());
            places.push((!cue).then_some(findings.len()));
            if cue { &mut cues } else { &mut findings }.push(finding);
        }
        for because in reasons {
            because.findings =
                because.findings.iter().filter_map(|index| places.get(*index).copied().flatten()).collect();
        }
        (findings, cues)
    }

    fn reasons(&self, evidence: &Evidence<'_>) -> Vec<Because> {
        let view = View::new(evidence, &self.index, self.min_score);
        let because = |(rule, mut because): (&Rule, Vec<usize>)| {
            because.sort_unstable();
            because.dedup();
            let mut speak = Vec::new();
            topics(&rule.condition, &view, &mut speak);
            speak.sort_unstable();
            speak.dedup();
            let reason = Reason {
                rule: Arc::clone(&rule.id),
                level: rule.level,
                description: Arc::clone(&rule.description),
                entity_types: types_of(&because, &evidence.findings),
            };
            Because { reason, findings: because, topics: speak }
        };
        self.rules_that_hold(&view, Lens::Sure).into_iter().map(because).collect()
    }
}

/// What is known of a request beside what was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Circumstances {
    /// Whether every detector saw everything that it must.
    pub(super) complete: bool,
    /// Whether something can be read by no detector.
    pub(super) unscannable: bool,
    /// The level that the caller declared.
    pub(super) declared: Option<Sensitivity>,
}

/// A reason that is not in the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct BuiltIn {
    pub(super) rule: &'static str,
    pub(super) level: Sensitivity,
    description: &'static str,
}

impl From<BuiltIn> for Because {
    fn from(of: BuiltIn) -> Self {
        let reason = Reason {
            rule: Arc::from(of.rule),
            level: of.level,
            description: Arc::from(of.description),
            entity_types: Vec::new(),
        };
        Self { reason, findings: Vec::new(), topics: Vec::new() }
    }
}

/// A reason, with the indices of the findings and of the topics that made it apply.
struct Because {
    reason: Reason,
    findings: Vec<usize>,
    topics: Vec<usize>,
}

/// The order of the document.
fn in_order(findings: &mut [Finding]) {
    findings.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.entity_type.cmp(&b.entity_type)));
}

fn place(finding: &Finding) -> (usize, usize, usize) {
    (finding.part, finding.range.start, finding.range.end)
}

fn types_of(because: &[usize], findings: &[Finding]) -> Vec<EntityType> {
    let types: BTreeSet<&EntityType> =
        because.iter().filter_map(|index| findings.get(*index)).map(|finding| &finding.entity_type).collect();
    types.into_iter().cloned().collect()
}
