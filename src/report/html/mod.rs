//! The report as a page. One file that needs no network and no script: its style stands in it, its charts are SVG, and
//! its policy for the browser allows nothing else. The console shows the same sections.

mod chart;
pub(crate) mod format;
mod outcomes;
pub(crate) mod parts;
mod plan;
mod proof;
mod sections;
#[cfg(test)]
mod tests;
mod volume;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::Report;

pub(crate) use plan::body as plan_body;
pub(crate) use sections::{heading, sections};

/// The style of the page, and of the console.
pub const STYLE: &str = include_str!("style.css");

/// Rows of what left that the page shows at once.
pub(crate) const EGRESS_FIRST: usize = 20;
/// Rows of what left that the page shows.
pub(crate) const EGRESS_SHOWN: usize = 200;

/// Where the ids of decisions lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// Nowhere: the page stands alone.
    None,
    /// To the page of the decision in the console.
    Console,
}

impl Links {
    /// The id of a decision.
    pub(crate) fn decision(self, id: &str) -> Markup {
        match self {
            Self::None => html! { code { (id) } },
            Self::Console => html! { a href={ "/console/decisions/" (id) } { code { (id) } } },
        }
    }
}

/// The whole page.
#[must_use]
pub fn page(report: &Report) -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let allowed =
        format!("default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'");
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(allowed);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "cordon " (env!("CARGO_PKG_VERSION")) };
                title { "Cordon audit report, " (sections::period(report)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#report" { "Skip to the report" }
                header.top { (heading(report)) }
                main #report { (sections(report, Links::None)) }
                footer {
                    p { "Made by cordon " (env!("CARGO_PKG_VERSION")) " from its audit log. The log holds no text of a request, and neither does this page. "
                        "All times and days are UTC. The same log and range give this same page." }
                }
            }
        }
    }
    .into_string()
}
