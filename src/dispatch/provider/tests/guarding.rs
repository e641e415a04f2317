//! What keeps text from going where nobody sent it: redirects, proxies, models that are served elsewhere.

use std::process::Command;

use super::*;

#[tokio::test]
async fn redirects_are_never_followed() {
    let elsewhere = Server::always(response(200, "text/event-stream", &openai_answer(&["stolen"])));
    for status in [301, 302, 303, 307, 308] {
        let head = format!(
            "HTTP/1.1 {status} Go\r\nlocation: {}/v1/chat/completions\r\ncontent-length: 0\r\n\r\n",
            elsewhere.url()
        );
        let server = Server::always(vec![Step::Send(head.into_bytes())]);
        let error = ask(&config(BackendKind::Openai, &server.url())).await.unwrap_err();
        assert_eq!((&error.fault, error.kind()), (&Fault::Redirect, Kind::FailedPrecondition), "{status}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

/// Set in the child process of the next test.
const CHILD: &str = "CORDON_TEST_BEHIND_PROXY";

#[tokio::test]
async fn proxies_of_the_environment_are_ignored() {
    if std::env::var_os(CHILD).is_some() {
        for kind in KINDS {
            let server = Server::always(response(200, type_of(kind), &answer_of(kind, &["direct"])));
            assert_eq!(ask(&config(kind, &server.url())).await.unwrap().0, "direct");
        }
        return;
    }
    let proxy = Server::always(response(502, "text/plain", "proxy"));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "dispatch::provider::tests::guarding::proxies_of_the_environment_are_ignored"])
        .env(CHILD, "1");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.url());
    }
    let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the child ran the test");
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn a_configured_proxy_is_used() {
    let proxy = Server::always(response(200, "text/event-stream", &openai_answer(&["by proxy"])));
    let through = BackendConfig { proxy: Some(proxy.url()), ..config(BackendKind::Openai, &refusing_url()) };
    assert_eq!(ask(&through).await.unwrap().0, "by proxy");
    assert_eq!(proxy.connections(), 1);
}

async fn ask_local(server: &Server, model: &str) -> Result<(), ProviderError> {
    let config = BackendConfig::new("b", Side::Local, BackendKind::Ollama, &server.url(), model);
    let endpoint = config.endpoint().unwrap();
    endpoint.ensure_local(call()).await?;
    let mut stream = endpoint.open(&conversation(), call()).await?;
    while let Some(piece) = stream.next().await {
        piece?;
    }
    Ok(())
}

#[tokio::test]
async fn an_ollama_that_serves_elsewhere_gets_no_text_as_local() {
    let remote = OLLAMA_TAGS.replace("\"digest\"", "\"remote_host\":\"https://ollama.com\",\"digest\"");
    let server = Server::start(move |seen| match seen.path.as_str() {
        "/api/tags" => response(200, "application/json", &remote),
        _ => response(200, "application/x-ndjson", &ollama_answer(&["x"])),
    });
    let error = ask_local(&server, "m").await.unwrap_err();
    assert_eq!((&error.fault, error.kind()), (&Fault::ServedElsewhere, Kind::FailedPrecondition));
    assert_eq!(ask_local(&server, "m:20b-cloud").await.unwrap_err().fault, Fault::ServedElsewhere);
    assert_eq!(ask_local(&server, "other").await.unwrap_err().fault.as_str(), "model_not_found");
    assert!(server.requests().iter().all(|seen| seen.method == "GET"));
    assert!(!String::from_utf8_lossy(&server.bytes()).contains(CANARY));

    // A model that was exchanged after the check is told by its answer.
    let server = Server::start(|seen| match seen.path.as_str() {
        "/api/tags" => response(200, "application/json", OLLAMA_TAGS),
        _ => {
            let answer = ollama_answer(&["x"])
                .replace("\"done\":false", "\"done\":false,\"remote_host\":\"https://ollama.com\"");
            response(200, "application/x-ndjson", &answer)
        }
    });
    assert_eq!(ask_local(&server, "m").await.unwrap_err().fault, Fault::ServedElsewhere);
}

#[tokio::test]
async fn a_local_model_is_checked_once_in_a_while() {
    let server = Server::start(|seen| match seen.path.as_str() {
        "/api/tags" => response(200, "application/json", OLLAMA_TAGS),
        _ => response(200, "application/x-ndjson", &ollama_answer(&["x"])),
    });
    let config = BackendConfig::new("b", Side::Local, BackendKind::Ollama, &server.url(), "m");
    let endpoint = config.endpoint().unwrap();
    for _ in 0..3 {
        endpoint.ensure_local(call()).await.unwrap();
    }
    assert_eq!(server.requests().len(), 1);
    endpoint.probe(call()).await.unwrap();
    assert_eq!(server.requests().len(), 2, "a probe looks again");
}

#[tokio::test]
async fn debug_shows_no_key_and_no_text() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, CANARY).unwrap();
    let config = BackendConfig { api_key_file: Some(key), ..config(BackendKind::Openai, "https://a.example") };
    let endpoint = config.endpoint().unwrap();
    let inner = format!("{endpoint:?}");
    let shown = format!("{config:?} {inner} {:?} {:?}", Piece::Text(CANARY.into()), LocalProvider::new(endpoint));
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn a_local_name_is_resolved_to_own_addresses() {
    let server = Server::always(response(200, "text/event-stream", &openai_answer(&["x"])));
    let url = server.url().replace("127.0.0.1", "localhost");
    let config = BackendConfig::new("b", Side::Local, BackendKind::Openai, &url, "m");
    assert_eq!(ask(&config).await.unwrap().0, "x");
    assert_eq!(server.requests()[0].json()["stream"], true);
}
