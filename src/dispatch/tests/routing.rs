//! The whole route table: for each level, complexity and state of cloud, local side and log, the route taken, the
//! reason given, what the records say, and that no byte of a private text reaches the cloud.

use std::fs;
use std::path::Path;

use super::*;
use crate::audit::{Operation, OutcomeStatus};
use crate::dispatch::testing::refusing_url;

const LEVELS: [Sensitivity; 3] = [Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential];
const COMPLEXITIES: [Complexity; 3] = [Complexity::Simple, Complexity::Moderate, Complexity::Complex];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CloudState {
    Absent,
    Closed,
    Up,
    Refusing,
    Failing,
}

const CLOUDS: [CloudState; 5] =
    [CloudState::Absent, CloudState::Closed, CloudState::Up, CloudState::Refusing, CloudState::Failing];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogState {
    Works,
    /// The writer cannot write: a record is taken and never becomes durable.
    Full,
    /// The log takes nothing.
    Closed,
}

/// What must happen, said again and differently than the code says it.
fn expected(
    level: Sensitivity,
    complexity: Complexity,
    cloud: CloudState,
    local: bool,
    log: LogState,
) -> Result<(Route, &'static str), &'static str> {
    let at_home = |reason, otherwise| if local { Ok((Route::Local, reason)) } else { Err(otherwise) };
    if level != Sensitivity::Public {
        return at_home("", "LOCAL_BACKEND_UNAVAILABLE");
    }
    let records = log == LogState::Works;
    if complexity == Complexity::Complex {
        return match cloud {
            CloudState::Absent => at_home("no_cloud_backend", "LOCAL_BACKEND_UNAVAILABLE"),
            CloudState::Closed => at_home("cloud_closed", "LOCAL_BACKEND_UNAVAILABLE"),
            _ if !records => at_home("audit_log_unavailable", "AUDIT_LOG_UNAVAILABLE"),
            CloudState::Up => Ok((Route::Cloud, "")),
            CloudState::Refusing | CloudState::Failing => at_home("cloud_unavailable", "NO_BACKEND_AVAILABLE"),
        };
    }
    match cloud {
        _ if local => Ok((Route::Local, "")),
        CloudState::Absent | CloudState::Closed => Err("LOCAL_BACKEND_UNAVAILABLE"),
        _ if !records => Err("AUDIT_LOG_UNAVAILABLE"),
        CloudState::Up => Ok((Route::Cloud, "local_unavailable")),
        CloudState::Refusing | CloudState::Failing => Err("NO_BACKEND_AVAILABLE"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_route_table_holds_in_every_state() {
    let mut cases = Vec::new();
    for level in LEVELS {
        for complexity in COMPLEXITIES {
            for cloud_state in CLOUDS {
                for local_up in [true, false] {
                    for log_state in [LogState::Works, LogState::Full, LogState::Closed] {
                        cases.push((level, complexity, cloud_state, local_up, log_state));
                    }
                }
            }
        }
    }
    assert_eq!(cases.len(), 270);
    futures_util::stream::iter(cases)
        .for_each_concurrent(16, |(level, complexity, cloud_state, local_up, log_state)| {
            case(level, complexity, cloud_state, local_up, log_state)
        })
        .await;
}

async fn case(
    level: Sensitivity,
    complexity: Complexity,
    cloud_state: CloudState,
    local_up: bool,
    log_state: LogState,
) {
    let told_case = format!("{level} {complexity:?} cloud {cloud_state:?} local {local_up} log {log_state:?}");
    let home = answering_ollama();
    let away = match cloud_state {
        CloudState::Failing => {
            Server::always(response(503, "application/json", &format!(r#"{{"error":{{"message":"{CANARY}"}}}}"#)))
        }
        _ => answering_cloud(),
    };
    let mut configs = vec![local(&if local_up { home.url() } else { refusing_url() })];
    match cloud_state {
        CloudState::Absent => {}
        CloudState::Refusing => configs.push(cloud(&refusing_url())),
        _ => configs.push(cloud(&away.url())),
    }
    let house = House::new(configs);
    house.dispatcher.set_cloud_closed(cloud_state == CloudState::Closed);
    match log_state {
        LogState::Works => {}
        // A private text needs no record to stay where it is, so only the others need a log that is really full.
        LogState::Full if level == Sensitivity::Public => house.fill_log().await,
        LogState::Full => house.audit.set_max_bytes(Some(1)),
        LogState::Closed => house.audit.close().await.unwrap(),
    }

    let request = request(level, complexity);
    let told = house.ask(request.clone()).await;

    match expected(level, complexity, cloud_state, local_up, log_state) {
        Ok((route, reason)) => {
            assert!(told.error.is_none(), "{told_case}: {:?}", told.error);
            assert_eq!(told.events, ["verdict", "decision", "delta", "delta", "outcome"], "{told_case}");
            let decision = told.decision.as_ref().unwrap();
            assert_eq!((decision.route, decision.reason), (route, reason), "{told_case}");
            assert_eq!(told.answer, if route == Route::Cloud { "away" } else { "home" }, "{told_case}");
            let outcome = told.outcome.as_ref().unwrap();
            assert_eq!((outcome.route, &outcome.backend), (route, &decision.backend), "{told_case}");
            assert_eq!((outcome.input_tokens, outcome.output_tokens), (7, 3), "{told_case}");
            let egress = route == Route::Cloud || cloud_state == CloudState::Failing && reason == "cloud_unavailable";
            assert_eq!(holds_canary(&away.bytes()), egress, "{told_case}");
        }
        Err(reason) => {
            let error = told.error.as_ref().unwrap_or_else(|| panic!("{told_case}: {told:?}"));
            assert_eq!((error.reason(), error.kind()), (reason, crate::error::Kind::Unavailable), "{told_case}");
            assert!(home.requests().is_empty(), "{told_case}");
        }
    }
    let may_leave = level == Sensitivity::Public && log_state == LogState::Works && cloud_state != CloudState::Closed;
    if !may_leave {
        assert_eq!(away.connections(), 0, "{told_case}: nobody even connects");
    }
    if log_state == LogState::Works {
        check_records(&house, &request, &told, &told_case).await;
    } else if told.error.is_none() && log_state == LogState::Closed {
        assert_eq!(told.decision.unwrap().id, None, "{told_case}: an answer without a record has no id");
    }
}

async fn check_records(house: &House, request: &Request, told: &Told, told_case: &str) {
    let records = house.records().await;
    let last = records.last().unwrap();
    for record in &records {
        assert_eq!(record.decision.operation, Operation::Dispatch);
        assert_eq!(record.decision.request_id, request.request_id);
        assert_eq!(record.decision.caller.as_str(), "tester");
        let outcome = record.outcome.as_ref().unwrap_or_else(|| panic!("{told_case}: a decision without outcome"));
        let completed = told.error.is_none() && record.sequence == last.sequence;
        let wanted = if completed { OutcomeStatus::Completed } else { OutcomeStatus::Failed };
        assert_eq!(outcome.outcome.status, wanted, "{told_case}");
    }
    let routing = last.decision.routing.as_ref().unwrap();
    if let (None, Some(decision)) = (&told.error, &told.decision) {
        assert_eq!(decision.id, Some(last.decision.id), "{told_case}");
        assert_eq!((routing.route, routing.reason.as_str()), (decision.route, decision.reason), "{told_case}");
        assert_eq!(routing.backend.as_str(), &*decision.backend, "{told_case}");
    }
    assert!(!folder_holds_canary(house.directory.path()), "{told_case}");
}

fn folder_holds_canary(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().map(Result::unwrap).any(|entry| {
        if entry.file_type().unwrap().is_dir() {
            folder_holds_canary(&entry.path())
        } else {
            holds_canary(&fs::read(entry.path()).unwrap())
        }
    })
}

#[tokio::test]
async fn each_egress_has_a_durable_record_before_its_first_byte() {
    let directory: Arc<std::sync::OnceLock<std::path::PathBuf>> = Arc::default();
    let seen = Arc::clone(&directory);
    let away = Server::start(move |_| {
        // Another process's view of the log, at the moment when the request has arrived.
        let reader = AuditLog::open_read_only(seen.get().unwrap()).unwrap();
        let decisions = reader.list(&DecisionFilter::default(), "", 10).unwrap().decisions;
        let newest = decisions.first().unwrap().decision.routing.clone().unwrap();
        let recorded = newest.route == Route::Cloud && newest.backend.as_str() == "there";
        response(200, "text/event-stream", &openai_answer(&[if recorded { "recorded" } else { "unrecorded" }]))
    });
    let house = House::new(vec![local(&refusing_url()), cloud(&away.url())]);
    directory.set(house.directory.path().join("audit")).unwrap();
    assert_eq!(house.ask(request(Sensitivity::Public, Complexity::Complex)).await.answer, "recorded");
    let fallen_back = house.ask(request(Sensitivity::Public, Complexity::Simple)).await;
    assert_eq!((fallen_back.answer.as_str(), fallen_back.decision.unwrap().reason), ("recorded", "local_unavailable"));
    let routes: Vec<_> =
        house.records().await.into_iter().map(|record| record.decision.routing.unwrap().route).collect();
    assert_eq!(routes, [Route::Cloud, Route::Local, Route::Cloud], "the fallback has a record of its own");
}

#[tokio::test]
async fn backends_of_one_side_are_tried_in_order() {
    let (first, second) = (Server::always(response(500, "text/plain", "x")), answering_cloud());
    let named = |name: &str, url: &str| BackendConfig { name: name.to_owned(), ..cloud(url) };
    let house = House::new(vec![named("one", &first.url()), named("two", &second.url())]);
    let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
    assert_eq!(&*told.decision.unwrap().backend, "two");
    let records = house.records().await;
    let attempts: Vec<_> = records
        .iter()
        .map(|record| {
            let outcome = &record.outcome.as_ref().unwrap().outcome;
            (outcome.backend.as_str(), outcome.attempts, outcome.reason.as_str())
        })
        .collect();
    assert_eq!(attempts, [("one", 1, "failed"), ("two", 2, "")]);
}

#[tokio::test]
async fn priority_comes_before_the_order_of_the_file_and_weight_shares_one_priority() {
    let named = |name: &str, priority, weight| BackendConfig {
        name: name.to_owned(),
        priority: Some(priority),
        weight: Some(weight),
        ..local("http://127.0.0.1:9")
    };
    let configs = vec![named("spare", 2, 1), named("a", 1, 9), named("b", 1, 1)];
    let firsts = |seed| {
        let backends = Backends::build(configs.clone()).unwrap().seeded(seed);
        let names = (0..200).map(|_| backends.local_order().iter().map(|b| b.name().to_string()).collect::<Vec<_>>());
        names.collect::<Vec<_>>()
    };
    let orders = firsts(7);
    assert_eq!(orders, firsts(7), "a seed gives one run");
    assert!(orders.iter().all(|order| order[2] == "spare"));
    let heavy = orders.iter().filter(|order| order[0] == "a").count();
    assert!((150..200).contains(&heavy), "nine of ten are expected first, {heavy} of 200 came");
}

#[tokio::test]
async fn a_backend_that_was_not_there_is_left_alone_for_a_while() {
    let away = answering_cloud();
    let house = House::new(vec![local(&refusing_url()), cloud(&away.url())]);
    assert!(house.dispatcher.backends().local()[0].is_usable());
    house.ask(request(Sensitivity::Public, Complexity::Simple)).await;
    assert!(!house.dispatcher.backends().local()[0].is_usable());
    let told = house.ask(request(Sensitivity::Internal, Complexity::Simple)).await;
    assert_eq!(told.error.unwrap().reason(), "LOCAL_BACKEND_UNAVAILABLE");
    let records = house.records().await;
    let refused = records.last().unwrap();
    assert_eq!(refused.decision.level, Sensitivity::Internal);
    assert_eq!(refused.decision.routing.as_ref().unwrap().backend.as_str(), "", "nobody was there to take it");
    assert_eq!(refused.outcome.as_ref().unwrap().outcome.reason.as_str(), "LOCAL_BACKEND_UNAVAILABLE");
}

#[tokio::test]
async fn a_rejected_request_does_not_go_outward() {
    let (home, away) = (ollama(response(400, "application/json", "{}")), answering_cloud());
    let house = House::new(vec![local(&home.url()), cloud(&away.url())]);
    let told = house.ask(request(Sensitivity::Public, Complexity::Simple)).await;
    let error = told.error.unwrap();
    assert_eq!((error.reason(), error.kind()), ("BACKEND_REJECTED", crate::error::Kind::InvalidArgument));
    assert_eq!(away.connections(), 0);
}

#[tokio::test]
async fn an_ollama_that_serves_elsewhere_gets_nothing_private() {
    let elsewhere = OLLAMA_TAGS.replace("\"digest\"", "\"remote_model\":\"big\",\"digest\"");
    let home = Server::start(move |seen| match seen.path.as_str() {
        "/api/tags" => response(200, "application/json", &elsewhere),
        _ => response(200, "application/x-ndjson", &ollama_answer(&["no"])),
    });
    let house = House::new(vec![local(&home.url())]);
    let told = house.ask(request(Sensitivity::Confidential, Complexity::Simple)).await;
    assert_eq!(told.error.unwrap().reason(), "LOCAL_BACKEND_UNAVAILABLE");
    assert!(!holds_canary(&home.bytes()));
    assert_eq!(
        house.dispatcher.backends().probe(Duration::from_secs(5)).await[0].problem.as_ref().unwrap().fault,
        Fault::ServedElsewhere
    );
}

#[tokio::test]
async fn validation_decides_and_records_and_calls_nobody() {
    let (home, away) = (answering_ollama(), answering_cloud());
    let house = House::new(vec![local(&home.url()), cloud(&away.url())]);
    for (level, route, backend) in
        [(Sensitivity::Public, Route::Cloud, "there"), (Sensitivity::Confidential, Route::Local, "here")]
    {
        let told = house.ask(Request { validate_only: true, ..request(level, Complexity::Complex) }).await;
        assert_eq!(told.events, ["verdict", "decision"]);
        let decision = told.decision.unwrap();
        assert_eq!((decision.route, &*decision.backend, decision.reason), (route, backend, ""));
        assert_eq!(decision.complexity_reasons, ["stated_by_caller"]);
    }
    house.dispatcher.set_cloud_closed(true);
    let told = house.ask(Request { validate_only: true, ..request(Sensitivity::Public, Complexity::Complex) }).await;
    assert_eq!(told.decision.unwrap().reason, "cloud_closed");
    assert_eq!((home.connections(), away.connections()), (0, 0));
    let records = house.records().await;
    assert!(records.len() == 3 && records.iter().all(|record| record.decision.operation == Operation::Validate));
}
