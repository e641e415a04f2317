//! What a scan found: by level, type, rule and file, with the places of the first findings of each type. What was not
//! scanned is part of it. This is the form that is printed; `count.rs` fills it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::policy::Sensitivity;

use super::judge::FoundAt;
use super::source::Place;

/// Version of the JSON form. A field may be added within one version; none is renamed or removed.
pub const JSON_VERSION: u32 = 1;
/// A type over all files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TypeCount {
    /// The type.
    pub entity_type: String,
    /// Its coarse label.
    pub coarse: String,
    /// What it is, in a sentence; empty if the catalog does not say.
    pub description: String,
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
#[derive(Clone, Debug, PartialEq, Serialize)]
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
}

impl Summary {
    /// The level that a gate must go by: what is no text counts as confidential too, unless it is accepted.
    #[must_use]
    pub fn gate_level(&self, accept_no_text: bool) -> Sensitivity {
        if self.no_text > 0 && !accept_no_text { Sensitivity::HIGHEST } else { self.level }
    }
}
