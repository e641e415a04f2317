//! The audit report: what the log of a time range says, counted in one pass in bounded memory. The page, the JSON and the
//! console show the same [`Report`].
//!
//! It must never change the log, never hold a text (the log has none), and never call something proven that the verifier
//! did not prove. The same log and range give the same report, byte for byte, so it tells no time of its own making.
//!
//! `source` reads the log, `gather` counts (with `tally`, `histogram` and `egress`) into a `summary` of `counts`,
//! `standing` is what the verifier says, `json` and `html` write it down.

mod counts;
mod egress;
mod gather;
mod histogram;
pub mod html;
mod json;
mod source;
mod standing;
mod summary;
mod tally;
#[cfg(test)]
mod tests;

use std::ops::ControlFlow;

use serde::Serialize;

use crate::audit::AuditError;
use crate::plan::{self, Plan, Recorder, Stated};

pub use counts::{
    Endings, Gap, Levels, ModelUse, Money, Operations, PolicyUse, ProgramUse, Routes, RuleUse, Seen, TypeUse, Volume,
    Way,
};
pub use egress::{Egress, Outward};
pub use histogram::{AIM_US, Percentiles};
pub use json::write as write_json;
pub use source::{Range, Source};
pub use standing::{Proof, Standing};
pub use summary::{
    Complexities, ConfidenceUse, DeclaredLevels, Escalations, Latency, LevelRoutes, ObservedUse, Operator, Override,
    Overrides, Redactions, Summary,
};
pub use tally::{Count, Named, Ranking};

/// Version of the JSON.
pub const FORMAT: &str = "cordon-report/1";

/// Rows of what left that a report holds; the newest. JSON that is written of a log has them all.
pub const EGRESS_ROWS: usize = 1000;

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub format: &'static str,
    /// What it is about.
    pub range: Range,
    /// Whether the log can be believed.
    pub verification: Standing,
    /// What it holds.
    #[serde(flatten)]
    pub summary: Summary,
    /// What `cordon plan` makes of this traffic alone; `None` if there is none.
    pub plan: Option<Plan>,
}

impl Report {
    /// Reads the log once. `progress` is told how many decisions were read and may stop it, which is
    /// [`AuditError::Cancelled`].
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn of(
        source: &dyn Source,
        range: Range,
        verification: Standing,
        progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
    ) -> Result<Self, AuditError> {
        let mut gather = gather::Gather::new(EGRESS_ROWS);
        let mut recorder = Recorder::default();
        let mut stopped = false;
        source.decisions(&range, &mut |stored| {
            gather.add(stored);
            recorder.take(&stored.decision, stored.outcome.as_ref().map(|stored| &stored.outcome));
            let flow = progress(gather.decisions());
            stopped = flow.is_break();
            flow
        })?;
        if stopped {
            return Err(AuditError::Cancelled);
        }
        let summary = gather.done(&source.changes(&range)?);
        // A sum that is too large to plan with is no reason to have no report.
        let traffic = recorder.finish(range.since, range.until);
        let plan = traffic.and_then(|traffic| plan::plan(&Stated::default(), Some(traffic), None).ok());
        Ok(Self { format: FORMAT, range, verification, summary, plan })
    }
}
