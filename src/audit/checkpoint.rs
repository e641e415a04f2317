//! Signed records of the log about itself: the checkpoint, which vouches for all that stands before it, and the prune
//! record, which vouches for what was removed on purpose.
//!
//! What is signed is a short text of lines, not the JSON of the record: whoever writes a verifier needs no JSON library
//! that keeps an order of fields. Every field of the record is in it. A checkpoint also covers the signature of the one
//! before, so that checkpoints shipped elsewhere form a chain of their own.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::chain::{ChainHash, Head};
use super::signing::{PublicKey, Signature, SigningKey};
use super::{AuditError, DecisionId, Label, words};

/// The signed state of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Its name.
    pub id: DecisionId,
    /// Wall-clock time, in microseconds.
    #[serde(rename = "time_us", with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub time: Timestamp,
    /// The log, by the name that it got when it was made.
    pub log: Label,
    /// Counts the checkpoints of the log from 1.
    pub number: u64,
    /// The newest record that it vouches for. The checkpoint itself is the record after it.
    pub sequence: u64,
    /// Chain hash of that record.
    pub hash: ChainHash,
    /// Records up to there that were not removed by retention.
    pub records: u64,
    /// Signature of the checkpoint before; `None` in the first.
    pub previous: Option<Signature>,
    /// The key that signed; see [`PublicKey::id`].
    pub key: Label,
    /// The key that signs from now on, if another one does.
    pub next_key: Option<PublicKey>,
    /// Over [`Checkpoint::statement`].
    pub signature: Signature,
}

/// What a new checkpoint says beside what its key says.
pub(super) struct Vouched<'a> {
    pub(super) log: &'a Label,
    pub(super) number: u64,
    pub(super) head: Head,
    pub(super) records: u64,
    pub(super) previous: Option<Signature>,
    pub(super) next_key: Option<PublicKey>,
}

impl Checkpoint {
    /// Signs.
    pub(super) fn sign(vouched: &Vouched<'_>, key: &SigningKey) -> Result<Self, AuditError> {
        let Vouched { log, number, head, records, previous, next_key } = vouched;
        // A placeholder first: the statement is made of the record, and the signature of the statement.
        let mut checkpoint = Self {
            id: DecisionId::new(),
            time: words::now(),
            log: (*log).clone(),
            number: *number,
            sequence: head.sequence,
            hash: head.hash,
            records: *records,
            previous: *previous,
            key: key.public().id(),
            next_key: *next_key,
            signature: key.sign(b"")?,
        };
        checkpoint.signature = key.sign(&checkpoint.statement())?;
        Ok(checkpoint)
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn statement(&self) -> Vec<u8> {
        format!(
            "cordon audit checkpoint v1\nid {}\ntime_us {}\nlog {}\nnumber {}\nsequence {}\nhash {}\nrecords {}\n\
             previous {}\nkey {}\nnext_key {}\n",
            self.id,
            self.time.as_microsecond(),
            self.log,
            self.number,
            self.sequence,
            self.hash,
            self.records,
            or_dash(self.previous),
            self.key,
            or_dash(self.next_key),
        )
        .into_bytes()
    }
}

/// A removal of old records: everything from `first` to `last` is gone, and `last + 1` is a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// Its name.
    pub id: DecisionId,
    /// Wall-clock time, in microseconds.
    #[serde(rename = "time_us", with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub time: Timestamp,
    /// The log.
    pub log: Label,
    /// First record removed; one more than the last of the removal before.
    pub first: u64,
    /// Chain hash of the record before it.
    pub hash_before: ChainHash,
    /// Last record removed.
    pub last: u64,
    /// Its chain hash, which the checkpoint after it names as well.
    pub hash: ChainHash,
    /// How many records were removed.
    pub records: u64,
    /// Decisions from this time on were to be kept, in microseconds.
    #[serde(rename = "keep_from_us", with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub keep_from: Timestamp,
    /// Who asked for it: `keep_days` for the configuration, else an operator's name.
    pub by: Label,
    /// The key that signed.
    pub key: Label,
    /// Over [`Prune::statement`].
    pub signature: Signature,
}

/// What a new prune record says beside what its key says.
pub(super) struct Removed<'a> {
    pub(super) log: &'a Label,
    /// The end of the removal before; [`Head::EMPTY`] if there was none.
    pub(super) from: Head,
    pub(super) to: Head,
    pub(super) keep_from: Timestamp,
    pub(super) by: &'a Label,
}

impl Prune {
    /// Signs.
    pub(super) fn sign(removed: &Removed<'_>, key: &SigningKey) -> Result<Self, AuditError> {
        let Removed { log, from, to, keep_from, by } = removed;
        let keep_from = Timestamp::from_microsecond(keep_from.as_microsecond()).unwrap_or(*keep_from);
        let mut prune = Self {
            id: DecisionId::new(),
            time: words::now(),
            log: (*log).clone(),
            first: from.sequence.saturating_add(1),
            hash_before: from.hash,
            last: to.sequence,
            hash: to.hash,
            records: to.sequence.saturating_sub(from.sequence),
            keep_from,
            by: (*by).clone(),
            key: key.public().id(),
            signature: key.sign(b"")?,
        };
        prune.signature = key.sign(&prune.statement())?;
        Ok(prune)
    }

    /// The bytes that are signed.
    #[must_use]
    pub fn statement(&self) -> Vec<u8> {
        format!(
            "cordon audit prune v1\nid {}\ntime_us {}\nlog {}\nfirst {}\nhash_before {}\nlast {}\nhash {}\nrecords {}\n\
             keep_from_us {}\nby {}\nkey {}\n",
            self.id,
            self.time.as_microsecond(),
            self.log,
            self.first,
            self.hash_before,
            self.last,
            self.hash,
            self.records,
            self.keep_from.as_microsecond(),
            self.by,
            self.key,
        )
        .into_bytes()
    }

    /// The last record removed.
    #[must_use]
    pub fn end(&self) -> Head {
        Head { sequence: self.last, hash: self.hash }
    }

    /// Whether its numbers fit each other.
    pub(super) fn consistent(&self) -> bool {
        let begins = if self.first == 1 { self.hash_before == ChainHash::GENESIS } else { self.first > 1 };
        begins && self.last >= self.first && self.records == self.last - self.first + 1
    }
}

fn or_dash(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(key: &SigningKey) -> Checkpoint {
        let vouched = Vouched {
            log: &Label::token("0123456789abcdef0123456789abcdef"),
            number: 2,
            head: Head { sequence: 41, hash: ChainHash::GENESIS },
            records: 41,
            previous: Some(key.sign(b"before").unwrap()),
            next_key: None,
        };
        Checkpoint::sign(&vouched, key).unwrap()
    }

    #[test]
    fn every_field_is_signed() {
        let key = SigningKey::generate().unwrap();
        let whole = checkpoint(&key);
        assert!(key.public().verifies(&whole.statement(), &whole.signature));
        let serde_json::Value::Object(fields) = serde_json::to_value(&whole).unwrap() else { panic!("an object") };
        for (name, value) in fields.iter().filter(|(name, _)| *name != "signature") {
            let mut changed = fields.clone();
            let other = match (name.as_str(), value) {
                ("id", _) => DecisionId::new().to_string().into(),
                ("previous" | "next_key", serde_json::Value::Null) => "00".repeat(32).into(),
                ("previous", _) => serde_json::Value::Null,
                (_, serde_json::Value::Number(number)) => (number.as_u64().unwrap() + 1).into(),
                (_, serde_json::Value::String(text)) => text.replace(['0', '1', 'e'], "2").into(),
                other => panic!("{other:?}"),
            };
            changed.insert(name.clone(), other);
            let changed: Checkpoint = serde_json::from_value(changed.into()).unwrap();
            assert_ne!(changed, whole, "{name}");
            assert!(!key.public().verifies(&changed.statement(), &changed.signature), "{name}");
        }
    }

    #[test]
    fn a_prune_record_that_counts_wrongly_is_told() {
        let key = SigningKey::generate().unwrap();
        let (log, by) = (Label::token("l"), Label::new("keep_days"));
        let to = Head { sequence: 9, hash: ChainHash::GENESIS };
        let removed = Removed { log: &log, from: Head::EMPTY, to, keep_from: Timestamp::UNIX_EPOCH, by: &by };
        let whole = Prune::sign(&removed, &key).unwrap();
        assert!(whole.consistent() && whole.records == 9 && whole.first == 1);
        assert!(key.public().verifies(&whole.statement(), &whole.signature));
        for wrong in [
            Prune { first: 2, ..whole.clone() },
            Prune { last: 10, ..whole.clone() },
            Prune { records: 8, ..whole.clone() },
            Prune { first: 10, ..whole.clone() },
        ] {
            assert!(!wrong.consistent(), "{wrong:?}");
        }
    }
}
