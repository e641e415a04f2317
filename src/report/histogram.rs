//! Percentiles of times in bounded memory. Times fall into buckets whose width grows with the time: each power of two is
//! cut into 64, so a percentile is told at most one part in 64 (1.6 %) too high and never too low. How many times missed
//! the aim is counted exactly, beside the buckets.

use serde::Serialize;

/// Buckets in each power of two.
const STEPS: u64 = 64;
/// Bits of a step number.
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Buckets: below 128 µs one for each, then 64 for each further power of two of a 64-bit number.
const BUCKETS: usize = ((64 - STEP_BITS as usize) + 1) * STEPS as usize;

/// What a request may take, in microseconds: half a second is where a wait is felt as one.
pub const AIM_US: u64 = 500_000;

/// Times, in buckets.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
    over_aim: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0, max: 0, over_aim: 0 }
    }
}

impl Histogram {
    pub(super) fn add(&mut self, micros: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(micros)) {
            *bucket += 1;
        }
        self.count += 1;
        self.max = self.max.max(micros);
        self.over_aim += u64::from(micros > AIM_US);
    }

    /// The percentiles; `None` without a single time.
    pub(super) fn told(&self) -> Option<Percentiles> {
        (self.count > 0).then(|| Percentiles {
            count: self.count,
            p50_us: self.percentile(50),
            p90_us: self.percentile(90),
            p99_us: self.percentile(99),
            max_us: self.max,
            over_aim: self.over_aim,
        })
    }

    /// By nearest rank: the least time that so many of a hundred do not exceed, rounded up to the end of its bucket.
    fn percentile(&self, hundredth: u64) -> u64 {
        let rank = (u128::from(self.count) * u128::from(hundredth)).div_ceil(100);
        let mut seen = 0u128;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= rank {
                return last_of(index).min(self.max);
            }
        }
        self.max
    }
}

/// Times of one kind, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Times measured.
    pub count: u64,
    /// Half of them took no longer.
    pub p50_us: u64,
    /// Nine of ten.
    pub p90_us: u64,
    /// Ninety-nine of a hundred.
    pub p99_us: u64,
    /// The longest, exact.
    pub max_us: u64,
    /// How many took longer than [`AIM_US`], exact.
    pub over_aim: u64,
}

fn bucket_of(micros: u64) -> usize {
    let bits = u64::BITS - micros.leading_zeros();
    let shift = bits.saturating_sub(STEP_BITS + 1);
    // Up to 127 the number itself; from there the power of two and the seven highest bits.
    let step = micros >> shift;
    usize::try_from(u64::from(shift) * STEPS + step).unwrap_or(BUCKETS - 1)
}

/// The longest time in a bucket.
fn last_of(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * STEPS {
        return index;
    }
    let (shift, step) = (index / STEPS - 1, index % STEPS + STEPS);
    let last = (u128::from(step) + 1 << shift) - 1;
    u64::try_from(last).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(sorted: &[u64], hundredth: usize) -> u64 {
        sorted[(sorted.len() * hundredth).div_ceil(100) - 1]
    }

    #[test]
    fn every_time_lies_in_its_bucket_and_the_ends_hold() {
        for micros in (0..5000).chain([u64::MAX, u64::MAX / 2, 1 << 40, (1 << 40) - 1, (1 << 40) + 1]) {
            let last = last_of(bucket_of(micros));
            assert!(last >= micros, "{micros} {last}");
            assert!(last - micros <= micros / STEPS, "{micros} {last}");
            assert_eq!(bucket_of(last), bucket_of(micros));
        }
        assert!(bucket_of(u64::MAX) < BUCKETS);
    }

    proptest! {
        #[test]
        fn percentiles_are_never_low_and_at_most_a_64th_high(
            mut times in proptest::collection::vec(prop_oneof![0u64..200, 0u64..2_000_000, any::<u64>()], 1..300)
        ) {
            let mut histogram = Histogram::default();
            times.iter().for_each(|time| histogram.add(*time));
            times.sort_unstable();
            let told = histogram.told().unwrap();
            for (hundredth, told) in [(50, told.p50_us), (90, told.p90_us), (99, told.p99_us)] {
                let exact = exact(&times, hundredth);
                prop_assert!(told >= exact && told - exact <= exact / STEPS, "p{hundredth}: {told} for {exact}");
            }
            prop_assert_eq!(told.max_us, *times.last().unwrap());
            prop_assert_eq!(told.over_aim, times.iter().filter(|time| **time > AIM_US).count() as u64);
        }
    }
}
