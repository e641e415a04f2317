//! The log through the service: what it holds of a request, listing in pages, and verification.

use cordon::service::proto::{
    ClassifyRequest, DispatchRequest, GetDecisionRequest, ListDecisionsRequest, Message, Operation, Role, Route,
    Sensitivity, VerifyLogRequest,
};
use tonic::Code;

use crate::common::backend::{Backend, answer};
use crate::common::{Setup, TestServer};

#[tokio::test]
async fn a_dispatch_leaves_a_decision_and_an_outcome() {
    let local = Backend::answering(answer("done")).await;
    let server = TestServer::start(Setup::with(local.entry("here", "local"))).await;
    let request = DispatchRequest {
        request_id: "req-7".into(),
        messages: vec![Message {
            role: Role::User as i32,
            content: "my card is 4539 1488 0343 6467, again 4539-1488-0343-6467".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let response = server.dispatcher_client().await.dispatch(request).await.unwrap().into_inner();
    server.audit.flush().await.unwrap();
    let record = server
        .audit_client()
        .await
        .get_decision(GetDecisionRequest { decision_id: response.decision_id.clone() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!(record.decision_id, response.decision_id);
    assert_eq!((record.request_id.as_str(), record.caller.as_str()), ("req-7", "anonymous"));
    assert_eq!((record.operation(), record.level()), (Operation::Dispatch, Sensitivity::Confidential));
    assert!(!record.reasons.is_empty() && !record.record_hash.is_empty() && record.time.is_some());
    let card = record.entities.iter().find(|entity| entity.entity_type == "CREDIT_CARD").unwrap();
    assert_eq!(card.count, 2);
    let decision = record.decision.unwrap();
    assert_eq!((decision.route(), decision.backend.as_str()), (Route::Local, "here"));
    assert_eq!(record.policy.unwrap().digest, response.verdict.unwrap().policy.unwrap().digest);
    let outcome = record.outcome.unwrap();
    assert_eq!((outcome.status.as_str(), outcome.error.as_str()), ("completed", ""));
    assert_eq!(outcome.outcome.unwrap().output_tokens, 3);
    server.stop().await;
}

#[tokio::test]
async fn pages_are_stable_while_records_are_added() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    for text in ["hello", "my card is 4539 1488 0343 6467", "bye", "again", "more"] {
        client.classify(ClassifyRequest { text: text.into(), ..Default::default() }).await.unwrap();
    }
    server.audit.flush().await.unwrap();
    let mut audit = server.audit_client().await;
    let mut token = String::new();
    let mut sequences = Vec::new();
    loop {
        let request = ListDecisionsRequest { page_size: 2, page_token: token, ..Default::default() };
        let page = audit.list_decisions(request).await.unwrap().into_inner();
        sequences.extend(page.decisions.iter().map(|decision| decision.sequence));
        client.classify(ClassifyRequest { text: "in between".into(), ..Default::default() }).await.unwrap();
        server.audit.flush().await.unwrap();
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(sequences, [5, 4, 3, 2, 1]);
    let only = ListDecisionsRequest { level: Sensitivity::Confidential as i32, ..Default::default() };
    let page = audit.list_decisions(only).await.unwrap().into_inner();
    assert_eq!(page.decisions.iter().map(|decision| decision.sequence).collect::<Vec<_>>(), [2]);
    server.stop().await;
}

#[tokio::test]
async fn wrong_questions_are_named() {
    let server = TestServer::start(Setup::default()).await;
    let mut audit = server.audit_client().await;
    let get = |id: &str| GetDecisionRequest { decision_id: id.into() };
    assert_eq!(audit.get_decision(get("nonsense")).await.unwrap_err().code(), Code::InvalidArgument);
    let unknown = get("0198d1f0-0000-7000-8000-000000000000");
    assert_eq!(audit.get_decision(unknown).await.unwrap_err().code(), Code::NotFound);
    for request in [
        ListDecisionsRequest { page_token: "garbage!".into(), ..Default::default() },
        ListDecisionsRequest { page_size: 5000, ..Default::default() },
        ListDecisionsRequest { level: 99, ..Default::default() },
        ListDecisionsRequest { route: 99, ..Default::default() },
    ] {
        assert_eq!(audit.list_decisions(request).await.unwrap_err().code(), Code::InvalidArgument);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_log_verifies_and_an_edit_is_found() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    for index in 0..20 {
        client.classify(ClassifyRequest { text: format!("text {index}"), ..Default::default() }).await.unwrap();
    }
    server.audit.flush().await.unwrap();
    let mut audit = server.audit_client().await;
    let intact = audit.verify_log(VerifyLogRequest {}).await.unwrap().into_inner();
    assert!(intact.intact && intact.records == 20 && intact.first_bad_sequence == 0, "{intact:?}");
    assert_eq!(intact.head_hash.len(), 64);

    let file = std::fs::read_dir(server.data_dir.join("audit"))
        .unwrap()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| std::fs::read(path).unwrap().starts_with(b"SQLite format 3"))
        .unwrap();
    let database = rusqlite::Connection::open(file).unwrap();
    let table: String = database
        .query_row(
            "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'body'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    // Whatever guards the table against updates is taken away first, as somebody with the file could.
    let triggers: Vec<String> = database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for trigger in triggers {
        database.execute_batch(&format!("DROP TRIGGER \"{trigger}\"")).unwrap();
    }
    let changed = database
        .execute(
            &format!("UPDATE \"{table}\" SET body = CAST(replace(CAST(body AS TEXT), '\"public\"', '\"internal\"') AS BLOB) WHERE sequence = 7"),
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    let broken = audit.verify_log(VerifyLogRequest {}).await.unwrap().into_inner();
    assert!(!broken.intact && broken.first_bad_sequence == 7, "{broken:?}");
    assert!(!broken.problem.is_empty());
    server.stop().await;
}
