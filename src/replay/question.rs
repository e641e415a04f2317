//! One record under one policy: its level, its rule and its route, with what the record leaves open. Levels come from
//! [`Hindsight`] and routes from the policy's own table; nothing is decided here.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::audit::Operation;
use crate::classify::RULES_REACHED_HIGHEST_LEVEL;
use crate::detect::{self, Detector, Status};
use crate::dispatch::reason;
use crate::document::Role;
use crate::policy::{
    Cause, Direction, Given, Hindsight, Memory, Redecision, Remembered, Route, Sensitivity, UNSCANNABLE_CONTENT,
};

use super::record::{Decision, Routing};
use super::words::Words;

/// Where a policy wants a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Whither {
    /// It was a classification: nothing is sent.
    Nowhere,
    Local,
    /// Redacted to the cloud, if the redacted text's own verdict lets it.
    CloudRedacted,
    Cloud,
    /// The caller asks for a lower level and has no leave.
    Refused,
    /// The record does not decide.
    Open,
}

impl Whither {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Nowhere => "none",
            Self::Local => "local",
            Self::CloudRedacted => "cloud-redacted",
            Self::Cloud => "cloud",
            Self::Refused => "refused",
            Self::Open => "undecided",
        }
    }

    /// The route, if the request takes one for certain.
    pub(super) fn route(self) -> Option<Route> {
        match self {
            Self::Local => Some(Route::Local),
            Self::CloudRedacted => Some(Route::CloudRedacted),
            Self::Cloud => Some(Route::Cloud),
            Self::Nowhere | Self::Refused | Self::Open => None,
        }
    }
}

impl From<Route> for Whither {
    fn from(route: Route) -> Self {
        match route {
            Route::Local => Self::Local,
            Route::CloudRedacted => Self::CloudRedacted,
            Route::Cloud => Self::Cloud,
        }
    }
}

/// What a policy makes of a record.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) least: Sensitivity,
    pub(super) most: Sensitivity,
    /// The rule that gives the level; the least one, if it is open.
    pub(super) rule: Arc<str>,
    pub(super) whither: Whither,
    /// Whether it may leave as it is, where that is open.
    pub(super) may_leave: bool,
    /// What the line of the table allows beside its route.
    pub(super) may_escalate: bool,
    pub(super) may_fall_back: bool,
    pub(super) causes: BTreeSet<Cause>,
}

impl Answer {
    pub(super) fn level(&self) -> Option<Sensitivity> {
        (self.least == self.most).then_some(self.least)
    }
}

/// How a record compares with the policy that decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// Another policy decided.
    None,
    Reproduced,
    /// The record leaves it open.
    Open,
    /// Level, reasons or route come out otherwise.
    Differs,
}

/// The record as a policy remembers it.
pub(super) fn memory<'a>(
    decision: &'a Decision<'_>,
    recalled: Option<crate::policy::Recalled>,
    words: &mut Words,
) -> Memory<'a> {
    let findings: Vec<Remembered<'a>> = decision
        .findings
        .iter()
        .map(|finding| Remembered {
            entity_type: &finding.entity_type,
            category: finding.category,
            score: finding.score,
            detector: finding.detector,
            recognizer: &finding.recognizer,
            role: role(&finding.role),
            part: finding.part,
            range: finding.start..finding.end,
            value: finding.value,
        })
        .collect();
    let omitted = if decision.findings_omitted == 0 {
        Vec::new()
    } else {
        let listed = |name: &str| findings.iter().filter(|finding| finding.entity_type == name).count() as u64;
        let more = decision.entities.iter().filter(|entity| entity.count > listed(&entity.entity_type));
        more.map(|entity| (&*entity.entity_type, entity.category)).collect()
    };
    let topic = |topic: &super::record::Topic<'_>| detect::Topic {
        name: words.of(&topic.name),
        probability: detect::of_millionths(topic.probability),
    };
    Memory {
        findings,
        omitted,
        topics: decision.topics.iter().map(topic).collect(),
        complete: decision.coverage.is_complete(),
        model_skipped: decision.coverage.detectors.iter().any(|entry| {
            entry.detector == Detector::Ner
                && matches!(&entry.status, Status::PermittedSkip(why) if &**why == RULES_REACHED_HIGHEST_LEVEL)
        }),
        said_unscannable: decision.reasons.iter().any(|reason| reason.rule == UNSCANNABLE_CONTENT),
        declared: decision.declared_level,
        caller: &decision.caller,
        policy: &decision.policy.digest,
        catalog: &decision.provenance.catalog,
        recalled,
    }
}

fn role(name: &str) -> Role {
    match name {
        "system" => Role::System,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        "tool_definition" => Role::ToolDefinition,
        "user" => Role::User,
        // A finding outside of every part has none.
        _ => Role::Metadata,
    }
}

/// What was decided then.
pub(super) fn recorded(decision: &Decision<'_>, words: &mut Words) -> Answer {
    let routing = decision.routing.as_ref();
    let reason = routing.map_or("", |routing| &*routing.reason);
    Answer {
        least: decision.level,
        most: decision.level,
        rule: words.of(decision.reasons.first().map_or("", |reason| &reason.rule)),
        whither: routing.map_or(Whither::Nowhere, wanted),
        may_leave: false,
        may_escalate: routing.is_some_and(|routing| routing.escalated_from.is_some()),
        may_fall_back: reason == reason::LOCAL_UNAVAILABLE,
        causes: BTreeSet::new(),
    }
}

/// Where the policy of then wanted a request whose record says where it went.
fn wanted(routing: &Routing<'_>) -> Whither {
    match (&*routing.reason, routing.route) {
        ("", route) => route.into(),
        (reason::OVERRIDE_DENIED, _) => Whither::Refused,
        (reason::LOW_CONFIDENCE | reason::LOCAL_UNAVAILABLE, _) => Whither::Local,
        (reason::NOT_REDACTABLE | reason::REDACTED_TEXT_NOT_PERMITTED, _) => Whither::CloudRedacted,
        // It should have left, and stayed because of the circumstances.
        (_, Route::Local) if routing.ceiling == Route::CloudRedacted => Whither::CloudRedacted,
        (_, Route::Local) => Whither::Cloud,
        (_, route) => route.into(),
    }
}

/// What a policy says now, and whether that is what it said then, if it was the one that decided.
pub(super) fn asked(hindsight: &Hindsight, decision: &Decision<'_>, memory: &Memory<'_>) -> (Answer, Check) {
    let redecision = hindsight.judge(memory);
    let same = *memory.policy == *hindsight.policy().reference().digest;
    let mut answer = Answer {
        least: redecision.least.level,
        most: redecision.most.level,
        rule: first_rule(&redecision.least),
        whither: Whither::Nowhere,
        may_leave: false,
        may_escalate: false,
        may_fall_back: false,
        causes: if redecision.is_decided() { BTreeSet::new() } else { redecision.causes.clone() },
    };
    let mut table_rule = None;
    if let Some(routing) = &decision.routing {
        let mut ways: Vec<(Whither, Option<Direction>)> = Vec::new();
        for level in [Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential] {
            if (answer.least..=answer.most).contains(&level) {
                ways.push(way(hindsight, decision, routing, memory, level, same, &mut answer.causes));
            }
        }
        let first = ways.first().map_or(Whither::Open, |(whither, _)| *whither);
        let agreed = ways.iter().all(|(whither, _)| *whither == first);
        answer.whither = if agreed { first } else { Whither::Open };
        answer.may_leave = ways.iter().any(|(whither, _)| *whither == Whither::Cloud);
        if let Some((_, Some(direction))) = ways.first() {
            answer.may_escalate = direction.may_escalate();
            answer.may_fall_back = direction.may_fall_back();
            table_rule = Some(Arc::clone(direction.rule()));
        }
    }
    let check = if same { check(decision, &redecision, &answer, table_rule.as_deref()) } else { Check::None };
    (answer, check)
}

fn first_rule(given: &Given) -> Arc<str> {
    given.reasons.first().map_or_else(|| Arc::from(""), |(rule, _)| Arc::clone(rule))
}

/// Where text of this level goes.
fn way(
    hindsight: &Hindsight,
    decision: &Decision<'_>,
    routing: &Routing<'_>,
    memory: &Memory<'_>,
    level: Sensitivity,
    same: bool,
    causes: &mut BTreeSet<Cause>,
) -> (Whither, Option<Direction>) {
    let policy = hindsight.policy();
    let direction = |treated| policy.direction(treated, level, routing.complexity, memory.caller);
    if routing.reason == reason::OVERRIDE_DENIED {
        // Which level it asked for is not recorded. Whoever may lower nothing is refused again, unless the level is lower
        // now anyway.
        if same || (level >= decision.level && !hindsight.may_waive(memory.caller, level)) {
            return (Whither::Refused, Some(direction(level)));
        }
        causes.insert(Cause::OverrideUnrecorded);
        return (Whither::Open, None);
    }
    let treated = match &routing.overridden {
        None => level,
        Some(asked) => match hindsight.waives(memory, level, asked.to, !asked.reason.is_empty()) {
            None => level,
            Some(true) => asked.to,
            Some(false) => return (Whither::Refused, Some(direction(level))),
        },
    };
    let direction = direction(treated);
    (direction.preferred().into(), Some(direction))
}

/// Whether the policy that decided says the same again.
fn check(decision: &Decision<'_>, redecision: &Redecision, answer: &Answer, table_rule: Option<&str>) -> Check {
    let within = (redecision.least.level..=redecision.most.level).contains(&decision.level);
    if redecision.least != redecision.most {
        return if within { Check::Open } else { Check::Differs };
    }
    let recorded = decision.reasons.iter().map(|reason| (&*reason.rule, reason.level));
    let reasons = redecision.least.reasons.iter().map(|(rule, level)| (&**rule, *level)).eq(recorded);
    let route = decision.routing.as_ref().is_none_or(|routing| {
        let stands = *routing.reason != *"" || answer.whither == Whither::from(routing.route);
        table_rule.is_none_or(|rule| rule == routing.rule) && stands
    });
    if within && reasons && route { Check::Reproduced } else { Check::Differs }
}

/// Whether a request can be sent at all.
pub(super) fn is_dispatch(operation: Operation) -> bool {
    operation == Operation::Dispatch
}
