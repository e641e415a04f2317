//! Whether the log can be believed. A report says what the verifier said, and three words never mean the same: broken,
//! intact as far as it can be shown, and shown whole. What was not verified is called so.

use serde::Serialize;

use crate::audit::{AuditError, Verification};

/// How far the log is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A record was changed, removed, put in or moved.
    Broken,
    /// Nothing wrong was found, and something could not be proven.
    Unproven,
    /// Everything that a log can prove is proven.
    Proven,
    /// The verifier did not run.
    NotVerified,
}

/// What the verifier said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// In one word.
    pub proof: Proof,
    /// Why it was not verified; empty if it was.
    pub not_verified_because: String,
    /// Records looked at.
    pub records: u64,
    /// Position of the newest record that follows from all before it.
    pub head_sequence: u64,
    /// Its hash, in hexadecimal; empty if nothing was verified.
    pub head_hash: String,
    /// Up to which position signatures, or heads kept elsewhere, prove the log; 0 if nothing does.
    pub proven_to: u64,
    /// Signed checkpoints among the records.
    pub checkpoints: u64,
    /// Records from the first to this one were removed by retention; 0 if none were.
    pub removed_to: u64,
    /// The first record at fault, with what is wrong.
    pub fault: Option<String>,
    /// What could not be proven, and why.
    pub unproven: Vec<String>,
}

impl Standing {
    /// What a verification found.
    #[must_use]
    pub fn of(found: &Verification) -> Self {
        let unproven: Vec<String> = found.unproven.iter().map(ToString::to_string).collect();
        Self {
            proof: match (found.intact(), unproven.is_empty()) {
                (false, _) => Proof::Broken,
                (true, false) => Proof::Unproven,
                (true, true) => Proof::Proven,
            },
            not_verified_because: String::new(),
            records: found.records,
            head_sequence: found.head.sequence,
            head_hash: found.head.hash.to_string(),
            proven_to: found.proven,
            checkpoints: found.checkpoints,
            removed_to: found.removed,
            fault: found.fault.as_ref().map(ToString::to_string),
            unproven,
        }
    }

    /// Nothing was verified.
    #[must_use]
    pub fn not_verified(because: impl Into<String>) -> Self {
        Self {
            proof: Proof::NotVerified,
            not_verified_because: because.into(),
            records: 0,
            head_sequence: 0,
            head_hash: String::new(),
            proven_to: 0,
            checkpoints: 0,
            removed_to: 0,
            fault: None,
            unproven: Vec::new(),
        }
    }

    /// What a verification found, or why there is none. An error of the store is no fault of a record.
    #[must_use]
    pub fn from_result(found: &Result<Verification, AuditError>) -> Self {
        match found {
            Ok(found) => Self::of(found),
            Err(AuditError::Cancelled) => Self::not_verified("it was stopped before its end"),
            Err(error) => Self::not_verified(error.to_string()),
        }
    }
}
