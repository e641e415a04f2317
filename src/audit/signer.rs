//! The signer: says when a checkpoint is due, makes it, and keeps a copy of each outside the database.
//!
//! It runs on the writer's thread and knows nothing that is not in the log: number, signature and position of the newest
//! checkpoint are read from the database each time, so that a commit whose answer was lost cannot lead to a second
//! checkpoint of the same number. A log whose checkpoints another key signed is refused rather than continued.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::body::{self, Record};
use super::chain::Head;
use super::checkpoint::{Checkpoint, Prune, Removed, Vouched};
use super::copies::Copies;
use super::files::{self, Layout};
use super::row::{CHECKPOINT, Columns, PRUNE};
use super::signing::{PublicKey, SigningKey};
use super::store::{Insert, Session};
use super::{AuditError, DecisionId};

/// When the log is signed, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoints {
    /// After so many records.
    pub every_records: u64,
    /// So long after the oldest record that no checkpoint covers.
    pub every: Duration,
    /// The key file; `audit.signing-key` in the directory of the log when absent. It is made at the first start.
    pub key: Option<PathBuf>,
}

impl Default for Checkpoints {
    fn default() -> Self {
        // A signature and a commit more cost nothing at this rate, and what nobody has signed yet is at most five
        // minutes old.
        Self { every_records: 1000, every: Duration::from_secs(300), key: None }
    }
}

/// A record of the log's own, on its way into it.
struct Own {
    id: DecisionId,
    columns: Columns,
    body: Vec<u8>,
}

impl Own {
    fn of(record: &Record) -> Result<Self, AuditError> {
        Ok(Self { id: record.decision_id(), columns: Columns::of(record), body: body::encode(record)? })
    }
}

impl Insert for Own {
    fn decision_id(&self) -> DecisionId {
        self.id
    }

    fn columns(&self) -> &Columns {
        &self.columns
    }

    fn body(&self) -> &[u8] {
        &self.body
    }
}

/// See above.
#[derive(Debug)]
pub(super) struct Signer {
    key: SigningKey,
    plan: Checkpoints,
    /// Position of the newest checkpoint.
    covered: u64,
    /// When the first record after it was seen.
    waiting_since: Option<Instant>,
    copies: Copies,
}

impl Signer {
    /// Finds or makes the key, and brings the copies up to date.
    pub(super) fn open(layout: &Layout, plan: Checkpoints, session: &Session) -> Result<Self, AuditError> {
        let newest = newest_checkpoint(session)?;
        let key = rightful_key(layout, newest.as_ref().map(|(_, checkpoint)| checkpoint))?;
        publish(layout, key.public())?;
        let mut copies = Copies::open(&layout.checkpoints)?;
        copies.catch_up(session)?;
        let covered = newest.map_or(0, |(position, _)| position);
        let mut signer = Self { key, plan, covered, waiting_since: None, copies };
        signer.notice(session.head());
        Ok(signer)
    }

    /// Looks at the newest record.
    pub(super) fn notice(&mut self, head: Head) {
        if head.sequence > self.covered && self.waiting_since.is_none() {
            self.waiting_since = Some(Instant::now());
        }
    }

    /// How long until a checkpoint is due; `None` while there is nothing to sign.
    pub(super) fn due_in(&self, head: Head) -> Option<Duration> {
        let unsigned = head.sequence.saturating_sub(self.covered);
        let since = self.waiting_since?;
        match unsigned {
            0 => None,
            unsigned if unsigned >= self.plan.every_records => Some(Duration::ZERO),
            _ => Some(self.plan.every.saturating_sub(since.elapsed())),
        }
    }

    /// Whether a record is not covered.
    pub(super) fn has_work(&self, head: Head) -> bool {
        head.sequence > self.covered
    }

    /// Signs all that stands in the log now. `successor` is the key that signs after this.
    pub(super) fn checkpoint(
        &mut self,
        session: &mut Session,
        successor: Option<PublicKey>,
    ) -> Result<Checkpoint, AuditError> {
        let newest = newest_checkpoint(session)?;
        let newest = newest.as_ref().map(|(_, checkpoint)| checkpoint);
        let removed = newest_prune(session)?.map_or(0, |(_, prune)| prune.last);
        let (log, head) = (session.log_id()?, session.head());
        let vouched = Vouched {
            log: &log,
            number: newest.map_or(0, |newest| newest.number).saturating_add(1),
            head,
            records: head.sequence.saturating_sub(removed),
            previous: newest.map(|newest| newest.signature),
            next_key: successor,
        };
        let checkpoint = Checkpoint::sign(&vouched, &self.key)?;
        let own = Own::of(&Record::Checkpoint(Box::new(checkpoint.clone())))?;
        commit(session, &own)?;
        self.covered = session.head().sequence;
        self.waiting_since = None;
        // The database has it; a copy that is behind is brought up to date at the next start.
        if let Err(error) = self.copies.append(&own.body) {
            tracing::warn!(%error, "a checkpoint of the audit log was not copied beside it");
        }
        Ok(checkpoint)
    }

    /// Puts the signed statement of a removal into the log.
    pub(super) fn prune(&mut self, session: &mut Session, removed: &Removed<'_>) -> Result<Prune, AuditError> {
        let prune = Prune::sign(removed, &self.key)?;
        commit(session, &Own::of(&Record::Prune(Box::new(prune.clone())))?)?;
        self.notice(session.head());
        Ok(prune)
    }

    /// Lets another key sign from now on. The old one vouches for it, and is then overwritten.
    pub(super) fn rotate(&mut self, layout: &Layout, session: &mut Session) -> Result<PublicKey, AuditError> {
        let successor = SigningKey::generate()?;
        let public = successor.public();
        // First the new key is safe on the disk, then the log names it, then it takes the place of the old one. A crash
        // in between is mended by `rightful_key`.
        successor.store(&next_path(&layout.signing_key))?;
        self.checkpoint(session, Some(public))?;
        successor.store(&layout.signing_key)?;
        remove(&next_path(&layout.signing_key))?;
        publish(layout, public)?;
        self.key = successor;
        Ok(public)
    }
}

fn commit(session: &mut Session, own: &Own) -> Result<(), AuditError> {
    let results = session.commit(std::slice::from_ref(own))?;
    results.into_iter().next().unwrap_or(Err(AuditError::Internal("a commit had no result"))).map(|_| ())
}

/// The newest checkpoint of the log, with its position.
pub(super) fn newest_checkpoint(session: &Session) -> Result<Option<(u64, Checkpoint)>, AuditError> {
    let Some((sequence, body)) = session.newest(CHECKPOINT)? else { return Ok(None) };
    match body::decode(&body) {
        Ok(Record::Checkpoint(checkpoint)) => Ok(Some((sequence, *checkpoint))),
        _ => Err(AuditError::Damaged { sequence }),
    }
}

/// The newest prune record of the log, with its position.
pub(super) fn newest_prune(session: &Session) -> Result<Option<(u64, Prune)>, AuditError> {
    let Some((sequence, body)) = session.newest(PRUNE)? else { return Ok(None) };
    match body::decode(&body) {
        Ok(Record::Prune(prune)) => Ok(Some((sequence, *prune))),
        _ => Err(AuditError::Damaged { sequence }),
    }
}

fn next_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    PathBuf::from(name)
}

fn remove(path: &Path) -> Result<(), AuditError> {
    std::fs::remove_file(path).map_err(|error| AuditError::io("cannot remove", path, error))
}

/// The key that signs after this checkpoint. Only a log without one gets a new key.
fn rightful_key(layout: &Layout, newest: Option<&Checkpoint>) -> Result<SigningKey, AuditError> {
    let path = &layout.signing_key;
    let found = SigningKey::load(path)?;
    let Some(newest) = newest else {
        if let Some(key) = found {
            return Ok(key);
        }
        let key = SigningKey::generate()?;
        key.store(path)?;
        return Ok(key);
    };
    let wanted = newest.next_key.map_or_else(|| newest.key.clone(), |key| key.id());
    if let Some(key) = found.filter(|key| key.public().id() == wanted) {
        // A crash while a key took another's place may have left the copy.
        if next_path(path).exists() {
            remove(&next_path(path))?;
        }
        return Ok(key);
    }
    match SigningKey::load(&next_path(path))? {
        Some(key) if key.public().id() == wanted => {
            key.store(path)?;
            remove(&next_path(path))?;
            Ok(key)
        }
        _ => Err(AuditError::ForeignSigningKey { path: path.clone(), wanted: wanted.to_string() }),
    }
}

/// Writes the public key beside the log, after those that signed before it.
fn publish(layout: &Layout, key: PublicKey) -> Result<(), AuditError> {
    let path = &layout.public_key;
    let mut known = if path.exists() { read_public_keys(path)? } else { Vec::new() };
    if known.contains(&key) {
        return Ok(());
    }
    known.push(key);
    files::create_private(path, known.iter().map(PublicKey::to_pem).collect::<String>().as_bytes())
}

/// Reads a file of public keys.
pub(super) fn read_public_keys(path: &Path) -> Result<Vec<PublicKey>, AuditError> {
    /// A thousand keys.
    const MAX_BYTES: u64 = 128 << 10;
    let failed = |error| AuditError::io("cannot read", path, error);
    let mut text = String::new();
    File::open(path).map_err(failed)?.take(MAX_BYTES).read_to_string(&mut text).map_err(failed)?;
    PublicKey::parse_all(&text)
}
