//! What an operator holds in hand while the service runs: budgets, rate limits and the switch that closes the cloud. It
//! owns their state, in memory for the requests and in a file for the next start.
//!
//! It must never block a request on the disk (one thread writes), never let more be spent than a budget allows, and
//! never forget that something was spent or closed: what is not known to be settled counts in full, a day that was
//! spent stays spent when the clock steps back, and where the file cannot be written nothing leaves that a budget
//! bounds.
//!
//! `config` is what the configuration says, `ledger` the arithmetic of a day, `hold` a reservation on its way,
//! `switch` the cloud's, `rate` how often one may ask, `store` the file, `writer` the thread.

mod clock;
mod config;
mod error;
mod files;
mod hold;
mod ledger;
mod rate;
mod store;
mod switch;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt;
#[cfg(test)]
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::money::Amount;

pub use config::{BudgetConfig, ControlConfig, ControlFile, MAX_USD_PER_DAY, RateLimitConfig};
pub use error::ControlError;
pub use hold::Hold;
pub use ledger::BudgetState;
pub use rate::RateLimited;
pub use switch::Closed;

use clock::Clock;
#[cfg(test)]
use config::Budget;
use ledger::Ledger;
use rate::Rates;
use store::{Op, Place};
use switch::Switch;
use writer::Mailbox;

/// Why a call does not get what it may cost.
#[derive(Clone, Debug)]
pub enum Overrun {
    /// A budget has no room for it today.
    Spent {
        /// Name of the budget.
        budget: Arc<str>,
        /// When the next day begins.
        opens_in: Duration,
    },
    /// What the call may cost is not bounded: its backend has no price or no limit of tokens.
    Unbounded,
    /// The reservation cannot be made durable.
    Unrecorded(ControlError),
}

impl fmt::Display for Overrun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spent { budget, .. } => write!(
                f,
                "the budget `{budget}` has no room left for this request today; it opens again at 00:00 UTC, or raise \
                 usd_per_day"
            ),
            Self::Unbounded => f.write_str(
                "nothing bounds what the request may cost there; give the backend a price and max_output_tokens",
            ),
            Self::Unrecorded(error) => write!(f, "the budget cannot be kept, so nothing may be spent: {error}"),
        }
    }
}

/// Budgets, rates and the switch of one service. Cheap to share by `Arc`.
pub struct Control {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What requests and holds use.
struct Shared {
    ledger: Mutex<Ledger>,
    switch: Switch,
    rates: Arc<Rates>,
    mailbox: Option<Mailbox>,
    clock: Clock,
    next_hold: AtomicI64,
}

impl Shared {
    // The ledger is whole after every statement, so a panic elsewhere does not spoil it.
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("ledger", &*self.shared.ledger()).finish_non_exhaustive()
    }
}

impl Default for Control {
    /// Without budgets or limits, and with nothing kept.
    fn default() -> Self {
        let shared = Shared {
            ledger: Mutex::new(Ledger::new(&[], &[])),
            switch: Switch::default(),
            rates: Arc::new(Rates::new(&[], &[])),
            mailbox: None,
            clock: Clock::system(),
            next_hold: AtomicI64::new(1),
        };
        Self { shared: Arc::new(shared), thread: Mutex::new(None) }
    }
}

impl Control {
    /// Reads what was kept in the configured directory, and starts the thread that keeps it. Reservations that are
    /// open there were left by a process that died: they count as spent in full. Blocks for a few flushes of the disk.
    ///
    /// # Errors
    /// When the directory or its file cannot be used; the message says what to do.
    pub fn open(config: &ControlConfig) -> Result<Self, ControlError> {
        Self::open_at(config, Clock::system())
    }

    fn open_at(config: &ControlConfig, clock: Clock) -> Result<Self, ControlError> {
        let (store, kept) = store::Store::open(&config.directory)?;
        let mut ledger = Ledger::new(&config.budgets, &config.callers);
        ledger.restore(&kept.spent);
        if ledger.day() > clock.day() {
            tracing::warn!(
                "the clock is behind the last day on which something was spent; budgets stay at that day until it is past"
            );
        }
        let rates = Arc::new(Rates::new(&config.rate_limits, &config.callers));
        rates.restore(&kept, clock.micros());
        let (mailbox, thread) = writer::start(store, Arc::clone(&rates), clock.clone())?;
        let shared = Shared {
            ledger: Mutex::new(ledger),
            switch: Switch::restored(&kept.closed),
            rates,
            mailbox: Some(mailbox),
            clock,
            next_hold: AtomicI64::new(1),
        };
        Ok(Self { shared: Arc::new(shared), thread: Mutex::new(Some(thread)) })
    }

    /// Whether there can be a caller of this name.
    #[must_use]
    pub fn knows(&self, caller: &str) -> bool {
        self.shared.ledger().knows(caller)
    }

    /// Whether any budget bounds what this caller spends.
    #[must_use]
    pub fn bounds(&self, caller: &str) -> bool {
        self.shared.ledger().bounds(caller)
    }

    /// Whether this amount would be granted now; nothing is reserved.
    #[must_use]
    pub fn has_room(&self, caller: &str, amount: Amount) -> bool {
        let day = self.shared.clock.day();
        self.shared.ledger().room(caller, amount, day).is_ok()
    }

    /// Takes so much out of every budget of the caller, at once for all requests. It must be waited for by
    /// [`Hold::durable`] before anything is spent. `None` if no budget bounds the caller.
    ///
    /// # Errors
    /// [`Overrun::Spent`] if one of them has no room, and [`Overrun::Unrecorded`].
    pub fn reserve(&self, caller: &str, amount: Amount) -> Result<Option<Hold>, Overrun> {
        let shared = &self.shared;
        let taken = shared.ledger().reserve(caller, amount, shared.clock.day());
        let taken = taken.map_err(|budget| Overrun::Spent { budget, opens_in: shared.clock.until_tomorrow() })?;
        if taken.lines.is_empty() {
            return Ok(None);
        }
        let id = shared.next_hold.fetch_add(1, Ordering::Relaxed);
        let places: Vec<Place> = shared.ledger().places(&taken);
        let mut hold = Hold::new(Arc::clone(shared), id, taken);
        if let Some(mailbox) = &shared.mailbox {
            let op = Op::Hold { id, day: hold.day(), places, amount };
            match mailbox.ask(op) {
                Ok(answer) => hold.awaits(answer),
                // Dropping the hold gives the amount back: nothing of it is in the file.
                Err(error) => {
                    hold.unrecorded();
                    return Err(Overrun::Unrecorded(error));
                }
            }
        }
        Ok(Some(hold))
    }

    /// Every budget with what is left of it today, in the order of the configuration.
    #[must_use]
    pub fn budgets(&self) -> Vec<BudgetState> {
        let day = self.shared.clock.day();
        self.shared.ledger().states(day)
    }

    /// Writes what waits and ends the thread. Nothing can be reserved afterwards.
    pub async fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(mailbox), Some(thread)) = (&self.shared.mailbox, thread) else { return };
        let mailbox = mailbox.clone();
        let ended = tokio::task::spawn_blocking(move || {
            mailbox.stop_patiently();
            thread.join().is_ok()
        });
        if !ended.await.unwrap_or(false) {
            tracing::error!(
                "the thread that keeps budgets ended badly; what was reserved counts in full at the next start"
            );
        }
    }

    /// Fails every write from here on, as a full disk does, or no longer.
    #[cfg(test)]
    pub(crate) async fn fill_disk(&self, full: bool) {
        if let Some(mailbox) = &self.shared.mailbox {
            let answer = mailbox.ask(Op::FillDisk(full)).unwrap();
            answer.await.unwrap().unwrap();
        }
    }

    /// A control with one budget of this amount for everybody together, kept in this directory; for tests.
    #[cfg(test)]
    pub(crate) fn with_budget(directory: &Path, usd_per_day: &str, caller: &str) -> Self {
        let budget = Budget {
            name: "all".into(),
            callers: None,
            together: true,
            limit: Amount::from_micros(usd_per_day.parse::<crate::money::Decimal>().unwrap().millionths()),
        };
        let config = ControlConfig {
            directory: directory.to_owned(),
            budgets: vec![budget],
            rate_limits: Vec::new(),
            callers: vec![caller.into()],
        };
        Self::open(&config).unwrap()
    }
}

impl Drop for Control {
    /// Lets the thread finish what waits; it does so by itself, so that nothing blocks here.
    fn drop(&mut self) {
        if let Some(mailbox) = &self.shared.mailbox {
            mailbox.stop();
        }
    }
}
