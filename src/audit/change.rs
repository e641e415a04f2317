//! What the log keeps of a change that an operator made while the service ran. It has its place in the chain like a
//! decision, so that who closed or opened the cloud, and when, cannot be denied.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DecisionId, Label, words};

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// The cloud was closed.
    CloudClosed,
    /// The cloud was opened.
    CloudOpened,
}

impl ChangeKind {
    /// The name in output and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CloudClosed => "cloud_closed",
            Self::CloudOpened => "cloud_opened",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its name.
    pub id: DecisionId,
    /// Wall-clock time, in microseconds.
    #[serde(rename = "time_us", with = "jiff::fmt::serde::timestamp::microsecond::required")]
    pub time: Timestamp,
    /// What was changed.
    pub kind: ChangeKind,
    /// Who asked for it, by name in the configuration.
    pub by: Label,
    /// For whom; empty for everybody.
    pub caller: Label,
}

impl Change {
    /// A change at the time of now.
    #[must_use]
    pub fn new(kind: ChangeKind, by: &str, caller: &str) -> Self {
        Self { id: DecisionId::new(), time: words::now(), kind, by: Label::new(by), caller: Label::new(caller) }
    }
}
