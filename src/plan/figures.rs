//! The figures that the costs are made of: what was stated, else what was recorded, else an assumption. Each keeps where
//! it comes from, so that an assumption never looks like a fact.

use serde::Serialize;

use crate::money::{Decimal, MAX_USD_PER_MILLION};

use super::choices::Residency;
use super::stated::Upgrade;
use super::traffic::Traffic;
use super::usd::{Usd, grouped};
use super::{PlanError, Stated};

/// Years of a plan.
pub const YEARS: u64 = 5;
/// Months of a plan.
pub const MONTHS: u64 = YEARS * 12;
/// Parts of a whole.
pub(super) const WHOLE: u64 = 1_000_000;
/// Most requests a day that are believed: more than the world sends to all models together.
const MAX_QUERIES: u64 = 1_000_000_000_000;
/// Most tokens of one request that are believed.
const MAX_TOKENS: u64 = 100_000_000;

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// An option or the plan file.
    Stated,
    /// The audit log.
    Recorded,
    /// The configuration of the service.
    Configured,
    /// Nobody said it.
    Assumed,
}

impl Origin {
    /// The word in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stated => "stated",
            Self::Recorded => "recorded",
            Self::Configured => "configured",
            Self::Assumed => "assumed",
        }
    }
}

/// A figure as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Name of the option.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Where it comes from.
    pub origin: Origin,
    /// What it means, and why an assumption is as it is.
    pub about: &'static str,
}

/// Prices of the cloud, from the configuration of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloudPrice {
    /// Dollars per million tokens read.
    pub input: Decimal,
    /// Dollars per million tokens written.
    pub output: Decimal,
}

/// A part of the requests that go the same way in every scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its part of the requests, in millionths.
    pub share: u64,
    /// Tokens read in one of them.
    pub input_tokens: u64,
    /// Tokens written in one of them.
    pub output_tokens: u64,
    /// Picodollars of one of them in the cloud.
    pub picos: u128,
}

/// Everything that the costs are computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Requests a day.
    pub queries_per_day: u64,
    /// Days of a year with that many.
    pub days_per_year: u64,
    /// What must stay local.
    pub must_stay: Group,
    /// What may leave, and stays in the hybrid.
    pub may_leave: Group,
    /// What the hybrid sends to the cloud.
    pub leaves: Group,
    /// Hardware of one set.
    pub hardware: Usd,
    /// A year of one set.
    pub running_per_year: Usd,
    /// New hardware of one set.
    pub upgrades: Vec<(u64, Usd)>,
    /// Tokens a second that one set writes at full load.
    pub output_tokens_per_second: u64,
    /// How much of that is used, in millionths.
    pub utilisation: u64,
    /// Sets for everything, instead of as many as are needed.
    pub sets: Option<u64>,
    /// How they were come by.
    pub told: Vec<Told>,
}

const DAYS_ABOUT: &str = "twelve months of 30 days, as monthly bills are estimated; 365 makes the cloud 1.4 % dearer";
const QUERIES_ABOUT: &str = "requests a day, the same for five years";
const INPUT_ABOUT: &str = "about 750 words of question with its context";
const OUTPUT_ABOUT: &str = "about 190 words of answer";
const INPUT_PRICE_ABOUT: &str =
    "list price of a large general model (https://openai.com/api/pricing, GPT-4o); prices change, state yours";
const OUTPUT_PRICE_ABOUT: &str = "as the price of tokens read; 1,000 tokens read and 250 written cost 0.005 dollars";
const QUERY_PRICE_ABOUT: &str = "dollars of one request in the cloud";
const RECORDED_PRICE_ABOUT: &str =
    "mean of what the recorded tokens cost, or would have cost, at the cloud's configured price";
const HARDWARE_ABOUT: &str = "one set: two servers with two 48 GB cards each, so that one may fail or rest";
const RUNNING_ABOUT: &str = "one set: about 2 kW on average at 0.15 dollars a kWh (2,600), place and network (2,400), a tenth of an administrator (7,000)";
const UPGRADE_ABOUT: &str = "one set: half of the hardware is replaced when it is two years old";
const SPEED_ABOUT: &str = "one set, a model of 70B at 4 bits with many requests at once; cautious, measure yours";
const UTILISATION_ABOUT: &str = "half of the speed is kept for the busiest hours";
const SETS_ABOUT: &str = "sets of machines for everything";
const MUST_STAY_ABOUT: &str = "part of the requests that policy or place keep local";
const CLOUD_ABOUT: &str =
    "part of the requests that the hybrid sends to the cloud: the complex ones among those that may leave";

/// Collects figures and how each was come by.
struct Teller(Vec<Told>);

impl Teller {
    fn tell(&mut self, name: &'static str, value: impl ToString, origin: Origin, about: &'static str) {
        self.0.push(Told { name, value: value.to_string(), origin, about });
    }

    /// What was stated, else recorded, else assumed.
    fn whole(
        &mut self,
        name: &'static str,
        stated: Option<u64>,
        recorded: Option<u64>,
        assumed: u64,
        about: &'static str,
    ) -> u64 {
        let (value, origin) = match (stated, recorded) {
            (Some(value), _) => (value, Origin::Stated),
            (None, Some(value)) => (value, Origin::Recorded),
            (None, None) => (assumed, Origin::Assumed),
        };
        self.tell(name, grouped(value), origin, about);
        value
    }

    fn usd(
        &mut self,
        name: &'static str,
        stated: Option<Decimal>,
        assumed: i32,
        about: &'static str,
    ) -> Result<Usd, PlanError> {
        let (value, origin) = match stated {
            Some(value) => (Usd::of(value, name)?, Origin::Stated),
            None => (Usd::dollars(assumed), Origin::Assumed),
        };
        self.tell(name, value, origin, about);
        Ok(value)
    }
}

fn within(name: &'static str, value: u64, least: u64, most: u64) -> Result<u64, PlanError> {
    if (least..=most).contains(&value) {
        return Ok(value);
    }
    Err(PlanError::wrong(name, format!("must be from {} to {}", grouped(least), grouped(most))))
}

/// Percent as millionths of a whole.
fn share(name: &'static str, percent: Decimal) -> Result<u64, PlanError> {
    let share = percent.millionths() / 100;
    if share > WHOLE {
        return Err(PlanError::wrong(name, "must be from 0 to 100 percent"));
    }
    Ok(share)
}

/// Millionths as percent with one place.
fn percent(share: u64) -> String {
    let tenths = (share + 500) / 1000;
    if tenths.is_multiple_of(10) { format!("{} %", tenths / 10) } else { format!("{}.{} %", tenths / 10, tenths % 10) }
}

/// Prices of tokens, in picodollars of one.
struct TokenPrice {
    input: u128,
    output: u128,
}

impl TokenPrice {
    fn of(&self, input_tokens: u64, output_tokens: u64) -> u128 {
        // At most 10^10 picodollars for each of at most 10^8 tokens.
        u128::from(input_tokens) * self.input + u128::from(output_tokens) * self.output
    }
}

impl Figures {
    /// The figures for what is stated and recorded.
    ///
    /// # Errors
    /// Names the figure that makes no sense.
    pub fn of(stated: &Stated, traffic: Option<&Traffic>, configured: Option<CloudPrice>) -> Result<Self, PlanError> {
        let mut teller = Teller(Vec::new());
        let recorded = traffic.and_then(Traffic::queries_per_day);
        if stated.queries_per_day.or(recorded).is_none() {
            let problem = "is not known; state it, or count recorded traffic with --from-audit";
            return Err(PlanError::wrong("queries_per_day", problem));
        }
        let queries = teller.whole("queries_per_day", stated.queries_per_day, recorded, 0, QUERIES_ABOUT);
        let queries_per_day = within("queries_per_day", queries, 1, MAX_QUERIES)?;
        let days = teller.whole("days_per_year", stated.days_per_year, None, 360, DAYS_ABOUT);
        let days_per_year = within("days_per_year", days, 1, 366)?;
        let [must_stay, may_leave, leaves] = groups(stated, traffic, configured, &mut teller)?;
        let hardware = teller.usd("hardware_usd", stated.hardware_usd, 60_000, HARDWARE_ABOUT)?;
        let running_per_year =
            teller.usd("running_usd_per_year", stated.running_usd_per_year, 12_000, RUNNING_ABOUT)?;
        let upgrades = upgrades(stated.upgrade.as_deref(), &mut teller)?;
        let speed = teller.whole("output_tokens_per_second", stated.output_tokens_per_second, None, 300, SPEED_ABOUT);
        let output_tokens_per_second = within("output_tokens_per_second", speed, 1, 1_000_000_000)?;
        let utilisation = match stated.utilisation_percent {
            None => WHOLE / 2,
            Some(percent) => share("utilisation_percent", percent)?,
        };
        if utilisation == 0 {
            return Err(PlanError::wrong(
                "utilisation_percent",
                "must be more than 0; machines that do nothing answer nothing",
            ));
        }
        let origin = stated.utilisation_percent.map_or(Origin::Assumed, |_| Origin::Stated);
        teller.tell("utilisation_percent", percent(utilisation), origin, UTILISATION_ABOUT);
        if let Some(sets) = stated.sets {
            within("sets", sets, 1, 1_000_000)?;
            teller.tell("sets", grouped(sets), Origin::Stated, SETS_ABOUT);
        }
        Ok(Self {
            queries_per_day,
            days_per_year,
            must_stay,
            may_leave,
            leaves,
            hardware,
            running_per_year,
            upgrades,
            output_tokens_per_second,
            utilisation,
            sets: stated.sets,
            told: teller.0,
        })
    }

    /// The three groups.
    #[must_use]
    pub fn groups(&self) -> [Group; 3] {
        [self.must_stay, self.may_leave, self.leaves]
    }
}

fn upgrades(stated: Option<&[Upgrade]>, teller: &mut Teller) -> Result<Vec<(u64, Usd)>, PlanError> {
    let Some(stated) = stated else {
        teller.tell("upgrade", "year 3: $30,000", Origin::Assumed, UPGRADE_ABOUT);
        return Ok(vec![(3, Usd::dollars(30_000))]);
    };
    let mut upgrades = Vec::new();
    for upgrade in stated {
        upgrades.push((within("upgrade year", upgrade.year, 1, YEARS)?, Usd::of(upgrade.usd, "upgrade")?));
    }
    let told: Vec<String> = upgrades.iter().map(|(year, usd)| format!("year {year}: {usd}")).collect();
    let told = if told.is_empty() { "none".to_owned() } else { told.join(", ") };
    teller.tell("upgrade", told, Origin::Stated, UPGRADE_ABOUT);
    Ok(upgrades)
}

/// What goes where, and what one request of each costs.
fn groups(
    stated: &Stated,
    traffic: Option<&Traffic>,
    configured: Option<CloudPrice>,
    teller: &mut Teller,
) -> Result<[Group; 3], PlanError> {
    let means = traffic.and_then(Traffic::mean_tokens);
    let input = teller.whole("input_tokens", stated.input_tokens, means.map(|(input, _)| input), 1_000, INPUT_ABOUT);
    let output =
        teller.whole("output_tokens", stated.output_tokens, means.map(|(_, output)| output), 250, OUTPUT_ABOUT);
    within("input_tokens", input, 0, MAX_TOKENS)?;
    within("output_tokens", output, 0, MAX_TOKENS)?;

    let network = stated.residency == Some(Residency::Network);
    let (must_stay, origin) = match (stated.must_stay_percent, traffic.and_then(Traffic::must_stay)) {
        _ if network => (WHOLE, Origin::Stated),
        (Some(percent), _) => (share("must_stay_percent", percent)?, Origin::Stated),
        (None, Some(recorded)) => (recorded, Origin::Recorded),
        (None, None) => (0, Origin::Assumed),
    };
    teller.tell("must_stay_percent", percent(must_stay), origin, MUST_STAY_ABOUT);
    let free = WHOLE - must_stay;
    let (leaves, origin) = match (stated.cloud_percent, traffic.and_then(Traffic::sent_out)) {
        (Some(percent), _) => {
            let wanted = share("cloud_percent", percent)?;
            if wanted > free {
                let problem = "and must_stay_percent are more than 100 together; what must stay cannot be sent out";
                return Err(PlanError::wrong("cloud_percent", problem));
            }
            (wanted, Origin::Stated)
        }
        (None, Some(recorded)) => (recorded.min(free), Origin::Recorded),
        (None, None) => ((WHOLE / 5).min(free), Origin::Assumed),
    };
    teller.tell("cloud_percent", percent(leaves), origin, CLOUD_ABOUT);

    let prices = prices(stated, traffic, configured, teller)?;
    let shares = [must_stay, free - leaves, leaves];
    let mut groups = [Group::default(); 3];
    let recorded = traffic.map(Traffic::group_tokens);
    for (index, (group, share)) in groups.iter_mut().zip(shares).enumerate() {
        // Recorded groups differ in length; whoever states tokens means all requests alike.
        let own = recorded.and_then(|groups| groups.get(index).copied().flatten());
        let own = own.filter(|_| stated.input_tokens.is_none() && stated.output_tokens.is_none());
        let (input_tokens, output_tokens) = own.unwrap_or((input, output));
        let picos = match &prices {
            Prices::Query(picos) => *picos,
            Prices::Tokens(price) => price.of(input_tokens.min(MAX_TOKENS), output_tokens.min(MAX_TOKENS)),
        };
        *group = Group { share, input_tokens, output_tokens, picos };
    }
    Ok(groups)
}

enum Prices {
    Query(u128),
    Tokens(TokenPrice),
}

/// The price of the cloud: of a request or of tokens; stated, else configured, else as recorded costs say, else assumed.
fn prices(
    stated: &Stated,
    traffic: Option<&Traffic>,
    configured: Option<CloudPrice>,
    teller: &mut Teller,
) -> Result<Prices, PlanError> {
    const PICOS: u128 = 1_000_000;
    if let Some(query) = stated.usd_per_query {
        let usd = Usd::of(query, "usd_per_query")?;
        if query.millionths() > MAX_USD_PER_MILLION * 1_000_000 {
            return Err(PlanError::wrong("usd_per_query", format!("must be at most {MAX_USD_PER_MILLION} dollars")));
        }
        teller.tell("usd_per_query", usd, Origin::Stated, QUERY_PRICE_ABOUT);
        return Ok(Prices::Query(u128::from(query.millionths()) * PICOS));
    }
    let by_tokens = stated.input_usd_per_million.is_some() || stated.output_usd_per_million.is_some();
    if !by_tokens && configured.is_none() {
        let recorded = traffic.and_then(Traffic::cloud_picos_per_request);
        // Stated tokens ask for a price of tokens.
        if let Some(picos) = recorded.filter(|_| stated.input_tokens.is_none() && stated.output_tokens.is_none()) {
            let usd = Usd::of_fraction(picos, PICOS, "usd_per_query")?;
            teller.tell("usd_per_query", usd, Origin::Recorded, RECORDED_PRICE_ABOUT);
            return Ok(Prices::Query(picos));
        }
    }
    let mut price = |name, stated: Option<Decimal>, configured: Option<Decimal>, assumed: u64, about| {
        let (millionths, origin) = match (stated, configured) {
            (Some(value), _) => (value.millionths(), Origin::Stated),
            (None, Some(value)) => (value.millionths(), Origin::Configured),
            (None, None) => (assumed, Origin::Assumed),
        };
        if millionths > MAX_USD_PER_MILLION * 1_000_000 {
            let problem = format!("is more than any model costs; at most {MAX_USD_PER_MILLION} dollars are taken");
            return Err(PlanError::wrong(name, problem));
        }
        teller.tell(name, Usd::from_micros(i64::try_from(millionths).unwrap_or(i64::MAX)), origin, about);
        Ok(u128::from(millionths))
    };
    let input = price(
        "input_usd_per_million",
        stated.input_usd_per_million,
        configured.map(|configured| configured.input),
        2_500_000,
        INPUT_PRICE_ABOUT,
    )?;
    let output = price(
        "output_usd_per_million",
        stated.output_usd_per_million,
        configured.map(|configured| configured.output),
        10_000_000,
        OUTPUT_PRICE_ABOUT,
    )?;
    // Dollars per million tokens in millionths are picodollars per token.
    Ok(Prices::Tokens(TokenPrice { input, output }))
}
