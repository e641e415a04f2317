//! Dollars of a plan: whole micro-dollars, signed because a saving can be a loss. Every operation is checked: a plan that
//! is too large is told so, and never wraps or stops at a bound, because a bound would look like a result.
//!
//! `crate::money::Amount` counts what single calls cost, in picodollars up to nine million dollars; a plan over five years
//! can be dearer than that.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::money::Decimal;

use super::PlanError;

/// Micro-dollars in a dollar.
const MICROS: i64 = 1_000_000;

/// An amount of US dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(i64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// So many whole dollars.
    #[must_use]
    pub const fn dollars(dollars: i32) -> Self {
        Self(dollars as i64 * MICROS)
    }

    /// So many micro-dollars.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// What was written in a file or an option.
    pub(super) fn of(written: Decimal, what: &'static str) -> Result<Self, PlanError> {
        i64::try_from(written.millionths()).map(Self).map_err(|_| PlanError::TooLarge(what))
    }

    /// The nearest micro-dollar to a fraction of micro-dollars; a half goes up.
    pub(super) fn of_fraction(micros: u128, parts: u128, what: &'static str) -> Result<Self, PlanError> {
        let rounded = micros.checked_add(parts / 2).and_then(|sum| sum.checked_div(parts));
        rounded.and_then(|micros| i64::try_from(micros).ok()).map(Self).ok_or(PlanError::TooLarge(what))
    }

    /// Micro-dollars.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    pub(super) fn plus(self, other: Self, what: &'static str) -> Result<Self, PlanError> {
        self.0.checked_add(other.0).map(Self).ok_or(PlanError::TooLarge(what))
    }

    pub(super) fn minus(self, other: Self, what: &'static str) -> Result<Self, PlanError> {
        self.0.checked_sub(other.0).map(Self).ok_or(PlanError::TooLarge(what))
    }

    pub(super) fn times(self, factor: u64, what: &'static str) -> Result<Self, PlanError> {
        let factor = i64::try_from(factor).map_err(|_| PlanError::TooLarge(what))?;
        self.0.checked_mul(factor).map(Self).ok_or(PlanError::TooLarge(what))
    }

    /// So many parts of `parts`, to the nearest micro-dollar.
    pub(super) fn share(self, part: u64, parts: u64, what: &'static str) -> Result<Self, PlanError> {
        let micros = u128::try_from(self.0).map_err(|_| PlanError::TooLarge(what))?;
        let product = micros.checked_mul(u128::from(part)).ok_or(PlanError::TooLarge(what))?;
        Self::of_fraction(product, u128::from(parts), what)
    }

    /// Dollars for a picture, where a rounding does no harm.
    #[must_use]
    pub fn approximate(self) -> f64 {
        self.0 as f64 / MICROS as f64
    }
}

impl fmt::Display for Usd {
    /// Dollars with thousands set off; cents only where there are any, and parts of a cent only below one dollar.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "−" } else { "" };
        let micros = self.0.unsigned_abs();
        let million = MICROS.unsigned_abs();
        let text = if micros < million && !micros.is_multiple_of(10_000) {
            format!("{sign}$0.{}", format!("{micros:06}").trim_end_matches('0'))
        } else {
            let cents = (micros + 5_000) / 10_000;
            let whole = grouped(cents / 100);
            match cents % 100 {
                0 => format!("{sign}${whole}"),
                rest => format!("{sign}${whole}.{rest:02}"),
            }
        };
        f.pad(&text)
    }
}

/// A number with a comma between its thousands.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Serialize for Usd {
    /// A JSON number of dollars: whole where it is whole, else with its micro-dollars. Up to nine billion dollars that is
    /// exact; a 64-bit float holds fifteen digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % MICROS == 0 {
            serializer.serialize_i64(self.0 / MICROS)
        } else {
            serializer.serialize_f64(self.approximate())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_for_people_and_written_for_programs() {
        for (micros, shown, written) in [
            (0, "$0", "0"),
            (5_000, "$0.005", "0.005"),
            (1_234_567_890_000, "$1,234,567.89", "1234567.89"),
            (450_000_000_000, "$450,000", "450000"),
            (-2_500_000, "−$2.50", "-2.5"),
            (999_999_999, "$1,000", "999.999999"),
        ] {
            let usd = Usd::from_micros(micros);
            assert_eq!(usd.to_string(), shown);
            assert_eq!(serde_json::to_string(&usd).unwrap(), written);
        }
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(999), "999");
    }

    #[test]
    fn what_is_too_large_is_an_error_and_never_wraps() {
        let most = Usd::from_micros(i64::MAX);
        assert!(most.plus(Usd::from_micros(1), "x").is_err());
        assert!(most.times(2, "x").is_err());
        assert!(Usd::ZERO.times(u64::MAX, "x").is_err());
        assert!(Usd::from_micros(i64::MIN).minus(Usd::from_micros(1), "x").is_err());
        assert!(Usd::of_fraction(u128::MAX, 1, "x").is_err());
        assert!(Usd::of_fraction(1, 0, "x").is_err());
    }
}
