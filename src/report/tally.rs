//! Counts under names, in bounded memory: a log may hold any number of names, a report may not. The names that come
//! first are counted each by itself; once there are too many, every further name is counted together with the others,
//! and the report says so.

use std::collections::BTreeMap;

use serde::Serialize;

/// Most names that are counted each by itself. More than any configuration or catalog has, and a few hundred kilobytes.
pub(super) const MAX_NAMES: usize = 1000;

/// What is counted under a name.
pub(crate) trait Counted: Default {
    /// How much it weighs in a ranking.
    fn weight(&self) -> u64;
    /// Adds what was counted under another name.
    fn merge(&mut self, other: &Self);
}

/// Counts under names.
#[derive(Clone, Debug)]
pub(super) struct Tally<V> {
    named: BTreeMap<String, V>,
    other: Option<V>,
    limit: usize,
}

impl<V: Counted> Default for Tally<V> {
    fn default() -> Self {
        Self::limited(MAX_NAMES)
    }
}

impl<V: Counted> Tally<V> {
    pub(super) fn limited(limit: usize) -> Self {
        Self { named: BTreeMap::new(), other: None, limit }
    }

    /// The count of this name, or that of all names beyond the limit.
    pub(super) fn at(&mut self, name: &str) -> &mut V {
        let room = self.named.len() < self.limit;
        if !room && !self.named.contains_key(name) {
            return self.other.get_or_insert_default();
        }
        // An entry of the map would need the name owned for every record, and nearly all names are there already.
        if !self.named.contains_key(name) {
            self.named.insert(name.to_owned(), V::default());
        }
        match self.named.get_mut(name) {
            Some(value) => value,
            None => self.other.get_or_insert_default(),
        }
    }

    /// The heaviest first, equal ones by name.
    pub(super) fn ranked(self) -> Ranking<V> {
        let mut rows: Vec<Named<V>> = self.named.into_iter().map(|(name, counts)| Named { name, counts }).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.counts.weight()));
        Ranking { rows, other: self.other }
    }

    /// In the order of the names.
    pub(super) fn by_name(self) -> Ranking<V> {
        let rows = self.named.into_iter().map(|(name, counts)| Named { name, counts }).collect();
        Ranking { rows, other: self.other }
    }
}

/// Counts under names, in an order.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking<V> {
    /// Each name with its counts.
    pub rows: Vec<Named<V>>,
    /// What was counted under names beyond the limit; `None` if every name is in the rows.
    pub other: Option<V>,
}

impl<V> Ranking<V> {
    /// Whether nothing was counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The first rows, and all others together with how many names they are; a name beyond the limit of the tally makes
    /// that number a lower bound.
    pub(super) fn top(&self, most: usize) -> (&[Named<V>], Option<Rest<V>>)
    where
        V: Counted,
    {
        let (shown, more) = self.rows.split_at_checked(most).unwrap_or((&self.rows, &[]));
        if more.is_empty() && self.other.is_none() {
            return (shown, None);
        }
        let mut counts = V::default();
        more.iter().map(|row| &row.counts).chain(&self.other).for_each(|value| counts.merge(value));
        (shown, Some(Rest { names: more.len(), at_least: self.other.is_some(), counts }))
    }

    /// The counts of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&V> {
        self.rows.iter().find(|row| row.name == name).map(|row| &row.counts)
    }
}

/// Rows that are not shown each by itself.
pub(super) struct Rest<V> {
    /// Their names.
    pub(super) names: usize,
    /// Whether there are more names than that.
    pub(super) at_least: bool,
    /// What they count together.
    pub(super) counts: V,
}

/// A name with its counts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named<V> {
    /// The name.
    pub name: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: V,
}

/// How often something happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// How often.
    pub count: u64,
}

impl Counted for Count {
    fn weight(&self) -> u64 {
        self.count
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted_together() {
        let mut tally = Tally::<Count>::limited(2);
        for name in ["b", "a", "c", "a", "d", "c", "b", "b"] {
            tally.at(name).count += 1;
        }
        let ranked = tally.ranked();
        let rows: Vec<_> = ranked.rows.iter().map(|row| (row.name.as_str(), row.counts.count)).collect();
        assert_eq!(rows, [("b", 3), ("a", 2)]);
        assert_eq!(ranked.other, Some(Count { count: 3 }), "c and d");
        let (shown, rest) = ranked.top(1);
        let rest = rest.unwrap();
        assert_eq!((shown.len(), rest.names, rest.at_least, rest.counts.count), (1, 1, true, 5));
        assert!(Tally::<Count>::default().ranked().top(1).1.is_none());
    }

    #[test]
    fn equal_counts_go_by_name() {
        let mut tally = Tally::<Count>::default();
        for name in ["z", "m", "a"] {
            tally.at(name).count += 1;
        }
        let names: Vec<_> = tally.ranked().rows.into_iter().map(|row| row.name).collect();
        assert_eq!(names, ["a", "m", "z"]);
    }
}
