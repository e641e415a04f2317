//! A conversation as it goes to a model, and the document that the detectors see of it. Every string of a
//! conversation is a part of its document: a field added to [`Message`] or [`Generation`] must be added to
//! `parts_of` too, or it would leave unscanned. The exhaustive patterns there make the compiler say so.

use std::sync::Arc;

use super::{Document, Part, Role, Text};

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Text,
    /// Name of the speaker, if given.
    pub name: Option<Text>,
}

/// Parameters of generation; what is `None` is the backend's own default.
#[derive(Clone, Debug, Default)]
pub struct Generation {
    /// At most this many tokens in the answer.
    pub max_output_tokens: Option<u32>,
    /// 0 to 2.
    pub temperature: Option<f32>,
    /// 0 to 1.
    pub top_p: Option<f32>,
    /// Strings that end the answer.
    pub stop: Vec<Text>,
    /// Seed of the sampler.
    pub seed: Option<i64>,
}

/// A conversation, with the one document that was made of it.
#[derive(Clone, Debug)]
pub struct Conversation {
    messages: Vec<Message>,
    generation: Generation,
    document: Arc<Document>,
}

impl Conversation {
    /// Takes the messages and makes the document of every string in them.
    #[must_use]
    pub fn new(messages: Vec<Message>, generation: Generation) -> Self {
        let document = Arc::new(Document::new(parts_of(&messages, &generation)));
        Self { messages, generation, document }
    }

    /// The messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The parameters.
    #[must_use]
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// What the detectors see.
    #[must_use]
    pub fn document(&self) -> &Arc<Document> {
        &self.document
    }
}

fn parts_of(messages: &[Message], generation: &Generation) -> Vec<Part> {
    let mut parts = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let Message { role, content, name } = message;
        parts.push(Part {
            role: *role,
            pointer: Text::from(format!("/messages/{index}/content")),
            text: content.clone(),
        });
        if let Some(name) = name {
            parts.push(Part {
                role: Role::Metadata,
                pointer: Text::from(format!("/messages/{index}/name")),
                text: name.clone(),
            });
        }
    }
    // Numbers hold no text; every string does.
    let Generation { max_output_tokens: _, temperature: _, top_p: _, stop, seed: _ } = generation;
    for (index, stop) in stop.iter().enumerate() {
        parts.push(Part {
            role: Role::Metadata,
            pointer: Text::from(format!("/generation/stop/{index}")),
            text: stop.clone(),
        });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_is_a_part() {
        let conversation = Conversation::new(
            vec![Message { role: Role::User, content: "a".into(), name: Some("b".into()) }],
            Generation { stop: vec!["c".into()], ..Generation::default() },
        );
        let seen: Vec<_> = conversation
            .document()
            .parts()
            .iter()
            .map(|part| (part.pointer.expose().to_owned(), part.text.expose().to_owned()))
            .collect();
        let pair = |pointer: &str, text: &str| (pointer.to_owned(), text.to_owned());
        assert_eq!(
            seen,
            [pair("/messages/0/content", "a"), pair("/messages/0/name", "b"), pair("/generation/stop/0", "c")]
        );
    }
}
