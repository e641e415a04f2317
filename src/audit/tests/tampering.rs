//! Each way to change the log is found, and the record at fault is named.

use super::*;

fn fault(fixture: &Fixture) -> Fault {
    fixture.verify().fault.unwrap()
}

/// Takes all rows out and puts them back under the positions that `place` gives.
fn rearrange(fixture: &Fixture, place: impl Fn(i64) -> i64) {
    let connection = fixture.tamper();
    // Far away first, so that no two rows meet.
    connection.execute("UPDATE records SET sequence = sequence + 1000", []).unwrap();
    let rows: i64 = connection.query_row("SELECT count(*) FROM records", [], |row| row.get(0)).unwrap();
    for from in 1..=rows {
        connection.execute("UPDATE records SET sequence = ?1 WHERE sequence = ?2", (place(from), from + 1000)).unwrap();
    }
}

/// Computes all hashes anew from `first` on, as someone would who knows the format, and leaves the heads alone.
pub(super) fn rehash(connection: &Connection, first: i64) -> Head {
    let mut head = Head::EMPTY;
    let mut statement = connection.prepare("SELECT sequence, body FROM records ORDER BY sequence").unwrap();
    let rows: Vec<(i64, Vec<u8>)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().collect::<Result<_, _>>().unwrap();
    for (sequence, body) in rows {
        head = head.then(&body);
        if sequence >= first {
            connection
                .execute("UPDATE records SET hash = ?1 WHERE sequence = ?2", (head.hash.as_bytes(), sequence))
                .unwrap();
        }
    }
    head
}

/// Writes `internal` for `confidential` into a body, which keeps it a record in its one form.
pub(super) fn soften(connection: &Connection, sequence: i64) {
    let body: Vec<u8> =
        connection.query_row("SELECT body FROM records WHERE sequence = ?1", [sequence], |row| row.get(0)).unwrap();
    let body = String::from_utf8(body).unwrap().replace("confidential", "internal");
    let changed = connection
        .execute("UPDATE records SET body = ?1, level = 20 WHERE sequence = ?2", (body.as_bytes(), sequence))
        .unwrap();
    assert_eq!(changed, 1);
}

#[tokio::test]
async fn a_whole_log_is_intact_and_says_what_it_cannot_prove() {
    let fixture = filled(7).await;
    let verification = fixture.verify();
    assert!(verification.intact(), "{verification:?}");
    assert_eq!((verification.records, verification.decisions, verification.outcomes), (7, 7, 0));
    assert_eq!(verification.head.sequence, 7);
    assert_eq!(verification.unproven, [Unproven::NoOutsideHead, Unproven::Unsigned { from: 1, to: 7 }]);
    assert_eq!((verification.proven, verification.unproven_records()), (0, 7));
    let with_head = fixture.verify_with(&[verification.head]);
    assert_eq!(with_head.unproven, []);
    assert_eq!((with_head.proven, with_head.unproven_records()), (7, 0));
}

#[tokio::test]
async fn an_empty_log_is_intact() {
    let fixture = filled(0).await;
    let verification = fixture.verify();
    assert!(verification.intact(), "{verification:?}");
    assert_eq!(verification.head, Head::EMPTY);
}

#[tokio::test]
async fn an_edited_record_is_named() {
    let fixture = filled(5).await;
    soften(&fixture.tamper(), 3);
    assert_eq!(fault(&fixture), Fault { sequence: 3, problem: Problem::Changed });
    let verification = fixture.verify();
    assert_eq!(verification.head.sequence, 2, "the last that is proven");
    assert!(verification.unproven.contains(&Unproven::RestOfLog));
    assert!(verification.unproven.contains(&Unproven::Schema), "the triggers are gone");
}

#[tokio::test]
async fn an_edited_record_with_a_new_hash_breaks_the_next() {
    let fixture = filled(5).await;
    let connection = fixture.tamper();
    soften(&connection, 3);
    let keep: Vec<u8> =
        connection.query_row("SELECT hash FROM records WHERE sequence = 4", [], |row| row.get(0)).unwrap();
    rehash(&connection, 3);
    connection.execute("UPDATE records SET hash = ?1 WHERE sequence = 4", [keep]).unwrap();
    assert_eq!(fault(&fixture), Fault { sequence: 4, problem: Problem::Changed });
}

#[tokio::test]
async fn a_removed_record_is_named() {
    let fixture = filled(5).await;
    fixture.tamper().execute("DELETE FROM records WHERE sequence IN (2, 3)", []).unwrap();
    assert_eq!(fault(&fixture), Fault { sequence: 2, problem: Problem::Removed { next: 4 } });
}

#[tokio::test]
async fn a_removed_record_is_named_when_the_rest_moves_up() {
    let fixture = filled(5).await;
    let connection = fixture.tamper();
    connection.execute("DELETE FROM records WHERE sequence = 2", []).unwrap();
    connection.execute("UPDATE records SET sequence = sequence + 100 WHERE sequence > 2", []).unwrap();
    connection.execute("UPDATE records SET sequence = sequence - 101 WHERE sequence > 100", []).unwrap();
    assert_eq!(fault(&fixture), Fault { sequence: 2, problem: Problem::Changed });
}

#[tokio::test]
async fn reordered_records_are_named_with_the_place_of_the_right_one() {
    let fixture = filled(6).await;
    rearrange(&fixture, |from| match from {
        2 => 5,
        5 => 2,
        other => other,
    });
    assert_eq!(fault(&fixture), Fault { sequence: 2, problem: Problem::OutOfPlace { found_at: 5 } });
}

#[tokio::test]
async fn an_inserted_record_is_named() {
    let (fixture, other) = (filled(4).await, filled(1).await);
    rearrange(&fixture, |from| if from >= 3 { from + 1 } else { from });
    let connection = Connection::open(fixture.database()).unwrap();
    connection.execute("ATTACH ?1 AS other", [other.database().to_str().unwrap()]).unwrap();
    connection
        .execute_batch(
            "INSERT INTO records SELECT 3, kind, decision_id, time_us, level, route, caller, request_id, hash, body
             FROM other.records",
        )
        .unwrap();
    assert_eq!(fault(&fixture), Fault { sequence: 3, problem: Problem::OutOfPlace { found_at: 4 } });
}

#[tokio::test]
async fn a_record_put_in_at_the_end_or_before_the_first_is_named() {
    let fixture = filled(3).await;
    let connection = fixture.tamper();
    let copy =
        "INSERT INTO records SELECT ?1, kind, zeroblob(16), time_us, level, route, caller, request_id, hash, body
                FROM records WHERE sequence = 1";
    connection.execute(copy, [4]).unwrap();
    assert_eq!(fault(&fixture).sequence, 4);
    connection.execute("DELETE FROM records WHERE sequence = 4", []).unwrap();
    connection.pragma_update(None, "ignore_check_constraints", true).unwrap();
    connection.execute(copy, [-5]).unwrap();
    assert_eq!(fault(&fixture), Fault { sequence: 1, problem: Problem::PutIn { position: -5 } });
}

#[tokio::test]
async fn a_cut_tail_is_told_by_the_head_row_and_stops_the_writer() {
    let fixture = filled(5).await;
    fixture.tamper().execute("DELETE FROM records WHERE sequence > 3", []).unwrap();
    let found = fault(&fixture);
    assert_eq!(found.sequence, 4);
    assert!(matches!(found.problem, Problem::CutOff { end: 3, remembered: 5, .. }), "{found}");
    let refused = AuditLog::open(fixture.config.clone()).unwrap_err();
    assert!(matches!(refused, AuditError::BrokenTail { .. }), "{refused}");
    assert_eq!(refused.kind(), crate::error::Kind::FailedPrecondition);
}

#[tokio::test]
async fn a_cut_tail_with_its_head_row_is_told_by_the_head_file() {
    let fixture = filled(5).await;
    let connection = fixture.tamper();
    connection.execute("DELETE FROM records WHERE sequence > 3", []).unwrap();
    connection
        .execute("UPDATE head SET (sequence, hash) = (SELECT sequence, hash FROM records WHERE sequence = 3)", [])
        .unwrap();
    let cut = Problem::CutOff { end: 3, remembered: 5, witness: Witness::File };
    assert_eq!(fault(&fixture), Fault { sequence: 4, problem: cut });
    assert!(matches!(AuditLog::open(fixture.config.clone()), Err(AuditError::BrokenTail { .. })));

    // Without the head file it cannot be shown, and the report says so.
    std::fs::remove_file(fixture.directory().join("audit.head")).unwrap();
    let verification = fixture.verify();
    assert!(verification.intact());
    assert!(verification.unproven.contains(&Unproven::NoHeadFile));
    assert!(verification.unproven.contains(&Unproven::NoOutsideHead));
}

#[tokio::test]
async fn a_log_made_anew_is_told_by_a_head_kept_elsewhere() {
    let fixture = filled(5).await;
    let kept = fixture.verify().head;
    let connection = fixture.tamper();
    soften(&connection, 2);
    let head = rehash(&connection, 1);
    connection.execute("UPDATE head SET hash = ?1", [head.hash.as_bytes()]).unwrap();
    let by_file = fault(&fixture);
    assert_eq!(by_file, Fault { sequence: 5, problem: Problem::Replaced { witness: Witness::File } });
    files::HeadFile::open(&fixture.directory().join("audit.head")).unwrap().write(&head).unwrap();
    assert!(fixture.verify().intact(), "nothing inside can tell");
    let told = fixture.verify_with(&[kept]).fault.unwrap();
    assert_eq!(told, Fault { sequence: 5, problem: Problem::Replaced { witness: Witness::Asker } });
}

#[tokio::test]
async fn an_older_head_from_elsewhere_proves_up_to_it() {
    let fixture = filled(3).await;
    let kept = fixture.verify().head;
    let log = fixture.open();
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    log.close().await.unwrap();
    let verification = fixture.verify_with(&[kept]);
    assert!(verification.intact());
    let expected = [Unproven::NewerThanOutsideHead { from: 4, to: 5 }, Unproven::Unsigned { from: 4, to: 5 }];
    assert_eq!(verification.unproven, expected);
}

#[tokio::test]
async fn a_changed_column_is_named() {
    for (change, column) in [
        ("level = 10", "level"),
        ("caller = 'other'", "caller"),
        ("route = NULL", "route"),
        ("time_us = 0", "time_us"),
        ("request_id = NULL", "request_id"),
        ("kind = 2", "kind"),
    ] {
        let fixture = filled(3).await;
        fixture.tamper().execute(&format!("UPDATE records SET {change} WHERE sequence = 2"), []).unwrap();
        assert_eq!(fault(&fixture), Fault { sequence: 2, problem: Problem::Column { column } }, "{change}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_record_are_named_even_with_right_hashes() {
    for (body, problem) in [
        (&b"{}"[..], Problem::NoRecord),
        (&b"{\"v\":1,\"record\":{\"decision\":{}}}"[..], Problem::NoRecord),
        (&b"{\"v\":2,\"record\":{\"decision\":{}}}"[..], Problem::NoRecord),
    ] {
        let fixture = filled(3).await;
        let connection = fixture.tamper();
        connection.execute("UPDATE records SET body = ?1 WHERE sequence = 2", [body]).unwrap();
        rehash(&connection, 1);
        assert_eq!(fault(&fixture), Fault { sequence: 2, problem });
    }
}

#[tokio::test]
async fn another_spelling_of_a_record_is_named() {
    let fixture = filled(3).await;
    let connection = fixture.tamper();
    let body: Vec<u8> =
        connection.query_row("SELECT body FROM records WHERE sequence = 2", [], |row| row.get(0)).unwrap();
    let spaced = String::from_utf8(body).unwrap().replacen("\"operation\":", "\"operation\": ", 1);
    connection.execute("UPDATE records SET body = ?1 WHERE sequence = 2", [spaced.as_bytes()]).unwrap();
    rehash(&connection, 1);
    assert_eq!(fault(&fixture), Fault { sequence: 2, problem: Problem::NotCanonical });
}

#[tokio::test]
async fn a_missing_head_row_is_told() {
    let fixture = filled(2).await;
    fixture.tamper().execute("DELETE FROM head", []).unwrap();
    assert_eq!(fault(&fixture), Fault { sequence: 3, problem: Problem::NoHeadRow });
}

#[tokio::test]
async fn a_file_with_bad_pages_is_never_intact() {
    let fixture = filled(60).await;
    let mut bytes = std::fs::read(fixture.database()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xa5);
    std::fs::write(fixture.database(), bytes).unwrap();
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    match reader.verify(&[], &mut |_| ControlFlow::Continue(())) {
        Ok(verification) => assert!(!verification.intact(), "{verification:?}"),
        Err(error) => panic!("damage is a finding, no error: {error}"),
    }
}

#[tokio::test]
async fn verification_can_be_stopped_and_shows_progress() {
    let fixture = filled(3).await;
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    let stopped = reader.verify(&[], &mut |_| ControlFlow::Break(()));
    assert!(matches!(stopped, Err(AuditError::Cancelled)));
    let mut seen = Vec::new();
    reader
        .verify(&[], &mut |progress| {
            seen.push((progress.done, progress.total));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!((seen.first(), seen.last()), (Some(&(0, 3)), Some(&(3, 3))));
}

#[tokio::test]
async fn a_head_file_from_before_a_power_cut_is_behind_and_no_fault() {
    let fixture = filled(2).await;
    let path = fixture.directory().join("audit.head");
    let old = std::fs::read(&path).unwrap();
    let log = fixture.open();
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    log.close().await.unwrap();
    std::fs::write(&path, old).unwrap();
    let verification = fixture.verify();
    assert!(verification.intact());
    assert!(verification.unproven.contains(&Unproven::HeadFileBehind { at: 2 }), "{verification:?}");
    fixture.open().close().await.unwrap();
    let expected = [Unproven::NoOutsideHead, Unproven::Unsigned { from: 1, to: 3 }];
    assert_eq!(fixture.verify().unproven, expected, "opening brings it up to date");
}

#[tokio::test]
async fn an_older_copy_of_the_database_is_told_by_the_head_file() {
    let fixture = filled(2).await;
    let old = std::fs::read(fixture.database()).unwrap();
    let log = fixture.open();
    log.append(decision(&log)).unwrap().durable().await.unwrap();
    log.close().await.unwrap();
    for name in ["audit.db-wal", "audit.db-shm"] {
        let _ = std::fs::remove_file(fixture.directory().join(name));
    }
    std::fs::write(fixture.database(), old).unwrap();
    let cut = Problem::CutOff { end: 2, remembered: 3, witness: Witness::File };
    assert_eq!(fault(&fixture), Fault { sequence: 3, problem: cut });
}

#[tokio::test]
async fn an_edited_last_record_stops_the_writer() {
    let fixture = filled(3).await;
    soften(&fixture.tamper(), 3);
    let refused = AuditLog::open(fixture.config.clone()).unwrap_err();
    assert!(refused.to_string().contains("record 3 was changed"), "{refused}");
}

#[tokio::test]
async fn an_index_that_hides_a_record_is_a_fault_of_the_file() {
    let fixture = filled(3).await;
    let connection = fixture.tamper();
    // Make the index and the table disagree, as a patch of the file's bytes would.
    connection.pragma_update(None, "writable_schema", true).unwrap();
    connection
        .execute_batch(
            "CREATE TEMP TABLE pages AS SELECT name, rootpage FROM sqlite_schema;
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM pages WHERE name = 'records_to_cloud')
             WHERE name = 'records_by_caller';
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM pages WHERE name = 'records_by_caller')
             WHERE name = 'records_to_cloud';",
        )
        .unwrap();
    drop(connection);
    let found = fault(&fixture);
    assert_eq!(found.sequence, 0, "{found}");
    assert!(matches!(found.problem, Problem::File(_)), "{found}");
}
