//! The verdict: a level, the rules that gave it, and the evidence. Its fields are read-only and only the policy makes
//! one, so a level cannot be edited on the way to the route.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::{Coverage, EntityType, Finding, Topic};

use super::Sensitivity;

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
    pub(super) findings: Vec<Finding>,
    pub(super) topics: Vec<Topic>,
    pub(super) coverage: Coverage,
    pub(super) policy: PolicyReference,
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

    /// All findings, in the order of parts and offsets.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
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
