//! Overrides: a named caller may ask that its text be treated as of a lower level, where the policy allows it by
//! `[[override]]`. The verdict keeps its level; only the policy makes a [`Waiver`], for one verdict, and with it the
//! route table is asked for the lower level. What a level can never do is not waived: text whose own verdict is
//! confidential never becomes public and never leaves as it is, and a verdict on text that was not seen whole stands.

use std::sync::Arc;

use toml::Spanned;

use super::decide::UNSCANNABLE_CONTENT;
use super::file::RawOverride;
use super::loaded::check_id;
use super::problem::Problems;
use super::{Policy, Sensitivity, Verdict};

/// The name of a caller without a token.
pub const ANONYMOUS: &str = "anonymous";

/// The rule that is named when no `[[override]]` of the policy speaks of such a change.
pub const NO_OVERRIDE: &str = "no_override";

/// One `[[override]]`.
#[derive(Clone, Debug)]
pub(super) struct OverrideRule {
    pub(super) id: Arc<str>,
    pub(super) callers: Vec<String>,
    pub(super) from: Sensitivity,
    pub(super) to: Sensitivity,
    pub(super) reason_required: bool,
}

/// Leave to treat the text of one verdict as of a lower level. Made by [`Policy::waive`] alone.
#[derive(Clone, Debug)]
pub struct Waiver {
    pub(super) document_id: u64,
    pub(super) policy_digest: Arc<str>,
    rule: Arc<str>,
    from: Sensitivity,
    to: Sensitivity,
}

impl Waiver {
    /// Id of the override in the policy file.
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        &self.rule
    }

    /// The verdict's own level.
    #[must_use]
    pub fn from(&self) -> Sensitivity {
        self.from
    }

    /// The level that the route is looked up for.
    #[must_use]
    pub fn to(&self) -> Sensitivity {
        self.to
    }
}

/// Why a level is not overridden.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OverrideDenied {
    /// The caller has no name.
    #[error("a caller without a token overrides nothing (rule `{rule}`); send the token of a named caller")]
    Anonymous {
        /// The override that others have, or [`NO_OVERRIDE`].
        rule: Arc<str>,
    },
    /// The policy gives this caller no leave.
    #[error(
        "the policy does not let this caller lower {from} text to {to} (rule `{rule}`); ask whoever keeps the policy"
    )]
    NotAllowed {
        /// The override that others have, or [`NO_OVERRIDE`].
        rule: Arc<str>,
        /// The verdict's level.
        from: Sensitivity,
        /// The level that was asked for.
        to: Sensitivity,
    },
    /// Some detector did not see the whole text.
    #[error("not all of the text was scanned, so its level cannot be overridden (rule `{rule}`); coverage says why")]
    IncompleteCoverage {
        /// The override that would have applied, or [`NO_OVERRIDE`].
        rule: Arc<str>,
    },
    /// The override asks for a reason.
    #[error("the override `{rule}` needs a reason; send a short reason_code")]
    ReasonMissing {
        /// The override.
        rule: Arc<str>,
    },
}

impl OverrideDenied {
    /// The override that is concerned, or [`NO_OVERRIDE`].
    #[must_use]
    pub fn rule(&self) -> &Arc<str> {
        match self {
            Self::Anonymous { rule }
            | Self::NotAllowed { rule, .. }
            | Self::IncompleteCoverage { rule }
            | Self::ReasonMissing { rule } => rule,
        }
    }
}

impl OverrideRule {
    pub(super) fn read(raw: &[Spanned<RawOverride>], problems: &mut Problems<'_>) -> Vec<Self> {
        let mut rules: Vec<Self> = Vec::with_capacity(raw.len());
        for (i, entry) in raw.iter().enumerate() {
            let raw = entry.get_ref();
            let id = raw.id.get_ref();
            let field = format!("override[{i}]");
            check_id(id, raw.id.span(), &format!("{field}.id"), problems);
            if rules.iter().any(|other| *other.id == **id) {
                problems.error(raw.id.span(), format!("{field}.id"), format!("`{id}` is there twice"));
            }
            if raw.callers.is_empty() {
                problems.error(
                    raw.id.span(),
                    format!("{field}.callers"),
                    "an override is for callers by name; name them",
                );
            }
            if raw.callers.iter().any(|caller| caller == ANONYMOUS) {
                let what =
                    format!("`{ANONYMOUS}` is everybody without a token, who can be asked for nothing; name callers");
                problems.error(raw.id.span(), format!("{field}.callers"), what);
            }
            if raw.to >= raw.from {
                let what =
                    format!("{} is not lower than {}; whoever wants a higher level declares it", raw.to, raw.from);
                problems.error(entry.span(), format!("{field}.to"), what);
            } else if raw.from == Sensitivity::Confidential && raw.to == Sensitivity::Public {
                problems.error(entry.span(), format!("{field}.to"), "confidential text may never become public");
            }
            rules.push(Self {
                id: Arc::from(id.as_str()),
                callers: raw.callers.clone(),
                from: raw.from,
                to: raw.to,
                reason_required: raw.reason_required,
            });
        }
        rules
    }
}

/// A caller's wish for a lower level, and what it depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) from: Sensitivity,
    pub(super) to: Sensitivity,
    pub(super) caller: &'a str,
    pub(super) has_reason: bool,
    /// Whether the level is one of this policy.
    pub(super) own: bool,
    /// Whether every detector saw everything, and there was nothing that none can read.
    pub(super) seen_whole: bool,
}

impl Policy {
    /// The override that lets a caller have its wish. `None` if the level is not higher already.
    pub(super) fn leave(&self, asked: &Asked<'_>) -> Result<Option<&OverrideRule>, OverrideDenied> {
        let Asked { from, to, caller, .. } = *asked;
        if to >= from {
            return Ok(None);
        }
        let speaks = |rule: &&OverrideRule| rule.from == from && rule.to == to;
        let concerned = self.overrides.iter().find(speaks);
        let own = self.overrides.iter().filter(speaks).find(|rule| rule.callers.iter().any(|name| name == caller));
        let named =
            |rule: Option<&OverrideRule>| rule.map_or_else(|| Arc::from(NO_OVERRIDE), |rule| Arc::clone(&rule.id));
        if caller == ANONYMOUS {
            return Err(OverrideDenied::Anonymous { rule: named(concerned) });
        }
        let Some(own) = own.filter(|_| asked.own) else {
            return Err(OverrideDenied::NotAllowed { rule: named(concerned), from, to });
        };
        if !asked.seen_whole {
            return Err(OverrideDenied::IncompleteCoverage { rule: Arc::clone(&own.id) });
        }
        if own.reason_required && !asked.has_reason {
            return Err(OverrideDenied::ReasonMissing { rule: Arc::clone(&own.id) });
        }
        Ok(Some(own))
    }

    /// Leave for this caller to have the text of this verdict treated as of a lower level. `None` if it is not higher
    /// already.
    ///
    /// # Errors
    /// Why there is none, with the override that is concerned.
    pub fn waive(
        &self,
        verdict: &Verdict,
        caller: &str,
        to: Sensitivity,
        has_reason: bool,
    ) -> Result<Option<Waiver>, OverrideDenied> {
        let from = verdict.level();
        let unread = verdict.reasons().iter().any(|reason| &*reason.rule == UNSCANNABLE_CONTENT);
        let asked = Asked {
            from,
            to,
            caller,
            has_reason,
            // A verdict of another policy may not mean what this one means by the level.
            own: verdict.policy().digest == self.reference.digest,
            seen_whole: !unread && verdict.coverage().is_complete(),
        };
        let Some(own) = self.leave(&asked)? else { return Ok(None) };
        Ok(Some(Waiver {
            document_id: verdict.document_id(),
            policy_digest: Arc::clone(&verdict.policy().digest),
            rule: Arc::clone(&own.id),
            from,
            to,
        }))
    }
}
