//! `cordon serve`: the service in the foreground, until SIGTERM or Ctrl-C. SIGHUP reads the policy and its word lists
//! again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::classify::Classifier;
use crate::config::{Config, Listen};
use crate::service::{self, Server};
use crate::{startup, telemetry};

use super::{CommandResult, Common, Exit, Failure};

/// Arguments of `serve`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Listen here instead of where the configuration says: 127.0.0.1:50051 or unix:/path; may be repeated. Port 0
    /// takes a free one.
    #[arg(long, value_name = "ADDRESS", env = "CORDON_LISTEN", value_delimiter = ',')]
    listen: Vec<String>,
    /// Write the addresses and the process id as JSON into this file once the service is SERVING.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

#[derive(Serialize)]
struct Ready {
    listen: Vec<String>,
    pid: u32,
}

pub(super) fn run(common: &Common, arguments: Arguments) -> CommandResult {
    let mut file = common.file()?;
    if !arguments.listen.is_empty() {
        file.server.listen = arguments.listen;
    }
    let config = file.validate()?;
    super::runtime()?.block_on(async {
        // The signals are taken over first: one that arrives while the model loads still stops us cleanly.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let hangup = signal(SignalKind::hangup())?;
        let stopping = CancellationToken::new();
        let stopped = stopping.clone();
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stopped.cancel();
        };
        if let Some(path) = &arguments.ready_file {
            // One that a killed service left behind would tell of a readiness that is not there.
            let _ = std::fs::remove_file(path);
        }
        if let Some(address) = config.telemetry.metrics_listen {
            telemetry::start_metrics(address)
                .map_err(|error| Failure(format!("cannot serve metrics on {address}: {error}")))?;
        }
        let mut doors = Vec::with_capacity(config.listen.len());
        let mut places: Vec<Listen> = Vec::with_capacity(config.listen.len());
        for listen in &config.listen {
            let (door, place) = service::open(listen).await?;
            doors.push(door);
            places.push(place);
        }
        let parts = startup::parts(&config).await?;
        parts.tracker.spawn(reloads(hangup, config.clone(), Arc::clone(&parts.classifier), stopping.clone()));
        parts.dispatcher.watch_health(&stopping);
        let server = Server::new(&config, Arc::clone(&parts.classifier), parts.dispatcher, parts.audit, parts.tracker)?;
        let listen: Vec<String> = places.iter().map(ToString::to_string).collect();
        let ready = || {
            tracing::info!(listen = %listen.join(", "), "serving");
            if let Some(path) = &arguments.ready_file
                && let Err(error) = write_ready(path, &Ready { listen: listen.clone(), pid: std::process::id() })
            {
                tracing::error!(%error, path = %path.display(), "cannot write the ready file");
            }
        };
        server.serve(doors, stop, ready).await?;
        if let Some(path) = &arguments.ready_file {
            let _ = std::fs::remove_file(path);
        }
        Ok(Exit::Done)
    })
}

/// Reads the policy and its word lists again at each SIGHUP. Building the rules takes a core for a moment, so it is done
/// beside the requests; several signals meanwhile are one more round.
pub(super) async fn reloads(
    mut hangup: Signal,
    config: Config,
    classifier: Arc<Classifier>,
    stopping: CancellationToken,
) {
    let config = Arc::new(config);
    loop {
        tokio::select! {
            received = hangup.recv() => if received.is_none() { return },
            () = stopping.cancelled() => return,
        }
        let (config, classifier) = (Arc::clone(&config), Arc::clone(&classifier));
        match tokio::task::spawn_blocking(move || startup::reload(&config, &classifier)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the policy was not read again; the one before stays in force");
            }
            Err(_) => tracing::error!("reading the policy again failed; the one before stays in force"),
        }
    }
}

/// Written beside and moved into place, so a reader never sees half of it.
pub(super) fn write_ready(path: &Path, ready: &impl Serialize) -> std::io::Result<()> {
    let beside = path.with_extension("partial");
    std::fs::write(&beside, serde_json::to_vec(ready)?)?;
    std::fs::rename(&beside, path)
}
