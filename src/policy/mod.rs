//! The policy: what findings mean, and where a level may go.
//!
//! This module owns levels, verdicts and permits. It must never give a level below what the evidence supports:
//! unknown is confidential. Only it can make a [`Verdict`], and only a [`Permit`] can make [`CloudText`].
//!
//! A policy file is TOML: `file` reads it as it is written, `compile` turns its conditions into what `evaluate` answers,
//! `loaded` is the policy ready for use, `decide` gives verdicts, `table` gives routes and permits, `recall` is what a
//! record keeps for `hindsight`, which decides on a record by the same functions, `lint` finds what is
//! probably a mistake, and `trial` runs the tests that the file carries.

mod compile;
mod condition;
mod custom;
mod decide;
mod distinct;
mod doubt;
mod error;
mod evaluate;
mod file;
mod hindsight;
mod implies;
mod known;
mod level;
mod lint;
mod loaded;
mod near;
mod permit;
mod problem;
mod recall;
mod route;
mod select;
mod table;
pub mod told;
mod trial;
mod values;
mod verdict;
mod view;
mod waiver;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use custom::{CUSTOM_PREFIX, CustomCatalog, TermFiles};
pub use decide::{DECLARED_LEVEL, INCOMPLETE_COVERAGE, UNSCANNABLE_CONTENT};
pub use doubt::Cause;
pub use error::PolicyError;
pub use hindsight::{Given, Hindsight, Memory, Redecision, Remembered};
pub use known::{KnownTypes, TypeTable};
pub use level::Sensitivity;
pub use loaded::{DEFAULT_SOURCE, GATEWAY_SOURCE, Policy, check};
pub use permit::{CloudText, LocalText, Permit};
pub use problem::{Problem, Severity};
pub use recall::{Forms, PartLength, Recalled, RecalledCues};
pub use route::{BudgetOverrun, Complexity, Route};
pub use table::{Direction, NO_ROUTE, RedactedTerms, RestoreIn, RoutePlan};
pub use trial::{Detected, Expected, Trial, TrialResult};
pub use verdict::{PolicyReference, Reason, Verdict};
pub use view::Evidence;
pub use waiver::{ANONYMOUS, NO_OVERRIDE, OverrideDenied, Waiver};
