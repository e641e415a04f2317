//! Signed checkpoints: when they are made, what they prove, and each way to get round them.

use super::*;
use crate::audit::seals::Evidence;
use crate::audit::tests::tampering::{rehash, soften};

/// A signed log with so many decisions and a checkpoint after every fifth record; closed.
async fn signed_log(decisions: u64) -> Fixture {
    let fixture = Fixture::signed(5);
    add(&fixture, decisions).await;
    fixture
}

async fn add(fixture: &Fixture, decisions: u64) {
    let log = fixture.open();
    for _ in 0..decisions {
        log.append(decision(&log)).unwrap().durable().await.unwrap();
    }
    log.close().await.unwrap();
}

fn keys(fixture: &Fixture) -> Vec<PublicKey> {
    AuditLog::open_read_only(fixture.directory()).unwrap().public_keys().unwrap()
}

fn against(fixture: &Fixture, evidence: &Evidence) -> Verification {
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    reader.verify_against(evidence, &mut |_| ControlFlow::Continue(())).unwrap()
}

fn with_keys(fixture: &Fixture, keys: Vec<PublicKey>) -> Verification {
    against(fixture, &Evidence { public_keys: Some(keys), ..Evidence::default() })
}

fn fault(fixture: &Fixture, keys: &[PublicKey]) -> Fault {
    with_keys(fixture, keys.to_vec()).fault.unwrap()
}

fn checkpoints(fixture: &Fixture) -> Vec<(u64, Checkpoint)> {
    let mut found = Vec::new();
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    reader
        .scan(&ScanRange::default(), &mut |stored| {
            if let Record::Checkpoint(checkpoint) = stored.record {
                found.push((stored.sequence, *checkpoint));
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

/// Writes all three heads, as somebody would who remakes the chain.
fn put_heads(fixture: &Fixture, connection: &Connection, head: Head) {
    connection
        .execute("UPDATE head SET sequence = ?1, hash = ?2", (head.sequence as i64, head.hash.as_bytes()))
        .unwrap();
    files::HeadFile::open(&fixture.directory().join("audit.head")).unwrap().write(&head).unwrap();
}

/// Puts another checkpoint in the place of the one at this position.
fn put_checkpoint(connection: &Connection, position: u64, checkpoint: Checkpoint) {
    let record = Record::Checkpoint(Box::new(checkpoint));
    let (columns, body) = (row::Columns::of(&record), body::encode(&record).unwrap());
    let changed = connection
        .execute(
            "UPDATE records SET body = ?1, decision_id = ?2, time_us = ?3 WHERE sequence = ?4",
            (body, columns.decision_id, columns.time_us, position as i64),
        )
        .unwrap();
    assert_eq!(changed, 1);
}

#[tokio::test]
async fn checkpoints_come_after_so_many_records_and_at_the_end() {
    let fixture = signed_log(12).await;
    let found = checkpoints(&fixture);
    let positions: Vec<_> = found.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, [6, 12, 15]);
    let (first, second) = (&found[0].1, &found[1].1);
    assert_eq!((first.number, first.previous, first.sequence, first.records), (1, None, 5, 5));
    assert_eq!((second.number, second.previous, second.records), (2, Some(first.signature), 11));
    let copies = std::fs::read_to_string(fixture.directory().join("checkpoints.jsonl")).unwrap();
    assert_eq!(copies.lines().count(), 3);
    add(&fixture, 0).await;
    assert_eq!(checkpoints(&fixture).len(), 3, "nothing new, nothing signed");
}

#[tokio::test]
async fn a_checkpoint_comes_after_some_time_without_a_new_record() {
    let mut fixture = Fixture::signed(1000);
    fixture.config.checkpoints.as_mut().unwrap().every = Duration::from_millis(50);
    let log = fixture.open();
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while checkpoints(&fixture).is_empty() && std::time::Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(checkpoints(&fixture).len(), 1);
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(checkpoints(&fixture).len(), 1, "a checkpoint alone needs no other");
}

#[tokio::test]
async fn a_signed_log_is_proven_to_its_newest_checkpoint_and_no_further() {
    let fixture = signed_log(12).await;
    let key = keys(&fixture);
    let verification = with_keys(&fixture, key.clone());
    assert!(verification.intact(), "{verification:?}");
    assert_eq!((verification.proven, verification.unproven_records(), verification.checkpoints), (15, 0, 3));
    assert_eq!(verification.unproven, [Unproven::NoOutsideEnd]);
    let beside = fixture.verify();
    assert_eq!(beside.proven, 15);
    assert_eq!(beside.unproven, [Unproven::NoOutsideHead, Unproven::KeyBesideLog]);

    let kept = fixture.directory().parent().unwrap().join("kept.jsonl");
    std::fs::copy(fixture.directory().join("checkpoints.jsonl"), &kept).unwrap();
    let evidence = Evidence { public_keys: Some(key.clone()), checkpoints: Some(kept), ..Evidence::default() };
    assert_eq!(against(&fixture, &evidence).unproven, []);

    // A writer at work: what it has not signed yet is not proven.
    let log = fixture.open();
    for _ in 0..2 {
        log.append(decision(&log)).unwrap().durable().await.unwrap();
    }
    let live = against(&fixture, &evidence);
    assert!(live.intact());
    assert_eq!((live.proven, live.unproven_records()), (15, 2));
    let expected = [Unproven::NewerThanOutsideHead { from: 16, to: 17 }, Unproven::Unsigned { from: 16, to: 17 }];
    assert_eq!(live.unproven, expected);
}

#[tokio::test]
async fn a_log_from_before_checkpoints_goes_on_with_them() {
    let mut fixture = Fixture::new();
    add(&fixture, 3).await;
    let unsigned = with_keys(&fixture, Vec::new());
    assert!(unsigned.intact() && unsigned.unproven.contains(&Unproven::Unsigned { from: 1, to: 3 }), "{unsigned:?}");
    fixture.config.checkpoints = Some(Checkpoints::default());
    add(&fixture, 1).await;
    let verification = with_keys(&fixture, keys(&fixture));
    assert!(verification.intact(), "{verification:?}");
    assert_eq!((verification.proven, verification.unproven_records()), (5, 0), "one signature covers all before it");
}

#[tokio::test]
async fn a_chain_made_anew_without_the_key_is_found() {
    let fixture = signed_log(12).await;
    let key = keys(&fixture);
    let connection = fixture.tamper();
    soften(&connection, 8);
    let head = rehash(&connection, 1);
    put_heads(&fixture, &connection, head);
    std::fs::remove_file(fixture.directory().join("checkpoints.jsonl")).unwrap();
    assert_eq!(fault(&fixture, &key), Fault { sequence: 12, problem: Problem::Rechained { from: 6, to: 11 } });

    // The checkpoints rewritten as well, as far as that goes without the key.
    for (position, checkpoint) in checkpoints(&fixture) {
        let before: Vec<u8> = connection
            .query_row("SELECT hash FROM records WHERE sequence = ?1", [position as i64 - 1], |row| row.get(0))
            .unwrap();
        put_checkpoint(
            &connection,
            position,
            Checkpoint { hash: ChainHash::from_slice(&before).unwrap(), ..checkpoint },
        );
        let head = rehash(&connection, 1);
        put_heads(&fixture, &connection, head);
    }
    assert_eq!(fault(&fixture, &key), Fault { sequence: 12, problem: Problem::BadSignature });
}

#[tokio::test]
async fn a_checkpoint_of_another_key_is_named() {
    let fixture = signed_log(12).await;
    let key = keys(&fixture);
    let connection = fixture.tamper();
    let stranger = signing::SigningKey::generate().unwrap();
    let (position, whole) = checkpoints(&fixture).remove(1);
    let vouched = checkpoint::Vouched {
        log: &whole.log,
        number: whole.number,
        head: Head { sequence: whole.sequence, hash: whole.hash },
        records: whole.records,
        previous: whole.previous,
        next_key: None,
    };
    put_checkpoint(&connection, position, Checkpoint::sign(&vouched, &stranger).unwrap());
    let head = rehash(&connection, 1);
    put_heads(&fixture, &connection, head);
    let found = fault(&fixture, &key);
    let (foreign, own) = (stranger.public().id().to_string(), key[0].id().to_string());
    assert_eq!(found, Fault { sequence: 12, problem: Problem::ForeignKey { key: foreign, expected: Some(own) } });
    assert!(found.to_string().contains("signed by another key"), "{found}");

    // All of a log that another key signed.
    let other = signed_log(2).await;
    let found = fault(&other, &key);
    assert!(matches!(found, Fault { sequence: 3, problem: Problem::ForeignKey { expected: None, .. } }), "{found}");
}

#[tokio::test]
async fn a_dropped_checkpoint_is_found_by_the_next() {
    let fixture = signed_log(12).await;
    let key = keys(&fixture);
    let connection = fixture.tamper();
    connection.execute("DELETE FROM records WHERE sequence = 12", []).unwrap();
    connection.execute("UPDATE records SET sequence = sequence + 100 WHERE sequence > 12", []).unwrap();
    connection.execute("UPDATE records SET sequence = sequence - 101 WHERE sequence > 100", []).unwrap();
    let head = rehash(&connection, 1);
    put_heads(&fixture, &connection, head);
    std::fs::remove_file(fixture.directory().join("checkpoints.jsonl")).unwrap();
    let found = fault(&fixture, &key);
    assert!(matches!(found, Fault { sequence: 14, problem: Problem::Checkpoint(_) }), "{found}");
}

#[tokio::test]
async fn a_log_cut_back_to_an_older_checkpoint_is_told_by_the_copies() {
    let fixture = signed_log(12).await;
    let key = keys(&fixture);
    let kept = fixture.directory().parent().unwrap().join("kept.jsonl");
    std::fs::copy(fixture.directory().join("checkpoints.jsonl"), &kept).unwrap();
    let connection = fixture.tamper();
    connection.execute("DELETE FROM records WHERE sequence > 12", []).unwrap();
    let hash: Vec<u8> =
        connection.query_row("SELECT hash FROM records WHERE sequence = 12", [], |row| row.get(0)).unwrap();
    put_heads(&fixture, &connection, Head { sequence: 12, hash: ChainHash::from_slice(&hash).unwrap() });
    let cut = |witness| Fault { sequence: 13, problem: Problem::CutOff { end: 12, remembered: 15, witness } };
    assert_eq!(fault(&fixture, &key), cut(Witness::Copies));
    let own = fixture.directory().join("checkpoints.jsonl");
    let shorter: String = std::fs::read_to_string(&own).unwrap().lines().take(2).map(|l| format!("{l}\n")).collect();
    std::fs::write(&own, shorter).unwrap();
    let silent = with_keys(&fixture, key.clone());
    assert!(silent.intact() && silent.unproven == [Unproven::NoOutsideEnd, Unproven::Schema], "{silent:?}");
    let evidence = Evidence { public_keys: Some(key), checkpoints: Some(kept), ..Evidence::default() };
    assert_eq!(against(&fixture, &evidence).fault.unwrap(), cut(Witness::Checkpoints));
}

#[tokio::test]
async fn lines_that_are_no_checkpoints_accuse_nobody_and_are_told() {
    let fixture = signed_log(12).await;
    let key = keys(&fixture);
    let other = signed_log(20).await;
    let foreign = other.directory().join("checkpoints.jsonl");
    let evidence = Evidence { public_keys: Some(key.clone()), checkpoints: Some(foreign), ..Evidence::default() };
    let found = against(&fixture, &evidence);
    assert!(found.intact(), "{found:?}");
    let lines = Unproven::ForeignCopies { lines: 4, witness: CopiesOf::Asker };
    assert!(found.unproven.contains(&lines), "{found:?}");
    let own = fixture.directory().join("checkpoints.jsonl");
    let text = std::fs::read_to_string(&own).unwrap();
    std::fs::write(&own, format!("nonsense\n{text}")).unwrap();
    let found = with_keys(&fixture, key);
    let line = Unproven::UnreadableCopies { line: 1, witness: CopiesOf::Log };
    assert!(found.intact() && found.unproven.contains(&line), "{found:?}");
}

#[tokio::test]
async fn copies_that_are_behind_or_cut_short_are_brought_up_to_date() {
    let fixture = signed_log(12).await;
    let own = fixture.directory().join("checkpoints.jsonl");
    let whole = std::fs::read_to_string(&own).unwrap();
    std::fs::write(&own, &whole[..whole.len() * 2 / 3 - 20]).unwrap();
    add(&fixture, 0).await;
    assert_eq!(std::fs::read_to_string(&own).unwrap(), whole);
    std::fs::remove_file(&own).unwrap();
    add(&fixture, 0).await;
    assert_eq!(std::fs::read_to_string(&own).unwrap(), whole);
}

#[tokio::test]
async fn a_lost_or_another_signing_key_stops_the_writer() {
    let fixture = signed_log(2).await;
    let path = fixture.directory().join("audit.signing-key");
    let kept = std::fs::read(&path).unwrap();
    for change in ["gone", "other"] {
        std::fs::remove_file(&path).unwrap();
        if change == "other" {
            signing::SigningKey::generate().unwrap().store(&path).unwrap();
        }
        let refused = AuditLog::open(fixture.config.clone()).unwrap_err();
        assert!(matches!(refused, AuditError::ForeignSigningKey { .. }), "{refused}");
        assert_eq!(refused.kind(), crate::error::Kind::FailedPrecondition);
        assert!(change == "other" || !path.exists(), "no new key is made for an old log");
        files::create_private(&path, &kept).unwrap();
    }
    fixture.open().close().await.unwrap();
}

#[tokio::test]
async fn a_key_hands_over_to_the_next() {
    let fixture = signed_log(2).await;
    let old = keys(&fixture);
    let new = rotate_signing_key(&fixture.config).unwrap();
    assert_eq!(keys(&fixture), [old[0], new]);
    add(&fixture, 7).await;
    let verification = with_keys(&fixture, old.clone());
    assert!(verification.intact(), "{verification:?}");
    assert_eq!(verification.unproven_records(), 0, "the first key is enough");
    let found = fault(&fixture, &[new]);
    assert!(matches!(found, Fault { sequence: 3, problem: Problem::ForeignKey { .. } }), "{found}");

    // The old key must not sign any more.
    let connection = fixture.tamper();
    let (position, newest) = checkpoints(&fixture).pop().unwrap();
    put_checkpoint(&connection, position, Checkpoint { key: old[0].id(), ..newest });
    let head = rehash(&connection, 1);
    put_heads(&fixture, &connection, head);
    let found = fault(&fixture, &old);
    let expected = Some(new.id().to_string());
    assert_eq!(found.problem, Problem::ForeignKey { key: old[0].id().to_string(), expected });
}

#[tokio::test]
async fn a_hand_over_that_a_crash_interrupted_is_finished() {
    let fixture = signed_log(2).await;
    let path = fixture.directory().join("audit.signing-key");
    let old = std::fs::read(&path).unwrap();
    rotate_signing_key(&fixture.config).unwrap();
    // The log names the new key, and the files are as before the last step.
    std::fs::rename(&path, fixture.directory().join("audit.signing-key.next")).unwrap();
    files::create_private(&path, &old).unwrap();
    add(&fixture, 3).await;
    assert!(!fixture.directory().join("audit.signing-key.next").exists());
    let verification = with_keys(&fixture, keys(&fixture));
    assert!(verification.intact() && verification.unproven_records() == 0, "{verification:?}");
}

#[tokio::test]
async fn verifying_beside_a_writer_finds_no_false_fault() {
    let fixture = Fixture::signed(7);
    let log = std::sync::Arc::new(fixture.open());
    let writer = {
        let log = std::sync::Arc::clone(&log);
        tokio::spawn(async move {
            for _ in 0..400 {
                log.append(decision(&log)).unwrap().durable().await.unwrap();
            }
        })
    };
    let mut rounds = 0;
    while !writer.is_finished() {
        let reader = log.reader().clone();
        let found = tokio::task::spawn_blocking(move || reader.verify(&[], &mut |_| ControlFlow::Continue(())));
        let found = found.await.unwrap().unwrap();
        assert!(found.intact(), "{found:?}");
        rounds += 1;
    }
    writer.await.unwrap();
    assert!(rounds > 1, "{rounds}");
    // And an edit under the writer's hands is found.
    soften(&fixture.tamper(), 30);
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    let found = fixture.verify().fault.unwrap();
    assert_eq!(found, Fault { sequence: 30, problem: Problem::Changed });
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    // Root may write everywhere, so a file stands where the directory should be.
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("audit");
    std::fs::write(&path, "a file").unwrap();
    let error = AuditLog::open(AuditConfig::in_directory(&path)).unwrap_err();
    assert!(matches!(&error, AuditError::Io { .. }) && error.to_string().contains("audit"), "{error}");
    let mut config = AuditConfig::in_directory(outer.path().join("log"));
    config.checkpoints = Some(Checkpoints { key: Some(path.join("key")), ..Checkpoints::default() });
    let error = AuditLog::open(config).unwrap_err();
    assert!(error.to_string().contains("audit/key"), "{error}");
}
