//! How a dispatch ends: by its finish, by a failure in the middle, by the caller who leaves or does not read, and by
//! the deadline. Each way has its outcome in the log.

use super::*;
use crate::audit::OutcomeStatus;
use crate::dispatch::testing::head;

fn begun() -> Vec<Step> {
    let first = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"}}]}\n\n";
    vec![Step::Send(head(200, "text/event-stream")), Step::Send(first.into())]
}

fn begun_then(last: Step) -> Server {
    let mut steps = begun();
    steps.push(last);
    Server::always(steps)
}

async fn status_of_last(house: &House) -> (OutcomeStatus, String) {
    let records = house.records().await;
    let outcome = records.last().unwrap().outcome.clone().expect("every decision has an outcome").outcome;
    (outcome.status, outcome.reason.as_str().to_owned())
}

#[tokio::test]
async fn after_the_first_piece_no_other_backend_steps_in() {
    let (home, away) = (answering_ollama(), Server::always(begun()));
    let house = House::new(vec![local(&home.url()), cloud(&away.url())]);
    let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
    assert_eq!(told.events, ["verdict", "decision", "delta", "error"]);
    let error = told.error.unwrap();
    assert_eq!((error.reason(), error.kind()), ("BACKEND_FAILED", crate::error::Kind::Unavailable));
    assert_eq!(home.connections(), 0);
    assert_eq!(status_of_last(&house).await, (OutcomeStatus::Failed, "BACKEND_FAILED".to_owned()));
}

#[tokio::test]
async fn a_caller_who_leaves_closes_the_connection() {
    let away = begun_then(Step::Hang);
    let house = House::new(vec![cloud(&away.url())]);
    let mut events = house.dispatcher.dispatch(request(Sensitivity::Public, Complexity::Complex));
    while !matches!(events.next().await, Some(Ok(Event::Delta(_)))) {}
    drop(events);
    assert!(away.wait_for_closed(1).await);
    assert_eq!(status_of_last(&house).await.0, OutcomeStatus::Cancelled);
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_first_piece_does_too() {
    let away = Server::always(vec![Step::Hang]);
    let house = House::new(vec![cloud(&away.url())]);
    let mut events = house.dispatcher.dispatch(request(Sensitivity::Public, Complexity::Complex));
    assert!(matches!(events.next().await, Some(Ok(Event::Verdict(_)))));
    while away.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(events);
    assert!(away.wait_for_closed(1).await);
    assert_eq!(status_of_last(&house).await.0, OutcomeStatus::Cancelled);
}

#[tokio::test]
async fn the_deadline_ends_a_silent_backend_and_is_no_reason_to_try_another() {
    let (home, away) = (answering_ollama(), Server::always(vec![Step::Hang]));
    let house = House::new(vec![local(&home.url()), cloud(&away.url())]);
    let deadline = Instant::now() + Duration::from_millis(300);
    let told = house.ask(Request { deadline, ..request(Sensitivity::Public, Complexity::Complex) }).await;
    let error = told.error.unwrap();
    assert_eq!((error.reason(), error.kind()), ("DEADLINE_EXCEEDED", crate::error::Kind::DeadlineExceeded));
    assert!(home.requests().is_empty());
    assert_eq!(status_of_last(&house).await.0, OutcomeStatus::Failed);
}

#[tokio::test]
async fn the_deadline_ends_a_stuck_answer() {
    let away = begun_then(Step::Hang);
    let house = House::new(vec![cloud(&away.url())]);
    let deadline = Instant::now() + Duration::from_millis(300);
    let told = house.ask(Request { deadline, ..request(Sensitivity::Public, Complexity::Complex) }).await;
    assert_eq!(told.events, ["verdict", "decision", "delta", "error"]);
    assert_eq!(told.error.unwrap().reason(), "DEADLINE_EXCEEDED");
    assert_eq!(status_of_last(&house).await, (OutcomeStatus::Failed, "DEADLINE_EXCEEDED".to_owned()));
}

#[tokio::test]
async fn a_deadline_in_the_past_calls_nobody() {
    let (home, away) = (answering_ollama(), answering_cloud());
    let house = House::new(vec![local(&home.url()), cloud(&away.url())]);
    let deadline = Instant::now() - Duration::from_secs(1);
    for level in [Sensitivity::Public, Sensitivity::Confidential] {
        let told = house.ask(Request { deadline, ..request(level, Complexity::Complex) }).await;
        assert_eq!(told.error.unwrap().reason(), "DEADLINE_EXCEEDED");
    }
    assert_eq!((home.requests().len(), away.requests().len()), (0, 0));
}

#[tokio::test]
async fn a_caller_who_does_not_read_holds_the_backend_back_until_the_deadline() {
    let more = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"more\"}}]}\n\n".to_vec();
    let away = begun_then(Step::Forever(more));
    let house = House::new(vec![cloud(&away.url())]);
    let deadline = Instant::now() + Duration::from_millis(600);
    let mut events =
        house.dispatcher.dispatch(Request { deadline, ..request(Sensitivity::Public, Complexity::Complex) });
    house.tracker.close();
    house.tracker.wait().await;
    assert!(away.wait_for_closed(1).await, "nobody reads, and the connection is closed all the same");
    let (mut waiting, mut last) = (0, None);
    while let Some(event) = events.next().await {
        waiting += 1;
        last = Some(event);
    }
    assert_eq!(waiting, 17, "sixteen events waited, and the error had its place");
    assert_eq!(last.unwrap().unwrap_err().reason(), "DEADLINE_EXCEEDED");
    assert_eq!(status_of_last(&house).await.1, "DEADLINE_EXCEEDED");
}

#[tokio::test]
async fn an_answer_without_text_is_an_answer() {
    let home = ollama(response(200, "application/x-ndjson", &ollama_answer(&[])));
    let house = House::new(vec![local(&home.url())]);
    let told = house.ask(request(Sensitivity::Confidential, Complexity::Simple)).await;
    assert_eq!(told.events, ["verdict", "decision", "outcome"]);
    assert_eq!(status_of_last(&house).await.0, OutcomeStatus::Completed);
}
