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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Record;
    use crate::audit::body::{decode, encode};

    #[test]
    fn the_record_has_one_form() {
        let chain = "00112233445566778899aabbccddeeff".parse().unwrap();
        let id = "0190a5c8-6d4e-7b2a-9c1f-3e5d7a9b1c2d".parse().unwrap();
        let heads = vec![ChainHead { chain, sequence: 7, hash: ChainHash::GENESIS }];
        let record = Record::Heads(Box::new(FleetHeads { id, time: Timestamp::UNIX_EPOCH, heads }));
        let body = encode(&record).unwrap();
        let expected = format!(
            r#"{{"v":1,"record":{{"heads":{{"id":"0190a5c8-6d4e-7b2a-9c1f-3e5d7a9b1c2d","time_us":0,"heads":[{{"chain":"00112233445566778899aabbccddeeff","sequence":7,"hash":"{}"}}]}}}}}}"#,
            ChainHash::GENESIS
        );
        assert_eq!(String::from_utf8(body.clone()).unwrap(), expected);
        assert_eq!(decode(&body).unwrap(), record);
        let louder = expected.replace("aabb", "AABB");
        assert!(decode(louder.as_bytes()).is_err(), "capital digits are another form");
    }
}
