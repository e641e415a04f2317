//! The dispatcher with a real policy, a real audit log and scripted backends over sockets. The common parts; the cases
//! stand in the files beside.

mod asked;
mod budgets;
mod crowding;
mod ending;
mod escalating;
mod paying;
mod repeating;
mod retrying;
mod routing;
mod schedules;

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;

use super::testing::{OLLAMA_TAGS, Server, Step, ollama_answer, openai_answer, response};
use super::*;
use crate::audit::{AuditConfig, AuditLog, DecisionFilter, Provenance, RequestId, StoredDecision, Timings};
use crate::detect::{Category, Coverage, Detector, DetectorCoverage, Status};
use crate::document::{Conversation, Generation, Message, Role};
use crate::policy::testing::ROUTES_OF_PUBLIC;
use crate::policy::{Complexity, Evidence, Policy, Route, Sensitivity, TypeTable};

const CANARY: &str = "canary-41b7";

const POLICY: &str = r#"
format = 1
name = "test"
version = "1"

[[rule]]
id = "person"
level = "internal"
description = "A name."
when = { any_of = ["PERSON"] }

[[route]]
id = "private"
levels = ["confidential", "internal"]
to = "local"
"#;

/// Gives every conversation the level that the caller declared.
struct ByDeclaration(Arc<Policy>);

#[async_trait]
impl Classify for ByDeclaration {
    async fn classify(&self, request: &Request) -> Judged {
        let document = request.conversation.document();
        let seen = |detector| DetectorCoverage {
            detector,
            status: Status::Complete,
            bytes_scanned: document.total_bytes(),
            bytes_total: document.total_bytes(),
            digest: "d".into(),
        };
        let all = [Detector::Pattern, Detector::Dictionary, Detector::Secret, Detector::Ner];
        let verdict = self.0.decide(Evidence {
            document,
            findings: Vec::new(),
            topics: Vec::new(),
            coverage: Coverage { detectors: all.map(seen).to_vec() },
            declared_level: request.declared_level,
            caller: &request.caller,
        });
        Judged {
            verdict: Arc::new(verdict),
            timings: Timings::default(),
            provenance: Provenance::default(),
            policy: Arc::clone(&self.0),
            observed: None,
        }
    }
}

/// A dispatcher with its own log.
struct House {
    dispatcher: Dispatcher,
    audit: Arc<AuditLog>,
    classify: Arc<ByDeclaration>,
    directory: TempDir,
    tracker: TaskTracker,
}

impl House {
    fn new(configs: Vec<BackendConfig>) -> Self {
        Self::with_routes(configs, ROUTES_OF_PUBLIC)
    }

    /// The same with these routes of public text.
    fn with_routes(configs: Vec<BackendConfig>, routes: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let audit = Arc::new(AuditLog::open(AuditConfig::in_directory(directory.path().join("audit"))).unwrap());
        let policy =
            Policy::parse(&format!("{POLICY}{routes}"), &TypeTable::new().with("PERSON", Category::Person)).unwrap();
        let classify = Arc::new(ByDeclaration(Arc::new(policy)));
        let tracker = TaskTracker::new();
        let dispatcher = Dispatcher::new(
            Backends::build(configs).unwrap(),
            Arc::clone(&audit),
            Arc::clone(&classify) as Arc<dyn Classify>,
            tracker.clone(),
        );
        Self { dispatcher, audit, classify, directory, tracker }
    }

    /// Lets the log grow no further and fills what space it has, with records smaller than those of a dispatch.
    async fn fill_log(&self) {
        self.audit.set_max_bytes(Some(1));
        let request = request(Sensitivity::Public, Complexity::Simple);
        let judged = self.classify.classify(&request).await;
        for _ in 0..10_000 {
            let about = crate::audit::DecisionInput {
                operation: crate::audit::Operation::Classify,
                caller: "".into(),
                request_id: None,
                declared_level: None,
                provenance: Provenance::default(),
                timings: Timings::default(),
                routing: None,
            };
            let document = request.conversation.document();
            let decision =
                crate::audit::Decision::new(about, &judged.verdict, document, self.audit.digest_key()).unwrap();
            if self.audit.append(decision).unwrap().durable().await.is_err() {
                return;
            }
        }
        panic!("the log is never full");
    }

    /// Waits for all requests and returns the records, oldest first.
    async fn records(&self) -> Vec<StoredDecision> {
        self.tracker.close();
        self.tracker.wait().await;
        self.audit.flush().await.unwrap();
        let mut decisions = self.audit.reader().list(&DecisionFilter::default(), "", 100).unwrap().decisions;
        decisions.reverse();
        decisions
    }
}

/// A request with an id of its own.
fn request(level: Sensitivity, complexity: Complexity) -> Request {
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let message = Message::new(Role::User, format!("Please say {CANARY}"));
    Request {
        request_id: RequestId::parse(&format!("r-{number}")).unwrap(),
        caller: "tester".into(),
        conversation: Arc::new(Conversation::new(vec![message], Generation::default())),
        complexity: Some(complexity),
        declared_level: Some(level),
        always_ner: false,
        validate_only: false,
        deadline: Instant::now() + Duration::from_secs(20),
        level_override: None,
        whole: false,
        confidence: false,
        embedding: None,
    }
}

/// All that came of a request.
#[derive(Debug, Default)]
struct Told {
    events: Vec<&'static str>,
    decision: Option<Decision>,
    answer: String,
    outcome: Option<Outcome>,
    error: Option<DispatchError>,
}

impl House {
    async fn ask(&self, request: Request) -> Told {
        let mut told = Told::default();
        let mut events = self.dispatcher.dispatch(request);
        while let Some(event) = events.next().await {
            assert!(told.error.is_none(), "nothing follows an error");
            let shown = format!("{event:?}");
            assert!(!shown.contains("canary"), "{shown}");
            let name = match event {
                Ok(Event::Verdict(_)) => "verdict",
                Ok(Event::Decision(decision)) => {
                    told.decision = Some(decision);
                    "decision"
                }
                Ok(Event::Delta(text)) => {
                    told.answer.push_str(text.expose());
                    "delta"
                }
                Ok(Event::ToolCall(_)) => "tool_call",
                Ok(Event::Vectors(_)) => "vectors",
                Ok(Event::Outcome(outcome)) => {
                    told.outcome = Some(outcome);
                    "outcome"
                }
                Err(error) => {
                    assert!(!error.to_string().contains("canary"), "{error}");
                    told.error = Some(error);
                    "error"
                }
            };
            told.events.push(name);
        }
        told
    }
}

fn local(url: &str) -> BackendConfig {
    BackendConfig::new("here", Side::Local, BackendKind::Ollama, url, "m")
}

fn cloud(url: &str) -> BackendConfig {
    BackendConfig::new("there", Side::Cloud, BackendKind::Openai, url, "gpt")
}

/// An Ollama that answers every chat with these steps.
fn ollama(steps: Vec<Step>) -> Server {
    Server::start(move |seen| match seen.path.as_str() {
        "/api/tags" => response(200, "application/json", OLLAMA_TAGS),
        _ => steps.clone(),
    })
}

/// An Ollama that says `home`.
fn answering_ollama() -> Server {
    ollama(response(200, "application/x-ndjson", &ollama_answer(&["ho", "me"])))
}

/// A cloud that says `away`.
fn answering_cloud() -> Server {
    Server::always(response(200, "text/event-stream", &openai_answer(&["aw", "ay"])))
}

fn holds_canary(bytes: &[u8]) -> bool {
    bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes())
}
