//! What happens around a model that works, fails, lies, panics or hangs.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::detect::Status;
use crate::document::{Document, Part, Role, Text};

pub(super) const LABELS: [&str; 3] = ["O", "B-PER", "I-PER"];
/// Ids that `Vocabulary::of_words` gives.
pub(super) const ANNA: u32 = 3;
pub(super) const SCHMIDT: u32 = 4;
const FAULT: u32 = 5;

pub(super) type Classify = Arc<dyn Fn(&[u32]) -> Result<Logits, ClassifierError> + Send + Sync>;

pub(super) struct Fake(pub(super) Classify);

impl TokenClassifier for Fake {
    fn classify(&mut self, sequence: &Sequence) -> Result<Logits, ClassifierError> {
        (self.0)(&sequence.ids)
    }
}

/// What a good model says.
pub(super) fn good(ids: &[u32]) -> Result<Logits, ClassifierError> {
    let row = |id: &u32| match *id {
        ANNA => [0.0, 9.0, 0.0],
        SCHMIDT => [0.0, 0.0, 9.0],
        _ => [9.0, 0.0, 0.0],
    };
    let values = ids.iter().flat_map(row).collect();
    Ok(Logits { values, tokens: ids.len(), labels: 3, ..Logits::default() })
}

/// A good model but for windows that hold the word "fault".
pub(super) fn faulty(fault: impl Fn(&[u32]) -> Result<Logits, ClassifierError> + Send + Sync + 'static) -> Classify {
    Arc::new(move |ids| if ids.contains(&FAULT) { fault(ids) } else { good(ids) })
}

pub(super) fn config() -> NerConfig {
    NerConfig { lanes: NonZeroUsize::new(2), hang_after_ms: 100, cache_windows: 0, ..NerConfig::default() }
}

fn ner_with(config: &NerConfig, classify: Classify) -> Ner {
    let vocabulary = Vocabulary::of_words(&["anna", "schmidt", "fault"], &LABELS).unwrap();
    Ner::with_models(config, vocabulary, Arc::new(move || Ok(Box::new(Fake(Arc::clone(&classify)))))).unwrap()
}

pub(super) fn ner(classify: Classify) -> Ner {
    ner_with(&config(), classify)
}

async fn ask_until(ner: &Ner, text: &str, wait: Duration) -> NerReport {
    ner.find(&Arc::new(Document::of(text)), Instant::now() + wait).await
}

pub(super) async fn ask(ner: &Ner, text: &str) -> NerReport {
    ask_until(ner, text, Duration::from_secs(20)).await
}

pub(super) fn failed(report: &NerReport, reason: &str) {
    assert_eq!(report.coverage.status, Status::Failed(reason.to_owned().into()));
}

pub(super) const TEXT: &str = "Please tell Anna Schmidt that we called.";

#[tokio::test]
async fn a_person_is_found_and_every_byte_is_accounted_for() {
    let ner = ner(Arc::new(good));
    let report = ask(&ner, TEXT).await;
    assert_eq!(report.coverage.status, Status::Complete);
    assert_eq!((report.coverage.bytes_scanned, report.coverage.bytes_total), (TEXT.len() as u64, TEXT.len() as u64));
    assert_eq!(report.findings.len(), 1);
    let finding = &report.findings[0];
    assert_eq!(&TEXT[finding.range.clone()], "Anna Schmidt");
    assert_eq!(finding.entity_type.as_str(), "PERSON");
    assert!(finding.score > 0.9);
    assert_eq!(&*report.coverage.digest, &*ner.digest());
    assert_eq!(ner.digest().len(), 64);
}

#[tokio::test]
async fn an_empty_document_is_complete() {
    let ner = ner(Arc::new(good));
    let report = ner.find(&Arc::new(Document::new(Vec::new())), Instant::now() + Duration::from_secs(5)).await;
    assert_eq!(report.coverage.status, Status::Complete);
    assert_eq!(ask(&ner, "").await.coverage.status, Status::Complete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_document_is_scanned_whole_over_all_parts() {
    let ner = ner(Arc::new(good));
    let filler = "and then somebody said something about the weather. ".repeat(400);
    let part = |text: String| Part { role: Role::User, pointer: Text::from(""), text: text.into() };
    let document = Arc::new(Document::new(vec![
        part(format!("Anna Schmidt {filler}")),
        part(filler.clone()),
        part(format!("{filler}{filler}{filler} it was Anna Schmidt")),
    ]));
    let report = ner.find(&document, Instant::now() + Duration::from_secs(60)).await;
    assert_eq!(report.coverage.status, Status::Complete);
    assert_eq!(report.coverage.bytes_scanned, document.total_bytes());
    let places: Vec<_> = report.findings.iter().map(|finding| (finding.part, finding.range.start)).collect();
    assert_eq!(places, [(0, 0), (2, document.parts()[2].text.len() - 12)]);
}

#[tokio::test]
async fn names_on_the_border_of_windows_are_found_once_and_whole() {
    let ner = ner(Arc::new(good));
    for shift in 0..150 {
        let text = format!("{}Anna Schmidt {}", "x ".repeat(shift), "y ".repeat(300));
        let report = ask(&ner, &text).await;
        let found: Vec<_> = report.findings.iter().map(|finding| &text[finding.range.clone()]).collect();
        assert_eq!(found, ["Anna Schmidt"], "after {shift} words");
    }
}

#[tokio::test]
async fn rubbish_is_a_failure_and_never_nothing_found() {
    let shaped =
        |values: Vec<f32>, tokens: usize, labels: usize| Ok(Logits { values, tokens, labels, ..Logits::default() });
    let cases: Vec<(&str, Classify)> = vec![
        ("model_failed", faulty(|_| Err(ClassifierError::Run))),
        ("model_output_invalid", faulty(|_| Err(ClassifierError::Output))),
        ("model_output_invalid", faulty(move |ids| shaped(vec![f32::NAN; ids.len() * 3], ids.len(), 3))),
        ("model_output_invalid", faulty(move |ids| shaped(vec![f32::INFINITY; ids.len() * 3], ids.len(), 3))),
        ("model_output_invalid", faulty(move |ids| shaped(vec![0.0; ids.len() * 2], ids.len(), 2))),
        ("model_output_invalid", faulty(move |ids| shaped(vec![0.0; 3], ids.len(), 3))),
        ("model_output_invalid", faulty(move |_| shaped(Vec::new(), 0, 3))),
    ];
    for (reason, classify) in cases {
        let ner = ner(classify);
        let report = ask(&ner, "this is a fault").await;
        failed(&report, reason);
        assert_eq!(report.coverage.bytes_scanned, 0);
        assert_eq!(ask(&ner, TEXT).await.findings.len(), 1, "the service goes on");
    }
}

#[tokio::test]
async fn a_panic_is_answered_and_the_model_is_built_anew() {
    let built = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&built);
    let vocabulary = Vocabulary::of_words(&["anna", "schmidt", "fault"], &LABELS).unwrap();
    let classify = faulty(|_| panic!("no text here"));
    let factory: ModelFactory = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(Fake(Arc::clone(&classify))))
    });
    let ner = Ner::with_models(&config(), vocabulary, factory).unwrap();
    for _ in 0..5 {
        failed(&ask(&ner, "a fault").await, "model_panicked");
    }
    assert_eq!(ask(&ner, TEXT).await.findings.len(), 1);
    assert!(ner.is_serving());
    assert!(built.load(Ordering::SeqCst) >= 3, "two at the start, and one after a panic");
}

#[tokio::test]
async fn lanes_that_die_fail_requests_at_once_and_come_back() {
    let broken = Arc::new(AtomicUsize::new(0));
    let state = Arc::clone(&broken);
    let vocabulary = Vocabulary::of_words(&["anna", "schmidt", "fault"], &LABELS).unwrap();
    let classify = faulty(|_| panic!("no text here"));
    let factory: ModelFactory = Arc::new(move || match state.load(Ordering::SeqCst) {
        0 => Ok(Box::new(Fake(Arc::clone(&classify)))),
        _ => Err(NerError::Model("gone".into())),
    });
    let ner = Ner::with_models(&config(), vocabulary, factory).unwrap();
    broken.store(1, Ordering::SeqCst);
    let begun = Instant::now();
    while ner.is_serving() {
        assert!(matches!(ask(&ner, "a fault").await.coverage.status, Status::Failed(_)));
        assert!(begun.elapsed() < Duration::from_secs(10), "lanes should be dead");
    }
    failed(&ask(&ner, TEXT).await, "no_lane_left");
    broken.store(0, Ordering::SeqCst);
    while ask(&ner, TEXT).await.coverage.status != Status::Complete {
        assert!(begun.elapsed() < Duration::from_secs(20), "lanes should come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_model_that_cannot_be_built_is_an_error_at_the_start() {
    let vocabulary = Vocabulary::of_words(&["anna"], &LABELS).unwrap();
    let factory: ModelFactory = Arc::new(|| Err(NerError::Model("no".into())));
    assert!(matches!(Ner::with_models(&config(), vocabulary.clone(), factory), Err(NerError::Model(_))));
    let factory: ModelFactory = Arc::new(|| panic!("no"));
    assert!(Ner::with_models(&config(), vocabulary, factory).is_err());
}

/// Holds every window with "fault" until the gate opens.
fn hanging() -> (Classify, Arc<std::sync::Mutex<()>>) {
    let gate = Arc::new(std::sync::Mutex::new(()));
    let held = Arc::clone(&gate);
    (
        faulty(move |ids| {
            drop(held.lock());
            good(ids)
        }),
        gate,
    )
}

#[tokio::test]
#[allow(clippy::await_holding_lock)] // The lock is the hanging of the model.
async fn a_model_that_hangs_times_out_and_is_replaced() {
    let (classify, gate) = hanging();
    let ner = ner_with(&NerConfig { hang_after_ms: 1_000, ..config() }, classify);
    let closed = gate.lock().unwrap();
    for _ in 0..2 {
        failed(&ask_until(&ner, "a fault", Duration::from_millis(50)).await, "timed_out");
    }
    // Both lanes hang now; after a while they are given up and replaced.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    failed(&ask_until(&ner, TEXT, Duration::from_millis(50)).await, "timed_out");
    assert_eq!(ask(&ner, TEXT).await.coverage.status, Status::Complete);
    drop(closed);
    assert_eq!(ask(&ner, "a fault").await.coverage.status, Status::Complete);
    assert!(ner.is_serving());
    ner.shutdown().await;
}

#[tokio::test]
#[allow(clippy::await_holding_lock)]
async fn a_full_queue_fails_when_the_deadline_passes_and_leaves_nothing_behind() {
    let (classify, gate) = hanging();
    let config = NerConfig { queue: NonZeroUsize::MIN, hang_after_ms: 60_000, ..config() };
    let ner = ner_with(&config, classify);
    let closed = gate.lock().unwrap();
    // Two run, one waits, and for the fourth there is no room.
    let short = || ask_until(&ner, "a fault", Duration::from_millis(400));
    let (a, b, c, d) = tokio::join!(short(), short(), short(), short());
    let mut reasons: Vec<_> = [a, b, c, d].into_iter().map(|report| format!("{:?}", report.coverage.status)).collect();
    reasons.sort();
    assert!(reasons[0].contains("queue_full") && reasons[1].contains("timed_out"), "{reasons:?}");
    drop(closed);
    assert_eq!(ask(&ner, TEXT).await.coverage.status, Status::Complete);
}

#[tokio::test]
#[allow(clippy::await_holding_lock)]
async fn a_window_whose_caller_left_is_not_run() {
    let runs = Arc::new(AtomicUsize::new(0));
    let (hang, gate) = hanging();
    let count = Arc::clone(&runs);
    let config = NerConfig { lanes: NonZeroUsize::new(1), hang_after_ms: 60_000, ..config() };
    let ner = ner_with(
        &config,
        Arc::new(move |ids| {
            count.fetch_add(1, Ordering::SeqCst);
            hang(ids)
        }),
    );
    {
        let _closed = gate.lock().unwrap();
        let document = Arc::new(Document::of("a fault"));
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut first = Box::pin(ner.find(&document, deadline));
        let mut second = Box::pin(ner.find(&document, deadline));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(futures_util::poll!(&mut second).is_pending());
        while runs.load(Ordering::SeqCst) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        drop((first, second));
    }
    assert_eq!(ask(&ner, TEXT).await.coverage.status, Status::Complete);
    assert_eq!(runs.load(Ordering::SeqCst), 2, "the one that hung and the last one");
}

#[tokio::test]
async fn a_deadline_that_is_over_is_a_failure() {
    let ner = ner(Arc::new(good));
    let report = ner.find(&Arc::new(Document::of(TEXT)), Instant::now() - Duration::from_millis(1)).await;
    assert!(matches!(report.coverage.status, Status::Failed(_)));
}

#[tokio::test]
async fn what_was_found_before_a_failure_is_kept() {
    let ner = ner(faulty(|_| Err(ClassifierError::Run)));
    let text = format!("Anna Schmidt {}{}", "went on. ".repeat(300), "a fault ".repeat(100));
    let report = ask(&ner, &text).await;
    failed(&report, "model_failed");
    assert!(report.coverage.bytes_scanned > 0 && report.coverage.bytes_scanned < report.coverage.bytes_total);
    assert_eq!(report.findings.len(), 1);
}

#[tokio::test]
async fn windows_are_remembered_by_digest() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let config = NerConfig { cache_windows: 100, ..config() };
    let ner = ner_with(
        &config,
        Arc::new(move |ids| {
            count.fetch_add(1, Ordering::SeqCst);
            good(ids)
        }),
    );
    let first = ask(&ner, TEXT).await;
    let again = ask(&ner, TEXT).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(first.findings, again.findings);
    assert_eq!(again.coverage.bytes_scanned, TEXT.len() as u64);
    ask(&ner, &format!("{TEXT} ")).await;
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_failure_is_not_remembered() {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let config = NerConfig { cache_windows: 100, ..config() };
    let once = faulty(move |ids| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Err(ClassifierError::Run),
        _ => good(ids),
    });
    let ner = ner_with(&config, once);
    failed(&ask(&ner, "a fault by Anna").await, "model_failed");
    assert_eq!(ask(&ner, "a fault by Anna").await.coverage.status, Status::Complete);
}

#[tokio::test]
async fn machine_text_is_skipped_unless_configured_otherwise_and_the_receipt_says_so() {
    let code = "fn f<'a>(x: &'a [u8]) -> Option<Anna<'a>> { x.get(0..4).map(|y| Anna::of(y)) }";
    let reading = ner_with(&NerConfig { skip_machine_text: false, ..config() }, Arc::new(good));
    assert_eq!(ask(&reading, code).await.coverage.status, Status::Complete);
    let skipping = ner(Arc::new(good));
    let report = ask(&skipping, code).await;
    assert_eq!(report.coverage.status, Status::PermittedSkip("machine_text".into()));
    assert_eq!(report.coverage.bytes_scanned, 0);
    assert_eq!(ask(&skipping, TEXT).await.coverage.status, Status::Complete);
    // Machine text that could hold a name in every line is read as a whole, and is no skip.
    let table = "| 09 | 0x4f_2 | Anna |\n| 10 | 0x4f_3 | Anna |\n";
    assert_eq!(ask(&skipping, table).await.coverage.status, Status::Complete);
}

/// Where nobody writes capitals, or everybody does, a name looks like every other word.
#[tokio::test]
async fn machine_text_without_a_use_of_capitals_is_read() {
    let skipping = ner(Arc::new(good));
    for text in ["{\"user\":\"anna\",\"id\":\"47_1\"}", "[12:04] anna {x_y} = [z_z]", "ID=7;U=ANNA;X=[Z_Z]{Y}"] {
        let report = ask(&skipping, text).await;
        assert_eq!(report.coverage.status, Status::Complete, "{text}");
        assert_eq!(report.coverage.bytes_scanned, text.len() as u64);
    }
}

#[tokio::test]
async fn names_that_people_wrote_in_skipped_code_are_found_and_counted() {
    let skipping = ner(Arc::new(good));
    let text = "fn f<'a>(x: &'a [u8]) -> Option<&'a u8> { x.get(0)?.y(&[_]) } // ask Anna Schmidt\n{ [x_y] = {z_z}; }";
    let report = ask(&skipping, text).await;
    assert_eq!(report.coverage.status, Status::PermittedSkip("machine_text".into()));
    let line = text.find('\n').unwrap() + 1;
    assert_eq!(report.coverage.bytes_scanned, line as u64, "the line with the comment, from end to end");
    let found: Vec<_> = report.findings.iter().map(|finding| &text[finding.range.clone()]).collect();
    assert_eq!(found, ["Anna Schmidt"]);
}

#[tokio::test]
async fn after_shutdown_nothing_is_scanned() {
    let ner = ner(Arc::new(good));
    ner.shutdown().await;
    assert!(!ner.is_serving());
    failed(&ask(&ner, TEXT).await, "shut_down");
    ner.shutdown().await;
}

#[tokio::test]
async fn names_in_encodings_are_found_where_their_code_stands() {
    let reading = ner_with(&NerConfig { skip_machine_text: false, ..config() }, Arc::new(good));
    let skipping = ner(Arc::new(good));
    for (text, code, undone) in [
        ("see %s for it", "%s", "base64 undone"),
        ("q=Anna%20Schmidt and so on", "Anna%20Schmidt", "percent encoding undone"),
        ("so Anna&#32;Schmidt said", "Anna&#32;Schmidt", ""),
    ] {
        // The name has a line of its own, so that its code is a run of whole groups of four.
        let (text, code) = (text.replace("%s", BASE64), code.replace("%s", BASE64));
        let whole = ask(&reading, &text).await;
        assert_eq!(whole.coverage.status, Status::Complete, "{text}");
        let (scanned, total) = (whole.coverage.bytes_scanned, whole.coverage.bytes_total);
        assert_eq!(scanned, total);
        assert!(total > text.len() as u64, "what was undone counts in the receipt");
        // A line that is nothing but code is skipped, and what it says is read all the same.
        for report in [whole, ask(&skipping, &text).await] {
            let within = |finding: &&crate::detect::Finding| {
                let at = text.find(&code).unwrap();
                at <= finding.range.start && finding.range.end <= at + code.len()
            };
            let found: Vec<_> = report.findings.iter().filter(within).collect();
            assert!(!found.is_empty(), "{text}: {:?}", report.findings);
            assert!(found.iter().any(|finding| finding.explanation.note.contains(undone)), "{found:?}");
        }
    }
}

/// `Please tell Anna Schmidt that we called.`
const BASE64: &str = "UGxlYXNlIHRlbGwgQW5uYSBTY2htaWR0IHRoYXQgd2UgY2FsbGVkLg==";

#[tokio::test]
async fn a_fault_in_what_is_encoded_fails_the_receipt() {
    let ner = ner(faulty(|_| Err(ClassifierError::Run)));
    let report = ask(&ner, "nothing here, but in &#102;ault there is").await;
    failed(&report, "model_failed");
    assert!(report.coverage.bytes_scanned < report.coverage.bytes_total);
}

#[tokio::test]
async fn who_asks_why_is_told_what_the_model_says_of_each_word() {
    let ner = ner(Arc::new(good));
    let document = Arc::new(Document::of(TEXT));
    let until = Instant::now() + Duration::from_secs(20);
    let start = TEXT.find("tell").unwrap();
    let mut trace = crate::detect::Trace::new(0, start..TEXT.find(" that").unwrap());
    ner.tell(&document, until, &mut trace).await;
    let told: Vec<(&str, f32)> = trace.words().iter().map(|word| (&TEXT[word.range.clone()], word.nothing)).collect();
    assert_eq!(told.iter().map(|(word, _)| *word).collect::<Vec<_>>(), ["tell", "Anna", "Schmidt"]);
    assert!(told[0].1 > 0.99 && told[1].1 < 0.01, "{told:?}");
    let (label, probability) = &trace.words()[2].labels[0];
    assert!(&**label == "PER" && *probability > 0.99, "what begins and what goes on add up");
    let mut of_another_part = crate::detect::Trace::new(7, 0..4);
    ner.tell(&document, until, &mut of_another_part).await;
    assert_eq!(of_another_part.words(), []);
}
