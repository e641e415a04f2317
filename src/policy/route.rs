//! Routes and complexity: the words of the route table.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a request goes. `Local < Cloud`: a ceiling of `Cloud` allows both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// This organisation's own machines.
    Local,
    /// A provider outside.
    Cloud,
}

impl Route {
    /// The name in policies, output and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Cloud => "cloud",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What becomes of a request that the cloud may have and a budget has no room for: `budget_overrun` in `[limits]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetOverrun {
    /// It is answered locally.
    #[default]
    Local,
    /// It is refused, with the time when the budget opens again.
    Refuse,
}

/// How much a request asks of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    /// A fact, a phrase, a short rewrite.
    Simple,
    /// Some steps or some length.
    Moderate,
    /// Analysis, long input, reasoning, code, many constraints.
    Complex,
}

impl Complexity {
    /// The name in policies, output and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Moderate => "moderate",
            Self::Complex => "complex",
        }
    }
}
