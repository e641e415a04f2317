//! The verdict: what each factor says to what was stated, what the hard rules say, and what follows. A factor that nobody
//! stated speaks for nothing; with nothing stated there is no verdict but "hybrid", and it says so.

use serde::Serialize;

use super::Stated;
use super::choices::{DataSensitivity, Quality, Residency, Task, Team};
use super::factors::{FACTORS, Factor, Side, volume_band};

/// A row of the matrix with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The factor.
    pub factor: &'static str,
    /// What it asks.
    pub question: &'static str,
    /// What was stated or recorded; `None` if it was not.
    pub value: Option<&'static str>,
    /// Which side that speaks for.
    pub verdict: Option<Side>,
    /// How much it counts; 0 if nothing was stated.
    pub weight: u32,
    /// Why.
    pub reason: &'static str,
}

/// A rule that stands above the weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its name.
    pub rule: &'static str,
    /// Whether it applies here.
    pub applies: bool,
    /// What it says.
    pub says: &'static str,
}

/// What made the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// A hard rule alone.
    HardRule,
    /// The weights of the rows.
    Weights,
    /// Nothing was stated.
    Nothing,
}

/// The verdict and what it stands on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Local, cloud or hybrid.
    pub verdict: Side,
    /// Why, in one sentence.
    pub why: String,
    /// What made it.
    pub decided_by: DecidedBy,
    /// Weight of the rows for local.
    pub local_weight: u32,
    /// Weight of the rows for neither.
    pub hybrid_weight: u32,
    /// Weight of the rows for the cloud.
    pub cloud_weight: u32,
    /// Every row.
    pub rows: Vec<Row>,
    /// Every hard rule.
    pub rules: Vec<Rule>,
    /// Size of model for the local part: the name of a row in the table of models.
    pub model_class: &'static str,
    /// Why this size.
    pub model_reason: &'static str,
    /// What to run it with.
    pub runtime: &'static str,
    /// Why this.
    pub runtime_reason: &'static str,
}

const NOT_STATED: &str = "not stated, so it counts for nothing";

fn row(factor: &Factor, value: Option<&'static str>) -> Row {
    let answer = value.and_then(|value| factor.answers.iter().find(|answer| answer.value == value));
    Row {
        factor: factor.name,
        question: factor.question,
        value,
        verdict: answer.map(|answer| answer.side),
        weight: answer.map_or(0, |_| factor.weight),
        reason: answer.map_or(NOT_STATED, |answer| answer.reason),
    }
}

fn value_of(stated: &Stated, factor: &str) -> Option<&'static str> {
    match factor {
        "sensitivity" => stated.sensitivity.map(|word| word.as_str()),
        "queries_per_day" => stated.queries_per_day.map(volume_band),
        "latency" => stated.latency.map(|word| word.as_str()),
        "budget" => stated.budget.map(|word| word.as_str()),
        "team" => stated.team.map(|word| word.as_str()),
        "task" => stated.task.map(|word| word.as_str()),
        "deployment" => stated.deployment.map(|word| word.as_str()),
        "residency" => stated.residency.map(|word| word.as_str()),
        _ => None,
    }
}

fn sensitive(stated: &Stated) -> bool {
    matches!(stated.sensitivity, Some(DataSensitivity::Confidential | DataSensitivity::Regulated))
}

fn rules(stated: &Stated) -> Vec<Rule> {
    vec![
        Rule {
            rule: "data_must_not_leave",
            applies: stated.residency == Some(Residency::Network),
            says: "data that must not leave the network decides alone: local, whatever the weights say",
        },
        Rule {
            rule: "sensitive_is_never_all_cloud",
            applies: sensitive(stated),
            says: "confidential or regulated data is never all in the cloud: the default policy keeps such texts local, so \
                   the verdict is hybrid at most",
        },
        Rule {
            rule: "frontier_needs_70b",
            applies: stated.quality == Some(Quality::Frontier),
            says: "frontier quality needs a model of 70 billion parameters or more locally",
        },
        Rule {
            rule: "no_team_starts_with_ollama",
            applies: stated.team == Some(Team::None),
            says: "without a team that knows models, Ollama is the easy start",
        },
    ]
}

/// The verdict on what is stated.
#[must_use]
pub fn decide(stated: &Stated) -> Decision {
    let rows: Vec<Row> = FACTORS.iter().map(|factor| row(factor, value_of(stated, factor.name))).collect();
    let weight = |side| rows.iter().filter(|row| row.verdict == Some(side)).map(|row| row.weight).sum::<u32>();
    let (local, neither, cloud) = (weight(Side::Local), weight(Side::Hybrid), weight(Side::Cloud));
    let total = local + neither + cloud;
    let (verdict, decided_by, why) = if stated.residency == Some(Residency::Network) {
        let why = "the data must not leave the network, and that decides alone".to_owned();
        (Side::Local, DecidedBy::HardRule, why)
    } else if total == 0 {
        let why = "nothing was stated; state a few factors, or count recorded traffic".to_owned();
        (Side::Hybrid, DecidedBy::Nothing, why)
    } else {
        // A side wins by a third of what was stated; less than that is no clear answer.
        let leads = |side: u32, other: u32| side > other && 3 * (side - other) >= total;
        let counts =
            format!("of a weight of {total}, {local} speaks for local, {cloud} for the cloud, {neither} for neither");
        if leads(local, cloud) {
            (Side::Local, DecidedBy::Weights, counts)
        } else if leads(cloud, local) && sensitive(stated) {
            let why = format!("{counts}; but sensitive texts stay local, so not everything can go to the cloud");
            (Side::Hybrid, DecidedBy::HardRule, why)
        } else if leads(cloud, local) {
            (Side::Cloud, DecidedBy::Weights, counts)
        } else {
            (Side::Hybrid, DecidedBy::Weights, format!("{counts}; neither leads by a third"))
        }
    };
    let (model_class, model_reason) = model(stated);
    let (runtime, runtime_reason) = runtime(stated);
    Decision {
        verdict,
        why,
        decided_by,
        local_weight: local,
        hybrid_weight: neither,
        cloud_weight: cloud,
        rules: rules(stated),
        rows,
        model_class,
        model_reason,
        runtime,
        runtime_reason,
    }
}

/// The size of model for the local part.
fn model(stated: &Stated) -> (&'static str, &'static str) {
    match (stated.quality, stated.task) {
        (Some(Quality::Frontier), _) => ("70B", "frontier quality needs 70 billion parameters or more"),
        (_, Some(Task::CuttingEdge)) => ("70B", "the hardest tasks need the largest open models"),
        (_, Some(Task::Mixed)) => ("30–34B", "a mix of tasks needs some reserve"),
        (_, Some(Task::Standard)) => ("7–8B", "standard tasks are done well by small models"),
        (_, None) => ("7–8B", "the task was not stated; a small model is the cheapest start"),
    }
}

/// What to run it with.
fn runtime(stated: &Stated) -> (&'static str, &'static str) {
    match stated.team {
        Some(Team::None) => ("Ollama", "one program to install, and models by name: the easy start without a team"),
        Some(Team::Experienced) => {
            ("vLLM", "it serves many requests at once from the same hardware, and wants people who know it")
        }
        Some(Team::Some) => ("llama.cpp server or Ollama", "few parts, and room to learn"),
        None => ("Ollama", "the team was not stated; this is the easy start"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::choices::{Budget, Deployment, Latency};

    fn all_local() -> Stated {
        Stated {
            sensitivity: Some(DataSensitivity::Regulated),
            queries_per_day: Some(10_001),
            latency: Some(Latency::Consistent),
            budget: Some(Budget::Capital),
            team: Some(Team::Experienced),
            task: Some(Task::Standard),
            deployment: Some(Deployment::OnPremises),
            ..Stated::default()
        }
    }

    fn all_cloud() -> Stated {
        Stated {
            sensitivity: Some(DataSensitivity::Public),
            queries_per_day: Some(999),
            latency: Some(Latency::Variable),
            budget: Some(Budget::Operating),
            team: Some(Team::None),
            task: Some(Task::CuttingEdge),
            deployment: Some(Deployment::CloudNative),
            ..Stated::default()
        }
    }

    #[test]
    fn what_speaks_for_one_side_alone_gives_that_side() {
        let local = decide(&all_local());
        assert_eq!((local.verdict, local.cloud_weight), (Side::Local, 0));
        assert!(local.rows.iter().filter(|row| row.value.is_some()).all(|row| row.verdict == Some(Side::Local)));
        let cloud = decide(&all_cloud());
        assert_eq!((cloud.verdict, cloud.local_weight), (Side::Cloud, 0));
        assert_eq!(cloud.rows.iter().filter(|row| row.verdict == Some(Side::Cloud)).count(), 7);
        assert_eq!(cloud.runtime, "Ollama");
    }

    #[test]
    fn data_that_must_not_leave_decides_alone() {
        let decision = decide(&Stated { residency: Some(Residency::Network), ..all_cloud() });
        assert_eq!((decision.verdict, decision.decided_by), (Side::Local, DecidedBy::HardRule));
        assert!(decision.why.contains("alone"));
        assert!(decision.cloud_weight > decision.local_weight, "against all weights");
    }

    #[test]
    fn sensitive_data_is_never_all_in_the_cloud() {
        for sensitivity in [DataSensitivity::Confidential, DataSensitivity::Regulated] {
            let decision = decide(&Stated { sensitivity: Some(sensitivity), ..all_cloud() });
            assert_eq!((decision.verdict, decision.decided_by), (Side::Hybrid, DecidedBy::HardRule));
        }
    }

    #[test]
    fn frontier_quality_needs_seventy_billion_and_no_team_starts_with_ollama() {
        let decision = decide(&Stated { quality: Some(Quality::Frontier), ..all_local() });
        assert_eq!(decision.model_class, "70B");
        let applies = |decision: &Decision, name| decision.rules.iter().any(|rule| rule.rule == name && rule.applies);
        assert!(applies(&decision, "frontier_needs_70b"));
        let decision = decide(&Stated { team: Some(Team::None), ..all_local() });
        assert_eq!(decision.runtime, "Ollama");
        assert!(applies(&decision, "no_team_starts_with_ollama"));
        assert!(!applies(&decide(&all_local()), "no_team_starts_with_ollama"));
    }

    #[test]
    fn nothing_stated_is_said_and_a_tie_is_hybrid() {
        let decision = decide(&Stated::default());
        assert_eq!((decision.verdict, decision.decided_by), (Side::Hybrid, DecidedBy::Nothing));
        assert!(decision.rows.iter().all(|row| row.weight == 0 && row.reason == NOT_STATED));
        let tie = Stated { latency: Some(Latency::Consistent), task: Some(Task::CuttingEdge), ..Stated::default() };
        assert_eq!(decide(&tie).verdict, Side::Hybrid);
        let volume = Stated { queries_per_day: Some(50_000), ..Stated::default() };
        assert_eq!(decide(&volume).verdict, Side::Local);
    }

    proptest::proptest! {
        /// One more answer for a side never turns the verdict away from it.
        #[test]
        fn an_answer_for_a_side_never_turns_the_verdict_from_it(
            sensitivity in 0_usize..5, latency in 0_usize..4, team in 0_usize..4, task in 0_usize..4, volume in 0_u64..20_000,
        ) {
            let stated = Stated {
                sensitivity: DataSensitivity::ALL.get(sensitivity).copied(),
                latency: Latency::ALL.get(latency).copied(),
                team: Team::ALL.get(team).copied(),
                task: Task::ALL.get(task).copied(),
                queries_per_day: Some(volume),
                ..Stated::default()
            };
            let place = |stated: &Stated| match decide(stated).verdict {
                Side::Local => 0,
                Side::Hybrid => 1,
                Side::Cloud => 2,
            };
            let before = place(&stated);
            let towards = Stated { budget: Some(Budget::Capital), ..stated.clone() };
            let away = Stated { budget: Some(Budget::Operating), ..stated };
            // A row for the other side adds to the total too, so a lead of exactly a third can become less than that.
            proptest::prop_assert!(place(&towards) <= before.max(1));
            proptest::prop_assert!(place(&away) >= before.min(1));
        }
    }
}
