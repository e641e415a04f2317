//! Redaction: what the detectors found is replaced, masked, hashed, encrypted or dropped, and placeholders in an
//! answer become their values again. This module decides nothing about levels or routes: it takes the findings of a
//! verdict. It must never leave a byte of a value behind that an operator should remove, never put a value where the
//! caller's own text merely looks like a placeholder, and never show a value in `Debug`, errors or logs.

mod apply;
mod cipher;
mod config;
mod conversation;
mod error;
mod key;
mod map;
mod operator;
mod placeholder;
mod restore;
mod seal;
mod spans;
#[cfg(test)]
mod tests;

pub use apply::{Redacted, RedactedSpan, redact};
pub use config::{RedactionConfig, RedactionConfigError};
pub use conversation::redact_conversation;
pub use error::RedactError;
pub use key::RedactionKey;
pub use map::PlaceholderMap;
pub use operator::{Operator, Operators};
pub use restore::{Decryptor, RestoreOptions, Restorer, restore};
pub use seal::{SealError, SealFailure, open, seal};
