//! What the calls of one request cost, and whether the caller's budgets have room for them. A cloud call reserves the most
//! that it may cost before its decision is recorded.

use std::sync::Arc;

use super::Attempts;
use crate::control::Overrun;
use crate::dispatch::backend::Backend;
use crate::dispatch::bill::{Bill, Meter};
use crate::dispatch::provider::CloudProvider;
use crate::money::Price;
use crate::policy::{BudgetOverrun, CloudText, Route};

/// Tokens that frame one input of an embedding: a beginning, an end, and as many again for safety.
const FRAME_TOKENS: u64 = 4;

impl Attempts<'_> {
    /// The bill of a call of so many bytes. The other side's price is that of its first backend that could have taken
    /// the request now.
    pub(in crate::dispatch) fn bill<P>(&self, backend: &Backend<P>, route: Route, bytes: u64) -> Bill {
        fn first<P>(backends: &[Arc<Backend<P>>]) -> Option<Price> {
            backends.iter().filter(|backend| backend.is_usable()).find_map(|backend| backend.terms().price)
        }
        let other_side = match route {
            Route::Local => first(self.backends().cloud()),
            Route::CloudRedacted | Route::Cloud => first(self.backends().local()),
        };
        let meter = Meter { control: Arc::clone(&self.shared.control), caller: Arc::clone(&self.request.caller) };
        Bill::new(backend.terms().price, other_side, bytes).metered(meter)
    }

    /// The bill of a cloud call with what it may cost taken out of the caller's budgets.
    pub(in crate::dispatch) fn reserve(
        &self,
        backend: &Backend<CloudProvider>,
        text: &CloudText,
    ) -> Result<Bill, Overrun> {
        let bill = self.cloud_bill(backend, text);
        if !self.shared.control.bounds(&self.request.caller) {
            return Ok(bill);
        }
        let most = bill.bound().ok_or(Overrun::Unbounded)?;
        let hold = self.shared.control.reserve(&self.request.caller, most)?;
        Ok(bill.holding(hold))
    }

    pub(super) fn cloud_bill(&self, backend: &Backend<CloudProvider>, text: &CloudText) -> Bill {
        // One that cannot be encoded is not sent either.
        let bytes = backend.provider().request_bytes(text).unwrap_or_default();
        // For vectors another body is sent, which holds the strings all the same.
        let document = text.conversation().document();
        let bytes = bytes.max(document.total_bytes().saturating_add(document.parts().len() as u64 * FRAME_TOKENS));
        let asked = text.conversation().generation().max_output_tokens;
        self.bill(backend, text.route(), bytes).bounded(asked.or(backend.terms().max_output_tokens))
    }

    /// Whether the budgets would let the request go to this backend now.
    pub(super) fn affordable(&self, backend: &Backend<CloudProvider>) -> bool {
        let caller = &self.request.caller;
        let Some(text) = self.cloud_text().filter(|_| self.shared.control.bounds(caller)) else { return true };
        self.cloud_bill(backend, &text).bound().is_some_and(|most| self.shared.control.has_room(caller, most))
    }

    /// What becomes of a request that a budget has no room for.
    pub(super) fn budget_overrun(&self) -> BudgetOverrun {
        self.judged.policy.budget_overrun()
    }
}
