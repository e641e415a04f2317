//! What `--explain` and `--why` print, over a small catalog, a small policy and a model that knows one name, so that the
//! built-in rules may change without these. Snapshots are read as a newcomer would read them.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use serde_json::Value;

use super::change::What;
use super::why::{Asked, Context, Why};
use super::{changes, render};
use crate::classify::{Classified, Classifier, NerMode, Query};
use crate::cli::row::Row;
use crate::detect::testing::{Row as Recognizer, entity_types, list, recognizer};
use crate::detect::{Catalog, Rules, Trace};
use crate::document::Document;
use crate::ner::{ClassifierError, Logits, Ner, NerConfig, Sequence, TokenClassifier, Vocabulary};
use crate::policy::{Policy, Sensitivity};

fn catalog() -> Catalog {
    let rows = [
        entity_types(&[
            ("CREDIT_CARD", "financial", "Number of a payment card"),
            ("ORDER_NUMBER", "business", ""),
            ("BADGE", "other", "Number of a badge"),
            ("CODE_NAME", "business", "Name of a project"),
            ("PERSON", "person", "Name of a person"),
            ("LOCATION", "location", ""),
            ("PRONOUN", "other", ""),
        ]),
        "cue = true\n".to_owned(),
        recognizer(&Recognizer {
            id: "card",
            entity_type: "CREDIT_CARD",
            settings: "trigger = { digits = [12, 19] }\nvalidator = \"credit_card\"\nreject = [\"test_card\"]\n\
                       score = 0.6\ncontext_score = 0.95\ncontext = { en = [\"card\", \"visa\"] }\n\
                       negative_context = { en = [\"tracking\"] }",
            pattern: ("grouped", r"\b[0-9]{4}(?: [0-9]{4}){3}\b"),
            positive: ("card 4539 1488 0343 6467", "4539 1488 0343 6467"),
            negative: "4539 1488 0343 6468",
        }),
        recognizer(&Recognizer {
            id: "order",
            entity_type: "ORDER_NUMBER",
            settings: "trigger = { digits = [4, 8] }\nscore = 0.5",
            pattern: ("dashed", r"\b[0-9]{4}-[0-9]{2,4}\b"),
            positive: ("1234-56", "1234-56"),
            negative: "x",
        }),
        recognizer(&Recognizer {
            id: "badge",
            entity_type: "BADGE",
            settings: "trigger = { digits = [6, 6] }\nscore = 0.3\ncontext_score = 0.8\nrequires_context = true\n\
                       context = { en = [\"badge\", \"visitor pass\"] }",
            pattern: ("plain", "[0-9-]{6,7}"),
            positive: ("badge 123456", "123456"),
            negative: "123456",
        }),
        recognizer(&Recognizer {
            id: "locker",
            entity_type: "BADGE",
            settings: "trigger = { digits = [8, 8] }\nscore = 0.5",
            pattern: ("plain", r"\b[0-9]{8}\b"),
            positive: ("12345678", "12345678"),
            negative: "1234567",
        }),
        "[[exclusion]]\nid = \"published_order\"\nentity_types = [\"ORDER_NUMBER\"]\nvalues = [\"3333-22\"]\n"
            .to_owned(),
        list("code_names", "CODE_NAME", 0.7, "", &["heron"]),
        list("weak_names", "CODE_NAME", 0.3, "", &["lot"]),
        list("pronouns", "PRONOUN", 0.5, "", &["she", "her"]),
    ];
    Catalog::from_files(&[("test.toml", &rows.concat())]).unwrap()
}

const POLICY: &str = r#"
format = 1
name = "small"
version = "1"
[scan]
min_score = 0.4
[[allow]]
values = ["7777-88"]
reason = "our own sample"
[[rule]]
id = "card_of_somebody"
level = "confidential"
description = "A payment card with its holder."
when = { near = [{ any_of = ["CREDIT_CARD"] }, { any_of = ["PERSON", "PRONOUN"] }], within = 80 }
[[rule]]
id = "names"
level = "internal"
description = "A person or a project."
when = { any_of = ["PERSON", "CODE_NAME"] }
[[test]]
name = "a name"
text = "heron"
level = "internal"
[[test]]
name = "a card"
text = "her card 4539 1488 0343 6467"
level = "confidential"
"#;

/// The id that `Vocabulary::of_words` gives to `anna`.
const ANNA: u32 = 3;

struct KnowsAnna;

impl TokenClassifier for KnowsAnna {
    fn classify(&mut self, sequence: &Sequence) -> Result<Logits, ClassifierError> {
        let ids = &sequence.ids;
        let row = |id: &u32| if *id == ANNA { [0.0, 3.0] } else { [9.0, 0.0] };
        Ok(Logits { values: ids.iter().flat_map(row).collect(), tokens: ids.len(), labels: 2, ..Logits::default() })
    }
}

/// Also says what a text is about: of health, if it names Anna.
struct KnowsTopics;

impl TokenClassifier for KnowsTopics {
    fn classify(&mut self, sequence: &Sequence) -> Result<Logits, ClassifierError> {
        let health = if sequence.ids.contains(&ANNA) { 3.0 } else { -3.0 };
        Ok(Logits { topics: vec![-1.0, health, 0.4], ..KnowsAnna.classify(sequence)? })
    }
}

const TOPICS: &str = r#"{"topics": [{"name": "fiction", "scale": 1.0, "bias": 0.0},
    {"name": "health", "scale": 1.0, "bias": 0.0}, {"name": "minors", "scale": 1.0, "bias": 0.0}]}"#;

fn classifier() -> Classifier {
    let vocabulary = Vocabulary::of_words(&["anna"], &["O", "B-PER"]).unwrap();
    classifier_with(POLICY, vocabulary, || Box::new(KnowsAnna))
}

fn classifier_with(policy: &str, vocabulary: Vocabulary, model: fn() -> Box<dyn TokenClassifier>) -> Classifier {
    let catalog = catalog();
    let rules = Rules::build(&catalog).unwrap();
    let policy = Policy::parse(policy, &catalog).unwrap();
    let config = NerConfig { lanes: NonZeroUsize::new(1), cache_windows: 0, ..NerConfig::default() };
    let ner = Ner::with_models(&config, vocabulary, Arc::new(move || Ok(model()))).unwrap();
    Classifier::new(catalog, rules, ner, policy)
}

fn query() -> Query {
    Query { declared_level: None, ner: NerMode::Always, caller: "anonymous".into() }
}

async fn run(classifier: &Classifier, text: &str, trace: Option<&mut Trace>) -> (Arc<Document>, Classified) {
    let document = Arc::new(Document::of(text));
    let query = query();
    let until = Instant::now() + Duration::from_secs(20);
    let classified = classifier.classify_traced(&document, &query, until, trace).await;
    (document, classified)
}

async fn explained(text: &str) -> String {
    explained_by(&classifier(), text).await
}

async fn explained_by(classifier: &Classifier, text: &str) -> String {
    let (document, classified) = run(classifier, text, None).await;
    let row = Row::local(Value::from(1), &classified, &document, &classifier.catalog(), 0.0);
    strip_str(&render(&row.explained(&classified, &document, &query()))).to_string()
}

/// Asks about the first occurrence of a value.
async fn why_of(text: &str, value: &str) -> Why {
    let classifier = classifier();
    let at = text.find(value).unwrap();
    let start = text.get(..at).unwrap().chars().count();
    let asked = Asked { start, end: start + value.chars().count() };
    let mut trace = Trace::new(0, asked.bytes(text).unwrap());
    let (document, classified) = run(&classifier, text, Some(&mut trace)).await;
    let (_, untraced) = run(&classifier, text, None).await;
    assert_eq!(classified.verdict.findings(), untraced.verdict.findings(), "asking changes nothing");
    let catalog = classifier.catalog();
    let row = Row::local(Value::from(1), &classified, &document, &catalog, 0.0);
    let context = Context {
        text,
        catalog: &catalog,
        rows: &row.findings,
        policy_min_score: classifier.policy().min_score(),
        shown_min_score: 0.0,
        model_skipped: false,
    };
    Why::of(asked, &trace, &classified, &context)
}

async fn shown(text: &str, value: &str) -> String {
    strip_str(&why_of(text, value).await.render(&Value::from(1), text)).to_string()
}

/// The codes of the answers, and of the near misses.
async fn outcomes(text: &str, value: &str) -> Vec<(String, &'static str)> {
    let why = why_of(text, value).await;
    why.answers.iter().chain(&why.near_misses).map(|answer| (answer.entity_type.clone(), answer.outcome)).collect()
}

fn one(entity_type: &str, outcome: &'static str) -> Vec<(String, &'static str)> {
    vec![(entity_type.to_owned(), outcome)]
}

#[tokio::test]
async fn a_text_with_a_card_and_its_holder() {
    insta::assert_snapshot!(
        explained("Anna pays with her Visa card 4539 1488 0343 6467.\nOrder 1234-56, from 7777-88; lot 99.").await
    );
}

#[tokio::test]
async fn a_text_about_a_matter_that_only_the_model_sees() {
    let policy = POLICY.replacen(
        "[[rule]]",
        "[[rule]]\nid = \"matter\"\nlevel = \"confidential\"\ndescription = \"A matter of health.\"\n\
         when = { all = [{ any_of = [\"PERSON\"] }, { topics = { health = 0.9, fiction = 0.9 } }] }\n[[rule]]",
        1,
    );
    let vocabulary = Vocabulary::of_words(&["anna"], &["O", "B-PER"]).unwrap().with_cordon(TOPICS).unwrap();
    let classifier = classifier_with(&policy, vocabulary, || Box::new(KnowsTopics));
    insta::assert_snapshot!(explained_by(&classifier, "Anna will not come back to work.").await);
    let other = explained_by(&classifier, "They will not come back to work.").await;
    assert!(other.contains("topics") && other.contains("minors 0.60") && !other.contains("health"), "{other}");
}

#[tokio::test]
async fn a_text_with_nothing_in_it() {
    insta::assert_snapshot!(explained("What is the capital of France?").await);
}

#[tokio::test]
async fn a_long_text_is_shortened_where_nothing_is_and_cannot_steer_the_terminal() {
    let text = format!("{}\u{1b}[2J heron\u{202e} {}", "begin ".repeat(200), "end ".repeat(200));
    let shown = explained(&text).await;
    assert!(shown.contains("[1 heron]") && shown.contains("characters …"), "{shown}");
    assert!(shown.chars().count() < 2000, "{}", shown.chars().count());
    assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown:?}");
}

#[tokio::test]
async fn why_a_value_is_not_found() {
    let mut all = String::new();
    for (text, value) in [
        ("Pay with card 4539 1488 0343 6468.", "4539 1488 0343 6468"),
        ("Pay with card 4111 1111 1111 1111.", "4111 1111 1111 1111"),
        ("tracking 4539 1488 0343 6467", "4539 1488 0343 6467"),
        ("Let 482913 in at noon.", "482913"),
        ("see /srv/heron/notes.txt", "heron"),
        ("visa card 4539 1488 0343 64", "4539 1488 0343 64"),
        ("the capital of France", "France"),
    ] {
        all += &format!("{text}\n{}\n", shown(text, value).await);
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn a_validator_that_refuses_and_one_that_rejects() {
    assert_eq!(outcomes("4539 1488 0343 6468", "4539 1488 0343 6468").await, one("CREDIT_CARD", "refused"));
    assert_eq!(outcomes("4111 1111 1111 1111", "4111 1111 1111 1111").await, one("CREDIT_CARD", "rejected"));
}

#[tokio::test]
async fn a_word_that_is_missing_and_a_word_against_it() {
    assert_eq!(outcomes("Let 482913 in.", "482913").await, one("BADGE", "no_context"));
    assert_eq!(outcomes("badge 482913", "482913").await, one("BADGE", "found"));
    let card = "4539 1488 0343 6467";
    assert_eq!(outcomes(&format!("tracking {card}"), card).await, one("CREDIT_CARD", "negative_context"));
}

#[tokio::test]
async fn a_finding_that_lost() {
    let why = why_of("badge 1234-56", "1234-56").await;
    let told: Vec<_> = why.answers.iter().map(|answer| (answer.entity_type.as_str(), answer.outcome)).collect();
    assert_eq!(told, [("BADGE", "found"), ("ORDER_NUMBER", "lost")]);
    assert!(why.found && why.answers[1].says.contains("BADGE \"1234-56\" (badge), whose score of 0.80"), "{why:?}");
}

#[tokio::test]
async fn what_was_found_and_is_not_reported() {
    let told = outcomes("from 7777-88", "7777-88").await;
    assert_eq!(told.first(), one("ORDER_NUMBER", "allowed").first());
    let told = outcomes("from 3333-22", "3333-22").await;
    assert_eq!(told.first(), one("ORDER_NUMBER", "excluded").first());
    assert_eq!(outcomes("so she said", "she").await, one("PRONOUN", "cue"));
    assert!(!why_of("so she said", "she").await.found);
}

#[tokio::test]
async fn a_word_of_a_path_and_a_name_in_an_identifier() {
    assert_eq!(outcomes("see /srv/heron/notes.txt", "heron").await, one("CODE_NAME", "part_of_name"));
    assert_eq!(outcomes("fn say_anna in the code", "anna").await, one("PERSON", "part_of_longer"));
}

#[tokio::test]
async fn a_span_that_is_found_and_one_of_which_a_piece_is() {
    assert!(shown("so heron flies", "heron flies").await.contains("is found in part"));
    assert!(shown("so heron flies", "heron").await.contains("is found ("));
}

#[tokio::test]
async fn what_follows_a_word_for_a_secret() {
    for (text, value) in [("password = changeme", "changeme"), ("password_length = 12345678", "12345678")] {
        assert!(outcomes(text, value).await.contains(&("SECRET".to_owned(), "no_secret")), "{text}");
    }
    let told = outcomes("the password was changed on Monday", "Monday").await;
    assert_eq!(told, one("SECRET", "no_secret"));
    assert!(why_of("password = hU7-kk2pqX", "hU7-kk2pqX").await.found);
}

#[tokio::test]
async fn nothing_matched_but_something_comes_to_mind() {
    assert_eq!(outcomes("the capital of France", "France").await, []);
    assert_eq!(
        outcomes("visa card 4539 1488 0343 64", "4539 1488 0343 64").await,
        one("CREDIT_CARD", "near_miss_words")
    );
    let told = outcomes("ab1234-56x7", "1234-56").await;
    assert_eq!(told.last(), one("ORDER_NUMBER", "near_miss_alone").last());
}

#[tokio::test]
async fn what_other_readings_of_the_text_say() {
    let told = outcomes("let 4 8 2 9 1 3 in", "4 8 2 9 1 3").await;
    assert!(told.contains(&("BADGE".to_owned(), "no_context")), "considered in what was joined: {told:?}");
    let told = outcomes("locker 4 8 2 9 1 3 7 7 here", "4 8 2 9 1 3 7 7").await;
    assert!(told.contains(&("BADGE".to_owned(), "put_together")), "digits that were put together: {told:?}");
    let told = outcomes("b&#97;dge 482913", "482913").await;
    assert!(told.contains(&("BADGE".to_owned(), "beside_undone")), "only its word was encoded: {told:?}");
    let told = outcomes("badge 4829&#49;3 and badge 482913", "482913").await;
    assert!(!told.iter().any(|(_, outcome)| *outcome == "beside_undone"), "the text itself shows it: {told:?}");
}

#[tokio::test]
async fn what_the_model_says_of_each_word() {
    let why = why_of("so Anna said", "Anna said").await;
    let told: Vec<_> = why.words.iter().map(|word| (word.start, word.labels.len())).collect();
    assert_eq!(told, [(3, 1), (8, 0)]);
    assert_eq!(why.words[0].labels[0].label, "PER");
    let shown = shown("so Anna said", "Anna said").await;
    assert!(shown.contains("\"Anna\" PER 95 %, nothing 5 %; \"said\" nothing 100 %"), "{shown}");
    assert!(self::shown("so she said", "said").await.contains("the model takes it for no name"));
    assert!(self::shown("so she said", "she").await.contains("takes no word here"));
}

/// What would change the level: the kind, the type and the level then.
async fn told_changes(text: &str) -> Vec<(What, String, Sensitivity)> {
    let classifier = classifier();
    let (document, classified) = run(&classifier, text, None).await;
    let told = changes(&classified.verdict, &classified.policy, &document, &query());
    told.into_iter().map(|change| (change.what, change.entity_type, change.level)).collect()
}

#[tokio::test]
async fn what_would_change_the_level() {
    let told = told_changes("her card 4539 1488 0343 6467").await;
    let card = (What::WithoutValue, "CREDIT_CARD".to_owned(), Sensitivity::Public);
    let cue = (What::WithoutCue, "PRONOUN".to_owned(), Sensitivity::Public);
    assert_eq!(told, [card.clone(), cue], "the card and its holder");
    let told = told_changes("her card 4539 1488 0343 6467 and Anna").await;
    assert!(!told.iter().any(|(what, ..)| *what == What::WithoutCue), "Anna holds the card too: {told:?}");
    let told = told_changes("heron and lot and heron").await;
    assert_eq!(told, [(What::WithoutValue, "CODE_NAME".to_owned(), Sensitivity::Public)], "a value wherever it stands");
    let told = told_changes("Anna and heron").await;
    assert_eq!(told, [], "either is enough");
    let told = told_changes("the lot").await;
    assert_eq!(told, [(What::Surer, "CODE_NAME".to_owned(), Sensitivity::Internal)]);
    let told = told_changes("a card 4539 1488 0343 6467").await;
    assert_eq!(told, [(What::WithName, "PERSON".to_owned(), Sensitivity::Confidential)]);
    assert_eq!(told_changes("nothing").await, []);
}

#[tokio::test]
async fn alike_findings_are_told_once() {
    let shown = explained("heron, heron and 1234-56, 1234-57").await;
    assert!(shown.contains("[1] [2] CODE_NAME \"heron\" at 0:5, 7:12\n    means"), "{shown}");
    assert!(
        shown.contains("[3] ORDER_NUMBER \"1234-56\" at 17:24\n[4] ORDER_NUMBER \"1234-57\" at 26:33\n"),
        "{shown}"
    );
    assert_eq!(shown.matches("found by").count(), 2, "{shown}");
}
