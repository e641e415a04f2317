//! Each wire format against a scripted server: what is sent, how the answer is read however it is cut, and how each
//! failure is told without showing what was sent or answered.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::Instant;

mod failing;
mod guarding;
mod tools;
mod wire;

use super::*;
use crate::dispatch::config::{BackendConfig, BackendKind, Side};
use crate::dispatch::testing::{
    OLLAMA_TAGS, Server, Step, anthropic_answer, head, ollama_answer, openai_answer, refusing_url, response,
};
use crate::document::{Generation, Message, Role};
use crate::error::Kind;

const CANARY: &str = "canary-6e1f";

const KINDS: [BackendKind; 3] = [BackendKind::Ollama, BackendKind::Openai, BackendKind::Anthropic];

fn config(kind: BackendKind, url: &str) -> BackendConfig {
    BackendConfig { idle_timeout_ms: 2_000, ..BackendConfig::new("b", Side::Cloud, kind, url, "m") }
}

fn conversation() -> Conversation {
    let message = |role, content: &str| Message::new(role, content);
    Conversation::new(
        vec![message(Role::System, "Be brief."), message(Role::User, &format!("Say äöü 🦀 {CANARY}"))],
        Generation::default(),
    )
}

fn call() -> Call {
    Call { deadline: Instant::now() + Duration::from_secs(20), probabilities: false }
}

async fn ask(config: &BackendConfig) -> Result<(String, Finish), ProviderError> {
    ask_with(config, &conversation(), call()).await
}

async fn ask_with(config: &BackendConfig, text: &Conversation, call: Call) -> Result<(String, Finish), ProviderError> {
    let mut stream = config.endpoint().unwrap().open(text, call).await?;
    let mut answer = String::new();
    let mut finish = None;
    while let Some(piece) = stream.next().await {
        match piece? {
            Piece::Text(text) => answer.push_str(text.expose()),
            Piece::Tokens(_) => panic!("nobody asked for them"),
            Piece::ToolCall(_) | Piece::Vectors(_) => panic!("neither was asked for"),
            Piece::Finish(end) => assert!(finish.replace(end).is_none(), "one finish"),
        }
    }
    Ok((answer, finish.expect("a stream without error has a finish")))
}

fn answer_of(kind: BackendKind, pieces: &[&str]) -> String {
    match kind {
        BackendKind::Ollama => ollama_answer(pieces),
        BackendKind::Openai => openai_answer(pieces),
        BackendKind::Anthropic => anthropic_answer(pieces),
    }
}

fn type_of(kind: BackendKind) -> &'static str {
    if kind == BackendKind::Ollama { "application/x-ndjson" } else { "text/event-stream" }
}

/// Neither what was sent nor what came back may show.
fn assert_silent(error: &ProviderError) {
    let shown = format!("{error} {error:?} {:?}", error.fault);
    assert!(!shown.contains("canary"), "{shown}");
}
