//! JSON lines: the whole line, or chosen fields of it. A line that is no JSON is scanned as it stands when no field was
//! chosen; a line that has none of the chosen fields, or is no JSON, is said not to be scanned when some were.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use serde_json::Value;

use super::pieces::encoding_note;
use super::{Event, Events, MAX_RECORD_BYTES, Place, Reason, Utf8Reader, records};
use crate::document::Json;

struct Lines<R> {
    reader: Utf8Reader<R>,
    path: Arc<str>,
    fields: Vec<String>,
    line: u64,
    waiting: VecDeque<Event>,
    done: bool,
}

pub(super) fn events<R: Read + Send + 'static>(reader: Utf8Reader<R>, path: Arc<str>, fields: Vec<String>) -> Events {
    Box::new(Lines { reader, path, fields, line: 0, waiting: VecDeque::new(), done: false })
}

/// One line, bounded.
enum Line {
    Text(String),
    TooLong,
    End,
}

impl<R: Read> Lines<R> {
    fn read(&mut self) -> io::Result<Line> {
        let mut bytes = Vec::new();
        let taken = (&mut self.reader).take(MAX_RECORD_BYTES + 1).read_until(b'\n', &mut bytes)?;
        if taken == 0 {
            return Ok(Line::End);
        }
        self.line += 1;
        if taken as u64 > MAX_RECORD_BYTES && !bytes.ends_with(b"\n") {
            self.reader.skip_until(b'\n')?;
            return Ok(Line::TooLong);
        }
        // The reader gives UTF-8 alone.
        String::from_utf8(bytes).map(Line::Text).map_err(|_| io::ErrorKind::InvalidData.into())
    }

    fn take(&mut self, line: &str) {
        let text = line.trim();
        if text.is_empty() {
            return;
        }
        let place = Place { line: Some(self.line), ..Place::default() };
        let malformed =
            |problem: &str| Event::unscanned(&self.path, Some(place.clone()), Reason::Malformed(problem.to_owned()));
        if self.fields.is_empty() {
            let text = Json::object(text).map_or_else(|_| text.to_owned(), |json| json.text().expose().to_owned());
            return records::push(&mut self.waiting, &self.path, &place, None, text);
        }
        let Ok(value) = serde_json::from_str::<Value>(text) else {
            return self.waiting.push_back(malformed("is no JSON, so the chosen fields are not known"));
        };
        let found: Vec<(String, String)> =
            self.fields.iter().filter_map(|field| Some((field.clone(), text_of(field_of(&value, field)?)))).collect();
        if found.is_empty() {
            return self.waiting.push_back(malformed("has none of the chosen fields"));
        }
        records::push_fields(&mut self.waiting, &self.path, &place, self.fields.len(), found);
    }
}

/// A field by its name or pointer.
fn field_of<'a>(value: &'a Value, field: &str) -> Option<&'a Value> {
    if field.starts_with('/') { value.pointer(field) } else { value.get(field) }
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

impl<R: Read + Send> Iterator for Lines<R> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.done {
                return None;
            }
            match self.read() {
                Ok(Line::Text(line)) => self.take(&line),
                Ok(Line::TooLong) => {
                    let place = Place { line: Some(self.line), ..Place::default() };
                    let reason = Reason::TooLong { what: "the line", limit: MAX_RECORD_BYTES };
                    return Some(Event::unscanned(&self.path, Some(place), reason));
                }
                Ok(Line::End) => {
                    self.done = true;
                    return self.reader.repaired().then(|| encoding_note(&self.path));
                }
                Err(error) => {
                    self.done = true;
                    let place = Place { line: Some(self.line + 1), ..Place::default() };
                    return Some(Event::unscanned(&self.path, Some(place), Reason::unreadable(&error)));
                }
            }
        }
    }
}
