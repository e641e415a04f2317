//! What somebody states about a need, as options of a command or as a TOML file with the same names. Nothing is filled in
//! here: what is not stated stays unknown, so that an assumption can be told from a fact.

use std::str::FromStr;

use serde::Deserialize;

use crate::money::Decimal;

use super::PlanError;
use super::choices::{Budget, DataSensitivity, Deployment, Latency, Quality, Residency, Task, Team};

/// What is stated; all of it may be absent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Stated {
    /// How sensitive the data is.
    #[arg(long, value_enum, value_name = "WORD")]
    pub sensitivity: Option<DataSensitivity>,
    /// Where the data may be; `network`: it must not leave, and that decides alone.
    #[arg(long, value_enum, value_name = "WORD")]
    pub residency: Option<Residency>,
    /// Requests a day.
    #[arg(long, value_name = "COUNT", value_parser = whole, allow_negative_numbers = true)]
    pub queries_per_day: Option<u64>,
    /// How fast answers must begin: under 500 ms always, mostly, or not.
    #[arg(long, value_enum, value_name = "WORD")]
    pub latency: Option<Latency>,
    /// What money there is.
    #[arg(long, value_enum, value_name = "WORD")]
    pub budget: Option<Budget>,
    /// Who would run models.
    #[arg(long, value_enum, value_name = "WORD")]
    pub team: Option<Team>,
    /// What is asked of the model.
    #[arg(long, value_enum, value_name = "WORD")]
    pub task: Option<Task>,
    /// Where the services run that ask.
    #[arg(long, value_enum, value_name = "WORD")]
    pub deployment: Option<Deployment>,
    /// How good the answers must be.
    #[arg(long, value_enum, value_name = "WORD")]
    pub quality: Option<Quality>,
    /// Tokens of a request, on average.
    #[arg(long, value_name = "TOKENS", value_parser = whole, allow_negative_numbers = true, help_heading = "Costs")]
    pub input_tokens: Option<u64>,
    /// Tokens of an answer, on average.
    #[arg(long, value_name = "TOKENS", value_parser = whole, allow_negative_numbers = true, help_heading = "Costs")]
    pub output_tokens: Option<u64>,
    /// Cloud: dollars per million tokens read.
    #[arg(long, value_name = "USD", value_parser = decimal, allow_negative_numbers = true, help_heading = "Costs")]
    pub input_usd_per_million: Option<Decimal>,
    /// Cloud: dollars per million tokens written.
    #[arg(long, value_name = "USD", value_parser = decimal, allow_negative_numbers = true, help_heading = "Costs")]
    pub output_usd_per_million: Option<Decimal>,
    /// Cloud: dollars per request, whatever its tokens; instead of the prices of tokens.
    #[arg(
        long,
        value_name = "USD",
        value_parser = decimal,
        allow_negative_numbers = true,
        help_heading = "Costs",
        conflicts_with_all = ["input_usd_per_million", "output_usd_per_million"]
    )]
    pub usd_per_query: Option<Decimal>,
    /// Local: dollars for the hardware of one set of machines.
    #[arg(long, value_name = "USD", value_parser = decimal, allow_negative_numbers = true, help_heading = "Costs")]
    pub hardware_usd: Option<Decimal>,
    /// Local: dollars a year for power, place and care of one set.
    #[arg(long, value_name = "USD", value_parser = decimal, allow_negative_numbers = true, help_heading = "Costs")]
    pub running_usd_per_year: Option<Decimal>,
    /// Local: dollars for new hardware of one set at the start of a year, such as 3:30000; several times for several.
    #[arg(long, value_name = "YEAR:USD", help_heading = "Costs")]
    pub upgrade: Option<Vec<Upgrade>>,
    /// Local: tokens a second that one set writes at full load.
    #[arg(long, value_name = "TOKENS", value_parser = whole, allow_negative_numbers = true, help_heading = "Costs")]
    pub output_tokens_per_second: Option<u64>,
    /// Local: how much of that is used on average, in percent; the rest is for peaks.
    #[arg(long, value_name = "PERCENT", value_parser = decimal, allow_negative_numbers = true, help_heading = "Costs")]
    pub utilisation_percent: Option<Decimal>,
    /// Local: sets of machines for everything, instead of as many as volume and speed ask for.
    #[arg(long, value_name = "COUNT", value_parser = whole, allow_negative_numbers = true, help_heading = "Costs")]
    pub sets: Option<u64>,
    /// Days of a year with that many requests.
    #[arg(long, value_name = "DAYS", value_parser = whole, allow_negative_numbers = true, help_heading = "Costs")]
    pub days_per_year: Option<u64>,
    /// Percent of the requests that must stay local.
    #[arg(long, value_name = "PERCENT", value_parser = decimal, allow_negative_numbers = true, help_heading = "Costs")]
    pub must_stay_percent: Option<Decimal>,
    /// Percent of the requests that the hybrid sends to the cloud.
    #[arg(long, value_name = "PERCENT", value_parser = decimal, allow_negative_numbers = true, help_heading = "Costs")]
    pub cloud_percent: Option<Decimal>,
    /// Quantisation of every row of the table of models, such as Q4_K_M, Q8_0 or F16.
    #[arg(long, value_name = "NAME", help_heading = "Models")]
    pub quantisation: Option<String>,
    /// Context in tokens of every row.
    #[arg(long, value_name = "TOKENS", value_parser = whole, allow_negative_numbers = true, help_heading = "Models")]
    pub context: Option<u64>,
    /// Bits of a number in the KV cache.
    #[arg(long, value_name = "BITS", value_parser = whole, allow_negative_numbers = true, help_heading = "Models")]
    pub kv_bits: Option<u64>,
}

/// New hardware in a later year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// Year of the plan, from 1.
    pub year: u64,
    /// Dollars for one set.
    pub usd: Decimal,
}

impl FromStr for Upgrade {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (year, usd) = text.split_once(':').ok_or("write YEAR:USD, such as 3:30000")?;
        Ok(Self { year: whole(year)?, usd: usd.parse()? })
    }
}

fn whole(text: &str) -> Result<u64, String> {
    if text.starts_with('-') {
        return Err("must not be negative".to_owned());
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("is no whole number; write it like 50000".to_owned());
    }
    text.parse().map_err(|_| "is too large".to_owned())
}

fn decimal(text: &str) -> Result<Decimal, &'static str> {
    text.parse()
}

impl Stated {
    /// Reads a plan file.
    ///
    /// # Errors
    /// Names the field that is unknown or wrong.
    pub fn read(source: &str) -> Result<Self, PlanError> {
        let file = |at: String, problem: String| PlanError::File { at, problem };
        let deserializer =
            toml::Deserializer::parse(source).map_err(|problem| file("the top".to_owned(), problem.to_string()))?;
        let stated: Self = serde_path_to_error::deserialize(deserializer)
            .map_err(|error| file(error.path().to_string(), error.inner().to_string()))?;
        if stated.usd_per_query.is_some()
            && (stated.input_usd_per_million.is_some() || stated.output_usd_per_million.is_some())
        {
            return Err(PlanError::wrong(
                "usd_per_query",
                "stands instead of the prices of tokens; leave one of them out",
            ));
        }
        Ok(stated)
    }

    /// With everything that `other` states and this does not. A price per request and prices per token are one thing:
    /// what states the one takes nothing of the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let by_tokens = self.input_usd_per_million.is_some() || self.output_usd_per_million.is_some();
        let by_query = self.usd_per_query.is_some();
        Self {
            sensitivity: self.sensitivity.or(other.sensitivity),
            residency: self.residency.or(other.residency),
            queries_per_day: self.queries_per_day.or(other.queries_per_day),
            latency: self.latency.or(other.latency),
            budget: self.budget.or(other.budget),
            team: self.team.or(other.team),
            task: self.task.or(other.task),
            deployment: self.deployment.or(other.deployment),
            quality: self.quality.or(other.quality),
            input_tokens: self.input_tokens.or(other.input_tokens),
            output_tokens: self.output_tokens.or(other.output_tokens),
            input_usd_per_million: self.input_usd_per_million.or(other.input_usd_per_million.filter(|_| !by_query)),
            output_usd_per_million: self.output_usd_per_million.or(other.output_usd_per_million.filter(|_| !by_query)),
            usd_per_query: self.usd_per_query.or(other.usd_per_query.filter(|_| !by_tokens)),
            hardware_usd: self.hardware_usd.or(other.hardware_usd),
            running_usd_per_year: self.running_usd_per_year.or(other.running_usd_per_year),
            upgrade: self.upgrade.or(other.upgrade),
            output_tokens_per_second: self.output_tokens_per_second.or(other.output_tokens_per_second),
            utilisation_percent: self.utilisation_percent.or(other.utilisation_percent),
            sets: self.sets.or(other.sets),
            days_per_year: self.days_per_year.or(other.days_per_year),
            must_stay_percent: self.must_stay_percent.or(other.must_stay_percent),
            cloud_percent: self.cloud_percent.or(other.cloud_percent),
            quantisation: self.quantisation.or(other.quantisation),
            context: self.context.or(other.context),
            kv_bits: self.kv_bits.or(other.kv_bits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_states_what_options_state() {
        let stated = Stated::read(
            "sensitivity = \"regulated\"\nqueries_per_day = 50000\nusd_per_query = \"0.005\"\n\
             upgrade = [{ year = 3, usd = 30000 }]\nutilisation_percent = 37.5\n",
        )
        .unwrap();
        assert_eq!(stated.sensitivity, Some(DataSensitivity::Regulated));
        assert_eq!(stated.upgrade, Some(vec!["3:30000".parse().unwrap()]));
        assert_eq!(stated.usd_per_query, Some("0.005".parse().unwrap()));
        assert_eq!(Stated::read("").unwrap(), Stated::default());
    }

    #[test]
    fn a_wrong_file_is_named_with_its_field() {
        for (source, wanted) in [
            ("queries_per_day = -5", "queries_per_day"),
            ("queries_per_day = nan", "queries_per_day"),
            ("hardware_usd = -1", "negative"),
            ("hardware_usd = nan", "no decimal number"),
            ("hardware_usd = inf", "no decimal number"),
            ("hardwear_usd = 1", "hardwear_usd"),
            ("sensitivity = \"secret\"", "sensitivity"),
            ("upgrade = [{ year = 3 }]", "usd"),
            ("usd_per_query = 1\ninput_usd_per_million = 1", "instead of"),
            ("queries_per_day = ", "the top"),
        ] {
            let error = Stated::read(source).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::InvalidArgument);
            assert!(error.to_string().contains(wanted), "{source}: {error}");
        }
        for text in ["3", "3:", ":5", "x:5", "3:-5", "-3:5", "3:nan"] {
            assert!(text.parse::<Upgrade>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_nearer_wins_and_two_kinds_of_price_never_mix() {
        let near =
            Stated { queries_per_day: Some(7), input_usd_per_million: Some("3".parse().unwrap()), ..Stated::default() };
        let far = Stated::read("queries_per_day = 9\nusd_per_query = 1\nsets = 2").unwrap();
        let both = near.clone().or(far.clone());
        assert_eq!((both.queries_per_day, both.sets, both.usd_per_query), (Some(7), Some(2), None));
        let both = far.or(near);
        assert_eq!((both.queries_per_day, both.input_usd_per_million), (Some(9), None));
    }
}
