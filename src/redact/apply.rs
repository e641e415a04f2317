//! Applies operators to a document: from parts and findings to redacted parts and where what went. It works in two
//! passes: first everything but placeholders, to see what then looks like one; only then numbers are given.

use std::ops::Range;

use crate::detect::EntityType;
use crate::document::{Document, Part, Text};

use super::cipher::encrypt;
use super::map::folded;
use super::placeholder::{CIPHER_CHUNK, label, token};
use super::spans::{Span, spans};
use super::{Operator, Operators, PlaceholderMap, RedactError, RedactionKey};

/// What encrypted values are bound to, beside the caller and the type.
pub(super) const VALUE_PURPOSE: &[u8] = b"cordon encrypted value v1";

/// One value that became something else.
#[derive(Clone, Debug, PartialEq)]
pub struct RedactedSpan {
    /// Index of the part.
    pub part: usize,
    /// Bytes in the original part.
    pub original: Range<usize>,
    /// Bytes in the redacted part; empty where the value was dropped.
    pub redacted: Range<usize>,
    /// What was there.
    pub entity_type: EntityType,
    /// What was done.
    pub operator: Operator,
}

/// A redacted document, with the roles and pointers of the original.
#[derive(Clone, Debug)]
pub struct Redacted {
    /// The parts as they are now. It is a new document: the verdict on the original says nothing about it.
    pub document: Document,
    /// What became what, in the order of parts and places.
    pub spans: Vec<RedactedSpan>,
}

/// Redacts a document. Placeholders are added to `map`; hashes and encrypted values are bound to `caller`.
///
/// # Errors
/// When a finding names a part that is not there, or the cipher fails. Nothing is redacted then.
pub fn redact(
    document: &Document,
    findings: &[crate::detect::Finding],
    operators: &Operators,
    key: &RedactionKey,
    caller: &str,
    map: &mut PlaceholderMap,
) -> Result<Redacted, RedactError> {
    let parts = document.parts();
    let mut by_part: Vec<Vec<&crate::detect::Finding>> = vec![Vec::new(); parts.len()];
    for finding in findings {
        by_part.get_mut(finding.part).ok_or(RedactError::ForeignFinding)?.push(finding);
    }
    let mut work = Vec::with_capacity(parts.len());
    for (part, findings) in parts.iter().zip(by_part) {
        let text = part.text.expose();
        let planned = plan(text, spans(text, findings.into_iter(), operators), key, caller)?;
        map.reserve(text);
        map.reserve(&skeleton(text, &planned));
        work.push((part, planned));
    }
    let mut redacted = Redacted { document: Document::new(Vec::new()), spans: Vec::new() };
    let mut done = Vec::with_capacity(parts.len());
    for (index, (part, planned)) in work.into_iter().enumerate() {
        let text = write(index, part.text.expose(), planned, map, &mut redacted.spans);
        done.push(Part { role: part.role, pointer: part.pointer.clone(), text: Text::from(text) });
    }
    redacted.document = Document::new(done);
    Ok(redacted)
}

/// A span, and what takes its place; `None` for a placeholder, which has no number yet.
struct Planned {
    span: Span,
    instead: Option<String>,
}

fn plan(text: &str, spans: Vec<Span>, key: &RedactionKey, caller: &str) -> Result<Vec<Planned>, RedactError> {
    let plan = |span: Span| {
        let value = text.get(span.range.clone()).unwrap_or_default();
        let label = label(&span.entity_type);
        let instead = match span.operator {
            Operator::Replace => None,
            Operator::Mask { keep_last, with } => Some(masked(value, keep_last, with)),
            Operator::Hash => Some(format!("{label}:{}", key.hash(caller, &label, &folded(span.category, value)))),
            Operator::Encrypt => Some(encrypted(value, &label, key, caller)?),
            Operator::Drop | Operator::Keep => Some(String::new()),
        };
        Ok(Planned { span, instead })
    };
    spans.into_iter().map(plan).collect()
}

/// The text as it will be, with a line break where a placeholder will stand: no look-alike goes across one.
fn skeleton(text: &str, planned: &[Planned]) -> String {
    let mut skeleton = String::with_capacity(text.len());
    let mut at = 0;
    for Planned { span, instead } in planned {
        skeleton.push_str(text.get(at..span.range.start).unwrap_or_default());
        skeleton.push_str(instead.as_deref().unwrap_or("\n"));
        at = span.range.end;
    }
    skeleton.push_str(text.get(at..).unwrap_or_default());
    skeleton
}

fn write(
    part: usize,
    text: &str,
    planned: Vec<Planned>,
    map: &mut PlaceholderMap,
    done: &mut Vec<RedactedSpan>,
) -> String {
    let mut redacted = String::with_capacity(text.len());
    let mut at = 0;
    for Planned { span, instead } in planned {
        redacted.push_str(text.get(at..span.range.start).unwrap_or_default());
        let start = redacted.len();
        let value = text.get(span.range.clone()).unwrap_or_default();
        match instead {
            Some(instead) => redacted.push_str(&instead),
            None => redacted.push_str(&map.placeholder(&span.entity_type, span.category, value)),
        }
        at = span.range.end;
        done.push(RedactedSpan {
            part,
            original: span.range,
            redacted: start..redacted.len(),
            entity_type: span.entity_type,
            operator: span.operator,
        });
    }
    redacted.push_str(text.get(at..).unwrap_or_default());
    redacted
}

fn masked(value: &str, keep_last: usize, with: char) -> String {
    let length = value.chars().count();
    let hidden = length - keep_last.min(length / 2);
    value.chars().enumerate().map(|(at, c)| if at < hidden { with } else { c }).collect()
}

fn encrypted(value: &str, label: &str, key: &RedactionKey, caller: &str) -> Result<String, RedactError> {
    let key = key.encryption(caller);
    let mut tokens = String::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at_checked(rest.floor_char_boundary(CIPHER_CHUNK)).unwrap_or((rest, ""));
        let bound = [VALUE_PURPOSE, caller.as_bytes(), label.as_bytes()];
        tokens.push_str(&token(label, &encrypt(&key, &bound, piece.as_bytes())?));
        rest = after;
    }
    Ok(tokens)
}
