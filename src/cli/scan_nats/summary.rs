//! What the verdicts of a run say together. Counts only: it holds no text, because no verdict does.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::super::{Failure, output};
use super::files::Unreadable;
use crate::policy::Sensitivity;
use crate::worker::{Collected, DeadLetter, RunId, Verdict};

/// So many documents that could not be read or classified are listed; all are counted.
pub(super) const MOST_LISTED: usize = 1000;

/// The report.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    run: RunId,
    /// Documents that the run has.
    sent: u64,
    /// Documents with a verdict.
    stored: u64,
    /// Documents with neither a verdict nor a dead letter.
    lost: u64,
    /// Documents that count more than once.
    doubled: u64,
    /// Verdicts beyond the first of a document, which were dropped.
    dropped: u64,
    /// Documents that the server had already when they were sent again.
    resent: u64,
    bytes: u64,
    seconds: f64,
    levels: BTreeMap<Sensitivity, u64>,
    types: BTreeMap<String, TypeCount>,
    /// Documents that were not scanned whole.
    incomplete: u64,
    /// Documents that no worker could classify; they count as confidential.
    dead: Vec<Dead>,
    /// Messages on the run's subject that its feeder did not send.
    strangers: u64,
    /// Documents that could not be read; they count as confidential.
    unreadable: u64,
    unreadable_first: Vec<Unread>,
    workers: BTreeMap<String, u64>,
    policies: BTreeMap<String, u64>,
}

/// How often a type was found.
#[derive(Clone, Copy, Debug, Default, Serialize)]
struct TypeCount {
    documents: u64,
    findings: u64,
}

/// A document without a verdict.
#[derive(Clone, Debug, Serialize)]
struct Dead {
    id: String,
    reason: String,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<String>,
}

impl From<DeadLetter> for Dead {
    fn from(letter: DeadLetter) -> Self {
        Self {
            id: letter.id.unwrap_or_default(),
            reason: letter.reason,
            detail: letter.detail,
            kept: letter.kept.map(|kept| format!("{} {}", kept.stream, kept.sequence)),
        }
    }
}

/// A document that was not read.
#[derive(Clone, Debug, Serialize)]
struct Unread {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    problem: String,
}

impl Summary {
    pub(super) fn new(run: &RunId) -> Self {
        Self {
            run: run.clone(),
            sent: 0,
            stored: 0,
            lost: 0,
            doubled: 0,
            dropped: 0,
            resent: 0,
            bytes: 0,
            seconds: 0.0,
            levels: BTreeMap::new(),
            types: BTreeMap::new(),
            incomplete: 0,
            dead: Vec::new(),
            strangers: 0,
            unreadable: 0,
            unreadable_first: Vec::new(),
            workers: BTreeMap::new(),
            policies: BTreeMap::new(),
        }
    }

    /// Counts the first verdict on a document.
    pub(super) fn add(&mut self, verdict: &Verdict) {
        self.stored += 1;
        self.bytes += verdict.bytes;
        *self.levels.entry(verdict.level).or_default() += 1;
        for (name, findings) in &verdict.types {
            let count = self.types.entry(name.clone()).or_default();
            count.documents += 1;
            count.findings += findings;
        }
        self.incomplete += u64::from(!verdict.coverage.complete);
        *self.workers.entry(verdict.worker.clone()).or_default() += 1;
        *self.policies.entry(verdict.policy.digest.to_string()).or_default() += 1;
    }

    pub(super) fn unreadable(&mut self, number: u64, first: Vec<Unreadable>) {
        self.unreadable = number;
        self.unreadable_first = first
            .into_iter()
            .map(|item| Unread { path: item.place.path, line: item.place.line, problem: item.problem })
            .collect();
    }

    pub(super) fn collected(&mut self, sent: u64, collected: Collected) {
        self.sent = sent;
        self.dropped = collected.dropped;
        self.strangers = collected.strangers;
        self.lost = sent.saturating_sub(collected.verdicts).saturating_sub(collected.dead.len() as u64);
        self.doubled = self.stored.saturating_sub(collected.verdicts);
        self.dead = collected.dead.into_iter().map(Dead::from).collect();
    }

    pub(super) fn finish(&mut self, elapsed: Duration, resent: u64) {
        self.seconds = elapsed.as_secs_f64();
        self.resent = resent;
    }

    /// Whether each document was read and scanned whole.
    pub(super) fn is_whole(&self) -> bool {
        self.dead.is_empty() && self.unreadable == 0 && self.incomplete == 0 && self.lost == 0
    }

    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        if json {
            output::json(self)?;
        } else {
            self.for_people()?;
        }
        output::note(&format!(
            "sent {}, stored {}, lost {}, doubled {} ({} dead letters, {} verdicts dropped as duplicates, {} workers, {:.1} s)",
            self.sent,
            self.stored,
            self.lost,
            self.doubled,
            self.dead.len(),
            self.dropped,
            self.workers.len(),
            self.seconds,
        ));
        Ok(())
    }

    fn for_people(&self) -> Result<(), Failure> {
        for (level, documents) in self.levels.iter().rev() {
            output::line(format_args!("{}  {documents} documents", output::level(*level)))?;
        }
        let mut table = output::table(&["entity type", "documents", "findings"]);
        let mut types: Vec<_> = self.types.iter().collect();
        types.sort_by_key(|(name, count)| (std::cmp::Reverse(count.documents), (*name).clone()));
        for (name, count) in types {
            table.add_row([name.clone(), count.documents.to_string(), count.findings.to_string()]);
        }
        output::line(table)?;
        for item in &self.unreadable_first {
            let line = item.line.map(|line| format!(":{line}")).unwrap_or_default();
            output::line(format_args!("not read: {}{line} {}", item.path, item.problem))?;
        }
        for letter in &self.dead {
            output::line(format_args!("not classified: {} {}", letter.id, letter.detail))?;
        }
        Ok(())
    }
}
