//! Values that mark-up or a block gives to a name: `<password>…</password>`, `name="password" value="…"`,
//! `<key>Password</key><string>…`, `variable "password" { default = … }`.

use super::assign::{Assignment, Form, Sign};
use super::literal::{Cursor, MAX_BARE, bare, quote, quoted};

/// `<password>…</password>`, `name="password" value="…"`, `<key>Password</key><string>…`, `name: X` above `value: …`.
pub(super) fn markup(cursor: &mut Cursor<'_>, closed: bool) -> Option<Assignment> {
    let start = cursor.at;
    let end_of_tag = cursor.eat("</key>") || cursor.eat("</name>");
    if end_of_tag {
        cursor.white();
        if !(cursor.eat("<string>") || cursor.eat("<value>")) {
            cursor.at = start;
            return None;
        }
        return element(cursor);
    }
    if cursor.eat(">") {
        if cursor.byte() == b'=' {
            cursor.at = start;
            return None;
        }
        return element(cursor);
    }
    let mark = cursor.at;
    if closed {
        cursor.eat(",");
    }
    // Terraform: variable "api_token" { default = "…" }.
    let block = closed && cursor.eat("{");
    cursor.white();
    for word in ["default", "value", "Value", "\"value\"", "'value'", "\"Value\"", "\"stringValue\""] {
        if (block || word != "default") && cursor.eat(word) {
            cursor.spaces();
            if matches!(cursor.byte(), b'=' | b':') {
                cursor.at += 1;
                cursor.spaces();
                let found = match quote(cursor) {
                    Some(close) => quoted(cursor, close).map(|value| (value, Form::Quoted)),
                    None => bare(cursor),
                };
                return found.map(|(value, form)| Assignment { value, form, sign: Sign::Markup, tight: true });
            }
        }
    }
    cursor.at = mark;
    None
}

/// The text of an element as far as its closing tag.
pub(super) fn element(cursor: &mut Cursor<'_>) -> Option<Assignment> {
    cursor.white();
    let line = cursor.rest().split(['\n', '\r']).next()?;
    let length = line.bytes().take(MAX_BARE + 1).position(|b| b == b'<')?;
    let closes = cursor.rest().get(length..)?.starts_with("</");
    (closes && length > 0).then(|| Assignment {
        value: cursor.at..cursor.at + length,
        form: Form::Quoted,
        sign: Sign::Markup,
        tight: true,
    })
}
