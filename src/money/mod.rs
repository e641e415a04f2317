//! Money: amounts, prices and what a call costs. It owns the arithmetic alone; who may spend how much is `control`'s.
//!
//! It must never compute in floating point: sums of many small costs would drift, and a budget that drifts is none. The
//! unit is the picodollar (10⁻¹² US dollars), because a price of one millionth of a dollar per million tokens is one of
//! them per token, so nothing is lost. Millionths of a dollar are what others are told, rounded up.

mod amount;
mod decimal;
mod price;

pub use amount::Amount;
pub use decimal::Decimal;
pub use price::{Cost, MAX_USD_PER_MILLION, Price, PriceConfig, PriceError, Tokens};
