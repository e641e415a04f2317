//! Pages of decisions, newest first, and walks over decisions, oldest first. Both choose by the same filter.
//!
//! What the store has a column for is chosen there; the rest is looked for in the records themselves. A filter that fits
//! little must neither read through the whole log in one call nor hold it in memory: a page ends after so many records
//! looked at, with a token to go on from, even if it is empty.

use std::ops::ControlFlow;

use super::AuditError;
use super::list::{DecisionFilter, DecisionPage, StoredDecision, micros};
use super::row;
use super::scan::Scanned;
use super::store::{Choice, PAGE_BYTES, Reading};
use super::{Head, Operation, OutcomeStatus};

/// Most records that one page looks at.
const MOST_LOOKED_AT: u64 = if cfg!(test) { 1000 } else { 20_000 };
/// Decisions read at a time.
const CHUNK: u32 = 256;
/// Positions that one statement of a walk goes over.
const STRIDE: u64 = 512;

/// How a request ended, or that it did not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusFilter {
    /// An outcome with this status.
    Ended(OutcomeStatus),
    /// No outcome: a classification, or a request that is still at work or was lost.
    Open,
}

impl StatusFilter {
    /// All that can be asked for, in the words of the command line and the protocol.
    pub const NAMES: [&'static str; 5] = ["completed", "failed", "cancelled", "escalated", "open"];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let statuses =
            [OutcomeStatus::Completed, OutcomeStatus::Failed, OutcomeStatus::Cancelled, OutcomeStatus::Escalated];
        match name {
            "open" => Some(Self::Open),
            name => statuses.into_iter().find(|status| status.as_str() == name).map(Self::Ended),
        }
    }
}

impl DecisionFilter {
    /// Whether the records themselves must be looked at.
    pub(super) fn looks_inside(&self) -> bool {
        self.entity_type.is_some()
            || self.model.is_some()
            || self.policy_digest.is_some()
            || self.status.is_some()
            || self.operation.is_some()
    }

    /// Whether a decision fits in what the store has no column for.
    pub(super) fn fits(&self, stored: &StoredDecision) -> bool {
        let decision = &stored.decision;
        let outcome = stored.outcome.as_ref().map(|stored| &stored.outcome);
        let routed = decision.routing.as_ref().map(|routing| routing.model.as_str());
        let models = [routed, outcome.map(|outcome| outcome.model.as_str())];
        self.entity_type
            .as_deref()
            .is_none_or(|wanted| decision.entities.iter().any(|found| found.entity_type.as_str() == wanted))
            && self.model.as_deref().is_none_or(|wanted| models.contains(&Some(wanted)))
            && self.policy_digest.as_deref().is_none_or(|wanted| decision.policy.digest.starts_with(wanted))
            && self.operation.is_none_or(|wanted| decision.operation == wanted)
            && self.status.is_none_or(|wanted| match (wanted, outcome) {
                (StatusFilter::Open, outcome) => outcome.is_none(),
                (StatusFilter::Ended(status), outcome) => outcome.is_some_and(|outcome| outcome.status == status),
            })
    }

    /// The store's part of the filter.
    pub(super) fn choice(&self) -> Choice {
        let word =
            |name: &str, value: &str| serde_json::to_string(value).ok().map(|value| format!("\"{name}\":{value}"));
        let operation = self.operation.map(Operation::as_str);
        // What stands in a body for sure when it fits; a cheap search that spares most of the decoding.
        let needles = [
            self.entity_type.as_deref().and_then(|name| word("entity_type", name)),
            operation.and_then(|name| word("operation", name)),
            self.policy_digest
                .as_deref()
                .and_then(|digest| word("digest", digest))
                .map(|word| word.strip_suffix('"').unwrap_or(&word).to_owned()),
        ];
        Choice {
            level: self.level.map(row::level_code),
            route: self.route.map(row::route_code),
            caller: self.caller.clone(),
            request_id: self.request_id.clone(),
            since_us: self.since.map(micros),
            until_us: self.until.map(micros),
            needles: needles.into_iter().flatten().map(String::into_bytes).collect(),
        }
    }
}

/// A page of decisions before a position; `None` for the newest.
pub(super) fn page(
    reading: &Reading,
    filter: &DecisionFilter,
    before: Option<u64>,
    size: u32,
) -> Result<DecisionPage, AuditError> {
    let mut choice = filter.choice();
    // An index leads to what fits; without one, a page looks at no more than so many positions.
    let bounded = !choice.has_index() && (choice.is_selective() || filter.looks_inside());
    if !bounded {
        choice.needles.clear();
    }
    let Some((low, high)) = reading.span(&choice)? else { return Ok(DecisionPage::default()) };
    let mut before = before.unwrap_or(u64::MAX).min(high.saturating_add(1));
    let floor = if bounded { low.max(before.saturating_sub(MOST_LOOKED_AT)) } else { low };
    let chunk = if filter.looks_inside() { CHUNK } else { size };
    let (mut decisions, mut bytes, mut looked_at) = (Vec::new(), 0_usize, 0_u64);
    let full = |decisions: usize, bytes: usize| decisions >= size as usize || bytes >= PAGE_BYTES;
    while before > floor && !full(decisions.len(), bytes) && looked_at < MOST_LOOKED_AT {
        let (rows, more) = reading.newest_first(&choice, floor, before, chunk)?;
        for found in rows {
            let weight = found.0.body.len();
            let stored = StoredDecision::of(found)?;
            before = stored.sequence;
            looked_at += 1;
            if filter.fits(&stored) {
                decisions.push(stored);
                bytes = bytes.saturating_add(weight);
            }
            if full(decisions.len(), bytes) {
                break;
            }
        }
        if !more && !full(decisions.len(), bytes) {
            before = floor;
        }
    }
    let more = match before.saturating_sub(low) {
        0 => false,
        // To find out could mean to look at all of them.
        left if bounded && left > MOST_LOOKED_AT => true,
        _ => reading.any_before(&choice, low, before)?,
    };
    let next_page_token = if more { filter.token(before)? } else { String::new() };
    Ok(DecisionPage { decisions, next_page_token })
}

/// Visits the decisions that fit, oldest first, with the outcomes that they have by then, up to the end that the log had
/// at the beginning. `progress` gets positions.
pub(super) fn walk(
    reading: &mut Reading,
    filter: &DecisionFilter,
    visit: &mut dyn FnMut(StoredDecision) -> ControlFlow<()>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Scanned, AuditError> {
    let end = reading.bounds()?.head.unwrap_or(Head::EMPTY);
    let choice = filter.choice();
    let mut visited = 0;
    let Some((low, high)) = reading.span(&choice)? else { return Ok(Scanned { end, visited }) };
    let high = high.min(end.sequence);
    let mut at = low;
    while at <= high {
        let last = at.saturating_add(STRIDE - 1).min(high);
        progress(at.saturating_sub(low), high.saturating_sub(low).saturating_add(1));
        for found in reading.oldest_first(&choice, at, last)? {
            let stored = StoredDecision::of(found)?;
            if filter.fits(&stored) {
                visited += 1;
                if visit(stored).is_break() {
                    return Ok(Scanned { end, visited });
                }
            }
        }
        at = last.saturating_add(1);
    }
    Ok(Scanned { end, visited })
}
