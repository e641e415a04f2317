//! E-mail: headers, text, HTML, messages inside of messages, and attachments that are text. Each is a unit of its own, told
//! apart by its section. What cannot be read as text is said to be left out.

use std::collections::VecDeque;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use mail_parser::decoders::html::html_to_text;
use mail_parser::{Address, HeaderValue, Message, MessageParser, MessagePart, PartType};

use super::{Event, Events, MAX_MESSAGE_BYTES, Place, Reason, Utf8Reader, decode, records};

/// Messages inside of messages, at most.
const DEEPEST: usize = 16;

/// The events of one message in a file.
pub(super) fn events<R: Read + Send + 'static>(reader: R, path: Arc<str>) -> Events {
    let mut bytes = Vec::new();
    let mut out = VecDeque::new();
    match reader.take(MAX_MESSAGE_BYTES + 1).read_to_end(&mut bytes) {
        Err(error) => out.push_back(Event::unscanned(&path, None, Reason::unreadable(&error))),
        Ok(read) if read as u64 > MAX_MESSAGE_BYTES => {
            out.push_back(Event::unscanned(
                &path,
                None,
                Reason::TooLong { what: "the message", limit: MAX_MESSAGE_BYTES },
            ));
        }
        Ok(_) => message(&bytes, &path, &Place { record: Some(1), ..Place::default() }, &mut out),
    }
    Box::new(out.into_iter())
}

/// The units of a message.
pub(super) fn message(bytes: &[u8], path: &Arc<str>, place: &Place, out: &mut VecDeque<Event>) {
    let before = out.len();
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        let mut found = VecDeque::new();
        let message = MessageParser::default().parse(bytes)?;
        parts(&message, path, place, "", 0, &mut found);
        Some(found)
    }));
    match parsed {
        Ok(Some(mut found)) => out.append(&mut found),
        // Whatever it is, its characters are scanned.
        Ok(None) | Err(_) => {
            let text = decoded(bytes);
            records::push(out, path, &section(place, "whole"), None, text);
            out.push_back(Event::note(path, "a message that is no e-mail was scanned as plain text"));
        }
    }
    if out.len() == before {
        records::push(out, path, &section(place, "whole"), None, decoded(bytes));
    }
}

fn decoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    // A slice of bytes is read without errors.
    let _ = Utf8Reader::new(bytes).read_to_string(&mut text);
    text
}

fn section(place: &Place, name: &str) -> Place {
    Place { section: Some(name.to_owned()), ..place.clone() }
}

fn parts(message: &Message<'_>, path: &Arc<str>, place: &Place, prefix: &str, depth: usize, out: &mut VecDeque<Event>) {
    for (index, part) in message.parts.iter().enumerate() {
        let named = |name: &str| section(place, &format!("{prefix}{name}"));
        let number = index + 1;
        let headers = headers(message, part);
        if !headers.trim().is_empty() {
            let name = if index == 0 { "headers".to_owned() } else { format!("headers of part {number}") };
            records::push(out, path, &named(&name), None, headers);
        }
        match &part.body {
            PartType::Text(text) => records::push(out, path, &named(&format!("text {number}")), None, text.to_string()),
            PartType::Html(html) => {
                records::push(out, path, &named(&format!("html {number}")), None, html_to_text(html));
                let hidden = hidden(html);
                if !hidden.is_empty() {
                    records::push(out, path, &named(&format!("html {number} tags")), None, hidden);
                }
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => match decode::binary_kind(bytes) {
                None => records::push(out, path, &named(&format!("attachment {number}")), None, decoded(bytes)),
                Some(kind) => {
                    let place = named(&format!("attachment {number}"));
                    out.push_back(Event::unscanned(path, Some(place), Reason::Binary(kind)));
                }
            },
            PartType::Message(inner) if depth < DEEPEST => {
                parts(inner, path, place, &format!("{prefix}message {number}, "), depth + 1, out);
            }
            PartType::Message(_) => {
                let problem = format!("holds messages inside of messages more than {DEEPEST} deep");
                out.push_back(Event::unscanned(path, Some(named("message")), Reason::Malformed(problem)));
            }
            PartType::Multipart(_) => {}
        }
    }
}

/// The headers of a part, decoded where they are encoded words, each on a line.
fn headers(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    let mut text = String::new();
    for header in &part.headers {
        let value = match &header.value {
            HeaderValue::Text(value) => value.to_string(),
            HeaderValue::TextList(values) => values.join(", "),
            HeaderValue::Address(address) => addresses(address),
            // Dates, types and the way it came stand as they were written.
            _ => {
                let (from, to) = (header.offset_start as usize, header.offset_end as usize);
                message.raw_message.get(from..to).map(decoded).unwrap_or_default()
            }
        };
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        if !value.is_empty() {
            text.push_str(header.name());
            text.push_str(": ");
            text.push_str(&value);
            text.push('\n');
        }
    }
    text
}

fn addresses(address: &Address<'_>) -> String {
    let one = |name: Option<&str>, address: Option<&str>| match (name, address) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => String::new(),
    };
    address.iter().map(|found| one(found.name(), found.address())).collect::<Vec<_>>().join(", ")
}

/// What a reader of HTML does not see: comments, and tags that have attributes.
fn hidden(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, next) = match after.strip_prefix("!--") {
            Some(comment) => comment.split_once("-->").unwrap_or((comment, "")),
            None => after.split_once('>').unwrap_or((after, "")),
        };
        if tag.contains('=') || after.starts_with("!--") {
            text.push_str(tag.trim());
            text.push('\n');
        }
        rest = next;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_hides_is_read_too() {
        let html = "<p>Hi</p><a href=\"mailto:anna@example.org\">write</a><!-- call 555-0100 --><br><b title='x'";
        assert_eq!(hidden(html), "a href=\"mailto:anna@example.org\"\ncall 555-0100\nb title='x'\n");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_units_and_no_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
            let mut out = VecDeque::new();
            message(&bytes, &Arc::from("x.eml"), &Place::default(), &mut out);
            proptest::prop_assert!(!out.is_empty());
        }
    }
}
