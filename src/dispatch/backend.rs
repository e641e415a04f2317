//! The backends of this service, by side and in the order of their priority, each with its breaker: a backend that
//! fails or could not be reached is left alone for some seconds, so that each request does not wait for it anew.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect;
use tokio::time::Instant;

use super::breaker::{Breaker, GONE_FOR, Sign};
use super::chance::Chance;
use super::config::{BackendConfig, BackendError, BackendKind, Side, Terms};
use super::gate::Gate;
use super::health;
use super::order;
use super::provider::{Call, CloudProvider, Endpoint, Installed, LocalProvider, ProviderError};

/// Where Ollama listens when nobody configures it. `OLLAMA_HOST` is not read: the environment must not decide where
/// text goes.
const OLLAMA_URL: &str = "http://127.0.0.1:11434";

/// How long discovery waits for each answer.
const DISCOVERY_PATIENCE: Duration = Duration::from_millis(800);

/// Bytes of a list of models that discovery reads.
const MAX_LISTING: usize = 4 * 1024 * 1024;

/// One backend.
pub struct Backend<P> {
    name: Arc<str>,
    model: Arc<str>,
    terms: Terms,
    provider: P,
    breaker: Breaker,
    gate: Arc<Gate>,
}

impl<P> Backend<P> {
    fn new(config: &BackendConfig, model: &str, provider: P, gate: &Arc<Gate>) -> Result<Arc<Self>, BackendError> {
        let terms = config.terms()?;
        Ok(Arc::new(Self {
            name: config.name.as_str().into(),
            model: model.into(),
            terms,
            provider,
            breaker: Breaker::default(),
            gate: Arc::clone(gate),
        }))
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Its model.
    #[must_use]
    pub fn model(&self) -> &Arc<str> {
        &self.model
    }

    /// The way to it.
    #[must_use]
    pub fn provider(&self) -> &P {
        &self.provider
    }

    /// How it is used.
    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether it is worth a try: it did not fail too often and was not unreachable within the last seconds.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.breaker.would_admit(Instant::now())
    }

    /// Where its calls get their places.
    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Its breaker.
    pub(super) fn breaker(&self) -> &Breaker {
        &self.breaker
    }
}

impl<P> fmt::Debug for Backend<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("name", &self.name).field("model", &self.model).finish_non_exhaustive()
    }
}

/// All backends.
#[derive(Debug, Default)]
pub struct Backends {
    local: Vec<Arc<Backend<LocalProvider>>>,
    cloud: Vec<Arc<Backend<CloudProvider>>>,
    /// The same machines by their embedding models.
    embedding: BTreeMap<Arc<str>, Backends>,
    chance: Chance,
}

/// What a probe of one local backend found.
#[derive(Debug)]
pub struct Probe {
    /// Its name.
    pub backend: Arc<str>,
    /// Its model.
    pub model: Arc<str>,
    /// Why it cannot be used, if it cannot.
    pub problem: Option<ProviderError>,
}

impl Backends {
    /// Checks the configuration and makes the clients. Opens no connection.
    pub fn build(configs: Vec<BackendConfig>) -> Result<Self, BackendError> {
        let mut backends = Self::default();
        let mut names = HashSet::new();
        for config in &configs {
            if !names.insert(config.name.as_str()) {
                return Err(BackendError::duplicate(&config.name));
            }
            let terms = config.terms()?;
            // One machine: calls for answers and for vectors share its places.
            let gate = Arc::new(Gate::new(terms.max_calls, terms.max_waiting));
            if config.answers() {
                backends.add(config, &config.model, config.endpoint()?, &gate)?;
            }
            if let (Some(model), Some(endpoint)) = (&config.embedding_model, config.embedding_endpoint()?) {
                backends.embedding.entry(model.as_str().into()).or_default().add(config, model, endpoint, &gate)?;
            }
        }
        backends.sort();
        Ok(backends)
    }

    fn add(
        &mut self,
        config: &BackendConfig,
        model: &str,
        endpoint: Endpoint,
        gate: &Arc<Gate>,
    ) -> Result<(), BackendError> {
        match config.side {
            Side::Local => self.local.push(Backend::new(config, model, LocalProvider::new(endpoint), gate)?),
            Side::Cloud => self.cloud.push(Backend::new(config, model, CloudProvider::new(endpoint), gate)?),
        }
        Ok(())
    }

    fn sort(&mut self) {
        order::sort(&mut self.local, |backend| backend.terms.rank);
        order::sort(&mut self.cloud, |backend| backend.terms.rank);
        self.embedding.values_mut().for_each(Self::sort);
    }

    /// The models that make vectors, those on this organisation's machines first.
    #[must_use]
    pub fn embedding_models(&self) -> Vec<Arc<str>> {
        let (local, cloud): (Vec<_>, Vec<_>) = self.embedding.iter().partition(|(_, those)| !those.local.is_empty());
        local.into_iter().chain(cloud).map(|(model, _)| Arc::clone(model)).collect()
    }

    /// Those that make vectors by this model; none for a model that is not there.
    pub(super) fn embedding(&self, model: &str) -> &Self {
        static NONE: std::sync::OnceLock<Backends> = std::sync::OnceLock::new();
        self.embedding.get(model).unwrap_or_else(|| NONE.get_or_init(Self::default))
    }

    /// The same choices for the same seed and the same requests; for tests and replays.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { chance: Chance::seeded(seed), ..self }
    }

    /// Those on this organisation's machines.
    #[must_use]
    pub fn local(&self) -> &[Arc<Backend<LocalProvider>>] {
        &self.local
    }

    /// Those outside.
    #[must_use]
    pub fn cloud(&self) -> &[Arc<Backend<CloudProvider>>] {
        &self.cloud
    }

    /// Chance for choices and pauses.
    pub(super) fn chance(&self) -> &Chance {
        &self.chance
    }

    /// The local ones in the order of one request.
    pub(super) fn local_order(&self) -> Vec<&Arc<Backend<LocalProvider>>> {
        order::draw(&self.local, |backend| backend.terms.rank, &self.chance)
    }

    /// The cloud ones in the order of one request.
    pub(super) fn cloud_order(&self) -> Vec<&Arc<Backend<CloudProvider>>> {
        order::draw(&self.cloud, |backend| backend.terms.rank, &self.chance)
    }

    /// Asks each local backend whether it is there and serves its model itself. Sends no text; asks nobody outside.
    pub async fn probe(&self, patience: Duration) -> Vec<Probe> {
        let deadline = Instant::now() + patience;
        let probes = self.local.iter().map(|backend| async move {
            let outcome = backend.provider.probe(Call { deadline, probabilities: false }).await;
            let sign = health::sign(&outcome);
            // A backend that is only slow to begin is no reason to leave it alone from the start.
            let sign = if sign == Sign::Gone || sign == Sign::Well { sign } else { Sign::Nothing };
            backend.breaker.note_probe(sign, Instant::now(), GONE_FOR);
            Probe { backend: backend.name.clone(), model: backend.model.clone(), problem: outcome.err() }
        });
        futures_util::future::join_all(probes).await
    }
}

/// Looks for an Ollama on this machine with a model whose weights are here, for a service without configured backends.
pub async fn discover_ollama() -> Option<BackendConfig> {
    discover_ollama_at(OLLAMA_URL).await
}

async fn discover_ollama_at(url: &str) -> Option<BackendConfig> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .connect_timeout(DISCOVERY_PATIENCE)
        .timeout(DISCOVERY_PATIENCE)
        .build()
        .ok()?;
    // Something else may listen there; Ollama is told by its version.
    let version = fetch(&client, &format!("{url}/api/version")).await?;
    let version: serde_json::Value = serde_json::from_slice(&version).ok()?;
    version.get("version")?.as_str()?;
    let installed = Installed::parse(&fetch(&client, &format!("{url}/api/tags")).await?)?;
    let model = installed.first_local()?;
    Some(BackendConfig::new("ollama", Side::Local, BackendKind::Ollama, url, model))
}

async fn fetch(client: &reqwest::Client, url: &str) -> Option<Vec<u8>> {
    let mut response = client.get(url).send().await.ok().filter(|response| response.status().is_success())?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if body.len().saturating_add(chunk.len()) > MAX_LISTING {
            return None;
        }
        body.extend_from_slice(&chunk);
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::testing::{OLLAMA_TAGS, Server, refusing_url, response};

    fn serving(version: &'static str, tags: String) -> Server {
        Server::start(move |seen| match seen.path.as_str() {
            "/api/version" => response(200, "application/json", version),
            "/api/tags" => response(200, "application/json", &tags),
            _ => response(404, "text/plain", ""),
        })
    }

    #[tokio::test]
    async fn discovery_takes_a_model_that_is_on_this_machine() {
        let server = serving(r#"{"version":"0.12.0"}"#, OLLAMA_TAGS.to_owned());
        let found = discover_ollama_at(&server.url()).await.unwrap();
        assert_eq!((found.side, found.kind, found.model.as_str()), (Side::Local, BackendKind::Ollama, "m:latest"));
        let probes = Backends::build(vec![found]).unwrap().probe(Duration::from_secs(5)).await;
        assert!(probes.len() == 1 && probes[0].problem.is_none());
    }

    #[tokio::test]
    async fn discovery_takes_nothing_else() {
        let cloudy = OLLAMA_TAGS.replace("\"digest\"", "\"remote_host\":\"https://ollama.com\",\"digest\"");
        for (version, tags) in [
            (r#"{"version":"0.12.0"}"#, cloudy.as_str()),
            (r#"{"version":"0.12.0"}"#, r#"{"models":[]}"#),
            (r#"{"version":"0.12.0"}"#, "<html>"),
            ("<html>", OLLAMA_TAGS),
            ("{}", OLLAMA_TAGS),
        ] {
            assert!(discover_ollama_at(&serving(version, tags.to_owned()).url()).await.is_none(), "{version} {tags}");
        }
        assert!(discover_ollama_at(&refusing_url()).await.is_none());
    }

    #[test]
    fn names_are_unique() {
        let config = BackendConfig::new("a", Side::Local, BackendKind::Ollama, "http://localhost", "m");
        let error = Backends::build(vec![config.clone(), config]).unwrap_err();
        assert_eq!(error.to_string(), "backend `a`: another backend has the same name; choose a different one");
    }
}
