//! Takes the fields out of a JSON object one by one. What is not taken is dropped, and its name is kept for the caller,
//! so that every string of a body is either used (and then scanned) or named as dropped. A wrong type is refused with
//! the path of the field, never with its value.

use serde_json::{Map, Value};

use crate::service::error::Refusal;

/// Names of dropped fields that are told; a caller who sends more sees how many.
const MAX_NAMED: usize = 16;

/// Longest name that is told. A longer one, or one of other characters, may be text.
const MAX_NAME: usize = 40;

/// What was sent and is neither scanned nor passed on.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    named: Vec<String>,
    unnamed: usize,
}

impl Dropped {
    /// Adds a field.
    pub(super) fn add(&mut self, at: &str, name: &str) {
        let tellable = (1..=MAX_NAME).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if tellable && self.named.len() < MAX_NAMED {
            self.named.push(join(at, name));
        } else {
            self.unnamed = self.unnamed.saturating_add(1);
        }
    }

    /// The names with a comma between them; nothing if nothing was dropped.
    pub(super) fn told(&self) -> Option<String> {
        if self.named.is_empty() && self.unnamed == 0 {
            return None;
        }
        let mut told = self.named.clone();
        if self.unnamed > 0 {
            told.push(format!("+{}", self.unnamed));
        }
        Some(told.join(", "))
    }
}

/// A field whose value is of the wrong kind.
pub(super) fn wrong_type(at: &str, expected: &str) -> Refusal {
    Refusal::field(at, "INVALID_TYPE", format!("must be {expected}"))
}

/// A field that changes what is asked in a way that Cordon does not offer.
pub(super) fn unsupported(at: &str, instead: &str) -> Refusal {
    Refusal::field(at, "UNSUPPORTED_PARAMETER", format!("is not supported; {instead}"))
}

/// A number outside its range.
pub(super) fn out_of_range(at: &str, message: impl Into<String>) -> Refusal {
    Refusal::field(at, "OUT_OF_RANGE", message)
}

/// `at.name`, or `name` at the top.
pub(super) fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// An object whose fields are taken one by one.
pub(super) struct Fields {
    at: String,
    map: Map<String, Value>,
}

impl Fields {
    /// The object at this path; empty for the top.
    pub(super) fn new(at: impl Into<String>, map: Map<String, Value>) -> Self {
        Self { at: at.into(), map }
    }

    /// The same of a value that must be an object.
    pub(super) fn of(at: impl Into<String>, value: Value) -> Result<Self, Refusal> {
        let at = at.into();
        match value {
            Value::Object(map) => Ok(Self { at, map }),
            _ => Err(wrong_type(&at, "an object")),
        }
    }

    /// The path of this object.
    pub(super) fn at(&self) -> &str {
        &self.at
    }

    /// The path of a field.
    pub(super) fn path(&self, name: &str) -> String {
        join(&self.at, name)
    }

    /// The value; `null` counts as absent, as clients send it for what they leave out.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.map.shift_remove(name).filter(|value| !value.is_null())
    }

    /// A string.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(&self.path(name), "a string")),
        }
    }

    /// A string that must be there.
    pub(super) fn required_text(&mut self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.ok_or_else(|| missing(&self.path(name)))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(_) => Err(wrong_type(&self.path(name), "true or false")),
        }
    }

    /// A number in this range.
    pub(super) fn number(&mut self, name: &str, least: f32, most: f32) -> Result<Option<f32>, Refusal> {
        let Some(value) = self.take(name) else { return Ok(None) };
        #[allow(clippy::cast_possible_truncation, reason = "backends take single precision too")]
        let number = value.as_f64().ok_or_else(|| wrong_type(&self.path(name), "a number"))? as f32;
        if !(least..=most).contains(&number) {
            return Err(out_of_range(&self.path(name), format!("must be from {least} to {most}")));
        }
        Ok(Some(number))
    }

    /// A whole number.
    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| wrong_type(&self.path(name), "a whole number")),
        }
    }

    /// One string or a list of them.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        let values = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values,
            Some(value) => vec![value],
        };
        let text = |value| match value {
            Value::String(text) => Ok(text),
            _ => Err(wrong_type(&self.path(name), "a string or a list of strings")),
        };
        values.into_iter().map(text).collect()
    }

    /// An object, as text.
    pub(super) fn json(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(value @ Value::Object(_)) => Ok(Some(value.to_string())),
            Some(_) => Err(wrong_type(&self.path(name), "an object")),
        }
    }

    /// A list.
    pub(super) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(_) => Err(wrong_type(&self.path(name), "a list")),
        }
    }

    /// An object.
    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => Self::of(self.path(name), value).map(Some),
        }
    }

    /// Drops what was not taken. What is empty says nothing and is not told.
    pub(super) fn drop_rest(self, dropped: &mut Dropped) {
        for (name, value) in &self.map {
            if !value.is_null() {
                dropped.add(&self.at, name);
            }
        }
    }
}

/// A field that must be there and is not.
pub(super) fn missing(at: &str) -> Refusal {
    Refusal::field(at, "MISSING_PARAMETER", "is missing; send it")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        Fields::of("", value).unwrap()
    }

    #[test]
    fn a_wrong_type_names_the_path_and_not_the_value() {
        let mut messages = Fields::of("messages[3]", json!({"content": 7, "name": ["canary"]})).unwrap();
        let refusal = messages.text("content").unwrap_err();
        assert_eq!(refusal.field.as_deref(), Some("messages[3].content"));
        let refusal = messages.text("name").unwrap_err();
        assert!(!format!("{refusal:?}").contains("canary"));
        assert_eq!(fields(json!({})).required_text("model").unwrap_err().reason, "MISSING_PARAMETER");
        assert_eq!(fields(json!({"t": 3})).number("t", 0.0, 2.0).unwrap_err().reason, "OUT_OF_RANGE");
        assert_eq!(fields(json!({"t": 0.5})).integer("t").unwrap_err().reason, "INVALID_TYPE");
        assert_eq!(fields(json!({"t": null})).integer("t").unwrap(), None);
    }

    #[test]
    fn what_is_not_taken_is_named_if_its_name_is_no_text() {
        let mut dropped = Dropped::default();
        let mut some = fields(json!({"a": 1, "user": "x", "ignored": null, "my card is 4539": 1, "ä": 2}));
        some.take("a");
        some.drop_rest(&mut dropped);
        assert_eq!(dropped.told().unwrap(), "user, +2");
        assert_eq!(Dropped::default().told(), None);
        let mut many = Dropped::default();
        (0..40).for_each(|n| many.add("options", &format!("x{n}")));
        assert!(many.told().unwrap().ends_with("options.x15, +24"));
    }
}
