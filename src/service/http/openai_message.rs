//! One message of a chat completion. Text and refusals become text; any other content part goes on as it is, and since no
//! detector can read it, the request is confidential unless the policy says otherwise.

use serde_json::Value;

use crate::service::error::Refusal;
use crate::service::proto::{ContentPart, Message, Role, ToolCall, content_part};

use super::fields::{self, Dropped, Fields};

/// Kinds of content parts that are text, which stands in a field of the kind's name.
const TEXTS: [&str; 2] = ["text", "refusal"];

/// Reads a message.
pub(super) fn read(mut fields: Fields, dropped: &mut Dropped) -> Result<Message, Refusal> {
    let role = role(&mut fields)?;
    let (mut content, parts) = content(&mut fields, dropped)?;
    let refusal = fields.text("refusal")?.unwrap_or_default();
    // What a model refused to do is all that such a message says.
    if content.is_empty() && parts.is_empty() {
        content = refusal;
    } else if !refusal.is_empty() {
        dropped.add(fields.at(), "refusal");
    }
    for name in ["function_call", "audio"] {
        if fields.take(name).is_some() {
            return Err(fields::unsupported(&fields.path(name), "leave it out, and send what it says as content"));
        }
    }
    let calls = fields.list("tool_calls")?.unwrap_or_default();
    let at = fields.path("tool_calls");
    let tool_calls = calls
        .into_iter()
        .enumerate()
        .map(|(index, call)| tool_call(Fields::of(format!("{at}[{index}]"), call)?, dropped))
        .collect::<Result<Vec<_>, _>>()?;
    let message = Message {
        role: role as i32,
        content,
        name: fields.text("name")?.unwrap_or_default(),
        parts,
        tool_calls,
        tool_call_id: fields.text("tool_call_id")?.unwrap_or_default(),
    };
    fields.drop_rest(dropped);
    Ok(message)
}

fn role(fields: &mut Fields) -> Result<Role, Refusal> {
    match fields.required_text("role")?.as_str() {
        // OpenAI renamed the first to the second for its newer models.
        "system" | "developer" => Ok(Role::System),
        "user" => Ok(Role::User),
        "assistant" => Ok(Role::Assistant),
        "tool" => Ok(Role::Tool),
        _ => {
            let message = "must be system, developer, user, assistant or tool";
            Err(Refusal::field(fields.path("role"), "ROLE_NOT_ALLOWED", message))
        }
    }
}

/// A string, or parts.
fn content(fields: &mut Fields, dropped: &mut Dropped) -> Result<(String, Vec<ContentPart>), Refusal> {
    let at = fields.path("content");
    match fields.take("content") {
        None => Ok((String::new(), Vec::new())),
        Some(Value::String(text)) => Ok((text, Vec::new())),
        Some(Value::Array(parts)) => {
            let parts = parts.into_iter().enumerate();
            let parts = parts.map(|(index, value)| part(format!("{at}[{index}]"), value, dropped));
            Ok((String::new(), parts.collect::<Result<Vec<_>, _>>()?))
        }
        Some(_) => Err(fields::wrong_type(&at, "a string or a list of parts")),
    }
}

fn part(at: String, value: Value, dropped: &mut Dropped) -> Result<ContentPart, Refusal> {
    let kind = value.get("type").and_then(Value::as_str);
    let part = match kind.map(str::to_owned).as_deref() {
        Some(kind) if !TEXTS.contains(&kind) => content_part::Part::Json(value.to_string()),
        _ => {
            let mut fields = Fields::of(at, value)?;
            let kind = fields.required_text("type")?;
            let text = fields.required_text(&kind)?;
            fields.drop_rest(dropped);
            content_part::Part::Text(text)
        }
    };
    Ok(ContentPart { part: Some(part) })
}

fn tool_call(mut fields: Fields, dropped: &mut Dropped) -> Result<ToolCall, Refusal> {
    let id = fields.required_text("id")?;
    if fields.text("type")?.is_some_and(|kind| kind != "function") {
        return Err(fields::unsupported(&fields.path("type"), "send calls of functions alone"));
    }
    let mut function = fields.object("function")?.ok_or_else(|| fields::missing(&fields.path("function")))?;
    let call = ToolCall {
        id,
        name: function.required_text("name")?,
        arguments: function.text("arguments")?.unwrap_or_default(),
    };
    function.drop_rest(dropped);
    fields.drop_rest(dropped);
    Ok(call)
}
