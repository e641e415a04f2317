//! The catalog: which entity types there are, and by what rules they are found. The rules are data, in the TOML files
//! of this folder, and each carries the examples that test it. This module loads and checks them; it must never accept
//! an entry that it cannot run.

mod check;
mod embedded;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use check::Checker;
pub use check::Problem;
pub use spec::{
    AddsUp, CatalogFile, ContextSetSpec, EntityTypeSpec, Example, Examples, ExclusionSpec, HotwordSpec, ListExamples,
    ListSpec, MatchMode, PatternSpec, RecognizerSpec, TriggerSpec, Words,
};

use super::{Category, Detector, EntityType, TermTable};
use crate::error::Kind;

/// The coarse labels that group entity types across catalogs and evaluation sets.
pub const COARSE: [&str; 26] = [
    "PERSON",
    "LOCATION",
    "ADDRESS",
    "ORG",
    "EMAIL",
    "PHONE",
    "CREDIT_CARD",
    "BANK_ACCOUNT",
    "NATIONAL_ID",
    "PASSPORT",
    "DRIVER_LICENSE",
    "MEDICAL_ID",
    "VEHICLE_ID",
    "IP_ADDRESS",
    "DEVICE_ID",
    "URL",
    "USERNAME",
    "DATE",
    "DATE_OF_BIRTH",
    "AGE",
    "NRP",
    "TITLE",
    "CRYPTO",
    "SECRET",
    "ID_OTHER",
    "OTHER",
];

/// A catalog that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", list(.problems))]
pub struct CatalogError {
    /// Everything that is wrong.
    pub problems: Vec<Problem>,
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl CatalogError {
    /// Always a fault of configuration.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::FailedPrecondition
    }
}

/// An entity type with what finds it.
#[derive(Clone, Debug)]
pub struct EntityTypeInfo {
    /// Name.
    pub name: EntityType,
    /// Group.
    pub category: Category,
    /// Coarse label.
    pub coarse: Arc<str>,
    /// One sentence for people.
    pub description: Arc<str>,
    /// Countries of the type and of its recognizers.
    pub countries: BTreeSet<String>,
    /// Whether it only helps rules to judge other findings; then it is evidence for the policy and never reported.
    pub cue: bool,
    /// Detectors of the catalog that find it; the model adds its own.
    pub detectors: BTreeSet<&'static str>,
    /// Names of the validators of its recognizers.
    pub validators: BTreeSet<String>,
    /// Sources of its recognizers and lists.
    pub sources: BTreeSet<String>,
}

/// Entity types, recognizers and word lists, checked.
#[derive(Clone, Debug)]
pub struct Catalog {
    types: BTreeMap<EntityType, EntityTypeInfo>,
    recognizers: Vec<Arc<RecognizerSpec>>,
    lists: Vec<Arc<ListSpec>>,
    context_sets: Vec<Arc<ContextSetSpec>>,
    hotwords: Vec<HotwordSpec>,
    exclusions: Vec<ExclusionSpec>,
    digest: Arc<str>,
}

impl Catalog {
    /// The catalog that the binary carries.
    ///
    /// # Errors
    /// When an entry is wrong; a test holds that none is.
    pub fn embedded() -> Result<Self, CatalogError> {
        Self::from_files(embedded::FILES)
    }

    /// A catalog of these files, each with its name for messages.
    ///
    /// # Errors
    /// When a file is no TOML of this form or an entry is wrong; all problems are named.
    pub fn from_files(files: &[(&str, &str)]) -> Result<Self, CatalogError> {
        let mut checker = Checker::new();
        let mut parsed = Vec::with_capacity(files.len());
        for (name, content) in files {
            match toml::from_str::<CatalogFile>(content) {
                Ok(file) => parsed.push((*name, file)),
                Err(error) => {
                    checker.enter(name, "");
                    checker.problem("", error.to_string());
                }
            }
        }
        let empty = Self {
            types: BTreeMap::new(),
            recognizers: Vec::new(),
            lists: Vec::new(),
            context_sets: Vec::new(),
            hotwords: Vec::new(),
            exclusions: Vec::new(),
            digest: "".into(),
        };
        empty.extended(parsed, checker, false)
    }

    /// This catalog with the recognizers and lists of a policy file. Their entity types are those of this catalog, or
    /// begin with `CUSTOM_`; one of those that `types` does not declare gets the category `other`.
    ///
    /// # Errors
    /// When an entry is wrong; all problems are named.
    pub fn with_custom(
        &self,
        types: Vec<EntityTypeSpec>,
        recognizers: Vec<RecognizerSpec>,
        lists: Vec<ListSpec>,
    ) -> Result<Self, CatalogError> {
        let file = CatalogFile { entity_type: types, recognizer: recognizers, list: lists, ..CatalogFile::default() };
        self.with_additions(file)
    }

    /// The same for everything that a catalog file may hold.
    fn with_additions(&self, mut file: CatalogFile) -> Result<Self, CatalogError> {
        const FILE: &str = "policy";
        let mut checker = Checker::new();
        checker.reserve(self.recognizers.iter().map(|spec| spec.id.as_str()));
        checker.reserve(self.lists.iter().map(|spec| spec.id.as_str()));
        checker.reserve(self.context_sets.iter().map(|spec| spec.id.as_str()));
        checker.reserve(self.hotwords.iter().map(|spec| spec.id.as_str()));
        checker.reserve(self.exclusions.iter().map(|spec| spec.id.as_str()));
        for spec in file.entity_type.iter().filter(|spec| !is_custom(&spec.name)) {
            checker.enter(FILE, spec.name.as_str());
            checker.problem("name", "an entity type of a policy begins with CUSTOM_");
        }
        let types = &mut file.entity_type;
        let of_recognizers = file.recognizer.iter().map(|spec| &spec.entity_type);
        let used = of_recognizers.chain(file.list.iter().map(|spec| &spec.entity_type));
        for name in used.filter(|name| is_custom(name)).collect::<BTreeSet<_>>() {
            if !types.iter().any(|spec| spec.name == *name) && !self.types.contains_key(name) {
                types.push(EntityTypeSpec {
                    name: name.clone(),
                    category: Category::Other,
                    coarse: "OTHER".to_owned(),
                    description: String::new(),
                    countries: Vec::new(),
                    cue: false,
                });
            }
        }
        self.clone().extended(vec![(FILE, file)], checker, true)
    }

    /// This catalog with one file of additions, as a policy carries it, and the terms that its lists took from files, by
    /// the id of the list.
    ///
    /// # Errors
    /// When the table has not the form of a catalog file, or an entry is wrong; all problems are named.
    pub fn with_custom_file(
        &self,
        table: toml::Table,
        files: &BTreeMap<String, Arc<TermTable>>,
    ) -> Result<Self, CatalogError> {
        match table.try_into::<CatalogFile>() {
            Ok(mut file) => {
                file.list.iter_mut().for_each(|list| list.table = files.get(&list.id).cloned());
                self.with_additions(file)
            }
            Err(error) => {
                let problem =
                    Problem { file: "policy".to_owned(), entry: String::new(), field: "", problem: error.to_string() };
                Err(CatalogError { problems: vec![problem] })
            }
        }
    }

    /// The coarse label of a type; `OTHER` for one that the catalog does not know.
    #[must_use]
    pub fn coarse(&self, name: &str) -> &str {
        self.entity_type(name).map_or("OTHER", |info| &info.coarse)
    }

    /// Every entity type, by name.
    pub fn entity_types(&self) -> impl Iterator<Item = &EntityTypeInfo> {
        self.types.values()
    }

    /// The entity type of this name.
    #[must_use]
    pub fn entity_type(&self, name: &str) -> Option<&EntityTypeInfo> {
        self.types.get(&EntityType::new(name))
    }

    /// Every recognizer.
    #[must_use]
    pub fn recognizers(&self) -> &[Arc<RecognizerSpec>] {
        &self.recognizers
    }

    /// Where the rule of a recognizer or word list comes from.
    #[must_use]
    pub fn source_of(&self, id: &str) -> Option<&str> {
        let recognizer = self.recognizers.binary_search_by(|spec| spec.id.as_str().cmp(id)).ok();
        let list = || self.lists.binary_search_by(|spec| spec.id.as_str().cmp(id)).ok();
        match recognizer {
            Some(at) => self.recognizers.get(at).map(|spec| spec.source.as_str()),
            None => list().and_then(|at| self.lists.get(at)).map(|spec| spec.source.as_str()),
        }
    }

    /// Every word list.
    #[must_use]
    pub fn lists(&self) -> &[Arc<ListSpec>] {
        &self.lists
    }

    /// Every set of context words.
    #[must_use]
    pub fn context_sets(&self) -> &[Arc<ContextSetSpec>] {
        &self.context_sets
    }

    /// Every hotword, in the order of the files.
    #[must_use]
    pub fn hotwords(&self) -> &[HotwordSpec] {
        &self.hotwords
    }

    /// Every exclusion.
    #[must_use]
    pub fn exclusions(&self) -> &[ExclusionSpec] {
        &self.exclusions
    }

    /// BLAKE3 of everything in it, in hexadecimal; the order of files and entries does not count.
    #[must_use]
    pub fn digest(&self) -> Arc<str> {
        Arc::clone(&self.digest)
    }

    fn extended(
        mut self,
        files: Vec<(&str, CatalogFile)>,
        mut checker: Checker,
        custom: bool,
    ) -> Result<Self, CatalogError> {
        for (name, file) in &files {
            for spec in &file.entity_type {
                checker.entity_type(name, spec, self.types.contains_key(&spec.name));
                self.types.insert(spec.name.clone(), EntityTypeInfo::of(spec));
            }
        }
        for (name, file) in &files {
            for spec in &file.context_set {
                checker.context_set(name, spec, &|wanted| self.types.contains_key(wanted));
                self.context_sets.push(Arc::new(spec.clone()));
            }
        }
        self.context_sets.sort_by(|a, b| a.id.cmp(&b.id));
        for (name, file) in &files {
            let known = |wanted: &EntityType| self.types.contains_key(wanted);
            file.hotword.iter().for_each(|spec| checker.hotword(name, spec, &known));
            file.exclusion.iter().for_each(|spec| checker.exclusion(name, spec, &known));
            self.hotwords.extend(file.hotword.iter().cloned());
            self.exclusions.extend(file.exclusion.iter().cloned());
        }
        // The built-in ones come first, so that a policy's own have the last word.
        if !custom {
            self.hotwords.sort_by(|a, b| a.id.cmp(&b.id));
            self.exclusions.sort_by(|a, b| a.id.cmp(&b.id));
        }
        for (name, file) in files {
            for mut spec in file.recognizer {
                checker.sets_exist(name, &spec, &self.context_sets);
                spec.take_context(&self.context_sets);
                checker.recognizer(name, &spec, &|wanted| self.types.contains_key(wanted));
                if let Some(info) = self.types.get_mut(&spec.entity_type) {
                    info.countries.extend(spec.countries.iter().cloned());
                    info.detectors.insert(spec.detector.as_str());
                    info.validators.extend(spec.validator.iter().cloned());
                    info.sources.insert(spec.source.clone());
                }
                self.recognizers.push(Arc::new(spec));
            }
            for spec in file.list {
                checker.list(name, &spec, &|wanted| self.types.contains_key(wanted), custom);
                if let Some(info) = self.types.get_mut(&spec.entity_type) {
                    info.detectors.insert(Detector::Dictionary.as_str());
                    info.sources.extend(Some(spec.source.clone()).filter(|source| !source.is_empty()));
                }
                self.lists.push(Arc::new(spec));
            }
        }
        if !checker.problems.is_empty() {
            return Err(CatalogError { problems: checker.problems });
        }
        self.recognizers.sort_by(|a, b| a.id.cmp(&b.id));
        self.lists.sort_by(|a, b| a.id.cmp(&b.id));
        self.digest = self.compute_digest().into();
        Ok(self)
    }

    /// Hashes the entries in the order of their names, each as JSON on its own line; map keys are sorted.
    fn compute_digest(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for info in self.types.values() {
            let EntityTypeInfo { name, category, coarse, description, countries, cue, .. } = info;
            line(&mut hasher, &(name, category, coarse.as_ref(), description.as_ref(), countries, cue));
        }
        for spec in &self.recognizers {
            line(&mut hasher, spec.as_ref());
        }
        self.hotwords.iter().for_each(|spec| line(&mut hasher, spec));
        self.exclusions.iter().for_each(|spec| line(&mut hasher, spec));
        for spec in &self.lists {
            line(&mut hasher, spec.as_ref());
            spec.table.iter().for_each(|table| line(&mut hasher, &table.digest()));
        }
        hasher.finalize().to_hex().to_string()
    }
}

fn line(hasher: &mut blake3::Hasher, entry: &impl serde::Serialize) {
    // The entries are plain strings, numbers and maps with string keys: writing them to memory cannot fail.
    if let Ok(json) = serde_json::to_vec(entry) {
        hasher.update(&json);
    }
    hasher.update(b"\n");
}

fn is_custom(name: &EntityType) -> bool {
    name.as_str().starts_with("CUSTOM_")
}

impl EntityTypeInfo {
    /// A type that only the model of the configuration knows.
    #[must_use]
    pub fn of_model(name: EntityType, category: Category) -> Self {
        Self {
            name,
            category,
            coarse: Arc::from("OTHER"),
            description: Arc::from("a label of the configured model"),
            countries: BTreeSet::new(),
            cue: false,
            detectors: BTreeSet::new(),
            validators: BTreeSet::new(),
            sources: BTreeSet::new(),
        }
    }

    fn of(spec: &EntityTypeSpec) -> Self {
        // Found by the words around them too, without a recognizer.
        let by_words = super::secrets::ENTITY_TYPES.contains(&spec.name.as_str());
        Self {
            name: spec.name.clone(),
            category: spec.category,
            coarse: spec.coarse.as_str().into(),
            description: spec.description.as_str().into(),
            countries: spec.countries.iter().cloned().collect(),
            cue: spec.cue,
            detectors: by_words.then_some(Detector::Secret.as_str()).into_iter().collect(),
            validators: BTreeSet::new(),
            sources: by_words.then(|| "written for this project".to_owned()).into_iter().collect(),
        }
    }
}
