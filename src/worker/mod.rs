//! Bulk classification over NATS JetStream: a feeder puts documents into a work queue, any number of workers on any
//! number of machines classify them by the same [`crate::classify::Classifier`] as everything else, and a collector
//! keeps one verdict for each document. The only place that knows NATS.
//!
//! It must never acknowledge a document before its verdict is stored, never put a text into a verdict or (unless the
//! operator says so) into a dead letter, and never count a document twice. How it holds through crashes:
//!
//! 1. [`feed`] publishes with a message id, in order, and goes on only behind what JetStream has stored; its position is
//!    stored beside, so that a killed feeder goes on where it stopped;
//! 2. [`Worker`] takes no more than it has room for, tells JetStream while it works, publishes the verdict under the
//!    document's id, waits until that is stored, and acknowledges then. Killed at any point before, the document is
//!    delivered again; killed between, the verdict is published twice under one id;
//! 3. [`collect`] keeps one verdict for each document. JetStream drops a second message of the same id only for a time;
//!    this is what makes the count exact.

mod ask;
mod collect;
mod connect;
mod dead;
mod error;
mod feed;
mod handle;
mod message;
mod names;
mod position;
mod publish;
mod pull;
mod run;
mod streams;
mod verdict;

pub use collect::{Collected, Collector};
pub(crate) use connect::secret_file;
pub use connect::{Connection, Credentials, NatsOptions, Tls};
pub use error::WorkerError;
pub use feed::{Fed, Feeder};
pub use message::{DeadLetter, Fault, Place, VERSION, Work};
pub use names::{Names, RunId};
pub use position::Position;
pub use run::{Worker, WorkerConfig, WorkerReport};
pub use streams::{Limits, Queue};
pub use verdict::{FindingLine, RuleLine, Verdict};
