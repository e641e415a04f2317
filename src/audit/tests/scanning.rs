//! Scanning: all kinds in the order of the log, bounds of time and position, one end, and damage.

use super::*;
use jiff::{SignedDuration, Timestamp};

fn positions(reader: &AuditReader, range: &ScanRange) -> Vec<u64> {
    let mut seen = Vec::new();
    reader
        .scan(range, &mut |stored| {
            seen.push(stored.sequence);
            ControlFlow::Continue(())
        })
        .unwrap();
    seen
}

/// Decisions at the seconds 10, 20 and 30, the outcome of the first at 35, and a change at 40.
async fn of_known_times() -> (Fixture, Vec<DecisionId>) {
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut ids = Vec::new();
    for second in [10, 20, 30] {
        let next = Decision { time: Timestamp::from_second(second).unwrap(), ..decision(&log) };
        ids.push(log.append(next).unwrap().durable().await.unwrap().decision_id());
    }
    let outcome = Outcome { time: Timestamp::from_second(35).unwrap(), ..Outcome::new(OutcomeStatus::Completed) };
    log.append_outcome(ids[0], outcome).unwrap().recorded().await.unwrap();
    let change = Change { time: Timestamp::from_second(40).unwrap(), ..Change::new(ChangeKind::CloudClosed, "o", "") };
    log.append_change(change).unwrap().recorded().await.unwrap();
    log.close().await.unwrap();
    (fixture, ids)
}

fn range(since: Option<i64>, until: Option<i64>) -> ScanRange {
    let at = |second: Option<i64>| second.map(|second| Timestamp::from_second(second).unwrap());
    ScanRange { since: at(since), until: at(until), after_sequence: 0 }
}

#[tokio::test]
async fn every_kind_comes_in_the_order_of_the_log() {
    let (fixture, ids) = of_known_times().await;
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    let (mut kinds, mut head) = (Vec::new(), Head::EMPTY);
    let scanned = reader
        .scan_raw(&ScanRange::default(), &mut |raw| {
            head = head.then(&raw.body);
            assert_eq!((raw.sequence, raw.hash), (head.sequence, head.hash));
            assert_eq!(raw.decode().unwrap(), raw.decode_quickly().unwrap());
            kinds.push((raw.kind, raw.time_us / 1_000_000, raw.decision_id));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((scanned.end, scanned.visited), (head, 5));
    let start: Vec<_> = kinds.iter().map(|(kind, second, _)| (*kind, *second)).collect();
    let decision = RecordKind::Decision;
    let expected =
        [(decision, 10), (decision, 20), (decision, 30), (RecordKind::Outcome, 35), (RecordKind::Change, 40)];
    assert_eq!(start, expected);
    assert_eq!((kinds[0].2, kinds[3].2), (ids[0], ids[0]), "an outcome names its decision");
    assert_eq!(reader.extent().unwrap(), Extent { first: 1, last: 5, records: 5 });
}

#[tokio::test]
async fn bounds_of_time_let_late_outcomes_through() {
    let (fixture, _) = of_known_times().await;
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    assert_eq!(positions(&reader, &range(Some(20), None)), [2, 3, 4, 5]);
    assert_eq!(positions(&reader, &range(None, Some(20))), [1, 4], "the outcome comes later than its decision");
    assert_eq!(positions(&reader, &range(Some(20), Some(30))), [2, 4]);
    assert_eq!(positions(&reader, &range(Some(36), None)), [5]);
    assert_eq!(positions(&reader, &range(Some(99), None)), [0_u64; 0]);
    assert_eq!(positions(&reader, &ScanRange { after_sequence: 3, ..ScanRange::default() }), [4, 5]);
    assert_eq!(positions(&reader, &ScanRange { after_sequence: 99, ..ScanRange::default() }), [0_u64; 0]);
}

#[tokio::test]
async fn a_clock_that_went_back_hides_nothing() {
    let fixture = Fixture::new();
    let log = fixture.open();
    for second in [50, 10, 60] {
        let next = Decision { time: Timestamp::from_second(second).unwrap(), ..decision(&log) };
        log.append(next).unwrap().durable().await.unwrap();
    }
    assert_eq!(positions(log.reader(), &range(Some(40), None)), [1, 3]);
    assert_eq!(positions(log.reader(), &range(None, Some(40))), [2]);
}

#[tokio::test]
async fn a_scan_ends_where_the_log_ended_and_stops_when_told() {
    let fixture = Fixture::new();
    let log = fixture.open();
    for _ in 0..3 {
        log.append(decision(&log)).unwrap().durable().await.unwrap();
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let reader = log.reader().clone();
    let scanning = std::thread::spawn(move || {
        let mut seen = 0;
        let scanned = reader.scan(&ScanRange::default(), &mut |_| {
            seen += 1;
            if seen == 1 {
                receiver.recv().unwrap();
            }
            ControlFlow::Continue(())
        });
        (seen, scanned.unwrap().end.sequence)
    });
    for _ in 0..5 {
        log.append(decision(&log)).unwrap().durable().await.unwrap();
    }
    sender.send(()).unwrap();
    let (seen, end) = scanning.join().unwrap();
    assert_eq!(seen, end, "{seen} records up to {end}");
    let mut seen = 0;
    let scanned = log.reader().scan(&ScanRange::default(), &mut |_| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((seen, scanned.unwrap().visited), (2, 2));
}

#[tokio::test]
async fn damage_is_named_by_position() {
    let (fixture, _) = of_known_times().await;
    fixture.tamper().execute("UPDATE records SET body = x'7b7d' WHERE sequence = 3", []).unwrap();
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    let error = reader.scan(&ScanRange::default(), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(matches!(error, AuditError::Damaged { sequence: 3 }), "{error}");
}

#[tokio::test]
async fn a_range_may_begin_between_microseconds() {
    let (fixture, _) = of_known_times().await;
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    let since = Timestamp::from_second(20).unwrap().checked_add(SignedDuration::from_nanos(1)).unwrap();
    assert_eq!(positions(&reader, &ScanRange { since: Some(since), ..ScanRange::default() }), [3, 4, 5]);
}
