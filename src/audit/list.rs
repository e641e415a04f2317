//! Lists of decisions: filters, page tokens, and records as they are shown. Pages go by position, newest first, so a
//! page stays where it is while records are added.

use jiff::Timestamp;
use serde::Serialize;

use crate::policy::{Route, Sensitivity};

use super::body::{self, Record};
use super::chain::ChainHash;
use super::page::StatusFilter;
use super::row::Row;
use super::store::Found;
use super::{AuditError, Change, Decision, Label, Operation, Outcome};

/// Decisions on a page when none are asked for.
pub const DEFAULT_PAGE_SIZE: u32 = 50;
/// Most decisions on a page; a larger wish gets this.
pub const MAX_PAGE_SIZE: u32 = 1000;

/// Which decisions to list. What is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DecisionFilter {
    /// Only this level.
    pub level: Option<Sensitivity>,
    /// Only this route; classifications have none.
    pub route: Option<Route>,
    /// Only this caller.
    pub caller: Option<String>,
    /// Only this id of the caller's. It need not be unique.
    pub request_id: Option<String>,
    /// Only at or after this time.
    pub since: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// Only with a finding of this type.
    pub entity_type: Option<String>,
    /// Only those that asked for this model, or were answered by it in the end.
    pub model: Option<String>,
    /// Only under the policy whose digest begins so.
    pub policy_digest: Option<String>,
    /// Only those that ended so.
    pub status: Option<StatusFilter>,
    /// Only what was asked so.
    pub operation: Option<Operation>,
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecisionPage {
    /// Newest first. There can be fewer than were asked for, even none, though there are more.
    pub decisions: Vec<StoredDecision>,
    /// Empty on the last page.
    pub next_page_token: String,
}

/// A decision as it stands in the log.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDecision {
    /// Position in the log, from 1.
    pub sequence: u64,
    /// Chain hash of the record.
    pub hash: ChainHash,
    /// The record.
    pub decision: Decision,
    /// `None` until the request has ended.
    pub outcome: Option<StoredOutcome>,
    /// The chain that it stands in, if it was read from a fleet's log.
    pub chain: Option<Label>,
}

/// An outcome as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOutcome {
    /// Position in the log.
    pub sequence: u64,
    /// Chain hash of the record.
    pub hash: ChainHash,
    /// The record.
    pub outcome: Outcome,
}

/// A change as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChange {
    /// Position in the log.
    pub sequence: u64,
    /// Chain hash of the record.
    pub hash: ChainHash,
    /// The record.
    pub change: Change,
}

impl StoredChange {
    pub(super) fn of(row: &Row) -> Result<Self, AuditError> {
        match open(row)? {
            (sequence, hash, Record::Change(change)) => Ok(Self { sequence, hash, change }),
            (sequence, ..) => Err(AuditError::Damaged { sequence }),
        }
    }
}

impl DecisionFilter {
    /// How many decisions a page has when so many were asked for.
    pub(super) fn page_size(asked: u32) -> u32 {
        match asked {
            0 => DEFAULT_PAGE_SIZE,
            size => size.min(MAX_PAGE_SIZE),
        }
    }

    /// A token: the position of the last decision looked at, and a mark of the filter, so that a token of another list is
    /// refused instead of answered wrongly.
    pub(super) fn token(&self, sequence: u64) -> Result<String, AuditError> {
        Ok(format!("{sequence:016x}{}", self.mark()?))
    }

    /// The position that a token names; `None` for the first page.
    pub(super) fn read_token(&self, token: &str) -> Result<Option<u64>, AuditError> {
        if token.is_empty() {
            return Ok(None);
        }
        let (sequence, mark) = token.split_at_checked(16).ok_or(AuditError::InvalidPageToken)?;
        let sequence = u64::from_str_radix(sequence, 16).map_err(|_| AuditError::InvalidPageToken)?;
        // Written again, because the number may have been spelled in another way.
        if self.token(sequence)? != token || mark.is_empty() {
            return Err(AuditError::InvalidPageToken);
        }
        Ok(Some(sequence))
    }

    fn mark(&self) -> Result<String, AuditError> {
        let bytes = serde_json::to_vec(self).map_err(|_| AuditError::Internal("a filter could not be encoded"))?;
        Ok(blake3::hash(&bytes).to_hex().chars().take(16).collect())
    }
}

/// A bound in microseconds, which are what is kept: one between two of them is brought up to the next.
pub(super) fn micros(time: Timestamp) -> i64 {
    let floor = time.as_microsecond();
    if time.subsec_nanosecond().rem_euclid(1000) == 0 { floor } else { ceiling(time, floor) }
}

/// The first microsecond not before `time`; times before 1970 round towards zero, which is up already.
fn ceiling(time: Timestamp, truncated: i64) -> i64 {
    if time.as_nanosecond() > 0 { truncated.saturating_add(1) } else { truncated }
}

impl StoredDecision {
    pub(super) fn of((decision, outcome): Found) -> Result<Self, AuditError> {
        let (sequence, hash, record) = open(&decision)?;
        let Record::Decision(decision) = record else { return Err(AuditError::Damaged { sequence }) };
        let outcome = outcome.as_ref().map(open).transpose()?;
        let outcome = match outcome {
            None => None,
            Some((sequence, hash, Record::Outcome { decision_id, outcome })) if decision_id == decision.id => {
                Some(StoredOutcome { sequence, hash, outcome })
            }
            Some((sequence, ..)) => return Err(AuditError::Damaged { sequence }),
        };
        Ok(Self { sequence, hash, decision: *decision, outcome, chain: None })
    }
}

fn open(row: &Row) -> Result<(u64, ChainHash, Record), AuditError> {
    let sequence = u64::try_from(row.sequence).unwrap_or(0);
    let damaged = AuditError::Damaged { sequence };
    match (ChainHash::from_slice(&row.hash), body::decode(&row.body)) {
        (Some(hash), Ok(record)) => Ok((sequence, hash, record)),
        _ => Err(damaged),
    }
}
