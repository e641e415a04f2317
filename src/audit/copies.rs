//! The copies of the checkpoints: a file beside the database with one checkpoint a line, in the very bytes of its record,
//! made to be shipped elsewhere. A verifier takes such a file as a witness: what it names must be in the log.
//!
//! The file grows and is never written over. Its lines prove themselves by their signatures, so it needs no other care.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Take, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::AuditError;
use super::body::{self, Record};
use super::checkpoint::Checkpoint;
use super::files;
use super::row::CHECKPOINT;
use super::signing::PublicKey;
use super::store::Session;
use super::verification::{Problem, Witness};

/// The file as the writer has it.
#[derive(Debug)]
pub(super) struct Copies {
    file: File,
    path: PathBuf,
}

/// A checkpoint has about 700 bytes.
const TAIL_BYTES: u64 = 64 << 10;

impl Copies {
    pub(super) fn open(path: &Path) -> Result<Self, AuditError> {
        // The file is made by this call if it is not there, with a mode that others cannot read.
        drop(files::open_private(path)?);
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| AuditError::io("cannot open", path, error))?;
        Ok(Self { file, path: path.to_owned() })
    }

    pub(super) fn append(&mut self, body: &[u8]) -> Result<(), AuditError> {
        let line = [body, b"\n"].concat();
        self.file.write_all(&line).map_err(|error| AuditError::io("cannot write", &self.path, error))
    }

    /// Writes the checkpoints that are in the log and not in the file.
    pub(super) fn catch_up(&mut self, session: &Session) -> Result<(), AuditError> {
        let after = self.last()?;
        let mut failed = None;
        session.each(CHECKPOINT, after, &mut |body| {
            failed = self.append(body).err();
            failed.is_none()
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// Position of the newest checkpoint in the file. Half a line at the end, of a write that was cut short, is removed.
    fn last(&mut self) -> Result<u64, AuditError> {
        let path = self.path.clone();
        let failed = |error| AuditError::io("cannot read", &path, error);
        let length = self.file.metadata().map_err(failed)?.len();
        let start = length.saturating_sub(TAIL_BYTES);
        self.file.seek(SeekFrom::Start(start)).map_err(failed)?;
        let mut tail = Vec::new();
        (&self.file).take(TAIL_BYTES).read_to_end(&mut tail).map_err(failed)?;
        let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        if whole < tail.len() {
            self.file.set_len(start.saturating_add(whole as u64)).map_err(failed)?;
        }
        let lines = tail.get(..whole).unwrap_or_default();
        let last = lines.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        let Some(last) = last else { return Ok(0) };
        match body::decode(last) {
            Ok(Record::Checkpoint(checkpoint)) => Ok(checkpoint.sequence.saturating_add(1)),
            _ => {
                tracing::warn!(path = %self.path.display(), "the last line of the checkpoints' copies is no checkpoint");
                Ok(u64::MAX)
            }
        }
    }
}

/// One line of such a file.
#[derive(Debug)]
struct Line {
    /// Where the checkpoint must stand in the log.
    position: u64,
    body: Vec<u8>,
    checkpoint: Checkpoint,
}

/// The file as a witness, read along with the log.
#[derive(Debug)]
pub(super) struct Witnesses {
    lines: BufReader<Take<File>>,
    witness: Witness,
    next: Option<Line>,
    read: u64,
    /// Position of the newest one that is in the log as well.
    pub(super) matched: u64,
    /// The first line that is no checkpoint; nothing after it was read.
    pub(super) unreadable: Option<u64>,
    /// Lines that another key signed, or none.
    pub(super) foreign: u64,
}

/// A checkpoint has about 700 bytes.
const MAX_LINE: u64 = 8 << 10;

impl Witnesses {
    /// Opens a file as it is now: what is added later is not read, because the log may not have been read that far.
    pub(super) fn open(path: &Path, witness: Witness) -> Result<Self, AuditError> {
        let failed = |error| AuditError::io("cannot read", path, error);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let lines = BufReader::new(file.take(length));
        let mut witnesses = Self { lines, witness, next: None, read: 0, matched: 0, unreadable: None, foreign: 0 };
        witnesses.advance();
        Ok(witnesses)
    }

    /// The keys that the checkpoints of the file hand over to, as far as `trusted` keys signed them.
    pub(super) fn successors(path: &Path, trusted: &mut Vec<PublicKey>) -> Result<(), AuditError> {
        let mut lines = Self::open(path, Witness::Copies)?;
        while let Some(line) = lines.next.take() {
            if let Some(next) = line.checkpoint.next_key.filter(|_| signed(&line.checkpoint, trusted)) {
                trusted.push(next);
            }
            lines.advance();
        }
        Ok(())
    }

    fn advance(&mut self) {
        self.next = None;
        let mut body = Vec::new();
        let Ok(_) = (&mut self.lines).take(MAX_LINE).read_until(b'\n', &mut body) else {
            self.unreadable = Some(self.read + 1);
            return;
        };
        // A last line without its end is being written, or was cut short by a crash.
        if body.pop() != Some(b'\n') {
            return;
        }
        self.read += 1;
        match body::decode(&body) {
            Ok(Record::Checkpoint(checkpoint)) => {
                let position = checkpoint.sequence.saturating_add(1);
                self.next = Some(Line { position, body, checkpoint: *checkpoint });
            }
            _ => self.unreadable = Some(self.read),
        }
    }

    /// Compares with the record at this position of the log. Records that were removed are not compared.
    pub(super) fn meet(&mut self, position: u64, body: &[u8], trusted: &[PublicKey]) -> Result<(), Problem> {
        while let Some(line) = self.next.take_if(|line| line.position <= position) {
            if line.position == position && line.body == body {
                self.matched = position;
            } else if !signed(&line.checkpoint, trusted) {
                self.foreign += 1;
            } else if line.position == position {
                return Err(Problem::Replaced { witness: self.witness });
            }
            self.advance();
        }
        Ok(())
    }

    /// The newest one that stands beyond the end of the log, with who remembers it.
    pub(super) fn beyond(&mut self, trusted: &[PublicKey]) -> Option<(u64, Witness)> {
        let mut newest = None;
        while let Some(line) = self.next.take() {
            if signed(&line.checkpoint, trusted) {
                newest = Some((line.position, self.witness));
            } else {
                self.foreign += 1;
            }
            self.advance();
        }
        newest
    }
}

fn signed(checkpoint: &Checkpoint, trusted: &[PublicKey]) -> bool {
    let mut keys = trusted.iter().filter(|key| key.id() == checkpoint.key);
    keys.any(|key| key.verifies(&checkpoint.statement(), &checkpoint.signature))
}
