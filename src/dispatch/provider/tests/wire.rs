//! What is sent, and how a good answer is read.

use super::*;

#[tokio::test]
async fn every_kind_streams_however_the_bytes_are_cut() {
    for kind in KINDS {
        let cached_input_tokens = if kind == BackendKind::Anthropic { 2 } else { 0 };
        let stop = Finish { reason: FinishReason::Stop, input_tokens: 7, output_tokens: 3, cached_input_tokens };
        let body = answer_of(kind, &["Grüß", " dich", ", 世界 🦀"]);
        for (body, how) in [(body.clone(), "plain"), (body.replace('\n', "\r\n"), "with CRLF")] {
            let whole = Server::always(response(200, type_of(kind), &body));
            let cut = Server::always(vec![Step::Send(head(200, type_of(kind))), Step::Trickle(body.into_bytes())]);
            for server in [whole, cut] {
                let (answer, finish) = ask(&config(kind, &server.url())).await.unwrap();
                assert_eq!((answer.as_str(), finish), ("Grüß dich, 世界 🦀", stop), "{kind} {how}");
            }
        }
    }
}

#[tokio::test]
async fn pieces_come_before_the_answer_is_whole() {
    for kind in KINDS {
        let body = answer_of(kind, &["first", "second"]);
        let (before, _) = body.split_once("second").unwrap();
        let cut = before.rfind('\n').unwrap() + 1;
        let server = Server::always(vec![
            Step::Send(head(200, type_of(kind))),
            Step::Send(body.as_bytes()[..cut].to_vec()),
            Step::Hang,
        ]);
        let endpoint = config(kind, &server.url()).endpoint().unwrap();
        let mut stream = endpoint.open(&conversation(), call()).await.unwrap();
        assert_eq!(stream.next().await.unwrap().unwrap(), Piece::Text("first".into()), "{kind}");
        drop(stream);
        assert!(server.wait_for_closed(1).await, "dropping the stream closes the connection: {kind}");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_the_documentation_says() {
    let message =
        |role, content: &str, name: Option<&str>| Message { name: name.map(Into::into), ..Message::new(role, content) };
    let text = Conversation::new(
        vec![
            message(Role::System, "s1", None),
            message(Role::User, "u1", Some("ann")),
            message(Role::Assistant, "a1", None),
            message(Role::System, "s2", None),
            message(Role::Tool, "t1", None),
            message(Role::User, "u2", Some("no name!")),
        ],
        Generation {
            max_output_tokens: Some(9),
            temperature: Some(1.5),
            top_p: Some(0.5),
            stop: vec!["END".into()],
            seed: Some(4),
            ..Generation::default()
        },
    );
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, "k-1\n").unwrap();
    let mut sent = Vec::new();
    for kind in KINDS {
        let server = Server::always(response(200, type_of(kind), &answer_of(kind, &["x"])));
        let config = BackendConfig { api_key_file: Some(key.clone()), ..config(kind, &server.url()) };
        ask_with(&config, &text, call()).await.unwrap();
        sent.push(server.requests().remove(0));
    }
    let [ollama, openai, anthropic] = sent.try_into().unwrap();

    assert_eq!((ollama.method.as_str(), ollama.path.as_str()), ("POST", "/api/chat"));
    assert_eq!(ollama.header("authorization"), Some("Bearer k-1"));
    assert_eq!(
        ollama.json(),
        serde_json::json!({
            "model": "m", "stream": true, "truncate": false,
            "messages": [
                {"role": "system", "content": "s1"}, {"role": "user", "content": "u1"},
                {"role": "assistant", "content": "a1"}, {"role": "system", "content": "s2"},
                {"role": "tool", "content": "t1"}, {"role": "user", "content": "u2"},
            ],
            "options": {"num_predict": 9, "temperature": 1.5, "top_p": 0.5, "seed": 4, "stop": ["END"]},
        })
    );

    assert_eq!((openai.method.as_str(), openai.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(openai.header("authorization"), Some("Bearer k-1"));
    assert_eq!(
        openai.json(),
        serde_json::json!({
            "model": "m", "stream": true, "stream_options": {"include_usage": true},
            "messages": [
                {"role": "system", "content": "s1"}, {"role": "user", "content": "u1", "name": "ann"},
                {"role": "assistant", "content": "a1"}, {"role": "system", "content": "s2"},
                {"role": "user", "content": "t1"}, {"role": "user", "content": "u2"},
            ],
            "max_completion_tokens": 9, "temperature": 1.5, "top_p": 0.5, "seed": 4, "stop": ["END"],
        })
    );

    assert_eq!((anthropic.method.as_str(), anthropic.path.as_str()), ("POST", "/v1/messages"));
    assert_eq!(anthropic.header("x-api-key"), Some("k-1"));
    assert_eq!(anthropic.header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(anthropic.header("authorization"), None);
    assert_eq!(
        anthropic.json(),
        serde_json::json!({
            "model": "m", "stream": true, "max_tokens": 9, "system": "s1\n\ns2",
            "messages": [
                {"role": "user", "content": "u1"}, {"role": "assistant", "content": "a1"},
                {"role": "user", "content": "t1"}, {"role": "user", "content": "u2"},
            ],
            "temperature": 1.0, "top_p": 0.5, "stop_sequences": ["END"],
        })
    );
}

#[tokio::test]
async fn what_is_unset_is_left_to_the_backend_or_the_configuration() {
    let text = Conversation::new(vec![Message::new(Role::System, "only")], Generation::default());
    for (kind, configured, expected) in [
        (
            BackendKind::Ollama,
            None,
            serde_json::json!({"model": "m", "stream": true, "truncate": false, "options": {}, "messages": [{"role": "system", "content": "only"}]}),
        ),
        (
            BackendKind::Openai,
            Some(5),
            serde_json::json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_completion_tokens": 5, "messages": [{"role": "system", "content": "only"}]}),
        ),
        (
            BackendKind::Anthropic,
            None,
            serde_json::json!({"model": "m", "stream": true, "max_tokens": 4096, "messages": [{"role": "user", "content": "only"}]}),
        ),
    ] {
        let server = Server::always(response(200, type_of(kind), &answer_of(kind, &[])));
        let config = BackendConfig { max_output_tokens: configured, ..config(kind, &server.url()) };
        let (answer, _) = ask_with(&config, &text, call()).await.unwrap();
        assert_eq!(answer, "", "an empty answer is an answer");
        assert_eq!(server.requests()[0].json(), expected);
    }
}

#[tokio::test]
async fn unknown_events_and_fields_are_ignored() {
    let extra = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n\
                 event: brand_new\ndata: {\"type\":\"brand_new\",\"x\":[1]}\n\n: comment\n\nretry: 3\n\n";
    let body = anthropic_answer(&["x"]).replace("event: ping", &format!("{extra}event: ping"));
    let server = Server::always(response(200, "text/event-stream", &body));
    assert_eq!(ask(&config(BackendKind::Anthropic, &server.url())).await.unwrap().0, "x");

    let extra = ": comment\n\nevent: note\ndata: not json\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"hm\",\"content\":null}}],\"error\":null}\n\n\
                 data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"other\"}}]}\n\n";
    let body = format!("{extra}{}", openai_answer(&["x"]));
    let server = Server::always(response(200, "text/event-stream", &body));
    assert_eq!(ask(&config(BackendKind::Openai, &server.url())).await.unwrap().0, "x");

    let extra =
        "{\"message\":{\"role\":\"assistant\",\"content\":\"\",\"thinking\":\"hm\"},\"done\":false,\"new\":{}}\n\n";
    let server = Server::always(response(200, "application/x-ndjson", &format!("{extra}{}", ollama_answer(&["x"]))));
    assert_eq!(ask(&config(BackendKind::Ollama, &server.url())).await.unwrap().0, "x");
}

#[tokio::test]
async fn reasons_to_finish_are_told_apart() {
    let cases = [
        (BackendKind::Openai, "\"stop\"", "\"length\"", FinishReason::Length),
        (BackendKind::Openai, "\"stop\"", "\"content_filter\"", FinishReason::ContentFilter),
        (BackendKind::Openai, "\"stop\"", "\"tool_calls\"", FinishReason::ToolCalls),
        (BackendKind::Ollama, "\"stop\"", "\"length\"", FinishReason::Length),
        (BackendKind::Ollama, "\"stop\"", "\"load\"", FinishReason::Other),
        (BackendKind::Anthropic, "end_turn", "stop_sequence", FinishReason::Stop),
        (BackendKind::Anthropic, "end_turn", "max_tokens", FinishReason::Length),
        (BackendKind::Anthropic, "end_turn", "refusal", FinishReason::ContentFilter),
        (BackendKind::Anthropic, "end_turn", "tool_use", FinishReason::ToolCalls),
    ];
    for (kind, from, to, expected) in cases {
        let server = Server::always(response(200, type_of(kind), &answer_of(kind, &["x"]).replace(from, to)));
        assert_eq!(ask(&config(kind, &server.url())).await.unwrap().1.reason, expected, "{kind} {to}");
    }
    let undone = openai_answer(&["x"]).replace("data: [DONE]\n\n", "");
    let server = Server::always(response(200, "text/event-stream", &undone));
    assert_eq!(ask(&config(BackendKind::Openai, &server.url())).await.unwrap().0, "x", "servers without the end mark");
}
