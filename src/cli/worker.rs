//! `cordon worker`: classifies documents of a queue until SIGTERM or Ctrl-C. SIGHUP reads the policy and its word lists
//! again, as the service does.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::nats::Nats;
use super::{CommandResult, Common, Exit, Failure, output, serve};
use crate::worker::{Worker, WorkerConfig, WorkerReport};
use crate::{startup, telemetry};

/// Longest name of a worker.
const MAX_ID: usize = 128;

/// Arguments of `worker`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    nats: Nats,
    /// Documents in work at once; twice the lanes of the model when not given, so that no lane waits for the network.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: Option<u16>,
    /// How often a document is delivered before it becomes a dead letter.
    #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    max_deliveries: u16,
    /// The worker's name in verdicts and dead letters; host, process and a random part when not given.
    #[arg(long, value_name = "NAME")]
    id: Option<String>,
    /// Run the named-entity model even where the rules already reach the highest level, so that all spans are found.
    #[arg(long)]
    all_findings: bool,
    /// End when the queue has had nothing for so many seconds, instead of waiting for more.
    #[arg(long, value_name = "SECONDS")]
    until_idle: Option<u64>,
    /// Put a message that cannot be classified whole into its dead letter, with the text, instead of where it is kept.
    #[arg(long)]
    dead_letter_text: bool,
    /// Write name and process id as JSON into this file once documents are asked for.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Ready<'a> {
    id: &'a str,
    pid: u32,
    concurrency: usize,
}

pub(super) fn run(common: &Common, arguments: Arguments) -> CommandResult {
    let config = common.load()?;
    super::runtime()?.block_on(async {
        // Taken over first: a signal that arrives while the model loads still ends us cleanly.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let hangup = signal(SignalKind::hangup())?;
        if let Some(path) = &arguments.ready_file {
            let _ = std::fs::remove_file(path);
        }
        if let Some(address) = config.telemetry.metrics_listen {
            telemetry::start_metrics(address)
                .map_err(|error| Failure(format!("cannot serve metrics on {address}: {error}")))?;
        }
        let id = name(arguments.id.as_deref())?;
        let queue = arguments.nats.open().await?;
        let classifier = Arc::new(startup::classifier(&config)?);
        let lanes = config.ner.lane_count().get();
        let concurrency = arguments.concurrency.map_or(lanes * 2, usize::from);
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        let stopping = stop.clone();
        tracker.spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = stopping.cancelled() => {}
            }
            stopping.cancel();
        });
        tracker.spawn(serve::reloads(hangup, config.clone(), Arc::clone(&classifier), stop.clone()));
        let settings = WorkerConfig {
            id: id.clone(),
            concurrency,
            all_findings: arguments.all_findings,
            patience: config.limits.classify_deadline(),
            max_text_bytes: config.limits.max_text_bytes,
            max_deliveries: arguments.max_deliveries.into(),
            drain: config.limits.drain(),
            until_idle: arguments.until_idle.map(Duration::from_secs),
            dead_letter_text: arguments.dead_letter_text,
        };
        let worker = Worker::new(queue, Arc::clone(&classifier), settings);
        let started = Instant::now();
        let ready = || {
            tracing::info!(worker = %id, lanes, concurrency, "asking for documents");
            if let Some(path) = &arguments.ready_file
                && let Err(error) = serve::write_ready(path, &Ready { id: &id, pid: std::process::id(), concurrency })
            {
                tracing::error!(%error, path = %path.display(), "cannot write the ready file");
            }
        };
        let report = worker.run(stop.clone(), ready).await;
        stop.cancel();
        tracker.close();
        tracker.wait().await;
        classifier.shutdown().await;
        if let Some(path) = &arguments.ready_file {
            let _ = std::fs::remove_file(path);
        }
        say(&id, &report?, started.elapsed());
        Ok(Exit::Done)
    })
}

fn say(id: &str, report: &WorkerReport, elapsed: Duration) {
    let WorkerReport { classified, bytes, dead, given_back } = report;
    output::note(&format!(
        "worker {id}: {classified} documents ({bytes} bytes) classified in {:.1} s, {dead} dead letters, {given_back} given back",
        elapsed.as_secs_f64()
    ));
}

/// The worker's name: distinct for each process, on each machine.
fn name(given: Option<&str>) -> Result<String, Failure> {
    if let Some(name) = given {
        let fits = !name.is_empty() && name.len() <= MAX_ID && !name.chars().any(char::is_control);
        return if fits {
            Ok(name.to_owned())
        } else {
            Err(Failure(format!("--id must have 1 to {MAX_ID} bytes and no control characters")))
        };
    }
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| std::env::var("HOSTNAME"));
    let host: String = host.unwrap_or_default().chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
    let mut random = [0_u8; 3];
    getrandom::fill(&mut random).map_err(|error| Failure(format!("no random bytes: {error}")))?;
    let host = if host.is_empty() { "worker" } else { &host };
    Ok(format!("{host}-{}-{}", std::process::id(), hex::encode(random)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_checked() {
        assert_ne!(name(None).unwrap(), name(None).unwrap());
        assert_eq!(name(Some("rack 7")).unwrap(), "rack 7");
        assert!(name(Some("")).is_err() && name(Some("a\nb")).is_err() && name(Some(&"x".repeat(200))).is_err());
    }
}
