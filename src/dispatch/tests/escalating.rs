//! Escalation: a local answer that is not sure enough makes way for the cloud's where it may, and stays whole where it
//! may not. The caller gets one answer, never parts of two.

use super::*;
use crate::audit::OutcomeStatus;
use crate::dispatch::testing::{head, refusing_url, scored_answer};

const SURE: (f64, f64) = (-0.01, -6.0);
const UNSURE: (f64, f64) = (-3.0, -3.1);

/// Public text is answered locally, and by the cloud if that is not sure enough.
const ESCALATING: &str = r#"
[[route]]
id = "unsure_leaves"
levels = ["public"]
to = "local"
escalate = true
"#;

/// Weights that do not change with the defaults.
fn escalation() -> EscalationConfig {
    toml::from_str(
        "threshold = 0.5\nhold_back_tokens = 8\n[weights]\nbias = 0.0\nmean = 1.0\nwindow = 1.0\nmargins = -1.0\n\
         usual = { mean = -0.5, window = -1.5, margins = 0.2 }",
    )
    .unwrap()
}

fn home(url: &str) -> BackendConfig {
    BackendConfig {
        escalation: Some(escalation()),
        retries: 0,
        ..BackendConfig::new("here", Side::Local, BackendKind::Openai, url, "m")
    }
}

fn scored(words: &[&str], (own, other): (f64, f64)) -> String {
    scored_answer(&words.iter().map(|word| (*word, own, other)).collect::<Vec<_>>())
}

fn serving(body: &str) -> Server {
    Server::always(response(200, "text/event-stream", body))
}

fn public() -> Request {
    request(Sensitivity::Public, Complexity::Simple)
}

fn statuses(records: &[StoredDecision]) -> Vec<(Route, String, Option<OutcomeStatus>)> {
    let of = |record: &StoredDecision| {
        let routing = record.decision.routing.as_ref().unwrap();
        let status = record.outcome.as_ref().map(|stored| stored.outcome.status);
        (routing.route, routing.reason.to_string(), status)
    };
    records.iter().map(of).collect()
}

#[tokio::test]
async fn a_sure_answer_stays() {
    for whole in [false, true] {
        let (here, there) = (serving(&scored(&["Pa", "ris", "."], SURE)), answering_cloud());
        let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
        let told = house.ask(Request { whole, ..public() }).await;
        assert_eq!((told.answer.as_str(), there.connections()), ("Paris.", 0));
        let outcome = told.outcome.unwrap();
        let confidence = outcome.confidence.unwrap();
        assert!(!confidence.low && confidence.millionths > 700_000, "{confidence:?}");
        assert_eq!((outcome.escalated, outcome.escalation_withheld), (false, ""));
        let records = house.records().await;
        let kept = records[0].outcome.clone().unwrap().outcome.confidence.unwrap();
        assert_eq!((records.len(), kept.millionths), (1, confidence.millionths));
    }
}

#[tokio::test]
async fn an_unsure_answer_makes_way_for_the_clouds() {
    for whole in [false, true] {
        let (here, there) = (serving(&scored(&["Per", "haps", " Rome"], UNSURE)), answering_cloud());
        let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
        let told = house.ask(Request { whole, ..public() }).await;
        assert_eq!(told.answer, "away", "nothing of the local answer");
        assert_eq!(told.events, ["verdict", "decision", "delta", "delta", "outcome"]);
        let (decision, outcome) = (told.decision.unwrap(), told.outcome.unwrap());
        assert_eq!((decision.route, decision.reason, decision.ceiling), (Route::Cloud, "low_confidence", Route::Cloud));
        assert!(outcome.escalated && outcome.escalation_withheld.is_empty());
        assert_eq!(decision.local_confidence, outcome.confidence);
        let confidence = outcome.confidence.unwrap();
        assert!(confidence.low && confidence.reasons.contains(&"low_mean_probability"), "{confidence:?}");
        let records = house.records().await;
        assert_eq!(
            statuses(&records),
            [
                (Route::Local, String::new(), Some(OutcomeStatus::Escalated)),
                (Route::Cloud, "low_confidence".to_owned(), Some(OutcomeStatus::Completed)),
            ]
        );
        let local = &records[0];
        assert_eq!(records[1].decision.routing.as_ref().unwrap().escalated_from, Some(local.decision.id));
        let kept = local.outcome.clone().unwrap().outcome;
        assert!(kept.confidence.unwrap().low && kept.output_tokens == 3);
    }
}

#[tokio::test]
async fn flaws_escalate_also_without_probabilities() {
    for answer in ["I'm sorry, but I can't help with that.", "", &"and then the same thing ".repeat(30)] {
        let (here, there) = (serving(&openai_answer(&[answer])), answering_cloud());
        let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
        let told = house.ask(Request { whole: true, ..public() }).await;
        assert_eq!(told.answer, "away", "{answer}");
        let confidence = told.outcome.unwrap().confidence.unwrap();
        assert!(!confidence.signals.contains(&"log_probabilities"), "it says what it rests on: {confidence:?}");
    }
    let (here, there) = (serving(&openai_answer(&["Canberra, of course."])), answering_cloud());
    let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
    let told = house.ask(public()).await;
    assert_eq!((told.answer.as_str(), there.connections()), ("Canberra, of course.", 0));
}

#[tokio::test]
async fn what_may_not_leave_stays_with_its_confidence_and_the_reason() {
    let unsure = scored(&["Per", "haps", " Rome"], UNSURE);
    for level in [Sensitivity::Confidential, Sensitivity::Internal] {
        let (here, there) = (serving(&unsure), answering_cloud());
        let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
        let told = house.ask(request(level, Complexity::Complex)).await;
        assert_eq!((told.answer.as_str(), there.connections()), ("Perhaps Rome", 0));
        assert!(!holds_canary(&there.bytes()) && holds_canary(&here.bytes()));
        let outcome = told.outcome.unwrap();
        assert!(outcome.confidence.unwrap().low);
        assert_eq!((outcome.escalated, outcome.escalation_withheld), (false, "ceiling"));
        let kept = house.records().await.remove(0).outcome.unwrap().outcome;
        assert_eq!((kept.status, kept.escalation_withheld.unwrap().as_str()), (OutcomeStatus::Completed, "ceiling"));
    }
}

#[tokio::test]
async fn each_reason_to_stay_has_its_word() {
    let unsure = scored(&["Per", "haps", " Rome"], UNSURE);
    let ask = async |configs: Vec<BackendConfig>, close: bool, fill: bool| {
        let here = serving(&unsure);
        let house = House::with_routes([vec![home(&here.url())], configs].concat(), ESCALATING);
        house.dispatcher.set_cloud_closed(close);
        if fill {
            house.fill_log().await;
        }
        let told = house.ask(public()).await;
        assert_eq!(told.answer, "Perhaps Rome", "the local answer is never lost");
        assert_eq!(told.decision.unwrap().route, Route::Local);
        let outcome = told.outcome.unwrap();
        assert!(outcome.confidence.unwrap().low && !outcome.escalated);
        outcome.escalation_withheld
    };
    let there = answering_cloud();
    let failing = Server::always(response(500, "text/plain", "no"));
    assert_eq!(ask(vec![], false, false).await, "no_cloud_backend");
    assert_eq!(ask(vec![cloud(&there.url())], true, false).await, "cloud_closed");
    assert_eq!(ask(vec![cloud(&refusing_url())], false, false).await, "cloud_unavailable");
    assert_eq!(ask(vec![cloud(&failing.url())], false, false).await, "cloud_unavailable");
    assert_eq!(ask(vec![cloud(&there.url())], false, true).await, "audit_log_unavailable");
    assert_eq!(there.connections(), 0, "no record, no egress");
    assert!(failing.connections() > 0);
}

#[tokio::test]
async fn a_policy_that_escalates_nowhere_asks_for_nothing_more() {
    let here = serving(&scored(&["Per", "haps"], UNSURE));
    let there = answering_cloud();
    let house = House::new(vec![home(&here.url()), cloud(&there.url())]);
    let told = house.ask(public()).await;
    assert_eq!((told.answer.as_str(), told.outcome.unwrap().confidence), ("Perhaps", None));
    assert!(here.requests()[0].json().get("logprobs").is_none());

    let told = house.ask(Request { confidence: true, ..public() }).await;
    let outcome = told.outcome.unwrap();
    assert!(outcome.confidence.unwrap().low, "the caller wanted to know");
    assert_eq!((outcome.escalation_withheld, there.connections()), ("policy", 0));
    let asked = here.requests()[1].json();
    assert_eq!((asked.get("logprobs"), asked.get("top_logprobs")), (Some(&true.into()), Some(&2.into())));
}

#[tokio::test]
async fn what_has_begun_to_go_to_the_caller_is_never_replaced() {
    // Sure over the hold-back of eight tokens, then lost.
    let mut words: Vec<(&str, f64, f64)> = vec![("sure ", -0.01, -6.0); 10];
    words.extend([("lost ", -9.0, -9.0); 30]);
    let (here, there) = (serving(&scored_answer(&words)), answering_cloud());
    let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
    let told = house.ask(public()).await;
    assert_eq!((told.answer.matches("sure ").count(), told.answer.matches("lost ").count()), (10, 30));
    assert_eq!(there.connections(), 0);
    let outcome = told.outcome.unwrap();
    assert!(outcome.confidence.unwrap().low);
    assert_eq!(outcome.escalation_withheld, "answer_begun");

    let told = house.ask(Request { whole: true, ..public() }).await;
    assert_eq!(told.answer, "away", "a caller who takes it whole can still get the better one");
}

#[tokio::test]
async fn the_hold_back_ends_by_tokens_bytes_and_time() {
    let begun = |words: usize, scores: (f64, f64)| {
        let whole = scored(&vec!["word "; words], scores);
        whole.split("data: {\"choices\":[{\"index\":0,\"delta\":{}").next().unwrap().as_bytes().to_vec()
    };
    let hanging = |bytes: Vec<u8>| {
        Server::always(vec![Step::Send(head(200, "text/event-stream")), Step::Send(bytes), Step::Hang])
    };
    let cases = [
        (8, EscalationConfig { hold_back_ms: Some(60_000), ..escalation() }),
        (5, EscalationConfig { hold_back_bytes: Some(20), hold_back_ms: Some(60_000), ..escalation() }),
        (2, EscalationConfig { hold_back_ms: Some(100), ..escalation() }),
    ];
    for (words, escalation) in cases {
        let there = answering_cloud();
        let unsure = hanging(begun(words, UNSURE));
        let config = BackendConfig { escalation: Some(escalation.clone()), ..home(&unsure.url()) };
        let house = House::with_routes(vec![config, cloud(&there.url())], ESCALATING);
        let told = house.ask(public()).await;
        assert_eq!(told.answer, "away", "{words}");
        let confidence = told.outcome.unwrap().confidence.unwrap();
        assert!(confidence.early && !confidence.signals.contains(&"ending"));
        assert!(unsure.wait_for_closed(1).await, "the local backend need not go on");

        let sure = hanging(begun(words, SURE));
        let config = BackendConfig { escalation: Some(escalation), ..home(&sure.url()) };
        let house = House::with_routes(vec![config, cloud(&there.url())], ESCALATING);
        let mut events = house.dispatcher.dispatch(public());
        let mut seen = String::new();
        while seen.len() < 5 * words {
            if let Event::Delta(text) = events.next().await.unwrap().unwrap() {
                seen.push_str(text.expose());
            }
        }
        assert_eq!(seen, "word ".repeat(words), "it goes to the caller while it is still being written");
        drop(events);
        assert!(sure.wait_for_closed(1).await, "a caller who leaves ends the local call");
    }
}

#[tokio::test]
async fn a_caller_who_leaves_during_the_hold_back_ends_both_calls() {
    let unsure = scored(&["word "; 8], UNSURE);
    let unsure = unsure.split("data: {\"choices\":[{\"index\":0,\"delta\":{}").next().unwrap().as_bytes().to_vec();
    let here = Server::always(vec![Step::Send(head(200, "text/event-stream")), Step::Send(unsure), Step::Hang]);
    let there = Server::always(vec![Step::Hang]);
    let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
    let mut events = house.dispatcher.dispatch(public());
    assert!(matches!(events.next().await, Some(Ok(Event::Verdict(_)))));
    while there.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(events);
    assert!(here.wait_for_closed(1).await && there.wait_for_closed(1).await);
    let records = house.records().await;
    let cancelled = Some(OutcomeStatus::Cancelled);
    assert_eq!(statuses(&records).into_iter().map(|(.., status)| status).collect::<Vec<_>>(), [cancelled, cancelled]);
}

#[tokio::test]
async fn a_local_answer_that_breaks_off_while_it_is_held_back_is_replaced() {
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"}}]}\n\n";
    let breaking = || Server::always(vec![Step::Send(head(200, "text/event-stream")), Step::Send(begun.into())]);
    let (here, there) = (breaking(), answering_cloud());
    let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
    let told = house.ask(public()).await;
    assert_eq!(told.answer, "away");
    assert_eq!(told.decision.unwrap().reason, "local_unavailable");
    let confidence = told.outcome.unwrap().confidence.unwrap();
    assert_eq!((confidence.millionths, confidence.reasons.first()), (0, Some(&"broken_off")));
    let records = house.records().await;
    let status = |at: usize| records[at].outcome.as_ref().unwrap().outcome.status;
    assert_eq!((status(0), status(1)), (OutcomeStatus::Failed, OutcomeStatus::Completed));

    let house = House::with_routes(vec![home(&breaking().url()), cloud(&refusing_url())], ESCALATING);
    let told = house.ask(public()).await;
    assert_eq!((told.answer.as_str(), told.error.unwrap().reason()), ("", "BACKEND_FAILED"));
    let house = House::with_routes(vec![home(&breaking().url()), cloud(&there.url())], ESCALATING);
    let told = house.ask(request(Sensitivity::Confidential, Complexity::Simple)).await;
    assert_eq!(told.error.unwrap().reason(), "BACKEND_FAILED");
    assert_eq!(there.connections(), 1, "only the public one");
}

#[tokio::test]
async fn a_cloud_that_fails_in_the_middle_is_told_and_nothing_else_follows() {
    let (here, begun) = (
        serving(&scored(&["Per", "haps"], UNSURE)),
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"}}]}\n\n",
    );
    let there = Server::always(vec![Step::Send(head(200, "text/event-stream")), Step::Send(begun.into())]);
    let house = House::with_routes(vec![home(&here.url()), cloud(&there.url())], ESCALATING);
    let told = house.ask(public()).await;
    assert_eq!((told.answer.as_str(), told.error.unwrap().reason()), ("begun", "BACKEND_FAILED"));
}

#[tokio::test]
async fn a_server_that_refuses_the_question_for_probabilities_is_asked_without() {
    let here = Server::start(|seen| match seen.json().get("logprobs") {
        Some(_) => response(400, "application/json", "{\"error\":{\"message\":\"logprobs is not supported\"}}"),
        None => response(200, "text/event-stream", &openai_answer(&["ho", "me"])),
    });
    let house = House::with_routes(vec![home(&here.url())], ESCALATING);
    let told = house.ask(public()).await;
    assert_eq!((told.answer.as_str(), here.requests().len()), ("home", 2));
    assert!(!told.outcome.unwrap().confidence.unwrap().signals.contains(&"log_probabilities"));
    let never = BackendConfig { logprobs: Some(false), ..home(&here.url()) };
    let house = House::with_routes(vec![never], ESCALATING);
    assert_eq!(house.ask(public()).await.answer, "home");
    assert_eq!(here.requests().len(), 3, "it was not asked");
}

#[tokio::test]
async fn an_endless_or_huge_local_answer_is_judged_by_its_beginning_and_has_an_end() {
    let piece = scored(&["word "], SURE).lines().next().unwrap().to_owned() + "\n\n";
    let here = Server::always(vec![Step::Send(head(200, "text/event-stream")), Step::Forever(piece.into_bytes())]);
    let there = answering_cloud();
    let config = BackendConfig { max_answer_bytes: 400, ..home(&here.url()) };
    let house = House::with_routes(vec![config, cloud(&there.url())], ESCALATING);
    let told = house.ask(public()).await;
    assert_eq!(told.error.unwrap().reason(), "ANSWER_TOO_LARGE");
    assert!(told.answer.len() <= 400 && told.answer.starts_with("word word "));
    // For a caller who takes it whole the limit ends the local answer before anything of it was given.
    let told = house.ask(Request { whole: true, ..public() }).await;
    assert_eq!(told.answer, "away");
}

#[tokio::test]
async fn probabilities_come_from_ollama_too_and_only_from_local_backends() {
    let line = serde_json::json!({"model": "m", "message": {"role": "assistant", "content": "Perhaps"}, "done": false,
        "logprobs": [{"token": "Perhaps", "logprob": -4.0, "top_logprobs": [{"token": "No", "logprob": -3.9}]}]});
    let body = format!("{line}\n{}", ollama_answer(&[]));
    let (here, there) = (ollama(response(200, "application/x-ndjson", &body)), answering_cloud());
    let config = BackendConfig { escalation: Some(escalation()), ..local(&here.url()) };
    let house = House::with_routes(vec![config, cloud(&there.url())], ESCALATING);
    let told = house.ask(public()).await;
    assert_eq!(told.answer, "away");
    assert!(told.outcome.unwrap().confidence.unwrap().signals.contains(&"log_probabilities"));
    let asked = here.requests().into_iter().find(|seen| seen.path == "/api/chat").unwrap().json();
    assert_eq!((asked.get("logprobs"), asked.get("top_logprobs")), (Some(&true.into()), Some(&2.into())));
    assert!(there.requests()[0].json().get("logprobs").is_none());
}
