//! What five years cost on each way: month by month, when machines have paid for themselves, and how much that depends on
//! the prices. All of it is a pure function of [`Figures`]; money is counted in whole micro-dollars.

use serde::Serialize;

use super::PlanError;
use super::factors::Side;
use super::figures::{Figures, Group, MONTHS, WHOLE, YEARS};
use super::usd::Usd;

/// Picodollars in a micro-dollar.
const PICOS_PER_MICRO: u128 = 1_000_000;
/// Seconds of a day.
const SECONDS: u128 = 86_400;
/// Changes of a price, in percent.
const CHANGES: [i64; 4] = [-50, -20, 20, 50];

/// A way to serve the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Everything on own machines.
    Local,
    /// Everything at a provider.
    Cloud,
    /// Everything at a provider that may leave; the rest on own machines.
    CloudWhereAllowed,
    /// The complex part of what may leave at a provider; the rest on own machines.
    Hybrid,
}

impl Way {
    /// The words in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Cloud => "cloud",
            Self::CloudWhereAllowed => "cloud where allowed",
            Self::Hybrid => "hybrid",
        }
    }

    /// Whether it sends each of the three groups out: what must stay, what may leave, what the hybrid sends.
    fn sends(self) -> [bool; 3] {
        match self {
            Self::Local => [false, false, false],
            Self::Cloud => [true, true, true],
            Self::CloudWhereAllowed => [false, true, true],
            Self::Hybrid => [false, false, true],
        }
    }
}

/// What one way costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scenario {
    /// Which.
    pub way: Way,
    /// Whether it keeps what must stay.
    pub permitted: bool,
    /// Part of the requests that goes to the cloud, in percent.
    pub cloud_percent: u64,
    /// Sets of machines.
    pub sets: u64,
    /// Dollars of each year.
    pub years_usd: Vec<Usd>,
    /// Dollars up to the end of each month; the first is what is paid before the first month.
    pub cumulated_usd: Vec<Usd>,
    /// Dollars in all.
    pub total_usd: Usd,
}

/// When machines have paid for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BreakEven {
    /// The first month at whose end local has cost no more than the cloud.
    pub month: Option<u64>,
    /// The month from which on that stays so; later if an upgrade sets local back.
    pub lasting_month: Option<u64>,
}

/// What another price or volume would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sensitivity {
    /// What changes.
    pub figure: &'static str,
    /// By how much, in percent.
    pub change_percent: i64,
    /// Dollars of the cloud.
    pub cloud_usd: Usd,
    /// Dollars of local.
    pub local_usd: Usd,
    /// What local saves.
    pub saving_usd: Usd,
    /// In percent of the cloud's.
    pub saving_percent: Option<i64>,
    /// The month of [`BreakEven::month`].
    pub break_even_month: Option<u64>,
}

/// The costs of five years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// In one sentence.
    pub summary: String,
    /// The cloud, everything.
    pub cloud_total_usd: Usd,
    /// Local, everything.
    pub local_total_usd: Usd,
    /// What local saves; negative if it costs more.
    pub saving_usd: Usd,
    /// In percent of the cloud's; `None` if the cloud costs nothing.
    pub saving_percent: Option<i64>,
    /// The cloud in a year.
    pub cloud_usd_per_year: Usd,
    /// The cheapest way that is permitted.
    pub cheapest: Way,
    /// When machines have paid for themselves.
    pub break_even: BreakEven,
    /// Requests a day at which the same machines cost what the cloud costs; `None` if the cloud costs nothing.
    pub equal_queries_per_day: Option<u64>,
    /// Every way.
    pub scenarios: Vec<Scenario>,
    /// What other prices would change.
    pub sensitivity: Vec<Sensitivity>,
}

/// Sets of machines for the groups that stay.
fn sets(figures: &Figures, stays: [bool; 3]) -> Result<u64, PlanError> {
    let too_large = || PlanError::TooLarge("the machines");
    let staying = || figures.groups().into_iter().zip(stays).filter(|(group, stays)| *stays && group.share > 0);
    if staying().next().is_none() {
        return Ok(0);
    }
    let part: u128 = staying().map(|(group, _)| u128::from(group.share)).sum();
    if let Some(sets) = figures.sets {
        let needed = (u128::from(sets) * part).div_ceil(u128::from(WHOLE));
        return u64::try_from(needed.max(1)).map_err(|_| too_large());
    }
    // A request without an answer takes a machine's time all the same: it counts as one token.
    let written = staying().try_fold(0_u128, |sum, (group, _)| {
        let tokens = u128::from(group.share).checked_mul(u128::from(group.output_tokens.max(1)))?;
        sum.checked_add(tokens)
    });
    let written = written.and_then(|tokens| tokens.checked_mul(u128::from(figures.queries_per_day)));
    let one_set = u128::from(figures.output_tokens_per_second) * SECONDS * u128::from(figures.utilisation);
    // Both sides are in millionths: the shares of the groups and the utilisation.
    let needed = written.ok_or_else(too_large)?.div_ceil(one_set.max(1));
    u64::try_from(needed.max(1)).map_err(|_| too_large())
}

/// What the cloud costs up to the end of a month.
fn cloud(figures: &Figures, goes: [bool; 3], month: u64) -> Result<Usd, PlanError> {
    const WHAT: &str = "the cloud";
    let too_large = || PlanError::TooLarge(WHAT);
    let going = figures.groups().into_iter().zip(goes).filter(|(_, goes)| *goes);
    let one = going
        .map(|(group, _)| group)
        .try_fold(0_u128, |sum, Group { share, picos, .. }| sum.checked_add(u128::from(share).checked_mul(picos)?));
    let picos = one
        .and_then(|one| one.checked_mul(u128::from(figures.queries_per_day)))
        .and_then(|day| day.checked_mul(u128::from(figures.days_per_year * month)))
        .ok_or_else(too_large)?;
    Usd::of_fraction(picos, u128::from(WHOLE) * 12 * PICOS_PER_MICRO, WHAT)
}

/// What so many sets cost up to the end of a month. Hardware is paid before the first month, an upgrade in the first
/// month of its year.
fn machines(figures: &Figures, sets: u64, month: u64) -> Result<Usd, PlanError> {
    const WHAT: &str = "the machines";
    let mut one = figures.hardware.plus(figures.running_per_year.times(month, WHAT)?.share(1, 12, WHAT)?, WHAT)?;
    for (year, usd) in &figures.upgrades {
        if month > (year - 1) * 12 {
            one = one.plus(*usd, WHAT)?;
        }
    }
    one.times(sets, WHAT)
}

fn scenario(figures: &Figures, way: Way) -> Result<Scenario, PlanError> {
    let goes = way.sends();
    let sets = sets(figures, goes.map(|goes| !goes))?;
    let mut cumulated = Vec::new();
    for month in 0..=MONTHS {
        cumulated.push(cloud(figures, goes, month)?.plus(machines(figures, sets, month)?, "everything")?);
    }
    let mut years = Vec::new();
    let mut before = Usd::ZERO;
    for year in 1..=YEARS {
        let end = usize::try_from(year * 12).ok().and_then(|month| cumulated.get(month)).copied().unwrap_or(before);
        years.push(end.minus(before, "a year")?);
        before = end;
    }
    let share: u64 = figures.groups().iter().zip(goes).filter(|(_, goes)| *goes).map(|(group, _)| group.share).sum();
    Ok(Scenario {
        way,
        permitted: way != Way::Cloud || figures.must_stay.share == 0,
        cloud_percent: (share + WHOLE / 200) / (WHOLE / 100),
        sets,
        years_usd: years,
        cumulated_usd: cumulated,
        total_usd: before,
    })
}

fn break_even(local: &Scenario, cloud: &Scenario) -> BreakEven {
    let months = || local.cumulated_usd.iter().zip(&cloud.cumulated_usd).enumerate().skip(1);
    let month = months().find(|(_, (local, cloud))| local <= cloud).map(|(month, _)| month as u64);
    let last_behind = months().filter(|(_, (local, cloud))| local > cloud).map(|(month, _)| month as u64).next_back();
    let lasting_month = match last_behind {
        None => Some(1),
        Some(behind) => (behind < MONTHS).then_some(behind + 1),
    };
    BreakEven { month, lasting_month }
}

/// What is saved, in whole percent of what it is saved from; halves go away from zero.
fn percent(saving: Usd, of: Usd) -> Option<i64> {
    if of.micros() <= 0 {
        return None;
    }
    let (saving, of) = (i128::from(saving.micros()) * 100, i128::from(of.micros()));
    i64::try_from((saving.abs() + of / 2) / of * saving.signum()).ok()
}

/// The two pure ways, and what lies between them.
struct Pair {
    local: Scenario,
    cloud: Scenario,
    saving: Usd,
    percent: Option<i64>,
    break_even: BreakEven,
}

fn pair(figures: &Figures) -> Result<Pair, PlanError> {
    let (local, cloud) = (scenario(figures, Way::Local)?, scenario(figures, Way::Cloud)?);
    let saving = cloud.total_usd.minus(local.total_usd, "the saving")?;
    let percent = percent(saving, cloud.total_usd);
    let break_even = break_even(&local, &cloud);
    Ok(Pair { local, cloud, saving, percent, break_even })
}

/// A change of one figure.
struct Lever {
    figure: &'static str,
    apply: fn(&mut Figures, u64) -> Result<(), PlanError>,
}

fn scaled(usd: Usd, percent: u64) -> Result<Usd, PlanError> {
    usd.times(percent, "a changed price")?.share(1, 100, "a changed price")
}

const LEVERS: [Lever; 4] = [
    Lever {
        figure: "price of the cloud",
        apply: |figures, percent| {
            for group in [&mut figures.must_stay, &mut figures.may_leave, &mut figures.leaves] {
                group.picos = (group.picos * u128::from(percent) + 50) / 100;
            }
            Ok(())
        },
    },
    Lever {
        figure: "price of hardware",
        apply: |figures, percent| {
            figures.hardware = scaled(figures.hardware, percent)?;
            for (_, usd) in &mut figures.upgrades {
                *usd = scaled(*usd, percent)?;
            }
            Ok(())
        },
    },
    Lever {
        figure: "running cost",
        apply: |figures, percent| {
            figures.running_per_year = scaled(figures.running_per_year, percent)?;
            Ok(())
        },
    },
    Lever {
        figure: "requests a day",
        apply: |figures, percent| {
            figures.queries_per_day = (figures.queries_per_day * percent).div_ceil(100);
            Ok(())
        },
    },
];

fn sensitivity(figures: &Figures) -> Result<Vec<Sensitivity>, PlanError> {
    let mut rows = Vec::new();
    for lever in &LEVERS {
        for change in CHANGES {
            let mut changed = figures.clone();
            (lever.apply)(&mut changed, u64::try_from(100 + change).unwrap_or(100))?;
            let pair = pair(&changed)?;
            rows.push(Sensitivity {
                figure: lever.figure,
                change_percent: change,
                cloud_usd: pair.cloud.total_usd,
                local_usd: pair.local.total_usd,
                saving_usd: pair.saving,
                saving_percent: pair.percent,
                break_even_month: pair.break_even.month,
            });
        }
    }
    Ok(rows)
}

fn summary(pair: &Pair) -> String {
    let (local, cloud) = (pair.local.total_usd, pair.cloud.total_usd);
    let both = format!("over {YEARS} years the cloud costs {cloud} and local {local}");
    let more = Usd::from_micros(pair.saving.micros().saturating_neg());
    match (pair.saving.micros().signum(), pair.percent) {
        (1, Some(percent)) => format!("{both}: local saves {} ({percent} %)", pair.saving),
        (0, _) => format!("{both}: the same"),
        (_, Some(percent)) => format!("{both}: local costs {more} more ({} %)", percent.saturating_neg()),
        (_, None) => format!("{both}: local costs {more} more"),
    }
}

/// The costs.
///
/// # Errors
/// When a sum is larger than any counter holds.
pub(super) fn costs(figures: &Figures) -> Result<Costs, PlanError> {
    let pair = pair(figures)?;
    let mut scenarios = vec![pair.local.clone(), pair.cloud.clone()];
    if figures.must_stay.share > 0 {
        scenarios.push(scenario(figures, Way::CloudWhereAllowed)?);
    }
    scenarios.push(scenario(figures, Way::Hybrid)?);
    // Of two that cost the same, the one that keeps more at home.
    let cheapest = scenarios.iter().filter(|scenario| scenario.permitted).min_by_key(|scenario| scenario.total_usd);
    let equal =
        u128::try_from(pair.local.total_usd.micros()).ok().zip(u128::try_from(pair.cloud.total_usd.micros()).ok());
    let equal = equal
        .filter(|(_, cloud)| *cloud > 0)
        .and_then(|(local, cloud)| u64::try_from((local * u128::from(figures.queries_per_day)).div_ceil(cloud)).ok());
    Ok(Costs {
        summary: summary(&pair),
        cloud_total_usd: pair.cloud.total_usd,
        local_total_usd: pair.local.total_usd,
        saving_usd: pair.saving,
        saving_percent: pair.percent,
        cloud_usd_per_year: cloud(figures, Way::Cloud.sends(), 12)?,
        cheapest: cheapest.map_or(Way::Local, |scenario| scenario.way),
        break_even: pair.break_even,
        equal_queries_per_day: equal,
        scenarios,
        sensitivity: sensitivity(figures)?,
    })
}

/// Which side the costs speak for: the cheaper by a tenth, else neither.
#[must_use]
pub fn cheaper(costs: &Costs) -> Side {
    match costs.saving_percent {
        Some(percent) if percent >= 10 => Side::Local,
        Some(percent) if percent > -10 => Side::Hybrid,
        _ => Side::Cloud,
    }
}
