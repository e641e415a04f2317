//! The verifier: it reads every record from the first to the last, computes the chain anew, and says which record is at
//! fault and how. What it cannot prove it says as well: an unproven point is never counted as passed.

use std::ops::ControlFlow;
use std::time::Duration;

use super::AuditError;
use super::body::{self, Record, Undecodable};
use super::chain::{ChainHash, Head};
use super::files::{HeadFile, Layout, RememberedHead};
use super::row::{Columns, Row};
use super::store::{Bounds, Reading};
use super::verification::{Fault, Problem, Progress, Unproven, Verification, Witness};

/// Rows read at a time.
const STRIDE: u32 = 512;

/// Verifies the log. `outside` are heads that were kept elsewhere; `progress` may stop it.
pub(super) fn verify(
    reading: &mut Reading,
    layout: &Layout,
    outside: &[Head],
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<Verification, AuditError> {
    let (file, bounds) = match extent(reading, layout) {
        Err(AuditError::Damaged { sequence }) => return Ok(unreadable(sequence)),
        other => other?,
    };
    let mut check = Check::new(&bounds, &file, outside);
    walk(reading, &bounds, &mut check, progress)?;
    if check.fault.is_none() {
        check.fault = end_fault(&check, &bounds);
    }
    if check.fault.is_none() {
        let of_file = |problem| Fault { sequence: 0, problem: Problem::File(problem) };
        check.fault = reading.file_problem()?.map(of_file);
    }
    let mut unproven = unproven(&check, &file, outside);
    if !reading.has_expected_schema().unwrap_or(false) {
        unproven.push(Unproven::Schema);
    }
    Ok(Verification {
        records: check.records,
        decisions: check.decisions,
        outcomes: check.outcomes,
        changes: check.changes,
        head: check.head,
        fault: check.fault,
        unproven,
    })
}

/// What the head file and the database say. First the file, then the database: a commit between the two makes the file
/// look behind, never ahead. A running writer brings it up to date at once, so a few tries tell the two cases apart.
fn extent(reading: &mut Reading, layout: &Layout) -> Result<(RememberedHead, Bounds), AuditError> {
    const TRIES: u32 = 10;
    let mut tries = 0;
    loop {
        let file = HeadFile::read(&layout.head)?;
        let bounds = reading.bounds()?;
        let behind =
            matches!(&file, RememberedHead::At(head) if head.sequence < u64::try_from(bounds.last).unwrap_or(0));
        tries += 1;
        if !behind || tries == TRIES {
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
    head: Head,
    records: u64,
    decisions: u64,
    outcomes: u64,
    changes: u64,
    remembered: Vec<(Head, Witness)>,
    fault: Option<Fault>,
}

impl Check {
    fn new(bounds: &Bounds, file: &RememberedHead, outside: &[Head]) -> Self {
        let mut remembered: Vec<_> = outside.iter().map(|head| (*head, Witness::Asker)).collect();
        remembered.extend(bounds.head.map(|head| (head, Witness::Row)));
        if let RememberedHead::At(head) = file {
            remembered.push((*head, Witness::File));
        }
        let mut check =
            Self { head: Head::EMPTY, records: 0, decisions: 0, outcomes: 0, changes: 0, remembered, fault: None };
        check.fault = check.replaced();
        check
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
        self.records += 1;
        let Ok(sequence) = u64::try_from(row.sequence) else {
            return Err(self.next(Problem::PutIn { position: row.sequence }));
        };
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
        match record {
            Record::Decision(_) => self.decisions += 1,
            Record::Outcome { .. } => self.outcomes += 1,
            Record::Change(_) => self.changes += 1,
            Record::Checkpoint(_) | Record::Prune(_) => {}
        }
        self.head = next;
        self.replaced().map_or(Ok(()), Err)
    }
}

/// What the end of the log says against the heads that were remembered.
fn end_fault(check: &Check, bounds: &Bounds) -> Option<Fault> {
    let Some(row) = bounds.head else { return Some(check.next(Problem::NoHeadRow)) };
    let end = check.head.sequence;
    let beyond = check.remembered.iter().filter(|(head, _)| head.sequence > end).max_by_key(|(head, _)| head.sequence);
    if let Some((head, witness)) = beyond {
        return Some(check.next(Problem::CutOff { end, remembered: head.sequence, witness: *witness }));
    }
    (end > row.sequence).then(|| Fault {
        sequence: row.sequence.saturating_add(1),
        problem: Problem::Appended { remembered: row.sequence },
    })
}

fn unproven(check: &Check, file: &RememberedHead, outside: &[Head]) -> Vec<Unproven> {
    let end = check.head.sequence;
    let mut notes = Vec::new();
    if check.fault.is_some() {
        notes.push(Unproven::RestOfLog);
    }
    match outside.iter().map(|head| head.sequence).max() {
        None => notes.push(Unproven::NoOutsideHead),
        Some(newest) if newest < end => {
            notes.push(Unproven::NewerThanOutsideHead { from: newest.saturating_add(1), to: end });
        }
        Some(_) => {}
    }
    match file {
        RememberedHead::Absent if end > 0 => notes.push(Unproven::NoHeadFile),
        RememberedHead::Unreadable => notes.push(Unproven::UnreadableHeadFile),
        RememberedHead::At(head) if head.sequence < end => notes.push(Unproven::HeadFileBehind { at: head.sequence }),
        RememberedHead::Absent | RememberedHead::At(_) => {}
    }
    notes
}
