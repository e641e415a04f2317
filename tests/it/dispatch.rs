//! `Dispatch` and `DispatchStream`: the route table, fallbacks and errors, against backends that record what they got.

use cordon::service::proto::dispatch_stream_response::Event;
use cordon::service::proto::{
    Complexity, DispatchRequest, DispatchResponse, FinishReason, GenerationOptions, Message, Role, Route, Sensitivity,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;
use wiremock::ResponseTemplate;

use crate::common::backend::{Backend, answer, entry};
use crate::common::{Setup, TestServer};

const PUBLIC: &str = "What is the capital of France?";
const INTERNAL: &str = "INTERNAL USE ONLY: host db7.corp.internal moves to 10.20.30.40 canary-int";
const CONFIDENTIAL: &str = "my card is 4539 1488 0343 6467 canary-conf";

fn request(text: &str, complexity: Complexity) -> DispatchRequest {
    DispatchRequest {
        messages: vec![Message { role: Role::User as i32, content: text.into(), ..Default::default() }],
        complexity: complexity as i32,
        ..Default::default()
    }
}

async fn ask(server: &TestServer, request: DispatchRequest) -> Result<DispatchResponse, Status> {
    server.dispatcher_client().await.dispatch(request).await.map(tonic::Response::into_inner)
}

/// Nobody listens there. A port that was free a moment ago may be another test's by now; tcpmux is nobody's.
fn dead(name: &str, side: &str) -> String {
    entry(name, side, "http://127.0.0.1:1")
}

#[tokio::test]
async fn the_route_table() {
    let local = Backend::answering(answer("from the local model")).await;
    let cloud = Backend::answering(answer("from the cloud")).await;
    let config = local.entry("here", "local") + &cloud.entry("there", "cloud");
    let server = TestServer::start(Setup::with(config)).await;
    for (text, complexity, level, route) in [
        (PUBLIC, Complexity::Simple, Sensitivity::Public, Route::Local),
        (PUBLIC, Complexity::Moderate, Sensitivity::Public, Route::Local),
        (PUBLIC, Complexity::Complex, Sensitivity::Public, Route::Cloud),
        (INTERNAL, Complexity::Complex, Sensitivity::Internal, Route::Local),
        (CONFIDENTIAL, Complexity::Complex, Sensitivity::Confidential, Route::Local),
    ] {
        let response = ask(&server, request(text, complexity)).await.unwrap();
        let decision = response.decision.unwrap();
        let outcome = response.outcome.unwrap();
        assert_eq!(response.verdict.unwrap().level(), level, "{text}");
        assert_eq!((decision.route(), outcome.route()), (route, route), "{text} {complexity:?}");
        assert_eq!(decision.complexity(), complexity);
        assert_eq!(decision.complexity_reasons, ["stated_by_caller"]);
        let (content, backend) = match route {
            Route::Cloud => ("from the cloud", "there"),
            _ => ("from the local model", "here"),
        };
        assert_eq!((response.content.as_str(), outcome.backend.as_str()), (content, backend));
        assert_eq!((outcome.finish_reason(), outcome.input_tokens, outcome.output_tokens), (FinishReason::Stop, 7, 3));
    }
    assert!(local.saw("canary-conf").await && local.saw("canary-int").await);
    assert!(!cloud.saw("canary").await, "nothing but public text left");
    assert_eq!(cloud.received().await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn events_come_in_order() {
    let local = Backend::answering(answer("Paris it is")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let request = DispatchRequest { request_id: "r-1".into(), ..request(PUBLIC, Complexity::Simple) };
    let mut stream = server.dispatcher_client().await.dispatch_stream(request).await.unwrap().into_inner();
    let (mut kinds, mut content, mut ids) = (Vec::new(), String::new(), std::collections::HashSet::new());
    while let Some(message) = stream.message().await.unwrap() {
        assert_eq!(message.request_id, "r-1");
        if kinds.contains(&"decision") {
            ids.insert(message.decision_id);
        }
        kinds.push(match message.event.unwrap() {
            Event::Verdict(_) => "verdict",
            Event::Decision(_) => "decision",
            Event::Delta(delta) => {
                content.push_str(&delta);
                "delta"
            }
            Event::ToolCall(_) => "tool_call",
            Event::Outcome(_) => "outcome",
        });
    }
    kinds.dedup();
    assert_eq!(kinds, ["verdict", "decision", "delta", "outcome"]);
    assert_eq!(content, "Paris it is");
    assert_eq!(ids.len(), 1, "one decision");
    server.stop().await;
}

#[tokio::test]
async fn validate_only_calls_nothing() {
    let local = Backend::answering(answer("no")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let request = DispatchRequest { validate_only: true, ..request(CONFIDENTIAL, Complexity::Complex) };
    let response = ask(&server, request).await.unwrap();
    assert_eq!(response.decision.unwrap().route(), Route::Local);
    assert!(response.content.is_empty() && response.outcome.is_none());
    assert!(local.received().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn without_a_cloud_it_stays_local_and_says_why() {
    let local = Backend::answering(answer("local")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let decision = ask(&server, request(PUBLIC, Complexity::Complex)).await.unwrap().decision.unwrap();
    assert_eq!((decision.route(), decision.reason.as_str()), (Route::Local, "no_cloud_backend"));
    assert_eq!(decision.ceiling(), Route::Cloud);
    server.stop().await;
}

#[tokio::test]
async fn one_switch_closes_the_cloud() {
    let local = Backend::answering(answer("local")).await;
    let cloud = Backend::answering(answer("cloud")).await;
    let config = local.entry("here", "local") + &cloud.entry("there", "cloud");
    let server = TestServer::start(Setup::with(config)).await;
    server.dispatcher.set_cloud_closed(true);
    let decision = ask(&server, request(PUBLIC, Complexity::Complex)).await.unwrap().decision.unwrap();
    assert_eq!((decision.route(), decision.reason.as_str()), (Route::Local, "cloud_closed"));
    assert!(cloud.received().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn only_public_text_falls_back_when_the_local_side_is_down() {
    let cloud = Backend::answering(answer("from the cloud")).await;
    let server = TestServer::start(Setup::with(dead("here", "local") + &cloud.entry("there", "cloud"))).await;
    let response = ask(&server, request(PUBLIC, Complexity::Simple)).await.unwrap();
    assert_eq!(response.outcome.unwrap().route(), Route::Cloud);
    for text in [INTERNAL, CONFIDENTIAL] {
        let status = ask(&server, request(text, Complexity::Complex)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable);
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "LOCAL_BACKEND_UNAVAILABLE");
    }
    assert!(!cloud.saw("canary").await);
    server.stop().await;
}

#[tokio::test]
async fn a_cloud_that_fails_before_the_first_byte_falls_back_to_local() {
    let local = Backend::answering(answer("from the local model")).await;
    let cloud = Backend::answering(ResponseTemplate::new(503)).await;
    let config = local.entry("here", "local") + &cloud.entry("there", "cloud");
    let server = TestServer::start(Setup::with(config)).await;
    let response = ask(&server, request(PUBLIC, Complexity::Complex)).await.unwrap();
    assert_eq!(response.content, "from the local model");
    assert_eq!(response.outcome.unwrap().route(), Route::Local);
    server.stop().await;
}

#[tokio::test]
async fn backend_errors_are_clear_and_quote_nothing() {
    let body = r#"{"error":{"message":"context too long: canary-conf","type":"invalid_request_error"}}"#;
    for (status, code, word) in [
        (400, Code::InvalidArgument, "rejected"),
        (401, Code::Unavailable, "key"),
        (404, Code::Unavailable, "model"),
        (429, Code::Unavailable, "over its limit"),
        (500, Code::Unavailable, "500"),
    ] {
        let local = Backend::answering(ResponseTemplate::new(status).set_body_string(body)).await;
        let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
        let error = ask(&server, request(CONFIDENTIAL, Complexity::Simple)).await.unwrap_err();
        assert_eq!(error.code(), code, "{status}: {}", error.message());
        assert!(error.message().contains(word), "{status}: {}", error.message());
        assert!(!error.message().contains("canary"), "{}", error.message());
        assert!(error.message().contains("here"), "names the backend: {}", error.message());
        server.stop().await;
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Backend::answering(answer("stolen")).await;
    let target = elsewhere.entry("x", "local");
    let url = target.lines().find_map(|line| line.strip_prefix("url = ")).unwrap().trim_matches('"').to_owned();
    let redirect = ResponseTemplate::new(307).insert_header("location", format!("{url}/v1/chat/completions"));
    let local = Backend::answering(redirect).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    ask(&server, request(CONFIDENTIAL, Complexity::Simple)).await.unwrap_err();
    assert!(elsewhere.received().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_hanging_backend_ends_with_the_deadline() {
    let slow = answer("late").set_delay(std::time::Duration::from_secs(20));
    let local = Backend::answering(slow).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let mut request = tonic::Request::new(request(PUBLIC, Complexity::Simple));
    request.set_timeout(std::time::Duration::from_millis(1500));
    let status = server.dispatcher_client().await.dispatch(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    server.stop().await;
}

#[tokio::test]
async fn everything_that_is_sent_is_scanned() {
    let local = Backend::answering(answer("ok")).await;
    let cloud = Backend::answering(answer("ok")).await;
    let config = local.entry("here", "local") + &cloud.entry("there", "cloud");
    let server = TestServer::start(Setup::with(config)).await;
    let card = "4539 1488 0343 6467 canary-conf";
    let public = || request(PUBLIC, Complexity::Complex);
    let in_system = {
        let mut request = public();
        request.messages.insert(
            0,
            Message {
                role: Role::System as i32,
                content: format!("the customer's card: {card}"),
                ..Default::default()
            },
        );
        request
    };
    let in_name = {
        let mut request = public();
        request.messages[0].name = format!("card {card}");
        request
    };
    let in_stop = DispatchRequest {
        generation: Some(GenerationOptions { stop: vec![format!("card {card}")], ..Default::default() }),
        ..public()
    };
    for request in [in_system, in_name, in_stop] {
        let response = ask(&server, request).await.unwrap();
        assert_eq!(response.verdict.unwrap().level(), Sensitivity::Confidential);
        assert_eq!(response.decision.unwrap().route(), Route::Local);
    }
    assert!(cloud.received().await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn no_backend_at_all_is_a_clear_error() {
    let server = TestServer::start(Setup::default()).await;
    let status = ask(&server, request(PUBLIC, Complexity::Simple)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("backend"), "{}", status.message());
    server.stop().await;
}

#[tokio::test]
async fn a_request_that_was_answered_is_named_and_not_run_again() {
    let local = Backend::answering(answer("once")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let request = DispatchRequest { request_id: "only-once".into(), ..request(PUBLIC, Complexity::Simple) };
    let first = ask(&server, request.clone()).await.unwrap();
    let refused = ask(&server, request).await.unwrap_err();
    assert_eq!(refused.code(), Code::AlreadyExists);
    let details = refused.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.reason, "REQUEST_ANSWERED");
    assert_eq!(info.metadata.get("decision_id"), Some(&first.decision_id));
    assert_eq!(local.received().await.len(), 1);
    server.stop().await;
}
