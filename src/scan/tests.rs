//! Whole scans of real files with the real rules and a model that finds nothing or fails.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::source::{Files, Options};
use super::*;
use crate::classify::Classifier;
use crate::detect::{Catalog, Rules};
use crate::ner::{ClassifierError, Logits, Ner, NerConfig, Sequence, TokenClassifier, Vocabulary};
use crate::policy::{Policy, Sensitivity};

struct Quiet;

impl TokenClassifier for Quiet {
    fn classify(&mut self, sequence: &Sequence) -> Result<Logits, ClassifierError> {
        let values = sequence.ids.iter().flat_map(|_| [9.0, 0.0]).collect();
        Ok(Logits { values, tokens: sequence.ids.len(), labels: 2, ..Logits::default() })
    }
}

struct Fails;

impl TokenClassifier for Fails {
    fn classify(&mut self, _: &Sequence) -> Result<Logits, ClassifierError> {
        Err(ClassifierError::Run)
    }
}

fn classifier(model: fn() -> Box<dyn TokenClassifier>) -> Arc<Classifier> {
    let catalog = Catalog::embedded().unwrap();
    let rules = Rules::build(&catalog).unwrap();
    let policy = Policy::embedded(&catalog).unwrap();
    let vocabulary = Vocabulary::of_words(&["a"], &["O", "B-PER"]).unwrap();
    let config = NerConfig { lanes: NonZeroUsize::new(1), ..NerConfig::default() };
    let ner = Ner::with_models(&config, vocabulary, Arc::new(move || Ok(model()))).unwrap();
    Arc::new(Classifier::new(catalog, rules, ner, policy))
}

async fn scanned(folder: &Path, options: Options, quote: bool, model: fn() -> Box<dyn TokenClassifier>) -> Summary {
    let settings = Settings { width: 3, patience: Duration::from_secs(60), min_score: 0.5, quote, all_findings: false };
    let files = Files::new(&[folder.to_owned()], options).unwrap();
    let mut last = Progress::default();
    let summary = scan(files, classifier(model), settings, |at| last = at).await;
    assert_eq!((last.files, last.units), (summary.files, summary.texts));
    summary
}

fn quiet() -> Box<dyn TokenClassifier> {
    Box::new(Quiet)
}

const CARD: &str = "4539 1488 0343 6467";

fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("a.md", format!("# Notes\n\nnothing\npay with card {CARD}, please\nand card {CARD}\n").as_bytes());
    write("b.txt", b"The capital of France is Paris.\n");
    write("c.csv", format!("who,card\nx,1\ny,{CARD}\n").as_bytes());
    write("d.jsonl", format!("{{\"text\":\"hello\"}}\n{{\"pay\":{{\"card\":\"my card {CARD}\"}}}}\n").as_bytes());
    write("e.png", b"\x89PNG\r\n\x1a\n....");
    folder
}

#[tokio::test]
async fn a_summary_tells_levels_types_lines_and_what_was_not_scanned() {
    let folder = sample();
    let summary = scanned(folder.path(), Options::default(), false, quiet).await;
    assert_eq!((summary.files, summary.level), (5, Sensitivity::Confidential));
    let by_level = |name: &str| summary.files_by_level.get(name).copied().unwrap_or_default();
    assert_eq!((by_level("confidential"), by_level("public"), by_level("not_scanned")), (3, 1, 1));
    let cards = summary.entity_types.iter().find(|count| count.entity_type == "CREDIT_CARD").unwrap();
    assert_eq!((cards.count, cards.files), (4, 3));
    let file = |name: &str| summary.found.iter().find(|file| file.path.ends_with(name)).unwrap();
    let places = |name: &str| -> Vec<FoundAt> {
        let found = file(name).types.iter().find(|found| found.entity_type == "CREDIT_CARD").unwrap();
        found.places.iter().map(|row| row.at.clone()).collect()
    };
    let lines: Vec<_> = places("a.md").iter().map(|at| (at.line, at.column, at.end_line, at.end_column)).collect();
    assert_eq!(lines, [(Some(4), Some(15), Some(4), Some(34)), (Some(5), Some(10), Some(5), Some(29))]);
    let row = &places("c.csv")[0];
    assert_eq!((row.record, row.line, row.field.as_deref(), row.column), (Some(2), Some(3), Some("/card"), None));
    let line = &places("d.jsonl")[0];
    assert_eq!((line.line, line.field.as_deref()), (Some(2), Some("/pay/card")));
    assert_eq!(summary.found[0].path, file("a.md").path, "the worst first");
    assert_eq!((summary.gaps, summary.no_text), (0, 1));
    assert_eq!(summary.not_scanned[0].says, "is no text (PNG image)");
    // A gate counts what is no text, unless it is accepted.
    let public = tempfile::tempdir().unwrap();
    fs::copy(folder.path().join("e.png"), public.path().join("e.png")).unwrap();
    let summary = scanned(public.path(), Options::default(), false, quiet).await;
    assert_eq!((summary.level, summary.gate_level(true)), (Sensitivity::Public, Sensitivity::Public));
    assert_eq!(summary.gate_level(false), Sensitivity::Confidential);
}

#[tokio::test]
async fn found_values_are_shown_on_request_alone() {
    let folder = sample();
    let hidden = scanned(folder.path(), Options::default(), false, quiet).await;
    let shown = scanned(folder.path(), Options::default(), true, quiet).await;
    let text = |summary: &Summary| serde_json::to_string(summary).unwrap();
    assert!(!text(&hidden).contains("4539") && !format!("{hidden:?}").contains("4539"));
    assert!(!sarif(&hidden).to_string().contains("4539"));
    assert!(text(&shown).contains(CARD));
    assert!(!sarif(&shown).to_string().contains("4539"), "never in what is uploaded");
}

#[tokio::test]
async fn the_same_files_give_the_same_summary() {
    let folder = sample();
    let first = serde_json::to_string(&scanned(folder.path(), Options::default(), false, quiet).await).unwrap();
    let again = scanned(folder.path(), Options::default(), false, quiet).await;
    assert_eq!(serde_json::to_string(&again).unwrap(), first);
}

#[tokio::test]
async fn what_a_detector_did_not_see_is_confidential() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "The weather is fine today, a nice day.").unwrap();
    let summary = scanned(folder.path(), Options::default(), false, || Box::new(Fails)).await;
    assert_eq!((summary.level, summary.incomplete), (Sensitivity::Confidential, 1));
    assert_eq!(summary.found[0].incomplete, 1);
}

#[tokio::test]
async fn a_gap_makes_its_file_confidential() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.parquet"), b"no parquet").unwrap();
    fs::write(folder.path().join("b.txt"), b"hello").unwrap();
    let summary = scanned(folder.path(), Options::default(), false, quiet).await;
    assert_eq!((summary.gaps, summary.level), (1, Sensitivity::Confidential));
    assert_eq!((summary.found[0].level, summary.found[0].not_scanned), (Sensitivity::Confidential, 1));
    let log = sarif(&summary);
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
    assert!(log["runs"][0]["results"].as_array().unwrap().iter().any(|result| result["ruleId"] == NOT_SCANNED));
}

#[tokio::test]
async fn a_finding_where_two_pieces_meet_is_told_once_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::new();
    let line = "The quick brown fox jumps over the lazy dog again and again until it is tired of it.\n";
    // A card on every hundredth line, over several pieces.
    for number in 1..=9_000 {
        if number % 100 == 0 {
            text.push_str(&format!("card {CARD} here\n"));
        } else {
            text.push_str(line);
        }
    }
    assert!(text.len() > 2 * source::PIECE_BYTES);
    fs::write(folder.path().join("a.txt"), text).unwrap();
    let summary = scanned(folder.path(), Options::default(), false, quiet).await;
    let found = summary.found[0].types.iter().find(|found| found.entity_type == "CREDIT_CARD").unwrap();
    assert_eq!((found.count, found.omitted), (90, 0));
    let lines: Vec<u64> = found.places.iter().map(|row| row.at.line.unwrap()).collect();
    assert_eq!(lines, (1..=90).map(|number| number * 100).collect::<Vec<_>>());
}

#[tokio::test]
async fn many_findings_of_a_type_are_counted_and_the_first_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..300).map(|_| format!("{{\"card\":\"card {CARD}\"}}\n")).collect();
    fs::write(folder.path().join("a.jsonl"), lines).unwrap();
    let summary = scanned(folder.path(), Options::default(), false, quiet).await;
    let found = summary.found[0].types.iter().find(|found| found.entity_type == "CREDIT_CARD").unwrap();
    assert_eq!((found.count, found.places.len(), found.omitted), (300, MAX_PLACES, 200));
    let lines: Vec<u64> = found.places.iter().map(|row| row.at.line.unwrap()).collect();
    assert_eq!(lines, (1..=100).collect::<Vec<_>>());
}

/// What the schema of SARIF 2.1.0 requires of the objects that are used here
/// (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json>).
fn assert_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    let text = |message: &Value| assert!(!message["text"].as_str().unwrap().is_empty());
    let level = |value: &Value| assert!(["none", "note", "warning", "error"].contains(&value.as_str().unwrap()));
    let physical = |location: &Value| {
        let physical = &location["physicalLocation"];
        let uri = physical["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");
        if let Some(region) = physical.get("region") {
            for (name, value) in region.as_object().unwrap() {
                assert!(["startLine", "startColumn", "endLine", "endColumn"].contains(&name.as_str()));
                assert!(value.as_u64().unwrap() >= 1, "{name}");
            }
            assert!(region["startLine"].is_u64());
        }
        for logical in location["logicalLocations"].as_array().into_iter().flatten() {
            assert!(logical["fullyQualifiedName"].is_string());
        }
    };
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "cordon");
    let rules = driver["rules"].as_array().unwrap();
    let ids: Vec<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len(), "ids are unique");
    for rule in rules {
        text(&rule["shortDescription"]);
        level(&rule["defaultConfiguration"]["level"]);
    }
    for result in runs[0]["results"].as_array().unwrap() {
        text(&result["message"]);
        level(&result["level"]);
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(ids[index], result["ruleId"].as_str().unwrap());
        result["locations"].as_array().unwrap().iter().for_each(physical);
    }
    assert_eq!(runs[0]["columnKind"], "unicodeCodePoints");
    let invocation = &runs[0]["invocations"][0];
    assert!(invocation["executionSuccessful"].is_boolean());
    for notification in invocation["toolExecutionNotifications"].as_array().unwrap() {
        text(&notification["message"]);
        level(&notification["level"]);
        notification["locations"].as_array().unwrap().iter().for_each(physical);
    }
}

#[tokio::test]
async fn sarif_has_the_shape_that_its_schema_requires() {
    let folder = sample();
    fs::write(folder.path().join("ä b.parquet"), b"no parquet").unwrap();
    let summary = scanned(folder.path(), Options::default(), false, quiet).await;
    let log = sarif(&summary);
    assert_sarif(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let card = results.iter().find(|result| result["ruleId"] == "CREDIT_CARD").unwrap();
    assert_eq!(
        (&card["level"], &card["locations"][0]["physicalLocation"]["region"]["startLine"]),
        (&"error".into(), &4.into())
    );
    // Every rule that applied, every finding, and the file that is no Parquet.
    let rules: usize = summary.found.iter().map(|file| file.rules.len()).sum();
    let found: u64 = summary.entity_types.iter().map(|count| count.count).sum();
    assert_eq!(results.len() as u64, rules as u64 + found + 1);
}
