//! The scan itself: one thread reads, as many tasks as there are cores classify, one place counts. What is read waits in a
//! bounded queue, so memory does not grow with the files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::classify::{Classifier, NerMode, Query};
use crate::document::{Document, Part, Role, Text};
use crate::service::ANONYMOUS;

use super::count::Counter;
use super::judge::{Judged, judge};
use super::source::{Event, Unit};
use super::summary::Summary;

/// How units are classified.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Units in work at once.
    pub width: usize,
    /// How long one unit may take; then it is confidential, as everything that was not scanned whole.
    pub patience: Duration,
    /// Findings with a smaller score are not told.
    pub min_score: f32,
    /// Keep the found values, for the caller's own screen.
    pub quote: bool,
    /// Run the model also where the rules reach the highest level, so that all findings are told.
    pub all_findings: bool,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Files begun.
    pub files: u64,
    /// Units classified.
    pub units: u64,
    /// Bytes of the files begun.
    pub bytes: u64,
}

/// The document of a unit.
#[must_use]
pub fn document(unit: &Unit) -> Document {
    // A field's name helps to judge its value.
    let pointer = unit.field.as_ref().map_or_else(String::new, |field| match field.strip_prefix('/') {
        Some(_) => field.clone(),
        None => format!("/{field}"),
    });
    Document::new(vec![Part { role: Role::User, pointer: Text::from(pointer), text: unit.text.clone() }])
}

/// Classifies everything that a source yields. `progress` is called often.
pub async fn scan(
    source: impl Iterator<Item = Event> + Send + 'static,
    classifier: Arc<Classifier>,
    settings: Settings,
    mut progress: impl FnMut(Progress),
) -> Summary {
    let width = settings.width.max(1);
    let (sender, mut events) = mpsc::channel(width * 2);
    let reading = tokio::task::spawn_blocking(move || {
        for event in source {
            // The other side is gone only when the scan is.
            if sender.blocking_send(event).is_err() {
                break;
            }
        }
    });
    let mut summary = Counter::new(&classifier);
    let mut at = Progress::default();
    let mut work: JoinSet<Judged> = JoinSet::new();
    loop {
        while work.len() >= width {
            finish(work.join_next().await, &mut summary, &mut at);
        }
        let event = tokio::select! {
            event = events.recv() => event,
            done = work.join_next(), if !work.is_empty() => {
                finish(done, &mut summary, &mut at);
                progress(at);
                continue;
            }
        };
        match event {
            None => break,
            Some(Event::File { path, bytes }) => {
                at.files += 1;
                at.bytes += bytes;
                summary.file(&path, bytes);
            }
            Some(Event::Unscanned(unscanned)) => summary.unscanned(unscanned),
            Some(Event::Note(note)) => summary.note(note),
            Some(Event::Unit(unit)) => {
                let classifier = Arc::clone(&classifier);
                work.spawn(async move { classify(&unit, &classifier, settings).await });
            }
        }
        progress(at);
    }
    while let Some(done) = work.join_next().await {
        finish(Some(done), &mut summary, &mut at);
        progress(at);
    }
    if reading.await.is_err() {
        summary.broken("reading stopped because of a defect; what came after was not scanned");
    }
    summary.finish()
}

async fn classify(unit: &Unit, classifier: &Classifier, settings: Settings) -> Judged {
    let document = Arc::new(document(unit));
    let ner = if settings.all_findings { NerMode::Always } else { NerMode::Auto };
    let query = Query { declared_level: None, ner, caller: ANONYMOUS.into() };
    let classified = classifier.classify(&document, &query, Instant::now() + settings.patience).await;
    judge(unit, &classified.verdict, settings.min_score, settings.quote)
}

fn finish(done: Option<Result<Judged, tokio::task::JoinError>>, summary: &mut Counter, at: &mut Progress) {
    match done {
        None => {}
        Some(Ok(judged)) => {
            at.units += 1;
            summary.judged(judged);
        }
        Some(Err(_)) => summary.broken("a text was not classified because of a defect"),
    }
}
