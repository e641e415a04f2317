//! Counts different values. Values are compared in memory, by their letters and digits only, and forgotten with the
//! request; a record keeps numbers that say which of its values were equal. `Anna Berg` and a later `Anna` or `Berg` are
//! one person: each full name takes in at most one shorter name, so that a finding more never makes the count less.

use std::collections::{HashMap, HashSet};

use crate::detect::{Category, Finding};
use crate::document::Document;

use super::doubt::Lens;
use super::view::{Mark, View, value};

/// A value as it is compared: equal keys mean equal values. The numbers mean something inside one request alone; they
/// count in the order of first occurrence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// The words of a person's name.
    Name(Box<[u32]>),
    /// Any other value.
    Value(u32),
    /// No text to compare: every such finding is its own value.
    Unique(usize),
    /// Of a record that says less: different keys may mean equal values.
    Loose(Option<usize>, u64),
}

/// The keys of findings. Cues come last, so that the numbers of the others do not depend on them.
pub(super) fn keys(findings: &[Finding], document: &Document, is_cue: impl Fn(&Finding) -> bool) -> Vec<Key> {
    let mut keys: Vec<Key> = (0..findings.len()).map(Key::Unique).collect();
    let (mut words, mut values) = (Numbers::default(), Numbers::default());
    let (cues, others): (Vec<usize>, Vec<usize>) =
        (0..findings.len()).partition(|index| findings.get(*index).is_some_and(&is_cue));
    for index in others.into_iter().chain(cues) {
        let Some(finding) = findings.get(index) else { continue };
        let Some(text) = value(document, finding.part, &finding.range) else { continue };
        if let Some(slot) = keys.get_mut(index)
            && let Some(key) = key(text, finding.category, &mut words, &mut values)
        {
            *slot = key;
        }
    }
    keys
}

fn key(text: &str, category: Category, words: &mut Numbers, values: &mut Numbers) -> Option<Key> {
    let fold =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    if category == Category::Person {
        let name: Box<[u32]> =
            text.split_whitespace().map(fold).filter(|word| !word.is_empty()).map(|word| words.of(word)).collect();
        return (!name.is_empty()).then_some(Key::Name(name));
    }
    let folded = fold(text);
    (!folded.is_empty()).then(|| Key::Value(values.of(folded)))
}

/// Numbers words in the order in which they come.
#[derive(Default)]
struct Numbers(HashMap<String, u32>);

impl Numbers {
    fn of(&mut self, word: String) -> u32 {
        let next = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        *self.0.entry(word).or_insert(next)
    }
}

/// A bag of values.
pub(super) struct Distinct<'v> {
    view: &'v View<'v>,
    lens: Lens,
    values: HashMap<Key, u32>,
    /// How many of them are names; only those take a second look.
    names: usize,
    /// How many of them may be equal to others.
    loose: usize,
}

impl<'v> Distinct<'v> {
    pub(super) fn new(view: &'v View<'v>, lens: Lens) -> Self {
        Self { view, lens, values: HashMap::new(), names: 0, loose: 0 }
    }

    pub(super) fn add(&mut self, mark: &Mark) {
        let key = self.view.key(mark);
        let (is_name, is_loose) = (matches!(key, Key::Name(_)), matches!(key, Key::Loose(..)));
        let times = self.values.entry(key).or_default();
        *times += 1;
        if *times == 1 {
            self.names += usize::from(is_name);
            self.loose += usize::from(is_loose);
        }
    }

    pub(super) fn remove(&mut self, mark: &Mark) {
        let key = self.view.key(mark);
        let (is_name, is_loose) = (matches!(key, Key::Name(_)), matches!(key, Key::Loose(..)));
        if let Some(times) = self.values.get_mut(&key) {
            *times -= 1;
            if *times == 0 {
                self.values.remove(&key);
                self.names -= usize::from(is_name);
                self.loose -= usize::from(is_loose);
            }
        }
    }

    /// Whether there are at least so many different values.
    pub(super) fn at_least(&self, wanted: usize) -> bool {
        // All loose values may be one, and that one may be any of the others.
        let certain = match (self.lens, self.values.len() - self.loose) {
            (Lens::Possible, _) => self.values.len(),
            (Lens::Sure, 0) => self.loose.min(1),
            (Lens::Sure, others) => others,
        };
        if certain < wanted {
            return false;
        }
        if self.names < 2 || (self.lens == Lens::Possible && self.loose > 0) {
            return true;
        }
        certain - self.short_forms() >= wanted
    }

    /// Names of one word that are a word of a longer name; at most one for each longer name.
    fn short_forms(&self) -> usize {
        let mut short: HashSet<u32> = HashSet::new();
        let mut long: Vec<&[u32]> = Vec::new();
        for key in self.values.keys() {
            if let Key::Name(words) = key {
                match &**words {
                    [word] => {
                        short.insert(*word);
                    }
                    words => long.push(words),
                }
            }
        }
        // One fixed order makes the count the same whenever it is asked.
        long.sort_unstable();
        long.iter().filter(|words| words.iter().any(|word| short.remove(word))).count()
    }
}
