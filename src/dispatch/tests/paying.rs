//! What a request costs, by the backend's own count of tokens or by its bytes, in the answer and in the log.

use super::*;
use crate::money::{Amount, PriceConfig};

fn price(input: &str, output: &str) -> Option<PriceConfig> {
    Some(PriceConfig {
        input: input.parse().unwrap(),
        cached_input: None,
        output: output.parse().unwrap(),
        hidden_output: false,
    })
}

fn micros(amount: Option<Amount>) -> Option<u64> {
    amount.map(Amount::micros_up)
}

#[tokio::test]
async fn a_request_says_what_it_costs_here_and_on_the_other_side() {
    let (home, away) = (answering_ollama(), answering_cloud());
    let house = House::new(vec![
        BackendConfig { price: price("0.5", "1"), ..local(&home.url()) },
        BackendConfig { price: price("3", "15"), ..cloud(&away.url()) },
    ]);
    // Seven tokens in and three out: 7 · 3 + 3 · 15 and 7 · 0.5 + 3 · 1 millionths of a dollar, rounded up.
    let (dear, cheap) = (66, 7);
    let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
    let cost = told.outcome.unwrap().cost;
    assert_eq!((micros(cost.own), micros(cost.other_side), cost.estimated), (Some(dear), Some(cheap), false));
    let told = house.ask(request(Sensitivity::Confidential, Complexity::Complex)).await;
    let cost = told.outcome.unwrap().cost;
    assert_eq!((micros(cost.own), micros(cost.other_side), cost.estimated), (Some(cheap), Some(dear), false));
    let records = house.records().await;
    let costs: Vec<_> = records
        .iter()
        .map(|record| &record.outcome.as_ref().unwrap().outcome)
        .map(|outcome| (outcome.cost_micros, outcome.other_side_cost_micros, outcome.cost_estimated))
        .collect();
    assert_eq!(costs, [(Some(dear), Some(cheap), false), (Some(cheap), Some(dear), false)]);
}

#[tokio::test]
async fn without_a_price_there_is_no_cost() {
    let (home, away) = (answering_ollama(), answering_cloud());
    let house = House::new(vec![local(&home.url()), BackendConfig { price: price("3", "15"), ..cloud(&away.url()) }]);
    let told = house.ask(request(Sensitivity::Internal, Complexity::Simple)).await;
    let cost = told.outcome.unwrap().cost;
    assert_eq!((micros(cost.own), micros(cost.other_side)), (None, Some(66)));
}

#[tokio::test]
async fn cached_tokens_have_their_own_price() {
    let usage = r#"{"prompt_tokens":100,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":80}}"#;
    let answer = openai_answer(&["a"]).replace(r#"{"prompt_tokens":7,"completion_tokens":3}"#, usage);
    let away = Server::always(response(200, "text/event-stream", &answer));
    let price = PriceConfig { cached_input: Some("0.1".parse().unwrap()), ..price("1", "2").unwrap() };
    let house = House::new(vec![BackendConfig { price: Some(price), ..cloud(&away.url()) }]);
    let outcome = house.ask(request(Sensitivity::Public, Complexity::Complex)).await.outcome.unwrap();
    assert_eq!((outcome.input_tokens, outcome.cached_input_tokens), (100, 80));
    assert_eq!(micros(outcome.cost.own), Some(20 + 8 + 20));
    let records = house.records().await;
    assert_eq!(records[0].outcome.as_ref().unwrap().outcome.cached_input_tokens, 80);
}

#[tokio::test]
async fn a_backend_that_counts_nothing_is_estimated_and_said_to_be() {
    let answer = openai_answer(&["12345"]);
    let (answer, _) = answer.split_once("data: {\"choices\":[],\"usage\"").unwrap();
    let away = Server::always(response(200, "text/event-stream", &format!("{answer}data: [DONE]\n\n")));
    let house = House::new(vec![BackendConfig { price: price("0", "1"), ..cloud(&away.url()) }]);
    let cost = house.ask(request(Sensitivity::Public, Complexity::Complex)).await.outcome.unwrap().cost;
    assert_eq!((micros(cost.own), cost.estimated), (Some(5), true), "at most one token a byte");
}

#[tokio::test]
async fn what_breaks_off_costs_what_was_seen_and_what_was_refused_costs_nothing() {
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"}}]}\n\n";
    let head = testing::head(200, "text/event-stream");
    for (steps, cost) in [
        (vec![Step::Send(head), Step::Send(begun.into())], Some(5)),
        (response(401, "application/json", "{}"), None),
        (response(500, "text/plain", ""), None),
    ] {
        let away = Server::always(steps);
        let house = House::new(vec![BackendConfig { price: price("0", "1"), retries: 0, ..cloud(&away.url()) }]);
        let told = house.ask(request(Sensitivity::Public, Complexity::Complex)).await;
        assert!(told.error.is_some());
        let records = house.records().await;
        let outcome = &records[0].outcome.as_ref().unwrap().outcome;
        assert_eq!((outcome.cost_micros, outcome.cost_estimated), (cost, cost.is_some()));
    }
}
