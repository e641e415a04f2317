//! The file of a calibration: maps by detector, by coarse class and by entity type, each with what it was fitted on.
//! It is read strictly; what it says of its origin is for people and for the record.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::{Detector, EntityType};
use super::{Curve, Point};

/// The file as written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationFile {
    /// Version of the format.
    pub format: u32,
    /// How many findings the word of the wider map, and at last the raw score, counts for in each block of a curve.
    pub pseudo_observations: u32,
    /// What it was fitted on.
    #[serde(default)]
    pub fitted: Option<Fitted>,
    /// What was measured on the other half.
    #[serde(default)]
    pub held_out: Option<HeldOut>,
    /// The maps.
    #[serde(rename = "map", default)]
    pub maps: Vec<Entry>,
}

/// Where a calibration comes from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Fitted {
    /// The day.
    pub date: String,
    /// Version of Cordon.
    pub cordon: String,
    /// Digest of the rules whose scores these are.
    pub catalog: String,
    /// Digest of the model whose scores these are.
    pub model: String,
    /// Which texts of the sets.
    pub half: String,
    /// The sets.
    pub sets: Vec<SetCount>,
}

/// What a set contributed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SetCount {
    /// Name of the file.
    pub name: String,
    /// Texts of the fitting half.
    pub texts: u64,
    /// Findings in them that were right or wrong.
    pub findings: u64,
    /// Those that were right.
    pub right: u64,
}

/// The expected calibration error on the half that was not fitted, from 0 to 1, with 95 % intervals.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HeldOut {
    /// Findings.
    pub findings: u64,
    /// With raw scores.
    pub ece_before: f64,
    /// Its interval.
    pub ece_before_interval: Option<[f64; 2]>,
    /// With calibrated scores.
    pub ece_after: f64,
    /// Its interval.
    pub ece_after_interval: Option<[f64; 2]>,
    /// Mean log loss with raw scores.
    pub log_loss_before: f64,
    /// Mean log loss with calibrated scores.
    pub log_loss_after: f64,
}

/// One map: of a detector, of one of its coarse classes, or of one entity type.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Whose scores.
    pub detector: Detector,
    /// The coarse class; without it the map is for all that the detector finds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coarse: Option<String>,
    /// The type; without it the map is for the whole class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<EntityType>,
    /// Findings that it was fitted on.
    pub findings: u64,
    /// Those that were right.
    pub right: u64,
    /// Scores and precisions.
    pub points: Vec<Point>,
}

/// The curves of a file by what they are for.
pub(super) struct Curves(HashMap<(Detector, Option<String>, Option<EntityType>), Arc<Curve>>);

impl Curves {
    /// The narrowest curve for a type.
    pub(super) fn of(&mut self, detector: Detector, coarse: &str, name: &EntityType) -> Option<Arc<Curve>> {
        let class = || Some(coarse.to_owned());
        [(detector, class(), Some(name.clone())), (detector, class(), None), (detector, None, None)]
            .iter()
            .find_map(|key| self.0.get(key).cloned())
    }
}

impl Entry {
    fn name(&self) -> String {
        let parts =
            [Some(self.detector.as_str()), self.coarse.as_deref(), self.entity_type.as_ref().map(EntityType::as_str)];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }

    /// What is wrong with it, beside its points.
    fn problem(&self, types: &[(&EntityType, &str)]) -> Option<String> {
        if self.right > self.findings {
            return Some("more findings are right than there are".to_owned());
        }
        match (&self.coarse, &self.entity_type) {
            (None, Some(_)) => Some("an entity type needs its coarse class".to_owned()),
            (Some(coarse), Some(name)) => {
                let known = types.iter().any(|(known, class)| *known == name && class == coarse);
                (!known).then(|| format!("there is no entity type {name} of the class {coarse}"))
            }
            (Some(coarse), None) => {
                let known = coarse != "OTHER" && types.iter().any(|(_, class)| class == coarse);
                (!known).then(|| format!("there is no coarse class {coarse}"))
            }
            (None, None) => None,
        }
    }
}

impl CalibrationFile {
    /// The only format so far.
    pub const FORMAT: u32 = 1;

    pub(super) fn parse(source: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(source).map_err(|error| error.to_string())?;
        if file.format != Self::FORMAT {
            return Err(format!("its format is {}, this version reads {}", file.format, Self::FORMAT));
        }
        Ok(file)
    }

    /// The maps as curves, checked against the known types.
    pub(super) fn curves(self, types: &[(&EntityType, &str)]) -> Result<Curves, String> {
        let mut curves = HashMap::new();
        for entry in self.maps {
            let name = entry.name();
            let wrong = |problem: String| format!("the map of {name}: {problem}");
            if let Some(problem) = entry.problem(types) {
                return Err(wrong(problem));
            }
            let curve = Curve::new(entry.points).map_err(wrong)?;
            if curves.insert((entry.detector, entry.coarse, entry.entity_type), Arc::new(curve)).is_some() {
                return Err(wrong("it is there twice".to_owned()));
            }
        }
        Ok(Curves(curves))
    }

    /// The file as text, one map of points a line.
    ///
    /// # Errors
    /// When a number has no place in TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}
