//! Sealed maps: a placeholder map as bytes that a caller keeps and only the same server can open again, for the same
//! caller and for a time. Whoever sends one that does not open learns that and nothing more; the operator sees in the
//! metrics why.
//!
//! Layout: version (1 byte), key id (8), caller tag (16), then nonce, ciphertext and tag of AES-256-GCM. The header, the
//! caller and the purpose are associated data. Inside: expiry in milliseconds since 1970 (8 bytes, big-endian), the
//! number of entries (4), and for each its name and its value, both with their length (4).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::error::Kind;

use super::cipher::{decrypt, encrypt};
use super::{PlaceholderMap, RedactError, RedactionKey};

const VERSION: u8 = 1;
const PURPOSE: &[u8] = b"cordon sealed placeholder map v1";
const ID: usize = 8;
const TAG: usize = 16;

/// A sealed map that does not open. There is one message for all reasons, so that it helps nobody to guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sealed map does not open; redact the text again, as the same caller of the same server")]
pub struct SealError {
    reason: SealFailure,
}

impl SealError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::InvalidArgument
    }

    /// Why, for the operator's metrics; never for the caller.
    #[must_use]
    pub fn reason(&self) -> SealFailure {
        self.reason
    }
}

/// Why a sealed map does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealFailure {
    /// It is no sealed map, or one of another version.
    Malformed,
    /// Another key made it: another server, or this one before its key changed.
    OtherKey,
    /// It was made for another caller.
    OtherCaller,
    /// A byte of it was changed.
    Changed,
    /// Its time is over.
    Expired,
}

impl SealFailure {
    /// The name in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::OtherKey => "other_key",
            Self::OtherCaller => "other_caller",
            Self::Changed => "changed",
            Self::Expired => "expired",
        }
    }
}

/// Seals a map for this caller until `expires`.
///
/// # Errors
/// When the cipher fails.
pub fn seal(
    map: &PlaceholderMap,
    key: &RedactionKey,
    caller: &str,
    expires: SystemTime,
) -> Result<Vec<u8>, RedactError> {
    // The tag's salt is the first half of itself, so that two maps of one caller look unrelated.
    let mut salt = [0; TAG / 2];
    getrandom::fill(&mut salt).map_err(|_| RedactError::Cipher)?;
    let mut sealed = vec![VERSION];
    sealed.extend(key.id());
    sealed.extend(tag(key, caller, &salt));
    let plain = encoded(map, expires)?;
    let body = encrypt(&key.sealing(caller), &[PURPOSE, caller.as_bytes(), &sealed], &plain)?;
    sealed.extend(body);
    Ok(sealed)
}

/// Opens what [`seal`] made.
///
/// # Errors
/// When it is not a map that this key sealed for this caller, or its time is over at `now`.
pub fn open(sealed: &[u8], key: &RedactionKey, caller: &str, now: SystemTime) -> Result<PlaceholderMap, SealError> {
    let failed = |reason| SealError { reason };
    let (header, body) = sealed.split_at_checked(1 + ID + TAG).ok_or(failed(SealFailure::Malformed))?;
    let (version, rest) = header.split_at_checked(1).ok_or(failed(SealFailure::Malformed))?;
    let (id, given) = rest.split_at_checked(ID).ok_or(failed(SealFailure::Malformed))?;
    if version != [VERSION] {
        return Err(failed(SealFailure::Malformed));
    }
    // The same work whatever is wrong: how long the answer takes must not say how far it came.
    let plain = decrypt(&key.sealing(caller), &[PURPOSE, caller.as_bytes(), header], body);
    let expected = tag(key, caller, given.get(..TAG / 2).unwrap_or_default());
    let same_key = bool::from(key.id().ct_eq(id));
    let same_caller = bool::from(expected.ct_eq(given));
    let plain = match plain {
        Some(plain) => plain,
        None if !same_key => return Err(failed(SealFailure::OtherKey)),
        None if !same_caller => return Err(failed(SealFailure::OtherCaller)),
        None => return Err(failed(SealFailure::Changed)),
    };
    let mut reader = Reader(&plain);
    let (Some(expires), Some(map)) = (reader.number().map(u64::from_be_bytes), decoded(&mut reader)) else {
        return Err(failed(SealFailure::Malformed));
    };
    if milliseconds(now) >= expires {
        return Err(failed(SealFailure::Expired));
    }
    map.map_err(|_| failed(SealFailure::Malformed))
}

fn tag(key: &RedactionKey, caller: &str, salt: &[u8]) -> [u8; TAG] {
    let mut tag = key.caller_tag(caller, salt);
    for (byte, salt) in tag.iter_mut().zip(salt) {
        *byte = *salt;
    }
    tag
}

fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn encoded(map: &PlaceholderMap, expires: SystemTime) -> Result<Zeroizing<Vec<u8>>, RedactError> {
    let length = |length: usize| u32::try_from(length).map(u32::to_be_bytes).map_err(|_| RedactError::Cipher);
    // The whole room at once: a buffer that grows would leave copies behind.
    let room = map.entries().map(|(name, value)| 8 + name.len() + value.len()).sum::<usize>() + 12;
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    plain.extend(milliseconds(expires).to_be_bytes());
    plain.extend(length(map.len())?);
    for (name, value) in map.entries() {
        for text in [name, value] {
            plain.extend(length(text.len())?);
            plain.extend_from_slice(text.as_bytes());
        }
    }
    Ok(plain)
}

fn decoded(reader: &mut Reader<'_>) -> Option<Result<PlaceholderMap, RedactError>> {
    let mut map = match PlaceholderMap::new() {
        Ok(map) => map,
        Err(error) => return Some(Err(error)),
    };
    for _ in 0..u32::from_be_bytes(reader.number()?) {
        let name = reader.text()?.to_owned();
        map.insert(name, Zeroizing::new(reader.text()?.to_owned()));
    }
    reader.0.is_empty().then_some(Ok(map))
}

/// Reads bytes that may be fewer than they say.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*number)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(u32::from_be_bytes(self.number()?)).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::detect::{Category, EntityType};
    use crate::redact::{RestoreOptions, Restorer, restore};

    const HOUR: Duration = Duration::from_secs(3600);

    fn key() -> RedactionKey {
        RedactionKey::from_bytes(&[1; 32])
    }

    fn map() -> PlaceholderMap {
        let mut map = PlaceholderMap::new().unwrap();
        for value in ["Ada", "Bo Ek", "Zoë 🙂"] {
            map.placeholder(&EntityType::new("PERSON"), Category::Person, value);
        }
        map
    }

    fn start() -> SystemTime {
        UNIX_EPOCH + 500_000 * HOUR
    }

    fn sealed() -> Vec<u8> {
        seal(&map(), &key(), "crm", start() + HOUR).unwrap()
    }

    fn failure(sealed: &[u8], key: &RedactionKey, caller: &str, now: SystemTime) -> SealFailure {
        let error = open(sealed, key, caller, now).unwrap_err();
        assert_eq!(error.to_string(), open(b"", key, caller, now).unwrap_err().to_string(), "one message for all");
        error.reason()
    }

    #[test]
    fn the_same_server_and_caller_open_it_in_time() {
        let opened = open(&sealed(), &key(), "crm", start()).unwrap();
        let restorer = Restorer::new(Arc::new(opened), RestoreOptions::default());
        assert_eq!(restore("⟦PERSON_3⟧, ⟦PERSON_1⟧", restorer), "Zoë 🙂, Ada");
        let empty = seal(&PlaceholderMap::new().unwrap(), &key(), "crm", start() + HOUR).unwrap();
        assert!(open(&empty, &key(), "crm", start()).unwrap().is_empty());
    }

    #[test]
    fn nobody_else_opens_it_and_the_operator_can_tell_why() {
        let sealed = sealed();
        assert_eq!(failure(&sealed, &key(), "web", start()), SealFailure::OtherCaller);
        assert_eq!(failure(&sealed, &RedactionKey::random().unwrap(), "crm", start()), SealFailure::OtherKey);
        assert_eq!(failure(&sealed, &key(), "crm", start() + HOUR), SealFailure::Expired);
        assert!(open(&sealed, &key(), "crm", start() + HOUR - Duration::from_millis(1)).is_ok());
        assert_eq!(failure(&sealed[..20], &key(), "crm", start()), SealFailure::Malformed);
        let mut later = sealed.clone();
        later[0] = 2;
        assert_eq!(failure(&later, &key(), "crm", start()), SealFailure::Malformed);
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(failure(&changed, &key(), "crm", start()), SealFailure::Changed);
    }

    #[test]
    fn it_shows_no_value_and_two_of_them_look_unrelated() {
        let (one, other) = (sealed(), sealed());
        assert!(memchr::memmem::find(&one, b"Ada").is_none());
        assert_eq!(one[..1 + ID], other[..1 + ID]);
        assert_ne!(one[1 + ID..1 + ID + TAG], other[1 + ID..1 + ID + TAG]);
    }

    proptest! {
        #[test]
        fn a_changed_or_cut_byte_never_opens(at in 0usize..200, bit in 0u8..8, cut: bool) {
            let mut sealed = sealed();
            let at = at % sealed.len();
            if cut { sealed.truncate(at) } else { sealed[at] ^= 1 << bit }
            prop_assert!(open(&sealed, &key(), "crm", start()).is_err());
        }

        #[test]
        fn rubbish_never_opens(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(open(&bytes, &key(), "crm", start()).is_err());
        }
    }
}
