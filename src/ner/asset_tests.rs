//! The pinned runtime with the model of the program and the pinned one, as they are. Without the files these tests fail and
//! name the command that fetches them.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::assets::{ModelPaths, locate};
use super::*;
use crate::detect::Status;
use crate::document::Document;

/// The model in the program. It reads everything: what it makes of logs and code is tested here.
fn own() -> NerConfig {
    NerConfig { lanes: NonZeroUsize::new(2), skip_machine_text: false, ..NerConfig::default() }
}

/// The pinned model, which has its files in a folder.
fn config() -> NerConfig {
    NerConfig { model: Some(RAMPART.into()), ..own() }
}

fn load(config: &NerConfig) -> Ner {
    Ner::load(config).unwrap_or_else(|error| panic!("the model is needed for this test: {error}"))
}

async fn find(ner: &Ner, text: &str) -> Vec<(String, String)> {
    let report = ner.find(&Arc::new(Document::of(text)), Instant::now() + Duration::from_secs(60)).await;
    assert_eq!(report.coverage.status, Status::Complete);
    assert_eq!(report.coverage.bytes_scanned, text.len() as u64);
    report.findings.iter().map(|found| (found.entity_type.to_string(), text[found.range.clone()].to_owned())).collect()
}

fn has(found: &[(String, String)], entity_type: &str, value: &str) -> bool {
    found.iter().any(|(found_type, found_value)| found_type == entity_type && found_value == value)
}

#[tokio::test(flavor = "multi_thread")]
async fn people_places_and_addresses_are_found() {
    for ner in [load(&own()), load(&config())] {
        let text = "Hi, my name is Maria Gonzalez and I live at 42 Oak Street, Springfield, IL 62704.";
        let found = find(&ner, text).await;
        assert!(has(&found, "PERSON", "Maria Gonzalez"), "{found:?}");
        assert!(has(&found, "STREET_ADDRESS", "42 Oak Street, Springfield, IL 62704"), "{found:?}");
        let found = find(&ner, "Bitte rufen Sie Herrn Jürgen Müller in Köln zurück.").await;
        assert!(has(&found, "PERSON", "Jürgen Müller"), "{found:?}");
        assert!(has(&found, "LOCATION", "Köln"), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_bits_find_the_same_and_have_a_digest_of_their_own() {
    let (eight, exact) = (load(&config()), load(&NerConfig { eight_bit: false, ..config() }));
    for text in ["My name is Maria Gonzalez.", "Write to Peter Schmidt, 12 Main Street, Boston.", "Nothing is here."] {
        assert_eq!(find(&eight, text).await, find(&exact, text).await);
    }
    assert_ne!(eight.digest(), exact.digest(), "records tell them apart");
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_are_right_in_any_script() {
    for ner in [load(&own()), load(&config())] {
        for around in
            ["", "🙂 ", "e\u{301}e\u{301} ", "한국어 문장. ", "王先生说：", "\u{200b}\u{feff}", "ＡＢＣ ", "ﬁﬁ "]
        {
            for name in ["Anna Schmidt", "José Núñez", "Jose\u{301} Nun\u{303}ez", "Björn Åkesson"] {
                let text = format!("{around}My name is {name}. {around}");
                let found = find(&ner, &text).await;
                assert!(has(&found, "PERSON", name), "{text:?}: {found:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn technical_text_is_clean() {
    for ner in [load(&own()), load(&config())] {
        for text in [
            "Run `cargo build --release` and set the port to 8080; see RFC 2616 for details.",
            "2024-03-01T10:22:01Z WARN worker-86451 processed 5730 rows in 78148 ms (job e82ad4f0-aa11)",
            "let n = haystack.len(); assert_eq!(n, 3); // PhantomData keeps the lifetime",
            "The contract with Serco was extended by two years in March.",
        ] {
            let found = find(&ner, text).await;
            assert!(
                found.iter().all(|(found_type, _)| found_type != "PERSON" && found_type != "STREET_ADDRESS"),
                "{found:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_deep_in_a_long_text_is_found_wherever_it_stands() {
    for ner in [load(&own()), load(&config())] {
        for at in [0, 7, 19, 40, 61] {
            let filler = "The committee met again and discussed the plan for the next year in some detail. ";
            let text = format!("{}My name is Maria Gonzalez. {}", filler.repeat(at), filler.repeat(70 - at));
            let found = find(&ner, &text).await;
            assert!(has(&found, "PERSON", "Maria Gonzalez"), "after {at} sentences: {found:?}");
        }
    }
}

/// A copy of the model's folder in which one file is something else.
fn spoilt(file: &str, content: &[u8]) -> (tempfile::TempDir, NerConfig) {
    let paths = locate(&config()).unwrap_or_else(|error| panic!("the model is needed for this test: {error}"));
    let ModelPaths::Files { config: labels, tokenizer, graph } = paths.model else { panic!("it has no files") };
    let folder = tempfile::tempdir().unwrap();
    for (name, path) in [("config.json", labels), ("tokenizer.json", tokenizer), ("model.onnx", graph)] {
        std::fs::copy(path, folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join(file), content).unwrap();
    let model = Some(Path::to_path_buf(folder.path()));
    (folder, NerConfig { model, ..config() })
}

#[test]
fn a_damaged_file_is_named_and_so_is_the_way_out() {
    for (file, content) in
        [("model.onnx", &b"not a graph"[..]), ("tokenizer.json", b"{}"), ("config.json", b"["), ("config.json", b"{}")]
    {
        let (_folder, config) = spoilt(file, content);
        let error = Ner::load(&config).err().unwrap_or_else(|| panic!("{file} is damaged and was loaded"));
        let message = error.to_string();
        assert!(message.contains("model") && message.len() > 30, "{message}");
        assert!(matches!(error, NerError::Damaged { .. } | NerError::Model(_)), "{message}");
    }
}

#[test]
fn a_graph_with_other_labels_than_its_config_is_refused() {
    let labels = br#"{"id2label":{"0":"O","1":"B-PER","2":"I-PER"},"max_position_embeddings":512}"#;
    let (_folder, config) = spoilt("config.json", labels);
    let error = Ner::load(&config).err().unwrap_or_else(|| panic!("a wrong config was loaded"));
    assert!(error.to_string().contains("labels"), "{error}");
}

/// The files of the program's model, with one key of the table `cordon` changed.
fn changed(change: impl Fn(&mut serde_json::Value)) -> (tempfile::TempDir, NerConfig) {
    let folder = tempfile::tempdir().unwrap();
    let files = locate(&own()).unwrap_or_else(|error| panic!("{error}")).model.read().unwrap();
    let mut config: serde_json::Value = serde_json::from_slice(&files.config.bytes).unwrap();
    change(&mut config["cordon"]);
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    std::fs::write(folder.path().join("tokenizer.json"), &files.tokenizer.bytes).unwrap();
    std::fs::write(folder.path().join("model.onnx"), &files.graph.bytes).unwrap();
    let model = Some(Path::to_path_buf(folder.path()));
    (folder, NerConfig { model, ..own() })
}

#[test]
fn a_graph_with_other_topics_than_its_config_does_not_start() {
    let (_folder, same) = changed(|_| {});
    load(&same);
    let (_folder, fewer) = changed(|cordon| drop(cordon["topics"].as_array_mut().unwrap().pop()));
    let error = Ner::load(&fewer).err().unwrap_or_else(|| panic!("a topic is missing and it was loaded"));
    assert!(error.to_string().contains("topics"), "{error}");
    // The pinned model has no such output.
    let table = r#"{"topics": [{"name": "health", "scale": 1.0, "bias": 0.0}]}"#;
    let (_folder, pinned) = {
        let ModelPaths::Files { config, .. } = locate(&config()).unwrap().model else { panic!("it has no files") };
        let mut labels: serde_json::Value = serde_json::from_slice(&std::fs::read(config).unwrap()).unwrap();
        labels["cordon"] = serde_json::from_str(table).unwrap();
        spoilt("config.json", labels.to_string().as_bytes())
    };
    let error = Ner::load(&pinned).err().unwrap_or_else(|| panic!("it has no topics and was loaded"));
    assert!(error.to_string().contains("topics"), "{error}");
}

#[test]
fn the_digest_tells_models_and_settings_apart() {
    let plain = load(&config()).digest();
    assert_eq!(plain, load(&config()).digest());
    assert_ne!(plain, load(&NerConfig { window_tokens: Some(64), ..config() }).digest());
    assert_ne!(plain, load(&own()).digest());
}
