//! What can go wrong with redaction. No message holds text or a value.

use crate::error::Kind;

/// Redaction that did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedactError {
    /// A finding names a part that the document does not have.
    #[error("a finding belongs to another document; redact a document with the findings of its own verdict")]
    ForeignFinding,
    /// A conversation has a string that redaction does not put back; sending it would send the original.
    #[error("a string of the conversation cannot be redacted; keep the conversation local, and report this defect")]
    Unreached,
    /// Something in a conversation can be read by no detector, or would be no JSON any more with its values replaced.
    #[error("the conversation holds something that cannot be redacted; keep it local")]
    NotRedactable,
    /// The operating system gave no random bytes, or the cipher refused.
    #[error("the cipher could not encrypt; nothing was redacted, try again")]
    Cipher,
}

impl RedactError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::Internal
    }
}
