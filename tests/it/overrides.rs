//! Overrides and the observed policy through the service: what is told, what is recorded, and that the one who only
//! looks on changes nothing.

use cordon::service::proto::{
    ClassifyRequest, Complexity, DispatchRequest, DispatchResponse, GetDecisionRequest, LevelOverride, Message, Role,
    Route, Sensitivity,
};
use sha2::{Digest, Sha256};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::common::backend::{Backend, answer};
use crate::common::{Setup, TestServer};

const INTERNAL: &str = "INTERNAL USE ONLY: host db7.corp.internal moves to 10.20.30.40 canary-int";
const CONFIDENTIAL: &str = "my card is 4539 1488 0343 6467 canary-conf";

const POLICY: &str = r#"
format = 1
name = "newsroom"
version = "1"
[[rule]]
id = "card"
level = "confidential"
description = "A card."
when = { any_of = ["CREDIT_CARD"] }
[[rule]]
id = "network"
level = "internal"
description = "An address of the inner network."
when = { categories = ["network"] }
[[override]]
id = "press"
callers = ["newsroom"]
from = "internal"
to = "public"
[[route]]
id = "stays"
levels = ["confidential", "internal"]
to = "local"
[[route]]
id = "leaves"
levels = ["public"]
to = "cloud"
"#;

fn caller(name: &str, permissions: &str) -> String {
    let digest = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("[[caller]]\nname = \"{name}\"\ntoken_sha256 = \"{digest}\"\n{permissions}\n")
}

fn of<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

async fn ask(
    server: &TestServer,
    token: &str,
    text: &str,
    wish: Option<(Sensitivity, &str)>,
) -> Result<DispatchResponse, Status> {
    let request = DispatchRequest {
        messages: vec![Message { role: Role::User as i32, content: text.into(), ..Default::default() }],
        complexity: Complexity::Complex as i32,
        level_override: wish
            .map(|(level, reason)| LevelOverride { level: level as i32, reason_code: reason.to_owned() }),
        ..Default::default()
    };
    server.dispatcher_client().await.dispatch(of(token, request)).await.map(tonic::Response::into_inner)
}

struct Newsroom {
    server: TestServer,
    local: Backend,
    cloud: Backend,
    _folder: tempfile::TempDir,
}

async fn newsroom(extra: &str, observed: Option<&str>) -> Newsroom {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let policy = write("policy.toml", POLICY);
    let observe =
        observed.map(|text| format!("observe_policy = {:?}\n", write("observed.toml", text))).unwrap_or_default();
    let (local, cloud) = (Backend::answering(answer("home")).await, Backend::answering(answer("away")).await);
    let config = format!(
        "policy = {policy:?}\n{observe}{extra}{}{}{}{}{}",
        local.entry("here", "local"),
        cloud.entry("there", "cloud"),
        caller("newsroom", ""),
        caller("web", ""),
        caller("auditor", "permissions = [\"audit-read\"]"),
    );
    let server = TestServer::start(Setup::with(config)).await;
    Newsroom { server, local, cloud, _folder: folder }
}

#[tokio::test]
async fn an_override_is_granted_by_the_policy_alone_and_recorded() {
    let house = newsroom("", None).await;
    let server = &house.server;
    let wish = Some((Sensitivity::Public, "press-release:42"));
    let granted = ask(server, "newsroom", INTERNAL, wish).await.unwrap();
    let decision = granted.decision.unwrap();
    assert_eq!((granted.content.as_str(), decision.route()), ("away", Route::Cloud));
    assert_eq!(granted.verdict.unwrap().level(), Sensitivity::Internal, "the verdict keeps its level");
    let overridden = decision.overridden.unwrap();
    assert_eq!((overridden.rule.as_str(), overridden.reason_code.as_str()), ("press", "press-release:42"));
    assert_eq!((overridden.from(), overridden.to()), (Sensitivity::Internal, Sensitivity::Public));
    server.audit.flush().await.unwrap();
    let id = GetDecisionRequest { decision_id: granted.decision_id };
    let record = server.audit_client().await.get_decision(of("auditor", id)).await.unwrap().into_inner();
    assert_eq!((record.level(), record.caller.as_str()), (Sensitivity::Internal, "newsroom"));
    assert_eq!(record.decision.unwrap().overridden.unwrap(), overridden);

    let before = house.cloud.received().await.len();
    for (token, text, wish, code, reason, rule) in [
        ("web", INTERNAL, wish, Code::PermissionDenied, "OVERRIDE_DENIED", "press"),
        ("newsroom", CONFIDENTIAL, wish, Code::PermissionDenied, "OVERRIDE_DENIED", "no_override"),
        (
            "newsroom",
            INTERNAL,
            Some((Sensitivity::Public, "")),
            Code::InvalidArgument,
            "OVERRIDE_REASON_REQUIRED",
            "press",
        ),
    ] {
        let status = ask(server, token, text, wish).await.unwrap_err();
        let info = status.get_error_details().error_info().cloned().unwrap();
        assert_eq!((status.code(), info.reason.as_str()), (code, reason), "{status}");
        assert_eq!(info.metadata["rule"], rule);
        assert!(status.message().contains(rule) && !status.message().contains("canary"), "{status}");
    }
    for reason in ["two words", "zwölf", &"x".repeat(65)] {
        let status = ask(server, "newsroom", INTERNAL, Some((Sensitivity::Public, reason))).await.unwrap_err();
        let info = status.get_error_details().error_info().cloned().unwrap();
        assert_eq!((status.code(), info.reason.as_str()), (Code::InvalidArgument, "INVALID_REASON_CODE"));
    }
    assert_eq!(house.cloud.received().await.len(), before, "nothing that was refused left");
    assert!(!house.cloud.saw("canary-conf").await && !house.local.saw("canary").await);
    // Who asks for no less than the verdict gives is asked nothing.
    let plain = ask(server, "web", INTERNAL, Some((Sensitivity::Confidential, ""))).await.unwrap();
    assert_eq!((plain.content.as_str(), plain.decision.unwrap().overridden), ("home", None));
    server.audit.flush().await.unwrap();
    let listed = server.audit.reader().list(&cordon::audit::DecisionFilter::default(), "", 20).unwrap().decisions;
    let denied = listed.iter().filter(|record| {
        record.decision.routing.as_ref().is_some_and(|routing| routing.reason.as_str() == "override_denied")
    });
    assert_eq!(denied.count(), 3, "each refusal is in the log");
    house.server.stop().await;
}

#[tokio::test]
async fn an_observed_policy_is_recorded_and_never_acts() {
    let stricter = POLICY.replace("id = \"network\"\nlevel = \"internal\"", "id = \"net\"\nlevel = \"confidential\"");
    let stricter = stricter.replace("to = \"cloud\"", "to = \"local\"").replace("version = \"1\"", "version = \"2\"");
    let house = newsroom("", Some(&stricter)).await;
    let server = &house.server;
    let public = ask(server, "web", "What is the capital of France?", None).await.unwrap();
    assert_eq!(public.content, "away", "the policy in force decides");
    let internal = ask(server, "web", INTERNAL, None).await.unwrap();
    let text = ClassifyRequest { text: INTERNAL.into(), ..Default::default() };
    let classified = server.classifier().await.classify(of("web", text)).await.unwrap().into_inner();
    assert_eq!(classified.verdict.unwrap().level(), Sensitivity::Internal);
    server.audit.flush().await.unwrap();
    let mut audit = server.audit_client().await;
    let mut seen = Vec::new();
    for decision_id in [public.decision_id, internal.decision_id, classified.decision_id] {
        let record = audit.get_decision(of("auditor", GetDecisionRequest { decision_id })).await.unwrap().into_inner();
        let observed = record.observed.clone().unwrap();
        assert_eq!(observed.policy.as_ref().unwrap().version, "2");
        seen.push((record.level(), observed.level(), observed.route(), observed.rule.clone(), observed.differs));
    }
    let row = |acting, level, route, rule: &str, differs| (acting, level, route, rule.to_owned(), differs);
    assert_eq!(seen[0], row(Sensitivity::Public, Sensitivity::Public, Route::Local, "", true));
    assert_eq!(seen[1], row(Sensitivity::Internal, Sensitivity::Confidential, Route::Local, "net", true));
    assert_eq!(seen[2], row(Sensitivity::Internal, Sensitivity::Confidential, Route::Unspecified, "net", true));
    let found = server.audit.reader().verify(&[], &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(found.intact(), "{found:?}");
    house.server.stop().await;
}
