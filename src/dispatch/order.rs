//! The order in which the backends of one side are tried: by priority, and by weighted chance within one priority. A
//! backend without a priority stands after those with one, at its place in the file and never shared.

use super::chance::Chance;

/// The place of a backend among those of its side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rank {
    /// Lower comes first; `None` comes after all numbers.
    pub(super) priority: Option<u32>,
    /// Its share among those of the same priority; at least 1.
    pub(super) weight: u32,
}

/// Sorts by priority; what has none keeps the order of the file.
pub(super) fn sort<T>(backends: &mut [T], rank: impl Fn(&T) -> Rank) {
    backends.sort_by_key(|backend| rank(backend).priority.map_or(u64::from(u32::MAX) + 1, u64::from));
}

/// The order of one request. `sorted` is what [`sort`] left.
pub(super) fn draw<'a, T>(sorted: &'a [T], rank: impl Fn(&T) -> Rank, chance: &Chance) -> Vec<&'a T> {
    let together = |a: &T, b: &T| rank(a).priority.is_some() && rank(a).priority == rank(b).priority;
    let mut order = Vec::with_capacity(sorted.len());
    for group in sorted.chunk_by(together) {
        let mut left: Vec<&T> = group.iter().collect();
        // Drawn one after the other without putting back: each next one is tried when those before it fail.
        while left.len() > 1 {
            let total = left.iter().map(|backend| u64::from(rank(backend).weight)).sum();
            let mut point = chance.below(total);
            let at = left.iter().position(|backend| {
                let weight = u64::from(rank(backend).weight);
                let hit = point < weight;
                point = point.saturating_sub(weight);
                hit
            });
            order.push(left.remove(at.unwrap_or(0)));
        }
        order.append(&mut left);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank((_, priority, weight): &(&str, Option<u32>, u32)) -> Rank {
        Rank { priority: *priority, weight: *weight }
    }

    fn names(backends: &mut [(&'static str, Option<u32>, u32)], chance: &Chance) -> Vec<&'static str> {
        sort(backends, rank);
        draw(backends, rank, chance).into_iter().map(|(name, ..)| *name).collect()
    }

    #[test]
    fn without_priorities_the_file_gives_the_order() {
        let chance = Chance::seeded(1);
        for _ in 0..20 {
            assert_eq!(names(&mut [("b", None, 1), ("a", None, 1), ("c", None, 1)], &chance), ["b", "a", "c"]);
        }
    }

    #[test]
    fn lower_numbers_come_first_and_what_has_none_last() {
        let mut backends = [("none", None, 1), ("two", Some(2), 9), ("one", Some(1), 1), ("zero", Some(0), 1)];
        assert_eq!(names(&mut backends, &Chance::seeded(4)), ["zero", "one", "two", "none"]);
    }

    #[test]
    fn one_priority_is_shared_by_weight_and_each_comes_once() {
        let chance = Chance::seeded(9);
        let mut backends = [("heavy", Some(1), 3), ("light", Some(1), 1), ("spare", Some(2), 100)];
        let mut first_heavy = 0;
        for _ in 0..4000 {
            let order = names(&mut backends, &chance);
            assert_eq!(order.last(), Some(&"spare"));
            let mut all = order.clone();
            all.sort_unstable();
            assert_eq!(all, ["heavy", "light", "spare"]);
            first_heavy += u32::from(order.first() == Some(&"heavy"));
        }
        // Three quarters of 4000, within six standard deviations of 27.
        assert!((2836..3164).contains(&first_heavy), "{first_heavy}");
    }
}
