//! `POST /v1/embeddings`: scanned as one request, sent where the policy lets it go, and only to a model that makes vectors.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::common::backend::{Backend, answer};
use crate::common::web::{chat, header, read};
use crate::common::{Setup, TestServer};

const CARD: &str = "card 4539 1488 0343 6467";

/// A server that makes vectors of two numbers: the place of the text, and a half.
async fn embedder() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/embeddings"))
        .respond_with(|request: &wiremock::Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let count = body["input"].as_array().unwrap().len();
            // Backwards: the index says which is which.
            let data: Vec<Value> = (0..count)
                .rev()
                .map(|index| json!({"object": "embedding", "index": index, "embedding": [index as f32, 0.1]}))
                .collect();
            ResponseTemplate::new(200).set_body_json(
                json!({"object": "list", "data": data, "usage": {"prompt_tokens": 5, "total_tokens": 5}}),
            )
        })
        .mount(&server)
        .await;
    server
}

fn entry(name: &str, side: &str, server: &MockServer, model: &str) -> String {
    let url = server.uri();
    format!(
        "[[backend]]\nname = \"{name}\"\nside = \"{side}\"\nkind = \"openai\"\nurl = \"{url}\"\nembedding_model = \"{model}\"\n"
    )
}

async fn received(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    let posts = requests.iter().filter(|request| request.method.as_str() == "POST");
    posts.map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

#[tokio::test]
async fn texts_become_vectors_in_their_order() {
    let local = embedder().await;
    let server = TestServer::start(Setup::with(entry("vectors", "local", &local, "minilm"))).await;
    let ask = async |body: Value| server.post("/v1/embeddings", &body).send().await.unwrap();
    let response = ask(json!({"model": "minilm", "input": ["one", "two", "three"], "user": "canary"})).await;
    for (name, value) in [
        ("x-cordon-level", "public"),
        ("x-cordon-route", "local"),
        ("x-cordon-model", "minilm"),
        ("x-cordon-complexity", "simple"),
        ("x-cordon-dropped", "user"),
    ] {
        assert_eq!(header(&response, name), value);
    }
    let text = response.text().await.unwrap();
    assert!(text.contains("[2.0,0.1]"), "numbers are written as short as they came: {text}");
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&said["object"], &said["model"]), (&json!("list"), &json!("minilm")));
    let data = said["data"].as_array().unwrap();
    assert_eq!(data.iter().map(|item| item["embedding"][0].as_f64().unwrap()).collect::<Vec<_>>(), [0.0, 1.0, 2.0]);
    assert_eq!(said["usage"], json!({"prompt_tokens": 5, "total_tokens": 5}));
    assert_eq!(
        received(&local).await[0],
        json!({"model": "minilm", "input": ["one", "two", "three"], "encoding_format": "float"})
    );

    // Little-endian single precision: 0.0 and 0.1.
    let (_, said) = read(ask(json!({"model": "cordon", "input": "one", "encoding_format": "base64"})).await).await;
    assert_eq!(said["data"][0]["embedding"], "AAAAAM3MzD0=");
    let (_, listed) = read(server.get("/v1/models").await).await;
    assert_eq!(listed["data"][1]["id"], "minilm");
    server.stop().await;
}

#[tokio::test]
async fn a_confidential_text_among_public_ones_keeps_all_here() {
    let (local, cloud) = (embedder().await, embedder().await);
    let config = entry("here", "local", &local, "minilm") + &entry("there", "cloud", &cloud, "minilm");
    let server = TestServer::start(Setup::with(config)).await;
    let ask = |texts: Value| {
        let body = json!({"model": "cordon", "input": texts});
        server.post("/v1/embeddings", &body).header("x-cordon-complexity", "complex")
    };
    let response = ask(json!(["tides", "moons"])).send().await.unwrap();
    assert_eq!(
        (header(&response, "x-cordon-route"), header(&response, "x-cordon-backend")),
        ("cloud".into(), "there".into())
    );
    let decision = header(&response, "x-cordon-decision-id");
    assert!(!decision.is_empty(), "what leaves is recorded");
    let response = ask(json!(["tides", CARD, "moons"])).send().await.unwrap();
    assert_eq!(
        (header(&response, "x-cordon-level"), header(&response, "x-cordon-route")),
        ("confidential".into(), "local".into())
    );
    assert_eq!((received(&local).await.len(), received(&cloud).await.len()), (1, 1));
    assert!(!received(&cloud).await[0].to_string().contains("4539"));
    server.stop().await;
    // With no local one it goes nowhere.
    let cloud = embedder().await;
    let server = TestServer::start(Setup::with(entry("there", "cloud", &cloud, "minilm"))).await;
    let body = json!({"model": "minilm", "input": [CARD]});
    let (status, said) = read(server.post("/v1/embeddings", &body).send().await.unwrap()).await;
    assert_eq!((status, &said["error"]["code"]), (503, &json!("local_backend_unavailable")));
    assert!(received(&cloud).await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn only_models_that_make_vectors_are_asked_and_never_two_for_one_request() {
    let chats = Backend::answering(answer("text")).await;
    let (one, other) = (embedder().await, embedder().await);
    let config = chats.entry("chats", "local")
        + &entry("one", "local", &one, "a-model")
        + &entry("other", "local", &other, "b-model");
    let server = TestServer::start(Setup::with(config)).await;
    for (name, expected) in [("a-model", "one"), ("b-model", "other"), ("cordon", "one")] {
        let body = json!({"model": name, "input": "tides"});
        let response = server.post("/v1/embeddings", &body).send().await.unwrap();
        assert_eq!(header(&response, "x-cordon-backend"), expected, "{name}");
    }
    assert!(chats.received().await.is_empty());
    // A chat goes to those that answer.
    let response = server.openai(&chat("tides")).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-cordon-backend")), (200, "chats".into()));
    for name in ["m", "canary"] {
        let body = json!({"model": name, "input": "tides"});
        let (status, said) = read(server.post("/v1/embeddings", &body).send().await.unwrap()).await;
        assert_eq!(
            (status, &said["error"]["code"], &said["error"]["param"]),
            (404, &json!("model_not_found"), &json!("model"))
        );
        assert!(!said.to_string().contains("canary"));
    }
    server.stop().await;
    let server = TestServer::start(Setup::with(chats.entry("chats", "local"))).await;
    let body = json!({"model": "cordon", "input": "tides"});
    let (status, said) = read(server.post("/v1/embeddings", &body).send().await.unwrap()).await;
    assert_eq!(status, 404);
    assert!(said["error"]["message"].as_str().unwrap().contains("embedding_model"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_scanned_or_done_is_refused_by_name() {
    let local = embedder().await;
    let server = TestServer::start(Setup::with(entry("vectors", "local", &local, "minilm"))).await;
    for (body, param, code) in [
        (json!({"model": "minilm"}), "input", "missing_parameter"),
        (json!({"model": "minilm", "input": []}), "input", "out_of_range"),
        (json!({"model": "minilm", "input": [1, 2]}), "input", "tokens_not_scannable"),
        (json!({"model": "minilm", "input": [[1, 2]]}), "input", "tokens_not_scannable"),
        (json!({"model": "minilm", "input": ["a", ""]}), "input[1]", "out_of_range"),
        (json!({"model": "minilm", "input": [{"text": "canary"}]}), "input[0]", "invalid_type"),
        (json!({"model": "minilm", "input": "a", "dimensions": 8}), "dimensions", "unsupported_parameter"),
        (json!({"model": "minilm", "input": "a", "encoding_format": "hex"}), "encoding_format", "out_of_range"),
        (json!({"model": "minilm", "input": vec!["a"; 2049]}), "input", "out_of_range"),
    ] {
        let (status, said) = read(server.post("/v1/embeddings", &body).send().await.unwrap()).await;
        assert_eq!((status, &said["error"]["param"], &said["error"]["code"]), (400, &json!(param), &json!(code)));
        assert!(!said.to_string().contains("canary"));
    }
    assert!(received(&local).await.is_empty());
    server.stop().await;
}
