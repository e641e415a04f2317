//! Rate limits: for each caller a bucket that holds a minute's worth and fills steadily (the generic cell rate algorithm
//! of ITU-T I.371: one number a bucket, the moment when it is full again). Time is the process's own, which never steps;
//! the wall clock is asked only for what is kept over a restart.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Control;
use super::config::RateLimit;
use super::store::{Kept, KeptBucket};

/// What a bucket holds: as much as comes in so long.
const MINUTE_NS: i64 = 60_000_000_000;

/// The longest that a restored bucket may still be short. A debt of tokens can be longer than a minute, but a wall
/// clock that stepped back must not shut a caller out for a day.
const LONGEST_DEBT_NS: i64 = 60 * MINUTE_NS;

/// A caller who asks too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimited {
    /// Name of the limit.
    pub limit: Arc<str>,
    /// When the next request is let in.
    pub retry_after: Duration,
}

/// What a bucket counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Requests,
    Tokens,
}

impl Unit {
    fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

#[derive(Debug)]
struct Bucket {
    limit: Arc<str>,
    unit: Unit,
    per_minute: u64,
    /// When it is full again, on the process's clock.
    full_at: i64,
}

impl Bucket {
    /// How long so much takes to come in.
    fn time_of(&self, count: u64) -> i64 {
        let time = i128::from(count) * i128::from(MINUTE_NS) / i128::from(self.per_minute.max(1));
        i64::try_from(time).unwrap_or(i64::MAX).min(i64::MAX / 4)
    }

    /// How long one must wait before the next request: it needs room for itself, or any room for tokens.
    fn wait(&self, now: i64) -> i64 {
        let needs = if self.unit == Unit::Requests { self.time_of(1) } else { 0 };
        let short = self.full_at.max(now) - now + needs - MINUTE_NS;
        // Of tokens a bucket must not be quite empty.
        if self.unit == Unit::Tokens { short + 1 } else { short }
    }

    fn take(&mut self, count: u64, now: i64) {
        self.full_at = self.full_at.max(now).saturating_add(self.time_of(count));
    }
}

/// The buckets of all callers.
#[derive(Debug)]
pub(super) struct Rates {
    buckets: Mutex<HashMap<Arc<str>, Vec<Bucket>>>,
    started: Instant,
    changed: AtomicBool,
}

impl Rates {
    pub(super) fn new(limits: &[RateLimit], callers: &[Arc<str>]) -> Self {
        let mut buckets: HashMap<Arc<str>, Vec<Bucket>> = HashMap::new();
        for limit in limits {
            for caller in limit.callers.as_deref().unwrap_or(callers) {
                let own = buckets.entry(Arc::clone(caller)).or_default();
                for (unit, per_minute) in [(Unit::Requests, limit.requests), (Unit::Tokens, limit.tokens)] {
                    if let Some(per_minute) = per_minute {
                        own.push(Bucket { limit: Arc::clone(&limit.name), unit, per_minute, full_at: 0 });
                    }
                }
            }
        }
        Self { buckets: Mutex::new(buckets), started: Instant::now(), changed: AtomicBool::new(false) }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<Arc<str>, Vec<Bucket>>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX / 2)
    }

    /// Lets one request in, or says when to come back; then nothing is taken.
    pub(super) fn admit(&self, caller: &str) -> Result<(), RateLimited> {
        self.admit_at(caller, self.now())
    }

    fn admit_at(&self, caller: &str, now: i64) -> Result<(), RateLimited> {
        let mut buckets = self.buckets();
        let Some(own) = buckets.get_mut(caller) else { return Ok(()) };
        let longest = own.iter().map(|bucket| (bucket.wait(now), bucket)).max_by_key(|(wait, _)| *wait);
        if let Some((wait, bucket)) = longest.filter(|(wait, _)| *wait > 0) {
            let retry_after = Duration::from_nanos(wait.unsigned_abs());
            return Err(RateLimited { limit: Arc::clone(&bucket.limit), retry_after });
        }
        for bucket in own.iter_mut().filter(|bucket| bucket.unit == Unit::Requests) {
            bucket.take(1, now);
        }
        self.changed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Counts what a request has used. It may leave a debt, which later requests wait for.
    pub(super) fn used(&self, caller: &str, tokens: u64) {
        self.used_at(caller, tokens, self.now());
    }

    fn used_at(&self, caller: &str, tokens: u64, now: i64) {
        let mut buckets = self.buckets();
        let Some(own) = buckets.get_mut(caller) else { return };
        for bucket in own.iter_mut().filter(|bucket| bucket.unit == Unit::Tokens) {
            bucket.take(tokens, now);
            self.changed.store(true, Ordering::Relaxed);
        }
    }

    /// What is to be kept, if anything changed since it was asked last.
    pub(super) fn changes(&self, wall_us: i64) -> Option<Vec<KeptBucket>> {
        self.changed.swap(false, Ordering::Relaxed).then(|| self.kept_at(wall_us, self.now()))
    }

    fn kept_at(&self, wall_us: i64, now: i64) -> Vec<KeptBucket> {
        let buckets = self.buckets();
        let kept = |(caller, bucket): (&Arc<str>, &Bucket)| KeptBucket {
            limit: Arc::clone(&bucket.limit),
            caller: Arc::clone(caller),
            unit: bucket.unit.as_str().into(),
            full_us: wall_us.saturating_add((bucket.full_at - now) / 1000),
        };
        let all = buckets.iter().flat_map(|(caller, own)| own.iter().map(move |bucket| (caller, bucket)));
        all.filter(|(_, bucket)| bucket.full_at > now).map(kept).collect()
    }

    /// Takes over how full the buckets were.
    pub(super) fn restore(&self, kept: &Kept, wall_us: i64) {
        let now = self.now();
        let mut buckets = self.buckets();
        for kept in &kept.buckets {
            let own = buckets.get_mut(&kept.caller).map(Vec::as_mut_slice).unwrap_or_default();
            let same = |bucket: &&mut Bucket| bucket.limit == kept.limit && *bucket.unit.as_str() == *kept.unit;
            if let Some(bucket) = own.iter_mut().find(same) {
                let most = if bucket.unit == Unit::Requests { MINUTE_NS } else { LONGEST_DEBT_NS };
                let short = kept.full_us.saturating_sub(wall_us).saturating_mul(1000).clamp(0, most);
                bucket.full_at = now.saturating_add(short);
            }
        }
    }
}

impl Control {
    /// Lets one request of this caller in.
    ///
    /// # Errors
    /// When the caller asks too often, with the time to wait.
    pub fn admit(&self, caller: &str) -> Result<(), RateLimited> {
        self.shared.rates.admit(caller)
    }

    /// Counts the tokens that a request of this caller has used.
    pub fn used(&self, caller: &str, tokens: u64) {
        self.shared.rates.used(caller, tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000_000;

    fn rates(requests: Option<u64>, tokens: Option<u64>) -> Rates {
        let limit = RateLimit { name: "rate".into(), callers: None, requests, tokens };
        Rates::new(&[limit], &["crm".into(), "web".into()])
    }

    #[test]
    fn a_minute_of_requests_may_come_at_once_and_then_one_by_one() {
        let rates = rates(Some(6), None);
        for _ in 0..6 {
            rates.admit_at("crm", 0).unwrap();
        }
        let refused = rates.admit_at("crm", 0).unwrap_err();
        assert_eq!((&*refused.limit, refused.retry_after), ("rate", Duration::from_secs(10)));
        assert!(rates.admit_at("web", 0).is_ok(), "each caller has its own");
        assert!(rates.admit_at("nobody", 0).is_ok());
        assert_eq!(rates.admit_at("crm", 4 * SECOND).unwrap_err().retry_after, Duration::from_secs(6));
        rates.admit_at("crm", 10 * SECOND).unwrap();
        assert!(rates.admit_at("crm", 10 * SECOND).is_err());
    }

    #[test]
    fn tokens_may_leave_a_debt_that_later_requests_wait_for() {
        let rates = rates(None, Some(60));
        rates.admit_at("crm", 0).unwrap();
        rates.used_at("crm", 59, 0);
        rates.admit_at("crm", 0).unwrap();
        rates.used_at("crm", 31, 0);
        let wait = rates.admit_at("crm", 0).unwrap_err().retry_after;
        assert!(wait > Duration::from_secs(30) && wait < Duration::from_millis(30_001), "{wait:?}");
        assert!(rates.admit_at("crm", 29 * SECOND).is_err() && rates.admit_at("crm", 31 * SECOND).is_ok());
        rates.used_at("crm", u64::MAX, 0);
        rates.used_at("crm", u64::MAX, 0);
        assert!(rates.admit_at("crm", 0).is_err(), "no sum overflows");
    }

    #[test]
    fn what_is_kept_is_short_as_long_as_it_was_whatever_the_clock_does() {
        let wall = 1_000_000_000;
        for (later, refused_for) in [(0, 60), (45, 15), (61, 0), (-86_400, 60)] {
            let before = rates(Some(1), None);
            before.admit_at("crm", 0).unwrap();
            let kept = Kept { buckets: before.kept_at(wall, 0), ..Kept::default() };
            assert_eq!(kept.buckets.len(), 1, "a full bucket needs no keeping");
            let after = rates(Some(1), None);
            after.restore(&kept, wall + later * 1_000_000);
            match after.admit("crm") {
                Ok(()) => assert_eq!(refused_for, 0, "{later}"),
                Err(error) => {
                    let wait = error.retry_after.as_secs_f64();
                    assert!((wait - f64::from(refused_for)).abs() < 1.0, "{later}: {wait}");
                }
            }
        }
    }

    proptest! {
        /// In no minute more requests are let in than two buckets hold: one that was full, and what came in meanwhile.
        #[test]
        fn the_rate_holds(per_minute in 1_u64..40, gaps in proptest::collection::vec(0_i64..8_000_000_000, 1..200)) {
            let rates = rates(Some(per_minute), None);
            let mut now = 0;
            let mut admitted = Vec::new();
            for gap in gaps {
                now += gap;
                match rates.admit_at("crm", now) {
                    Ok(()) => admitted.push(now),
                    Err(refused) => {
                        let wait = i64::try_from(refused.retry_after.as_nanos()).unwrap();
                        prop_assert!(wait > 0 && wait <= MINUTE_NS / i64::try_from(per_minute).unwrap() + 1);
                    }
                }
            }
            for from in &admitted {
                let within = admitted.iter().filter(|at| *at >= from && **at < from + MINUTE_NS).count() as u64;
                prop_assert!(within <= 2 * per_minute, "{within} in a minute of {per_minute}");
            }
        }
    }
}
