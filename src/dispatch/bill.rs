//! What one call costs. The bill is made before the call, counts what comes back, and is closed with the call: by the
//! backend's own count of tokens where there is one, else by the bytes, which are never fewer than the tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::StreamExt as _;

use crate::control::{Control, ControlError, Hold};
use crate::money::{Amount, Cost, Price, Tokens};

use super::provider::{AnswerStream, Fault, Finish, Piece};

/// Tokens that a provider may add of its own to what it is sent: the frame of each message is in the bytes of the body
/// already, so this is for instructions that it puts before tools (Anthropic documents up to 800 of them).
const ADDED_TOKENS: u64 = 1_024;

/// Bytes of text in a token, about, for rates; money is bounded by one.
const BYTES_PER_TOKEN: u64 = 4;

/// The bill of one call.
#[derive(Debug, Default)]
pub(super) struct Bill {
    price: Option<Price>,
    other_side: Option<Price>,
    input_bytes: u64,
    written: Written,
    /// Most tokens that an answer may have, if it is known.
    most_output: Option<u64>,
    /// Whether anything was sent that may be billed.
    sent: bool,
    /// What is out of the budgets for it.
    hold: Option<Hold>,
    /// Whose tokens they are.
    meter: Option<Meter>,
}

/// Counts the tokens of a caller against its rate.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) control: Arc<Control>,
    pub(super) caller: Arc<str>,
}

/// Bytes of the answer that have come, counted where they come and read where the call ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Written(Arc<AtomicU64>);

impl Written {
    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Bill {
    /// For a call of so many bytes at these prices.
    pub(super) fn new(price: Option<Price>, other_side: Option<Price>, input_bytes: u64) -> Self {
        Self { price, other_side, input_bytes, ..Self::default() }
    }

    /// For an answer of so many tokens at most.
    pub(super) fn bounded(self, most_output: Option<u32>) -> Self {
        Self { most_output: most_output.map(u64::from), ..self }
    }

    /// The most that the call can cost; `None` if nothing bounds it.
    pub(super) fn bound(&self) -> Option<Amount> {
        let tokens = Tokens { output: self.most_output?, ..self.most() };
        Some(self.price?.of(tokens))
    }

    /// With what is out of the budgets for it.
    pub(super) fn holding(self, hold: Option<Hold>) -> Self {
        Self { hold, ..self }
    }

    /// Waits until what is held is on the disk.
    pub(super) async fn durable(&mut self) -> Result<(), ControlError> {
        match &mut self.hold {
            Some(hold) => hold.durable().await,
            None => Ok(()),
        }
    }

    /// The call is not made.
    pub(super) fn release(mut self) {
        if let Some(hold) = self.hold.take() {
            hold.release();
        }
    }

    /// For this caller.
    pub(super) fn metered(self, meter: Meter) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// The call has ended, with so many tokens if the backend counted them, and cost so much.
    pub(super) fn settle(&mut self, counted: u64, cost: &Cost) {
        if let Some(meter) = self.meter.take().filter(|_| self.sent) {
            let bytes = self.input_bytes.saturating_add(self.written.bytes());
            meter.control.used(&meter.caller, if counted > 0 { counted } else { bytes.div_ceil(BYTES_PER_TOKEN) });
        }
        let Some(hold) = self.hold.take() else { return };
        match cost.own {
            Some(cost) if self.sent => hold.settle(cost),
            // Dropped, it counts in full.
            None if self.sent => drop(hold),
            _ => hold.release(),
        }
    }

    /// Where the bytes of the answer are counted.
    pub(super) fn written(&self) -> Written {
        self.written.clone()
    }

    /// The cost of an answer that ended as the backend says.
    pub(super) fn of(&self, finish: &Finish) -> Cost {
        let counted = finish.input_tokens > 0 && (finish.output_tokens > 0 || self.written.bytes() == 0);
        let most = self.most();
        let tokens = Tokens {
            input: if finish.input_tokens > 0 { finish.input_tokens } else { most.input },
            cached_input: finish.cached_input_tokens,
            output: if finish.output_tokens > 0 { finish.output_tokens } else { most.output },
        };
        self.cost(tokens, !counted)
    }

    /// From here on the call costs something.
    pub(super) fn send(&mut self) {
        self.sent = true;
    }

    /// It costs nothing after all.
    pub(super) fn waive(&mut self) {
        self.sent = false;
    }

    /// The cost of a call that ended early, by what was seen of it. One that was not sent has none.
    pub(super) fn so_far(&self) -> Cost {
        if !self.sent {
            return Cost::default();
        }
        // Before the first piece nobody knows what was made already.
        let nothing_seen = self.written.bytes() == 0;
        let most = self.most();
        let output = self.most_output.filter(|_| nothing_seen).unwrap_or(most.output);
        self.cost(Tokens { output, ..most }, true)
    }

    /// As many tokens as what was sent and what came can be.
    fn most(&self) -> Tokens {
        let bytes = self.written.bytes();
        let hidden = self.price.is_some_and(|price| price.has_hidden_output());
        let output = self.most_output.map_or(bytes, |most| if hidden { most } else { most.min(bytes) });
        Tokens { input: self.input_bytes.saturating_add(ADDED_TOKENS), cached_input: 0, output }
    }

    fn cost(&self, tokens: Tokens, estimated: bool) -> Cost {
        let own = self.price.map(|price| price.of(tokens));
        let other_side = self.other_side.map(|price| price.of(tokens));
        Cost { own, other_side, estimated: estimated && (own.is_some() || other_side.is_some()) }
    }
}

/// An answer whose bytes are counted as they come.
pub(super) fn counted(written: Written, answer: AnswerStream) -> AnswerStream {
    // A vector has no tokens; what is billed of an embedding is what was read.
    let bytes = |piece: &Piece| if matches!(piece, Piece::Vectors(_)) { 0 } else { piece.bytes() };
    Box::pin(answer.inspect(move |piece| written.add(piece.as_ref().map_or(0, bytes))))
}

impl Fault {
    /// Whether a call that failed so before its first piece costs nothing: it was not sent, or the backend answered
    /// with an error instead of a completion, for which no provider bills.
    pub(super) fn is_free(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::KeyRefused { .. }
            | Self::ModelNotFound { .. }
            | Self::Busy { .. }
            | Self::Rejected { .. }
            | Self::Redirect
            | Self::ServedElsewhere
            | Self::PublicAddress
            | Self::NotRecorded
            | Self::Encode
            | Self::Unsupported(_) => true,
            // An error inside a stream comes with status 200, after work was done; and 504 is said by a gateway that did
            // not wait for the end of it.
            Self::Failed { status, .. } => *status >= 400 && *status != 504,
            Self::Late(_)
            | Self::Idle(_)
            | Self::TotalTimeout(_)
            | Self::Deadline
            | Self::Broken
            | Self::EndedEarly
            | Self::Malformed(_)
            | Self::AnswerTooLarge(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::provider::FinishReason;
    use crate::money::PriceConfig;

    fn price(input: &str, output: &str) -> Option<Price> {
        let config = PriceConfig {
            input: input.parse().unwrap(),
            cached_input: None,
            output: output.parse().unwrap(),
            hidden_output: false,
        };
        Some(config.checked().unwrap())
    }

    fn finish(input_tokens: u64, output_tokens: u64) -> Finish {
        Finish { reason: FinishReason::Stop, input_tokens, output_tokens, cached_input_tokens: 0 }
    }

    #[test]
    fn tokens_that_the_backend_counts_decide_and_others_are_bounded_by_bytes() {
        let mut bill = Bill::new(price("1", "2"), price("10", "20"), 100);
        assert_eq!(bill.so_far(), Cost::default(), "nothing was sent yet");
        bill.send();
        bill.written().add(50);
        let micros = |cost: Cost| (cost.own.unwrap().picos(), cost.other_side.unwrap().picos(), cost.estimated);
        assert_eq!(micros(bill.of(&finish(7, 3))), (13_000_000, 130_000_000, false));
        let input = 100 + ADDED_TOKENS;
        assert_eq!(micros(bill.of(&finish(0, 0))), ((input + 100) * 1_000_000, (input + 100) * 10_000_000, true));
        assert_eq!(micros(bill.of(&finish(7, 0))), (107_000_000, 1_070_000_000, true));
        assert_eq!(micros(bill.so_far()), micros(bill.of(&finish(0, 0))));
    }

    #[test]
    fn an_empty_answer_that_was_counted_is_no_estimate_and_no_price_is_no_cost() {
        let bill = Bill::new(price("1", "2"), None, 100);
        assert!(!bill.of(&finish(7, 0)).estimated);
        let mut bill = Bill::new(None, None, 9);
        bill.send();
        assert_eq!(bill.so_far(), Cost::default());
    }
}
