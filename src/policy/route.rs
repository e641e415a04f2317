//! Routes and complexity: the words of the route table.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a request goes. `Local < CloudRedacted < Cloud`: a ceiling allows itself and what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// This organisation's own machines.
    Local,
    /// A provider outside, with every finding replaced by a placeholder and the rest classified again.
    #[serde(rename = "cloud-redacted")]
    CloudRedacted,
    /// A provider outside.
    Cloud,
}

impl Route {
    /// The name in policies, output and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::CloudRedacted => "cloud-redacted",
            Self::Cloud => "cloud",
        }
    }

    /// Every route, the innermost first.
    pub const ALL: [Self; 3] = [Self::Local, Self::CloudRedacted, Self::Cloud];

    /// The route of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.as_str() == name)
    }

    /// Whether something of the request leaves this organisation's machines.
    #[must_use]
    pub fn leaves(self) -> bool {
        self > Self::Local
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
