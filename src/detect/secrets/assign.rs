//! Values that a name is given: `password = "…"`, `API_KEY: …`, `--token …`, `PASSWORD '…'`, `<password>…</password>`,
//! `name="token" value="…"`. It reads a bounded piece of text after the name, once, and never judges the value; that is
//! `value.rs`.

use std::ops::Range;

/// The longest quoted value that is read, in bytes.
const MAX_QUOTED: usize = 2048;
/// The longest value without quotes that is read, in bytes.
const MAX_BARE: usize = 512;
/// The longest name that is read to either side of a key word, in bytes.
const MAX_NAME: usize = 64;

/// How the value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Between quotes or tags.
    Quoted,
    /// As far as the next space or delimiter, and the line or the statement ends there.
    Bare,
    /// As far as the next space; more text follows on the line.
    BareInText,
}

/// What stands between the name and the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// `=`, `:=`, `=>`.
    Equals,
    /// `:`.
    Colon,
    /// `==`, `!=`, `===`, `!==`.
    Compare,
    /// `,`, `(`, `||`, `??`, `:-`: an argument or a default.
    Argument,
    /// Only space, after an option (`--password x`) or before a quote (`PASSWORD 'x'`).
    Space,
    /// `>…<`, or `value="…"` after `name="…"`.
    Markup,
}

/// A value and how it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assignment {
    pub(super) value: Range<usize>,
    pub(super) form: Form,
    pub(super) sign: Sign,
    /// No space stands between name, sign and value, as in a shell or an environment file.
    pub(super) tight: bool,
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

fn byte_at(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(0)
}

/// The whole name around a key word; `None` where it is longer than any real name.
pub(super) fn name_around(text: &str, word: &Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let before = bytes.get(..word.start)?.iter().rev().take(MAX_NAME + 1).take_while(|b| is_name_byte(**b)).count();
    let after = bytes.get(word.end..)?.iter().take(MAX_NAME + 1).take_while(|b| is_name_byte(**b)).count();
    if before > MAX_NAME || after > MAX_NAME {
        return None;
    }
    let mut start = word.start - before;
    let mut end = word.end + after;
    while start < word.start && matches!(byte_at(text, start), b'-' | b'.') {
        start += 1;
    }
    while end > word.end && matches!(byte_at(text, end - 1), b'-' | b'.') {
        end -= 1;
    }
    Some(start..end)
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl Cursor<'_> {
    fn byte(&self) -> u8 {
        byte_at(self.text, self.at)
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn eat(&mut self, literal: &str) -> bool {
        let found = self.rest().starts_with(literal);
        if found {
            self.at += literal.len();
        }
        found
    }

    /// Skips spaces, at most 40 of them; returns how many.
    fn spaces(&mut self) -> usize {
        let count = self.rest().bytes().take(40).take_while(|b| matches!(b, b' ' | b'\t')).count();
        self.at += count;
        count
    }

    /// Skips spaces and line ends, at most 40 of them.
    fn white(&mut self) {
        self.at += self.rest().bytes().take(40).take_while(u8::is_ascii_whitespace).count();
    }
}

/// The value that the name at `name` is given, if one follows.
pub(super) fn after_name(text: &str, name: &Range<usize>) -> Option<Assignment> {
    let before = text.get(..name.start).unwrap_or_default();
    // A space gives the value in `--password x`, in `ENV API_TOKEN x` of a Dockerfile and in `setenv API_TOKEN x`.
    let option = before.ends_with('-') || before.ends_with("ENV ") || before.ends_with("setenv ");
    let mut cursor = Cursor { text, at: name.end };
    // What closes the name: quotes (also escaped ones), a bracket.
    let mut closed = cursor.eat("\\\"") || cursor.eat("\\'") || cursor.eat("&quot;");
    while matches!(cursor.byte(), b'"' | b'\'' | b'`' | b']') {
        closed = true;
        cursor.at += 1;
    }
    let mut spaced = cursor.spaces() > 0;
    if let Some(found) = markup(&mut cursor, closed) {
        return Some(found);
    }
    // The default of a variable of the shell: `${TOKEN:-…}`.
    let shell_default = before.ends_with("${") && matches!(cursor.rest().get(..2), Some(":-" | ":="));
    let mut sign = sign(&mut cursor)?;
    if shell_default {
        sign = Sign::Equals;
    }
    let mut space_sign = false;
    if sign == Sign::Space {
        if !spaced {
            return None;
        }
        space_sign = true;
    }
    spaced |= cursor.spaces() > 0;
    if sign == Sign::Colon && matches!(cursor.byte(), b'\n' | b'\r') {
        // A block: the value may stand on the next line, in quotes.
        let mark = cursor.at;
        cursor.white();
        quote(&mut cursor)?;
        cursor.at = mark;
        cursor.white();
    }
    if sign == Sign::Colon {
        skip_type(&mut cursor);
    }
    if sign == Sign::Argument && cursor.byte() == b'\n' {
        cursor.white();
    }
    // A string prefix, or a wrapping call with a literal inside: b"…", f"…", new Secret("…").
    if let (Some(b'b' | b'r' | b'u' | b'@' | b'N'), Some(b'"' | b'\'')) =
        (cursor.rest().as_bytes().first(), cursor.rest().as_bytes().get(1))
    {
        cursor.at += 1;
    }
    if let Some(close) = quote(&mut cursor) {
        let value = quoted(&cursor, close)?;
        return Some(Assignment { value, form: Form::Quoted, sign, tight: !spaced });
    }
    if sign == Sign::Argument || sign == Sign::Compare || (space_sign && !option) {
        return None;
    }
    if option && space_sign {
        sign = Sign::Equals;
    }
    let (value, form) = bare(&cursor)?;
    Some(Assignment { value, form, sign, tight: !spaced || (option && space_sign) })
}

fn sign(cursor: &mut Cursor<'_>) -> Option<Sign> {
    for compare in ["===", "!==", "==", "!="] {
        if cursor.eat(compare) {
            return Some(Sign::Compare);
        }
    }
    for (literal, sign) in [
        (":=", Sign::Equals),
        ("=>", Sign::Equals),
        ("?=", Sign::Equals),
        ("+=", Sign::Equals),
        ("||=", Sign::Equals),
        ("=", Sign::Equals),
        (":-", Sign::Argument),
        ("::", Sign::Space),
        (":", Sign::Colon),
        ("\u{ff1a}", Sign::Colon),
        (",", Sign::Argument),
        ("(", Sign::Argument),
        ("||", Sign::Argument),
        ("??", Sign::Argument),
        (") ||", Sign::Argument),
        (") ??", Sign::Argument),
        (")||", Sign::Argument),
    ] {
        if cursor.eat(literal) {
            return (literal != "::").then_some(sign);
        }
    }
    Some(Sign::Space)
}

/// `: &str = "…"`, `: String = "…"`: after a type, the value follows the next sign.
fn skip_type(cursor: &mut Cursor<'_>) {
    let length = cursor
        .rest()
        .bytes()
        .take(48)
        .take_while(|b| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'&' | b'\'' | b'<' | b'>' | b'[' | b']' | b'_' | b'?' | b'|' | b' ' | b'.')
        })
        .count();
    if length == 0 || byte_at(cursor.text, cursor.at) == b'\'' {
        return;
    }
    let after = cursor.at + length;
    if byte_at(cursor.text, after) == b'=' && byte_at(cursor.text, after + 1) != b'=' {
        cursor.at = after + 1;
        cursor.spaces();
    }
}

/// Reads an opening quote; returns what closes it.
fn quote(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    for (open, close) in [
        ("\\\"", "\\\""),
        ("\\'", "\\'"),
        ("&quot;", "&quot;"),
        ("\"", "\""),
        ("'", "'"),
        ("`", "`"),
        ("“", "”"),
        ("„", "“"),
        ("«", "»"),
        ("‘", "’"),
    ] {
        if cursor.eat(open) {
            return Some(close);
        }
    }
    None
}

/// From the cursor to the closing quote, on one line.
fn quoted(cursor: &Cursor<'_>, close: &str) -> Option<Range<usize>> {
    let rest = cursor.rest();
    let mut end = rest.len().min(MAX_QUOTED);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    let piece = rest.get(..end)?;
    let line = piece.split(['\n', '\r']).next()?;
    let mut from = 0;
    loop {
        let at = from + line.get(from..)?.find(close)?;
        // A backslash before a plain quote keeps the string open.
        let escaped = close.len() == 1
            && at > 0
            && line.as_bytes().get(at - 1) == Some(&b'\\')
            && line.as_bytes().get(at.wrapping_sub(2)) != Some(&b'\\');
        if !escaped {
            return (at > 0).then(|| cursor.at..cursor.at + at);
        }
        from = at + 1;
    }
}

/// From the cursor to white space or to what ends a value in a shell, a query string or a list.
fn bare(cursor: &Cursor<'_>) -> Option<(Range<usize>, Form)> {
    let rest = cursor.rest();
    let mut end = 0;
    // What closes a bracket that was opened in the value belongs to it: `hex(random(32))`.
    let mut open = 0_usize;
    for (at, character) in rest.char_indices() {
        if at > MAX_BARE {
            return None;
        }
        let next = rest.as_bytes().get(at + character.len_utf8());
        let ends = character.is_whitespace()
            || matches!(character, '"' | '\'' | '`' | '<' | '\\' | '|' | '“' | '”')
            || (matches!(character, ';' | ',' | ')' | '}' | ']')
                && next
                    .is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b';' | b',' | b')' | b'}' | b'"' | b'\'')))
            || (character == ';' && looks_like_pair(rest.get(at + 1..).unwrap_or("")))
            || (character == '&' && looks_like_pair(rest.get(at + 1..).unwrap_or("")));
        let closes = character == ')' && open > 0;
        if ends && !closes {
            break;
        }
        open = open + usize::from(character == '(') - usize::from(closes);
        end = at + character.len_utf8();
    }
    if end == 0 {
        return None;
    }
    let stop = rest.get(end..)?;
    let tail = stop.get(..).unwrap_or("").trim_start_matches([' ', '\t']);
    let closed = stop.is_empty()
        || tail.is_empty()
        || tail.starts_with(['\n', '\r', ',', ';', ')', '}', ']', '&', '#', '"', '\'', '`', '<', '|', '\\'])
        || tail.starts_with("//")
        || tail.starts_with("-- ");
    // Options and further pairs on a command line also end a value.
    let closed = closed || tail.starts_with('-') || looks_like_pair(tail);
    Some((cursor.at..cursor.at + end, if closed { Form::Bare } else { Form::BareInText }))
}

/// `name=` at the start.
fn looks_like_pair(text: &str) -> bool {
    let name = text
        .bytes()
        .take(40)
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b' '))
        .count();
    name > 0 && text.as_bytes().get(name) == Some(&b'=')
}

/// `<password>…</password>`, `name="password" value="…"`, `<key>Password</key><string>…`, `name: X` above `value: …`.
fn markup(cursor: &mut Cursor<'_>, closed: bool) -> Option<Assignment> {
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
fn element(cursor: &mut Cursor<'_>) -> Option<Assignment> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, word: &str) -> Option<(String, Form, Sign)> {
        let at = text.find(word).unwrap();
        let name = name_around(text, &(at..at + word.len())).unwrap();
        after_name(text, &name).map(|a| (text.get(a.value).unwrap().to_owned(), a.form, a.sign))
    }

    #[test]
    fn values_in_many_notations() {
        for (text, expected) in [
            ("password = \"abc\"", "abc"),
            ("DB_PASSWORD=abc", "abc"),
            ("{\"password\": \"abc\"}", "abc"),
            ("{\\\"password\\\":\\\"abc\\\"}", "abc"),
            ("config['password'] = 'abc';", "abc"),
            ("let password: &str = \"abc\";", "abc"),
            ("--password abc --host x", "abc"),
            ("--password=abc", "abc"),
            ("WITH PASSWORD 'abc'", "abc"),
            ("<password>abc</password>", "abc"),
            ("<add key=\"password\" value=\"abc\"/>", "abc"),
            ("- name: DB_PASSWORD\n  value: abc", "abc"),
            ("define('DB_PASSWORD', 'abc')", "abc"),
            (":password => 'abc',", "abc"),
            ("user=x;password=abc;server=y", "abc"),
            ("?password=abc&x=1", "abc"),
            ("getenv('password') || 'abc'", "abc"),
            ("<key>password</key>\n<string>abc</string>", "abc"),
            ("variable \"password\" {\n  default = \"abc\"\n}", "abc"),
            ("password=\"a\\\"bc\"", "a\\\"bc"),
        ] {
            let word = if text.contains("PASSWORD") { "PASSWORD" } else { "password" };
            assert_eq!(value(text, word).map(|v| v.0).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn no_value_where_none_is_given() {
        for text in [
            "password",
            "the password",
            "password()",
            "password\n\nnext",
            "password = \n",
            "password::new()",
            "password = \"\"",
        ] {
            assert_eq!(value(text, "password"), None, "{text}");
        }
    }

    #[test]
    fn a_value_without_quotes_knows_whether_the_line_ends() {
        assert_eq!(value("token: abc\n", "token").unwrap().1, Form::Bare);
        assert_eq!(value("token: this is", "token").unwrap().1, Form::BareInText);
    }
}
