//! The digest key: equal texts can be told from the log, and no text can be guessed from it without this key.
//!
//! A plain hash of a short text is as good as the text, because a short text can be guessed and hashed. So every digest
//! of a caller's text is BLAKE3 keyed with 32 random bytes, made at the first start and kept beside the log with mode
//! 0600. Who copies the database alone learns nothing; to make old digests worthless for ever, destroy the key.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

use crate::document::Document;

use super::files;
use super::{AuditError, Label};

const DOCUMENT_CONTEXT: &str = "cordon 2026-07 audit document digest v1";
const VALUE_CONTEXT: &str = "cordon 2026-07 audit value digest v1";
const ID_CONTEXT: &str = "cordon 2026-07 audit digest key id v1";

/// The secret of a log's digests.
pub struct DigestKey {
    document: Zeroizing<[u8; 32]>,
    value: Zeroizing<[u8; 32]>,
    id: Label,
}

impl DigestKey {
    /// A key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let id = Zeroizing::new(blake3::derive_key(ID_CONTEXT, bytes));
        Self {
            document: Zeroizing::new(blake3::derive_key(DOCUMENT_CONTEXT, bytes)),
            value: Zeroizing::new(blake3::derive_key(VALUE_CONTEXT, bytes)),
            id: Label::token(&hex::encode(id.iter().take(8).copied().collect::<Vec<u8>>())),
        }
    }

    /// Reads the key file, or makes it if there is none.
    pub(super) fn load_or_create(path: &Path) -> Result<Self, AuditError> {
        if let Some(bytes) = files::read_private(path)? {
            let bytes = Zeroizing::new(bytes);
            let key: &[u8; 32] =
                bytes.as_slice().try_into().map_err(|_| AuditError::BadKey { path: path.to_owned() })?;
            return Ok(Self::from_bytes(key));
        }
        let mut key = Zeroizing::new([0_u8; 32]);
        getrandom::fill(key.as_mut_slice())
            .map_err(|error| AuditError::io("cannot make", path, std::io::Error::other(error.to_string())))?;
        files::create_private(path, key.as_slice())?;
        Ok(Self::from_bytes(&key))
    }

    /// Names the key without telling it: digests under different ids cannot be compared. 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &Label {
        &self.id
    }

    /// Digest of a document's strings in order, 64 hexadecimal digits. Roles and pointers do not count: the same text
    /// has the same digest however it was sent.
    #[must_use]
    pub fn document(&self, document: &Document) -> Label {
        let mut hasher = blake3::Hasher::new_keyed(&self.document);
        for part in document.parts() {
            let text = part.text.expose().as_bytes();
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text);
        }
        Label::token(hasher.finalize().to_hex().as_str())
    }

    /// Digest of a found value, to tell different values apart while a record is made. Letter case, spaces and hyphens
    /// do not count, because one card number is often written in several ways. It is never recorded.
    pub(super) fn value(&self, value: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.value);
        let mut buffer = [0_u8; 4];
        for character in value.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            for lower in character.to_lowercase() {
                hasher.update(lower.encode_utf8(&mut buffer).as_bytes());
            }
        }
        *hasher.finalize().as_bytes()
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DigestKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Part, Role};

    fn parts(texts: &[&str]) -> Document {
        let part = |text: &&str| Part { role: Role::User, pointer: "".into(), text: (*text).into() };
        Document::new(texts.iter().map(part).collect())
    }

    #[test]
    fn equal_texts_have_equal_digests_under_one_key_only() {
        let key = DigestKey::from_bytes(&[7; 32]);
        assert_eq!(key.document(&parts(&["a", "b"])), key.document(&parts(&["a", "b"])));
        assert_ne!(key.document(&parts(&["a", "b"])), key.document(&parts(&["ab"])), "the cut between parts counts");
        let other = DigestKey::from_bytes(&[8; 32]);
        assert_ne!(key.document(&parts(&["a"])), other.document(&parts(&["a"])));
        assert_ne!(key.id(), other.id());
        assert_ne!(key.document(&parts(&["a"])).as_str(), blake3::hash(b"a").to_hex().as_str());
    }

    #[test]
    fn spelling_of_a_value_does_not_count() {
        let key = DigestKey::from_bytes(&[7; 32]);
        assert_eq!(key.value("DE89 3704-0044"), key.value("de8937040044"));
        assert_ne!(key.value("1"), key.value("2"));
    }

    #[test]
    fn the_file_is_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("k");
        let first = DigestKey::load_or_create(&path).unwrap();
        assert_eq!(first.id(), DigestKey::load_or_create(&path).unwrap().id());
        std::fs::write(&path, b"short").unwrap();
        assert!(matches!(DigestKey::load_or_create(&path), Err(AuditError::BadKey { .. })));
    }

    #[test]
    fn debug_tells_nothing() {
        let shown = format!("{:?}", DigestKey::from_bytes(&[0x41; 32]));
        assert!(!shown.contains("4141") && !shown.contains("65, 65"), "{shown}");
    }
}
