//! What happens to a message that nobody can classify: it is moved, unchanged, to a subject of the same stream that no
//! worker reads, and a dead letter says why and where it is. The dead letter holds no text, unless the operator wants it:
//! people who look at dead letters need not be people who may read the documents.

use async_nats::jetstream;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::message::{DeadLetter, Fault, Kept, VERSION, Work};
use super::names::{Names, RunId};
use super::{Connection, publish};

/// Where dead letters go.
pub(super) struct Undertaker {
    pub(super) connection: Connection,
    pub(super) names: Names,
    pub(super) worker: String,
    /// Whether the message goes into the dead letter.
    pub(super) with_text: bool,
}

impl Undertaker {
    /// Keeps the message and stores the dead letter. Once both are stored, the message may be taken out of the queue.
    /// `sequence` is its place in the queue; the same message is buried under the same id each time.
    pub(super) async fn bury(
        &self,
        message: &jetstream::Message,
        sequence: u64,
        deliveries: u64,
        work: Option<&Work>,
        fault: &Fault,
    ) -> Result<(), &'static str> {
        // The queue's own filter has a run in every subject.
        let Some(run) = Names::run_of(&message.subject).or_else(|| RunId::new("unknown").ok()) else {
            return Err("the subject has no run");
        };
        let mut letter = DeadLetter {
            version: VERSION,
            reason: fault.reason().to_owned(),
            detail: fault.to_string(),
            id: work.map(|work| work.id.clone()),
            number: work.and_then(|work| work.number),
            place: work.and_then(|work| work.place.clone()),
            kept: None,
            message: None,
            deliveries,
            worker: self.worker.clone(),
            run: run.clone(),
        };
        let whole = self.with_text.then(|| STANDARD.encode(&message.payload));
        // A message in base64 may be over what the server takes; then it is kept as without the option.
        letter.message = whole.filter(|whole| whole.len() + 16 * 1024 < self.connection.max_payload());
        if letter.message.is_none() {
            let jetstream = &self.connection.jetstream;
            let subject = self.names.held(&run);
            // Without a header: the message may be as large as the server takes.
            let stored = publish::store(jetstream, &subject, None, &message.payload).await;
            let stored = stored.map_err(|_| "the message cannot be kept")?;
            letter.kept = Some(Kept { stream: stored.stream, sequence: stored.sequence });
        }
        let json = serde_json::to_vec(&letter).map_err(|_| "the dead letter cannot be written")?;
        let id = format!("{run}:{sequence}");
        let subject = self.names.dead(&run);
        publish::store(&self.connection.jetstream, &subject, Some(&id), &Bytes::from(json))
            .await
            .map_err(|_| "the dead letter cannot be stored")?;
        metrics::counter!("cordon_worker_dead_letters_total", "reason" => fault.reason()).increment(1);
        tracing::warn!(%run, reason = fault.reason(), sequence, "a document became a dead letter");
        Ok(())
    }
}
