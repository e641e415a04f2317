//! The conversation of a dispatch, made of what a caller sent, and every check of it. Whatever is wrong is refused with
//! the field named and nothing of its content; nothing is dropped, corrected or cut.

use crate::document::{
    Attachment, CallNumbers, Content, Conversation, Generation, Json, Message, ResponseFormat, Role, Text, Tool,
    ToolCall, ToolChoice, Tools,
};

use super::convert::{check_size, role};
use super::error::Refusal;
use super::proto::{self, DispatchRequest, ToolMode, content_part, response_format};
use crate::config::Limits;

/// Most strings that end an answer.
const MAX_STOP: usize = 16;

/// Most tools of a request, as in OpenAI's API.
const MAX_TOOLS: usize = 128;

/// The conversation of a request.
///
/// # Errors
/// When something is missing, too large or wrong.
pub(super) fn conversation(request: &mut DispatchRequest, limits: &Limits) -> Result<Conversation, Refusal> {
    let messages = std::mem::take(&mut request.messages);
    if messages.is_empty() {
        return Err(Refusal::field("messages", "EMPTY_REQUEST", "is empty; send at least one message"));
    }
    check_size(bytes(&messages, request), messages.len(), "messages", limits)?;
    let (messages, says) = messages_of(messages)?;
    if !says {
        return Err(Refusal::field("messages", "EMPTY_REQUEST", "hold no text; send at least one with content"));
    }
    let tools = tools(request)?;
    let generation = generation(request)?;
    Ok(Conversation::with_tools(messages, tools, generation))
}

/// Bytes of every string that is kept.
fn bytes(messages: &[proto::Message], request: &DispatchRequest) -> u64 {
    let part = |part: &proto::ContentPart| match &part.part {
        Some(content_part::Part::Text(text) | content_part::Part::Json(text)) => text.len(),
        None => 0,
    };
    let message = |message: &proto::Message| {
        let calls = message.tool_calls.iter().map(|call| call.id.len() + call.name.len() + call.arguments.len());
        message.content.len()
            + message.name.len()
            + message.parts.iter().map(part).sum::<usize>()
            + calls.sum::<usize>()
            + message.tool_call_id.len()
    };
    let tool = |tool: &proto::Tool| tool.name.len() + tool.description.len() + tool.parameters.len();
    let stop = request.generation.iter().flat_map(|generation| &generation.stop).map(String::len);
    let format = request.response_format.iter().map(|format| format.name.len() + format.schema.len());
    let all = messages.iter().map(message).chain(request.tools.iter().map(tool)).chain(stop).chain(format);
    all.map(|bytes| bytes as u64).sum()
}

/// The messages, and whether any of them says something.
fn messages_of(messages: Vec<proto::Message>) -> Result<(Vec<Message>, bool), Refusal> {
    let mut calls = CallNumbers::default();
    let mut says = false;
    let mut all = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        let at = format!("messages[{index}]");
        let role = match role(message.role, format!("{at}.role"))? {
            Role::ToolDefinition | Role::Metadata => {
                return Err(Refusal::field(
                    format!("{at}.role"),
                    "ROLE_NOT_ALLOWED",
                    "must be system, user, assistant or tool",
                ));
            }
            role => role,
        };
        if !message.tool_calls.is_empty() && role != Role::Assistant {
            let what = "belong to a message of the assistant";
            return Err(Refusal::field(format!("{at}.tool_calls"), "ROLE_NOT_ALLOWED", what));
        }
        if !message.tool_call_id.is_empty() && role != Role::Tool {
            let what = "belongs to a message of a tool";
            return Err(Refusal::field(format!("{at}.tool_call_id"), "ROLE_NOT_ALLOWED", what));
        }
        let content = content(message.content, message.parts, !message.tool_calls.is_empty(), &at)?;
        says |= content.iter().any(|content| match content {
            Content::Text(text) => !text.is_empty(),
            Content::Attachment(_) => true,
        });
        let answers = match message.tool_call_id.as_str() {
            "" => None,
            id => Some(calls.of(id).ok_or_else(|| {
                let what = "names no call of an earlier message; send the message with the call too";
                Refusal::field(format!("{at}.tool_call_id"), "UNKNOWN_TOOL_CALL", what)
            })?),
        };
        let tool_calls = message
            .tool_calls
            .into_iter()
            .enumerate()
            .map(|(place, call)| tool_call(call, &mut calls, &format!("{at}.tool_calls[{place}]")))
            .collect::<Result<Vec<_>, _>>()?;
        let name = (!message.name.is_empty()).then(|| Text::from(message.name));
        all.push(Message { role, content, name, tool_calls, answers });
    }
    Ok((all, says))
}

/// The content: one text, or the parts.
fn content(text: String, parts: Vec<proto::ContentPart>, calls: bool, at: &str) -> Result<Vec<Content>, Refusal> {
    if !text.is_empty() && !parts.is_empty() {
        let what = "cannot stand beside content; send one of both";
        return Err(Refusal::field(format!("{at}.parts"), "AMBIGUOUS_CONTENT", what));
    }
    if parts.is_empty() {
        // A message that only calls tools has no content.
        let none = text.is_empty() && calls;
        return Ok(if none { Vec::new() } else { vec![Content::Text(Text::from(text))] });
    }
    let one = |(place, part): (usize, proto::ContentPart)| match part.part {
        Some(content_part::Part::Text(text)) => Ok(Content::Text(Text::from(text))),
        Some(content_part::Part::Json(json)) => match serde_json::from_str(&json) {
            Ok(serde_json::Value::Object(object)) if object.get("type").is_some_and(serde_json::Value::is_string) => {
                Ok(Content::Attachment(Attachment::new(&object)))
            }
            Ok(_) | Err(_) => {
                let what = "is no JSON object with a type; send one";
                Err(Refusal::field(format!("{at}.parts[{place}].json"), "INVALID_JSON", what))
            }
        },
        None => Err(Refusal::field(format!("{at}.parts[{place}]"), "EMPTY_REQUEST", "is empty; send text or json")),
    };
    parts.into_iter().enumerate().map(one).collect()
}

fn tool_call(call: proto::ToolCall, calls: &mut CallNumbers, at: &str) -> Result<ToolCall, Refusal> {
    if call.id.is_empty() {
        let what = "is empty; send the id under which the model made the call";
        return Err(Refusal::field(format!("{at}.id"), "EMPTY_REQUEST", what));
    }
    Ok(ToolCall {
        number: calls.begin(&call.id),
        name: name(call.name, format!("{at}.name"))?,
        arguments: object(&call.arguments, format!("{at}.arguments"))?,
    })
}

fn tools(request: &mut DispatchRequest) -> Result<Tools, Refusal> {
    let tools = std::mem::take(&mut request.tools);
    if tools.len() > MAX_TOOLS {
        return Err(Refusal::field("tools", "TOO_MANY", format!("are more than {MAX_TOOLS}; send fewer")));
    }
    let mut definitions: Vec<Tool> = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        let at = format!("tools[{index}]");
        let name = name(tool.name, format!("{at}.name"))?;
        if definitions.iter().any(|other| other.name == name) {
            return Err(Refusal::field(format!("{at}.name"), "DUPLICATE", "is the name of an earlier tool; rename it"));
        }
        let parameters = (!tool.parameters.is_empty()).then(|| object(&tool.parameters, format!("{at}.parameters")));
        definitions.push(Tool {
            name,
            description: (!tool.description.is_empty()).then(|| Text::from(tool.description)),
            parameters: parameters.transpose()?,
            strict: tool.strict,
        });
    }
    let mode = ToolMode::try_from(request.tool_mode)
        .map_err(|_| Refusal::field("tool_mode", "OUT_OF_RANGE", "is none of the known modes"))?;
    let choice = match mode {
        ToolMode::Unspecified => ToolChoice::Auto,
        ToolMode::None => ToolChoice::None,
        ToolMode::Required => ToolChoice::Required,
        ToolMode::Named => {
            let place = definitions.iter().position(|tool| tool.name.expose() == request.tool_name);
            ToolChoice::Named(place.ok_or_else(|| {
                Refusal::field("tool_name", "UNKNOWN_TOOL", "names no tool of the request; send one that is there")
            })?)
        }
    };
    if definitions.is_empty() && choice == ToolChoice::Required {
        return Err(Refusal::field("tool_mode", "UNKNOWN_TOOL", "demands a tool, and there is none; send tools"));
    }
    Ok(Tools { definitions, choice, parallel: request.parallel_tool_calls })
}

fn generation(request: &mut DispatchRequest) -> Result<Generation, Refusal> {
    let generation = request.generation.take().unwrap_or_default();
    if generation.stop.len() > MAX_STOP || generation.stop.iter().any(String::is_empty) {
        return Err(Refusal::field(
            "generation.stop",
            "OUT_OF_RANGE",
            format!("must be at most {MAX_STOP} strings, none of them empty"),
        ));
    }
    let in_range = |field: &str, value: Option<f32>, most: f32| match value {
        Some(value) if !(0.0..=most).contains(&value) => {
            Err(Refusal::field(format!("generation.{field}"), "OUT_OF_RANGE", format!("must be from 0 to {most}")))
        }
        value => Ok(value),
    };
    let temperature = in_range("temperature", generation.temperature, 2.0)?;
    let top_p = in_range("top_p", generation.top_p, 1.0)?;
    if generation.max_output_tokens == Some(0) {
        return Err(Refusal::field("generation.max_output_tokens", "OUT_OF_RANGE", "must be at least 1"));
    }
    Ok(Generation {
        max_output_tokens: generation.max_output_tokens,
        temperature,
        top_p,
        stop: generation.stop.into_iter().map(Text::from).collect(),
        seed: generation.seed,
        response_format: format_of(request.response_format.take())?,
    })
}

fn format_of(format: Option<proto::ResponseFormat>) -> Result<ResponseFormat, Refusal> {
    let Some(format) = format else { return Ok(ResponseFormat::Text) };
    let kind = response_format::Kind::try_from(format.kind)
        .map_err(|_| Refusal::field("response_format.kind", "OUT_OF_RANGE", "is none of the known kinds"))?;
    Ok(match kind {
        response_format::Kind::Unspecified => ResponseFormat::Text,
        response_format::Kind::JsonObject => ResponseFormat::JsonObject,
        response_format::Kind::JsonSchema => ResponseFormat::JsonSchema {
            name: name(format.name, "response_format.name".to_owned())?,
            schema: object(&format.schema, "response_format.schema".to_owned())?,
            strict: format.strict,
        },
    })
}

/// The names that the providers take for tools and schemas.
fn name(name: String, field: String) -> Result<Text, Refusal> {
    let fits = (1..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if fits {
        Ok(Text::from(name))
    } else {
        Err(Refusal::field(field, "INVALID_NAME", "must be 1 to 64 letters, digits, _ or -"))
    }
}

fn object(text: &str, field: String) -> Result<Json, Refusal> {
    Json::object(text).map_err(|error| Refusal::field(field, "INVALID_JSON", error.to_string()))
}
