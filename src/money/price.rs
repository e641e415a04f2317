//! What a model costs: three prices, and the cost of one call by its tokens. A price of US dollars per million tokens
//! in millionths is the same number of picodollars per token, so no division takes place.

use serde::Deserialize;

use super::{Amount, Decimal};

/// The largest price that is believed, in US dollars per million tokens: about fifteen times the dearest that any
/// provider has asked (600). More is a slip of the decimal point.
pub const MAX_USD_PER_MILLION: u64 = 10_000;

/// `[backend.price]`: US dollars per million tokens. A local model may have one too: what its hardware costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceConfig {
    /// Tokens read.
    pub input: Decimal,
    /// Tokens read that the provider had in its cache; as `input` when absent.
    #[serde(default)]
    pub cached_input: Option<Decimal>,
    /// Tokens written.
    pub output: Decimal,
    /// The model also bills for tokens that it does not send, such as its reasoning. An answer that breaks off is then
    /// counted in full, because what was seen of it says nothing about what it costs.
    #[serde(default)]
    pub hidden_output: bool,
}

/// A price that makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// Larger than [`MAX_USD_PER_MILLION`].
    #[error(
        "price.{field} is {value} dollars per million tokens, more than any model costs; at most {MAX_USD_PER_MILLION} \
         is taken"
    )]
    Absurd {
        /// Which.
        field: &'static str,
        /// What was written.
        value: Decimal,
    },
    /// A token from the cache would cost more than one that is read anew.
    #[error("price.cached_input is larger than price.input; a cached token never costs more, so they may be swapped")]
    CachedAboveInput,
}

/// The price of a model, in picodollars per token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    input: u64,
    cached_input: u64,
    output: u64,
    hidden_output: bool,
}

/// Tokens of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Read, those of the cache included.
    pub input: u64,
    /// Those among them that the provider had in its cache.
    pub cached_input: u64,
    /// Written.
    pub output: u64,
}

/// What a call costs, and what its tokens would have cost elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Where it ran; `None` if no price is known.
    pub own: Option<Amount>,
    /// At the first usable backend of the other side that has a price.
    pub other_side: Option<Amount>,
    /// The backend did not count the tokens, so they are bounded by the bytes: at most one a byte.
    pub estimated: bool,
}

impl PriceConfig {
    /// Checks the prices.
    ///
    /// # Errors
    /// Names the one that makes no sense.
    pub fn checked(&self) -> Result<Price, PriceError> {
        let cached_input = self.cached_input.unwrap_or(self.input);
        for (field, value) in [("input", self.input), ("cached_input", cached_input), ("output", self.output)] {
            if value.millionths() > MAX_USD_PER_MILLION * 1_000_000 {
                return Err(PriceError::Absurd { field, value });
            }
        }
        if cached_input > self.input {
            return Err(PriceError::CachedAboveInput);
        }
        Ok(Price {
            input: self.input.millionths(),
            cached_input: cached_input.millionths(),
            output: self.output.millionths(),
            hidden_output: self.hidden_output,
        })
    }
}

impl Price {
    /// What these tokens cost.
    #[must_use]
    pub fn of(&self, tokens: Tokens) -> Amount {
        let cached = tokens.cached_input.min(tokens.input);
        let part = |count: u64, price: u64| u128::from(count) * u128::from(price);
        Amount::from_picos(
            part(tokens.input - cached, self.input)
                .saturating_add(part(cached, self.cached_input))
                .saturating_add(part(tokens.output, self.output)),
        )
    }

    /// Whether what was seen of an answer does not bound what it costs.
    #[must_use]
    pub fn has_hidden_output(&self) -> bool {
        self.hidden_output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(input: &str, cached_input: Option<&str>, output: &str) -> PriceConfig {
        PriceConfig {
            input: input.parse().unwrap(),
            cached_input: cached_input.map(|price| price.parse().unwrap()),
            output: output.parse().unwrap(),
            hidden_output: false,
        }
    }

    #[test]
    fn a_cost_is_exact() {
        let price = config("0.15", Some("0.075"), "0.60").checked().unwrap();
        let cost = |input, cached_input, output| price.of(Tokens { input, cached_input, output });
        assert_eq!(cost(1, 0, 0).picos(), 150_000);
        assert_eq!(cost(1_000_000, 0, 0), Amount::from_micros(150_000));
        assert_eq!(cost(1_000_000, 1_000_000, 0), Amount::from_micros(75_000));
        assert_eq!(cost(0, 0, 1_000_000), Amount::from_micros(600_000));
        assert_eq!(cost(7, 2, 3).picos(), 5 * 150_000 + 2 * 75_000 + 3 * 600_000);
        assert_eq!(cost(2, 9, 0).picos(), 2 * 75_000, "more cached than read is a slip of the backend");
        assert_eq!(cost(u64::MAX, 0, u64::MAX), Amount::MAX);
        let least = config("0.000001", None, "0").checked().unwrap();
        assert_eq!(least.of(Tokens { input: 1, ..Tokens::default() }).picos(), 1);
    }

    #[test]
    fn prices_that_make_no_sense_are_named() {
        let error = |config: PriceConfig| config.checked().unwrap_err().to_string();
        assert!(error(config("10000.01", None, "1")).contains("price.input is 10000.01"));
        assert!(error(config("1", None, "15000")).contains("price.output is 15000.00"));
        assert!(error(config("1", Some("3"), "15")).contains("price.cached_input"));
        assert!(config("10000", None, "10000").checked().is_ok());
        assert!(config("0", None, "0").checked().is_ok(), "a model may cost nothing");
    }

    proptest::proptest! {
        /// More tokens never cost less, and a price applies to each token alike.
        #[test]
        fn costs_grow_with_tokens(input in 0_u64..1_000_000, cached in 0_u64..1_000_000, output in 0_u64..1_000_000) {
            let price = config("2.5", Some("0.25"), "10").checked().unwrap();
            let tokens = Tokens { input: input + cached, cached_input: cached, output };
            let cost = price.of(tokens);
            proptest::prop_assert_eq!(cost.picos(), input * 2_500_000 + cached * 250_000 + output * 10_000_000);
            let more = Tokens { input: tokens.input + 1, output: output + 1, ..tokens };
            proptest::prop_assert!(price.of(more) > cost);
        }
    }
}
