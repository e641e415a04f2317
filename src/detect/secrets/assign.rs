//! Values that a name is given: `password = "…"`, `API_KEY: …`, `--token …`, `PASSWORD '…'`, `<password>…</password>`,
//! `name="token" value="…"`. It reads a bounded piece of text after the name, once, and never judges the value; that is
//! `value.rs`.

use std::ops::Range;

use super::literal::{Cursor, bare, byte_at, quote, quoted};
use super::markup::markup;
use super::work;

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

/// The whole name around a key word; `None` where it is longer than any real name.
pub(super) fn name_around(text: &str, word: &Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let before = bytes.get(..word.start)?.iter().rev().take(MAX_NAME + 1).take_while(|b| is_name_byte(**b)).count();
    let after = bytes.get(word.end..)?.iter().take(MAX_NAME + 1).take_while(|b| is_name_byte(**b)).count();
    work::read(before + after);
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
