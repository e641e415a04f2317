//! The record that joins the chains of a fleet: where the other chains stood, as this replica saw them.
//!
//! It is a record like any other: the chain's hashes and the next checkpoint's signature cover it, so it needs no
//! signature of its own. It lists the chains that were at work since the record before it, and after a start all of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ReplicaId;
use crate::audit::chain::{ChainHash, Head};
use crate::audit::{DecisionId, words};

/// The newest record of one chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainHead {
    /// The chain.
    pub chain: ReplicaId,
    /// Position of its newest record.
    pub sequence: u64,
    /// Chain hash of that record.
    pub hash: ChainHash,
}

impl ChainHead {
    pub(in crate::audit) fn new(chain: ReplicaId, head: Head) -> Self {
        Self { chain, sequence: head.sequence, hash: head.hash }
    }

    /// Position and hash.
    #[must_use]
    pub fn head(&self) -> Head {
        Head { sequence: self.sequence, hash: self.hash }
    }

    /// As the database keeps it.
    pub(in crate::audit) fn columns(&self) -> Option<(Vec<u8>, i64)> {
        Some((self.chain.as_bytes().to_vec(), i64::try_from(self.sequence).ok()?))
    }
}

/// Where the other chains of the fleet stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetHeads {
    /// The record's name.
    pub id: DecisionId,
    /// Wall-clock time, in microseconds.
    #[serde(rename = "time_us", with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub time: Timestamp,
    /// The heads, by the names of their chains; at most 1000.
    pub heads: Vec<ChainHead>,
}

impl FleetHeads {
    pub(super) fn now(heads: Vec<ChainHead>) -> Self {
        Self { id: DecisionId::new(), time: words::now(), heads }
    }
}
