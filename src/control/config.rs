//! Budgets and rate limits as the configuration writes them, and their checks. Callers are named, so what is kept of them is bounded by
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

/// `[[rate_limit]]`: how often each of these callers may ask. A bucket holds a minute's worth, so that much may come at
/// once.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitConfig {
    /// Its name in errors; unique. How full its buckets are is kept under it.
    #[serde(default = "rate")]
    pub name: String,
    /// For these callers; for all of them when absent. Each has its own bucket.
    #[serde(default)]
    pub callers: Option<Vec<String>>,
    /// Requests of any kind: Classify (each item of a stream), Redact, Restore, Dispatch.
    #[serde(default)]
    pub requests_per_minute: Option<u32>,
    /// Tokens that models read and wrote for the caller. They are counted when they are known, so a request may leave a
    /// debt, and the next one waits for it.
    #[serde(default)]
    pub tokens_per_minute: Option<u64>,
}

fn rate() -> String {
    "rate".to_owned()
}

/// A rate limit, checked.
#[derive(Clone, Debug)]
pub struct RateLimit {
    pub(super) name: Arc<str>,
    pub(super) callers: Option<Vec<Arc<str>>>,
    pub(super) requests: Option<u64>,
    pub(super) tokens: Option<u64>,
}

/// What the configuration says of all this.
#[derive(Clone, Copy, Debug, Default)]
pub struct ControlFile<'a> {
    /// Every `[[budget]]`.
    pub budgets: &'a [BudgetConfig],
    /// Every `[[rate_limit]]`.
    pub rate_limits: &'a [RateLimitConfig],
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
    /// The rate limits.
    pub rate_limits: Vec<RateLimit>,
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
        file: ControlFile<'_>,
        callers: Vec<Arc<str>>,
    ) -> Result<Self, (String, String)> {
        let ControlFile { budgets, rate_limits } = file;
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
        let rate_limits = rates(rate_limits, &callers)?;
        Ok(Self { directory, budgets: checked, rate_limits, callers })
    }
}

fn rates(limits: &[RateLimitConfig], callers: &[Arc<str>]) -> Result<Vec<RateLimit>, (String, String)> {
    let mut checked: Vec<RateLimit> = Vec::with_capacity(limits.len());
    for (index, limit) in limits.iter().enumerate() {
        let at = |field: &str| format!("rate_limit[{index}].{field}");
        let name = checked_name(&limit.name).map_err(|problem| (at("name"), problem))?;
        if checked.iter().any(|other| other.name == name) {
            return Err((at("name"), format!("`{name}` is there twice; give each limit its own name")));
        }
        let (requests, tokens) = (limit.requests_per_minute.map(u64::from), limit.tokens_per_minute);
        if requests.is_none() && tokens.is_none() {
            return Err((at("requests_per_minute"), "is missing; set it or tokens_per_minute".to_owned()));
        }
        for (field, value) in [("requests_per_minute", requests), ("tokens_per_minute", tokens)] {
            if value == Some(0) {
                return Err((
                    at(field),
                    "is 0, which lets nobody in; take the caller's permissions instead".to_owned(),
                ));
            }
        }
        let callers = checked_callers(limit.callers.as_deref(), callers).map_err(|problem| (at("callers"), problem))?;
        checked.push(RateLimit { name, callers, requests, tokens });
    }
    Ok(checked)
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
