//! Chance for the choice of a backend and for pauses. It can be seeded, so that a test sees the same run again; it is no
//! source of secrets.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The odd constant of SplitMix64: 2^64 divided by the golden ratio (Steele, Lea, Flood 2014, "Fast splittable
/// pseudorandom number generators").
const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// A SplitMix64 generator that many tasks may share: its whole state is one counter.
#[derive(Debug)]
pub(super) struct Chance(AtomicU64);

impl Chance {
    /// The same numbers for the same seed.
    pub(super) fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        let mut z = self.0.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number under `bound`; 0 if that is 0. The upper half of a product: its bias is under 2^-32 for bounds of 32 bits.
    pub(super) fn below(&self, bound: u64) -> u64 {
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// A duration up to `most`.
    pub(super) fn up_to(&self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros.saturating_add(1)))
    }
}

impl Default for Chance {
    /// Another seed each time: the standard library's hash keys come from the system's random source.
    fn default() -> Self {
        Self::seeded(RandomState::new().hash_one(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_run_and_bounds_hold() {
        let run = |seed| {
            let chance = Chance::seeded(seed);
            (0..1000).map(|_| chance.below(7)).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
        for wanted in 0..7 {
            let share = run(3).iter().filter(|number| **number == wanted).count();
            assert!((100..190).contains(&share), "{wanted} came {share} times of 1000");
        }
        assert_eq!(Chance::seeded(1).below(0), 0);
        assert!(Chance::seeded(1).up_to(Duration::from_millis(5)) <= Duration::from_millis(5));
    }

    #[test]
    fn without_a_seed_runs_differ() {
        assert_ne!(Chance::default().next(), Chance::default().next());
    }
}
