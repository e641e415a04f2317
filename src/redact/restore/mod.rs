//! Restoring: placeholders in an answer become their values again, over whole answers and over streams. The answer is
//! read character by character, so how it was cut into pieces cannot matter. What may still become a placeholder is
//! held back, never more than the longest one; nothing else waits.
//!
//! It must never put a value where no placeholder of this map stands, nor, unless told so, into an address or into code:
//! whoever writes the answer could otherwise have a value carried away by `https://…/?q=⟦PERSON_1⟧`.

mod code;
#[cfg(test)]
mod tests;
mod url;

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::apply::VALUE_PURPOSE;
use super::cipher::{OVERHEAD, decrypt};
use super::placeholder::{CIPHER_CHUNK, Candidate, Step};
use super::{PlaceholderMap, RedactionKey};
use code::Code;
use url::Address;

/// Bytes that a placeholder may have beyond its usual form: spaces in the brackets, `\_` for `_`.
const SLACK: usize = 8;

/// Where values may be restored beside plain text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// Inside addresses: URLs, targets of Markdown links.
    pub in_urls: bool,
    /// Inside fenced code blocks and inline code.
    pub in_code: bool,
}

/// Turns encrypted values of one caller back.
#[derive(Clone, Debug)]
pub struct Decryptor {
    key: Arc<RedactionKey>,
    caller: Arc<str>,
}

impl Decryptor {
    /// For the values that were encrypted for this caller.
    #[must_use]
    pub fn new(key: Arc<RedactionKey>, caller: Arc<str>) -> Self {
        Self { key, caller }
    }

    fn value(&self, label: &str, cipher: &str) -> Option<Zeroizing<String>> {
        let sealed = hex::decode(cipher).ok()?;
        let bound = [VALUE_PURPOSE, self.caller.as_bytes(), label.as_bytes()];
        let value = decrypt(&self.key.encryption(&self.caller), &bound, &sealed)?;
        std::str::from_utf8(&value).ok().map(|value| Zeroizing::new(value.to_owned()))
    }
}

/// Restores one answer.
pub struct Restorer {
    map: Arc<PlaceholderMap>,
    decryptor: Option<Decryptor>,
    options: RestoreOptions,
    /// What may become a placeholder.
    held: Option<Candidate>,
    /// A whole placeholder in square brackets, which the next character may make a link.
    closed: bool,
    code: Code,
    address: Address,
    last: Option<char>,
    /// Bytes of a character that is not complete.
    carry: Vec<u8>,
    longest: usize,
    restored: u64,
}

impl Restorer {
    /// A restorer at the beginning of an answer.
    #[must_use]
    pub fn new(map: Arc<PlaceholderMap>, options: RestoreOptions) -> Self {
        let longest = longest(map.longest_name());
        Self {
            map,
            decryptor: None,
            options,
            held: None,
            closed: false,
            code: Code::default(),
            address: Address::default(),
            last: None,
            carry: Vec::new(),
            longest,
            restored: 0,
        }
    }

    /// That also turns encrypted values back.
    #[must_use]
    pub fn decrypting(self, decryptor: Decryptor) -> Self {
        let longest = self.longest.max(longest(2 * (CIPHER_CHUNK + OVERHEAD) + super::placeholder::MAX_LABEL + 1));
        Self { decryptor: Some(decryptor), longest, ..self }
    }

    /// Takes a piece of the answer and returns what is certain.
    pub fn push(&mut self, piece: &str) -> String {
        let mut out = String::with_capacity(piece.len());
        self.flush_carry(&mut out);
        piece.chars().for_each(|c| self.step(c, &mut out));
        out
    }

    /// The same for a piece that may end inside a character. Bytes that are no UTF-8 become U+FFFD.
    pub fn push_bytes(&mut self, piece: &[u8]) -> String {
        let mut out = String::with_capacity(piece.len());
        for byte in piece {
            self.carry.push(*byte);
            self.take_carry(&mut out);
        }
        out
    }

    /// The rest of the answer: what was held back.
    pub fn finish(&mut self) -> String {
        let mut out = String::new();
        self.flush_carry(&mut out);
        if let Some(candidate) = self.held.take() {
            if self.closed { self.resolve(&candidate, None, &mut out) } else { self.plain(candidate.raw(), &mut out) }
        }
        out
    }

    /// Placeholders and encrypted values that were turned back.
    #[must_use]
    pub fn restored(&self) -> u64 {
        self.restored
    }

    /// Bytes that are held back now.
    #[must_use]
    pub fn held_back(&self) -> usize {
        self.carry.len() + self.held.as_ref().map_or(0, |candidate| candidate.raw().len())
    }

    /// The most that is ever held back: the longest placeholder with a little room for other ways to write it.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Steps over the bytes that were kept once they are a character, or can be none any more.
    fn take_carry(&mut self, out: &mut String) {
        match std::str::from_utf8(&self.carry) {
            Ok(text) => {
                let done: Vec<char> = text.chars().collect();
                self.carry.clear();
                done.into_iter().for_each(|c| self.step(c, out));
            }
            Err(error) => {
                if let Some(bad) = error.error_len() {
                    self.carry.drain(..bad.min(self.carry.len()));
                    self.step(char::REPLACEMENT_CHARACTER, out);
                    if !self.carry.is_empty() {
                        self.take_carry(out);
                    }
                }
            }
        }
    }

    fn flush_carry(&mut self, out: &mut String) {
        if !self.carry.is_empty() {
            self.carry.clear();
            self.step(char::REPLACEMENT_CHARACTER, out);
        }
    }

    fn step(&mut self, c: char, out: &mut String) {
        if let Some(mut candidate) = self.held.take() {
            if std::mem::take(&mut self.closed) {
                self.resolve(&candidate, Some(c), out);
            } else {
                match candidate.push(c) {
                    Step::More if self.may_become_one(&candidate) => return self.held = Some(candidate),
                    // Pushed, yet it can be none: all of it is plain, and no bracket among it could open another.
                    Step::More => return self.plain(candidate.raw(), out),
                    Step::Closed if c == ']' => {
                        self.closed = true;
                        return self.held = Some(candidate);
                    }
                    Step::Closed => return self.resolve(&candidate, None, out),
                    Step::No => self.plain(candidate.raw(), out),
                }
            }
        }
        match Candidate::open(c).filter(|candidate| self.allowed(candidate)) {
            Some(candidate) => self.held = Some(candidate),
            None => self.source(c, out),
        }
    }

    /// Whether a value may stand here. Brackets of ASCII right behind a word are an index or a type, not a placeholder.
    fn allowed(&mut self, candidate: &Candidate) -> bool {
        let behind_a_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ')' | ']');
        let ambiguous = candidate.is_ascii() && self.last.is_some_and(behind_a_word);
        !ambiguous && (self.options.in_code || !self.code.inside()) && (self.options.in_urls || !self.address.inside())
    }

    fn may_become_one(&self, candidate: &Candidate) -> bool {
        candidate.raw().len() < self.longest
            && (match candidate.cipher() {
                Some(_) => self.decryptor.is_some(),
                // A label is short; without the map there is no telling which encrypted values there are.
                None => {
                    self.map.has_prefix(candidate.name())
                        || (self.decryptor.is_some()
                            && !candidate.is_ascii()
                            && candidate.name().len() <= super::placeholder::MAX_LABEL)
                }
            })
    }

    /// Restores a closed candidate, or leaves it as it is. A link's text keeps its brackets.
    fn resolve(&mut self, candidate: &Candidate, next: Option<char>, out: &mut String) {
        self.closed = false;
        let value = match candidate.cipher() {
            Some(cipher) => self.decryptor.as_ref().and_then(|decryptor| decryptor.value(candidate.name(), cipher)),
            None => self.map.value(candidate.name()).map(|value| Zeroizing::new(value.to_owned())),
        };
        let Some(value) = value else {
            return self.plain(candidate.raw(), out);
        };
        self.restored += 1;
        let link = candidate.raw().starts_with('[') && next == Some('(');
        if link {
            self.source('[', out);
        }
        for c in value.chars() {
            // A value that is an address makes what follows it part of that address; it cannot open or close code.
            self.address.step(c);
            self.code.other();
        }
        out.push_str(&value);
        self.last = None;
        if link {
            self.source(']', out);
        }
    }

    fn plain(&mut self, text: &str, out: &mut String) {
        text.chars().for_each(|c| self.source(c, out));
    }

    fn source(&mut self, c: char, out: &mut String) {
        self.code.step(c);
        self.address.step(c);
        self.last = Some(c);
        out.push(c);
    }
}

/// The longest placeholder of a name of this many bytes.
fn longest(name: usize) -> usize {
    name + "⟦⟧".len() + SLACK
}

/// Restores a whole text.
#[must_use]
pub fn restore(text: &str, mut restorer: Restorer) -> String {
    let mut restored = restorer.push(text);
    restored.push_str(&restorer.finish());
    restored
}

impl fmt::Debug for Restorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Restorer({:?}, {} restored)", self.map, self.restored)
    }
}
