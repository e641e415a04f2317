//! The predictions that `--compare` names: one file, or a folder with a file for each set.

use std::collections::HashMap;
use std::path::Path;

use crate::eval::{Counts, GoldFile, LevelScores, Point, Prediction, Predictions, Scorer};

use super::super::Failure;
use super::report::{Pairs, Tallied, level};

/// The other system's predictions, by set.
#[derive(Debug)]
pub(super) struct Others(HashMap<String, Predictions>);

impl Others {
    /// Reads what is there for these sets. A file is for the set of its name, or for the only one.
    pub(super) fn open(path: &Path, sets: &[GoldFile], min_score: f32) -> Result<Self, Failure> {
        let mut others = HashMap::new();
        for set in sets {
            let file = if path.is_dir() { path.join(format!("{}.jsonl", set.name)) } else { path.to_owned() };
            let meant = file.file_stem().is_some_and(|stem| stem.to_string_lossy() == set.name) || sets.len() == 1;
            if meant && (!path.is_dir() || file.is_file()) {
                others.insert(set.name.clone(), Predictions::read(&file, min_score)?);
            }
        }
        if others.is_empty() {
            return Err(Failure(format!(
                "{} has predictions of none of the sets; name the file after its set, or the folder with such files",
                path.display()
            )));
        }
        Ok(Self(others))
    }

    /// Puts the points of both beside each other. What the other says nothing about at all, spans or levels, is not
    /// compared; a text that it leaves out counts as nothing found.
    pub(super) fn compare(&self, set: &GoldFile, tallied: &mut Tallied) -> Result<(), Failure> {
        let Some(other) = self.0.get(&set.name) else { return Ok(()) };
        let scorer = Scorer::new(&set.annotated);
        let none = Prediction::default();
        let mut pairs = Pairs::default();
        let point = |counts: &Counts, levels: LevelScores| {
            let levels = if other.has_levels { levels } else { LevelScores::default() };
            let nothing = Counts::default();
            Point::new(if other.has_spans { counts } else { &nothing }, levels)
        };
        for (gold, (counts, levels)) in set.texts.iter().zip(&tallied.each) {
            let found = other.get(&gold.id);
            pairs.missing += usize::from(found.is_none());
            let found = found.unwrap_or(&none);
            pairs.this.push(point(counts, *levels));
            pairs.other.push(point(&scorer.count(gold, found), level(gold.level, found.level)));
        }
        if pairs.missing == set.texts.len() {
            return Err(Failure(format!("the predictions to compare with have no id of the set {}", set.name)));
        }
        tallied.pairs = Some(pairs);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::eval::{Bootstrap, Gold, Measured, Span};
    use crate::policy::Sensitivity;

    fn set(name: &str) -> GoldFile {
        let text = |id: &str| Gold {
            id: id.into(),
            text: "Ann Lee".into(),
            spans: Some(vec![Span::new(0, 7, "PERSON")]),
            level: Some(Sensitivity::Confidential),
        };
        GoldFile { name: name.into(), texts: vec![text("1"), text("2")], annotated: ["PERSON".to_owned()].into() }
    }

    #[test]
    fn a_folder_is_read_by_the_names_of_sets_and_what_is_missing_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.jsonl"), "{\"id\":\"1\",\"spans\":[]}\n").unwrap();
        let sets = [set("a"), set("b")];
        let others = Others::open(dir.path(), &sets, 0.4).unwrap();
        let found = vec![Prediction { spans: vec![Span::new(0, 7, "PERSON")], level: Some(Sensitivity::Public) }; 2];
        let mut tallied = Tallied::of(&sets[0], &found, Duration::from_secs(1));
        others.compare(&sets[0], &mut tallied).unwrap();
        let comparison = tallied.report("a", Bootstrap::default()).comparison.unwrap();
        assert_eq!(comparison.missing, 1);
        let measured: Vec<_> = comparison.differences.iter().map(|d| (d.measured, d.this, d.other)).collect();
        assert_eq!(measured, [(Measured::CoreF1, 1.0, 0.0), (Measured::PersonF1, 1.0, 0.0)], "the other has no levels");
        let mut second = Tallied::of(&sets[1], &found, Duration::from_secs(1));
        others.compare(&sets[1], &mut second).unwrap();
        assert!(second.pairs.is_none(), "there is no file for it");
    }

    #[test]
    fn predictions_of_something_else_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Others::open(dir.path(), &[set("a")], 0.4).is_err(), "an empty folder");
        let file = dir.path().join("x.jsonl");
        std::fs::write(&file, "{\"id\":\"9\",\"spans\":[]}\n").unwrap();
        assert!(Others::open(&file, &[set("a"), set("b")], 0.4).is_err(), "for which of the two?");
        let others = Others::open(&file, &[set("a")], 0.4).unwrap();
        let mut tallied = Tallied::of(&set("a"), &[Prediction::default(), Prediction::default()], Duration::ZERO);
        assert!(others.compare(&set("a"), &mut tallied).is_err(), "no id is the same");
    }
}
