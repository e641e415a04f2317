//! What a request says, as the detectors see it: an ordered list of parts, each a string with a role and a path.
//!
//! This module owns the caller's text. It must never print it (`Debug` shows lengths), change it, or cut it short:
//! every finding points into the original, in bytes and in code points.

mod characters;
mod conversation;
mod normalise;
mod offsets;
mod part;
pub mod reading;
mod segment;
mod text;

pub use conversation::{
    Attachment, CallNumbers, Content, Conversation, Generation, Json, JsonPaths, Message, Misfit, NotJson,
    ResponseFormat, Tool, ToolCall, ToolChoice, Tools,
};
pub use normalise::View;
pub use offsets::CodePoints;
pub use part::{Document, Part, Role};
pub use text::Text;
