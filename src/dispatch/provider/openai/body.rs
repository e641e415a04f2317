//! The request of chat completions, written from a conversation. Every string in it is a part of the conversation's
//! document or a word of the API.

use serde::Serialize;

use super::super::scores::TOP;
use crate::document::{self, Content, Conversation, Json, ResponseFormat, Role, Text, Tool, ToolChoice};

/// The JSON that is posted.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Typed<Function<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Format<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Said<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

/// `null`, a string, or a list of parts.
#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Nothing,
    Text(&'a str),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Part<'a> {
    Text {
        #[serde(rename = "type")]
        kind: &'static str,
        text: &'a str,
    },
    Attachment(&'a Json),
}

/// `{"type": "function", "function": …}`.
#[derive(Serialize)]
struct Typed<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: T,
}

#[derive(Serialize)]
struct Call<'a> {
    id: String,
    #[serde(flatten)]
    called: Typed<Called<'a>>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    /// The API has the object as a text.
    arguments: &'a str,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'static str),
    Named(Typed<Name<'a>>),
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    JsonObject,
    JsonSchema { json_schema: Schema<'a> },
}

#[derive(Serialize)]
struct Schema<'a> {
    name: &'a str,
    schema: &'a Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

const FUNCTION: &str = "function";

impl<'a> Request<'a> {
    /// Everything but the limit of tokens, whose field differs from server to server.
    pub(super) fn new(model: &'a str, conversation: &'a Conversation) -> Self {
        let (tools, generation) = (conversation.tools(), conversation.generation());
        let some_tools = !tools.definitions.is_empty();
        Self {
            model,
            messages: conversation.messages().iter().map(Message::from).collect(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            max_tokens: None,
            max_completion_tokens: None,
            temperature: generation.temperature,
            top_p: generation.top_p,
            seed: generation.seed,
            stop: generation.stop.iter().map(Text::expose).collect(),
            tools: tools.definitions.iter().map(function).collect(),
            // The API refuses a choice where there is nothing to choose from.
            tool_choice: choice(tools.choice, &tools.definitions).filter(|_| some_tools),
            parallel_tool_calls: tools.parallel.filter(|_| some_tools),
            response_format: format(&generation.response_format),
            logprobs: None,
            top_logprobs: None,
        }
    }

    /// With the log-probabilities of the answer's tokens, if they are wanted. llama.cpp refuses them beside tools.
    pub(super) fn scored(self, wanted: bool) -> Self {
        let asked = wanted && self.tools.is_empty();
        Self { logprobs: asked.then_some(true), top_logprobs: asked.then_some(TOP), ..self }
    }

    /// With the limit of tokens under the name that the server knows.
    pub(super) fn limited(self, max_tokens: Option<u32>, max_completion_tokens: Option<u32>) -> Self {
        Self { max_tokens, max_completion_tokens, ..self }
    }
}

impl<'a> From<&'a document::Message> for Message<'a> {
    fn from(message: &'a document::Message) -> Self {
        let call = |call: &'a document::ToolCall| Call {
            id: document::ToolCall::id(call.number),
            called: Typed {
                kind: FUNCTION,
                function: Called { name: call.name.expose(), arguments: call.arguments.text().expose() },
            },
        };
        let content = match message.content.as_slice() {
            [] => Said::Nothing,
            [Content::Text(text)] => Said::Text(text.expose()),
            parts => Said::Parts(parts.iter().map(part).collect()),
        };
        Self {
            role: role(message),
            content,
            name: message.name.as_ref().map(Text::expose).filter(|name| is_name(name)),
            tool_calls: message.tool_calls.iter().map(call).collect(),
            tool_call_id: message.answers.map(document::ToolCall::id),
        }
    }
}

fn part(content: &Content) -> Part<'_> {
    match content {
        Content::Text(text) => Part::Text { kind: "text", text: text.expose() },
        Content::Attachment(attachment) => Part::Attachment(attachment.json()),
    }
}

fn function(tool: &Tool) -> Typed<Function<'_>> {
    Typed {
        kind: FUNCTION,
        function: Function {
            name: tool.name.expose(),
            description: tool.description.as_ref().map(Text::expose),
            parameters: tool.parameters.as_ref(),
            strict: tool.strict,
        },
    }
}

fn choice(choice: ToolChoice, tools: &[Tool]) -> Option<Choice<'_>> {
    match choice {
        ToolChoice::Auto => None,
        ToolChoice::None => Some(Choice::Word("none")),
        ToolChoice::Required => Some(Choice::Word("required")),
        ToolChoice::Named(place) => {
            let name = tools.get(place)?.name.expose();
            Some(Choice::Named(Typed { kind: FUNCTION, function: Name { name } }))
        }
    }
}

fn format(format: &ResponseFormat) -> Option<Format<'_>> {
    match format {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(Format::JsonObject),
        ResponseFormat::JsonSchema { name, schema, strict } => {
            Some(Format::JsonSchema { json_schema: Schema { name: name.expose(), schema, strict: *strict } })
        }
    }
}

/// A tool's result that does not say which call it answers reaches the model as the user's words.
fn role(message: &document::Message) -> &'static str {
    match message.role {
        Role::System | Role::ToolDefinition => "system",
        Role::Tool if message.answers.is_some() => "tool",
        Role::User | Role::Tool | Role::Metadata => "user",
        Role::Assistant => "assistant",
    }
}

/// The names that the API takes (`^[a-zA-Z0-9_-]{1,64}$`); it refuses a request with any other, so those are dropped.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
