//! `[audit.fleet]` of the configuration: how a replica reaches the fleet's log. The password never stands in the
//! configuration; it is read again at each connection, so that it can be changed without a restart.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::FleetError;
use crate::audit::Label;
use crate::audit::store::Address;

/// The environment variable that gives the password of the fleet's log to every command.
pub const PASSWORD_VARIABLE: &str = "CORDON_STORE_PASSWORD";

/// Longest password file that is read, in bytes.
const MAX_PASSWORD_FILE: u64 = 4096;
/// Longest time between two records of the other chains' heads, in seconds: a day.
const MAX_HEADS_SECONDS: u64 = 24 * 3600;
/// Longest time that a stop waits for the fleet's log, in milliseconds: ten minutes.
const MAX_DRAIN_MS: u64 = 600_000;

/// From which log the service answers questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// From this replica's own chain, which is there when the database is away.
    #[default]
    Own,
    /// From all chains in the database.
    Fleet,
}

/// `[audit.fleet]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FleetSection {
    /// File with the password, readable by its owner only.
    pub password_file: Option<PathBuf>,
    /// Environment variable with the password.
    pub password_env: Option<String>,
    /// PEM file of the authorities that the database's certificate may be of; those of the system when absent.
    pub ca_file: Option<PathBuf>,
    /// The replica's name in lists; the host's name when absent.
    pub name: Option<String>,
    /// From which log `AuditService` answers.
    pub answers: Answers,
    /// Seconds between two records of the other chains' heads in this one.
    pub heads_seconds: u64,
    /// Milliseconds that a stop waits for records that are not in the fleet's log yet.
    pub drain_ms: u64,
}

impl Default for FleetSection {
    fn default() -> Self {
        Self {
            password_file: None,
            password_env: None,
            ca_file: None,
            name: None,
            answers: Answers::Own,
            heads_seconds: 300,
            drain_ms: 5000,
        }
    }
}

/// How to reach the fleet's log, and what to do there.
#[derive(Clone, Debug)]
pub struct FleetConfig {
    pub(in crate::audit) address: Address,
    pub(in crate::audit) password: Password,
    pub(in crate::audit) ca_file: Option<PathBuf>,
    pub(in crate::audit) name: Label,
    pub(in crate::audit) heads_every: Duration,
    pub(in crate::audit) drain: Duration,
    /// From which log the service answers.
    pub answers: Answers,
}

impl FleetSection {
    /// Checks the section for this store.
    ///
    /// # Errors
    /// Names the setting that makes no sense. No file is read here but by the first connection.
    pub fn checked(self, store: &str) -> Result<FleetConfig, FleetError> {
        let range = |field, value, least, most| {
            if (least..=most).contains(&value) { Ok(()) } else { Err(FleetError::OutOfRange { field, least, most }) }
        };
        range("heads_seconds", self.heads_seconds, 1, MAX_HEADS_SECONDS)?;
        range("drain_ms", self.drain_ms, 0, MAX_DRAIN_MS)?;
        let password = match (self.password_file, self.password_env) {
            (Some(_), Some(_)) => return Err(FleetError::TwoPasswords),
            (Some(path), None) => Password::File(path),
            (None, Some(variable)) => Password::Variable(variable.into()),
            (None, None) => Password::IfGiven,
        };
        Ok(FleetConfig {
            address: Address::parse(store, self.ca_file.is_some())?,
            password,
            ca_file: self.ca_file,
            name: Label::new(&self.name.unwrap_or_else(host_name)),
            heads_every: Duration::from_secs(self.heads_seconds),
            drain: Duration::from_millis(self.drain_ms),
            answers: self.answers,
        })
    }
}

/// Where the password comes from.
#[derive(Clone, Debug)]
pub(in crate::audit) enum Password {
    File(PathBuf),
    Variable(Arc<str>),
    /// [`PASSWORD_VARIABLE`] if it is set; without one the server may know the user by other means.
    IfGiven,
}

impl Password {
    /// Reads it.
    pub(in crate::audit) fn read(&self) -> Result<Option<SecretString>, FleetError> {
        match self {
            Self::File(path) => read(path).map(Some),
            Self::Variable(name) => {
                let value = std::env::var(&**name).map_err(|_| FleetError::PasswordVariable((**name).to_owned()))?;
                Ok(Some(SecretString::from(value)))
            }
            Self::IfGiven => Ok(std::env::var(PASSWORD_VARIABLE).ok().map(SecretString::from)),
        }
    }
}

fn read(path: &Path) -> Result<SecretString, FleetError> {
    let failed = |source| FleetError::File { field: "password_file", path: path.to_owned(), source: Arc::new(source) };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FleetError::OpenToOthers { path: path.to_owned(), mode });
    }
    let mut text = String::with_capacity(256);
    file.take(MAX_PASSWORD_FILE).read_to_string(&mut text).map_err(failed)?;
    let text = SecretString::from(text);
    // An editor ends the line; a password does not.
    Ok(SecretString::from(text.expose_secret().trim_end_matches(['\r', '\n']).to_owned()))
}

/// The name of this machine, for people; empty where none is known.
fn host_name() -> String {
    let of_kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = std::env::var("HOSTNAME").ok().or_else(of_kernel).unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(content: &str, mode: u32) -> Result<Option<SecretString>, FleetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        Password::File(path).read()
    }

    #[test]
    fn a_password_comes_from_a_private_file_without_its_line_end() {
        assert_eq!(with_file("a b\n", 0o600).unwrap().unwrap().expose_secret(), "a b");
        assert!(matches!(with_file("x", 0o640), Err(FleetError::OpenToOthers { mode: 0o640, .. })));
        assert!(matches!(Password::File("/no/such/file".into()).read(), Err(FleetError::File { .. })));
        let absent = Password::Variable("CORDON_TEST_NO_SUCH_PASSWORD".into()).read();
        assert!(matches!(absent, Err(FleetError::PasswordVariable(_))));
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let section = FleetSection::default;
        let store = "postgres://u@localhost/d";
        let two = FleetSection { password_file: Some("/x".into()), password_env: Some("X".into()), ..section() };
        assert!(matches!(two.checked(store), Err(FleetError::TwoPasswords)));
        let never = FleetSection { heads_seconds: 0, ..section() };
        assert!(never.checked(store).unwrap_err().to_string().contains("heads_seconds must be from 1 to 86400"));
        let named = FleetSection { name: Some("eu-1".into()), ..section() }.checked(store).unwrap();
        assert_eq!(named.name.as_str(), "eu-1");
    }
}
