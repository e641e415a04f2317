//! What another policy would have made of the recorded requests. The policy is pasted; it is asked about the records, acts
//! on nothing, and is not kept.

use axum::body::Body;
use axum::extract::{Request, State};
use http::Response;
use maud::{Markup, html};
use tonic::metadata::MetadataMap;

use crate::replay::{Cost, Filter, Moved, Summary};
use crate::report::html::format::{count, counted, dollars, short, signed_dollars, words};
use crate::report::html::parts::{self, Column, Row, code, level, number};
use crate::service::error::Refusal;
use crate::service::proto::ReplayPolicyRequest;
use crate::service::replay;

use super::layout::{self, Place};
use super::query::{self, Query};
use super::{Console, Shared, answer, caller};

/// Bytes of a policy. A form writes some characters as three.
const MAX_POLICY: usize = 1 << 20;
const MAX_FORM: usize = 3 * MAX_POLICY + 1024;
/// Decisions that are named of a group.
const EXAMPLES: usize = 3;

pub(super) async fn show(State(_): Shared, request: Request) -> Response<Body> {
    answer(caller(&request).map(|caller| page(&caller, &Query::default(), &html! {})))
}

pub(super) async fn run(State(console): Shared, request: Request) -> Response<Body> {
    let shown = async move {
        let caller = caller(&request)?;
        let form = query::form(request, MAX_FORM, super::form_deadline()).await?;
        let told = match compare(&console, &form).await {
            Ok(summary) => result(&summary),
            // What is wrong with the policy stands beside it, so that it can be mended.
            Err(refusal) if !refusal.kind.is_fault() => {
                refusal.note();
                html! { p.problem role="alert" { @if let Some(field) = &refusal.field { (words(field)) ": " } (refusal.message) } }
            }
            Err(refusal) => return Err(refusal),
        };
        Ok(page(&caller, &form, &told))
    };
    answer(shown.await)
}

async fn compare(console: &Console, form: &Query) -> Result<Summary, Refusal> {
    let policy = form.raw("policy").unwrap_or_default().replace("\r\n", "\n");
    if policy.trim().is_empty() {
        return Err(Refusal::field("policy", "MISSING", "paste a policy first"));
    }
    let filter = Filter {
        since: form.day("since")?.and_then(query::begin),
        until: form.day("until")?.and_then(query::end),
        caller: form.get("caller").map(str::to_owned),
        level: None,
    };
    let _ = tokio::time::timeout(super::SETTLE, console.core.audit.flush()).await;
    // The same question as by gRPC, with the same bounds on records, time and turns.
    let asked = ReplayPolicyRequest { policy, ..ReplayPolicyRequest::default() };
    let told = replay::answer(&console.core, &MetadataMap::new(), filter, asked).await?;
    serde_json::from_str(&told.canonical_json).map_err(|_| super::internal("the replay is no JSON"))
}

fn page(caller: &crate::service::auth::Caller, form: &Query, told: &Markup) -> Response<Body> {
    let policy = form.raw("policy").unwrap_or_default();
    let body = html! {
        main #content {
            h1 { "Replay" }
            p.about { "Paste a policy and see what it would have made of the requests in the log. It is asked about what the records hold, since the texts are gone; "
                "it changes nothing and is not kept. Word lists in files of their own are not read here: " code { "cordon policy replay" } " reads them." }
            (told)
            section {
                form method="post" action="/console/replay" {
                    label for="policy" { "Policy, as TOML, at most 1 MiB" }
                    textarea.code #policy name="policy" required spellcheck="false" autocomplete="off" { (policy) }
                    div.fields {
                        label { "From" input type="date" name="since" value=[form.get("since")]; }
                        label { "To, included" input type="date" name="until" value=[form.get("until")]; }
                        label { "Caller" input name="caller" value=[form.get("caller")] size="14" autocomplete="off"; }
                        button type="submit" { "Replay" }
                    }
                }
            }
        }
    };
    layout::page(Place::Replay, "Replay", caller, &body)
}

fn result(of: &Summary) -> Markup {
    use Column::{Number, Text};
    let relevelled: u64 =
        of.levels.iter().filter(|change| change.from != change.to).map(|change| change.decisions).sum();
    let rerouted: u64 = of.routes.iter().filter(|change| change.from != change.to).map(|change| change.decisions).sum();
    let levels: Vec<Row> = of
        .levels
        .iter()
        .map(|change| {
            Row::of([level(change.from), level(change.to), number(change.decisions), same(change.from == change.to)])
        })
        .collect();
    let routes: Vec<Row> = of
        .routes
        .iter()
        .map(|change| {
            Row::of([
                html! { (change.from) },
                html! { (change.to) },
                number(change.decisions),
                same(change.from == change.to),
            ])
        })
        .collect();
    let rules: Vec<Row> = of
        .rules
        .iter()
        .filter(|rule| rule.decides > 0 || rule.undecided > 0)
        .map(|rule| {
            let moves = rule.levels.iter().filter(|change| change.from != change.to);
            Row::of([
                html! { @if rule.rule.is_empty() { span.soft { "no rule" } } @else { (code(&rule.rule)) } },
                html! { @if rule.of == "after" { "new" } @else { "before" } },
                number(rule.decides),
                html! { @for change in moves { (level(change.from)) " to " (level(change.to)) ": " (count(change.decisions)) " " } },
                number(rule.undecided),
                money(&rule.cost),
            ])
        })
        .collect();
    let groups: Vec<Row> = of
        .groups
        .iter()
        .map(|group| {
            let rule = |name: &str| html! { @if name.is_empty() { span.soft { "no rule" } } @else { (code(name)) } };
            Row::of([
                number(group.decisions),
                html! { (level(group.from)) " to " (level(group.to)) },
                html! { (rule(&group.rule_before)) " to " (rule(&group.rule_after)) },
                html! { (group.route_before) " to " (group.route_after) },
                examples(&group.examples),
            ])
        })
        .collect();
    let callers: Vec<Row> = of
        .callers
        .iter()
        .map(|caller| {
            Row::of([
                html! { (caller.caller) },
                number(caller.decisions),
                number(caller.raised),
                number(caller.lowered),
                number(caller.rerouted),
                number(caller.newly_to_cloud),
                number(caller.undecided),
                money(&caller.cost),
            ])
        })
        .collect();
    html! {
        section aria-labelledby="h-result" {
            h2 #h-result { "Under " (of.policies.new.name) " " (of.policies.new.version) }
            p.lead { "Of " (counted(of.decisions, "decision")) ", " (count(relevelled)) " get another level and " (count(rerouted)) " another route. "
                strong { (count(of.newly_to_cloud.decisions)) " would newly go to the cloud" } ", " (count(of.no_longer_to_cloud.decisions)) " would no longer leave. "
                @if of.undecided.levels > 0 { "For " (count(of.undecided.levels)) " the records do not decide the level. " }
                @if of.cost.known > 0 { "The cost changes by " (signed_dollars(i128::from(of.cost.change_micros))) " where it is known." } }
            (moved("Newly to the cloud, as they are", &of.newly_to_cloud))
            (moved("Newly to the cloud, redacted", &of.newly_redacted))
            (moved("Perhaps newly to the cloud: the records do not decide", &of.may_newly_go_to_cloud))
            (moved("No longer to the cloud", &of.no_longer_to_cloud))
            div.two {
                div { (parts::table("Levels", &[Text("Before"), Text("After"), Number("Decisions"), Text("Change")], &levels)) }
                div { @if !routes.is_empty() { (parts::table("Routes that the policies want", &[Text("Before"), Text("After"), Number("Decisions"), Text("Change")], &routes)) } }
            }
            @if !groups.is_empty() {
                div.gap { (parts::table(html! { "What changes, the largest groups first " @if of.groups_in_all > groups.len() as u64 { span.soft { "(" (groups.len()) " of " (count(of.groups_in_all)) ")" } } },
                    &[Number("Decisions"), Text("Level"), Text("Rule"), Text("Route"), Text("For example")], &groups)) }
            }
            @if !rules.is_empty() {
                div.gap { (parts::table("Rule by rule", &[Text("Rule"), Text("Policy"), Number("Decides"), Text("Moves"), Number("Undecided"), Number("Cost changes")], &rules)) }
            }
            @if !callers.is_empty() {
                div.gap { (parts::table("Callers", &[Text("Caller"), Number("Decisions"), Number("Raised"), Number("Lowered"), Number("Rerouted"), Number("Newly to the cloud"), Number("Undecided"), Number("Cost changes")], &callers)) }
            }
            h3 { "What this stands on" }
            ul.plain {
                li { "Records " (count(of.input.first_sequence)) " to " (count(of.input.last_sequence)) "; the new policy is " code.wrap { (short(&of.policies.new.digest)) } "." }
                @if of.self_check.checked > 0 {
                    li { "Asked again under their own policy, " (count(of.self_check.reproduced)) " of " (count(of.self_check.checked)) " came out as recorded, "
                        (count(of.self_check.open)) " are left open by their records, " (count(of.self_check.not_reproducible)) " did not." }
                }
                @for (cause, decisions) in &of.undecided.causes { li { "Left open: " (words(cause)) ", " (counted(*decisions, "decision")) "." } }
                @for (why, decisions) in &of.cost.unknown { li { "Cost not known: " (words(why)) ", " (counted(*decisions, "decision")) "." } }
                @if of.cost.known > 0 { li { "Where the cost is known it was " (dollars(of.cost.before_micros)) " and would be " (dollars(of.cost.after_micros)) "." } }
            }
        }
    }
}

fn same(same: bool) -> Markup {
    html! { @if same { span.soft { "the same" } } @else { strong { "changes" } } }
}

fn money(of: &Cost) -> Markup {
    html! { @if of.known == 0 { span.soft { "–" } } @else { (signed_dollars(i128::from(of.change_micros))) } }
}

fn examples(ids: &[String]) -> Markup {
    html! {
        @for id in ids.iter().take(EXAMPLES) {
            a.nowrap href={ "/console/decisions/" (id) } title=(id) { code { "…" (id.get(id.len().saturating_sub(12)..).unwrap_or(id)) } } " "
        }
    }
}

fn moved(title: &str, of: &Moved) -> Markup {
    html! {
        @if of.decisions > 0 {
            h3 { (title) ": " (count(of.decisions)) }
            p {
                @if of.entity_types.is_empty() { "Nothing was found in them. " } @else { "They hold " }
                @for held in &of.entity_types { code.tag { (held.entity_type) " in " (count(held.decisions)) } }
                span.soft { " For example " } (examples(&of.examples))
            }
        }
    }
}
