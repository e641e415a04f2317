//! The verifier's part about signatures: which keys are trusted, how far their checkpoints reach, and whether what was
//! removed was removed by the log's own writer.

use std::path::{Path, PathBuf};

use super::AuditError;
use super::Label;
use super::body::Record;
use super::chain::Head;
use super::checkpoint::{Checkpoint, Prune};
use super::signer;
use super::signing::{PublicKey, Signature};
use super::verification::Problem;

/// What a verification is told from outside the log.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Heads that were kept elsewhere.
    pub heads: Vec<Head>,
    /// Keys that are trusted. `None`: those beside the log.
    pub public_keys: Option<Vec<PublicKey>>,
    /// A file of checkpoints that was kept elsewhere, one a line.
    pub checkpoints: Option<PathBuf>,
}

/// See above.
#[derive(Debug)]
pub(super) struct Seals {
    pub(super) trusted: Vec<PublicKey>,
    /// Whether the keys come from outside the log.
    pub(super) given: bool,
    /// Whether what was removed is kept here.
    archive: bool,
    log: Option<Label>,
    /// The newest checkpoint so far.
    last: Option<Last>,
    /// What the newest removal so far says; `None` until that is known.
    removed: Option<u64>,
    /// The removal that the log begins after.
    pub(super) start: Option<(u64, Prune)>,
    pub(super) checkpoints: u64,
    /// Position of the newest checkpoint whose signature was checked.
    pub(super) proven: u64,
}

#[derive(Debug)]
struct Last {
    number: u64,
    sequence: u64,
    signature: Signature,
    /// Who signs after it.
    key: Label,
}

impl Seals {
    /// Begins with the trusted keys, the name of the log, and the newest removal that the log tells of.
    pub(super) fn new(
        evidence: &Evidence,
        beside: &Path,
        log: Option<Label>,
        start: Option<(u64, Prune)>,
    ) -> Result<Self, AuditError> {
        let (trusted, given) = match &evidence.public_keys {
            Some(keys) => (keys.clone(), true),
            None if beside.exists() => (signer::read_public_keys(beside)?, false),
            None => (Vec::new(), false),
        };
        let removed = if start.is_none() { Some(0) } else { None };
        Ok(Self { trusted, given, archive: false, log, last: None, removed, start, checkpoints: 0, proven: 0 })
    }

    /// For an archive, which keeps what the log itself removed: the fleet's.
    pub(super) fn archived(evidence: &Evidence, log: Label, start: Option<(u64, Prune)>) -> Self {
        let trusted = evidence.public_keys.clone().unwrap_or_default();
        let removed = if start.is_none() { Some(0) } else { None };
        let given = evidence.public_keys.is_some();
        let log = Some(log);
        Self { trusted, given, archive: true, log, last: None, removed, start, checkpoints: 0, proven: 0 }
    }

    /// Where the walk begins, if the removal before it is rightful.
    pub(super) fn begin(&self) -> Result<Head, (u64, Problem)> {
        let Some((position, prune)) = &self.start else { return Ok(Head::EMPTY) };
        self.judge(prune, *position).map_err(|problem| (*position, problem))?;
        Ok(prune.end())
    }

    /// Judges the next record of the walk: `before` is the head that it follows.
    pub(super) fn record(&mut self, before: &Head, record: &Record) -> Result<(), Problem> {
        let first = self.start.as_ref().is_some_and(|(_, prune)| prune.last == before.sequence);
        match record {
            Record::Checkpoint(checkpoint) => self.checkpoint(before, checkpoint),
            _ if first => Err(Problem::Prune("the first record that was kept is no checkpoint")),
            Record::Prune(prune) => self.prune(before.sequence.saturating_add(1), prune),
            _ => Ok(()),
        }
    }

    fn signer(&self, id: &Label) -> Option<&PublicKey> {
        self.trusted.iter().find(|key| key.id() == *id)
    }

    /// Whether a trusted key signed; without any key this cannot be told.
    fn signed(&self, key: &Label, statement: &[u8], signature: &Signature) -> Result<(), Problem> {
        if self.trusted.is_empty() {
            return Ok(());
        }
        let Some(public) = self.signer(key) else {
            let expected = self.last.as_ref().map(|last| last.key.to_string());
            return Err(Problem::ForeignKey { key: key.to_string(), expected });
        };
        if public.verifies(statement, signature) { Ok(()) } else { Err(Problem::BadSignature) }
    }

    fn checkpoint(&mut self, before: &Head, checkpoint: &Checkpoint) -> Result<(), Problem> {
        let expected = self.last.as_ref().map(|last| &last.key).filter(|key| **key != checkpoint.key);
        if let Some(expected) = expected {
            return Err(Problem::ForeignKey { key: checkpoint.key.to_string(), expected: Some(expected.to_string()) });
        }
        self.signed(&checkpoint.key, &checkpoint.statement(), &checkpoint.signature)?;
        if checkpoint.sequence != before.sequence {
            return Err(Problem::Checkpoint("it belongs at another position"));
        }
        if checkpoint.hash != before.hash {
            let from = self.last.as_ref().map_or(0, |last| last.sequence).saturating_add(1);
            return Err(Problem::Rechained { from, to: checkpoint.sequence });
        }
        if self.log.as_ref().is_some_and(|log| *log != checkpoint.log) {
            return Err(Problem::Checkpoint("it names another log"));
        }
        let follows = match &self.last {
            Some(last) => checkpoint.number == last.number + 1 && checkpoint.previous == Some(last.signature),
            // Those before the first that was kept were removed.
            None if self.start.is_some() => checkpoint.number > 0,
            None => checkpoint.number == 1 && checkpoint.previous.is_none(),
        };
        if !follows {
            return Err(Problem::Checkpoint("it names another one as the one before"));
        }
        if self.removed.is_some_and(|removed| checkpoint.records.checked_add(removed) != Some(checkpoint.sequence)) {
            return Err(Problem::Checkpoint("it counts other records than there are"));
        }
        self.log = Some(checkpoint.log.clone());
        self.checkpoints += 1;
        if !self.trusted.is_empty() {
            self.proven = checkpoint.sequence.saturating_add(1);
        }
        self.trusted.extend(checkpoint.next_key.filter(|_| !self.trusted.is_empty()));
        self.last = Some(Last {
            number: checkpoint.number,
            sequence: checkpoint.sequence,
            signature: checkpoint.signature,
            key: checkpoint.next_key.map_or_else(|| checkpoint.key.clone(), |key| key.id()),
        });
        Ok(())
    }

    fn prune(&mut self, position: u64, prune: &Prune) -> Result<(), Problem> {
        self.judge(prune, position)?;
        let newest = self.start.as_ref().map_or(0, |(position, _)| *position);
        if position > newest && !self.archive {
            return Err(Problem::Prune("the records that it removed are there"));
        }
        if self.removed.is_some_and(|removed| prune.first != removed + 1) {
            return Err(Problem::Prune("it does not begin where the one before it ended"));
        }
        self.removed = Some(prune.last);
        Ok(())
    }

    fn judge(&self, prune: &Prune, position: u64) -> Result<(), Problem> {
        self.signed(&prune.key, &prune.statement(), &prune.signature)?;
        if self.log.as_ref().is_some_and(|log| *log != prune.log) {
            return Err(Problem::Prune("it names another log"));
        }
        if !prune.consistent() || position <= prune.last.saturating_add(1) {
            return Err(Problem::Prune("its numbers contradict each other"));
        }
        Ok(())
    }
}
