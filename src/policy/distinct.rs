//! Counts different values. Values are compared in memory, by their letters and digits only, and forgotten with the
//! request. `Anna Berg` and a later `Anna` or `Berg` are one person: each full name takes in at most one shorter name,
//! so that a finding more never makes the count less.

use std::collections::{HashMap, HashSet};

use crate::detect::Category;

use super::view::{Mark, View};

/// A value as it is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// The words of a person's name, lowercased.
    Name(Vec<String>),
    /// Letters and digits, lowercased.
    Value(String),
    /// No text to compare: every such finding is its own value.
    Unknown(usize),
}

/// A bag of values.
pub(super) struct Distinct<'v> {
    view: &'v View<'v>,
    values: HashMap<Key, u32>,
    /// How many of them are names; only those take a second look.
    names: usize,
}

impl<'v> Distinct<'v> {
    pub(super) fn new(view: &'v View<'v>) -> Self {
        Self { view, values: HashMap::new(), names: 0 }
    }

    pub(super) fn add(&mut self, mark: &Mark) {
        let key = self.key(mark);
        let is_name = matches!(key, Key::Name(_));
        let times = self.values.entry(key).or_default();
        *times += 1;
        if *times == 1 && is_name {
            self.names += 1;
        }
    }

    pub(super) fn remove(&mut self, mark: &Mark) {
        let key = self.key(mark);
        let is_name = matches!(key, Key::Name(_));
        if let Some(times) = self.values.get_mut(&key) {
            *times -= 1;
            if *times == 0 {
                self.values.remove(&key);
                self.names -= usize::from(is_name);
            }
        }
    }

    /// Whether there are at least so many different values.
    pub(super) fn at_least(&self, wanted: usize) -> bool {
        if self.values.len() < wanted {
            return false;
        }
        if self.names < 2 {
            return true;
        }
        self.values.len() - self.short_forms() >= wanted
    }

    /// Names of one word that are a word of a longer name; at most one for each longer name.
    fn short_forms(&self) -> usize {
        let mut short: HashSet<&str> = HashSet::new();
        let mut long: Vec<&Vec<String>> = Vec::new();
        for key in self.values.keys() {
            if let Key::Name(words) = key {
                match words.as_slice() {
                    [word] => {
                        short.insert(word);
                    }
                    _ => long.push(words),
                }
            }
        }
        // One fixed order makes the count the same whenever it is asked.
        long.sort_unstable();
        long.iter().filter(|words| words.iter().any(|word| short.remove(word.as_str()))).count()
    }

    fn key(&self, mark: &Mark) -> Key {
        let Some(value) = self.view.value(mark) else { return Key::Unknown(mark.finding) };
        let fold = |text: &str| -> String {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        if mark.category == Category::Person {
            let words: Vec<String> = value.split_whitespace().map(fold).filter(|word| !word.is_empty()).collect();
            if !words.is_empty() {
                return Key::Name(words);
            }
        }
        let folded = fold(value);
        if folded.is_empty() { Key::Unknown(mark.finding) } else { Key::Value(folded) }
    }
}
