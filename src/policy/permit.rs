//! The permit: where one conversation may go, decided once. Retry, fallback and streaming stay under its ceiling
//! because text bound for the cloud is a value that only a permit can make, and a cloud provider accepts nothing else.

use std::sync::Arc;

use crate::document::Conversation;

use super::{Route, Verdict};

/// Leave for one conversation to go as far as its ceiling.
#[derive(Clone, Debug)]
pub struct Permit {
    ceiling: Route,
    conversation: Arc<Conversation>,
}

impl Permit {
    /// Binds a ceiling to the conversation that the verdict is about. A verdict on another document permits nothing
    /// but local inference.
    pub(super) fn issue(verdict: &Verdict, ceiling: Route, conversation: Arc<Conversation>) -> Self {
        let bound = verdict.document_id() == conversation.document().id();
        Self { ceiling: if bound { ceiling } else { Route::Local }, conversation }
    }

    /// The most outward route allowed.
    #[must_use]
    pub fn ceiling(&self) -> Route {
        self.ceiling
    }

    /// The conversation, for a local backend.
    #[must_use]
    pub fn local_text(&self) -> LocalText {
        LocalText(Arc::clone(&self.conversation))
    }

    /// The conversation, for a cloud backend, if the ceiling allows that.
    #[must_use]
    pub fn cloud_text(&self) -> Option<CloudText> {
        (self.ceiling >= Route::Cloud).then(|| CloudText(Arc::clone(&self.conversation)))
    }

    /// The conversation for a cloud backend, whatever the ceiling says: for tests of builds that are broken on purpose.
    #[cfg(test)]
    pub(crate) fn smuggled_text(&self) -> CloudText {
        CloudText(Arc::clone(&self.conversation))
    }
}

/// A conversation that may go to this organisation's own machines.
#[derive(Clone, Debug)]
pub struct LocalText(Arc<Conversation>);

impl LocalText {
    /// The conversation.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.0
    }
}

/// Any conversation may go to this organisation's own machines. Used where nothing but such a machine is asked.
impl From<Arc<Conversation>> for LocalText {
    fn from(conversation: Arc<Conversation>) -> Self {
        Self(conversation)
    }
}

/// A conversation that may leave for the cloud. Only [`Permit::cloud_text`] makes one.
#[derive(Clone, Debug)]
pub struct CloudText(Arc<Conversation>);

impl CloudText {
    /// The conversation.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.0
    }
}
