//! What an organisation adds to the catalog in its policy file: entity types, recognizers and word lists, in the form
//! of the catalog's own files. The policy checks names and places here; the catalog judges the rest when it takes them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::{Spanned, Table, Value};

use crate::detect::{Category, TermTable};

use super::PolicyError;
use super::known::{KnownTypes, TypeTable, did_you_mean};
use super::problem::Problems;

/// Every type of an organisation's own begins so, and no other does.
pub const CUSTOM_PREFIX: &str = "CUSTOM_";

/// Bytes of a word list; a list of a million words fits.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// The terms that lists took from files, by the id of the list.
pub type TermFiles = BTreeMap<String, Arc<TermTable>>;

/// Additions to the catalog, as TOML tables in its own form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomCatalog {
    /// `[[entity_type]]` tables.
    pub entity_types: Vec<Table>,
    /// `[[recognizer]]` tables.
    pub recognizers: Vec<Table>,
    /// `[[list]]` tables, without `file`.
    pub lists: Vec<Table>,
    /// `[[hotword]]` tables.
    pub hotwords: Vec<Table>,
    /// `[[exclusion]]` tables.
    pub exclusions: Vec<Table>,
    /// The terms that lists took from files, by the id of the list.
    pub files: TermFiles,
}

impl CustomCatalog {
    /// Whether the policy adds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to_table().is_empty()
    }

    /// One catalog file that holds all of it, for the catalog's own strict reader.
    #[must_use]
    pub fn to_table(&self) -> Table {
        let tables = |tables: &[Table]| Value::Array(tables.iter().cloned().map(Value::Table).collect());
        let mut all = Table::new();
        for (key, values) in [
            ("entity_type", &self.entity_types),
            ("recognizer", &self.recognizers),
            ("list", &self.lists),
            ("hotword", &self.hotwords),
            ("exclusion", &self.exclusions),
        ] {
            if !values.is_empty() {
                all.insert(key.to_owned(), tables(values));
            }
        }
        all
    }
}

/// The `[[entity_type]]` tables of a policy as types, checked against those that exist.
pub(super) fn types(raw: &[Spanned<Table>], known: &dyn KnownTypes, problems: &mut Problems<'_>) -> TypeTable {
    let mut table = TypeTable::new().and(known);
    let mut names: Vec<String> = Vec::new();
    for (i, entry) in raw.iter().enumerate() {
        let field = format!("entity_type[{i}]");
        let Some(name) = string(entry, "name", &field, problems) else { continue };
        if !name.starts_with(CUSTOM_PREFIX) {
            problems.error(entry.span(), &field, format!("`{name}` must begin with `{CUSTOM_PREFIX}`"));
        }
        if !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_') {
            problems.error(entry.span(), &field, format!("`{name}` may hold only A-Z, 0-9 and `_`"));
        }
        if names.iter().any(|other| other == name) {
            problems.error(entry.span(), &field, format!("`{name}` is there twice"));
        }
        names.push(name.to_owned());
        let Some(category) = entry.get_ref().get("category").cloned() else {
            problems.error(entry.span(), &field, "needs `category`");
            continue;
        };
        match category.try_into::<Category>() {
            Ok(category) => {
                let cue = entry.get_ref().get("cue").and_then(Value::as_bool).unwrap_or(false);
                table = if cue { table.with_cue(name, category) } else { table.with(name, category) };
            }
            Err(error) => problems.error(entry.span(), format!("{field}.category"), error.message()),
        }
    }
    table
}

/// Checks that recognizers or lists have an id of their own and a type that exists.
pub(super) fn finders(kind: &str, raw: &[Spanned<Table>], known: &dyn KnownTypes, problems: &mut Problems<'_>) {
    let mut ids: Vec<&str> = Vec::new();
    for (i, entry) in raw.iter().enumerate() {
        let field = format!("{kind}[{i}]");
        if let Some(id) = string(entry, "id", &field, problems) {
            if ids.contains(&id) {
                problems.error(entry.span(), &field, format!("id `{id}` is there twice"));
            }
            ids.push(id);
        }
        if let Some(name) = string(entry, "entity_type", &field, problems)
            && known.category(name).is_none()
        {
            let hint = did_you_mean(name, &known.names()).map_or_else(
                || format!("add an [[entity_type]] of that name that begins with `{CUSTOM_PREFIX}`"),
                |near| format!("did you mean `{near}`?"),
            );
            problems.error(entry.span(), &field, format!("no entity type `{name}`; {hint}"));
        }
    }
}

fn string<'t>(entry: &'t Spanned<Table>, key: &str, field: &str, problems: &mut Problems<'_>) -> Option<&'t str> {
    let found = entry.get_ref().get(key).and_then(Value::as_str).filter(|value| !value.is_empty());
    if found.is_none() {
        problems.error(entry.span(), field, format!("needs `{key}`, a string"));
    }
    found
}

/// The `[[list]]` tables without `file`, and the terms of the files that they name, relative to the policy's own folder.
pub(super) fn lists(
    raw: &[Spanned<Table>],
    folder: Option<&Path>,
    problems: &mut Problems<'_>,
) -> Result<(Vec<Table>, TermFiles), PolicyError> {
    let mut lists = Vec::with_capacity(raw.len());
    let mut files = BTreeMap::new();
    for (i, entry) in raw.iter().enumerate() {
        let field = format!("list[{i}]");
        let mut list = entry.get_ref().clone();
        let file = list.remove("file");
        let inline = ["terms", "weighted", "ambiguous"].iter().any(|key| list.contains_key(*key));
        match (file, inline) {
            (None, true) => {}
            (None, false) => problems.error(entry.span(), &field, "needs `terms` or `file`"),
            (Some(_), true) => problems.error(entry.span(), &field, "has both `terms` and `file`; keep one"),
            (Some(file), false) => {
                let cased = list.get("match").and_then(Value::as_str) == Some("exact");
                let table = table_of(&file, cased, folder, entry.span(), &field, problems)?;
                if let (Some(table), Some(id)) = (table, list.get("id").and_then(Value::as_str)) {
                    files.insert(id.to_owned(), Arc::new(table));
                }
            }
        }
        lists.push(list);
    }
    Ok((lists, files))
}

fn table_of(
    file: &Value,
    cased: bool,
    folder: Option<&Path>,
    span: Range<usize>,
    field: &str,
    problems: &mut Problems<'_>,
) -> Result<Option<TermTable>, PolicyError> {
    let Some(file) = file.as_str() else {
        problems.error(span, field, "`file` must be a path");
        return Ok(None);
    };
    let Some(folder) = folder else {
        problems.error(span, field, "`file` works only in a policy that is itself read from a file; write `terms`");
        return Ok(None);
    };
    let text = read_limited(&folder.join(file), MAX_LIST_BYTES)?;
    match TermTable::read(&text, cased) {
        Ok(table) => Ok(Some(table)),
        Err(error) => {
            problems.error(span, field, format!("`{file}`: {error}"));
            Ok(None)
        }
    }
}

/// Reads a file of at most so many bytes.
pub(super) fn read_limited(path: &Path, limit: u64) -> Result<String, PolicyError> {
    use std::io::Read;
    let unreadable = |reason| PolicyError::Unreadable { path: path.to_owned(), reason };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    // One byte more than allowed tells a file of the limit from a longer one.
    file.take(limit + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > limit {
        return Err(PolicyError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(text)
}
