//! The policy: what findings mean, and where a level may go.
//!
//! This module owns levels, verdicts and permits. It must never give a level below what the evidence supports:
//! unknown is confidential. Only it can make a [`Verdict`], and only a [`Permit`] can make [`CloudText`].

mod level;
mod permit;
mod route;
mod verdict;

pub use level::Sensitivity;
pub use permit::{CloudText, LocalText, Permit};
pub use route::{Complexity, Route};
pub use verdict::{PolicyReference, Reason, Verdict};
