//! The bytes of a record. They are what the chain hashes and what the log keeps, so a verifier needs nothing else.
//!
//! Version 1 is UTF-8 JSON with one form for each record:
//!
//! - one line without any space outside of strings;
//! - `{"v":1,"record":{"decision":{…}}}`, `{"v":1,"record":{"outcome":{"decision_id":…,"outcome":{…}}}}`,
//!   `{"v":1,"record":{"change":{…}}}`, and `checkpoint`, `prune` and `heads` in the same way;
//! - the fields of [`Decision`] and [`Outcome`] and of everything in them, all of them, in the order of their
//!   declaration; what is absent is `null`, an empty list `[]`, an empty name `""`; but fields that came after the first
//!   release (each says so) are left out where they are absent, so that older records keep their bytes;
//! - numbers are decimal integers without sign for what cannot be negative, leading zero, fraction or exponent: times in
//!   microseconds since 1970-01-01T00:00:00Z, scores in millionths;
//! - in strings only `"`, `\` and control characters are escaped, by the short forms of RFC 8259 where there is one and
//!   by `\u00xx` in lower case otherwise.
//!
//! [`decode`] accepts nothing but this form: it encodes what it read once more and compares. So a body stands for
//! exactly one record and a record for exactly one body. A change of any field that was there makes a new version.

use serde::{Deserialize, Serialize};

use super::{AuditError, Change, Checkpoint, Decision, DecisionId, FleetHeads, Outcome, Prune};

/// Version of the encoding that this program writes.
pub const BODY_VERSION: u32 = 1;

/// Largest body in bytes. A record with all findings that it may list stays well under it.
pub const MAX_BODY_BYTES: usize = 2 << 20;

const START: &[u8] = br#"{"v":1,"record":"#;

/// One record of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// What was decided.
    Decision(Box<Decision>),
    /// What came of it.
    Outcome {
        /// The decision that ended so.
        decision_id: DecisionId,
        /// How.
        outcome: Outcome,
    },
    /// What an operator changed.
    Change(Change),
    /// The signed state of the log.
    Checkpoint(Box<Checkpoint>),
    /// A signed removal of old records.
    Prune(Box<Prune>),
    /// Where the other chains of a fleet stood.
    Heads(Box<FleetHeads>),
}

impl Record {
    /// The decision that the record is or belongs to; for other kinds its own name.
    #[must_use]
    pub fn decision_id(&self) -> DecisionId {
        match self {
            Self::Decision(decision) => decision.id,
            Self::Outcome { decision_id, .. } => *decision_id,
            Self::Change(change) => change.id,
            Self::Checkpoint(checkpoint) => checkpoint.id,
            Self::Prune(prune) => prune.id,
            Self::Heads(heads) => heads.id,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<R> {
    v: u32,
    record: R,
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undecodable {
    /// They do not start like a record of this version.
    UnknownVersion,
    /// They are not JSON of a record.
    Malformed,
    /// They are a record, written in another form than the one that there is.
    NotCanonical,
}

/// The bytes of a record.
pub(super) fn encode(record: &Record) -> Result<Vec<u8>, AuditError> {
    let bytes = serde_json::to_vec(&Envelope { v: BODY_VERSION, record })
        .map_err(|_| AuditError::Internal("a record could not be encoded"))?;
    if bytes.len() > MAX_BODY_BYTES {
        return Err(AuditError::RecordTooLarge { bytes: bytes.len(), limit: MAX_BODY_BYTES });
    }
    Ok(bytes)
}

/// The record of these bytes.
pub(super) fn decode(bytes: &[u8]) -> Result<Record, Undecodable> {
    let record = decode_any_form(bytes)?;
    match encode(&record) {
        Ok(again) if again == bytes => Ok(record),
        _ => Err(Undecodable::NotCanonical),
    }
}

/// The record of these bytes, which may be written in another form than the one that there is.
pub(super) fn decode_any_form(bytes: &[u8]) -> Result<Record, Undecodable> {
    if !bytes.starts_with(START) {
        return Err(Undecodable::UnknownVersion);
    }
    let envelope: Envelope<Record> = serde_json::from_slice(bytes).map_err(|_| Undecodable::Malformed)?;
    Ok(envelope.record)
}
