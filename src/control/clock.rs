//! The wall clock as budgets need it: days of UTC, counted from 1970. A test sets its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

const DAY_US: i64 = 24 * 60 * 60 * 1_000_000;

/// A source of wall-clock time.
#[derive(Clone)]
pub(super) struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.micros())
    }
}

impl Clock {
    /// The system's.
    pub(super) fn system() -> Self {
        Self(Arc::new(|| Timestamp::now().as_microsecond()))
    }

    /// One that says what the function says, in microseconds since 1970.
    #[cfg(test)]
    pub(super) fn of(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Microseconds since 1970.
    pub(super) fn micros(&self) -> i64 {
        (self.0)()
    }

    /// Days since 1970-01-01 UTC.
    pub(super) fn day(&self) -> i64 {
        self.micros().div_euclid(DAY_US)
    }

    /// How long this day still lasts.
    pub(super) fn until_tomorrow(&self) -> Duration {
        let left = DAY_US - self.micros().rem_euclid(DAY_US);
        Duration::from_micros(left.unsigned_abs())
    }
}
