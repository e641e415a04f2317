//! A conversation as it goes to a model, and the document that the detectors see of it. Every string of a
//! conversation is a part of its document: a field added to one of these types must be added to `each_text` too, or it
//! would leave unscanned. The exhaustive patterns there make the compiler say so.
//!
//! Names that a caller chooses only to tell things apart, the ids of tool calls, are numbers here: they never leave.

mod content;
mod json;
mod tools;

use std::sync::Arc;

use super::{Document, Part, Role, Text};

pub use content::{Attachment, Content};
pub use json::{Json, JsonPaths, NotJson};
pub use tools::{CallNumbers, Tool, ToolCall, ToolChoice, Tools};

/// One message of a conversation.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order; empty for a message that only calls tools.
    pub content: Vec<Content>,
    /// Name of the speaker, if given.
    pub name: Option<Text>,
    /// Calls of tools that the model asked for; of an assistant only.
    pub tool_calls: Vec<ToolCall>,
    /// The number of the call that this message is the result of; of a tool only.
    pub answers: Option<u32>,
}

impl Message {
    /// A message of one text.
    #[must_use]
    pub fn new(role: Role, text: impl Into<Text>) -> Self {
        Self { role, content: vec![Content::Text(text.into())], name: None, tool_calls: Vec::new(), answers: None }
    }

    /// With the name of its speaker.
    #[must_use]
    pub fn named(self, name: impl Into<Text>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The texts of the content in order, without what is no text.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        self.content.iter().filter_map(|content| match content {
            Content::Text(text) => Some(text),
            Content::Attachment(_) => None,
        })
    }

    /// What cannot be scanned in the content.
    pub fn attachments(&self) -> impl Iterator<Item = &Attachment> {
        self.content.iter().filter_map(|content| match content {
            Content::Text(_) => None,
            Content::Attachment(attachment) => Some(attachment),
        })
    }

    /// The content as one text, for a wire format that knows nothing else: its texts, an empty line between them.
    #[must_use]
    pub fn text(&self) -> Text {
        let mut texts = self.texts();
        match (texts.next(), texts.next()) {
            (None, _) => Text::from(""),
            (Some(only), None) => only.clone(),
            (Some(_), Some(_)) => {
                let texts: Vec<&str> = self.texts().map(Text::expose).collect();
                Text::from(texts.join("\n\n"))
            }
        }
    }
}

/// What shape the answer must have.
#[derive(Clone, Debug, Default)]
pub enum ResponseFormat {
    /// Any.
    #[default]
    Text,
    /// A JSON object.
    JsonObject,
    /// A JSON value of this schema.
    JsonSchema {
        /// Name of the schema.
        name: Text,
        /// The schema, an object of JSON Schema.
        schema: Json,
        /// Whether the provider must hold the model to it.
        strict: Option<bool>,
    },
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
    /// What shape the answer must have.
    pub response_format: ResponseFormat,
}

/// A conversation, with the one document that was made of it.
#[derive(Clone, Debug)]
pub struct Conversation {
    messages: Vec<Message>,
    tools: Tools,
    generation: Generation,
    document: Arc<Document>,
}

/// New texts do not fit the places of the old ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// More or fewer texts than places.
    #[error("the conversation has another number of texts")]
    Number,
    /// What must be JSON is none any more.
    #[error("a part of the conversation that must be JSON is none any more")]
    Json,
}

impl Conversation {
    /// Takes the messages and makes the document of every string in them.
    #[must_use]
    pub fn new(messages: Vec<Message>, generation: Generation) -> Self {
        Self::with_tools(messages, Tools::default(), generation)
    }

    /// The same with tools that the model may call.
    #[must_use]
    pub fn with_tools(mut messages: Vec<Message>, mut tools: Tools, mut generation: Generation) -> Self {
        let mut parts = Vec::with_capacity(messages.len());
        each_text(&mut messages, &mut tools, &mut generation, &mut |role, pointer, text| {
            parts.push(Part { role, pointer: Text::from(pointer), text: text.clone() });
        });
        let unscannable = messages.iter().map(|message| message.attachments().count()).sum();
        let document = Arc::new(Document::new(parts).with_unscannable(unscannable));
        Self { messages, tools, generation, document }
    }

    /// The same conversation with other texts, in the order of the document's parts, as a new one with a document of its
    /// own.
    ///
    /// # Errors
    /// When their number differs, or what must be JSON is none any more.
    pub fn with_texts(&self, texts: impl IntoIterator<Item = Text>) -> Result<Self, Misfit> {
        let Self { mut messages, mut tools, mut generation, document: _ } = self.clone();
        let mut texts = texts.into_iter();
        let mut missing = false;
        each_text(&mut messages, &mut tools, &mut generation, &mut |_, _, text| match texts.next() {
            Some(new) => *text = new,
            None => missing = true,
        });
        if missing || texts.next().is_some() {
            return Err(Misfit::Number);
        }
        if !jsons(&messages, &tools, &generation).all(Json::is_whole) {
            return Err(Misfit::Json);
        }
        Ok(Self::with_tools(messages, tools, generation))
    }

    /// The same, but for a string that is sent and that no detector sees: for tests of builds that are broken on purpose.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn with_unscanned(self, field: &str) -> Self {
        let parts = self.document.parts().iter().filter(|part| !part.pointer.expose().ends_with(field));
        let document = Arc::new(Document::new(parts.cloned().collect()));
        Self { document, ..self }
    }

    /// The messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The tools that the model may call.
    #[must_use]
    pub fn tools(&self) -> &Tools {
        &self.tools
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

/// Every string of a conversation, in the order of its document.
fn each_text(
    messages: &mut [Message],
    tools: &mut Tools,
    generation: &mut Generation,
    visit: &mut dyn FnMut(Role, String, &mut Text),
) {
    for (index, message) in messages.iter_mut().enumerate() {
        let at = format!("/messages/{index}");
        // A number holds no text.
        let Message { role, content, name, tool_calls, answers: _ } = message;
        let alone = content.len() == 1;
        for (place, content) in content.iter_mut().enumerate() {
            match content {
                Content::Text(text) if alone => visit(*role, format!("{at}/content"), text),
                Content::Text(text) => visit(*role, format!("{at}/content/{place}/text"), text),
                Content::Attachment(attachment) => {
                    visit(*role, format!("{at}/content/{place}"), attachment.readable_mut());
                }
            }
        }
        if let Some(name) = name {
            visit(Role::Metadata, format!("{at}/name"), name);
        }
        for (place, call) in tool_calls.iter_mut().enumerate() {
            let at = format!("{at}/tool_calls/{place}/function");
            let ToolCall { number: _, name, arguments } = call;
            visit(Role::Metadata, format!("{at}/name"), name);
            visit(*role, format!("{at}/arguments"), arguments.text_mut());
        }
    }
    // The choice names a tool by its place.
    let Tools { definitions, choice: _, parallel: _ } = tools;
    for (index, tool) in definitions.iter_mut().enumerate() {
        let at = format!("/tools/{index}/function");
        let Tool { name, description, parameters, strict: _ } = tool;
        visit(Role::ToolDefinition, format!("{at}/name"), name);
        if let Some(description) = description {
            visit(Role::ToolDefinition, format!("{at}/description"), description);
        }
        if let Some(parameters) = parameters {
            visit(Role::ToolDefinition, format!("{at}/parameters"), parameters.text_mut());
        }
    }
    let Generation { max_output_tokens: _, temperature: _, top_p: _, stop, seed: _, response_format } = generation;
    for (index, stop) in stop.iter_mut().enumerate() {
        visit(Role::Metadata, format!("/generation/stop/{index}"), stop);
    }
    match response_format {
        ResponseFormat::Text | ResponseFormat::JsonObject => {}
        ResponseFormat::JsonSchema { name, schema, strict: _ } => {
            visit(Role::Metadata, "/response_format/json_schema/name".to_owned(), name);
            visit(Role::ToolDefinition, "/response_format/json_schema/schema".to_owned(), schema.text_mut());
        }
    }
}

/// Everything in a conversation that must be JSON.
fn jsons<'a>(messages: &'a [Message], tools: &'a Tools, generation: &'a Generation) -> impl Iterator<Item = &'a Json> {
    let schema = match &generation.response_format {
        ResponseFormat::JsonSchema { schema, .. } => Some(schema),
        ResponseFormat::Text | ResponseFormat::JsonObject => None,
    };
    let calls = messages.iter().flat_map(|message| &message.tool_calls).map(|call| &call.arguments);
    let parameters = tools.definitions.iter().filter_map(|tool| tool.parameters.as_ref());
    calls.chain(parameters).chain(schema)
}

#[cfg(test)]
mod tests;
