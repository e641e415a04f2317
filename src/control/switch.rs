//! The switch that closes the cloud, for everybody or for one caller. A closed cloud is closed at once for every call
//! that has not been sent; opening waits until it is on the disk, so that no death in between leaves it open by mistake.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use super::store::Op;
use super::{Control, ControlError};

/// For whom the cloud is closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closed {
    /// For everybody.
    pub everybody: bool,
    /// For these callers in any case.
    pub callers: BTreeSet<Arc<str>>,
}

/// What requests ask before they leave.
#[derive(Debug, Default)]
pub(super) struct Switch {
    state: ArcSwap<Closed>,
    /// One change at a time, its write included.
    changing: Mutex<()>,
}

impl Switch {
    /// As it was kept; the empty name stands for everybody.
    pub(super) fn restored(names: &[Arc<str>]) -> Self {
        let mut closed = Closed::default();
        for name in names {
            closed.set(name, true);
        }
        Self { state: ArcSwap::from_pointee(closed), changing: Mutex::default() }
    }

    fn set(&self, name: &str, closed: bool) {
        self.state.rcu(|state| {
            let mut state = Closed::clone(state);
            state.set(name, closed);
            state
        });
    }
}

impl Closed {
    fn set(&mut self, name: &str, closed: bool) {
        match (name, closed) {
            ("", closed) => self.everybody = closed,
            (name, true) => drop(self.callers.insert(name.into())),
            (name, false) => drop(self.callers.remove(name)),
        }
    }
}

impl Control {
    /// Whether the cloud is closed for this caller.
    #[must_use]
    pub fn is_cloud_closed_for(&self, caller: &str) -> bool {
        let state = self.shared.switch.state.load();
        state.everybody || state.callers.contains(caller)
    }

    /// For whom the cloud is closed.
    #[must_use]
    pub fn closed(&self) -> Closed {
        Closed::clone(&self.shared.switch.state.load())
    }

    /// Closes or opens the cloud for everybody until the end of this process; nothing is kept.
    pub fn set_closed_for_now(&self, closed: bool) {
        self.shared.switch.set("", closed);
    }

    /// Closes or opens the cloud, for good: for everybody if no caller is named. What is closed for everybody stays so
    /// for a caller for whom it is opened.
    ///
    /// # Errors
    /// When the change cannot be kept. The cloud is closed then until the end of this process; it is never opened.
    pub async fn set_cloud(&self, caller: Option<&str>, closed: bool) -> Result<(), ControlError> {
        let switch = &self.shared.switch;
        let name = caller.unwrap_or_default();
        let _one = switch.changing.lock().await;
        if closed {
            switch.set(name, true);
        }
        if let Some(mailbox) = &self.shared.mailbox {
            let kept = mailbox.ask(Op::Close { caller: name.into(), closed })?;
            kept.await.unwrap_or(Err(ControlError::Busy))?;
        }
        switch.set(name, closed);
        Ok(())
    }
}
