//! Calling again: when, whom, how often, and that each further call is recorded and permitted like the first.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::audit::OutcomeStatus;

/// A cloud that answers its first calls with this status and the others with `away`.
fn failing_first(times: usize, status: u16, header: &'static str) -> Server {
    let calls = AtomicUsize::new(0);
    Server::start(move |_| {
        if calls.fetch_add(1, Ordering::SeqCst) < times {
            let head = format!("HTTP/1.1 {status} No\r\n{header}connection: close\r\ncontent-length: 0\r\n\r\n");
            return vec![Step::Send(head.into_bytes())];
        }
        response(200, "text/event-stream", &openai_answer(&["away"]))
    })
}

fn named(name: &str, config: BackendConfig) -> BackendConfig {
    BackendConfig { name: name.to_owned(), ..config }
}

fn attempts(records: &[StoredDecision]) -> Vec<(String, u32, String)> {
    let shown = |record: &StoredDecision| {
        let outcome = &record.outcome.as_ref().unwrap().outcome;
        (outcome.backend.as_str().to_owned(), outcome.attempts, outcome.reason.as_str().to_owned())
    };
    records.iter().map(shown).collect()
}

fn attempt(backend: &str, number: u32, reason: &str) -> (String, u32, String) {
    (backend.to_owned(), number, reason.to_owned())
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again_under_a_record_of_its_own() {
    for status in [429, 502, 503, 504] {
        let away = failing_first(1, status, "");
        let house = House::new(vec![cloud(&away.url())]);
        let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
        assert_eq!((told.answer.as_str(), away.requests().len()), ("away", 2), "{status}");
        assert_eq!(told.events, ["verdict", "decision", "delta", "outcome"], "{status}");
        let records = house.records().await;
        let failed = if status == 429 { "busy" } else { "failed" };
        assert_eq!(attempts(&records), [attempt("there", 1, failed), attempt("there", 2, "")], "{status}");
        assert_eq!(told.decision.unwrap().id, Some(records[1].decision.id));
    }
}

#[tokio::test]
async fn retries_are_bounded_and_then_the_next_backend_of_the_side_answers() {
    let (first, second) = (failing_first(9, 503, ""), answering_cloud());
    let stubborn = BackendConfig { retries: 2, ..named("one", cloud(&first.url())) };
    let house = House::new(vec![stubborn, named("two", cloud(&second.url()))]);
    let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
    assert_eq!((told.answer.as_str(), first.requests().len(), second.requests().len()), ("away", 3, 1));
    let told = attempts(&house.records().await);
    assert_eq!(told[2..], [attempt("one", 3, "failed"), attempt("two", 4, "")]);
}

#[tokio::test]
async fn what_does_not_pass_is_not_tried_again() {
    for (status, reason) in [(400, "rejected"), (401, "key_refused"), (404, "model_not_found"), (500, "failed")] {
        let away = failing_first(9, status, "");
        let house = House::new(vec![BackendConfig { retries: 5, ..cloud(&away.url()) }]);
        assert!(house.ask(request(Sensitivity::Public, Complexity::Complex)).await.error.is_some());
        assert_eq!(away.requests().len(), 1, "{status}");
        assert_eq!(attempts(&house.records().await)[0], attempt("there", 1, reason));
    }
}

#[tokio::test]
async fn a_private_text_is_tried_again_at_home_and_nowhere_else() {
    let (home, away) = (ollama(response(503, "text/plain", "")), answering_cloud());
    let house = House::new(vec![BackendConfig { retries: 2, ..local(&home.url()) }, cloud(&away.url())]);
    for level in [Sensitivity::Internal, Sensitivity::Confidential] {
        let told = house.ask(request(level, Complexity::Complex)).await;
        assert_eq!(told.error.unwrap().reason(), "LOCAL_BACKEND_UNAVAILABLE");
    }
    assert_eq!(home.requests().iter().filter(|seen| seen.path == "/api/chat").count(), 6);
    assert_eq!(away.connections(), 0);
    assert_eq!(house.records().await.len(), 6, "each call has its record");
}

#[tokio::test]
async fn each_retry_finds_its_own_record_on_the_disk() {
    let directory: Arc<std::sync::OnceLock<std::path::PathBuf>> = Arc::default();
    let (seen, calls) = (Arc::clone(&directory), AtomicUsize::new(0));
    let away = Server::start(move |_| {
        let call = calls.fetch_add(1, Ordering::SeqCst) + 1;
        let reader = AuditLog::open_read_only(seen.get().unwrap()).unwrap();
        let recorded = reader.list(&DecisionFilter::default(), "", 10).unwrap().decisions.len();
        if recorded == call && call < 3 {
            return response(503, "text/plain", "");
        }
        let said = if recorded == call { "recorded" } else { "unrecorded" };
        response(200, "text/event-stream", &openai_answer(&[said]))
    });
    let house = House::new(vec![BackendConfig { retries: 3, ..cloud(&away.url()) }]);
    directory.set(house.directory.path().join("audit")).unwrap();
    assert_eq!(house.ask(request(Sensitivity::Public, Complexity::Complex)).await.answer, "recorded");
    assert_eq!(away.requests().len(), 3);
}

#[tokio::test]
async fn a_backend_that_does_not_begin_in_its_time_makes_way() {
    let (slow, quick) = (Server::always(vec![Step::Hang]), answering_cloud());
    let impatient =
        BackendConfig { first_token_timeout_ms: Some(150), retries: 0, ..named("slow", cloud(&slow.url())) };
    let house = House::new(vec![impatient, named("quick", cloud(&quick.url()))]);
    let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
    assert_eq!(told.answer, "away");
    assert!(slow.wait_for_closed(1).await, "the slow one is not kept waiting for");
    let told = attempts(&house.records().await);
    assert_eq!(told, [attempt("slow", 1, "first_token_timeout"), attempt("quick", 2, "")]);
}

#[tokio::test]
async fn a_caller_who_leaves_in_a_pause_ends_the_request() {
    let away = failing_first(9, 503, "retry-after: 15\r\n");
    let house = House::new(vec![BackendConfig { retries: 5, ..cloud(&away.url()) }]);
    let mut events = house.dispatcher.dispatch(request(Sensitivity::Public, Complexity::Complex));
    assert!(matches!(events.next().await, Some(Ok(Event::Verdict(_)))));
    // The outcome of the first call is written before the pause begins.
    let reader = house.audit.reader().clone();
    let outcome = || reader.list(&DecisionFilter::default(), "", 1).unwrap().decisions.pop()?.outcome;
    while outcome().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(events);
    let records = house.records().await;
    assert_eq!((records.len(), away.requests().len()), (1, 1));
    assert_eq!(records[0].outcome.as_ref().unwrap().outcome.status, OutcomeStatus::Failed);
}

#[tokio::test]
async fn closing_the_cloud_stops_the_retries() {
    let away = failing_first(9, 503, "retry-after: 1\r\n");
    let house = House::new(vec![BackendConfig { retries: 5, ..cloud(&away.url()) }]);
    let asked = house.ask(request(Sensitivity::Public, Complexity::Complex));
    let close = async {
        while away.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        house.dispatcher.set_cloud_closed(true);
    };
    let (told, ()) = tokio::join!(asked, close);
    assert_eq!(told.error.unwrap().reason(), "LOCAL_BACKEND_UNAVAILABLE");
    assert_eq!(away.requests().len(), 1);
}

#[tokio::test]
async fn a_backend_that_keeps_failing_is_left_alone_and_the_next_one_asked() {
    let (bad, good) = (failing_first(usize::MAX, 500, ""), answering_cloud());
    let house = House::new(vec![named("bad", cloud(&bad.url())), named("good", cloud(&good.url()))]);
    for _ in 0..14 {
        assert_eq!(house.ask(request(Sensitivity::Public, Complexity::Complex)).await.answer, "away");
    }
    assert_eq!((bad.requests().len(), good.requests().len()), (10, 14), "ten failures opened the breaker");
    assert!(!house.dispatcher.backends().cloud()[0].is_usable());
    assert!(house.dispatcher.backends().cloud()[1].is_usable());
}

#[tokio::test]
async fn answers_that_break_off_count_as_failures() {
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"}}]}\n\n";
    let away = Server::always(vec![Step::Send(testing::head(200, "text/event-stream")), Step::Send(begun.into())]);
    let house = House::new(vec![cloud(&away.url())]);
    for _ in 0..5 {
        assert!(house.dispatcher.backends().cloud()[0].is_usable());
        assert!(house.ask(request(Sensitivity::Public, Complexity::Complex)).await.error.is_some());
    }
    assert!(!house.dispatcher.backends().cloud()[0].is_usable(), "five of ten signs: each began well and failed");
}

/// What a backend says to one request holds for the next: it is not asked again before the time that it named.
#[tokio::test]
async fn a_backend_that_asked_to_be_left_alone_is_left_alone_by_all() {
    let (away, home) = (failing_first(9, 429, "retry-after: 20\r\n"), answering_ollama());
    let house = House::new(vec![cloud(&away.url()), local(&home.url())]);
    for _ in 0..3 {
        let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
        assert_eq!((told.answer.as_str(), told.decision.unwrap().reason), ("home", "cloud_unavailable"));
    }
    assert_eq!(away.requests().len(), 1);
}
