//! The gate of one backend: how many calls are in work there at once, and how many requests may wait for a place. A full
//! queue is told at once, so that overload is seen and not stored; a place is held until the answer has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Without a limit every request has a place at once.
#[derive(Debug, Default)]
pub(super) struct Gate(Option<Limited>);

#[derive(Debug)]
struct Limited {
    places: Arc<Semaphore>,
    waiting: AtomicU32,
    max_waiting: u32,
}

/// A place at a backend; dropped, it is free again.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "held, never read")] Option<OwnedSemaphorePermit>);

/// All places are taken and the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Gate {
    /// `max_calls` at once, and `max_waiting` requests behind them; `None` is no limit.
    pub(super) fn new(max_calls: Option<u32>, max_waiting: u32) -> Self {
        Self(max_calls.map(|calls| Limited {
            places: Arc::new(Semaphore::new(
                usize::try_from(calls).map_or(Semaphore::MAX_PERMITS, |calls| calls.min(Semaphore::MAX_PERMITS)),
            )),
            waiting: AtomicU32::new(0),
            max_waiting,
        }))
    }

    /// A place, if one is free and nobody waits for it.
    pub(super) fn try_enter(&self) -> Option<Place> {
        match &self.0 {
            None => Some(Place(None)),
            Some(limited) => Arc::clone(&limited.places).try_acquire_owned().ok().map(|place| Place(Some(place))),
        }
    }

    /// Waits for a place behind those who came before, or says at once that too many wait. It waits without limit of
    /// time: the caller of this bounds it, and dropping the future leaves the queue.
    pub(super) async fn enter(&self) -> Result<Place, Full> {
        if let Some(place) = self.try_enter() {
            return Ok(place);
        }
        let Some(limited) = &self.0 else { return Ok(Place(None)) };
        let _turn = Turn::take(limited)?;
        // The semaphore is never closed.
        Arc::clone(&limited.places).acquire_owned().await.map(|place| Place(Some(place))).map_err(|_| Full)
    }
}

/// A place in the queue.
struct Turn<'a>(&'a Limited);

impl<'a> Turn<'a> {
    fn take(limited: &'a Limited) -> Result<Self, Full> {
        let one_more = |waiting| (waiting < limited.max_waiting).then(|| waiting + 1);
        match limited.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more) {
            Ok(_) => Ok(Self(limited)),
            Err(_) => Err(Full),
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_queue_is_bounded_and_in_order() {
        let gate = Gate::new(Some(1), 2);
        let place = gate.try_enter().unwrap();
        assert!(gate.try_enter().is_none());
        let (mut first, mut second) = (Box::pin(gate.enter()), Box::pin(gate.enter()));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        assert!(matches!(gate.enter().now_or_never(), Some(Err(Full))), "a third is told at once");
        drop(place);
        assert!(gate.try_enter().is_none(), "nobody overtakes those who wait");
        let place = first.await.unwrap();
        assert!((&mut second).now_or_never().is_none());
        drop(place);
        second.await.unwrap();
        assert!(gate.try_enter().is_some());
    }

    #[tokio::test]
    async fn who_leaves_the_queue_makes_room() {
        let gate = Gate::new(Some(1), 1);
        let _place = gate.try_enter().unwrap();
        assert!(timeout(Duration::from_millis(20), gate.enter()).await.is_err(), "it waits as long as it is let");
        let mut waiting = Box::pin(gate.enter());
        assert!((&mut waiting).now_or_never().is_none(), "the one who left holds no place in the queue");
    }

    #[test]
    fn without_a_queue_a_taken_place_is_full_and_without_a_limit_nothing_is() {
        let gate = Gate::new(Some(1), 0);
        let _place = gate.try_enter().unwrap();
        assert!(matches!(gate.enter().now_or_never(), Some(Err(Full))));
        let open = Gate::new(None, 0);
        let places: Vec<_> = (0..1000).map(|_| open.try_enter().unwrap()).collect();
        assert_eq!(places.len(), 1000);
    }
}
