//! Counting while a scan goes on, in whatever order its texts are done; the same files give the same summary.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::classify::Classifier;
use crate::detect::Catalog;
use crate::policy::{PolicyReference, Sensitivity};

use super::judge::{Judged, MAX_PLACES};
use super::source::{Note, Unscanned};
use super::summary::{
    FileReport, JSON_VERSION, NotScanned, NoteRow, PlaceRow, RuleCount, RuleInFile, Summary, TypeCount, TypeInFile,
};

/// Places kept of all files together; findings past them are counted.
const MAX_ALL_PLACES: usize = 200_000;
/// Things that were not scanned and notes that are listed one by one; more are counted.
const MAX_LISTED: usize = 10_000;

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

/// Counts while a scan goes on.
pub(crate) struct Counter {
    summary: Summary,
    catalog: Arc<Catalog>,
    by_file: BTreeMap<Arc<str>, InFile>,
    descriptions: BTreeMap<Arc<str>, (Sensitivity, Arc<str>)>,
    places: usize,
}

impl Counter {
    pub(super) fn new(classifier: &Classifier) -> Self {
        Self::of(classifier.policy().reference(), classifier.catalog())
    }

    /// A count of verdicts by this policy.
    pub(crate) fn of(policy: &PolicyReference, catalog: Arc<Catalog>) -> Self {
        let summary = Summary {
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
            policy: format!("{} {} {}", policy.name, policy.version, policy.digest),
        };
        let (by_file, descriptions) = (BTreeMap::new(), BTreeMap::new());
        Self { summary, catalog, by_file, descriptions, places: 0 }
    }

    pub(crate) fn file(&mut self, path: &Arc<str>, bytes: u64) {
        self.summary.files += 1;
        self.summary.bytes = self.summary.bytes.saturating_add(bytes);
        self.by_file.entry(Arc::clone(path)).or_default();
    }

    pub(crate) fn note(&mut self, note: Note) {
        if self.summary.notes.len() < MAX_LISTED {
            self.summary.notes.push(NoteRow { path: note.path.to_string(), note: note.text });
        }
    }

    pub(crate) fn unscanned(&mut self, unscanned: Unscanned) {
        let no_text = unscanned.reason.is_no_text();
        let counter = if no_text { &mut self.summary.no_text } else { &mut self.summary.gaps };
        *counter += 1;
        let file = self.by_file.entry(Arc::clone(&unscanned.path)).or_default();
        if no_text {
            file.no_text = true;
        } else {
            file.not_scanned += 1;
        }
        if self.summary.not_scanned.len() < MAX_LISTED {
            self.summary.not_scanned.push(NotScanned {
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
        self.summary.gaps += 1;
        self.by_file.entry(path.into()).or_default().not_scanned += 1;
        if self.summary.not_scanned.len() < MAX_LISTED {
            self.summary.not_scanned.push(NotScanned { path: path.to_owned(), place, reason, says, no_text: false });
        }
    }

    /// A gap of which no place is known.
    pub(crate) fn broken(&mut self, says: &str) {
        self.summary.gaps += 1;
        self.summary.not_scanned.push(NotScanned {
            path: String::new(),
            place: String::new(),
            reason: "defect",
            says: says.to_owned(),
            no_text: false,
        });
    }

    pub(crate) fn judged(&mut self, judged: Judged) {
        self.summary.texts += 1;
        self.summary.incomplete += u64::from(!judged.complete);
        *self.summary.texts_by_level.entry(judged.level.as_str()).or_default() += 1;
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

    pub(crate) fn finish(mut self) -> Summary {
        let mut types: BTreeMap<Arc<str>, TypeCount> = BTreeMap::new();
        let mut rules: BTreeMap<Arc<str>, (u64, u64)> = BTreeMap::new();
        for (path, file) in std::mem::take(&mut self.by_file) {
            let level = if file.not_scanned > 0 { Some(Sensitivity::HIGHEST) } else { file.level };
            match level {
                Some(level) => *self.summary.files_by_level.entry(level.as_str()).or_default() += 1,
                // A table of numbers, a mailbox without a message: there was nothing to judge.
                None if !file.no_text => {
                    *self.summary.files_by_level.entry(Sensitivity::Public.as_str()).or_default() += 1
                }
                None => *self.summary.files_by_level.entry("not_scanned").or_default() += 1,
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
            self.summary.found.push(FileReport {
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
        self.summary.found.sort_by(|a, b| {
            b.level.cmp(&a.level).then_with(|| weight(b).cmp(&weight(a))).then_with(|| a.path.cmp(&b.path))
        });
        let catalog = Arc::clone(&self.catalog);
        self.summary.entity_types = types
            .into_iter()
            .map(|(name, count)| TypeCount {
                coarse: catalog.coarse(&name).to_owned(),
                description: catalog.entity_type(&name).map(|info| info.description.to_string()).unwrap_or_default(),
                entity_type: name.to_string(),
                ..count
            })
            .collect();
        self.summary.entity_types.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.entity_type.cmp(&b.entity_type)));
        for (name, (texts, files)) in rules {
            let (level, description) = self
                .descriptions
                .get(&name)
                .map_or((Sensitivity::HIGHEST, ""), |(level, says)| (*level, says.as_ref()));
            self.summary.rules.push(RuleCount {
                rule: name.to_string(),
                level,
                description: description.to_owned(),
                texts,
                files,
            });
        }
        self.summary.rules.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.rule.cmp(&b.rule)));
        self.summary.not_scanned.sort();
        self.summary.notes.sort();
        let worst = self.summary.found.iter().map(|report| report.level).max().unwrap_or(Sensitivity::Public);
        self.summary.level = if self.summary.gaps > 0 { Sensitivity::HIGHEST } else { worst };
        self.summary
    }
}

/// The first places, in the order of the file.
fn trim(places: &mut Vec<PlaceRow>) {
    let key =
        |row: &PlaceRow| (row.at.record, row.at.line, row.at.column, row.at.section.clone(), row.at.field.clone());
    places.sort_by_cached_key(key);
    places.truncate(MAX_PLACES);
}
