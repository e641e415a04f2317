//! Statements about the log, signed with its key: what a replay or a report says, so that whoever reads it can tell who
//! made it. A checkpoint and a statement never look alike, because each begins with its own words.

use std::path::Path;

use super::files::Layout;
use super::signing::SigningKey;
use super::{AuditError, PublicKey, Signature};

/// What stands before the words of a statement when it is signed.
const DOMAIN: &[u8] = b"cordon statement v1\n";

/// Signs bytes with the key of the log in this directory.
///
/// # Errors
/// When there is no key there, or it cannot be read.
pub fn sign_statement(directory: &Path, bytes: &[u8]) -> Result<(PublicKey, Signature), AuditError> {
    let layout = Layout::of(directory);
    let key = SigningKey::load(&layout.signing_key)?
        .ok_or_else(|| AuditError::NoSigningKey { path: layout.signing_key.clone() })?;
    let signature = key.sign(&signed(bytes))?;
    Ok((key.public(), signature))
}

/// Whether a key signed these bytes as a statement.
#[must_use]
pub fn verify_statement(key: &PublicKey, bytes: &[u8], signature: &Signature) -> bool {
    key.verifies(&signed(bytes), signature)
}

fn signed(bytes: &[u8]) -> Vec<u8> {
    [DOMAIN, bytes].concat()
}
