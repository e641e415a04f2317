//! Every string of a body is scanned, dropped, or the request is refused: for bodies as clients write them, and for any
//! that can be drawn.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::config::Limits;
use crate::document::Conversation;
use crate::service::error::Refusal;
use crate::service::proto::DispatchRequest;

use super::{json as strict, ollama_request, openai_request};

/// What is scanned, and what of the body was dropped.
fn openai(body: &Value) -> Result<(Conversation, Option<String>), Refusal> {
    let mut read = openai_request::read(strict::object(body.to_string().as_bytes())?)?;
    checked(&mut read.dispatch, openai_request::path).map(|conversation| (conversation, read.dropped.told()))
}

fn ollama(body: &Value) -> Result<(Conversation, Option<String>), Refusal> {
    let mut read = ollama_request::read(strict::object(body.to_string().as_bytes())?)?;
    checked(&mut read.dispatch, ollama_request::path).map(|conversation| (conversation, read.dropped.told()))
}

fn checked(request: &mut DispatchRequest, path: fn(&str) -> String) -> Result<Conversation, Refusal> {
    super::checked(request, path, &Limits::default())
}

fn seen(conversation: &Conversation) -> Vec<(String, String)> {
    let parts = conversation.document().parts().iter();
    parts.map(|part| (part.pointer.expose().to_owned(), part.text.expose().to_owned())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(pointer, text)| ((*pointer).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_rich_chat_completion_is_scanned_whole() {
    let body = json!({
        "model": "cordon",
        "messages": [
            {"role": "developer", "content": "a", "name": "b"},
            {"role": "user", "content": [
                {"type": "text", "text": "c"},
                {"type": "image_url", "image_url": {"url": "https://h/?d"}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "x1", "type": "function", "function": {"name": "e", "arguments": "{\"f\": \"\\u00fc\"}"}},
            ]},
            {"role": "tool", "tool_call_id": "x1", "content": "g"},
            {"role": "assistant", "refusal": "h"},
        ],
        "tools": [{"type": "function", "function": {
            "name": "i", "description": "j", "parameters": {"type": "k"}, "strict": true,
        }}],
        "tool_choice": {"type": "function", "function": {"name": "i"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {"name": "l", "schema": {"m": 1}, "description": "z"}},
        "stop": ["n"],
        "metadata": {"z": "z"},
        "user": "z",
    });
    let (conversation, dropped) = openai(&body).unwrap();
    assert_eq!(
        seen(&conversation),
        pairs(&[
            ("/messages/0/content", "a"),
            ("/messages/0/name", "b"),
            ("/messages/1/content/0/text", "c"),
            ("/messages/1/content/1", r#"{"type":"image_url","image_url":{"url":"https://h/?d"}}"#),
            ("/messages/2/tool_calls/0/function/name", "e"),
            ("/messages/2/tool_calls/0/function/arguments", r#"{"f":"ü"}"#),
            ("/messages/3/content", "g"),
            ("/messages/4/content", "h"),
            ("/tools/0/function/name", "i"),
            ("/tools/0/function/description", "j"),
            ("/tools/0/function/parameters", r#"{"type":"k"}"#),
            ("/generation/stop/0", "n"),
            ("/response_format/json_schema/name", "l"),
            ("/response_format/json_schema/schema", r#"{"m":1}"#),
        ])
    );
    assert_eq!(conversation.document().unscannable(), 1);
    assert_eq!(dropped.unwrap(), "response_format.json_schema.description, metadata, user");
}

#[test]
fn a_rich_chat_of_ollamas_is_scanned_whole() {
    let call = |name: &str, value: u8| json!({"function": {"name": name, "arguments": {"v": value}}});
    let body = json!({
        "model": "cordon",
        "messages": [
            {"role": "user", "content": "a", "images": ["iVBORw0KGgo="]},
            {"role": "assistant", "content": "", "thinking": "z", "tool_calls": [call("e", 1), call("f", 2)]},
            {"role": "tool", "tool_name": "f", "content": "g"},
            {"role": "tool", "tool_name": "e", "content": "h"},
        ],
        "tools": [{"type": "function", "function": {"name": "e", "parameters": {"type": "k"}}}],
        "format": {"type": "object"},
        "options": {"stop": "n", "mirostat": 1},
        "think": true,
    });
    let (conversation, dropped) = ollama(&body).unwrap();
    assert_eq!(
        seen(&conversation),
        pairs(&[
            ("/messages/0/content/0", r#"{"type":"image_url","image_url":{"url":"data:image/png;base64,"}}"#),
            ("/messages/0/content/1/text", "a"),
            ("/messages/1/tool_calls/0/function/name", "e"),
            ("/messages/1/tool_calls/0/function/arguments", r#"{"v":1}"#),
            ("/messages/1/tool_calls/1/function/name", "f"),
            ("/messages/1/tool_calls/1/function/arguments", r#"{"v":2}"#),
            ("/messages/2/content", "g"),
            ("/messages/3/content", "h"),
            ("/tools/0/function/name", "e"),
            ("/tools/0/function/parameters", r#"{"type":"k"}"#),
            ("/generation/stop/0", "n"),
            ("/response_format/json_schema/name", "answer"),
            ("/response_format/json_schema/schema", r#"{"type":"object"}"#),
        ])
    );
    assert_eq!(conversation.document().unscannable(), 1);
    assert_eq!(dropped.unwrap(), "options.mirostat, messages[1].thinking, think");
    let answers: Vec<_> = conversation.messages().iter().map(|message| message.answers).collect();
    assert_eq!(answers, [None, None, Some(2), Some(1)], "a result belongs to the call of its tool");
}

/// A refusal names the field as the client wrote it.
#[test]
fn a_path_is_the_clients() {
    let call = |arguments: &str| {
        json!({"model": "cordon", "messages": [
            {"role": "user", "content": "x"},
            {"role": "assistant", "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}]},
        ]})
    };
    let mut odd = json!({"model": "cordon", "messages": [{"role": "user", "content": "x"}]});
    let field = |body: &Value| openai(body).unwrap_err().field.unwrap();
    assert_eq!(field(&call("{\"canary\": ")), "messages[1].tool_calls[0].function.arguments");
    odd["tool_choice"] = json!("required");
    assert_eq!(field(&odd), "tool_choice");
    odd["tool_choice"] = Value::Null;
    odd["stop"] = json!(vec!["x"; 17]);
    assert_eq!(field(&odd), "stop");
    odd["stop"] = Value::Null;
    odd["response_format"] = json!({"type": "json_schema", "json_schema": {"name": "not a name", "schema": {}}});
    assert_eq!(field(&odd), "response_format.json_schema.name");
    odd["response_format"] = Value::Null;
    odd["tools"] = json!([{"type": "function", "function": {"name": "not a name"}}]);
    assert_eq!(field(&odd), "tools[0].function.name");
    odd["messages"] = json!([{"role": "tool", "tool_call_id": "1", "content": "x"}]);
    odd["tools"] = Value::Null;
    assert_eq!(field(&odd), "messages[0].tool_call_id");
}

/// Any JSON, with strings that are told apart from everything else.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("text".to_owned()),
        Just("user".to_owned()),
        Just("assistant".to_owned()),
        Just("tool".to_owned()),
        Just("function".to_owned()),
        Just("{}".to_owned()),
        "zq[a-z]{6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        (-3i64..40).prop_map(Value::from),
        word.prop_map(Value::String),
    ];
    let key = prop_oneof![
        8 => proptest::sample::select(vec![
            "role", "content", "name", "type", "text", "refusal", "function", "arguments", "parameters", "description",
            "tool_calls", "tool_call_id", "tool_name", "id", "json_schema", "schema", "images", "image_url", "url",
            "thinking",
        ]).prop_map(str::to_owned),
        1 => "kq[a-z]{6}",
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// A body whose messages are likely to be accepted, with anything beside and inside.
fn any_body() -> impl Strategy<Value = Value> {
    let message = (proptest::sample::select(vec!["system", "user", "assistant"]), any_json(), any_json(), any_json())
        .prop_map(|(role, content, name, other)| {
            let content = match content {
                text @ Value::String(_) => text,
                Value::Array(parts) => parts
                    .into_iter()
                    .map(|part| match part {
                        Value::Object(mut part) => {
                            let kind = part.get("type").and_then(Value::as_str).unwrap_or("zqkind").to_owned();
                            part.insert("type".to_owned(), kind.clone().into());
                            if kind == "text" {
                                part.insert("text".to_owned(), "zqpart".into());
                            }
                            Value::Object(part)
                        }
                        other => json!({"type": "text", "text": format!("zq{other}")}),
                    })
                    .collect(),
                _ => "zqplain".into(),
            };
            json!({"role": role, "content": content, "name": name.as_str(), "extra": other})
        });
    let key = prop_oneof![
        4 => proptest::sample::select(vec![
            "tools", "tool_choice", "response_format", "stop", "metadata", "user", "format", "options", "stream_options",
            "keep_alive", "temperature",
        ]).prop_map(str::to_owned),
        1 => "kq[a-z]{6}",
    ];
    (proptest::collection::vec(message, 1..4), proptest::collection::vec((key, any_json()), 0..3)).prop_map(
        |(messages, fields)| {
            let mut body = json!({"model": "cordon", "messages": messages});
            for (key, value) in fields {
                body[key] = value;
            }
            body
        },
    )
}

/// The strings of a body that mark themselves, with their paths; ids of calls, which never leave, are left out.
fn marked(value: &Value, at: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) if text.starts_with("zq") => out.push((at.to_owned(), text.clone())),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| marked(item, &format!("{at}[{index}]"), out));
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                let at = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                // A field without a value says nothing.
                if key.starts_with("kq") && !value.is_null() {
                    out.push((at.clone(), key.clone()));
                }
                if !["id", "tool_call_id", "tool_name"].contains(&key.as_str()) {
                    marked(value, &at, out);
                }
            }
        }
        _ => {}
    }
}

fn nothing_is_lost(body: &Value, read: Result<(Conversation, Option<String>), Refusal>) -> Result<(), TestCaseError> {
    let mut strings = Vec::new();
    marked(body, "", &mut strings);
    match read {
        Err(refusal) => {
            let said = format!("{} {:?}", refusal.message, refusal.field);
            prop_assert!(!said.contains("zq") && !said.contains("kq"), "{said}");
        }
        Ok((conversation, dropped)) => {
            let scanned = seen(&conversation);
            let dropped = dropped.unwrap_or_default();
            let many = dropped.contains('+');
            for (at, text) in strings {
                let found = scanned.iter().any(|(_, part)| part.contains(&text));
                let named = dropped.split(", ").any(|name| at.starts_with(name));
                prop_assert!(found || named || many, "{at} is neither scanned nor dropped: {body}");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_string_of_openais_body_is_scanned_or_dropped(body in any_body()) {
        nothing_is_lost(&body, openai(&body))?;
    }

    #[test]
    fn every_string_of_ollamas_body_is_scanned_or_dropped(body in any_body()) {
        nothing_is_lost(&body, ollama(&body))?;
    }
}
