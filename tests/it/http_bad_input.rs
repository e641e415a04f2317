//! Requests by HTTP that are wrong, large or odd: each has a clear answer that names the field and repeats nothing.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::common::backend::{Backend, answer};
use crate::common::web::{chat, client, events, header, read};
use crate::common::{Setup, TestServer};

const PUBLIC: &str = "What is the capital of France?";

async fn answering(config: &str) -> (TestServer, Backend) {
    let local = Backend::answering(answer("Paris it is")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local") + config)).await;
    (server, local)
}

#[tokio::test]
async fn wrong_fields_are_named_and_never_repeated() {
    let (server, local) = answering("").await;
    let with = |name: &str, value: Value| {
        let mut body = chat(PUBLIC);
        body[name] = value;
        body
    };
    let message = |message: Value| json!({"model": "cordon", "messages": [{"role": "user", "content": "x"}, message]});
    for (body, param, code) in [
        (json!({"messages": []}), "model", "missing_parameter"),
        (json!({"model": "cordon"}), "messages", "missing_parameter"),
        (json!({"model": "cordon", "messages": []}), "messages", "empty_request"),
        (json!({"model": "cordon", "messages": "canary"}), "messages", "invalid_type"),
        (message(json!("canary")), "messages[1]", "invalid_type"),
        (message(json!({"content": "canary"})), "messages[1].role", "missing_parameter"),
        (message(json!({"role": "canary", "content": "x"})), "messages[1].role", "role_not_allowed"),
        (message(json!({"role": "user", "content": 7})), "messages[1].content", "invalid_type"),
        (
            message(json!({"role": "user", "content": [{"text": "canary"}]})),
            "messages[1].content[0].type",
            "missing_parameter",
        ),
        (message(json!({"role": "user", "content": "x", "name": ["canary"]})), "messages[1].name", "invalid_type"),
        (with("n", json!(2)), "n", "unsupported_parameter"),
        (with("logprobs", json!(true)), "logprobs", "unsupported_parameter"),
        (with("frequency_penalty", json!(1)), "frequency_penalty", "unsupported_parameter"),
        (with("logit_bias", json!({"50256": -100})), "logit_bias", "unsupported_parameter"),
        (with("functions", json!([{"name": "canary"}])), "functions", "unsupported_parameter"),
        (with("modalities", json!(["text", "audio"])), "modalities", "unsupported_parameter"),
        (with("temperature", json!("canary")), "temperature", "invalid_type"),
        (with("temperature", json!(3)), "temperature", "out_of_range"),
        (with("top_p", json!(-0.1)), "top_p", "out_of_range"),
        (with("max_tokens", json!(0)), "max_tokens", "out_of_range"),
        (with("max_completion_tokens", json!(1.5)), "max_completion_tokens", "invalid_type"),
        (with("seed", json!("canary")), "seed", "invalid_type"),
        (with("stream", json!("canary")), "stream", "invalid_type"),
        (with("stop", json!([7])), "stop", "invalid_type"),
        (with("stop", json!([""])), "stop", "out_of_range"),
        (with("stop", json!(vec!["x"; 17])), "stop", "out_of_range"),
    ] {
        let (status, said) = read(server.openai(&body).await).await;
        let error = &said["error"];
        assert_eq!((status, &error["param"], &error["code"]), (400, &json!(param), &json!(code)), "{body}");
        assert_eq!(error["type"], "invalid_request_error");
        assert!(!said.to_string().contains("canary"), "{said}");
    }
    for (body, param) in [
        (with("options", json!({"temperature": "canary"})), "options.temperature"),
        (with("options", json!({"num_predict": 0})), "options.num_predict"),
        (with("stream", json!(1)), "stream"),
        (message(json!({"role": "developer", "content": "x"})), "messages[1].role"),
    ] {
        let (status, said) = read(server.ollama(&body).await).await;
        assert_eq!(status, 400);
        assert!(said["error"].as_str().unwrap().starts_with(param), "{said}");
        assert!(!said.to_string().contains("canary"), "{said}");
    }
    assert!(local.received().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_two_readers_could_read_in_two_ways_is_refused() {
    let (server, local) = answering("").await;
    for (body, code) in [
        ("{\"model\": \"cordon\", \"messages\": [canary", "invalid_json"),
        ("", "invalid_json"),
        ("[]", "invalid_json"),
        (r#"{"model":"cordon","messages":[{"role":"user","content":"hello","content":"canary"}]}"#, "repeated_key"),
        (r#"{"model":"cordon","messages":[{"role":"user","content":"hello"}],"m\u0065ssages":[]}"#, "repeated_key"),
    ] {
        let post = client().post(format!("{}/v1/chat/completions", server.url));
        let (status, said) =
            read(post.header("content-type", "application/json").body(body).send().await.unwrap()).await;
        assert_eq!((status, &said["error"]["code"]), (400, &json!(code)), "{body}");
        assert!(!said.to_string().contains("canary"), "{said}");
    }
    let deep = format!("{{\"model\":\"cordon\",\"messages\":[],\"x\":{}}}", "[".repeat(100_000));
    let post = client().post(format!("{}/v1/chat/completions", server.url));
    let (status, said) = read(post.header("content-type", "application/json").body(deep).send().await.unwrap()).await;
    assert_eq!((status, &said["error"]["code"]), (400, &json!("json_too_deep")));
    assert!(local.received().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn limits_are_those_of_grpc_and_named() {
    let (server, _local) = answering("[server.limits]\nmax_text_bytes = 1000\nmax_parts = 2000\n").await;
    let (status, said) = read(server.openai(&chat(&"x".repeat(1001))).await).await;
    assert_eq!((status, &said["error"]["code"]), (413, &json!("text_too_large")));
    assert!(said["error"]["message"].as_str().unwrap().contains("max_text_bytes"));
    let (status, said) = read(server.openai(&chat(&"x".repeat(6_000_000))).await).await;
    assert_eq!((status, &said["error"]["code"]), (413, &json!("body_too_large")));
    let many =
        |count: usize| json!({"model": "cordon", "messages": vec![json!({"role": "user", "content": ""}); count]});
    let (status, said) = read(server.openai(&many(2)).await).await;
    assert_eq!((status, &said["error"]["code"]), (400, &json!("empty_request")));
    let mut over = many(2_001);
    over["messages"][7]["content"] = json!("hello");
    let (status, said) = read(server.openai(&over).await).await;
    assert_eq!((status, &said["error"]["code"]), (400, &json!("too_many_parts")));
    server.stop().await;
}

#[tokio::test]
async fn two_thousand_messages_are_scanned_and_answered() {
    let local = Backend::answering(answer("local")).await;
    let cloud = Backend::answering(answer("cloud")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local") + &cloud.entry("there", "cloud"))).await;
    let mut messages: Vec<Value> = (0..2_000)
        .map(|n| json!({"role": if n % 2 == 0 { "user" } else { "assistant" }, "content": format!("line {n}")}))
        .collect();
    messages[1_234]["content"] = json!("my card is 4539 1488 0343 6467 canary-deep");
    let body = json!({"model": "cordon", "messages": messages});
    let post = server.post("/v1/chat/completions", &body).header("x-cordon-complexity", "complex");
    let response = post.send().await.unwrap();
    assert_eq!(
        (header(&response, "x-cordon-level"), header(&response, "x-cordon-route")),
        ("confidential".into(), "local".into())
    );
    assert_eq!(response.status(), 200);
    let sent: Value = serde_json::from_str(&local.received().await[0]).unwrap();
    assert_eq!(sent["messages"].as_array().unwrap().len(), 2_000);
    assert!(cloud.received().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn ten_mebibytes_of_answer_come_whole_and_more_than_allowed_is_an_error() {
    // 10 MiB in pieces of 8 KiB.
    let piece = "0123456789abcdef".repeat(512);
    let chunk = |delta: Value, finish: Value| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))
    };
    let mut body = chunk(json!({"content": piece}), Value::Null).repeat(1280);
    body.push_str(&chunk(json!({}), json!("stop")));
    body.push_str("data: [DONE]\n\n");
    let local = Backend::answering(ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")).await;
    let config = local.entry("here", "local");
    let server = TestServer::start(Setup::with(config.clone())).await;
    let (status, said) = read(server.openai(&chat(PUBLIC)).await).await;
    // No comparison that would print ten mebibytes.
    assert_eq!(status, 200);
    assert!(said["choices"][0]["message"]["content"] == piece.repeat(1280));
    let mut streamed = chat(PUBLIC);
    streamed["stream"] = json!(true);
    let (_, data) = events(&server.openai(&streamed).await.text().await.unwrap());
    assert_eq!(data.last().unwrap(), "[DONE]");
    server.stop().await;
    let server = TestServer::start(Setup::with(config + "max_answer_bytes = 1048576\n")).await;
    let (status, said) = read(server.openai(&chat(PUBLIC)).await).await;
    assert_eq!(said["error"]["code"], "answer_too_large");
    assert!(status >= 500, "{status}");
    server.stop().await;
}

/// A backend that never ends its stream, and says when its client has left.
struct Endless {
    url: String,
    left: tokio::sync::oneshot::Receiver<()>,
}

async fn endless() -> Endless {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (leaving, left) = tokio::sync::oneshot::channel();
    #[allow(clippy::disallowed_methods, reason = "it ends with the runtime of the test")]
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0u8; 4096];
        let _ = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").await.unwrap();
        let piece = format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": "more "}}]}));
        while stream.write_all(piece.as_bytes()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let _ = leaving.send(());
    });
    Endless { url, left }
}

#[tokio::test]
async fn an_endless_stream_ends_at_the_deadline_and_reaches_the_backend() {
    let backend = endless().await;
    let config = crate::common::backend::entry("here", "local", &backend.url) + "health_interval_ms = 0\n";
    let server = TestServer::start(Setup::with(config)).await;
    let mut body = chat(PUBLIC);
    body["stream"] = json!(true);
    let post = server.post("/v1/chat/completions", &body).header("x-cordon-timeout-ms", "700");
    let text = post.send().await.unwrap().text().await.unwrap();
    let (_, data) = events(&text);
    assert!(text.contains("more "));
    let last: Value = serde_json::from_str(data.last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "deadline_exceeded");
    tokio::time::timeout(Duration::from_secs(5), backend.left).await.unwrap().unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_reaches_the_backend() {
    for stream in [true, false] {
        let backend = endless().await;
        let config = crate::common::backend::entry("here", "local", &backend.url) + "health_interval_ms = 0\n";
        let server = TestServer::start(Setup::with(config)).await;
        let mut body = chat(PUBLIC);
        body["stream"] = json!(stream);
        let post = server.post("/v1/chat/completions", &body);
        if stream {
            let mut response = post.send().await.unwrap();
            assert!(response.chunk().await.unwrap().is_some());
            drop(response);
        } else {
            assert!(post.timeout(Duration::from_millis(500)).send().await.is_err());
        }
        tokio::time::timeout(Duration::from_secs(5), backend.left).await.unwrap().unwrap();
        server.stop().await;
    }
}

#[tokio::test]
async fn a_full_service_says_when_to_come_back() {
    let slow = answer("late").set_delay(Duration::from_secs(2));
    let local = Backend::answering(slow).await;
    let config = local.entry("here", "local") + "[server.limits]\nmax_dispatches = 1\n";
    let server = TestServer::start(Setup::with(config)).await;
    let (body, other) = (chat(PUBLIC), chat(PUBLIC));
    let (first, second) = tokio::join!(server.openai(&body), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        server.openai(&other).await
    });
    assert_eq!(first.status(), 200);
    assert_eq!((second.status().as_u16(), header(&second, "retry-after")), (429, "1".to_owned()));
    let (_, said) = read(second).await;
    assert_eq!((&said["error"]["type"], &said["error"]["code"]), (&json!("rate_limit_error"), &json!("overloaded")));
    server.stop().await;
}

#[tokio::test]
async fn a_backend_that_refuses_is_an_error_without_its_words() {
    let refusal = ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "canary-backend"}}));
    let local = Backend::answering(refusal).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let (status, said) = read(server.openai(&chat(PUBLIC)).await).await;
    assert_eq!((status, &said["error"]["code"]), (400, &json!("backend_rejected")));
    assert!(!said.to_string().contains("canary"));
    server.stop().await;
}
