//! More requests than a backend takes: places, queues, and that a full side is told at once.

use super::*;
use crate::error::Kind;

/// Begins an answer and never ends it, so that it holds its place until its caller leaves.
fn endless() -> Server {
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"}}]}\n\n";
    Server::always(vec![Step::Send(testing::head(200, "text/event-stream")), Step::Send(begun.into()), Step::Hang])
}

fn limited(config: BackendConfig, max_calls: u32, max_waiting: u32) -> BackendConfig {
    BackendConfig { max_calls: Some(max_calls), max_waiting: Some(max_waiting), ..config }
}

fn local_openai(url: &str) -> BackendConfig {
    BackendConfig::new("here", Side::Local, BackendKind::Openai, url, "m")
}

/// Dispatches and reads until the answer has begun.
async fn holding(house: &House, request: Request) -> Events {
    let mut events = house.dispatcher.dispatch(request);
    while !matches!(events.next().await.unwrap().unwrap(), Event::Delta(_)) {}
    events
}

#[tokio::test]
async fn a_full_queue_is_told_at_once_and_says_when_to_come_back() {
    let home = endless();
    let house = House::new(vec![limited(local_openai(&home.url()), 1, 0)]);
    let held = holding(&house, request(Sensitivity::Confidential, Complexity::Simple)).await;
    let told = house.ask(request(Sensitivity::Confidential, Complexity::Simple)).await;
    let error = told.error.unwrap();
    assert_eq!((error.reason(), error.kind()), ("BACKEND_FULL", Kind::ResourceExhausted));
    assert!(error.retry_after().is_some());
    assert_eq!(home.requests().len(), 1, "nothing was sent");
    drop(held);
    let records = house.records().await;
    assert_eq!(records.len(), 2, "the refusal is recorded too");
    assert_eq!(records[1].outcome.as_ref().unwrap().outcome.reason.as_str(), "BACKEND_FULL");
}

#[tokio::test]
async fn who_waits_gets_the_place_of_one_who_leaves() {
    let home = endless();
    let house = House::new(vec![limited(local_openai(&home.url()), 1, 1)]);
    let held = holding(&house, request(Sensitivity::Confidential, Complexity::Simple)).await;
    let mut waiting = house.dispatcher.dispatch(request(Sensitivity::Confidential, Complexity::Simple));
    assert!(matches!(waiting.next().await, Some(Ok(Event::Verdict(_)))));
    drop(held);
    assert!(matches!(waiting.next().await, Some(Ok(Event::Decision(_)))));
    assert!(home.wait_for_closed(1).await);
    assert_eq!(home.requests().len(), 2);
}

#[tokio::test]
async fn waiting_ends_with_the_deadline() {
    let home = endless();
    let house = House::new(vec![limited(local_openai(&home.url()), 1, 1)]);
    let _held = holding(&house, request(Sensitivity::Confidential, Complexity::Simple)).await;
    let deadline = Instant::now() + Duration::from_millis(200);
    let told = house.ask(Request { deadline, ..request(Sensitivity::Confidential, Complexity::Simple) }).await;
    assert_eq!(told.error.unwrap().reason(), "DEADLINE_EXCEEDED");
    assert_eq!(home.requests().len(), 1);
}

#[tokio::test]
async fn a_free_backend_of_the_side_is_better_than_a_queue() {
    let (one, two) = (endless(), answering_cloud());
    let named = |name: &str, config| BackendConfig { name: name.to_owned(), ..config };
    let first = limited(named("one", cloud(&one.url())), 1, 5);
    let house = House::new(vec![first, named("two", cloud(&two.url()))]);
    let _held = holding(&house, request(Sensitivity::Public, Complexity::Complex)).await;
    let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
    assert_eq!((told.answer.as_str(), &*told.decision.unwrap().backend), ("away", "two"));
}

#[tokio::test]
async fn a_full_home_sends_nothing_private_away_and_leaves_the_cloud_its_places() {
    let (home, away) = (endless(), answering_cloud());
    let house = House::new(vec![limited(local_openai(&home.url()), 1, 0), limited(cloud(&away.url()), 1, 0)]);
    let _held = holding(&house, request(Sensitivity::Confidential, Complexity::Simple)).await;
    for level in [Sensitivity::Internal, Sensitivity::Confidential] {
        let told = house.ask(request(level, Complexity::Complex)).await;
        assert_eq!(told.error.unwrap().reason(), "BACKEND_FULL");
    }
    assert_eq!(away.connections(), 0);
    let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
    assert_eq!(told.answer, "away", "the sides have places of their own");
}
