//! What a text is about, from the second output of the graph: calibration of each window's log-odds, and the largest
//! probability over all windows. One window is enough: a paragraph about a diagnosis does not become harmless by ten
//! pages around it. It must never be asked for numbers that were not checked.

use std::sync::Arc;

use serde::Deserialize;

use crate::detect::Topic;

/// One topic of a model: the calibrated probability is `sigmoid(scale · log-odds + bias)`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// In `snake_case`; policies name it.
    pub(super) name: Arc<str>,
    pub(super) scale: f32,
    pub(super) bias: f32,
}

impl Head {
    /// Refuses a calibration that cannot be one.
    pub(super) fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
            return Err("a name in cordon.topics must be snake_case".into());
        }
        // With a scale below zero the least likely would be the most.
        if !self.scale.is_finite() || self.scale <= 0.0 {
            return Err(format!("the scale of cordon.topics {name} must be above 0"));
        }
        if !self.bias.is_finite() {
            return Err(format!("the bias of cordon.topics {name} must be a number"));
        }
        Ok(())
    }

    fn probability(&self, log_odds: f32) -> f32 {
        1.0 / (1.0 + (-(self.scale * log_odds + self.bias)).exp())
    }
}

/// The topics of a model, in the order of its columns.
#[derive(Clone, Debug, Default)]
pub(super) struct Heads(Vec<Head>);

impl Heads {
    pub(super) fn new(heads: Vec<Head>) -> Self {
        Self(heads)
    }

    /// Columns that the model must give.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Raises the probabilities of a window by one run of the model, whose log-odds are sound.
    pub(super) fn add(&self, log_odds: &[f32], window: &mut Pool) {
        window.add(self.0.iter().zip(log_odds).map(|(head, log_odds)| head.probability(*log_odds)));
    }

    /// The topics by probability, the likeliest first; without a model of topics none.
    pub(super) fn named(&self, pool: &Pool) -> Vec<Topic> {
        let probabilities = pool.0.iter().copied().chain(std::iter::repeat(0.0));
        let topic = |(head, probability): (&Head, f32)| Topic { name: Arc::clone(&head.name), probability };
        let mut topics: Vec<Topic> = self.0.iter().zip(probabilities).map(topic).collect();
        // Stable: equally likely ones stay in the order of the model.
        topics.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        topics
    }
}

/// The largest probability of each topic so far; empty before the first window.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Pool(Vec<f32>);

impl Pool {
    /// With those of another window or document.
    pub(super) fn join(&mut self, other: &Self) {
        self.add(other.0.iter().copied());
    }

    fn add(&mut self, probabilities: impl ExactSizeIterator<Item = f32>) {
        if self.0.len() < probabilities.len() {
            self.0.resize(probabilities.len(), 0.0);
        }
        for (most, probability) in self.0.iter_mut().zip(probabilities) {
            *most = most.max(probability);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads() -> Heads {
        let head = |name: &str, scale, bias| Head { name: name.into(), scale, bias };
        Heads::new(vec![head("health", 1.0, 0.0), head("minors", 2.0, -1.0)])
    }

    fn pooled(windows: &[[f32; 2]]) -> Vec<(String, f32)> {
        let mut pool = Pool::default();
        for log_odds in windows {
            let mut window = Pool::default();
            heads().add(log_odds, &mut window);
            pool.join(&window);
        }
        heads().named(&pool).into_iter().map(|topic| (topic.name.to_string(), topic.probability)).collect()
    }

    #[test]
    fn log_odds_are_calibrated_and_the_largest_of_all_windows_counts() {
        let close = |found: &[(String, f32)], wanted: &[(&str, f32)]| {
            assert_eq!(found.len(), wanted.len());
            for ((name, probability), (wanted_name, wanted)) in found.iter().zip(wanted) {
                assert_eq!(name, wanted_name);
                assert!((probability - wanted).abs() < 1e-4, "{name} {probability}");
            }
        };
        close(&pooled(&[[2.0, 0.0]]), &[("health", 0.8808), ("minors", 0.2689)]);
        close(&pooled(&[[2.0, 0.0], [-3.0, 4.0], [0.0, 0.0]]), &[("minors", 0.9991), ("health", 0.8808)]);
        close(&pooled(&[]), &[("health", 0.0), ("minors", 0.0)]);
    }

    #[test]
    fn the_largest_log_odds_are_still_probabilities() {
        for (_, probability) in pooled(&[[f32::MAX, f32::MIN]]) {
            assert!((0.0..=1.0).contains(&probability));
        }
    }
}
