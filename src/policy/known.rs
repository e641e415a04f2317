//! Which entity types exist. The policy must refuse a rule about a type that nothing can find: such a rule would look
//! like protection and never apply.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::detect::{Catalog, Category};

/// Every entity type that the detectors of this build can report. The catalog implements it.
pub trait KnownTypes {
    /// The category of a type; `None` if there is no such type.
    fn category(&self, entity_type: &str) -> Option<Category>;
    /// Whether a type is only a cue for conditions and is never reported.
    fn is_cue(&self, entity_type: &str) -> bool;
    /// All names, for suggestions and for rules about a whole category.
    fn names(&self) -> Vec<Arc<str>>;
}

/// A plain table of types.
#[derive(Clone, Debug, Default)]
pub struct TypeTable {
    types: BTreeMap<Arc<str>, (Category, Cue)>,
}

/// Whether a type is only a cue.
type Cue = bool;

impl TypeTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a type that is reported.
    #[must_use]
    pub fn with(mut self, name: &str, category: Category) -> Self {
        self.types.insert(Arc::from(name), (category, false));
        self
    }

    /// Adds a type that is only a cue.
    #[must_use]
    pub fn with_cue(mut self, name: &str, category: Category) -> Self {
        self.types.insert(Arc::from(name), (category, true));
        self
    }

    /// Adds every type of another table.
    #[must_use]
    pub fn and(mut self, other: &dyn KnownTypes) -> Self {
        for name in other.names() {
            if let Some(category) = other.category(&name) {
                let cue = other.is_cue(&name);
                self.types.insert(name, (category, cue));
            }
        }
        self
    }
}

impl KnownTypes for TypeTable {
    fn category(&self, entity_type: &str) -> Option<Category> {
        self.types.get(entity_type).map(|(category, _)| *category)
    }

    fn is_cue(&self, entity_type: &str) -> bool {
        self.types.get(entity_type).is_some_and(|(_, cue)| *cue)
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.types.keys().cloned().collect()
    }
}

impl KnownTypes for Catalog {
    fn category(&self, entity_type: &str) -> Option<Category> {
        self.entity_type(entity_type).map(|info| info.category)
    }

    fn is_cue(&self, entity_type: &str) -> bool {
        self.entity_type(entity_type).is_some_and(|info| info.cue)
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.entity_types().map(|info| Arc::from(info.name.as_str())).collect()
    }
}

/// The known name that is most like a wrong one, if any is near enough to be what was meant.
pub(super) fn did_you_mean(wrong: &str, names: &[Arc<str>]) -> Option<Arc<str>> {
    let wrong = wrong.to_ascii_uppercase();
    // A third of the letters may be wrong; more is another word.
    let most = (wrong.chars().count() / 3).max(1);
    names
        .iter()
        .map(|name| {
            // A part of the name that was left out (`SSN` for `US_SSN`) is nearer than letters suggest.
            let contained = name.split('_').any(|word| word == wrong);
            let distance = if contained { 1 } else { edit_distance(&wrong, name) };
            (distance, name)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, name)| (*distance, name.len()))
        .map(|(_, name)| Arc::clone(name))
}

/// Levenshtein distance in code points.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = i + 1;
        next.push(left);
        for ((above_left, above), to) in row.iter().zip(row.iter().skip(1)).zip(&b) {
            left = (above_left + usize::from(from != *to)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_levenshtein() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", "abc"), 0);
    }

    #[test]
    fn suggests_the_nearest_name_or_none() {
        let names: Vec<Arc<str>> = ["PERSON", "US_SSN", "EMAIL_ADDRESS"].into_iter().map(Arc::from).collect();
        assert_eq!(did_you_mean("PERSONS", &names).as_deref(), Some("PERSON"));
        assert_eq!(did_you_mean("email_adress", &names).as_deref(), Some("EMAIL_ADDRESS"));
        assert_eq!(did_you_mean("SSN", &names).as_deref(), Some("US_SSN"));
        assert_eq!(did_you_mean("SHOE_SIZE", &names), None);
    }
}
