//! Files and folders, text by text, through the same classification as every request: `cordon scan`.
//!
//! `source/` turns paths into texts, `run.rs` classifies them side by side, `judge.rs` says what a verdict adds, `count.rs`
//! counts it, `summary.rs` is what is printed, `sarif.rs` writes it for code hosts. It must never leave something out
//! silently: what was not scanned is listed, and whoever gates on a level must take it for confidential
//! ([`Summary::gate_level`]).

mod count;
mod judge;
mod run;
mod sarif;
pub mod source;
mod summary;
#[cfg(test)]
mod tests;

pub(crate) use count::Counter;
pub(crate) use judge::{Applied, Hit, Judged, judge, owned};
pub use judge::{FoundAt, MAX_PLACES};
pub use run::{Progress, Settings, document, scan};
pub use sarif::{NOT_SCANNED, sarif};
pub use summary::{
    FileReport, JSON_VERSION, NotScanned, NoteRow, PlaceRow, RuleCount, RuleInFile, Summary, TypeCount, TypeInFile,
};
