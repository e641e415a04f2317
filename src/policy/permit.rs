//! The permit: where one conversation may go, decided once. Retry, fallback and streaming stay under its ceiling
//! because text bound for the cloud is a value that only a permit can make, and a cloud provider accepts nothing else.
//!
//! A conversation that may not leave itself may have a redacted one beside it, which has a verdict of its own.

use std::sync::Arc;

use crate::document::Conversation;

use super::{Route, Verdict};

/// Leave for one conversation to go as far as its ceiling.
#[derive(Clone, Debug)]
pub struct Permit {
    ceiling: Route,
    conversation: Arc<Conversation>,
    redacted: Option<Arc<Conversation>>,
}

impl Permit {
    /// Binds a ceiling to the conversation that the verdict is about. A verdict on another document permits nothing
    /// but local inference. Without a redacted conversation there is nothing that could leave as one.
    pub(super) fn issue(verdict: &Verdict, ceiling: Route, conversation: Arc<Conversation>) -> Self {
        let bound = verdict.document_id() == conversation.document().id();
        let ceiling = if bound && ceiling == Route::Cloud { Route::Cloud } else { Route::Local };
        Self { ceiling, conversation, redacted: None }
    }

    /// Lets the redacted conversation leave, on its own verdict. It never lowers the ceiling.
    pub(super) fn with_redacted(self, verdict: &Verdict, redacted: Arc<Conversation>) -> Self {
        if verdict.document_id() != redacted.document().id() {
            return self;
        }
        Self { ceiling: self.ceiling.max(Route::CloudRedacted), redacted: Some(redacted), ..self }
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

    /// What may go to a cloud backend: the conversation if the ceiling allows that, else the redacted one if there is
    /// one.
    #[must_use]
    pub fn cloud_text(&self) -> Option<CloudText> {
        if self.ceiling >= Route::Cloud {
            return Some(CloudText { conversation: Arc::clone(&self.conversation), route: Route::Cloud });
        }
        let conversation = Arc::clone(self.redacted.as_ref().filter(|_| self.ceiling >= Route::CloudRedacted)?);
        Some(CloudText { conversation, route: Route::CloudRedacted })
    }

    /// The conversation for a cloud backend, whatever the ceiling says: for tests of builds that are broken on purpose.
    #[cfg(test)]
    pub(crate) fn smuggled_text(&self) -> CloudText {
        CloudText { conversation: Arc::clone(&self.conversation), route: Route::Cloud }
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
pub struct CloudText {
    conversation: Arc<Conversation>,
    route: Route,
}

impl CloudText {
    /// The conversation.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// The route that it takes: [`Route::Cloud`] as it is, or [`Route::CloudRedacted`].
    #[must_use]
    pub fn route(&self) -> Route {
        self.route
    }
}
