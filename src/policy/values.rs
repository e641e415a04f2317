//! Values that a policy knows by name or form: those that are harmless, such as the organisation's own published
//! addresses, and those that are always findings, such as the name of a deal. Each may be for some callers only. A value
//! that is both is a finding: where a policy contradicts itself, nothing leaks.

use std::collections::HashMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use toml::Spanned;

use crate::detect::{
    Category, Detector, DetectorCoverage, EntityType, Explanation, Finding, MAX_FINDINGS, Status, TermTable,
};
use crate::document::Document;

use super::compile::known_type;
use super::condition::TypeIndex;
use super::file::RawPolicy;
use super::known::KnownTypes;
use super::problem::Problems;
use super::view::Evidence;

/// Largest compiled expression in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// Longest value that the expression of a `[[deny]]` may match, in bytes. All matches in a text are looked for, which
/// takes time in proportion to it.
const MAX_DENIED: usize = 512;

/// Values that are harmless.
#[derive(Clone, Debug, Default)]
pub(super) struct Allowed {
    /// From a value in small letters to the entries that name it.
    values: HashMap<String, Vec<usize>>,
    entries: Vec<AllowedEntry>,
}

#[derive(Clone, Debug)]
struct AllowedEntry {
    regex: Vec<Regex>,
    /// Empty for all.
    callers: Vec<String>,
    /// Empty for all.
    types: Vec<usize>,
}

impl Allowed {
    pub(super) fn new(raw: &RawPolicy, index: &TypeIndex, problems: &mut Problems<'_>) -> Self {
        let mut all = Self::default();
        for (i, allow) in raw.allow.iter().enumerate() {
            let (span, allow) = (allow.span(), allow.get_ref());
            let field = format!("allow[{i}]");
            if allow.values.iter().all(|value| value.trim().is_empty()) && allow.regex.is_empty() {
                problems.error(span.clone(), &field, "allows nothing; add `values` or `regex`");
            }
            if allow.reason.trim().is_empty() {
                problems.warning(span, &field, "has no `reason`; the next reader cannot judge it");
            }
            for value in &allow.values {
                all.values.entry(value.trim().to_lowercase()).or_default().push(all.entries.len());
            }
            let whole = |regex: &Spanned<String>, problems: &mut Problems<'_>| {
                compiled(regex, &format!(r"\A(?:{})\z", regex.get_ref()), &field, problems)
            };
            all.entries.push(AllowedEntry {
                regex: allow.regex.iter().filter_map(|regex| whole(regex, problems)).collect(),
                callers: allow.callers.clone(),
                types: allow.entity_types.iter().filter_map(|name| known_type(index, problems, name, &field)).collect(),
            });
        }
        all
    }

    /// Whether the value of a finding is harmless for this caller.
    pub(super) fn holds(&self, finding: &Finding, document: &Document, caller: &str, index: &TypeIndex) -> bool {
        if self.entries.is_empty() {
            return false;
        }
        let value = document.parts().get(finding.part).and_then(|part| part.text.expose().get(finding.range.clone()));
        let Some(value) = value.map(str::trim) else { return false };
        let number = index.number(finding.entity_type.as_str());
        let meant = |entry: &AllowedEntry| {
            is_for(&entry.callers, caller)
                && (entry.types.is_empty() || number.is_some_and(|number| entry.types.contains(&number)))
        };
        let named = self.values.get(&value.to_lowercase()).into_iter().flatten();
        named.filter_map(|at| self.entries.get(*at)).any(meant)
            || self.entries.iter().any(|entry| meant(entry) && entry.regex.iter().any(|regex| regex.is_match(value)))
    }
}

/// Values that are always findings.
#[derive(Clone, Debug, Default)]
pub(super) struct Denied {
    entries: Vec<DeniedEntry>,
}

#[derive(Clone, Debug)]
struct DeniedEntry {
    id: Arc<str>,
    entity_type: EntityType,
    category: Category,
    values: Option<Arc<TermTable>>,
    regex: Vec<Regex>,
    /// Empty for all.
    callers: Vec<String>,
}

impl Denied {
    pub(super) fn new(raw: &RawPolicy, known: &dyn KnownTypes, index: &TypeIndex, problems: &mut Problems<'_>) -> Self {
        let mut entries = Vec::with_capacity(raw.deny.len());
        for (i, deny) in raw.deny.iter().enumerate() {
            let (span, deny) = (deny.span(), deny.get_ref());
            let field = format!("deny[{i}]");
            let name = deny.entity_type.get_ref();
            let known_name = known_type(index, problems, &deny.entity_type, &format!("{field}.entity_type"));
            let category = known.category(name).filter(|_| known_name.is_some());
            if deny.values.is_empty() && deny.regex.is_empty() {
                problems.error(span.clone(), &field, "denies nothing; add `values` or `regex`");
            }
            if deny.reason.trim().is_empty() {
                problems.warning(span.clone(), &field, "has no `reason`; the next reader cannot judge it");
            }
            let values = match TermTable::of(deny.values.iter().map(String::as_str)) {
                _ if deny.values.is_empty() => None,
                Ok(table) => Some(Arc::new(table)),
                Err(error) => {
                    problems.error(span.clone(), format!("{field}.values"), error.to_string());
                    None
                }
            };
            let allowed_too = |value: &&String| {
                raw.allow.iter().any(|allow| {
                    allow
                        .get_ref()
                        .values
                        .iter()
                        .any(|other| other.trim().to_lowercase() == value.trim().to_lowercase())
                })
            };
            if deny.values.iter().any(|value| allowed_too(&value)) {
                problems.warning(span, &field, "a value is allowed too; denied values are findings all the same");
            }
            let regex = deny.regex.iter().filter_map(|regex| denied_form(regex, &field, problems)).collect();
            let Some(category) = category else { continue };
            entries.push(DeniedEntry {
                id: format!("{DENIED_PREFIX}{i}").into(),
                entity_type: EntityType::new(name.as_str()),
                category,
                values,
                regex,
                callers: deny.callers.clone(),
            });
        }
        Self { entries }
    }

    /// Adds a finding for each place of a denied value.
    pub(super) fn add_to(&self, evidence: &mut Evidence<'_>) {
        for entry in self.entries.iter().filter(|entry| is_for(&entry.callers, evidence.caller)) {
            let mut places = Vec::new();
            for (part, text) in evidence.document.parts().iter().enumerate() {
                let text = text.text.expose();
                if let Some(values) = &entry.values {
                    values.find_in(text, &mut |range| places.push((part, range)));
                }
                for regex in &entry.regex {
                    let room = MAX_FINDINGS.saturating_sub(places.len()) + 1;
                    places.extend(regex.find_iter(text).take(room).map(|found| (part, found.range())));
                }
            }
            if places.len() > MAX_FINDINGS {
                // What is left out is not unknown to be harmless.
                places.truncate(MAX_FINDINGS);
                evidence.coverage.detectors.push(DetectorCoverage {
                    detector: Detector::Dictionary,
                    status: Status::Failed("too_many_findings".into()),
                    bytes_scanned: 0,
                    bytes_total: evidence.document.total_bytes(),
                    digest: Arc::default(),
                });
            }
            evidence.findings.extend(places.into_iter().map(|(part, range)| Finding {
                part,
                range,
                entity_type: entry.entity_type.clone(),
                category: entry.category,
                score: 1.0,
                detector: Detector::Dictionary,
                recognizer: Arc::clone(&entry.id),
                explanation: Explanation {
                    pattern: Arc::clone(&entry.id),
                    base_score: 1.0,
                    note: "denied by the policy".into(),
                    ..Explanation::default()
                },
            }));
        }
    }
}

impl Allowed {
    /// The types of the entries for this caller; `None` if one of them means every type.
    pub(super) fn types(&self, caller: &str) -> Option<Vec<usize>> {
        let mut types = Vec::new();
        for entry in self.entries.iter().filter(|entry| is_for(&entry.callers, caller)) {
            if entry.types.is_empty() {
                return None;
            }
            types.extend(&entry.types);
        }
        Some(types)
    }
}

impl Denied {
    /// The types of the entries for this caller.
    pub(super) fn types(&self, caller: &str) -> impl Iterator<Item = (&EntityType, Category)> {
        let meant = self.entries.iter().filter(move |entry| is_for(&entry.callers, caller));
        meant.map(|entry| (&entry.entity_type, entry.category))
    }
}

/// How the ids of denied values begin in findings.
pub(super) const DENIED_PREFIX: &str = "deny_";

/// Equal for equal lists of allowed and denied values, in whatever policy they stand; `None` for none.
pub(super) fn digest(raw: &RawPolicy) -> Option<Arc<str>> {
    if raw.allow.is_empty() && raw.deny.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    let mut strings = |kind: &str, strings: &mut dyn Iterator<Item = &str>| {
        hasher.update(kind.as_bytes());
        for text in strings {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        hasher.update(&u64::MAX.to_le_bytes());
    };
    for allow in raw.allow.iter().map(Spanned::get_ref) {
        strings("allow", &mut allow.values.iter().map(String::as_str));
        strings("regex", &mut allow.regex.iter().map(|regex| regex.get_ref().as_str()));
        strings("callers", &mut allow.callers.iter().map(String::as_str));
        strings("types", &mut allow.entity_types.iter().map(|name| name.get_ref().as_str()));
    }
    for deny in raw.deny.iter().map(Spanned::get_ref) {
        strings("deny", &mut std::iter::once(deny.entity_type.get_ref().as_str()));
        strings("values", &mut deny.values.iter().map(String::as_str));
        strings("regex", &mut deny.regex.iter().map(|regex| regex.get_ref().as_str()));
        strings("callers", &mut deny.callers.iter().map(String::as_str));
    }
    Some(hasher.finalize().to_hex().chars().take(16).collect::<String>().into())
}

fn is_for(callers: &[String], caller: &str) -> bool {
    callers.is_empty() || callers.iter().any(|name| name == caller)
}

/// The form of a denied value: it is never empty, and not longer than a limit, so that a search is linear.
fn denied_form(regex: &Spanned<String>, field: &str, problems: &mut Problems<'_>) -> Option<Regex> {
    let lengths = regex_syntax::parse(regex.get_ref()).ok().map(|hir| {
        (hir.properties().minimum_len().unwrap_or_default(), hir.properties().maximum_len().unwrap_or(usize::MAX))
    });
    match lengths {
        Some((0, _)) => {
            problems.error(regex.span(), format!("{field}.regex"), "matches the empty text");
            None
        }
        Some((_, longest)) if longest > MAX_DENIED => {
            let problem = format!("bound what repeats: a value may have at most {MAX_DENIED} bytes, as in `{{1,40}}`");
            problems.error(regex.span(), format!("{field}.regex"), problem);
            None
        }
        _ => compiled(regex, regex.get_ref(), field, problems),
    }
}

fn compiled(regex: &Spanned<String>, pattern: &str, field: &str, problems: &mut Problems<'_>) -> Option<Regex> {
    match RegexBuilder::new(pattern).case_insensitive(true).size_limit(REGEX_SIZE).build() {
        Ok(compiled) => Some(compiled),
        Err(error) => {
            problems.error(regex.span(), format!("{field}.regex"), error.to_string());
            None
        }
    }
}
