//! Weak terms that stand near each other and together say what none says alone.

use std::collections::HashMap;

use super::ListHit;

/// Gives each hit the score of all different terms that stand within a distance of it, both ways. The number of terms
/// that stand there at once is counted with two ends that only move forward.
pub(super) fn add_up(hits: &mut [ListHit], within: usize, at_most: f32) {
    hits.sort_by_key(|hit| hit.range.start);
    let mut window: HashMap<usize, (usize, f32)> = HashMap::new();
    // Sums of the logarithms of what a term leaves open, so that a term can leave the window again.
    let mut open = 0.0_f64;
    let left = |score: f32| f64::from(1.0 - score.min(0.999)).ln();
    let (mut first, mut next) = (0, 0);
    let mut sums = Vec::with_capacity(hits.len());
    for hit in hits.iter() {
        while let Some(coming) = hits.get(next).filter(|coming| coming.range.start <= hit.range.start + within) {
            let (count, _) = window.entry(coming.term).or_insert((0, coming.base));
            *count += 1;
            if *count == 1 {
                open += left(coming.base);
            }
            next += 1;
        }
        while let Some(gone) = hits.get(first).filter(|gone| gone.range.start + within < hit.range.start) {
            if let Some((count, score)) = window.get_mut(&gone.term) {
                *count -= 1;
                if *count == 0 {
                    open -= left(*score);
                    window.remove(&gone.term);
                }
            }
            first += 1;
        }
        sums.push(1.0 - open.exp());
    }
    for (hit, sum) in hits.iter_mut().zip(sums) {
        #[allow(clippy::cast_possible_truncation)] // between 0 and 1
        let sum = sum as f32;
        hit.score = hit.base.max(sum.min(at_most));
    }
}
