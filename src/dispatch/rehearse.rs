//! Asks one local backend one prompt and judges the answer as a dispatch would: what calibration is made of. It knows no
//! way to the cloud.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::Instant;

use crate::document::{Conversation, Generation, Message, Role};
use crate::policy::LocalText;

use super::backend::{Backend, Backends};
use super::confidence::{Ending, Features, Judge};
use super::provider::{Call, Fault, LocalProvider, Piece, ProviderError};

/// One answer with what is known of it.
#[derive(Clone, Debug)]
pub struct Rehearsed {
    /// The answer.
    pub text: String,
    /// Of the whole answer; `None` without log-probabilities.
    pub features: Option<Features>,
    /// Of what would be held back of it, if that is not the whole answer.
    pub early: Option<Features>,
    /// Its flaws.
    pub flaws: Vec<&'static str>,
    /// Tokens that it has, by their probabilities or as the backend says.
    pub tokens: u64,
}

impl Backends {
    /// The local backend of this name.
    #[must_use]
    pub fn local_named(&self, name: &str) -> Option<&Arc<Backend<LocalProvider>>> {
        self.local().iter().find(|backend| &**backend.name() == name)
    }
}

/// Asks without chance (temperature 0), with a limit of tokens that counts as the model's own: an answer that reaches it
/// was cut off.
///
/// # Errors
/// As any call of the backend.
pub async fn rehearse(
    backend: &Backend<LocalProvider>,
    prompt: &str,
    max_output_tokens: u32,
    patience: Duration,
) -> Result<Rehearsed, ProviderError> {
    let message = Message::new(Role::User, prompt);
    let generation =
        Generation { max_output_tokens: Some(max_output_tokens), temperature: Some(0.0), ..Generation::default() };
    let conversation = Arc::new(Conversation::new(vec![message], generation));
    let call = Call { deadline: Instant::now() + patience, probabilities: true };
    let mut stream = backend.provider().stream(LocalText::from(conversation), call).await?;
    let hold_back = backend.terms().hold_back;
    let (mut judge, mut text, mut early) = (Judge::default(), String::new(), None);
    loop {
        let piece = stream.next().await.unwrap_or_else(|| Err(ended_early(backend)))?;
        judge.take(&piece);
        match piece {
            Piece::Text(more) => text.push_str(more.expose()),
            Piece::Tokens(_) | Piece::ToolCall(_) | Piece::Vectors(_) => {}
            Piece::Finish(finish) => {
                // The whole answer is judged whole, however long the hold-back was.
                let ending = Ending::of(finish.reason, finish.output_tokens, None);
                let tokens = judge.tokens().max(finish.output_tokens);
                let (features, flaws) = (judge.features(), judge.flaws(ending));
                return Ok(Rehearsed { text, features, early, flaws, tokens });
            }
        }
        let full = judge.tokens() >= hold_back.tokens.into() || text.len() as u64 >= hold_back.bytes.into();
        if early.is_none() && full {
            early = judge.features();
        }
    }
}

fn ended_early(backend: &Backend<LocalProvider>) -> ProviderError {
    let (name, model) = (Arc::clone(backend.name()), Arc::clone(backend.model()));
    ProviderError { backend: name, model, fault: Fault::EndedEarly }
}
