//! From evidence to verdict. Adding evidence never lowers the level, a missing detector makes it the highest, and the
//! caller's own opinion can only raise it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::detect::{EntityType, Finding};
use crate::document::Document;

use super::evaluate::{holds, topics};
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
        if !evidence.coverage.is_complete() {
            reasons.push(built_in(
                INCOMPLETE_COVERAGE,
                Sensitivity::HIGHEST,
                "A detector did not see all of the text, and what is unknown is not public.",
            ));
        }
        if evidence.document.unscannable() > 0 && self.unscannable > Sensitivity::Public {
            reasons.push(built_in(
                UNSCANNABLE_CONTENT,
                self.unscannable,
                "The request holds something that no detector can read, such as an image.",
            ));
        }
        if let Some(declared) = evidence.declared_level.filter(|level| *level > Sensitivity::Public) {
            reasons.push(built_in(DECLARED_LEVEL, declared, "The caller declared at least this level."));
        }
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
        let view = View::new(&own, &self.index, self.min_score);
        let highest = self.highest_level();
        self.rules
            .iter()
            .filter(|rule| rule.level == highest)
            .any(|rule| holds(&rule.condition, &view, &mut Vec::new()))
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
        let mut reasons = Vec::new();
        for level in LEVELS {
            for rule in self.rules.iter().filter(|rule| rule.level == level) {
                let mut because = Vec::new();
                if holds(&rule.condition, &view, &mut because) {
                    because.sort_unstable();
                    because.dedup();
                    let mut speak = Vec::new();
                    topics(&rule.condition, &view, &mut speak);
                    speak.sort_unstable();
                    speak.dedup();
                    let reason = Reason {
                        rule: Arc::clone(&rule.id),
                        level,
                        description: Arc::clone(&rule.description),
                        entity_types: types_of(&because, &evidence.findings),
                    };
                    reasons.push(Because { reason, findings: because, topics: speak });
                    break;
                }
            }
        }
        reasons
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

fn built_in(rule: &str, level: Sensitivity, description: &str) -> Because {
    let reason = Reason { rule: Arc::from(rule), level, description: Arc::from(description), entity_types: Vec::new() };
    Because { reason, findings: Vec::new(), topics: Vec::new() }
}
