//! `cordon scan` as a user meets it: the built binary with the real model, its output and its exit codes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn scan(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordon"));
    command.arg("scan").args(arguments).current_dir(folder).env("NO_COLOR", "1");
    command.env_remove("CORDON_CONFIG").env_remove("CORDON_POLICY").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)))
}

fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("src")).unwrap();
    for (name, content) in [
        (".gitignore", "ignored.txt\n"),
        ("ignored.txt", "her card is 4539 1488 0343 6467\n"),
        ("fine.md", "# Paris\n\nThe capital of France.\n"),
        ("src/pay.rs", "// test\n// card 4539 1488 0343 6467\nfn pay() {}\n"),
        ("visits.csv", "id,note\n1,fine\n2,Patient Margaret Okonkwo has diabetes\n"),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

#[test]
fn a_folder_gives_a_table_json_and_sarif() {
    let folder = sample();
    let output = scan(folder.path(), &["."]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    for wanted in ["confidential", "./src/pay.rs", "CREDIT_CARD", "./visits.csv", "PERSON", "3 files"] {
        assert!(table.contains(wanted), "{wanted}\n{table}");
    }
    assert!(!table.contains("4539") && !table.contains("Okonkwo"), "no value is shown");
    assert!(text(&scan(folder.path(), &["src", "--quote"]).stdout).contains("4539 1488 0343 6467"));

    let found = json(&scan(folder.path(), &[".", "--json"]));
    assert_eq!((&found["level"], &found["files"], &found["gaps"]), (&"confidential".into(), &3.into(), &0.into()));
    let all = found["found"].to_string();
    assert!(all.contains("\"line\":2") && all.contains("\"field\":\"/note\"") && !all.contains("ignored.txt"), "{all}");

    let log = json(&scan(folder.path(), &[".", "--sarif"]));
    let results = log["runs"][0]["results"].as_array().unwrap();
    let card = results.iter().find(|result| result["ruleId"] == "CREDIT_CARD").unwrap();
    let place = &card["locations"][0]["physicalLocation"];
    assert_eq!((&place["artifactLocation"]["uri"], &place["region"]["startLine"]), (&"src/pay.rs".into(), &2.into()));
}

#[test]
fn a_gate_counts_levels_and_what_is_no_text() {
    let folder = sample();
    let gate = scan(folder.path(), &[".", "--fail-on", "confidential"]);
    assert_eq!(gate.status.code(), Some(4));
    assert_eq!(scan(folder.path(), &["fine.md", "--fail-on", "internal"]).status.code(), Some(0));
    // What is no text is accepted on request alone.
    fs::write(folder.path().join("logo.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let gate = scan(folder.path(), &["fine.md", "logo.png", "--fail-on", "confidential"]);
    assert_eq!(gate.status.code(), Some(4));
    assert!(text(&gate.stderr).contains("--allow-binary"));
    let gate = scan(folder.path(), &["fine.md", "logo.png", "--fail-on", "confidential", "--allow-binary"]);
    assert_eq!(gate.status.code(), Some(0));
    assert!(text(&gate.stdout).contains("PNG image"), "listed all the same");
}

#[test]
fn what_cannot_be_read_has_an_exit_code() {
    let folder = sample();
    fs::write(folder.path().join("broken.parquet"), b"nothing").unwrap();
    let output = scan(folder.path(), &["fine.md", "broken.parquet", "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let found = json(&output);
    assert_eq!((&found["level"], &found["not_scanned"][0]["reason"]), (&"confidential".into(), &"malformed".into()));
    let gate = scan(folder.path(), &["fine.md", "broken.parquet", "--fail-on", "confidential", "--allow-binary"]);
    assert_eq!(gate.status.code(), Some(4), "a gap counts as confidential");

    let closed = folder.path().join("closed.txt");
    fs::write(&closed, "hello").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything; for everybody else it is a gap.
    let expected = if fs::read(&closed).is_ok() { 0 } else { 3 };
    assert_eq!(scan(folder.path(), &["closed.txt"]).status.code(), Some(expected));
}

#[test]
fn wrong_arguments_are_named() {
    let folder = sample();
    for (arguments, code, wanted) in [
        (&["nowhere"][..], 1, "nowhere"),
        (&[], 2, "PATHS"),
        (&[".", "--fail-on", "public"], 2, "confidential"),
        (&[".", "--allow-binary"], 2, "--fail-on"),
        (&[".", "--json", "--sarif"], 2, "--sarif"),
        (&[".", "--delimiter", "ab"], 2, "one ASCII character"),
        (&[".", "--format", "xls"], 2, "parquet"),
        (&[".", "--min-score", "2"], 1, "--min-score"),
        (&[".", "--jobs", "0"], 2, "1..="),
    ] {
        let output = scan(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
        assert!(text(&output.stderr).contains(wanted), "{arguments:?}: {}", text(&output.stderr));
    }
}
