//! Active health: asks backends now and then whether they are there, so that requests need not find out. A probe sends
//! no text. One task for each watched backend, ended by the stop of the service; probes are spread by chance, so that
//! several services do not ask at the same moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::backend::Backend;
use super::breaker::Sign;
use super::chance::Chance;
use super::provider::{Call, CloudProvider, Fault, LocalProvider, ProviderError};

/// How long one probe may take; a backend that needs longer for an empty question is not well.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be probed.
pub(super) trait Probed: Send + Sync {
    /// Whether the backend answers; sends no text.
    fn ask(&self, call: Call) -> impl Future<Output = Result<(), ProviderError>> + Send;
}

impl Probed for LocalProvider {
    fn ask(&self, call: Call) -> impl Future<Output = Result<(), ProviderError>> + Send {
        self.probe(call)
    }
}

impl Probed for CloudProvider {
    fn ask(&self, call: Call) -> impl Future<Output = Result<(), ProviderError>> + Send {
        self.probe(call)
    }
}

/// Probes one backend until the service stops. `allowed` is asked before each probe: a closed cloud is not even probed.
pub(super) async fn watch<P: Probed>(
    backend: Arc<Backend<P>>,
    interval: Duration,
    chance: &Chance,
    stopping: CancellationToken,
    allowed: impl Fn() -> bool,
) {
    loop {
        // Between half and one and a half of the interval.
        let pause = (interval / 2).saturating_add(chance.up_to(interval));
        let probed = async {
            tokio::time::sleep(pause).await;
            if allowed() {
                probe(&backend, PATIENCE.min(interval), interval.saturating_mul(2)).await;
            }
        };
        if stopping.run_until_cancelled(probed).await.is_none() {
            return;
        }
    }
}

/// `alone` is how long a backend that is not well is left alone; the next probe comes sooner.
async fn probe<P: Probed>(backend: &Backend<P>, patience: Duration, alone: Duration) {
    let outcome = backend.provider().ask(Call { deadline: Instant::now() + patience, probabilities: false }).await;
    let sign = sign(&outcome);
    let before = backend.is_usable();
    backend.breaker().note_probe(sign, Instant::now(), alone);
    let name = backend.name().to_string();
    metrics::gauge!("cordon_backend_up", "backend" => name).set(if outcome.is_ok() { 1.0 } else { 0.0 });
    match outcome {
        Err(error) if before && sign != Sign::Nothing => {
            tracing::warn!(%error, "a backend is not well; it is left alone")
        }
        Ok(()) if !before => tracing::info!(backend = %backend.name(), "a backend is there again"),
        _ => {}
    }
}

/// What a probe says. Only what passes by itself counts against a backend: one that does not know the path of a probe, or
/// refuses its key there, may answer all the same.
pub(super) fn sign(outcome: &Result<(), ProviderError>) -> Sign {
    match outcome {
        Ok(()) => Sign::Well,
        // Here the deadline is the probe's own, so meeting it says something.
        Err(error) if error.fault == Fault::Deadline => Sign::Failed,
        Err(error) if error.fault.passes() => Sign::of(&error.fault),
        Err(_) => Sign::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::dispatch::testing::{Server, response};
    use crate::dispatch::{BackendConfig, BackendKind, Backends, Side};

    async fn until(mut what: impl FnMut() -> bool) {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_probe_finds_that_a_backend_is_gone_and_back_and_ends_with_the_service() {
        let well = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&well);
        let server = Server::start(move |_| match seen.load(Ordering::SeqCst) {
            true => response(200, "application/json", r#"{"data":[]}"#),
            false => response(503, "application/json", "{}"),
        });
        let config = BackendConfig::new("b", Side::Local, BackendKind::Openai, &server.url(), "m");
        let backends = Backends::build(vec![config]).unwrap();
        let backend = Arc::clone(&backends.local()[0]);
        let (chance, stopping) = (Chance::seeded(3), CancellationToken::new());
        let watching = watch(Arc::clone(&backend), Duration::from_millis(40), &chance, stopping.clone(), || true);
        let looking = async {
            until(|| !backend.is_usable()).await;
            well.store(true, Ordering::SeqCst);
            until(|| backend.is_usable()).await;
            stopping.cancel();
        };
        // The join ends only if the watching does.
        tokio::join!(watching, looking);
        assert!(server.requests().iter().all(|seen| seen.method == "GET" && seen.path == "/v1/models"));
        assert!(server.requests().iter().all(|seen| seen.body.is_empty()), "a probe sends nothing");
    }

    #[tokio::test]
    async fn a_backend_that_knows_no_such_path_is_well_and_a_closed_side_is_not_asked() {
        let server = Server::always(response(404, "text/plain", ""));
        let config = BackendConfig::new("b", Side::Cloud, BackendKind::Openai, &server.url(), "m");
        let backends = Backends::build(vec![config]).unwrap();
        let backend = &backends.cloud()[0];
        probe(backend, PATIENCE, PATIENCE).await;
        assert!(backend.is_usable());
        let (chance, stopping) = (Chance::seeded(3), CancellationToken::new());
        let asked = AtomicBool::new(false);
        let forbidding = || {
            asked.store(true, Ordering::SeqCst);
            false
        };
        let watching = watch(Arc::clone(backend), Duration::from_millis(20), &chance, stopping.clone(), forbidding);
        let looking = async {
            until(|| asked.load(Ordering::SeqCst)).await;
            stopping.cancel();
        };
        tokio::join!(watching, looking);
        assert_eq!(server.requests().len(), 1, "only the first probe");
    }
}
