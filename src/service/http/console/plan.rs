//! Local or cloud, from the recorded traffic and from what the reader adds to it.

use axum::body::Body;
use axum::extract::{Request, State};
use clap::ValueEnum;
use http::Response;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::plan::choices::{Budget, DataSensitivity, Deployment, Latency, Quality, Residency, Task, Team};
use crate::plan::{self, Stated};
use crate::report::html::plan_body;
use crate::service::error::Refusal;

use super::layout::{self, Place};
use super::overview::Choice;
use super::query::Query;
use super::{Shared, answer, caller};

/// Words of one choice, by the name of its field.
fn words<T: ValueEnum>() -> Vec<String> {
    let name = |value: &T| value.to_possible_value().map(|value| value.get_name().to_owned());
    T::value_variants().iter().filter_map(name).collect()
}

/// Fields with a fixed choice of words.
fn choices() -> [(&'static str, &'static str, Vec<String>); 8] {
    [
        ("sensitivity", "Data", words::<DataSensitivity>()),
        ("residency", "Where data may be", words::<Residency>()),
        ("latency", "Latency", words::<Latency>()),
        ("budget", "Money", words::<Budget>()),
        ("team", "Team", words::<Team>()),
        ("task", "Tasks", words::<Task>()),
        ("deployment", "Services run", words::<Deployment>()),
        ("quality", "Quality", words::<Quality>()),
    ]
}

/// Fields with a number.
const NUMBERS: [(&str, &str); 5] = [
    ("queries_per_day", "Requests a day"),
    ("hardware_usd", "Hardware, $"),
    ("running_usd_per_year", "Running a year, $"),
    ("input_usd_per_million", "Cloud, $ per million tokens read"),
    ("output_usd_per_million", "written"),
];

/// What the form states. It is read as the same words in a plan file, so it has the same checks.
fn stated(query: &Query) -> Result<Stated, Refusal> {
    let mut file = toml::Table::new();
    for (name, _) in NUMBERS {
        if let Some(value) = query.get(name) {
            let wrong = || Refusal::field(name, "INVALID_NUMBER", "must be a number that is not negative");
            let value = match (value.parse::<i64>(), value.parse::<f64>()) {
                (Ok(whole), _) if whole >= 0 => toml::Value::Integer(whole),
                (_, Ok(number)) if number.is_finite() && number >= 0.0 => toml::Value::String(value.to_owned()),
                _ => return Err(wrong()),
            };
            file.insert(name.to_owned(), value);
        }
    }
    for (name, _, words) in choices() {
        if let Some(value) = query.get(name) {
            if !words.iter().any(|word| word == value) {
                return Err(Refusal::field(name, "UNKNOWN_VALUE", "is not one of the words of this choice"));
            }
            file.insert(name.to_owned(), toml::Value::String(value.to_owned()));
        }
    }
    Stated::read(&file.to_string()).map_err(|error| wrong(&error))
}

fn wrong(error: &impl std::fmt::Display) -> Refusal {
    Refusal::new(crate::error::Kind::InvalidArgument, "INVALID_PLAN", error.to_string())
}

pub(super) async fn show(State(console): Shared, request: Request) -> Response<Body> {
    let shown = async move {
        let caller = caller(&request)?;
        let query = Query::of(&request);
        let stated = stated(&query)?;
        let choice = Choice::of(&query, Timestamp::now(), "30d")?;
        let report = console.core.live.report(&console.core, choice.range()).await?;
        let traffic = report.plan.as_ref().and_then(|plan| plan.traffic.clone());
        let recorded = traffic.is_some();
        let plan = plan::plan(&stated, traffic, None).map_err(|error| wrong(&error))?;
        let body = html! {
            main #content {
                h1 { "Local or cloud" }
                p.about { @if recorded { "From the recorded traffic of this range, and from what you add." } @else { "Nothing is recorded in this range; state what you know." } }
                (form(&query))
                section { (plan_body(&plan)) }
            }
        };
        Ok(layout::page(Place::Plan, "Local or cloud", &caller, &body))
    };
    answer(shown.await)
}

fn form(query: &Query) -> Markup {
    html! {
        form.fields method="get" action="/console/plan" {
            label { "Traffic"
                select name="range" {
                    @for (value, name) in [("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days"), ("all", "everything")] {
                        option value=(value) selected[query.get("range").unwrap_or("30d") == value] { (name) }
                    }
                }
            }
            @for (name, label, words) in choices() {
                label { (label)
                    select name=(name) {
                        option value="" { "not stated" }
                        @for word in words { option value=(word) selected[query.get(name) == Some(word.as_str())] { (word.replace('-', " ")) } }
                    }
                }
            }
            @for (name, label) in NUMBERS { label { (label) input name=(name) value=[query.get(name)] size="9" inputmode="decimal" autocomplete="off"; } }
            button type="submit" { "Plan" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Stated, Refusal> {
        stated(&Query::of(&Request::builder().uri(format!("/console/plan?{query}")).body(Body::empty()).unwrap()))
    }

    #[test]
    fn every_field_of_the_form_is_one_of_the_plan() {
        for (name, _, words) in choices() {
            for word in words {
                read(&format!("{name}={word}")).unwrap_or_else(|refusal| panic!("{name}={word}: {}", refusal.message));
            }
            assert!(read(&format!("{name}=nonsense")).is_err());
        }
        for (name, _) in NUMBERS {
            read(&format!("{name}=12")).unwrap_or_else(|refusal| panic!("{name}: {}", refusal.message));
            for wrong in ["-1", "x", "inf", "NaN"] {
                assert!(read(&format!("{name}={wrong}")).is_err(), "{name}={wrong}");
            }
        }
        assert_eq!(read("queries_per_day=50000").unwrap().queries_per_day, Some(50_000));
    }
}
