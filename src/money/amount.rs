//! An amount of US dollars, exact to the picodollar. Sums stop at a bound instead of wrapping: more than nine million
//! dollars is over every budget.

use std::fmt;

/// Picodollars in a millionth of a dollar.
const PICOS_PER_MICRO: u64 = 1_000_000;
/// Picodollars in a dollar.
const PICOS_PER_DOLLAR: u64 = 1_000_000_000_000;

/// An amount of money, never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest: what a signed 64-bit column of a database holds, a little over nine million dollars.
    pub const MAX: Self = Self(i64::MAX as u64);

    /// So many picodollars, [`Self::MAX`] at most.
    #[must_use]
    pub fn from_picos(picos: u128) -> Self {
        u64::try_from(picos).map_or(Self::MAX, |picos| Self(picos).min(Self::MAX))
    }

    /// So many millionths of a dollar, [`Self::MAX`] at most.
    #[must_use]
    pub fn from_micros(micros: u64) -> Self {
        Self::from_picos(u128::from(micros) * u128::from(PICOS_PER_MICRO))
    }

    /// Picodollars.
    #[must_use]
    pub fn picos(self) -> u64 {
        self.0
    }

    /// Millionths of a dollar, rounded up: a cost is never told smaller than it is.
    #[must_use]
    pub fn micros_up(self) -> u64 {
        self.0.div_ceil(PICOS_PER_MICRO)
    }

    /// The sum, [`Self::MAX`] at most.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self::from_picos(u128::from(self.0) + u128::from(other.0))
    }

    /// The difference, nothing at least.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Amount {
    /// Dollars with as many places as the amount has, two at least.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, picos) = (self.0 / PICOS_PER_DOLLAR, self.0 % PICOS_PER_DOLLAR);
        let places = format!("{picos:012}");
        let short = places.trim_end_matches('0');
        f.pad(&format!("${dollars}.{short:0<2}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_rounded_up_and_shown_whole() {
        assert_eq!(Amount::from_picos(1).micros_up(), 1);
        assert_eq!(Amount::from_picos(1_000_000).micros_up(), 1);
        assert_eq!(Amount::from_picos(1_000_001).micros_up(), 2);
        for (picos, shown) in [
            (0, "$0.00"),
            (1, "$0.000000000001"),
            (12_500_000_000_000, "$12.50"),
            (75_000_000, "$0.000075"),
            (1_000_000_000_000, "$1.00"),
        ] {
            assert_eq!(Amount::from_picos(picos).to_string(), shown);
        }
    }

    #[test]
    fn sums_stop_at_the_bound_and_differences_at_nothing() {
        assert_eq!(Amount::MAX.plus(Amount::from_picos(1)), Amount::MAX);
        assert_eq!(Amount::from_picos(u128::MAX), Amount::MAX);
        assert_eq!(Amount::from_micros(u64::MAX), Amount::MAX);
        assert_eq!(Amount::from_picos(3).less(Amount::from_picos(5)), Amount::ZERO);
        assert!(i64::try_from(Amount::MAX.picos()).is_ok());
    }
}
