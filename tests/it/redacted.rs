//! The route `cloud-redacted`: what leaves is a redacted text on its own verdict, and the answer comes with its values.

use cordon::service::proto::dispatch_stream_response::Event;
use cordon::service::proto::{
    Complexity, ContentPart, DispatchRequest, DispatchResponse, GetDecisionRequest, Message, Role, Route, Sensitivity,
    Tool, content_part,
};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::common::backend::{Backend, answer};
use crate::common::{Setup, TestServer};

const MAIL: &str = "zoe.krantz@heronmail.nl";
const CARD: &str = "4539 1488 0343 6467";

/// The shipped policy, but internal and confidential text may leave redacted.
fn policy(extra: &str) -> String {
    let mut policy = include_str!("../../policy/default.toml").to_owned();
    for level in ["confidential", "internal"] {
        let stays = format!("id = \"{level}_stays\"\nlevels = [\"{level}\"]\nto = \"local\"\n");
        let leaves = format!("id = \"{level}_redacted\"\nlevels = [\"{level}\"]\nto = \"cloud-redacted\"\n{extra}\n");
        assert!(policy.contains(&stays), "the shipped policy keeps {level} text");
        policy = policy.replace(&stays, &leaves);
    }
    policy
}

struct House {
    local: Backend,
    cloud: Backend,
    server: TestServer,
    _folder: tempfile::TempDir,
}

async fn house(cloud: ResponseTemplate, extra: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, policy(extra)).unwrap();
    let local = Backend::answering(answer("from the local model")).await;
    let cloud = Backend::answering(cloud).await;
    let config = format!("policy = {:?}\n", path.display().to_string())
        + &local.entry("here", "local")
        + &cloud.entry("there", "cloud");
    let server = TestServer::start(Setup::with(config)).await;
    House { local, cloud, server, _folder: folder }
}

fn asking(text: &str) -> DispatchRequest {
    DispatchRequest {
        messages: vec![Message { role: Role::User as i32, content: text.into(), ..Default::default() }],
        complexity: Complexity::Complex as i32,
        ..Default::default()
    }
}

async fn ask(house: &House, request: DispatchRequest) -> DispatchResponse {
    house.server.dispatcher_client().await.dispatch(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn the_cloud_sees_placeholders_and_the_caller_values() {
    let house = house(answer("I wrote to ⟦EMAIL_ADDRESS_1⟧ and ⟦email_address_1⟧ again."), "").await;
    let response = ask(&house, asking(&format!("Draft a reply to {MAIL} about card {CARD}."))).await;
    assert_eq!(response.verdict.unwrap().level(), Sensitivity::Confidential, "the text's own level is told");
    assert_eq!(response.content, format!("I wrote to {MAIL} and {MAIL} again."));
    let decision = response.decision.unwrap();
    assert_eq!((decision.route(), decision.ceiling()), (Route::CloudRedacted, Route::CloudRedacted));
    let redacted = decision.redacted.unwrap();
    assert_eq!((redacted.level(), redacted.replaced), (Sensitivity::Public, 2));
    let sent: Value = serde_json::from_str(&house.cloud.received().await[0]).unwrap();
    assert_eq!(sent["messages"][1]["content"], "Draft a reply to ⟦EMAIL_ADDRESS_1⟧ about card ⟦CREDIT_CARD_1⟧.");
    for secret in [MAIL, CARD, "heronmail", "4539"] {
        assert!(!house.cloud.saw(secret).await, "{secret} left");
    }

    let request = GetDecisionRequest { decision_id: response.decision_id };
    let record = house.server.audit_client().await.get_decision(request).await.unwrap().into_inner();
    assert_eq!(record.level(), Sensitivity::Confidential);
    let routing = record.decision.unwrap();
    assert_eq!(routing.route(), Route::CloudRedacted);
    assert_eq!(routing.redacted.unwrap().level(), Sensitivity::Public);
    house.server.stop().await;
}

#[tokio::test]
async fn a_stream_is_restored_however_it_is_cut() {
    let house = house(answer(&format!("{}⟦CREDIT_CARD_1⟧{}", "a".repeat(20), "b".repeat(20))), "").await;
    let request = asking(&format!("What bank issued card {CARD}?"));
    let mut stream = house.server.dispatcher_client().await.dispatch_stream(request).await.unwrap().into_inner();
    let mut content = String::new();
    while let Some(message) = stream.message().await.unwrap() {
        if let Some(Event::Delta(delta)) = message.event {
            content.push_str(&delta);
        }
    }
    assert_eq!(content, format!("{}{CARD}{}", "a".repeat(20), "b".repeat(20)));
    house.server.stop().await;
}

/// A text does not become public because its marking was replaced, nor because the name is gone from a private matter
/// that is told of somebody.
#[tokio::test]
async fn what_is_sensitive_without_its_values_stays() {
    let house = house(answer("from the cloud"), "").await;
    for text in [
        format!("STRICTLY CONFIDENTIAL. The offer to {MAIL} is 14 million."),
        format!("Our acquisition of the brewery is not yet announced; only {MAIL} knows."),
    ] {
        let response = ask(&house, asking(&text)).await;
        let decision = response.decision.unwrap();
        assert_eq!((decision.route(), decision.ceiling()), (Route::Local, Route::Local), "{text}");
        assert_eq!(decision.reason, "redacted_text_not_permitted", "{text}");
        assert!(decision.redacted.is_none());
    }
    assert!(house.cloud.received().await.is_empty());
    assert_eq!(house.local.received().await.len(), 2);
    assert!(house.local.saw(MAIL).await, "the local model gets the text itself");
    house.server.stop().await;
}

/// The caller may know what no detector finds; then nothing is replaced, and the text would leave as it is.
#[tokio::test]
async fn a_declared_level_holds_for_the_redacted_text_too() {
    let house = house(answer("from the cloud"), "").await;
    for declared in [Sensitivity::Internal, Sensitivity::Confidential] {
        let request = DispatchRequest { declared_level: declared as i32, ..asking("The heron flies at noon.") };
        let decision = ask(&house, request).await.decision.unwrap();
        assert_eq!((decision.route(), decision.reason.as_str()), (Route::Local, "redacted_text_not_permitted"));
    }
    assert!(house.cloud.received().await.is_empty());
    house.server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_redacted_stays() {
    let house = house(answer("from the cloud"), "").await;
    let mut image = asking("");
    let json = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}).to_string();
    image.messages[0].parts = vec![ContentPart { part: Some(content_part::Part::Json(json)) }];
    // The number is no string: with a placeholder in its place the schema would be no JSON any more.
    let mut number = asking("Fill in the form.");
    number.tools = vec![Tool {
        name: "pay".into(),
        description: "Pays with a credit card".into(),
        parameters: json!({"properties": {"credit_card_number": {"default": 4_539_148_803_436_467_u64}}}).to_string(),
        strict: None,
    }];
    for request in [image, number] {
        let decision = ask(&house, request).await.decision.unwrap();
        assert_eq!((decision.route(), decision.reason.as_str()), (Route::Local, "not_redactable"));
    }
    assert!(house.cloud.received().await.is_empty());
    house.server.stop().await;
}

fn calling(arguments: &Value) -> ResponseTemplate {
    let chunk = |delta: Value, reason: Value| {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}))
    };
    let arguments = arguments.to_string();
    let (first, second) = arguments.split_at(arguments.find("EMAIL").unwrap());
    let body = [
        chunk(
            json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "send", "arguments": first}}]}),
            Value::Null,
        ),
        chunk(json!({"tool_calls": [{"index": 0, "function": {"arguments": second}}]}), Value::Null),
        chunk(json!({}), json!("tool_calls")),
        "data: [DONE]\n\n".to_owned(),
    ];
    ResponseTemplate::new(200).set_body_raw(body.concat(), "text/event-stream")
}

/// Whoever writes the answer could have a value carried away by a call, so calls keep their placeholders unless the
/// policy says otherwise; addresses keep them even then.
#[tokio::test]
async fn calls_of_tools_get_values_only_where_the_policy_says_so() {
    let arguments = json!({"to": "⟦EMAIL_ADDRESS_1⟧", "see": "https://a.example/?q=⟦EMAIL_ADDRESS_1⟧"});
    for (extra, to) in [("", "⟦EMAIL_ADDRESS_1⟧"), ("restore_in = [\"tool_calls\"]", MAIL)] {
        let house = house(calling(&arguments), extra).await;
        let response = ask(&house, asking(&format!("Write to {MAIL}."))).await;
        let [call] = response.tool_calls.try_into().unwrap();
        let got: Value = serde_json::from_str(&call.arguments).unwrap();
        assert_eq!(got, json!({"to": to, "see": "https://a.example/?q=⟦EMAIL_ADDRESS_1⟧"}), "{extra}");
        assert_eq!((call.id.as_str(), call.name.as_str()), ("c", "send"));
        house.server.stop().await;
    }
}

#[tokio::test]
async fn a_closed_cloud_and_a_failing_one_mean_local() {
    let house = house(ResponseTemplate::new(500), "").await;
    let request = || asking(&format!("Draft a reply to {MAIL} about card {CARD}."));
    let decision = ask(&house, request()).await.decision.unwrap();
    assert_eq!((decision.route(), decision.reason.as_str()), (Route::Local, "cloud_unavailable"));
    assert!(!house.cloud.saw(MAIL).await && !house.cloud.received().await.is_empty());
    house.server.dispatcher.set_cloud_closed(true);
    let calls = house.cloud.received().await.len();
    let decision = ask(&house, request()).await.decision.unwrap();
    assert_eq!((decision.route(), decision.reason.as_str()), (Route::Local, "cloud_closed"));
    assert_eq!(house.cloud.received().await.len(), calls);
    house.server.stop().await;
}
