//! Speed of a replay: `cargo bench --bench replay`. Makes a log of a million records by the code that the service makes
//! them with (the labelled texts of this repository, by many callers, with what came of the requests), replays a changed
//! policy over it twice, and compares the bytes. `CORDON_REPLAY_RECORDS` is another number of records.

#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used)] // a bench without a log has nothing to measure

mod measure;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cordon::audit::{
    self, AuditConfig, AuditLog, Decision, DecisionInput, Label, Operation, Outcome, OutcomeStatus, Routing,
};
use cordon::classify::{Classified, NerMode, Query};
use cordon::config::File;
use cordon::detect::{Catalog, Rules};
use cordon::dispatch::{BackendConfig, BackendKind, Side};
use cordon::document::Document;
use cordon::policy::{Complexity, Policy, Route, Sensitivity};
use cordon::replay::{Filter, Limits, Prices, Question, hindsight, replay};
use cordon::startup;

use measure::{Moment, corpus, report};

const RECORDS: u64 = 1_000_000;
const COMPLEXITIES: [Complexity; 3] = [Complexity::Simple, Complexity::Moderate, Complexity::Complex];

/// A text with its verdict, classified once.
struct Known {
    document: Arc<Document>,
    classified: Classified,
}

fn main() {
    let records = std::env::var("CORDON_REPLAY_RECORDS").map_or(RECORDS, |number| number.parse().unwrap());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let config = AuditConfig::in_directory(folder.path().join("log"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let started = Instant::now();
    let (made, decisions) = runtime.block_on(make(config.clone(), records));
    report("replay: log made in", started.elapsed().as_secs_f64(), "s");
    let bytes = std::fs::metadata(folder.path().join("log/audit.db")).map_or(0, |file| file.len());
    report("replay: records in the log", made as f64, "");
    report("replay: decisions among them", decisions as f64, "");
    report("replay: size of the log", bytes as f64 / f64::from(1 << 20), "MiB");

    let reader = AuditLog::open_read_only(&config.directory).unwrap();
    let question = question();
    let mut runs = Vec::new();
    for run in ["first", "second"] {
        let started = Moment::now();
        let summary = replay(&reader, &question, &mut |_| {}).unwrap_or_else(|error| panic!("{error}"));
        let spent = started.spent().wall.as_secs_f64();
        report(&format!("replay: {run} run"), spent, "s");
        report(&format!("replay: {run} run"), made as f64 / spent, "records/s");
        if run == "first" {
            report("replay: undecided levels", summary.undecided.levels as f64, "");
            report("replay: newly to the cloud", summary.newly_to_cloud.decisions as f64, "");
            assert_eq!(summary.decisions, decisions);
        }
        runs.push(summary.to_bytes().unwrap());
    }
    let [first, second] = runs.as_slice() else { panic!("two runs") };
    assert!(first == second, "two runs gave different bytes");
    let digest = blake3::hash(first).to_hex();
    println!("replay: two runs gave the same {} bytes, BLAKE3 {digest}", first.len());
}

/// A stricter reading of names, and all public text to the cloud.
fn question() -> Question {
    let catalog = Catalog::embedded().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policy/gateway.toml");
    let source = std::fs::read_to_string(path).unwrap();
    let changed = source.replacen("id = \"name\"\nlevel = \"internal\"", "id = \"name\"\nlevel = \"confidential\"", 1);
    assert!(changed != source, "the policy has another form now");
    let policy = Policy::parse(&changed, &catalog).unwrap();
    let price = |input: &str, output: &str| toml::from_str(&format!("input = \"{input}\"\noutput = \"{output}\"")).ok();
    let backend = |name: &str, side, price| BackendConfig {
        price,
        ..BackendConfig::new(name, side, BackendKind::Openai, "http://127.0.0.1:1", "m")
    };
    let backends =
        [backend("here", Side::Local, price("0.05", "0.1")), backend("there", Side::Cloud, price("2.5", "10"))];
    Question {
        policy: Arc::new(hindsight(policy, &catalog, &Default::default()).unwrap()),
        against: None,
        prices: Prices::of(&backends).unwrap(),
        filter: Filter::default(),
        limits: Limits::default(),
        catalog_now: Some(Rules::build(&catalog).unwrap().digest()),
    }
}

/// Writes so many records, and says how many there are and how many of them are decisions.
async fn make(config: AuditConfig, records: u64) -> (u64, u64) {
    let known = classified().await;
    let log = AuditLog::open(config).unwrap();
    let policy = known.first().map(|known| Arc::clone(&known.classified.policy)).unwrap();
    let (mut made, mut decisions) = (0, 0);
    // A fixed sequence (Knuth's MMIX constants), so that runs compare.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut draw = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    while made < records {
        let known = &known[draw(known.len() as u64) as usize];
        let caller = format!("service-{:02}", draw(40));
        let complexity = COMPLEXITIES[draw(3) as usize];
        let classify = draw(10) < 3;
        let verdict = &known.classified.verdict;
        let plan = policy.route(verdict, complexity, &caller);
        let routing = (!classify).then(|| Routing {
            route: plan.preferred(),
            ceiling: plan.ceiling(),
            backend: Label::new(if plan.preferred() == Route::Cloud { "there" } else { "here" }),
            model: Label::new("model"),
            complexity,
            complexity_reasons: vec![Label::token("stated_by_caller")],
            rule: Label::new(plan.rule()),
            reason: Label::default(),
            redacted: None,
            escalated_from: None,
            overridden: None,
        });
        let input = DecisionInput {
            operation: if classify { Operation::Classify } else { Operation::Dispatch },
            caller: Label::new(&caller),
            request_id: None,
            declared_level: None,
            provenance: known.classified.provenance.clone(),
            timings: known.classified.timings.for_record(),
            routing,
        };
        let decision = Decision::new(input, verdict, &known.document, log.digest_key()).unwrap();
        let id = decision.id;
        append(&log, || log.append(decision.clone()).map(drop)).await;
        decisions += 1;
        made += 1;
        if !classify {
            let outcome = Outcome {
                backend: Label::new(if plan.preferred() == Route::Cloud { "there" } else { "here" }),
                model: Label::new("model"),
                route: Some(plan.preferred()),
                attempts: 1,
                input_tokens: known.document.total_bytes() / 4 + 1,
                output_tokens: 20 + draw(600),
                cost_micros: Some(draw(5000)),
                total_us: 100_000 + draw(4_000_000),
                ..Outcome::new(OutcomeStatus::Completed)
            };
            append(&log, || log.append_outcome(id, outcome.clone()).map(drop)).await;
            made += 1;
        }
    }
    log.flush().await.unwrap();
    log.close().await.unwrap();
    (made, decisions)
}

/// Appends, and waits where the queue is full.
async fn append(log: &AuditLog, append: impl Fn() -> Result<(), audit::AuditError>) {
    loop {
        match append() {
            Ok(()) => return,
            Err(audit::AuditError::Full { .. }) => log.flush().await.unwrap(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The labelled texts under the default policy, with the real model.
async fn classified() -> Vec<Known> {
    let config = File { data_dir: Some("/nonexistent".into()), ..File::default() }.validate().unwrap();
    let classifier = startup::classifier(&config).unwrap_or_else(|error| panic!("{error}"));
    let mut known = Vec::new();
    for text in corpus() {
        let document = Arc::new(Document::of(text));
        let declared_level = (known.len() % 20 == 7).then_some(Sensitivity::Internal);
        let query = Query { declared_level, ner: NerMode::Auto, caller: "service".into() };
        let deadline = Instant::now() + Duration::from_secs(60);
        let classified = classifier.classify(&document, &query, deadline).await;
        known.push(Known { document, classified });
    }
    classifier.shutdown().await;
    known
}
