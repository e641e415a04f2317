//! Reads one answer off its connection: bytes to lines to frames to pieces. It stops at the end mark, at the first
//! fault, at the size limit, and when nothing comes for the idle timeout or the time is over. It holds the connection,
//! so dropping the stream closes it.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use futures_util::stream;
use tokio::time::{self, Instant};

use super::lines::{Events, Lines};
use super::{AnswerStream, Decode, Fault, Framing, Piece, ProviderError};

/// Most calls of tools in one answer, as many as a request may have tools.
const MAX_TOOL_CALLS: u32 = 128;

/// How long to wait for a backend: the idle timeout, the total time of the configuration and the caller's deadline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) idle: Duration,
    pub(super) total: Duration,
    pub(super) total_until: Instant,
    pub(super) deadline: Instant,
}

impl Patience {
    /// From now on.
    pub(super) fn new(idle: Duration, total: Duration, deadline: Instant) -> Self {
        let now = Instant::now();
        // A total so large that the clock cannot hold it means: no limit but the deadline.
        Self { idle, total, total_until: now.checked_add(total).unwrap_or(deadline), deadline }
    }

    /// Waits for the future no longer than allowed, and says which limit it met.
    pub(super) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Fault> {
        let now = Instant::now();
        let until = self.deadline.min(self.total_until).min(now.checked_add(self.idle).unwrap_or(self.deadline));
        match time::timeout_at(until, future).await {
            Ok(output) => Ok(output),
            Err(_) if until == self.deadline => Err(Fault::Deadline),
            Err(_) if until == self.total_until => Err(Fault::TotalTimeout(self.total)),
            Err(_) => Err(Fault::Idle(self.idle)),
        }
    }
}

/// An answer that is being read.
pub(super) struct Answer {
    pub(super) response: reqwest::Response,
    pub(super) framing: Framing,
    pub(super) decoder: Box<dyn Decode>,
    pub(super) patience: Patience,
    /// Bytes of answer text allowed.
    pub(super) max_bytes: u64,
    pub(super) name_error: Box<dyn Fn(Fault) -> ProviderError + Send>,
}

struct Reader {
    answer: Answer,
    lines: Lines,
    events: Events,
    /// What came of a body that is one value.
    whole: Vec<u8>,
    ready: VecDeque<Piece>,
    text_bytes: u64,
    /// The body has ended, in good order or not; what was read before is given out first.
    ended: Option<Fault>,
    /// Finish or an error was given out.
    done: bool,
}

impl Answer {
    /// The pieces as they come.
    pub(super) fn into_stream(self) -> AnswerStream {
        let reader = Reader {
            answer: self,
            lines: Lines::default(),
            events: Events::default(),
            whole: Vec::new(),
            ready: VecDeque::new(),
            text_bytes: 0,
            ended: None,
            done: false,
        };
        Box::pin(stream::unfold(reader, |mut reader| async move {
            if reader.done {
                return None;
            }
            let item = reader.next().await;
            reader.done = matches!(item, Ok(Piece::Finish(_)) | Err(_));
            Some((item.map_err(|fault| (reader.answer.name_error)(fault)), reader))
        }))
    }
}

impl Reader {
    async fn next(&mut self) -> Result<Piece, Fault> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                if let Piece::ToolCall(call) = &piece
                    && call.index >= MAX_TOOL_CALLS
                {
                    return Err(Fault::Malformed("it calls more tools than anybody could have offered"));
                }
                self.text_bytes = self.text_bytes.saturating_add(piece.bytes());
                if self.text_bytes > self.answer.max_bytes {
                    return Err(Fault::AnswerTooLarge(self.answer.max_bytes));
                }
                return Ok(piece);
            }
            if let Some(fault) = self.ended.take() {
                return Err(fault);
            }
            match self.answer.patience.wait(self.answer.response.chunk()).await? {
                Ok(Some(chunk)) => self.ended = self.take(&chunk).err(),
                Ok(None) => self.ended = Some(self.end().err().unwrap_or(Fault::EndedEarly)),
                Err(_) => return Err(Fault::Broken),
            }
        }
    }

    fn take(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        if self.answer.framing == Framing::Whole {
            let bytes = (self.whole.len() as u64).saturating_add(chunk.len() as u64);
            if bytes > self.answer.max_bytes {
                return Err(Fault::AnswerTooLarge(self.answer.max_bytes));
            }
            self.whole.extend_from_slice(chunk);
            return Ok(());
        }
        let Self { answer, lines, events, ready, .. } = self;
        lines.push(chunk, |line| frame(answer.framing, events, answer.decoder.as_mut(), ready, line))
    }

    fn end(&mut self) -> Result<(), Fault> {
        if self.answer.framing == Framing::Whole {
            let whole = std::mem::take(&mut self.whole);
            let text = str::from_utf8(&whole).map_err(|_| Fault::Malformed("it is no UTF-8"))?;
            return self.answer.decoder.frame("", text, &mut self.ready);
        }
        let Self { answer, lines, events, ready, .. } = self;
        lines.end(|line| match frame(answer.framing, events, answer.decoder.as_mut(), ready, line) {
            // A last line without its end that cannot be read was cut off.
            Err(Fault::Malformed(_)) => Err(Fault::EndedEarly),
            other => other,
        })?;
        if !matches!(ready.back(), Some(Piece::Finish(_))) {
            answer.decoder.end(ready);
        }
        Ok(())
    }
}

fn frame(
    framing: Framing,
    events: &mut Events,
    decoder: &mut dyn Decode,
    ready: &mut VecDeque<Piece>,
    line: &str,
) -> Result<(), Fault> {
    match framing {
        Framing::JsonLines if line.trim().is_empty() => Ok(()),
        Framing::JsonLines => decoder.frame("", line, ready),
        Framing::Whole => Ok(()),
        Framing::Events => events.line(line, |kind, data| decoder.frame(kind, data, ready)),
    }
}
