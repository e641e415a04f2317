//! A policy and the word lists that it names, read again while the service runs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cordon::classify::{Classifier, NerMode, Query};
use cordon::config::File;
use cordon::detect::{Catalog, Rules};
use cordon::document::Document;
use cordon::policy::Sensitivity;
use cordon::startup;

use crate::common::Model;

const POLICY: &str = r#"
format = 1
name = "lists"
version = "1"
[[entity_type]]
name = "CUSTOM_CUSTOMER"
category = "business"
[[list]]
id = "customers"
entity_type = "CUSTOM_CUSTOMER"
score = 0.9
file = "customers.txt"
[[rule]]
id = "customer"
level = "confidential"
description = "A customer's name."
when = { any_of = ["CUSTOM_CUSTOMER"] }
"#;

fn config(folder: &Path) -> cordon::config::Config {
    let file =
        File { data_dir: Some(folder.join("data")), policy: Some(folder.join("policy.toml")), ..File::default() };
    file.validate().unwrap()
}

async fn level(classifier: &Classifier, text: &str) -> Sensitivity {
    let document = Arc::new(Document::of(text));
    let query = Query { declared_level: None, ner: NerMode::Auto, caller: "anonymous".into() };
    classifier.classify(&document, &query, Instant::now() + Duration::from_secs(60)).await.verdict.level()
}

#[tokio::test]
async fn lists_are_replaced_with_their_policy_and_a_broken_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("policy.toml", POLICY);
    write("customers.txt", "Blue Heron Trading\n");
    let config = config(folder.path());
    let embedded = Catalog::embedded().unwrap();
    let policy = startup::policy(&config, &embedded).unwrap();
    let catalog = startup::catalog(&embedded, &policy).unwrap();
    let rules = Rules::build(&catalog).unwrap();
    let classifier = Classifier::new(catalog, rules, Model::Quiet.load(&config.ner), policy);
    assert_eq!(level(&classifier, "ask blue heron trading").await, Sensitivity::Confidential);
    assert_eq!(level(&classifier, "ask red kite").await, Sensitivity::Public);

    write("customers.txt", "Red Kite\n");
    startup::reload(&config, &classifier).unwrap();
    assert_eq!(level(&classifier, "ask blue heron trading").await, Sensitivity::Public);
    assert_eq!(level(&classifier, "ask red kite").await, Sensitivity::Confidential);

    write("customers.txt", "Grey Seal\n--\n");
    let error = startup::reload(&config, &classifier).unwrap_err().to_string();
    assert!(error.contains("line 2: a term holds a letter or a digit"), "{error}");
    std::fs::remove_file(folder.path().join("customers.txt")).unwrap();
    let error = startup::reload(&config, &classifier).unwrap_err().to_string();
    assert!(error.contains("customers.txt"), "{error}");
    assert_eq!(level(&classifier, "ask red kite").await, Sensitivity::Confidential, "the old list stays");
    classifier.shutdown().await;
}
