//! Cuts a body into lines, and lines into server-sent events, with bounds. A line ends with LF, CR or CRLF wherever the
//! chunks of the connection break it; characters of UTF-8 may be split over chunks, because a line is decoded whole. No
//! buffer grows past [`MAX_FRAME_BYTES`]: a backend that never ends a line is an error, not a memory leak.

use super::Fault;

/// Bytes of one line, and of the data of one event. The largest frame that providers send is a chunk with a few tokens
/// and log probabilities, some KiB.
pub(super) const MAX_FRAME_BYTES: usize = 1024 * 1024;

const TOO_LONG: Fault = Fault::Malformed("a line or an event is longer than 1 MiB");
const NOT_UTF8: Fault = Fault::Malformed("a line is not UTF-8");

/// Cuts chunks into lines.
#[derive(Default)]
pub(super) struct Lines {
    /// The line that has begun.
    partial: Vec<u8>,
    /// A CR ended the last line: an LF that follows belongs to it.
    after_cr: bool,
}

impl Lines {
    /// Takes a chunk and calls `line` with each line that it completes, without its end.
    pub(super) fn push(&mut self, chunk: &[u8], mut line: impl FnMut(&str) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut rest = chunk;
        if self.after_cr && !rest.is_empty() {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            self.after_cr = false;
        }
        while let Some(end) = memchr::memchr2(b'\n', b'\r', rest) {
            let (head, tail) = rest.split_at(end);
            self.grow(head)?;
            line(std::str::from_utf8(&self.partial).map_err(|_| NOT_UTF8)?)?;
            self.partial.clear();
            rest = match tail {
                [b'\r', b'\n', more @ ..] => more,
                [b'\r'] => {
                    self.after_cr = true;
                    &[]
                }
                [_, more @ ..] => more,
                [] => &[],
            };
        }
        self.grow(rest)
    }

    /// The body has ended: the last line needs no end mark.
    pub(super) fn end(&mut self, mut line: impl FnMut(&str) -> Result<(), Fault>) -> Result<(), Fault> {
        let last = std::mem::take(&mut self.partial);
        if last.is_empty() {
            return Ok(());
        }
        line(std::str::from_utf8(&last).map_err(|_| NOT_UTF8)?)
    }

    fn grow(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.partial.len().saturating_add(bytes.len()) > MAX_FRAME_BYTES {
            return Err(TOO_LONG);
        }
        self.partial.extend_from_slice(bytes);
        Ok(())
    }
}

/// Joins lines into events, as the HTML standard says (section 9.2.6). `id` and `retry` serve reconnection, which
/// Cordon never does, so they are ignored with every other field.
#[derive(Default)]
pub(super) struct Events {
    kind: String,
    data: String,
    has_data: bool,
    begun: bool,
}

impl Events {
    /// Takes a line and calls `event` with type and data if the line completes an event.
    pub(super) fn line(
        &mut self,
        line: &str,
        event: impl FnOnce(&str, &str) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        // A byte order mark may stand before the first line.
        let line = if self.begun { line } else { line.strip_prefix('\u{feff}').unwrap_or(line) };
        self.begun = true;
        if line.is_empty() {
            let outcome = if self.has_data { event(&self.kind, &self.data) } else { Ok(()) };
            self.kind.clear();
            self.data.clear();
            self.has_data = false;
            return outcome;
        }
        // A line that begins with a colon is a comment: its field name is empty, and so it is ignored.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => {
                self.kind.clear();
                self.kind.push_str(value);
            }
            "data" => {
                if self.data.len().saturating_add(value.len()) > MAX_FRAME_BYTES {
                    return Err(TOO_LONG);
                }
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines_of(chunks: &[&[u8]]) -> Result<Vec<String>, Fault> {
        let (mut lines, mut seen) = (Lines::default(), Vec::new());
        let mut keep = |line: &str| {
            seen.push(line.to_owned());
            Ok(())
        };
        for chunk in chunks {
            lines.push(chunk, &mut keep)?;
        }
        lines.end(&mut keep)?;
        Ok(seen)
    }

    fn events_of(body: &str) -> Vec<(String, String)> {
        let (mut events, mut seen) = (Events::default(), Vec::new());
        for line in lines_of(&[body.as_bytes()]).unwrap() {
            events
                .line(&line, |kind, data| {
                    seen.push((kind.to_owned(), data.to_owned()));
                    Ok(())
                })
                .unwrap();
        }
        seen
    }

    #[test]
    fn all_three_line_ends_count_once() {
        assert_eq!(lines_of(&[b"a\nb\rc\r\nd\n\ne"]).unwrap(), ["a", "b", "c", "d", "", "e"]);
        assert_eq!(lines_of(&[b"a\r", b"\nb\r", b"c"]).unwrap(), ["a", "b", "c"], "CRLF split over chunks");
        assert_eq!(lines_of(&[b"a\r", b"", b"\nb"]).unwrap(), ["a", "b"], "an empty chunk between them");
    }

    #[test]
    fn characters_may_be_split_and_must_be_whole() {
        let bytes = "ä€🦀\n".as_bytes();
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(lines_of(&single).unwrap(), ["ä€🦀"]);
        assert_eq!(lines_of(&[b"\xe2\x82\n"]), Err(NOT_UTF8));
    }

    #[test]
    fn a_line_has_a_bound() {
        let long = vec![b'x'; MAX_FRAME_BYTES];
        assert_eq!(lines_of(&[&long]).unwrap().first().unwrap().len(), MAX_FRAME_BYTES);
        assert_eq!(lines_of(&[&long, b"x"]), Err(TOO_LONG));
        let mut events = Events::default();
        let line = format!("data: {}", "x".repeat(MAX_FRAME_BYTES / 2));
        assert_eq!(events.line(&line, |_, _| Ok(())), Ok(()));
        assert_eq!(events.line(&line, |_, _| Ok(())), Ok(()));
        assert_eq!(events.line(&line, |_, _| Ok(())), Err(TOO_LONG), "many lines of one event");
    }

    #[test]
    fn events_follow_the_standard() {
        let pair = |kind: &str, data: &str| (kind.to_owned(), data.to_owned());
        assert_eq!(
            events_of(
                "\u{feff}: a comment\nid: 7\nretry: 10\nevent: a\ndata: 1\ndata:2\n\nevent: lost\n\ndata\n\n:\n\n"
            ),
            [pair("a", "1\n2"), pair("", "")]
        );
        assert_eq!(events_of("data:  two spaces\n\n"), [pair("", " two spaces")]);
        assert_eq!(events_of("data: unfinished\n"), [], "an event needs its blank line");
    }

    proptest! {
        #[test]
        fn chunking_changes_nothing(text in "[a-zä€🦀\r\n:]{0,60}", cuts in prop::collection::vec(0usize..200, 0..8)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let (mut chunks, mut from) = (Vec::new(), 0);
            for cut in cuts {
                chunks.push(&bytes[from..cut]);
                from = cut;
            }
            chunks.push(&bytes[from..]);
            prop_assert_eq!(lines_of(&chunks), lines_of(&[bytes]));
        }
    }
}
