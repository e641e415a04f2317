//! A mailbox: messages one after the other, each begun by a line `From …` after an empty line (RFC 4155). One message is
//! held at a time; one that is too large is left out, and the next is found again.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use super::{Event, Events, MAX_MESSAGE_BYTES, Place, Reason, mail};

struct Mailbox<R> {
    reader: BufReader<R>,
    path: Arc<str>,
    number: u64,
    line: u64,
    /// The line that the message in hand began on.
    began: u64,
    waiting: VecDeque<Event>,
    done: bool,
}

pub(super) fn events<R: Read + Send + 'static>(reader: R, path: Arc<str>) -> Events {
    let reader = BufReader::new(reader);
    Box::new(Mailbox { reader, path, number: 0, line: 0, began: 1, waiting: VecDeque::new(), done: false })
}

/// A message as it was read.
enum Entry {
    Message(Vec<u8>),
    TooLong,
}

impl<R: Read> Mailbox<R> {
    /// Reads up to the next message or the end; the line that begins the next one is taken too.
    fn read(&mut self) -> io::Result<Entry> {
        let mut message = Vec::new();
        let (mut after_empty, mut too_long) = (self.line == 0, false);
        loop {
            let mut line = Vec::new();
            let left = (MAX_MESSAGE_BYTES + 1).saturating_sub(message.len() as u64).max(1);
            let taken = (&mut self.reader).take(left).read_until(b'\n', &mut line)?;
            if taken == 0 {
                self.done = true;
                break;
            }
            self.line += u64::from(line.ends_with(b"\n"));
            if after_empty && line.starts_with(b"From ") {
                if message.is_empty() && !too_long {
                    // The line before the first message.
                    after_empty = false;
                    continue;
                }
                break;
            }
            after_empty = matches!(line.as_slice(), b"\n" | b"\r\n");
            // `>From` stands for a `From` of the text; one `>` is taken away.
            let quoted = line.iter().skip_while(|byte| **byte == b'>').copied().take(5).eq(*b"From ");
            let line = if quoted { line.strip_prefix(b">").unwrap_or(&line) } else { &line };
            if message.len() as u64 + line.len() as u64 > MAX_MESSAGE_BYTES {
                too_long = true;
                message.clear();
            }
            if !too_long {
                message.extend_from_slice(line);
            }
        }
        Ok(if too_long { Entry::TooLong } else { Entry::Message(message) })
    }
}

impl<R: Read + Send> Iterator for Mailbox<R> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.done {
                return None;
            }
            let read = self.read();
            self.number += 1;
            let place = Place { line: Some(self.began), record: Some(self.number), ..Place::default() };
            self.began = self.line.max(1);
            match read {
                Ok(Entry::Message(bytes)) if bytes.iter().all(u8::is_ascii_whitespace) => {}
                Ok(Entry::Message(bytes)) => mail::message(&bytes, &self.path, &place, &mut self.waiting),
                Ok(Entry::TooLong) => {
                    let reason = Reason::TooLong { what: "the message", limit: MAX_MESSAGE_BYTES };
                    return Some(Event::unscanned(&self.path, Some(place), reason));
                }
                Err(error) => {
                    self.done = true;
                    return Some(Event::unscanned(&self.path, Some(place), Reason::unreadable(&error)));
                }
            }
        }
    }
}
