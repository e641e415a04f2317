//! What one request may ask for: bounds on its size, its time and on how many are in work. Each refusal names the
//! limit; nothing is ever cut short, and nobody waits in a queue without a bound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::metadata::MetadataMap;

use super::error::Refusal;

/// A number of requests that may be in work at once.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    free: Arc<Semaphore>,
    what: &'static str,
}

impl Slots {
    /// This many; `what` names the limit in refusals.
    #[must_use]
    pub(super) fn new(count: usize, what: &'static str) -> Self {
        Self { free: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))), what }
    }

    /// Takes one, or refuses at once.
    ///
    /// # Errors
    /// When all are taken; the caller is told when to come back.
    pub(super) fn take(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.free).try_acquire_owned().map_err(|_| Refusal::overloaded(self.what))
    }
}

/// The moment by which a request must be answered: the caller's own deadline if it is earlier than the service's.
///
/// The caller's is moved forward a little, so that our answer, which says what was reached, arrives before the
/// library's own.
#[must_use]
pub(super) fn deadline_of(metadata: &MetadataMap, default: Duration) -> Instant {
    let asked = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(parse_grpc_timeout);
    Instant::now() + asked.map_or(default, |asked| answered_within(asked).min(default))
}

/// Least time for the answer to get out before the library gives up: a busy machine takes a few milliseconds to wake
/// the task.
const HEAD_START: Duration = Duration::from_millis(5);

/// The part of a caller's time that may be worked in: all but a twentieth or [`HEAD_START`], but at least half.
fn answered_within(asked: Duration) -> Duration {
    asked - (asked / 20).max(HEAD_START).min(asked / 2)
}

/// Reads a `grpc-timeout` header: at most eight digits and a unit (the gRPC over HTTP/2 protocol).
fn parse_grpc_timeout(text: &str) -> Option<Duration> {
    let digits = text.get(..text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match text.as_bytes().last()? {
        b'H' => Some(Duration::from_secs(value * 3600)),
        b'M' => Some(Duration::from_secs(value * 60)),
        b'S' => Some(Duration::from_secs(value)),
        b'm' => Some(Duration::from_millis(value)),
        b'u' => Some(Duration::from_micros(value)),
        b'n' => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read() {
        assert_eq!(parse_grpc_timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(parse_grpc_timeout("2S"), Some(Duration::from_secs(2)));
        assert_eq!(parse_grpc_timeout("99999999H"), Some(Duration::from_secs(99_999_999 * 3600)));
        for bad in ["", "S", "5", "123456789S", "-1S", "1x", "é"] {
            assert_eq!(parse_grpc_timeout(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_answer_has_a_head_start() {
        let milliseconds = Duration::from_millis;
        for (asked, allowed) in [(0, 0), (4, 2), (20, 15), (100, 95), (1000, 950)] {
            assert_eq!(answered_within(milliseconds(asked)), milliseconds(allowed), "{asked} ms");
        }
    }

    #[test]
    fn a_full_house_refuses_at_once() {
        let slots = Slots::new(1, "classifications");
        let held = slots.take().unwrap();
        assert!(slots.take().is_err());
        drop(held);
        assert!(slots.take().is_ok());
    }
}
