//! `cordon types`: which entity types there are, where their rules come from, and what a single check says. It writes the
//! reference page `docs/entity-types.md` too, so that the page can never say anything but what the catalog holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{self, BufRead as _, Write as _};

use serde::Serialize;

use crate::detect::{Catalog, Detector, validators};
use crate::policy::Policy;
use crate::startup;

use super::{CommandResult, Common, Exit, Failure, output};

/// Types that the model of the program finds, with or without a rule beside it. The model is not loaded for a list of
/// names; a test compares these with what the service lists.
const MODEL_TYPES: [&str; 17] = [
    "AGE",
    "BANK_ACCOUNT_NUMBER",
    "CASE_NUMBER",
    "DATE_OF_BIRTH",
    "DATE_TIME",
    "HEALTH_CONDITION",
    "LOCATION",
    "MEDICAL_RECORD_NUMBER",
    "NATIONAL_ID",
    "NRP",
    "ORGANIZATION",
    "PASSWORD",
    "PERSON",
    "PHONE_NUMBER",
    "STREET_ADDRESS",
    "TITLE",
    "USERNAME",
];

/// Arguments of `types`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print JSON lines.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the reference page of the built-in types.
    #[arg(long)]
    markdown: bool,
    /// Read values from standard input, one a line, and say for each whether this check accepts it: `true` or `false`.
    #[arg(long, value_name = "VALIDATOR", conflicts_with_all = ["json", "markdown"])]
    validate: Option<String>,
}

/// What there is to say about a type.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    category: &'static str,
    coarse: &'a str,
    description: &'a str,
    countries: &'a BTreeSet<String>,
    /// Evidence for the rules of a policy, never reported.
    cue: bool,
    detectors: BTreeSet<&'static str>,
    validators: &'a BTreeSet<String>,
    sources: &'a BTreeSet<String>,
    examples: Examples,
}

/// How many texts of the catalog must, and must not, hold the type. They run as tests.
#[derive(Clone, Copy, Default, Serialize)]
struct Examples {
    positive: usize,
    negative: usize,
}

pub(super) fn run(common: &Common, arguments: &Arguments) -> CommandResult {
    if let Some(name) = &arguments.validate {
        return validate(name);
    }
    let embedded = Catalog::embedded()?;
    if arguments.markdown {
        io::stdout().write_all(page(&embedded).as_bytes())?;
        return Ok(Exit::Done);
    }
    let policy = match &common.file()?.policy {
        Some(path) => Policy::load(path, &embedded)?,
        None => Policy::embedded(&embedded)?,
    };
    let catalog = startup::catalog(&embedded, &policy)?;
    let rows = rows(&catalog);
    if arguments.json {
        rows.iter().try_for_each(output::json)?;
        return Ok(Exit::Done);
    }
    let mut table = output::table(&["Type", "Class", "Countries", "Checks", "What it is"]);
    for row in &rows {
        let (countries, validators) = (joined(row.countries, " "), shortened(row.validators));
        table.add_row([row.name, row.coarse, &countries, &validators, row.description]);
    }
    output::line(table)?;
    output::note(&summary(&rows));
    Ok(Exit::Done)
}

/// Answers line by line, in the order of the input.
fn validate(name: &str) -> CommandResult {
    let validator = validators::by_name(name).ok_or_else(|| {
        Failure(format!("there is no validator {name:?}; `cordon types` names those of each entity type"))
    })?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        writeln!(out, "{}", validator(&line?))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn rows(catalog: &Catalog) -> Vec<Row<'_>> {
    let examples = examples(catalog);
    let types = catalog.entity_types().map(|info| {
        let name = info.name.as_str();
        let of_model = MODEL_TYPES.contains(&name).then_some(Detector::Ner.as_str());
        Row {
            name,
            category: info.category.as_str(),
            coarse: &info.coarse,
            description: &info.description,
            countries: &info.countries,
            cue: info.cue,
            detectors: info.detectors.iter().copied().chain(of_model).collect(),
            validators: &info.validators,
            sources: &info.sources,
            examples: examples.get(name).copied().unwrap_or_default(),
        }
    });
    types.collect()
}

fn examples(catalog: &Catalog) -> BTreeMap<&str, Examples> {
    let mut examples: BTreeMap<&str, Examples> = BTreeMap::new();
    let recognizers = catalog
        .recognizers()
        .iter()
        .map(|spec| (spec.entity_type.as_str(), spec.examples.positive.len(), spec.examples.negative.len()));
    let lists = catalog
        .lists()
        .iter()
        .map(|spec| (spec.entity_type.as_str(), spec.examples.positive.len(), spec.examples.negative.len()));
    for (name, positive, negative) in recognizers.chain(lists) {
        let of_type = examples.entry(name).or_default();
        of_type.positive += positive;
        of_type.negative += negative;
    }
    examples
}

fn joined(names: &BTreeSet<String>, separator: &str) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(separator)
}

/// Names for a table: of a type with many checks, how many.
fn shortened(names: &BTreeSet<String>) -> String {
    if names.len() > 2 { format!("{} checks", names.len()) } else { joined(names, " ") }
}

fn summary(rows: &[Row<'_>]) -> String {
    let countries: BTreeSet<&String> = rows.iter().flat_map(|row| row.countries).collect();
    format!("{} entity types, {} countries", rows.len(), countries.len())
}

/// The reference page.
fn page(catalog: &Catalog) -> String {
    let rows = rows(catalog);
    let mut page = format!(
        "<!-- Written by `make reference`; do not edit. -->\n\n# Entity types\n\n{}, by category. A policy may add its own. \
         `cordon types` prints this list, `cordon types --json` for programs, and `ListEntityTypes` answers it for a \
         running service, with what its model adds.\n\n\
         - *Class*: the coarse label of evaluation (`cordon eval`) and of JSON output.\n\
         - *Detectors*: `pattern` (expressions with checks and context words), `secret` (structure of credentials), \
         `dictionary` (word lists), `ner` (the model).\n\
         - *Checks*: what a found value must pass; `cordon types --validate NAME` runs one on lines of its input.\n\
         - *Examples*: texts in the catalog that must hold the type, and texts that must not; every one is a test.\n\n\
         A *cue* is evidence for the rules of a policy and never reported as a finding. A type without a detector is \
         for models that know it.\n",
        summary(&rows)
    );
    let mut categories: Vec<&str> = rows.iter().map(|row| row.category).collect();
    categories.sort_unstable();
    categories.dedup();
    for category in categories {
        let title = category.replace('_', " ");
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## {}\n\n| Type | What it is | Class | Countries | Detectors | Checks | Sources | Examples |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n",
            title.get(..1).unwrap_or_default().to_uppercase() + title.get(1..).unwrap_or_default()
        );
        for row in rows.iter().filter(|row| row.category == category) {
            let detectors = row.detectors.iter().copied().collect::<Vec<_>>().join(", ");
            let checks: Vec<String> = row.validators.iter().map(|name| format!("`{name}`")).collect();
            let sources: Vec<String> = row.sources.iter().map(|source| link(source)).collect();
            let cue = if row.cue { " (cue)" } else { "" };
            let _ = writeln!(
                page,
                "| `{}`{cue} | {} | `{}` | {} | {detectors} | {} | {} | {} + {} |",
                row.name,
                row.description.replace('|', "\\|"),
                row.coarse,
                joined(row.countries, " "),
                checks.join(" "),
                sources.join(", "),
                row.examples.positive,
                row.examples.negative
            );
        }
    }
    page
}

/// A source as a link with the name of its host, or as it is.
fn link(source: &str) -> String {
    let host = source.strip_prefix("https://").and_then(|rest| rest.split('/').next());
    match host {
        Some(host) if !source.contains(' ') => format!("[{}]({source})", host.trim_start_matches("www.")),
        _ => source.replace('|', "\\|"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_says_what_the_catalog_holds() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/entity-types.md");
        let committed = std::fs::read_to_string(path).unwrap();
        let current = page(&Catalog::embedded().unwrap());
        let differs = committed.lines().zip(current.lines()).find(|(old, new)| old != new);
        assert!(
            committed == current,
            "docs/entity-types.md is not what the catalog holds; `make reference` writes it anew. First: {differs:#?}"
        );
    }

    #[test]
    fn sources_become_links_with_short_names() {
        assert_eq!(link("https://www.cpr.dk/a/b"), "[cpr.dk](https://www.cpr.dk/a/b)");
        assert_eq!(link("ISO 7064"), "ISO 7064");
    }

    #[test]
    fn the_types_of_the_model_are_in_the_catalog() {
        let catalog = Catalog::embedded().unwrap();
        for name in MODEL_TYPES {
            assert!(catalog.entity_type(name).is_some(), "{name}");
        }
    }
}
