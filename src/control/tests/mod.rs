//! Budgets under concurrency, over restarts, and with clocks and disks that fail.

mod ledger;
mod restart;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::clock::Clock;
use super::*;
use crate::money::Decimal;

pub(super) const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// A clock that a test moves.
#[derive(Clone, Default)]
pub(super) struct Hand(Arc<AtomicI64>);

impl Hand {
    pub(super) fn at(micros: i64) -> Self {
        Self(Arc::new(AtomicI64::new(micros)))
    }

    pub(super) fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }

    pub(super) fn clock(&self) -> Clock {
        let hand = Arc::clone(&self.0);
        Clock::of(move || hand.load(Ordering::SeqCst))
    }
}

pub(super) fn usd(text: &str) -> Amount {
    Amount::from_micros(text.parse::<Decimal>().unwrap().millionths())
}

pub(super) fn budget(name: &str, callers: Option<&[&str]>, together: bool, usd_per_day: &str) -> BudgetConfig {
    BudgetConfig {
        name: name.to_owned(),
        callers: callers.map(|callers| callers.iter().map(|name| (*name).to_owned()).collect()),
        together,
        usd_per_day: usd_per_day.parse().unwrap(),
    }
}

pub(super) fn config(directory: &Path, budgets: &[BudgetConfig]) -> ControlConfig {
    let callers = ["crm", "web", "anonymous"].map(Arc::from).to_vec();
    let file = ControlFile { budgets, ..ControlFile::default() };
    ControlConfig::checked(directory.join("control"), file, callers).unwrap()
}

/// Sums of one budget: spent and held.
pub(super) fn sums(control: &Control, name: &str, caller: &str) -> (Amount, Amount) {
    let states = control.budgets();
    let state = states.iter().find(|state| *state.budget == *name && *state.caller == *caller).unwrap();
    (state.spent, state.held)
}

#[test]
fn budgets_that_make_no_sense_are_named() {
    let known: Vec<Arc<str>> = vec!["crm".into()];
    let error = |budgets: &[BudgetConfig]| {
        let file = ControlFile { budgets, ..ControlFile::default() };
        let (field, problem) = ControlConfig::checked("/x".into(), file, known.clone()).unwrap_err();
        format!("{field}: {problem}")
    };
    let twice = [budget("a", None, false, "1"), budget("a", None, true, "2")];
    assert!(error(&twice).starts_with("budget[1].name: `a` is there twice"));
    assert!(error(&[budget("a b", None, false, "1")]).starts_with("budget[0].name: needs"));
    assert!(error(&[budget("a", Some(&[]), false, "1")]).contains("callers: an empty list"));
    assert!(error(&[budget("a", Some(&["crn"]), false, "1")]).contains("`crn` is no caller"));
    assert!(error(&[budget("a", None, false, "1000001")]).contains("usd_per_day: is more than 1000000"));
    let negative = toml::from_str::<BudgetConfig>("usd_per_day = -5").unwrap_err();
    assert!(negative.message().contains("must not be negative"), "{negative}");
}
