//! The policy file as it is written: TOML tables turned into structs, nothing judged yet. An unknown field is an error,
//! because a misspelt condition would be a condition that never holds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::detect::{Category, Detector, Likelihood};
use crate::document::Role;

use super::problem::position;
use super::table::RestoreIn;
use super::{BudgetOverrun, Complexity, PolicyError, Route, Sensitivity};

/// The format of policy files that this build reads.
pub(super) const FORMAT: u32 = 1;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawPolicy {
    pub(super) format: Spanned<u32>,
    pub(super) name: Spanned<String>,
    pub(super) version: Spanned<String>,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) scan: RawScan,
    #[serde(default)]
    pub(super) limits: RawLimits,
    #[serde(default)]
    pub(super) group: BTreeMap<String, Spanned<RawSelection>>,
    #[serde(default)]
    pub(super) rule: Vec<Spanned<RawRule>>,
    #[serde(default)]
    pub(super) route: Vec<Spanned<RawRoute>>,
    #[serde(default, rename = "override")]
    pub(super) overrides: Vec<Spanned<RawOverride>>,
    #[serde(default)]
    pub(super) allow: Vec<Spanned<RawAllow>>,
    #[serde(default)]
    pub(super) deny: Vec<Spanned<RawDeny>>,
    #[serde(default)]
    pub(super) entity_type: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    pub(super) recognizer: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    pub(super) list: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    pub(super) hotword: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    pub(super) exclusion: Vec<Spanned<toml::Table>>,
    #[serde(default)]
    pub(super) test: Vec<Spanned<RawTest>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawScan {
    pub(super) min_score: f32,
    pub(super) skip_ner_when_rules_reach_highest: bool,
    pub(super) unscannable_content: Sensitivity,
}

impl Default for RawScan {
    fn default() -> Self {
        Self { min_score: 0.4, skip_ner_when_rules_reach_highest: true, unscannable_content: Sensitivity::HIGHEST }
    }
}

/// What happens at a limit that the configuration sets.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) budget_overrun: Option<BudgetOverrun>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    pub(super) id: Spanned<String>,
    pub(super) level: Sensitivity,
    pub(super) description: String,
    pub(super) when: Spanned<RawCondition>,
    pub(super) unless: Option<Spanned<RawCondition>>,
}

/// What selects findings, from a condition or from one side of `near`.
pub(super) struct Narrowed<'a> {
    pub(super) group: Option<&'a Spanned<String>>,
    pub(super) any_of: &'a [Spanned<String>],
    pub(super) categories: &'a [Category],
    pub(super) except: &'a [Spanned<String>],
    pub(super) min_score: Option<f32>,
    pub(super) min_likelihood: Option<Likelihood>,
    pub(super) roles: Vec<Role>,
    pub(super) detectors: &'a [Detector],
    pub(super) values: Option<&'a RawValues>,
    pub(super) except_values: Option<&'a RawValues>,
    pub(super) unless_near: &'a [Spanned<RawExcuse>],
}

/// Writes a struct that begins with the keys that select findings. A flattened struct would be shorter, but serde then
/// neither refuses unknown keys nor knows where a key stands in the file.
macro_rules! selecting {
    ($(#[$about:meta])* $name:ident { $($field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct $name {
            pub(super) group: Option<Spanned<String>>,
            pub(super) any_of: Vec<Spanned<String>>,
            pub(super) categories: Vec<Category>,
            pub(super) except: Vec<Spanned<String>>,
            pub(super) min_score: Option<f32>,
            pub(super) min_likelihood: Option<Likelihood>,
            pub(super) roles: Vec<RawRole>,
            pub(super) detectors: Vec<Detector>,
            pub(super) values: Option<RawValues>,
            pub(super) except_values: Option<RawValues>,
            pub(super) unless_near: Vec<Spanned<RawExcuse>>,
            $(pub(super) $field: $type,)*
        }

        impl<'a> From<&'a $name> for Narrowed<'a> {
            fn from(raw: &'a $name) -> Self {
                Self {
                    group: raw.group.as_ref(),
                    any_of: &raw.any_of,
                    categories: &raw.categories,
                    except: &raw.except,
                    min_score: raw.min_score,
                    min_likelihood: raw.min_likelihood,
                    roles: raw.roles.iter().map(|role| Role::from(*role)).collect(),
                    detectors: &raw.detectors,
                    values: raw.values.as_ref(),
                    except_values: raw.except_values.as_ref(),
                    unless_near: &raw.unless_near,
                }
            }
        }
    };
}

selecting! {
    /// One condition: every key that is given must hold. Behind the keys that say which findings: how many of them,
    /// several at once, how close together, what else is known of the request, and conditions inside.
    RawCondition {
        count: Option<u32>,
        distinct: Option<u32>,
        kinds: Option<u32>,
        all_of: Vec<Spanned<String>>,
        none_of: Vec<Spanned<String>>,
        near: Vec<Spanned<RawSelection>>,
        within: Option<u64>,
        unit: Option<Unit>,
        scope: Option<Scope>,
        declared: Option<Sensitivity>,
        callers: Vec<String>,
        topics: BTreeMap<String, f32>,
        always: Option<bool>,
        all: Vec<Spanned<RawCondition>>,
        any: Vec<Spanned<RawCondition>>,
        not: Option<Box<Spanned<RawCondition>>>,
    }
}

selecting! {
    /// Which findings one side of `near` takes, or a `[group.NAME]` that rules share.
    RawSelection {}
}

/// Beginnings and endings of values, in any case. A finding fits when any of them fits.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawValues {
    pub(super) starts_with: Vec<String>,
    pub(super) ends_with: Vec<String>,
}

/// What, close to a finding, makes it not count: a cue of fiction, of a sample, of a public office.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExcuse {
    pub(super) any_of: Vec<Spanned<String>>,
    pub(super) within: u64,
    #[serde(default)]
    pub(super) unit: Unit,
    #[serde(default)]
    pub(super) scope: Scope,
}

/// Unit of a distance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unit {
    #[default]
    CodePoints,
    Bytes,
}

/// Whether a distance may reach from one part into the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scope {
    #[default]
    Part,
    Document,
}

/// [`Role`] as policies and records write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RawRole {
    System,
    User,
    Assistant,
    Tool,
    ToolDefinition,
    Metadata,
}

impl From<RawRole> for Role {
    fn from(role: RawRole) -> Self {
        match role {
            RawRole::System => Self::System,
            RawRole::User => Self::User,
            RawRole::Assistant => Self::Assistant,
            RawRole::Tool => Self::Tool,
            RawRole::ToolDefinition => Self::ToolDefinition,
            RawRole::Metadata => Self::Metadata,
        }
    }
}

impl From<Role> for RawRole {
    fn from(role: Role) -> Self {
        match role {
            Role::System => Self::System,
            Role::User => Self::User,
            Role::Assistant => Self::Assistant,
            Role::Tool => Self::Tool,
            Role::ToolDefinition => Self::ToolDefinition,
            Role::Metadata => Self::Metadata,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoute {
    pub(super) id: Spanned<String>,
    /// Absent: every level, which `check` refuses for `to = "cloud"`.
    pub(super) levels: Option<Vec<Sensitivity>>,
    pub(super) complexities: Option<Vec<Complexity>>,
    pub(super) callers: Option<Vec<String>>,
    pub(super) to: Route,
    #[serde(default)]
    pub(super) fallback: bool,
    pub(super) redacted_levels: Option<Vec<Sensitivity>>,
    pub(super) restore_in: Option<Vec<RestoreIn>>,
    #[serde(default)]
    pub(super) escalate: bool,
}

/// Who may have text treated as of a lower level.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawOverride {
    pub(super) id: Spanned<String>,
    pub(super) callers: Vec<String>,
    pub(super) from: Sensitivity,
    pub(super) to: Sensitivity,
    #[serde(default = "yes")]
    pub(super) reason_required: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawAllow {
    #[serde(default)]
    pub(super) values: Vec<String>,
    /// For the whole value, in any case.
    #[serde(default)]
    pub(super) regex: Vec<Spanned<String>>,
    /// For requests of these callers only; of all if empty.
    #[serde(default)]
    pub(super) callers: Vec<String>,
    #[serde(default)]
    pub(super) entity_types: Vec<Spanned<String>>,
    /// For the people who review the policy.
    #[serde(default)]
    pub(super) reason: String,
}

/// Values that are always findings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDeny {
    pub(super) entity_type: Spanned<String>,
    #[serde(default)]
    pub(super) values: Vec<String>,
    #[serde(default)]
    pub(super) regex: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) callers: Vec<String>,
    /// For the people who review the policy.
    #[serde(default)]
    pub(super) reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTest {
    pub(super) name: Spanned<String>,
    pub(super) text: String,
    pub(super) level: Sensitivity,
    pub(super) rule: Option<Spanned<String>>,
    pub(super) declared: Option<Sensitivity>,
    pub(super) caller: Option<String>,
    pub(super) complexity: Option<Complexity>,
    pub(super) route: Option<Route>,
    /// The level that the caller asks for by an override, with a reason; it must be granted.
    pub(super) override_to: Option<Sensitivity>,
    /// What a classifier of topics says of the text, by name, from 0 to 1, in place of the model.
    #[serde(default)]
    pub(super) topics: BTreeMap<Spanned<String>, f32>,
    #[serde(default)]
    pub(super) findings: Vec<Spanned<RawExpected>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawExpected {
    #[serde(rename = "type")]
    pub(super) entity_type: String,
    pub(super) value: String,
    /// The finding's score is lower than this: the test is about a weak one.
    pub(super) score_below: Option<f32>,
}

/// Reads the file, and names line, column and field of the first thing that does not fit.
pub(super) fn read(source: &str) -> Result<RawPolicy, PolicyError> {
    let deserializer = toml::Deserializer::parse(source).map_err(|error| syntax(source, "", &error))?;
    serde_path_to_error::deserialize(deserializer)
        .map_err(|error| syntax(source, &error.path().to_string(), error.inner()))
}

fn syntax(source: &str, field: &str, error: &toml::de::Error) -> PolicyError {
    let (line, column) = position(source, error.span().map_or(0, |span| span.start));
    // `Spanned` reads through a field of its own, which no policy file has.
    let field = field.split('.').filter(|step| !step.starts_with("$__serde_spanned")).collect::<Vec<_>>().join(".");
    PolicyError::Syntax { line, column, field, message: error.message().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "format = 1\nname = \"t\"\nversion = \"1\"\n";

    fn error_of(tail: &str) -> String {
        read(&format!("{HEAD}{tail}")).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_field_is_named_with_its_place() {
        let error =
            error_of("[[rule]]\nid = \"a\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = { anyof = [] }\n");
        assert!(error.contains("line 8, column 10"), "{error}");
        assert!(error.contains("rule[0].when"), "{error}");
        assert!(error.contains("anyof"), "{error}");
    }

    #[test]
    fn a_wrong_level_is_named_with_its_place() {
        let error = error_of("[[rule]]\nid = \"a\"\nlevel = \"top\"\ndescription = \"d\"\nwhen = {}\n");
        assert!(error.contains("line 6") && error.contains("rule[0].level") && error.contains("top"), "{error}");
    }

    #[test]
    fn what_is_no_toml_is_named_with_its_place() {
        let error = error_of("[[rule]\n");
        assert!(error.contains("line 4"), "{error}");
    }

    #[test]
    fn a_missing_field_is_named() {
        let error = error_of("[[rule]]\nid = \"a\"\n");
        assert!(error.contains("rule[0]") && error.contains("level"), "{error}");
    }

    #[test]
    fn positions_of_nested_values_are_kept() {
        let source = format!(
            "{HEAD}[[rule]]\nid = \"a\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = {{ near = [{{ any_of = [\"X\"] }}, {{ any_of = [\"Y\"] }}] }}\n"
        );
        let policy = read(&source).unwrap();
        let rule = policy.rule.first().unwrap().get_ref();
        let selection = rule.when.get_ref().near.get(1).unwrap().get_ref();
        let span = selection.any_of.first().unwrap().span();
        assert_eq!(source.get(span), Some("\"Y\""));
    }
}
