//! The estimate on prompts of each kind, its reasons, and its time on long ones.

use proptest::prelude::*;

use super::*;
use crate::document::{Generation, Message};

fn conversation(messages: &[(Role, &str)]) -> Conversation {
    let message = |(role, content): &(Role, &str)| Message::new(*role, *content);
    Conversation::new(messages.iter().map(message).collect(), Generation::default())
}

fn of(text: &str) -> Estimate {
    estimate(&conversation(&[(Role::User, text)]), None)
}

fn page() -> String {
    // About 3 KiB of plain prose.
    "The supplier shall deliver the goods to the place named in the order and bear the cost of carriage. ".repeat(30)
}

#[test]
fn the_caller_wins() {
    for stated in [Complexity::Simple, Complexity::Moderate, Complexity::Complex] {
        let estimate = estimate(&conversation(&[(Role::User, &page())]), Some(stated));
        assert_eq!(estimate, Estimate { complexity: stated, reasons: vec!["stated_by_caller"] });
    }
}

#[test]
fn trivia_and_short_rewrites_are_simple() {
    for text in [
        "What is the capital of France?",
        "Wie hoch ist der Mont Blanc?",
        "Translate 'good morning' into Spanish.",
        "¿Quién escribió Don Quijote?",
        "Fix the spelling: I recieve emails",
        "hi",
        "",
        "Who won the 1998 world cup?!?",
        "中国的首都是哪里？",
    ] {
        assert_eq!(of(text).complexity, Complexity::Simple, "{text}: {:?}", of(text).reasons);
    }
}

#[test]
fn analysis_of_a_page_is_complex() {
    for ask in [
        "Analyse this contract and list the risks for the buyer.",
        "Analysiere diesen Vertrag und nenne die Risiken.",
        "Analyse ce contrat et évalue les risques.",
        "Analiza este contrato y evalúa los riesgos.",
    ] {
        let estimate = of(&format!("{ask}\n\n{}", page()));
        assert_eq!(estimate.complexity, Complexity::Complex, "{ask}: {:?}", estimate.reasons);
        assert!(estimate.reasons.contains(&"research_asked"), "{:?}", estimate.reasons);
    }
}

#[test]
fn a_long_text_to_be_corrected_is_simple_and_beyond_all_bounds_complex() {
    for ask in ["Fix the typos:", "Korrigiere nur die Rechtschreibung.", "Translate this into Spanish:"] {
        let estimate = of(&format!("{ask}\n\n{}", page()));
        assert_eq!(estimate.complexity, Complexity::Simple, "{ask}: {:?}", estimate.reasons);
    }
    let estimate = of(&format!("Fix the typos:\n\n{}", page().repeat(5)));
    assert_eq!(estimate, Estimate { complexity: Complexity::Complex, reasons: vec!["very_long_input"] });
}

#[test]
fn the_text_may_come_before_the_question() {
    let before = [(Role::User, page()), (Role::Assistant, "I have read it.".to_owned())];
    let mut messages: Vec<(Role, &str)> = before.iter().map(|(role, text)| (*role, text.as_str())).collect();
    messages.push((Role::User, "Evaluate the risks and justify your assessment."));
    assert_eq!(estimate(&conversation(&messages), None).complexity, Complexity::Complex);
    messages.pop();
    messages.push((Role::User, "Thanks! What is the capital of France?"));
    assert_eq!(estimate(&conversation(&messages), None).complexity, Complexity::Simple);
}

#[test]
fn work_of_some_steps_is_at_least_moderate() {
    for text in [
        "Compare TCP and UDP.",
        "Write a Python function that merges two sorted lists.",
        "Explain why the sky is blue. Is it the same on Mars? What about Titan?",
        "Solve the equation 3x + 5 = 20 for x, and compute the integral of x^2.",
    ] {
        assert!(of(text).complexity >= Complexity::Moderate, "{text}: {:?}", of(text).reasons);
    }
}

#[test]
fn hard_tasks_are_complex_though_short() {
    for text in [
        "Prove that there are infinitely many primes, step by step.",
        "Design a distributed rate limiter, compare the trade-offs of token bucket and sliding window, and write the algorithm in Rust.",
        "Two threads take these locks in another order under load. Find every interleaving that can deadlock and prove that your fix cannot.",
    ] {
        assert_eq!(of(text).complexity, Complexity::Complex, "{text}: {:?}", of(text).reasons);
    }
}

#[test]
fn instructions_of_the_application_do_not_make_a_question_hard() {
    let system = "You must analyse, compare and evaluate step by step. Do not guess. Never exceed at most 100 words.";
    let estimate = estimate(&conversation(&[(Role::System, system), (Role::User, "What is 2 plus 2?")]), None);
    assert_eq!(estimate.complexity, Complexity::Simple, "{:?}", estimate.reasons);
}

/// The labels were committed before the estimator was written; the half that counts was not looked at.
#[test]
fn most_labelled_prompts_are_told_and_length_alone_tells_few() {
    let text = include_str!("../../../tests/complexity/prompts.jsonl");
    let prompts: Vec<Prompt> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(prompts.len() >= 200);
    let (_, measured) = measure(&prompts, Weights::embedded());
    println!("{measured:?}");
    let (own, length) = (measured.held_out.accuracy(), measured.held_out_by_length.accuracy());
    println!("held out: {:.1} % right, by length alone {:.1} %", own * 100.0, length * 100.0);
    assert!(own >= 0.6 && own >= length + 0.15, "{own} beside {length}");
    assert!(measured.held_out.complex_as_simple() <= 0.2);
}

#[test]
fn the_embedded_weights_are_those_of_the_labelled_prompts() {
    let text = include_str!("../../../tests/complexity/prompts.jsonl");
    let prompts: Vec<Prompt> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (fitted, _) = measure(&prompts, None);
    // Another processor may round the last digit otherwise.
    assert!(fitted.is_near(Weights::embedded().unwrap()), "run `cordon calibrate complexity` with --write");
}

proptest! {
    #[test]
    fn any_text_has_an_estimate_with_a_reason(text in "\\PC{0,200}") {
        let first = of(&text);
        prop_assert!(!first.reasons.is_empty());
        prop_assert_eq!(&first, &of(&text));
    }
}
