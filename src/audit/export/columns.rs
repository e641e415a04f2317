//! The columns of a flat export. `docs/audit-log.md` lists them with these words; a test compares.

use crate::audit::{EntityCount, Outcome, Routing, StoredDecision};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// UTF-8.
    Text,
    /// A whole number.
    Integer,
    /// Yes or no.
    Flag,
    /// Microseconds since 1970, UTC.
    Time,
}

impl ColumnKind {
    /// The name in the documentation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Flag => "flag",
            Self::Time => "time",
        }
    }
}

/// One value; `None` where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(Option<String>),
    Integer(Option<i64>),
    Flag(Option<bool>),
    Time(Option<i64>),
}

/// One column.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether every row has a value.
    pub required: bool,
    /// What that means.
    pub about: &'static str,
    pub(super) value: fn(&StoredDecision) -> Cell,
}

type Value = fn(&StoredDecision) -> Cell;

const fn required(name: &'static str, kind: ColumnKind, about: &'static str, value: Value) -> Column {
    Column { name, kind, required: true, about, value }
}

const fn optional(name: &'static str, kind: ColumnKind, about: &'static str, value: Value) -> Column {
    Column { name, kind, required: false, about, value }
}

fn text(value: impl ToString) -> Cell {
    Cell::Text(Some(value.to_string()))
}

fn number(value: impl TryInto<i64>) -> Cell {
    Cell::Integer(Some(value.try_into().unwrap_or(i64::MAX)))
}

fn words<T: ToString>(values: impl Iterator<Item = T>) -> Cell {
    text(values.map(|value| value.to_string()).collect::<Vec<_>>().join(" "))
}

fn counts(entities: &[EntityCount]) -> Cell {
    words(entities.iter().map(|entity| format!("{}:{}", entity.entity_type, entity.count)))
}

fn named(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}

fn of_routing<T>(stored: &StoredDecision, value: impl FnOnce(&Routing) -> Option<T>) -> Option<T> {
    stored.decision.routing.as_ref().and_then(value)
}

fn of_outcome<T>(stored: &StoredDecision, value: impl FnOnce(&Outcome) -> Option<T>) -> Option<T> {
    stored.outcome.as_ref().and_then(|stored| value(&stored.outcome))
}

fn integer(value: Option<u64>) -> Cell {
    Cell::Integer(value.map(|value| i64::try_from(value).unwrap_or(i64::MAX)))
}

use ColumnKind::{Flag, Integer, Text, Time};

/// All columns, in their order. New ones are added at the end.
pub const COLUMNS: &[Column] = &[
    required("sequence", Integer, "position of the decision in the log", |row| number(row.sequence)),
    required("hash", Text, "chain hash of the decision, hexadecimal", |row| text(row.hash)),
    required("decision_id", Text, "name of the decision, a UUID", |row| text(row.decision.id)),
    required("time", Time, "when it was decided", |row| Cell::Time(Some(row.decision.time.as_microsecond()))),
    required("operation", Text, "`classify`, `dispatch` or `validate`", |row| text(row.decision.operation.as_str())),
    required("caller", Text, "name of the caller in the configuration, or `anonymous`", |row| {
        text(&row.decision.caller)
    }),
    optional("request_id", Text, "the caller's own id", |row| {
        Cell::Text(row.decision.request_id.as_ref().map(|id| id.as_str().to_owned()))
    }),
    required("level", Text, "`public`, `internal` or `confidential`", |row| text(row.decision.level)),
    optional("declared_level", Text, "the level that the caller stated", |row| {
        Cell::Text(row.decision.declared_level.map(|level| level.to_string()))
    }),
    required("rules", Text, "ids of the rules that applied, with spaces between", |row| {
        words(row.decision.reasons.iter().map(|reason| &reason.rule))
    }),
    required("entities", Text, "types found with their counts, such as `CREDIT_CARD:2 PERSON:1`", |row| {
        counts(&row.decision.entities)
    }),
    required("findings", Integer, "findings of all types together", |row| {
        number(row.decision.entities.iter().map(|entity| entity.count).sum::<u64>())
    }),
    required("topics", Text, "what the text is about, with spaces between", |row| {
        words(row.decision.topics.iter().map(|topic| &topic.name))
    }),
    required(
        "coverage_complete",
        Flag,
        "whether every detector saw all of the text or was skipped by permission",
        |row| Cell::Flag(Some(row.decision.coverage.is_complete())),
    ),
    required("parts", Integer, "strings in the request", |row| number(row.decision.parts)),
    required("text_bytes", Integer, "their bytes of UTF-8", |row| number(row.decision.text_bytes)),
    required("policy_name", Text, "the policy", |row| text(&row.decision.policy.name)),
    required("policy_version", Text, "its version", |row| text(&row.decision.policy.version)),
    required("policy_digest", Text, "digest of its file", |row| text(&row.decision.policy.digest)),
    required("service_version", Text, "version of Cordon", |row| text(&row.decision.provenance.service_version)),
    required("decided_us", Integer, "microseconds from the arrival of the request to the decision", |row| {
        number(row.decision.timings.total_us)
    }),
    optional("route", Text, "`local`, `cloud-redacted` or `cloud`; none for a classification", |row| {
        Cell::Text(of_routing(row, |routing| Some(routing.route.to_string())))
    }),
    optional("ceiling", Text, "the most outward route that the verdict allows", |row| {
        Cell::Text(of_routing(row, |routing| Some(routing.ceiling.to_string())))
    }),
    optional("backend", Text, "the backend chosen", |row| {
        Cell::Text(of_routing(row, |routing| named(routing.backend.as_str())))
    }),
    optional("model", Text, "the model asked for", |row| {
        Cell::Text(of_routing(row, |routing| named(routing.model.as_str())))
    }),
    optional("complexity", Text, "`simple`, `moderate` or `complex`", |row| {
        Cell::Text(of_routing(row, |routing| Some(routing.complexity.as_str().to_owned())))
    }),
    optional("route_rule", Text, "id of the rule in the policy's route table", |row| {
        Cell::Text(of_routing(row, |routing| named(routing.rule.as_str())))
    }),
    optional("route_reason", Text, "why the route differs from what the rule prefers", |row| {
        Cell::Text(of_routing(row, |routing| named(routing.reason.as_str())))
    }),
    optional("redacted_values", Integer, "values replaced before a redacted text left", |row| {
        integer(of_routing(row, |routing| routing.redacted.as_ref().map(|redacted| redacted.replaced)))
    }),
    optional("escalated_from", Text, "the decision whose local answer was not sure enough", |row| {
        Cell::Text(of_routing(row, |routing| routing.escalated_from.map(|id| id.to_string())))
    }),
    optional("override_rule", Text, "the override of the policy that the caller used", |row| {
        Cell::Text(of_routing(row, |routing| routing.overridden.as_ref().map(|by| by.rule.to_string())))
    }),
    optional("observed_level", Text, "the level by the observed policy", |row| {
        Cell::Text(row.decision.observed.as_ref().map(|observed| observed.level.to_string()))
    }),
    optional("observed_route", Text, "the route by the observed policy", |row| {
        let route = row.decision.observed.as_ref().and_then(|observed| observed.route);
        Cell::Text(route.map(|route| route.to_string()))
    }),
    optional("observed_differs", Flag, "whether level or route differ under the observed policy", |row| {
        Cell::Flag(row.decision.observed.as_ref().map(|observed| observed.differs))
    }),
    optional("outcome_time", Time, "when the request ended", |row| {
        Cell::Time(of_outcome(row, |outcome| Some(outcome.time.as_microsecond())))
    }),
    optional("status", Text, "`completed`, `failed`, `cancelled` or `escalated`; none while it is open", |row| {
        Cell::Text(of_outcome(row, |outcome| Some(outcome.status.as_str().to_owned())))
    }),
    optional("error", Text, "kind of the error when it failed", |row| {
        Cell::Text(of_outcome(row, |outcome| named(outcome.error.as_str())))
    }),
    optional("error_reason", Text, "why it failed, in one word", |row| {
        Cell::Text(of_outcome(row, |outcome| named(outcome.reason.as_str())))
    }),
    optional("final_route", Text, "the route taken in the end", |row| {
        Cell::Text(of_outcome(row, |outcome| outcome.route.map(|route| route.to_string())))
    }),
    optional("final_backend", Text, "the backend that answered in the end", |row| {
        Cell::Text(of_outcome(row, |outcome| named(outcome.backend.as_str())))
    }),
    optional("final_model", Text, "the model that answered in the end", |row| {
        Cell::Text(of_outcome(row, |outcome| named(outcome.model.as_str())))
    }),
    optional("attempts", Integer, "calls made to backends", |row| {
        integer(of_outcome(row, |outcome| Some(u64::from(outcome.attempts))))
    }),
    optional("input_tokens", Integer, "tokens read, as the backend counts", |row| {
        integer(of_outcome(row, |outcome| Some(outcome.input_tokens)))
    }),
    optional("cached_input_tokens", Integer, "those of them that the backend had in its cache", |row| {
        integer(of_outcome(row, |outcome| Some(outcome.cached_input_tokens)))
    }),
    optional("output_tokens", Integer, "tokens written", |row| {
        integer(of_outcome(row, |outcome| Some(outcome.output_tokens)))
    }),
    optional("cost_micros", Integer, "cost in millionths of a US dollar; none where no price is known", |row| {
        integer(of_outcome(row, |outcome| outcome.cost_micros))
    }),
    optional("other_side_cost_micros", Integer, "what the same would have cost on the other side", |row| {
        integer(of_outcome(row, |outcome| outcome.other_side_cost_micros))
    }),
    optional("cost_estimated", Flag, "whether the costs are bounds", |row| {
        Cell::Flag(of_outcome(row, |outcome| Some(outcome.cost_estimated)))
    }),
    optional("time_to_first_token_us", Integer, "microseconds from the call to the first piece of the answer", |row| {
        integer(of_outcome(row, |outcome| Some(outcome.time_to_first_token_us)))
    }),
    optional("total_us", Integer, "microseconds from the arrival of the request to its end", |row| {
        integer(of_outcome(row, |outcome| Some(outcome.total_us)))
    }),
    optional("confidence_millionths", Integer, "how sure the local model was of its answer", |row| {
        integer(of_outcome(row, |outcome| outcome.confidence.as_ref().map(|sure| u64::from(sure.millionths))))
    }),
    optional("chain", Text, "the chain that the decision stands in; only of a fleet's log", |row| {
        Cell::Text(row.chain.as_ref().map(ToString::to_string))
    }),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_column_in_these_words() {
        let page = include_str!("../../../docs/audit-log.md");
        let (_, table) = page.split_once("| column | type |").unwrap();
        let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<_> = COLUMNS
            .iter()
            .map(|column| {
                let always = if column.required { "yes" } else { "no" };
                format!("| `{}` | {} | {always} | {} |", column.name, column.kind.as_str(), column.about)
            })
            .collect();
        assert_eq!(rows, expected);
    }
}
