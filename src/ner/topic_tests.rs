//! What a model with topics and a decoder of its own choice says of documents: pooled, remembered, refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::tests::{ANNA, Classify, Fake, LABELS, SCHMIDT, TEXT, ask, config, failed, faulty, good};
use super::*;
use crate::detect::Status;

/// A model that knows two topics: "anna" speaks of health, "schmidt" of minors, a little.
fn topical(ids: &[u32]) -> Result<Logits, ClassifierError> {
    let odds = |id: u32, odds: f32| if ids.contains(&id) { odds } else { -4.0 };
    Ok(Logits { topics: vec![odds(ANNA, 2.0), odds(SCHMIDT, 0.5)], ..good(ids)? })
}

const TOPICS: &str = r#"{"decoder": "viterbi", "topics": [
    {"name": "health", "scale": 1.5, "bias": 0.0}, {"name": "minors", "scale": 1.0, "bias": 0.0}]}"#;

fn about(config: &NerConfig, classify: Classify) -> Ner {
    let vocabulary = Vocabulary::of_words(&["anna", "schmidt", "fault"], &LABELS).unwrap();
    let vocabulary = vocabulary.with_cordon(TOPICS).unwrap();
    Ner::with_models(config, vocabulary, Arc::new(move || Ok(Box::new(Fake(Arc::clone(&classify)))))).unwrap()
}

fn topics(report: &NerReport) -> Vec<(&str, f32)> {
    let rounded = |probability: f32| (probability * 100.0).round() / 100.0;
    report.topics.iter().map(|topic| (&*topic.name, rounded(topic.probability))).collect()
}

#[tokio::test]
async fn topics_of_all_windows_are_pooled_and_remembered() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let ner = about(
        &NerConfig { cache_windows: 100, ..config() },
        Arc::new(move |ids| {
            count.fetch_add(1, Ordering::SeqCst);
            topical(ids)
        }),
    );
    let report = ask(&ner, TEXT).await;
    assert_eq!(topics(&report), [("health", 0.95), ("minors", 0.62)]);
    assert_eq!(report.findings.len(), 1, "the words beside them");
    assert_eq!(topics(&ask(&ner, "Nobody is here.").await), [("minors", 0.02), ("health", 0.0)]);

    let filler = "and then somebody said something about the weather. ".repeat(60);
    let long = format!("Schmidt {filler} and Anna {filler}");
    let first = ask(&ner, &long).await;
    let windows = runs.swap(0, Ordering::SeqCst);
    assert!(windows > 3, "{windows}");
    assert_eq!(topics(&first), [("health", 0.95), ("minors", 0.62)], "each from a window of its own");
    let again = ask(&ner, &long).await;
    assert_eq!(runs.load(Ordering::SeqCst), 0, "all windows are remembered");
    assert_eq!(first.topics, again.topics);
}

#[tokio::test]
async fn topics_of_what_is_encoded_count_and_those_of_skipped_code_do_not() {
    let ner = about(&config(), Arc::new(topical));
    assert_eq!(topics(&ask(&ner, "it is a matter of &#65;nna and so on").await)[0], ("health", 0.95));
    let code = "fn f<'a>(x: &'a [u8]) -> Option<Anna<'a>> { x.get(0..4).map(|y| Anna::of(y)) }";
    let report = ask(&ner, code).await;
    assert_eq!(report.coverage.status, Status::PermittedSkip("machine_text".into()));
    assert_eq!(topics(&report), [("health", 0.0), ("minors", 0.0)]);
    let plain = ask(&super::tests::ner(Arc::new(topical)), TEXT).await;
    assert!(plain.topics.is_empty(), "a model that names no topics has none, whatever its graph gives");
}

#[tokio::test]
async fn topics_that_are_no_numbers_or_too_few_fail_the_receipt() {
    for wrong in [vec![f32::NAN, 0.0], vec![0.0, f32::INFINITY], vec![0.0], vec![0.0; 3], Vec::new()] {
        let ner = about(&config(), faulty(move |ids| Ok(Logits { topics: wrong.clone(), ..good(ids)? })));
        failed(&ask(&ner, "this is a fault").await, "model_output_invalid");
    }
}

#[tokio::test]
async fn a_model_of_ones_own_is_decoded_as_it_asks() {
    let text = "it was Anna Schmidt, Anna and anna";
    let found = async |ner: &Ner| -> Vec<(String, f32)> {
        let findings = ask(ner, text).await.findings;
        findings.iter().map(|finding| (text[finding.range.clone()].to_owned(), finding.score)).collect()
    };
    let strict = about(&config(), Arc::new(topical));
    let by_form = found(&strict).await;
    let names: Vec<&str> = by_form.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Anna Schmidt", "Anna", "anna"]);
    let believed = about(&NerConfig { form_rules: false, ..config() }, Arc::new(topical));
    let as_it_says = found(&believed).await;
    assert_eq!(as_it_says[1], by_form[1]);
    assert!(by_form[2].1 < as_it_says[2].1, "small letters count less, unless the operator believes the model");
    assert_ne!(believed.digest(), strict.digest());
}
