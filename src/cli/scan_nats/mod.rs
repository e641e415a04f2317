//! `cordon scan --nats`: the documents of the files go into the queue, workers on other machines classify them, and the
//! verdicts come back here. Decides nothing about a text; it counts, and it waits until there is nothing more to wait for.

mod files;
mod summary;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use self::files::{Item, Unreadable};
use self::summary::Summary;
use super::nats::Nats;
use super::{CommandResult, Common, Exit, Failure, output};
use crate::worker::{Collector, Fed, Feeder, Queue, RunId, WorkerError};

/// Documents that wait for the feeder.
const READ_AHEAD: usize = 256;
/// After so long without a verdict people are told that there may be no worker.
const QUIET: Duration = Duration::from_secs(30);

/// Arguments of `scan --nats`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) nats: Nats,
    /// Go on with this run, which was cut off; the files must be the same.
    #[arg(long, value_name = "ID", requires = "nats")]
    pub(super) run: Option<String>,
    /// Leave the verdicts on the server when the report is made.
    #[arg(long, requires = "nats")]
    pub(super) keep_verdicts: bool,
    /// Files and folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// The field of JSON lines that holds the text.
    #[arg(long, default_value = "text", value_name = "NAME")]
    field: String,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(common: &Common, arguments: Arguments) -> CommandResult {
    let config = common.load()?;
    let runtime = super::runtime()?;
    let files = files::list(&arguments.paths)?;
    let limit = config.limits.max_text_bytes;
    let field = arguments.field.clone();
    let fingerprint = files::fingerprint(&files, &[&field, &limit.to_string()]);
    let summary = runtime.block_on(async {
        let bulk = Bulk {
            nats: &arguments.nats,
            run: arguments.run.as_deref(),
            keep_verdicts: arguments.keep_verdicts,
            json: arguments.json,
        };
        bulk.run(&fingerprint, move |documents| files::read(&files, &field, limit, &documents)).await
    })?;
    Ok(if summary.is_whole() { Exit::Done } else { Exit::SomeFailed })
}

/// One run over the queue.
struct Bulk<'a> {
    nats: &'a Nats,
    run: Option<&'a str>,
    keep_verdicts: bool,
    json: bool,
}

/// What feeder and collector tell each other.
#[derive(Default)]
struct Told {
    fed: AtomicU64,
    read_bytes: AtomicU64,
}

impl Bulk<'_> {
    async fn run(
        &self,
        fingerprint: &str,
        read: impl FnOnce(mpsc::Sender<Item>) + Send + 'static,
    ) -> Result<Summary, Failure> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let started = Instant::now();
        let queue = self.nats.open().await?;
        let run = self.run.map(RunId::new).transpose()?;
        // What the server can take decides which documents are fed, so it belongs to the fingerprint.
        let fingerprint = format!("{fingerprint}-{}", queue.connection.max_payload());
        let mut feeder = Feeder::begin(queue.clone(), run, &fingerprint).await?;
        let run = feeder.run().clone();
        if feeder.stored() > 0 {
            output::note(&format!("run {run}: {} documents are in the queue or done already", feeder.stored()));
        } else {
            output::note(&format!("run {run}"));
        }
        let collector = Collector::new(queue.clone(), run.clone()).await?;
        let (documents, incoming) = mpsc::channel(READ_AHEAD);
        let reading = tokio::task::spawn_blocking(move || read(documents));
        let mut summary = Summary::new(&run);
        let told = Told::default();
        let outcome = tokio::select! {
            outcome = gather(&mut feeder, incoming, collector, &told, &mut summary) => Some(outcome),
            _ = terminate.recv() => None,
            _ = interrupt.recv() => None,
        };
        let Some(outcome) = outcome else {
            let _ = tokio::time::timeout(Duration::from_secs(2), feeder.keep()).await;
            return Err(Failure(format!("stopped; workers go on. Go on with: --run {run}")));
        };
        outcome?;
        reading.await.map_err(|_| Failure("reading the files failed; a defect of Cordon".into()))?;
        summary.finish(started.elapsed(), feeder.already());
        summary.print(self.json)?;
        if !self.keep_verdicts {
            self.forget(&queue, &run).await;
        }
        Ok(summary)
    }

    /// The report is printed: what cannot be removed is no reason to fail.
    async fn forget(&self, queue: &Queue, run: &RunId) {
        if let Err(error) = queue.forget(run).await {
            output::note(&format!("the verdicts of run {run} are still on the server: {error}"));
        }
    }
}

/// Feeds and collects at once, until each document is settled.
async fn gather(
    feeder: &mut Feeder,
    incoming: mpsc::Receiver<Item>,
    mut collector: Collector,
    told: &Told,
    summary: &mut Summary,
) -> Result<(), WorkerError> {
    let progress = Progress::new();
    let mut unreadable: Vec<Unreadable> = Vec::new();
    let mut unread = 0;
    let mut total = None;
    {
        let feeding = feed(feeder, incoming, told, &mut unreadable, &mut unread);
        tokio::pin!(feeding);
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        loop {
            if total.is_some_and(|total| collector.settled() >= total) {
                break;
            }
            let fed = told.fed.load(Ordering::Relaxed);
            tokio::select! {
                done = &mut feeding, if total.is_none() => total = Some(done?),
                verdict = collector.next(fed) => {
                    if let Some(verdict) = verdict? {
                        progress.alive();
                        summary.add(&verdict);
                    }
                }
                _ = tick.tick() => progress.show(collector.settled(), fed, total),
            }
        }
    }
    progress.end();
    summary.unreadable(unread, unreadable);
    summary.collected(total.unwrap_or_default(), collector.finish().await?);
    Ok(())
}

/// Everything that was read, into the queue. Returns how many documents the run has.
async fn feed(
    feeder: &mut Feeder,
    mut incoming: mpsc::Receiver<Item>,
    told: &Told,
    unreadable: &mut Vec<Unreadable>,
    unread: &mut u64,
) -> Result<u64, WorkerError> {
    let mut cannot = |item: Unreadable| {
        *unread += 1;
        if unreadable.len() < summary::MOST_LISTED {
            unreadable.push(item);
        }
    };
    while let Some(item) = incoming.recv().await {
        match item {
            Item::Unreadable(item) => cannot(item),
            Item::Document { place, declared_level, text } => {
                let bytes = text.len() as u64;
                let id = format!("{}#{}", place.path, place.record.unwrap_or(1));
                match feeder.put(&id, place.clone(), declared_level, text).await? {
                    Fed::Queued(number) => {
                        told.fed.store(number + 1, Ordering::Relaxed);
                        told.read_bytes.fetch_add(bytes, Ordering::Relaxed);
                    }
                    Fed::Refused(problem) => cannot(Unreadable { place, problem }),
                }
            }
        }
    }
    feeder.finish().await
}

/// The bar; silent where nobody looks.
struct Progress {
    bar: ProgressBar,
    last: Arc<AtomicU64>,
    started: Instant,
}

impl Progress {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {per_sec} {eta} {msg}") {
            bar.set_style(style);
        }
        Self { bar, last: Arc::default(), started: Instant::now() }
    }

    fn alive(&self) {
        self.last.store(self.started.elapsed().as_secs(), Ordering::Relaxed);
    }

    fn show(&self, settled: u64, fed: u64, total: Option<u64>) {
        self.bar.set_length(total.unwrap_or(fed));
        self.bar.set_position(settled);
        let quiet = self.started.elapsed().as_secs().saturating_sub(self.last.load(Ordering::Relaxed));
        let message = match total {
            _ if quiet > QUIET.as_secs() => format!("no verdict for {quiet} s: does a `cordon worker` run?"),
            Some(_) => String::new(),
            None => "reading".to_owned(),
        };
        self.bar.set_message(message);
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}
