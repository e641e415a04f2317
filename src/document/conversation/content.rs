//! The content of a message: texts, and what is no text. An attachment (an image, a sound, a file, a kind that nobody
//! has heard of) cannot be scanned, so a request that has one is confidential unless the policy says otherwise. Its
//! strings are scanned all the same, but for the encoded bytes, which say nothing as text.

use serde_json::Value;

use super::super::Text;
use super::Json;

/// One piece of a message's content.
#[derive(Clone, Debug)]
pub enum Content {
    /// Text.
    Text(Text),
    /// Something else.
    Attachment(Attachment),
}

/// A content part that is no text, in the form of chat completions: an object with a `type`.
#[derive(Clone, Debug)]
pub struct Attachment {
    json: Json,
    readable: Text,
}

/// Strings at these places are encoded bytes: `input_audio.data`, `file.file_data` of chat completions, `source.data` of
/// the Messages API.
const BYTES: [&str; 2] = ["data", "file_data"];

impl Attachment {
    /// Takes the object as it will be sent.
    #[must_use]
    pub fn new(object: &serde_json::Map<String, Value>) -> Self {
        let whole = Value::Object(object.clone());
        let mut readable = whole.clone();
        blank(&mut readable, false);
        Self { json: Json::of(&whole), readable: Text::from(readable.to_string()) }
    }

    /// What is sent.
    #[must_use]
    pub fn json(&self) -> &Json {
        &self.json
    }

    /// Everything in it but the encoded bytes.
    #[must_use]
    pub fn readable(&self) -> &Text {
        &self.readable
    }

    pub(super) fn readable_mut(&mut self) -> &mut Text {
        &mut self.readable
    }

    /// The value of the field `type`.
    #[must_use]
    pub fn kind(&self) -> Option<String> {
        self.field(&["type"])
    }

    /// A string inside, by the keys that lead to it.
    #[must_use]
    pub fn field(&self, keys: &[&str]) -> Option<String> {
        let value: Value = serde_json::from_str(self.json.text().expose()).ok()?;
        keys.iter().try_fold(&value, |value, key| value.get(key))?.as_str().map(str::to_owned)
    }
}

/// Takes encoded bytes out: what follows the header of a `data:` URL (RFC 2397), and strings of base64 in fields that are
/// known to hold bytes. Anything else stays to be read.
fn blank(value: &mut Value, holds_bytes: bool) {
    match value {
        Value::String(text) => {
            if let Some(header) = text.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
                *text = format!("data:{};base64,", header.0);
            } else if holds_bytes && is_base64(text) {
                text.clear();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| blank(item, false)),
        Value::Object(fields) => {
            fields.iter_mut().for_each(|(key, value)| blank(value, BYTES.contains(&key.as_str())));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_base64(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'='))
}
