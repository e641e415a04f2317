//! `cordon scan --nats`: the texts of the files go into a queue, workers on other machines classify them, and their
//! verdicts come back into the same summary. Decides nothing about a text; it counts, and it waits until there is nothing
//! more to wait for.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::super::{CommandResult, Common, Exit, Failure, output};
use super::Arguments;
use crate::detect::Catalog;
use crate::policy::PolicyReference;
use crate::scan::Counter;
use crate::scan::source::{Event, Files};
use crate::startup;
use crate::worker::{Collected, Collector, Fed, Feeder, Queue, RunId, Verdict, WorkerError};

/// Events that wait for the feeder: a piece of a text has a quarter of a mebibyte at most.
const READ_AHEAD: usize = 64;
/// After so long without a verdict people are told that there may be no worker.
const QUIET: Duration = Duration::from_secs(30);
/// How long a cut-off feeder may take to store where it is.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What the queue did, beside the summary.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Run {
    run: String,
    /// Texts that the run has.
    sent: u64,
    /// Texts with a verdict.
    stored: u64,
    /// Texts with neither a verdict nor a dead letter.
    lost: u64,
    /// Verdicts in the summary beyond one for each text.
    doubled: u64,
    /// Dead letters: texts that no worker could classify.
    dead: u64,
    /// Verdicts beyond the first of a text, which were dropped.
    dropped: u64,
    /// Texts that the server had already when they were sent again.
    resent: u64,
    /// Messages under the run's name that its feeder did not send.
    strangers: u64,
    /// Texts by worker.
    workers: BTreeMap<String, u64>,
    /// Texts by digest of the policy that decided.
    policies: BTreeMap<String, u64>,
    seconds: f64,
}

/// What feeder and collector fill together; they take turns on one thread.
struct Board {
    summary: RefCell<Counter>,
    run: RefCell<Run>,
    fed: Cell<u64>,
    min_score: f32,
}

impl Board {
    fn add(&self, verdict: &Verdict) {
        self.summary.borrow_mut().judged(verdict.judged(self.min_score));
        let mut run = self.run.borrow_mut();
        run.stored += 1;
        *run.workers.entry(verdict.worker.clone()).or_default() += 1;
        *run.policies.entry(verdict.policy.digest.to_string()).or_default() += 1;
    }
}

/// The summary's words about types come from the catalog, and no model is needed for them.
fn words(common: &Common) -> Result<(PolicyReference, Arc<Catalog>, f32), Failure> {
    let config = common.load()?;
    let embedded = Catalog::embedded()?;
    let policy = startup::policy(&config, &embedded)?;
    let catalog = startup::catalog(&embedded, &policy)?;
    Ok((policy.reference().clone(), Arc::new(catalog), policy.min_score()))
}

pub(super) fn run(common: &Common, arguments: &Arguments) -> CommandResult {
    if arguments.quote {
        return Err(Failure("--quote does not go with --nats: verdicts hold no texts".into()));
    }
    if arguments.all_findings || arguments.jobs.is_some() {
        return Err(Failure("with --nats give --all-findings and --concurrency to the workers".into()));
    }
    let files = Files::new(&arguments.paths, arguments.options())?;
    let fingerprint = Files::fingerprint(&arguments.paths, &arguments.options());
    let (policy, catalog, min_score) = words(common)?;
    let board = Board {
        summary: RefCell::new(Counter::of(&policy, catalog)),
        run: RefCell::default(),
        fed: Cell::new(0),
        min_score: arguments.min_score.unwrap_or(min_score),
    };
    super::super::runtime()?.block_on(async {
        let (queue, id) = over_queue(arguments, files, &fingerprint, &board).await?;
        let summary = board.summary.into_inner().finish();
        let run = board.run.into_inner();
        super::print(arguments, &summary, Some(&run))?;
        say(&run, &policy);
        // The report is printed: what cannot be removed is no reason to fail.
        if !arguments.keep_verdicts
            && let Err(error) = queue.forget(&id).await
        {
            output::note(&format!("the verdicts of run {id} are still on the server: {error}"));
        }
        match super::exit(arguments, &summary)? {
            Exit::Done if run.lost > 0 => Ok(Exit::SomeFailed),
            exit => Ok(exit),
        }
    })
}

fn say(run: &Run, policy: &PolicyReference) {
    output::note(&format!(
        "sent {}, stored {}, lost {}, doubled {} ({} dead letters, {} verdicts dropped as duplicates, {} workers, {:.1} s)",
        run.sent,
        run.stored,
        run.lost,
        run.doubled,
        run.dead,
        run.dropped,
        run.workers.len(),
        run.seconds,
    ));
    if run.policies.keys().any(|digest| *digest != *policy.digest) {
        output::note("workers decided by another policy than the one here; `bulk.policies` of --json has its digest");
    }
}

/// Feeds and collects, until there is nothing more to wait for.
async fn over_queue(
    arguments: &Arguments,
    files: Files,
    fingerprint: &str,
    board: &Board,
) -> Result<(Queue, RunId), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let started = Instant::now();
    let queue = arguments.nats.open().await?;
    let run = arguments.run.as_deref().map(RunId::new).transpose()?;
    // What the server takes decides which texts are fed, so it is part of what must be the same.
    let fingerprint = format!("{fingerprint}-{}", queue.connection.max_payload());
    let mut feeder = Feeder::begin(queue.clone(), run, &fingerprint).await?;
    let run = feeder.run().clone();
    let done = match feeder.stored() {
        0 => String::new(),
        stored => format!(": {stored} texts are in the queue or done already"),
    };
    output::note(&format!("run {run}{done}"));
    let collector = Collector::new(queue.clone(), run.clone()).await?;
    let (events, incoming) = mpsc::channel(READ_AHEAD);
    let reading = tokio::task::spawn_blocking(move || {
        for event in files {
            // The other side is gone only when the run is.
            if events.blocking_send(event).is_err() {
                break;
            }
        }
    });
    let gathered = tokio::select! {
        gathered = gather(&mut feeder, incoming, collector, board) => Some(gathered),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let Some(gathered) = gathered else {
        let _ = tokio::time::timeout(LAST_WORD, feeder.keep()).await;
        return Err(Failure(format!("stopped; the workers go on. Go on with: --run {run}")));
    };
    let (sent, collected) = gathered?;
    if reading.await.is_err() {
        board.summary.borrow_mut().broken("reading stopped because of a defect; what came after was not scanned");
    }
    settle(board, sent, collected);
    let mut told = board.run.borrow_mut();
    told.run = run.to_string();
    told.resent = feeder.already();
    told.seconds = started.elapsed().as_secs_f64();
    drop(told);
    Ok((queue, run))
}

/// What the end of a run adds: texts without a verdict, and the counts.
fn settle(board: &Board, sent: u64, collected: Collected) {
    let mut run = board.run.borrow_mut();
    run.sent = sent;
    run.dead = collected.dead.len() as u64;
    run.lost = sent.saturating_sub(collected.verdicts).saturating_sub(run.dead);
    run.doubled = run.stored.saturating_sub(collected.verdicts);
    run.dropped = collected.dropped;
    run.strangers = collected.strangers;
    let mut summary = board.summary.borrow_mut();
    for letter in collected.dead {
        let place = letter.place.unwrap_or_default();
        let kept = letter.kept.map(|kept| format!("; kept in {} {}", kept.stream, kept.sequence)).unwrap_or_default();
        let says = format!("no worker classified it: {}{kept}", letter.detail);
        summary.undecided(&place.path, place.in_file().to_string(), "dead_letter", says);
    }
    for _ in 0..run.lost {
        summary.broken("a text was sent and has neither a verdict nor a dead letter");
    }
}

/// Feeds and collects at once. Returns how many texts the run has, and what became of them.
async fn gather(
    feeder: &mut Feeder,
    incoming: mpsc::Receiver<Event>,
    mut collector: Collector,
    board: &Board,
) -> Result<(u64, Collected), WorkerError> {
    let mut progress = Progress::new();
    let mut total = None;
    let feeding = feed(feeder, incoming, board);
    tokio::pin!(feeding);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    while total.is_none_or(|total| collector.settled() < total) {
        let fed = board.fed.get();
        tokio::select! {
            done = &mut feeding, if total.is_none() => total = Some(done?),
            verdict = collector.next(fed) => {
                if let Some(verdict) = verdict? {
                    progress.last = Instant::now();
                    board.add(&verdict);
                }
            }
            _ = tick.tick() => progress.show(collector.settled(), fed, total),
        }
    }
    progress.bar.finish_and_clear();
    Ok((total.unwrap_or_default(), collector.finish().await?))
}

/// Everything that was read, into the queue. Returns how many texts the run has.
async fn feed(feeder: &mut Feeder, mut incoming: mpsc::Receiver<Event>, board: &Board) -> Result<u64, WorkerError> {
    while let Some(event) = incoming.recv().await {
        match event {
            Event::File { path, bytes } => board.summary.borrow_mut().file(&path, bytes),
            Event::Unscanned(unscanned) => board.summary.borrow_mut().unscanned(unscanned),
            Event::Note(note) => board.summary.borrow_mut().note(note),
            Event::Unit(unit) => match feeder.put(&unit).await? {
                Fed::Queued(number) => board.fed.set(number + 1),
                Fed::Refused(problem) => {
                    let place = unit.place.to_string();
                    board.summary.borrow_mut().undecided(&unit.path, place, "too_large", problem);
                }
            },
        }
    }
    feeder.finish().await
}

/// The bar; silent where nobody looks.
struct Progress {
    bar: ProgressBar,
    last: Instant,
}

impl Progress {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} texts, {per_sec}, {eta} {msg}") {
            bar.set_style(style);
        }
        Self { bar, last: Instant::now() }
    }

    fn show(&self, settled: u64, fed: u64, total: Option<u64>) {
        self.bar.set_length(total.unwrap_or(fed));
        self.bar.set_position(settled);
        let quiet = self.last.elapsed();
        let message = match total {
            _ if quiet > QUIET => format!("no verdict for {} s: does a `cordon worker` run?", quiet.as_secs()),
            Some(_) => String::new(),
            None => "so far".to_owned(),
        };
        self.bar.set_message(message);
    }
}
