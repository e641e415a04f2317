//! What a text is about, from the model to the verdict, the answer, the log and the policy that looks on.

use cordon::service::proto::{ClassifyRequest, ClassifyResponse, CoverageStatus, Sensitivity};

use crate::common::{Model, Setup, TestServer};

const POLICY: &str = r#"
format = 1
name = "matters"
version = "1"
[[rule]]
id = "matter"
level = "confidential"
description = "A matter of health."
when = { topics = { health = 0.9 } }
[[rule]]
id = "less_sure"
level = "internal"
description = "Perhaps about children."
when = { topics = { minors = 0.04 } }
[[route]]
id = "all"
to = "local"
[[test]]
name = "a matter of health"
text = "It has come back."
topics = { health = 0.95 }
level = "confidential"
[[test]]
name = "perhaps about children"
text = "They went there."
topics = { minors = 0.5 }
level = "internal"
"#;

/// A scan is a matter of health, and nothing else here says so.
const MATTER: &str = "They saw it on the scan, it has come back.";

async fn server(model: Model, extra: &str) -> (TestServer, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, POLICY).unwrap();
    let config = extra.replace("POLICY", &format!("{:?}", path.display().to_string()));
    (TestServer::start(Setup { model, ..Setup::with(config) }).await, folder)
}

async fn classify(server: &TestServer, text: &str) -> ClassifyResponse {
    let request = ClassifyRequest { text: text.into(), ..Default::default() };
    server.classifier().await.classify(request).await.unwrap().into_inner()
}

fn topics(response: &ClassifyResponse) -> Vec<(&str, String)> {
    let verdict = response.verdict.as_ref().unwrap();
    verdict.topics.iter().map(|topic| (topic.name.as_str(), format!("{:.2}", topic.probability))).collect()
}

fn level(response: &ClassifyResponse) -> (Sensitivity, String) {
    let verdict = response.verdict.as_ref().unwrap();
    (verdict.level(), verdict.reasons.first().map(|reason| reason.rule.clone()).unwrap_or_default())
}

#[tokio::test]
async fn a_verdict_rests_on_what_the_model_says_the_text_is_about() {
    let (server, _folder) = server(Model::Topical, "policy = POLICY").await;
    let matter = classify(&server, MATTER).await;
    assert_eq!(level(&matter), (Sensitivity::Confidential, "matter".into()));
    assert_eq!(topics(&matter), [("health", "0.95".into())], "what is less likely than not is not named");
    assert!(matter.verdict.as_ref().unwrap().findings.is_empty());
    assert_eq!(classify(&server, MATTER).await.verdict, matter.verdict, "remembered windows keep their topics");

    let harmless = classify(&server, "They saw it on the map.").await;
    assert_eq!((level(&harmless), topics(&harmless).len()), ((Sensitivity::Internal, "less_sure".into()), 0));

    server.audit.flush().await.unwrap();
    let stored = server.audit.reader().get(matter.decision_id.parse().unwrap()).unwrap();
    let recorded = &stored.decision.topics;
    assert_eq!(recorded.len(), 1, "{recorded:?}");
    assert_eq!((recorded[0].name.as_str(), recorded[0].probability.millionths()), ("health", 953_000));
    server.stop().await;
}

#[tokio::test]
async fn topics_of_windows_far_apart_are_one_verdict() {
    let (server, _folder) = server(Model::Topical, "policy = POLICY").await;
    let filler = "Somebody said something about the weather of that year. ".repeat(60);
    let long = classify(&server, &format!("It was on the scan. {filler} Then the class went home. {filler}")).await;
    assert_eq!(topics(&long), [("health", "0.95".into()), ("minors", "0.62".into())]);
    assert_eq!(level(&long), (Sensitivity::Confidential, "matter".into()));
    assert!(long.verdict.unwrap().coverage.unwrap().complete);
    server.stop().await;
}

#[tokio::test]
async fn topics_that_are_no_numbers_are_a_failed_receipt_and_confidential() {
    let (server, _folder) = server(Model::TopicalRubbish, "policy = POLICY").await;
    let answer = classify(&server, "They saw it on the map.").await;
    assert_eq!(level(&answer), (Sensitivity::Confidential, "incomplete_coverage".into()));
    let coverage = answer.verdict.unwrap().coverage.unwrap();
    let failed: Vec<_> = coverage
        .detectors
        .iter()
        .filter(|entry| entry.status() == CoverageStatus::Failed)
        .map(|entry| entry.reason.as_str())
        .collect();
    assert_eq!(failed, ["model_output_invalid"]);
    server.stop().await;
}

#[tokio::test]
async fn a_policy_that_looks_on_sees_the_topics() {
    let (server, _folder) = server(Model::Topical, "observe_policy = POLICY").await;
    let answer = classify(&server, "They took the class there.").await;
    assert_eq!(level(&answer).0, Sensitivity::Public, "the default policy acts");
    server.audit.flush().await.unwrap();
    let stored = server.audit.reader().get(answer.decision_id.parse().unwrap()).unwrap();
    let observed = stored.decision.observed.unwrap();
    assert_eq!((observed.level.to_string(), observed.rule.as_str()), ("internal".into(), "less_sure"));
    server.stop().await;
}
