//! Who calls. A caller is named by a bearer token whose SHA-256 is in the configuration, else `anonymous`. The token
//! itself is never kept, logged or compared byte by byte in variable time.

use std::sync::Arc;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub use crate::policy::ANONYMOUS;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// `ClassifierService`.
    Classify,
    /// `DispatcherService`.
    Dispatch,
    /// `AuditService`.
    AuditRead,
    /// `AdminService`.
    Admin,
}

/// `[[caller]]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerConfig {
    /// The name in records and in the policy.
    pub name: String,
    /// SHA-256 of the token in hexadecimal: `printf %s "$TOKEN" | sha256sum`. Use tokens of 128 random bits or more.
    pub token_sha256: String,
    /// What it may do; classify and dispatch when absent.
    #[serde(default = "default_permissions")]
    pub permissions: Vec<Permission>,
}

fn default_permissions() -> Vec<Permission> {
    vec![Permission::Classify, Permission::Dispatch]
}

/// A caller of this request.
#[derive(Clone, Debug)]
pub struct Caller {
    name: Arc<str>,
    permissions: Arc<[Permission]>,
}

impl Caller {
    /// The name in records.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether it may do that.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.permissions.contains(&permission)
    }
}

/// Everybody who is known.
#[derive(Clone, Debug)]
pub struct Callers {
    known: Arc<[([u8; 32], Caller)]>,
    anonymous: Option<Caller>,
}

impl Callers {
    /// Checks and keeps the callers of the configuration. Without `allow_anonymous`, callers without a token are
    /// served only when no caller is configured.
    ///
    /// # Errors
    /// Says which entry is wrong and what would be right.
    pub fn build(configured: &[CallerConfig], allow_anonymous: Option<bool>) -> Result<Self, String> {
        let mut known: Vec<([u8; 32], Caller)> = Vec::with_capacity(configured.len());
        for entry in configured {
            let name = entry.name.as_str();
            let readable = |c: char| c.is_ascii_graphic();
            if name.is_empty() || name.len() > 64 || name == ANONYMOUS || !name.chars().all(readable) {
                return Err(format!(
                    "`{}` is no name for a caller; use 1 to 64 printable ASCII characters without blanks, other than \
                     `{ANONYMOUS}`",
                    name.escape_default()
                ));
            }
            let mut digest = [0u8; 32];
            hex::decode_to_slice(&entry.token_sha256, &mut digest).map_err(|_| {
                format!("token_sha256 of `{name}` must be the 64 hexadecimal digits that `sha256sum` prints")
            })?;
            if known.iter().any(|(other, caller)| *other == digest || &*caller.name == name) {
                return Err(format!("`{name}` has the name or the token of another caller; both must be unique"));
            }
            known.push((digest, Caller { name: name.into(), permissions: entry.permissions.as_slice().into() }));
        }
        // Where callers are named, only a named one may open what another closed.
        let of_anonymous: &[Permission] = match known.is_empty() {
            true => &[Permission::Classify, Permission::Dispatch, Permission::AuditRead, Permission::Admin],
            false => &[Permission::Classify, Permission::Dispatch, Permission::AuditRead],
        };
        let anonymous = allow_anonymous
            .unwrap_or(known.is_empty())
            .then(|| Caller { name: ANONYMOUS.into(), permissions: of_anonymous.into() });
        Ok(Self { known: known.into(), anonymous })
    }

    /// Whether a caller without a token is served.
    #[must_use]
    pub fn allows_anonymous(&self) -> bool {
        self.anonymous.is_some()
    }

    /// Whether no caller is configured, so that a token can name nobody.
    #[must_use]
    pub fn names_nobody(&self) -> bool {
        self.known.is_empty()
    }

    /// The caller of this `authorization` header; `None` when there is none to serve.
    #[must_use]
    pub fn identify(&self, authorization: Option<&str>) -> Option<Caller> {
        let Some(header) = authorization else {
            return self.anonymous.clone();
        };
        let (scheme, token) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(token.trim().as_bytes()).into();
        // Every entry is compared, each in constant time, so the time says nothing about which one fits.
        self.known.iter().fold(
            None,
            |found, (known, caller)| {
                if bool::from(known.ct_eq(&digest)) { Some(caller.clone()) } else { found }
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(name: &str, token: &str) -> CallerConfig {
        CallerConfig {
            name: name.into(),
            token_sha256: hex::encode(Sha256::digest(token.as_bytes())),
            permissions: default_permissions(),
        }
    }

    #[test]
    fn tokens_name_callers() {
        let callers = Callers::build(&[configured("crm", "t0p"), configured("web", "other")], None).unwrap();
        assert_eq!(&**callers.identify(Some("Bearer t0p")).unwrap().name(), "crm");
        assert_eq!(&**callers.identify(Some("bearer other")).unwrap().name(), "web");
        for refused in [None, Some("Bearer nope"), Some("Basic t0p"), Some("t0p"), Some("")] {
            assert!(callers.identify(refused).is_none(), "{refused:?}");
        }
        assert!(!callers.identify(Some("Bearer t0p")).unwrap().may(Permission::AuditRead));
    }

    #[test]
    fn without_callers_everybody_is_anonymous_and_a_wrong_token_is_still_refused() {
        let callers = Callers::build(&[], None).unwrap();
        assert_eq!(&**callers.identify(None).unwrap().name(), ANONYMOUS);
        assert!(callers.identify(Some("Bearer x")).is_none());
    }

    #[test]
    fn anonymous_callers_switch_the_cloud_only_where_nobody_is_named() {
        let alone = Callers::build(&[], None).unwrap();
        assert!(alone.identify(None).unwrap().may(Permission::Admin));
        let beside = Callers::build(&[configured("crm", "t0p")], Some(true)).unwrap();
        assert!(!beside.identify(None).unwrap().may(Permission::Admin));
        assert!(!beside.identify(Some("Bearer t0p")).unwrap().may(Permission::Admin), "it must be given by name");
        let named = CallerConfig { permissions: vec![Permission::Admin], ..configured("ops", "k") };
        assert!(Callers::build(&[named], None).unwrap().identify(Some("Bearer k")).unwrap().may(Permission::Admin));
    }

    #[test]
    fn bad_entries_are_explained() {
        let mut short = configured("crm", "t");
        short.token_sha256 = "abc".into();
        assert!(Callers::build(&[short], None).unwrap_err().contains("sha256sum"));
        assert!(Callers::build(&[configured("anonymous", "t")], None).is_err());
        assert!(Callers::build(&[configured("a b", "t")], None).is_err());
        assert!(Callers::build(&[configured("a", "t"), configured("b", "t")], None).is_err());
    }
}
