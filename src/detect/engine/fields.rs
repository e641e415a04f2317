//! The name of the field that a value stands in: the key of a JSON value, the header of a CSV column, `key=value`, a
//! label before a colon, an XML tag. A field's name says more about a value than the words around it. Structure is read
//! once for a part and with tolerance: caller text is rarely well formed, and nothing here may fail or look far back.

use std::ops::Range;

/// Longest name of a field in bytes; anything longer is prose.
const MAX_NAME: usize = 64;

/// Longest header line, and how far the start of a line is looked for.
const MAX_LINE: usize = 4096;

/// Lines in which a header is looked for.
const MAX_PROSE: usize = 30;

/// Nesting of JSON arrays whose key is remembered.
const MAX_DEPTH: usize = 64;

/// The fields of one part.
pub(super) struct Fields {
    /// JSON values with their keys, by position; they do not overlap.
    values: Vec<(Range<usize>, Range<usize>)>,
    /// If the part looks like CSV.
    table: Option<Table>,
}

/// Lines under a header line.
struct Table {
    delimiter: u8,
    header: Vec<Range<usize>>,
    /// The lines below the header.
    body: Range<usize>,
    /// Where the last question was, so that many questions about a long line do not each read it from its start.
    cursor: Cursor,
}

/// A place in a table.
#[derive(Clone, Copy)]
struct Cursor {
    at: usize,
    /// Delimiters before it in its line; unknown in the header and in lines whose start is too far back.
    column: Option<usize>,
    quoted: bool,
}

impl Fields {
    /// Reads the structure of a text in one pass.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let json = memchr::memmem::find(bytes, b"\":").is_some() || memchr::memmem::find(bytes, b"\" :").is_some();
        Self { values: if json { json_values(bytes) } else { Vec::new() }, table: table(bytes) }
    }

    /// The header line, if the part looks like CSV.
    pub(super) fn header(&self) -> Range<usize> {
        let header = self.table.as_ref().map(|table| &table.header);
        let ends = header.and_then(|header| Some(header.first()?.start..header.last()?.end));
        ends.unwrap_or(0..0)
    }

    /// Calls `found` for each cell of the table, with the name of its column.
    pub(super) fn cells(&self, bytes: &[u8], found: &mut dyn FnMut(Range<usize>, Range<usize>)) {
        let Some(table) = &self.table else { return };
        let mut start = table.body.start;
        while let Some(rest) = bytes.get(start..table.body.end).filter(|rest| !rest.is_empty()) {
            let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let cells = split_cells(bytes, start..start + line, table.delimiter);
            for (name, cell) in table.header.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
                found(name.clone(), cell);
            }
            start += line + 1;
        }
    }

    /// Whether there are values of JSON.
    pub(super) fn has_keys(&self) -> bool {
        !self.values.is_empty()
    }

    /// Where the name of the field stands that holds the value beginning at `at`.
    pub(super) fn name_of(&mut self, text: &str, at: usize) -> Option<Range<usize>> {
        let bytes = text.as_bytes();
        let name = label(bytes, at).or_else(|| self.key(at)).or_else(|| self.table.as_mut()?.column(bytes, at));
        name.filter(|name| {
            // A cut inside a character would be a defect of the reader above; such a name says nothing.
            text.get(name.clone()).is_some_and(|name| name.chars().any(char::is_alphabetic))
        })
    }

    /// The key of the JSON value in which `at` lies.
    fn key(&self, at: usize) -> Option<Range<usize>> {
        let before = self.values.partition_point(|(value, _)| value.start <= at).checked_sub(1)?;
        self.values.get(before).filter(|(value, _)| at < value.end).map(|(_, key)| key.clone())
    }
}

impl Table {
    /// The header of the column in which `at` lies.
    fn column(&mut self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        if !self.body.contains(&at) {
            return None;
        }
        if at < self.cursor.at || at - self.cursor.at > MAX_LINE {
            let from = at.saturating_sub(MAX_LINE);
            let line = bytes.get(from..at)?;
            let newline = memchr::memrchr(b'\n', line).map(|newline| from + newline + 1);
            self.cursor = Cursor { at: newline.unwrap_or(at), column: newline.map(|_| 0), quoted: false };
        }
        for &byte in bytes.get(self.cursor.at..at)? {
            match byte {
                b'\n' => (self.cursor.column, self.cursor.quoted) = (Some(0), false),
                b'"' => self.cursor.quoted = !self.cursor.quoted,
                _ if byte == self.delimiter && !self.cursor.quoted => {
                    self.cursor.column = self.cursor.column.map(|column| column + 1);
                }
                _ => {}
            }
        }
        self.cursor.at = at;
        self.header.get(self.cursor.column?).cloned()
    }
}

/// The first line that reads like a header above a line with as many cells. Below the first line of the text more is
/// asked of it, because prose has commas too.
fn table(bytes: &[u8]) -> Option<Table> {
    let mut start = 0;
    for number in 0..MAX_PROSE {
        let rest = bytes.get(start..)?;
        let end = start + memchr::memchr(b'\n', rest)?;
        let second = end + 1..line_end(bytes, end + 1);
        if end - start <= MAX_LINE
            && let Some(delimiter) = shared_delimiter(bytes.get(start..end)?, bytes.get(second.clone())?)
        {
            let header = split_cells(bytes, start..end, delimiter);
            let named = header.iter().all(|name| name.len() <= MAX_NAME);
            let body = end + 1..if number == 0 {
                bytes.len()
            } else {
                table_end(bytes, second.start, header.len(), delimiter)
            };
            if named && (number == 0 || (header.len() > 2 && header.iter().all(|name| is_short_name(bytes, name)))) {
                return Some(Table { delimiter, header, body, cursor: Cursor { at: 0, column: None, quoted: false } });
            }
        }
        start = end + 1;
    }
    None
}

/// The delimiter that splits two lines into equally many cells.
fn shared_delimiter(first: &[u8], second: &[u8]) -> Option<u8> {
    let second = second.get(..second.len().min(MAX_LINE)).unwrap_or_default();
    b",;\t|".iter().copied().find(|delimiter| {
        let cells = delimiters(first, *delimiter);
        cells > 0 && cells == delimiters(second, *delimiter)
    })
}

/// Whether a cell of a header below other text is short and no piece of a sentence.
fn is_short_name(bytes: &[u8], name: &Range<usize>) -> bool {
    let name = bytes.get(name.clone()).unwrap_or_default();
    let blanks = name.iter().filter(|byte| byte.is_ascii_whitespace()).count();
    name.len() <= 32 && blanks <= 2 && !name.iter().any(|byte| matches!(byte, b'.' | b'!' | b'?' | b'{' | b'}' | b'='))
}

/// Where the lines end that have as many cells as the header.
fn table_end(bytes: &[u8], start: usize, cells: usize, delimiter: u8) -> usize {
    let mut end = start;
    while end < bytes.len() {
        let next = line_end(bytes, end);
        let line = bytes.get(end..next.min(end + MAX_LINE)).unwrap_or_default();
        if delimiters(line, delimiter) + 1 != cells {
            break;
        }
        end = next + 1;
    }
    end.min(bytes.len())
}

fn line_end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    start + memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

/// The cells of a line, without blanks and quotation marks around them.
fn split_cells(bytes: &[u8], line: Range<usize>, delimiter: u8) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let (mut start, mut quoted) = (line.start, false);
    for (at, &byte) in bytes.iter().enumerate().take(line.end).skip(line.start) {
        quoted ^= byte == b'"';
        if byte == delimiter && !quoted {
            cells.push(trimmed(bytes, start..at));
            start = at + 1;
        }
    }
    cells.push(trimmed(bytes, start..line.end));
    cells
}

/// Delimiters outside quotes.
fn delimiters(line: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    let mut count = 0;
    for &byte in line {
        quoted ^= byte == b'"';
        count += usize::from(byte == delimiter && !quoted);
    }
    count
}

fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\' | b'`' | b'*');
    let cell = bytes.get(range.clone()).unwrap_or_default();
    let before = cell.iter().take_while(|byte| blank(byte)).count();
    let after = cell.iter().rev().take_while(|byte| blank(byte)).count().min(cell.len() - before);
    range.start + before..range.end - after
}

/// The name directly before a value: `name=`, `name: "`, `<name>`.
pub(super) fn label(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let mut end =
        back_over(bytes, at, 6, |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b'[' | b'*'));
    match bytes.get(end.checked_sub(1)?)? {
        b':' | b'=' => end = back_over(bytes, end, 3, |byte| matches!(byte, b':' | b'=')),
        b'>' if end.checked_sub(2).and_then(|at| bytes.get(at)) == Some(&b'=') => end -= 2,
        b'>' => {
            let end = end - 1;
            let start = back_over(bytes, end, MAX_NAME, |byte| !matches!(byte, b'<' | b'>' | b' ' | b'\n'));
            let tag = bytes.get(start.checked_sub(1)?) == Some(&b'<');
            return tag.then_some(start..end);
        }
        _ => return None,
    }
    let end = back_over(bytes, end, 4, |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b']' | b'*'));
    let part_of_name = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || !byte.is_ascii()
            || matches!(byte, b'_' | b'-' | b'.' | b' ' | b'/' | b'#' | b'(' | b')')
    };
    let start = back_over(bytes, end, MAX_NAME, part_of_name);
    // A name that goes on beyond the limit is prose, and its start may lie inside a character.
    let goes_on = start.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|byte| part_of_name(*byte));
    let name = trimmed(bytes, start..end);
    (!goes_on && !name.is_empty()).then_some(name)
}

fn back_over(bytes: &[u8], at: usize, most: usize, matches: impl Fn(u8) -> bool) -> usize {
    let before = bytes.get(at.saturating_sub(most)..at).unwrap_or_default();
    at - before.iter().rev().take_while(|byte| matches(**byte)).count()
}

/// Values of JSON with the keys they stand under; values of arrays have the key of the array.
fn json_values(bytes: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
    let mut values = Vec::new();
    let mut keys: Vec<Option<Range<usize>>> = Vec::new();
    let mut key: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let string = string(bytes, at + 1);
                at = string.end + 1;
                if is_key(bytes, at) {
                    key = Some(string).filter(|name| name.len() <= MAX_NAME);
                } else if let Some(key) = key.clone().or_else(|| keys.last().cloned().flatten()) {
                    values.push((string, key));
                }
                continue;
            }
            b'[' if keys.len() < MAX_DEPTH => keys.push(key.take()),
            b'{' if keys.len() < MAX_DEPTH => {
                keys.push(None);
                key = None;
            }
            b']' | b'}' => {
                keys.pop();
                key = None;
            }
            b',' | b'\n' => key = None,
            b'0'..=b'9' | b'-' => {
                let end = at
                    + bytes
                        .get(at..)
                        .unwrap_or_default()
                        .iter()
                        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'+'))
                        .count();
                if let Some(key) = key.clone().or_else(|| keys.last().cloned().flatten()) {
                    values.push((at..end, key));
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    values
}

/// From behind a quotation mark to the next one that is not escaped, or to the end of the line.
fn string(bytes: &[u8], start: usize) -> Range<usize> {
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' | b'\n' => break,
            _ => {}
        }
        at += 1;
    }
    start..at.min(bytes.len())
}

fn is_key(bytes: &[u8], at: usize) -> bool {
    let mut rest = bytes.get(at..).unwrap_or_default().iter().take(8).skip_while(|byte| byte.is_ascii_whitespace());
    rest.next() == Some(&b':')
}

/// Longest identifier whose words are looked at.
const MAX_IDENTIFIER: usize = 80;

/// Calls `found` for each identifier that holds a small letter before a capital one: `customerSsn`.
pub(super) fn mixed_identifiers(text: &str, found: &mut dyn FnMut(Range<usize>)) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let turns =
        |pair: &[u8]| matches!(pair, [small, capital] if small.is_ascii_lowercase() && capital.is_ascii_uppercase());
    while let Some(turn) = bytes.get(at..).and_then(|rest| rest.windows(2).position(turns)) {
        let turn = at + turn;
        let start = back_over(bytes, turn, MAX_IDENTIFIER, |byte| byte.is_ascii_alphanumeric());
        let rest = bytes.get(turn..).unwrap_or_default().iter().take(MAX_IDENTIFIER);
        at = turn + rest.take_while(|byte| byte.is_ascii_alphanumeric()).count();
        found(start..at);
    }
}

/// Whether a word that ends at `end` stands in a key of JSON.
pub(super) fn in_key(text: &str, end: usize) -> bool {
    let rest = text.as_bytes().get(end..).unwrap_or_default();
    let name = rest
        .iter()
        .take(MAX_NAME)
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b' '));
    let name = name.count();
    rest.get(name) == Some(&b'"') && is_key(rest, name + 1)
}

/// The words of a name: `customerSsn_no` is `customer Ssn no`. Written into `words`, which is cleared.
pub(super) fn split_name(name: &str, words: &mut String) {
    words.clear();
    let mut chars = name.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let next_is_small = chars.peek().is_some_and(|next| next.is_lowercase());
        let starts_word = c.is_uppercase()
            && (last.is_lowercase() || last.is_ascii_digit() || (last.is_uppercase() && next_is_small));
        if starts_word {
            words.push(' ');
        }
        words.push(if matches!(c, '_' | '-' | '.' | '/' | ' ') { ' ' } else { c });
        last = c;
    }
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests {
    use super::*;

    fn name<'a>(text: &'a str, value: &str) -> Option<&'a str> {
        let mut fields = Fields::of(text);
        fields.name_of(text, text.find(value).unwrap()).map(|range| &text[range])
    }

    #[test]
    fn keys_of_json_hold_for_strings_numbers_and_arrays() {
        let text = r#"{"a": {"customerSsn": "x 536", "n" : 77, "list": ["v1", {"deep": "v2"}, "v3"]}, "z": "\"q\" 9"}"#;
        assert_eq!(name(text, "536"), Some("customerSsn"));
        assert_eq!(name(text, "77"), Some("n"));
        assert_eq!(name(text, "v1"), Some("list"));
        assert_eq!(name(text, "v2"), Some("deep"));
        assert_eq!(name(text, "v3"), Some("list"));
        assert_eq!(name(text, "9"), Some("z"));
    }

    #[test]
    fn json_inside_a_string_of_json_has_labels() {
        assert_eq!(name(r#"{"arguments": "{\"ssn\": \"536\"}"}"#, "536"), Some("ssn"));
        assert_eq!(name(r#"{\"ssn\": \"536\"}"#, "536"), Some("ssn"));
    }

    #[test]
    fn columns_of_a_table_have_the_name_of_their_header() {
        let text = "name,ssn,\"date, of birth\"\n\"Roe, Jane\",536,1990\nJohn,537,\n";
        assert_eq!(name(text, "536"), Some("ssn"));
        assert_eq!(name(text, "537"), Some("ssn"));
        assert_eq!(name("id\tphone\n1\t555\n", "555"), Some("phone"));
        assert_eq!(name("| id | card |\n|---|---|\n| 1 | 4111 |\n", "4111"), Some("card"));
        let mut fields = Fields::of(text);
        for (value, column) in [("537", "ssn"), ("536", "ssn"), ("1990", "date, of birth"), ("John", "name")] {
            let name = fields.name_of(text, text.find(value).unwrap());
            assert_eq!(name.map(|range| &text[range]), Some(column), "in any order");
        }
        let long = format!("a,b\n{0},{0}\n", "x".repeat(2 * MAX_LINE));
        assert_eq!(Fields::of(&long).name_of(&long, long.len() - 1), None, "the start of its line is too far");
        assert_eq!(name("Hello there\nno, table", "table"), None);
        let below = "Here it is, as you asked:\n\nid,last name,ssn\n1,Roe,536\n2,Doe,537\n\nThanks, Ann, bye 9";
        assert_eq!(name(below, "537"), Some("ssn"));
        assert_eq!(name(below, "9"), None, "behind the table");
    }

    #[test]
    fn labels_stand_directly_before_a_value() {
        assert_eq!(name("ssn=536", "536"), Some("ssn"));
        assert_eq!(name("say: Social security no.: 536", "536"), Some("Social security no."));
        assert_eq!(name("'user_ssn' => '536'", "536"), Some("user_ssn"));
        assert_eq!(name("**SSN:** 536", "536"), Some("SSN"));
        assert_eq!(name("<ssn>536</ssn>", "536"), Some("ssn"));
        assert_eq!(name("Numéro: 536", "536"), Some("Numéro"));
        assert_eq!(name("a 536", "536"), None);
        assert_eq!(name(&format!("{}: 536", "é".repeat(80)), "536"), None);
        assert_eq!(name("=536", "536"), None);
    }

    #[test]
    fn identifiers_in_mixed_case_are_found() {
        let text = "a customerSsn=1, HTTPServer dateOfBirth2 plain Word";
        let mut names = Vec::new();
        mixed_identifiers(text, &mut |range| names.push(&text[range]));
        assert_eq!(names, ["customerSsn", "dateOfBirth2"]);
    }

    #[test]
    fn words_in_keys_are_told_from_words_in_values() {
        let text = r#"{"ssn_no": "ssn", "a": 1}"#;
        assert!(in_key(text, 5));
        assert!(!in_key(text, 15));
    }

    #[test]
    fn names_are_split_into_words() {
        for (name, words) in [
            ("customerSsn", "customer Ssn"),
            ("SSN_no", "SSN no"),
            ("dateOfBirth", "date Of Birth"),
            ("XMLHttp", "XML Http"),
            ("a-b.c", "a b c"),
        ] {
            let mut split = String::new();
            split_name(name, &mut split);
            assert_eq!(split, words);
        }
    }
}
