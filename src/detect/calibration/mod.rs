//! Calibration: from the score that a detector gives to the precision that was measured for it. It changes how sure a
//! finding is said to be, never whether it is one, and never what wins an overlap. The maps are data, fitted by
//! `cordon calibrate detection` and embedded; a configuration may name another file, or none.
//!
//! Guards stand in the code, because a table fitted on a few hundred texts must not be able to open a leak: a score
//! that is reported (0.4 and more) stays reported and one that is not stays unreported, a score is never lowered below
//! [`HELD`], up to which policies set their thresholds, and one below 0.5, where they begin, is not raised to it.

mod curve;
mod file;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use curve::{Curve, Point};
pub use file::{CalibrationFile, Entry, Fitted, HeldOut, SetCount};

use super::{Detector, EntityType, Finding, reason};
use crate::error::Kind;

/// From this score on a finding is reported; it is where `Likelihood::Possible` starts.
const REPORTED: f32 = 0.4;
/// From here on the rules of the shipped policies act on an identifier. A score that its author put lower, such as that
/// of an address of example domains, is not raised so far.
const ACTED_ON: f32 = 0.5;
/// The most that such a score is raised to.
const BELOW: f32 = 0.49;
/// No calibration lowers a score below this or, when it was lower, at all: where `Likelihood::Likely` starts. What a
/// policy acts on for its raw score is still acted on, however few the texts of the fit were.
pub const HELD: f32 = 0.6;

const EMBEDDED: &str = include_str!("default.toml");
const DETECTORS: [Detector; 4] = [Detector::Pattern, Detector::Dictionary, Detector::Secret, Detector::Ner];

/// A calibration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// The file cannot be read.
    #[error("cannot read the calibration {path}: {source}; check the path, or set calibration = \"none\"")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is no calibration.
    #[error("the calibration {origin} is wrong: {problem}; make it anew with cordon calibrate detection")]
    Wrong {
        /// The file, or `embedded`.
        origin: Arc<str>,
        /// Which map, and why.
        problem: String,
    },
}

impl CalibrationError {
    /// Always a fault of configuration.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::FailedPrecondition
    }
}

/// Which calibration a configuration asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CalibrationChoice {
    /// The one in the program.
    #[default]
    Embedded,
    /// None: scores as the detectors give them.
    None,
    /// A file.
    File(PathBuf),
}

impl From<&str> for CalibrationChoice {
    /// `embedded`, `none`, or a path.
    fn from(text: &str) -> Self {
        match text {
            "embedded" => Self::Embedded,
            "none" => Self::None,
            path => Self::File(path.into()),
        }
    }
}

impl<'de> serde::Deserialize<'de> for CalibrationChoice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from(text.as_str()))
    }
}

/// The curve of each detector for each type that it has one for.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    curves: HashMap<EntityType, [Option<Arc<Curve>>; DETECTORS.len()]>,
    origin: Arc<str>,
    digest: Arc<str>,
}

impl Calibration {
    /// No calibration: every score stays what it is.
    #[must_use]
    pub fn none() -> Self {
        Self { origin: "none".into(), ..Self::default() }
    }

    /// What the configuration asks for. `types` are all known entity types with their coarse labels.
    ///
    /// # Errors
    /// Names the file and the map that cannot be used.
    pub fn load<'t>(
        choice: &CalibrationChoice,
        types: impl Iterator<Item = (&'t EntityType, &'t str)>,
    ) -> Result<Self, CalibrationError> {
        match choice {
            CalibrationChoice::None => Ok(Self::none()),
            CalibrationChoice::Embedded => Self::parse(EMBEDDED, "embedded".into(), types),
            CalibrationChoice::File(path) => {
                let source = read(path)?;
                Self::parse(&source, path.display().to_string().into(), types)
            }
        }
    }

    /// Reads a file's text; `origin` names it in errors.
    ///
    /// # Errors
    /// Names the map that cannot be used.
    pub fn parse<'t>(
        source: &str,
        origin: Arc<str>,
        types: impl Iterator<Item = (&'t EntityType, &'t str)>,
    ) -> Result<Self, CalibrationError> {
        let wrong = |problem: String| CalibrationError::Wrong { origin: Arc::clone(&origin), problem };
        let file = CalibrationFile::parse(source).map_err(wrong)?;
        let types: Vec<(&EntityType, &str)> = types.collect();
        let mut curves = file.curves(&types).map_err(wrong)?;
        let digest = blake3::hash(source.as_bytes()).to_hex();
        let by_type = types.into_iter().filter_map(|(name, coarse)| {
            // A type without a class was never measured; its scores are its author's word.
            let found =
                DETECTORS.map(|detector| (coarse != "OTHER").then(|| curves.of(detector, coarse, name)).flatten());
            found.iter().any(Option::is_some).then(|| (name.clone(), found))
        });
        Ok(Self { curves: by_type.collect(), origin: Arc::clone(&origin), digest: digest.as_str().into() })
    }

    /// The findings with calibrated scores.
    #[must_use]
    pub fn applied(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        for finding in &mut findings {
            let score = self.score(finding.detector, &finding.entity_type, finding.score);
            finding.adjust(reason::CALIBRATED, score);
        }
        findings
    }

    /// The calibrated score of a detector's score.
    #[must_use]
    pub fn score(&self, detector: Detector, entity_type: &EntityType, raw: f32) -> f32 {
        let position = DETECTORS.iter().position(|known| *known == detector);
        let curve = self.curves.get(entity_type).zip(position).and_then(|(curves, at)| curves.get(at)?.as_ref());
        match curve {
            Some(curve) if raw >= REPORTED => {
                let lowest = raw.min(HELD);
                let highest = if raw < ACTED_ON { lowest.max(BELOW) } else { 1.0 };
                curve.at(raw).clamp(lowest, highest)
            }
            _ => raw,
        }
    }

    /// Where it comes from: a path, `embedded` or `none`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Of the file, in hexadecimal; empty without a calibration.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

fn read(path: &Path) -> Result<String, CalibrationError> {
    std::fs::read_to_string(path).map_err(|source| CalibrationError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Catalog;

    const FILE: &str = r#"
format = 1
pseudo_observations = 20
[[map]]
detector = "pattern"
findings = 100
right = 80
points = [[0.4, 0.5], [1.0, 0.9]]
[[map]]
detector = "pattern"
coarse = "PHONE"
findings = 50
right = 10
points = [[0.4, 0.1], [0.9, 0.2], [1.0, 0.7]]
[[map]]
detector = "ner"
coarse = "PERSON"
entity_type = "PERSON"
findings = 50
right = 40
points = [[0.5, 0.5], [0.9, 1.0]]
"#;

    fn types() -> Vec<(EntityType, &'static str)> {
        [("PERSON", "PERSON"), ("PHONE_NUMBER", "PHONE"), ("EMAIL_ADDRESS", "EMAIL"), ("CUSTOM_X", "OTHER")]
            .map(|(name, coarse)| (EntityType::new(name), coarse))
            .to_vec()
    }

    fn parse(source: &str) -> Result<Calibration, CalibrationError> {
        let types = types();
        Calibration::parse(source, "t".into(), types.iter().map(|(name, coarse)| (name, *coarse)))
    }

    fn near(a: f32, b: f32) -> bool {
        (a - b).abs() < 1e-6
    }

    #[test]
    fn the_type_speaks_before_its_class_and_that_before_the_detector() {
        let calibration = parse(FILE).unwrap();
        let score = |detector, name: &str, raw| calibration.score(detector, &EntityType::new(name), raw);
        assert!(near(score(Detector::Ner, "PERSON", 0.7), 0.75), "its own");
        assert!(near(score(Detector::Pattern, "PHONE_NUMBER", 1.0), 0.7), "its class");
        assert!(near(score(Detector::Pattern, "EMAIL_ADDRESS", 0.7), 0.7), "the detector: 0.5 + 0.3 / 0.6 * 0.4");
        assert!(near(score(Detector::Pattern, "EMAIL_ADDRESS", 1.0), 0.9));
        assert!(near(score(Detector::Secret, "EMAIL_ADDRESS", 0.7), 0.7), "no map at all");
        assert!(near(score(Detector::Pattern, "CUSTOM_X", 0.9), 0.9), "a type of the organisation's own");
        assert!(near(score(Detector::Pattern, "NEW", 0.9), 0.9));
    }

    #[test]
    fn no_table_takes_a_finding_from_a_policy_or_makes_one() {
        let calibration = parse(FILE).unwrap();
        let phone = |raw| calibration.score(Detector::Pattern, &EntityType::new("PHONE_NUMBER"), raw);
        assert!(near(phone(0.9), HELD), "measured 0.2, but it stays likely");
        assert!(near(phone(0.45), 0.45), "measured 0.11, and not lowered at all");
        assert!(near(phone(0.39), 0.39), "what is not reported is not raised");
        let source =
            FILE.replace("points = [[0.4, 0.1], [0.9, 0.2], [1.0, 0.7]]", "points = [[0.4, 0.9], [0.9, 0.95]]");
        let sure = parse(&source).unwrap();
        let phone = |raw| sure.score(Detector::Pattern, &EntityType::new("PHONE_NUMBER"), raw);
        assert!(near(phone(0.45), BELOW), "measured 0.9, but below what policies act on");
        assert!(near(phone(0.495), 0.495) && phone(0.5) > 0.9);
        let email = |raw| calibration.score(Detector::Pattern, &EntityType::new("EMAIL_ADDRESS"), raw);
        assert!(email(0.39) < REPORTED && email(0.4) >= REPORTED);
    }

    #[test]
    fn a_file_that_cannot_be_right_is_refused_with_the_map_named() {
        for (from, to, said) in [
            ("[1.0, 0.9]", "[1.0, 0.4]", "monotone"),
            ("[1.0, 0.9]", "[1.0, 1.1]", "from 0 to 1"),
            ("[1.0, 0.9]", "[0.4, 0.9]", "rise"),
            ("[[0.4, 0.5], [1.0, 0.9]]", "[]", "no points"),
            ("\"PHONE\"", "\"PHONES\"", "PHONES"),
            ("entity_type = \"PERSON\"", "entity_type = \"PERSONS\"", "PERSONS"),
            ("coarse = \"PERSON\"\nentity_type = \"PERSON\"", "coarse = \"PHONE\"\nentity_type = \"PERSON\"", "PERSON"),
            ("coarse = \"PHONE\"", "", "twice"),
            ("right = 80", "right = 101", "right"),
            ("detector = \"ner\"", "detector = \"oracle\"", "oracle"),
            ("format = 1", "format = 2", "format"),
            ("right = 80", "right = 80\nwrong = 20", "wrong"),
        ] {
            assert!(FILE.contains(from), "{from}");
            let message = parse(&FILE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(message.contains(said), "{to}: {message}");
        }
    }

    #[test]
    fn the_embedded_file_fits_the_catalog_and_never_falls() {
        let catalog = Catalog::embedded().unwrap();
        let types = || catalog.entity_types().map(|info| (&info.name, &*info.coarse));
        let calibration = Calibration::load(&CalibrationChoice::Embedded, types()).unwrap();
        assert_eq!((calibration.origin(), calibration.digest().len()), ("embedded", 64));
        assert!(calibration.curves.len() > 100, "{} types", calibration.curves.len());
        for (name, _) in types() {
            for detector in DETECTORS {
                let scores: Vec<f32> =
                    (0..=100u8).map(|n| calibration.score(detector, name, f32::from(n) / 100.0)).collect();
                assert!(scores.is_sorted(), "{name} by {}", detector.as_str());
                assert!(scores.iter().all(|score| (0.0..=1.0).contains(score)));
            }
        }
    }

    #[test]
    fn a_configuration_chooses() {
        let types = types();
        let load = |choice: &str| Calibration::load(&choice.into(), types.iter().map(|(name, coarse)| (name, *coarse)));
        let none = load("none").unwrap();
        assert_eq!((none.origin(), none.digest()), ("none", ""));
        let missing = load("/nonexistent/c.toml").unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/c.toml"));
        assert_eq!(missing.kind(), Kind::FailedPrecondition);
    }
}
