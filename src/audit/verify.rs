//! The verifier: it reads every record from the first to the last, computes the chain anew, and says which record is at
//! fault and how. What it cannot prove it says as well: an unproven point is never counted as passed.

use std::ops::ControlFlow;
use std::time::Duration;

use super::AuditError;
use super::body::{self, Record, Undecodable};
use super::chain::{ChainHash, Head};
use super::copies::Witnesses;
use super::files::{HeadFile, Layout, RememberedHead};
use super::row::{Columns, PRUNE, Row};
use super::seals::{Evidence, Seals};
use super::store::{Bounds, Reading};
use super::verification::{CopiesOf, Fault, Problem, Progress, Unproven, Verification, Witness};

/// Rows read at a time.
const STRIDE: u32 = 512;
/// How often a verification begins anew because old records were removed under it.
const TRIES: u32 = 5;

/// Verifies the log. `progress` may stop it.
pub(super) fn verify(
    reading: &mut Reading,
    layout: &Layout,
    evidence: &Evidence,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Verification, AuditError> {
    let mut tries = 1;
    loop {
        let began = newest_prune(reading)?;
        let found = once(reading, layout, evidence, began.clone(), progress)?;
        // A writer that removes old records leaves a gap for whoever reads just there, and says so in the log first.
        if found.intact() || tries == TRIES || newest_prune(reading)? == began {
            return Ok(found);
        }
        tries += 1;
    }
}

/// Position and body of the newest record of a removal. What cannot be read is found by the walk.
fn newest_prune(reading: &Reading) -> Result<Option<(u64, Vec<u8>)>, AuditError> {
    match reading.newest(PRUNE) {
        Err(AuditError::Damaged { .. }) => Ok(None),
        other => other,
    }
}

fn once(
    reading: &mut Reading,
    layout: &Layout,
    evidence: &Evidence,
    prune: Option<(u64, Vec<u8>)>,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Verification, AuditError> {
    // Before the extent of the log is read: what these files name is in it already.
    let copies = Copies::open(layout, evidence)?;
    let (file, bounds) = match extent(reading, layout) {
        Err(AuditError::Damaged { sequence }) => return Ok(unreadable(sequence)),
        other => other?,
    };
    let prune = prune.and_then(|(position, bytes)| match body::decode(&bytes) {
        Ok(Record::Prune(prune)) => Some((position, *prune)),
        _ => None,
    });
    let mut seals = Seals::new(evidence, &layout.public_key, reading.log_id(), prune)?;
    copies.teach(&mut seals)?;
    let mut check = Check::new(&bounds, &file, &evidence.heads, seals, copies);
    walk(reading, &bounds, &mut check, progress)?;
    if check.fault.is_none() {
        check.fault = end_fault(&mut check, &bounds);
    }
    if check.fault.is_none() {
        let of_file = |problem| Fault { sequence: 0, problem: Problem::File(problem) };
        check.fault = reading.file_problem()?.map(of_file);
    }
    let proven = check.proven(&evidence.heads);
    let mut unproven = unproven(&check, &file, &evidence.heads, proven);
    if !reading.has_expected_schema().unwrap_or(false) {
        unproven.push(Unproven::Schema);
    }
    Ok(Verification {
        records: check.records,
        decisions: check.decisions,
        outcomes: check.outcomes,
        changes: check.changes,
        checkpoints: check.seals.checkpoints,
        proven,
        removed: check.start.sequence,
        head: check.head,
        fault: check.fault,
        unproven,
    })
}

/// The files of checkpoints: the one beside the log, and one that was given.
struct Copies {
    files: Vec<(Witnesses, CopiesOf, std::path::PathBuf)>,
}

impl Copies {
    fn open(layout: &Layout, evidence: &Evidence) -> Result<Self, AuditError> {
        let mut files = Vec::new();
        if layout.checkpoints.exists() {
            let path = layout.checkpoints.clone();
            files.push((Witnesses::open(&path, Witness::Copies)?, CopiesOf::Log, path));
        }
        if let Some(path) = &evidence.checkpoints {
            files.push((Witnesses::open(path, Witness::Checkpoints)?, CopiesOf::Asker, path.clone()));
        }
        Ok(Self { files })
    }

    /// The log may begin after the record that handed over to the key of now; the copies still have it.
    fn teach(&self, seals: &mut Seals) -> Result<(), AuditError> {
        if seals.start.is_none() || seals.trusted.is_empty() {
            return Ok(());
        }
        self.files.iter().try_for_each(|(_, _, path)| Witnesses::successors(path, &mut seals.trusted))
    }

    /// Position of the newest checkpoint that was kept elsewhere and is in the log.
    fn outside(&self) -> u64 {
        let asker = self.files.iter().filter(|(_, of, _)| *of == CopiesOf::Asker);
        asker.map(|(witnesses, ..)| witnesses.matched).max().unwrap_or(0)
    }
}

/// What the head file and the database say. First the file, then the database: a commit between the two makes the file
/// look behind, never ahead. A running writer brings it up to date at once, so a few tries tell the two cases apart.
fn extent(reading: &mut Reading, layout: &Layout) -> Result<(RememberedHead, Bounds), AuditError> {
    const PATIENCE: u32 = 10;
    let mut tries = 0;
    loop {
        let file = HeadFile::read(&layout.head)?;
        let bounds = reading.bounds()?;
        let behind =
            matches!(&file, RememberedHead::At(head) if head.sequence < u64::try_from(bounds.last).unwrap_or(0));
        tries += 1;
        if !behind || tries == PATIENCE {
            return Ok((file, bounds));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn unreadable(sequence: u64) -> Verification {
    Verification {
        records: 0,
        decisions: 0,
        outcomes: 0,
        changes: 0,
        checkpoints: 0,
        proven: 0,
        removed: 0,
        head: Head::EMPTY,
        fault: Some(Fault { sequence: sequence.max(1), problem: Problem::Unreadable }),
        unproven: vec![Unproven::RestOfLog],
    }
}

/// Reads all rows up to the end that the log had at the beginning, or to the first fault.
fn walk(
    reading: &Reading,
    bounds: &Bounds,
    check: &mut Check,
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<(), AuditError> {
    let mut after = i64::MIN;
    loop {
        if progress(Progress { done: check.records, total: bounds.count.max(check.records) }).is_break() {
            return Err(AuditError::Cancelled);
        }
        let scanned = reading.scan(after, bounds.last, STRIDE, &mut |row| match check.row(row) {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => {
                check.fault = Some(fault);
                ControlFlow::Break(())
            }
        });
        match scanned {
            Ok(Some(at)) if check.fault.is_none() => after = at,
            Ok(_) => break,
            Err(AuditError::Damaged { .. }) => {
                check.fault = Some(check.next(Problem::Unreadable));
                break;
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(Fault { sequence, problem: problem @ Problem::Changed }) = &mut check.fault
        && let Some(found_at) = find_rightful(reading, bounds, check.head, *sequence)?
    {
        *problem = Problem::OutOfPlace { found_at };
    }
    Ok(())
}

/// Looks for the record that follows `head`, somewhere after the position where it should be. One pass.
fn find_rightful(reading: &Reading, bounds: &Bounds, head: Head, position: u64) -> Result<Option<u64>, AuditError> {
    let mut after = i64::try_from(position).unwrap_or(i64::MAX);
    let mut found = None;
    loop {
        let scanned = reading.scan(after, bounds.last, STRIDE, &mut |row| {
            if head.then(&row.body).hash.as_bytes().as_slice() == row.hash.as_slice() {
                found = u64::try_from(row.sequence).ok();
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        match scanned {
            Ok(Some(at)) if found.is_none() => after = at,
            Ok(_) | Err(AuditError::Damaged { .. }) => return Ok(found),
            Err(error) => return Err(error),
        }
    }
}

/// The state of a walk: the chain so far, and the heads that it must meet.
struct Check {
    /// Where the walk began: after what retention removed.
    start: Head,
    head: Head,
    records: u64,
    decisions: u64,
    outcomes: u64,
    changes: u64,
    /// Records that are said to be removed and are there.
    leftover: u64,
    seals: Seals,
    copies: Copies,
    remembered: Vec<(Head, Witness)>,
    fault: Option<Fault>,
}

impl Check {
    fn new(bounds: &Bounds, file: &RememberedHead, outside: &[Head], seals: Seals, copies: Copies) -> Self {
        let mut remembered: Vec<_> = outside.iter().map(|head| (*head, Witness::Asker)).collect();
        remembered.extend(bounds.head.map(|head| (head, Witness::Row)));
        if let RememberedHead::At(head) = file {
            remembered.push((*head, Witness::File));
        }
        let (start, fault) = match seals.begin() {
            Ok(start) => (start, None),
            Err((sequence, problem)) => (Head::EMPTY, Some(Fault { sequence, problem })),
        };
        let mut check = Self {
            start,
            head: start,
            records: 0,
            decisions: 0,
            outcomes: 0,
            changes: 0,
            leftover: 0,
            seals,
            copies,
            remembered,
            fault,
        };
        check.fault = check.fault.take().or_else(|| check.replaced());
        check
    }

    /// The newest position that is proven: by a signature, or by a head that was kept elsewhere.
    fn proven(&self, outside: &[Head]) -> u64 {
        let met = |head: &&Head| (self.start.sequence..=self.head.sequence).contains(&head.sequence);
        let kept = outside.iter().filter(met).map(|head| head.sequence).max().unwrap_or(0);
        self.seals.proven.max(kept).min(self.head.sequence)
    }

    fn next(&self, problem: Problem) -> Fault {
        Fault { sequence: self.head.sequence.saturating_add(1), problem }
    }

    /// Whether the record that the walk has reached is another than a remembered one.
    fn replaced(&self) -> Option<Fault> {
        let other = |(head, _): &&(Head, Witness)| head.sequence == self.head.sequence && head.hash != self.head.hash;
        let (_, witness) = self.remembered.iter().find(other)?;
        Some(Fault { sequence: self.head.sequence, problem: Problem::Replaced { witness: *witness } })
    }

    /// Judges the next row.
    fn row(&mut self, row: &Row) -> Result<(), Fault> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        let Ok(sequence) = u64::try_from(row.sequence) else {
            self.records += 1;
            return Err(self.next(Problem::PutIn { position: row.sequence }));
        };
        if (1..=self.start.sequence).contains(&sequence) {
            self.leftover += 1;
            return Ok(());
        }
        self.records += 1;
        let next = self.head.then(&row.body);
        if sequence < next.sequence {
            return Err(self.next(Problem::PutIn { position: row.sequence }));
        }
        if sequence > next.sequence {
            return Err(self.next(Problem::Removed { next: sequence }));
        }
        if ChainHash::from_slice(&row.hash) != Some(next.hash) {
            return Err(self.next(Problem::Changed));
        }
        let record = body::decode(&row.body).map_err(|problem| {
            self.next(match problem {
                Undecodable::UnknownVersion | Undecodable::Malformed => Problem::NoRecord,
                Undecodable::NotCanonical => Problem::NotCanonical,
            })
        })?;
        if let Some(column) = row.columns.difference(&Columns::of(&record)) {
            return Err(self.next(Problem::Column { column }));
        }
        self.seals.record(&self.head, &record).map_err(|problem| self.next(problem))?;
        for (witnesses, ..) in &mut self.copies.files {
            let met = witnesses.meet(next.sequence, &row.body, &self.seals.trusted);
            met.map_err(|problem| Fault { sequence: next.sequence, problem })?;
        }
        match record {
            Record::Decision(_) => self.decisions += 1,
            Record::Outcome { .. } => self.outcomes += 1,
            Record::Change(_) => self.changes += 1,
            Record::Checkpoint(_) | Record::Prune(_) | Record::Heads(_) => {}
        }
        self.head = next;
        self.replaced().map_or(Ok(()), Err)
    }
}

/// What the end of the log says against the heads that were remembered.
fn end_fault(check: &mut Check, bounds: &Bounds) -> Option<Fault> {
    let Some(row) = bounds.head else { return Some(check.next(Problem::NoHeadRow)) };
    let end = check.head.sequence;
    let mut beyond: Vec<_> = check.remembered.iter().map(|(head, witness)| (head.sequence, *witness)).collect();
    for (witnesses, ..) in &mut check.copies.files {
        beyond.extend(witnesses.beyond(&check.seals.trusted));
    }
    let beyond = beyond.into_iter().filter(|(sequence, _)| *sequence > end).max_by_key(|(sequence, _)| *sequence);
    if let Some((remembered, witness)) = beyond {
        return Some(check.next(Problem::CutOff { end, remembered, witness }));
    }
    (end > row.sequence).then(|| Fault {
        sequence: row.sequence.saturating_add(1),
        problem: Problem::Appended { remembered: row.sequence },
    })
}

fn unproven(check: &Check, file: &RememberedHead, outside: &[Head], proven: u64) -> Vec<Unproven> {
    let end = check.head.sequence;
    let mut notes = Vec::new();
    if check.fault.is_some() {
        notes.push(Unproven::RestOfLog);
    }
    // A head of a record that was removed cannot be compared with anything.
    let heads = outside.iter().map(|head| head.sequence).filter(|sequence| *sequence >= check.start.sequence);
    let newest = heads.chain(Some(check.copies.outside()).filter(|position| *position > 0)).max();
    let seals = &check.seals;
    match newest {
        None if seals.given && seals.proven > 0 => notes.push(Unproven::NoOutsideEnd),
        None => notes.push(Unproven::NoOutsideHead),
        Some(newest) if newest < end => {
            notes.push(Unproven::NewerThanOutsideHead { from: newest.saturating_add(1), to: end });
        }
        Some(_) => {}
    }
    if proven < end {
        notes.push(Unproven::Unsigned { from: proven.saturating_add(1), to: end });
    }
    if seals.checkpoints > 0 && seals.trusted.is_empty() {
        notes.push(Unproven::NoPublicKey);
    } else if seals.checkpoints > 0 && !seals.given {
        notes.push(Unproven::KeyBesideLog);
    }
    if check.start.sequence > 0 {
        notes.push(Unproven::Removed { last: check.start.sequence });
    }
    if check.leftover > 0 {
        notes.push(Unproven::RemovalUnfinished { records: check.leftover });
    }
    for (witnesses, witness, _) in &check.copies.files {
        let witness = *witness;
        notes.extend(witnesses.unreadable.map(|line| Unproven::UnreadableCopies { line, witness }));
        let foreign = Some(witnesses.foreign).filter(|lines| *lines > 0 && !seals.trusted.is_empty());
        notes.extend(foreign.map(|lines| Unproven::ForeignCopies { lines, witness }));
    }
    match file {
        RememberedHead::Absent if end > 0 => notes.push(Unproven::NoHeadFile),
        RememberedHead::Unreadable => notes.push(Unproven::UnreadableHeadFile),
        RememberedHead::At(head) if head.sequence < end => notes.push(Unproven::HeadFileBehind { at: head.sequence }),
        RememberedHead::Absent | RememberedHead::At(_) => {}
    }
    notes
}
