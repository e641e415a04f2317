//! Budgets, rates and the switch through the service: over a socket, over restarts, and over the death of the process.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cordon::service::proto::admin_service_client::AdminServiceClient;
use cordon::service::proto::classify_stream_response::Result as ItemResult;
use cordon::service::proto::{
    Budget, ClassifyRequest, Complexity, DispatchRequest, DispatchResponse, GetCloudRequest, ListBudgetsRequest,
    Message, RedactRequest, Role, Route, SetCloudRequest,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;
use wiremock::ResponseTemplate;

use crate::common::backend::{Backend, answer};
use crate::common::{Setup, TestServer};

const PRICED: &str = "max_output_tokens = 100\n[backend.price]\ninput = \"3\"\noutput = 15.00\ncached_input = 0.3\n";

/// Seven tokens in and three out, in millionths.
const COST: u64 = 7 * 3 + 3 * 15;

fn public(complexity: Complexity) -> DispatchRequest {
    DispatchRequest {
        messages: vec![Message {
            role: Role::User as i32,
            content: "What is the capital of France?".into(),
            ..Default::default()
        }],
        complexity: complexity as i32,
        ..Default::default()
    }
}

/// A request of this caller.
fn of<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if !token.is_empty() {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    request
}

fn caller(name: &str, permissions: &str) -> String {
    let digest = Sha256::digest(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("[[caller]]\nname = \"{name}\"\ntoken_sha256 = \"{digest}\"\n{permissions}\n")
}

async fn ask(server: &TestServer, token: &str) -> Result<DispatchResponse, Status> {
    let request = of(token, public(Complexity::Complex));
    server.dispatcher_client().await.dispatch(request).await.map(tonic::Response::into_inner)
}

async fn admin(server: &TestServer) -> AdminServiceClient<Channel> {
    AdminServiceClient::new(server.channel().await)
}

async fn budgets(server: &TestServer, token: &str) -> Vec<Budget> {
    admin(server).await.list_budgets(of(token, ListBudgetsRequest {})).await.unwrap().into_inner().budgets
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn costs_and_budgets_are_told_and_kept_over_a_restart() {
    let (local, cloud) = (Backend::answering(answer("home")).await, Backend::answering(answer("away")).await);
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "{}[backend.price]\ninput = 1\noutput = 1\n{}{PRICED}[[budget]]\nusd_per_day = \"0.0085\"\n",
        local.entry("here", "local"),
        cloud.entry("there", "cloud"),
    );
    let setup = || Setup { data_dir: Some(folder.path().join("data")), ..Setup::with(config.clone()) };
    let server = TestServer::start(setup()).await;
    let response = ask(&server, "").await.unwrap();
    let outcome = response.outcome.unwrap();
    assert_eq!((outcome.cost_micros, outcome.other_side_cost_micros), (Some(COST), Some(10)));
    assert_eq!((response.content.as_str(), outcome.cost_estimated, outcome.cached_input_tokens), ("away", false, 0));
    server.audit.flush().await.unwrap();
    let record = server
        .audit_client()
        .await
        .get_decision(cordon::service::proto::GetDecisionRequest { decision_id: response.decision_id })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(record.outcome.unwrap().outcome.unwrap().cost_micros, Some(COST));
    let mut spent = COST;
    loop {
        let [budget] = &budgets(&server, "").await[..] else { panic!("one budget") };
        assert_eq!((budget.spent_micros, budget.held_micros, budget.limit_micros), (spent, 0, 8500));
        assert_eq!((budget.name.as_str(), budget.caller.as_str(), budget.day.len()), ("daily", "anonymous", 10));
        let response = ask(&server, "").await.unwrap();
        let decision = response.decision.unwrap();
        if decision.route() == Route::Local {
            assert_eq!((decision.reason.as_str(), response.content.as_str()), ("budget_spent", "home"));
            break;
        }
        spent += COST;
    }
    let calls = cloud.received().await.len() as u64;
    assert_eq!(spent, calls * COST);
    server.stop().await;
    let again = TestServer::start(setup()).await;
    let response = ask(&again, "").await.unwrap();
    assert_eq!(response.decision.unwrap().reason, "budget_spent");
    assert_eq!(budgets(&again, "").await[0].spent_micros, spent);
    assert_eq!(cloud.received().await.len() as u64, calls);
    again.stop().await;
}

#[tokio::test]
async fn the_switch_closes_at_once_for_one_or_all_and_each_change_is_recorded() {
    let (local, cloud) = (Backend::answering(answer("home")).await, Backend::answering(answer("away")).await);
    let folder = tempfile::tempdir().unwrap();
    let config = local.entry("here", "local")
        + &cloud.entry("there", "cloud")
        + &caller("crm", "")
        + &caller("web", "")
        + &caller("ops", "permissions = [\"admin\"]");
    let setup = || Setup { data_dir: Some(folder.path().join("data")), ..Setup::with(config.clone()) };
    let server = TestServer::start(setup()).await;
    let set = |closed, whom: &str| SetCloudRequest { closed, caller: whom.into() };
    let mut service = admin(&server).await;
    for (token, code) in [("", Code::Unauthenticated), ("crm", Code::PermissionDenied)] {
        let refused = service.set_cloud(of(token, set(true, ""))).await.unwrap_err();
        assert_eq!(refused.code(), code);
        assert_eq!(service.get_cloud(of(token, GetCloudRequest {})).await.unwrap_err().code(), code);
        assert_eq!(service.list_budgets(of(token, ListBudgetsRequest {})).await.unwrap_err().code(), code);
    }
    let unknown = service.set_cloud(of("ops", set(true, "crn"))).await.unwrap_err();
    assert_eq!((unknown.code(), reason(&unknown).as_str()), (Code::InvalidArgument, "UNKNOWN_CALLER"));
    assert_eq!(ask(&server, "crm").await.unwrap().content, "away");

    let state = service.set_cloud(of("ops", set(true, "crm"))).await.unwrap().into_inner();
    assert_eq!((state.closed, state.closed_callers, state.configured), (false, vec!["crm".to_owned()], true));
    let kept = ask(&server, "crm").await.unwrap();
    assert_eq!((kept.content.as_str(), kept.decision.unwrap().reason.as_str()), ("home", "cloud_closed"));
    assert_eq!(ask(&server, "web").await.unwrap().content, "away");
    service.set_cloud(of("ops", set(true, ""))).await.unwrap();
    assert_eq!(ask(&server, "web").await.unwrap().decision.unwrap().reason, "cloud_closed");
    server.stop().await;

    let again = TestServer::start(setup()).await;
    let mut service = admin(&again).await;
    assert_eq!(ask(&again, "web").await.unwrap().content, "home");
    let state = service.set_cloud(of("ops", set(false, ""))).await.unwrap().into_inner();
    assert!(!state.closed);
    assert_eq!(ask(&again, "web").await.unwrap().content, "away");
    assert_eq!(ask(&again, "crm").await.unwrap().content, "home", "what is closed for one stays closed for it");
    again.audit.flush().await.unwrap();
    let changes = again.audit.reader().changes(10).unwrap();
    let told: Vec<_> = changes
        .iter()
        .map(|stored| (stored.change.kind.as_str(), stored.change.caller.as_str(), stored.change.by.as_str()))
        .collect();
    assert_eq!(told, [("cloud_opened", "", "ops"), ("cloud_closed", "", "ops"), ("cloud_closed", "crm", "ops")]);
    let directory = again.data_dir.join("audit");
    again.stop().await;
    let verified = cordon::audit::AuditLog::open_read_only(&directory).unwrap();
    let found = verified.verify(&[], &mut |_| std::ops::ControlFlow::Continue(())).unwrap();
    assert!(found.intact() && found.changes == 3, "{found:?}");
}

#[tokio::test]
async fn a_rate_is_told_at_once_for_every_kind_of_request() {
    let local = Backend::answering(answer("home")).await;
    let config = local.entry("here", "local")
        + &caller("crm", "")
        + &caller("web", "")
        + "[[rate_limit]]\nname = \"few\"\ncallers = [\"crm\"]\nrequests_per_minute = 4\n";
    let server = TestServer::start(Setup::with(config)).await;
    let mut classifier = server.classifier().await;
    let text = |text: &str| ClassifyRequest { text: text.into(), ..Default::default() };
    classifier.classify(of("crm", text("hello"))).await.unwrap();
    classifier.redact(of("crm", RedactRequest { text: "hello".into(), ..Default::default() })).await.unwrap();
    ask(&server, "crm").await.unwrap();
    let items = of("crm", futures_util::stream::iter([text("one"), text("two")]));
    let mut answers = classifier.classify_stream(items).await.unwrap().into_inner();
    let mut codes = Vec::new();
    while let Some(item) = answers.message().await.unwrap() {
        codes.push(match item.result.unwrap() {
            ItemResult::Response(_) => Code::Ok,
            ItemResult::Error(error) => Code::from(error.code),
        });
    }
    assert_eq!(codes, [Code::Ok, Code::ResourceExhausted]);
    let redact = RedactRequest { text: "hello".into(), ..Default::default() };
    for refused in [
        classifier.classify(of("crm", text("hello"))).await.map(|_| ()).unwrap_err(),
        classifier.redact(of("crm", redact)).await.map(|_| ()).unwrap_err(),
        ask(&server, "crm").await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::ResourceExhausted, "RATE_LIMITED"));
        let wait = refused.get_error_details().retry_info().unwrap().retry_delay.unwrap();
        assert!(wait > Duration::from_secs(5) && wait <= Duration::from_secs(15), "{wait:?}");
        assert!(refused.message().contains("`few`"));
    }
    for _ in 0..20 {
        classifier.classify(of("web", text("hello"))).await.unwrap();
    }
    server.stop().await;
}

#[tokio::test]
async fn tokens_have_a_rate_too() {
    let local = Backend::answering(answer("home")).await;
    let config = local.entry("here", "local") + "[[rate_limit]]\ntokens_per_minute = 15\n";
    let server = TestServer::start(Setup::with(config)).await;
    // Ten tokens each: the second leaves a debt of five.
    for _ in 0..2 {
        ask(&server, "").await.unwrap();
    }
    let refused = ask(&server, "").await.unwrap_err();
    assert_eq!(reason(&refused), "RATE_LIMITED");
    let wait = refused.get_error_details().retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::from_secs(15) && wait <= Duration::from_secs(21), "{wait:?}");
    server.stop().await;
}

/// The real binary, killed when dropped.
struct Process {
    child: Child,
    url: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &std::path::Path) -> Process {
    let ready = folder.join("ready.json");
    let child = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(folder.join("cordon.toml"))
        .arg("--ready-file")
        .arg(&ready)
        .env_remove("CORDON_CONFIG")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut process = Process { child, url: String::new() };
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(120) {
        if let Ok(bytes) = std::fs::read(&ready) {
            let ready: Value = serde_json::from_slice(&bytes).unwrap();
            process.url = format!("http://{}", ready["listen"][0].as_str().unwrap());
            return process;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the service did not start");
}

fn cordon(arguments: &[&str], server: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(arguments)
        .args(["--server", server, "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_held_counts_in_full_and_the_switch_stays() {
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(120));
    let cloud = Backend::answering(slow).await;
    let folder = tempfile::tempdir().unwrap();
    let config = format!(
        "data_dir = {:?}\n{}{PRICED}[[budget]]\nname = \"all\"\ntogether = true\nusd_per_day = 5\n",
        folder.path().join("data").display().to_string(),
        cloud.entry("there", "cloud")
    );
    std::fs::write(folder.path().join("cordon.toml"), config).unwrap();
    let mut first = serve(folder.path());
    let url = first.url.clone();
    #[allow(clippy::disallowed_methods, reason = "it ends with the process that it asks")]
    let asking = tokio::spawn(async move {
        let channel = Channel::from_shared(url).unwrap().connect().await.unwrap();
        let mut client = cordon::service::proto::dispatcher_service_client::DispatcherServiceClient::new(channel);
        client.dispatch(public(Complexity::Complex)).await.map(|_| ()).unwrap_err()
    });
    let started = Instant::now();
    while cloud.received().await.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(60), "the call goes out");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let held = cordon(&["budgets"], &first.url);
    let micros = held["held_micros"].as_u64().unwrap();
    // A hundred tokens out, and at most a token for each byte in.
    assert!(held["spent_micros"] == 0 && micros > 100 * 15 + 3 * 30, "{held}");
    assert_eq!(cordon(&["cloud", "close", "--caller", "anonymous"], &first.url)["closed_callers"][0], "anonymous");
    // SIGKILL: nothing of the process runs any more.
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    asking.await.unwrap();
    std::fs::remove_file(folder.path().join("ready.json")).unwrap();

    let second = serve(folder.path());
    let after = cordon(&["budgets"], &second.url);
    assert_eq!((after["spent_micros"].as_u64(), after["held_micros"].as_u64()), (Some(micros), Some(0)), "{after}");
    let state = cordon(&["cloud", "status"], &second.url);
    assert_eq!((&state["closed"], &state["closed_callers"][0]), (&Value::Bool(false), &"anonymous".into()));
    let dry = cordon(&["dispatch", "--dry-run", "--complexity", "complex", "Capital of Peru?"], &second.url);
    assert_eq!(dry["reason"], "cloud_closed", "{dry}");
    assert_eq!(
        cordon(&["cloud", "open", "--caller", "anonymous"], &second.url)["closed_callers"],
        Value::Array(vec![])
    );
}
