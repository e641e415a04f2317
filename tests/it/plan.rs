//! `cordon plan` as a user meets it.

use std::process::{Command, Output};

use serde_json::Value;

use crate::common::{Setup, TestServer};

fn plan(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    command.arg("plan").args(arguments).env("NO_COLOR", "1").env_remove("CORDON_CONFIG").env_remove("CORDON_DATA_DIR");
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_worked_case_is_printed() {
    let output = plan(&["--queries-per-day", "50000", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    for wanted in ["450000", "150000", "300000", "67 %"] {
        assert!(printed.contains(wanted), "{wanted}");
    }
    let json: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(json["costs"]["saving_percent"], 67);
    let table = text(&plan(&["--queries-per-day", "50000"]).stdout);
    for wanted in ["$450,000", "$150,000", "$300,000 (67 %)", "month 10", "A100 (40 GB) does not fit", "assumed"] {
        assert!(table.contains(wanted), "{wanted}\n{table}");
    }
}

#[test]
fn a_file_states_and_options_go_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, svg) = (folder.path().join("need.toml"), folder.path().join("costs.svg"));
    std::fs::write(&file, "queries_per_day = 500\nsensitivity = \"public\"\nteam = \"none\"\n").unwrap();
    let (file, svg) = (file.to_str().unwrap(), svg.to_str().unwrap());
    let output = plan(&["--file", file, "--json", "--svg", svg]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["decision"]["verdict"], &json["decision"]["runtime"]), (&"cloud".into(), &"Ollama".into()));
    assert!(std::fs::read_to_string(svg).unwrap().starts_with("<svg "));
    let output = plan(&["--file", file, "--json", "--residency", "network"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["decision"]["verdict"], &json["decision"]["decided_by"]), (&"local".into(), &"hard_rule".into()));
}

#[test]
fn nonsense_is_refused_with_its_name() {
    for (arguments, code, wanted) in [
        (&["--queries-per-day", "-5"][..], 2, "negative"),
        (&["--queries-per-day", "NaN"], 2, "no whole number"),
        (&["--queries-per-day", "99999999999999999999999"], 2, "too large"),
        (&["--hardware-usd", "nan"], 2, "no decimal number"),
        (&["--sensitivity", "topsecret"], 2, "regulated"),
        (&["--queries-per-day", "0"], 1, "queries_per_day must be from 1"),
        (&["--queries-per-day", "999999999999", "--usd-per-query", "9999"], 1, "nine trillion"),
        (&["--queries-per-day", "5", "--upgrade", "9:1"], 1, "upgrade year"),
        (&["--quantisation", "Q99"], 1, "Q4_K_M"),
        (&["--since", "2026-01-01T00:00:00Z"], 2, "--from-audit"),
        (&["--from-audit", "--directory", "/nonexistent"], 1, "/nonexistent"),
        (&["--file", "/nonexistent.toml"], 1, "/nonexistent.toml"),
    ] {
        let output = plan(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(wanted), "{arguments:?}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_traffic_is_counted_while_the_service_runs() {
    let server = TestServer::start(Setup::default()).await;
    let classify = |text: &'static str| {
        let url = server.url.clone();
        tokio::task::spawn_blocking(move || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
            command.args(["classify", "--server", &url, "--json", text]).env("NO_COLOR", "1").output().unwrap()
        })
    };
    for text in ["hello there", "my card is 4539 1488 0343 6467", "good morning"] {
        assert!(classify(text).await.unwrap().status.success());
    }
    server.audit.flush().await.unwrap();
    let directory = server.data_dir.join("audit").display().to_string();
    let output = plan(&["--from-audit", "--directory", &directory, "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["traffic"]["requests"], 3);
    assert_eq!(json["traffic"]["must_stay"]["requests"], 1);
    let notes = json["notes"].to_string();
    assert!(notes.contains("little data") && notes.contains("classifications alone"), "{notes}");
    let empty = plan(&["--from-audit", "--directory", &directory, "--until", "2020-01-01T00:00:00Z", "--json"]);
    assert!(text(&empty.stderr).contains("no request of that time"));
    assert!(serde_json::from_slice::<Value>(&empty.stdout).unwrap()["costs"].is_null());
}
