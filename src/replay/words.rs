//! Words that come again and again, kept once: names of rules, callers, types. They are names of a configuration or a
//! catalog, so there are few; beyond a bound they are made anew each time.

use std::collections::HashSet;
use std::sync::Arc;

/// Words that are kept.
const MOST: usize = 65_536;

/// A store of words.
#[derive(Debug, Default)]
pub(super) struct Words(HashSet<Arc<str>>);

impl Words {
    pub(super) fn of(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return Arc::clone(known);
        }
        let word: Arc<str> = Arc::from(word);
        if self.0.len() < MOST {
            self.0.insert(Arc::clone(&word));
        }
        word
    }
}
