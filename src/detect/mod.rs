//! The rules: patterns, word lists and secrets, and what every detector reports.
//!
//! This module owns findings and the coverage receipt. It must never let a detector that failed look as if it had
//! found nothing, nor run in more than linear time on a caller's text.

mod adjust;
mod calibration;
pub mod catalog;
mod company;
mod coverage;
mod decoded;
mod engine;
mod finding;
pub mod language;
mod resolve;
pub mod secrets;
#[cfg(test)]
pub(crate) mod testing;
pub mod trace;
pub mod validators;

pub use adjust::Adjustments;
pub use calibration::{
    Calibration, CalibrationChoice, CalibrationError, CalibrationFile, Curve, Entry, Fitted, HELD, HeldOut,
    Point as CurvePoint, SetCount,
};
pub use catalog::{Catalog, CatalogError, EntityTypeInfo};
pub use company::{complete_addresses, defer_to_rules, settle};
pub use coverage::{Coverage, DetectorCoverage, Status};
pub use engine::{MAX_FINDINGS, Rules, RulesError, ScanLimit, TermError, TermTable};
pub use finding::{
    Adjustment, Category, Detector, EntityType, Explanation, Finding, Likelihood, Topic, in_millionths, of_millionths,
    reason,
};
pub use resolve::{resolve, resolve_traced};
pub use trace::Trace;
