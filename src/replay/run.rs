//! The way of the records: one thread reads the log, two decode and ask, one counts. Batches go round in turn and come
//! back in turn, so the count sees the order of the log whatever the threads do, and no more than a few batches are held.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use jiff::Timestamp;

use crate::audit::{AuditReader, RawRecord, RecordKind, ScanRange, Scanned};
use crate::money::Tokens;
use crate::policy::{Hindsight, Sensitivity};

use super::prices::Prices;
use super::question::{self, Check, Whither};
use super::record::{self, Decision, Outcome, Record};
use super::tally::{At, Case, Settled, Tally};
use super::words::Words;
use super::{ReplayError, Summary, summary};

/// Threads that decode and ask.
const WORKERS: usize = 2;
/// Records of a batch.
const BATCH: usize = 256;
/// Bytes of a batch, about.
const BATCH_BYTES: usize = 1 << 20;
/// Batches that wait for a thread, or for the count.
const WAITING: usize = 2;

/// Which decisions are asked about.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only decisions at or after this time.
    pub since: Option<Timestamp>,
    /// Only decisions before this time.
    pub until: Option<Timestamp>,
    /// Only decisions of this caller.
    pub caller: Option<String>,
    /// Only decisions of this recorded level.
    pub level: Option<Sensitivity>,
}

/// How much may be looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Records, outcomes included.
    pub records: Option<u64>,
    /// When to give up.
    pub deadline: Option<Instant>,
}

/// What is asked of a log.
#[derive(Debug)]
pub struct Question {
    /// The policy that is tried.
    pub policy: Arc<Hindsight>,
    /// The policy that it is compared with; the recorded decisions when absent.
    pub against: Option<Arc<Hindsight>>,
    /// What tokens cost.
    pub prices: Prices,
    /// Which decisions.
    pub filter: Filter,
    /// How many.
    pub limits: Limits,
    /// Digest of the catalog that is in force now, if it is known.
    pub catalog_now: Option<Arc<str>>,
}

/// What one record gives.
enum Item {
    Case(Box<Case>),
    Settled(Settled),
}

/// How many records were looked at, and what they gave.
type Answers = Result<(u64, Vec<Item>), ReplayError>;

/// Asks a policy about the decisions of a log. `progress` is told how many records were read. Blocks.
///
/// # Errors
/// [`ReplayError`]; nothing is counted then.
pub fn replay(
    reader: &AuditReader,
    question: &Question,
    progress: &mut dyn FnMut(u64),
) -> Result<Summary, ReplayError> {
    let tally = std::thread::scope(|scope| {
        let (mut batches, mut answers) = (Vec::new(), Vec::new());
        let mut threads = Vec::new();
        for _ in 0..WORKERS {
            let (batch_sender, batch_receiver) = sync_channel::<Vec<RawRecord>>(WAITING);
            let (answer_sender, answer_receiver) = sync_channel::<Answers>(WAITING);
            batches.push(batch_sender);
            answers.push(answer_receiver);
            threads.push(scope.spawn(move || work(question, &batch_receiver, &answer_sender)));
        }
        let reading = scope.spawn(move || read(reader, question, batches));
        let counted = gather(answers, question, progress);
        let read = reading.join().unwrap_or(Err(ReplayError::Thread));
        let worked = threads.into_iter().map(|thread| thread.join().map_err(|_| ReplayError::Thread));
        let worked = worked.collect::<Result<Vec<()>, _>>();
        // What was found wrong in a record comes first: the rest ends because of it.
        let tally = counted?;
        read?;
        worked?;
        Ok::<_, ReplayError>(tally)
    })?;
    if tally.decisions == 0 {
        return Err(ReplayError::Empty);
    }
    Ok(summary::of(&tally, question))
}

/// Reads the log and hands batches round.
fn read(
    reader: &AuditReader,
    question: &Question,
    workers: Vec<SyncSender<Vec<RawRecord>>>,
) -> Result<Scanned, ReplayError> {
    let range = ScanRange { since: question.filter.since, until: question.filter.until, after_sequence: 0 };
    let mut workers = workers.iter().cycle();
    let (mut batch, mut bytes, mut read) = (Vec::with_capacity(BATCH), 0, 0_u64);
    let mut refused = None;
    let mut hand_over = |batch: &mut Vec<RawRecord>| {
        let full = std::mem::replace(batch, Vec::with_capacity(BATCH));
        match workers.next().map(|worker| worker.send(full)) {
            Some(Ok(())) => ControlFlow::Continue(()),
            // The count has ended early.
            _ => ControlFlow::Break(()),
        }
    };
    let scanned = reader.scan_raw(&range, &mut |record| {
        read += 1;
        if question.limits.records.is_some_and(|limit| read > limit) {
            refused = question.limits.records.map(|limit| ReplayError::TooMany { limit });
            return ControlFlow::Break(());
        }
        bytes += record.body.len();
        batch.push(record);
        if batch.len() < BATCH && bytes < BATCH_BYTES {
            return ControlFlow::Continue(());
        }
        bytes = 0;
        if question.limits.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            refused = Some(ReplayError::Deadline);
            return ControlFlow::Break(());
        }
        hand_over(&mut batch)
    })?;
    if let Some(refused) = refused {
        return Err(refused);
    }
    if !batch.is_empty() {
        let _ = hand_over(&mut batch);
    }
    Ok(scanned)
}

/// Decodes and asks, until there are no more batches.
fn work(question: &Question, batches: &Receiver<Vec<RawRecord>>, answers: &SyncSender<Answers>) {
    let mut words = Words::default();
    while let Ok(batch) = batches.recv() {
        let items: Result<Vec<Item>, _> =
            batch.iter().map(|raw| item(question, raw, &mut words)).filter_map(Result::transpose).collect();
        if answers.send(items.map(|items| (batch.len() as u64, items))).is_err() {
            return;
        }
    }
}

/// Counts in the order of the log.
fn gather(
    answers: Vec<Receiver<Answers>>,
    question: &Question,
    progress: &mut dyn FnMut(u64),
) -> Result<Tally, ReplayError> {
    let mut tally = Tally::default();
    let mut done = 0;
    // Dropped when this returns, so that the threads end.
    for answer in answers.iter().cycle() {
        let Ok(answered) = answer.recv() else { break };
        let (records, items) = answered?;
        for item in items {
            match item {
                Item::Case(case) => tally.add(*case),
                Item::Settled(settled) => tally.settle(&settled, &question.prices),
            }
        }
        done += records;
        progress(done);
    }
    tally.end();
    Ok(tally)
}

fn item(question: &Question, raw: &RawRecord, words: &mut Words) -> Result<Option<Item>, ReplayError> {
    if !matches!(raw.kind, RecordKind::Decision | RecordKind::Outcome) {
        return Ok(None);
    }
    let at = At { sequence: raw.sequence, hash: raw.hash, id: raw.decision_id };
    Ok(match record::read(raw.sequence, &raw.body)? {
        Record::Decision(decision) => {
            wanted(question, &decision).then(|| Item::Case(Box::new(case(question, at, decision, words))))
        }
        Record::Outcome(outcome) => Some(Item::Settled(settled(at, &outcome, words))),
    })
}

fn wanted(question: &Question, decision: &Decision<'_>) -> bool {
    let filter = &question.filter;
    filter.caller.as_ref().is_none_or(|caller| *caller == *decision.caller)
        && filter.level.is_none_or(|level| level == decision.level)
}

fn settled(at: At, outcome: &Outcome<'_>, words: &mut Words) -> Settled {
    let (input, cached_input, output) = (outcome.input_tokens, outcome.cached_input_tokens, outcome.output_tokens);
    let tokens = Tokens { input, cached_input, output };
    Settled { at, backend: words.of(&outcome.backend), route: outcome.route, tokens }
}

fn case(question: &Question, at: At, mut decision: Box<Decision<'_>>, words: &mut Words) -> Case {
    let recalled = decision.recalled.take();
    let decision = &*decision;
    let memory = question::memory(decision, recalled, words);
    let recorded = question::recorded(decision, words);
    let wanted = recorded.whither;
    let (after, check) = question::asked(&question.policy, decision, &memory);
    let (before, old_check) = match &question.against {
        None => (recorded, Check::None),
        Some(against) => question::asked(against, decision, &memory),
    };
    let newly = matches!(
        after.whither,
        Whither::Cloud | Whither::CloudRedacted | Whither::Open | Whither::Local | Whither::Refused
    ) && after.whither != before.whither;
    let types = if newly {
        decision.entities.iter().map(|entity| (words.of(&entity.entity_type), entity.count)).collect()
    } else {
        Vec::new()
    };
    let routing = decision.routing.as_ref();
    let found_by = &decision.provenance;
    Case {
        at,
        caller: words.of(&decision.caller),
        dispatched: question::is_dispatch(decision.operation),
        wanted,
        went: routing.map(|routing| routing.route),
        held: words.of(routing.map_or("", |routing| &routing.reason)),
        escalated: routing.is_some_and(|routing| routing.escalated_from.is_some()),
        overridden: routing.is_some_and(|routing| routing.overridden.is_some()),
        before,
        after,
        checks: [check, old_check],
        types,
        policy: [&decision.policy.name, &decision.policy.version, &decision.policy.digest].map(|word| words.of(word)),
        found_by: [&found_by.service_version, &found_by.catalog, &found_by.model, &found_by.calibration]
            .map(|word| words.of(word)),
    }
}
