//! `ClassifierService`: checks the request, classifies, records, answers. Thin: the work is in [`crate::classify`].

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use crate::classify::Query;

use super::auth::{Caller, Permission};
use super::core::Core;
use super::error::Refusal;
use super::limits::deadline_of;
use super::proto::classifier_service_server::ClassifierService;
use super::proto::classify_stream_response::Result as ItemResult;
use super::proto::{
    self, ClassifyRequest, ClassifyResponse, ClassifyStreamResponse, EntityTypeInfo, ItemError, ListEntityTypesRequest,
    ListEntityTypesResponse, RedactRequest, RedactResponse, RestoreRequest, RestoreResponse, Timings,
};
use super::{convert, core, redact};

/// The service.
#[derive(Clone, Debug)]
pub(super) struct Classifier {
    core: Arc<Core>,
}

impl Classifier {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }
}

/// One classification, from the checked caller to the answer. Both RPCs go through here.
async fn classify(
    core: &Core,
    caller: &Caller,
    request: ClassifyRequest,
    deadline: Instant,
) -> Result<ClassifyResponse, Refusal> {
    core.admit(caller)?;
    convert::request_id(&request.request_id)?;
    let (show, ner) = convert::options(request.options, "options", |name| core.classifier.knows_entity_type(name))?;
    let declared_level = convert::declared_level(request.declared_level)?;
    let document = Arc::new(convert::document(request.text, request.parts, &core.limits)?);
    let _slot = core.classify_slots.take()?;
    let query = Query { declared_level, ner, caller: Arc::clone(caller.name()) };
    let classified = core.classifier.classify(&document, &query, deadline).await;
    if Instant::now() >= deadline {
        return Err(Refusal::deadline());
    }
    let decision_id = core.record(&request.request_id, caller, declared_level, &classified, &document);
    core::count("classify", classified.verdict.level(), classified.timings.total);
    Ok(ClassifyResponse {
        request_id: request.request_id,
        decision_id,
        verdict: Some(convert::verdict(&classified.verdict, &document, &show)),
        timings: Some(Timings {
            total_us: core::micros(classified.timings.total),
            rules_us: core::micros(classified.timings.rules),
            ner_us: core::micros(classified.timings.ner),
            policy_us: core::micros(classified.timings.policy),
        }),
    })
}

#[tonic::async_trait]
impl ClassifierService for Classifier {
    async fn classify(&self, request: Request<ClassifyRequest>) -> Result<Response<ClassifyResponse>, Status> {
        let caller = core::caller(&request, Permission::Classify)?;
        let deadline = deadline_of(request.metadata(), self.core.limits.classify_deadline());
        Ok(Response::new(classify(&self.core, &caller, request.into_inner(), deadline).await?))
    }

    type ClassifyStreamStream = Pin<Box<dyn Stream<Item = Result<ClassifyStreamResponse, Status>> + Send>>;

    async fn classify_stream(
        &self,
        request: Request<Streaming<ClassifyRequest>>,
    ) -> Result<Response<Self::ClassifyStreamStream>, Status> {
        let caller = core::caller(&request, Permission::Classify)?;
        let core = Arc::clone(&self.core);
        let concurrency = core.limits.stream_concurrency;
        let answers = request
            .into_inner()
            .enumerate()
            .map(move |(index, item)| {
                let (core, caller) = (Arc::clone(&core), caller.clone());
                async move {
                    let request = item?;
                    let deadline = Instant::now() + core.limits.classify_deadline();
                    let result = match classify_patiently(&core, &caller, request, deadline).await {
                        Ok(response) => ItemResult::Response(response),
                        Err(refusal) => ItemResult::Error(ItemError {
                            code: refusal.code() as i32,
                            message: refusal.message,
                            field: refusal.field.unwrap_or_default(),
                        }),
                    };
                    Ok(ClassifyStreamResponse { index: index as u64, result: Some(result) })
                }
            })
            .buffered(concurrency);
        Ok(Response::new(Box::pin(answers)))
    }

    async fn list_entity_types(
        &self,
        request: Request<ListEntityTypesRequest>,
    ) -> Result<Response<ListEntityTypesResponse>, Status> {
        core::caller(&request, Permission::Classify)?;
        let detector = |name: &&'static str| match *name {
            "pattern" => proto::Detector::Pattern,
            "dictionary" => proto::Detector::Dictionary,
            "secret" => proto::Detector::Secret,
            _ => proto::Detector::Ner,
        };
        let info = |info: crate::detect::EntityTypeInfo| EntityTypeInfo {
            name: info.name.to_string(),
            category: info.category.as_str().to_owned(),
            coarse: info.coarse.to_string(),
            description: info.description.to_string(),
            countries: info.countries.into_iter().collect(),
            detectors: info.detectors.iter().map(|name| detector(name) as i32).collect(),
            validators: info.validators.into_iter().collect(),
            sources: info.sources.into_iter().collect(),
            cue: info.cue,
        };
        let entity_types = self.core.classifier.entity_types().into_iter().map(info).collect();
        Ok(Response::new(ListEntityTypesResponse { entity_types }))
    }

    async fn redact(&self, request: Request<RedactRequest>) -> Result<Response<RedactResponse>, Status> {
        let caller = core::caller(&request, Permission::Classify)?;
        let deadline = deadline_of(request.metadata(), self.core.limits.classify_deadline());
        Ok(Response::new(redact::redact(&self.core, &caller, request.into_inner(), deadline).await?))
    }

    async fn restore(&self, request: Request<RestoreRequest>) -> Result<Response<RestoreResponse>, Status> {
        let caller = core::caller(&request, Permission::Classify)?;
        let deadline = deadline_of(request.metadata(), self.core.limits.classify_deadline());
        Ok(Response::new(redact::restore(&self.core, &caller, request.into_inner(), deadline).await?))
    }
}

/// An item of a stream waits for a slot instead of being refused: the stream itself holds the sender back.
async fn classify_patiently(
    core: &Core,
    caller: &Caller,
    request: ClassifyRequest,
    deadline: Instant,
) -> Result<ClassifyResponse, Refusal> {
    let _turn = tokio::time::timeout_at(deadline.into(), core.stream_turns.acquire())
        .await
        .map_err(|_| Refusal::deadline())?
        .map_err(|_| Refusal::overloaded("classifications"))?;
    classify(core, caller, request, deadline).await
}
