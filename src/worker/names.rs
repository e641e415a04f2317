//! Names of streams, subjects and consumers. All begin with one prefix, so that several installations share a server and
//! an operator can give rights by subject. A name must never hold anything of a document.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::WorkerError;

/// Longest prefix or run id, in bytes: both stand in every subject.
const MAX_NAME: usize = 64;

/// The prefix, and what is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    prefix: String,
}

/// Whether a name may stand in a subject and in the name of a stream.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_NAME
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

impl Names {
    /// The prefix when nothing else is said.
    pub const DEFAULT: &'static str = "cordon";

    /// Names that begin with this prefix.
    ///
    /// # Errors
    /// When it cannot stand in a subject.
    pub fn new(prefix: &str) -> Result<Self, WorkerError> {
        if is_name(prefix) {
            return Ok(Self { prefix: prefix.to_owned() });
        }
        Err(WorkerError::Name { what: "--stream", name: prefix.escape_debug().to_string() })
    }

    /// The work queue.
    #[must_use]
    pub fn work_stream(&self) -> String {
        format!("{}-work", self.prefix)
    }

    /// Where verdicts wait for their collector.
    #[must_use]
    pub fn verdict_stream(&self) -> String {
        format!("{}-verdicts", self.prefix)
    }

    /// Documents that nobody could classify.
    #[must_use]
    pub fn dead_stream(&self) -> String {
        format!("{}-dead", self.prefix)
    }

    /// How far each feeder is.
    #[must_use]
    pub fn run_stream(&self) -> String {
        format!("{}-runs", self.prefix)
    }

    /// The consumer that all workers share.
    #[must_use]
    pub fn consumer(&self) -> String {
        format!("{}-workers", self.prefix)
    }

    /// A subject of one run, or of all with `*`.
    fn subject(&self, kind: &str, run: &str) -> String {
        format!("{}.{kind}.{run}", self.prefix)
    }

    /// Documents of all runs.
    #[must_use]
    pub fn all_work(&self) -> String {
        self.subject("work", "*")
    }

    /// Documents of a run.
    #[must_use]
    pub fn work(&self, run: &RunId) -> String {
        self.subject("work", run.as_str())
    }

    /// Messages that were taken out of the queue and are kept in its stream, of all runs.
    #[must_use]
    pub fn all_held(&self) -> String {
        self.subject("held", "*")
    }

    /// The same of a run.
    #[must_use]
    pub fn held(&self, run: &RunId) -> String {
        self.subject("held", run.as_str())
    }

    /// Verdicts of all runs.
    #[must_use]
    pub fn all_verdicts(&self) -> String {
        self.subject("verdict", "*")
    }

    /// Verdicts of a run.
    #[must_use]
    pub fn verdict(&self, run: &RunId) -> String {
        self.subject("verdict", run.as_str())
    }

    /// Dead letters of all runs.
    #[must_use]
    pub fn all_dead(&self) -> String {
        self.subject("dead", "*")
    }

    /// Dead letters of a run.
    #[must_use]
    pub fn dead(&self, run: &RunId) -> String {
        self.subject("dead", run.as_str())
    }

    /// Positions of all feeders.
    #[must_use]
    pub fn all_runs(&self) -> String {
        self.subject("run", "*")
    }

    /// The position of a run's feeder.
    #[must_use]
    pub fn run(&self, run: &RunId) -> String {
        self.subject("run", run.as_str())
    }

    /// The run that a subject of the queue names.
    #[must_use]
    pub fn run_of(subject: &str) -> Option<RunId> {
        RunId::new(subject.rsplit('.').next()?).ok()
    }
}

/// Names one feeding of documents, from its first to its report.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A run of this name.
    ///
    /// # Errors
    /// When it cannot stand in a subject.
    pub fn new(name: &str) -> Result<Self, WorkerError> {
        if is_name(name) {
            return Ok(Self(name.to_owned()));
        }
        Err(WorkerError::Name { what: "the run id", name: name.escape_debug().to_string() })
    }

    /// A new name; a later one sorts behind an earlier one.
    #[must_use]
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7().simple().to_string())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::new(&name).map_err(|_| serde::de::Error::custom("the run id holds other than letters, digits, - and _"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_be_another_subject_is_refused() {
        for name in ["", "a.b", "*", ">", "a b", "ü", &"x".repeat(65)] {
            assert!(Names::new(name).is_err(), "{name}");
            assert!(RunId::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_run_is_the_last_word_of_the_subject() {
        let (names, run) = (Names::new("bulk").unwrap(), RunId::new("r-1").unwrap());
        assert_eq!(names.work(&run), "bulk.work.r-1");
        assert_eq!(Names::run_of(&names.work(&run)), Some(run));
        assert_eq!(names.all_work(), "bulk.work.*");
    }
}
