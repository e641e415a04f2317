//! The verdict: a level, the rules that gave it, and the evidence. Its fields are read-only and only the policy makes
//! one, so a level cannot be edited on the way to the route.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::{Coverage, EntityType, Finding, Topic};

use super::Sensitivity;
use super::recall::Form;

/// One rule that applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule's id in the policy, or a built-in one: `declared_level`, `incomplete_coverage`.
    pub rule: Arc<str>,
    /// The level that it gives.
    pub level: Sensitivity,
    /// A sentence for people.
    pub description: Arc<str>,
    /// Types that made it apply.
    pub entity_types: Vec<EntityType>,
}

/// The policy that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyReference {
    /// Name in the file.
    pub name: Arc<str>,
    /// Version in the file.
    pub version: Arc<str>,
    /// BLAKE3 of the file's bytes, in hexadecimal.
    pub digest: Arc<str>,
}

/// The level of one document, and everything that explains it.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub(super) document_id: u64,
    pub(super) level: Sensitivity,
    pub(super) reasons: Vec<Reason>,
    /// For each reason, the indices of the findings that made it apply.
    pub(super) because: Vec<Vec<usize>>,
    /// For each reason, the indices of the topics that speak for it.
    pub(super) because_of_topics: Vec<Vec<usize>>,
    pub(super) findings: Vec<Finding>,
    pub(super) cues: Vec<Finding>,
    pub(super) allowed: Vec<Finding>,
    pub(super) topics: Vec<Topic>,
    pub(super) coverage: Coverage,
    pub(super) policy: PolicyReference,
    /// The lists that the policy compares values with; see [`super::Recalled`].
    pub(super) forms: Arc<[Form]>,
    /// Digest of what the policy allows and denies by value; `None` if it does neither.
    pub(super) lists: Option<Arc<str>>,
}

impl Verdict {
    /// The document that it is about; see [`crate::document::Document::id`].
    #[must_use]
    pub fn document_id(&self) -> u64 {
        self.document_id
    }

    /// The level.
    #[must_use]
    pub fn level(&self) -> Sensitivity {
        self.level
    }

    /// The rules that gave the level, then those that gave lower ones.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// All findings, in the order of parts and offsets, without cues.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// For each finding, the reasons that it made apply.
    #[must_use]
    pub fn reasons_by_finding(&self) -> Vec<Vec<&Reason>> {
        let mut by_finding: Vec<Vec<&Reason>> = vec![Vec::new(); self.findings.len()];
        for (reason, because) in self.reasons.iter().zip(&self.because) {
            for finding in because {
                by_finding.get_mut(*finding).into_iter().for_each(|reasons| reasons.push(reason));
            }
        }
        by_finding
    }

    /// For each reason, the topics that its rule asks for and that the text is about.
    #[must_use]
    pub fn topics_by_reason(&self) -> Vec<Vec<&Topic>> {
        let topics = |indices: &Vec<usize>| indices.iter().filter_map(|index| self.topics.get(*index)).collect();
        self.because_of_topics.iter().map(topics).collect()
    }

    /// What only helped the rules to judge, such as a pronoun or a word of fiction. It explains the verdict on the
    /// caller's own screen and is never reported, counted or redacted.
    #[must_use]
    pub fn cues(&self) -> &[Finding] {
        &self.cues
    }

    /// What was found and then left out, because the policy lists its value as harmless.
    #[must_use]
    pub fn allowed(&self) -> &[Finding] {
        &self.allowed
    }

    /// What the text is about.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// The receipt.
    #[must_use]
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// The policy that decided.
    #[must_use]
    pub fn policy(&self) -> &PolicyReference {
        &self.policy
    }
}
