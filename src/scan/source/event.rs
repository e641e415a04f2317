//! What a source yields. A path is shown as the caller wrote it; a text is a [`Text`], whose `Debug` shows its length.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::document::Text;

/// Where a text stands in its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Line of its first character, from 1, where the file has lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Column of its first character in code points, from 1; 0 where lines have no columns of their own, as in records.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub column: u64,
    /// Row of a table or message of a mailbox, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// Part of a message: `headers`, `text 1`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.record.map(|record| format!("record {record}")));
        parts.extend(self.section.clone());
        parts.extend(self.line.map(|line| format!("line {line}")));
        f.write_str(&parts.join(", "))
    }
}

/// One text to classify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Name of the unit, the same whenever the same files are read in the same way; no two of one file are equal.
    pub id: String,
    /// The file.
    pub path: Arc<str>,
    /// Where the text stands in it.
    pub place: Place,
    /// The field or column that the text is, where one alone was chosen.
    pub field: Option<String>,
    /// The text. Records of several fields are one JSON object, so that what stands together is judged together.
    pub text: Text,
    /// Bytes of the text that belong to this unit; what lies outside of it belongs to the neighbour that has it too.
    pub owned: Range<usize>,
}

/// Why something was not scanned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It cannot be opened or read; what the system says.
    Unreadable(String),
    /// It is no text; of what kind, as far as its first bytes tell.
    Binary(&'static str),
    /// A pipe, a socket, a device.
    NoFile,
    /// It is larger than anything that is read as a whole.
    TooLong {
        /// What.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// It is not what it should be.
    Malformed(String),
    /// A column of Parquet that holds more than one value a row.
    Nested {
        /// Its path.
        column: String,
    },
}

impl Reason {
    pub(super) fn unreadable(error: &std::io::Error) -> Self {
        Self::Unreadable(error.to_string())
    }

    /// The name in output.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Binary(_) => "binary",
            Self::NoFile => "no_file",
            Self::TooLong { .. } => "too_long",
            Self::Malformed(_) => "malformed",
            Self::Nested { .. } => "nested_column",
        }
    }

    /// Whether it is no text to begin with, so that nothing went wrong.
    #[must_use]
    pub fn is_no_text(&self) -> bool {
        matches!(self, Self::Binary(_) | Self::NoFile)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(problem) => write!(f, "cannot be read: {problem}"),
            Self::Binary(kind) => write!(f, "is no text ({kind})"),
            Self::NoFile => f.write_str("is no regular file"),
            Self::TooLong { what, limit } => {
                write!(f, "{what} is longer than {limit} bytes; split it, nothing of it was scanned")
            }
            Self::Malformed(problem) => f.write_str(problem),
            Self::Nested { column } => write!(
                f,
                "the column `{column}` is nested; flatten it, or choose other columns with --column, nothing of it was scanned"
            ),
        }
    }
}

/// Something that was not scanned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unscanned {
    /// The file.
    pub path: Arc<str>,
    /// Where in it; `None` for all of it.
    pub place: Option<Place>,
    /// Why.
    pub reason: Reason,
}

/// Something to know that is no gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The file.
    pub path: Arc<str>,
    /// What.
    pub text: String,
}

/// What a source yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A file begins.
    File {
        /// It.
        path: Arc<str>,
        /// Its size.
        bytes: u64,
    },
    /// A text to classify.
    Unit(Unit),
    /// Something that is not scanned.
    Unscanned(Unscanned),
    /// Something to know.
    Note(Note),
}

impl Event {
    pub(super) fn unscanned(path: &Arc<str>, place: Option<Place>, reason: Reason) -> Self {
        Self::Unscanned(Unscanned { path: Arc::clone(path), place, reason })
    }

    pub(super) fn note(path: &Arc<str>, text: impl Into<String>) -> Self {
        Self::Note(Note { path: Arc::clone(path), text: text.into() })
    }
}
