//! Retention: what goes, what stays verifiable, and that a gap without a signed record is a fault.

use super::*;
use crate::audit::seals::Evidence;
use jiff::Timestamp;

/// A signed log with a checkpoint after every fifth record and one decision a second, from second 1 on.
async fn old_log(decisions: i64) -> Fixture {
    let fixture = Fixture::signed(5);
    add(&fixture, 1..=decisions).await;
    fixture
}

async fn add(fixture: &Fixture, seconds: std::ops::RangeInclusive<i64>) {
    let log = fixture.open();
    for second in seconds {
        let next = Decision { time: Timestamp::from_second(second).unwrap(), ..decision(&log) };
        log.append(next).unwrap().durable().await.unwrap();
    }
    log.close().await.unwrap();
}

async fn prune(fixture: &Fixture, keep_from: i64) -> Result<Option<Pruned>, AuditError> {
    let log = fixture.open();
    let pruned = log.prune(Timestamp::from_second(keep_from).unwrap(), "operator").await;
    log.close().await.unwrap();
    pruned
}

fn verified(fixture: &Fixture) -> Verification {
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    let public_keys = Some(reader.public_keys().unwrap());
    let evidence = Evidence { public_keys, ..Evidence::default() };
    reader.verify_against(&evidence, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn positions(fixture: &Fixture) -> Vec<u64> {
    let mut seen = Vec::new();
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    reader
        .scan_raw(&ScanRange::default(), &mut |raw| {
            seen.push(raw.sequence);
            ControlFlow::Continue(())
        })
        .unwrap();
    seen
}

#[tokio::test]
async fn old_records_go_and_the_rest_verifies() {
    let fixture = old_log(20).await;
    let before = verified(&fixture);
    assert_eq!((before.head.sequence, before.removed), (24, 0), "20 decisions and 4 checkpoints");
    // Decisions of the seconds 1 to 12 are older; the newest checkpoint with only such before it is the second, at 12.
    let pruned = prune(&fixture, 13).await.unwrap().unwrap();
    assert_eq!((pruned.first, pruned.last, pruned.records()), (1, 11, 11));
    assert_eq!(positions(&fixture), (12..=26).collect::<Vec<_>>());
    let after = verified(&fixture);
    assert!(after.intact(), "{after:?}");
    assert_eq!((after.removed, after.records, after.unproven_records()), (11, 15, 0));
    assert!(after.unproven.contains(&Unproven::Removed { last: 11 }), "{after:?}");

    add(&fixture, 21..=30).await;
    let more = verified(&fixture);
    assert!(more.intact() && more.unproven_records() == 0, "{more:?}");
    let list =
        AuditLog::open_read_only(fixture.directory()).unwrap().list(&DecisionFilter::default(), "", 100).unwrap();
    assert_eq!(list.decisions.len(), 20, "the decisions 11 to 30");

    // Once more, over the record of the first removal.
    let pruned = prune(&fixture, 29).await.unwrap().unwrap();
    assert_eq!(pruned.first, 12);
    let again = verified(&fixture);
    assert!(again.intact(), "{again:?}");
    assert_eq!(again.removed, pruned.last);
    add(&fixture, 31..=31).await;
    assert!(verified(&fixture).intact());
}

#[tokio::test]
async fn nothing_old_enough_changes_nothing() {
    let fixture = old_log(20).await;
    let before = positions(&fixture);
    assert_eq!(prune(&fixture, 1).await.unwrap(), None);
    assert_eq!(prune(&fixture, 5).await.unwrap(), None, "the first checkpoint has newer decisions before it");
    assert_eq!(positions(&fixture), before);
}

#[tokio::test]
async fn a_gap_without_a_signed_record_is_a_fault() {
    let fixture = old_log(20).await;
    fixture.tamper().execute("DELETE FROM records WHERE sequence < 12", []).unwrap();
    let found = verified(&fixture).fault.unwrap();
    assert_eq!(found, Fault { sequence: 1, problem: Problem::Removed { next: 12 } });
}

#[tokio::test]
async fn more_may_not_go_than_the_signed_record_says() {
    let fixture = old_log(20).await;
    prune(&fixture, 13).await.unwrap().unwrap();
    let connection = fixture.tamper();
    connection.execute("DELETE FROM records WHERE sequence < 18", []).unwrap();
    let found = verified(&fixture).fault.unwrap();
    assert_eq!(found, Fault { sequence: 12, problem: Problem::Removed { next: 18 } });
}

#[tokio::test]
async fn a_removal_of_ones_own_making_is_found() {
    let fixture = old_log(20).await;
    let taken = old_log(20).await;
    // A signed record of another log, put at the end by somebody who can compute the chain.
    prune(&taken, 13).await.unwrap().unwrap();
    let connection = fixture.tamper();
    connection.execute("ATTACH ?1 AS other", [taken.database().to_str().unwrap()]).unwrap();
    connection
        .execute_batch(
            "INSERT INTO records SELECT * FROM other.records WHERE kind = 5; DELETE FROM records WHERE sequence < 12;",
        )
        .unwrap();
    let found = verified(&fixture).fault.unwrap();
    assert!(matches!(found, Fault { sequence: 25, problem: Problem::ForeignKey { .. } }), "{found}");
}

#[tokio::test]
async fn what_was_tampered_with_is_not_swept_away() {
    let fixture = old_log(20).await;
    super::tampering::soften(&fixture.tamper(), 3);
    let before = positions(&fixture);
    let refused = prune(&fixture, 13).await.unwrap_err();
    assert!(matches!(refused, AuditError::Damaged { sequence: 3 }), "{refused}");
    assert_eq!(positions(&fixture), before);
}

#[tokio::test]
async fn a_removal_that_a_crash_interrupted_goes_on() {
    let fixture = old_log(20).await;
    let old = fixture.copy();
    prune(&fixture, 13).await.unwrap().unwrap();
    // The rows come back, as if the deletion had stopped in the middle.
    let connection = fixture.tamper();
    connection.execute("ATTACH ?1 AS other", [old.database().to_str().unwrap()]).unwrap();
    connection
        .execute_batch("INSERT INTO records SELECT * FROM other.records WHERE sequence BETWEEN 7 AND 11")
        .unwrap();
    drop(connection);
    let found = verified(&fixture);
    assert!(found.intact(), "{found:?}");
    assert!(found.unproven.contains(&Unproven::RemovalUnfinished { records: 5 }), "{found:?}");
    let log = fixture.open();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while positions(&fixture)[0] != 12 && std::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    log.close().await.unwrap();
    assert_eq!(positions(&fixture)[0], 12);
    assert!(verified(&fixture).intact());
}

#[tokio::test]
async fn the_service_removes_by_age_of_itself_and_gives_space_back() {
    let mut fixture = Fixture::signed(100);
    let log = fixture.open();
    for second in 1..=2000 {
        let next = Decision { time: Timestamp::from_second(second).unwrap(), ..decision(&log) };
        drop(log.append(next).unwrap());
    }
    log.flush().await.unwrap();
    log.close().await.unwrap();
    let size = || std::fs::metadata(fixture.database()).unwrap().len();
    let before = size();
    fixture.config.keep_days = Some(30);
    let log = AuditLog::open(fixture.config.clone()).unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while log.reader().extent().unwrap().first < 1500 && std::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    log.close().await.unwrap();
    let after = std::fs::metadata(fixture.database()).unwrap().len();
    assert!(after < before / 4, "{after} of {before} bytes");
    let found = verified(&fixture);
    assert!(found.intact() && found.removed > 1500, "{found:?}");
    fixture.config.keep_days = None;
}

#[tokio::test]
async fn records_are_taken_while_others_go_and_a_verifier_looks_on() {
    let fixture = Fixture::signed(50);
    add(&fixture, 1..=600).await;
    let log = std::sync::Arc::new(fixture.open());
    let pruning = {
        let log = std::sync::Arc::clone(&log);
        tokio::spawn(async move { log.prune(Timestamp::from_second(550).unwrap(), "operator").await })
    };
    for _ in 0..50 {
        log.append(decision(&log)).unwrap().durable().await.unwrap();
        let found = log.reader().verify_async(Vec::new(), |_| ControlFlow::Continue(())).await.unwrap();
        assert!(found.intact(), "{found:?}");
    }
    assert!(pruning.await.unwrap().unwrap().unwrap().records() > 400);
    log.close().await.unwrap();
    assert!(verified(&fixture).intact());
}

#[tokio::test]
async fn a_log_without_checkpoints_is_not_shortened() {
    let fixture = filled(3).await;
    let refused = prune(&fixture, i64::from(u32::MAX)).await.unwrap_err();
    assert!(matches!(refused, AuditError::Unsigned), "{refused}");
}
