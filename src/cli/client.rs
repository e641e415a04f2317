//! The command line's gRPC client: a channel to a TCP address or a Unix socket, and the token of the environment.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Request, Status};

use super::Failure;

/// Which service to call, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Server {
    /// Address of a running service: http://127.0.0.1:50051, https://…, or unix:/path.
    #[arg(long, env = "CORDON_SERVER", value_name = "URL")]
    pub(super) server: Option<String>,
    /// Environment variable that holds the caller's token.
    #[arg(long, default_value = "CORDON_TOKEN", value_name = "NAME")]
    token_env: String,
}

/// A channel that sends the token with every call.
pub(super) type Connection = InterceptedService<Channel, Token>;

/// Adds the caller's token, if there is one.
#[derive(Clone)]
pub(super) struct Token(Option<MetadataValue<Ascii>>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

impl Server {
    /// Connects.
    pub(super) async fn connect(&self, default: &str) -> Result<Connection, Failure> {
        let url = self.server.as_deref().unwrap_or(default);
        let token = match std::env::var(&self.token_env) {
            Ok(token) => {
                let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.trim()).parse().map_err(|_| {
                    Failure(format!("the token in {} has characters that no header can hold", self.token_env))
                })?;
                value.set_sensitive(true);
                Some(value)
            }
            Err(_) => None,
        };
        let hint = |error: &dyn std::fmt::Display| {
            Failure(format!("cannot reach {url}: {error}; is `cordon serve` running there?"))
        };
        let mut endpoint = Endpoint::from_shared(url.to_owned())
            .map_err(|_| Failure(format!("`{url}` is no address; write http://127.0.0.1:50051 or unix:/path")))?;
        if url.starts_with("https://") {
            endpoint = endpoint.tls_config(ClientTlsConfig::new().with_enabled_roots())?;
        }
        let channel = endpoint.connect().await.map_err(|error| hint(&error))?;
        Ok(InterceptedService::new(channel, Token(token)))
    }
}

/// What a status says, for people.
pub(super) fn explain(status: &Status) -> Failure {
    let code = format!("{:?}", status.code());
    Failure(format!("the service answered {code}: {}", status.message()))
}

/// Where a service listens by default.
pub(super) const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";
