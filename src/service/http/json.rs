//! Reads a JSON body so that everybody who reads it later sees the same: bounded in size, depth and number of values,
//! and without a key that stands twice in one object. A scanner that takes the first of two keys and a backend that
//! takes the second would read different texts.
//!
//! No error says what stands in the body; at most where.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::Kind;
use crate::service::error::Refusal;

/// Objects and lists inside each other. Schemas of tools are the deepest of what clients send, at about ten.
const MAX_DEPTH: u32 = 64;

/// Values in one body, so that a few bytes each cannot fill memory: a value takes some 32 bytes there. 4,096 messages
/// with ten fields each are far below.
const MAX_VALUES: u32 = 200_000;

/// Why a body is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Repeated,
    Deep,
    Many,
}

/// Reads a body whose top is an object.
///
/// # Errors
/// When it is no JSON, no object, or over a bound.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match value(body)? {
        Value::Object(map) => Ok(map),
        _ => Err(Refusal::new(Kind::InvalidArgument, "INVALID_JSON", "the body is no JSON object; send one")),
    }
}

/// Reads any JSON value within the bounds.
///
/// # Errors
/// When it is no JSON, or over a bound.
pub(super) fn value(body: &[u8]) -> Result<Value, Refusal> {
    let state = State { problem: Cell::new(None), left: Cell::new(MAX_VALUES) };
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read =
        Strict { state: &state, depth: 0 }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let (reason, message) = match state.problem.get() {
            Some(Problem::Repeated) => {
                ("REPEATED_KEY", format!("a key stands twice in one object before {place}; send each key once"))
            }
            Some(Problem::Deep) => {
                ("JSON_TOO_DEEP", format!("the body is nested deeper than {MAX_DEPTH} levels; send it flatter"))
            }
            Some(Problem::Many) => {
                ("JSON_TOO_LARGE", format!("the body holds more than {MAX_VALUES} values; send fewer at a time"))
            }
            None => ("INVALID_JSON", format!("the body is no JSON at {place}; send one object in UTF-8")),
        };
        Refusal::new(Kind::InvalidArgument, reason, message)
    })
}

struct State {
    problem: Cell<Option<Problem>>,
    left: Cell<u32>,
}

impl State {
    fn stop<E: serde::de::Error>(&self, problem: Problem) -> E {
        self.problem.set(Some(problem));
        E::custom("refused")
    }
}

#[derive(Clone, Copy)]
struct Strict<'s> {
    state: &'s State,
    depth: u32,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.state.stop(Problem::Deep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.state.left.get().checked_sub(1) {
            Some(left) => self.state.left.set(left),
            None => return Err(self.state.stop(Problem::Many)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("no number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = object.next_key::<String>()? {
            let value = object.next_value_seed(inner)?;
            if map.insert(key, value).is_some() {
                return Err(self.state.stop::<A::Error>(Problem::Repeated));
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(body: &str) -> &'static str {
        value(body.as_bytes()).unwrap_err().reason
    }

    #[test]
    fn what_two_readers_could_read_in_two_ways_is_refused() {
        assert_eq!(reason(r#"{"content":"a","content":"b"}"#), "REPEATED_KEY");
        assert_eq!(reason(r#"{"a":[{"x":1,"\u0078":2}]}"#), "REPEATED_KEY");
        assert_eq!(reason(r#"{"a":1} {"b":2}"#), "INVALID_JSON");
        assert_eq!(reason("{\"a\": canary"), "INVALID_JSON");
        assert_eq!(reason(r#""\ud800""#), "INVALID_JSON");
        assert_eq!(value(b"{\"a\":\"\xff\"}").unwrap_err().reason, "INVALID_JSON");
        assert_eq!(object(b"[1]").unwrap_err().reason, "INVALID_JSON");
        assert_eq!(reason(""), "INVALID_JSON");
        assert_eq!(reason("1e999"), "INVALID_JSON");
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(value(nested(MAX_DEPTH as usize).as_bytes()).is_ok());
        assert_eq!(reason(&nested(MAX_DEPTH as usize + 1)), "JSON_TOO_DEEP");
        assert_eq!(reason(&"[".repeat(1_000_000)), "JSON_TOO_DEEP");
        assert_eq!(reason(&format!("[{}0]", "0,".repeat(MAX_VALUES as usize))), "JSON_TOO_LARGE");
    }

    #[test]
    fn no_message_shows_the_body() {
        for body in ["{\"canary\": canary}", "{\"canary\":1,\"canary\":2}", "canary", "{\"a\":\"canary\" \"canary\"}"] {
            assert!(!value(body.as_bytes()).unwrap_err().message.contains("canary"), "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = value(&body);
        }

        /// Whatever this reads, the ordinary reader reads too, and the same.
        #[test]
        fn it_reads_what_others_read(body in "[\\[\\]{}\":,a-c0-9\\\\ue. -]{0,40}") {
            if let Ok(read) = value(body.as_bytes()) {
                prop_assert_eq!(read, serde_json::from_str::<Value>(&body).unwrap());
            }
        }
    }
}
