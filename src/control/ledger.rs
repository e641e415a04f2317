//! The arithmetic of budgets, in memory: for each line what was spent and what is held on the present day. A
//! reservation looks at all lines of its caller and takes from all of them in one step, so together they are hard.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::money::Amount;

use super::config::Budget;
use super::store::{Place, Spent};

/// A budget as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetState {
    /// Its name.
    pub budget: Arc<str>,
    /// Whose; empty if it is one for several together.
    pub caller: Arc<str>,
    /// What may be spent in a day.
    pub limit: Amount,
    /// What was spent on the present day.
    pub spent: Amount,
    /// What calls in work hold.
    pub held: Amount,
    /// The present day, counted from 1970-01-01 UTC.
    pub day: i64,
}

impl BudgetState {
    /// The present day as a date, such as 2026-01-31.
    #[must_use]
    pub fn date(&self) -> String {
        let noon = self.day.checked_mul(24 * 60 * 60).and_then(|seconds| Timestamp::from_second(seconds).ok());
        noon.map_or_else(String::new, |time| time.strftime("%F").to_string())
    }
}

/// One sum.
#[derive(Clone, Debug)]
struct Line {
    budget: Arc<str>,
    caller: Arc<str>,
    limit: Amount,
    spent: Amount,
    held: Amount,
}

impl Line {
    fn left(&self) -> Amount {
        self.limit.less(self.spent).less(self.held)
    }
}

/// Something that was taken out of some lines.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) lines: Vec<usize>,
    pub(super) day: i64,
    pub(super) amount: Amount,
}

/// All lines.
#[derive(Debug)]
pub(super) struct Ledger {
    lines: Vec<Line>,
    by_caller: HashMap<Arc<str>, Vec<usize>>,
    /// The newest day that was ever seen. It never goes back, so a clock that does opens nothing.
    day: i64,
}

impl Ledger {
    pub(super) fn new(budgets: &[Budget], callers: &[Arc<str>]) -> Self {
        let by_caller = callers.iter().map(|caller| (Arc::clone(caller), Vec::new())).collect();
        let mut ledger = Self { lines: Vec::new(), by_caller, day: i64::MIN };
        for budget in budgets {
            let own = budget.callers.as_deref().unwrap_or(callers);
            let line = |caller: Arc<str>| Line {
                budget: Arc::clone(&budget.name),
                caller,
                limit: budget.limit,
                spent: Amount::ZERO,
                held: Amount::ZERO,
            };
            if budget.together {
                ledger.lines.push(line("".into()));
            }
            for caller in own {
                if !budget.together {
                    ledger.lines.push(line(Arc::clone(caller)));
                }
                let newest = ledger.lines.len() - 1;
                let lines = ledger.by_caller.entry(Arc::clone(caller)).or_default();
                if !lines.contains(&newest) {
                    lines.push(newest);
                }
            }
        }
        ledger
    }

    /// Takes over what was spent before this start.
    pub(super) fn restore(&mut self, spent: &[Spent]) {
        self.day = spent.iter().map(|spent| spent.day).max().unwrap_or(i64::MIN);
        for spent in spent.iter().filter(|spent| spent.day == self.day) {
            let line = self
                .lines
                .iter_mut()
                .find(|line| *line.budget == *spent.place.budget && *line.caller == *spent.place.caller);
            if let Some(line) = line {
                line.spent = line.spent.plus(spent.amount);
            }
        }
    }

    pub(super) fn knows(&self, caller: &str) -> bool {
        self.by_caller.contains_key(caller)
    }

    pub(super) fn day(&self) -> i64 {
        self.day
    }

    pub(super) fn bounds(&self, caller: &str) -> bool {
        // Nobody outside the configuration calls; if one did, every budget would be closed to it.
        !self.lines.is_empty() && self.by_caller.get(caller).is_none_or(|lines| !lines.is_empty())
    }

    /// Whether all lines of the caller have room, and which they are; else the budget that has none.
    pub(super) fn room(&mut self, caller: &str, amount: Amount, today: i64) -> Result<Vec<usize>, Arc<str>> {
        self.advance(today);
        let lines = match self.by_caller.get(caller) {
            Some(lines) => lines.clone(),
            None => match self.lines.first() {
                Some(line) => return Err(Arc::clone(&line.budget)),
                None => Vec::new(),
            },
        };
        let full = lines.iter().filter_map(|at| self.lines.get(*at)).find(|line| line.left() < amount);
        match full {
            Some(line) => Err(Arc::clone(&line.budget)),
            None => Ok(lines),
        }
    }

    /// Takes the amount out of every line of the caller, or out of none.
    pub(super) fn reserve(&mut self, caller: &str, amount: Amount, today: i64) -> Result<Taken, Arc<str>> {
        let lines = self.room(caller, amount, today)?;
        for at in &lines {
            if let Some(line) = self.lines.get_mut(*at) {
                line.held = line.held.plus(amount);
            }
        }
        Ok(Taken { lines, day: self.day, amount })
    }

    /// Turns what was held into what was spent.
    pub(super) fn settle(&mut self, taken: &Taken, cost: Amount) {
        // What belongs to an earlier day is no longer in memory; the file has it.
        if taken.day != self.day {
            return;
        }
        for at in &taken.lines {
            if let Some(line) = self.lines.get_mut(*at) {
                line.held = line.held.less(taken.amount);
                line.spent = line.spent.plus(cost);
            }
        }
    }

    /// The lines by name.
    pub(super) fn places(&self, taken: &Taken) -> Vec<Place> {
        let place = |line: &Line| Place { budget: Arc::clone(&line.budget), caller: Arc::clone(&line.caller) };
        taken.lines.iter().filter_map(|at| self.lines.get(*at)).map(place).collect()
    }

    pub(super) fn states(&mut self, today: i64) -> Vec<BudgetState> {
        self.advance(today);
        let state = |line: &Line| BudgetState {
            budget: Arc::clone(&line.budget),
            caller: Arc::clone(&line.caller),
            limit: line.limit,
            spent: line.spent,
            held: line.held,
            day: self.day,
        };
        self.lines.iter().map(state).collect()
    }

    fn advance(&mut self, today: i64) {
        if today > self.day {
            self.day = today;
            for line in &mut self.lines {
                (line.spent, line.held) = (Amount::ZERO, Amount::ZERO);
            }
        }
    }
}
