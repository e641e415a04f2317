//! Tools: what a model may call, and what it called.

use std::collections::HashMap;

use super::super::Text;
use super::Json;

/// The tools of a request.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    /// What may be called.
    pub definitions: Vec<Tool>,
    /// Which.
    pub choice: ToolChoice,
    /// Whether several calls may come at once; the backend's own default when absent.
    pub parallel: Option<bool>,
}

/// A function that the model may ask its caller to run. Cordon itself runs none.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub name: Text,
    /// What it does.
    pub description: Option<Text>,
    /// What it takes, an object of JSON Schema.
    pub parameters: Option<Json>,
    /// Whether the provider must hold the model to the schema.
    pub strict: Option<bool>,
}

/// Which tool is to be called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// The one at this place of the definitions.
    Named(usize),
}

/// A call that the model asked for.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// Which call of the conversation it is, from 1. It stands for the id that the caller or a model gave.
    pub number: u32,
    /// Name of the tool.
    pub name: Text,
    /// The arguments, an object.
    pub arguments: Json,
}

impl ToolCall {
    /// The id under which the call goes to a backend.
    #[must_use]
    pub fn id(number: u32) -> String {
        format!("call_{number}")
    }
}

/// Numbers for the calls of one conversation, by the ids that its caller uses.
#[derive(Debug, Default)]
pub struct CallNumbers {
    by_id: HashMap<String, u32>,
    given: u32,
}

impl CallNumbers {
    /// The number of a new call. Some servers count their ids anew in each answer, so an id that was there before now
    /// means the new call.
    pub fn begin(&mut self, id: &str) -> u32 {
        self.given = self.given.saturating_add(1);
        self.by_id.insert(id.to_owned(), self.given);
        self.given
    }

    /// The number of the last call under this id.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<u32> {
        self.by_id.get(id).copied()
    }
}
