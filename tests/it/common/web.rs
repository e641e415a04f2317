//! An HTTP client that reads answers as OpenAI's and Ollama's clients do.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

use super::TestServer;

/// A client that speaks HTTP/1.1 and uses no proxy.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// A request of one message.
pub(crate) fn chat(text: &str) -> Value {
    json!({"model": "cordon", "messages": [{"role": "user", "content": text}]})
}

impl TestServer {
    /// A POST to this path.
    pub(crate) fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        client().post(format!("{}{path}", self.url)).json(body)
    }

    /// A GET of this path.
    pub(crate) async fn get(&self, path: &str) -> Response {
        client().get(format!("{}{path}", self.url)).send().await.unwrap()
    }

    /// The answer to a chat completion.
    pub(crate) async fn openai(&self, body: &Value) -> Response {
        self.post("/v1/chat/completions", body).send().await.unwrap()
    }

    /// The answer to a chat of Ollama's.
    pub(crate) async fn ollama(&self, body: &Value) -> Response {
        self.post("/api/chat", body).send().await.unwrap()
    }
}

/// A header of an answer, empty if there is none.
pub(crate) fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

/// Status and body.
pub(crate) async fn read(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap())
}

/// The comments and the data of a stream of events, in order.
pub(crate) fn events(stream: &str) -> (Vec<String>, Vec<String>) {
    let (mut comments, mut data) = (Vec::new(), Vec::new());
    for event in stream.split("\n\n").filter(|event| !event.is_empty()) {
        match event.strip_prefix("data: ") {
            Some(text) => data.push(text.to_owned()),
            None => comments.push(event.strip_prefix(": ").unwrap().to_owned()),
        }
    }
    (comments, data)
}

/// The values of a stream of lines.
pub(crate) fn lines(stream: &str) -> Vec<Value> {
    stream.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
