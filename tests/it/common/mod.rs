//! A whole service in this process, on a free port, with a model that the test chooses and backends that record every
//! byte they get. It stops when dropped.

pub(crate) mod backend;
pub(crate) mod model;
pub(crate) mod web;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cordon::audit::AuditLog;
use cordon::classify::Classifier;
use cordon::config::{Config, File, Listen};
use cordon::control::Control;
use cordon::detect::{Catalog, Rules};
use cordon::dispatch::{Backends, Dispatcher};
use cordon::service::proto::audit_service_client::AuditServiceClient;
use cordon::service::proto::classifier_service_client::ClassifierServiceClient;
use cordon::service::proto::dispatcher_service_client::DispatcherServiceClient;
use cordon::service::{self, Server};
use cordon::startup;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tonic::transport::Channel;

pub(crate) use model::Model;

/// What a test wants of its service.
pub(crate) struct Setup {
    /// TOML of the configuration, without `data_dir` and `server.listen`.
    pub(crate) config: String,
    /// The model.
    pub(crate) model: Model,
    /// Where the data lies; a new folder when absent.
    pub(crate) data_dir: Option<PathBuf>,
    /// Doors beside the TCP port.
    pub(crate) doors: Vec<Listen>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { config: String::new(), model: Model::Quiet, data_dir: None, doors: Vec::new() }
    }
}

impl Setup {
    /// With this configuration.
    pub(crate) fn with(config: impl Into<String>) -> Self {
        Self { config: config.into(), ..Self::default() }
    }
}

/// A running service.
pub(crate) struct TestServer {
    pub(crate) url: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) dispatcher: Arc<Dispatcher>,
    _folder: Option<tempfile::TempDir>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<()>>,
}

impl TestServer {
    /// Starts one and waits until it serves.
    pub(crate) async fn start(setup: Setup) -> Self {
        let (folder, data_dir) = match setup.data_dir {
            Some(dir) => (None, dir),
            None => {
                let folder = tempfile::tempdir().unwrap();
                let dir = folder.path().join("data");
                (Some(folder), dir)
            }
        };
        let path = data_dir.with_extension("toml");
        std::fs::write(&path, format!("data_dir = {:?}\n{}", data_dir.display().to_string(), setup.config)).unwrap();
        let mut file = File::read(&path).unwrap_or_else(|error| panic!("{error}"));
        file.server.listen = vec!["127.0.0.1:0".into()];
        let config = file.validate().unwrap_or_else(|error| panic!("{error}"));
        Self::start_config(config, setup.model, setup.doors, folder, data_dir).await
    }

    async fn start_config(
        config: Config,
        model: Model,
        doors: Vec<Listen>,
        folder: Option<tempfile::TempDir>,
        data_dir: PathBuf,
    ) -> Self {
        let audit = Arc::new(AuditLog::open(config.audit.clone()).unwrap());
        let embedded = Catalog::embedded().unwrap();
        let policy = startup::policy(&config, &embedded).unwrap_or_else(|error| panic!("{error}"));
        let catalog = startup::catalog(&embedded, &policy).unwrap();
        let rules = Rules::build(&catalog).unwrap();
        let observed = startup::observed_policy(&config, &embedded).unwrap_or_else(|error| panic!("{error}"));
        let classifier = Arc::new(Classifier::new(catalog, rules, model.load(&config.ner), policy));
        classifier.observe(observed);
        let tracker = TaskTracker::new();
        let backends = Backends::build(config.backends.clone()).unwrap();
        let control = Arc::new(Control::open(&config.control).unwrap_or_else(|error| panic!("{error}")));
        let log = Arc::clone(&audit);
        let dispatcher =
            Arc::new(Dispatcher::with_control(backends, log, classifier.clone(), tracker.clone(), control));
        if config.cloud_closed {
            dispatcher.set_cloud_closed(true);
        }
        let switch = Arc::clone(&dispatcher);
        let server = Server::new(&config, classifier, dispatcher, Arc::clone(&audit), tracker).unwrap();
        let mut open = Vec::new();
        let mut places = Vec::new();
        for listen in config.listen.iter().chain(&doors) {
            let (door, place) = service::open(listen).await.unwrap();
            open.push(door);
            places.push(place);
        }
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = oneshot::channel();
        #[allow(clippy::disallowed_methods, reason = "the test waits for it in `stop`")]
        let served = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            server.serve(open, stopped, || ready.send(()).unwrap()).await.unwrap();
        });
        is_ready.await.unwrap();
        Self {
            url: format!("http://{}", places[0]),
            data_dir,
            audit,
            dispatcher: switch,
            _folder: folder,
            stop: Some(stop),
            served: Some(served),
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        Channel::from_shared(self.url.clone()).unwrap().connect().await.unwrap()
    }

    pub(crate) async fn classifier(&self) -> ClassifierServiceClient<Channel> {
        ClassifierServiceClient::new(self.channel().await).max_decoding_message_size(usize::MAX)
    }

    pub(crate) async fn dispatcher_client(&self) -> DispatcherServiceClient<Channel> {
        DispatcherServiceClient::new(self.channel().await).max_decoding_message_size(usize::MAX)
    }

    pub(crate) async fn audit_client(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel().await)
    }

    /// Asks it to stop and waits until it has.
    pub(crate) async fn stop(mut self) {
        let _ = self.stop.take().unwrap().send(());
        tokio::time::timeout(Duration::from_secs(30), self.served.take().unwrap()).await.unwrap().unwrap();
    }

    /// Every byte of every file in the data folder.
    pub(crate) fn data_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut folders = vec![self.data_dir.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => bytes.extend(std::fs::read(path).unwrap()),
                }
            }
        }
        bytes
    }
}

/// Whether `needle` stands anywhere in `haystack`.
pub(crate) fn holds(haystack: &[u8], needle: &str) -> bool {
    memchr::memmem::find(haystack, needle.as_bytes()).is_some()
}
