//! JSON lines on standard input or from a file: one object a line, bytes checked, a bad line reported and not fatal.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use serde::Deserialize;

use crate::policy::Sensitivity;

/// One line of input. Fields other than these are ignored.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Item {
    /// Returned with the result; a number or a string; the line number when absent.
    #[serde(default)]
    pub(super) id: Option<serde_json::Value>,
    /// The text.
    pub(super) text: String,
    /// May raise the level.
    #[serde(default)]
    pub(super) declared_level: Option<Sensitivity>,
}

/// A line that could not be read. Never holds the line.
#[derive(Clone, Debug)]
pub(super) struct BadLine {
    /// From 1.
    pub(super) line: usize,
    /// What is wrong.
    pub(super) problem: String,
}

/// Opens `-` for standard input, else a file.
pub(super) fn open(path: &str) -> io::Result<Box<dyn BufRead + Send>> {
    if path == "-" {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file =
        File::open(PathBuf::from(path)).map_err(|e| io::Error::new(e.kind(), format!("cannot read {path}: {e}")))?;
    Ok(Box::new(BufReader::new(file)))
}

/// The items of a stream of lines; blank lines are passed over.
pub(super) struct Items<R> {
    reader: R,
    line: usize,
    max_bytes: u64,
}

impl<R: BufRead> Items<R> {
    /// Reads from here; a line of more than `max_bytes` is refused, so memory stays bounded.
    pub(super) fn new(reader: R, max_bytes: u64) -> Self {
        Self { reader, line: 0, max_bytes }
    }

    fn read_line(&mut self) -> io::Result<Option<Result<Vec<u8>, BadLine>>> {
        let mut bytes = Vec::new();
        let taken = io::Read::take(&mut self.reader, self.max_bytes + 1).read_until(b'\n', &mut bytes)?;
        if taken == 0 {
            return Ok(None);
        }
        self.line += 1;
        if taken as u64 > self.max_bytes && !bytes.ends_with(b"\n") {
            self.reader.skip_until(b'\n')?;
            let problem = format!("is longer than {} bytes; split it, nothing was scanned", self.max_bytes);
            return Ok(Some(Err(BadLine { line: self.line, problem })));
        }
        Ok(Some(Ok(bytes)))
    }
}

impl<R: BufRead> Iterator for Items<R> {
    type Item = io::Result<Result<(usize, Item), BadLine>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let bytes = match self.read_line() {
                Err(error) => return Some(Err(error)),
                Ok(None) => return None,
                Ok(Some(Err(bad))) => return Some(Ok(Err(bad))),
                Ok(Some(Ok(bytes))) => bytes,
            };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let bad = |problem: &str| BadLine { line: self.line, problem: problem.to_owned() };
            let Ok(text) = std::str::from_utf8(&bytes) else {
                return Some(Ok(Err(bad("is not valid UTF-8; convert the file first"))));
            };
            // The parser's own message can quote the line, so only the place is kept.
            return Some(Ok(match serde_json::from_str::<Item>(text) {
                Ok(item) => Ok((self.line, item)),
                Err(error) => Err(bad(&format!(
                    "is no JSON object with a string `text` (column {}); declared_level, if given, is public, internal or confidential",
                    error.column()
                ))),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<Result<(usize, Item), BadLine>> {
        Items::new(bytes, 200).map(|item| item.unwrap()).collect()
    }

    #[test]
    fn lines_are_items_and_bad_ones_are_named() {
        let long = [b"{\"text\":\"".as_slice(), &[b'x'; 300], b"\"}\n"].concat();
        let input = [
            b"{\"id\":1,\"text\":\"a\",\"level\":9}\n\n".as_slice(),
            b"{\"text\":\"\xff\"}\n",
            &long,
            b"[]\n{\"text\":\"b\"}",
        ]
        .concat();
        let items = read(&input);
        assert_eq!(items[0].as_ref().unwrap().1.text, "a");
        assert!(items[1].as_ref().unwrap_err().problem.contains("UTF-8"));
        assert_eq!(items[1].as_ref().unwrap_err().line, 3);
        assert!(items[2].as_ref().unwrap_err().problem.contains("longer"));
        assert!(items[3].as_ref().unwrap_err().problem.contains("JSON object"));
        assert_eq!(items[4].as_ref().unwrap().1.text, "b");
    }

    #[test]
    fn a_bad_line_is_not_quoted() {
        let items = read(b"{\"text\": canary-7f3a}\n");
        assert!(!items[0].as_ref().unwrap_err().problem.contains("canary"));
    }
}
