//! How well detection does on labelled texts: spans by coarse class, documents, and levels. Used by `cordon eval` and
//! by the test that gates the committed set. Offsets are Unicode code points, half-open, as in the data files.

mod bootstrap;
pub mod cascade;
mod compare;
mod counts;
mod fit;
mod levels;
mod prediction;
mod reliability;
mod spans;
mod tidy;

use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use bootstrap::{Bootstrap, Interval};
pub use compare::{Difference, Measured, Point};
pub use counts::{ClassScores, Counts, DocumentScores, Rates, SpanScores, Tally};
pub use fit::{Observation, PSEUDO_OBSERVATIONS, fit};
pub use levels::{LEVELS, LevelScores};
pub use prediction::{Prediction, Predictions, Span};
pub use reliability::{Outcomes, Reliability, Step};
pub use spans::{Scorer, score};

use crate::policy::Sensitivity;

/// One labelled text.
#[derive(Clone, Debug, Deserialize)]
pub struct Gold {
    /// Unique in its file.
    pub id: String,
    /// The text.
    pub text: String,
    /// What it holds, if the file labels spans.
    #[serde(default)]
    pub spans: Option<Vec<Span>>,
    /// How sensitive it is, if the file labels levels.
    #[serde(default)]
    pub level: Option<Sensitivity>,
}

/// A file of labelled texts.
#[derive(Clone, Debug)]
pub struct GoldFile {
    /// File name without its ending.
    pub name: String,
    /// The texts.
    pub texts: Vec<Gold>,
    /// The labels that the file annotates completely; predictions of others are not counted.
    pub annotated: BTreeSet<String>,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GoldError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no labelled text.
    #[error("{path}:{line}: {problem}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
}

impl GoldError {
    /// The kind of every such error.
    #[must_use]
    pub fn kind(&self) -> crate::error::Kind {
        crate::error::Kind::InvalidArgument
    }
}

#[derive(Deserialize)]
struct Meta {
    annotated: BTreeSet<String>,
}

impl GoldFile {
    /// Reads `NAME.jsonl`, and `NAME.meta.json` beside it for the labels that it annotates.
    ///
    /// # Errors
    /// Names the file and the line that cannot be used.
    pub fn read(path: &Path) -> Result<Self, GoldError> {
        let failed = |source| GoldError::Read { path: path.to_owned(), source };
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut texts: Vec<Gold> = Vec::new();
        let mut ids = BTreeSet::new();
        for (index, line) in io::BufReader::new(file).lines().enumerate() {
            let line = line.map_err(failed)?;
            if line.trim().is_empty() {
                continue;
            }
            let wrong = |problem: String| GoldError::Line { path: path.to_owned(), line: index + 1, problem };
            let gold: Gold = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
            let length = gold.text.chars().count();
            if gold.spans.iter().flatten().any(|span| span.start >= span.end || span.end > length) {
                return Err(wrong("a span lies outside its text; offsets are code points".to_owned()));
            }
            if !ids.insert(gold.id.clone()) {
                return Err(wrong("the id is there twice".to_owned()));
            }
            texts.push(gold);
        }
        let meta = path.with_extension("meta.json");
        let annotated = match std::fs::read(&meta) {
            Ok(bytes) => {
                let wrong = |error: serde_json::Error| GoldError::Line {
                    path: meta.clone(),
                    line: error.line(),
                    problem: error.to_string(),
                };
                serde_json::from_slice::<Meta>(&bytes).map_err(wrong)?.annotated
            }
            Err(_) => texts.iter().filter_map(|text| text.spans.as_ref()).flatten().map(|s| s.label.clone()).collect(),
        };
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, texts, annotated })
    }
}
