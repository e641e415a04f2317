//! Tools, attachments and answer formats on the wire: what is sent, and how calls come back.

use serde_json::{Value, json};

use super::*;
use crate::document::{Attachment, Content, Json, ResponseFormat, Tool, ToolCall, ToolChoice, Tools};

fn object(value: &Value) -> Json {
    Json::object(&value.to_string()).unwrap()
}

fn image(url: &str) -> Attachment {
    Attachment::new(json!({"type": "image_url", "image_url": {"url": url}}).as_object().unwrap())
}

fn parameters() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}})
}

fn tools(choice: ToolChoice) -> Tools {
    let weather = Tool {
        name: "weather".into(),
        description: Some("tells it".into()),
        parameters: Some(object(&parameters())),
        strict: Some(true),
    };
    let now = Tool { name: "now".into(), description: None, parameters: None, strict: None };
    Tools { definitions: vec![weather, now], choice, parallel: Some(false) }
}

fn talk(choice: ToolChoice, format: ResponseFormat) -> Conversation {
    let call =
        |number| ToolCall { number, name: "weather".into(), arguments: object(&json!({"city": format!("c{number}")})) };
    let messages = vec![
        Message {
            content: vec![Content::Text("look".into()), Content::Attachment(image("data:image/png;base64,QUJD"))],
            ..Message::new(Role::User, "")
        },
        Message { content: Vec::new(), tool_calls: vec![call(1), call(2)], ..Message::new(Role::Assistant, "") },
        Message { answers: Some(1), ..Message::new(Role::Tool, "sun") },
        Message { answers: Some(2), ..Message::new(Role::Tool, "rain") },
    ];
    Conversation::with_tools(messages, tools(choice), Generation { response_format: format, ..Generation::default() })
}

async fn sent(kind: BackendKind, text: &Conversation) -> Value {
    let server = Server::always(response(200, type_of(kind), &answer_of(kind, &["x"])));
    ask_with(&config(kind, &server.url()), text, call()).await.unwrap();
    server.requests().remove(0).json()
}

#[tokio::test]
async fn chat_completions_get_everything() {
    let schema = ResponseFormat::JsonSchema { name: "s".into(), schema: object(&json!({"a": 1})), strict: Some(true) };
    let body = sent(BackendKind::Openai, &talk(ToolChoice::Named(1), schema)).await;
    let called = |number: u32| {
        let arguments = format!("{{\"city\":\"c{number}\"}}");
        json!({"id": format!("call_{number}"), "type": "function", "function": {"name": "weather", "arguments": arguments}})
    };
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
            ]},
            {"role": "assistant", "content": null, "tool_calls": [called(1), called(2)]},
            {"role": "tool", "content": "sun", "tool_call_id": "call_1"},
            {"role": "tool", "content": "rain", "tool_call_id": "call_2"},
        ])
    );
    let weather = json!({"name": "weather", "description": "tells it", "parameters": parameters(), "strict": true});
    let now = json!({"type": "function", "function": {"name": "now"}});
    assert_eq!(body["tools"], json!([{"type": "function", "function": weather}, now]));
    assert_eq!(body["tool_choice"], now);
    assert_eq!(body["parallel_tool_calls"], json!(false));
    let schema = json!({"name": "s", "schema": {"a": 1}, "strict": true});
    assert_eq!(body["response_format"], json!({"type": "json_schema", "json_schema": schema}));
    let plain = sent(BackendKind::Openai, &talk(ToolChoice::Auto, ResponseFormat::JsonObject)).await;
    assert_eq!((&plain["tool_choice"], &plain["response_format"]), (&Value::Null, &json!({"type": "json_object"})));
}

#[tokio::test]
async fn the_messages_api_gets_blocks() {
    let body = sent(BackendKind::Anthropic, &talk(ToolChoice::Required, ResponseFormat::Text)).await;
    let called = |number: u32| json!({"type": "tool_use", "id": format!("call_{number}"), "name": "weather", "input": {"city": format!("c{number}")}});
    let result = |number: u32, content: &str| json!({"type": "tool_result", "tool_use_id": format!("call_{number}"), "content": content});
    let source = json!({"type": "base64", "media_type": "image/png", "data": "QUJD"});
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image", "source": source}]},
            {"role": "assistant", "content": [called(1), called(2)]},
            {"role": "user", "content": [result(1, "sun"), result(2, "rain")]},
        ])
    );
    let weather = json!({"name": "weather", "description": "tells it", "input_schema": parameters()});
    assert_eq!(body["tools"], json!([weather, {"name": "now", "input_schema": {"type": "object"}}]));
    assert_eq!(body["tool_choice"], json!({"type": "any", "disable_parallel_tool_use": true}));
}

#[tokio::test]
async fn ollama_gets_images_and_calls() {
    let body = sent(BackendKind::Ollama, &talk(ToolChoice::Auto, ResponseFormat::JsonObject)).await;
    let called = |number: u32| json!({"function": {"name": "weather", "arguments": {"city": format!("c{number}")}}});
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": "look", "images": ["QUJD"]},
            {"role": "assistant", "content": "", "tool_calls": [called(1), called(2)]},
            {"role": "tool", "content": "sun", "tool_name": "weather"},
            {"role": "tool", "content": "rain", "tool_name": "weather"},
        ])
    );
    assert_eq!((body["tools"].as_array().map(Vec::len), &body["format"]), (Some(2), &json!("json")));
    let silent = sent(BackendKind::Ollama, &talk(ToolChoice::None, ResponseFormat::Text)).await;
    assert_eq!((silent.get("tools"), silent.get("format")), (None, None));
}

/// What an API has no place for is refused by name: dropped silently, it would change what is asked.
#[tokio::test]
async fn what_an_api_cannot_take_is_refused() {
    let remote = Conversation::new(
        vec![Message {
            content: vec![Content::Attachment(image("https://example.org/a.png"))],
            ..Message::new(Role::User, "")
        }],
        Generation::default(),
    );
    let sound = json!({"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}});
    let sound = Attachment::new(sound.as_object().unwrap());
    let sound = Conversation::new(
        vec![Message { content: vec![Content::Attachment(sound)], ..Message::new(Role::User, "") }],
        Generation::default(),
    );
    for (kind, text) in [
        (BackendKind::Anthropic, &talk(ToolChoice::Auto, ResponseFormat::JsonObject)),
        (BackendKind::Anthropic, &sound),
        (BackendKind::Ollama, &talk(ToolChoice::Required, ResponseFormat::Text)),
        (BackendKind::Ollama, &remote),
        (BackendKind::Ollama, &sound),
    ] {
        let server = Server::always(response(200, type_of(kind), &answer_of(kind, &["x"])));
        let error = ask_with(&config(kind, &server.url()), text, call()).await.unwrap_err();
        assert!(matches!(error.fault, Fault::Unsupported(_)), "{kind}: {error}");
        assert!(server.requests().is_empty(), "{kind}: nothing was sent");
    }
}

async fn calls(kind: BackendKind, body: &str) -> (Vec<ToolCallPiece>, FinishReason) {
    let server = Server::always(response(200, type_of(kind), body));
    let mut stream = config(kind, &server.url()).endpoint().unwrap().open(&conversation(), call()).await.unwrap();
    let (mut pieces, mut reason) = (Vec::new(), None);
    while let Some(piece) = stream.next().await {
        match piece.unwrap() {
            Piece::Tokens(_) | Piece::Vectors(_) => panic!("nobody asked for them"),
            Piece::Text(_) => {}
            Piece::ToolCall(call) => pieces.push(call),
            Piece::Finish(finish) => reason = Some(finish.reason),
        }
    }
    (pieces, reason.unwrap())
}

fn piece(index: u32, id: Option<&str>, name: Option<&str>, arguments: &str) -> ToolCallPiece {
    ToolCallPiece { index, id: id.map(Into::into), name: name.map(Into::into), arguments: arguments.into() }
}

#[tokio::test]
async fn calls_come_back_piece_by_piece() {
    let chunk = |delta: Value, reason: Value| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}))
    };
    let openai = [
        chunk(
            json!({"tool_calls": [{"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}}]}),
            Value::Null,
        ),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\":"}}]}), Value::Null),
        chunk(
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "1}"}}, {"index": 1, "id": "call_b", "function": {"name": "g", "arguments": "{}"}}]}),
            Value::Null,
        ),
        chunk(json!({}), json!("tool_calls")),
        "data: [DONE]\n\n".to_owned(),
    ];
    let expected = [
        piece(0, Some("call_a"), Some("f"), ""),
        piece(0, None, None, "{\"a\":"),
        piece(0, None, None, "1}"),
        piece(1, Some("call_b"), Some("g"), "{}"),
    ];
    assert_eq!(calls(BackendKind::Openai, &openai.concat()).await, (expected.to_vec(), FinishReason::ToolCalls));

    let event = |value: Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    let anthropic = [
        event(json!({"type": "message_start", "message": {"usage": {"input_tokens": 1}}})),
        event(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
        event(
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "t1", "name": "f", "input": {}}}),
        ),
        event(
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": ""}}),
        ),
        event(
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":1}"}}),
        ),
        event(json!({"type": "content_block_stop", "index": 1})),
        event(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}})),
        event(json!({"type": "message_stop"})),
    ];
    let expected = [piece(0, Some("t1"), Some("f"), ""), piece(0, None, None, "{\"a\":1}")];
    assert_eq!(calls(BackendKind::Anthropic, &anthropic.concat()).await, (expected.to_vec(), FinishReason::ToolCalls));

    let function = json!({"function": {"name": "f", "arguments": {"a": 1}}});
    let ollama = [
        json!({"message": {"role": "assistant", "content": "", "tool_calls": [function, function]}, "done": false}),
        json!({"message": {"role": "assistant", "content": ""}, "done": true, "done_reason": "stop"}),
    ];
    let ollama: String = ollama.iter().map(|line| format!("{line}\n")).collect();
    let expected = [piece(0, None, Some("f"), "{\"a\":1}"), piece(1, None, Some("f"), "{\"a\":1}")];
    assert_eq!(calls(BackendKind::Ollama, &ollama).await, (expected.to_vec(), FinishReason::ToolCalls));
}

#[tokio::test]
async fn an_answer_cannot_call_without_end() {
    let chunk = json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 4_000_000_000u32, "function": {"name": "canary"}}]}}]});
    let server = Server::always(response(200, "text/event-stream", &format!("data: {chunk}\n\n")));
    let error = ask(&config(BackendKind::Openai, &server.url())).await.unwrap_err();
    assert!(matches!(error.fault, Fault::Malformed(_)), "{error}");
    assert_silent(&error);
}
