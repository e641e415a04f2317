//! The dispatcher's view of the classifier: one verdict on the whole conversation of a request.

use std::sync::Arc;

use async_trait::async_trait;

use crate::classify::{Classifier, NerMode, Query};

use super::request::{Classify, Judged, Request};

#[async_trait]
impl Classify for Classifier {
    async fn classify(&self, request: &Request) -> Judged {
        let query = Query {
            declared_level: request.declared_level,
            ner: if request.always_ner { NerMode::Always } else { NerMode::Auto },
            caller: Arc::clone(&request.caller),
        };
        let classified = self.classify(request.conversation.document(), &query, request.deadline).await;
        Judged {
            verdict: classified.verdict,
            timings: classified.timings.for_record(),
            provenance: classified.provenance,
            policy: classified.policy,
            observed: classified.observed,
        }
    }
}
