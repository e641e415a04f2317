//! How each failure is told, and what bounds waiting and size.

use super::*;

#[tokio::test]
async fn statuses_become_clear_errors_that_echo_nothing() {
    let body = format!(
        r#"{{"error":{{"message":"you said {CANARY}","type":"invalid_request_error","code":"context_length_exceeded","param":"{CANARY}"}}}}"#
    );
    let kinds = [
        (400, Kind::InvalidArgument, "rejected the request with status 400 (context_length_exceeded)"),
        (401, Kind::FailedPrecondition, "refused the key"),
        (403, Kind::FailedPrecondition, "refused the key"),
        (404, Kind::FailedPrecondition, "does not know the model"),
        (405, Kind::FailedPrecondition, "rejected the request with status 405"),
        (413, Kind::InvalidArgument, "rejected the request with status 413"),
        (429, Kind::ResourceExhausted, "over its limit"),
        (500, Kind::Unavailable, "failed with status 500"),
        (503, Kind::Unavailable, "failed with status 503"),
        (529, Kind::Unavailable, "failed with status 529"),
    ];
    for kind in KINDS {
        for (status, expected, says) in kinds {
            for (body, content_type) in [(body.as_str(), "application/json"), (CANARY, "text/plain")] {
                let server = Server::always(response(status, content_type, body));
                let error = ask(&config(kind, &server.url())).await.unwrap_err();
                assert_eq!(error.kind(), expected, "{kind} {status}");
                let says = if content_type == "text/plain" { says.split(" (").next().unwrap() } else { says };
                assert!(error.to_string().contains(says), "{error}");
                assert!(error.to_string().contains("(backend `b`, model `m`)"), "{error}");
                assert_silent(&error);
            }
        }
    }
    let busy = b"HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n".to_vec();
    let server = Server::always(vec![Step::Send(busy)]);
    let error = ask(&config(BackendKind::Openai, &server.url())).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn an_error_body_that_never_ends_does_not_hold_the_caller() {
    let server = Server::always(vec![Step::Send(head(500, "text/plain")), Step::Hang]);
    let started = Instant::now();
    let error = ask(&config(BackendKind::Openai, &server.url())).await.unwrap_err();
    assert_eq!(error.fault.as_str(), "failed");
    assert!(started.elapsed() < Duration::from_secs(4));
    let server = Server::always(vec![Step::Send(head(500, "text/plain")), Step::Forever(vec![b'x'; 8192])]);
    assert_eq!(ask(&config(BackendKind::Openai, &server.url())).await.unwrap_err().fault.as_str(), "failed");
}

#[tokio::test]
async fn errors_inside_the_stream_end_it() {
    let cases = [
        (BackendKind::Ollama, format!("{{\"error\":\"{CANARY}\"}}\n"), Kind::Unavailable),
        (
            BackendKind::Openai,
            format!("data: {{\"error\":{{\"message\":\"{CANARY}\",\"type\":\"server_error\"}}}}\n\n"),
            Kind::Unavailable,
        ),
        (
            BackendKind::Openai,
            format!("event: error\ndata: {{\"code\":\"rate_limit_exceeded\",\"message\":\"{CANARY}\"}}\n\n"),
            Kind::ResourceExhausted,
        ),
        (
            BackendKind::Anthropic,
            format!(
                "event: error\ndata: {{\"type\":\"error\",\"error\":{{\"type\":\"overloaded_error\",\"message\":\"{CANARY}\"}}}}\n\n"
            ),
            Kind::Unavailable,
        ),
        (
            BackendKind::Anthropic,
            format!(
                "data: {{\"type\":\"error\",\"error\":{{\"type\":\"invalid_request_error\",\"message\":\"{CANARY}\"}}}}\n\n"
            ),
            Kind::InvalidArgument,
        ),
    ];
    for (kind, error, expected) in cases {
        let body = answer_of(kind, &["begun"]);
        // The end mark is left out.
        let (before, after) = body.split_once("begun").unwrap();
        let begun = format!("{before}begun{}", after.lines().next().unwrap());
        let server = Server::always(response(200, type_of(kind), &format!("{begun}\n\n{error}")));
        let endpoint = config(kind, &server.url()).endpoint().unwrap();
        let mut stream = endpoint.open(&conversation(), call()).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), Piece::Text("begun".into()), "{kind}");
        let fault = stream.next().await.unwrap().unwrap_err();
        assert_eq!(fault.kind(), expected, "{kind}: {fault}");
        assert_silent(&fault);
        assert!(stream.next().await.is_none(), "an error ends the stream");
    }
}

#[tokio::test]
async fn broken_answers_are_told() {
    let expect = async |kind, steps: Vec<Step>, expected: &str| {
        let server = Server::always(steps);
        let error = ask(&config(kind, &server.url())).await.unwrap_err();
        assert_eq!(error.fault.as_str(), expected, "{kind}: {error}");
        assert_eq!(error.kind(), Kind::Unavailable);
        assert_silent(&error);
    };
    for kind in KINDS {
        let whole = answer_of(kind, &["x", CANARY]);
        let (half, _) = whole.split_once("canary").unwrap();
        expect(kind, response(200, type_of(kind), half), "ended_early").await;
        expect(kind, response(200, type_of(kind), ""), "ended_early").await;
        let declared =
            format!("HTTP/1.1 200 OK\r\ncontent-type: {}\r\ncontent-length: 99999\r\n\r\n{half}", type_of(kind));
        expect(kind, vec![Step::Send(declared.into_bytes())], "broken").await;
        let garbage = if kind == BackendKind::Ollama { format!("{CANARY}\n") } else { format!("data: {CANARY}\n\n") };
        expect(kind, response(200, type_of(kind), &garbage), "malformed").await;
        expect(kind, response(200, "text/html", CANARY), "malformed").await;
        let mut not_utf8 = head(200, type_of(kind));
        not_utf8.extend_from_slice(b"data: \xff\xfe\n\n");
        expect(kind, vec![Step::Send(not_utf8)], "malformed").await;
        let long = vec![Step::Send(head(200, type_of(kind))), Step::Forever(vec![b'x'; 256 * 1024])];
        expect(kind, long, "malformed").await;
    }
    expect(BackendKind::Openai, response(200, "application/json", "{}"), "malformed").await;
}

#[tokio::test]
async fn an_answer_has_a_bound() {
    for kind in KINDS {
        let server = Server::always(response(200, type_of(kind), &answer_of(kind, &["12345", "67890"])));
        let enough = BackendConfig { max_answer_bytes: 10, ..config(kind, &server.url()) };
        assert_eq!(ask(&enough).await.unwrap().0, "1234567890");
        let error = ask(&BackendConfig { max_answer_bytes: 9, ..enough }).await.unwrap_err();
        assert_eq!((error.kind(), error.fault.as_str()), (Kind::ResourceExhausted, "answer_too_large"), "{kind}");
    }
}

#[tokio::test]
async fn waiting_has_bounds() {
    let brief = |url: &str| BackendConfig { idle_timeout_ms: 150, ..config(BackendKind::Openai, url) };
    let begun = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n";

    let silent = Server::always(vec![Step::Hang]);
    assert_eq!(ask(&brief(&silent.url())).await.unwrap_err().fault.as_str(), "idle_timeout", "before the head");
    let stuck = Server::always(vec![Step::Send(head(200, "text/event-stream")), Step::Send(begun.into()), Step::Hang]);
    assert_eq!(ask(&brief(&stuck.url())).await.unwrap_err().fault.as_str(), "idle_timeout", "inside the answer");
    assert!(stuck.wait_for_closed(1).await, "the connection is closed");

    let endless =
        Server::always(vec![Step::Send(head(200, "text/event-stream")), Step::Forever(b": ping\n\n".to_vec())]);
    let bounded = BackendConfig { total_timeout_ms: 200, ..brief(&endless.url()) };
    assert_eq!(ask(&bounded).await.unwrap_err().fault.as_str(), "total_timeout");
    let call = Call { deadline: Instant::now() + Duration::from_millis(150), probabilities: false };
    let error = ask_with(&brief(&endless.url()), &conversation(), call).await.unwrap_err();
    assert_eq!((error.kind(), error.fault.as_str()), (Kind::DeadlineExceeded, "deadline"));
    let past = Call { deadline: Instant::now() - Duration::from_millis(1), probabilities: false };
    assert_eq!(ask_with(&brief(&endless.url()), &conversation(), past).await.unwrap_err().fault, Fault::Deadline);
}

#[tokio::test]
async fn a_backend_that_is_not_there_is_told() {
    for kind in KINDS {
        let error = ask(&config(kind, &refusing_url())).await.unwrap_err();
        assert!(error.fault.is_connect() && error.kind() == Kind::Unavailable);
        assert!(error.to_string().contains("connection refused"), "{error}");
        assert_silent(&error);
    }
}
