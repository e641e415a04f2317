//! What a window was found to hold, remembered. The key is a digest under a key that this process alone has, so that
//! neither a dump of the cache nor its timing on guessed texts elsewhere says what was in them; the value is offsets,
//! labels and topics. No text is kept. Conversations repeat their history with every turn: that is where this pays.

use std::sync::Arc;

use moka::sync::Cache;

use super::NerError;
use super::decode::{Decoded, ToldWord};
use super::prose::Looks;
use super::topics::Pool;

/// What one window holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Words that are or may be something, in bytes of the window's text.
    pub(super) decoded: Decoded,
    /// How the window looks.
    pub(super) looks: Looks,
    /// What the window is about, calibrated.
    pub(super) topics: Pool,
    /// All that was said about each word; empty unless the job asked for it. Such an outcome is not remembered.
    pub(super) told: Vec<ToldWord>,
}

/// Digest of a window's text.
pub(super) type Key = [u8; 32];

/// Outcomes by keyed digest.
pub(super) struct SpanCache {
    secret: Key,
    outcomes: Option<Cache<Key, Arc<Outcome>>>,
}

impl SpanCache {
    /// A cache of this many windows; 0 for none.
    pub(super) fn new(windows: u64) -> Result<Self, NerError> {
        let mut secret = Key::default();
        getrandom::fill(&mut secret)
            .map_err(|error| NerError::Config(format!("the system gives no random numbers: {error}")))?;
        Ok(Self { secret, outcomes: (windows > 0).then(|| Cache::new(windows)) })
    }

    /// The key of a text, if there is a cache.
    pub(super) fn key(&self, text: &str) -> Option<Key> {
        self.outcomes.as_ref().map(|_| *blake3::keyed_hash(&self.secret, text.as_bytes()).as_bytes())
    }

    /// What is known.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Outcome>> {
        self.outcomes.as_ref()?.get(key)
    }

    /// Remembers.
    pub(super) fn insert(&self, key: Key, outcome: Arc<Outcome>) {
        if let Some(outcomes) = &self.outcomes {
            outcomes.insert(key, outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_between_processes_and_zero_switches_it_off() {
        let (one, other) = (SpanCache::new(10).unwrap(), SpanCache::new(10).unwrap());
        assert_ne!(one.key("Anna"), other.key("Anna"));
        assert_eq!(one.key("Anna"), one.key("Anna"));
        one.insert(one.key("Anna").unwrap(), Arc::new(Outcome::default()));
        assert!(one.get(&one.key("Anna").unwrap()).is_some());
        assert!(one.get(&one.key("Bob").unwrap()).is_none());
        assert_eq!(SpanCache::new(0).unwrap().key("Anna"), None);
    }
}
