//! Where the fleet's log is, and whether the way there needs TLS. It does unless every host is this machine; what is
//! shown of an address never holds a password, because none is accepted in one.

use std::net::IpAddr;
use std::sync::Arc;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};

use crate::audit::fleet::FleetError;

/// A checked address.
#[derive(Clone, Debug)]
pub(in crate::audit) struct Address {
    pub(super) config: Config,
    pub(super) tls: bool,
    shown: Arc<str>,
}

impl Address {
    /// Reads a connection URI as libpq defines it. `authorities`: whether authorities of one's own are configured, which
    /// asks for TLS on this machine too.
    pub(in crate::audit) fn parse(text: &str, authorities: bool) -> Result<Self, FleetError> {
        let wrong = |problem: &str| FleetError::Address(problem.to_owned());
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(wrong("it begins with neither postgres:// nor postgresql://"));
        }
        // libpq's names for what is always done here: the certificate is checked, with its host name.
        let text =
            text.replace("sslmode=verify-full", "sslmode=require").replace("sslmode=verify-ca", "sslmode=require");
        let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
            // The library's words name options, never values.
            let reason = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            FleetError::Address(reason)
        })?;
        if config.get_password().is_some() {
            return Err(FleetError::PasswordInAddress);
        }
        let user =
            config.get_user().filter(|user| !user.is_empty()).ok_or_else(|| wrong("it names no user"))?.to_owned();
        let database = config
            .get_dbname()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| wrong("it names no database"))?
            .to_owned();
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(wrong("it names no host; for a Unix socket add ?host=/run/postgresql"));
        }
        let elsewhere = elsewhere(&config);
        let tls = elsewhere.is_some() || authorities || config.get_ssl_mode() == SslMode::Require;
        if let Some(host) = elsewhere
            && config.get_ssl_mode() == SslMode::Disable
        {
            return Err(FleetError::Insecure { host });
        }
        config.ssl_mode(if tls { SslMode::Require } else { SslMode::Disable });
        if !tls {
            config.ssl_negotiation(SslNegotiation::Postgres);
        }
        let shown = format!("postgres://{user}@{}/{database}", places(&config).join(",")).into();
        Ok(Self { config, tls, shown })
    }

    /// The address for people, without options.
    pub(in crate::audit) fn shown(&self) -> &Arc<str> {
        &self.shown
    }

    pub(super) fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }
}

/// The first host that is not this machine.
fn elsewhere(config: &Config) -> Option<String> {
    let addresses = config.get_hostaddrs();
    if !addresses.is_empty() {
        return addresses.iter().find(|address| !address.is_loopback()).map(ToString::to_string);
    }
    config.get_hosts().iter().find_map(|host| match host {
        Host::Tcp(name) => (!is_this_machine(name)).then(|| name.clone()),
        Host::Unix(_) => None,
    })
}

fn is_this_machine(name: &str) -> bool {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn places(config: &Config) -> Vec<String> {
    let port = |at: usize| config.get_ports().get(at).or(config.get_ports().first()).copied().unwrap_or(5432);
    let hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.display().to_string(),
        })
        .collect();
    let names = if hosts.is_empty() { config.get_hostaddrs().iter().map(ToString::to_string).collect() } else { hosts };
    names.into_iter().enumerate().map(|(at, name)| format!("{name}:{}", port(at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, FleetError> {
        Address::parse(text, false)
    }

    #[test]
    fn this_machine_needs_no_tls_and_every_other_does() {
        for near in [
            "postgres://u@localhost/d",
            "postgresql://u@127.0.0.1:5433/d",
            "postgres://u@/d?host=/run/postgresql",
            "postgres://u@db.example/d?hostaddr=127.0.0.1",
        ] {
            assert!(!parse(near).unwrap().tls, "{near}");
            assert!(Address::parse(near, true).unwrap().tls, "{near}");
        }
        for far in [
            "postgres://u@db.example/d",
            "postgres://u@10.0.0.7/d?sslmode=prefer",
            "postgres://u@localhost/d?hostaddr=10.0.0.7",
            "postgres://u@localhost,db.example/d",
            "postgres://u@localhost/d?sslmode=verify-full",
        ] {
            assert!(parse(far).unwrap().tls, "{far}");
        }
        let refused = parse("postgres://u@db.example/d?sslmode=disable").unwrap_err();
        assert!(matches!(&refused, FleetError::Insecure { host } if host == "db.example"), "{refused}");
    }

    #[test]
    fn what_is_no_address_is_told_without_its_secret() {
        for (text, says) in [
            ("mysql://u@h/d", "neither postgres:// nor"),
            ("postgres://h/d", "names no user"),
            ("postgres://u@h", "names no database"),
            ("postgres://u@/d", "names no host"),
            ("postgres://u@h/d?colour=red", "colour"),
            ("postgres://u@h:port/d", "port"),
            ("postgres://u:s3cret@h/d", "holds a password"),
            ("postgres://u@h/d?password=s3cret", "holds a password"),
        ] {
            let said = parse(text).unwrap_err().to_string();
            assert!(said.contains(says) && !said.contains("s3cret"), "{text}: {said}");
        }
    }

    #[test]
    fn what_is_shown_names_the_place() {
        let shown = |text: &str| parse(text).unwrap().shown().to_string();
        assert_eq!(shown("postgres://u@db.example/d?connect_timeout=3"), "postgres://u@db.example:5432/d");
        assert_eq!(shown("postgres://u@a:1,b:2/d"), "postgres://u@a:1,b:2/d");
    }
}
