//! The service: listeners, callers, limits, handlers, and the graceful stop. The only place that knows tonic. Each
//! listener speaks gRPC, and the HTTP of OpenAI's and Ollama's clients (see [`http`]).
//!
//! It must never decide anything about a text, answer with the caller's text in an error, or leave a task behind: what
//! is spawned here is waited for when the service stops.

mod admin;
mod audit;
mod auth;
mod calls;
mod classifier;
pub(crate) mod codec;
mod conversation;
pub(crate) mod convert;
mod core;
mod dispatcher;
mod dispatching;
mod error;
mod http;
mod limits;
mod listen;
mod live;
pub mod proto;
mod redact;
mod replay;
mod tls;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::InterceptorLayer;
use tonic::transport::Server as Transport;
use tonic::{Request, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

pub use auth::{ANONYMOUS, Caller, CallerConfig, Callers, Permission};
pub use error::{DOMAIN, Refusal};
pub use listen::{Door, ListenError, open};

use crate::audit::{AuditLog, FleetStatus};
use crate::classify::Classifier;
use crate::config::{Config, HttpSection, Limits};
use crate::dispatch::Dispatcher;
use crate::error::Kind;
use crate::redact::RedactionConfigError;
use crate::replay::Prices;
use proto::admin_service_server::AdminServiceServer;
use proto::audit_service_server::AuditServiceServer;
use proto::classifier_service_server::ClassifierServiceServer;
use proto::dispatcher_service_server::DispatcherServiceServer;

/// Room in a message beside the text: names, options, framing.
const MESSAGE_OVERHEAD: usize = 4 * 1024 * 1024;

/// How long clients are told NOT_SERVING before the doors close, so that balancers look elsewhere first.
const NOT_SERVING_GRACE: Duration = Duration::from_millis(200);

/// Names of the services, for the health of each.
const SERVICES: [&str; 4] =
    ["cordon.v1.ClassifierService", "cordon.v1.DispatcherService", "cordon.v1.AuditService", "cordon.v1.AdminService"];

/// The name under which health tells whether records reach the fleet's log.
const FLEET_LOG: &str = "cordon.fleet-log";

/// A service that is ready to listen.
#[derive(Debug)]
pub struct Server {
    core: Arc<core::Core>,
    callers: Callers,
    limits: Limits,
    http: HttpSection,
    tls: Option<tls::Acceptor>,
    tracker: TaskTracker,
}

/// A service that cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A file of `[server.tls]` cannot be read.
    #[error("cannot read {path}: {source}; check server.tls in the configuration")]
    Tls {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The files of `[server.tls]` cannot be used.
    #[error("the files of server.tls cannot be used: {0}; check that certificate, key and client_ca are PEM files")]
    TlsFiles(String),
    /// The key of redaction cannot be used.
    #[error(transparent)]
    Redaction(#[from] RedactionConfigError),
    /// The transport failed.
    #[error("the transport failed: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The descriptor set of the protocol cannot be read: a defect of the build.
    #[error("reflection cannot read the protocol's descriptors: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

impl ServeError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Tls { .. } | Self::TlsFiles(_) => Kind::FailedPrecondition,
            Self::Redaction(error) => error.kind(),
            Self::Transport(_) | Self::Reflection(_) => Kind::Internal,
        }
    }
}

impl Server {
    /// Puts the parts together. `tracker` is where the dispatcher spawns too; the stop waits for it.
    ///
    /// # Errors
    /// When a file of the TLS section or the key of the redaction section cannot be read.
    pub fn new(
        config: &Config,
        classifier: Arc<Classifier>,
        dispatcher: Arc<Dispatcher>,
        audit: Arc<AuditLog>,
        tracker: TaskTracker,
    ) -> Result<Self, ServeError> {
        let redaction = redact::Redaction::new(&config.redaction)?;
        Ok(Self {
            core: Arc::new(core::Core::new(classifier, dispatcher, audit, redaction, config.limits.clone()).replaying(
                // Prices that make no sense are refused where the backends are built.
                replay::Terms::new(Prices::of(&config.backends).unwrap_or_default(), config.ner.clone()),
            )),
            callers: config.callers.clone(),
            limits: config.limits.clone(),
            http: config.http.clone(),
            tls: config.tls.as_ref().map(tls::Acceptor::new).transpose()?,
            tracker,
        })
    }

    /// Serves on these doors until `stop` resolves, then drains: NOT_SERVING, no new connections, requests in work get
    /// the drain time, the log is flushed, the lanes end. `ready` runs once health says SERVING.
    ///
    /// # Errors
    /// When the transport fails to start.
    pub async fn serve(
        self,
        doors: Vec<Door>,
        stop: impl Future<Output = ()>,
        ready: impl FnOnce(),
    ) -> Result<(), ServeError> {
        let closing = CancellationToken::new();
        let (reporter, health) = tonic_health::server::health_reporter();
        let routes = self.routes(health)?;
        for door in doors {
            // The listeners of a service share one port each for gRPC and the HTTP doors, so both versions are spoken.
            let router = Transport::builder()
                .accept_http1(true)
                .http2_keepalive_interval(Some(Duration::from_secs(60)))
                .add_routes(routes.clone());
            let closed = closing.clone().cancelled_owned();
            let tls = self.tls.clone();
            self.tracker.spawn(async move {
                let served = match (door, tls) {
                    (Door::Tcp(incoming), Some(tls)) => {
                        router.serve_with_incoming_shutdown(tls.over(incoming), closed).await
                    }
                    (Door::Tcp(incoming), None) => router.serve_with_incoming_shutdown(incoming, closed).await,
                    (Door::Unix(incoming), _) => {
                        let served = router.serve_with_incoming_shutdown(incoming.stream, closed).await;
                        drop(incoming.path);
                        served
                    }
                };
                if let Err(error) = served {
                    tracing::error!(%error, "a listener ended");
                }
            });
        }
        announce(&reporter, ServingStatus::Serving).await;
        if let Some(status) = self.core.audit.fleet_status() {
            self.tracker.spawn(announce_fleet(reporter.clone(), status, closing.clone()));
        }
        ready();

        stop.await;
        tracing::info!("stopping: no longer serving, requests in work may finish");
        announce(&reporter, ServingStatus::NotServing).await;
        tokio::time::sleep(NOT_SERVING_GRACE).await;
        closing.cancel();
        self.tracker.close();
        if tokio::time::timeout(self.limits.drain(), self.tracker.wait()).await.is_err() {
            tracing::warn!(
                limit_ms = self.limits.drain_ms,
                "requests were still in work when the drain time ended; they are cut off"
            );
        }
        self.core.dispatcher.control().close().await;
        if let Err(error) = self.core.audit.close().await {
            tracing::error!(%error, "the audit log did not close cleanly");
        }
        self.core.classifier.shutdown().await;
        Ok(())
    }

    fn routes<H: tonic_health::pb::health_server::Health>(
        &self,
        health: tonic_health::pb::health_server::HealthServer<H>,
    ) -> Result<tonic::service::Routes, ServeError> {
        // The library refuses a message before we see it, with a code of its own; so its limit lies above ours.
        let largest = usize::try_from(self.limits.max_text_bytes).unwrap_or(usize::MAX / 4) * 2 + MESSAGE_OVERHEAD;
        let core = || Arc::clone(&self.core);
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let mut routes = tonic::service::Routes::builder();
        routes
            .add_service(health)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .add_service(
                ClassifierServiceServer::new(classifier::Classifier::new(core())).max_decoding_message_size(largest),
            )
            .add_service(
                DispatcherServiceServer::new(dispatcher::Dispatch::new(core())).max_decoding_message_size(largest),
            )
            .add_service(AuditServiceServer::new(audit::Audit::new(core())))
            .add_service(AdminServiceServer::new(admin::Admin::new(core())));
        let name = InterceptorLayer::new(NameCaller { callers: self.callers.clone() });
        let grpc = routes.routes().into_axum_router().layer(name).layer(axum::middleware::from_fn(http::only_grpc));
        let tls = self.tls.is_some();
        Ok(http::router(&self.core, &self.callers, &self.http, largest, tls)
            .merge(grpc)
            .fallback(http::no_such_path)
            .into())
    }
}

async fn announce(reporter: &HealthReporter, status: ServingStatus) {
    reporter.set_service_status("", status).await;
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}

/// Tells health whether records reach the fleet's log, under a name of its own: the service serves without that.
async fn announce_fleet(
    reporter: HealthReporter,
    mut status: tokio::sync::watch::Receiver<FleetStatus>,
    closing: CancellationToken,
) {
    loop {
        let up = status.borrow_and_update().up;
        let serving = if up { ServingStatus::Serving } else { ServingStatus::NotServing };
        reporter.set_service_status(FLEET_LOG, serving).await;
        tokio::select! {
            changed = status.changed() => if changed.is_err() { return },
            () = closing.cancelled() => return,
        }
    }
}

/// Names the caller of every request. Health and reflection answer without a name; the handlers of everything else
/// refuse a request that has none.
#[derive(Clone)]
struct NameCaller {
    callers: Callers,
}

impl tonic::service::Interceptor for NameCaller {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let header = request.metadata().get("authorization").map(|value| value.to_str().unwrap_or_default());
        let caller = self.callers.identify(header);
        let claimed = header.is_some();
        match caller {
            Some(caller) => {
                request.extensions_mut().insert(caller);
                Ok(request)
            }
            None if claimed => Err(Refusal::unknown_token().into()),
            None => Ok(request),
        }
    }
}
