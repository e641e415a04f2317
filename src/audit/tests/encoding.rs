//! The bytes of a record: pinned, reversible, one for each record, and without text.

use proptest::prelude::*;

use super::*;
use crate::audit::body::{Undecodable, decode, encode};

fn fixed() -> Decision {
    let key = DigestKey::from_bytes(&[7; 32]);
    let mut decision = decision_on("4111", Sensitivity::Confidential, request(Some(Route::Local)), &key);
    decision.id = "0190a5c8-6d4e-7b2a-9c1f-3e5d7a9b1c2d".parse().unwrap();
    decision.time = jiff::Timestamp::from_microsecond(1_750_000_000_123_456).unwrap();
    decision.document_id = 0;
    decision
}

/// Old logs must verify for ever: if this test fails, the encoding has changed and needs a new version.
#[test]
fn version_1_is_pinned() {
    let body = encode(&Record::Decision(Box::new(fixed()))).unwrap();
    insta::assert_snapshot!("decision_v1", String::from_utf8(body.clone()).unwrap());
    let mut outcome = Outcome::failed(crate::error::Kind::Unavailable, "LOCAL_BACKEND_UNAVAILABLE");
    outcome.time = jiff::Timestamp::from_microsecond(1_750_000_000_223_456).unwrap();
    outcome.finish_reason = Some(FinishReason::ContentFilter);
    outcome.route = Some(Route::Cloud);
    outcome.cost_micros = Some(5);
    let second = encode(&Record::Outcome { decision_id: fixed().id, outcome }).unwrap();
    insta::assert_snapshot!("outcome_v1", String::from_utf8(second.clone()).unwrap());
    insta::assert_snapshot!("head_v1", Head::EMPTY.then(&body).then(&second).hash.to_string());
}

/// Fields that came later stand in no older record, and are read back where they are set.
#[test]
fn later_fields_are_left_out_where_they_are_absent() {
    let mut outcome = Outcome::new(OutcomeStatus::Escalated);
    let bytes =
        |outcome: &Outcome| encode(&Record::Outcome { decision_id: fixed().id, outcome: outcome.clone() }).unwrap();
    assert!(!String::from_utf8(bytes(&outcome)).unwrap().contains("confidence"));
    outcome.confidence = Some(Box::new(RecordedConfidence {
        millionths: 250_000,
        low: true,
        early: false,
        signals: vec![Label::token("log_probabilities")],
        reasons: vec![Label::token("low_window")],
    }));
    outcome.escalation_withheld = Some(Label::token("ceiling"));
    let Ok(Record::Outcome { outcome: read, .. }) = decode(&bytes(&outcome)) else { panic!("not read") };
    assert_eq!(read, outcome);
    let mut decision = fixed();
    let first = decision.id;
    decision.routing.as_mut().unwrap().escalated_from = Some(first);
    let body = encode(&Record::Decision(Box::new(decision))).unwrap();
    let Ok(Record::Decision(read)) = decode(&body) else { panic!("not read") };
    assert_eq!(read.routing.unwrap().escalated_from, Some(first));
}

fn label() -> impl Strategy<Value = Label> {
    any::<String>().prop_map(|name| Label::new(&name))
}

fn level() -> impl Strategy<Value = Sensitivity> {
    prop_oneof![Just(Sensitivity::Public), Just(Sensitivity::Internal), Just(Sensitivity::Confidential)]
}

fn finding() -> impl Strategy<Value = RecordedFinding> {
    (any::<[u64; 4]>(), any::<f32>(), "[A-Z_]{1,20}", label(), label()).prop_map(
        |([part, start, end, value], score, entity_type, role, recognizer)| RecordedFinding {
            part,
            role,
            start,
            end,
            entity_type: EntityType::new(entity_type),
            category: Category::Health,
            score: Score::of(score),
            detector: Detector::Ner,
            recognizer,
            value,
        },
    )
}

prop_compose! {
    fn decisions()(
        caller in label(),
        request_id in proptest::option::of("[!-~]{1,128}"),
        level in level(),
        declared_level in proptest::option::of(level()),
        findings in proptest::collection::vec(finding(), 0..4),
        numbers in any::<[u64; 6]>(),
        time_us in -60_000_000_000_000_000_i64..250_000_000_000_000_000,
        labels in (label(), label(), label()),
        routed in any::<bool>(),
    ) -> Decision {
        let [omitted, parts, text_bytes, rules_us, ner_us, total_us] = numbers;
        let mut decision = fixed();
        decision.caller = caller;
        decision.request_id = request_id.and_then(|id| RequestId::parse(&id).unwrap());
        decision.level = level;
        decision.declared_level = declared_level;
        decision.findings = findings;
        decision.findings_omitted = omitted;
        decision.parts = parts;
        decision.text_bytes = text_bytes;
        decision.timings = Timings { rules_us, ner_us, policy_us: 0, total_us };
        decision.time = jiff::Timestamp::from_microsecond(time_us).unwrap();
        decision.policy.name = labels.0.shared();
        decision.provenance.model = labels.1;
        decision.reasons = vec![RecordedReason { rule: labels.2, level }];
        if !routed {
            decision.routing = None;
        }
        decision
    }
}

proptest! {
    #[test]
    fn what_is_encoded_reads_back(decision in decisions()) {
        let record = Record::Decision(Box::new(decision));
        prop_assert_eq!(decode(&encode(&record).unwrap()).unwrap(), record);
    }

    #[test]
    fn different_records_have_different_bytes(one in decisions(), other in decisions()) {
        let same = one == other;
        let bytes = |decision| encode(&Record::Decision(Box::new(decision))).unwrap();
        prop_assert_eq!(bytes(one) == bytes(other), same);
    }

    /// Whatever bytes are accepted, they are the ones that the record would be written as.
    #[test]
    fn a_changed_byte_never_reads_as_the_same_record(decision in decisions(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let record = Record::Decision(Box::new(decision));
        let bytes = encode(&record).unwrap();
        let mut changed = bytes.clone();
        changed[at.index(bytes.len())] = to;
        if let Ok(read) = decode(&changed) {
            prop_assert_eq!(read == record, changed == bytes);
            prop_assert_eq!(encode(&read).unwrap(), changed);
        }
    }
}

#[test]
fn other_forms_are_refused() {
    let text = String::from_utf8(encode(&Record::Decision(Box::new(fixed()))).unwrap()).unwrap();
    for (from, to, why) in [
        ("\"level\":", "\"level\": ", Undecodable::NotCanonical),
        ("\"parts\":1", "\"parts\":1,\"more\":2", Undecodable::Malformed),
        ("\"score\":900000", "\"score\":1900000", Undecodable::Malformed),
        ("req-1", "req\\u002d1", Undecodable::NotCanonical),
        ("req-1", "req 1", Undecodable::Malformed),
        ("{\"v\":1", "{\"v\":9", Undecodable::UnknownVersion),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert_eq!(decode(changed.as_bytes()), Err(why), "{from} → {to}");
    }
}

#[test]
fn a_reason_with_a_sentence_in_it_is_not_recorded() {
    let key = DigestKey::from_bytes(&[7; 32]);
    let document = Document::of("canary-6e1d");
    let mut coverage = coverage();
    coverage.detectors[0].status = Status::Failed("regex failed on canary-6e1d in the text".into());
    let evidence = Evidence {
        document_id: document.id(),
        level: Sensitivity::Confidential,
        reasons: &[],
        findings: &[],
        topics: &[],
        coverage: &coverage,
        policy: &PolicyReference { name: "p".into(), version: "1".into(), digest: "00".into() },
    };
    let decision = Decision::from_evidence(request(None), &evidence, &document, &key).unwrap();
    assert_eq!(decision.coverage.detectors[0].status, Status::Failed(Label::UNFIT.into()));
    assert!(!format!("{decision:?}").contains("6e1d"));
}

#[test]
fn a_verdict_on_another_document_is_refused() {
    let key = DigestKey::from_bytes(&[7; 32]);
    let evidence = Evidence {
        document_id: Document::of("one").id(),
        level: Sensitivity::Public,
        reasons: &[],
        findings: &[],
        topics: &[],
        coverage: &coverage(),
        policy: &PolicyReference { name: "p".into(), version: "1".into(), digest: "00".into() },
    };
    let refused = Decision::from_evidence(request(None), &evidence, &Document::of("two"), &key);
    assert!(matches!(refused, Err(AuditError::ForeignVerdict)));
}

#[test]
fn the_largest_record_fits() {
    let mut decision = fixed();
    let finding = RecordedFinding {
        part: u64::MAX,
        role: Label::token("tool_definition"),
        start: u64::MAX,
        end: u64::MAX,
        entity_type: EntityType::new("X".repeat(64)),
        category: Category::SpecialCategory,
        score: Score::of(1.0),
        detector: Detector::Dictionary,
        recognizer: Label::new(&"r".repeat(MAX_WORD_BYTES)),
        value: u64::MAX,
    };
    decision.findings = vec![finding; MAX_FINDINGS];
    let bytes = encode(&Record::Decision(Box::new(decision))).unwrap();
    assert!(bytes.len() <= MAX_BODY_BYTES, "{}", bytes.len());
}

/// Fields that were added to outcomes later are left out when they say nothing, so records from before keep their
/// bytes; when they say something, they are read back.
#[test]
fn what_was_added_to_outcomes_is_left_out_when_it_says_nothing() {
    let outcome = Outcome::new(OutcomeStatus::Completed);
    let encoded = |outcome: &Outcome| {
        let record = Record::Outcome { decision_id: fixed().id, outcome: outcome.clone() };
        let bytes = encode(&record).unwrap();
        assert_eq!(decode(&bytes).unwrap(), record);
        String::from_utf8(bytes).unwrap()
    };
    let plain = encoded(&outcome);
    assert!(plain.ends_with("\"total_us\":0}}}}"), "{plain}");
    let costly =
        Outcome { cached_input_tokens: 3, other_side_cost_micros: Some(0), cost_estimated: true, ..outcome.clone() };
    let added = ",\"cached_input_tokens\":3,\"other_side_cost_micros\":0,\"cost_estimated\":true";
    assert_eq!(encoded(&costly), plain.replace("\"total_us\":0", &format!("\"total_us\":0{added}")));
    let spelled_out = plain.replace("\"total_us\":0", "\"total_us\":0,\"cost_estimated\":false");
    assert_eq!(decode(spelled_out.as_bytes()), Err(Undecodable::NotCanonical), "there is one form for each record");
}

#[test]
fn a_change_of_an_operator_has_one_form() {
    let mut change = Change::new(ChangeKind::CloudClosed, "ops", "");
    change.id = fixed().id;
    change.time = jiff::Timestamp::from_microsecond(1_750_000_000_123_456).unwrap();
    let record = Record::Change(change);
    let bytes = encode(&record).unwrap();
    let expected = "{\"v\":1,\"record\":{\"change\":{\"id\":\"0190a5c8-6d4e-7b2a-9c1f-3e5d7a9b1c2d\",\
                    \"time_us\":1750000000123456,\"kind\":\"cloud_closed\",\"by\":\"ops\",\"caller\":\"\"}}}";
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), expected);
    assert_eq!(decode(&bytes).unwrap(), record);
}
