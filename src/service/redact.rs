//! `Redact` and `Restore`: checks the request, classifies on the one path that there is, and hands the findings to
//! [`crate::redact`]. A text that was not seen whole is never returned as redacted.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::classify::{Classified, NerMode, Query};
use crate::detect::{EntityType, Finding};
use crate::document::{Document, Text};
use crate::error::Kind;
use crate::redact::{
    self, Decryptor, Operator, Operators, PlaceholderMap, RedactError, RedactedSpan, RedactionConfig,
    RedactionConfigError, RedactionKey, RestoreOptions, Restorer,
};

use super::auth::Caller;
use super::convert;
use super::core::{self, Core};
use super::error::Refusal;
use super::proto::{self, OperatorKind, RedactRequest, RedactResponse, RestoreRequest, RestoreResponse, TypeOperator};

/// Texts up to this many bytes are worked on where the request runs; that takes well below a millisecond.
const INLINE_BYTES: u64 = 16 * 1024;

/// Bytes of an answer that are restored at a time: a placeholder of twenty bytes may stand for a value of many thousand,
/// so what an answer grows to is looked at between few of them.
const RESTORED_AT_A_TIME: usize = 64;

/// What redaction needs of the configuration.
#[derive(Debug)]
pub(super) struct Redaction {
    key: Arc<RedactionKey>,
    ttl: Duration,
}

impl Redaction {
    /// Reads the key, or makes one for this start.
    pub(super) fn new(config: &RedactionConfig) -> Result<Self, RedactionConfigError> {
        Ok(Self { key: Arc::new(config.key()?), ttl: config.ttl() })
    }
}

/// What `redact` made of a request, before it is put into the reply.
struct Done {
    document: Document,
    spans: Vec<RedactedSpan>,
    sealed_map: Vec<u8>,
}

/// One redaction, from the checked caller to the answer.
pub(super) async fn redact(
    core: &Core,
    caller: &Caller,
    request: RedactRequest,
    deadline: Instant,
) -> Result<RedactResponse, Refusal> {
    core.admit(caller)?;
    convert::request_id(&request.request_id)?;
    if !(0.0..=1.0).contains(&request.min_score) {
        return Err(Refusal::field("min_score", "OUT_OF_RANGE", "must be from 0 to 1"));
    }
    let operators =
        operators(request.default_operator, request.operators, |name| core.classifier.knows_entity_type(name))?;
    let ttl = match Duration::from_secs(request.ttl_seconds.into()) {
        Duration::ZERO => core.redaction.ttl,
        ttl if ttl <= core.redaction.ttl => ttl,
        _ => {
            let most = core.redaction.ttl.as_secs();
            let message = format!("must be at most {most}, the redaction.ttl_seconds of this service");
            return Err(Refusal::field("ttl_seconds", "OUT_OF_RANGE", message));
        }
    };
    let single = request.parts.is_empty();
    let document = Arc::new(convert::document(request.text, request.parts, &core.limits)?);
    let _slot = core.classify_slots.take()?;
    let classified = classify(core, caller, &document, deadline).await?;
    let decision_id = core.record(&request.request_id, caller, None, &classified, &document);
    core::count("redact", classified.verdict.level(), classified.timings.total);

    let expires = SystemTime::now() + ttl;
    let wanted = |finding: &&Finding| finding.score >= request.min_score;
    let findings: Vec<Finding> = classified.verdict.findings().iter().filter(wanted).cloned().collect();
    let (key, name) = (Arc::clone(&core.redaction.key), Arc::clone(caller.name()));
    let original = Arc::clone(&document);
    let done = beside(document.total_bytes(), deadline, move || {
        let mut map = PlaceholderMap::new()?;
        let redacted = redact::redact(&original, &findings, &operators, &key, &name, &mut map)?;
        let sealed_map = redact::seal(&map, &key, &name, expires)?;
        Ok::<_, RedactError>(Done { document: redacted.document, spans: redacted.spans, sealed_map })
    })
    .await??;

    let redacted = Arc::new(done.document);
    let show = convert::Show::default();
    let redacted_verdict = if request.classify_redacted {
        let again = classify(core, caller, &redacted, deadline).await?;
        core.record(&request.request_id, caller, None, &again, &redacted);
        Some(convert::verdict(&again.verdict, &redacted, &show))
    } else {
        None
    };
    let (text, parts) = reply(&redacted, single);
    Ok(RedactResponse {
        request_id: request.request_id,
        decision_id,
        text,
        parts,
        spans: done.spans.iter().map(span).collect(),
        sealed_map: done.sealed_map,
        expires: Some(expires.into()),
        verdict: Some(convert::verdict(&classified.verdict, &document, &show)),
        redacted_verdict,
    })
}

/// One answer with its placeholders turned back.
pub(super) async fn restore(
    core: &Core,
    caller: &Caller,
    request: RestoreRequest,
    deadline: Instant,
) -> Result<RestoreResponse, Refusal> {
    core.admit(caller)?;
    convert::request_id(&request.request_id)?;
    if request.sealed_map.is_empty() {
        return Err(Refusal::field(
            "sealed_map",
            "EMPTY_REQUEST",
            "is empty; send the sealed_map that Redact returned",
        ));
    }
    let single = request.parts.is_empty();
    let document = convert::document(request.text, request.parts, &core.limits)?;
    let _slot = core.classify_slots.take()?;
    let (key, name) = (Arc::clone(&core.redaction.key), Arc::clone(caller.name()));
    let options = RestoreOptions { in_urls: request.in_urls, in_code: request.in_code };
    let bytes = document.total_bytes().saturating_add(request.sealed_map.len() as u64);
    let mut room = core.limits.max_text_bytes.saturating_mul(2);
    let (document, restored) = beside(bytes, deadline, move || {
        let map = Arc::new(redact::open(&request.sealed_map, &key, &name, SystemTime::now())?);
        let (mut parts, mut restored) = (Vec::with_capacity(document.parts().len()), 0);
        for part in document.parts() {
            let mut restorer = Restorer::new(Arc::clone(&map), options);
            if request.decrypt {
                restorer = restorer.decrypting(Decryptor::new(Arc::clone(&key), Arc::clone(&name)));
            }
            let text = within(&mut restorer, part.text.expose(), &mut room)?;
            restored += restorer.restored();
            parts.push(crate::document::Part { text: Text::from(text), ..part.clone() });
        }
        Ok::<_, NotRestored>((Document::new(parts), restored))
    })
    .await??;
    let (text, parts) = reply(&document, single);
    Ok(RestoreResponse { request_id: request.request_id, text, parts, restored })
}

/// Why nothing is restored.
enum NotRestored {
    NotOpened(redact::SealError),
    /// The values would make the answer longer than a reply may be.
    TooLong,
}

impl From<redact::SealError> for NotRestored {
    fn from(error: redact::SealError) -> Self {
        Self::NotOpened(error)
    }
}

impl From<NotRestored> for Refusal {
    fn from(error: NotRestored) -> Self {
        match error {
            // The same answer whatever is wrong with a map; the metrics tell the operator.
            NotRestored::NotOpened(error) => {
                let reason = error.reason().as_str();
                metrics::counter!("cordon_sealed_maps_refused_total", "reason" => reason).increment(1);
                Self::field("sealed_map", "SEALED_MAP_NOT_OPENED", error.to_string())
            }
            NotRestored::TooLong => Self::field(
                "text",
                "RESTORED_TEXT_TOO_LONG",
                "would be longer than twice max_text_bytes with its values; restore it in pieces",
            ),
        }
    }
}

/// The text with its values, as long as there is room for it.
fn within(restorer: &mut Restorer, text: &str, room: &mut u64) -> Result<String, NotRestored> {
    let mut out = String::with_capacity(text.len());
    let mut add = |piece: String| {
        *room = room.checked_sub(piece.len() as u64).ok_or(NotRestored::TooLong)?;
        out.push_str(&piece);
        Ok::<(), NotRestored>(())
    };
    for piece in text.as_bytes().chunks(RESTORED_AT_A_TIME) {
        add(restorer.push_bytes(piece))?;
    }
    add(restorer.finish())?;
    Ok(out)
}

/// The verdict with every span, if all of the text was seen.
async fn classify(
    core: &Core,
    caller: &Caller,
    document: &Arc<Document>,
    deadline: Instant,
) -> Result<Classified, Refusal> {
    let query = Query { declared_level: None, ner: NerMode::Always, caller: Arc::clone(caller.name()) };
    let classified = core.classifier.classify(document, &query, deadline).await;
    if Instant::now() >= deadline {
        return Err(Refusal::deadline());
    }
    if !classified.verdict.coverage().is_complete() {
        return Err(Refusal::new(
            Kind::Unavailable,
            "INCOMPLETE_COVERAGE",
            "a detector did not see the whole text, so it cannot be redacted; Classify says which and why, in coverage",
        ));
    }
    Ok(classified)
}

/// Runs work on a text: here if it is short, else where it keeps nobody waiting.
async fn beside<T: Send + 'static>(
    bytes: u64,
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    if bytes <= INLINE_BYTES {
        return Ok(work());
    }
    match tokio::time::timeout_at(deadline.into(), tokio::task::spawn_blocking(work)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(Refusal::new(Kind::Internal, "REDACTION_FAILED", "the work ended early; try again")),
        Err(_) => Err(Refusal::deadline()),
    }
}

impl From<RedactError> for Refusal {
    fn from(error: RedactError) -> Self {
        Self::new(error.kind(), "REDACTION_FAILED", error.to_string())
    }
}

/// The operators of a request, checked.
fn operators(
    default: Option<proto::RedactOperator>,
    by_type: Vec<TypeOperator>,
    known: impl Fn(&str) -> bool,
) -> Result<Operators, Refusal> {
    let mut operators = Operators::all(operator(default.unwrap_or_default(), "default_operator")?);
    let mut seen = HashSet::new();
    for (index, entry) in by_type.into_iter().enumerate() {
        let at = format!("operators[{index}]");
        if !known(&entry.entity_type) {
            return Err(Refusal::field(
                format!("{at}.entity_type"),
                "UNKNOWN_ENTITY_TYPE",
                "is not an entity type of this service; ListEntityTypes names them all",
            ));
        }
        let Some(chosen) = entry.operator else {
            return Err(Refusal::field(format!("{at}.operator"), "EMPTY_REQUEST", "is not set; say what to do"));
        };
        if !seen.insert(entry.entity_type.clone()) {
            return Err(Refusal::field(
                format!("{at}.entity_type"),
                "AMBIGUOUS_REQUEST",
                "has an operator already; give one for each type",
            ));
        }
        operators = operators.with(EntityType::new(entry.entity_type), operator(chosen, &format!("{at}.operator"))?);
    }
    Ok(operators)
}

fn operator(operator: proto::RedactOperator, at: &str) -> Result<Operator, Refusal> {
    let Ok(kind) = OperatorKind::try_from(operator.kind) else {
        return Err(convert::unknown_enum(format!("{at}.kind")));
    };
    if kind != OperatorKind::Mask {
        for (field, set) in
            [("keep_last", operator.keep_last != 0), ("mask_character", !operator.mask_character.is_empty())]
        {
            if set {
                return Err(Refusal::field(format!("{at}.{field}"), "AMBIGUOUS_REQUEST", "belongs to kind MASK only"));
            }
        }
    }
    Ok(match kind {
        OperatorKind::Unspecified | OperatorKind::Replace => Operator::Replace,
        OperatorKind::Hash => Operator::Hash,
        OperatorKind::Encrypt => Operator::Encrypt,
        OperatorKind::Drop => Operator::Drop,
        OperatorKind::Keep => Operator::Keep,
        OperatorKind::Mask => {
            let mut characters = operator.mask_character.chars();
            let with = match (characters.next(), characters.next()) {
                (None, _) => '*',
                (Some(c), None) if !c.is_alphanumeric() && !c.is_control() && !c.is_whitespace() => c,
                _ => {
                    let message = "must be one character that is no letter, digit, space or control character";
                    return Err(Refusal::field(format!("{at}.mask_character"), "OUT_OF_RANGE", message));
                }
            };
            Operator::Mask { keep_last: usize::try_from(operator.keep_last).unwrap_or(usize::MAX), with }
        }
    })
}

/// The texts of a document, as the caller sent theirs.
fn reply(document: &Document, single: bool) -> (String, Vec<proto::Part>) {
    if single {
        let text = document.parts().first().map(|part| part.text.expose().to_owned());
        return (text.unwrap_or_default(), Vec::new());
    }
    let part = |part: &crate::document::Part| proto::Part {
        role: convert::role_to_proto(part.role) as i32,
        json_pointer: part.pointer.expose().to_owned(),
        text: part.text.expose().to_owned(),
    };
    (String::new(), document.parts().iter().map(part).collect())
}

fn span(span: &RedactedSpan) -> proto::RedactedSpan {
    let range =
        |range: &std::ops::Range<usize>| Some(proto::Range { start: range.start as u64, end: range.end as u64 });
    let operator = match span.operator {
        Operator::Replace => OperatorKind::Replace,
        Operator::Mask { .. } => OperatorKind::Mask,
        Operator::Hash => OperatorKind::Hash,
        Operator::Encrypt => OperatorKind::Encrypt,
        Operator::Drop => OperatorKind::Drop,
        Operator::Keep => OperatorKind::Keep,
    };
    proto::RedactedSpan {
        part_index: u32::try_from(span.part).unwrap_or(u32::MAX),
        original_byte_range: range(&span.original),
        redacted_byte_range: range(&span.redacted),
        entity_type: span.entity_type.to_string(),
        operator: operator as i32,
    }
}
