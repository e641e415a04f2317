//! Another model on the same texts: `--compare` with the folder of a model, or `rampart`. Rules, policy and calibration are
//! the same for both, so what differs is the model's.

use std::path::Path;
use std::sync::Arc;

use crate::classify::Classifier;
use crate::config::Config;
use crate::eval::{Bootstrap, GoldFile};
use crate::ner::RAMPART;
use crate::startup;

use super::super::Failure;
use super::predict;
use super::report::{Report, Tallied};

/// The other model, with what was counted so far.
pub(super) struct Versus {
    /// Its name in tables.
    pub(super) name: String,
    classifier: Arc<Classifier>,
    min_score: f32,
    together: Tallied,
}

impl Versus {
    /// Whether `--compare` means a model and no predictions.
    pub(super) fn is_meant(path: &Path) -> bool {
        let named = path == Path::new(RAMPART) && !path.exists();
        named || ["config.json", "tokenizer.json"].iter().all(|file| path.join(file).is_file())
    }

    /// Loads the model.
    pub(super) fn load(path: &Path, config: &Config, min_score: f32) -> Result<Self, Failure> {
        let mut config = config.clone();
        config.ner.model = Some(path.to_owned());
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, classifier: Arc::new(startup::classifier(&config)?), min_score, together: Tallied::default() })
    }

    /// Runs a set and puts its texts beside those of this run; the report is the other model's.
    pub(super) async fn run(&mut self, file: &GoldFile, tallied: &mut Tallied, bootstrap: Bootstrap) -> Report {
        let (found, took) = predict::all(&self.classifier, file, self.min_score).await;
        let other = Tallied::of(file, &found, took);
        tallied.pair(&other);
        let report = other.report(&file.name, bootstrap);
        self.together += other;
        report
    }

    /// The report over all sets.
    pub(super) fn together(&self, name: &str, bootstrap: Bootstrap) -> Report {
        self.together.report(name, bootstrap)
    }

    /// Ends the lanes of the model.
    pub(super) async fn shutdown(&self) {
        self.classifier.shutdown().await;
    }
}
