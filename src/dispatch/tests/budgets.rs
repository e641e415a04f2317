//! Budgets in the life of a request: what is reserved, settled and given back, and where a request goes that they have
//! no room for.

use super::*;
use crate::control::Control;
use crate::money::{Amount, PriceConfig};

/// One dollar a million tokens read and a hundredth of a dollar for each token written.
fn dear(url: &str) -> BackendConfig {
    let price = PriceConfig {
        input: "1".parse().unwrap(),
        cached_input: None,
        output: "10000".parse().unwrap(),
        hidden_output: false,
    };
    BackendConfig { price: Some(price), max_output_tokens: Some(10), retries: 0, ..cloud(url) }
}

/// Seven tokens in and three out.
const COST: u64 = 7 + 30_000;

/// A dispatcher with a budget for everybody.
async fn bounded(configs: Vec<BackendConfig>, usd_per_day: &str, refuse: bool) -> (House, Arc<Control>) {
    let mut house = House::new(configs.clone());
    let control = Arc::new(Control::with_budget(&house.directory.path().join("control"), usd_per_day, "tester"));
    if refuse {
        let source = format!("{POLICY}{ROUTES_OF_PUBLIC}[limits]\nbudget_overrun = \"refuse\"\n");
        let policy = Policy::parse(&source, &TypeTable::new().with("PERSON", Category::Person)).unwrap();
        house.classify = Arc::new(ByDeclaration(Arc::new(policy)));
    }
    house.dispatcher = Dispatcher::with_control(
        Backends::build(configs).unwrap(),
        Arc::clone(&house.audit),
        Arc::clone(&house.classify) as Arc<dyn Classify>,
        house.tracker.clone(),
        Arc::clone(&control),
    );
    (house, control)
}

fn spent(control: &Control) -> u64 {
    let [state] = &control.budgets()[..] else { panic!("one budget") };
    assert_eq!(state.held, Amount::ZERO, "nothing is in work");
    state.spent.micros_up()
}

fn asking() -> Request {
    request(Sensitivity::Public, Complexity::Complex)
}

#[tokio::test]
async fn what_is_spent_is_what_it_cost_and_an_overrun_stays_local() {
    let (home, away) = (answering_ollama(), answering_cloud());
    // Ten tokens are reserved and three used, so the third request still fits: 0.06 and at most 0.11.
    let (house, control) = bounded(vec![local(&home.url()), dear(&away.url())], "0.18", false).await;
    for _ in 0..3 {
        assert_eq!(house.ask(asking()).await.answer, "away");
    }
    assert_eq!(spent(&control), 3 * COST);
    let told = house.ask(asking()).await;
    let decision = told.decision.unwrap();
    assert_eq!((told.answer.as_str(), decision.route, decision.reason), ("home", Route::Local, reason::BUDGET_SPENT));
    assert_eq!(away.requests().len(), 3);
    assert_eq!(spent(&control), 3 * COST);
    let dry = house.ask(Request { validate_only: true, ..asking() }).await.decision.unwrap();
    assert_eq!((dry.route, dry.reason, &*dry.backend), (Route::Local, reason::BUDGET_SPENT, "here"));
    let internal = house.ask(request(Sensitivity::Internal, Complexity::Complex)).await;
    assert_eq!(internal.decision.unwrap().reason, reason::NONE, "what stays anyway has nothing to do with budgets");
}

#[tokio::test]
async fn a_policy_may_refuse_instead() {
    let (home, away) = (answering_ollama(), answering_cloud());
    let (house, control) = bounded(vec![local(&home.url()), dear(&away.url())], "0.01", true).await;
    let told = house.ask(asking()).await;
    let error = told.error.unwrap();
    assert_eq!((error.kind(), error.reason()), (crate::error::Kind::ResourceExhausted, "BUDGET_SPENT"));
    assert!(error.retry_after().unwrap() <= Duration::from_secs(24 * 60 * 60) && error.to_string().contains("`all`"));
    let dry = house.ask(Request { validate_only: true, ..asking() }).await.decision.unwrap();
    assert_eq!((dry.reason, &*dry.backend), (reason::BUDGET_SPENT, ""));
    assert_eq!((home.connections(), away.connections(), spent(&control)), (0, 0, 0));
    let records = house.records().await;
    let routing = records[0].decision.routing.as_ref().unwrap();
    let outcome = &records[0].outcome.as_ref().unwrap().outcome;
    assert_eq!((routing.reason.as_str(), outcome.reason.as_str()), ("budget_spent", "BUDGET_SPENT"));
}

#[tokio::test]
async fn a_cheaper_backend_of_the_side_is_taken() {
    let (first, second) =
        (answering_cloud(), Server::always(response(200, "text/event-stream", &openai_answer(&["cheap"]))));
    let cheap = BackendConfig { name: "cheap".into(), max_output_tokens: Some(1), ..dear(&second.url()) };
    let (house, control) = bounded(vec![dear(&first.url()), cheap], "0.05", false).await;
    assert_eq!(house.ask(asking()).await.answer, "cheap");
    assert_eq!((first.connections(), spent(&control)), (0, COST));
}

#[tokio::test]
async fn the_callers_own_limit_of_tokens_bounds_the_reservation() {
    let away = answering_cloud();
    let (house, control) = bounded(vec![dear(&away.url())], "0.05", false).await;
    assert!(house.ask(asking()).await.error.is_some(), "ten tokens do not fit");
    let message = Message::new(Role::User, "Please say");
    let generation = Generation { max_output_tokens: Some(4), ..Generation::default() };
    let four = Request { conversation: Arc::new(Conversation::new(vec![message], generation)), ..asking() };
    assert_eq!(house.ask(four).await.answer, "away");
    assert_eq!(spent(&control), COST);
}

#[tokio::test]
async fn what_was_not_answered_is_given_back_and_what_broke_off_is_not() {
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"1234\"}}]}\n\n";
    let stream = testing::head(200, "text/event-stream");
    // The texts alone cost some hundred millionths: at most one token a byte.
    let about = |cost: u64| cost..cost + 3_000;
    let nothing = 0..1;
    for (steps, expected) in [
        (response(429, "application/json", "{}"), nothing.clone()),
        (response(500, "text/plain", ""), nothing.clone()),
        (response(504, "text/plain", ""), about(100_000)),
        (vec![Step::Send(b"nonsense\r\n\r\n".to_vec())], about(100_000)),
        (vec![Step::Send(stream.clone())], about(100_000)),
        (vec![Step::Send(stream.clone()), Step::Send(begun.into())], about(40_000)),
    ] {
        let away = Server::always(steps.clone());
        let (house, control) = bounded(vec![dear(&away.url())], "1", false).await;
        assert!(house.ask(asking()).await.error.is_some());
        house.records().await;
        let spent = spent(&control);
        assert!(expected.contains(&spent), "{steps:?}: {spent}");
    }
    let (house, control) = bounded(vec![dear(&testing::refusing_url())], "1", false).await;
    assert!(house.ask(asking()).await.error.is_some());
    assert_eq!(spent(&control), 0, "nobody was there to bill");
}

#[tokio::test]
async fn a_caller_who_leaves_pays_for_what_was_seen() {
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"1234\"}}]}\n\n";
    let steps = vec![Step::Send(testing::head(200, "text/event-stream")), Step::Send(begun.into()), Step::Hang];
    let away = Server::always(steps);
    let (house, control) = bounded(vec![dear(&away.url())], "1", false).await;
    let mut events = house.dispatcher.dispatch(asking());
    while !matches!(events.next().await, Some(Ok(Event::Delta(_)))) {}
    assert!(control.budgets()[0].held >= Amount::from_micros(100_000), "held while it runs");
    drop(events);
    let records = house.records().await;
    let cost = records[0].outcome.as_ref().unwrap().outcome.cost_micros.unwrap();
    assert!((40_000..43_000).contains(&cost));
    assert_eq!(spent(&control), cost, "the log and the budget agree");
}

#[tokio::test]
async fn where_the_reservation_cannot_be_kept_nothing_leaves() {
    let (home, away) = (answering_ollama(), answering_cloud());
    let (house, control) = bounded(vec![local(&home.url()), dear(&away.url())], "1", false).await;
    control.fill_disk(true).await;
    let told = house.ask(asking()).await;
    assert_eq!((told.answer.as_str(), told.decision.unwrap().reason), ("home", reason::BUDGET_UNAVAILABLE));
    assert_eq!((away.connections(), spent(&control)), (0, 0));
    control.fill_disk(false).await;
    assert_eq!(house.ask(asking()).await.answer, "away");
    assert_eq!(spent(&control), COST);
}

#[tokio::test]
async fn a_log_that_cannot_be_written_gives_the_reservation_back() {
    let (home, away) = (answering_ollama(), answering_cloud());
    let (house, control) = bounded(vec![local(&home.url()), dear(&away.url())], "1", false).await;
    house.fill_log().await;
    assert_eq!(house.ask(asking()).await.answer, "home");
    assert_eq!((away.connections(), spent(&control)), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_never_spend_over_the_budget() {
    let (home, away) = (answering_ollama(), answering_cloud());
    let (house, control) = bounded(vec![local(&home.url()), dear(&away.url())], "1", false).await;
    let told = futures_util::future::join_all((0..120).map(|_| house.ask(asking()))).await;
    let count = |answer: &str| told.iter().filter(|told| told.answer == answer).count();
    assert_eq!(count("away") + count("home"), 120, "everybody was answered");
    assert_eq!(away.requests().len(), count("away"));
    let spent = spent(&control);
    assert_eq!(spent, COST * away.requests().len() as u64);
    assert!(spent <= 1_000_000 && count("away") >= 9 && count("home") > 0, "{spent} for {}", count("away"));
}
