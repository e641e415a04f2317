//! The thread that writes: it takes all changes that wait, makes them in one transaction, and answers those that asked.
//! The queue before it is bounded, and nobody ever waits to get into it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::ControlError;
use super::clock::Clock;
use super::rate::Rates;
use super::store::{Op, Store};

/// Changes that may wait: several for each of the dispatches that a service lets in.
const WAITING: usize = 8192;

/// Time between two looks at how full the buckets of rates are: what a death may forget of them.
const BETWEEN_RATES: Duration = Duration::from_secs(1);

/// Changes in one transaction.
const BATCH: usize = 512;

/// Changes that failed with the disk and are tried again. Each settles a reservation that is in the file, so there are
/// no more of them than calls in work, as long as no reservation can be written.
const BACKLOG: usize = 65_536;

type Answer = oneshot::Sender<Result<(), ControlError>>;

enum Command {
    Write(Op, Option<Answer>),
    Stop,
}

/// The way to the thread.
#[derive(Clone, Debug)]
pub(super) struct Mailbox(SyncSender<Command>);

impl Mailbox {
    /// Hands a change over; the answer comes when it is on the disk or has failed.
    pub(super) fn ask(&self, op: Op) -> Result<oneshot::Receiver<Result<(), ControlError>>, ControlError> {
        let (sender, receiver) = oneshot::channel();
        self.0.try_send(Command::Write(op, Some(sender))).map_err(|_| ControlError::Busy)?;
        Ok(receiver)
    }

    /// Hands a change over that nobody waits for.
    pub(super) fn tell(&self, op: Op) {
        if self.0.try_send(Command::Write(op, None)).is_err() {
            metrics::counter!("cordon_control_missed_total").increment(1);
            tracing::warn!("a change of budgets could not be kept; its reservation counts in full at the next start");
        }
    }

    /// Ends the thread when it has written what waits. Where the queue is full it ends when nobody can send any more.
    pub(super) fn stop(&self) {
        let _ = self.0.try_send(Command::Stop);
    }

    /// The same, waiting for a place in the queue: for threads that may block.
    pub(super) fn stop_patiently(&self) {
        let _ = self.0.send(Command::Stop);
    }
}

/// Starts the thread.
pub(super) fn start(store: Store, rates: Arc<Rates>, clock: Clock) -> Result<(Mailbox, JoinHandle<()>), ControlError> {
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    let thread = std::thread::Builder::new()
        .name("cordon-control".to_owned())
        .spawn(move || Writer { store, rates, clock, backlog: VecDeque::new() }.run(&receiver))
        .map_err(|error| ControlError::Store { reason: error.to_string().into() })?;
    Ok((Mailbox(sender), thread))
}

struct Writer {
    store: Store,
    rates: Arc<Rates>,
    clock: Clock,
    /// Settlements that could not be written yet, oldest first.
    backlog: VecDeque<Op>,
}

impl Writer {
    fn run(mut self, commands: &Receiver<Command>) {
        let (mut running, mut written) = (true, Instant::now());
        while running {
            let first = match commands.recv_timeout(BETWEEN_RATES) {
                Ok(command) => Some(command),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut batch = Vec::new();
            for command in first.into_iter().chain(commands.try_iter()).take(BATCH) {
                match command {
                    Command::Write(op, answer) => batch.push((op, answer)),
                    Command::Stop => running = false,
                }
            }
            if !running || written.elapsed() >= BETWEEN_RATES {
                written = Instant::now();
                let changes = self.rates.changes(self.clock.micros());
                batch.extend(changes.map(|buckets| (Op::Buckets(buckets), None)));
            }
            self.write(batch);
        }
        self.store.close();
    }

    fn write(&mut self, batch: Vec<(Op, Option<Answer>)>) {
        let ops: Vec<&Op> = self.backlog.iter().chain(batch.iter().map(|(op, _)| op)).collect();
        if ops.is_empty() {
            return;
        }
        let written = self.store.write(&ops);
        match &written {
            Ok(()) => self.backlog.clear(),
            Err(error) => tracing::error!(%error, changes = ops.len(), "budgets and limits could not be kept"),
        }
        for (op, answer) in batch {
            match answer {
                // Whoever left does not want the answer.
                Some(answer) => drop(answer.send(written.clone())),
                // The next look at the buckets says more than this one.
                None if written.is_err() && !matches!(op, Op::Buckets(_)) => self.backlog.push_back(op),
                None => {}
            }
        }
        while self.backlog.len() > BACKLOG {
            self.backlog.pop_front();
        }
    }
}
