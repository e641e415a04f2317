//! How sure a measured number is: the percentile bootstrap over documents (Efron and Tibshirani, An Introduction to
//! the Bootstrap, 1993, chapter 13). Documents are drawn whole, because the findings of one document stand or fall
//! together. The same seed gives the same interval, on any machine.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Bounds between which 95 % of the resamples lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The 2.5 % point.
    pub low: f64,
    /// The 97.5 % point.
    pub high: f64,
}

impl Interval {
    /// Whether zero lies outside: for a difference, that it is no accident of which documents were drawn.
    #[must_use]
    pub fn excludes_zero(&self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// How often to draw, and from which seed.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// Draws; a thousand give bounds that move by less than a tenth of the interval from seed to seed.
    pub resamples: usize,
    /// Where the generator starts.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 1_000, seed: 1 }
    }
}

impl Bootstrap {
    /// The interval of a statistic of the sum over documents. `None` when there are fewer than two documents, or when
    /// fewer than half of the draws have a value.
    pub fn interval<P>(&self, points: &[P], statistic: impl Fn(&P) -> Option<f64>) -> Option<Interval>
    where
        P: Copy + Default + AddAssign,
    {
        if points.len() < 2 {
            return None;
        }
        let mut random = SplitMix64(self.seed);
        let mut values = Vec::with_capacity(self.resamples);
        for _ in 0..self.resamples {
            let mut sum = P::default();
            for _ in 0..points.len() {
                if let Some(point) = points.get(random.below(points.len())) {
                    sum += *point;
                }
            }
            values.extend(statistic(&sum));
        }
        if values.is_empty() || values.len() * 2 < self.resamples {
            return None;
        }
        values.sort_by(f64::total_cmp);
        Some(Interval { low: quantile(&values, 0.025), high: quantile(&values, 0.975) })
    }
}

/// The quantile of sorted values, linear between neighbours.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a position in a list of some thousands"
)]
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * sorted.len().saturating_sub(1) as f64;
    let at = |index: f64| sorted.get(index as usize).copied().unwrap_or(0.0);
    let (below, above) = (at(position.floor()), at(position.ceil()));
    below + (above - below) * position.fract()
}

/// The generator of Steele, Lea and Flood (Fast Splittable Pseudorandom Number Generators, 2014): small, and good
/// enough to draw documents.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, by the high half of a product; its bias is below one in 2^40 for any list in memory.
    #[allow(clippy::cast_possible_truncation, reason = "the result is below `bound`")]
    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Default)]
    struct Mean(f64, f64);

    impl AddAssign for Mean {
        fn add_assign(&mut self, other: Self) {
            self.0 += other.0;
            self.1 += other.1;
        }
    }

    fn mean(sum: &Mean) -> Option<f64> {
        (sum.1 > 0.0).then(|| sum.0 / sum.1)
    }

    #[test]
    fn the_generator_gives_the_published_numbers() {
        // First outputs for the seed 1234567, as in the reference implementation.
        let mut random = SplitMix64(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 0.5), 3.0);
        assert_eq!(quantile(&[0.0, 10.0], 0.25), 2.5);
        assert_eq!(quantile(&[7.0], 0.975), 7.0);
    }

    #[test]
    fn a_seed_decides_the_interval() {
        let points: Vec<Mean> = (0..200).map(|n| Mean(f64::from(n % 10), 1.0)).collect();
        let bootstrap = Bootstrap { resamples: 500, seed: 7 };
        let interval = bootstrap.interval(&points, mean).unwrap();
        assert_eq!(bootstrap.interval(&points, mean).unwrap(), interval);
        assert_ne!(Bootstrap { seed: 8, ..bootstrap }.interval(&points, mean).unwrap(), interval);
        // The mean is 4.5 and its standard error 2.872 / sqrt(200) = 0.203; 1.96 of them are 0.398.
        assert!((interval.low - 4.102).abs() < 0.08 && (interval.high - 4.898).abs() < 0.08, "{interval:?}");
    }

    #[test]
    fn no_interval_where_nothing_varies_or_nothing_is_there() {
        let bootstrap = Bootstrap::default();
        assert_eq!(bootstrap.interval(&[Mean(1.0, 1.0)], mean), None);
        assert_eq!(bootstrap.interval(&[Mean::default(); 5], mean), None);
        let same = bootstrap.interval(&[Mean(2.0, 1.0); 5], mean).unwrap();
        assert_eq!(same, Interval { low: 2.0, high: 2.0 });
        assert!(same.excludes_zero() && !Interval { low: -0.1, high: 0.3 }.excludes_zero());
    }
}
