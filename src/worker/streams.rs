//! The streams and the consumer, made if they are not there and checked if they are. What they must be follows from what
//! they are for:
//!
//! - the work queue keeps each document until it is acknowledged, and refuses more when it is full, so that the feeder
//!   waits and nothing is lost;
//! - verdicts and dead letters stay until the collector has read them, and a full stream refuses too, so that workers wait;
//! - of each run's position only the last counts.
//!
//! Nothing expires by age: a document or a verdict that vanished in silence would be one that nobody decided about.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{self, AckPolicy, DeliverPolicy, IntoConsumerConfig as _, pull};
use async_nats::jetstream::stream::{Compression, Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
use serde_json::json;

use super::{Connection, Names, WorkerError};

/// Bytes of the work queue when nothing else is said: the feeder is this far ahead at most.
const WORK_BYTES: u64 = 1 << 30;
/// Bytes of the verdicts; about a million of them. See docs/bulk.md.
const VERDICT_BYTES: u64 = 1 << 30;
/// Bytes of the dead letters, which hold no texts by default.
const DEAD_BYTES: u64 = 64 << 20;
/// Bytes of the positions.
const RUN_BYTES: u64 = 16 << 20;
/// How long the server remembers ids. It only spares work: the collector is exact without it.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(10 * 60);
/// How long a worker may be silent about a document before another gets it.
const ACK_WAIT: Duration = Duration::from_secs(30);
/// Documents that all workers together may hold.
const MOST_HELD: i64 = 20_000;
/// Requests for documents that may wait at once: each worker has a few.
const MOST_WAITING: i64 = 4096;

/// What is asked of the streams. Whatever is left open gets its default when a stream is made, and is as it is when the
/// stream is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the work queue.
    pub work_bytes: Option<u64>,
    /// Bytes of the verdicts.
    pub verdict_bytes: Option<u64>,
    /// How long a worker may be silent about a document.
    pub ack_wait: Option<Duration>,
    /// Servers of the cluster that keep each stream.
    pub replicas: Option<usize>,
}

/// The streams, there and as they must be.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The connection.
    pub connection: Connection,
    /// The names.
    pub names: Names,
    /// How long a worker may be silent about a document.
    pub ack_wait: Duration,
}

/// What a stream must be.
struct Wanted {
    config: Config,
    /// Bytes that somebody asked for.
    bytes: Option<u64>,
    replicas: Option<usize>,
    option: &'static str,
}

impl Queue {
    /// Makes what is missing and checks the rest.
    ///
    /// # Errors
    /// When JetStream is not there, a stream is another, or the user may not.
    pub async fn open(connection: Connection, names: Names, limits: &Limits) -> Result<Self, WorkerError> {
        for wanted in wanted(&names, limits) {
            ensure(&connection, wanted).await?;
        }
        let ack_wait = ensure_consumer(&connection, &names, limits).await?;
        Ok(Self { connection, names, ack_wait })
    }
}

fn wanted(names: &Names, limits: &Limits) -> [Wanted; 4] {
    let base = |name: String, subjects: Vec<String>, bytes: u64, description: &str| Config {
        name,
        subjects,
        description: Some(description.to_owned()),
        max_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        max_messages: -1,
        max_consumers: -1,
        discard: DiscardPolicy::New,
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: limits.replicas.unwrap_or(1),
        duplicate_window: DUPLICATE_WINDOW,
        compression: Some(Compression::S2),
        ..Config::default()
    };
    let work = base(
        names.work_stream(),
        vec![names.all_work(), names.all_held()],
        limits.work_bytes.unwrap_or(WORK_BYTES),
        "documents to classify",
    );
    let verdicts = base(
        names.verdict_stream(),
        vec![names.all_verdicts()],
        limits.verdict_bytes.unwrap_or(VERDICT_BYTES),
        "verdicts, without texts",
    );
    let dead = base(names.dead_stream(), vec![names.all_dead()], DEAD_BYTES, "documents that nobody could classify");
    let runs = base(names.run_stream(), vec![names.all_runs()], RUN_BYTES, "how far each feeder is");
    let replicas = limits.replicas;
    [
        Wanted {
            config: Config { retention: RetentionPolicy::WorkQueue, ..work },
            bytes: limits.work_bytes,
            replicas,
            option: "--queue-bytes",
        },
        Wanted { config: verdicts, bytes: limits.verdict_bytes, replicas, option: "--verdict-bytes" },
        Wanted { config: dead, bytes: None, replicas, option: "--replicas" },
        Wanted {
            config: Config { max_messages_per_subject: 1, discard: DiscardPolicy::Old, ..runs },
            bytes: None,
            replicas,
            option: "--replicas",
        },
    ]
}

async fn ensure(connection: &Connection, wanted: Wanted) -> Result<(), WorkerError> {
    let what = format!("the stream {}", wanted.config.name);
    let name = &wanted.config.name;
    let info: Result<Info, _> = connection.ask(format!("STREAM.INFO.{name}"), &json!({}), &what).await?;
    match info {
        Ok(info) => return check(&what, &wanted, &info.config),
        Err(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
        Err(error) => return Err(WorkerError::Refused { what, problem: error.to_string() }),
    }
    let made: Result<Info, _> = connection.ask(format!("STREAM.CREATE.{name}"), &wanted.config, &what).await?;
    match made {
        Ok(_) => {
            tracing::info!(stream = %name, "the stream was made");
            Ok(())
        }
        // Another process was quicker, with other settings.
        Err(error) if error.error_code() == ErrorCode::STREAM_NAME_EXIST => {
            let info: Result<Info, _> = connection.ask(format!("STREAM.INFO.{name}"), &json!({}), &what).await?;
            match info {
                Ok(info) => check(&what, &wanted, &info.config),
                Err(error) => Err(WorkerError::Refused { what, problem: error.to_string() }),
            }
        }
        Err(error) => {
            let problem = error.to_string();
            let code = error.error_code();
            let full = [
                ErrorCode::STORAGE_RESOURCES_EXCEEDED,
                ErrorCode::INSUFFICIENT_RESOURCES,
                ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
                ErrorCode::MEMORY_RESOURCES_EXCEEDED,
                ErrorCode::STREAM_MAX_STREAM_BYTES_EXCEEDED,
            ];
            Err(if full.contains(&code) {
                WorkerError::NoRoom { what, problem, option: wanted.option }
            } else {
                WorkerError::Refused { what, problem }
            })
        }
    }
}

/// A stream that is there must keep what we rely on; sizes are the operator's, unless they were asked for.
fn check(what: &str, wanted: &Wanted, found: &Config) -> Result<(), WorkerError> {
    let want = &wanted.config;
    let differs = |field: &'static str, found: String, wanted: String| {
        Err(WorkerError::Mismatch { what: what.to_owned(), field, found, wanted })
    };
    if found.retention != want.retention {
        return differs("the retention", format!("{:?}", found.retention), format!("{:?}", want.retention));
    }
    if found.discard != want.discard {
        return differs("the discard policy", format!("{:?}", found.discard), format!("{:?}", want.discard));
    }
    if let Some(missing) = want.subjects.iter().find(|subject| !found.subjects.contains(subject)) {
        return differs("the subjects", found.subjects.join(", "), missing.clone());
    }
    if found.storage != StorageType::File {
        return differs("the storage", "in memory".to_owned(), "in files".to_owned());
    }
    if !found.max_age.is_zero() {
        return differs("a largest age of", format!("{:?}", found.max_age), "none".to_owned());
    }
    if found.no_ack || found.sealed {
        return differs("the state", "sealed or without acknowledgements".to_owned(), "an open stream".to_owned());
    }
    let per_subject = |config: &Config| config.max_messages_per_subject.max(0);
    if per_subject(found) != per_subject(want) {
        let (found, wanted) = (per_subject(found).to_string(), per_subject(want).to_string());
        return differs("messages for each subject", found, wanted);
    }
    if let Some(bytes) = wanted.bytes
        && found.max_bytes != i64::try_from(bytes).unwrap_or(i64::MAX)
    {
        return differs("max_bytes", found.max_bytes.to_string(), bytes.to_string());
    }
    match wanted.replicas {
        Some(replicas) if replicas != found.num_replicas => {
            differs("replicas", found.num_replicas.to_string(), replicas.to_string())
        }
        _ => Ok(()),
    }
}

/// The consumer of the workers; says how long a worker may be silent.
async fn ensure_consumer(connection: &Connection, names: &Names, limits: &Limits) -> Result<Duration, WorkerError> {
    let (stream, name) = (names.work_stream(), names.consumer());
    let what = format!("the consumer {name} of {stream}");
    let config = pull::Config {
        durable_name: Some(name.clone()),
        name: Some(name.clone()),
        description: Some("all workers together".to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: limits.ack_wait.unwrap_or(ACK_WAIT),
        // The workers count themselves: a message over the server's own limit would stay in the queue, unseen.
        max_deliver: -1,
        filter_subject: names.all_work(),
        max_ack_pending: MOST_HELD,
        max_waiting: MOST_WAITING,
        ..pull::Config::default()
    };
    let make = json!({"stream_name": stream, "config": config.into_consumer_config(), "action": "create"});
    let create = format!("CONSUMER.CREATE.{stream}.{name}.{}", names.all_work());
    for _ in 0..2 {
        let info: Result<consumer::Info, _> =
            connection.ask(format!("CONSUMER.INFO.{stream}.{name}"), &json!({}), &what).await?;
        match info {
            Ok(info) => return check_consumer(what, &info.config, names, limits),
            Err(error) if error.error_code() == ErrorCode::CONSUMER_NOT_FOUND => {}
            Err(error) => return Err(WorkerError::Refused { what, problem: error.to_string() }),
        }
        let made: Result<consumer::Info, _> = connection.ask(create.clone(), &make, &what).await?;
        match made {
            Ok(info) => return check_consumer(what, &info.config, names, limits),
            // Another process was quicker, with other settings: what it made is checked in the next round.
            Err(error) if error.error_code() == ErrorCode::CONSUMER_ALREADY_EXISTS => {}
            Err(error) => return Err(WorkerError::Refused { what, problem: error.to_string() }),
        }
    }
    Err(WorkerError::Refused { what, problem: "it comes and goes".to_owned() })
}

fn check_consumer(
    what: String,
    found: &consumer::Config,
    names: &Names,
    limits: &Limits,
) -> Result<Duration, WorkerError> {
    let differs = |field: &'static str, found: String, wanted: &str| {
        Err(WorkerError::Mismatch { what: what.clone(), field, found, wanted: wanted.to_owned() })
    };
    if found.ack_policy != AckPolicy::Explicit {
        return differs("acknowledgement", format!("{:?}", found.ack_policy), "Explicit");
    }
    if found.deliver_subject.is_some() {
        return differs("delivery", "by push".to_owned(), "by pull");
    }
    if found.filter_subject != names.all_work() {
        return differs("the filter", found.filter_subject.clone(), &names.all_work());
    }
    if found.max_deliver > 0 {
        return differs("max_deliver", found.max_deliver.to_string(), "none (the workers count themselves)");
    }
    if found.ack_wait < Duration::from_secs(1) {
        return differs("ack_wait", format!("{:?}", found.ack_wait), "at least a second");
    }
    match limits.ack_wait {
        Some(wanted) if wanted != found.ack_wait => {
            differs("ack_wait", format!("{:?}", found.ack_wait), &format!("{wanted:?}"))
        }
        _ => Ok(found.ack_wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work() -> Wanted {
        let limits = Limits { work_bytes: Some(1000), ..Limits::default() };
        let [work, ..] = wanted(&Names::new("c").unwrap(), &limits);
        work
    }

    #[test]
    fn a_stream_that_would_lose_documents_is_refused_by_name_of_the_setting() {
        let change = |change: fn(&mut Config)| {
            let mut found = work().config;
            change(&mut found);
            check("the stream c-work", &work(), &found).map_err(|error| error.to_string())
        };
        assert_eq!(change(|_| ()), Ok(()));
        assert_eq!(change(|found| found.max_messages_per_subject = -1), Ok(()));
        let refused: [(fn(&mut Config), &str); 7] = [
            (|found| found.retention = RetentionPolicy::Limits, "retention"),
            (|found| found.discard = DiscardPolicy::Old, "discard"),
            (|found| found.subjects = vec!["c.work.*".into()], "subjects"),
            (|found| found.storage = StorageType::Memory, "storage"),
            (|found| found.max_age = Duration::from_secs(1), "age"),
            (|found| found.max_bytes = 999, "max_bytes"),
            (|found| found.max_messages_per_subject = 1, "each subject"),
        ];
        for (make, field) in refused {
            let error = change(make).unwrap_err();
            assert!(error.contains(field) && error.contains("c-work"), "{error}");
        }
    }
}
