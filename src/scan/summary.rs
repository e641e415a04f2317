//! What a scan found, counted: by level, type, rule and file, with the places of the first findings of each type. The same
//! files give the same summary, in whatever order their texts were done. What was not scanned is part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use crate::classify::Classifier;
use crate::detect::Catalog;
use crate::policy::{PolicyReference, Sensitivity};

use super::judge::{FoundAt, Judged, MAX_PLACES};
use super::source::{Note, Place, Unscanned};

/// Version of the JSON form. A field may be added within one version; none is renamed or removed.
pub const JSON_VERSION: u32 = 1;
/// Places kept of all files together; findings past them are counted.
const MAX_ALL_PLACES: usize = 200_000;
/// Things that were not scanned and notes that are listed one by one; more are counted.
const MAX_LISTED: usize = 10_000;

/// A type over all files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TypeCount {
    /// The type.
    pub entity_type: String,
    /// Its coarse label.
    pub coarse: String,
    /// Findings.
    pub count: u64,
    /// Files with one.
    pub files: u64,
}

/// A rule over all files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// Its id in the policy.
    pub rule: String,
    /// The level that it gives.
    pub level: Sensitivity,
    /// What it says.
    pub description: String,
    /// Texts to which it applied.
    pub texts: u64,
    /// Files with one.
    pub files: u64,
}

/// A finding with its place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlaceRow {
    /// Where.
    #[serde(flatten)]
    pub at: FoundAt,
    /// How sure that is, from 0 to 1.
    pub score: f32,
    /// The highest level of the rules that it made apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Sensitivity>,
    /// The value, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
}

/// A type in one file.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TypeInFile {
    /// The type.
    pub entity_type: String,
    /// Findings.
    pub count: u64,
    /// The first of them.
    pub places: Vec<PlaceRow>,
    /// Those that are counted and not listed.
    pub omitted: u64,
}

/// A rule in one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleInFile {
    /// Its id in the policy.
    pub rule: String,
    /// The level that it gives.
    pub level: Sensitivity,
    /// Texts of the file to which it applied.
    pub texts: u64,
    /// The first of them.
    pub first: Place,
}

/// A file of which there is something to say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileReport {
    /// Its path as it was given.
    pub path: String,
    /// The highest level of its texts; confidential if a part was not scanned.
    pub level: Sensitivity,
    /// Texts: records, messages' parts, pieces.
    pub texts: u64,
    /// Those that some detector did not see whole.
    pub incomplete: u64,
    /// Parts that were not scanned at all.
    pub not_scanned: u64,
    /// What was found.
    pub types: Vec<TypeInFile>,
    /// Which rules applied.
    pub rules: Vec<RuleInFile>,
}

/// Something that was not scanned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NotScanned {
    /// The file.
    pub path: String,
    /// Where in it; empty for all of it.
    pub place: String,
    /// `unreadable`, `binary`, `no_file`, `too_long`, `malformed`, `nested_column` or `defect`; over a queue also
    /// `too_large` or `dead_letter`.
    pub reason: &'static str,
    /// In words.
    pub says: String,
    /// Whether it is no text to begin with.
    pub no_text: bool,
}

/// Something to know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct NoteRow {
    /// The file; empty for all.
    pub path: String,
    /// What.
    pub note: String,
}

/// A whole scan.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// [`JSON_VERSION`].
    pub version: u32,
    /// The highest level of all texts; confidential if text was not scanned.
    pub level: Sensitivity,
    /// Files.
    pub files: u64,
    /// Texts classified.
    pub texts: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Texts that some detector did not see whole.
    pub incomplete: u64,
    /// Files by level.
    pub files_by_level: BTreeMap<&'static str, u64>,
    /// Texts by level.
    pub texts_by_level: BTreeMap<&'static str, u64>,
    /// Types, the most frequent first.
    pub entity_types: Vec<TypeCount>,
    /// Rules, the highest level first.
    pub rules: Vec<RuleCount>,
    /// Files with findings, rules or gaps, the worst first.
    pub found: Vec<FileReport>,
    /// What was not scanned.
    pub not_scanned: Vec<NotScanned>,
    /// How many things were not scanned that are text, or may be.
    pub gaps: u64,
    /// How many are no text to begin with.
    pub no_text: u64,
    /// What to know.
    pub notes: Vec<NoteRow>,
    /// The policy that decided.
    pub policy: String,
    #[serde(skip)]
    catalog: Arc<Catalog>,
    #[serde(skip)]
    by_file: BTreeMap<Arc<str>, InFile>,
    #[serde(skip)]
    descriptions: BTreeMap<Arc<str>, (Sensitivity, Arc<str>)>,
    #[serde(skip)]
    places: usize,
}

#[derive(Clone, Debug, Default)]
struct InFile {
    level: Option<Sensitivity>,
    texts: u64,
    incomplete: u64,
    not_scanned: u64,
    no_text: bool,
    types: BTreeMap<Arc<str>, TypeInFile>,
    rules: BTreeMap<Arc<str>, RuleInFile>,
}

impl Summary {
    pub(super) fn new(classifier: &Classifier) -> Self {
        Self::of(classifier.policy().reference(), classifier.catalog())
    }

    /// One of verdicts by this policy.
    pub(crate) fn of(policy: &PolicyReference, catalog: Arc<Catalog>) -> Self {
        let reference = policy;
        Self {
            version: JSON_VERSION,
            level: Sensitivity::Public,
            files: 0,
            texts: 0,
            bytes: 0,
            incomplete: 0,
            files_by_level: BTreeMap::new(),
            texts_by_level: BTreeMap::new(),
            entity_types: Vec::new(),
            rules: Vec::new(),
            found: Vec::new(),
            not_scanned: Vec::new(),
            gaps: 0,
            no_text: 0,
            notes: Vec::new(),
            policy: format!("{} {} {}", reference.name, reference.version, reference.digest),
            catalog,
            by_file: BTreeMap::new(),
            descriptions: BTreeMap::new(),
            places: 0,
        }
    }

    pub(crate) fn file(&mut self, path: &Arc<str>, bytes: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.by_file.entry(Arc::clone(path)).or_default();
    }

    pub(crate) fn note(&mut self, note: Note) {
        if self.notes.len() < MAX_LISTED {
            self.notes.push(NoteRow { path: note.path.to_string(), note: note.text });
        }
    }

    pub(crate) fn unscanned(&mut self, unscanned: Unscanned) {
        let no_text = unscanned.reason.is_no_text();
        let counter = if no_text { &mut self.no_text } else { &mut self.gaps };
        *counter += 1;
        let file = self.by_file.entry(Arc::clone(&unscanned.path)).or_default();
        if no_text {
            file.no_text = true;
        } else {
            file.not_scanned += 1;
        }
        if self.not_scanned.len() < MAX_LISTED {
            self.not_scanned.push(NotScanned {
                path: unscanned.path.to_string(),
                place: unscanned.place.map(|place| place.to_string()).unwrap_or_default(),
                reason: unscanned.reason.as_str(),
                says: unscanned.reason.to_string(),
                no_text,
            });
        }
    }

    /// A text about which nobody decided, although it could be read.
    pub(crate) fn undecided(&mut self, path: &str, place: String, reason: &'static str, says: String) {
        self.gaps += 1;
        self.by_file.entry(path.into()).or_default().not_scanned += 1;
        if self.not_scanned.len() < MAX_LISTED {
            self.not_scanned.push(NotScanned { path: path.to_owned(), place, reason, says, no_text: false });
        }
    }

    /// A gap of which no place is known.
    pub(crate) fn broken(&mut self, says: &str) {
        self.gaps += 1;
        self.not_scanned.push(NotScanned {
            path: String::new(),
            place: String::new(),
            reason: "defect",
            says: says.to_owned(),
            no_text: false,
        });
    }

    pub(crate) fn judged(&mut self, judged: Judged) {
        self.texts += 1;
        self.incomplete += u64::from(!judged.complete);
        *self.texts_by_level.entry(judged.level.as_str()).or_default() += 1;
        let file = self.by_file.entry(judged.path).or_default();
        file.texts += 1;
        file.incomplete += u64::from(!judged.complete);
        file.level = file.level.max(Some(judged.level));
        for applied in judged.rules {
            let rule = file.rules.entry(Arc::clone(&applied.rule)).or_insert_with(|| RuleInFile {
                rule: applied.rule.to_string(),
                level: applied.level,
                texts: 0,
                first: judged.place.clone(),
            });
            rule.texts += 1;
            // Texts are done in any order; the first of them is the first in the file.
            if judged.place < rule.first {
                rule.first = judged.place.clone();
            }
            self.descriptions.entry(applied.rule).or_insert((applied.level, applied.description));
        }
        for hit in judged.hits {
            let found = file.types.entry(Arc::clone(&hit.entity_type)).or_default();
            found.count += 1;
            if let Some(at) = hit.at {
                found.places.push(PlaceRow { at, score: hit.score, level: hit.level, quote: hit.quote });
                self.places += 1;
            }
            // Twice the number is kept until it is sorted, so that the first stay and memory is bounded.
            if found.places.len() > 2 * MAX_PLACES {
                trim(&mut found.places);
                self.places -= MAX_PLACES + 1;
            }
            if self.places > MAX_ALL_PLACES && found.places.len() > 1 {
                found.places.pop();
                self.places -= 1;
            }
        }
    }

    pub(crate) fn finish(mut self) -> Self {
        let mut types: BTreeMap<Arc<str>, TypeCount> = BTreeMap::new();
        let mut rules: BTreeMap<Arc<str>, (u64, u64)> = BTreeMap::new();
        for (path, file) in std::mem::take(&mut self.by_file) {
            let level = if file.not_scanned > 0 { Some(Sensitivity::HIGHEST) } else { file.level };
            match level {
                Some(level) => *self.files_by_level.entry(level.as_str()).or_default() += 1,
                // A table of numbers, a mailbox without a message: there was nothing to judge.
                None if !file.no_text => *self.files_by_level.entry(Sensitivity::Public.as_str()).or_default() += 1,
                None => *self.files_by_level.entry("not_scanned").or_default() += 1,
            }
            for (name, found) in &file.types {
                let count = types.entry(Arc::clone(name)).or_default();
                count.count += found.count;
                count.files += 1;
            }
            for (name, found) in &file.rules {
                let count = rules.entry(Arc::clone(name)).or_default();
                *count = (count.0 + found.texts, count.1 + 1);
            }
            if file.types.is_empty() && file.rules.is_empty() && file.not_scanned == 0 && file.incomplete == 0 {
                continue;
            }
            let mut listed: Vec<TypeInFile> = Vec::new();
            for (name, mut found) in file.types {
                trim(&mut found.places);
                found.entity_type = name.to_string();
                found.omitted = found.count.saturating_sub(found.places.len() as u64);
                listed.push(found);
            }
            listed.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.entity_type.cmp(&b.entity_type)));
            let mut applied: Vec<RuleInFile> = file.rules.into_values().collect();
            applied.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.rule.cmp(&b.rule)));
            self.found.push(FileReport {
                path: path.to_string(),
                level: level.unwrap_or(Sensitivity::Public),
                texts: file.texts,
                incomplete: file.incomplete,
                not_scanned: file.not_scanned,
                types: listed,
                rules: applied,
            });
        }
        let weight = |report: &FileReport| report.types.iter().map(|found| found.count).sum::<u64>();
        self.found.sort_by(|a, b| {
            b.level.cmp(&a.level).then_with(|| weight(b).cmp(&weight(a))).then_with(|| a.path.cmp(&b.path))
        });
        let catalog = Arc::clone(&self.catalog);
        self.entity_types = types
            .into_iter()
            .map(|(name, count)| TypeCount {
                coarse: catalog.coarse(&name).to_owned(),
                entity_type: name.to_string(),
                ..count
            })
            .collect();
        self.entity_types.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.entity_type.cmp(&b.entity_type)));
        for (name, (texts, files)) in rules {
            let (level, description) = self
                .descriptions
                .get(&name)
                .map_or((Sensitivity::HIGHEST, ""), |(level, says)| (*level, says.as_ref()));
            self.rules.push(RuleCount {
                rule: name.to_string(),
                level,
                description: description.to_owned(),
                texts,
                files,
            });
        }
        self.rules.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.rule.cmp(&b.rule)));
        self.not_scanned.sort();
        self.notes.sort();
        let worst = self.found.iter().map(|report| report.level).max().unwrap_or(Sensitivity::Public);
        self.level = if self.gaps > 0 { Sensitivity::HIGHEST } else { worst };
        self
    }

    /// The level that a gate must go by: what is no text counts as confidential too, unless it is accepted.
    #[must_use]
    pub fn gate_level(&self, accept_no_text: bool) -> Sensitivity {
        if self.no_text > 0 && !accept_no_text { Sensitivity::HIGHEST } else { self.level }
    }

    /// What a type is, in a sentence.
    #[must_use]
    pub fn describe_type(&self, name: &str) -> String {
        let described = self.catalog.entity_type(name).map(|info| info.description.to_string());
        described.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("a finding of the type {name}"))
    }

    /// The types of all files, for whoever lists rules.
    #[must_use]
    pub fn type_names(&self) -> BTreeSet<&str> {
        self.entity_types.iter().map(|count| count.entity_type.as_str()).collect()
    }
}

/// The first places, in the order of the file.
fn trim(places: &mut Vec<PlaceRow>) {
    let key =
        |row: &PlaceRow| (row.at.record, row.at.line, row.at.column, row.at.section.clone(), row.at.field.clone());
    places.sort_by_cached_key(key);
    places.truncate(MAX_PLACES);
}
