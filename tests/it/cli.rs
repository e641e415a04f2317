//! The command line as a user meets it: the built binary, its output, its errors and its exit codes.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::backend::{Backend, answer};
use crate::common::{Setup, TestServer};

fn cordon(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(arguments)
        .env("NO_COLOR", "1")
        .env_remove("CORDON_CONFIG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that fails early does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn rows(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn classify_reads_and_writes_json_lines() {
    let input = r#"{"id":"1","text":"Patient Margaret Okonkwo, DOB 1984-03-12, HbA1c 9.1","level":"public","other":[1]}
{"text":"What is the capital of France?"}
{"id":3,"text":"build 4.11.0 failed on 7f3a9c1e"}
{"id":"d","text":"hello","declared_level":"internal"}
"#;
    let output = cordon(&["classify", "--input", "-", "--json"], input);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rows = rows(&output);
    let levels: Vec<_> = rows.iter().map(|row| row["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["confidential", "public", "public", "internal"]);
    assert_eq!((rows[0]["id"].as_str(), rows[1]["id"].as_u64(), rows[2]["id"].as_u64()), (Some("1"), Some(2), Some(3)));
    let findings = rows[0]["findings"].as_array().unwrap();
    let person = findings.iter().find(|finding| finding["entity_type"] == "PERSON").unwrap();
    assert_eq!((person["start"].as_u64(), person["end"].as_u64()), (Some(8), Some(24)));
    assert_eq!(person["coarse"], "PERSON");
    assert!(findings.iter().any(|finding| finding["coarse"] == "DATE_OF_BIRTH"));
    assert_eq!(rows[0]["coverage"]["complete"], true);
}

#[test]
fn a_bad_line_is_answered_and_the_rest_goes_on() {
    let output = cordon(&["classify", "--input", "-"], "{\"text\":\"hello\"}\nnot json canary-1\n{\"text\":\"bye\"}\n");
    assert_eq!(output.status.code(), Some(3));
    let rows = rows(&output);
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1]["level"], "confidential", "what cannot be read is confidential");
    assert!(rows[1]["error"].as_str().unwrap().contains("line 2"));
    assert!(!stdout(&output).contains("canary") && !stderr(&output).contains("canary"));
}

#[test]
fn explain_shows_the_text_the_rule_and_each_finding() {
    let text = "Anna Schmidt pays with her card 4539 1488 0343 6467";
    let output = cordon(&["classify", "--explain", text], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown = stdout(&output);
    for wanted in
        ["[1 ", "confidential is the level", "because of", "CREDIT_CARD", "found by", "raised to", "used", "checked"]
    {
        assert!(shown.contains(wanted), "{wanted} in {shown}");
    }
    assert!(!shown.contains('\u{1b}'), "no colours in a pipe");
    let cue = "THIRD_PERSON";
    assert!(shown.lines().any(|line| line.starts_with("cues") && line.contains(cue)), "{shown}");
    let output = cordon(&["classify", "--json", text], "");
    let row = &rows(&output)[0];
    let card = row["findings"].as_array().unwrap().iter().find(|found| found["entity_type"] == "CREDIT_CARD").unwrap();
    for field in
        ["detector", "recognizer", "pattern", "validator", "context_words", "base_score", "adjustments", "used_by"]
    {
        assert!(!card[field].is_null(), "{field} in {card}");
    }
    assert!(!stdout(&output).contains(cue), "a cue is no finding");
}

#[test]
fn why_says_what_became_of_a_span() {
    let text = "Pay with card 4539 1488 0343 6468 today";
    let output = cordon(&["classify", "--why", "14:33", text], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown = stdout(&output);
    assert!(shown.contains("the validator credit_card refuses the value"), "{shown}");
    let output = cordon(&["classify", "--why", "14:33", "--json", text], "");
    let why = &rows(&output)[0]["why"];
    let refused = |answer: &Value| answer["entity_type"] == "CREDIT_CARD" && answer["outcome"] == "refused";
    assert!(why["answers"].as_array().unwrap().iter().any(refused), "{why}");
    let beyond = cordon(&["classify", "--why", "14:99", text], "");
    assert_eq!(beyond.status.code(), Some(3));
    assert!(stderr(&beyond).contains("beyond the text, which has 39 characters"), "{}", stderr(&beyond));
    let remote = cordon(&["classify", "--why", "1:2", "--server", "http://127.0.0.1:1", text], "");
    assert_eq!(remote.status.code(), Some(1));
    assert!(stderr(&remote).contains("leave out --server"), "{}", stderr(&remote));
}

#[test]
fn texts_as_arguments_give_a_table() {
    let output = cordon(&["classify", "my card is 4539 1488 0343 6467"], "");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let shown = stdout(&output);
    assert!(shown.contains("confidential") && shown.contains("CREDIT_CARD"), "{shown}");
}

#[test]
fn helpful_errors() {
    for (arguments, words) in [
        (&["classify"][..], &["--input"][..]),
        (&["classify", "--input", "/nonexistent/x.jsonl"], &["cannot read", "/nonexistent/x.jsonl"]),
        (&["serve", "--config", "/nonexistent/c.toml"], &["/nonexistent/c.toml", "cannot read"]),
        (&["classify", "x", "--policy", "/nonexistent/p.toml"], &["/nonexistent/p.toml"]),
        (&["dispatch", "hello", "--server", "http://127.0.0.1:9"], &["127.0.0.1:9", "cordon serve"]),
        (&["audit", "list", "--data-dir", "/nonexistent/data"], &["/nonexistent/data"]),
        (&["audit", "show", "nonsense", "--data-dir", "/nonexistent/data"], &["decision"]),
    ] {
        let output = cordon(arguments, "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", stderr(&output));
        for word in words {
            assert!(stderr(&output).contains(word), "{arguments:?}: no `{word}` in {}", stderr(&output));
        }
    }
    assert_eq!(cordon(&["nonsense"], "").status.code(), Some(2));
}

#[test]
fn a_broken_policy_stops_the_start_with_line_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, "format = 1\nname = \"x\"\nversion = \"1\"\nlevels = 3\n").unwrap();
    let data = folder.path().join("data");
    let (policy, data) = (policy.to_str().unwrap(), data.to_str().unwrap());
    for command in ["serve", "classify"] {
        let output = cordon(
            &[command, "--policy", policy, "--data-dir", data, "--listen", "127.0.0.1:0"]
                [..if command == "serve" { 7 } else { 5 }],
            "",
        );
        if command == "serve" {
            assert_eq!(output.status.code(), Some(1));
            assert!(stderr(&output).contains("line 4") || stderr(&output).contains(":4"), "{}", stderr(&output));
            assert!(stderr(&output).contains("levels"), "{}", stderr(&output));
        }
    }
    let output = cordon(&["policy", "check", policy], "");
    assert_eq!(output.status.code(), Some(4));
    assert!(stdout(&output).contains(":4:"), "{}", stdout(&output));
}

#[test]
fn a_damaged_model_and_a_missing_library_say_what_to_run() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    std::fs::create_dir(&model).unwrap();
    std::fs::write(model.join("config.json"), "{\"id2label\":{\"0\":\"O\"}}").unwrap();
    std::fs::write(model.join("tokenizer.json"), "{").unwrap();
    std::fs::write(model.join("model.onnx"), "no model").unwrap();
    for (name, value) in
        [("CORDON_NER_MODEL", model.to_str().unwrap()), ("CORDON_ONNXRUNTIME", "/nonexistent/libonnxruntime.so")]
    {
        let output =
            Command::new(env!("CARGO_BIN_EXE_cordon")).args(["classify", "hello"]).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        let message = stderr(&output);
        assert!(message.contains(value) || message.contains("tokenizer.json"), "{name}: {message}");
    }
}

#[test]
fn the_policies_of_the_repository_pass_their_own_tests() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let path = path.to_str().unwrap();
        for command in ["check", "test"] {
            let output = cordon(&["policy", command, path], "");
            assert_eq!(output.status.code(), Some(0), "{command} {path}\n{}{}", stdout(&output), stderr(&output));
        }
        seen += 1;
    }
    assert!(seen >= 5, "{seen} policies");
}

#[test]
fn completions_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let output = cordon(&["completions", shell], "");
        assert!(output.status.success() && stdout(&output).contains("classify"), "{shell}");
    }
}

#[tokio::test]
async fn dispatch_and_audit_through_a_running_service() {
    let local = Backend::answering(answer("Paris, of course.")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let url = server.url.clone();
    let run = |arguments: Vec<String>| async move {
        tokio::task::spawn_blocking(move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            cordon(&arguments, "")
        })
        .await
        .unwrap()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let output = run(words(&["dispatch", "my card is 4539 1488 0343 6467", "--server", &url, "--json"])).await;
    assert!(output.status.success(), "{}", stderr(&output));
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!((report["level"].as_str(), report["route"].as_str()), (Some("confidential"), Some("local")));
    assert_eq!((report["content"].as_str(), report["backend"].as_str()), (Some("Paris, of course."), Some("here")));
    let output = run(words(&["dispatch", "What is the capital of France?", "--server", &url])).await;
    assert!(stdout(&output).contains("Paris, of course.") && stderr(&output).contains("public"));

    let explained = ["classify", "my card is 4539 1488 0343 6467", "--server", &url, "--json", "--explain"];
    let output = run(words(&explained)).await;
    let remote: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(remote["level"], "confidential");
    let card = &remote["findings"][0];
    assert_eq!(card["coarse"], "CREDIT_CARD");
    assert_eq!(card["used_by"][0], remote["reasons"][0], "the rule that gave the level rests on it");
    assert_eq!(card["adjustments"][0]["reason"], "context_words");
    assert!(remote["rules"][0]["description"].as_str().is_some_and(|sentence| !sentence.is_empty()));

    server.audit.flush().await.unwrap();
    let data = server.data_dir.to_str().unwrap().to_owned();
    let output = run(words(&["audit", "list", "--data-dir", &data, "--json"])).await;
    let list = rows(&output);
    assert_eq!(list.len(), 3, "while the service runs: {}", stderr(&output));
    let id = list.last().unwrap()["id"].as_str().unwrap().to_owned();
    let output = run(words(&["audit", "show", &id, "--data-dir", &data, "--json"])).await;
    assert_eq!(rows(&output)[0]["level"], "confidential");
    let output = run(words(&["audit", "list", "--data-dir", &data])).await;
    assert!(stdout(&output).contains("confidential"), "{}", stdout(&output));
    let output = run(words(&["audit", "verify", "--data-dir", &data])).await;
    assert!(output.status.success() && stdout(&output).contains("intact: "), "{}", stdout(&output));
    server.stop().await;
}

/// Starts the binary and waits for its ready file.
fn serve(data: &Path, extra: &[&str]) -> (std::process::Child, Value) {
    let ready = data.with_extension("ready");
    let _ = std::fs::remove_file(&ready);
    let child = Command::new(env!("CARGO_BIN_EXE_cordon"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()])
        .args(["--ready-file", ready.to_str().unwrap()])
        .args(extra)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while !ready.exists() {
        assert!(Instant::now() < until, "it never became ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    (child, serde_json::from_slice(&std::fs::read(&ready).unwrap()).unwrap())
}

#[test]
fn serve_stops_cleanly_on_sigterm_and_survives_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (round, signal) in ["-KILL", "-TERM"].iter().enumerate() {
        let (child, ready) = serve(&data, &[]);
        let url = format!("http://{}", ready["listen"][0].as_str().unwrap());
        for _ in 0..3 {
            let output = cordon(&["classify", "my card is 4539 1488 0343 6467", "--server", &url], "");
            assert!(output.status.success(), "{}", stderr(&output));
        }
        // Nothing waits for a classification's record; the writer needs a moment.
        std::thread::sleep(Duration::from_millis(500));
        let killed = Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), if *signal == "-TERM" { Some(0) } else { None }, "{}", stderr(&output));
        let verified = cordon(&["audit", "verify", "--json", "--data-dir", data.to_str().unwrap()], "");
        let row = &rows(&verified)[0];
        assert_eq!((row["intact"].as_bool(), row["decisions"].as_u64()), (Some(true), Some(3 * (round as u64 + 1))));
    }
}

#[test]
fn a_port_in_use_is_a_clear_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = cordon(&["serve", "--listen", &address, "--data-dir", folder.path().join("d").to_str().unwrap()], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&address) && stderr(&output).contains("in use"), "{}", stderr(&output));
}
