//! Parts and documents. A document is scored as a whole; offsets are local to a part.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Text;

/// Who speaks in a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Instructions to the model.
    System,
    /// The person or service that asks.
    #[default]
    User,
    /// The model.
    Assistant,
    /// The result of a tool.
    Tool,
    /// Name, description and schema of a tool.
    ToolDefinition,
    /// Anything else that travels with a request: names, stop words, metadata.
    Metadata,
}

/// One string of a request.
#[derive(Clone, Debug)]
pub struct Part {
    /// Who speaks.
    pub role: Role,
    /// RFC 6901 pointer to the string inside the request; may be empty for a single text. Comes from the caller or
    /// from Cordon, so it is treated as text: it is never logged.
    pub pointer: Text,
    /// The string.
    pub text: Text,
}

/// A request as the detectors see it.
#[derive(Clone, Debug)]
pub struct Document {
    id: u64,
    parts: Vec<Part>,
    unscannable: usize,
}

impl Document {
    /// A document of these parts. Its identity is new: a verdict on one document never fits another.
    #[must_use]
    pub fn new(parts: Vec<Part>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), parts, unscannable: 0 }
    }

    /// With so many things beside the parts that no detector can read, such as images.
    #[must_use]
    pub(super) fn with_unscannable(self, unscannable: usize) -> Self {
        Self { unscannable, ..self }
    }

    /// How many things there are beside the parts that no detector can read, such as images.
    #[must_use]
    pub fn unscannable(&self) -> usize {
        self.unscannable
    }

    /// A document of a single text.
    #[must_use]
    pub fn of(text: impl Into<Text>) -> Self {
        Self::new(vec![Part { role: Role::User, pointer: Text::from(""), text: text.into() }])
    }

    /// Identity within this process; binds a verdict to what was scanned.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The parts in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Bytes of UTF-8 in all parts together.
    #[must_use]
    pub fn total_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.text.len() as u64).sum()
    }
}
