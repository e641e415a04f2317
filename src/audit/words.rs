//! The only strings that a record holds: labels, request ids and decision ids. Each has a narrow form, so that a defect
//! elsewhere cannot pour a caller's text into the log: what does not fit is replaced by a fixed word, never cut.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use super::AuditError;

/// Longest label or request id, in bytes.
pub const MAX_WORD_BYTES: usize = 128;

/// A name from the configuration, the policy, the catalog or a backend: never from a request.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Label(Arc<str>);

impl Label {
    /// What stands for a name that is too long or holds control characters.
    pub const UNFIT: &'static str = "(unfit)";

    /// A name for people, such as a caller or a model: at most [`MAX_WORD_BYTES`] and no control characters.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let fits = name.len() <= MAX_WORD_BYTES && !name.chars().any(char::is_control);
        Self(if fits { name } else { Self::UNFIT }.into())
    }

    /// A word of Cordon's own, such as `timed_out`: printable ASCII without spaces, so that no sentence fits.
    #[must_use]
    pub fn token(word: &str) -> Self {
        Self(if is_word(word) || word.is_empty() { word } else { Self::UNFIT }.into())
    }

    /// The name; may be empty.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Label {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl<'de> Deserialize<'de> for Label {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|name| Self::new(&name))
    }
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.len() <= MAX_WORD_BYTES && word.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The id that a caller gave its request. It is the one thing in a record that a caller chooses freely, so its form is
/// narrow: printable ASCII without spaces, 1 to [`MAX_WORD_BYTES`] bytes.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes what a caller sent; empty means none.
    pub fn parse(id: &str) -> Result<Option<Self>, AuditError> {
        match id {
            "" => Ok(None),
            id if is_word(id) => Ok(Some(Self(id.into()))),
            _ => Err(AuditError::InvalidRequestId),
        }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({} bytes)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        Self::parse(&id).ok().flatten().ok_or_else(|| serde::de::Error::custom("not a request id"))
    }
}

/// Names one decision: a UUID of version 7, whose first 48 bits are the milliseconds of its making.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId(Uuid);

impl DecisionId {
    pub(super) fn new() -> Self {
        Self(Uuid::now_v7())
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for DecisionId {
    type Err = AuditError;

    fn from_str(id: &str) -> Result<Self, AuditError> {
        Uuid::try_parse(id).map(Self).map_err(|_| AuditError::InvalidDecisionId)
    }
}

impl Serialize for DecisionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DecisionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Wall-clock time of a record, cut to the microseconds that the log keeps.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_one_printable_word() {
        assert!(RequestId::parse("").unwrap().is_none());
        assert_eq!(RequestId::parse("job-7/3").unwrap().unwrap().as_str(), "job-7/3");
        for bad in ["two words", "tab\there", "zwölf", "nul\0", &"x".repeat(129)] {
            assert!(matches!(RequestId::parse(bad), Err(AuditError::InvalidRequestId)), "{bad:?}");
        }
    }

    #[test]
    fn what_is_no_label_is_replaced_whole() {
        assert_eq!(Label::new("Zentrale Policy").as_str(), "Zentrale Policy");
        assert_eq!(Label::new("a\nb").as_str(), Label::UNFIT);
        assert_eq!(Label::new(&"x".repeat(129)).as_str(), Label::UNFIT);
        assert_eq!(Label::token("timed_out").as_str(), "timed_out");
        assert_eq!(Label::token("my card is 4111").as_str(), Label::UNFIT);
    }

    #[test]
    fn ids_are_new_and_read_back() {
        let id = DecisionId::new();
        assert_ne!(id, DecisionId::new());
        assert_eq!(id.to_string().parse::<DecisionId>().unwrap(), id);
        assert!("no".parse::<DecisionId>().is_err());
    }
}
