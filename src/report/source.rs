//! Where a report reads: the log in a time range, each decision with its outcome, and what operators changed. It is the
//! only seam between the report and the log, so that a test can stand in for it.

use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::Serialize;

use crate::audit::{AuditError, AuditReader, DecisionFilter, MAX_PAGE_SIZE, StoredChange, StoredDecision};
use crate::policy::Route;

/// Most changes of operators that a report reads. They are made by hand.
const MAX_CHANGES: u32 = 100_000;

/// Which decisions a report is about, by the times of their records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Range {
    /// At or after this; from the beginning when absent.
    pub since: Option<Timestamp>,
    /// Before this; to the end when absent.
    pub until: Option<Timestamp>,
}

impl Range {
    /// Whether a time lies in it.
    #[must_use]
    pub fn holds(&self, time: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= time) && self.until.is_none_or(|until| time < until)
    }

    /// Whether no time can lie in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.since.zip(self.until).is_some_and(|(since, until)| since >= until)
    }
}

/// A log to report on.
pub trait Source {
    /// Visits every decision in the range with its outcome, the newest record first, until told to stop.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn decisions(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(&StoredDecision) -> ControlFlow<()>,
    ) -> Result<(), AuditError>;

    /// Visits every decision in the range that sends something out, the newest record first.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn outward(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(&StoredDecision) -> ControlFlow<()>,
    ) -> Result<(), AuditError>;

    /// What operators changed in the range, newest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn changes(&self, range: &Range) -> Result<Vec<StoredChange>, AuditError>;
}

impl Source for AuditReader {
    fn decisions(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(&StoredDecision) -> ControlFlow<()>,
    ) -> Result<(), AuditError> {
        let mut pages = Pages::new(self, range, None);
        while let Some(stored) = pages.next()? {
            if visit(&stored).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn outward(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(&StoredDecision) -> ControlFlow<()>,
    ) -> Result<(), AuditError> {
        let mut plain = Pages::new(self, range, Some(Route::Cloud));
        let mut redacted = Pages::new(self, range, Some(Route::CloudRedacted));
        let mut waiting = (plain.next()?, redacted.next()?);
        loop {
            let position = |stored: &Option<StoredDecision>| stored.as_ref().map_or(0, |stored| stored.sequence);
            let newest = if position(&waiting.0) >= position(&waiting.1) {
                let newest = waiting.0.take();
                waiting.0 = plain.next()?;
                newest
            } else {
                let newest = waiting.1.take();
                waiting.1 = redacted.next()?;
                newest
            };
            match newest {
                Some(stored) if visit(&stored).is_continue() => {}
                _ => return Ok(()),
            }
        }
    }

    fn changes(&self, range: &Range) -> Result<Vec<StoredChange>, AuditError> {
        let mut changes = AuditReader::changes(self, MAX_CHANGES)?;
        changes.retain(|stored| range.holds(stored.change.time));
        Ok(changes)
    }
}

/// A list of decisions, page by page.
struct Pages<'a> {
    reader: &'a AuditReader,
    filter: DecisionFilter,
    token: String,
    page: std::vec::IntoIter<StoredDecision>,
    more: bool,
}

impl<'a> Pages<'a> {
    fn new(reader: &'a AuditReader, range: &Range, route: Option<Route>) -> Self {
        let filter = DecisionFilter { since: range.since, until: range.until, route, ..DecisionFilter::default() };
        Self { reader, filter, token: String::new(), page: Vec::new().into_iter(), more: true }
    }

    fn next(&mut self) -> Result<Option<StoredDecision>, AuditError> {
        loop {
            if let Some(stored) = self.page.next() {
                return Ok(Some(stored));
            }
            if !self.more {
                return Ok(None);
            }
            let page = self.reader.list(&self.filter, &self.token, MAX_PAGE_SIZE)?;
            self.more = !page.next_page_token.is_empty();
            self.token = page.next_page_token;
            self.page = page.decisions.into_iter();
        }
    }
}
