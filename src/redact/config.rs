//! `[redaction]` of the configuration: where the key comes from, and how long sealed maps open. The key itself never
//! stands in the configuration.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::Kind;

use super::{RedactError, RedactionKey};

/// Longest key file that is read, in bytes: 64 digits and a little white space.
const MAX_KEY_FILE: u64 = 256;
/// Longest time that a sealed map may open, in seconds: 30 days.
const MAX_TTL: u64 = 30 * 24 * 3600;

/// `[redaction]`.
///
/// Without a key a new one is made at each start: sealed maps, hashes and encrypted values of an earlier start do not
/// open or compare any more.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedactionConfig {
    /// File with the key, 64 hexadecimal digits, readable by its owner only.
    pub key_file: Option<PathBuf>,
    /// Environment variable with the key, in the same form.
    pub key_env: Option<String>,
    /// Seconds that a sealed map opens; a caller may ask for fewer.
    pub ttl_seconds: u64,
}

impl Default for RedactionConfig {
    fn default() -> Self {
        Self { key_file: None, key_env: None, ttl_seconds: 3600 }
    }
}

/// A `[redaction]` with which the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum RedactionConfigError {
    /// Two keys.
    #[error("redaction.key_file and redaction.key_env are both set; keep one")]
    TwoKeys,
    /// The variable is not there.
    #[error("the environment variable {0} of redaction.key_env is not set; set it, or use redaction.key_file")]
    Variable(String),
    /// The file cannot be read.
    #[error("cannot read {path} of redaction.key_file: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others can read the file.
    #[error("{path} of redaction.key_file is open to others (mode {mode:o}); make a new key and `chmod 600` it")]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Not the form of a key.
    #[error("the key of [redaction] must be 64 hexadecimal digits; `openssl rand -hex 32` makes one")]
    Form,
    /// Too short or too long a time.
    #[error("redaction.ttl_seconds must be from 1 to {MAX_TTL}")]
    Ttl,
    /// No random key.
    #[error(transparent)]
    Random(#[from] RedactError),
}

impl RedactionConfigError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Random(error) => error.kind(),
            _ => Kind::FailedPrecondition,
        }
    }
}

impl RedactionConfig {
    /// How long a sealed map opens.
    #[must_use]
    pub fn ttl(&self) -> Duration {
        Duration::from_secs(self.ttl_seconds)
    }

    /// Reads the key, or makes one for this start.
    ///
    /// # Errors
    /// When the section makes no sense or the key cannot be read.
    pub fn key(&self) -> Result<RedactionKey, RedactionConfigError> {
        if !(1..=MAX_TTL).contains(&self.ttl_seconds) {
            return Err(RedactionConfigError::Ttl);
        }
        let written = match (&self.key_file, &self.key_env) {
            (Some(_), Some(_)) => return Err(RedactionConfigError::TwoKeys),
            (Some(path), None) => read(path)?,
            (None, Some(name)) => {
                let value = std::env::var(name).map_err(|_| RedactionConfigError::Variable(name.clone()))?;
                SecretString::from(value)
            }
            (None, None) => return Ok(RedactionKey::random()?),
        };
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(written.expose_secret().trim(), bytes.as_mut_slice())
            .map_err(|_| RedactionConfigError::Form)?;
        Ok(RedactionKey::from_bytes(&bytes))
    }
}

fn read(path: &Path) -> Result<SecretString, RedactionConfigError> {
    let failed = |source| RedactionConfigError::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(RedactionConfigError::OpenToOthers { path: path.to_owned(), mode });
    }
    let mut text = String::with_capacity(256);
    file.take(MAX_KEY_FILE).read_to_string(&mut text).map_err(failed)?;
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(content: &str, mode: u32) -> Result<RedactionKey, RedactionConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        RedactionConfig { key_file: Some(path), ..RedactionConfig::default() }.key()
    }

    #[test]
    fn a_key_file_is_read_strictly() {
        let digits = "a1".repeat(32);
        assert_eq!(with_file(&digits, 0o600).unwrap().id(), with_file(&format!("{digits}\n"), 0o400).unwrap().id());
        assert!(matches!(with_file(&digits, 0o640), Err(RedactionConfigError::OpenToOthers { .. })));
        for bad in ["", "a1", &"a".repeat(63), &"x".repeat(64), &"a".repeat(66)] {
            assert!(matches!(with_file(bad, 0o600), Err(RedactionConfigError::Form)), "{bad}");
        }
    }

    #[test]
    fn without_a_key_each_start_has_its_own() {
        let config = RedactionConfig::default();
        assert_ne!(config.key().unwrap().id(), config.key().unwrap().id());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let config = RedactionConfig::default;
        let absent = RedactionConfig { key_env: Some("CORDON_TEST_NO_SUCH_KEY".into()), ..config() };
        assert!(matches!(absent.key(), Err(RedactionConfigError::Variable(_))));
        let both = RedactionConfig { key_file: Some("/x".into()), ..absent };
        assert!(matches!(both.key(), Err(RedactionConfigError::TwoKeys)));
        for ttl_seconds in [0, MAX_TTL + 1] {
            assert!(matches!(RedactionConfig { ttl_seconds, ..config() }.key(), Err(RedactionConfigError::Ttl)));
        }
    }
}
