//! What an answer says of its verdict and route: `x-cordon-*` headers, and the same as one JSON value for the comment
//! that begins a stream. Names and numbers only, never text and never a finding's value.

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use crate::dispatch::{Decision, Outcome};
use crate::policy::Verdict;

/// What is known so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) request_id: String,
    pub(super) dropped: Option<String>,
    pub(super) verdict: Option<Arc<Verdict>>,
    pub(super) decision: Option<Decision>,
    /// Of an answer that was gathered before its headers went out.
    pub(super) outcome: Option<Outcome>,
}

impl Told {
    /// Writes the headers.
    pub(super) fn headers(&self, headers: &mut HeaderMap) {
        let mut set = |name: &'static str, value: &str| {
            if !value.is_empty() {
                headers.insert(HeaderName::from_static(name), header_value(value));
            }
        };
        set("x-cordon-request-id", &self.request_id);
        set("x-cordon-dropped", self.dropped.as_deref().unwrap_or_default());
        if let Some(verdict) = &self.verdict {
            set("x-cordon-level", verdict.level().as_str());
        }
        if let Some(decision) = &self.decision {
            set("x-cordon-route", decision.route.as_str());
            set("x-cordon-ceiling", decision.ceiling.as_str());
            set("x-cordon-reason", decision.reason);
            set("x-cordon-route-rule", &decision.rule);
            set("x-cordon-complexity", decision.complexity.as_str());
            set("x-cordon-backend", &decision.backend);
            set("x-cordon-model", &decision.model);
            set("x-cordon-decision-id", &self.decision_id());
        }
        if let Some((outcome, confidence)) =
            self.outcome.as_ref().and_then(|outcome| Some((outcome, outcome.confidence.as_ref()?)))
        {
            set("x-cordon-confidence", &share(confidence.millionths).to_string());
            set("x-cordon-escalated", if outcome.escalated { "true" } else { "false" });
            set("x-cordon-escalation-withheld", outcome.escalation_withheld);
        }
    }

    /// The id of the record, empty if there is none.
    pub(super) fn decision_id(&self) -> String {
        self.decision.as_ref().and_then(|decision| decision.id).map(|id| id.to_string()).unwrap_or_default()
    }

    /// The model that answers.
    pub(super) fn model(&self) -> &str {
        self.decision.as_ref().map_or("", |decision| &decision.model)
    }

    /// The same as JSON.
    pub(super) fn json(&self) -> Value {
        let mut told = json!({"request_id": self.request_id, "decision_id": self.decision_id()});
        let mut add = |key: &str, value: Value| {
            if let Some(map) = told.as_object_mut() {
                map.insert(key.to_owned(), value);
            }
        };
        if let Some(verdict) = &self.verdict {
            let rules: Vec<&str> = verdict.reasons().iter().map(|reason| &*reason.rule).collect();
            let types: BTreeSet<String> =
                verdict.reasons().iter().flat_map(|reason| &reason.entity_types).map(ToString::to_string).collect();
            add("verdict", json!({"level": verdict.level().as_str(), "rules": rules, "entity_types": types}));
        }
        if let Some(decision) = &self.decision {
            add("route", decision.route.as_str().into());
            add("ceiling", decision.ceiling.as_str().into());
            add("reason", decision.reason.into());
            add("route_rule", decision.rule.to_string().into());
            add("complexity", decision.complexity.as_str().into());
            add("complexity_reasons", decision.complexity_reasons.clone().into());
            add("backend", decision.backend.to_string().into());
            add("model", decision.model.to_string().into());
        }
        if let Some(dropped) = &self.dropped {
            add("dropped", dropped.as_str().into());
        }
        told
    }
}

/// What the outcome adds for the end of a stream, if it adds something.
pub(super) fn confidence(outcome: &Outcome) -> Option<Value> {
    let confidence = outcome.confidence.as_ref()?;
    Some(json!({
        "confidence": share(confidence.millionths),
        "confidence_reasons": confidence.reasons,
        "escalated": outcome.escalated,
        "escalation_withheld": outcome.escalation_withheld,
    }))
}

/// From 0 to 1.
fn share(millionths: u32) -> f64 {
    f64::from(millionths) / 1e6
}

/// A value that any header may hold: what is not printable ASCII is written as `%` and two hexadecimal digits a byte.
fn header_value(text: &str) -> HeaderValue {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' => safe.push_str("%25"),
            b' '..=b'~' => safe.push(char::from(byte)),
            other => safe.push_str(&format!("%{other:02X}")),
        }
    }
    HeaderValue::try_from(safe).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_any_name() {
        assert_eq!(header_value("smol lm/2"), "smol lm/2");
        assert_eq!(header_value("modèle\r\n%"), "mod%C3%A8le%0D%0A%25");
    }
}
