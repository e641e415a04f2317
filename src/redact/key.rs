//! The server's secret for redaction, and the keys derived from it: one for each purpose, so that what was made for one
//! can never be opened or compared as another. A random key lives as long as the process.

use std::fmt;

use zeroize::Zeroizing;

use super::RedactError;

const HASH_CONTEXT: &str = "cordon 2026-11 redaction hash v1";
const ENCRYPT_CONTEXT: &str = "cordon 2026-11 redaction encrypt v1";
const SEAL_CONTEXT: &str = "cordon 2026-11 redaction sealed map v1";
const CALLER_CONTEXT: &str = "cordon 2026-11 redaction caller tag v1";
const ID_CONTEXT: &str = "cordon 2026-11 redaction key id v1";

/// Bytes of a hash in a text: 128 bits, far beyond a chance collision within one organisation's texts.
const HASH_BYTES: usize = 16;

/// The secret. `Debug` shows its id only.
pub struct RedactionKey {
    hash: Zeroizing<[u8; 32]>,
    encrypt: Zeroizing<[u8; 32]>,
    seal: Zeroizing<[u8; 32]>,
    caller: Zeroizing<[u8; 32]>,
    id: [u8; 8],
}

impl RedactionKey {
    /// A key of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let derive = |context| Zeroizing::new(blake3::derive_key(context, bytes));
        let [a, b, c, d, e, f, g, h, ..] = *derive(ID_CONTEXT);
        Self {
            hash: derive(HASH_CONTEXT),
            encrypt: derive(ENCRYPT_CONTEXT),
            seal: derive(SEAL_CONTEXT),
            caller: derive(CALLER_CONTEXT),
            id: [a, b, c, d, e, f, g, h],
        }
    }

    /// A key that no other process has.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn random() -> Result<Self, RedactError> {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| RedactError::Cipher)?;
        Ok(Self::from_bytes(&bytes))
    }

    /// Names the key without telling it.
    #[must_use]
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    /// Keyed digest of a folded value, 32 hexadecimal digits. It is bound to the caller and to the type: one caller
    /// cannot test its guesses against the hashes of another.
    pub(super) fn hash(&self, caller: &str, label: &str, folded: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.hash);
        for field in [caller, label, folded] {
            hasher.update(&(field.len() as u64).to_le_bytes());
            hasher.update(field.as_bytes());
        }
        hex::encode(hasher.finalize().as_bytes().iter().take(HASH_BYTES).copied().collect::<Vec<u8>>())
    }

    /// The key of one caller's encrypted values.
    pub(super) fn encryption(&self, caller: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*blake3::keyed_hash(&self.encrypt, caller.as_bytes()).as_bytes())
    }

    /// The key of one caller's sealed maps.
    pub(super) fn sealing(&self, caller: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*blake3::keyed_hash(&self.seal, caller.as_bytes()).as_bytes())
    }

    /// Marks a sealed map as this caller's; different for each map, so that nobody sees which maps belong together.
    pub(super) fn caller_tag(&self, caller: &str, salt: &[u8]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.caller);
        hasher.update(&(salt.len() as u64).to_le_bytes());
        hasher.update(salt);
        hasher.update(caller.as_bytes());
        let mut tag = [0; 16];
        hasher.finalize_xof().fill(&mut tag);
        tag
    }
}

impl fmt::Debug for RedactionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedactionKey({})", hex::encode(self.id))
    }
}
