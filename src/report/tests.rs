//! The counts against a plain recount of the same records, on logs made at random; and the JSON, which must be the same
//! bytes each time.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use serde_json::{Value, json};

use super::*;
use crate::audit::{AuditConfig, AuditLog, ChainHash, Decision, Outcome, StoredChange, StoredDecision, StoredOutcome};

/// A log in memory.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Oldest first.
    pub(super) decisions: Vec<StoredDecision>,
    pub(super) changes: Vec<StoredChange>,
}

impl Source for Records {
    fn decisions(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(&StoredDecision) -> ControlFlow<()>,
    ) -> Result<(), AuditError> {
        for stored in self.decisions.iter().rev().filter(|stored| range.holds(stored.decision.time)) {
            if visit(stored).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn outward(
        &self,
        range: &Range,
        visit: &mut dyn FnMut(&StoredDecision) -> ControlFlow<()>,
    ) -> Result<(), AuditError> {
        self.decisions(range, &mut |stored| {
            if Egress::of(stored).is_some() { visit(stored) } else { ControlFlow::Continue(()) }
        })
    }

    fn changes(&self, range: &Range) -> Result<Vec<StoredChange>, AuditError> {
        Ok(self.changes.iter().rev().filter(|stored| range.holds(stored.change.time)).cloned().collect())
    }
}

/// Noon of the first of March 2026.
pub(super) const START_US: i64 = 1_772_366_400_000_000;
const DAY_US: i64 = 86_400_000_000;

/// A decision as it stands in the log, with an outcome where one is given.
pub(super) fn stored(sequence: u64, mut decision: Value, outcome: Option<Value>) -> StoredDecision {
    decision["id"] = json!(id(sequence));
    let decision: Decision = serde_json::from_value(decision).unwrap();
    let outcome = outcome.map(|outcome| StoredOutcome {
        sequence: sequence + 1,
        hash: ChainHash::GENESIS,
        outcome: serde_json::from_value::<Outcome>(outcome).unwrap(),
    });
    StoredDecision { sequence, hash: ChainHash::GENESIS, decision, outcome, chain: None }
}

pub(super) fn id(sequence: u64) -> String {
    format!("0198d1f0-0000-7000-8000-{sequence:012x}")
}

fn level() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("public"), Just("internal"), Just("confidential")]
}

fn entities() -> impl Strategy<Value = Value> {
    let entity = (prop_oneof![Just("PERSON"), Just("EMAIL_ADDRESS"), Just("CREDIT_CARD")], 1u64..5, 1u64..3);
    proptest::collection::vec(entity, 0..3).prop_map(|found| {
        let mut by_type = BTreeMap::new();
        for (name, count, distinct) in found {
            by_type.insert(name, (count, distinct.min(count)));
        }
        let entity = |(name, (count, distinct)): (&str, (u64, u64))| {
            json!({"entity_type": name, "category": "person", "count": count, "distinct": distinct, "max_score": 900_000})
        };
        by_type.into_iter().map(entity).collect()
    })
}

fn coverage() -> impl Strategy<Value = Value> {
    let status = prop_oneof![
        6 => Just(json!({"status": "complete"})),
        2 => Just(json!({"status": "permitted_skip", "reason": "rules_reached_highest_level"})),
        1 => Just(json!({"status": "failed", "reason": "timed_out"})),
    ];
    (proptest::collection::vec(status, 4), 0u64..12).prop_map(|(statuses, scanned)| {
        let detectors: Vec<Value> = ["pattern", "dictionary", "secret", "ner"]
            .iter()
            .zip(statuses)
            .map(|(detector, status)| {
                json!({"detector": detector, "status": status, "bytes_scanned": scanned.min(10), "bytes_total": 10,
                       "digest": "ab12"})
            })
            .collect();
        json!({"detectors": detectors})
    })
}

fn routing() -> impl Strategy<Value = Value> {
    let redacted = (0u64..4, level(), entities(), 0u64..900).prop_map(|(replaced, level, entities, bytes)| {
        json!({"replaced": replaced, "level": level, "reasons": [], "entities": entities, "text_bytes": bytes,
               "text_digest": "d"})
    });
    let overridden = level().prop_map(|from| json!({"rule": "press", "from": from, "to": "public", "reason": "ok"}));
    (
        prop_oneof![Just("local"), Just("cloud"), Just("cloud-redacted")],
        prop_oneof![4 => Just("first"), 1 => Just("")],
        prop_oneof![Just("small"), Just("large")],
        prop_oneof![Just("simple"), Just("moderate"), Just("complex")],
        prop_oneof![3 => Just(""), 1 => Just("no_cloud_backend"), 1 => Just("cloud_closed")],
        redacted,
        proptest::option::weighted(0.2, overridden),
        any::<bool>(),
    )
        .prop_map(|(route, backend, model, complexity, reason, redacted, overridden, escalated)| {
            let mut routing = json!({"route": route, "ceiling": "cloud", "backend": backend, "model": model,
                "complexity": complexity, "complexity_reasons": [], "rule": "r", "reason": reason});
            if route == "cloud-redacted" {
                routing["redacted"] = redacted;
            }
            if let Some(overridden) = overridden {
                routing["overridden"] = overridden;
            }
            if route == "cloud" && escalated {
                routing["escalated_from"] = json!(id(999));
            }
            routing
        })
}

fn outcome() -> impl Strategy<Value = Value> {
    (
        prop_oneof![4 => Just("completed"), 1 => Just("failed"), 1 => Just("cancelled"), 1 => Just("escalated")],
        prop_oneof![Just("LOCAL_BACKEND_UNAVAILABLE"), Just("DEADLINE_EXCEEDED")],
        (0u64..500, 0u64..500, 0u64..900_000, 0u64..3_000_000),
        (proptest::option::of(0u64..10_000), proptest::option::of(0u64..10_000), any::<bool>()),
        proptest::option::weighted(0.2, Just("budget")),
        proptest::option::weighted(0.3, any::<bool>()),
    )
        .prop_map(|(status, reason, numbers, money, withheld, low)| {
            let (input, output, first, total) = numbers;
            let (cost, other, estimated) = money;
            let failed = status == "failed";
            let mut outcome = json!({"time_us": START_US, "status": status,
                "error": if failed { "unavailable" } else { "" }, "reason": if failed { reason } else { "" },
                "finish_reason": null, "backend": "first", "model": "small", "route": "local", "attempts": 1,
                "input_tokens": input, "output_tokens": output, "cost_micros": cost,
                "time_to_first_token_us": first, "total_us": total, "cost_estimated": estimated});
            if let Some(other) = other {
                outcome["other_side_cost_micros"] = json!(other);
            }
            if let Some(withheld) = withheld {
                outcome["escalation_withheld"] = json!(withheld);
            }
            if let Some(low) = low {
                outcome["confidence"] = json!({"millionths": 400_000, "low": low, "early": false, "signals": [],
                    "reasons": if low { vec!["hedged"] } else { vec![] }});
            }
            outcome
        })
}

/// A decision with its outcome, as JSON.
pub(super) fn record() -> impl Strategy<Value = (Value, Option<Value>)> {
    let observed =
        (level(), any::<bool>(), prop_oneof![Just("local"), Just("cloud")]).prop_map(|(level, differs, route)| {
            json!({"policy": {"name": "n", "version": "2", "digest": "o"}, "level": level, "rule": "", "route": route,
               "route_rule": "", "differs": differs})
        });
    let head = (
        0..6 * DAY_US,
        prop_oneof![Just("classify"), Just("dispatch"), Just("dispatch"), Just("validate")],
        prop_oneof![Just("billing"), Just("support"), Just("<b>odd</b>")],
        level(),
        proptest::option::weighted(0.3, level()),
        prop_oneof![Just("1"), Just("2")],
    );
    let body = (
        entities(),
        coverage(),
        routing(),
        proptest::option::weighted(0.8, outcome()),
        proptest::option::weighted(0.3, observed),
        (0u64..2000, 0u64..700_000, 0u64..900_000),
    );
    (head, body).prop_map(|(head, body)| {
        let (offset, operation, caller, level, declared, version) = head;
        let (entities, coverage, routing, outcome, observed, (bytes, rules, ner)) = body;
        let classify = operation == "classify";
        let mut decision = json!({"time_us": START_US + offset, "operation": operation, "caller": caller,
            "request_id": null, "level": level, "declared_level": declared,
            "reasons": if level == "public" { json!([]) } else {
                json!([{"rule": format!("{level}_rule"), "level": level}, {"rule": "other", "level": "internal"}])
            },
            "entities": entities, "findings": [], "findings_omitted": 0, "topics": [], "coverage": coverage,
            "parts": 1, "text_bytes": bytes, "text_digest": "t", "digest_key": "k",
            "policy": {"name": "default", "version": version, "digest": format!("p{version}")},
            "provenance": {"service_version": "0.1.0", "catalog": "c", "dictionaries": "d", "model": "m",
                           "calibration": ""},
            "timings": {"rules_us": rules, "ner_us": ner, "policy_us": 3, "total_us": rules + ner + 9},
            "routing": if classify { Value::Null } else { routing }});
        if let Some(observed) = observed {
            decision["observed"] = observed;
        }
        (decision, if operation == "dispatch" { outcome } else { None })
    })
}

fn log() -> impl Strategy<Value = Vec<(Value, Option<Value>)>> {
    proptest::collection::vec(record(), 0..60)
}

pub(super) fn records(log: &[(Value, Option<Value>)]) -> Records {
    let decisions =
        (1u64..).step_by(2).zip(log).map(|(at, (decision, outcome))| stored(at, decision.clone(), outcome.clone()));
    Records { decisions: decisions.collect(), changes: Vec::new() }
}

pub(super) fn report(source: &dyn Source, range: Range) -> Report {
    let standing = Standing::not_verified("a test");
    Report::of(source, range, standing, &mut |_| ControlFlow::Continue(())).unwrap()
}

/// The plain recount: each number by itself, from the JSON of the records.
struct Recount<'a>(Vec<&'a (Value, Option<Value>)>);

impl Recount<'_> {
    fn count(&self, holds: impl Fn(&Value, &Value) -> bool) -> u64 {
        self.0.iter().filter(|(decision, outcome)| holds(decision, outcome.as_ref().unwrap_or(&Value::Null))).count()
            as u64
    }

    fn sum(&self, number: impl Fn(&Value, &Value) -> u64) -> u64 {
        self.0.iter().map(|(decision, outcome)| number(decision, outcome.as_ref().unwrap_or(&Value::Null))).sum()
    }
}

fn way(decision: &Value) -> &'static str {
    if decision["operation"] != "dispatch" {
        return "not_asked";
    }
    match (decision["routing"]["backend"].as_str(), decision["routing"]["route"].as_str()) {
        (Some(""), _) => "unserved",
        (_, Some("local")) => "local",
        (_, Some("cloud")) => "cloud",
        _ => "cloud_redacted",
    }
}

fn left(decision: &Value) -> bool {
    way(decision).starts_with("cloud")
}

/// What was sent: the redacted text where there is one.
fn sent(decision: &Value) -> &Value {
    if decision["routing"]["redacted"].is_null() { decision } else { &decision["routing"]["redacted"] }
}

fn holds_type(of: &Value, name: &str) -> bool {
    of["entities"].as_array().unwrap().iter().any(|entity| entity["entity_type"] == name)
}

const LEVELS: [&str; 3] = ["public", "internal", "confidential"];
const WAYS: [&str; 5] = ["local", "cloud_redacted", "cloud", "unserved", "not_asked"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_number_is_that_of_a_plain_recount(log in log(), since in 0..4 * DAY_US, days in 0..5i64, bounded in any::<bool>()) {
        let time = |micros| Timestamp::from_microsecond(micros).unwrap();
        let (from, to) = if bounded { (START_US + since, START_US + since + days * DAY_US) } else { (i64::MIN, i64::MAX) };
        let range = if bounded { Range { since: Some(time(from)), until: Some(time(to)) } } else { Range::default() };
        let inside = |decision: &Value| (from..to).contains(&decision["time_us"].as_i64().unwrap());
        let naive = Recount(log.iter().filter(|(decision, _)| inside(decision)).collect());
        let told = serde_json::to_value(report(&records(&log), range)).unwrap();
        let row = |list: &str, name: &str| -> Value {
            let rows = told[list]["rows"].as_array().unwrap();
            rows.iter().find(|row| row["name"] == name).cloned().unwrap_or(Value::Null)
        };
        let number = |value: &Value| value.as_u64().unwrap_or(0);

        prop_assert_eq!(number(&told["total"]["decisions"]), naive.0.len() as u64);
        prop_assert_eq!(number(&told["total"]["text_bytes"]), naive.sum(|d, _| number(&d["text_bytes"])));
        for level in LEVELS {
            prop_assert_eq!(number(&told["total"]["levels"][level]), naive.count(|d, _| d["level"] == level));
            for to in WAYS {
                let expected = naive.count(|d, _| d["level"] == level && way(d) == to);
                prop_assert_eq!(number(&told["level_routes"][level][to]), expected, "{} {}", level, to);
            }
            for declared in LEVELS {
                let expected = naive.count(|d, _| d["level"] == level && d["declared_level"] == declared);
                prop_assert_eq!(number(&told["declared"][declared][level]), expected);
            }
            let expected = naive.count(|d, _| left(d) && sent(d)["level"] == level);
            prop_assert_eq!(number(&told["cloud_egress"]["sent_levels"][level]), expected);
            let expected = naive.count(|d, _| !d["routing"]["redacted"].is_null() && d["level"] == level);
            prop_assert_eq!(number(&told["redactions"]["before"][level]), expected);
        }
        let rank = |level: &Value| LEVELS.iter().position(|name| level == name).unwrap();
        let raised = naive.count(|d, _| !d["declared_level"].is_null() && rank(&d["declared_level"]) < rank(&d["level"]));
        prop_assert_eq!(number(&told["declared"]["raised"]), raised);
        for operation in ["classify", "dispatch", "validate"] {
            prop_assert_eq!(number(&told["operations"][operation]), naive.count(|d, _| d["operation"] == operation));
        }
        for caller in ["billing", "support", "<b>odd</b>"] {
            let told = row("callers", caller);
            prop_assert_eq!(number(&told["decisions"]), naive.count(|d, _| d["caller"] == caller));
            let left = naive.count(|d, _| d["caller"] == caller && way(d) == "cloud");
            prop_assert_eq!(number(&told["routes"]["cloud"]), left);
            let cost = naive.sum(|d, o| if d["caller"] == caller { number(&o["cost_micros"]) } else { 0 });
            prop_assert_eq!(number(&told["money"]["cost_micros"]), cost);
            prop_assert_eq!(number(&told["failed"]), naive.count(|d, o| d["caller"] == caller && o["status"] == "failed"));
        }
        for day in 0..7 {
            let name = gather::day(time(START_US + day * DAY_US));
            let on = |d: &Value| gather::day(time(d["time_us"].as_i64().unwrap())) == name;
            let told = row("days", &name);
            prop_assert_eq!(number(&told["decisions"]), naive.count(|d, _| on(d)));
            prop_assert_eq!(number(&told["levels"]["internal"]), naive.count(|d, _| on(d) && d["level"] == "internal"));
        }
        for name in ["PERSON", "EMAIL_ADDRESS", "CREDIT_CARD"] {
            let told = row("entity_types", name);
            let count = |d: &Value, field: &str| -> u64 {
                let of = d["entities"].as_array().unwrap().iter().filter(|entity| entity["entity_type"] == name);
                of.map(|entity| number(&entity[field])).sum()
            };
            prop_assert_eq!(number(&told["decisions"]), naive.count(|d, _| holds_type(d, name)));
            prop_assert_eq!(number(&told["findings"]), naive.sum(|d, _| count(d, "count")));
            prop_assert_eq!(number(&told["distinct"]), naive.sum(|d, _| count(d, "distinct")));
            prop_assert_eq!(number(&told["left"]), naive.count(|d, _| left(d) && holds_type(sent(d), name)));
        }
        for model in ["small", "large"] {
            let told = row("models", &format!("first / {model}"));
            let called = |d: &Value| {
                d["operation"] == "dispatch" && d["routing"]["backend"] == "first" && d["routing"]["model"] == model
            };
            prop_assert_eq!(number(&told["calls"]), naive.count(|d, _| called(d)));
            prop_assert_eq!(number(&told["left"]), naive.count(|d, _| called(d) && left(d)));
            let tokens = naive.sum(|d, o| if called(d) { number(&o["output_tokens"]) } else { 0 });
            prop_assert_eq!(number(&told["output_tokens"]), tokens);
        }
        for (field, status) in [("completed", "completed"), ("failed", "failed"), ("cancelled", "cancelled"), ("escalated", "escalated")] {
            prop_assert_eq!(number(&told["endings"][field]), naive.count(|_, o| o["status"] == status));
        }
        prop_assert_eq!(number(&told["endings"]["open"]), naive.count(|d, o| d["operation"] == "dispatch" && o.is_null()));
        for reason in ["LOCAL_BACKEND_UNAVAILABLE", "DEADLINE_EXCEEDED"] {
            let told = row("failures", &format!("unavailable: {reason}"));
            prop_assert_eq!(number(&told["count"]), naive.count(|_, o| o["reason"] == reason));
        }
        for reason in ["no_cloud_backend", "cloud_closed"] {
            let expected = naive.count(|d, _| d["operation"] == "dispatch" && d["routing"]["reason"] == reason);
            prop_assert_eq!(number(&row("route_reasons", reason)["count"]), expected);
        }
        prop_assert_eq!(number(&told["escalations"]["withheld"]), naive.count(|_, o| o["escalation_withheld"] == "budget"));
        prop_assert_eq!(number(&told["escalations"]["escalated"]), naive.count(|_, o| o["status"] == "escalated"));
        let again = naive.count(|d, _| d["operation"] == "dispatch" && !d["routing"]["escalated_from"].is_null());
        prop_assert_eq!(number(&told["escalations"]["asked_again"]), again);
        prop_assert_eq!(number(&told["escalations"]["confidence"]["judged"]), naive.count(|_, o| !o["confidence"].is_null()));
        prop_assert_eq!(number(&told["escalations"]["confidence"]["low"]), naive.count(|_, o| o["confidence"]["low"] == true));
        let incomplete = |d: &Value| {
            d["coverage"]["detectors"].as_array().unwrap().iter().any(|entry| {
                let status = &entry["status"]["status"];
                status == "failed" || (status == "complete" && number(&entry["bytes_scanned"]) < 10)
            })
        };
        prop_assert_eq!(number(&told["incomplete_coverage"]), naive.count(|d, _| incomplete(d)));
        let failed = naive.count(|d, _| {
            d["coverage"]["detectors"].as_array().unwrap().iter().any(|e| e["detector"] == "ner" && e["status"]["status"] == "failed")
        });
        prop_assert_eq!(number(&row("failed_detectors", "ner: timed_out")["decisions"]), failed);
        prop_assert_eq!(number(&told["redactions"]["values_replaced"]), naive.sum(|d, _| number(&d["routing"]["redacted"]["replaced"])));
        prop_assert_eq!(number(&told["overrides"]["count"]), naive.count(|d, _| !d["routing"]["overridden"].is_null()));
        prop_assert_eq!(told["overrides"]["rows"].as_array().unwrap().len() as u64, number(&told["overrides"]["count"]));
        prop_assert_eq!(number(&told["observed"]["differs"]), naive.count(|d, _| d["observed"]["differs"] == true));
        for version in ["1", "2"] {
            let told = row("policies", &format!("p{version}"));
            let times: Vec<i64> = naive.0.iter().filter(|(d, _)| d["policy"]["version"] == version).map(|(d, _)| d["time_us"].as_i64().unwrap()).collect();
            prop_assert_eq!(number(&told["decisions"]), times.len() as u64);
            prop_assert_eq!(told["first"].as_str().map(str::to_owned), times.iter().min().map(|first| time(*first).to_string()));
            prop_assert_eq!(told["last"].as_str().map(str::to_owned), times.iter().max().map(|last| time(*last).to_string()));
        }
        for (side, ways) in [("local_money", ["local", "local"]), ("cloud_money", ["cloud", "cloud_redacted"])] {
            let mine = |d: &Value| ways.contains(&way(d));
            let priced = |d: &Value, o: &Value| mine(d) && !o["cost_micros"].is_null();
            let compared = |d: &Value, o: &Value| priced(d, o) && !o["other_side_cost_micros"].is_null();
            let sum = |field: &str, which: &dyn Fn(&Value, &Value) -> bool| naive.sum(|d, o| if which(d, o) { number(&o[field]) } else { 0 });
            prop_assert_eq!(number(&told[side]["priced"]), naive.count(priced));
            prop_assert_eq!(number(&told[side]["cost_micros"]), sum("cost_micros", &priced));
            prop_assert_eq!(number(&told[side]["compared"]), naive.count(compared));
            prop_assert_eq!(number(&told[side]["compared_cost_micros"]), sum("cost_micros", &compared));
            prop_assert_eq!(number(&told[side]["other_side_cost_micros"]), sum("other_side_cost_micros", &compared));
            prop_assert_eq!(number(&told[side]["unpriced"]), naive.count(|d, o| mine(d) && !o.is_null() && o["cost_micros"].is_null()));
        }
        prop_assert_eq!(number(&told["cloud_egress"]["calls"]), naive.count(|d, _| left(d)));
        prop_assert_eq!(number(&told["cloud_egress"]["bytes"]), naive.sum(|d, _| if left(d) { number(&sent(d)["text_bytes"]) } else { 0 }));
        let over = naive.count(|d, o| o["status"] == "completed" && left(d) && number(&o["total_us"]) > AIM_US);
        prop_assert_eq!(number(&told["latency"]["total_cloud"]["over_aim"]), over);
        prop_assert_eq!(number(&told["rules"]["rows"][0]["applied"]).min(1), naive.count(|d, _| d["level"] != "public").min(1));
        prop_assert_eq!(number(&row("rules", "other")["applied"]), naive.count(|d, _| d["level"] != "public"));
        prop_assert_eq!(number(&row("rules", "internal_rule")["decided"]), naive.count(|d, _| d["level"] == "internal"));
    }

    #[test]
    fn json_is_whole_and_the_same_each_time(log in log()) {
        let source = records(&log);
        let made = report(&source, Range::default());
        let (mut once, mut again) = (Vec::new(), Vec::new());
        write_json(&made, &source, &mut once).unwrap();
        write_json(&report(&source, Range::default()), &source, &mut again).unwrap();
        prop_assert_eq!(&once, &again);
        let parsed: Value = serde_json::from_slice(&once).unwrap();
        let mut whole = serde_json::to_value(&made).unwrap();
        whole["cloud_egress"].as_object_mut().unwrap().shift_remove("rows_left_out");
        prop_assert_eq!(parsed, whole, "nothing is left out of a small log");
    }
}

#[test]
fn rows_that_a_report_leaves_out_are_counted_and_stand_in_the_json() {
    let (decision, outcome) = (1u64..=EGRESS_ROWS as u64 + 7)
        .map(|at| {
            let mut runner = proptest::test_runner::TestRunner::deterministic();
            let (mut decision, outcome) = record().new_tree(&mut runner).unwrap().current();
            decision["operation"] = json!("dispatch");
            decision["routing"] = json!({"route": "cloud", "ceiling": "cloud", "backend": "b", "model": "m",
                "complexity": "simple", "complexity_reasons": [], "rule": "r", "reason": ""});
            (stored(at, decision, outcome.clone()), outcome)
        })
        .unzip::<_, _, Vec<_>, Vec<_>>();
    drop(outcome);
    let source = Records { decisions: decision, changes: Vec::new() };
    let made = report(&source, Range::default());
    let egress = &made.summary.cloud_egress;
    assert_eq!((egress.rows.len(), egress.rows_left_out, egress.calls), (EGRESS_ROWS, 7, EGRESS_ROWS as u64 + 7));
    assert_eq!(egress.rows[0].sequence, EGRESS_ROWS as u64 + 7, "the newest stay");
    let mut json = Vec::new();
    write_json(&made, &source, &mut json).unwrap();
    let parsed: Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(parsed["cloud_egress"]["rows"].as_array().unwrap().len(), EGRESS_ROWS + 7);
}

#[tokio::test]
async fn a_log_on_the_disk_gives_the_same_report_as_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let log = AuditLog::open(AuditConfig::in_directory(folder.path().join("audit"))).unwrap();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let made: Vec<(Value, Option<Value>)> =
        (0..400).map(|_| record().new_tree(&mut runner).unwrap().current()).collect();
    let mut expected = Records::default();
    for (at, (decision, outcome)) in (1u64..).zip(made) {
        let stored = stored(at, decision, outcome);
        drop(log.append(stored.decision.clone()).unwrap());
        if let Some(outcome) = &stored.outcome {
            drop(log.append_outcome(stored.decision.id, outcome.outcome.clone()).unwrap());
        }
        expected.decisions.push(stored);
    }
    log.flush().await.unwrap();
    let strip = |mut report: Report| {
        report.summary.cloud_egress.rows.iter_mut().for_each(|row| row.sequence = 0);
        report
    };
    let range = Range { since: Some(Timestamp::from_microsecond(START_US + DAY_US).unwrap()), until: None };
    for range in [Range::default(), range] {
        assert_eq!(strip(report(log.reader(), range)), strip(report(&expected, range)));
    }
    log.close().await.unwrap();
}

#[test]
fn a_stopped_report_is_no_report() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let source = records(&[record().new_tree(&mut runner).unwrap().current()]);
    let stopped = Report::of(&source, Range::default(), Standing::not_verified("t"), &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(AuditError::Cancelled)));
}
