//! The request of the Messages API, written from a conversation. Every string in it is a part of the conversation's
//! document or a word of the API. The API refuses empty texts; it knows no seed, no name of a speaker and no JSON mode.

use serde::Serialize;

use crate::document::{
    self, Attachment, Content, Conversation, Json, ResponseFormat, Role, Text, Tool, ToolCall, ToolChoice,
};

use super::super::Fault;

/// The JSON that is posted.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    max_tokens: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    system: String,
    messages: Vec<Message<'a>>,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop_sequences: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Definition<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Said<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Said<'a> {
    Text(String),
    Blocks(Vec<Block<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block<'a> {
    Text { text: &'a str },
    Image { source: Source },
    ToolUse { id: String, name: &'a str, input: &'a Json },
    ToolResult { tool_use_id: String, content: String },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source {
    Base64 { media_type: String, data: String },
    Url { url: String },
}

#[derive(Serialize)]
struct Definition<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    input_schema: InputSchema<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum InputSchema<'a> {
    Given(&'a Json),
    /// The API requires one.
    Empty(NoFields),
}

#[derive(Serialize)]
struct NoFields {
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Choice<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disable_parallel_tool_use: Option<bool>,
}

impl<'a> Request<'a> {
    pub(super) fn new(model: &'a str, max_tokens: u32, conversation: &'a Conversation) -> Result<Self, Fault> {
        let (tools, generation) = (conversation.tools(), conversation.generation());
        if !matches!(generation.response_format, ResponseFormat::Text) {
            return Err(Fault::Unsupported("a response format"));
        }
        let mut system = String::new();
        let mut messages: Vec<Message<'a>> = Vec::new();
        for message in conversation.messages() {
            match message.role {
                Role::System | Role::ToolDefinition => {
                    if message.attachments().next().is_some() {
                        return Err(Fault::Unsupported("instructions other than text"));
                    }
                    let text = message.text();
                    if !system.is_empty() && !text.is_empty() {
                        system.push_str("\n\n");
                    }
                    system.push_str(text.expose());
                }
                _ => add(&mut messages, message)?,
            }
        }
        // The API needs at least one message, so instructions alone are asked as the user's.
        if messages.is_empty() && !system.is_empty() {
            messages.push(Message { role: "user", content: Said::Text(std::mem::take(&mut system)) });
        }
        let some_tools = !tools.definitions.is_empty();
        Ok(Self {
            model,
            max_tokens,
            system,
            messages,
            stream: true,
            // The API's scale ends at 1.
            temperature: generation.temperature.map(|temperature| temperature.min(1.0)),
            top_p: generation.top_p,
            stop_sequences: generation.stop.iter().map(Text::expose).collect(),
            tools: tools.definitions.iter().map(definition).collect(),
            tool_choice: choice(tools).filter(|_| some_tools),
        })
    }
}

/// Adds a message as the API wants it: a single text as a string, anything else as blocks, and the results of several
/// calls in one message, as the API demands.
fn add<'a>(messages: &mut Vec<Message<'a>>, message: &'a document::Message) -> Result<(), Fault> {
    if let Some(number) = message.answers {
        let block =
            Block::ToolResult { tool_use_id: ToolCall::id(number), content: message.text().expose().to_owned() };
        if message.attachments().next().is_some() {
            return Err(Fault::Unsupported("a result of a tool other than text"));
        }
        if let Some(Message { role: "user", content: Said::Blocks(blocks) }) = messages.last_mut()
            && matches!(blocks.last(), Some(Block::ToolResult { .. }))
        {
            blocks.push(block);
        } else {
            messages.push(Message { role: "user", content: Said::Blocks(vec![block]) });
        }
        return Ok(());
    }
    let role = if message.role == Role::Assistant { "assistant" } else { "user" };
    let mut blocks = Vec::new();
    for content in &message.content {
        match content {
            Content::Text(text) if text.is_empty() => {}
            Content::Text(text) => blocks.push(Block::Text { text: text.expose() }),
            Content::Attachment(attachment) => blocks.push(Block::Image { source: source(attachment)? }),
        }
    }
    let calls = message.tool_calls.iter().map(|call| Block::ToolUse {
        id: ToolCall::id(call.number),
        name: call.name.expose(),
        input: &call.arguments,
    });
    blocks.extend(calls);
    match blocks.as_slice() {
        [] => {}
        [Block::Text { text }] => messages.push(Message { role, content: Said::Text((*text).to_owned()) }),
        _ => messages.push(Message { role, content: Said::Blocks(blocks) }),
    }
    Ok(())
}

fn source(attachment: &Attachment) -> Result<Source, Fault> {
    let url =
        attachment.field(&["image_url", "url"]).ok_or(Fault::Unsupported("content other than texts and images"))?;
    match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((media_type, data)) => Ok(Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }),
        None => Ok(Source::Url { url }),
    }
}

fn definition(tool: &Tool) -> Definition<'_> {
    Definition {
        name: tool.name.expose(),
        description: tool.description.as_ref().map(Text::expose),
        input_schema: match &tool.parameters {
            Some(parameters) => InputSchema::Given(parameters),
            None => InputSchema::Empty(NoFields { kind: "object" }),
        },
    }
}

fn choice(tools: &document::Tools) -> Option<Choice<'_>> {
    let disable_parallel_tool_use = tools.parallel.map(|parallel| !parallel);
    let choice = |kind, name| Some(Choice { kind, name, disable_parallel_tool_use });
    match tools.choice {
        ToolChoice::Auto if disable_parallel_tool_use.is_none() => None,
        ToolChoice::Auto => choice("auto", None),
        ToolChoice::None => Some(Choice { kind: "none", name: None, disable_parallel_tool_use: None }),
        ToolChoice::Required => choice("any", None),
        ToolChoice::Named(place) => choice("tool", Some(tools.definitions.get(place)?.name.expose())),
    }
}
