//! The circuit breaker of one backend: closed while it answers, open after it failed too often or was not there, and
//! half-open with one trial before it is trusted again. Every step takes the time from outside, so that nothing here
//! waits and a test can say what time it is.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::provider::Fault;

/// Calls that count are those of the last half minute: long enough for a slow model, short enough to forget a restart.
const WINDOW: Duration = Duration::from_secs(30);

/// Most calls that are remembered; of a busy backend only the newest count.
const MOST_REMEMBERED: usize = 256;

/// Fewer calls than this say nothing of a share.
const LEAST_CALLS: usize = 10;

/// How long a backend is left alone that failed in half of its calls.
const OPEN_FOR: Duration = Duration::from_secs(10);

/// How long a backend is left alone that could not be reached: a restart takes about as long.
pub(super) const GONE_FOR: Duration = Duration::from_secs(3);

/// The longest that a backend is left alone because it asked to be: a wrong clock must not close it for a day.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// How a call went, as far as the breaker minds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answered, be it with a refusal of the request.
    Well,
    /// It failed.
    Failed,
    /// It was not there at all.
    Gone,
    /// It says nothing of the backend: the caller's time was over, or the backend was only busy.
    Nothing,
}

impl Sign {
    /// What this failure says of the backend.
    pub(super) fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Connect(_) => Self::Gone,
            Fault::Rejected { .. } => Self::Well,
            Fault::Unsupported(_) => Self::Nothing,
            Fault::Busy { .. }
            | Fault::Deadline
            | Fault::TotalTimeout(_)
            | Fault::AnswerTooLarge(_)
            | Fault::NotRecorded
            | Fault::Encode => Self::Nothing,
            Fault::KeyRefused { .. }
            | Fault::ModelNotFound { .. }
            | Fault::Failed { .. }
            | Fault::Redirect
            | Fault::Late(_)
            | Fault::Idle(_)
            | Fault::Broken
            | Fault::EndedEarly
            | Fault::Malformed(_)
            | Fault::ServedElsewhere
            | Fault::PublicAddress => Self::Failed,
        }
    }

    /// The same for a call that is about to be repeated: being absent for a moment is a failure like others.
    pub(super) fn softened(self) -> Self {
        if self == Self::Gone { Self::Failed } else { self }
    }
}

#[derive(Debug)]
enum State {
    Closed(VecDeque<(Instant, bool)>),
    Open {
        until: Instant,
    },
    /// One trial may run; `taken` while it does.
    HalfOpen {
        taken: bool,
    },
}

/// The breaker. Cheap to clone; the clones are one.
#[derive(Clone, Debug)]
pub(super) struct Breaker(Arc<Mutex<State>>);

impl Default for Breaker {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State::Closed(VecDeque::new()))))
    }
}

impl Breaker {
    // Every arm leaves a whole state, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call would be let through at this time.
    pub(super) fn would_admit(&self, now: Instant) -> bool {
        match &*self.lock() {
            State::Closed(_) => true,
            State::Open { until } => now >= *until,
            State::HalfOpen { taken } => !taken,
        }
    }

    /// Lets a call through, or not.
    pub(super) fn admit(&self, now: Instant) -> Option<Admission> {
        let mut state = self.lock();
        let trial = match &*state {
            State::Closed(_) => false,
            State::Open { until } if now < *until => return None,
            State::HalfOpen { taken: true } => return None,
            State::Open { .. } | State::HalfOpen { taken: false } => {
                *state = State::HalfOpen { taken: true };
                true
            }
        };
        Some(Admission { breaker: self.clone(), trial })
    }

    /// Takes in how a call went that began while the breaker was closed, or a probe, or an answer that broke off.
    pub(super) fn note(&self, sign: Sign, now: Instant) {
        let mut state = self.lock();
        match (&mut *state, sign) {
            (_, Sign::Nothing) => {}
            // A late call that began before the breaker opened proves nothing against or for it.
            (State::Open { .. } | State::HalfOpen { .. }, Sign::Well | Sign::Failed) => {}
            (_, Sign::Gone) => *state = State::Open { until: now + GONE_FOR },
            (State::Closed(calls), sign) => {
                calls.push_back((now, sign == Sign::Well));
                while calls.len() > MOST_REMEMBERED || calls.front().is_some_and(|(at, _)| now - *at > WINDOW) {
                    calls.pop_front();
                }
                let failed = calls.iter().filter(|(_, well)| !well).count();
                if calls.len() >= LEAST_CALLS && failed * 2 >= calls.len() {
                    *state = State::Open { until: now + OPEN_FOR };
                }
            }
        }
    }

    /// Leaves the backend alone for as long as it asked: what it said to one request holds for the others.
    pub(super) fn rest(&self, asked: Duration, now: Instant) {
        let mut state = self.lock();
        let until = now + asked.min(LONGEST_REST);
        match &*state {
            State::Open { until: known } if *known >= until => {}
            // A trial that is on its way says more than this.
            State::HalfOpen { taken: true } => {}
            _ if asked.is_zero() => {}
            _ => *state = State::Open { until },
        }
    }

    /// Takes in a probe: an answer lets the next request be the trial at once, a failure leaves the backend alone for
    /// this long.
    pub(super) fn note_probe(&self, sign: Sign, now: Instant, alone: Duration) {
        let mut state = self.lock();
        match (&*state, sign) {
            (State::Open { .. }, Sign::Well) => *state = State::HalfOpen { taken: false },
            (State::Open { .. } | State::Closed(_), Sign::Failed | Sign::Gone) => {
                *state = State::Open { until: now + alone };
            }
            _ => {}
        }
    }

    fn end_trial(&self, sign: Option<Sign>, now: Instant) {
        *self.lock() = match sign {
            Some(Sign::Well) => State::Closed(VecDeque::new()),
            Some(Sign::Failed) => State::Open { until: now + OPEN_FOR },
            Some(Sign::Gone) => State::Open { until: now + GONE_FOR },
            Some(Sign::Nothing) | None => State::HalfOpen { taken: false },
        };
    }
}

/// Leave for one call. Dropped without a word, as when the caller leaves, it gives the trial back.
#[derive(Debug)]
#[must_use = "say how the call went"]
pub(super) struct Admission {
    breaker: Breaker,
    trial: bool,
}

impl Admission {
    /// Says how the call went.
    pub(super) fn settle(mut self, sign: Sign, now: Instant) {
        if std::mem::take(&mut self.trial) {
            self.breaker.end_trial(Some(sign), now);
        } else {
            self.breaker.note(sign, now);
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.trial {
            self.breaker.end_trial(None, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn open_breaker(start: Instant) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..LEAST_CALLS {
            breaker.admit(start).unwrap().settle(Sign::Failed, start);
        }
        assert!(!breaker.would_admit(start));
        breaker
    }

    #[test]
    fn it_opens_on_a_share_of_enough_calls() {
        let start = Instant::now();
        let breaker = Breaker::default();
        for _ in 1..LEAST_CALLS {
            breaker.admit(start).unwrap().settle(Sign::Failed, start);
            assert!(breaker.would_admit(start), "too few calls to judge");
        }
        breaker.admit(start).unwrap().settle(Sign::Failed, start);
        assert!(!breaker.would_admit(start) && breaker.admit(start).is_none());
    }

    #[test]
    fn it_rests_as_long_as_it_asked_and_no_longer_than_sense() {
        let start = Instant::now();
        let breaker = Breaker::default();
        breaker.rest(Duration::ZERO, start);
        assert!(breaker.would_admit(start));
        breaker.rest(5 * SECOND, start);
        breaker.rest(2 * SECOND, start);
        assert!(!breaker.would_admit(start + 4 * SECOND) && breaker.would_admit(start + 5 * SECOND));
        let breaker = Breaker::default();
        breaker.rest(Duration::from_secs(86_400), start);
        assert!(breaker.would_admit(start + LONGEST_REST));
    }

    #[test]
    fn less_than_half_keeps_it_closed_and_half_opens_it() {
        let start = Instant::now();
        let breaker = Breaker::default();
        for _ in 0..40 {
            breaker.note(Sign::Well, start);
            breaker.note(Sign::Well, start);
            breaker.note(Sign::Failed, start);
            assert!(breaker.would_admit(start));
        }
        for _ in 0..39 {
            breaker.note(Sign::Failed, start);
            assert!(breaker.would_admit(start));
        }
        breaker.note(Sign::Failed, start);
        assert!(!breaker.would_admit(start), "80 of 160 failed");
    }

    #[test]
    fn old_failures_are_forgotten_and_nothing_says_nothing() {
        let start = Instant::now();
        let breaker = Breaker::default();
        for _ in 1..LEAST_CALLS {
            breaker.note(Sign::Failed, start);
        }
        let later = start + WINDOW + SECOND;
        breaker.note(Sign::Failed, later);
        assert!(breaker.would_admit(later));
        for _ in 0..100 {
            breaker.note(Sign::Nothing, later);
        }
        assert!(breaker.would_admit(later));
    }

    #[test]
    fn one_trial_decides() {
        let start = Instant::now();
        let breaker = open_breaker(start);
        assert!(breaker.admit(start + OPEN_FOR - Duration::from_millis(1)).is_none());
        let later = start + OPEN_FOR;
        let trial = breaker.admit(later).unwrap();
        assert!(breaker.admit(later).is_none(), "one at a time");
        trial.settle(Sign::Failed, later);
        assert!(breaker.admit(later + OPEN_FOR - SECOND).is_none());
        let again = later + OPEN_FOR;
        breaker.admit(again).unwrap().settle(Sign::Well, again);
        let (one, two) = (breaker.admit(again), breaker.admit(again));
        assert!(one.is_some() && two.is_some(), "closed");
    }

    #[test]
    fn an_abandoned_trial_is_given_back() {
        let start = Instant::now();
        let breaker = open_breaker(start);
        drop(breaker.admit(start + OPEN_FOR).unwrap());
        assert!(breaker.admit(start + OPEN_FOR).is_some());
    }

    #[test]
    fn who_is_not_there_is_left_alone_at_once() {
        let start = Instant::now();
        let breaker = Breaker::default();
        breaker.admit(start).unwrap().settle(Sign::Gone, start);
        assert!(!breaker.would_admit(start + GONE_FOR - SECOND));
        assert!(breaker.would_admit(start + GONE_FOR));
    }

    #[test]
    fn a_probe_opens_it_and_lets_a_trial_in() {
        let start = Instant::now();
        let breaker = Breaker::default();
        breaker.note_probe(Sign::Failed, start, OPEN_FOR);
        assert!(!breaker.would_admit(start));
        breaker.note_probe(Sign::Well, start + SECOND, OPEN_FOR);
        let trial = breaker.admit(start + SECOND).unwrap();
        breaker.note_probe(Sign::Gone, start + SECOND, OPEN_FOR);
        assert!(breaker.admit(start + SECOND).is_none(), "a probe does not end a trial");
        trial.settle(Sign::Well, start + SECOND);
        assert!(breaker.would_admit(start + SECOND));
    }

    #[test]
    fn a_late_answer_from_before_does_not_close_it() {
        let start = Instant::now();
        let breaker = Breaker::default();
        let slow = breaker.admit(start).unwrap();
        for _ in 0..LEAST_CALLS {
            breaker.note(Sign::Failed, start);
        }
        slow.settle(Sign::Well, start);
        assert!(!breaker.would_admit(start));
    }
}
