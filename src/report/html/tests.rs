//! The page: it stands alone, escapes what a log holds, and says what it leaves out.

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::json;

use super::super::tests::{Records, START_US, record, records, report, stored};
use super::super::{EGRESS_ROWS, Proof, Range, Report, Standing};
use super::*;

fn some(many: usize) -> Report {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let log: Vec<_> = (0..many).map(|_| record().new_tree(&mut runner).unwrap().current()).collect();
    report(&records(&log), Range::default())
}

#[test]
fn names_of_a_log_are_escaped_everywhere() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let evil = "\"><script>alert(1)</script><b x='";
    let (mut decision, outcome) = record().new_tree(&mut runner).unwrap().current();
    decision["operation"] = json!("dispatch");
    decision["caller"] = json!(evil);
    decision["reasons"] = json!([{"rule": evil, "level": "public"}]);
    decision["policy"] = json!({"name": evil, "version": evil, "digest": evil});
    decision["entities"] =
        json!([{"entity_type": evil, "category": "person", "count": 1, "distinct": 1, "max_score": 1}]);
    decision["routing"] = json!({"route": "cloud", "ceiling": "cloud", "backend": evil, "model": evil, "complexity": "simple",
        "complexity_reasons": [], "rule": evil, "reason": evil,
        "overridden": {"rule": evil, "from": "internal", "to": "public", "reason": evil}});
    let source = Records { decisions: vec![stored(1, decision, outcome)], changes: Vec::new() };
    let page = page(&report(&source, Range::default()));
    assert!(page.contains("&lt;script&gt;"), "it is shown");
    assert!(!page.contains("<script") && !page.contains("<b x="), "and is no element");
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let page = page(&some(80));
    let start = page.find("<style>").unwrap() + "<style>".len();
    let style = &page[start..page.find("</style>").unwrap()];
    let hash = STANDARD.encode(Sha256::digest(style.as_bytes()));
    assert!(
        page.contains(&format!("style-src &#39;sha256-{hash}&#39;"))
            || page.contains(&format!("style-src 'sha256-{hash}'"))
    );
    assert_eq!(page.matches("src=").count(), page.matches("src=\"data:image/svg+xml;base64,").count());
    for reference in ["http://", "https://", "url(", "@import", " style=", "<script", "javascript:", " on"] {
        let found =
            page.match_indices(reference).filter(|(at, _)| reference != " on" || page[at + 3..].starts_with("click"));
        assert_eq!(found.count(), 0, "{reference}");
    }
}

#[test]
fn tables_and_charts_speak_to_screen_readers() {
    let page = page(&some(120));
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<html lang=\"en\">"));
    assert_eq!(page.matches("<table>").count(), page.matches("<caption>").count());
    let drawings = page.matches("role=\"img\"").count();
    assert!(drawings >= 4, "{drawings}");
    assert_eq!(page.matches("aria-labelledby=\"t-").count(), drawings);
    assert_eq!(page.matches("<desc").count(), drawings);
    assert!(!page.contains("<th>") && page.contains("scope=\"row\""));
    for (id, _) in [("volume", ""), ("egress", ""), ("verification", "")] {
        assert!(page.contains(&format!("id=\"{id}\"")) && page.contains(&format!("href=\"#{id}\"")));
    }
}

#[test]
fn what_is_left_out_is_said() {
    let decisions = (1..=EGRESS_ROWS as u64 + 500).map(|at| {
        let decision = json!({"time_us": START_US + at as i64, "operation": "dispatch", "caller": format!("caller-{at}"),
            "request_id": null, "level": "public", "declared_level": null, "reasons": [], "entities": [], "findings": [],
            "findings_omitted": 0, "topics": [], "coverage": {"detectors": []}, "parts": 1, "text_bytes": 5,
            "text_digest": "t", "digest_key": "k", "policy": {"name": "n", "version": "1", "digest": "p"},
            "provenance": {"service_version": "0", "catalog": "", "dictionaries": "", "model": "", "calibration": ""},
            "timings": {"rules_us": 1, "ner_us": 1, "policy_us": 1, "total_us": 9},
            "routing": {"route": "cloud", "ceiling": "cloud", "backend": "b", "model": "m", "complexity": "simple",
                "complexity_reasons": [], "rule": "r", "reason": ""}});
        stored(at, decision, None)
    });
    let source = Records { decisions: decisions.collect(), changes: Vec::new() };
    let page = page(&report(&source, Range::default()));
    assert!(page.contains("The page shows the newest 200; 1,300 older calls are left out here"), "of what left");
    assert!(page.contains("other: more than 980 callers"), "of the callers");
    assert_eq!(page.matches("caller-1500").count(), 1, "the newest call");
}

#[test]
fn an_empty_log_gives_a_page_and_not_a_verdict() {
    let empty = report(&Records::default(), Range::default());
    let page = page(&empty);
    assert!(page.contains("no decision in this time") && page.contains("was not verified"));
    assert!(!page.contains("NaN") && !page.contains("intact"));
}

#[test]
fn what_is_unproven_is_never_called_proven() {
    let standing = |proof, unproven: &[&str]| Standing {
        proof,
        records: 5,
        head_sequence: 5,
        head_hash: "ab".repeat(32),
        unproven: unproven.iter().map(ToString::to_string).collect(),
        ..Standing::not_verified("")
    };
    let with = |standing| page(&Report { verification: standing, ..report(&Records::default(), Range::default()) });
    let unproven = with(standing(Proof::Unproven, &["no head was given"]));
    assert!(unproven.contains("as far as it can be shown") && unproven.contains("no head was given"));
    assert!(!unproven.contains("The log is intact."));
    let broken = with(Standing { fault: Some("record 3: changed".into()), ..standing(Proof::Broken, &[]) });
    assert!(broken.contains("The log is broken") && broken.contains("record 3: changed") && !broken.contains("intact"));
    assert!(with(standing(Proof::Proven, &[])).contains("The log is intact."));
}

#[test]
fn years_are_drawn_by_month_and_a_wrong_clock_ends_nothing() {
    for (days, unit) in [(30, "day"), (200, "week"), (2000, "month"), (900_000, "day")] {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let mut log: Vec<_> = (0..2).map(|_| record().new_tree(&mut runner).unwrap().current()).collect();
        log[0].0["time_us"] = json!(START_US);
        log[1].0["time_us"] = json!(START_US + days * 86_400_000_000_i64);
        let page = page(&report(&records(&log), Range::default()));
        assert!(page.contains(&format!("Decisions by {unit} and level")), "{days}");
        assert!(page.len() < 400_000, "{days}: {}", page.len());
    }
}

#[test]
fn the_title_names_the_last_day_of_the_range() {
    let time = |text: &str| Some(text.parse::<Timestamp>().unwrap());
    let range = Range { since: time("2026-03-01T00:00:00Z"), until: time("2026-04-01T00:00:00Z") };
    let report = report(&Records::default(), range);
    assert_eq!(sections::period(&report), "1 March 2026 to 31 March 2026");
}
