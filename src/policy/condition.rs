//! Conditions as they are evaluated: type names turned into bits, every default filled in, nothing left that could
//! fail while a request waits.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::detect::{Category, Detector};
use crate::document::Role;

use super::Sensitivity;
use super::file::{Scope, Unit};
use super::known::KnownTypes;

/// `near` takes at most this many selections: the search for different findings on every side tries their
/// permutations.
pub(super) const MAX_NEAR: usize = 4;

/// A question about the evidence, answered yes or no.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// Holds for every request.
    Always,
    /// Enough findings of a selection.
    Found(Selection, Quantity),
    /// One finding of every selection, all close together.
    Near(Vec<Selection>, Reach),
    /// The caller declared at least this level.
    Declared(Sensitivity),
    /// The caller is one of these.
    Caller(Vec<String>),
    /// The text is about one of these, at least this probably.
    Topic(Vec<(String, f32)>),
    /// Every one holds.
    All(Vec<Condition>),
    /// At least one holds.
    Any(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// Which findings count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Selection {
    /// Types, as the policy numbers them.
    pub(super) types: TypeSet,
    /// At least this score.
    pub(super) min_score: f32,
    /// Roles of the part; empty means all.
    pub(super) roles: Vec<Role>,
    /// Detectors; empty means all.
    pub(super) detectors: Vec<Detector>,
    /// Only values like these.
    pub(super) values: Option<Values>,
    /// No values like these.
    pub(super) except_values: Vec<Values>,
    /// What, close to a finding, makes it not count; any one of these does.
    pub(super) excuses: Vec<Excuse>,
}

/// Beginnings and endings of values, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) starts_with: Vec<String>,
    pub(super) ends_with: Vec<String>,
    /// Equal for equal lists, in whatever policy they stand: records keep which values fitted under it.
    pub(super) id: Arc<str>,
}

impl Values {
    /// Of beginnings and endings in lower case.
    pub(super) fn new(starts_with: Vec<String>, ends_with: Vec<String>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for list in [&starts_with, &ends_with] {
            hasher.update(&(list.len() as u64).to_le_bytes());
            for text in list {
                hasher.update(&(text.len() as u64).to_le_bytes());
                hasher.update(text.as_bytes());
            }
        }
        let id = hasher.finalize().to_hex().chars().take(16).collect::<String>().into();
        Self { starts_with, ends_with, id }
    }

    /// Whether a value fits one of them. A value that cannot be read fits none.
    pub(super) fn fit(&self, value: Option<&str>) -> bool {
        let Some(value) = value.map(str::to_lowercase) else { return false };
        self.starts_with.iter().any(|start| value.starts_with(start.as_str()))
            || self.ends_with.iter().any(|end| value.ends_with(end.as_str()))
    }
}

/// Findings that make others not count.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Excuse {
    /// Types of the excusing findings.
    pub(super) types: TypeSet,
    /// How close they must be; `within` is always there.
    pub(super) reach: Reach,
}

/// How many of the selected findings it takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Quantity {
    /// Findings.
    pub(super) count: u32,
    /// Findings with different values.
    pub(super) distinct: u32,
    /// Different entity types.
    pub(super) kinds: u32,
    /// Whether they must be close together; `None`: anywhere in the document.
    pub(super) reach: Option<Reach>,
}

impl Condition {
    /// Every selection in it, those of conditions inside too.
    pub(super) fn each_selection<'c>(&'c self, visit: &mut dyn FnMut(&'c Selection)) {
        match self {
            Self::Found(selection, _) => visit(selection),
            Self::Near(selections, _) => selections.iter().for_each(visit),
            Self::All(all) | Self::Any(all) => all.iter().for_each(|inner| inner.each_selection(visit)),
            Self::Not(inner) => inner.each_selection(visit),
            Self::Always | Self::Declared(_) | Self::Caller(_) | Self::Topic(_) => {}
        }
    }

    /// Whether it counts different values of any of these types.
    pub(super) fn counts_different(&self, types: &TypeSet) -> bool {
        match self {
            Self::Found(selection, quantity) => quantity.distinct > 1 && selection.types.meets(types),
            Self::All(all) | Self::Any(all) => all.iter().any(|inner| inner.counts_different(types)),
            Self::Not(inner) => inner.counts_different(types),
            Self::Always | Self::Declared(_) | Self::Caller(_) | Self::Topic(_) | Self::Near(..) => false,
        }
    }

    /// The least probability that it asks of any topic; `None` if it asks of none.
    pub(super) fn least_topic(&self) -> Option<f32> {
        match self {
            Self::Topic(wanted) => wanted.iter().map(|(_, probability)| *probability).reduce(f32::min),
            Self::All(all) | Self::Any(all) => all.iter().filter_map(Self::least_topic).reduce(f32::min),
            Self::Not(inner) => inner.least_topic(),
            Self::Always | Self::Declared(_) | Self::Caller(_) | Self::Found(..) | Self::Near(..) => None,
        }
    }

    /// Whether a finding or a topic more could make it no longer hold; findings of `types` alone count.
    pub(super) fn can_fall(&self, types: &TypeSet) -> bool {
        let excused = |selection: &Selection| selection.excuses.iter().any(|excuse| excuse.types.meets(types));
        match self {
            Self::Found(selection, _) => excused(selection),
            Self::Near(selections, _) => selections.iter().any(excused),
            Self::All(all) | Self::Any(all) => all.iter().any(|inner| inner.can_fall(types)),
            Self::Not(inner) => inner.can_rise(types),
            Self::Always | Self::Declared(_) | Self::Caller(_) | Self::Topic(_) => false,
        }
    }

    fn can_rise(&self, types: &TypeSet) -> bool {
        match self {
            Self::Found(selection, _) => selection.types.meets(types),
            Self::Near(selections, _) => selections.iter().any(|selection| selection.types.meets(types)),
            Self::All(all) | Self::Any(all) => all.iter().any(|inner| inner.can_rise(types)),
            Self::Not(inner) => inner.can_fall(types),
            Self::Topic(_) => true,
            Self::Always | Self::Declared(_) | Self::Caller(_) => false,
        }
    }
}

impl Quantity {
    pub(super) const ONE: Self = Self { count: 1, distinct: 1, kinds: 1, reach: None };
}

/// How close together findings are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    /// From the end of the first to the start of the last; `None`: any distance.
    pub(super) within: Option<u64>,
    /// Of the distance.
    pub(super) unit: Unit,
    /// Whether part boundaries end it.
    pub(super) scope: Scope,
}

/// Numbers for the known types.
#[derive(Clone, Debug, Default)]
pub(super) struct TypeIndex {
    numbers: HashMap<Arc<str>, usize>,
    categories: Vec<Category>,
    cues: HashSet<Arc<str>>,
}

impl TypeIndex {
    pub(super) fn new(known: &dyn KnownTypes) -> Self {
        let mut index = Self::default();
        for name in known.names() {
            if known.is_cue(&name) {
                index.cues.insert(Arc::clone(&name));
            }
            if let Some(category) = known.category(&name) {
                index.numbers.insert(name, index.categories.len());
                index.categories.push(category);
            }
        }
        index
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// Whether a type is only a cue.
    pub(super) fn is_cue(&self, name: &str) -> bool {
        self.cues.contains(name)
    }

    /// The types that are only cues.
    pub(super) fn cue_types(&self) -> TypeSet {
        let mut types = TypeSet::default();
        self.cues.iter().filter_map(|name| self.number(name)).for_each(|number| types.insert(number));
        types
    }

    fn of_category(&self, wanted: Category) -> impl Iterator<Item = usize> + '_ {
        self.categories.iter().enumerate().filter(move |(_, category)| **category == wanted).map(|(number, _)| number)
    }

    pub(super) fn names(&self) -> Vec<Arc<str>> {
        self.numbers.keys().cloned().collect()
    }
}

/// A set of type numbers, and of categories for types that no index knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TypeSet {
    words: Vec<u64>,
    categories: Vec<Category>,
}

impl TypeSet {
    /// No type.
    pub(super) const EMPTY: Self = Self { words: Vec::new(), categories: Vec::new() };

    /// Adds a type, or its category if the index does not know it.
    pub(super) fn insert_of(&mut self, number: Option<usize>, category: Category) {
        match number {
            Some(number) => self.insert(number),
            None if self.categories.contains(&category) => {}
            None => self.categories.push(category),
        }
    }

    /// Whether a finding may be in both.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.overlaps(other) || self.categories.iter().any(|category| other.categories.contains(category))
    }

    /// The types of these categories.
    pub(super) fn of(categories: &[Category], index: &TypeIndex) -> Self {
        let mut set = Self { words: Vec::new(), categories: categories.to_vec() };
        for category in categories {
            index.of_category(*category).for_each(|number| set.insert(number));
        }
        set
    }

    pub(super) fn insert(&mut self, number: usize) {
        let word = number / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (number % 64);
        }
    }

    pub(super) fn extend(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (bits, more) in self.words.iter_mut().zip(&other.words) {
            *bits |= more;
        }
        self.categories.extend(
            other.categories.iter().filter(|category| !self.categories.contains(category)).copied().collect::<Vec<_>>(),
        );
    }

    pub(super) fn remove(&mut self, number: usize) {
        if let Some(bits) = self.words.get_mut(number / 64) {
            *bits &= !(1 << (number % 64));
        }
    }

    /// Whether a type is in the set. A type that the index does not know is judged by its category.
    pub(super) fn contains(&self, number: Option<usize>, category: Category) -> bool {
        match number {
            Some(number) => self.words.get(number / 64).is_some_and(|bits| bits & (1 << (number % 64)) != 0),
            None => self.categories.contains(&category),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|bits| *bits == 0)
    }

    /// Whether neither a type nor a category is in it.
    pub(super) fn is_nothing(&self) -> bool {
        self.is_empty() && self.categories.is_empty()
    }

    pub(super) fn is_subset(&self, of: &Self) -> bool {
        self.words.iter().enumerate().all(|(i, bits)| bits & !of.words.get(i).copied().unwrap_or(0) == 0)
            && self.categories.iter().all(|category| of.categories.contains(category))
    }

    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.words.iter().zip(&other.words).any(|(a, b)| a & b != 0)
    }
}
