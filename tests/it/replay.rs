//! Replay over logs that the service itself wrote: the self-check, another policy by the service and by the command line,
//! the same bytes twice, signatures, and what cannot be replayed.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cordon::audit::{PublicKey, Signature, verify_statement};
use cordon::service::proto::{
    ClassifyRequest, Complexity, DispatchRequest, Message, ReplayPolicyRequest, ReplaySummary, Role, Sensitivity,
};
use serde_json::Value;
use tonic::Code;

use crate::common::backend::{Backend, answer};
use crate::common::{Model, Setup, TestServer};

const CARD: &str = "my card is 4539 1488 0343 6467 canary-card";
const HOST: &str = "INTERNAL USE ONLY: host db7.corp.internal moves to 10.20.30.40 canary-host";
const PLAIN: &str = "Explain why the sky is red at sunset, step by step, with every law of physics that is involved.";

const OLD: &str = r#"
format = 1
name = "strict"
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
[[route]]
id = "leaves"
levels = ["public"]
to = "cloud"
[[route]]
id = "stays"
levels = ["confidential", "internal"]
to = "local"
"#;

/// Network addresses are public, and a declared level alone is not.
fn new() -> String {
    OLD.replace("version = \"1\"", "version = \"2\"").replace("level = \"internal\"", "level = \"public\"")
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn replay(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(["policy", "replay"])
        .args(arguments)
        .env("NO_COLOR", "1")
        .env_remove("CORDON_CONFIG")
        .env_remove("CORDON_SERVER")
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn refused(arguments: &[&str]) -> String {
    let output = replay(arguments);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

async fn classify(server: &TestServer, text: &str, declared: Sensitivity) {
    let request = ClassifyRequest { text: text.into(), declared_level: declared as i32, ..Default::default() };
    server.classifier().await.classify(request).await.unwrap();
}

async fn dispatch(server: &TestServer, text: &str) {
    let message =
        |role: Role, content: &str| Message { role: role as i32, content: content.into(), ..Default::default() };
    let request = DispatchRequest {
        messages: vec![message(Role::System, "Sei höflich, 请简短。"), message(Role::User, text)],
        complexity: Complexity::Complex as i32,
        ..Default::default()
    };
    server.dispatcher_client().await.dispatch(request).await.unwrap();
}

/// A service with both sides and prices, its requests made and its log written.
async fn served(folder: &Path) -> (TestServer, PathBuf, PathBuf) {
    let (here, there) = (Backend::answering(answer("yes")).await, Backend::answering(answer("yes")).await);
    let old = file(folder, "old.toml", OLD);
    let price = "[backend.price]\ninput = \"1\"\noutput = \"2\"\n";
    let config = format!(
        "policy = {old:?}\n{}[backend.price]\ninput = \"0.1\"\noutput = \"0.1\"\n{}{price}",
        here.entry("here", "local"),
        there.entry("there", "cloud")
    );
    let server = TestServer::start(Setup::with(config)).await;
    for text in [CARD, HOST, HOST, PLAIN] {
        dispatch(&server, text).await;
    }
    classify(&server, PLAIN, Sensitivity::Internal).await;
    classify(&server, HOST, Sensitivity::Unspecified).await;
    server.audit.flush().await.unwrap();
    let configured = server.data_dir.with_extension("toml");
    (server, old, configured)
}

#[tokio::test]
async fn every_record_of_the_service_comes_out_as_it_was_decided() {
    let local = Backend::answering(answer("yes")).await;
    let setup = Setup { model: Model::Real, ..Setup::with(local.entry("here", "local")) };
    let server = TestServer::start(setup).await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut asked = 0;
    for name in ["corpus/hr", "corpus/biz", "corpus/data", "levels/blind"] {
        let lines = std::fs::read_to_string(root.join(format!("{name}.jsonl"))).unwrap();
        for (number, line) in lines.lines().enumerate().step_by(9) {
            let text: Value = serde_json::from_str(line).unwrap();
            let text = text["text"].as_str().unwrap();
            let declared = if number % 4 == 0 { Sensitivity::Internal } else { Sensitivity::Unspecified };
            classify(&server, text, declared).await;
            asked += 1;
            if number % 2 == 0 {
                dispatch(&server, text).await;
                asked += 1;
            }
        }
    }
    server.audit.flush().await.unwrap();
    let policy = cordon::policy::DEFAULT_SOURCE.to_owned();
    let request = ReplayPolicyRequest { policy, ..Default::default() };
    let summary = server.audit_client().await.replay_policy(request).await.unwrap().into_inner().summary.unwrap();
    let check = summary.self_check.unwrap();
    assert_eq!(summary.decisions, asked);
    assert_eq!((check.reproduced, check.open, check.not_reproducible), (asked, 0, 0), "{:?}", check.examples);
    assert!(summary.levels.iter().all(|change| change.from == change.to), "{:?}", summary.levels);
    assert_eq!(summary.undecided.unwrap().levels, 0);
    server.stop().await;
}

// The command asks the service of this process, so it must go on while the test waits for the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_policy_says_what_it_would_change() {
    let folder = tempfile::tempdir().unwrap();
    let (server, old, configured) = served(folder.path()).await;
    let request = ReplayPolicyRequest { policy: new(), ..Default::default() };
    let answer = server.audit_client().await.replay_policy(request).await.unwrap().into_inner();
    let summary: ReplaySummary = answer.summary.unwrap();
    assert_eq!((summary.decisions, summary.classifications), (6, 2));
    let newly = summary.newly_to_cloud.unwrap();
    assert_eq!(newly.decisions, 2, "both about the host");
    assert!(
        newly.entity_types.iter().any(|held| held.entity_type == "IP_ADDRESS_PRIVATE" && held.decisions == 2),
        "{newly:?}"
    );
    let level = |from: Sensitivity, to: Sensitivity| {
        let found = summary.levels.iter().find(|change| (change.from(), change.to()) == (from, to));
        found.map_or(0, |change| change.decisions)
    };
    use Sensitivity::{Confidential, Internal, Public};
    assert_eq!(level(Internal, Public), 3);
    assert_eq!((level(Confidential, Confidential), level(Public, Public), level(Internal, Internal)), (1, 1, 1));
    let network = |of: &str| summary.rules.iter().find(|rule| rule.of == of && rule.rule == "network").unwrap();
    assert_eq!((network("before").decides, network("after").decides), (3, 3));
    // 7 tokens in and 3 out: two requests go from 0.1 and 0.1 to 1 and 2 dollars per million.
    let cost = summary.cost.unwrap();
    assert_eq!((cost.known, cost.before_micros, cost.after_micros, cost.change_micros), (4, 16, 40, 24));
    let group = summary.groups.first().unwrap();
    assert_eq!((group.decisions, group.route_before.as_str(), group.route_after.as_str()), (2, "local", "cloud"));
    assert_eq!(group.examples.len(), 2);

    let new = file(folder.path(), "new.toml", &new());
    let [new, old, configured] = [&new, &old, &configured].map(|path| path.to_str().unwrap());
    let arguments = ["--config", configured, "--policy", new, "--json"];
    let first = told(&replay(&arguments));
    assert_eq!(first, told(&replay(&arguments)), "the same bytes");
    let by_service: Value = serde_json::from_str(&answer.canonical_json).unwrap();
    let by_hand: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(by_hand["rules"], by_service["rules"]);
    assert_eq!(by_hand["input"], by_service["input"]);
    let remote = told(&replay(&["--policy", new, "--json", "--server", &server.url]));
    assert_eq!(remote.trim_end(), answer.canonical_json);

    let table = told(&replay(&["--config", configured, "--policy", new, "--against", old]));
    assert!(table.contains("2 requests would newly go to the cloud") && table.contains("network → network"), "{table}");
    assert!(table.contains("6 come out as recorded"), "the old policy is checked: {table}");
    let remote = told(&replay(&["--policy", new, "--against", old, "--server", &server.url]));
    assert!(remote.contains("2 requests would newly go to the cloud"), "{remote}");
    let only = told(&replay(&["--config", configured, "--policy", new, "--level", "confidential", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&only).unwrap()["decisions"], 1);
    for text in [&first, &table] {
        assert!(!text.contains("canary") && !text.contains("10.20.30.40"), "{text}");
    }

    let output = folder.path().join("diff.json");
    told(&replay(&["--config", configured, "--policy", new, "--json", "--sign", "--output", output.to_str().unwrap()]));
    let signed: Value = serde_json::from_slice(&std::fs::read(folder.path().join("diff.json.sig")).unwrap()).unwrap();
    let [key] = PublicKey::parse_all(signed["key"].as_str().unwrap()).unwrap()[..] else { panic!("one key") };
    let signature: Signature = serde_json::from_value(signed["signature"].clone()).unwrap();
    let bytes = std::fs::read(&output).unwrap();
    assert_eq!(bytes, first.as_bytes());
    assert!(verify_statement(&key, &bytes, &signature));
    let mut edited = bytes;
    edited[10] ^= 1;
    assert!(!verify_statement(&key, &edited, &signature));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_replayed_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (server, _, configured) = served(folder.path()).await;
    let configured = configured.to_str().unwrap();
    let policy = |name: &str, text: &str| file(folder.path(), name, text).to_str().unwrap().to_owned();
    let unknown = policy("unknown.toml", &OLD.replace("CREDIT_CARD", "CREDIT_CARDS"));
    let broken = policy("broken.toml", "format = 1\n[[rule]\n");
    let good = policy("good.toml", OLD);
    for (arguments, said) in [
        (vec!["--config", configured, "--policy", &unknown], "did you mean `CREDIT_CARD`?"),
        (vec!["--config", configured, "--policy", &broken], "line 2"),
        (vec!["--config", configured, "--policy", "/nowhere.toml"], "cannot read"),
        (vec!["--config", configured, "--policy", &good, "--against", &unknown], "CREDIT_CARDS"),
        (
            vec!["--config", configured, "--policy", &good, "--since", "2100-01-01T00:00:00Z"],
            "no decision of the log fits",
        ),
        (vec!["--config", configured, "--policy", &good, "--caller", "nobody"], "no decision of the log fits"),
        (vec!["--policy", &good, "--directory", "/nowhere"], "/nowhere"),
        (vec!["--config", configured], "name the policy"),
    ] {
        let error = refused(&arguments);
        assert!(error.contains(said), "{arguments:?}: {error}");
    }
    let mut client = server.audit_client().await;
    let mut code = async |policy: String| {
        let request = ReplayPolicyRequest { policy, ..Default::default() };
        client.replay_policy(request).await.unwrap_err().code()
    };
    assert_eq!(code("format = 1".into()).await, Code::InvalidArgument);
    assert_eq!(code(OLD.replace("CREDIT_CARD", "CREDIT_CARDS")).await, Code::InvalidArgument);
    assert_eq!(code(format!("{OLD}\n# {}", "x".repeat(1 << 20))).await, Code::InvalidArgument);
    let nobody = ReplayPolicyRequest { policy: OLD.into(), caller: "nobody".into(), ..Default::default() };
    assert_eq!(server.audit_client().await.replay_policy(nobody).await.unwrap_err().code(), Code::NotFound);
    server.stop().await;
}

#[test]
fn a_corpus_is_asked_under_both_policies_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let policy = |name: &str, text: &str| file(folder.path(), name, text).to_str().unwrap().to_owned();
    let (old, new) = (policy("old.toml", OLD), policy("new.toml", &new()));
    let line = |id: &str, text: &str, level: &str| {
        serde_json::json!({"id": id, "text": text, "level": level, "other": 1}).to_string()
    };
    let texts = [line("c", CARD, "confidential"), line("h", HOST, "internal"), line("p", PLAIN, "public")].join("\n");
    let corpus = policy("texts.jsonl", &texts);
    let arguments = ["--policy", &new, "--against", &old, "--corpus", &corpus];
    let said = told(&replay(&[&arguments[..], &["--json"]].concat()));
    let summary: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((summary["texts"].as_u64(), summary["changed"][0]["id"].as_str()), (Some(3), Some("h")));
    assert_eq!(summary["changed"].as_array().unwrap().len(), 1);
    let accuracy = &summary["accuracy"];
    assert_eq!((accuracy["right_before"].as_u64(), accuracy["right_after"].as_u64()), (Some(3), Some(2)));
    assert!(!said.contains("canary"), "{said}");
    let table = told(&replay(&arguments));
    assert!(table.contains("3 of 3 before") && table.contains("2 after") && !table.contains("canary"), "{table}");
    let shown = told(&replay(&[&arguments[..], &["--show-text"]].concat()));
    assert!(shown.contains("canary-host") && !shown.contains("canary-card"), "{shown}");
    let broken = policy("broken.jsonl", "{\"text\": \"a\"}\n{\"txt\": \"canary\"}\n");
    let error = refused(&["--policy", &new, "--corpus", &broken]);
    assert!(error.contains("broken.jsonl:2") && !error.contains("canary"), "{error}");
    let empty = policy("empty.jsonl", "\n");
    assert!(refused(&["--policy", &new, "--corpus", &empty]).contains("holds no text"));
}
