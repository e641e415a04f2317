//! From a configuration to running parts: catalog, policy, rules, model, log, backends. Everything that can be wrong
//! with a configuration, a policy, a model file or the disk is found here, before the service says it is SERVING.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::audit::{AuditError, AuditLog};
use crate::classify::Classifier;
use crate::config::Config;
use crate::control::{Control, ControlError};
use crate::detect::{Calibration, CalibrationError, Catalog, CatalogError, Rules, RulesError};
use crate::dispatch::{BackendError, Backends, Dispatcher, discover_ollama};
use crate::error::Kind;
use crate::ner::{Ner, NerError};
use crate::policy::{Policy, PolicyError};

/// How long the local backends are asked at the start whether they are there. The service starts without them.
const PROBE_PATIENCE: Duration = Duration::from_millis(1500);

/// A configuration with which the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The catalog, or what the policy adds to it.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The rules of the catalog.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The calibration of scores.
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    /// The policy.
    #[error("the policy {path} cannot be used: {source}")]
    Policy {
        /// The file, or `(embedded)`.
        path: String,
        /// Why.
        source: PolicyError,
    },
    /// The model or its library.
    #[error(transparent)]
    Ner(#[from] NerError),
    /// The audit log.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A backend.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// What keeps budgets.
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl StartError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Catalog(error) => error.kind(),
            Self::Rules(error) => error.kind(),
            Self::Calibration(error) => error.kind(),
            Self::Policy { source, .. } => source.kind(),
            Self::Ner(error) => error.kind(),
            Self::Audit(error) => error.kind(),
            Self::Backend(error) => error.kind(),
            Self::Control(error) => error.kind(),
        }
    }
}

/// The policy of the configuration.
///
/// # Errors
/// Says line and field.
pub fn policy(config: &Config, catalog: &Catalog) -> Result<Policy, StartError> {
    let named = |path: String| move |source| StartError::Policy { path, source };
    match &config.policy {
        Some(path) => Policy::load(path, catalog).map_err(named(path.display().to_string())),
        None => Policy::embedded(catalog).map_err(named("(embedded)".to_owned())),
    }
}

/// The policy that only looks on, if one is configured. It decides on the findings that there are: of what it adds to the
/// catalog itself, nothing is looked for.
///
/// # Errors
/// Says line and field.
pub fn observed_policy(config: &Config, catalog: &Catalog) -> Result<Option<Policy>, StartError> {
    let Some(path) = &config.observe_policy else { return Ok(None) };
    let named = |source| StartError::Policy { path: path.display().to_string(), source };
    let policy = Policy::load(path, catalog).map_err(named)?;
    if !policy.custom_catalog().to_table().is_empty() {
        tracing::warn!(
            "the observed policy adds recognizers or lists of its own, which are not looked for while it is observed"
        );
    }
    Ok(Some(policy))
}

/// The catalog with what the policy adds to it.
///
/// # Errors
/// Names the entry of the policy that is wrong.
pub fn catalog(embedded: &Catalog, policy: &Policy) -> Result<Catalog, StartError> {
    let own = policy.custom_catalog().to_table();
    if own.is_empty() {
        return Ok(embedded.clone());
    }
    Ok(embedded.with_custom_file(own, &policy.custom_catalog().files)?)
}

/// The detectors and the policy.
///
/// # Errors
/// When the policy is wrong, or the model or its library cannot be loaded.
pub fn classifier(config: &Config) -> Result<Classifier, StartError> {
    std::thread::scope(|scope| {
        // The model takes about as long to load as the rules take to build.
        let ner = scope.spawn(|| Ner::load(&config.ner));
        let embedded = Catalog::embedded()?;
        let policy = policy(config, &embedded)?;
        let catalog = catalog(&embedded, &policy)?;
        let rules = Rules::build(&catalog)?;
        let ner = ner.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        let observed = observed_policy(config, &embedded)?;
        let classifier = Classifier::new(catalog, rules, ner, policy);
        classifier.observe(observed);
        let types = classifier.entity_types();
        let calibration =
            Calibration::load(&config.calibration, types.iter().map(|info| (&info.name, info.coarse.as_ref())))?;
        Ok(classifier.with_calibration(calibration))
    })
}

/// Reads the policy of the configuration and its word lists again and puts them into force together. Whatever is wrong
/// leaves everything as it is.
///
/// # Errors
/// As [`classifier`]; then the old policy and the old lists stay.
pub fn reload(config: &Config, classifier: &Classifier) -> Result<(), StartError> {
    let embedded = Catalog::embedded()?;
    let policy = policy(config, &embedded)?;
    let catalog = catalog(&embedded, &policy)?;
    let rules = Rules::build(&catalog)?;
    let reference = policy.reference();
    let (name, version, digest) = (reference.name.clone(), reference.version.clone(), reference.digest.clone());
    classifier.replace(catalog, rules, policy);
    // Nobody is served by it, so what is wrong with it holds up nothing.
    match observed_policy(config, &embedded) {
        Ok(observed) => classifier.observe(observed),
        Err(error) => tracing::error!(%error, "the observed policy was not read again; the one before is observed"),
    }
    tracing::info!(%name, %version, %digest, "the policy and its word lists were read again");
    Ok(())
}

/// Everything that the service is made of.
#[derive(Debug)]
pub struct Parts {
    /// The detectors and the policy.
    pub classifier: Arc<Classifier>,
    /// Routing and backends.
    pub dispatcher: Arc<Dispatcher>,
    /// The log.
    pub audit: Arc<AuditLog>,
    /// Where tasks are spawned that the stop waits for.
    pub tracker: TaskTracker,
}

/// Builds everything.
///
/// # Errors
/// Names what cannot be used and what to do.
pub async fn parts(config: &Config) -> Result<Parts, StartError> {
    let wanted = config.audit.clone();
    // It waits for the disk, and in a fleet for the database's first answer.
    let opened = tokio::task::spawn_blocking(move || AuditLog::open(wanted)).await;
    let audit = Arc::new(opened.unwrap_or(Err(AuditError::Internal("opening the log died")))?);
    let classifier = Arc::new(classifier(config)?);
    let mut configured = config.backends.clone();
    if configured.is_empty()
        && let Some(ollama) = discover_ollama().await
    {
        tracing::info!(url = ollama.url, model = ollama.model, "found an Ollama with a model on this machine");
        configured.push(ollama);
    }
    let backends = Backends::build(configured)?;
    announce(&backends).await;
    let tracker = TaskTracker::new();
    let control = Arc::new(Control::open(&config.control)?);
    let dispatcher =
        Dispatcher::with_control(backends, Arc::clone(&audit), classifier.clone(), tracker.clone(), control);
    if config.cloud_closed {
        dispatcher.set_cloud_closed(true);
    }
    let dispatcher = Arc::new(dispatcher);
    Ok(Parts { classifier, dispatcher, audit, tracker })
}

async fn announce(backends: &Backends) {
    if backends.local().is_empty() {
        tracing::warn!(
            "no local backend: confidential and internal requests will be UNAVAILABLE; start Ollama or add a [[backend]]"
        );
    }
    for probe in backends.probe(PROBE_PATIENCE).await {
        match probe.problem {
            None => tracing::info!(backend = %probe.backend, model = %probe.model, "local backend is there"),
            Some(problem) => tracing::warn!(backend = %probe.backend, %problem, "local backend is not ready"),
        }
    }
    for cloud in backends.cloud() {
        tracing::info!(backend = %cloud.name(), model = %cloud.model(), "cloud backend configured");
    }
    if backends.cloud().is_empty() {
        tracing::info!("no cloud backend: everything stays local");
    }
}
