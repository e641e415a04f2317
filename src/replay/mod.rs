//! Replay: what another policy would have made of the requests in the log. Each recorded decision is asked about again by
//! the functions that decide live ([`Hindsight`]), from what its record holds, never from a text; what a record does not
//! decide is a range, with the reason, and is counted apart.
//!
//! It owns the question and the counts. It must never change the log, guess, or depend on a clock or on the order in which
//! threads run: the same log and the same policies give the same bytes.
//!
//! A record goes its way file by file: `run.rs` reads it, `record.rs` decodes it, `question.rs` asks, `tally.rs` counts,
//! `summary.rs` tells. `corpus.rs` asks about texts that are given now.

mod corpus;
mod error;
mod prices;
mod question;
mod record;
mod run;
mod summary;
mod tally;
#[cfg(test)]
mod tests;
mod words;

use std::sync::Arc;

pub use corpus::{Accuracy, Changed, CorpusError, CorpusSummary, CorpusText, RuleChange, Said, compare, said};
pub use error::ReplayError;
pub use prices::Prices;
pub use run::{Filter, Limits, Question, replay};
pub use summary::{
    Caller, Check, Circumstances, Cost, FoundBy, Group, Held, Input, LevelChange, LevelRange, Moved, Policies,
    PolicyName, Recorded, RouteChange, Rule, Summary, Undecided, Word,
};

use crate::detect::{Catalog, Category, EntityType, Rules};
use crate::ner::{self, NerConfig};
use crate::policy::{Hindsight, Policy};
use crate::startup::{self, StartError};

/// Types that are found or not by what the model finds elsewhere in a text; see [`crate::detect::settle`].
const SETTLED: [&str; 5] = ["ORDER_ID", "TICKET_ID", "CASE_NUMBER", "ASSET_TAG", "EMAIL_ADDRESS_EXAMPLE"];

/// A policy, ready to be asked about records.
///
/// # Errors
/// When the catalog does not take what the policy adds to it.
pub fn hindsight(policy: Policy, embedded: &Catalog, model: &NerConfig) -> Result<Hindsight, StartError> {
    let catalog = startup::catalog(embedded, &policy)?;
    // Only a policy with recognizers of its own is asked which catalog found.
    let digest = if policy.custom_catalog().is_empty() { None } else { Some(Rules::build(&catalog)?.digest()) };
    let settled = SETTLED.into_iter().map(|name| (EntityType::new(name), Category::Other));
    let types: Vec<_> = ner::model_types(&model.labels).into_iter().chain(settled).collect();
    Ok(Hindsight::new(Arc::new(policy), digest, &types))
}
