//! Local first, then the cloud if the local answer is not sure enough. The beginning of a local answer is held back until
//! it can be judged; then one answer, the local or the cloud's, goes to the caller from its first word to its last. An
//! answer that has begun to go to the caller is never replaced, and a local answer is never lost because the cloud failed.
//!
//! The way to the cloud is the one of every call: the permit makes the text, the log makes the record durable, the
//! switch is asked twice ([`turn`]). Nothing here could go around it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use super::attempt::{Attempts, Begun, Missed};
use super::breaker::{Breaker, Sign};
use super::confidence::{Confidence, Ending, Judge, Measure};
use super::config::HoldBack;
use super::error::DispatchError;
use super::gate::Place;
use super::plan::reason;
use super::provider::{AnswerStream, Fault, Finish, Piece, ProviderError};
use super::record::Open;
use super::turn;

/// Bytes that are held back of an answer for a caller who takes it whole only; a longer one is judged by its beginning.
const MOST_WHOLE_BYTES: u64 = 1024 * 1024;

/// Why the cloud was not asked though the local answer was not sure enough.
pub mod withheld {
    /// It was asked, or nobody had a reason to.
    pub const NONE: &str = "";
    /// The verdict's ceiling is local.
    pub const CEILING: &str = "ceiling";
    /// The policy's route does not escalate.
    pub const POLICY: &str = "policy";
    /// No cloud backend is configured.
    pub const NO_CLOUD_BACKEND: &str = "no_cloud_backend";
    /// The switch closes the cloud.
    pub const CLOUD_CLOSED: &str = "cloud_closed";
    /// No cloud backend answered.
    pub const CLOUD_UNAVAILABLE: &str = "cloud_unavailable";
    /// The decision could not be made durable.
    pub const AUDIT_LOG_UNAVAILABLE: &str = "audit_log_unavailable";
    /// A budget has no room for what it may cost, or the reservation could not be kept.
    pub const BUDGET: &str = "budget";
    /// The caller does not wait long enough.
    pub const NO_TIME: &str = "no_time";
    /// The answer was sure enough at first and had begun to go to the caller.
    pub const ANSWER_BEGUN: &str = "answer_begun";
}

/// How a local answer is to be judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judging {
    pub(super) measure: Measure,
    pub(super) hold_back: HoldBack,
}

/// What is known of an answer's confidence when it ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) confidence: Option<Confidence>,
    pub(super) escalated: bool,
    pub(super) withheld: &'static str,
}

/// The answer that goes to the caller.
pub(super) struct Chosen {
    pub(super) open: Open,
    /// Pieces that were read already.
    pub(super) held: VecDeque<Piece>,
    pub(super) rest: AnswerStream,
    pub(super) time_to_first_token: Duration,
    pub(super) breaker: Breaker,
    /// Its place at the backend, held until it has ended.
    pub(super) _place: Option<Place>,
    watch: Watch,
}

/// What is still to be said of its confidence.
enum Watch {
    /// It was judged, or nobody asked.
    Done(Told),
    /// It is judged to its end; this is said if it is low then.
    Judging { judge: Box<Judge>, measure: Measure, withheld: &'static str },
}

impl Chosen {
    fn new(begun: Begun, held: VecDeque<Piece>, watch: Watch) -> Self {
        let Begun { open, rest, time_to_first_token, breaker, place, .. } = begun;
        Self { open, held, rest, time_to_first_token, breaker, _place: place, watch }
    }

    /// Judges a piece that was not held back.
    pub(super) fn note(&mut self, piece: &Piece) {
        if let Watch::Judging { judge, .. } = &mut self.watch {
            judge.take(piece);
        }
    }

    /// What is to be said at its end.
    pub(super) fn told(&mut self, finish: Finish, callers_limit: Option<u32>) -> Told {
        match std::mem::replace(&mut self.watch, Watch::Done(Told::default())) {
            Watch::Done(told) => told,
            Watch::Judging { judge, measure, withheld } => {
                let confidence = judge.assess(&measure, ending(finish, callers_limit));
                let withheld = if confidence.low { withheld } else { withheld::NONE };
                count(&confidence, withheld);
                Told { confidence: Some(confidence), escalated: false, withheld }
            }
        }
    }
}

/// Makes the answer that goes to the caller out of one that has begun: passes it on, or holds it back, judges it, and
/// asks the cloud if it is not sure enough and may leave.
pub(super) async fn choose(attempts: &mut Attempts<'_>, mut begun: Begun) -> Result<Chosen, DispatchError> {
    let mut held = VecDeque::from([begun.take_first()]);
    // Vectors are no answer that a model could be unsure of.
    let judging = begun.judging.filter(|_| !matches!(held.front(), Some(Piece::Vectors(_))));
    let Some(Judging { measure, hold_back }) = judging else {
        return Ok(Chosen::new(begun, held, Watch::Done(Told::default())));
    };
    let mut judge = Box::<Judge>::default();
    held.iter().for_each(|piece| judge.take(piece));
    if let Err(withheld) = attempts.may_escalate() {
        return Ok(Chosen::new(begun, held, Watch::Judging { judge, measure, withheld }));
    }
    let limits = Limits::new(hold_back, attempts);
    let (found, confidence) = match hold(&mut begun, &mut held, &mut judge, limits).await {
        Held::Whole(finish) => (Some(finish), judge.assess(&measure, ending(finish, attempts.callers_limit()))),
        Held::Begun => (None, judge.assess(&measure, Ending::Open)),
        Held::Broken(error) => return broken(attempts, begun, *judge, measure, error).await,
    };
    if !confidence.low {
        count(&confidence, withheld::NONE);
        let watch = match found {
            Some(_) => Watch::Done(Told { confidence: Some(confidence), ..Told::default() }),
            None => Watch::Judging { judge, measure, withheld: withheld::ANSWER_BEGUN },
        };
        return Ok(Chosen::new(begun, held, watch));
    }
    match escalate(attempts, &begun.open, &confidence, reason::LOW_CONFIDENCE).await {
        Ok(mut cloud) => {
            let written = found.map_or((0, judge.tokens()), |finish| (finish.input_tokens, finish.output_tokens));
            begun.open.escalate(&confidence, written);
            // The local backend need not go on writing.
            drop(begun.rest);
            let held = VecDeque::from([cloud.take_first()]);
            let told = Told { confidence: Some(confidence), escalated: true, withheld: withheld::NONE };
            Ok(Chosen::new(cloud, held, Watch::Done(told)))
        }
        Err(withheld) => {
            count(&confidence, withheld);
            let watch = match found {
                Some(_) => Watch::Done(Told { confidence: Some(confidence), escalated: false, withheld }),
                None => Watch::Judging { judge, measure, withheld },
            };
            Ok(Chosen::new(begun, held, watch))
        }
    }
}

/// A local answer that broke off before anything of it went to the caller: the cloud may still give a whole one.
async fn broken(
    attempts: &mut Attempts<'_>,
    begun: Begun,
    judge: Judge,
    measure: Measure,
    error: ProviderError,
) -> Result<Chosen, DispatchError> {
    begun.breaker.note(Sign::of(&error.fault), tokio::time::Instant::now());
    let confidence = judge.assess(&measure, Ending::Open).broken_off();
    // A request that is itself at fault, or out of time, fails elsewhere too.
    let cloud = match error.fault.another_may_help() {
        true => escalate(attempts, &begun.open, &confidence, reason::LOCAL_UNAVAILABLE).await.ok(),
        false => None,
    };
    let Begun { open, .. } = begun;
    open.fail(error.kind(), error.fault.as_str());
    let Some(mut cloud) = cloud else { return Err(error.into()) };
    let held = VecDeque::from([cloud.take_first()]);
    let told = Told { confidence: Some(confidence), escalated: true, withheld: withheld::NONE };
    Ok(Chosen::new(cloud, held, Watch::Done(told)))
}

/// Asks the cloud, by the door of every call. The error says why there is no answer from there.
async fn escalate(
    attempts: &mut Attempts<'_>,
    from: &Open,
    confidence: &Confidence,
    why: &'static str,
) -> Result<Begun, &'static str> {
    // Things may have changed while the answer was held back.
    attempts.may_escalate()?;
    if !attempts.may_call() {
        return Err(withheld::NO_TIME);
    }
    attempts.leave_local(from.decision().id, confidence.clone());
    let order = attempts.cloud_order();
    // The local answer is still there: the cloud gets the share of the time that leaves some for it.
    let asked = turn::of_side(attempts, order, why, true).await;
    attempts.stay_local();
    let asked = asked.map_err(|missed| match missed {
        Missed::Audit(_) => withheld::AUDIT_LOG_UNAVAILABLE,
        Missed::Closed => withheld::CLOUD_CLOSED,
        Missed::OverBudget(_) => withheld::BUDGET,
        Missed::Fatal(_) => withheld::NO_TIME,
        Missed::NoneUsable | Missed::Full(_) | Missed::Failed(_) => withheld::CLOUD_UNAVAILABLE,
    });
    if asked.is_ok() {
        metrics::counter!("cordon_escalations_total", "result" => "escalated").increment(1);
    }
    asked
}

/// Counts judged answers that stayed.
fn count(confidence: &Confidence, withheld: &'static str) {
    let result = if confidence.low { withheld } else { "sure" };
    metrics::counter!("cordon_escalations_total", "result" => result).increment(1);
}

fn ending(finish: Finish, callers_limit: Option<u32>) -> Ending {
    Ending::of(finish.reason, finish.output_tokens, callers_limit)
}

/// How much may be held back.
struct Limits {
    tokens: u64,
    bytes: u64,
    until: Instant,
    deadline: Instant,
}

impl Limits {
    fn new(hold_back: HoldBack, attempts: &Attempts<'_>) -> Self {
        let (now, deadline) = (Instant::now(), attempts.deadline());
        if attempts.takes_whole() {
            // Half of the time that is left, so that the other half can serve the cloud.
            let until = now.checked_add(attempts.left() / 2).unwrap_or(deadline);
            return Self { tokens: u64::MAX, bytes: MOST_WHOLE_BYTES, until, deadline };
        }
        let until = now.checked_add(hold_back.time).unwrap_or(deadline);
        Self { tokens: hold_back.tokens.into(), bytes: hold_back.bytes.into(), until, deadline }
    }
}

/// How the hold-back ended.
enum Held {
    /// With the answer.
    Whole(Finish),
    /// A limit was reached first.
    Begun,
    /// The backend failed.
    Broken(ProviderError),
}

async fn hold(begun: &mut Begun, held: &mut VecDeque<Piece>, judge: &mut Judge, limits: Limits) -> Held {
    let mut bytes = held.iter().map(Piece::bytes).sum::<u64>();
    if let Some(Piece::Finish(finish)) = held.back() {
        return Held::Whole(*finish);
    }
    while bytes < limits.bytes && judge.tokens() < limits.tokens {
        let next = tokio::time::timeout_at(limits.until.min(limits.deadline).into(), begun.rest.next()).await;
        let piece = match next {
            Err(_) => break,
            Ok(Some(Ok(piece))) => piece,
            Ok(Some(Err(error))) => return Held::Broken(error),
            // A stream ends by a finish or an error; this arm is for a defect.
            Ok(None) => return Held::Broken(ended_early(&begun.open)),
        };
        judge.take(&piece);
        bytes = bytes.saturating_add(piece.bytes());
        let finish = if let Piece::Finish(finish) = &piece { Some(*finish) } else { None };
        // The caller gets no scores, and a backend that sends nothing else must not fill the memory.
        if !matches!(piece, Piece::Tokens(_)) {
            held.push_back(piece);
        }
        if let Some(finish) = finish {
            return Held::Whole(finish);
        }
    }
    Held::Begun
}

fn ended_early(open: &Open) -> ProviderError {
    let decision = open.decision();
    ProviderError {
        backend: Arc::clone(&decision.backend),
        model: Arc::clone(&decision.model),
        fault: Fault::EndedEarly,
    }
}
