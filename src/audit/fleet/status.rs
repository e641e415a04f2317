//! How the shipping goes: for metrics, for health, and for the log of the service, which hears of a change once and not
//! at every try.

use std::sync::Arc;

use tokio::sync::watch;

use super::FleetError;

/// How far the fleet's log is behind this replica's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetStatus {
    /// The chain.
    pub chain: String,
    /// The store, without a password.
    pub store: Arc<str>,
    /// Whether the last exchange with the database worked.
    pub up: bool,
    /// Newest record that the fleet's log has; 0 until that is known.
    pub shipped: u64,
    /// Newest record of the local log.
    pub newest: u64,
    /// What is wrong, if something is.
    pub problem: Option<String>,
    /// Whether only an operator can mend it.
    pub lasting: bool,
}

impl FleetStatus {
    /// Records that are not in the fleet's log yet.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        self.newest.saturating_sub(self.shipped)
    }
}

/// Where the shipper says how it goes.
pub(super) struct Board {
    shown: watch::Sender<FleetStatus>,
}

impl Board {
    pub(super) fn new(chain: String, store: Arc<str>) -> (Self, watch::Receiver<FleetStatus>) {
        let status = FleetStatus { chain, store, up: false, shipped: 0, newest: 0, problem: None, lasting: false };
        let (shown, seen) = watch::channel(status);
        (Self { shown }, seen)
    }

    pub(super) fn shipped(&self) -> u64 {
        self.shown.borrow().shipped
    }

    /// How far both logs are. `oldest_us` is the time of the oldest record that waits.
    pub(super) fn at(&self, shipped: u64, newest: u64, oldest_us: Option<i64>) {
        let newest = newest.max(shipped);
        let waits = oldest_us.map_or(0.0, |oldest| {
            let now = jiff::Timestamp::now().as_microsecond();
            std::time::Duration::from_micros(u64::try_from(now.saturating_sub(oldest)).unwrap_or(0)).as_secs_f64()
        });
        metrics::gauge!("cordon_fleet_backlog_records").set(newest.saturating_sub(shipped) as f64);
        metrics::gauge!("cordon_fleet_backlog_seconds").set(waits);
        self.shown.send_if_modified(|status| {
            let changed = (status.shipped, status.newest) != (shipped, newest);
            (status.shipped, status.newest) = (shipped, newest);
            changed
        });
    }

    pub(super) fn sent(&self, records: u64) {
        metrics::counter!("cordon_fleet_shipped_total").increment(records);
    }

    pub(super) fn works(&self) {
        metrics::gauge!("cordon_fleet_up").set(1.0);
        self.shown.send_if_modified(|status| {
            let changed = !status.up;
            if changed {
                tracing::info!(store = %status.store, chain = %status.chain, "records go to the fleet's log");
            }
            (status.up, status.problem, status.lasting) = (true, None, false);
            changed
        });
    }

    pub(super) fn fails(&self, error: &FleetError) {
        metrics::gauge!("cordon_fleet_up").set(0.0);
        metrics::counter!("cordon_fleet_failures_total", "reason" => error.word()).increment(1);
        self.shown.send_if_modified(|status| {
            let said = error.to_string();
            let changed = status.up || status.problem.as_ref() != Some(&said);
            let first = status.up || status.problem.is_none();
            match (error.lasting(), first) {
                (true, _) if changed => {
                    tracing::error!(%error, backlog = status.backlog(), "records do not reach the fleet's log");
                }
                (false, true) => {
                    tracing::warn!(%error, backlog = status.backlog(), "records wait in the local log");
                }
                _ => tracing::debug!(%error, "the fleet's log still does not take records"),
            }
            (status.up, status.problem, status.lasting) = (false, Some(said), error.lasting());
            changed
        });
    }
}
