//! The words that terms begin with, each with the numbers of words of those terms: one look-up a word of the text says
//! whether it is worth reading on.

use super::MAX_WORDS;
use super::sequence::mixed;

/// First words with the numbers of words of the terms that they begin.
pub(super) struct Firsts {
    pub(super) slots: Box<[u64]>,
    used: usize,
}

/// The bits of a slot that hold lengths.
const LENGTHS: u64 = (1 << MAX_WORDS) - 1;

impl Firsts {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { slots: vec![0; 1 << 10].into(), used: 0 }
    }

    /// Lengths of the terms that begin with a word of this hash, one bit each; of another word with the same 48 bits
    /// too, which costs a look-up and finds nothing.
    pub(super) fn get(&self, hash: u64) -> u64 {
        let key = mixed(hash) & !LENGTHS;
        let slot = self.place(key).and_then(|at| self.slots.get(at)).copied().unwrap_or_default();
        slot & LENGTHS
    }

    /// Terms of these lengths begin with a word of this hash.
    pub(super) fn add(&mut self, hash: u64, lengths: u64) {
        if self.used * 2 >= self.slots.len() {
            let old = std::mem::take(&mut self.slots);
            self.slots = vec![0; old.len() * 2].into();
            for slot in old.into_iter().filter(|slot| *slot != 0) {
                if let Some(place) = self.place(slot & !LENGTHS).and_then(|at| self.slots.get_mut(at)) {
                    *place = slot;
                }
            }
        }
        let key = mixed(hash) & !LENGTHS;
        if let Some(place) = self.place(key).and_then(|at| self.slots.get_mut(at)) {
            self.used += usize::from(*place == 0);
            *place |= key | lengths;
        }
    }

    /// Where a key is, or where it would be put. At most half of the slots are used, so there is one.
    fn place(&self, key: u64) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let first = (key >> MAX_WORDS) as usize;
        (0..self.slots.len())
            .map(|step| first.wrapping_add(step) & mask)
            .find(|at| self.slots.get(*at).is_some_and(|slot| *slot == 0 || slot & !LENGTHS == key))
    }
}
