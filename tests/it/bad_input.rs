//! Requests that are wrong, odd or too large: each gets a clear answer, and the service goes on.

use cordon::service::proto::{
    ClassifyOptions, ClassifyRequest, DispatchRequest, GenerationOptions, Message, Part, Role, Sensitivity,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::common::{Setup, TestServer};

fn text(text: impl Into<String>) -> ClassifyRequest {
    ClassifyRequest { text: text.into(), ..Default::default() }
}

async fn classify(server: &TestServer, request: ClassifyRequest) -> Result<Sensitivity, Status> {
    let response = server.classifier().await.classify(request).await?;
    Ok(response.into_inner().verdict.unwrap().level())
}

/// INVALID_ARGUMENT with this reason and this field, in the status and in its details.
fn assert_refused(status: &Status, reason: &str, field: &str) {
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, reason);
    assert_eq!(details.error_info().unwrap().domain, "cordon");
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
    assert!(status.message().starts_with(field), "{}", status.message());
}

#[tokio::test]
async fn wrong_requests_name_the_field() {
    let server = TestServer::start(Setup::default()).await;
    let part = |role: i32, pointer: &str| Part { role, json_pointer: pointer.into(), text: "x".into() };
    let options = |options: ClassifyOptions| ClassifyRequest { options: Some(options), ..text("x") };
    for (request, reason, field) in [
        (ClassifyRequest::default(), "EMPTY_REQUEST", "text"),
        (ClassifyRequest { parts: vec![part(2, "")], ..text("x") }, "AMBIGUOUS_REQUEST", "parts"),
        (ClassifyRequest { parts: vec![part(77, "")], ..Default::default() }, "UNKNOWN_ENUM_VALUE", "parts[0].role"),
        (
            ClassifyRequest { parts: vec![part(2, "no-slash")], ..Default::default() },
            "INVALID_JSON_POINTER",
            "parts[0].json_pointer",
        ),
        (ClassifyRequest { declared_level: 15, ..text("x") }, "UNKNOWN_ENUM_VALUE", "declared_level"),
        (options(ClassifyOptions { ner: 9, ..Default::default() }), "UNKNOWN_ENUM_VALUE", "options.ner"),
        (options(ClassifyOptions { min_score: 1.5, ..Default::default() }), "OUT_OF_RANGE", "options.min_score"),
        (options(ClassifyOptions { min_score: f32::NAN, ..Default::default() }), "OUT_OF_RANGE", "options.min_score"),
        (
            options(ClassifyOptions { entity_types: vec!["PERSON".into(), "NOPE".into()], ..Default::default() }),
            "UNKNOWN_ENTITY_TYPE",
            "options.entity_types[1]",
        ),
        (ClassifyRequest { request_id: "a b".into(), ..text("x") }, "INVALID_REQUEST_ID", "request_id"),
        (ClassifyRequest { request_id: "x".repeat(129), ..text("x") }, "INVALID_REQUEST_ID", "request_id"),
    ] {
        assert_refused(&classify(&server, request).await.unwrap_err(), reason, field);
    }
    assert_eq!(classify(&server, text("What is the capital of France?")).await.unwrap(), Sensitivity::Public);
    server.stop().await;
}

#[tokio::test]
async fn wrong_conversations_name_the_field() {
    let server = TestServer::start(Setup::default()).await;
    let message =
        |role: Role, content: &str| Message { role: role as i32, content: content.into(), ..Default::default() };
    let with = |generation: GenerationOptions| DispatchRequest {
        messages: vec![message(Role::User, "x")],
        generation: Some(generation),
        ..Default::default()
    };
    for (request, reason, field) in [
        (DispatchRequest::default(), "EMPTY_REQUEST", "messages"),
        (
            DispatchRequest { messages: vec![message(Role::User, "")], ..Default::default() },
            "EMPTY_REQUEST",
            "messages",
        ),
        (
            DispatchRequest { messages: vec![message(Role::Metadata, "x")], ..Default::default() },
            "ROLE_NOT_ALLOWED",
            "messages[0].role",
        ),
        (
            with(GenerationOptions { temperature: Some(3.0), ..Default::default() }),
            "OUT_OF_RANGE",
            "generation.temperature",
        ),
        (with(GenerationOptions { top_p: Some(-0.1), ..Default::default() }), "OUT_OF_RANGE", "generation.top_p"),
        (
            with(GenerationOptions { max_output_tokens: Some(0), ..Default::default() }),
            "OUT_OF_RANGE",
            "generation.max_output_tokens",
        ),
        (
            with(GenerationOptions { stop: vec![String::new()], ..Default::default() }),
            "OUT_OF_RANGE",
            "generation.stop",
        ),
        (
            DispatchRequest { complexity: 44, messages: vec![message(Role::User, "x")], ..Default::default() },
            "UNKNOWN_ENUM_VALUE",
            "complexity",
        ),
    ] {
        let status = server.dispatcher_client().await.dispatch(request).await.unwrap_err();
        assert_refused(&status, reason, field);
    }
    server.stop().await;
}

#[tokio::test]
async fn text_over_the_limit_is_refused_by_name_and_text_at_it_is_not() {
    let server = TestServer::start(Setup::with("[server.limits]\nmax_text_bytes = 1000\nmax_parts = 3")).await;
    let status = classify(&server, text("a".repeat(1001))).await.unwrap_err();
    assert_refused(&status, "TEXT_TOO_LARGE", "text");
    assert!(status.message().contains("1001") && status.message().contains("max_text_bytes is 1000"));
    classify(&server, text("a".repeat(1000))).await.unwrap();

    let parts = |count: usize, each: usize| ClassifyRequest {
        parts: vec![Part { role: 2, json_pointer: String::new(), text: "a".repeat(each) }; count],
        ..Default::default()
    };
    assert_refused(&classify(&server, parts(4, 1)).await.unwrap_err(), "TOO_MANY_PARTS", "parts");
    assert_refused(&classify(&server, parts(2, 501)).await.unwrap_err(), "TEXT_TOO_LARGE", "parts");
    classify(&server, parts(2, 500)).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn ten_thousand_parts_are_refused_by_default_and_scanned_where_allowed() {
    let parts = || ClassifyRequest {
        parts: vec![Part { role: 2, json_pointer: String::new(), text: "hello there".into() }; 10_000],
        ..Default::default()
    };
    let server = TestServer::start(Setup::default()).await;
    assert_refused(&classify(&server, parts()).await.unwrap_err(), "TOO_MANY_PARTS", "parts");
    server.stop().await;
    let server = TestServer::start(Setup::with("[server.limits]\nmax_parts = 10000")).await;
    assert_eq!(classify(&server, parts()).await.unwrap(), Sensitivity::Public);
    server.stop().await;
}

#[tokio::test]
async fn odd_texts_are_scanned_whole() {
    let server = TestServer::start(Setup::default()).await;
    let card = "4539 1488 0343 6467";
    for (name, input) in [
        ("nul bytes", format!("\0\0 card {card}\0")),
        ("lone combining marks", format!("\u{301}\u{301} card {card} \u{20dd}")),
        ("bidirectional controls", format!("\u{202e}card {card}\u{202c}")),
        ("zero-width characters inside", format!("card {}", card.replace(' ', "\u{200b} "))),
        ("full-width digits", "card ４５３９ １４８８ ０３４３ ６４６７".to_owned()),
        ("arabic digits", "card ٤٥٣٩ ١٤٨٨ ٠٣٤٣ ٦٤٦٧".to_owned()),
        ("wrapped over a line", "card 4539 1488\n0343 6467".to_owned()),
        ("wrapped in quoted mail", "> card 4539 1488 0343\r\n> 6467, thanks".to_owned()),
        ("only white space before", format!("{}card {card}", " \t\n".repeat(500))),
    ] {
        let level = classify(&server, text(input)).await.unwrap();
        assert_eq!(level, Sensitivity::Confidential, "{name}");
    }
    assert_eq!(classify(&server, text("\u{feff}")).await.unwrap(), Sensitivity::Public);
    server.stop().await;
}

/// The library refuses it before Cordon sees it; what matters is that it is refused, that nothing of it is shown, and
/// that the service goes on.
#[tokio::test]
async fn invalid_utf8_on_the_wire_is_refused() {
    /// A `ClassifyRequest` whose text is bytes.
    #[derive(Clone, PartialEq, prost::Message)]
    struct Raw {
        #[prost(bytes = "vec", tag = "2")]
        text: Vec<u8>,
    }
    let server = TestServer::start(Setup::default()).await;
    let mut client = tonic::client::Grpc::new(server.channel().await);
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/cordon.v1.ClassifierService/Classify");
    let codec = tonic_prost::ProstCodec::<Raw, cordon::service::proto::ClassifyResponse>::default();
    let request = tonic::Request::new(Raw { text: b"canary-5517 \xff\xfe".to_vec() });
    let status = client.unary(request, path, codec).await.unwrap_err();
    assert!(matches!(status.code(), Code::Internal | Code::InvalidArgument), "{status:?}");
    assert!(!status.message().contains("canary"), "{}", status.message());
    classify(&server, text("hello")).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn a_mebibyte_without_spaces_is_scanned_to_its_end() {
    let server = TestServer::start(Setup::default()).await;
    let limit = 1024 * 1024;
    let tail = ";card=4539148803436467";
    let long = "x".repeat(limit - tail.len()) + tail;
    assert_eq!(classify(&server, text(long)).await.unwrap(), Sensitivity::Confidential);
    assert_eq!(classify(&server, text("a".repeat(limit))).await.unwrap(), Sensitivity::Public);
    server.stop().await;
}

#[tokio::test]
async fn a_full_service_refuses_at_once_and_says_when_to_come_back() {
    let config = "[server.limits]\nmax_classifications = 1\n";
    let server = TestServer::start(Setup { model: crate::common::Model::Hangs, ..Setup::with(config) }).await;
    let mut slow = server.classifier().await;
    let mut quick = server.classifier().await;
    let first = slow.classify(text("something for the model"));
    let second = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        quick.classify(text("something else")).await
    };
    let (_, second) = tokio::join!(first, second);
    let status = second.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_error_details().retry_info().unwrap().retry_delay.is_some());
    server.stop().await;
}

#[tokio::test]
async fn a_passed_deadline_is_said() {
    let server = TestServer::start(Setup { model: crate::common::Model::Hangs, ..Setup::default() }).await;
    let mut request = tonic::Request::new(text("something for the model"));
    request.set_timeout(std::time::Duration::from_millis(400));
    let status = server.classifier().await.classify(request).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    server.stop().await;
}

#[tokio::test]
async fn callers_are_named_and_unknown_ones_refused() {
    // SHA-256 of `sesame`.
    let token = "d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272";
    let config = format!("[[caller]]\nname = \"crm\"\ntoken_sha256 = \"{token}\"\n");
    let server = TestServer::start(Setup::with(config)).await;
    let call = |authorization: Option<&'static str>| {
        let mut request = tonic::Request::new(text("hello"));
        if let Some(value) = authorization {
            request.metadata_mut().insert("authorization", value.parse().unwrap());
        }
        request
    };
    for wrong in [None, Some("Bearer open"), Some("Basic sesame")] {
        let status = server.classifier().await.classify(call(wrong)).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{wrong:?}");
    }
    server.classifier().await.classify(call(Some("Bearer sesame"))).await.unwrap();
    let mut list = tonic::Request::new(cordon::service::proto::ListDecisionsRequest::default());
    list.metadata_mut().insert("authorization", "Bearer sesame".parse().unwrap());
    let status = server.audit_client().await.list_decisions(list).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    server.stop().await;
}
