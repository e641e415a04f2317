//! The signing key: whoever holds its public half can tell what this log's writer wrote from what somebody else made.
//!
//! Ed25519 (RFC 8032), in the forms that every tool reads: PKCS#8 in PEM for the private key, SubjectPublicKeyInfo in
//! PEM for the public one (RFC 8410). The private key is made at the first start, lies in a file with mode 0600, and
//! never leaves this module; it must never be printed, logged or sent.

use std::fmt;
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{AuditError, Label, files};

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PUBLIC: &str = "PUBLIC KEY";
const PRIVATE: &str = "PRIVATE KEY";
/// More keys than a log will have in its life; a larger file is no list of keys.
const MAX_KEYS: usize = 1000;

/// The public half of a signing key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key's name in checkpoints: the first 16 hexadecimal digits of the BLAKE3 of its 32 bytes.
    #[must_use]
    pub fn id(&self) -> Label {
        Label::token(&blake3::hash(&self.0).to_hex().chars().take(16).collect::<String>())
    }

    /// 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    /// A SubjectPublicKeyInfo in PEM, as `openssl pkey -pubin` reads it.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem(PUBLIC, &[SPKI_PREFIX.as_slice(), &self.0].concat())
    }

    /// Reads the keys of a file: PEM blocks one after the other, or one key as 64 hexadecimal digits.
    ///
    /// # Errors
    /// When there is no key in it, or something that is none.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, AuditError> {
        let text = text.trim();
        let mut bytes = [0; 32];
        if hex::decode_to_slice(text, &mut bytes).is_ok() {
            return Ok(vec![Self(bytes)]);
        }
        let keys = blocks(text, PUBLIC)?
            .iter()
            .map(|der| {
                let raw = der.strip_prefix(SPKI_PREFIX.as_slice()).ok_or(AuditError::BadPublicKey)?;
                raw.try_into().map(Self).map_err(|_| AuditError::BadPublicKey)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() || keys.len() > MAX_KEYS { Err(AuditError::BadPublicKey) } else { Ok(keys) }
    }

    /// Whether the signature is this key's over these bytes.
    #[must_use]
    pub fn verifies(&self, statement: &[u8], signature: &Signature) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(statement, &signature.0).is_ok()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hexadecimal(deserializer).map(Self)
    }
}

/// An Ed25519 signature.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 64]);

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hexadecimal(deserializer).map(Self)
    }
}

/// Bytes that are written as hexadecimal digits.
pub(super) fn hexadecimal<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
    let digits = String::deserialize(deserializer)?;
    let mut bytes = [0; N];
    hex::decode_to_slice(&digits, &mut bytes).map_err(serde::de::Error::custom)?;
    Ok(bytes)
}

/// The private key.
pub(super) struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl SigningKey {
    pub(super) fn generate() -> Result<Self, AuditError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| AuditError::Internal("no signing key could be made"))?;
        Self::of(pair)
    }

    fn of(pair: Ed25519KeyPair) -> Result<Self, AuditError> {
        let public = pair.public_key().as_ref().try_into().map(PublicKey);
        let public = public.map_err(|_| AuditError::Internal("a public key has not 32 bytes"))?;
        Ok(Self { pair, public })
    }

    /// Reads a key file; `None` if there is none.
    pub(super) fn load(path: &Path) -> Result<Option<Self>, AuditError> {
        let Some(bytes) = files::read_private(path)? else { return Ok(None) };
        let bytes = Zeroizing::new(bytes);
        let bad = |_| AuditError::BadSigningKey { path: path.to_owned() };
        let text = std::str::from_utf8(&bytes).map_err(|_| bad(AuditError::BadPublicKey))?;
        let blocks = Zeroizing::new(blocks(text.trim(), PRIVATE).map_err(bad)?);
        let [der] = blocks.as_slice() else { return Err(bad(AuditError::BadPublicKey)) };
        let pair = Ed25519KeyPair::from_pkcs8(der).map_err(|_| bad(AuditError::BadPublicKey))?;
        Self::of(pair).map(Some)
    }

    /// Writes the key file, in one step and with mode 0600.
    pub(super) fn store(&self, path: &Path) -> Result<(), AuditError> {
        let der = self.pair.to_pkcs8v1().map_err(|_| AuditError::Internal("the signing key could not be written"))?;
        let text = Zeroizing::new(pem(PRIVATE, der.as_ref()));
        files::create_private(path, text.as_bytes())
    }

    pub(super) fn public(&self) -> PublicKey {
        self.public
    }

    pub(super) fn sign(&self, statement: &[u8]) -> Result<Signature, AuditError> {
        self.pair
            .sign(statement)
            .as_ref()
            .try_into()
            .map(Signature)
            .map_err(|_| AuditError::Internal("a signature has not 64 bytes"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id())
    }
}

/// PEM with lines of 64 signs (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let encoded = Zeroizing::new(STANDARD.encode(der));
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at_checked(64).unwrap_or((rest, ""));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// The contents of all PEM blocks; anything else between them is refused.
fn blocks(text: &str, label: &str) -> Result<Vec<Vec<u8>>, AuditError> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (inside, after) =
            rest.strip_prefix(&begin).and_then(|rest| rest.split_once(&end)).ok_or(AuditError::BadPublicKey)?;
        let digits: Zeroizing<String> = Zeroizing::new(inside.chars().filter(|c| !c.is_whitespace()).collect());
        found.push(STANDARD.decode(digits.as_bytes()).map_err(|_| AuditError::BadPublicKey)?);
        rest = after.trim_start();
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_kept_in_a_private_file_and_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("k");
        assert!(SigningKey::load(&path).unwrap().is_none());
        let key = SigningKey::generate().unwrap();
        key.store(&path).unwrap();
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = SigningKey::load(&path).unwrap().unwrap();
        assert_eq!(again.public(), key.public());
        let signature = again.sign(b"statement").unwrap();
        assert!(key.public().verifies(b"statement", &signature));
        assert!(!key.public().verifies(b"statemenT", &signature));
        assert!(!SigningKey::generate().unwrap().public().verifies(b"statement", &signature));
        std::fs::write(&path, "no key").unwrap();
        assert!(matches!(SigningKey::load(&path), Err(AuditError::BadSigningKey { .. })));
    }

    #[test]
    fn public_keys_read_back_from_pem_and_from_digits() {
        let (one, two) = (SigningKey::generate().unwrap().public(), SigningKey::generate().unwrap().public());
        assert_eq!(PublicKey::parse_all(&one.to_hex()).unwrap(), [one]);
        assert_eq!(PublicKey::parse_all(&format!("{}\n{}", one.to_pem(), two.to_pem())).unwrap(), [one, two]);
        for bad in ["", "nonsense", &one.to_hex()[1..], &one.to_pem().replace("PUBLIC", "PRIVATE")] {
            assert!(matches!(PublicKey::parse_all(bad), Err(AuditError::BadPublicKey)), "{bad}");
        }
    }

    #[test]
    fn the_public_key_of_rfc_8410_is_read() {
        // Section 10.1 of the RFC.
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let [key] = PublicKey::parse_all(pem).unwrap()[..] else { panic!("one key") };
        assert_eq!(key.to_hex(), "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
        assert_eq!(key.to_pem(), pem);
    }

    #[test]
    fn debug_does_not_show_the_private_key() {
        let key = SigningKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public().id()));
    }
}
