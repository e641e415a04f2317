//! Budgets as the configuration writes them, and their checks. Callers are named, so what is kept of them is bounded by
//! the configuration.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::money::{Amount, Decimal};

/// The largest budget of a day, in US dollars: more is a slip, and sums stay far from their bound.
pub const MAX_USD_PER_DAY: u64 = 1_000_000;

/// `[[budget]]`: what may be spent in the cloud on one day of UTC.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BudgetConfig {
    /// Its name in errors and lists; unique. What was spent is kept under it.
    #[serde(default = "daily")]
    pub name: String,
    /// For these callers; for all of them when absent.
    #[serde(default)]
    pub callers: Option<Vec<String>>,
    /// One sum for all of its callers together; each has its own when absent.
    #[serde(default)]
    pub together: bool,
    /// US dollars.
    pub usd_per_day: Decimal,
}

fn daily() -> String {
    "daily".to_owned()
}

/// A budget, checked.
#[derive(Clone, Debug)]
pub struct Budget {
    pub(super) name: Arc<str>,
    pub(super) callers: Option<Vec<Arc<str>>>,
    pub(super) together: bool,
    pub(super) limit: Amount,
}

/// What [`super::Control`] is made of, checked.
#[derive(Clone, Debug)]
pub struct ControlConfig {
    /// Where its file is: made with mode 0700 if it is not there, refused if others can look into it.
    pub directory: PathBuf,
    /// The budgets.
    pub budgets: Vec<Budget>,
    /// Every caller there can be.
    pub callers: Vec<Arc<str>>,
}

impl ControlConfig {
    /// Checks what the configuration says.
    ///
    /// # Errors
    /// The field that makes no sense, and what would.
    pub fn checked(
        directory: PathBuf,
        budgets: &[BudgetConfig],
        callers: Vec<Arc<str>>,
    ) -> Result<Self, (String, String)> {
        let mut checked: Vec<Budget> = Vec::with_capacity(budgets.len());
        for (index, budget) in budgets.iter().enumerate() {
            let at = |field: &str| format!("budget[{index}].{field}");
            let name = checked_name(&budget.name).map_err(|problem| (at("name"), problem))?;
            if checked.iter().any(|other| other.name == name) {
                return Err((at("name"), format!("`{name}` is there twice; give each budget its own name")));
            }
            if budget.usd_per_day.millionths() > MAX_USD_PER_DAY * 1_000_000 {
                return Err((at("usd_per_day"), format!("is more than {MAX_USD_PER_DAY} dollars a day")));
            }
            checked.push(Budget {
                name,
                callers: checked_callers(budget.callers.as_deref(), &callers)
                    .map_err(|problem| (at("callers"), problem))?,
                together: budget.together,
                limit: Amount::from_micros(budget.usd_per_day.millionths()),
            });
        }
        Ok(Self { directory, budgets: checked, callers })
    }
}

/// A name that a list, a record and a file can hold.
fn checked_name(name: &str) -> Result<Arc<str>, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return Err("needs 1 to 64 letters, digits, `-`, `_` or `.`".to_owned());
    }
    Ok(name.into())
}

/// The callers of an entry, each of whom must be known.
fn checked_callers(named: Option<&[String]>, known: &[Arc<str>]) -> Result<Option<Vec<Arc<str>>>, String> {
    let Some(named) = named else { return Ok(None) };
    if named.is_empty() {
        return Err("an empty list fits nobody; leave it out for everybody".to_owned());
    }
    let find = |name: &String| {
        known.iter().find(|caller| ***caller == **name).cloned().ok_or_else(|| {
            format!("`{}` is no caller of this configuration; add its [[caller]] or remove it", name.escape_default())
        })
    };
    named.iter().map(find).collect::<Result<Vec<_>, _>>().map(Some)
}
