//! Values that stand in a field whose name says what they hold: `Nachname: Roe`, `"last_name": "Roe"`, a column of a
//! table, a column of an SQL `INSERT`, an XML element. Names of people have no form that a pattern could look for, and
//! the model reads prose; the name of the field tells them. Every place is visited once, and nothing looks far back.

use std::collections::HashMap;
use std::ops::Range;

use memchr::{memchr, memchr3_iter, memmem};

use super::fields::{Fields, label, split_name};
use super::words::fold;
use crate::detect::catalog::RecognizerSpec;

/// Longest value in bytes that is read after a label.
const MAX_VALUE: usize = 160;

/// Blanks, quotation marks and asterisks between a label's sign and its value.
const MAX_GAP: usize = 4;

/// Longest list of columns of an `INSERT`, in bytes.
const MAX_COLUMNS: usize = 2048;

/// Words of a field's name that are looked at, from its end.
const MAX_WORDS: usize = 5;

/// Names of fields, and the recognizers that listen to them.
#[derive(Default)]
pub(super) struct FieldNames {
    /// By the name folded, its words joined.
    listeners: HashMap<String, Vec<Listener>>,
}

/// A recognizer that wants the values of a field.
#[derive(Clone, Copy)]
struct Listener {
    recognizer: usize,
    /// The field must have no other word in its name.
    alone: bool,
    /// The value must be delimited: in quotation marks, a cell, an element.
    delimited: bool,
}

/// A value for a recognizer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) recognizer: usize,
    pub(super) value: Range<usize>,
    /// The value ends with the range; otherwise it may end before, at a sign that ends values.
    pub(super) delimited: bool,
    /// The names of the columns of its record, if it is a cell: what they say holds for each cell.
    pub(super) columns: Range<usize>,
}

/// Where a value stands, before anybody asks whether it is wanted.
struct Place {
    value: Range<usize>,
    delimited: bool,
    columns: Range<usize>,
}

impl FieldNames {
    /// The field triggers of these recognizers, which keep their indices.
    pub(super) fn build<'r>(specs: impl Iterator<Item = &'r RecognizerSpec>) -> Self {
        let mut listeners: HashMap<String, Vec<Listener>> = HashMap::new();
        for (recognizer, spec) in specs.enumerate() {
            for name in spec.trigger.fields.iter().flatten() {
                let (alone, name) = name.strip_prefix('=').map_or((false, name.as_str()), |name| (true, name));
                let listener = Listener { recognizer, alone, delimited: spec.trigger.delimited };
                listeners.entry(joined(name)).or_default().push(listener);
            }
        }
        Self { listeners }
    }

    /// Whether nobody listens.
    pub(super) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    /// Every wanted value of a text, which is itself the value of `field` if that is not empty.
    pub(super) fn cells(&self, text: &str, field: &str, fields: &Fields) -> Vec<Cell> {
        let mut cells = Vec::new();
        let mut words = String::new();
        if !field.is_empty() && text.len() <= MAX_VALUE {
            self.offer(field, &Place { value: 0..text.len(), delimited: true, columns: 0..0 }, &mut words, &mut cells);
        }
        let bytes = text.as_bytes();
        let mut named = |name: Range<usize>, place: Place| {
            if let Some(name) = text.get(name) {
                self.offer(name, &place, &mut words, &mut cells);
            }
        };
        labels(bytes, &mut named);
        let columns = fields.header();
        fields.cells(bytes, &mut |name, value| named(name, Place { value, delimited: true, columns: columns.clone() }));
        inserts(bytes, &mut named);
        cells.retain_mut(|cell| trim(text, &mut cell.value));
        cells
    }

    /// Hands a value to those who listen to its name, or to the last words of it.
    fn offer(&self, name: &str, place: &Place, words: &mut String, cells: &mut Vec<Cell>) {
        split_name(name, words);
        let all: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        let first = all.len().saturating_sub(MAX_WORDS);
        for from in first..all.len() {
            let Some(last_words) = all.get(from..) else { continue };
            let Some(listeners) = self.listeners.get(&joined(&last_words.concat())) else { continue };
            for listener in listeners {
                let cell = Cell {
                    recognizer: listener.recognizer,
                    value: place.value.clone(),
                    delimited: place.delimited,
                    columns: place.columns.clone(),
                };
                let wanted = (!listener.alone || from == 0) && (!listener.delimited || place.delimited);
                if wanted {
                    cells.push(cell);
                }
            }
            return;
        }
    }
}

/// The letters and digits of a name, folded.
fn joined(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).map(fold).collect()
}

/// Whether something is left of a value without blanks around it.
fn trim(text: &str, value: &mut Range<usize>) -> bool {
    let Some(content) = text.get(value.clone()) else { return false };
    let start = content.len() - content.trim_start().len();
    *value = value.start + start..value.start + start + content.trim().len();
    value.start < value.end
}

/// Values behind a colon, an equals sign or an XML tag.
fn labels(bytes: &[u8], named: &mut dyn FnMut(Range<usize>, Place)) {
    for sign in memchr3_iter(b':', b'=', b'>', bytes) {
        let gap = bytes.get(sign + 1..).unwrap_or_default().iter().take(MAX_GAP);
        let blanks = gap.take_while(|byte| matches!(byte, b' ' | b'\t' | b'*' | b'_')).count();
        let mut start = sign + 1 + blanks;
        let quote = bytes.get(start).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        start += usize::from(quote.is_some());
        // Most signs stand in code before something that is no value.
        if bytes.get(start).is_none_or(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric() && *byte != b'@') {
            continue;
        }
        let Some(name) = label(bytes, start) else { continue };
        let rest = bytes.get(start..(start + MAX_VALUE).min(bytes.len())).unwrap_or_default();
        let element = bytes.get(sign) == Some(&b'>') && bytes.get(sign.wrapping_sub(1)) != Some(&b'=');
        let end = match quote {
            Some(quote) => memchr(quote, rest),
            None if element => memchr(b'<', rest),
            None => Some(rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())),
        };
        let Some(end) = end else { continue };
        let mut value = start..start + end;
        // A limit inside a character.
        while value.end < bytes.len() && bytes.get(value.end).is_some_and(|byte| (byte & 0xc0) == 0x80) {
            value.end -= 1;
        }
        named(name, Place { value, delimited: quote.is_some() || element, columns: 0..0 });
    }
}

/// Values of `INSERT INTO table (columns) VALUES (values), …`.
fn inserts(bytes: &[u8], named: &mut dyn FnMut(Range<usize>, Place)) {
    for keyword in [b"VALUES".as_slice(), b"values", b"Values"] {
        let mut from = 0;
        while let Some(found) = bytes.get(from..).and_then(|rest| memmem::find(rest, keyword)) {
            let at = from + found;
            from = at + keyword.len();
            let Some(columns) = columns_before(bytes, at) else { continue };
            let all = columns.first().zip(columns.last()).map_or(0..0, |(first, last)| first.start..last.end);
            while let Some(open) = after_blanks(bytes, from, b'(') {
                let mut column = columns.iter();
                from = tuple(bytes, open, &mut |value| {
                    if let Some(name) = column.next() {
                        named(name.clone(), Place { value, delimited: true, columns: all.clone() });
                    }
                });
                let Some(comma) = after_blanks(bytes, from, b',') else { break };
                from = comma;
            }
        }
    }
}

/// The names in the parentheses directly before `at`.
fn columns_before(bytes: &[u8], at: usize) -> Option<Vec<Range<usize>>> {
    let before = bytes.get(at.saturating_sub(MAX_COLUMNS)..at)?;
    let close =
        before.iter().rposition(|byte| !byte.is_ascii_whitespace()).filter(|at| before.get(*at) == Some(&b')'))?;
    let open = memchr::memrchr(b'(', before.get(..close)?)?;
    let base = at - before.len();
    let mut columns = Vec::new();
    tuple(bytes, base + open + 1, &mut |name| columns.push(name));
    Some(columns)
}

/// The place behind a sign that only blanks stand before.
fn after_blanks(bytes: &[u8], from: usize, sign: u8) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let at = rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
    (rest.get(at) == Some(&sign)).then_some(from + at + 1)
}

/// The items of a tuple that begins at `from`, without quotation marks; returns the place behind it.
fn tuple(bytes: &[u8], from: usize, item: &mut dyn FnMut(Range<usize>)) -> usize {
    let (mut at, mut start) = (from, from);
    let mut quote: Option<u8> = None;
    let mut depth = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), b'\\') => at += 1,
            (Some(_), _) => {}
            (None, b'\'' | b'"' | b'`') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') if depth > 0 => depth -= 1,
            (None, b',' | b')') if depth == 0 => {
                item(unquoted(bytes, start..at));
                start = at + 1;
                if byte == b')' {
                    return at + 1;
                }
            }
            (None, b';') => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// An item without blanks and quotation marks around it.
fn unquoted(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let item = bytes.get(range.clone()).unwrap_or_default();
    let outer = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'\'' | b'"' | b'`' | b'[' | b']');
    let before = item.iter().take_while(|byte| outer(byte)).count();
    let after = item.iter().rev().take_while(|byte| outer(byte)).count().min(item.len() - before);
    range.start + before..range.end - after
}

/// Whether a value that is not delimited may end here: at the end of its line, at a sign between fields, before a wide
/// gap or a dash.
pub(super) fn ends_value(rest: &str) -> bool {
    let mut chars = rest.chars();
    match chars.next() {
        None | Some('\n' | '\r' | ',' | ';' | '|' | '<' | '"' | '\'' | '\t') => true,
        Some('.') => chars.next().is_none_or(char::is_whitespace),
        Some(' ') => {
            chars.next().is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '|' | '(' | '<' | '-' | '–' | '/' | '·'))
        }
        Some(')') => true,
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests {
    use super::*;
    use crate::detect::catalog::CatalogFile;

    fn names(trigger: &str) -> FieldNames {
        let file: CatalogFile = toml::from_str(&format!(
            "[[recognizer]]\nid = \"r\"\nentity_type = \"T\"\nsource = \"s\"\nscore = 0.5\ntrigger = {trigger}"
        ))
        .unwrap();
        FieldNames::build(file.recognizer.iter())
    }

    fn values<'t>(trigger: &str, text: &'t str) -> Vec<&'t str> {
        names(trigger).cells(text, "", &Fields::of(text)).into_iter().map(|cell| &text[cell.value]).collect()
    }

    const LAST: &str = "{ fields = [\"last name\", \"=name\"] }";

    #[test]
    fn labels_keys_and_elements_hold_values() {
        assert_eq!(values(LAST, "Last name: Roe\nAge: 4"), ["Roe"]);
        assert_eq!(values(LAST, "customer_last_name = 'Roe'"), ["Roe"]);
        assert_eq!(values(LAST, "{\"lastName\": \"Roe \", \"n\": 1}"), ["Roe"]);
        assert_eq!(values(LAST, "<lastname>Roe</lastname>"), ["Roe"]);
        assert_eq!(values(LAST, "**Last name:** Roe"), ["Roe"]);
        assert_eq!(values(LAST, "LAST-NAME:Roe"), ["Roe"]);
        assert_eq!(values(LAST, "my lastnames: Roe"), [""; 0]);
        assert_eq!(values(LAST, "last_name = get(1)\nlast_name = $x"), ["get(1)"]);
    }

    #[test]
    fn a_name_that_must_stand_alone_has_no_other_word() {
        assert_eq!(values(LAST, "name: Roe\nfile name: x\nhostname: y"), ["Roe"]);
    }

    #[test]
    fn only_delimited_values_when_that_is_asked() {
        let quoted = "{ fields = [\"last name\"], delimited = true }";
        assert_eq!(values(quoted, "last_name: Roe\n\"last_name\": \"Doe\""), ["Doe"]);
    }

    #[test]
    fn columns_of_tables_and_inserts_have_names() {
        assert_eq!(values(LAST, "id;last name\n1;Roe\n2;\"Doe, x\"\n"), ["Roe", "Doe, x"]);
        let sql = "INSERT INTO t (id, `last_name`, n) VALUES (1, 'Roe', f(2, 3)), (2, 'O''Neil', 4);\nVALUES (9)";
        assert_eq!(values(LAST, sql), ["Roe", "O''Neil"]);
        assert_eq!(values(LAST, "insert into t (last_name) values\n('Roe');"), ["Roe"]);
    }

    #[test]
    fn a_part_that_is_a_field_is_its_value() {
        let cells = names(LAST).cells(" Roe ", "lastName", &Fields::of(" Roe "));
        assert_eq!(cells, [Cell { recognizer: 0, value: 1..4, delimited: true, columns: 0..0 }]);
    }

    #[test]
    fn open_values_end_at_signs_between_fields() {
        assert!(["", "\nx", ", x", "  x", " | x", " (x", ". X", ".", " - x"].iter().all(|rest| ends_value(rest)));
        assert!(["x", " x", "(x", ".x", "-x", "=x"].iter().all(|rest| !ends_value(rest)));
    }
}
