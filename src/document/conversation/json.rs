//! JSON inside a conversation: schemas, arguments of tools, content that is JSON. It is kept as the very text that
//! leaves, so what is scanned and what is sent are the same bytes. It is written anew without spaces and without the
//! escapes that JSON does not need, because detectors read `Müller` better than `M\u00fcller`.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::Text;

/// How deep a finding is told apart inside JSON; below, it belongs to the value at this depth. It bounds the work.
const DEEPEST_PATH: usize = 16;

/// A JSON value as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Text);

/// A text is not the JSON that it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no JSON object; send one")]
pub struct NotJson;

impl Json {
    /// A value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        Self(Text::from(value.to_string()))
    }

    /// Reads a text that must be an object. An empty text is an empty object, as models write it for a call without
    /// arguments.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn object(text: &str) -> Result<Self, NotJson> {
        if text.trim().is_empty() {
            return Ok(Self(Text::from("{}")));
        }
        match serde_json::from_str(text) {
            // Written anew, a long number would lose its last digits.
            Ok(Value::Object(_)) if has_long_number(text) => Ok(Self(Text::from(text.trim()))),
            Ok(value @ Value::Object(_)) => Ok(Self::of(&value)),
            Ok(_) | Err(_) => Err(NotJson),
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &Text {
        &self.0
    }

    pub(super) fn text_mut(&mut self) -> &mut Text {
        &mut self.0
    }

    /// Whether it is JSON still, after its text was changed.
    pub(super) fn is_whole(&self) -> bool {
        serde_json::from_str::<&RawValue>(self.0.expose()).is_ok()
    }
}

/// Whether there are more digits in a row than a double holds.
fn has_long_number(text: &str) -> bool {
    text.as_bytes().chunk_by(|a, b| a.is_ascii_digit() && b.is_ascii_digit()).any(|run| run.len() > 15)
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(self.0.expose()).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// Where the values of a JSON text stand, to say of a place in it which value that is.
#[derive(Debug)]
pub struct JsonPaths {
    /// In the order of the text; a value stands before those inside it.
    values: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    range: Range<usize>,
    /// RFC 6901.
    pointer: String,
}

impl JsonPaths {
    /// The places of a text that is a JSON object or array; `None` for any other text.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        if !text.trim_start().starts_with(['{', '[']) {
            return None;
        }
        let root: &RawValue = serde_json::from_str(text).ok()?;
        let mut values = Vec::new();
        places(text, root, String::new(), DEEPEST_PATH, &mut values);
        Some(Self { values })
    }

    /// The pointer of the innermost value that holds this byte; a key belongs to the object that it stands in.
    #[must_use]
    pub fn at(&self, byte: usize) -> &str {
        // The last value that begins at or before the byte may have ended already; then one around it holds the byte.
        let before = self.values.partition_point(|place| place.range.start <= byte);
        let inside = self.values.iter().take(before).rev().find(|place| place.range.contains(&byte));
        inside.map_or("", |place| &place.pointer)
    }
}

fn places(text: &str, value: &RawValue, pointer: String, depth: usize, out: &mut Vec<Place>) {
    let slice = value.get();
    // Both are slices of one text, so the distance of their beginnings is the offset.
    let start = (slice.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let inner =
        if depth > 0 && slice.starts_with(['{', '[']) { serde_json::from_str::<Fields<'_>>(slice).ok() } else { None };
    let inner = inner.map(|fields| fields.0).unwrap_or_default();
    let inside: Vec<_> = inner.iter().map(|(key, value)| (format!("{pointer}/{}", escaped(key)), *value)).collect();
    out.push(Place { range: start..start + slice.len(), pointer });
    for (pointer, value) in inside {
        places(text, value, pointer, depth - 1, out);
    }
}

/// A key as a reference token (RFC 6901, section 3).
fn escaped(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { key.replace('~', "~0").replace('/', "~1").into() } else { key.into() }
}

/// The fields of an object or the items of an array, where they stand.
struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Inner;
        impl<'de> Visitor<'de> for Inner {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    fields.push((key.into(), map.next_value()?));
                }
                Ok(Fields(fields))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(item) = items.next_element()? {
                    fields.push((fields.len().to_string().into(), item));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(Inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_the_pointer_of_its_value() {
        let text = r#" {"a/b": {"name": "Ada Lovelace", "~": [1, "two"]}, "n": 4, "esc": "x\"y"} "#;
        let paths = JsonPaths::of(text).unwrap();
        let at = |needle: &str| paths.at(text.find(needle).unwrap()).to_owned();
        assert_eq!(at("Lovelace"), "/a~1b/name");
        assert_eq!(at("two"), "/a~1b/~0/1");
        assert_eq!(at("4"), "/n");
        assert_eq!(at("y\""), "/esc");
        assert_eq!(at("\"name\""), "/a~1b", "a key belongs to its object");
        assert_eq!(at("\"n\""), "");
        for other in ["plain", "\"text\"", "{\"a\": 1} trailing", "{'a': 1}", ""] {
            assert!(JsonPaths::of(other).is_none(), "{other}");
        }
    }

    #[test]
    fn deep_json_is_told_apart_to_a_bound() {
        let deep = format!("{}\"x\"{}", "[".repeat(60), "]".repeat(60));
        let paths = JsonPaths::of(&deep).unwrap();
        assert_eq!(paths.at(deep.find('x').unwrap()), "/0".repeat(DEEPEST_PATH));
        assert!(JsonPaths::of(&"[".repeat(100_000)).is_none());
    }

    #[test]
    fn an_object_is_written_anew() {
        let json = |text| Json::object(text).map(|json| json.text().expose().to_owned());
        assert_eq!(json(r#"{ "caf\u00e9" : 1, "b": [ ] , "b": 2}"#).as_deref(), Ok(r#"{"café":1,"b":2}"#));
        assert_eq!(json(" ").as_deref(), Ok("{}"));
        for bad in ["[1]", "\"a\"", "{", "null", "{\"a\":}", "{} {}"] {
            assert_eq!(json(bad), Err(NotJson), "{bad}");
        }
        let long = r#"{"n": 123456789012345678901234567890}"#;
        assert_eq!(json(long).as_deref(), Ok(long), "no digit is lost");
        assert_eq!(serde_json::to_string(&[Json::object(r#"{"a":1.50}"#).unwrap()]).unwrap(), r#"[{"a":1.5}]"#);
    }
}
