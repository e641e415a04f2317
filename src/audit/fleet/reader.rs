//! Reading all chains of the fleet. The functions block, like those of a reader of a local log, and must not be called
//! on a thread of an async runtime: each connection has a small runtime of its own.

use std::future::Future;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use tokio::runtime::Runtime;

use super::verify::{self, FleetVerification};
use super::{ChainHead, FleetConfig, ReplicaId};
use crate::audit::list::{self, DecisionFilter, DecisionPage, StoredChange, StoredDecision};
use crate::audit::row::Row;
use crate::audit::scan::{Extent, RawRecord, ScanRange, Scanned};
use crate::audit::seals::Evidence;
use crate::audit::store::{ChainRow, Connector, Cursor, FleetFound, FleetQuery, FleetReading, RawRow, Span};
use crate::audit::verification::Progress;
use crate::audit::{AuditError, DecisionId, Head, Label};

/// Connections that are kept for the next question.
const MAX_IDLE: usize = 4;
/// Decisions read at a time when the database cannot tell whether they fit.
const CHUNK: u32 = 256;
/// Most decisions that one page looks at.
const MOST_LOOKED_AT: u64 = 20_000;

/// Runs one connection.
pub(super) fn runtime() -> Result<Runtime, AuditError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|_| AuditError::Internal("no runtime could be made"))
}

/// A connection with what runs it.
pub(super) struct Asking {
    runtime: Option<Runtime>,
    reading: Option<FleetReading>,
}

impl Asking {
    fn open(connector: &Connector) -> Result<Self, AuditError> {
        let runtime = runtime()?;
        let reading = runtime.block_on(FleetReading::open(connector))?;
        Ok(Self { runtime: Some(runtime), reading: Some(reading) })
    }

    /// Asks and waits for the answer.
    pub(super) fn ask<'a, T, F>(&'a self, question: impl FnOnce(&'a FleetReading) -> F) -> Result<T, AuditError>
    where
        F: Future<Output = Result<T, AuditError>> + 'a,
    {
        match (&self.runtime, &self.reading) {
            (Some(runtime), Some(reading)) => runtime.block_on(question(reading)),
            _ => Err(AuditError::Closed),
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.reading = None;
        // A plain drop would wait for the runtime's threads, which a thread of another runtime must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A reader of the fleet's log.
pub(in crate::audit) struct FleetReader {
    connector: Connector,
    idle: Mutex<Vec<Asking>>,
}

impl std::fmt::Debug for FleetReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FleetReader({})", self.connector.store())
    }
}

impl FleetReader {
    pub(in crate::audit) fn new(config: &FleetConfig) -> Result<Self, AuditError> {
        Ok(Self { connector: Connector::new(config)?, idle: Mutex::new(Vec::new()) })
    }

    /// Runs questions on an idle connection, or on a new one. After an error the connection is given up.
    pub(super) fn with<T>(&self, ask: impl FnOnce(&Asking) -> Result<T, AuditError>) -> Result<T, AuditError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let asking = match waiting {
            // One that lay idle may have been closed by the server meanwhile.
            Some(asking) if asking.ask(FleetReading::alive).is_ok() => asking,
            _ => Asking::open(&self.connector)?,
        };
        let result = ask(&asking);
        if result.is_ok() {
            let mut idle = idle();
            if idle.len() < MAX_IDLE {
                idle.push(asking);
            }
        }
        result
    }

    /// Fails now if the database cannot be read.
    pub(in crate::audit) fn check(&self) -> Result<(), AuditError> {
        self.with(|_| Ok(()))
    }

    pub(in crate::audit) fn list(
        &self,
        filter: &DecisionFilter,
        page_token: &str,
        page_size: u32,
    ) -> Result<DecisionPage, AuditError> {
        let mut from = if page_token.is_empty() { None } else { Some(read_token(filter, page_token)?) };
        let choice = filter.choice();
        let wanted = DecisionFilter::page_size(page_size);
        let limit = if filter.looks_inside() { CHUNK } else { wanted };
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        self.with(|asking| {
            let (mut decisions, mut looked_at) = (Vec::new(), 0);
            // A filter that fits little reads on, but not through the whole log in one call.
            let more = loop {
                let query = FleetQuery { choice: &choice, from, newest_first: true, limit };
                let (found, mut more) = asking.ask(|reading| reading.decisions(&query))?;
                let mut left = found.len();
                for one in found {
                    from = Some(Cursor::of(&one.0));
                    left -= 1;
                    looked_at += 1;
                    let stored = stored(one)?;
                    if filter.fits(&stored) {
                        decisions.push(stored);
                    }
                    if decisions.len() == wanted {
                        break;
                    }
                }
                more |= left > 0;
                if !more || decisions.len() == wanted || !filter.looks_inside() || looked_at >= MOST_LOOKED_AT {
                    break more;
                }
            };
            let next = from.filter(|_| more);
            Ok(DecisionPage { decisions, next_page_token: next.map_or(Ok(String::new()), |at| token(filter, &at))? })
        })
    }

    /// Visits the decisions that fit, of all chains, by time, up to the newest of now.
    pub(in crate::audit) fn decisions(
        &self,
        filter: &DecisionFilter,
        visit: &mut dyn FnMut(StoredDecision) -> ControlFlow<()>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Scanned, AuditError> {
        let mut choice = filter.choice();
        self.with(|asking| {
            let (newest_us, _) = asking.ask(FleetReading::extent)?;
            let end_us = newest_us.saturating_add(1);
            choice.until_us = Some(choice.until_us.map_or(end_us, |until| until.min(end_us)));
            let total = asking.ask(|reading| reading.count(&choice))?;
            let (mut visited, mut done, mut from) = (0, 0, None);
            loop {
                progress(done, total.max(done));
                let query = FleetQuery { choice: &choice, from, newest_first: false, limit: CHUNK };
                let (found, more) = asking.ask(|reading| reading.decisions(&query))?;
                for one in found {
                    from = Some(Cursor::of(&one.0));
                    done += 1;
                    let stored = stored(one)?;
                    if filter.fits(&stored) {
                        visited += 1;
                        if visit(stored).is_break() {
                            return Ok(Scanned { end: Head::EMPTY, visited });
                        }
                    }
                }
                if !more {
                    progress(done, done);
                    return Ok(Scanned { end: Head::EMPTY, visited });
                }
            }
        })
    }

    pub(in crate::audit) fn get(&self, id: DecisionId) -> Result<StoredDecision, AuditError> {
        let found = self.with(|asking| asking.ask(|reading| reading.find(id)))?;
        stored(found.ok_or(AuditError::NotFound(id))?)
    }

    pub(in crate::audit) fn changes(&self, limit: u32) -> Result<Vec<StoredChange>, AuditError> {
        let rows = self.with(|asking| asking.ask(|reading| reading.changes(limit)))?;
        rows.iter().map(|found| StoredChange::of(&found.row)).collect()
    }

    pub(in crate::audit) fn extent(&self) -> Result<Extent, AuditError> {
        let (_, records) = self.with(|asking| asking.ask(FleetReading::extent))?;
        Ok(Extent { first: u64::from(records > 0), last: records, records })
    }

    /// Records of all chains by their own time; those of one chain stay in order where its clock did.
    pub(in crate::audit) fn scan_raw(
        &self,
        range: &ScanRange,
        visit: &mut dyn FnMut(RawRecord) -> ControlFlow<()>,
    ) -> Result<Scanned, AuditError> {
        self.with(|asking| {
            let (end_us, _) = asking.ask(FleetReading::extent)?;
            let span = Span {
                since_us: range.since.map_or(i64::MIN, list::micros),
                until_us: range.until.map_or(i64::MAX, list::micros),
                end_us,
            };
            let (mut visited, mut failed) = (0, None);
            asking.ask(|reading| async {
                reading
                    .scan(&span, &mut |found| match raw(found.row) {
                        Ok(record) => {
                            visited += 1;
                            visit(record)
                        }
                        Err(error) => {
                            failed = Some(error);
                            ControlFlow::Break(())
                        }
                    })
                    .await
            })?;
            failed.map_or(Ok(Scanned { end: Head::EMPTY, visited }), Err)
        })
    }

    pub(in crate::audit) fn chains(&self) -> Result<Vec<ChainRow>, AuditError> {
        self.with(|asking| asking.ask(FleetReading::chains))
    }

    pub(in crate::audit) fn verify(
        &self,
        evidence: &Evidence,
        outside: &[ChainHead],
        progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<FleetVerification, AuditError> {
        self.with(|asking| verify::verify(asking, evidence, outside, progress))
    }
}

fn stored((decision, outcome): FleetFound) -> Result<StoredDecision, AuditError> {
    let chain = Label::token(&decision.chain.to_string());
    Ok(StoredDecision { chain: Some(chain), ..StoredDecision::of((decision.row, outcome))? })
}

fn raw(row: Row) -> Result<RawRecord, AuditError> {
    let Row { sequence, columns, hash, body } = row;
    RawRecord::of(RawRow {
        sequence,
        kind: columns.kind,
        decision_id: columns.decision_id,
        time_us: columns.time_us,
        hash,
        body,
    })
}

fn mark(filter: &DecisionFilter) -> Result<String, AuditError> {
    let bytes = serde_json::to_vec(filter).map_err(|_| AuditError::Internal("a filter could not be encoded"))?;
    Ok(blake3::hash(&bytes).to_hex().chars().take(16).collect())
}

/// A token: the place of the last decision shown, and a mark of the filter.
fn token(filter: &DecisionFilter, at: &Cursor) -> Result<String, AuditError> {
    Ok(format!("{:016x}{}{:016x}{}", at.time_us, at.chain, at.sequence, mark(filter)?))
}

fn read_token(filter: &DecisionFilter, text: &str) -> Result<Cursor, AuditError> {
    let wrong = || AuditError::InvalidPageToken;
    let number = |range: std::ops::Range<usize>| {
        text.get(range).and_then(|digits| i64::from_str_radix(digits, 16).ok()).ok_or_else(wrong)
    };
    let chain: ReplicaId = text.get(16..48).and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
    let at = Cursor { time_us: number(0..16)?, chain, sequence: number(48..64)? };
    // Written again, because the numbers may have been spelled in another way.
    if token(filter, &at)? == text { Ok(at) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_fits_its_list_alone() {
        let filter = DecisionFilter::default();
        let chain = "00112233445566778899aabbccddeeff".parse().unwrap();
        let at = Cursor { time_us: 1_700_000_000_000_000, chain, sequence: 42 };
        let text = token(&filter, &at).unwrap();
        assert_eq!(read_token(&filter, &text).unwrap(), at);
        let other = DecisionFilter { caller: Some("x".into()), ..DecisionFilter::default() };
        for wrong in [text.to_uppercase(), text.replace("2a", "+2"), "x".into(), text.split_at(40).0.into()] {
            assert!(matches!(read_token(&filter, &wrong), Err(AuditError::InvalidPageToken)), "{wrong}");
        }
        assert!(matches!(read_token(&other, &text), Err(AuditError::InvalidPageToken)));
    }
}
