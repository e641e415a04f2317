//! Answers conditions over a view. Every answer takes time linear in the findings (times the fixed size of the
//! condition), and a condition without `not` that holds keeps holding when evidence is added: `tests` proves it.

use std::collections::{HashMap, VecDeque};

use super::condition::{Condition, Quantity, Selection};
use super::distinct::Distinct;
use super::doubt::Lens;
use super::near::{near, same_scope};
use super::view::{Mark, View, likely};
use crate::detect::Topic;

/// Answers a condition, and collects the findings that made it hold. Of a live request both lenses see the same; of a
/// record `Sure` answers whether it surely holds, `Possible` whether it may.
pub(super) fn holds(condition: &Condition, view: &View<'_>, lens: Lens, because: &mut Vec<usize>) -> bool {
    match condition {
        Condition::Always => true,
        Condition::Found(selection, quantity) => found(selection, quantity, view, lens, because),
        Condition::Near(selections, reach) => near(selections, *reach, view, lens, because),
        Condition::Declared(level) => view.declared.is_some_and(|declared| declared >= *level),
        Condition::Caller(names) => names.iter().any(|name| name == view.caller),
        Condition::Topic(wanted) => wanted.iter().any(|(name, probability)| view.is_about(name, *probability, lens)),
        Condition::All(all) => {
            let before = because.len();
            let held = all.iter().all(|condition| holds(condition, view, lens, because));
            if !held {
                because.truncate(before);
            }
            held
        }
        Condition::Any(any) => any.iter().any(|condition| holds(condition, view, lens, because)),
        // What is absent is no reason to name.
        Condition::Not(condition) => !holds(condition, view, lens.flipped(), &mut Vec::new()),
    }
}

/// The topics that speak for a condition, by index; what is negated speaks for nothing.
pub(super) fn topics(condition: &Condition, view: &View<'_>, speak: &mut Vec<usize>) {
    match condition {
        Condition::Topic(wanted) => {
            let speaks = |topic: &Topic| {
                wanted.iter().any(|(name, probability)| *topic.name == **name && likely(topic, *probability))
            };
            speak.extend(view.topics.iter().enumerate().filter(|(_, topic)| speaks(topic)).map(|(index, _)| index));
        }
        Condition::All(inner) | Condition::Any(inner) => {
            inner.iter().for_each(|condition| topics(condition, view, speak));
        }
        Condition::Always
        | Condition::Found(..)
        | Condition::Near(..)
        | Condition::Declared(_)
        | Condition::Caller(_)
        | Condition::Not(_) => {}
    }
}

fn found(selection: &Selection, quantity: &Quantity, view: &View<'_>, lens: Lens, because: &mut Vec<usize>) -> bool {
    if view.may_have_more(&selection.types, lens) {
        return true;
    }
    let selected = selection.of(view, lens);
    let held = if *quantity == Quantity::ONE {
        !selected.is_empty()
    } else if let Some(reach) = quantity.reach {
        // A sliding window: findings leave at the front when the newest is too far from them.
        let mut window: VecDeque<&Mark> = VecDeque::new();
        let mut tally = Tally::new(view, quantity, lens);
        selected.iter().any(|mark| {
            while let Some(first) = window.front() {
                if same_scope(first, mark, reach) && reach.gap(first, mark, view, lens) {
                    break;
                }
                tally.remove(first);
                window.pop_front();
            }
            window.push_back(mark);
            tally.add(mark);
            tally.enough()
        })
    } else {
        let mut tally = Tally::new(view, quantity, lens);
        selected.iter().for_each(|mark| tally.add(mark));
        tally.enough()
    };
    if held {
        because.extend(selected.iter().map(|mark| mark.finding));
    }
    held
}

/// Counts what is in the window.
struct Tally<'v, 'q> {
    quantity: &'q Quantity,
    count: u32,
    kinds: HashMap<Option<usize>, u32>,
    distinct: Distinct<'v>,
}

impl<'v, 'q> Tally<'v, 'q> {
    fn new(view: &'v View<'v>, quantity: &'q Quantity, lens: Lens) -> Self {
        Self { quantity, count: 0, kinds: HashMap::new(), distinct: Distinct::new(view, lens) }
    }

    fn add(&mut self, mark: &Mark) {
        self.count += 1;
        if self.quantity.kinds > 1 {
            *self.kinds.entry(mark.number).or_default() += 1;
        }
        if self.quantity.distinct > 1 {
            self.distinct.add(mark);
        }
    }

    fn remove(&mut self, mark: &Mark) {
        self.count = self.count.saturating_sub(1);
        if let Some(kind) = self.kinds.get_mut(&mark.number) {
            *kind -= 1;
            if *kind == 0 {
                self.kinds.remove(&mark.number);
            }
        }
        if self.quantity.distinct > 1 {
            self.distinct.remove(mark);
        }
    }

    fn enough(&self) -> bool {
        self.count >= self.quantity.count
            && (self.quantity.kinds <= 1 || self.kinds.len() >= self.quantity.kinds as usize)
            && (self.quantity.distinct <= 1 || self.distinct.at_least(self.quantity.distinct as usize))
    }
}
