//! A decimal number of a configuration, read exactly: at most six places behind the point, never negative. It may stand
//! as a string (`"0.075"`) or as a TOML number; a number is read by the shortest decimal that means it, which is what
//! was written for up to fifteen digits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// Places behind the point.
const PLACES: usize = 6;

/// Digits before the point: more than any price or budget has, and every product stays within 128 bits.
const MOST_DIGITS: usize = 12;

/// A decimal number from 0 in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(u64);

impl Decimal {
    /// Millionths.
    #[must_use]
    pub fn millionths(self) -> u64 {
        self.0
    }
}

impl FromStr for Decimal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "is no decimal number; write it like 0.15";
        if text.starts_with('-') {
            return Err("must not be negative");
        }
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(places) {
            return Err(FORM);
        }
        let whole = whole.trim_start_matches('0');
        let places = places.trim_end_matches('0');
        if places.len() > PLACES {
            return Err("has more than six places behind the point");
        }
        if whole.len() > MOST_DIGITS {
            return Err("is too large");
        }
        format!("{whole}{places:0<PLACES$}").parse().map(Self).map_err(|_| FORM)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = format!("{:06}", self.0 % 1_000_000);
        f.pad(&format!("{}.{:0<2}", self.0 / 1_000_000, places.trim_end_matches('0')))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number such as 0.15")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }

            // Never computed with: `Display` gives the shortest decimal that means the same number, without exponent.
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Decimal, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Holder {
        n: Decimal,
    }

    fn read(text: &str) -> Result<u64, String> {
        toml::from_str::<Holder>(&format!("n = {text}"))
            .map(|holder| holder.n.millionths())
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn numbers_and_strings_mean_what_is_written() {
        for (text, millionths) in [
            ("0.15", 150_000),
            ("\"0.15\"", 150_000),
            ("3", 3_000_000),
            ("3.00", 3_000_000),
            ("\"0.000001\"", 1),
            ("0.000001", 1),
            ("0", 0),
            ("\"0012.50\"", 12_500_000),
            ("999999999999", 999_999_999_999_000_000),
        ] {
            assert_eq!(read(text), Ok(millionths), "{text}");
        }
    }

    #[test]
    fn what_is_no_such_number_is_said() {
        for (text, said) in [
            ("-1", "negative"),
            ("-0.5", "negative"),
            ("-0.0", "negative"),
            ("\"-0.5\"", "negative"),
            ("nan", "no decimal"),
            ("inf", "no decimal"),
            ("\"1e3\"", "no decimal"),
            ("\"1,5\"", "no decimal"),
            ("\"\"", "no decimal"),
            ("\".5\"", "no decimal"),
            ("\"5.\"", "no decimal"),
            ("0.0000001", "six places"),
            ("1000000000000", "too large"),
            ("true", "decimal number such as"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_float_of_few_digits_reads_as_it_is_written(whole in 0_u64..1_000_000, places in 0_u64..1_000_000) {
            let text = format!("{whole}.{places:06}");
            proptest::prop_assert_eq!(read(&text), Ok(whole * 1_000_000 + places));
        }

        #[test]
        fn it_is_shown_as_it_reads(millionths in 0_u64..1_000_000_000_000) {
            proptest::prop_assert_eq!(Decimal(millionths).to_string().parse::<Decimal>(), Ok(Decimal(millionths)));
        }
    }
}
