//! The chain of hashes: each record's hash covers the record before it, its own position and its own bytes, so no record
//! can be changed, taken out, put in or moved without every later hash becoming wrong.
//!
//! ```text
//! hash(0) = BLAKE3("cordon audit genesis v1")
//! hash(i) = BLAKE3("cordon audit chain v1\n" || hash(i-1) || i as 8 bytes, little-endian || body(i))
//! ```
//!
//! Positions count from 1 without gaps. All that is hashed before the body has a fixed length, so two different inputs
//! never look alike. The hash has no key: anyone can check the chain from the bytes alone, and anyone who can write the
//! whole log, its head included, can make a new chain. Against that only a head kept elsewhere helps.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const CHAIN_DOMAIN: &[u8; 22] = b"cordon audit chain v1\n";

/// Hash of one record and all before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainHash([u8; 32]);

impl ChainHash {
    /// What the first record follows: BLAKE3 of `cordon audit genesis v1`. A test computes it.
    pub const GENESIS: Self = Self([
        0xe6, 0xf1, 0xb2, 0xe4, 0x5d, 0x0e, 0xca, 0xe3, 0xac, 0xef, 0x9c, 0x46, 0xd6, 0x24, 0xe4, 0x29, 0xee, 0xc3,
        0xde, 0x1e, 0x85, 0xd2, 0x62, 0xa3, 0xdc, 0x65, 0x94, 0x38, 0xa0, 0x4c, 0x29, 0xcf,
    ]);

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(digits, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Hash of the record with this position and body that follows `self`.
    #[must_use]
    pub fn then(&self, sequence: u64, body: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(CHAIN_DOMAIN);
        hasher.update(&self.0);
        hasher.update(&sequence.to_le_bytes());
        hasher.update(body);
        Self(*hasher.finalize().as_bytes())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Serialize for ChainHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::signing::hexadecimal(deserializer).map(Self)
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The newest record of a log: its position and hash. Keep one elsewhere to prove later that nothing was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Position; 0 in an empty log.
    pub sequence: u64,
    /// Chain hash.
    pub hash: ChainHash,
}

impl Head {
    /// The head of a log without records.
    pub const EMPTY: Self = Self { sequence: 0, hash: ChainHash::GENESIS };

    /// The head after one more record.
    #[must_use]
    pub fn then(&self, body: &[u8]) -> Self {
        let sequence = self.sequence.saturating_add(1);
        Self { sequence, hash: self.hash.then(sequence, body) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn genesis_is_what_the_specification_says() {
        assert_eq!(ChainHash::GENESIS.0, *blake3::hash(b"cordon audit genesis v1").as_bytes());
    }

    #[test]
    fn the_first_link_is_what_the_specification_says() {
        let mut bytes = b"cordon audit chain v1\n".to_vec();
        bytes.extend(blake3::hash(b"cordon audit genesis v1").as_bytes());
        bytes.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(b"body");
        assert_eq!(Head::EMPTY.then(b"body").hash.0, *blake3::hash(&bytes).as_bytes());
    }

    #[test]
    fn every_input_counts() {
        let one = Head::EMPTY.then(b"a");
        assert_ne!(one.hash, Head::EMPTY.then(b"b").hash, "body");
        assert_ne!(one.hash, ChainHash::GENESIS.then(2, b"a"), "position");
        assert_ne!(one.then(b"x").hash, Head::EMPTY.then(b"b").then(b"x").hash, "record before");
        assert_eq!(ChainHash::from_hex(&one.hash.to_string()), Some(one.hash));
    }
}
