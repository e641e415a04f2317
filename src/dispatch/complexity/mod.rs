//! How much a conversation asks of a model: simple, moderate or complex, with the reasons. A deterministic estimate from
//! what can be counted in the last request: kinds of task and thought, the form of the instruction, code, material. What
//! each is worth was fitted on labelled prompts (`tests/complexity`), not guessed. The caller's own statement wins. It
//! reads the text and keeps only counts; its time is linear, and text beyond [`MAX_SCANNED`] is complex by its length
//! alone.

mod features;
mod ideas;
mod labelled;
mod model;

use crate::document::{Conversation, Message, Role, Text};
use crate::policy::Complexity;

pub use labelled::{Confusion, Measured, Prompt, measure};
pub use model::{Weights, WeightsError};

/// The estimate with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// How much.
    pub complexity: Complexity,
    /// Why, in words such as `proof_asked`; never the caller's.
    pub reasons: Vec<&'static str>,
}

/// Bytes of text from which the length alone makes a request complex: about four pages.
const MAX_SCANNED: usize = 12 * 1024;

/// Characters of earlier messages from which they count as material.
const MATERIAL: usize = 300;

/// Estimates, unless the caller has stated it.
#[must_use]
pub fn estimate(conversation: &Conversation, stated: Option<Complexity>) -> Estimate {
    if let Some(complexity) = stated {
        return Estimate { complexity, reasons: vec!["stated_by_caller"] };
    }
    // All messages count: a short question about a long contract is a question about a contract.
    let bytes: usize = conversation.messages().iter().flat_map(Message::texts).map(Text::len).sum();
    if bytes >= MAX_SCANNED {
        return Estimate { complexity: Complexity::Complex, reasons: vec!["very_long_input"] };
    }
    let Some(weights) = Weights::embedded() else {
        return Estimate { complexity: Complexity::Complex, reasons: vec!["no_weights"] };
    };
    let asked = asked(conversation);
    let asked = asked.expose();
    let mut counted = features::of(asked);
    if bytes.saturating_sub(asked.len()) > MATERIAL {
        features::add_material(&mut counted);
    }
    let (complexity, mut reasons) = weights.judge(&counted);
    if reasons.is_empty() {
        reasons.push("nothing_else_told");
    }
    Estimate { complexity, reasons }
}

/// The last words of the user: they tell what is asked; instructions of the application and earlier answers do not. A
/// conversation without a user is taken at all its words.
fn asked(conversation: &Conversation) -> Text {
    let messages = conversation.messages();
    let says = |message: &&Message| message.texts().any(|text| !text.is_empty());
    let last = messages.iter().rev().find(|message| message.role == Role::User && says(message));
    match last {
        Some(message) => message.text(),
        None => Text::from(messages.iter().flat_map(Message::texts).map(Text::expose).collect::<Vec<_>>().join("\n\n")),
    }
}

#[cfg(test)]
mod tests;
