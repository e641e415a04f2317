//! How long to wait and whether to try again, as pure arithmetic: pauses between calls, and the share of the caller's
//! time that one call may take before its first piece. A request is tried again only while nothing has gone to the
//! caller, only after failures that pass by themselves, and never so late that the next call could not end in time.

use std::time::Duration;

use super::chance::Chance;
use super::provider::Fault;

/// Most calls for one request, over all backends: what is behind them must not be multiplied without bound.
pub(super) const MAX_CALLS: u32 = 8;

/// The first pause between two calls of one backend; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Longest pause that Cordon takes by itself; a backend may ask for more.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Time under which another call is not begun: connecting and reading a short prompt take that long.
const LEAST_FOR_A_CALL: Duration = Duration::from_millis(250);

/// Time that must be left for those after it before a call is cut short in their favour.
const LEAST_TO_SHARE: Duration = Duration::from_secs(2);

/// Whether what is left suffices for another call after one that failed.
pub(super) fn suffices(left: Duration) -> bool {
    left >= LEAST_FOR_A_CALL
}

/// How long a call may wait for its first piece: the backend's own limit, and two thirds of what is left when somebody
/// else could still answer in the last third. `None` is no limit but the deadline.
pub(super) fn share(left: Duration, own: Option<Duration>, others: bool) -> Option<Duration> {
    let third = left / 3;
    let shared = (others && third >= LEAST_TO_SHARE).then(|| third * 2);
    [own, shared].into_iter().flatten().min()
}

/// The pause before the same backend is called again, or `None` if it should not be. `failures` counts its calls so
/// far, at least 1; `others` says that somebody else could answer instead.
pub(super) fn pause(
    fault: &Fault,
    failures: u32,
    retries: u32,
    left: Duration,
    others: bool,
    chance: &Chance,
) -> Option<Duration> {
    if failures > retries || !fault.passes() {
        return None;
    }
    let asked = fault.retry_after().unwrap_or_default();
    // Somebody else answers sooner than one who asks for a long pause or did not answer at all.
    let silent = matches!(fault, Fault::Connect(_) | Fault::Late(_) | Fault::Idle(_));
    if others && (silent || asked > LONGEST_PAUSE) {
        return None;
    }
    let doubled = FIRST_PAUSE.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let half = doubled.min(LONGEST_PAUSE) / 2;
    // Half is certain, so that a backend gets air, and half is chance, so that callers do not come back all at once.
    let pause = half.saturating_add(chance.up_to(half)).max(asked);
    let needed = match fault {
        // It was cut off after this long, so a shorter call would end the same way.
        Fault::Late(limit) | Fault::Idle(limit) => *limit,
        _ => LEAST_FOR_A_CALL,
    };
    (left >= pause.saturating_add(needed)).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::provider::{ConnectCause, ErrorCode};

    const LONG: Duration = Duration::from_secs(60);

    fn busy(seconds: Option<u64>) -> Fault {
        Fault::Busy { code: ErrorCode::default(), retry_after: seconds.map(Duration::from_secs) }
    }

    fn failed(status: u16) -> Fault {
        Fault::Failed { status, code: ErrorCode::default(), retry_after: None }
    }

    fn first(fault: &Fault, left: Duration) -> Option<Duration> {
        pause(fault, 1, 3, left, false, &Chance::seeded(5))
    }

    #[test]
    fn only_failures_that_pass_are_tried_again() {
        let refused = Fault::Connect(ConnectCause::Io(std::io::ErrorKind::ConnectionRefused));
        for fault in [refused, busy(None), failed(502), failed(503), failed(504), Fault::Late(Duration::from_secs(1))] {
            assert!(first(&fault, LONG).is_some(), "{fault}");
        }
        let quota = Fault::Busy { code: ErrorCode::of(["insufficient_quota"]), retry_after: None };
        let rejected = Fault::Rejected { status: 400, code: ErrorCode::default() };
        for fault in [quota, rejected, failed(500), failed(501), Fault::Redirect, Fault::Broken, Fault::Deadline] {
            assert_eq!(first(&fault, LONG), None, "{fault}");
        }
    }

    #[test]
    fn pauses_double_with_jitter_up_to_a_bound_and_a_number() {
        let chance = Chance::seeded(11);
        let mut seen = std::collections::HashSet::new();
        for failures in 1..=10 {
            for _ in 0..50 {
                let pause = pause(&failed(503), failures, 10, LONG, false, &chance).unwrap();
                let full = (FIRST_PAUSE * 2_u32.pow(failures - 1)).min(LONGEST_PAUSE);
                assert!(full / 2 <= pause && pause <= full, "{failures}: {pause:?}");
                seen.insert(pause);
            }
        }
        assert!(seen.len() > 400, "there is jitter: {}", seen.len());
        assert_eq!(pause(&failed(503), 11, 10, LONG, false, &chance), None, "bounded in number");
        assert_eq!(pause(&failed(503), 1, 0, LONG, false, &chance), None, "no retries configured");
        assert!(pause(&failed(503), u32::MAX, u32::MAX, LONG, false, &chance).unwrap() <= LONGEST_PAUSE);
    }

    #[test]
    fn what_the_backend_asks_for_is_honoured_within_the_deadline() {
        assert_eq!(first(&busy(Some(7)), LONG), Some(Duration::from_secs(7)));
        assert_eq!(first(&busy(Some(59)), LONG), Some(Duration::from_secs(59)));
        assert_eq!(first(&busy(Some(60)), LONG), None, "nothing would be left for the call");
        let gone = Fault::Failed { status: 503, code: ErrorCode::default(), retry_after: Some(Duration::from_secs(3)) };
        assert_eq!(first(&gone, LONG), Some(Duration::from_secs(3)));
        let others = |asked| pause(&busy(Some(asked)), 1, 3, LONG, true, &Chance::seeded(5));
        assert_eq!(others(5), Some(Duration::from_secs(5)));
        assert_eq!(others(6), None, "somebody else answers sooner");
        let refused = Fault::Connect(ConnectCause::Io(std::io::ErrorKind::ConnectionRefused));
        assert_eq!(pause(&refused, 1, 3, LONG, true, &Chance::seeded(5)), None, "it is not even there");
    }

    #[test]
    fn a_call_that_was_cut_off_needs_as_long_again() {
        let late = Fault::Late(Duration::from_secs(40));
        assert_eq!(first(&late, Duration::from_secs(40)), None);
        assert!(first(&late, Duration::from_secs(41)).is_some());
        assert!(!suffices(Duration::from_millis(249)) && suffices(LEAST_FOR_A_CALL));
    }

    #[test]
    fn time_is_shared_only_when_others_can_use_it() {
        let seconds = Duration::from_secs;
        assert_eq!(share(seconds(60), None, false), None);
        assert_eq!(share(seconds(60), None, true), Some(seconds(40)));
        assert_eq!(share(seconds(60), Some(seconds(10)), true), Some(seconds(10)));
        assert_eq!(share(seconds(60), Some(seconds(50)), false), Some(seconds(50)));
        assert_eq!(share(seconds(5), None, true), None, "a third of five seconds is too little to give away");
    }
}
