//! The three levels. They order by harm; there is no default, because unknown is confidential and must be said.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How bad it is if the text reaches a third party.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Fine on a bill-board.
    Public,
    /// Not for outsiders, little harm alone.
    Internal,
    /// Disclosure harms a person or the organisation.
    Confidential,
}

impl Sensitivity {
    /// The highest level that there is.
    pub const HIGHEST: Self = Self::Confidential;

    /// The name in policies, output and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
        }
    }
}

impl fmt::Display for Sensitivity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
