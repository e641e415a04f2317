//! Rules as a list: which applied, which did not, and why as far as is known.

use std::sync::Arc;

use maud::{Markup, html};

use crate::policy::Sensitivity;
use crate::policy::told::{RuleTold, Standing};
use crate::report::html::parts;

/// A sign beside the words.
pub(super) fn sign(yes: bool) -> Markup {
    html! {
        svg viewBox="0 0 16 16" class=(if yes { "yes" } else { "no" }) aria-hidden="true" focusable="false" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" {
            @if yes { path d="M3 8.5l3.2 3.2L13 4.5" {} } @else { path d="M4 8h8" {} }
        }
    }
}

/// One line of the list.
pub(super) fn line(yes: bool, rule: &str, level: Sensitivity, description: &str, said: &Markup) -> Markup {
    html! {
        li {
            (sign(yes))
            div {
                p { strong { code { (rule) } } " " (parts::level(level)) }
                @if !description.is_empty() { p { (description) } }
                p.said { (said) }
            }
        }
    }
}

/// The rules that did not apply: those that were asked one by one, the others together behind the one that stood before.
pub(super) fn unapplied(rules: &[RuleTold]) -> Markup {
    let behind = |told: &RuleTold| match &told.standing {
        Standing::AfterOther(other) => Some(Arc::clone(other)),
        _ => None,
    };
    let mut first: Vec<Arc<str>> = rules.iter().filter_map(behind).collect();
    first.dedup();
    html! {
        ul.rules {
            @for told in rules.iter().filter(|told| told.standing != Standing::Applied && behind(told).is_none()) {
                (line(false, &told.rule, told.level, &told.description, &why(&told.standing)))
            }
            @for other in &first {
                li {
                    (sign(false))
                    div {
                        p { "Not asked, because " code { (other) } " stands before them and already gave this level:" }
                        p { @for told in rules.iter().filter(|told| behind(told).as_ref() == Some(other)) { code.tag title=(told.description) { (told.rule) } } }
                    }
                }
            }
        }
    }
}

fn why(standing: &Standing) -> Markup {
    html! {
        @match standing {
            Standing::Applied => "It applied.",
            Standing::AfterOther(other) => { "Not asked: " code { (other) } " stands before it and already gave this level." }
            Standing::Lacks(what) => { "It asks for " (what) ", and that was not there." }
            Standing::NotRecorded(what) => { "It asks for " (what) ", in a form or a place that the record does not tell; it did not hold." }
        }
    }
}
