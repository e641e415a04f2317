//! A curve from scores to precision: points that rise, straight lines between them.

use serde::{Deserialize, Serialize};

/// A score and the precision that belongs to it; written as `[0.85, 0.97]`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point(pub f32, pub f32);

/// Points with rising scores and precisions that never fall.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve(Vec<Point>);

impl Curve {
    /// Checks the points.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn new(points: Vec<Point>) -> Result<Self, String> {
        if points.is_empty() {
            return Err("it has no points".to_owned());
        }
        if points.iter().any(|Point(score, precision)| !(0.0..=1.0).contains(score) || !(0.0..=1.0).contains(precision))
        {
            return Err("scores and precisions are from 0 to 1".to_owned());
        }
        for (Point(score, precision), Point(next, after)) in points.iter().zip(points.iter().skip(1)) {
            if next <= score {
                return Err(format!("the scores of its points must rise, but {next} follows {score}"));
            }
            if after < precision {
                return Err(format!("it is not monotone: {after} follows {precision}"));
            }
        }
        Ok(Self(points))
    }

    /// The precision at a score; before the first point and after the last, theirs.
    #[must_use]
    pub fn at(&self, score: f32) -> f32 {
        let after = self.0.partition_point(|point| point.0 < score);
        let before = after.checked_sub(1).and_then(|index| self.0.get(index));
        match (before, self.0.get(after)) {
            // Rounding must not lift the end of a line over the start of the next.
            (Some(a), Some(b)) => (a.1 + (b.1 - a.1) * (score - a.0) / (b.0 - a.0)).min(b.1),
            (Some(only), None) | (None, Some(only)) => only.1,
            (None, None) => score,
        }
    }

    /// The points.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_run_between_points_and_end_flat() {
        let curve = Curve::new(vec![Point(0.4, 0.5), Point(0.6, 0.5), Point(1.0, 0.9)]).unwrap();
        for (score, precision) in [(0.0, 0.5), (0.4, 0.5), (0.5, 0.5), (0.6, 0.5), (0.8, 0.7), (1.0, 0.9)] {
            assert!((curve.at(score) - precision).abs() < 1e-6, "{score}: {}", curve.at(score));
        }
        assert_eq!(Curve::new(vec![Point(0.5, 0.7)]).unwrap().at(0.9), 0.7);
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        assert!(Curve::new(vec![Point(0.5, f32::NAN)]).is_err());
        assert!(Curve::new(vec![Point(f32::NAN, 0.5)]).is_err());
    }
}
