//! The estimate on prompts of each kind, its reasons, and its time on long ones.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::document::{Generation, Message};

fn conversation(messages: &[(Role, &str)]) -> Conversation {
    let message = |(role, content): &(Role, &str)| Message { role: *role, content: (*content).into(), name: None };
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
        "Analyse ce contrat.",
        "Analiza este contrato.",
        "Analizza questo contratto.",
        "请分析这份合同",
        "Сравни условия с обычной практикой.",
    ] {
        let estimate = of(&format!("{ask}\n\n{}", page()));
        assert_eq!(estimate.complexity, Complexity::Complex, "{ask}: {:?}", estimate.reasons);
        assert!(estimate.reasons.contains(&"long_input") && estimate.reasons.contains(&"analysis_asked"));
    }
    let split = estimate(
        &conversation(&[
            (Role::User, &page()),
            (Role::Assistant, "I have read it."),
            (Role::User, "Compare it with ours."),
        ]),
        None,
    );
    assert_eq!(split.complexity, Complexity::Complex, "the text may come before the question");
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
        "Debug this:\n```rust\nfn main() {\n    let x = 1;\n}\n```\nIt must compile without warnings, must not allocate, and avoid unsafe. Ensure it is tested.",
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

#[test]
fn code_is_told_from_prose() {
    for line in
        ["fn main() {", "let x = 1;", "def f(x):", "import os.path as p(q)", "}", "return x;", "SELECT * FROM t"]
    {
        assert!(is_code(line), "{line}");
    }
    for line in ["From the beginning it was clear.", "Let me know (soon).", "Use what you like", "class of 1998"] {
        assert!(!is_code(line), "{line}");
    }
    for line in ["1. first", "12) twelfth", "- item", "a) item", "• item"] {
        assert!(is_listed(line), "{line}");
    }
    for line in ["1998 was a year", "-5 degrees", "a house", "3.14 is pi"] {
        assert!(!is_listed(line), "{line}");
    }
}

#[test]
fn four_kib_take_little_time() {
    let text = "Please look at the following words, which say nothing much. ".repeat(69);
    let asked = conversation(&[(Role::User, &text)]);
    let _warm = estimate(&asked, None);
    let fastest = (0..500)
        .map(|_| {
            let started = Instant::now();
            std::hint::black_box(estimate(&asked, None));
            started.elapsed()
        })
        .min()
        .unwrap();
    // 100 µs is the aim of an optimised build; this crate's own code is not optimised in tests.
    assert!(fastest < Duration::from_millis(2), "{fastest:?}");
}

proptest! {
    #[test]
    fn any_text_has_an_estimate_with_a_reason(text in "\\PC{0,200}") {
        let first = of(&text);
        prop_assert!(!first.reasons.is_empty());
        prop_assert_eq!(&first, &of(&text));
    }
}
