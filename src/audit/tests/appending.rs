//! Writing: order, durability, failure and recovery, and that no text reaches a file.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_records_are_each_acknowledged_once_and_in_order() {
    let fixture = Fixture::new();
    let log = Arc::new(fixture.open());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let log = Arc::clone(&log);
        tasks.spawn(async move {
            let mut positions = Vec::new();
            let pending: Vec<_> = (0..50).map(|_| log.append(decision(&log)).unwrap()).collect();
            for pending in pending {
                let id = pending.id();
                let durable = pending.durable().await.unwrap();
                assert_eq!(durable.decision_id(), id);
                positions.push(durable.sequence());
            }
            assert!(positions.is_sorted(), "one task's records keep their order");
            positions
        });
    }
    let mut all: Vec<u64> = tasks.join_all().await.into_iter().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, (1..=400).collect::<Vec<_>>());
    log.close().await.unwrap();
    assert!(fixture.verify().intact());
}

#[tokio::test]
async fn many_waiting_records_share_a_commit() {
    let mut fixture = Fixture::new();
    fixture.config.busy_timeout = Duration::from_secs(20);
    let log = fixture.open();
    let held = Connection::open(fixture.database()).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let pending: Vec<_> = (0..100).map(|_| log.append(decision(&log)).unwrap()).collect();
    held.execute_batch("ROLLBACK").unwrap();
    drop(held);
    for pending in pending {
        pending.durable().await.unwrap();
    }
    // The writer may have taken the first record alone before the others came.
    let stats = log.stats();
    assert_eq!((stats.written, stats.failed, stats.waiting), (100, 0, 0));
    assert!(stats.commits <= 3, "{stats:?}");
}

#[tokio::test]
async fn a_full_queue_is_an_error_at_once_and_loses_nothing_taken() {
    let mut fixture = Fixture::new();
    fixture.config.queue_entries = 3;
    fixture.config.busy_timeout = Duration::from_secs(20);
    let log = fixture.open();
    let held = Connection::open(fixture.database()).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut taken = Vec::new();
    let refused = loop {
        match log.append(decision(&log)) {
            Ok(pending) => taken.push(pending),
            Err(error) => break error,
        }
        assert!(taken.len() < 1000, "the queue is bounded");
    };
    assert!(matches!(refused, AuditError::Full { waiting: 3 }), "{refused}");
    assert_eq!(refused.kind(), crate::error::Kind::ResourceExhausted);
    held.execute_batch("ROLLBACK").unwrap();
    let count = taken.len() as u64;
    for pending in taken {
        pending.durable().await.unwrap();
    }
    log.close().await.unwrap();
    assert_eq!(fixture.verify().records, count);
}

#[tokio::test]
async fn a_full_disk_fails_the_records_and_space_brings_the_log_back() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut kept = vec![log.append(decision(&log)).unwrap().durable().await.unwrap().decision_id()];
    assert!(log.healthy());
    log.set_max_bytes(Some(1));
    let mut lost = Vec::new();
    // The last page may have room for a few more.
    while lost.len() < 3 {
        let pending = log.append(decision(&log)).unwrap();
        let id = pending.id();
        match pending.durable().await {
            Ok(_) => kept.push(id),
            Err(error) => {
                assert!(matches!(error, AuditError::WriteFailed { .. }), "{error}");
                assert!(error.to_string().contains("free disk space"), "{error}");
                assert!(error.kind().retryable());
                lost.push(id);
            }
        }
        assert!(kept.len() < 1000, "the limit holds");
    }
    assert!(!log.healthy());
    for id in &lost {
        assert!(matches!(log.reader().get(*id), Err(AuditError::NotFound(_))), "failed means not recorded");
    }
    log.set_max_bytes(None);
    // Without any request it notices by itself.
    for _ in 0..500 {
        if log.healthy() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(log.healthy());
    assert_eq!(log.stats().failed, lost.len() as u64);
    let after = log.append(decision(&log)).unwrap().durable().await.unwrap();
    assert_eq!(after.sequence(), kept.len() as u64 + 1, "no gap");
    log.close().await.unwrap();
    let verification = fixture.verify();
    assert!(verification.intact(), "{verification:?}");
    assert_eq!(verification.records, kept.len() as u64 + 1);
}

#[tokio::test]
async fn a_database_held_by_another_program_fails_and_recovers() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let held = Connection::open(fixture.database()).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let failed = log.append(decision(&log)).unwrap().durable().await.unwrap_err();
    assert!(failed.to_string().contains("another program"), "{failed}");
    held.execute_batch("ROLLBACK").unwrap();
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    assert!(log.healthy());
}

#[tokio::test]
async fn a_record_that_fails_alone_takes_no_other_with_it() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let first = decision(&log);
    let pending =
        [log.append(first.clone()).unwrap(), log.append(first.clone()).unwrap(), log.append(decision(&log)).unwrap()];
    let orphan = log.append_outcome(decision(&log).id, Outcome::new(OutcomeStatus::Completed)).unwrap();
    let outcome = log.append_outcome(first.id, Outcome::new(OutcomeStatus::Completed)).unwrap();
    let second = log.append_outcome(first.id, Outcome::new(OutcomeStatus::Failed)).unwrap();
    let [one, again, other] = pending;
    assert_eq!(one.durable().await.unwrap().sequence(), 1);
    assert!(matches!(again.durable().await, Err(AuditError::Duplicate(_))));
    assert_eq!(other.durable().await.unwrap().sequence(), 2);
    assert!(matches!(orphan.recorded().await, Err(AuditError::UnknownDecision(_))));
    assert_eq!(outcome.recorded().await.unwrap().0, 3);
    assert!(matches!(second.recorded().await, Err(AuditError::Duplicate(_))));
    assert!(log.healthy(), "the log is not at fault");
    log.close().await.unwrap();
    assert!(fixture.verify().intact());
}

#[tokio::test]
async fn the_proof_fits_its_document_and_ceiling_only() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let durable = async |routing| {
        let decision = decision_on("x", Sensitivity::Public, request(routing), log.digest_key());
        let document = decision.document_id;
        (log.append(decision).unwrap().durable().await.unwrap(), document)
    };
    let (cloud, document) = durable(Some(Route::Cloud)).await;
    assert!(cloud.covers(document, Route::Cloud) && cloud.covers(document, Route::Local));
    assert!(!cloud.covers(document + 1, Route::Cloud), "another document");
    let (local, document) = durable(Some(Route::Local)).await;
    assert!(local.covers(document, Route::Local) && !local.covers(document, Route::Cloud));
    let (classified, document) = durable(None).await;
    assert!(!classified.covers(document, Route::Local));
}

#[tokio::test]
async fn no_text_reaches_a_file() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let canary = "canary-9f3b-4417";
    let decision = decision_on(canary, Sensitivity::Confidential, request(Some(Route::Local)), log.digest_key());
    let plain = blake3::hash(canary.as_bytes()).to_hex().to_string();
    let id = log.append(decision).unwrap().durable().await.unwrap().decision_id();
    log.append_outcome(id, Outcome::new(OutcomeStatus::Completed)).unwrap().recorded().await.unwrap();
    let found =
        |bytes: &[u8], wanted: &str| String::from_utf8_lossy(bytes).to_lowercase().contains(&wanted.to_lowercase());
    let open = fixture.bytes();
    assert!(fixture.directory().join("audit.db-wal").exists());
    assert!(found(&open, "CREDIT_CARD"), "the search does find what is there");
    log.close().await.unwrap();
    for bytes in [open, fixture.bytes()] {
        for wanted in [canary, "9f3b", &plain] {
            assert!(!found(&bytes, wanted), "{wanted}");
        }
    }
}

#[tokio::test]
async fn every_file_is_private() {
    let fixture = Fixture::new();
    let log = fixture.open();
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(fixture.directory()), 0o700);
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(fixture.directory()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        seen.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    seen.sort();
    assert_eq!(seen, ["audit.db", "audit.db-shm", "audit.db-wal", "audit.head", "audit.key", "audit.lock"]);
    log.close().await.unwrap();
    std::fs::set_permissions(fixture.directory().join("audit.key"), PermissionsExt::from_mode(0o640)).unwrap();
    let refused = AuditLog::open(fixture.config.clone()).unwrap_err();
    assert!(matches!(refused, AuditError::OpenToOthers { mode: 0o640, wanted: 0o600, .. }), "{refused}");
}

#[tokio::test]
async fn a_second_writer_is_refused_and_a_reader_is_not() {
    let fixture = Fixture::new();
    let log = fixture.open();
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    let refused = AuditLog::open(fixture.config.clone()).unwrap_err();
    assert!(matches!(refused, AuditError::InUse { .. }), "{refused}");
    assert!(refused.to_string().contains(fixture.directory().to_str().unwrap()), "{refused}");
    assert!(fixture.verify().intact());
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    log.close().await.unwrap();
    fixture.open().close().await.unwrap();
}

#[tokio::test]
async fn closing_drains_and_then_refuses() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let pending: Vec<_> = (0..20).map(|_| log.append(decision(&log)).unwrap()).collect();
    log.close().await.unwrap();
    for pending in pending {
        pending.durable().await.unwrap();
    }
    assert!(matches!(log.append(decision(&log)), Err(AuditError::Closed)));
    assert!(!log.healthy());
    log.flush().await.unwrap_or_else(|error| assert!(matches!(error, AuditError::Closed)));
    log.close().await.unwrap();
    assert!(!fixture.directory().join("audit.db-wal").exists(), "a closed log is one file");
}

#[tokio::test]
async fn flush_waits_for_what_nobody_waits_for() {
    let fixture = Fixture::new();
    let log = fixture.open();
    for _ in 0..30 {
        drop(log.append(decision(&log)).unwrap());
    }
    log.flush().await.unwrap();
    assert_eq!(log.stats().waiting, 0);
    assert_eq!(fixture.verify().records, 30);
}

#[tokio::test]
async fn a_copy_taken_while_writing_is_a_valid_prefix() {
    let fixture = Fixture::new();
    let log = fixture.open();
    for round in 1..=5_u64 {
        for _ in 0..10 {
            drop(log.append(decision(&log)).unwrap());
        }
        log.flush().await.unwrap();
        let copy = fixture.copy();
        let reopened = copy.open();
        reopened.append(decision(&reopened)).unwrap().durable().await.unwrap();
        reopened.close().await.unwrap();
        let verification = copy.verify();
        assert!(verification.intact(), "{verification:?}");
        assert_eq!(verification.records, round * 10 + 1);
    }
}

const CHILD: &str = "CORDON_TEST_AUDIT_CHILD";

/// Not a test by itself: the process that the next test kills. It appends until then, and says what was acknowledged.
#[tokio::test]
async fn child_that_appends_until_killed() {
    let Ok(directory) = std::env::var(CHILD) else { return };
    let log = AuditLog::open(AuditConfig::in_directory(directory)).unwrap();
    loop {
        let pending: Vec<_> = (0..7).map(|_| log.append(decision(&log)).unwrap()).collect();
        for pending in pending {
            let durable = pending.durable().await.unwrap();
            println!("\ndurable {} {}", durable.sequence(), durable.hash());
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let fixture = Fixture::new();
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "audit::tests::appending::child_that_appends_until_killed", "--nocapture"])
            .env(CHILD, fixture.directory())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut acknowledged = None;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some(words) = line.strip_prefix("durable ") else { continue };
            let (sequence, hash) = words.split_once(' ').unwrap();
            acknowledged = Some(Head { sequence: sequence.parse().unwrap(), hash: ChainHash::from_hex(hash).unwrap() });
            if acknowledged.unwrap().sequence % 100 >= 50 {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let verification = fixture.verify_with(&[acknowledged.unwrap()]);
        assert!(verification.intact(), "{verification:?}");
        assert!(verification.head.sequence >= acknowledged.unwrap().sequence);
    }
}
