//! At most once: which requests of a caller are in work and which were answered, by the caller's own `request_id`. What
//! was answered is remembered here for a while and in the audit log for good, so it holds over a restart; the answer
//! itself is stored nowhere. A request that failed or was left may come again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::audit::{AuditError, AuditReader, DecisionFilter, DecisionId, Label, Operation, OutcomeStatus, RequestId};

/// Answered requests that are remembered in memory: about 4 MiB. Older ones are in the log, whose outcomes are written
/// long before as many others have come.
const MOST_REMEMBERED: usize = 16_384;

/// Records of one `request_id` that are looked through, newest first. Each call that failed has one.
const MOST_RECORDS: u32 = 200;

type Key = (Arc<str>, RequestId);

/// What is known of the requests of this process.
#[derive(Debug)]
pub(super) struct Once {
    state: Mutex<State>,
    most: usize,
}

#[derive(Debug, Default)]
struct State {
    /// Bounded by the number of dispatches that the service lets in.
    in_work: HashSet<Key>,
    answered: HashMap<Key, Option<DecisionId>>,
    /// Keys of `answered`, oldest first.
    order: VecDeque<Key>,
}

/// Why a request is not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duplicate {
    /// One with the same id is in work.
    InWork,
    /// One with the same id was answered; its decision, if the log could take it.
    Answered(Option<DecisionId>),
}

impl Default for Once {
    fn default() -> Self {
        Self::remembering(MOST_REMEMBERED)
    }
}

impl Once {
    fn remembering(most: usize) -> Self {
        Self { state: Mutex::default(), most }
    }

    // The state is whole after every statement, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the id for this request until the claim is dropped.
    pub(super) fn claim(&self, caller: &Arc<str>, id: &RequestId) -> Result<Claim<'_>, Duplicate> {
        let key = (Arc::clone(caller), id.clone());
        let mut state = self.lock();
        if let Some(decision) = state.answered.get(&key) {
            return Err(Duplicate::Answered(*decision));
        }
        if !state.in_work.insert(key.clone()) {
            return Err(Duplicate::InWork);
        }
        Ok(Claim { once: self, key })
    }
}

/// An id in work. Dropped, it is free again, unless the request was answered.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    once: &'a Once,
    key: Key,
}

impl Claim<'_> {
    /// The request was answered under this decision.
    pub(super) fn answered(&self, decision: Option<DecisionId>) {
        let mut state = self.once.lock();
        if state.answered.insert(self.key.clone(), decision).is_none() {
            state.order.push_back(self.key.clone());
        }
        while state.order.len() > self.once.most
            && let Some(oldest) = state.order.pop_front()
        {
            state.answered.remove(&oldest);
        }
    }

    /// Looks into the log for an answer that this process does not remember.
    pub(super) async fn look_up(&self, log: &AuditReader) -> Result<Option<DecisionId>, AuditError> {
        let (caller, id) = &self.key;
        // By the id alone, which has an index of its own.
        let filter = DecisionFilter { request_id: Some(id.as_str().to_owned()), ..DecisionFilter::default() };
        let page = log.list_async(filter, String::new(), MOST_RECORDS).await?;
        let answered = page.decisions.into_iter().find(|record| {
            record.decision.operation == Operation::Dispatch
                && record.decision.caller == Label::new(caller)
                && record.outcome.as_ref().is_some_and(|stored| stored.outcome.status == OutcomeStatus::Completed)
        });
        let decision = answered.map(|record| record.decision.id);
        if decision.is_some() {
            self.answered(decision);
        }
        Ok(decision)
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.once.lock().in_work.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RequestId {
        RequestId::parse(text).unwrap().unwrap()
    }

    #[test]
    fn an_id_is_claimed_by_one_request_at_a_time_and_for_good_once_answered() {
        let once = Once::default();
        let (one, two): (Arc<str>, Arc<str>) = ("one".into(), "two".into());
        let claim = once.claim(&one, &id("a")).unwrap();
        assert_eq!(once.claim(&one, &id("a")).unwrap_err(), Duplicate::InWork);
        assert!(once.claim(&two, &id("a")).is_ok() && once.claim(&one, &id("b")).is_ok(), "others are not concerned");
        drop(claim);
        let claim = once.claim(&one, &id("a")).unwrap();
        claim.answered(None);
        drop(claim);
        assert_eq!(once.claim(&one, &id("a")).unwrap_err(), Duplicate::Answered(None));
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest() {
        let once = Once::remembering(3);
        let caller: Arc<str> = "c".into();
        for number in 0..10 {
            once.claim(&caller, &id(&format!("r{number}"))).unwrap().answered(None);
        }
        let state = once.lock();
        assert_eq!((state.answered.len(), state.order.len(), state.in_work.len()), (3, 3, 0));
        drop(state);
        assert!(once.claim(&caller, &id("r6")).is_ok());
        assert!(once.claim(&caller, &id("r7")).is_err());
    }
}
