//! AES-256-GCM with a random nonce, the same way for encrypted values and sealed maps. What is bound to a ciphertext
//! (purpose, caller, type) is associated data, each field with its length, so that no two contexts read alike.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::{Zeroize as _, Zeroizing};

use super::RedactError;

/// Bytes that a ciphertext is longer than its text: nonce and tag.
pub(super) const OVERHEAD: usize = NONCE_LEN + 16;

/// Nonce, ciphertext and tag of `plain`.
pub(super) fn encrypt(key: &[u8; 32], bound: &[&[u8]], plain: &[u8]) -> Result<Vec<u8>, RedactError> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| RedactError::Cipher)?;
    let mut text = Vec::with_capacity(plain.len() + OVERHEAD);
    text.extend_from_slice(plain);
    let Ok(nonce) = key.seal_in_place_append_tag(associated(bound), &mut text) else {
        text.zeroize();
        return Err(RedactError::Cipher);
    };
    Ok([nonce.as_ref().as_slice(), &text].concat())
}

/// The text of what [`encrypt`] made; `None` if a byte of it, the key or what it is bound to differs.
pub(super) fn decrypt(key: &[u8; 32], bound: &[&[u8]], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).ok()?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut text = Zeroizing::new(text.to_vec());
    let length = key.open_in_place(nonce, associated(bound), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

fn associated(bound: &[&[u8]]) -> Aad<Vec<u8>> {
    let field = |field: &&[u8]| [&(field.len() as u64).to_le_bytes(), *field].concat();
    Aad::from(bound.iter().flat_map(field).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_opens_only_whole_and_where_it_belongs() {
        let key = [7; 32];
        let sealed = encrypt(&key, &[b"a", b"bc"], b"value").unwrap();
        assert_eq!(decrypt(&key, &[b"a", b"bc"], &sealed).unwrap().as_slice(), b"value");
        assert!(decrypt(&key, &[b"ab", b"c"], &sealed).is_none(), "the cut between the fields counts");
        assert!(decrypt(&[8; 32], &[b"a", b"bc"], &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(decrypt(&key, &[b"a", b"bc"], &changed).is_none(), "byte {at}");
            assert!(decrypt(&key, &[b"a", b"bc"], &sealed[..at]).is_none(), "cut at {at}");
        }
        assert_ne!(sealed, encrypt(&key, &[b"a", b"bc"], b"value").unwrap(), "the nonce is new each time");
    }
}
