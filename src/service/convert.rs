//! Between the protocol and the types of Cordon, both ways. It checks what the caller sent, field by field, and
//! decides nothing. Options of the caller choose what is shown; they never change what is scanned or decided.

use std::collections::HashSet;

use crate::config::Limits;
use crate::detect::{self, Finding, Likelihood, Status as DetectorStatus};
use crate::document::{CodePoints, Document, JsonPaths, Part, Role, Text};
use crate::policy::{self, Complexity, Route, Sensitivity, Verdict};

use super::error::Refusal;
use super::proto;

/// Longest `request_id`, in bytes.
const MAX_REQUEST_ID: usize = 128;
/// Longest reason of an override, in bytes.
const MAX_REASON_CODE: usize = 64;
/// Longest JSON pointer that a caller may give to a part, in bytes.
const MAX_POINTER: usize = 1024;

/// Which findings a caller wants to see, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Show {
    min_score: f32,
    entity_types: HashSet<String>,
    quotes: bool,
    utf16: bool,
}

/// Checks the options; `known` says whether an entity type exists.
pub(crate) fn options(
    options: Option<proto::ClassifyOptions>,
    at: &str,
    known: impl Fn(&str) -> bool,
) -> Result<(Show, crate::classify::NerMode), Refusal> {
    let options = options.unwrap_or_default();
    if !(0.0..=1.0).contains(&options.min_score) {
        return Err(Refusal::field(format!("{at}.min_score"), "OUT_OF_RANGE", "must be from 0 to 1"));
    }
    for (index, name) in options.entity_types.iter().enumerate() {
        if !known(name) {
            return Err(Refusal::field(
                format!("{at}.entity_types[{index}]"),
                "UNKNOWN_ENTITY_TYPE",
                "is not an entity type of this service; ListEntityTypes names them all",
            ));
        }
    }
    let ner = match proto::NerMode::try_from(options.ner) {
        Ok(proto::NerMode::Unspecified | proto::NerMode::Auto) => crate::classify::NerMode::Auto,
        Ok(proto::NerMode::Always) => crate::classify::NerMode::Always,
        Err(_) => return Err(unknown_enum(format!("{at}.ner"))),
    };
    let show = Show {
        min_score: options.min_score,
        entity_types: options.entity_types.into_iter().collect(),
        quotes: options.include_quotes,
        utf16: options.include_utf16,
    };
    Ok((show, ner))
}

/// A value of an enum that this version does not know.
pub(crate) fn unknown_enum(field: impl Into<String>) -> Refusal {
    Refusal::field(field, "UNKNOWN_ENUM_VALUE", "has a value that this version does not know")
}

/// Checks a request id: empty, or printable ASCII without blanks.
pub(crate) fn request_id(id: &str) -> Result<(), Refusal> {
    if id.len() > MAX_REQUEST_ID || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Refusal::field(
            "request_id",
            "INVALID_REQUEST_ID",
            format!("must be at most {MAX_REQUEST_ID} printable ASCII characters without blanks"),
        ));
    }
    Ok(())
}

/// The declared level, if one is.
pub(crate) fn declared_level(value: i32) -> Result<Option<Sensitivity>, Refusal> {
    match proto::Sensitivity::try_from(value) {
        Ok(level) => Ok(level_from_proto(level)),
        Err(_) => Err(unknown_enum("declared_level")),
    }
}

/// The level that the caller asks for, with its reason, checked.
pub(crate) fn level_override(
    asked: Option<proto::LevelOverride>,
) -> Result<Option<crate::dispatch::LevelOverride>, Refusal> {
    let Some(asked) = asked else { return Ok(None) };
    let at = |field: &str| format!("level_override.{field}");
    let level = proto::Sensitivity::try_from(asked.level).map_err(|_| unknown_enum(at("level")))?;
    let Some(level) = level_from_proto(level) else {
        return Err(Refusal::field(at("level"), "EMPTY_REQUEST", "is not set; name the level that you ask for"));
    };
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    if asked.reason_code.len() > MAX_REASON_CODE || !asked.reason_code.bytes().all(word) {
        let message = format!("must be one word of at most {MAX_REASON_CODE} letters, digits, `-`, `_`, `.` or `:`");
        return Err(Refusal::field(at("reason_code"), "INVALID_REASON_CODE", message));
    }
    Ok(Some(crate::dispatch::LevelOverride { level, reason_code: asked.reason_code.into() }))
}

/// The level, if one is named.
pub(crate) fn level_from_proto(level: proto::Sensitivity) -> Option<Sensitivity> {
    match level {
        proto::Sensitivity::Unspecified => None,
        proto::Sensitivity::Public => Some(Sensitivity::Public),
        proto::Sensitivity::Internal => Some(Sensitivity::Internal),
        proto::Sensitivity::Confidential => Some(Sensitivity::Confidential),
    }
}

/// The complexity, if the caller states one.
pub(crate) fn complexity(value: i32) -> Result<Option<Complexity>, Refusal> {
    match proto::Complexity::try_from(value) {
        Ok(proto::Complexity::Unspecified) => Ok(None),
        Ok(proto::Complexity::Simple) => Ok(Some(Complexity::Simple)),
        Ok(proto::Complexity::Moderate) => Ok(Some(Complexity::Moderate)),
        Ok(proto::Complexity::Complex) => Ok(Some(Complexity::Complex)),
        Err(_) => Err(unknown_enum("complexity")),
    }
}

/// The role of a part or message.
pub(super) fn role(value: i32, field: impl Into<String>) -> Result<Role, Refusal> {
    match proto::Role::try_from(value) {
        Ok(proto::Role::Unspecified | proto::Role::User) => Ok(Role::User),
        Ok(proto::Role::System) => Ok(Role::System),
        Ok(proto::Role::Assistant) => Ok(Role::Assistant),
        Ok(proto::Role::Tool) => Ok(Role::Tool),
        Ok(proto::Role::ToolDefinition) => Ok(Role::ToolDefinition),
        Ok(proto::Role::Metadata) => Ok(Role::Metadata),
        Err(_) => Err(unknown_enum(field)),
    }
}

/// A role.
pub(crate) fn role_to_proto(role: Role) -> proto::Role {
    match role {
        Role::User => proto::Role::User,
        Role::System => proto::Role::System,
        Role::Assistant => proto::Role::Assistant,
        Role::Tool => proto::Role::Tool,
        Role::ToolDefinition => proto::Role::ToolDefinition,
        Role::Metadata => proto::Role::Metadata,
    }
}

/// Refuses a request that is larger than the limits allow.
pub(super) fn check_size(bytes: u64, parts: usize, field: &str, limits: &Limits) -> Result<(), Refusal> {
    if parts > limits.max_parts {
        return Err(Refusal::field(
            field,
            "TOO_MANY_PARTS",
            format!("has {parts} parts, the limit max_parts is {}; send fewer at a time", limits.max_parts),
        ));
    }
    if bytes > limits.max_text_bytes {
        return Err(Refusal::field(
            field,
            "TEXT_TOO_LARGE",
            format!(
                "holds {bytes} bytes, the limit max_text_bytes is {}; split the text, nothing was scanned",
                limits.max_text_bytes
            ),
        ));
    }
    Ok(())
}

/// The document of a classification.
pub(crate) fn document(text: String, parts: Vec<proto::Part>, limits: &Limits) -> Result<Document, Refusal> {
    match (text.is_empty(), parts.is_empty()) {
        (true, true) => {
            Err(Refusal::field("text", "EMPTY_REQUEST", "is empty and so is `parts`; set exactly one of the two"))
        }
        (false, false) => {
            Err(Refusal::field("parts", "AMBIGUOUS_REQUEST", "is set and so is `text`; set exactly one of the two"))
        }
        (false, true) => {
            check_size(text.len() as u64, 1, "text", limits)?;
            Ok(Document::of(text))
        }
        (true, false) => {
            let bytes = parts.iter().map(|part| part.text.len() as u64).sum();
            check_size(bytes, parts.len(), "parts", limits)?;
            let part = |(index, part): (usize, proto::Part)| {
                let role = role(part.role, format!("parts[{index}].role"))?;
                let pointer = match part.json_pointer {
                    pointer if pointer.is_empty() => format!("/parts/{index}/text"),
                    pointer if pointer.len() > MAX_POINTER || !pointer.starts_with('/') => {
                        return Err(Refusal::field(
                            format!("parts[{index}].json_pointer"),
                            "INVALID_JSON_POINTER",
                            format!("must start with `/` (RFC 6901) and have at most {MAX_POINTER} bytes"),
                        ));
                    }
                    pointer => pointer,
                };
                Ok(Part { role, pointer: Text::from(pointer), text: Text::from(part.text) })
            };
            Ok(Document::new(parts.into_iter().enumerate().map(part).collect::<Result<_, _>>()?))
        }
    }
}

/// A verdict as the caller wants to see it.
pub(crate) fn verdict(verdict: &Verdict, document: &Document, show: &Show) -> proto::Verdict {
    let mut offsets = Offsets::new(document);
    let rules = verdict.reasons_by_finding();
    let shown = verdict.findings().iter().zip(rules).filter(|(finding, _)| {
        finding.score >= show.min_score
            && (show.entity_types.is_empty() || show.entity_types.contains(finding.entity_type.as_str()))
    });
    proto::Verdict {
        level: level(verdict.level()) as i32,
        reasons: verdict.reasons().iter().map(reason).collect(),
        findings: shown.map(|(found, rules)| finding(found, &rules, &mut offsets, show)).collect(),
        topics: verdict
            .topics()
            .iter()
            .filter(|topic| topic.is_shown())
            .map(|topic| proto::Topic { name: topic.name.to_string(), probability: topic.probability })
            .collect(),
        coverage: Some(coverage(verdict.coverage())),
        policy: Some(policy(verdict.policy())),
    }
}

/// Where things stand in the part that is being converted: findings come in the order of parts.
struct Offsets<'d> {
    document: &'d Document,
    part: usize,
    table: Option<CodePoints<'d>>,
    /// Of a part that is JSON.
    paths: Option<JsonPaths>,
}

impl<'d> Offsets<'d> {
    fn new(document: &'d Document) -> Self {
        Self { document, part: usize::MAX, table: None, paths: None }
    }

    fn of(&mut self, part: usize) -> Option<&CodePoints<'_>> {
        if self.part != part {
            self.part = part;
            let text = self.document.parts().get(part).map(|part| part.text.expose());
            self.table = text.map(CodePoints::of);
            self.paths = text.and_then(JsonPaths::of);
        }
        self.table.as_ref()
    }

    /// The pointer to a place in the part of the last call of `of`: to the value, where the part is JSON.
    fn pointer(&self, byte: usize) -> String {
        let part = self.document.parts().get(self.part).map_or("", |part| part.pointer.expose());
        let inside = self.paths.as_ref().map_or("", |paths| paths.at(byte));
        format!("{part}{inside}")
    }
}

fn finding(found: &Finding, rules: &[&policy::Reason], offsets: &mut Offsets<'_>, show: &Show) -> proto::Finding {
    let part = offsets.document.parts().get(found.part);
    let range = |start: usize, end: usize| Some(proto::Range { start: start as u64, end: end as u64 });
    let (codepoint_range, utf16_range) = match offsets.of(found.part) {
        Some(table) => (
            range(table.code_point(found.range.start), table.code_point(found.range.end)),
            show.utf16.then(|| range(table.utf16(found.range.start), table.utf16(found.range.end))).flatten(),
        ),
        None => (None, None),
    };
    let quote = part.filter(|_| show.quotes).and_then(|part| part.text.expose().get(found.range.clone()));
    proto::Finding {
        entity_type: found.entity_type.to_string(),
        category: found.category.as_str().to_owned(),
        score: found.score,
        likelihood: likelihood(found.likelihood()) as i32,
        byte_range: range(found.range.start, found.range.end),
        codepoint_range,
        utf16_range,
        part_index: u32::try_from(found.part).unwrap_or(u32::MAX),
        json_pointer: offsets.pointer(found.range.start),
        detector: detector(found.detector) as i32,
        recognizer: found.recognizer.to_string(),
        explanation: Some(explanation(&found.explanation)),
        quote: quote.unwrap_or_default().to_owned(),
        used_by: rules.iter().map(|reason| reason.rule.to_string()).collect(),
    }
}

fn explanation(explanation: &detect::Explanation) -> proto::Explanation {
    let adjustment = |adjustment: &detect::Adjustment| proto::ScoreAdjustment {
        reason: adjustment.reason.to_owned(),
        score: adjustment.score,
    };
    proto::Explanation {
        pattern: explanation.pattern.to_string(),
        validator: explanation.validator.to_string(),
        context_words: explanation.context_words.iter().map(ToString::to_string).collect(),
        base_score: explanation.base_score,
        note: explanation.note.to_string(),
        adjustments: explanation.adjustments.iter().map(adjustment).collect(),
    }
}

fn reason(reason: &policy::Reason) -> proto::Reason {
    proto::Reason {
        rule: reason.rule.to_string(),
        level: level(reason.level) as i32,
        description: reason.description.to_string(),
        entity_types: reason.entity_types.iter().map(ToString::to_string).collect(),
    }
}

/// A receipt.
pub(crate) fn coverage(coverage: &detect::Coverage) -> proto::Coverage {
    let entry = |entry: &detect::DetectorCoverage| {
        let (status, reason) = match &entry.status {
            DetectorStatus::Complete => (proto::CoverageStatus::Complete, ""),
            DetectorStatus::PermittedSkip(why) => (proto::CoverageStatus::PermittedSkip, why.as_ref()),
            DetectorStatus::Failed(why) => (proto::CoverageStatus::Failed, why.as_ref()),
        };
        proto::DetectorCoverage {
            detector: detector(entry.detector) as i32,
            status: status as i32,
            bytes_scanned: entry.bytes_scanned,
            bytes_total: entry.bytes_total,
            reason: reason.to_owned(),
            digest: entry.digest.to_string(),
        }
    };
    proto::Coverage { complete: coverage.is_complete(), detectors: coverage.detectors.iter().map(entry).collect() }
}

/// A reference to a policy.
pub(crate) fn policy(policy: &policy::PolicyReference) -> proto::PolicyReference {
    proto::PolicyReference {
        name: policy.name.to_string(),
        version: policy.version.to_string(),
        digest: policy.digest.to_string(),
    }
}

/// A level.
pub(crate) fn level(level: Sensitivity) -> proto::Sensitivity {
    match level {
        Sensitivity::Public => proto::Sensitivity::Public,
        Sensitivity::Internal => proto::Sensitivity::Internal,
        Sensitivity::Confidential => proto::Sensitivity::Confidential,
    }
}

/// A route.
pub(crate) fn route(route: Route) -> proto::Route {
    match route {
        Route::Local => proto::Route::Local,
        Route::CloudRedacted => proto::Route::CloudRedacted,
        Route::Cloud => proto::Route::Cloud,
    }
}

/// The route, if one is named.
pub(crate) fn route_from_proto(route: proto::Route) -> Option<Route> {
    match route {
        proto::Route::Unspecified => None,
        proto::Route::Local => Some(Route::Local),
        proto::Route::Cloud => Some(Route::Cloud),
        proto::Route::CloudRedacted => Some(Route::CloudRedacted),
    }
}

/// A complexity.
pub(crate) fn complexity_to_proto(complexity: Complexity) -> proto::Complexity {
    match complexity {
        Complexity::Simple => proto::Complexity::Simple,
        Complexity::Moderate => proto::Complexity::Moderate,
        Complexity::Complex => proto::Complexity::Complex,
    }
}

/// A detector.
pub(crate) fn detector(detector: detect::Detector) -> proto::Detector {
    match detector {
        detect::Detector::Pattern => proto::Detector::Pattern,
        detect::Detector::Dictionary => proto::Detector::Dictionary,
        detect::Detector::Secret => proto::Detector::Secret,
        detect::Detector::Ner => proto::Detector::Ner,
    }
}

fn likelihood(likelihood: Likelihood) -> proto::Likelihood {
    match likelihood {
        Likelihood::VeryUnlikely => proto::Likelihood::VeryUnlikely,
        Likelihood::Unlikely => proto::Likelihood::Unlikely,
        Likelihood::Possible => proto::Likelihood::Possible,
        Likelihood::Likely => proto::Likelihood::Likely,
        Likelihood::VeryLikely => proto::Likelihood::VeryLikely,
    }
}
