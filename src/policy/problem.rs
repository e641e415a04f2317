//! What is wrong with a policy file, and where. Messages name the words of the file; a policy file is the operator's own
//! text, so they may quote it.

use std::fmt;
use std::ops::Range;

/// How much a problem matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The policy works, and probably not as it is meant.
    Warning,
    /// The policy is refused.
    Error,
}

/// One problem of a policy file.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// How much it matters.
    pub severity: Severity,
    /// Line of the file, from 1.
    pub line: usize,
    /// Column in code points, from 1.
    pub column: usize,
    /// The field, such as `rule[2].when.any_of`, or the id of the rule, route or test.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "line {}, column {}: {severity}: ", self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Collects problems, and turns byte offsets into lines and columns.
pub(super) struct Problems<'a> {
    source: &'a str,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, found: Vec::new() }
    }

    pub(super) fn error(&mut self, span: Range<usize>, field: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Error, span, field.into(), message.into());
    }

    pub(super) fn warning(&mut self, span: Range<usize>, field: impl Into<String>, message: impl Into<String>) {
        self.add(Severity::Warning, span, field.into(), message.into());
    }

    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// All problems in the order of the file.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        self.found
    }

    fn add(&mut self, severity: Severity, span: Range<usize>, field: String, message: String) {
        let (line, column) = position(self.source, span.start);
        self.found.push(Problem { severity, line, column, field, message });
    }
}

/// Line and column, both from 1, of a byte offset.
pub(super) fn position(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset.min(source.len())).unwrap_or(source);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_and_in_code_points() {
        assert_eq!(position("ab\ncd", 0), (1, 1));
        assert_eq!(position("ab\ncd", 4), (2, 2));
        assert_eq!(position("é = x", 3), (1, 3));
        assert_eq!(position("ab\n", 99), (2, 1), "past the end is the end");
    }
}
