//! A request that comes again under its id.

use super::*;
use crate::error::Kind;

fn again(id: &str, caller: &str) -> Request {
    let request = request(Sensitivity::Confidential, Complexity::Simple);
    Request { request_id: RequestId::parse(id).unwrap(), caller: caller.into(), ..request }
}

fn chats(server: &Server) -> usize {
    server.requests().iter().filter(|seen| seen.path == "/api/chat").count()
}

#[tokio::test]
async fn an_answered_request_is_not_run_again_and_its_decision_is_named() {
    let home = answering_ollama();
    let house = House::new(vec![local(&home.url())]);
    let first = house.ask(again("same", "a")).await;
    let told = house.ask(again("same", "a")).await;
    assert_eq!(told.events, ["error"], "not even classified");
    let error = told.error.unwrap();
    assert_eq!((error.reason(), error.kind()), ("REQUEST_ANSWERED", Kind::AlreadyExists));
    assert_eq!(error.decision(), first.decision.unwrap().id);
    assert_eq!(chats(&home), 1);
    assert!(house.ask(again("same", "b")).await.error.is_none(), "another caller's ids are its own");
    assert!(house.ask(again("other", "a")).await.error.is_none());
    let validated = house.ask(Request { validate_only: true, ..again("same", "a") }).await;
    assert_eq!(validated.events, ["verdict", "decision"], "a question about the way is no duplicate");
    assert_eq!(house.records().await.len(), 4);
}

#[tokio::test]
async fn it_holds_over_a_restart() {
    let home = answering_ollama();
    let house = House::new(vec![local(&home.url())]);
    let first = house.ask(again("same", "a")).await.decision.unwrap().id;
    house.records().await;
    let House { dispatcher, audit, classify, directory, .. } = house;
    audit.close().await.unwrap();
    drop((dispatcher, audit));
    let audit = Arc::new(AuditLog::open(AuditConfig::in_directory(directory.path().join("audit"))).unwrap());
    let tracker = TaskTracker::new();
    let backends = Backends::build(vec![local(&home.url())]).unwrap();
    let judge = Arc::clone(&classify) as Arc<dyn Classify>;
    let dispatcher = Dispatcher::new(backends, Arc::clone(&audit), judge, tracker.clone());
    let house = House { dispatcher, audit, classify, directory, tracker };
    let error = house.ask(again("same", "a")).await.error.unwrap();
    assert_eq!((error.reason(), error.decision()), ("REQUEST_ANSWERED", first));
    assert!(house.ask(again("same", "b")).await.error.is_none());
    assert_eq!(chats(&home), 2);
}

#[tokio::test]
async fn one_in_work_is_told_and_one_that_was_left_or_failed_may_come_again() {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let home = Server::start(move |seen| match seen.path.as_str() {
        "/api/tags" => response(200, "application/json", OLLAMA_TAGS),
        _ => match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => vec![Step::Hang],
            1 => response(400, "application/json", "{}"),
            _ => response(200, "application/x-ndjson", &ollama_answer(&["home"])),
        },
    });
    let house = House::new(vec![local(&home.url())]);
    let mut events = house.dispatcher.dispatch(again("same", "a"));
    assert!(matches!(events.next().await, Some(Ok(Event::Verdict(_)))));
    let error = house.ask(again("same", "a")).await.error.unwrap();
    assert_eq!((error.reason(), error.kind(), error.decision()), ("REQUEST_IN_WORK", Kind::AlreadyExists, None));
    while chats(&home) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(events);
    house.records().await;
    assert_eq!(house.ask(again("same", "a")).await.error.unwrap().reason(), "BACKEND_REJECTED", "it ran");
    house.records().await;
    assert_eq!(house.ask(again("same", "a")).await.answer, "home", "and ran again after it failed");
    assert_eq!(chats(&home), 3);
}
