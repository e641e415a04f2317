//! What a record keeps of a request so that another policy can be asked about it later: cues, lengths, code points, which
//! values were equal and which had a form that the policy asked for. It holds numbers and names of types alone; it must
//! never hold a value, a piece of one or anything that tells one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detect::{Category, Detector, EntityType, Finding, in_millionths};
use crate::document::{Document, Role};

use super::Verdict;
use super::condition::{Condition, Selection, TypeIndex, Values};
use super::distinct::{self, Key};
use super::file::RawRole;
use super::view::{code_points, marks};

/// At most this many parts are listed; of more, none is.
const MAX_PARTS: usize = 4096;
/// At most this many cues are listed; the rest are counted.
const MAX_CUES: usize = 4096;

/// What conditions looked at beside the findings. What is absent was empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Recalled {
    /// Things that no detector can read, such as images.
    #[serde(skip_serializing_if = "is_zero")]
    pub unscannable: u64,
    /// The parts in order, if anything was found and there were not too many of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartLength>,
    /// Cues: what helped to judge and is not reported.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cues: Vec<RecalledCues>,
    /// Cues that are not listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub cues_omitted: u64,
    /// Start and end in code points of each listed finding, then of each cue. Empty if they are those in bytes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<(u64, u64)>,
    /// For each listed finding of the category `person`, in order: numbers of the words of the name. Equal numbers mean
    /// equal words in this record alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Vec<u32>>,
    /// For each other listed finding, in order: the number of its letters and digits. Equal numbers mean equal ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<u32>,
    /// Which listed findings had a form that the policy asked for. A form that concerned no finding is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<Forms>,
    /// Digest of the policy's `[[allow]]` and `[[deny]]`; absent if it has neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lists: Option<Arc<str>>,
    /// How many findings the policy allowed by their value, so that they are not listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed: Vec<(EntityType, Category, u64)>,
}

/// Who speaks in a part, and its length in bytes and in code points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartLength(pub(super) RawRole, pub(super) u64, pub(super) u64);

impl PartLength {
    pub(super) fn role(&self) -> Role {
        self.0.into()
    }
}

/// The cues of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecalledCues {
    /// The type.
    #[serde(rename = "type")]
    pub entity_type: EntityType,
    /// Its group.
    pub category: Category,
    /// Who found them.
    pub detector: Detector,
    /// Part, first byte, byte after the last, score in millionths.
    pub at: Vec<(u64, u64, u64, u32)>,
}

/// A list of beginnings and endings, by digest, and the listed findings whose values had one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forms(pub(super) Arc<str>, pub(super) Vec<u32>);

impl Recalled {
    /// Whether the value of a listed finding had a form; `None` if nobody looked.
    pub(super) fn fits(&self, form: &str, finding: usize) -> Option<bool> {
        let Forms(_, fitting) = self.forms.iter().find(|Forms(id, _)| **id == *form)?;
        Some(fitting.iter().any(|index| *index as usize == finding))
    }

    /// Whether nothing of it needs to be kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A list that conditions compare values with, and the types that they compare.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) values: Values,
    pub(super) types: Vec<Arc<str>>,
}

/// The lists of some conditions, each once.
pub(super) fn forms<'c>(conditions: impl Iterator<Item = &'c Condition>, index: &TypeIndex) -> Arc<[Form]> {
    let mut forms: BTreeMap<Arc<str>, Form> = BTreeMap::new();
    let names = index.names();
    let mut visit = |selection: &Selection| {
        for values in selection.values.iter().chain(&selection.except_values) {
            let form = forms
                .entry(Arc::clone(&values.id))
                .or_insert_with(|| Form { values: values.clone(), types: Vec::new() });
            let chosen = |name: &&Arc<str>| {
                // By number: a type that the index knows is never judged by its category.
                index.number(name).is_some_and(|number| selection.types.contains(Some(number), Category::Other))
            };
            form.types.extend(names.iter().filter(chosen).cloned());
            form.types.sort_unstable();
            form.types.dedup();
        }
    };
    conditions.for_each(|condition| condition.each_selection(&mut visit));
    forms.into_values().collect()
}

impl Verdict {
    /// What a record that lists so many findings keeps beside them. `document` is the one that the verdict is about.
    #[must_use]
    pub fn recalled(&self, document: &Document, listed: usize) -> Recalled {
        let mut recalled = Recalled {
            unscannable: document.unscannable() as u64,
            lists: self.lists.clone(),
            allowed: self.allowed_by_type(),
            ..Recalled::default()
        };
        let findings = self.findings.get(..listed.min(self.findings.len())).unwrap_or_default();
        if findings.is_empty() && self.cues.is_empty() {
            return recalled;
        }
        if document.parts().len() <= MAX_PARTS {
            let length = |part: &crate::document::Part| {
                let text = part.text.expose();
                PartLength(part.role.into(), text.len() as u64, code_points(text))
            };
            recalled.parts = document.parts().iter().map(length).collect();
        }
        let places = points(findings, document);
        let cues = self.cues.get(..MAX_CUES.min(self.cues.len())).unwrap_or_default();
        recalled.cues_omitted = (self.cues.len() - cues.len()) as u64;
        let cue_places = points(cues, document);
        let mut groups: BTreeMap<(&str, Category, Detector), Vec<usize>> = BTreeMap::new();
        for (at, cue) in cues.iter().enumerate() {
            groups.entry((cue.entity_type.as_str(), cue.category, cue.detector)).or_default().push(at);
        }
        recalled.points = places;
        for ((entity_type, category, detector), members) in groups {
            let mut group =
                RecalledCues { entity_type: EntityType::new(entity_type), category, detector, at: Vec::new() };
            for member in members {
                if let (Some(cue), Some(place)) = (cues.get(member), cue_places.get(member)) {
                    let (start, end) = (cue.range.start as u64, cue.range.end as u64);
                    group.at.push((cue.part as u64, start, end, in_millionths(cue.score)));
                    recalled.points.push(*place);
                }
            }
            recalled.cues.push(group);
        }
        let bytes = findings.iter().map(|finding| (finding.range.start as u64, finding.range.end as u64));
        let cue_bytes = recalled.cues.iter().flat_map(|group| group.at.iter().map(|(_, start, end, _)| (*start, *end)));
        if bytes.chain(cue_bytes).eq(recalled.points.iter().copied()) {
            recalled.points.clear();
        }
        // Numbered over all findings, as conditions number them.
        let keys = distinct::keys(&self.findings, document, |_| false);
        let mut unique = u32::MAX;
        for (finding, key) in findings.iter().zip(keys) {
            match key {
                Key::Name(words) => recalled.names.push(words.into_vec()),
                Key::Value(number) => recalled.values.push(number),
                _ if finding.category == Category::Person => recalled.names.push(Vec::new()),
                _ => {
                    // A number that no value has.
                    recalled.values.push(unique);
                    unique = unique.saturating_sub(1);
                }
            }
        }
        recalled.forms = self.forms_of(findings, document);
        recalled
    }

    fn allowed_by_type(&self) -> Vec<(EntityType, Category, u64)> {
        let mut counts: BTreeMap<(&EntityType, Category), u64> = BTreeMap::new();
        for finding in &self.allowed {
            *counts.entry((&finding.entity_type, finding.category)).or_default() += 1;
        }
        counts.into_iter().map(|((entity_type, category), count)| (entity_type.clone(), category, count)).collect()
    }

    fn forms_of(&self, findings: &[Finding], document: &Document) -> Vec<Forms> {
        let concerned = |form: &&Form| {
            findings.iter().any(|finding| form.types.iter().any(|name| **name == *finding.entity_type.as_str()))
        };
        let fitting = |form: &Form| {
            let fits = |(index, finding): (usize, &Finding)| {
                let value = super::view::value(document, finding.part, &finding.range);
                form.values.fit(value).then(|| u32::try_from(index).ok()).flatten()
            };
            Forms(Arc::clone(&form.values.id), findings.iter().enumerate().filter_map(fits).collect())
        };
        self.forms.iter().filter(concerned).map(fitting).collect()
    }
}

/// Start and end of findings in code points of their parts.
fn points(findings: &[Finding], document: &Document) -> Vec<(u64, u64)> {
    let mut base = 0;
    let mut bases = Vec::with_capacity(document.parts().len());
    if findings.is_empty() {
        return Vec::new();
    }
    for part in document.parts() {
        bases.push(base);
        base += code_points(part.text.expose()) + 1;
    }
    let relative = |mark: super::view::Mark| match bases.get(mark.part) {
        Some(base) => (mark.points.start.saturating_sub(*base), mark.points.end.saturating_sub(*base)),
        // Outside the document: where it ends.
        None => (mark.range.start as u64, mark.range.end as u64),
    };
    marks(findings, document, |_| None).into_iter().map(relative).collect()
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
