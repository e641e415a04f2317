//! Logs and metrics of the process. Nothing that passes here holds the caller's text: the types that carry text print
//! their length, and the panic hook prints where a panic happened but not its message, because the message of a failed
//! slice or parse quotes the string.

use std::net::SocketAddr;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error. `RUST_LOG` chooses what is shown; by default warnings of libraries and
/// `default_level` of Cordon.
pub fn start_logging(format: LogFormat, default_level: &str) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,cordon={default_level},ort=error")));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // A second call, as tests make, keeps the first subscriber.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}

/// Makes panics say where they happened and nothing else.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        tracing::error!(place, "a defect: panicked; the request was answered with an error");
    }));
}

/// Serves Prometheus metrics on this address.
///
/// # Errors
/// When the address is taken, or an exporter already runs.
pub fn start_metrics(address: SocketAddr) -> Result<(), metrics_exporter_prometheus::BuildError> {
    metrics_exporter_prometheus::PrometheusBuilder::new().with_http_listener(address).install()
}
