//! The messages of the queue, as JSON: a document on its way to a worker, and a dead letter. The verdict is in
//! `verdict.rs`. Documents are untrusted: whoever may publish to the queue may send anything, so each is checked here
//! before it is worked on, and what is wrong with it is said without a word of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::RunId;
use crate::document::Text;
use crate::policy::Sensitivity;
use crate::scan::source::{self, Unit};

/// The version of the messages that this Cordon speaks.
pub const VERSION: u32 = 1;

/// Longest id of a document, in bytes: it travels in a header, and the server keeps it while it looks for duplicates.
pub(super) const MAX_ID: usize = 8 * 1024;

/// Where a document comes from. Goes back with the verdict, so that the collector needs no memory of what it sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The file.
    pub path: String,
    /// Which record of it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The line where it begins, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column there in code points, from 1; absent where the lines of the text are not those of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
    /// Part of a message, such as its headers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    /// The field or column of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Bytes of the text that count, where it overlaps its neighbours: a finding belongs to where it begins. Half-open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned: Option<(u64, u64)>,
}

impl Place {
    /// Where this unit comes from.
    #[must_use]
    pub fn of(unit: &Unit) -> Self {
        let whole = unit.owned == (0..unit.text.len());
        Self {
            path: unit.path.to_string(),
            record: unit.place.record,
            line: unit.place.line,
            column: (unit.place.column > 0).then_some(unit.place.column),
            section: unit.place.section.clone(),
            field: unit.field.clone(),
            owned: (!whole).then_some((unit.owned.start as u64, unit.owned.end as u64)),
        }
    }

    /// The place in its file.
    #[must_use]
    pub fn in_file(&self) -> source::Place {
        source::Place {
            line: self.line,
            column: self.column.unwrap_or_default(),
            record: self.record,
            section: self.section.clone(),
        }
    }
}

/// A document to classify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// [`VERSION`].
    pub version: u32,
    /// The run; the subject names it too.
    pub run: RunId,
    /// The document, unique in its run: 1 to [`MAX_ID`] bytes without control characters.
    pub id: String,
    /// Its number in the run, from 0 without a gap, where `cordon scan` feeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The sender's own opinion; it only raises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared_level: Option<Sensitivity>,
    /// The text.
    #[serde(with = "text")]
    pub text: Text,
}

/// The text goes into a message and comes out of one; nothing else serialises it.
mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::document::Text;

    pub(super) fn serialize<S: Serializer>(text: &Text, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        String::deserialize(deserializer).map(Text::from)
    }
}

/// Why a message is no document that can be classified. Its `Display` never quotes the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No JSON object of the right fields.
    Malformed {
        /// Where the parser stopped, from 1.
        line: usize,
        /// The same.
        column: usize,
    },
    /// A version that this Cordon does not speak.
    UnsupportedVersion(u64),
    /// The id is empty, too long or holds control characters.
    BadId,
    /// The subject names another run than the message.
    OtherRun,
    /// The text is over the limit.
    Oversized {
        /// Bytes of the text.
        bytes: u64,
        /// `server.limits.max_text_bytes`.
        limit: u64,
    },
    /// It was delivered so often that a worker probably dies of it.
    TooManyDeliveries(u64),
}

impl Fault {
    /// A word for programs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::UnsupportedVersion(_) => "unsupported_version",
            Self::BadId => "bad_id",
            Self::OtherRun => "other_run",
            Self::Oversized { .. } => "oversized",
            Self::TooManyDeliveries(_) => "too_many_deliveries",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { line, column } => {
                write!(f, "no document of version {VERSION} (line {line}, column {column})")
            }
            Self::UnsupportedVersion(version) => {
                write!(f, "a document of version {version}, this worker speaks {VERSION}; update the workers")
            }
            Self::BadId => write!(f, "the id must have 1 to {MAX_ID} bytes and no control characters"),
            Self::OtherRun => f.write_str("the subject names another run than the message"),
            Self::Oversized { bytes, limit } => {
                write!(f, "the text holds {bytes} bytes, the limit max_text_bytes is {limit}; split it")
            }
            Self::TooManyDeliveries(deliveries) => {
                write!(f, "{deliveries} workers took it before and none finished; they may have died of it")
            }
        }
    }
}

/// Whether a document may have this id.
#[must_use]
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_ID && !id.chars().any(char::is_control)
}

impl Work {
    /// Reads a message that came on the subject of this run.
    ///
    /// # Errors
    /// Says what is wrong, without quoting it.
    pub fn read(payload: &[u8], run: Option<&RunId>) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let work: Self = serde_json::from_slice(payload).map_err(|error| {
            match serde_json::from_slice::<Version>(payload) {
                Ok(Version { version }) if version != u64::from(VERSION) => Fault::UnsupportedVersion(version),
                // The parser's own words may quote a value.
                _ => Fault::Malformed { line: error.line(), column: error.column() },
            }
        })?;
        if work.version != VERSION {
            return Err(Fault::UnsupportedVersion(work.version.into()));
        }
        if !is_id(&work.id) {
            return Err(Fault::BadId);
        }
        if run != Some(&work.run) {
            return Err(Fault::OtherRun);
        }
        Ok(work)
    }

    /// The unit of a scan that it is.
    #[must_use]
    pub fn unit(&self) -> Unit {
        let bytes = self.text.len();
        let within = |byte: u64| usize::try_from(byte).unwrap_or(bytes).min(bytes);
        let (place, path, field, owned) = match &self.place {
            Some(place) => {
                let owned = place.owned.map_or(0..bytes, |(start, end)| within(start)..within(end));
                (place.in_file(), place.path.as_str(), place.field.clone(), owned)
            }
            // A document of no file has lines and columns of its own.
            None => (source::Place { line: Some(1), column: 1, ..source::Place::default() }, "", None, 0..bytes),
        };
        Unit { id: self.id.clone(), path: path.into(), place, field, text: self.text.clone(), owned }
    }

    /// Under which id its messages are known to the server; a second one of the same id is dropped for a time.
    #[must_use]
    pub fn message_id(&self) -> String {
        format!("{}:{}", self.run, self.id)
    }
}

/// What stands where a document is, that nobody could classify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// [`VERSION`].
    pub version: u32,
    /// The run that the subject named.
    pub run: RunId,
    /// A word for programs, see [`Fault::reason`].
    pub reason: String,
    /// A sentence for people.
    pub detail: String,
    /// The document's id, if it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its number, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Where it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Where the message itself is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Kept>,
    /// The message itself in base64, where the operator asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How often it was delivered.
    pub deliveries: u64,
    /// Who gave it up.
    pub worker: String,
}

/// A message of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The stream.
    pub stream: String,
    /// Its place there.
    pub sequence: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Work, Fault> {
        Work::read(json.as_bytes(), Some(&RunId::new("r").unwrap()))
    }

    #[test]
    fn a_document_comes_back_as_it_was_sent() {
        let work = Work {
            version: VERSION,
            run: RunId::new("r").unwrap(),
            id: "a.jsonl#3".into(),
            number: Some(2),
            place: Some(Place { path: "a.jsonl".into(), record: Some(3), owned: Some((0, 9)), ..Place::default() }),
            declared_level: Some(Sensitivity::Internal),
            text: Text::from("naïve \"quoted\"\n"),
        };
        let json = serde_json::to_string(&work).unwrap();
        assert_eq!(read(&json), Ok(work.clone()));
        assert_eq!(work.message_id(), "r:a.jsonl#3");
        assert!(!format!("{work:?}").contains("quoted"));
    }

    #[test]
    fn what_is_no_document_is_named_and_never_quoted() {
        for (json, reason) in [
            ("", "malformed"),
            ("[]", "malformed"),
            ("{\"text\":\"canary-7f3a\"}", "malformed"),
            (r#"{"version":1,"run":"r","id":"a","text":"t","canary-7f3a":1}"#, "malformed"),
            (r#"{"version":1,"run":"r","id":"a","text":"t","number":"canary-7f3a"}"#, "malformed"),
            (r#"{"version":2,"run":"r","id":"a","body":"canary-7f3a"}"#, "unsupported_version"),
            (r#"{"version":2,"run":"r","id":"a","text":"canary-7f3a"}"#, "unsupported_version"),
            (r#"{"version":1,"run":"r","id":"","text":"canary-7f3a"}"#, "bad_id"),
            (r#"{"version":1,"run":"r","id":"a\nb","text":"canary-7f3a"}"#, "bad_id"),
            (r#"{"version":1,"run":"s","id":"a","text":"canary-7f3a"}"#, "other_run"),
            (r#"{"version":1,"run":"r.s","id":"a","text":"canary-7f3a"}"#, "malformed"),
        ] {
            let fault = read(json).unwrap_err();
            assert_eq!(fault.reason(), reason, "{json}");
            assert!(!fault.to_string().contains("canary"), "{fault}");
        }
    }
}
