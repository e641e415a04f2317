//! Whether one condition can hold only when another does. Sound, not complete: `true` is certain, `false` may mean that
//! it was not found out. The linter uses it to find rules that can never decide.

use super::condition::{Condition, Quantity, Reach, Selection};
use super::file::Scope;

/// Whether `b` holds whenever `a` does.
pub(super) fn implies(a: &Condition, b: &Condition) -> bool {
    use Condition::{All, Always, Any, Caller, Declared, Found, Near, Not, Topic};
    if a == b {
        return true;
    }
    match (a, b) {
        (_, Always) => true,
        (_, All(all)) => all.iter().all(|b| implies(a, b)),
        (Any(any), _) => any.iter().all(|a| implies(a, b)),
        (All(all), _) if all.iter().any(|a| implies(a, b)) => true,
        (_, Any(any)) => any.iter().any(|b| implies(a, b)),
        (Found(from, many), Found(to, few)) => narrower(from, to) && more(many, few),
        (Near(from, _), Found(to, few)) => {
            let count = from.iter().filter(|from| narrower(from, to)).count();
            let plain = few.distinct <= 1 && few.kinds <= 1 && few.reach.is_none();
            plain && count >= few.count as usize
        }
        (Near(from, tight), Near(to, loose)) => tighter(tight, loose) && covers(from, to),
        (Not(a), Not(b)) => implies(b, a),
        (Declared(a), Declared(b)) => a >= b,
        (Caller(a), Caller(b)) => a.iter().all(|name| b.contains(name)),
        (Topic(a), Topic(b)) => {
            a.iter().all(|(name, sure)| b.iter().any(|(other, needed)| other == name && sure >= needed))
        }
        _ => false,
    }
}

/// Whether two conditions can never hold at once, as far as that is plain to see.
pub(super) fn excludes(a: &Condition, b: &Condition) -> bool {
    match (a, b) {
        (a, Condition::Not(b)) | (Condition::Not(b), a) => implies(a, b),
        _ => false,
    }
}

/// Whether everything that `a` selects, `b` selects too.
fn narrower(a: &Selection, b: &Selection) -> bool {
    fn within<T: PartialEq>(a: &[T], b: &[T]) -> bool {
        b.is_empty() || (!a.is_empty() && a.iter().all(|item| b.contains(item)))
    }
    a.types.is_subset(&b.types)
        && a.min_score >= b.min_score
        && within(&a.roles, &b.roles)
        && within(&a.detectors, &b.detectors)
        && (b.values.is_none() || a.values == b.values)
        && b.except_values.iter().all(|values| a.except_values.contains(values))
        // An excuse takes findings away: what excuses from `b` must excuse from `a` too.
        && b.excuses.iter().all(|excuse| a.excuses.contains(excuse))
}

fn more(a: &Quantity, b: &Quantity) -> bool {
    let close = match (&a.reach, &b.reach) {
        (_, None) => true,
        (Some(a), Some(b)) => tighter(a, b),
        (None, Some(_)) => false,
    };
    close && a.count >= b.count && a.distinct >= b.distinct && a.kinds >= b.kinds
}

fn tighter(a: &Reach, b: &Reach) -> bool {
    let scope = a.scope == Scope::Part || b.scope == Scope::Document;
    let distance = match (a.within, b.within) {
        (_, None) => true,
        (Some(a_within), Some(b_within)) => a.unit == b.unit && a_within <= b_within,
        (None, Some(_)) => false,
    };
    scope && distance
}

/// Whether each of `to` has one of `from` of its own that is narrower.
fn covers(from: &[Selection], to: &[Selection]) -> bool {
    fn take(from: &[Selection], used: &mut Vec<usize>, to: &[Selection]) -> bool {
        let Some((first, rest)) = to.split_first() else { return true };
        from.iter().enumerate().any(|(i, selection)| {
            if used.contains(&i) || !narrower(selection, first) {
                return false;
            }
            used.push(i);
            let rest_fits = take(from, used, rest);
            used.pop();
            rest_fits
        })
    }
    take(from, &mut Vec::new(), to)
}
