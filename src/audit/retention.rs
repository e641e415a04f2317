//! Retention: old records go, and the log stays verifiable. What is removed ends right before a signed checkpoint, which
//! names the chain hash of the last record removed, so the chain goes on from there; and a signed record in the log says
//! what was removed, when and by whom. Without that record a gap is a fault.
//!
//! Before anything goes, the chain over it is computed once more: what was tampered with must not be swept away as old.
//! All is done in small steps between the writer's commits, so that no request waits for it; after a crash in the
//! middle, the next start goes on from the signed record.

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::chain::{ChainHash, Head};
use super::checkpoint::Removed;
use super::signer::{self, Signer};
use super::store::Session;
use super::{AuditError, Label};

/// Records in one step: some milliseconds.
const STEP: u64 = 1000;
/// Pages given back to the system in one step.
const PAGES: u32 = 2000;

/// What a removal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// First record removed.
    pub first: u64,
    /// Last record removed.
    pub last: u64,
}

impl Pruned {
    /// How many records were removed.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }
}

/// What a removal did; `None` if nothing was old enough.
pub(super) type Answer = Result<Option<Pruned>, AuditError>;

/// A wish to remove old records.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) keep_from: Timestamp,
    pub(super) by: Label,
    /// Who waits for the end of it.
    pub(super) answer: Option<oneshot::Sender<Answer>>,
}

/// A removal under way.
#[derive(Debug)]
pub(super) struct Removal {
    wish: Wish,
    /// Last record that went before.
    from: Head,
    /// Last record that goes.
    to: Head,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The chain was computed up to here.
    Checking(Head),
    /// The signed record is in the log; rows go.
    Deleting,
    /// Pages go back to the system.
    Shrinking,
}

impl Removal {
    /// What the wish comes to; `None` if nothing is old enough. Then the wish is answered.
    pub(super) fn plan(session: &Session, wish: Wish) -> Result<Option<Self>, AuditError> {
        match Self::range(session, &wish) {
            Ok(Some((from, to))) => Ok(Some(Self { wish, from, to, stage: Stage::Checking(from) })),
            other => {
                let nothing = other.map(|_| None);
                let failed = nothing.as_ref().err().cloned();
                wish.tell(nothing);
                failed.map_or(Ok(None), Err)
            }
        }
    }

    fn range(session: &Session, wish: &Wish) -> Result<Option<(Head, Head)>, AuditError> {
        let from = signer::newest_prune(session)?.map_or(Head::EMPTY, |(_, prune)| prune.end());
        let Some((position, checkpoint)) = session.checkpoint_before(wish.keep_from.as_microsecond())? else {
            return Ok(None);
        };
        let to = Head { sequence: checkpoint.sequence, hash: checkpoint.hash };
        if to.sequence.saturating_add(1) != position {
            return Err(AuditError::Damaged { sequence: position });
        }
        let removable = session.removable()?;
        if to.sequence > removable {
            tracing::warn!(
                wanted = to.sequence,
                removable,
                "old records stay: the fleet's log does not have them all yet (a log that left its fleet: remove audit.shipped)"
            );
            return Ok(None);
        }
        Ok((to.sequence > from.sequence).then_some((from, to)))
    }

    /// A removal that a crash interrupted, if there is one.
    pub(super) fn unfinished(session: &Session) -> Result<Option<Self>, AuditError> {
        let Some((_, prune)) = signer::newest_prune(session)? else { return Ok(None) };
        if session.first()? > prune.last {
            return Ok(None);
        }
        let from = Head { sequence: prune.first.saturating_sub(1), hash: prune.hash_before };
        let wish = Wish { keep_from: prune.keep_from, by: prune.by.clone(), answer: None };
        session.allow_removal(prune.last)?;
        Ok(Some(Self { wish, from, to: prune.end(), stage: Stage::Deleting }))
    }

    /// Does a little. Says whether there is more to do.
    pub(super) fn step(&mut self, session: &mut Session, signer: &mut Signer) -> Result<bool, AuditError> {
        match self.stage {
            Stage::Checking(at) if at.sequence < self.to.sequence => {
                let last = at.sequence.saturating_add(STEP).min(self.to.sequence);
                self.stage = Stage::Checking(follow(session, at, last)?);
            }
            Stage::Checking(at) => {
                if at != self.to {
                    return Err(AuditError::Damaged { sequence: at.sequence });
                }
                let log = session.log_id()?;
                let (from, to) = (self.from, self.to);
                let removed = Removed { log: &log, from, to, keep_from: self.wish.keep_from, by: &self.wish.by };
                signer.prune(session, &removed)?;
                session.allow_removal(to.sequence)?;
                self.stage = Stage::Deleting;
            }
            Stage::Deleting => {
                let first = session.first()?;
                if first > self.to.sequence {
                    self.stage = Stage::Shrinking;
                } else {
                    session.remove_up_to(first.saturating_add(STEP).min(self.to.sequence))?;
                }
            }
            Stage::Shrinking => return Ok(session.give_back(PAGES)? > 0),
        }
        Ok(true)
    }

    /// Ends it, with an error or without.
    pub(super) fn finish(self, result: Result<(), AuditError>) {
        let pruned = Pruned { first: self.from.sequence.saturating_add(1), last: self.to.sequence };
        match &result {
            Ok(()) => {
                tracing::info!(first = pruned.first, last = pruned.last, "old records were removed from the audit log")
            }
            Err(error) => tracing::error!(%error, "old records were not removed from the audit log"),
        }
        self.wish.tell(result.map(|()| Some(pruned)));
    }
}

impl Wish {
    pub(super) fn tell(self, answer: Answer) {
        if let Some(waiting) = self.answer {
            // Whoever left does not want the answer.
            let _ = waiting.send(answer);
        }
    }
}

/// The head after the records up to `last`, if their hashes follow.
fn follow(session: &Session, mut at: Head, last: u64) -> Result<Head, AuditError> {
    let mut wrong = None;
    session.bodies(at.sequence, last, &mut |sequence, hash, body| {
        let next = at.then(body);
        if sequence != next.sequence || ChainHash::from_slice(hash) != Some(next.hash) {
            wrong = Some(next.sequence);
            return false;
        }
        at = next;
        true
    })?;
    match wrong {
        None if at.sequence == last => Ok(at),
        None => Err(AuditError::Damaged { sequence: at.sequence.saturating_add(1) }),
        Some(sequence) => Err(AuditError::Damaged { sequence }),
    }
}
