//! The placeholder map of one request: which number stands for which value. It lives in memory only; values are
//! overwritten when it goes, and `Debug` shows counts. What leaves the process is only a sealed map.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::ops::Bound;

use zeroize::Zeroizing;

use crate::detect::{Category, EntityType};

use super::RedactError;
use super::placeholder::{self, names_in};

/// Placeholders and their values.
pub struct PlaceholderMap {
    /// By name, such as `PERSON_1`.
    values: BTreeMap<String, Zeroizing<String>>,
    longest_name: usize,
    /// Names by the keyed digest of label and folded value, so that the values are kept once only.
    names: HashMap<[u8; 32], String>,
    digest_key: Zeroizing<[u8; 32]>,
    /// The next number of each label.
    next: HashMap<String, u32>,
    /// Names that the caller's own text holds; they are never given.
    reserved: HashSet<String>,
}

impl PlaceholderMap {
    /// An empty map.
    ///
    /// # Errors
    /// When the operating system gives no random bytes.
    pub fn new() -> Result<Self, RedactError> {
        let mut digest_key = Zeroizing::new([0; 32]);
        getrandom::fill(digest_key.as_mut_slice()).map_err(|_| RedactError::Cipher)?;
        Ok(Self {
            values: BTreeMap::new(),
            longest_name: 0,
            names: HashMap::new(),
            digest_key,
            next: HashMap::new(),
            reserved: HashSet::new(),
        })
    }

    /// Placeholders in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Names and values, by name.
    pub(super) fn entries(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.values.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Takes an entry.
    pub(super) fn insert(&mut self, name: String, value: Zeroizing<String>) {
        self.longest_name = self.longest_name.max(name.len());
        self.values.insert(name, value);
    }

    /// The value of a name.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.as_str())
    }

    /// Whether a name begins like this.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        let from = (Bound::Included(prefix), Bound::Unbounded);
        self.values.range::<str, _>(from).next().is_some_and(|(name, _)| name.starts_with(prefix))
    }

    /// Bytes of the longest name.
    pub(super) fn longest_name(&self) -> usize {
        self.longest_name
    }

    /// Keeps the numbers of whatever looks like a placeholder in this text of the caller from being given.
    pub(super) fn reserve(&mut self, text: &str) {
        // What has no number can never be given, and need not be kept.
        let numbered =
            |name: &String| name.rsplit_once('_').is_some_and(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
        self.reserved.extend(names_in(text).into_iter().filter(numbered));
    }

    /// The placeholder of a value: the one that it has already, or the next number that is free.
    pub(super) fn placeholder(&mut self, entity_type: &EntityType, category: Category, value: &str) -> String {
        let label = placeholder::label(entity_type);
        let value = value.trim();
        let mut hasher = blake3::Hasher::new_keyed(&self.digest_key);
        hasher.update(&(label.len() as u64).to_le_bytes());
        hasher.update(label.as_bytes());
        hasher.update(folded(category, value).as_bytes());
        let digest = *hasher.finalize().as_bytes();
        if let Some(name) = self.names.get(&digest) {
            return placeholder::written(name);
        }
        let next = self.next.entry(label.clone()).or_insert(1);
        let name = loop {
            let name = placeholder::name(&label, *next);
            *next = next.saturating_add(1);
            // Types such as `X` and `X_1` could meet in one name; what is given stays with whom it was given to.
            if !self.reserved.contains(&name) && !self.values.contains_key(&name) {
                break name;
            }
        };
        self.insert(name.clone(), Zeroizing::new(value.to_owned()));
        let written = placeholder::written(&name);
        self.names.insert(digest, name);
        written
    }
}

/// A value by which equal ones are told: without white space around it and in small letters. Two credentials that
/// differ in case are two credentials.
pub(super) fn folded(category: Category, value: &str) -> Zeroizing<String> {
    let value = value.trim();
    Zeroizing::new(if category == Category::Credential { value.to_owned() } else { value.to_lowercase() })
}

impl fmt::Debug for PlaceholderMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlaceholderMap({} placeholders, {} reserved)", self.values.len(), self.reserved.len())
    }
}
