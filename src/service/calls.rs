//! Calls of tools in an answer, put together from their pieces. Cordon runs none of them and checks nothing about them: it
//! says what the model wrote.

use crate::dispatch::ToolCallPiece;
use crate::document::Text;

use super::proto;

/// The calls of one answer, in order.
#[derive(Debug, Default)]
pub(in crate::service) struct Calls(Vec<Call>);

/// One call; its texts are the model's, which saw the caller's.
#[derive(Default)]
pub(in crate::service) struct Call {
    pub(in crate::service) id: String,
    pub(in crate::service) name: String,
    /// What the model wrote; JSON if it wrote JSON.
    pub(in crate::service) arguments: String,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({} bytes of arguments)", self.arguments.len())
    }
}

impl Calls {
    /// Puts a piece to the call that it belongs to.
    pub(in crate::service) fn add(&mut self, piece: &ToolCallPiece) {
        let text = |text: &'_ Option<Text>| text.clone().unwrap_or_else(|| Text::from(""));
        self.add_texts(piece.index, text(&piece.id).expose(), text(&piece.name).expose(), piece.arguments.expose());
    }

    /// The same for the texts of a piece. How many calls there may be is bounded where the answer is read.
    pub(in crate::service) fn add_texts(&mut self, index: u32, id: &str, name: &str, arguments: &str) {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        if index >= self.0.len() {
            self.0.resize_with(index + 1, Call::default);
        }
        if let Some(call) = self.0.get_mut(index) {
            call.id.push_str(id);
            call.name.push_str(name);
            call.arguments.push_str(arguments);
        }
    }

    /// All of them in the words of the protocol; one that names no tool keeps its place.
    pub(in crate::service) fn into_proto(self) -> Vec<proto::ToolCall> {
        let call = |call: Call| proto::ToolCall { id: call.id, name: call.name, arguments: call.arguments };
        self.0.into_iter().map(call).collect()
    }

    /// Those that name a tool: a backend that skips a place leaves an empty call there.
    pub(in crate::service) fn iter(&self) -> impl Iterator<Item = (usize, &Call)> {
        self.0.iter().enumerate().filter(|(_, call)| !call.name.is_empty())
    }

    /// Whether there is none.
    pub(in crate::service) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// The id of a call: the model's own, or one that is new for this answer.
pub(in crate::service) fn id(given: &str, answer: &str, index: usize) -> String {
    if given.is_empty() { format!("call_{answer}_{index}") } else { given.to_owned() }
}
