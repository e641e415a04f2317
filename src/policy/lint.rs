//! What is allowed in a policy file and still probably a mistake: rules that can never decide, routes that are never
//! taken, levels without a route, rules without a test.

use crate::detect::Category;

use super::condition::Condition;
use super::file::RawPolicy;
use super::implies::{excludes, implies};
use super::problem::Problems;
use super::table::RouteRule;
use super::{Complexity, Policy, Route, Sensitivity};

const LEVELS: [Sensitivity; 3] = [Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential];
const COMPLEXITIES: [Complexity; 3] = [Complexity::Simple, Complexity::Moderate, Complexity::Complex];

/// Adds the warnings, and the errors that only a compiled policy shows.
pub(super) fn lint(raw: &RawPolicy, policy: &Policy, problems: &mut Problems<'_>) {
    rules(raw, policy, problems);
    routes(raw, policy, problems);
    overrides(raw, policy, problems);
    tests(raw, policy, problems);
    custom_types(raw, policy, problems);
    if policy.unscannable < Sensitivity::HIGHEST {
        problems.warning(
            0..0,
            "scan.unscannable_content",
            format!("images and other content that no detector can read count as {} only", policy.unscannable),
        );
    }
}

fn rules(raw: &RawPolicy, policy: &Policy, problems: &mut Problems<'_>) {
    for (i, (rule, written)) in policy.rules.iter().zip(&raw.rule).enumerate() {
        let span = written.get_ref().id.span();
        let field = format!("rule `{}`", rule.id);
        if rule.level == Sensitivity::Public {
            problems.warning(
                span.clone(),
                &field,
                "gives public, which is what no rule gives too; it only adds a reason",
            );
        }
        if never(&rule.condition) {
            problems.error(span.clone(), &field, "can never hold: it asks for something and for its absence");
            continue;
        }
        let hidden_by = policy.rules.iter().enumerate().find(|(j, other)| {
            let decides_first = other.level > rule.level || (other.level == rule.level && *j < i);
            decides_first && implies(&rule.condition, &other.condition)
        });
        if let Some((_, other)) = hidden_by {
            problems.warning(
                span,
                &field,
                format!("can never decide: whenever it holds, `{}` ({}) holds and comes first", other.id, other.level),
            );
        }
    }
}

fn never(condition: &Condition) -> bool {
    match condition {
        Condition::All(all) => {
            all.iter().any(never) || all.iter().enumerate().any(|(i, a)| all.iter().skip(i + 1).any(|b| excludes(a, b)))
        }
        Condition::Any(any) => any.iter().all(never),
        _ => false,
    }
}

fn routes(raw: &RawPolicy, policy: &Policy, problems: &mut Problems<'_>) {
    let table = &policy.routes.routes;
    if table.is_empty() {
        problems.warning(0..0, "route", "there is no [[route]]; every request stays local");
    }
    if raw.limits.budget_overrun.is_some() && table.iter().all(|route| route.ceiling() == Route::Local) {
        problems.warning(
            0..0,
            "limits.budget_overrun",
            "says nothing: no route leads to the cloud, so no budget is spent",
        );
    }
    for (i, (route, written)) in table.iter().zip(&raw.route).enumerate() {
        let span = written.get_ref().id.span();
        let field = format!("route `{}`", route.id);
        if route.ceiling() == Route::Cloud && route.covers_level(Sensitivity::Internal) {
            problems.warning(span.clone(), &field, "lets internal text leave for the cloud");
        }
        if route.to == Route::CloudRedacted && route.redacted.levels.contains(&Sensitivity::Internal) {
            problems.warning(span.clone(), &field, "lets redacted text leave that is internal still");
        }
        if let Some(other) = table.iter().take(i).find(|other| hides(other, route)) {
            problems.warning(span, &field, format!("is never taken: `{}` takes everything first", other.id));
        }
    }
    for level in LEVELS.into_iter().filter(|_| !table.is_empty()) {
        let free: Vec<&str> = COMPLEXITIES
            .into_iter()
            .filter(|complexity| {
                !table.iter().any(|route| {
                    route.callers.is_none()
                        && route.covers_level(level)
                        && route.complexities.as_ref().is_none_or(|all| all.contains(complexity))
                })
            })
            .map(Complexity::as_str)
            .collect();
        if !free.is_empty() {
            problems.warning(
                0..0,
                "route",
                format!("no route for {level} text that is {}; it stays local", free.join(" or ")),
            );
        }
    }
}

fn overrides(raw: &RawPolicy, policy: &Policy, problems: &mut Problems<'_>) {
    let leaves =
        |level| policy.routes.routes.iter().any(|route| route.ceiling() != Route::Local && route.covers_level(level));
    for (rule, written) in policy.overrides.iter().zip(&raw.overrides) {
        let (span, field) = (written.get_ref().id.span(), format!("override `{}`", rule.id));
        let callers = rule.callers.join(", ");
        if rule.from == Sensitivity::Confidential {
            let what = "lowers confidential text, which never leaves as it is all the same; only a redacted text may";
            problems.warning(span.clone(), &field, what);
        }
        if leaves(rule.to) {
            let what = format!("lets {callers} send {} text where {} text goes: out of the house", rule.from, rule.to);
            problems.warning(span, &field, what);
        } else {
            let what = format!("changes nothing: no route lets {} text leave", rule.to);
            problems.warning(span, &field, what);
        }
    }
}

/// Whether the first route takes everything that the second would.
fn hides(first: &RouteRule, second: &RouteRule) -> bool {
    fn wider<T: PartialEq>(wide: Option<&Vec<T>>, narrow: Option<&Vec<T>>) -> bool {
        match (wide, narrow) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(wide), Some(narrow)) => narrow.iter().all(|item| wide.contains(item)),
        }
    }
    wider(first.levels.as_ref(), second.levels.as_ref())
        && wider(first.complexities.as_ref(), second.complexities.as_ref())
        && wider(first.callers.as_ref(), second.callers.as_ref())
}

fn tests(raw: &RawPolicy, policy: &Policy, problems: &mut Problems<'_>) {
    if policy.trials.is_empty() {
        problems.warning(0..0, "test", "there is no [[test]]; nobody can see what the policy is meant to do");
        return;
    }
    for (rule, written) in policy.rules.iter().zip(&raw.rule) {
        if !policy.trials.iter().any(|trial| trial.rule.as_ref() == Some(&rule.id)) {
            let span = written.get_ref().id.span();
            problems.warning(span, format!("rule `{}`", rule.id), "has no [[test]] that names it in `rule`");
        }
    }
    for level in LEVELS {
        if !policy.trials.iter().any(|trial| trial.level == level) {
            problems.warning(0..0, "test", format!("there is no [[test]] of {level} text"));
        }
    }
}

fn custom_types(raw: &RawPolicy, policy: &Policy, problems: &mut Problems<'_>) {
    for (entry, written) in policy.custom.entity_types.iter().zip(&raw.entity_type) {
        let Some(name) = entry.get("name").and_then(toml::Value::as_str) else { continue };
        let number = policy.index.number(name);
        let category: Option<Category> = entry.get("category").cloned().and_then(|value| value.try_into().ok());
        let used = category
            .is_some_and(|category| policy.rules.iter().any(|rule| mentions(&rule.condition, number, category)));
        if !used {
            problems.warning(
                written.span(),
                format!("entity type `{name}`"),
                "counts for no rule; it never raises a level",
            );
        }
        let finds = |table: &toml::Table| table.get("entity_type").and_then(toml::Value::as_str) == Some(name);
        if !policy.custom.recognizers.iter().chain(&policy.custom.lists).any(finds) {
            problems.warning(
                written.span(),
                format!("entity type `{name}`"),
                "has no recognizer and no list; nothing finds it",
            );
        }
    }
}

fn mentions(condition: &Condition, number: Option<usize>, category: Category) -> bool {
    match condition {
        Condition::Found(selection, _) => selection.types.contains(number, category),
        Condition::Near(selections, _) => selections.iter().any(|selection| selection.types.contains(number, category)),
        Condition::All(all) | Condition::Any(all) => all.iter().any(|inner| mentions(inner, number, category)),
        Condition::Not(inner) => mentions(inner, number, category),
        Condition::Always | Condition::Declared(_) | Condition::Caller(_) | Condition::Topic(_) => false,
    }
}
