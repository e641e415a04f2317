//! The options that say where NATS is, who we are there, and what its streams are: the same for workers and for feeders.
//! Secrets come from files or from the environment, never as arguments, which every process list shows.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::Failure;
use crate::worker::{Connection, Credentials, Limits, Names, NatsOptions, Queue, Tls, secret_file};

/// Where NATS is.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "NATS")]
pub(super) struct Nats {
    /// Addresses of NATS with JetStream: nats://host:4222 or tls://host:4222; several servers of one cluster with commas.
    #[arg(long, value_name = "URL", value_delimiter = ',')]
    pub(super) nats: Vec<String>,
    /// File with the token; or CORDON_NATS_TOKEN.
    #[arg(long, value_name = "FILE")]
    nats_token_file: Option<PathBuf>,
    /// Name of the user; its password comes from --nats-password-file or CORDON_NATS_PASSWORD.
    #[arg(long, env = "CORDON_NATS_USER", value_name = "NAME", conflicts_with = "nats_token_file")]
    nats_user: Option<String>,
    /// File with the user's password.
    #[arg(long, value_name = "FILE", requires = "nats_user")]
    nats_password_file: Option<PathBuf>,
    /// File with the seed of an nkey.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["nats_token_file", "nats_user"])]
    nats_nkey_file: Option<PathBuf>,
    /// File of credentials as `nsc` writes it.
    #[arg(long, env = "CORDON_NATS_CREDS", value_name = "FILE", conflicts_with_all = ["nats_token_file", "nats_user", "nats_nkey_file"])]
    nats_creds: Option<PathBuf>,
    /// PEM file of the authorities to trust, instead of the system's.
    #[arg(long, value_name = "FILE")]
    nats_ca: Option<PathBuf>,
    /// PEM file of our certificate.
    #[arg(long, value_name = "FILE", requires = "nats_key")]
    nats_cert: Option<PathBuf>,
    /// PEM file of its key.
    #[arg(long, value_name = "FILE", requires = "nats_cert")]
    nats_key: Option<PathBuf>,
    /// Refuse a connection without TLS.
    #[arg(long)]
    nats_tls: bool,
    /// First word of all streams and subjects.
    #[arg(long, default_value = Names::DEFAULT, value_name = "NAME")]
    stream: String,
    /// Largest size of the work queue when it is made; the feeder waits when it is full. 1 GiB when not given.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(65_536..))]
    queue_bytes: Option<u64>,
    /// Largest size of the verdicts when their stream is made; workers wait when it is full. 1 GiB when not given.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(65_536..))]
    verdict_bytes: Option<u64>,
    /// Seconds that a worker may be silent about a document before another gets it; 30 when the queue is made.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    ack_wait: Option<u64>,
    /// Servers of the cluster that keep each stream when it is made.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=5))]
    replicas: Option<u8>,
}

impl Nats {
    /// Whether NATS is asked for at all.
    pub(super) fn is_named(&self) -> bool {
        !self.nats.is_empty()
    }

    fn credentials(&self) -> Result<Credentials, Failure> {
        let secret = |file: &Option<PathBuf>, variable: &str| -> Result<Option<SecretString>, Failure> {
            match file {
                Some(path) => Ok(Some(secret_file(path)?)),
                None => Ok(std::env::var(variable).ok().filter(|value| !value.is_empty()).map(SecretString::from)),
            }
        };
        if let Some(path) = &self.nats_creds {
            return Ok(Credentials::File(path.clone()));
        }
        if let Some(path) = &self.nats_nkey_file {
            return Ok(Credentials::Nkey(secret_file(path)?));
        }
        if let Some(name) = &self.nats_user {
            let Some(password) = secret(&self.nats_password_file, "CORDON_NATS_PASSWORD")? else {
                return Err(Failure("--nats-user needs --nats-password-file or CORDON_NATS_PASSWORD".into()));
            };
            return Ok(Credentials::User { name: name.clone(), password });
        }
        Ok(secret(&self.nats_token_file, "CORDON_NATS_TOKEN")?.map_or(Credentials::None, Credentials::Token))
    }

    /// Connects, and makes or checks the streams.
    pub(super) async fn open(&self) -> Result<Queue, Failure> {
        if !self.is_named() {
            return Err(Failure("--nats URL is missing, such as nats://127.0.0.1:4222".into()));
        }
        let names = Names::new(&self.stream)?;
        let tls = Tls {
            authorities: self.nats_ca.clone(),
            certificate: self.nats_cert.clone().zip(self.nats_key.clone()),
            required: self.nats_tls,
        };
        let options = NatsOptions { servers: self.nats.clone(), credentials: self.credentials()?, tls };
        let limits = Limits {
            work_bytes: self.queue_bytes,
            verdict_bytes: self.verdict_bytes,
            ack_wait: self.ack_wait.map(Duration::from_secs),
            replicas: self.replicas.map(usize::from),
        };
        Ok(Queue::open(Connection::open(&options).await?, names, &limits).await?)
    }
}
