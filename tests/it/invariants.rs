//! What must always hold, tested through the whole service: unknown is confidential, one verdict binds the request,
//! no record no egress, and text never leaks sideways. Canary strings are searched for in everything that is kept,
//! shown or sent.

use std::io;
use std::sync::{Arc, Mutex};

use cordon::service::proto::{
    ClassifyRequest, Complexity, CoverageStatus, Detector, DispatchRequest, Message, Role, Route, Sensitivity,
};
use tracing_subscriber::fmt::MakeWriter;

use crate::common::backend::{Backend, answer};
use crate::common::{Model, Setup, TestServer, holds};

const CANARY: &str = "zanzibar-canary-5517";

fn ask(text: &str, complexity: Complexity) -> DispatchRequest {
    DispatchRequest {
        messages: vec![Message { role: Role::User as i32, content: text.into(), ..Default::default() }],
        complexity: complexity as i32,
        ..Default::default()
    }
}

/// Unknown is confidential: whatever the model does, no failure looks like "nothing found".
#[tokio::test]
async fn a_model_that_fails_makes_the_verdict_confidential_and_nothing_leaves() {
    for model in [Model::Fails, Model::Rubbish, Model::WrongShape, Model::TopicalRubbish, Model::Panics] {
        let local = Backend::answering(answer("local")).await;
        let cloud = Backend::answering(answer("cloud")).await;
        let config = local.entry("here", "local") + &cloud.entry("there", "cloud");
        let server = TestServer::start(Setup { model, ..Setup::with(config) }).await;
        let text = "What is the capital of France?";
        let request = ClassifyRequest { text: text.into(), ..Default::default() };
        let verdict = server.classifier().await.classify(request).await.unwrap().into_inner().verdict.unwrap();
        assert_eq!(verdict.level(), Sensitivity::Confidential, "{model:?}");
        assert_eq!(verdict.reasons[0].rule, "incomplete_coverage", "{model:?}");
        let coverage = verdict.coverage.unwrap();
        let ner = coverage.detectors.iter().find(|entry| entry.detector() == Detector::Ner).unwrap();
        assert!(!coverage.complete && ner.status() == CoverageStatus::Failed && !ner.reason.is_empty(), "{model:?}");

        let response = server.dispatcher_client().await.dispatch(ask(text, Complexity::Complex)).await.unwrap();
        assert_eq!(response.into_inner().outcome.unwrap().route(), Route::Local, "{model:?}");
        assert!(cloud.received().await.is_empty(), "{model:?}");
        server.stop().await;
    }
}

/// The same when the model hangs: the deadline of the service ends the wait, and the verdict is confidential.
#[tokio::test]
async fn a_model_that_hangs_makes_the_verdict_confidential() {
    let cloud = Backend::answering(answer("cloud")).await;
    let config =
        cloud.entry("there", "cloud") + "[server.limits]\nclassify_deadline_ms = 800\ndispatch_deadline_ms = 2500\n";
    let server = TestServer::start(Setup { model: Model::Hangs, ..Setup::with(config) }).await;
    let status = server
        .dispatcher_client()
        .await
        .dispatch(ask("What is the capital of France?", Complexity::Complex))
        .await
        .unwrap_err();
    assert!(matches!(status.code(), tonic::Code::DeadlineExceeded | tonic::Code::Unavailable), "{status:?}");
    assert!(cloud.received().await.is_empty());
    server.stop().await;
}

/// Lets the log reach its limit, as a full disk would: SQLite takes no more pages than there are. The records are small
/// ones, so that the larger record of a dispatch finds no room either.
async fn fill(server: &TestServer) {
    server.audit.set_max_bytes(Some(1));
    let mut client = server.classifier().await;
    for _ in 0..500 {
        client.classify(ClassifyRequest { text: "hi".into(), ..Default::default() }).await.unwrap();
        server.audit.flush().await.unwrap();
        if !server.audit.healthy() {
            return;
        }
    }
    panic!("the log never reached its limit");
}

/// No record, no egress: when the log cannot be written, public text stays local, and the cloud sees nothing.
#[tokio::test]
async fn a_full_log_closes_the_cloud_and_the_service_goes_on() {
    let local = Backend::answering(answer("local")).await;
    let cloud = Backend::answering(answer("cloud")).await;
    let config = local.entry("here", "local") + &cloud.entry("there", "cloud");
    let server = TestServer::start(Setup::with(config)).await;
    let text = "What is the capital of France?";
    let mut client = server.dispatcher_client().await;
    let response = client.dispatch(ask(text, Complexity::Complex)).await.unwrap().into_inner();
    assert_eq!(response.outcome.unwrap().route(), Route::Cloud, "the log is whole at first");

    fill(&server).await;
    let response = client.dispatch(ask(text, Complexity::Complex)).await.unwrap().into_inner();
    let decision = response.decision.unwrap();
    assert_eq!((decision.route(), decision.reason.as_str()), (Route::Local, "audit_log_unavailable"));
    assert_eq!(cloud.received().await.len(), 1, "nothing more left");
    let request = ClassifyRequest { text: text.into(), ..Default::default() };
    server.classifier().await.classify(request).await.unwrap();

    server.audit.set_max_bytes(None);
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let response = client.dispatch(ask(text, Complexity::Complex)).await.unwrap().into_inner();
    assert_eq!(response.outcome.unwrap().route(), Route::Cloud, "it recovers by itself");
    server.stop().await;
}

#[tokio::test]
async fn without_a_record_and_without_a_local_backend_it_is_unavailable() {
    let cloud = Backend::answering(answer("cloud")).await;
    let server = TestServer::start(Setup::with(cloud.entry("there", "cloud"))).await;
    fill(&server).await;
    let status = server
        .dispatcher_client()
        .await
        .dispatch(ask("What is the capital of France?", Complexity::Complex))
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(cloud.received().await.is_empty());
    server.stop().await;
}

/// Collects log lines of every level.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}

/// Text never leaks sideways: a canary and a found value go through every path, and are then in no log line (of any
/// level), no metric, no error, no file of the data folder, and no answer that did not ask for quotes.
#[tokio::test]
async fn canaries_are_in_no_log_metric_error_file_or_unasked_answer() {
    let lines = Lines::default();
    // Cordon's own lines at every level. The HTTP libraries are left at what the service starts with.
    let subscriber = tracing_subscriber::fmt().with_env_filter("warn,cordon=trace").with_writer(lines.clone()).finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().install_recorder().unwrap();
    let email = "vera.canary5517@firma-nord.de";
    let card = "4539 1488 0343 6467";
    let text = format!("{CANARY}: write to {email}, card {card}, password: kR7!{CANARY}");

    let failing = wiremock::ResponseTemplate::new(400).set_body_string(format!("{{\"error\":\"{text}\"}}"));
    let mut shown = String::new();
    for response in [answer(&text), failing] {
        let local = Backend::answering(response).await;
        let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
        let request = ClassifyRequest { text: text.clone(), ..Default::default() };
        let mut client = server.classifier().await;
        shown += &format!("{:?}", client.classify(request).await.unwrap().into_inner());
        let bad = ClassifyRequest {
            text: text.clone(),
            options: Some(cordon::service::proto::ClassifyOptions {
                entity_types: vec![CANARY.to_uppercase()],
                ..Default::default()
            }),
            ..Default::default()
        };
        shown += &format!("{:?}", client.classify(bad).await.unwrap_err());
        let mut dispatcher = server.dispatcher_client().await;
        match dispatcher.dispatch(ask(&text, Complexity::Complex)).await {
            Ok(response) => {
                let response = response.into_inner();
                assert!(response.content.contains(CANARY), "the answer itself is the caller's");
                shown += &format!("{:?} {:?} {:?}", response.verdict, response.decision, response.outcome);
            }
            Err(status) => shown += &format!("{status:?}"),
        }
        server.audit.flush().await.unwrap();
        let list = cordon::service::proto::ListDecisionsRequest::default();
        let records = server.audit_client().await.list_decisions(list).await.unwrap().into_inner();
        assert!(records.decisions.len() >= 2);
        shown += &format!("{records:?}");
        let kept = server.data_bytes();
        for secret in [CANARY, email, card] {
            assert!(!holds(&kept, secret), "{secret} is in the data folder");
        }
        server.stop().await;
    }
    let counted = metrics.render();
    assert!(counted.contains("cordon_requests_total"), "{counted}");
    shown += &counted;
    let logged = lines.0.lock().unwrap().clone();
    for secret in [CANARY, email, card] {
        assert!(!shown.contains(secret), "{secret} was shown");
        assert!(!holds(&logged, secret), "{secret} was logged");
    }
}

/// Debug output of what carries text shows lengths.
#[test]
fn debug_output_shows_no_text() {
    use cordon::document::{Conversation, Document, Generation, Message as Spoken, Role, Text};
    let conversation = Conversation::new(
        vec![Spoken::new(Role::User, CANARY).named(CANARY)],
        Generation { stop: vec![Text::from(CANARY)], ..Generation::default() },
    );
    let shown = format!("{conversation:?} {:?}", Document::of(CANARY));
    assert!(!shown.contains(CANARY) && shown.contains("bytes"), "{shown}");
}

/// The data folder is for its owner alone.
#[tokio::test]
async fn data_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = TestServer::start(Setup::default()).await;
    let request = ClassifyRequest { text: "hello".into(), ..Default::default() };
    server.classifier().await.classify(request).await.unwrap();
    server.audit.flush().await.unwrap();
    let mut seen = 0;
    let mut folders = vec![server.data_dir.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            if path.is_dir() {
                assert_eq!(mode, 0o700, "{}", path.display());
                folders.push(path);
            } else {
                assert_eq!(mode, 0o600, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 2);
    server.stop().await;
}
