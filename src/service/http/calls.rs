//! Calls of tools in an answer, put together from their pieces. Cordon runs none of them and checks nothing about them: it
//! says what the model wrote.

use crate::dispatch::ToolCallPiece;
use crate::document::Text;

/// The calls of one answer, in order.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

/// One call; its texts are the model's, which saw the caller's.
#[derive(Default)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// What the model wrote; JSON if it wrote JSON.
    pub(super) arguments: String,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Call({} bytes of arguments)", self.arguments.len())
    }
}

impl Calls {
    /// Puts a piece to the call that it belongs to. How many calls there may be is bounded where the answer is read.
    pub(super) fn add(&mut self, piece: &ToolCallPiece) {
        let index = usize::try_from(piece.index).unwrap_or(usize::MAX);
        if index >= self.0.len() {
            self.0.resize_with(index + 1, Call::default);
        }
        if let Some(call) = self.0.get_mut(index) {
            let text = |text: &Option<Text>| text.as_ref().map(|text| text.expose().to_owned()).unwrap_or_default();
            call.id.push_str(&text(&piece.id));
            call.name.push_str(&text(&piece.name));
            call.arguments.push_str(piece.arguments.expose());
        }
    }

    /// Those that name a tool: a backend that skips a place leaves an empty call there.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Call)> {
        self.0.iter().enumerate().filter(|(_, call)| !call.name.is_empty())
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

/// The id of a call: the model's own, or one that is new for this answer.
pub(super) fn id(given: &str, answer: &str, index: usize) -> String {
    if given.is_empty() { format!("call_{answer}_{index}") } else { given.to_owned() }
}
