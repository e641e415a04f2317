//! What a verification says: the first record at fault, and what could not be proven. The words are for an operator who
//! has to decide what to restore, so each names positions and witnesses.

use std::fmt;

use super::chain::Head;
use super::fleet::ReplicaId;

/// How far a verification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records looked at.
    pub done: u64,
    /// Records in the log when the verification began.
    pub total: u64,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Records looked at, the one at fault included.
    pub records: u64,
    /// Decisions among them.
    pub decisions: u64,
    /// Outcomes among them.
    pub outcomes: u64,
    /// Changes of operators among them.
    pub changes: u64,
    /// Checkpoints among them.
    pub checkpoints: u64,
    /// The newest position that signatures, or heads kept elsewhere, prove; 0 if nothing does.
    pub proven: u64,
    /// Records from the first to this one were removed by retention and are no longer there to check; 0 if none were.
    pub removed: u64,
    /// The newest record that follows from all before it.
    pub head: Head,
    /// The first record at fault.
    pub fault: Option<Fault>,
    /// What this verification could not prove, and why.
    pub unproven: Vec<Unproven>,
}

impl Verification {
    /// Whether every record that can be checked is in place and unchanged.
    #[must_use]
    pub fn intact(&self) -> bool {
        self.fault.is_none()
    }

    /// How many records of the log are consistent but neither signed nor named by a head that was kept elsewhere.
    #[must_use]
    pub fn unproven_records(&self) -> u64 {
        self.head.sequence.saturating_sub(self.proven)
    }
}

/// One record at fault, or the file around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its position; 0 if every record is right and the database file is not.
    pub sequence: u64,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sequence {
            0 => fmt::Display::fmt(&self.problem, f),
            sequence => write!(f, "record {sequence}: {}", self.problem),
        }
    }
}

impl std::error::Error for Fault {}

/// What is wrong with a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The next record there is stands later.
    #[error("removed; the next record in the log is {next}")]
    Removed {
        /// Position of the next record.
        next: u64,
    },
    /// The hash does not follow, and no later record does.
    #[error("changed: its hash does not follow from its bytes and the record before it")]
    Changed,
    /// The record that belongs here stands elsewhere.
    #[error("out of place: the record that belongs here is at {found_at}, so records were put in or reordered")]
    OutOfPlace {
        /// Where the right record is.
        found_at: u64,
    },
    /// A position that the log never gives.
    #[error("a record was put in before it, at position {position}")]
    PutIn {
        /// Its position.
        position: i64,
    },
    /// A column differs from the body.
    #[error("the column `{column}` differs from the record itself")]
    Column {
        /// Its name.
        column: &'static str,
    },
    /// The chain is right and the bytes are no record.
    #[error("its bytes are no record of a version that this cordon knows")]
    NoRecord,
    /// The bytes are a record in another form than the one that there is.
    #[error("its bytes are not in the one form that a record has")]
    NotCanonical,
    /// The store cannot read it.
    #[error("the database cannot read it")]
    Unreadable,
    /// The log ends before a head that was remembered.
    #[error("removed with all after it: the log ends at {end}, and {witness} names record {remembered}")]
    CutOff {
        /// Last record in the log.
        end: u64,
        /// The remembered one.
        remembered: u64,
        /// Who remembers it.
        witness: Witness,
    },
    /// The log goes on after the head row.
    #[error("put in at the end: the head row names record {remembered} as the last")]
    Appended {
        /// The remembered one.
        remembered: u64,
    },
    /// The record is not the one that was remembered.
    #[error("replaced: its hash is not the one that {witness} names")]
    Replaced {
        /// Who remembers it.
        witness: Witness,
    },
    /// A checkpoint is signed by a key that is not trusted, or by one that had handed over to another.
    #[error("a checkpoint signed by another key: {key}, and {}", expected_key(.expected))]
    ForeignKey {
        /// Id of the key.
        key: String,
        /// Id of the key that should have signed, where that is known.
        expected: Option<String>,
    },
    /// A signature is wrong.
    #[error("its signature is wrong: it was changed after it was signed, or made by somebody without the key")]
    BadSignature,
    /// A signed checkpoint names another hash than the chain has.
    #[error(
        "the checkpoint names another hash for record {to}: records {from} to {to} were changed and their chain made anew"
    )]
    Rechained {
        /// First record that the checkpoint before does not cover.
        from: u64,
        /// The record that this one names.
        to: u64,
    },
    /// A checkpoint does not follow from the one before.
    #[error("the checkpoint does not follow the one before it: {0}")]
    Checkpoint(&'static str),
    /// A prune record does not fit the log.
    #[error("the record of a removal does not fit the log: {0}")]
    Prune(&'static str),
    /// The head row is gone.
    #[error("the head row is missing, so records after it may have been removed")]
    NoHeadRow,
    /// The chain is right and SQLite finds the file damaged.
    #[error("the records are whole, but the database file is damaged: {0}")]
    File(String),
}

/// Who remembers a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// The head row in the database, written in the transaction of the records.
    Row,
    /// The head file beside the database, written after each commit.
    File,
    /// The copies of the checkpoints beside the database.
    Copies,
    /// Checkpoints that were kept elsewhere.
    Checkpoints,
    /// The one who asked for the verification.
    Asker,
    /// Another chain of the fleet.
    Chain(ReplicaId),
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chain(chain) => return write!(f, "chain {chain}"),
            Self::Row => "the head row",
            Self::File => "the head file",
            Self::Copies => "the copy of a checkpoint beside the log",
            Self::Checkpoints => "a checkpoint given for comparison",
            Self::Asker => "the head given for comparison",
        })
    }
}

/// What a verification could not prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unproven {
    /// Nothing from outside was there to compare with.
    #[error(
        "whoever can write the data directory could have made the whole log anew, with its head; keep the head hash \
         elsewhere and give it to the next verification"
    )]
    NoOutsideHead,
    /// Records are newer than the head that was given.
    #[error(
        "records {from} to {to} are newer than the head given for comparison; they are proven only by the log itself"
    )]
    NewerThanOutsideHead {
        /// First of them.
        from: u64,
        /// Last of them.
        to: u64,
    },
    /// The newest records are not signed.
    #[error("records {from} to {to} are consistent, but no checkpoint covers them yet: they are not proven")]
    Unsigned {
        /// First of them.
        from: u64,
        /// Last of them.
        to: u64,
    },
    /// There is no public key to check the signatures with.
    #[error("there is no public key, so no signature was checked; give the one that `cordon audit key` printed")]
    NoPublicKey,
    /// The public key is the log's own.
    #[error(
        "the signatures were checked with the public key beside the log, which whoever can write there could have \
         replaced; keep that key elsewhere and give it to the next verification"
    )]
    KeyBesideLog,
    /// The signatures hold, and nothing from outside says how far the log went.
    #[error(
        "whoever can write the data directory could have put back an older state of all files; keep checkpoints or the \
         head elsewhere and give them to the next verification"
    )]
    NoOutsideEnd,
    /// Old records were removed.
    #[error("records 1 to {last} were removed by retention and are no longer there to check; the removal is signed")]
    Removed {
        /// Last of them.
        last: u64,
    },
    /// Records that are said to be removed are there.
    #[error(
        "{records} records that are said to be removed are still there and were not judged; the writer goes on with it"
    )]
    RemovalUnfinished {
        /// How many.
        records: u64,
    },
    /// A file of checkpoints has a line that is none.
    #[error("line {line} of {witness} is no checkpoint; nothing after it was compared")]
    UnreadableCopies {
        /// Counted from 1.
        line: u64,
        /// Which file.
        witness: CopiesOf,
    },
    /// A file of checkpoints has lines that no trusted key signed.
    #[error("{lines} lines of {witness} are signed by no trusted key and were not compared")]
    ForeignCopies {
        /// How many.
        lines: u64,
        /// Which file.
        witness: CopiesOf,
    },
    /// Nobody remembers this chain of a fleet.
    #[error("no other chain names a record of this one; that its end was not cut off cannot be shown")]
    NamedByNobody,
    /// The newest records of a chain of a fleet are newer than what the other chains saw.
    #[error(
        "records {from} to {to} are newer than what the other chains saw; that no more was cut off cannot be shown"
    )]
    NewerThanOthersSaw {
        /// First of them.
        from: u64,
        /// Last of them.
        to: u64,
    },
    /// There is no head file.
    #[error("the head file is missing; that the database is no older copy of itself cannot be shown")]
    NoHeadFile,
    /// The head file cannot be read.
    #[error("the head file is not readable; that the database is no older copy of itself cannot be shown")]
    UnreadableHeadFile,
    /// The head file is behind.
    #[error("the head file names record {at}; records after it are proven only by the database itself")]
    HeadFileBehind {
        /// What it names.
        at: u64,
    },
    /// Tables, indexes or triggers differ.
    #[error("tables, indexes or triggers differ from those that cordon makes; someone has worked on the database")]
    Schema,
    /// The rest was not looked at.
    #[error("records after the one at fault were not judged: without it their hashes prove nothing")]
    RestOfLog,
}

/// Which file of checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopiesOf {
    /// The one that the writer keeps.
    Log,
    /// The one that was given for comparison.
    Asker,
}

impl fmt::Display for CopiesOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "the file of checkpoints beside the log",
            Self::Asker => "the file of checkpoints given for comparison",
        })
    }
}

fn expected_key(expected: &Option<String>) -> String {
    match expected {
        Some(key) => format!("the key {key} signs at this place"),
        None => "it is none of those given".to_owned(),
    }
}
