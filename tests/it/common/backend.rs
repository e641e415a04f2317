//! Backends that answer by script and keep every request they got, for both sides.

use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

/// A chat-completions server.
pub(crate) struct Backend {
    server: MockServer,
}

/// An answer in two pieces, as server-sent events.
pub(crate) fn answer(text: &str) -> ResponseTemplate {
    let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
    let (first, second) = text.split_at(middle);
    let chunk = |delta: &str, finish: Value| {
        json!({"choices": [{"index": 0, "delta": {"content": delta}, "finish_reason": finish}]}).to_string()
    };
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}).to_string();
    let body = [chunk(first, Value::Null), chunk(second, json!("stop")), usage, "[DONE]".to_owned()]
        .map(|data| format!("data: {data}\n\n"))
        .concat();
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

impl Backend {
    /// One that answers every request with this.
    pub(crate) async fn answering(response: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        Mock::given(method("POST")).and(path("/v1/chat/completions")).respond_with(response).mount(&server).await;
        let models = json!({"object": "list", "data": [{"id": "m", "object": "model"}]});
        Mock::given(method("GET"))
            .and(path("/v1/models"))
            .respond_with(ResponseTemplate::new(200).set_body_json(models))
            .mount(&server)
            .await;
        Self { server }
    }

    /// Its entry in a configuration.
    pub(crate) fn entry(&self, name: &str, side: &str) -> String {
        entry(name, side, &self.server.uri())
    }

    /// The bodies of the requests for an answer that it got.
    pub(crate) async fn received(&self) -> Vec<String> {
        let requests = self.server.received_requests().await.unwrap();
        requests
            .iter()
            .filter(|request| request.method.as_str() == "POST")
            .map(|request| String::from_utf8_lossy(&request.body).into_owned())
            .collect()
    }

    /// Whether this string came in any part of any request.
    pub(crate) async fn saw(&self, needle: &str) -> bool {
        let requests = self.server.received_requests().await.unwrap();
        requests.iter().any(|request| {
            super::holds(&request.body, needle)
                || request.url.as_str().contains(needle)
                || request.headers.values().any(|value| super::holds(value.as_bytes(), needle))
        })
    }
}

/// An entry of a backend at this address.
pub(crate) fn entry(name: &str, side: &str, url: &str) -> String {
    format!("[[backend]]\nname = \"{name}\"\nside = \"{side}\"\nkind = \"openai\"\nurl = \"{url}\"\nmodel = \"m\"\n")
}
