//! The queue between the requests and the one writer. It is bounded in entries and in bytes, never makes a request
//! wait (a full queue is an error at once), and keeps the order of arrival, which becomes the order of the log.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Something whose bytes count against the bound.
pub(super) trait Weight {
    fn bytes(&self) -> usize;
}

pub(super) struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    max_entries: usize,
    max_bytes: usize,
}

struct State<T> {
    entries: VecDeque<T>,
    bytes: usize,
    closed: bool,
    /// Somebody wants the writer to look up.
    nudged: bool,
    /// Entries ever taken in; the ticket of the newest.
    accepted: u64,
}

/// Which bound holds for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// Begins something.
    First,
    /// Ends something that was let in before; a quarter of the bound more is kept for it.
    Last,
}

fn with_reserve(bound: usize) -> usize {
    bound.saturating_add(bound.div_ceil(4))
}

/// Why an entry was not taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Full { waiting: usize },
    Closed,
}

/// What the writer gets.
#[derive(Debug)]
pub(super) enum Taken<T> {
    /// At least one entry, oldest first.
    Entries(Vec<T>),
    /// Nothing came in time, or the queue was nudged.
    Nothing,
    /// The queue is closed and empty.
    Closed,
}

impl<T: Weight> Queue<T> {
    pub(super) fn new(max_entries: usize, max_bytes: usize) -> Self {
        let state = State { entries: VecDeque::new(), bytes: 0, closed: false, nudged: false, accepted: 0 };
        Self { state: Mutex::new(state), changed: Condvar::new(), max_entries, max_bytes }
    }

    // The state is whole after every statement, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes an entry in, or says at once why not. An entry larger than the whole bound gets in when it is alone.
    pub(super) fn push(&self, entry: T, rank: Rank) -> Result<(), Refused> {
        let (max_entries, max_bytes) = match rank {
            Rank::First => (self.max_entries, self.max_bytes),
            Rank::Last => (with_reserve(self.max_entries), with_reserve(self.max_bytes)),
        };
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        let bytes = entry.bytes();
        let waiting = state.entries.len();
        let too_heavy = waiting > 0 && state.bytes.saturating_add(bytes) > max_bytes;
        if waiting >= max_entries || too_heavy {
            return Err(Refused::Full { waiting });
        }
        state.bytes = state.bytes.saturating_add(bytes);
        state.accepted += 1;
        state.entries.push_back(entry);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for entries and takes up to `max_entries` and about `max_bytes` of them, at least one.
    pub(super) fn take(&self, max_entries: usize, max_bytes: usize, patience: Option<Duration>) -> Taken<T> {
        let mut state = self.lock();
        let idle = |state: &mut State<T>| state.entries.is_empty() && !state.closed && !state.nudged;
        state = match patience {
            None => self.changed.wait_while(state, idle).unwrap_or_else(PoisonError::into_inner),
            Some(patience) => {
                self.changed.wait_timeout_while(state, patience, idle).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        state.nudged = false;
        let mut taken = Vec::new();
        let mut bytes = 0_usize;
        while taken.len() < max_entries {
            let Some(next) = state.entries.front().map(Weight::bytes) else { break };
            if !taken.is_empty() && bytes.saturating_add(next) > max_bytes {
                break;
            }
            bytes = bytes.saturating_add(next);
            taken.extend(state.entries.pop_front());
        }
        state.bytes = state.bytes.saturating_sub(bytes);
        match (taken.is_empty(), state.closed) {
            (false, _) => Taken::Entries(taken),
            (true, true) => Taken::Closed,
            (true, false) => Taken::Nothing,
        }
    }

    /// Lets a `take` that waits come back with nothing.
    pub(super) fn nudge(&self) {
        self.lock().nudged = true;
        self.changed.notify_all();
    }

    /// Lets nothing more in; what is there can still be taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How many entries were ever taken in.
    pub(super) fn accepted(&self) -> u64 {
        self.lock().accepted
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Weight for u8 {
        fn bytes(&self) -> usize {
            usize::from(*self)
        }
    }

    fn entries(taken: Taken<u8>) -> Vec<u8> {
        match taken {
            Taken::Entries(entries) => entries,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_is_bounded_in_entries_and_in_bytes() {
        let queue = Queue::new(2, 10);
        queue.push(4_u8, Rank::First).unwrap();
        assert_eq!(queue.push(7, Rank::First), Err(Refused::Full { waiting: 1 }), "bytes");
        queue.push(6, Rank::First).unwrap();
        assert_eq!(queue.push(0, Rank::First), Err(Refused::Full { waiting: 2 }), "entries");
        assert_eq!(entries(queue.take(9, 99, None)), [4, 6]);
        queue.push(200, Rank::First).unwrap();
        assert_eq!(entries(queue.take(9, 99, None)), [200], "alone it passes");
    }

    #[test]
    fn what_ends_something_has_a_reserve_and_a_bound() {
        let queue = Queue::new(4, 99);
        for _ in 0..4 {
            queue.push(1, Rank::First).unwrap();
        }
        assert_eq!(queue.push(1, Rank::First), Err(Refused::Full { waiting: 4 }));
        queue.push(1, Rank::Last).unwrap();
        assert_eq!(queue.push(1, Rank::Last), Err(Refused::Full { waiting: 5 }));
    }

    #[test]
    fn a_batch_is_bounded_and_in_order() {
        let queue = Queue::new(9, 99);
        for entry in [1, 2, 3, 40, 5] {
            queue.push(entry, Rank::First).unwrap();
        }
        assert_eq!(entries(queue.take(2, 99, None)), [1, 2]);
        assert_eq!(entries(queue.take(9, 10, None)), [3]);
        assert_eq!(entries(queue.take(9, 10, None)), [40]);
        assert_eq!((queue.waiting(), queue.accepted()), (1, 5));
    }

    #[test]
    fn closing_keeps_what_is_there() {
        let queue = Queue::new(9, 99);
        assert!(matches!(queue.take(1, 1, Some(Duration::from_millis(1))), Taken::Nothing));
        queue.push(1, Rank::First).unwrap();
        queue.close();
        assert_eq!(queue.push(2, Rank::First), Err(Refused::Closed));
        assert_eq!(entries(queue.take(9, 99, None)), [1]);
        assert!(matches!(queue.take(9, 99, None), Taken::Closed));
    }
}
