//! `Redact` and `Restore` by a client of the generated code.

use cordon::service::proto::{
    OperatorKind, Part, RedactOperator, RedactRequest, RedactResponse, RestoreRequest, Role, Sensitivity, TypeOperator,
};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::common::{Model, Setup, TestServer, holds};

const TEXT: &str = "Dear Zoë: write to ada.brandt@firma-nord.de, card 4539 1488 0343 6467. ADA.BRANDT@firma-nord.de!";

fn text(text: &str) -> RedactRequest {
    RedactRequest { text: text.into(), ..Default::default() }
}

fn kind(kind: OperatorKind) -> RedactOperator {
    RedactOperator { kind: kind as i32, ..Default::default() }
}

fn email(operator: RedactOperator) -> TypeOperator {
    TypeOperator { entity_type: "EMAIL_ADDRESS".into(), operator: Some(operator) }
}

async fn redact(server: &TestServer, request: RedactRequest) -> Result<RedactResponse, Status> {
    Ok(server.classifier().await.redact(request).await?.into_inner())
}

async fn restore(server: &TestServer, sealed_map: &[u8], answer: &str) -> Result<String, Status> {
    let request = RestoreRequest { sealed_map: sealed_map.into(), text: answer.into(), ..Default::default() };
    Ok(server.classifier().await.restore(request).await?.into_inner().text)
}

fn refusal(status: &Status) -> (Code, String, String) {
    let details = status.get_error_details();
    let field = details.bad_request().map(|bad| bad.field_violations[0].field.clone()).unwrap_or_default();
    (status.code(), details.error_info().unwrap().reason.clone(), field)
}

#[tokio::test]
async fn a_text_is_redacted_and_an_answer_about_it_restored() {
    let server = TestServer::start(Setup::default()).await;
    let request = RedactRequest { request_id: "r-1".into(), classify_redacted: true, ..text(TEXT) };
    let done = redact(&server, request).await.unwrap();
    assert_eq!(
        done.text, "Dear Zoë: write to ⟦EMAIL_ADDRESS_1⟧, card ⟦CREDIT_CARD_1⟧. ⟦EMAIL_ADDRESS_1⟧!",
        "the same address has the same number"
    );
    assert_eq!((done.request_id.as_str(), done.parts.len(), done.spans.len()), ("r-1", 0, 3));
    for span in &done.spans {
        let (original, redacted) = (span.original_byte_range.unwrap(), span.redacted_byte_range.unwrap());
        assert!(TEXT.get(original.start as usize..original.end as usize).unwrap().len() > 15);
        let placeholder = &done.text[redacted.start as usize..redacted.end as usize];
        assert!(placeholder.starts_with(&format!("⟦{}_", span.entity_type)), "{placeholder}");
        assert_eq!(span.operator(), OperatorKind::Replace);
    }
    assert_eq!(done.verdict.unwrap().level(), Sensitivity::Confidential);
    assert_eq!(done.redacted_verdict.unwrap().level(), Sensitivity::Public);
    assert!(!done.decision_id.is_empty() && done.expires.unwrap().seconds > 0);
    assert!(!holds(&done.sealed_map, "ada.brandt"));

    let answer = "Use ⟦email_address_1⟧ (https://e.example/?q=⟦CREDIT_CARD_1⟧), not `[EMAIL_ADDRESS_1]` or ⟦PERSON_1⟧.";
    assert_eq!(
        restore(&server, &done.sealed_map, answer).await.unwrap(),
        "Use ada.brandt@firma-nord.de (https://e.example/?q=⟦CREDIT_CARD_1⟧), not `[EMAIL_ADDRESS_1]` or ⟦PERSON_1⟧."
    );
    let request = RestoreRequest {
        sealed_map: done.sealed_map,
        parts: vec![Part { role: Role::Assistant as i32, json_pointer: "/a".into(), text: answer.into() }],
        in_urls: true,
        in_code: true,
        ..Default::default()
    };
    let whole = server.classifier().await.restore(request).await.unwrap().into_inner();
    assert_eq!(whole.restored, 3);
    assert_eq!((whole.parts[0].role(), whole.parts[0].json_pointer.as_str()), (Role::Assistant, "/a"));
    assert!(whole.parts[0].text.contains("?q=4539 1488 0343 6467"));
    assert!(!holds(&server.data_bytes(), "ada.brandt"), "no value on the disk");
    server.stop().await;
}

#[tokio::test]
async fn names_that_the_real_model_finds_are_the_same_in_all_messages() {
    let server = TestServer::start(Setup { model: Model::Real, ..Setup::default() }).await;
    let part = |text: &str| Part { text: text.into(), ..Default::default() };
    let request = RedactRequest {
        parts: vec![
            part("Patient Margaret Okonkwo was diagnosed with breast cancer in March."),
            part("Please write a letter to Margaret Okonkwo."),
        ],
        operators: vec![TypeOperator {
            entity_type: "HEALTH_CONDITION".into(),
            operator: Some(kind(OperatorKind::Drop)),
        }],
        classify_redacted: true,
        ..Default::default()
    };
    let done = redact(&server, request).await.unwrap();
    assert!(done.parts[0].text.starts_with("Patient ⟦PERSON_1⟧ "), "{}", done.parts[0].text);
    assert_eq!(done.parts[1].text, "Please write a letter to ⟦PERSON_1⟧.");
    assert!(!done.parts[0].text.contains("breast cancer"));
    assert!(done.redacted_verdict.unwrap().findings.iter().all(|finding| finding.entity_type != "PERSON"));
    let answer = "Dear [PERSON_1], as discussed …";
    assert_eq!(restore(&server, &done.sealed_map, answer).await.unwrap(), "Dear Margaret Okonkwo, as discussed …");
    server.stop().await;
}

#[tokio::test]
async fn operators_and_parts_of_any_size() {
    let server = TestServer::start(Setup::default()).await;
    let mask = RedactOperator { kind: OperatorKind::Mask as i32, keep_last: 4, mask_character: "#".into() };
    let request = RedactRequest {
        parts: [TEXT.to_owned(), format!("{} {TEXT}", "plain words. ".repeat(4000))]
            .map(|text| Part { text, ..Default::default() })
            .into(),
        default_operator: Some(mask),
        operators: vec![email(kind(OperatorKind::Encrypt))],
        ..Default::default()
    };
    let done = redact(&server, request).await.unwrap();
    for part in &done.parts {
        assert!(part.text.contains("card ###############6467."), "{}", &part.text[part.text.len() - 300..]);
        assert!(part.text.contains("⟦EMAIL_ADDRESS=") && !part.text.to_lowercase().contains("brandt"));
    }
    assert_eq!(restore(&server, &done.sealed_map, &done.parts[0].text).await.unwrap(), done.parts[0].text);
    let request =
        RestoreRequest { sealed_map: done.sealed_map, parts: done.parts, decrypt: true, ..Default::default() };
    let opened = server.classifier().await.restore(request).await.unwrap().into_inner();
    assert_eq!(opened.restored, 4);
    assert!(opened.parts.iter().all(|part| part.text.contains("to ada.brandt@firma-nord.de, card ####")));

    let request = RedactRequest {
        default_operator: Some(kind(OperatorKind::Keep)),
        operators: vec![email(kind(OperatorKind::Drop))],
        ..text(TEXT)
    };
    let dropped = redact(&server, request).await.unwrap();
    assert_eq!(dropped.text, "Dear Zoë: write to , card 4539 1488 0343 6467. !");
    server.stop().await;
}

#[tokio::test]
async fn a_map_opens_for_its_caller_on_its_server_only() {
    let caller = |name: &str| {
        let digest = hex::encode(Sha256::digest(format!("token-of-{name}")));
        format!("[[caller]]\nname = \"{name}\"\ntoken_sha256 = \"{digest}\"\n")
    };
    let config = || Setup::with(format!("{}{}", caller("crm"), caller("web")));
    let (server, other) = (TestServer::start(config()).await, TestServer::start(config()).await);
    fn from<T>(name: &str, request: T) -> Request<T> {
        let mut request = Request::new(request);
        request.metadata_mut().insert("authorization", format!("Bearer token-of-{name}").parse().unwrap());
        request
    }
    let done = server.classifier().await.redact(from("crm", text(TEXT))).await.unwrap().into_inner();
    let request = |sealed_map: &[u8]| RestoreRequest {
        sealed_map: sealed_map.into(),
        text: "⟦EMAIL_ADDRESS_1⟧".into(),
        ..Default::default()
    };
    let opened = server.classifier().await.restore(from("crm", request(&done.sealed_map))).await.unwrap().into_inner();
    assert_eq!(opened.text, "ada.brandt@firma-nord.de");

    let mut changed = done.sealed_map.clone();
    *changed.last_mut().unwrap() ^= 1;
    let mut messages = Vec::new();
    for (server, caller, sealed) in [
        (&server, "web", done.sealed_map.as_slice()),
        (&other, "crm", &done.sealed_map),
        (&server, "crm", &changed),
        (&server, "crm", b"rubbish"),
    ] {
        let status = server.classifier().await.restore(from(caller, request(sealed))).await.unwrap_err();
        let expected = (Code::InvalidArgument, "SEALED_MAP_NOT_OPENED".to_owned(), "sealed_map".to_owned());
        assert_eq!(refusal(&status), expected);
        messages.push(status.message().to_owned());
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "one answer whatever is wrong");
    let status = server.classifier().await.redact(text(TEXT)).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    server.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_map_outlives_a_restart_with_a_key_and_no_longer_than_its_time() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "5a".repeat(32)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = || Setup::with(format!("[redaction]\nkey_file = {key:?}\nttl_seconds = 60\n"));
    let server = TestServer::start(config()).await;
    let long = redact(&server, text(TEXT)).await.unwrap();
    let short = redact(&server, RedactRequest { ttl_seconds: 1, ..text(TEXT) }).await.unwrap();
    server.stop().await;
    let server = TestServer::start(config()).await;
    assert_eq!(restore(&server, &long.sealed_map, "⟦CREDIT_CARD_1⟧").await.unwrap(), "4539 1488 0343 6467");
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let status = restore(&server, &short.sealed_map, "⟦CREDIT_CARD_1⟧").await.unwrap_err();
    assert_eq!(refusal(&status).1, "SEALED_MAP_NOT_OPENED");
    let refused = redact(&server, RedactRequest { ttl_seconds: 61, ..text(TEXT) }).await.unwrap_err();
    assert_eq!(refusal(&refused), (Code::InvalidArgument, "OUT_OF_RANGE".into(), "ttl_seconds".into()));
    server.stop().await;
}

#[tokio::test]
async fn what_was_not_seen_whole_is_not_returned() {
    let server = TestServer::start(Setup { model: Model::Fails, ..Setup::default() }).await;
    let status = redact(&server, text("the a is")).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::Unavailable, "INCOMPLETE_COVERAGE".into(), String::new()));
    server.stop().await;
}

#[tokio::test]
async fn wrong_requests_name_the_field() {
    let server = TestServer::start(Setup::default()).await;
    let with = |operator: RedactOperator| RedactRequest { default_operator: Some(operator), ..text("x") };
    let typed = |operators: Vec<TypeOperator>| RedactRequest { operators, ..text("x") };
    let mask = |character: &str| RedactOperator {
        kind: OperatorKind::Mask as i32,
        mask_character: character.into(),
        ..Default::default()
    };
    let nope = TypeOperator { entity_type: "NOPE".into(), operator: Some(kind(OperatorKind::Drop)) };
    let unset = TypeOperator { entity_type: "PERSON".into(), operator: None };
    for (request, reason, field) in [
        (text(""), "EMPTY_REQUEST", "text"),
        (RedactRequest { parts: vec![Part::default()], ..text("x") }, "AMBIGUOUS_REQUEST", "parts"),
        (RedactRequest { request_id: "a b".into(), ..text("x") }, "INVALID_REQUEST_ID", "request_id"),
        (RedactRequest { min_score: f32::NAN, ..text("x") }, "OUT_OF_RANGE", "min_score"),
        (with(RedactOperator { kind: 9, ..Default::default() }), "UNKNOWN_ENUM_VALUE", "default_operator.kind"),
        (with(mask("ab")), "OUT_OF_RANGE", "default_operator.mask_character"),
        (with(mask("7")), "OUT_OF_RANGE", "default_operator.mask_character"),
        (
            with(RedactOperator { keep_last: 2, ..Default::default() }),
            "AMBIGUOUS_REQUEST",
            "default_operator.keep_last",
        ),
        (typed(vec![nope]), "UNKNOWN_ENTITY_TYPE", "operators[0].entity_type"),
        (typed(vec![unset]), "EMPTY_REQUEST", "operators[0].operator"),
        (
            typed(vec![email(kind(OperatorKind::Drop)), email(kind(OperatorKind::Hash))]),
            "AMBIGUOUS_REQUEST",
            "operators[1].entity_type",
        ),
    ] {
        let status = redact(&server, request).await.unwrap_err();
        assert_eq!(refusal(&status), (Code::InvalidArgument, reason.into(), field.into()));
    }
    let status = restore(&server, b"", "x").await.unwrap_err();
    assert_eq!(refusal(&status), (Code::InvalidArgument, "EMPTY_REQUEST".into(), "sealed_map".into()));
    let status = restore(&server, b"x", "").await.unwrap_err();
    assert_eq!(refusal(&status), (Code::InvalidArgument, "EMPTY_REQUEST".into(), "text".into()));
    server.stop().await;
}

/// A short placeholder may stand for a long value: an answer full of them must not fill the memory.
#[tokio::test]
async fn an_answer_that_would_grow_beyond_all_bounds_is_refused_by_name() {
    let server = TestServer::start(Setup::default()).await;
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n".repeat(100);
    let key = format!("-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----");
    let done = redact(&server, text(&format!("the key: {key}\n"))).await.unwrap();
    let placeholder = done.text.split_whitespace().find(|word| word.starts_with('⟦')).unwrap();
    assert!(done.text.len() < 100, "one value of {} bytes: {}", key.len(), done.text);
    let once = restore(&server, &done.sealed_map, placeholder).await.unwrap();
    assert!(once.contains(body.trim_end()), "{placeholder} {once}");
    let status = restore(&server, &done.sealed_map, &format!("{placeholder} ").repeat(1_000)).await.unwrap_err();
    assert_eq!(refusal(&status), (Code::InvalidArgument, "RESTORED_TEXT_TOO_LONG".into(), "text".into()));
    server.stop().await;
}
