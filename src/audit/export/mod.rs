//! Decisions with their outcomes as a file for other tools: JSON lines, CSV or Parquet. None of them holds text of a
//! caller, because no record does.
//!
//! JSON lines hold whole records, as `cordon audit list --json` prints them. CSV and Parquet hold one flat row a
//! decision, with the columns of `columns.rs`. All are written as they are read, a few thousand rows at a time.

mod columns;
mod csv;
mod file;
mod parquet;

use std::io::{self, Write};

use serde::Serialize;

use super::{Decision, Label, Outcome, StoredDecision};

pub use columns::{COLUMNS, Column, ColumnKind};
pub use file::ExportFile;

/// How the file looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values (RFC 4180), UTF-8, with a row of names.
    Csv,
    /// Apache Parquet, a flat schema, compressed with Zstandard.
    Parquet,
}

/// An export that went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The file is there already.
    #[error("{path} exists; name another file, or add --force to write over it", path = path.display())]
    Exists {
        /// The file.
        path: std::path::PathBuf,
    },
    /// The file cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: std::path::PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A row cannot be encoded, or the rest not be written.
    #[error("cannot write the export: {0}")]
    Write(String),
}

impl ExportError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> crate::error::Kind {
        match self {
            Self::Exists { .. } => crate::error::Kind::AlreadyExists,
            Self::Io { .. } | Self::Write(_) => crate::error::Kind::Unavailable,
        }
    }
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Write(error.to_string())
    }
}

/// A decision as one JSON object.
#[derive(Debug, Serialize)]
pub struct DecisionLine<'a> {
    sequence: u64,
    hash: String,
    #[serde(flatten)]
    decision: &'a Decision,
    outcome: Option<&'a Outcome>,
    /// Only of a fleet's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    chain: Option<&'a Label>,
}

impl<'a> From<&'a StoredDecision> for DecisionLine<'a> {
    fn from(stored: &'a StoredDecision) -> Self {
        Self {
            sequence: stored.sequence,
            hash: stored.hash.to_string(),
            decision: &stored.decision,
            outcome: stored.outcome.as_ref().map(|outcome| &outcome.outcome),
            chain: stored.chain.as_ref(),
        }
    }
}

/// Writes rows of one format.
pub struct Exporter<W: Write + Send> {
    inner: Inner<W>,
}

enum Inner<W: Write + Send> {
    Jsonl(W),
    Csv(Box<csv::Rows<W>>),
    Parquet(Box<parquet::Rows<W>>),
}

impl<W: Write + Send> std::fmt::Debug for Exporter<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exporter").finish_non_exhaustive()
    }
}

impl<W: Write + Send> Exporter<W> {
    /// Writes what stands before the rows.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn new(format: ExportFormat, writer: W) -> Result<Self, ExportError> {
        let inner = match format {
            ExportFormat::Jsonl => Inner::Jsonl(writer),
            ExportFormat::Csv => Inner::Csv(Box::new(csv::Rows::new(writer)?)),
            ExportFormat::Parquet => Inner::Parquet(Box::new(parquet::Rows::new(writer)?)),
        };
        Ok(Self { inner })
    }

    /// Writes a decision.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn push(&mut self, stored: &StoredDecision) -> Result<(), ExportError> {
        match &mut self.inner {
            Inner::Jsonl(writer) => {
                serde_json::to_writer(&mut *writer, &DecisionLine::from(stored)).map_err(io::Error::from)?;
                Ok(writer.write_all(b"\n")?)
            }
            Inner::Csv(rows) => rows.push(stored),
            Inner::Parquet(rows) => rows.push(stored),
        }
    }

    /// Writes what stands after the rows, and gives the writer back.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<W, ExportError> {
        match self.inner {
            Inner::Jsonl(mut writer) => {
                writer.flush()?;
                Ok(writer)
            }
            Inner::Csv(rows) => rows.finish(),
            Inner::Parquet(rows) => rows.finish(),
        }
    }
}
