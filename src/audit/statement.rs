//! Statements about the log, signed with its key: what a replay or a report says, so that whoever reads it can tell who
//! made it. A checkpoint and a statement never look alike, because each begins with its own words.

use super::signing::SigningKey;
use super::{AuditConfig, AuditError, PublicKey, Signature};

/// What stands before the words of a statement when it is signed.
const DOMAIN: &[u8] = b"cordon statement v1\n";

/// Signs bytes with the key of a log.
///
/// # Errors
/// When there is no key there, or it cannot be read.
pub fn sign_statement(config: &AuditConfig, bytes: &[u8]) -> Result<(PublicKey, Signature), AuditError> {
    let path = config.layout().signing_key;
    let key = SigningKey::load(&path)?.ok_or(AuditError::NoSigningKey { path })?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_verifies_and_a_changed_byte_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let config = AuditConfig::in_directory(directory.path());
        assert!(matches!(sign_statement(&config, b"x"), Err(AuditError::NoSigningKey { .. })));
        SigningKey::generate().unwrap().store(&config.layout().signing_key).unwrap();
        let (key, signature) = sign_statement(&config, b"said").unwrap();
        assert!(verify_statement(&key, b"said", &signature));
        assert!(!verify_statement(&key, b"saId", &signature));
        assert!(!key.verifies(b"said", &signature), "a statement is no checkpoint");
    }
}
