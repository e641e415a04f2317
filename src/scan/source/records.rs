//! A record as units. The fields of a record are judged together, as one JSON object: a name beside a diagnosis is more
//! than either alone. Where one field was chosen, its text stands alone.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::pieces::of_text;
use super::{Event, Place, Unit};
use crate::document::Text;

/// The units of a record, at the end of `out`. `alone` is the one field that was chosen, if it is one.
pub(super) fn push(out: &mut VecDeque<Event>, path: &Arc<str>, place: &Place, alone: Option<&str>, text: String) {
    let number = place.record.or(place.line).unwrap_or_default();
    let id = |part: usize| {
        let place = place.section.as_ref().map_or_else(|| number.to_string(), |section| format!("{number}/{section}"));
        let field = alone.map(|field| format!("/{field}")).unwrap_or_default();
        if part == 0 { format!("{path}#{place}{field}") } else { format!("{path}#{place}{field}.{part}") }
    };
    let field = alone.map(str::to_owned);
    for (index, piece) in of_text(text).into_iter().enumerate() {
        // Lines inside of a decoded value are not lines of the file.
        let unit = Unit {
            id: id(index),
            path: Arc::clone(path),
            place: place.clone(),
            field: field.clone(),
            text: Text::from(piece.text),
            owned: piece.owned,
        };
        out.push_back(Event::Unit(unit));
    }
}

/// The fields of a record, pushed as one unit: alone if one was chosen, else as an object. Empty values say nothing.
pub(super) fn push_fields(
    out: &mut VecDeque<Event>,
    path: &Arc<str>,
    place: &Place,
    chosen: usize,
    fields: Vec<(String, String)>,
) {
    let mut fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.trim().is_empty()).collect();
    match (chosen, fields.len()) {
        (_, 0) => {}
        (1, 1) => {
            if let Some((name, value)) = fields.pop() {
                push(out, path, place, Some(&name), value);
            }
        }
        _ => {
            let mut object = Map::new();
            for (mut name, value) in fields {
                // Two columns of one name are both kept.
                while object.contains_key(&name) {
                    name.push('\'');
                }
                object.insert(name, Value::String(value));
            }
            push(out, path, place, None, Value::Object(object).to_string());
        }
    }
}
