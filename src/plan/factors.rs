//! The decision matrix as data: eight factors, the answers that each knows, which side an answer speaks for, how much the
//! factor weighs, and why. Nothing is decided here.

use serde::Serialize;

use super::choices::{Budget, DataSensitivity, Deployment, Latency, Residency, Task, Team};

/// Which side something speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Local inference.
    Local,
    /// Neither, or both together.
    Hybrid,
    /// A provider's.
    Cloud,
}

impl Side {
    /// The word in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Hybrid => "hybrid",
            Self::Cloud => "cloud",
        }
    }
}

/// One answer to a factor's question.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The word of it.
    pub value: &'static str,
    /// Which side it speaks for.
    pub side: Side,
    /// Why.
    pub reason: &'static str,
}

/// A row of the matrix.
#[derive(Clone, Copy, Debug)]
pub struct Factor {
    /// Its name, that of the option.
    pub name: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// How much it counts, from 1 to 3.
    pub weight: u32,
    /// Every answer.
    pub answers: &'static [Answer],
}

const fn local(value: &'static str, reason: &'static str) -> Answer {
    Answer { value, side: Side::Local, reason }
}

const fn hybrid(value: &'static str, reason: &'static str) -> Answer {
    Answer { value, side: Side::Hybrid, reason }
}

const fn cloud(value: &'static str, reason: &'static str) -> Answer {
    Answer { value, side: Side::Cloud, reason }
}

/// Requests a day below which the volume speaks for the cloud.
pub const FEW_REQUESTS: u64 = 1_000;
/// Requests a day above which the volume speaks for local.
pub const MANY_REQUESTS: u64 = 10_000;

/// The band of a volume.
#[must_use]
pub fn volume_band(requests_per_day: u64) -> &'static str {
    match requests_per_day {
        0..FEW_REQUESTS => "under 1,000",
        FEW_REQUESTS..=MANY_REQUESTS => "1,000 to 10,000",
        _ => "over 10,000",
    }
}

/// The matrix.
///
/// Weights: 3 for what the law or a contract says, 2 for what machines and people can do, 1 for what can be arranged
/// otherwise (money can be leased, services can be moved).
pub const FACTORS: [Factor; 8] = [
    Factor {
        name: "sensitivity",
        question: "How sensitive is the data?",
        weight: 3,
        answers: &[
            cloud(DataSensitivity::Public.as_str(), "public data may be read by anybody, so a provider may too"),
            hybrid(
                DataSensitivity::Internal.as_str(),
                "internal data can go out under a contract, or stay; the texts decide one by one",
            ),
            local(
                DataSensitivity::Confidential.as_str(),
                "highly sensitive data is safest where nobody else can read it",
            ),
            local(
                DataSensitivity::Regulated.as_str(),
                "regulated data binds whoever processes it; on own machines there is no other party",
            ),
        ],
    },
    Factor {
        name: "queries_per_day",
        question: "How many requests come in a day?",
        weight: 2,
        answers: &[
            cloud("under 1,000", "under 1,000 requests a day leave machines idle; a price for each request is cheaper"),
            hybrid(
                "1,000 to 10,000",
                "between 1,000 and 10,000 requests a day either side can be cheaper; look at the costs",
            ),
            local("over 10,000", "over 10,000 requests a day keep machines busy, so that they pay for themselves"),
        ],
    },
    Factor {
        name: "latency",
        question: "How fast must answers begin?",
        weight: 2,
        answers: &[
            local(
                Latency::Consistent.as_str(),
                "under 500 ms always needs machines that nobody else loads, and no way over the internet",
            ),
            hybrid(Latency::Mostly.as_str(), "under 500 ms mostly can be had from both sides"),
            cloud(Latency::Variable.as_str(), "where latency may vary, a provider's shared machines are good enough"),
        ],
    },
    Factor {
        name: "budget",
        question: "What money is there?",
        weight: 1,
        answers: &[
            local(Budget::Capital.as_str(), "capital expense buys machines once"),
            hybrid(Budget::Either.as_str(), "the money fits both sides"),
            cloud(Budget::Operating.as_str(), "operating expense fits a bill for each month"),
        ],
    },
    Factor {
        name: "team",
        question: "Who would run models?",
        weight: 2,
        answers: &[
            cloud(Team::None.as_str(), "little knowledge of models: a provider runs them"),
            hybrid(Team::Some.as_str(), "the team can learn it with a small model first"),
            local(Team::Experienced.as_str(), "the team can run models, so it need not pay others for that"),
        ],
    },
    Factor {
        name: "task",
        question: "What is asked of the model?",
        weight: 2,
        answers: &[
            local(Task::Standard.as_str(), "standard tasks are done well by open models of 7 to 34 billion parameters"),
            hybrid(Task::Mixed.as_str(), "the routine part stays local and the hard part goes out, where it may"),
            cloud(Task::CuttingEdge.as_str(), "what only the newest models can do is at the providers first"),
        ],
    },
    Factor {
        name: "deployment",
        question: "Where do the services run that ask?",
        weight: 1,
        answers: &[
            local(Deployment::OnPremises.as_str(), "on premises the machines stand beside the services"),
            local(Deployment::Edge.as_str(), "at the edge the line to a provider can fail"),
            hybrid(Deployment::Mixed.as_str(), "the services are on both sides already"),
            cloud(Deployment::CloudNative.as_str(), "cloud-native services have a provider's models near by"),
        ],
    },
    Factor {
        name: "residency",
        question: "Where may the data be?",
        weight: 3,
        answers: &[
            hybrid(Residency::Anywhere.as_str(), "nothing binds the place"),
            hybrid(
                Residency::Region.as_str(),
                "a provider with machines in the region can be used, and own machines too",
            ),
            local(Residency::Network.as_str(), "data that must not leave the network cannot go to a provider"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What each side is favoured by, as the guide to the decision says.
    const SAID: [(Side, &str, &str); 15] = [
        (Side::Local, "sensitivity", "confidential"),
        (Side::Local, "sensitivity", "regulated"),
        (Side::Local, "queries_per_day", "over 10,000"),
        (Side::Local, "latency", "consistent"),
        (Side::Local, "budget", "capex"),
        (Side::Local, "team", "experienced"),
        (Side::Local, "task", "standard"),
        (Side::Local, "deployment", "on-premises"),
        (Side::Local, "deployment", "edge"),
        (Side::Cloud, "sensitivity", "public"),
        (Side::Cloud, "queries_per_day", "under 1,000"),
        (Side::Cloud, "latency", "variable"),
        (Side::Cloud, "budget", "opex"),
        (Side::Cloud, "team", "none"),
        (Side::Cloud, "task", "cutting-edge"),
    ];

    #[test]
    fn each_side_has_every_factor_that_favours_it() {
        let side = |name: &str, value: &str| {
            let factor = FACTORS.iter().find(|factor| factor.name == name).unwrap();
            factor.answers.iter().find(|answer| answer.value == value).unwrap().side
        };
        for (wanted, name, value) in SAID {
            assert_eq!(side(name, value), wanted, "{name} {value}");
        }
        assert_eq!(side("deployment", "cloud-native"), Side::Cloud);
        assert_eq!(side("residency", "network"), Side::Local);
    }

    #[test]
    fn every_word_has_one_answer() {
        fn words(name: &str) -> Vec<&'static str> {
            match name {
                "sensitivity" => DataSensitivity::ALL.iter().map(|word| word.as_str()).collect(),
                "queries_per_day" => vec![volume_band(999), volume_band(1_000), volume_band(10_001)],
                "latency" => Latency::ALL.iter().map(|word| word.as_str()).collect(),
                "budget" => Budget::ALL.iter().map(|word| word.as_str()).collect(),
                "team" => Team::ALL.iter().map(|word| word.as_str()).collect(),
                "task" => Task::ALL.iter().map(|word| word.as_str()).collect(),
                "deployment" => Deployment::ALL.iter().map(|word| word.as_str()).collect(),
                "residency" => Residency::ALL.iter().map(|word| word.as_str()).collect(),
                other => panic!("{other} has no words"),
            }
        }
        for factor in FACTORS {
            let answers: Vec<_> = factor.answers.iter().map(|answer| answer.value).collect();
            assert_eq!(answers, words(factor.name), "{}", factor.name);
            assert!((1..=3).contains(&factor.weight));
        }
    }

    #[test]
    fn the_bands_meet_at_their_bounds() {
        for (requests, band) in [
            (0, "under 1,000"),
            (999, "under 1,000"),
            (1_000, "1,000 to 10,000"),
            (10_000, "1,000 to 10,000"),
            (10_001, "over 10,000"),
            (u64::MAX, "over 10,000"),
        ] {
            assert_eq!(volume_band(requests), band);
        }
    }
}
