//! Tests of the log as a whole. The parts have theirs beside them.

mod appending;
mod encoding;
mod exporting;
mod pruning;
mod reading;
mod scanning;
mod sealing;
mod tampering;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::record::Evidence;
use super::*;
use crate::detect::{Category, Coverage, Detector, DetectorCoverage, EntityType, Explanation, Finding, Status, Topic};
use crate::document::Document;
use crate::policy::{Complexity, PolicyReference, Reason, Route, Sensitivity};

/// A log in a directory of its own.
struct Fixture {
    config: AuditConfig,
    _outer: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        let mut config = AuditConfig::in_directory(outer.path().join("audit"));
        config.busy_timeout = Duration::from_millis(300);
        config.retry_every = Duration::from_millis(20);
        // Most tests count records and look at the chain alone.
        config.checkpoints = None;
        Self { config, _outer: outer }
    }

    /// A log that is signed after so many records, and at its end.
    fn signed(every_records: u64) -> Self {
        let mut fixture = Self::new();
        fixture.config.checkpoints = Some(Checkpoints { every_records, ..Checkpoints::default() });
        fixture
    }

    fn directory(&self) -> &Path {
        &self.config.directory
    }

    fn database(&self) -> PathBuf {
        self.directory().join("audit.db")
    }

    fn open(&self) -> AuditLog {
        AuditLog::open(self.config.clone()).unwrap()
    }

    /// Every file of the log, its bytes one after the other.
    fn bytes(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.directory()).unwrap() {
            all.extend(std::fs::read(entry.unwrap().path()).unwrap());
        }
        all
    }

    /// A connection that may change everything.
    fn tamper(&self) -> Connection {
        let connection = Connection::open(self.database()).unwrap();
        connection.execute_batch("DROP TRIGGER records_never_change; DROP TRIGGER records_never_go;").unwrap();
        connection
    }

    fn verify(&self) -> Verification {
        self.verify_with(&[])
    }

    fn verify_with(&self, outside: &[Head]) -> Verification {
        let reader = AuditLog::open_read_only(self.directory()).unwrap();
        reader.verify(outside, &mut |_| ControlFlow::Continue(())).unwrap()
    }

    fn copy(&self) -> Self {
        let copy = Self::new();
        std::fs::create_dir(copy.directory()).unwrap();
        std::fs::set_permissions(copy.directory(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        // The write-ahead log last: what is copied later can only be longer.
        let names = ["audit.head", "audit.key", "audit.signing-key", "audit.pub", "checkpoints.jsonl"];
        for name in names.into_iter().chain(["audit.db", "audit.db-wal"]) {
            let from = self.directory().join(name);
            if from.exists() {
                std::fs::copy(from, copy.directory().join(name)).unwrap();
            }
        }
        copy
    }
}

fn coverage() -> Coverage {
    let entry = |detector, status| DetectorCoverage {
        detector,
        status,
        bytes_scanned: 10,
        bytes_total: 10,
        digest: "ab12".into(),
    };
    Coverage {
        detectors: vec![
            entry(Detector::Pattern, Status::Complete),
            entry(Detector::Dictionary, Status::Complete),
            entry(Detector::Secret, Status::Failed("timed_out".into())),
            entry(Detector::Ner, Status::PermittedSkip("rules_reached_highest_level".into())),
        ],
    }
}

fn request(level_route: Option<Route>) -> DecisionInput {
    DecisionInput {
        operation: if level_route.is_some() { Operation::Dispatch } else { Operation::Classify },
        caller: Label::new("billing"),
        request_id: RequestId::parse("req-1").unwrap(),
        declared_level: None,
        provenance: Provenance {
            service_version: Label::token("0.1.0"),
            catalog: Label::token("c1"),
            dictionaries: Label::token("d1"),
            model: Label::token("m1"),
            calibration: Label::default(),
        },
        timings: Timings { rules_us: 11, ner_us: 0, policy_us: 2, total_us: 20 },
        routing: level_route.map(|route| Routing {
            redacted: None,
            route,
            ceiling: route,
            backend: Label::new("first"),
            model: Label::new("small"),
            complexity: Complexity::Simple,
            complexity_reasons: vec![Label::token("short_input")],
            rule: Label::token("public"),
            reason: Label::default(),
            escalated_from: None,
            overridden: None,
        }),
    }
}

/// A decision about this text with one finding over all of it.
fn decision_on(text: &str, level: Sensitivity, request: DecisionInput, key: &DigestKey) -> Decision {
    let document = Document::of(text);
    let finding = Finding {
        part: 0,
        range: 0..text.len(),
        entity_type: EntityType::new("CREDIT_CARD"),
        category: Category::Financial,
        score: 0.9,
        detector: Detector::Pattern,
        recognizer: "credit_card".into(),
        explanation: Explanation::default(),
    };
    let reason = Reason {
        rule: "cards".into(),
        level,
        description: "a card".into(),
        entity_types: vec![EntityType::new("CREDIT_CARD")],
    };
    let evidence = Evidence {
        document_id: document.id(),
        level,
        reasons: &[reason],
        findings: &[finding],
        topics: &[Topic { name: "health".into(), probability: 0.25 }],
        coverage: &coverage(),
        policy: &PolicyReference { name: "default".into(), version: "3".into(), digest: "ff00".into() },
    };
    Decision::from_evidence(request, &evidence, &document, key).unwrap()
}

fn decision(log: &AuditLog) -> Decision {
    decision_on("4111 1111 1111 1111", Sensitivity::Confidential, request(Some(Route::Local)), log.digest_key())
}

/// Appends this many decisions, waits for them, and closes the log.
async fn filled(records: u64) -> Fixture {
    let fixture = Fixture::new();
    let log = fixture.open();
    for _ in 0..records {
        log.append(decision(&log)).unwrap().durable().await.unwrap();
    }
    log.close().await.unwrap();
    fixture
}
