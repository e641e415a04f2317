//! The rules: patterns, word lists and secrets, and what every detector reports.
//!
//! This module owns findings and the coverage receipt. It must never let a detector that failed look as if it had
//! found nothing, nor run in more than linear time on a caller's text.

pub mod catalog;
mod company;
mod coverage;
mod decoded;
mod engine;
mod finding;
pub mod language;
mod resolve;
pub mod secrets;
pub mod trace;
pub mod validators;

pub use catalog::{Catalog, CatalogError, EntityTypeInfo};
pub use company::settle;
pub use coverage::{Coverage, DetectorCoverage, Status};
pub use engine::{MAX_FINDINGS, Rules, RulesError, ScanLimit, TermError, TermTable};
pub use finding::{Adjustment, Category, Detector, EntityType, Explanation, Finding, Likelihood, Topic, reason};
pub use resolve::{resolve, resolve_traced};
pub use trace::Trace;
