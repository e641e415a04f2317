//! Checks of addresses of crypto currencies: base58check, bech32 and its successor, EIP-55, and the rest by shape.
//!
//! Only public addresses. Private keys and seed phrases are secrets and live elsewhere.

use sha2::{Digest, Sha256};
use sha3::Keccak256;

use super::Validator;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "base58check_address" => base58check_address,
        "bech32_address" => bech32_address,
        "ethereum_address" => ethereum_address,
        "ripple_address" => ripple_address,
        "stellar_address" => stellar_address,
        "base58_mixed" => base58_mixed,
        _ => return None,
    })
}

/// Bitcoin's base 58: no 0, O, I or l (Bitcoin Core, `src/base58.cpp`, describes the format).
const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/// The XRP Ledger's order of the same characters.
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// Decodes 25 bytes (version, hash of 20 bytes, checksum of 4) and gives the version when the checksum holds.
fn base58check(value: &str, alphabet: &[u8; 58]) -> Option<u8> {
    if value.len() > 35 {
        return None;
    }
    let mut bytes = [0u8; 25];
    for c in value.bytes() {
        let mut carry = alphabet.iter().position(|a| *a == c)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry % 256).ok()?;
            carry /= 256;
        }
        if carry > 0 {
            return None;
        }
    }
    let (payload, checksum) = bytes.split_at(21);
    let hash = Sha256::digest(Sha256::digest(payload));
    hash.iter().take(4).eq(checksum).then_some(bytes[0])
}

/// An address of Bitcoin, Litecoin, Dogecoin, Dash or Tron: known version byte and double SHA-256 checksum.
fn base58check_address(value: &str) -> bool {
    matches!(base58check(value, BITCOIN), Some(0x00 | 0x05 | 0x30 | 0x32 | 0x1e | 0x4c | 0x41))
}

/// A classic address of the XRP Ledger.
fn ripple_address(value: &str) -> bool {
    base58check(value, RIPPLE) == Some(0)
}

/// Segregated-witness style addresses (BIP 173 and BIP 350): known prefix, one case, and the checksum polynomial.
fn bech32_address(value: &str) -> bool {
    const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    const PREFIXES: [&str; 9] = ["bc", "ltc", "addr", "cosmos", "osmo", "terra", "inj", "bnb", "stake"];
    if value.len() > 120
        || value.bytes().any(|b| b.is_ascii_lowercase()) && value.bytes().any(|b| b.is_ascii_uppercase())
    {
        return false;
    }
    let lower = value.to_ascii_lowercase();
    let Some((prefix, data)) = lower.rsplit_once('1') else { return false };
    let Some(words) = data.bytes().map(|b| CHARSET.iter().position(|c| *c == b)).collect::<Option<Vec<_>>>() else {
        return false;
    };
    let step = |state: u32, word: u32| {
        const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let top = state >> 25;
        let mixed = (state & 0x01ff_ffff) << 5 ^ word;
        GENERATOR.iter().enumerate().filter(|(i, _)| top >> i & 1 == 1).fold(mixed, |state, (_, g)| state ^ g)
    };
    let high = prefix.bytes().map(|b| u32::from(b) >> 5);
    let low = prefix.bytes().map(|b| u32::from(b) & 31);
    let words = words.into_iter().filter_map(|word| u32::try_from(word).ok());
    let residue = high.chain([0]).chain(low).chain(words).fold(1, step);
    PREFIXES.contains(&prefix) && data.len() >= 14 && matches!(residue, 1 | 0x2bc8_30a3)
}

/// An Ethereum address: 20 bytes in hexadecimal; where the case is mixed it must be the checksum of EIP-55.
fn ethereum_address(value: &str) -> bool {
    let Some(hex) = value.strip_prefix("0x") else { return false };
    if hex.len() != 40 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return false;
    }
    // Null, burn and repeated-byte addresses belong to nobody.
    if hex.bytes().filter(|b| *b == b'0').count() > 24
        || hex.as_bytes().windows(2).all(|pair| pair.first() == pair.last())
    {
        return false;
    }
    if !(hex.bytes().any(|b| b.is_ascii_lowercase()) && hex.bytes().any(|b| b.is_ascii_uppercase())) {
        return true;
    }
    let hash = Keccak256::digest(hex.to_ascii_lowercase());
    let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    hex.bytes().zip(nibbles).all(|(b, nibble)| !b.is_ascii_alphabetic() || b.is_ascii_uppercase() == (nibble > 7))
}

/// A Stellar account: base 32, version byte 0x30, CRC-16/XMODEM at the end (SEP-23).
fn stellar_address(value: &str) -> bool {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    if value.len() != 56 || !value.starts_with('G') {
        return false;
    }
    let mut bytes = Vec::with_capacity(35);
    let (mut buffer, mut bits) = (0u32, 0);
    for b in value.bytes() {
        let Some(word) = ALPHABET.iter().position(|a| *a == b).and_then(|p| u32::try_from(p).ok()) else {
            return false;
        };
        buffer = (buffer << 5 | word) & 0xffff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.extend(u8::try_from(buffer >> bits & 0xff));
        }
    }
    let (payload, checksum) = bytes.split_at(33.min(bytes.len()));
    let crc = payload.iter().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    });
    checksum == crc.to_le_bytes()
}

/// Base 58 without a checksum (Solana, Monero, and addresses typed by hand): both cases and a digit, so that words and
/// identifiers of one case are not taken.
fn base58_mixed(value: &str) -> bool {
    value.bytes().all(|b| BITCOIN.contains(&b))
        && value.bytes().any(|b| b.is_ascii_digit())
        && value.bytes().filter(u8::is_ascii_lowercase).count() >= 4
        && value.bytes().filter(u8::is_ascii_uppercase).count() >= 4
}
