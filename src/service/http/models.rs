//! The names of models that a client may ask for. A name never chooses a backend: every request goes where the policy
//! sends it, and the answer says which model gave it. A name that nobody knows is refused, so that a mistyped one is
//! noticed.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::config::HttpSection;
use crate::dispatch::Backends;
use crate::error::Kind;
use crate::service::error::Refusal;

/// The name that stands for whatever model the policy chooses.
pub(super) const BY_POLICY: &str = "cordon";

/// The known names.
#[derive(Debug)]
pub(super) struct Models {
    /// `cordon`, then the models of the backends that answer and the accepted names, each once.
    listed: Vec<Arc<str>>,
    /// Names that are accepted beside those of models.
    accepted: Vec<Arc<str>>,
    /// Models that make vectors, in the order in which they are taken for a name that is none of theirs.
    embedding: Vec<Arc<str>>,
    any: bool,
    started: u64,
}

impl Models {
    /// Gathers them.
    pub(super) fn new(backends: &Backends, section: &HttpSection) -> Self {
        let local = backends.local().iter().map(|backend| Arc::clone(backend.model()));
        let cloud = backends.cloud().iter().map(|backend| Arc::clone(backend.model()));
        let accepted = section.models.iter().filter(|name| *name != "*").map(|name| Arc::from(name.as_str()));
        let embedding = backends.embedding_models();
        let mut listed: Vec<Arc<str>> = vec![BY_POLICY.into()];
        for name in local.chain(cloud).chain(accepted.clone()) {
            if !listed.contains(&name) {
                listed.push(name);
            }
        }
        Self {
            listed,
            accepted: accepted.collect(),
            embedding,
            any: section.models.iter().any(|name| name == "*"),
            started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        }
    }

    /// Accepts a name of a request, or says what to do.
    pub(super) fn accept(&self, name: &str) -> Result<(), Refusal> {
        if self.any && !name.is_empty() || self.find(name).is_some() {
            return Ok(());
        }
        Err(Refusal {
            field: Some("model".to_owned()),
            ..Refusal::new(
                Kind::NotFound,
                "MODEL_NOT_FOUND",
                "is not known here; ask for `cordon`, which routes by policy, for one that GET /v1/models lists, or add \
                 the name to [http] models in the configuration",
            )
        })
    }

    /// The model that makes the vectors for a name of a request: the one of this name, or the first for a name that stands
    /// for any. Vectors of different models cannot be compared, so one request is answered by one model only.
    pub(super) fn embedding(&self, name: &str) -> Result<Arc<str>, Refusal> {
        let refused = |message: &str| Refusal {
            field: Some("model".to_owned()),
            ..Refusal::new(Kind::NotFound, "MODEL_NOT_FOUND", message)
        };
        let Some(first) = self.embedding.first() else {
            return Err(refused("makes no embeddings: no backend has an embedding_model; add one to its entry"));
        };
        if let Some(named) = self.embedding.iter().find(|model| ***model == *name) {
            return Ok(Arc::clone(named));
        }
        let stands_for_any = name == BY_POLICY || self.accepted.iter().any(|accepted| **accepted == *name);
        if stands_for_any || self.any && !name.is_empty() {
            return Ok(Arc::clone(first));
        }
        Err(refused("is no embedding model of a backend; ask for one of those, or for `cordon`"))
    }

    /// A listed name. Ollama's clients may leave out the tag `latest`, or add it.
    fn find(&self, name: &str) -> Option<&Arc<str>> {
        let bare = |name: &str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
        self.listed.iter().find(|listed| ***listed == *name || bare(listed) == bare(name))
    }

    /// The list in OpenAI's words.
    pub(super) fn openai_list(&self) -> Value {
        let data: Vec<Value> = self.all().map(|name| self.openai_model(name)).collect();
        json!({"object": "list", "data": data})
    }

    /// One of them in OpenAI's words.
    pub(super) fn openai_one(&self, name: &str) -> Result<Value, Refusal> {
        match self.find(name).or_else(|| self.embedding.iter().find(|model| ***model == *name)) {
            Some(listed) => Ok(self.openai_model(listed)),
            None => self.accept(name).map(|()| self.openai_model(name)),
        }
    }

    /// Those that answer, then those that make vectors and do not answer too.
    fn all(&self) -> impl Iterator<Item = &Arc<str>> {
        self.listed.iter().chain(self.embedding.iter().filter(|model| !self.listed.contains(model)))
    }

    fn openai_model(&self, name: &str) -> Value {
        json!({"id": name, "object": "model", "created": self.started, "owned_by": BY_POLICY})
    }

    /// The list in Ollama's words. Cordon holds no weights, so sizes are 0 and digests empty: nobody must take one of
    /// these for a model on this machine.
    pub(super) fn ollama_tags(&self) -> Value {
        let modified = jiff::Timestamp::from_second(i64::try_from(self.started).unwrap_or(0)).unwrap_or_default();
        let model = |name: &Arc<str>| {
            json!({
                "name": &**name,
                "model": &**name,
                "modified_at": modified.to_string(),
                "size": 0,
                "digest": "",
                "details": {
                    "parent_model": "", "format": "", "family": "", "families": [],
                    "parameter_size": "", "quantization_level": "",
                },
            })
        };
        let models: Vec<Value> = self.all().map(model).collect();
        json!({"models": models})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dispatch::{BackendConfig, BackendKind, Side};

    fn models(accepted: &[&str]) -> Models {
        let backend = |name: &str, model: &str| {
            BackendConfig::new(name, Side::Local, BackendKind::Openai, "http://127.0.0.1:1", model)
        };
        let backends = Backends::build(vec![backend("a", "smol"), backend("b", "smol"), backend("c", "org/big:7b")]);
        let section =
            HttpSection { models: accepted.iter().map(ToString::to_string).collect(), ..HttpSection::default() };
        Models::new(&backends.unwrap(), &section)
    }

    #[test]
    fn known_names_are_accepted_and_each_listed_once() {
        let models = models(&["gpt-4o-mini"]);
        for name in ["cordon", "cordon:latest", "smol", "org/big:7b", "gpt-4o-mini"] {
            models.accept(name).unwrap();
        }
        let listed = models.openai_list();
        let names: Vec<_> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].clone()).collect();
        assert_eq!(names, ["cordon", "smol", "org/big:7b", "gpt-4o-mini"]);
        assert_eq!(models.ollama_tags()["models"][1]["name"], "smol");
    }

    #[test]
    fn an_unknown_name_is_refused_without_repeating_it_unless_any_is_accepted() {
        let refusal = models(&[]).accept("canary").unwrap_err();
        assert_eq!((refusal.kind, refusal.reason), (Kind::NotFound, "MODEL_NOT_FOUND"));
        assert!(!format!("{refusal:?}").contains("canary"));
        assert!(models(&["*"]).accept("canary").is_ok());
        assert!(models(&["*"]).accept("").is_err());
    }
}
