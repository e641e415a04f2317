//! The doors for OpenAI's and Ollama's clients: the shapes of answers, headers and streams, names of models, and who may
//! come in.

use std::time::Duration;

use cordon::service::proto::dispatcher_service_client::DispatcherServiceClient;
use cordon::service::proto::{DispatchRequest, Message, Role};
use reqwest::Client;
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use wiremock::ResponseTemplate;

use crate::common::backend::{Backend, answer, entry};
use crate::common::web::{chat, client, events, header, lines, read};
use crate::common::{Setup, TestServer};

const PUBLIC: &str = "What is the capital of France?";
const CONFIDENTIAL: &str = "my card is 4539 1488 0343 6467 canary-conf";

async fn answering() -> (TestServer, Backend) {
    let local = Backend::answering(answer("Paris it is")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    (server, local)
}

#[tokio::test]
async fn a_whole_chat_completion() {
    let (server, local) = answering().await;
    let mut body = chat(PUBLIC);
    body["temperature"] = json!(0.5);
    body["max_tokens"] = json!(9);
    body["max_completion_tokens"] = json!(17);
    body["stop"] = json!("END");
    body["seed"] = json!(5);
    body["presence_penalty"] = json!(0);
    body["user"] = json!("canary-user");
    body["reasoning_effort"] = json!("low");
    let response = server.post("/v1/chat/completions", &body).header("x-request-id", "r-1").send().await.unwrap();
    assert_eq!(header(&response, "content-type"), "application/json");
    for (name, value) in [
        ("x-cordon-level", "public"),
        ("x-cordon-route", "local"),
        ("x-cordon-ceiling", "cloud"),
        ("x-cordon-complexity", "simple"),
        ("x-cordon-backend", "here"),
        ("x-cordon-model", "m"),
        ("x-cordon-request-id", "r-1"),
        ("x-cordon-dropped", "user, reasoning_effort"),
    ] {
        assert_eq!(header(&response, name), value, "{name}");
    }
    let decision = header(&response, "x-cordon-decision-id");
    let (status, said) = read(response).await;
    assert_eq!(status, 200);
    assert_eq!(said["object"], "chat.completion");
    assert_eq!(said["id"], format!("chatcmpl-{decision}"));
    assert_eq!(said["model"], "m", "the reply says which model answered");
    let choice = &said["choices"][0];
    assert_eq!(
        (&choice["message"]["role"], &choice["message"]["content"]),
        (&json!("assistant"), &json!("Paris it is"))
    );
    assert_eq!(choice["finish_reason"], "stop");
    assert_eq!(said["usage"], json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}));
    let sent: Value = serde_json::from_str(&local.received().await[0]).unwrap();
    assert_eq!((&sent["max_tokens"], &sent["seed"], &sent["stop"]), (&json!(17), &json!(5), &json!(["END"])));
    assert!(!local.saw("canary-user").await, "what is dropped goes nowhere");
    server.stop().await;
}

#[tokio::test]
async fn a_streamed_chat_completion() {
    let (server, _local) = answering().await;
    let mut body = chat(PUBLIC);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let response = server.openai(&body).await;
    assert_eq!(header(&response, "content-type"), "text/event-stream");
    assert_eq!(
        (header(&response, "x-cordon-route"), header(&response, "x-cordon-level")),
        ("local".into(), "public".into())
    );
    let text = response.text().await.unwrap();
    assert!(text.starts_with(": cordon {"), "the comment comes first: {text}");
    let (comments, data) = events(&text);
    let told: Value = serde_json::from_str(comments[0].strip_prefix("cordon ").unwrap()).unwrap();
    assert_eq!(
        (&told["verdict"]["level"], &told["route"], &told["backend"]),
        (&json!("public"), &json!("local"), &json!("here"))
    );
    assert_eq!(data.last().unwrap(), "[DONE]");
    let chunks: Vec<Value> = data[..data.len() - 1].iter().map(|data| serde_json::from_str(data).unwrap()).collect();
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == chunks[0]["id"]));
    let content: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(content, "Paris it is");
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let (usage, finish) = (&chunks[chunks.len() - 1], &chunks[chunks.len() - 2]);
    assert_eq!((&usage["choices"], &usage["usage"]["total_tokens"]), (&json!([]), &json!(10)));
    assert_eq!(finish["choices"][0]["finish_reason"], "stop");
    // Without being asked for, no usage.
    body["stream_options"] = Value::Null;
    assert!(!server.openai(&body).await.text().await.unwrap().contains("usage"));
    server.stop().await;
}

#[tokio::test]
async fn ollamas_chat_streams_unless_told_not_to() {
    let (server, local) = answering().await;
    let mut body = chat(PUBLIC);
    body["options"] = json!({"num_predict": 5, "temperature": 0, "num_ctx": 4096, "stop": ["END"]});
    body["keep_alive"] = json!("5m");
    let response = server.ollama(&body).await;
    assert_eq!(header(&response, "content-type"), "application/x-ndjson");
    assert_eq!(header(&response, "x-cordon-dropped"), "options.num_ctx, keep_alive");
    assert_eq!(header(&response, "x-cordon-route"), "local");
    let said = lines(&response.text().await.unwrap());
    let content: String = said.iter().filter_map(|line| line["message"]["content"].as_str()).collect();
    assert_eq!(content, "Paris it is");
    let (last, first) = (said.last().unwrap(), &said[0]);
    assert_eq!((&first["done"], &first["model"]), (&json!(false), &json!("m")));
    assert_eq!((&last["done"], &last["done_reason"]), (&json!(true), &json!("stop")));
    assert_eq!((&last["prompt_eval_count"], &last["eval_count"]), (&json!(7), &json!(3)));
    body["stream"] = json!(false);
    let (status, said) = read(server.ollama(&body).await).await;
    assert_eq!(status, 200);
    assert_eq!((&said["message"]["content"], &said["done"]), (&json!("Paris it is"), &json!(true)));
    let sent: Value = serde_json::from_str(&local.received().await[0]).unwrap();
    assert_eq!((&sent["max_tokens"], &sent["stop"]), (&json!(5), &json!(["END"])));
    server.stop().await;
}

#[tokio::test]
async fn names_of_models_are_listed_and_never_choose_a_backend() {
    let local = Backend::answering(answer("local")).await;
    let cloud = Backend::answering(answer("cloud")).await;
    let there = cloud.entry("there", "cloud").replace("model = \"m\"", "model = \"org/big\"");
    let config = format!("{}{there}[http]\nmodels = [\"gpt-4o-mini\"]\n", local.entry("here", "local"));
    let server = TestServer::start(Setup::with(config)).await;
    let (_, listed) = read(server.get("/v1/models").await).await;
    let names: Vec<_> = listed["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(names, ["cordon", "m", "org/big", "gpt-4o-mini"]);
    let (_, one) = read(server.get("/v1/models/org/big").await).await;
    assert_eq!((&one["id"], &one["object"]), (&json!("org/big"), &json!("model")));
    let (status, none) = read(server.get("/v1/models/canary").await).await;
    assert_eq!((status, &none["error"]["code"]), (404, &json!("model_not_found")));
    let (_, tags) = read(server.get("/api/tags").await).await;
    assert_eq!(tags["models"][2]["name"], "org/big");
    let (_, version) = read(server.get("/api/version").await).await;
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    for name in ["cordon", "m", "org/big", "gpt-4o-mini"] {
        let mut body = chat(CONFIDENTIAL);
        body["model"] = json!(name);
        let (status, said) = read(server.openai(&body).await).await;
        assert_eq!((status, &said["model"]), (200, &json!("m")), "{name}");
        assert_eq!(server.ollama(&body).await.status(), 200);
    }
    assert!(cloud.received().await.is_empty(), "the name of the cloud's model is no way to the cloud");
    let mut body = chat(PUBLIC);
    body["model"] = json!("canary-model");
    let (status, said) = read(server.openai(&body).await).await;
    assert_eq!(
        (status, &said["error"]["code"], &said["error"]["param"]),
        (404, &json!("model_not_found"), &json!("model"))
    );
    assert!(!said.to_string().contains("canary") && said.to_string().contains("[http] models"), "{said}");
    let (status, said) = read(server.ollama(&body).await).await;
    assert_eq!(status, 404);
    assert!(said["error"].as_str().unwrap().contains("[http] models"));
    server.stop().await;
}

#[tokio::test]
async fn headers_steer_as_fields_of_grpc_do() {
    let local = Backend::answering(answer("local")).await;
    let cloud = Backend::answering(answer("cloud")).await;
    let config = local.entry("here", "local") + &cloud.entry("there", "cloud");
    let server = TestServer::start(Setup::with(config)).await;
    let complex = || server.post("/v1/chat/completions", &chat(PUBLIC)).header("x-cordon-complexity", "complex");
    let response = complex().send().await.unwrap();
    assert_eq!(
        (header(&response, "x-cordon-route"), header(&response, "x-cordon-backend")),
        ("cloud".into(), "there".into())
    );
    let response = complex().header("x-cordon-declared-level", "confidential").send().await.unwrap();
    assert_eq!(
        (header(&response, "x-cordon-route"), header(&response, "x-cordon-ceiling")),
        ("local".into(), "local".into())
    );
    let before = (local.received().await.len(), cloud.received().await.len());
    let response = complex().header("x-cordon-validate-only", "true").send().await.unwrap();
    assert_eq!(header(&response, "x-cordon-route"), "cloud");
    let (status, said) = read(response).await;
    assert_eq!((status, &said["route"], &said["verdict"]["level"]), (200, &json!("cloud"), &json!("public")));
    assert_eq!((local.received().await.len(), cloud.received().await.len()), before, "nothing was called");
    let response = complex().header("x-cordon-complexity", "hard").send().await.unwrap();
    assert_eq!(response.status(), 400);
    server.stop().await;
}

#[tokio::test]
async fn tokens_name_callers_as_for_grpc() {
    let local = Backend::answering(answer("local")).await;
    // printf %s t0p | sha256sum; printf %s reader | sha256sum
    let digest = |token: &str| {
        use sha2::Digest as _;
        hex::encode(sha2::Sha256::digest(token.as_bytes()))
    };
    let config = format!(
        "{}[[caller]]\nname = \"crm\"\ntoken_sha256 = \"{}\"\n[[caller]]\nname = \"auditor\"\ntoken_sha256 = \"{}\"\n\
         permissions = [\"audit-read\"]\n",
        local.entry("here", "local"),
        digest("t0p"),
        digest("reader"),
    );
    let server = TestServer::start(Setup::with(config)).await;
    for path in ["/v1/chat/completions", "/api/chat"] {
        for (token, expected) in [(None, 401), (Some("nope"), 401), (Some("reader"), 403), (Some("t0p"), 200)] {
            let request = server.post(path, &chat(PUBLIC));
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            assert_eq!(request.send().await.unwrap().status(), expected, "{path} {token:?}");
        }
    }
    for path in ["/v1/models", "/v1/models/m", "/api/tags", "/api/version"] {
        assert_eq!(server.get(path).await.status(), 401, "{path}");
    }
    let (_, said) = read(server.openai(&chat(PUBLIC)).await).await;
    assert_eq!(said["error"]["type"], "authentication_error");
    server.stop().await;
}

/// Clients of OpenAI always send a key. Where no caller is configured it names nobody, so it is ignored.
#[tokio::test]
async fn where_no_caller_is_configured_any_key_is_the_anonymous_callers() {
    let (server, _local) = answering().await;
    let response = server.post("/v1/chat/completions", &chat(PUBLIC)).bearer_auth("sk-unused").send().await.unwrap();
    assert_eq!(response.status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn what_a_web_page_could_send_is_refused() {
    let (server, local) = answering().await;
    let port = server.url.rsplit(':').next().unwrap();
    let post = || server.post("/v1/chat/completions", &chat("canary-page"));
    for (name, value) in [
        ("host", format!("evil.example:{port}")),
        ("host", format!("127.0.0.1.nip.io:{port}")),
        ("origin", "https://evil.example".to_owned()),
        ("origin", "http://localhost:3000".to_owned()),
        ("origin", "null".to_owned()),
    ] {
        let response = post().header(name, value.clone()).send().await.unwrap();
        assert_eq!(response.status(), 403, "{name}: {value}");
        assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control-")));
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let plain = client().post(format!("{}/v1/chat/completions", server.url)).header("content-type", kind);
        assert_eq!(plain.body(chat("canary-page").to_string()).send().await.unwrap().status(), 415, "{kind}");
    }
    // Before a page may send JSON the browser asks, and gets no leave.
    let asked = client()
        .request(reqwest::Method::OPTIONS, format!("{}/v1/chat/completions", server.url))
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    let refused = asked.send().await.unwrap();
    assert!(refused.status().is_client_error());
    assert!(refused.headers().keys().all(|name| !name.as_str().starts_with("access-control-")));
    // Nor is there a way to the gRPC services by HTTP/1.1.
    for kind in ["text/plain", "application/grpc"] {
        let grpc = client().post(format!("{}/cordon.v1.AuditService/ListDecisions", server.url));
        let refused = grpc.header("content-type", kind).body(vec![0; 5]).send().await.unwrap();
        assert_eq!(refused.status(), 415, "{kind}");
    }
    assert!(!local.saw("canary-page").await);
    let own = format!("http://127.0.0.1:{port}");
    assert_eq!(post().header("origin", own).send().await.unwrap().status(), 200);
    assert_eq!(post().header("host", "localhost").send().await.unwrap().status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_configured_name_of_this_machine_is_its_own() {
    let local = Backend::answering(answer("local")).await;
    let config = local.entry("here", "local") + "[http]\nhosts = [\"models.example.org\"]\n";
    let server = TestServer::start(Setup::with(config)).await;
    let post = server.post("/v1/chat/completions", &chat(PUBLIC)).header("host", "models.example.org");
    assert_eq!(post.send().await.unwrap().status(), 200);
    server.stop().await;
}

#[tokio::test]
async fn every_other_path_is_a_clear_error_in_the_words_of_the_client() {
    let (server, _local) = answering().await;
    for path in ["/", "/v1/completions", "/v1/files", "/nothing"] {
        let (status, said) = read(server.get(path).await).await;
        assert_eq!((status, &said["error"]["code"]), (404, &json!("path_not_found")), "{path}");
        assert!(said["error"]["message"].as_str().unwrap().contains("/v1/chat/completions"));
    }
    let (status, said) = read(server.post("/api/generate", &json!({})).send().await.unwrap()).await;
    assert_eq!(status, 404);
    assert!(said["error"].is_string());
    let (status, said) = read(server.get("/v1/chat/completions").await).await;
    assert_eq!((status, &said["error"]["code"]), (405, &json!("method_not_allowed")));
    // A gRPC client of something else still gets gRPC's own answer.
    let mut grpc = tonic::client::Grpc::new(server.channel().await);
    grpc.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/nobody.v1.Nothing/Do");
    let codec = tonic_prost::ProstCodec::<DispatchRequest, DispatchRequest>::default();
    let status = grpc.unary(tonic::Request::new(DispatchRequest::default()), path, codec).await.unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    server.stop().await;
}

fn grpc_request() -> DispatchRequest {
    let message = Message { role: Role::User as i32, content: PUBLIC.into(), ..Default::default() };
    DispatchRequest { messages: vec![message], ..Default::default() }
}

#[tokio::test]
async fn one_port_speaks_both_versions_of_http_and_grpc() {
    let (server, _local) = answering().await;
    let second = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let response = second.post(format!("{}/v1/chat/completions", server.url)).json(&chat(PUBLIC)).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (reqwest::Version::HTTP_2, 200));
    let response = server.openai(&chat(PUBLIC)).await;
    assert_eq!(response.version(), reqwest::Version::HTTP_11);
    server.dispatcher_client().await.dispatch(grpc_request()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn with_tls_too() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let local = Backend::answering(answer("Paris it is")).await;
    let tls = format!("[server.tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");
    let server = TestServer::start(Setup::with(local.entry("here", "local") + &tls)).await;
    let url = server.url.replace("http://127.0.0.1", "https://localhost");
    let root = reqwest::Certificate::from_pem(own.cert.pem().as_bytes()).unwrap();
    for (builder, version) in
        [(Client::builder().http1_only(), reqwest::Version::HTTP_11), (Client::builder(), reqwest::Version::HTTP_2)]
    {
        let client = builder.no_proxy().tls_certs_only([root.clone()]).build().unwrap();
        let post = client.post(format!("{url}/v1/chat/completions")).json(&chat(PUBLIC));
        let response = post.send().await.unwrap();
        assert_eq!((response.version(), response.status().as_u16()), (version, 200));
        assert_eq!(response.json::<Value>().await.unwrap()["choices"][0]["message"]["content"], "Paris it is");
    }
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(own.cert.pem())).domain_name("localhost");
    let channel = Endpoint::from_shared(url).unwrap().tls_config(tls).unwrap().connect().await.unwrap();
    DispatcherServiceClient::new(channel).dispatch(grpc_request()).await.unwrap();
    server.stop().await;
}

/// A client that says nothing must not keep others from their handshakes.
#[tokio::test]
async fn a_silent_client_holds_up_no_handshake() {
    let folder = tempfile::tempdir().unwrap();
    let own = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, own.cert.pem()).unwrap();
    std::fs::write(&key, own.signing_key.serialize_pem()).unwrap();
    let server =
        TestServer::start(Setup::with(format!("[server.tls]\ncertificate = {certificate:?}\nkey = {key:?}\n"))).await;
    let address = server.url.strip_prefix("http://").unwrap();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
    }
    let root = reqwest::Certificate::from_pem(own.cert.pem().as_bytes()).unwrap();
    let client = Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let get = client.get(format!("{}/api/version", server.url.replace("http://127.0.0.1", "https://localhost")));
    let response = tokio::time::timeout(Duration::from_secs(5), get.send()).await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    drop(silent);
    server.stop().await;
}

#[tokio::test]
async fn a_repeated_id_is_a_conflict_with_the_decision_that_answered_it() {
    let (server, local) = answering().await;
    let post = |name: &'static str| server.post("/v1/chat/completions", &chat(PUBLIC)).header(name, "once");
    let first = post("idempotency-key").send().await.unwrap();
    let decision = header(&first, "x-cordon-decision-id");
    assert_eq!((first.status().as_u16(), header(&first, "x-cordon-request-id")), (200, "once".to_owned()));
    for name in ["idempotency-key", "x-request-id"] {
        let again = post(name).send().await.unwrap();
        assert_eq!((again.status().as_u16(), header(&again, "x-cordon-decision-id")), (409, decision.clone()));
        assert_eq!(header(&again, "x-should-retry"), "false");
        let (_, said) = read(again).await;
        assert_eq!(said["error"]["code"], "request_answered");
        assert!(said["error"]["message"].as_str().unwrap().contains(&decision));
    }
    // By gRPC too: it is the same caller.
    let request = DispatchRequest { request_id: "once".into(), ..grpc_request() };
    let status = server.dispatcher_client().await.dispatch(request).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(local.received().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_side_that_is_down_is_an_error_with_a_status_and_says_what_was_decided() {
    let down = entry("here", "local", "http://127.0.0.1:1");
    let server = TestServer::start(Setup::with(down)).await;
    for stream in [false, true] {
        let mut body = chat(CONFIDENTIAL);
        body["stream"] = json!(stream);
        let response = server.openai(&body).await;
        assert_eq!(
            (header(&response, "x-cordon-level"), header(&response, "x-cordon-route")),
            ("confidential".into(), "local".into())
        );
        let (status, said) = read(response).await;
        assert_eq!((status, &said["error"]["code"]), (503, &json!("local_backend_unavailable")));
        let (status, said) = read(server.ollama(&body).await).await;
        assert_eq!(status, 503);
        assert!(said["error"].as_str().unwrap().contains("no local backend"), "{said}");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_ends_with_an_error_and_without_the_mark_of_a_whole_one() {
    let piece = json!({"choices": [{"index": 0, "delta": {"content": "half"}}]});
    let half = ResponseTemplate::new(200).set_body_raw(format!("data: {piece}\n\n"), "text/event-stream");
    let local = Backend::answering(half).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let mut body = chat(PUBLIC);
    let (status, said) = read(server.openai(&body).await).await;
    assert_eq!((status, &said["error"]["code"]), (503, &json!("backend_failed")));
    body["stream"] = json!(true);
    let response = server.openai(&body).await;
    assert_eq!(response.status(), 200);
    let (_, data) = events(&response.text().await.unwrap());
    let last: Value = serde_json::from_str(data.last().unwrap()).unwrap();
    assert_eq!(last["error"]["code"], "backend_failed");
    assert!(data[data.len() - 2].contains("half") && !data.iter().any(|data| data == "[DONE]"));
    let said = lines(&server.ollama(&body).await.text().await.unwrap());
    assert!(said.last().unwrap()["error"].is_string() && said.iter().all(|line| line["done"] != true));
    server.stop().await;
}
