//! Whole conversations: every string of a request is scanned or dropped, wherever it stands, and one that is public
//! reaches the cloud with its tools.

use cordon::service::proto::content_part::Part;
use cordon::service::proto::dispatch_stream_response::Event;
use cordon::service::proto::response_format::Kind;
use cordon::service::proto::{
    Complexity, ContentPart, DispatchRequest, FinishReason, GenerationOptions, Message, ResponseFormat, Role, Route,
    Sensitivity, Tool, ToolCall, ToolMode,
};
use serde_json::{Value, json};
use tonic::Code;
use tonic_types::StatusExt as _;
use wiremock::ResponseTemplate;

use crate::common::backend::{Backend, answer};
use crate::common::{Setup, TestServer};

/// A card number that is nobody's, with the word that makes it one beyond doubt.
const CARD: &str = "card 4539 1488 0343 6467";

fn said(role: Role, content: &str) -> Message {
    Message { role: role as i32, content: content.into(), ..Default::default() }
}

fn text(text: &str) -> ContentPart {
    ContentPart { part: Some(Part::Text(text.into())) }
}

fn json_part(value: &Value) -> ContentPart {
    ContentPart { part: Some(Part::Json(value.to_string())) }
}

/// Public, complex, and with something at every place.
fn whole() -> DispatchRequest {
    let call = ToolCall { id: "call-a".into(), name: "lookup".into(), arguments: json!({"of": "tides"}).to_string() };
    let tool = Tool {
        name: "lookup".into(),
        description: "Looks a word up.".into(),
        parameters: json!({"type": "object", "properties": {"of": {"type": "string", "description": "the word"}}})
            .to_string(),
        strict: None,
    };
    DispatchRequest {
        messages: vec![
            said(Role::System, "Answer at length."),
            Message { parts: vec![text("Why are there tides?"), text("Two a day.")], ..said(Role::User, "") },
            Message { tool_calls: vec![call], ..said(Role::Assistant, "") },
            Message {
                tool_call_id: "call-a".into(),
                ..said(Role::Tool, &json!({"word": ["tide", "moon"]}).to_string())
            },
        ],
        generation: Some(GenerationOptions { stop: vec!["END".into()], ..Default::default() }),
        complexity: Complexity::Complex as i32,
        tools: vec![tool],
        response_format: Some(ResponseFormat {
            kind: Kind::JsonSchema as i32,
            name: "reply".into(),
            schema: json!({"type": "object", "title": "a reply"}).to_string(),
            strict: None,
        }),
        ..Default::default()
    }
}

/// Puts something into a request.
type Plant = fn(&mut DispatchRequest);

/// Every place that can hold free text, how to plant the card there, and the pointer under which it must be found.
const PLACES: [(&str, Plant); 11] = [
    ("/messages/0/content", |r| r.messages[0].content = CARD.into()),
    ("/messages/0/name", |r| r.messages[0].name = CARD.into()),
    ("/messages/1/content/1/text", |r| r.messages[1].parts[1] = text(CARD)),
    ("/messages/2/tool_calls/0/function/arguments/deep/0/note", |r| {
        r.messages[2].tool_calls[0].arguments = json!({"deep": [{"note": CARD}]}).to_string();
    }),
    ("/messages/3/content/word/1", |r| r.messages[3].content = json!({"word": ["tide", CARD]}).to_string()),
    ("/messages/3/content", |r| r.messages[3].content = json!({CARD: 1}).to_string()),
    ("/tools/0/function/description", |r| r.tools[0].description = CARD.into()),
    ("/tools/0/function/parameters/properties/of/default", |r| {
        r.tools[0].parameters = json!({"properties": {"of": {"default": CARD}}}).to_string();
    }),
    ("/generation/stop/0", |r| r.generation.as_mut().unwrap().stop[0] = CARD.into()),
    ("/response_format/json_schema/schema/title", |r| {
        r.response_format.as_mut().unwrap().schema = json!({"title": CARD}).to_string();
    }),
    ("/messages/1/content/0/caption", |r| {
        r.messages[1].parts[0] = json_part(&json!({"type": "unheard_of", "caption": CARD}));
    }),
];

async fn house() -> (Backend, Backend, TestServer) {
    let local = Backend::answering(answer("from the local model")).await;
    let cloud = Backend::answering(answer("from the cloud")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local") + &cloud.entry("there", "cloud"))).await;
    (local, cloud, server)
}

#[tokio::test]
async fn a_public_conversation_reaches_the_cloud_whole() {
    let (_local, cloud, server) = house().await;
    let response = server.dispatcher_client().await.dispatch(whole()).await.unwrap().into_inner();
    assert_eq!(response.decision.unwrap().route(), Route::Cloud);
    let sent: Value = serde_json::from_str(&cloud.received().await[0]).unwrap();
    assert_eq!(sent["messages"][1]["content"][1], json!({"type": "text", "text": "Two a day."}));
    assert_eq!(sent["messages"][2]["tool_calls"][0]["function"]["arguments"], json!(r#"{"of":"tides"}"#));
    assert_eq!(sent["messages"][3]["tool_call_id"], sent["messages"][2]["tool_calls"][0]["id"]);
    assert_eq!(sent["tools"][0]["function"]["parameters"]["properties"]["of"]["description"], json!("the word"));
    assert_eq!(sent["response_format"]["json_schema"]["schema"]["title"], json!("a reply"));
    assert!(!cloud.saw("call-a").await, "the caller's ids stay");
    server.stop().await;
}

#[tokio::test]
async fn nothing_leaves_from_any_place() {
    let (local, cloud, server) = house().await;
    for (pointer, plant) in PLACES {
        let mut request = whole();
        plant(&mut request);
        let response = server.dispatcher_client().await.dispatch(request).await;
        let response = response.unwrap_or_else(|status| panic!("{pointer}: {status}")).into_inner();
        let verdict = response.verdict.unwrap();
        assert_eq!(verdict.level(), Sensitivity::Confidential, "{pointer}");
        let found: Vec<_> = verdict.findings.iter().filter(|f| f.entity_type == "CREDIT_CARD").collect();
        let at: Vec<_> = found.iter().map(|finding| finding.json_pointer.as_str()).collect();
        assert_eq!(at, [pointer]);
        let decision = response.decision.unwrap();
        assert_eq!((decision.route(), decision.ceiling()), (Route::Local, Route::Local), "{pointer}");
    }
    assert!(cloud.received().await.is_empty(), "the cloud got nothing");
    assert_eq!(local.received().await.len(), PLACES.len());
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_scanned_is_confidential_unless_the_policy_says_otherwise() {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
    let mut request = whole();
    request.messages[1].parts.push(json_part(&image));
    let (local, cloud, server) = house().await;
    let response = server.dispatcher_client().await.dispatch(request.clone()).await.unwrap().into_inner();
    let verdict = response.verdict.unwrap();
    assert_eq!(verdict.level(), Sensitivity::Confidential);
    assert_eq!(verdict.reasons[0].rule, "unscannable_content");
    assert_eq!(response.decision.unwrap().route(), Route::Local);
    assert!(local.saw("iVBORw0KGgo=").await, "the local model gets the image");
    assert!(cloud.received().await.is_empty());
    server.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let policy = include_str!("../../policy/default.toml");
    let policy = policy.replacen("unscannable_content = \"confidential\"", "unscannable_content = \"public\"", 1);
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, policy).unwrap();
    let config = format!("policy = {:?}\n", path.display().to_string())
        + &local.entry("here", "local")
        + &cloud.entry("there", "cloud");
    let server = TestServer::start(Setup::with(config)).await;
    let response = server.dispatcher_client().await.dispatch(request).await.unwrap().into_inner();
    assert_eq!(response.verdict.unwrap().level(), Sensitivity::Public);
    assert_eq!(response.decision.unwrap().route(), Route::Cloud);
    assert!(cloud.saw("iVBORw0KGgo=").await);
    server.stop().await;
}

fn calling() -> ResponseTemplate {
    let chunk = |delta: Value, reason: Value| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}))
    };
    let body = [
        chunk(
            json!({"tool_calls": [{"index": 0, "id": "x1", "function": {"name": "lookup", "arguments": "{\"of\":"}}]}),
            Value::Null,
        ),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": "\"moon\"}"}}]}), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        "data: [DONE]\n\n".to_owned(),
    ];
    ResponseTemplate::new(200).set_body_raw(body.concat(), "text/event-stream")
}

#[tokio::test]
async fn calls_of_tools_reach_the_caller() {
    let local = Backend::answering(calling()).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let response = server.dispatcher_client().await.dispatch(whole()).await.unwrap().into_inner();
    let call = ToolCall { id: "x1".into(), name: "lookup".into(), arguments: r#"{"of":"moon"}"#.into() };
    assert_eq!((response.content.as_str(), response.tool_calls), ("", vec![call]));
    assert_eq!(response.outcome.unwrap().finish_reason(), FinishReason::ToolCalls);

    let mut stream = server.dispatcher_client().await.dispatch_stream(whole()).await.unwrap().into_inner();
    let mut arguments = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        if let Some(Event::ToolCall(piece)) = message.event {
            arguments.push((piece.index, piece.name, piece.arguments));
        }
    }
    assert_eq!(arguments, [(0, "lookup".into(), "{\"of\":".into()), (0, String::new(), "\"moon\"}".into())]);
    server.stop().await;
}

#[tokio::test]
async fn bad_conversations_are_refused_with_the_field_named() {
    let (local, _cloud, server) = house().await;
    let cases: [(&str, &str, Plant); 14] = [
        ("messages[2].tool_calls[0].arguments", "INVALID_JSON", |r| {
            r.messages[2].tool_calls[0].arguments = r#"{"of": "canary"#.into();
        }),
        ("messages[2].tool_calls[0].arguments", "INVALID_JSON", |r| {
            r.messages[2].tool_calls[0].arguments = "[1]".into()
        }),
        ("messages[2].tool_calls[0].name", "INVALID_NAME", |r| r.messages[2].tool_calls[0].name = "canary!".into()),
        ("messages[2].tool_calls[0].id", "EMPTY_REQUEST", |r| r.messages[2].tool_calls[0].id.clear()),
        ("messages[3].tool_call_id", "UNKNOWN_TOOL_CALL", |r| r.messages[3].tool_call_id = "canary".into()),
        ("messages[1].tool_call_id", "ROLE_NOT_ALLOWED", |r| r.messages[1].tool_call_id = "call-a".into()),
        ("messages[1].tool_calls", "ROLE_NOT_ALLOWED", |r| r.messages[1].tool_calls = r.messages[2].tool_calls.clone()),
        ("messages[1].parts", "AMBIGUOUS_CONTENT", |r| r.messages[1].content = "canary".into()),
        ("messages[1].parts[0].json", "INVALID_JSON", |r| r.messages[1].parts[0] = json_part(&json!({"canary": 1}))),
        ("tools[0].parameters", "INVALID_JSON", |r| r.tools[0].parameters = "canary".into()),
        ("tools[1].name", "DUPLICATE", |r| r.tools.push(r.tools[0].clone())),
        ("tools", "TOO_MANY", |r| r.tools = vec![r.tools[0].clone(); 129]),
        ("tool_name", "UNKNOWN_TOOL", |r| {
            r.tool_mode = ToolMode::Named as i32;
            r.tool_name = "canary".into();
        }),
        ("response_format.schema", "INVALID_JSON", |r| r.response_format.as_mut().unwrap().schema = "canary".into()),
    ];
    for (field, reason, plant) in cases {
        let mut request = whole();
        plant(&mut request);
        let status = server.dispatcher_client().await.dispatch(request).await.unwrap_err();
        let details = status.get_error_details();
        let named = &details.bad_request().unwrap().field_violations[0].field;
        let told = (status.code(), details.error_info().unwrap().reason.as_str(), named.as_str());
        assert_eq!(told, (Code::InvalidArgument, reason, field));
        assert!(!format!("{status:?}").contains("canary"), "{status}");
    }
    assert!(local.received().await.is_empty());
    server.stop().await;
}

/// As many messages as anybody sends: each is read, and the one that matters is not lost among them.
#[tokio::test]
async fn two_thousand_messages_are_one_request() {
    let (local, cloud, server) = house().await;
    let mut request = whole();
    request.messages = (0..2000).map(|number| said(Role::User, &format!("Line {number} of the poem."))).collect();
    request.messages[1234].content = format!("By the way, my {CARD}.");
    let response = server.dispatcher_client().await.dispatch(request).await.unwrap().into_inner();
    let verdict = response.verdict.unwrap();
    assert_eq!(verdict.level(), Sensitivity::Confidential);
    assert!(verdict.findings.iter().any(|finding| finding.json_pointer == "/messages/1234/content"));
    assert!(cloud.received().await.is_empty());
    let sent: Value = serde_json::from_str(&local.received().await[0]).unwrap();
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(2000));
    server.stop().await;
}
