//! What recorded tokens cost on either side, by the prices of the configuration.

use std::collections::HashMap;

use crate::dispatch::{BackendConfig, Side};
use crate::money::{Amount, Price, PriceError, Tokens};
use crate::policy::Route;

/// The prices of the configuration's backends.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    by_name: HashMap<String, (Side, Price)>,
    local: Option<Price>,
    cloud: Option<Price>,
}

impl Prices {
    /// Those of these backends. The first of a side, by priority, stands for the side.
    ///
    /// # Errors
    /// A price that makes no sense.
    pub fn of(backends: &[BackendConfig]) -> Result<Self, PriceError> {
        let mut prices = Self::default();
        let mut order: Vec<&BackendConfig> = backends.iter().collect();
        order.sort_by_key(|backend| backend.priority.unwrap_or(u32::MAX));
        for backend in order {
            let Some(price) = backend.price.map(|price| price.checked()).transpose()? else { continue };
            prices.by_name.insert(backend.name.clone(), (backend.side, price));
            let side = match backend.side {
                Side::Local => &mut prices.local,
                Side::Cloud => &mut prices.cloud,
            };
            side.get_or_insert(price);
        }
        Ok(prices)
    }

    /// What tokens cost on the side of a route; at this backend, if it stands there and has a price.
    pub(super) fn cost(&self, route: Route, backend: Option<&str>, tokens: Tokens) -> Option<Amount> {
        let side = if route.leaves() { Side::Cloud } else { Side::Local };
        let named = backend.and_then(|name| self.by_name.get(name)).filter(|(at, _)| *at == side);
        let first = if route.leaves() { self.cloud } else { self.local };
        named.map(|(_, price)| *price).or(first).map(|price| price.of(tokens))
    }
}
