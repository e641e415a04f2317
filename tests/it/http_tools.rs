//! Tools, content parts and formats by OpenAI's and Ollama's shapes: scanned, passed through, and answered.

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::common::backend::{Backend, answer};
use crate::common::web::{events, header, lines, read};
use crate::common::{Setup, TestServer};

/// A card number that is nobody's, with the word that makes it one beyond doubt.
const CARD: &str = "card 4539 1488 0343 6467";

fn chunk(delta: &Value, finish: &Value) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))
}

/// An answer that calls two tools, the arguments in pieces.
fn calling(arguments: [&str; 2]) -> ResponseTemplate {
    let piece = |value: Value| chunk(&json!({"tool_calls": [value]}), &Value::Null);
    let body = [
        piece(json!({"index": 0, "id": "c-7", "type": "function", "function": {"name": "lookup", "arguments": ""}})),
        piece(json!({"index": 0, "function": {"arguments": arguments[0]}})),
        piece(json!({"index": 0, "function": {"arguments": arguments[1]}})),
        piece(json!({"index": 1, "type": "function", "function": {"name": "now", "arguments": "{}"}})),
        chunk(&json!({}), &json!("tool_calls")),
        "data: [DONE]\n\n".to_owned(),
    ];
    ResponseTemplate::new(200).set_body_raw(body.concat(), "text/event-stream")
}

fn tools() -> Value {
    let tool = |name: &str| {
        json!({"type": "function", "function": {
            "name": name,
            "description": "Looks a word up.",
            "parameters": {"type": "object", "properties": {"of": {"type": "string"}}},
        }})
    };
    json!([tool("lookup"), tool("now")])
}

fn body() -> Value {
    json!({"model": "cordon", "messages": [{"role": "user", "content": "Why are there tides?"}], "tools": tools()})
}

#[tokio::test]
async fn calls_of_tools_pass_through_whole_and_in_pieces() {
    let local = Backend::answering(calling(["{\"of\":", " \"tides\"}"])).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let mut asked = body();
    asked["tool_choice"] = json!("required");
    let (status, said) = read(server.openai(&asked).await).await;
    assert_eq!(status, 200);
    let choice = &said["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!("tool_calls"), &Value::Null));
    let calls = choice["message"]["tool_calls"].as_array().unwrap();
    assert_eq!((calls.len(), &calls[0]["id"], &calls[0]["type"]), (2, &json!("c-7"), &json!("function")));
    assert_eq!(calls[0]["function"], json!({"name": "lookup", "arguments": "{\"of\": \"tides\"}"}));
    assert!(calls[1]["id"].as_str().unwrap().starts_with("call_"), "a call without an id gets one");
    let sent: Value = serde_json::from_str(&local.received().await[0]).unwrap();
    assert_eq!((&sent["tools"], &sent["tool_choice"]), (&tools(), &json!("required")));

    asked["stream"] = json!(true);
    let (_, data) = events(&server.openai(&asked).await.text().await.unwrap());
    let chunks: Vec<Value> = data[..data.len() - 1].iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    let pieces: Vec<&Value> =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0)).collect();
    assert_eq!((&pieces[0]["id"], &pieces[0]["function"]["name"]), (&json!("c-7"), &json!("lookup")));
    let arguments: String = pieces
        .iter()
        .filter(|piece| piece["index"] == 0)
        .map(|piece| piece["function"]["arguments"].as_str().unwrap())
        .collect();
    assert_eq!(arguments, "{\"of\": \"tides\"}");
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");

    asked["tool_choice"] = Value::Null;
    let said = lines(&server.ollama(&asked).await.text().await.unwrap());
    let called = said.iter().find(|line| line["message"]["tool_calls"].is_array()).unwrap();
    assert_eq!(
        called["message"]["tool_calls"],
        json!([
            {"function": {"name": "lookup", "arguments": {"of": "tides"}}},
            {"function": {"name": "now", "arguments": {}}},
        ])
    );
    assert_eq!(said.last().unwrap()["done"], true);
    server.stop().await;
}

#[tokio::test]
async fn broken_json_of_a_call_is_the_models_words_or_a_clear_error() {
    let local = Backend::answering(calling(["{\"of\": canary", ""])).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    // OpenAI's shape holds text, so it holds what the model wrote.
    let (status, said) = read(server.openai(&body()).await).await;
    assert_eq!(status, 200);
    let calls = &said["choices"][0]["message"]["tool_calls"];
    assert_eq!(calls[0]["function"]["arguments"], "{\"of\": canary");
    // Ollama's holds objects.
    let said = lines(&server.ollama(&body()).await.text().await.unwrap());
    assert!(said.last().unwrap()["error"].as_str().unwrap().contains("no JSON object"));
    assert!(said.iter().all(|line| line["done"] != true));
    let mut whole = body();
    whole["stream"] = json!(false);
    let (status, said) = read(server.ollama(&whole).await).await;
    assert_eq!(status, 503);
    assert!(said["error"].is_string() && !said.to_string().contains("canary"));
    // In a request it is refused, whoever wrote it.
    let mut asked = body();
    asked["messages"] = json!([
        {"role": "user", "content": "Why are there tides?"},
        {"role": "assistant", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "lookup", "arguments": "{\"of\": canary"}}]},
    ]);
    let (status, said) = read(server.openai(&asked).await).await;
    assert_eq!((status, &said["error"]["code"]), (400, &json!("invalid_json")));
    assert_eq!(said["error"]["param"], "messages[1].tool_calls[0].function.arguments");
    assert!(!said.to_string().contains("canary"));
    server.stop().await;
}

/// Wherever the card stands, the request is confidential and goes to no cloud.
#[tokio::test]
async fn a_card_at_any_place_stays_here() {
    let local = Backend::answering(answer("local")).await;
    let cloud = Backend::answering(answer("cloud")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local") + &cloud.entry("there", "cloud"))).await;
    let call = |arguments: &str| json!([{"id": "1", "type": "function", "function": {"name": "lookup", "arguments": arguments}}]);
    let whole = || {
        json!({
            "model": "cordon",
            "messages": [
                {"role": "system", "content": "Answer at length."},
                {"role": "user", "content": [{"type": "text", "text": "Why are there tides?"}, {"type": "text", "text": "x"}]},
                {"role": "assistant", "tool_calls": call("{\"of\": \"tides\"}")},
                {"role": "tool", "tool_call_id": "1", "content": "the moon"},
            ],
            "tools": tools(),
            "stop": ["END"],
        })
    };
    let complex = |body: &Value| server.post("/v1/chat/completions", body).header("x-cordon-complexity", "complex");
    let response = complex(&whole()).send().await.unwrap();
    assert_eq!(
        (header(&response, "x-cordon-level"), header(&response, "x-cordon-route")),
        ("public".into(), "cloud".into())
    );
    type Plant = fn(&mut Value);
    let places: [Plant; 9] = [
        |body| body["messages"][0]["content"] = json!(CARD),
        |body| body["messages"][0]["name"] = json!(CARD),
        |body| body["messages"][1]["content"][1]["text"] = json!(CARD),
        |body| body["messages"][2]["tool_calls"][0]["function"]["arguments"] = json!(format!("{{\"of\": \"{CARD}\"}}")),
        |body| body["messages"][3]["content"] = json!(CARD),
        |body| body["tools"][0]["function"]["description"] = json!(CARD),
        |body| body["tools"][0]["function"]["parameters"]["properties"]["of"]["default"] = json!(CARD),
        |body| body["stop"] = json!([CARD]),
        |body| {
            body["response_format"] =
                json!({"type": "json_schema", "json_schema": {"name": "a", "schema": {"title": CARD}}})
        },
    ];
    for (index, plant) in places.iter().enumerate() {
        let mut body = whole();
        plant(&mut body);
        let response = complex(&body).send().await.unwrap();
        assert_eq!(header(&response, "x-cordon-level"), "confidential", "place {index}");
        assert_eq!(
            (response.status().as_u16(), header(&response, "x-cordon-route")),
            (200, "local".into()),
            "place {index}"
        );
    }
    // What cannot be read is confidential too.
    let mut body = whole();
    body["messages"][1]["content"][1] =
        json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}});
    let response = complex(&body).send().await.unwrap();
    assert_eq!(
        (header(&response, "x-cordon-level"), header(&response, "x-cordon-route")),
        ("confidential".into(), "local".into())
    );
    // Dropped fields decide nothing and go nowhere.
    let mut body = whole();
    body["metadata"] = json!({"note": CARD});
    body["user"] = json!(CARD);
    let response = complex(&body).send().await.unwrap();
    assert_eq!(
        (header(&response, "x-cordon-level"), header(&response, "x-cordon-dropped")),
        ("public".into(), "metadata, user".into())
    );
    assert!(!cloud.saw("4539").await, "no byte of it left");
    assert_eq!(cloud.received().await.len(), 2);
    server.stop().await;
}
