//! Classification: the one path from a document to a verdict. `Classify`, `Dispatch`, the command line and bulk all
//! come through [`Classifier::classify`]. It runs the rules, then the model, joins what they found, and asks the
//! policy. Whatever fails on the way ends in the coverage receipt, and with that in a confidential verdict: there is
//! no error to return, so no caller can mistake one for "public".

mod observed;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::sync::Semaphore;

use crate::audit::{self, Label, Provenance};
use crate::detect::trace::{Considered, Outcome, Trace};
use crate::detect::{
    self, Calibration, Catalog, Coverage, Detector, DetectorCoverage, EntityTypeInfo, Finding, Rules, Status,
};
use crate::document::{Document, View};
use crate::ner::{Dropped, Ner, NerReport, overrule};
use crate::policy::{Detected, Evidence, Policy, Sensitivity, Verdict};

pub use observed::Observed;
use observed::look_on;

/// Documents up to this many bytes are scanned on the async thread: the rules take less than a millisecond for them,
/// which is less than handing them over costs under load. Larger ones go to the blocking pool.
const INLINE_BYTES: u64 = 16 * 1024;

/// Reason of the receipt when the model was not needed.
pub const RULES_REACHED_HIGHEST_LEVEL: &str = "rules_reached_highest_level";

/// When the named-entity model runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NerMode {
    /// Unless the policy permits a skip.
    #[default]
    Auto,
    /// Always.
    Always,
}

/// What is asked beside the document.
#[derive(Clone, Debug)]
pub struct Query {
    /// The caller's own opinion; it only raises.
    pub declared_level: Option<Sensitivity>,
    /// When the model runs.
    pub ner: NerMode,
    /// Who asks.
    pub caller: Arc<str>,
}

/// What took how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Everything.
    pub total: Duration,
    /// Normalisation, patterns, word lists, secrets.
    pub rules: Duration,
    /// The model, with its queue.
    pub ner: Duration,
    /// The policy, with joining the findings.
    pub policy: Duration,
}

impl Timings {
    /// As the log keeps them.
    #[must_use]
    pub fn for_record(&self) -> audit::Timings {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        audit::Timings {
            rules_us: micros(self.rules),
            ner_us: micros(self.ner),
            policy_us: micros(self.policy),
            total_us: micros(self.total),
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Classified {
    /// The verdict.
    pub verdict: Arc<Verdict>,
    /// What took how long.
    pub timings: Timings,
    /// The policy that gave it; routes and permits of the same request are this policy's.
    pub policy: Arc<Policy>,
    /// What decided beside the policy.
    pub provenance: Provenance,
    /// What a policy that only looks on says.
    pub observed: Option<Observed>,
}

/// What is replaced together: rules that were built of a catalog, and the policy that adds to it.
struct Engine {
    catalog: Arc<Catalog>,
    rules: Arc<Rules>,
    policy: Arc<Policy>,
}

impl Engine {
    fn new(catalog: Catalog, rules: Rules, policy: Policy) -> Self {
        Self { catalog: Arc::new(catalog), rules: Arc::new(rules), policy: Arc::new(policy) }
    }
}

/// The detectors and the policy together.
pub struct Classifier {
    engine: ArcSwap<Engine>,
    observed: ArcSwapOption<Policy>,
    ner: Ner,
    calibration: Calibration,
    /// Large documents in the blocking pool at once; others wait for their turn or their deadline.
    large: Arc<Semaphore>,
}

impl fmt::Debug for Classifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classifier").field("policy", self.engine.load().policy.reference()).finish_non_exhaustive()
    }
}

/// What the rules found, and their part of the receipt.
struct RulesReport {
    findings: Vec<Finding>,
    coverage: Vec<DetectorCoverage>,
}

impl Classifier {
    /// Puts the detectors and the policy together, with scores as the detectors give them.
    #[must_use]
    pub fn new(catalog: Catalog, rules: Rules, ner: Ner, policy: Policy) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            engine: ArcSwap::from_pointee(Engine::new(catalog, rules, policy)),
            observed: ArcSwapOption::empty(),
            ner,
            calibration: Calibration::none(),
            large: Arc::new(Semaphore::new(cores)),
        }
    }

    /// Takes a new catalog, its rules and its policy at once. Requests in work end with those that they began with; no
    /// request waits, and none sees the one without the other.
    pub fn replace(&self, catalog: Catalog, rules: Rules, policy: Policy) {
        self.engine.store(Arc::new(Engine::new(catalog, rules, policy)));
    }

    /// Takes a policy that decides beside the one in force and never acts, or none.
    pub fn observe(&self, policy: Option<Policy>) {
        self.observed.store(policy.map(Arc::new));
    }

    /// With calibrated scores.
    #[must_use]
    pub fn with_calibration(self, calibration: Calibration) -> Self {
        Self { calibration, ..self }
    }

    /// The calibration of scores.
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.engine.load().policy)
    }

    /// Every entity type that can be found, by name, with what finds it: the catalog's entries and the model.
    #[must_use]
    pub fn entity_types(&self) -> Vec<EntityTypeInfo> {
        let mut types: Vec<EntityTypeInfo> = self.engine.load().catalog.entity_types().cloned().collect();
        for (name, category) in self.ner.entity_types() {
            let place = types.binary_search_by(|info| info.name.cmp(name));
            let at = place.unwrap_or_else(|missing| {
                types.insert(missing, EntityTypeInfo::of_model(name.clone(), *category));
                missing
            });
            if let Some(info) = types.get_mut(at) {
                info.detectors.insert(Detector::Ner.as_str());
            }
        }
        types
    }

    /// Whether there is a type of this name.
    #[must_use]
    pub fn knows_entity_type(&self, name: &str) -> bool {
        self.engine.load().catalog.entity_type(name).is_some()
            || self.ner.entity_types().iter().any(|(known, _)| known.as_str() == name)
    }

    /// Digest of the rules in force, as records keep it.
    #[must_use]
    pub fn rules_digest(&self) -> Arc<str> {
        self.engine.load().rules.digest()
    }

    /// The catalog of types and recognizers.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.engine.load().catalog)
    }

    /// The verdict on a document. Never fails: what could not be scanned makes it confidential.
    pub async fn classify(&self, document: &Arc<Document>, query: &Query, deadline: Instant) -> Classified {
        self.classify_traced(document, query, deadline, None).await
    }

    /// The same, which also tells `trace` what was considered for its span and why it is no finding.
    pub async fn classify_traced(
        &self,
        document: &Arc<Document>,
        query: &Query,
        deadline: Instant,
        mut trace: Option<&mut Trace>,
    ) -> Classified {
        let started = Instant::now();
        let engine = self.engine.load_full();
        let policy = &engine.policy;
        let rules = match trace.as_deref_mut() {
            // Whoever asks why waits for one text; the scan need not leave this thread.
            Some(trace) => scan(&engine.rules, document, deadline, Some(trace)),
            None => self.run_rules(&engine.rules, document, deadline).await,
        };
        let rules_done = Instant::now();

        // Raw scores decide overlaps; the policy and the caller see calibrated ones.
        let mut found = detect::resolve_traced(rules.findings, trace.as_deref_mut());
        let mut evidence = Evidence {
            document,
            findings: Vec::new(),
            topics: Vec::new(),
            coverage: Coverage { detectors: rules.coverage },
            declared_level: query.declared_level,
            caller: &query.caller,
        };
        if query.ner == NerMode::Auto {
            evidence.findings = self.calibration.applied(found.clone());
        }
        if query.ner == NerMode::Auto && policy.rules_suffice(&evidence) {
            evidence.coverage.detectors.push(DetectorCoverage {
                detector: Detector::Ner,
                status: Status::PermittedSkip(RULES_REACHED_HIGHEST_LEVEL.into()),
                bytes_scanned: 0,
                bytes_total: document.total_bytes(),
                digest: self.ner.digest(),
            });
        } else {
            let mut report = self.ner.find(document, deadline).await;
            reconcile(&mut report, &found, &engine.rules, document, trace.as_deref_mut());
            if let Some(trace) = trace.as_deref_mut() {
                note_dropped(report.dropped, trace);
                self.ner.tell(document, deadline, trace).await;
            }
            found.extend(report.findings);
            found = detect::resolve_traced(found, trace);
            evidence.topics = report.topics;
            evidence.coverage.detectors.push(report.coverage);
        }
        detect::settle(&mut found);
        evidence.findings = self.calibration.applied(found);
        let ner_done = Instant::now();

        let observed = self.observed.load_full().and_then(|observed| look_on(observed, &evidence));
        let verdict = policy.decide(evidence);
        let finished = Instant::now();
        Classified {
            verdict: Arc::new(verdict),
            timings: Timings {
                total: finished - started,
                rules: rules_done - started,
                ner: ner_done - rules_done,
                policy: finished - ner_done,
            },
            policy: Arc::clone(policy),
            provenance: self.provenance(&engine.rules),
            observed,
        }
    }

    /// What the detectors say, the model included, before any policy: for the tests inside a policy file.
    pub async fn detect(&self, document: &Arc<Document>, deadline: Instant) -> Detected {
        let engine = self.engine.load_full();
        let rules = self.run_rules(&engine.rules, document, deadline).await;
        let mut report = self.ner.find(document, deadline).await;
        let mut findings = detect::resolve(rules.findings);
        reconcile(&mut report, &findings, &engine.rules, document, None);
        findings.extend(report.findings);
        let mut coverage = Coverage { detectors: rules.coverage };
        coverage.detectors.push(report.coverage);
        let mut findings = detect::resolve(findings);
        detect::settle(&mut findings);
        Detected { findings: self.calibration.applied(findings), topics: report.topics, coverage }
    }

    async fn run_rules(&self, rules: &Arc<Rules>, document: &Arc<Document>, deadline: Instant) -> RulesReport {
        if document.total_bytes() <= INLINE_BYTES {
            return scan(rules, document, deadline, None);
        }
        let turn = tokio::time::timeout_at(deadline.into(), Arc::clone(&self.large).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return failed(rules, document, "timed_out");
        };
        let (shared, owned) = (Arc::clone(rules), Arc::clone(document));
        let scanning = tokio::task::spawn_blocking(move || {
            // A scan that nobody waits for any more still holds its turn: there are never more than cores.
            let _turn = turn;
            scan(&shared, &owned, deadline, None)
        });
        match tokio::time::timeout_at(deadline.into(), scanning).await {
            Ok(Ok(report)) => report,
            Ok(Err(_)) => failed(rules, document, "panicked"),
            Err(_) => failed(rules, document, "timed_out"),
        }
    }

    /// What decides beside the policy, for the records.
    fn provenance(&self, rules: &Rules) -> Provenance {
        let rules = rules.digest();
        Provenance {
            service_version: Label::token(env!("CARGO_PKG_VERSION")),
            catalog: Label::token(&rules),
            // The word lists are part of the catalog, the organisation's own included.
            dictionaries: Label::token(&rules),
            model: Label::token(&self.ner.digest()),
            calibration: Label::token(self.calibration.digest()),
        }
    }

    /// Ends the lanes of the model.
    pub async fn shutdown(&self) {
        self.ner.shutdown().await;
    }
}

/// Corrects what the model says by what the rules know of the same text.
fn reconcile(
    report: &mut NerReport,
    known: &[Finding],
    rules: &Rules,
    document: &Document,
    mut trace: Option<&mut Trace>,
) {
    detect::complete_addresses(document, &mut report.findings, trace.as_deref_mut());
    detect::defer_to_rules(known, &mut report.findings, trace.as_deref_mut());
    overrule(report, known, document);
    rules.adjustments().apply_traced(document, &mut report.findings, known, trace);
}

/// The rules over every part. A part's findings point into the original text of that part.
fn scan(rules: &Rules, document: &Document, deadline: Instant, mut trace: Option<&mut Trace>) -> RulesReport {
    let total = document.total_bytes();
    let mut findings = Vec::new();
    let mut scanned = 0u64;
    let mut problem = None;
    for (index, part) in document.parts().iter().enumerate() {
        if Instant::now() >= deadline {
            problem = Some("timed_out");
            break;
        }
        let text = part.text.expose();
        // A defect in a rule must not take the connection down, and must not look like "nothing found".
        let field = part.pointer.expose().rsplit('/').next().unwrap_or_default();
        let scan = || rules.scan_traced(index, field, &View::of(text), &mut findings, trace.as_deref_mut());
        let outcome = catch_unwind(AssertUnwindSafe(scan));
        match outcome {
            Ok(Ok(())) => scanned += part.text.len() as u64,
            Ok(Err(limit)) => problem = Some(limit.reason()),
            Err(_) => problem = Some("panicked"),
        }
    }
    rules.adjustments().apply_traced(document, &mut findings, &[], trace);
    RulesReport { findings, coverage: receipt(rules, problem, scanned, total) }
}

/// What the model said in the span of a trace, and a rule dropped.
fn note_dropped(dropped: Vec<Dropped>, trace: &mut Trace) {
    for dropped in dropped {
        if !trace.wants(dropped.part, &dropped.range) {
            continue;
        }
        trace.note(Considered {
            range: dropped.range,
            entity_type: dropped.entity_type,
            detector: Detector::Ner,
            recognizer: Arc::default(),
            pattern: Arc::default(),
            outcome: Outcome::Dropped {
                score: dropped.score,
                rule: dropped.reason.name(),
                description: dropped.reason.description(),
            },
        });
    }
}

fn failed(rules: &Rules, document: &Document, why: &'static str) -> RulesReport {
    RulesReport { findings: Vec::new(), coverage: receipt(rules, Some(why), 0, document.total_bytes()) }
}

fn receipt(
    rules: &Rules,
    problem: Option<&'static str>,
    bytes_scanned: u64,
    bytes_total: u64,
) -> Vec<DetectorCoverage> {
    [Detector::Pattern, Detector::Dictionary, Detector::Secret]
        .into_iter()
        .map(|detector| DetectorCoverage {
            detector,
            status: problem.map_or(Status::Complete, |why| Status::Failed(why.into())),
            bytes_scanned,
            bytes_total,
            digest: rules.digest(),
        })
        .collect()
}
