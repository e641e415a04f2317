//! One message of Ollama's chat. Results name the tool and not the call, so calls are numbered here and a result
//! belongs to the first call of that tool without one. Images go on as content that no detector can read, so the
//! request is confidential unless the policy says otherwise.

use serde_json::{Value, json};

use crate::service::error::Refusal;
use crate::service::proto::{ContentPart, Message, Role, ToolCall, content_part};

use super::fields::{self, Dropped, Fields};

/// The calls of the messages so far that have no result.
#[derive(Debug, Default)]
pub(super) struct Calls {
    open: Vec<Open>,
    made: usize,
}

#[derive(Debug)]
struct Open {
    id: String,
    given: Option<String>,
    name: String,
}

impl Calls {
    fn begin(&mut self, given: Option<String>, name: &str) -> String {
        self.made += 1;
        let id = format!("call_{}", self.made);
        self.open.push(Open { id: id.clone(), given, name: name.to_owned() });
        id
    }

    /// The call of a result: by the id that its caller gave, by the tool, or simply the next.
    fn answer(&mut self, id: Option<&str>, name: Option<&str>) -> Option<String> {
        let place = match (id, name) {
            (Some(id), _) => self.open.iter().position(|open| open.given.as_deref() == Some(id)),
            (None, Some(name)) => self.open.iter().position(|open| open.name == name),
            (None, None) => (!self.open.is_empty()).then_some(0),
        };
        place.map(|place| self.open.remove(place).id)
    }
}

/// Reads a message.
pub(super) fn read(mut fields: Fields, calls: &mut Calls, dropped: &mut Dropped) -> Result<Message, Refusal> {
    let role = match fields.required_text("role")?.as_str() {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        _ => {
            let message = "must be system, user, assistant or tool";
            return Err(Refusal::field(fields.path("role"), "ROLE_NOT_ALLOWED", message));
        }
    };
    let content = fields.text("content")?.unwrap_or_default();
    let images = images(&mut fields)?;
    let at = fields.path("tool_calls");
    let listed = fields.list("tool_calls")?.unwrap_or_default();
    let tool_calls = listed
        .into_iter()
        .enumerate()
        .map(|(index, call)| tool_call(Fields::of(format!("{at}[{index}]"), call)?, calls, dropped))
        .collect::<Result<Vec<_>, _>>()?;
    let tool_call_id = answered(&mut fields, role, calls)?;
    fields.drop_rest(dropped);
    let (content, parts) = if images.is_empty() {
        (content, Vec::new())
    } else {
        let text = (!content.is_empty()).then_some(ContentPart { part: Some(content_part::Part::Text(content)) });
        // The images first, so that the place of one in the parts is known from its place in `images`.
        (String::new(), images.into_iter().chain(text).collect())
    };
    Ok(Message { role: role as i32, content, name: String::new(), parts, tool_calls, tool_call_id })
}

/// Images in base64, in the form of a content part.
fn images(fields: &mut Fields) -> Result<Vec<ContentPart>, Refusal> {
    let at = fields.path("images");
    let image = |(index, value): (usize, Value)| match value {
        Value::String(bytes) => {
            let url = format!("data:{};base64,{bytes}", media_type(&bytes));
            let part = json!({"type": "image_url", "image_url": {"url": url}});
            Ok(ContentPart { part: Some(content_part::Part::Json(part.to_string())) })
        }
        _ => Err(fields::wrong_type(&format!("{at}[{index}]"), "a string of base64")),
    };
    fields.list("images")?.unwrap_or_default().into_iter().enumerate().map(image).collect()
}

/// The kind of an image by its first bytes, as base64 writes them (the signatures of the formats' standards).
fn media_type(base64: &str) -> &'static str {
    match base64 {
        text if text.starts_with("/9j/") => "image/jpeg",
        text if text.starts_with("R0lGOD") => "image/gif",
        text if text.starts_with("UklGR") => "image/webp",
        _ => "image/png",
    }
}

fn tool_call(mut fields: Fields, calls: &mut Calls, dropped: &mut Dropped) -> Result<ToolCall, Refusal> {
    let given = fields.text("id")?;
    let mut function = fields.object("function")?.ok_or_else(|| fields::missing(&fields.path("function")))?;
    let name = function.required_text("name")?;
    let arguments = function.json("arguments")?.unwrap_or_default();
    // The place among the calls, which the order tells too.
    function.integer("index")?;
    function.drop_rest(dropped);
    if fields.text("type")?.is_some_and(|kind| kind != "function") {
        return Err(fields::unsupported(&fields.path("type"), "send calls of functions alone"));
    }
    fields.drop_rest(dropped);
    Ok(ToolCall { id: calls.begin(given, &name), name, arguments })
}

/// The id of the call that a result belongs to; empty for one of no call.
fn answered(fields: &mut Fields, role: Role, calls: &mut Calls) -> Result<String, Refusal> {
    // What stands elsewhere is dropped.
    if role != Role::Tool {
        return Ok(String::new());
    }
    let id = fields.text("tool_call_id")?;
    // The second is the older name of the first.
    let name = match fields.text("tool_name")? {
        None => fields.text("name")?,
        name => name,
    };
    match calls.answer(id.as_deref(), name.as_deref()) {
        Some(call) => Ok(call),
        None if id.is_none() && name.is_none() => Ok(String::new()),
        None => {
            let field = fields.path(if id.is_some() { "tool_call_id" } else { "tool_name" });
            let message = "names no call of an earlier message; send the message with the call too";
            Err(Refusal::field(field, "UNKNOWN_TOOL_CALL", message))
        }
    }
}
