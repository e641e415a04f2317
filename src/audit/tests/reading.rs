//! Reading: filters, pages, single decisions.

use super::*;

fn sequences(page: &DecisionPage) -> Vec<u64> {
    page.decisions.iter().map(|decision| decision.sequence).collect()
}

async fn put(log: &AuditLog, level: Sensitivity, request: DecisionInput) -> DecisionId {
    let decision = decision_on("x", level, request, log.digest_key());
    log.append(decision).unwrap().durable().await.unwrap().decision_id()
}

#[tokio::test]
async fn pages_stay_in_place_while_records_are_added() {
    let fixture = Fixture::new();
    let log = fixture.open();
    for _ in 0..7 {
        put(&log, Sensitivity::Public, request(None)).await;
    }
    let filter = DecisionFilter::default();
    let mut token = String::new();
    let mut seen = Vec::new();
    loop {
        let page = log.reader().list_async(filter.clone(), token, 3).await.unwrap();
        seen.push(sequences(&page));
        put(&log, Sensitivity::Public, request(None)).await;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [vec![7, 6, 5], vec![4, 3, 2], vec![1]]);
}

#[tokio::test]
async fn a_full_last_page_has_no_next() {
    let fixture = filled(4).await;
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    let first = reader.list(&DecisionFilter::default(), "", 2).unwrap();
    let last = reader.list(&DecisionFilter::default(), &first.next_page_token, 2).unwrap();
    assert_eq!((sequences(&last), last.next_page_token.as_str()), (vec![2, 1], ""));
}

#[tokio::test]
async fn a_token_of_another_list_is_refused() {
    let fixture = filled(3).await;
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    let token = reader.list(&DecisionFilter::default(), "", 1).unwrap().next_page_token;
    let other = DecisionFilter { level: Some(Sensitivity::Confidential), ..DecisionFilter::default() };
    for (filter, token) in [(&other, token.as_str()), (&DecisionFilter::default(), "x"), (&other, "zwölfzwölfzwölfzw")]
    {
        let refused = reader.list(filter, token, 1).unwrap_err();
        assert!(matches!(refused, AuditError::InvalidPageToken), "{refused}");
        assert_eq!(refused.kind(), crate::error::Kind::InvalidArgument);
    }
}

#[tokio::test]
async fn filters_select() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let of = |caller: &str, id: &str| DecisionInput {
        caller: Label::new(caller),
        request_id: RequestId::parse(id).unwrap(),
        ..request(None)
    };
    put(&log, Sensitivity::Public, DecisionInput { routing: request(Some(Route::Cloud)).routing, ..of("a", "r1") })
        .await;
    put(&log, Sensitivity::Internal, DecisionInput { routing: request(Some(Route::Local)).routing, ..of("a", "r2") })
        .await;
    put(&log, Sensitivity::Confidential, of("b", "r1")).await;
    let id = put(&log, Sensitivity::Public, of("b", "")).await;
    log.append_outcome(id, Outcome::new(OutcomeStatus::Completed)).unwrap().recorded().await.unwrap();
    let all = DecisionFilter::default;
    let list = |filter: DecisionFilter| sequences(&log.reader().list(&filter, "", 0).unwrap());
    assert_eq!(list(all()), [4, 3, 2, 1], "outcomes are no decisions");
    assert_eq!(list(DecisionFilter { level: Some(Sensitivity::Public), ..all() }), [4, 1]);
    assert_eq!(list(DecisionFilter { route: Some(Route::Cloud), ..all() }), [1]);
    assert_eq!(list(DecisionFilter { route: Some(Route::Local), ..all() }), [2]);
    assert_eq!(list(DecisionFilter { caller: Some("b".into()), ..all() }), [4, 3]);
    assert_eq!(list(DecisionFilter { request_id: Some("r1".into()), ..all() }), [3, 1]);
    assert_eq!(
        list(DecisionFilter { caller: Some("b".into()), level: Some(Sensitivity::Public), ..all() }),
        [4],
        "all conditions hold"
    );
    let time = |sequence: usize| log.reader().list(&all(), "", 0).unwrap().decisions[4 - sequence].decision.time;
    assert_eq!(list(DecisionFilter { since: Some(time(3)), ..all() }), [4, 3], "from, included");
    assert_eq!(list(DecisionFilter { until: Some(time(3)), ..all() }), [2, 1], "to, not included");
}

#[tokio::test]
async fn a_bound_between_two_microseconds_does_not_reach_back() {
    let fixture = Fixture::new();
    let log = fixture.open();
    put(&log, Sensitivity::Public, request(None)).await;
    let time = log.reader().list(&DecisionFilter::default(), "", 0).unwrap().decisions[0].decision.time;
    let just_after = time.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap();
    let count = |filter| log.reader().list(&filter, "", 0).unwrap().decisions.len();
    assert_eq!(count(DecisionFilter { since: Some(just_after), ..DecisionFilter::default() }), 0);
    assert_eq!(count(DecisionFilter { until: Some(just_after), ..DecisionFilter::default() }), 1);
}

#[tokio::test]
async fn a_decision_comes_with_its_outcome_as_it_was_given() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let given = decision(&log);
    let durable = log.append(given.clone()).unwrap().durable().await.unwrap();
    let alone = log.reader().get(given.id).unwrap();
    assert_eq!((alone.sequence, alone.hash), (durable.sequence(), durable.hash()));
    assert_eq!(alone.outcome, None);
    let mut outcome = Outcome::failed(crate::error::Kind::DeadlineExceeded, "backend_timed_out");
    outcome.input_tokens = 12;
    let (sequence, hash) = log.append_outcome(given.id, outcome.clone()).unwrap().recorded().await.unwrap();
    let stored = log.reader().get_async(given.id).await.unwrap();
    assert_eq!(stored.decision, Decision { document_id: 0, ..given });
    assert_eq!(stored.outcome, Some(StoredOutcome { sequence, hash, outcome }));
    assert!(matches!(log.reader().get(decision(&log).id), Err(AuditError::NotFound(_))));
}

#[tokio::test]
async fn a_damaged_record_is_an_error_and_no_answer() {
    let fixture = filled(2).await;
    fixture.tamper().execute("UPDATE records SET body = x'7b7d' WHERE sequence = 2", []).unwrap();
    let reader = AuditLog::open_read_only(fixture.directory()).unwrap();
    let error = reader.list(&DecisionFilter::default(), "", 0).unwrap_err();
    assert!(matches!(error, AuditError::Damaged { sequence: 2 }), "{error}");
}

#[test]
fn a_directory_without_a_log_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let error = AuditLog::open_read_only(directory.path()).unwrap_err();
    assert!(matches!(error, AuditError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn an_async_verification_runs() {
    let fixture = Fixture::new();
    let log = fixture.open();
    put(&log, Sensitivity::Public, request(None)).await;
    let verification = log.reader().verify_async(Vec::new(), |_| ControlFlow::Continue(())).await.unwrap();
    assert!(verification.intact() && verification.records == 1, "{verification:?}");
}

#[tokio::test]
async fn a_page_of_huge_records_ends_early_and_goes_on() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut huge = decision(&log);
    let finding = RecordedFinding { recognizer: Label::new(&"r".repeat(MAX_WORD_BYTES)), ..huge.findings[0].clone() };
    huge.findings = vec![finding; MAX_FINDINGS];
    for _ in 0..20 {
        let next = Decision { id: decision(&log).id, ..huge.clone() };
        log.append(next).unwrap().durable().await.unwrap();
    }
    let mut token = String::new();
    let mut pages = Vec::new();
    loop {
        let page = log.reader().list(&DecisionFilter::default(), &token, 1000).unwrap();
        pages.push(page.decisions.len());
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert!(pages.len() > 1, "{pages:?}");
    assert_eq!(pages.iter().sum::<usize>(), 20);
}

#[tokio::test]
async fn filters_look_into_the_records_too() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let to = |route, model: &str| {
        let mut request = request(Some(route));
        request.routing.as_mut().unwrap().model = Label::new(model);
        request
    };
    let first = put(&log, Sensitivity::Public, to(Route::Local, "small")).await;
    put(&log, Sensitivity::Public, to(Route::CloudRedacted, "large")).await;
    put(&log, Sensitivity::Public, request(None)).await;
    let mut other = decision_on("y", Sensitivity::Public, request(None), log.digest_key());
    other.entities[0].entity_type = EntityType::new("PERSON");
    other.policy.digest = "aa11".into();
    log.append(other).unwrap().durable().await.unwrap();
    let outcome = Outcome { model: Label::new("larger"), ..Outcome::new(OutcomeStatus::Failed) };
    log.append_outcome(first, outcome).unwrap().recorded().await.unwrap();
    let list = |filter: DecisionFilter| sequences(&log.reader().list(&filter, "", 0).unwrap());
    let all = DecisionFilter::default;
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(list(DecisionFilter { route: Some(Route::CloudRedacted), ..all() }), [2]);
    assert_eq!(list(DecisionFilter { entity_type: some("PERSON"), ..all() }), [4]);
    assert_eq!(list(DecisionFilter { entity_type: some("CREDIT_CARD"), ..all() }), [3, 2, 1]);
    assert_eq!(list(DecisionFilter { entity_type: some("CREDIT"), ..all() }), [0; 0], "the whole name");
    assert_eq!(list(DecisionFilter { model: some("large"), ..all() }), [2]);
    assert_eq!(list(DecisionFilter { model: some("larger"), ..all() }), [1], "that answered");
    assert_eq!(list(DecisionFilter { policy_digest: some("ff00"), ..all() }), [3, 2, 1]);
    assert_eq!(list(DecisionFilter { policy_digest: some("aa"), ..all() }), [4], "the beginning is enough");
    assert_eq!(list(DecisionFilter { operation: Some(Operation::Classify), ..all() }), [4, 3]);
    let status = |name| DecisionFilter { status: StatusFilter::named(name), ..all() };
    assert_eq!(list(status("failed")), [1]);
    assert_eq!(list(status("open")), [4, 3, 2]);
    assert_eq!(StatusFilter::named("done"), None);
    assert!(StatusFilter::NAMES.iter().all(|name| StatusFilter::named(name).is_some()));
    let both = DecisionFilter { caller: some("billing"), entity_type: some("PERSON"), ..all() };
    assert_eq!(list(both), [4], "an index and the records");
    let mut oldest_first = Vec::new();
    let filter = DecisionFilter { operation: Some(Operation::Dispatch), ..all() };
    let mut visit = |stored: StoredDecision| {
        oldest_first.push((stored.sequence, stored.outcome.is_some()));
        ControlFlow::Continue(())
    };
    log.reader().decisions(&filter, &mut visit, &mut |_, _| {}).unwrap();
    assert_eq!(oldest_first, [(1, true), (2, false)]);
}

#[tokio::test]
async fn a_filter_that_little_fits_reads_a_bounded_part_at_a_time() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let rare = decision_on("y", Sensitivity::Internal, request(None), log.digest_key());
    log.append(rare).unwrap().durable().await.unwrap();
    let plain = decision_on("x", Sensitivity::Public, request(None), log.digest_key());
    for _ in 0..2250 {
        let next = Decision { id: DecisionId::new(), ..plain.clone() };
        while log.append(next.clone()).is_err() {
            log.flush().await.unwrap();
        }
    }
    log.flush().await.unwrap();
    let filters = [
        DecisionFilter { level: Some(Sensitivity::Internal), ..DecisionFilter::default() },
        DecisionFilter { entity_type: Some("PERSON".into()), ..DecisionFilter::default() },
        DecisionFilter { model: Some("none".into()), ..DecisionFilter::default() },
    ];
    for (filter, expected) in filters.iter().zip([(3, 1), (2, 0), (3, 0)]) {
        let (mut token, mut pages, mut found) = (String::new(), 0, 0);
        loop {
            let page = log.reader().list(filter, &token, 10).unwrap();
            pages += 1;
            found += page.decisions.len();
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!((pages, found), expected, "{filter:?}");
    }
    let by_caller = DecisionFilter { caller: Some("nobody".into()), ..DecisionFilter::default() };
    let page = log.reader().list(&by_caller, "", 10).unwrap();
    assert!(page.decisions.is_empty() && page.next_page_token.is_empty(), "an index leads there at once");
}

#[tokio::test]
async fn pages_of_a_filter_stay_in_place_while_records_are_added() {
    let fixture = Fixture::new();
    let log = fixture.open();
    for at in 0..9 {
        put(&log, Sensitivity::Public, request((at % 2 == 0).then_some(Route::Local))).await;
    }
    let filter = DecisionFilter { operation: Some(Operation::Dispatch), ..DecisionFilter::default() };
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let page = log.reader().list(&filter, &token, 2).unwrap();
        seen.extend(sequences(&page));
        put(&log, Sensitivity::Public, request(Some(Route::Local))).await;
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [9, 7, 5, 3, 1]);
}
