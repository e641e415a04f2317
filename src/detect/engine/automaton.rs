//! Automata that are walked from one place of a text, forward or backward, until they die: which of many expressions
//! match there? The answer is a set of bits. States are built by the regex library as they are needed; what this module
//! adds is that a state keeps the union of the sets of all expressions that match in it, so that hundreds of
//! expressions that match at the same place cost a few words.

use std::collections::HashMap;
use std::panic::{RefUnwindSafe, UnwindSafe};

use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::pool::{Pool, PoolGuard};
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::Hir;

/// Memory of the library for states, for each automaton and thread.
const CACHE_BYTES: usize = 8 << 20;

/// States that are kept here, for each automaton and thread.
const MAX_STATES: usize = 1 << 14;

/// Which way an automaton reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Backward,
}

/// Expressions too large together; the message is the library's.
#[derive(Debug, thiserror::Error)]
#[error("the digit patterns are too large together: {0}")]
pub(super) struct TooLarge(String);

/// A set of small numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// An empty set for numbers below `count`.
    pub(super) fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    pub(super) fn insert(&mut self, number: usize) {
        self.0.get_mut(number / 64).into_iter().for_each(|word| *word |= 1 << (number % 64));
    }

    pub(super) fn fill(&mut self, all: bool) {
        self.0.fill(if all { u64::MAX } else { 0 });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn unite(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, more)| *word |= more);
    }

    pub(super) fn intersect(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, kept)| *word &= kept);
    }

    /// The numbers in it, in order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(at * 64 + bit)
            })
        })
    }
}

/// An automaton of many expressions.
pub(super) struct Automaton {
    dfa: DFA,
    direction: Direction,
    /// What each expression stands for.
    sets: Vec<Bits>,
    memories: Pool<Memory, NewMemory>,
}

type NewMemory = Box<dyn Fn() -> Memory + Send + Sync + UnwindSafe + RefUnwindSafe>;

/// An automaton with the states of one thread.
pub(super) struct Walker<'s> {
    automaton: &'s Automaton,
    memory: PoolGuard<'s, Memory, NewMemory>,
}

/// The states of one thread.
struct Memory {
    cache: Cache,
    /// Times that the library has thrown its states away; ours are void then.
    clears: usize,
    /// Times that ours have been thrown away.
    generation: usize,
    numbers: HashMap<LazyStateID, usize>,
    /// The few states that walks start in, with their numbers.
    starts: Vec<(LazyStateID, usize)>,
    states: Vec<State>,
}

/// A state, with what is known of it.
struct State {
    id: LazyStateID,
    /// What the expressions that match in it stand for, if any does.
    set: Option<Bits>,
    /// The next state by class of byte, the last being the end of the text.
    next: Box<[Next]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Unknown,
    Dead,
    State(u32),
}

impl Automaton {
    /// The automaton of these expressions over bytes. A walk gives the union of the sets of those that match.
    pub(super) fn build(direction: Direction, expressions: &[Hir], sets: Vec<Bits>) -> Result<Self, TooLarge> {
        let config = thompson::Config::new()
            .utf8(false)
            .reverse(direction == Direction::Backward)
            .which_captures(thompson::WhichCaptures::None);
        let nfa = thompson::Compiler::new()
            .configure(config)
            .build_many_from_hir(expressions)
            .map_err(|error| TooLarge(error.to_string()))?;
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .cache_capacity(CACHE_BYTES)
            .skip_cache_capacity_check(true)
            // Even with a cache that is of no use a walk is cheaper than to let all patterns search.
            .minimum_cache_clear_count(None);
        let dfa = DFA::builder().configure(config).build_from_nfa(nfa).map_err(|error| TooLarge(error.to_string()))?;
        let template = dfa.clone();
        let new_memory: NewMemory = Box::new(move || Memory::new(template.create_cache()));
        Ok(Self { dfa, direction, sets, memories: Pool::new(new_memory) })
    }

    /// A walker with its own states; one for each scan.
    pub(super) fn walker(&self) -> Walker<'_> {
        Walker { automaton: self, memory: self.memories.get() }
    }
}

impl Walker<'_> {
    /// Adds to `found` what the expressions stand for that match from `at` on, over at most `reach` bytes. Returns the
    /// bytes read, or none when it cannot say: then every expression may match.
    pub(super) fn walk(&mut self, text: &str, at: usize, reach: usize, found: &mut Bits) -> Option<usize> {
        let Self { automaton, memory } = self;
        let bytes = text.as_bytes();
        match automaton.direction {
            Direction::Forward => {
                let end = (at + reach).min(bytes.len());
                let input = Input::new(text).range(at..end).anchored(Anchored::Yes);
                let start = automaton.dfa.start_state_forward(&mut memory.cache, &input).ok()?;
                // A match is reported one byte late; the byte behind the last one, or the end, brings it out.
                memory.steps(automaton, start, bytes.get(at..end)?.iter(), bytes.get(end), found)
            }
            Direction::Backward => {
                let start = at.saturating_sub(reach);
                let input = Input::new(text).range(start..at).anchored(Anchored::Yes);
                let first = automaton.dfa.start_state_reverse(&mut memory.cache, &input).ok()?;
                let beyond = start.checked_sub(1).and_then(|before| bytes.get(before));
                memory.steps(automaton, first, bytes.get(start..at)?.iter().rev(), beyond, found)
            }
        }
    }
}

impl Memory {
    fn new(cache: Cache) -> Self {
        Self { cache, clears: 0, generation: 0, numbers: HashMap::new(), starts: Vec::new(), states: Vec::new() }
    }

    fn steps<'b>(
        &mut self,
        automaton: &Automaton,
        start: LazyStateID,
        bytes: impl Iterator<Item = &'b u8>,
        beyond: Option<&'b u8>,
        found: &mut Bits,
    ) -> Option<usize> {
        let classes = automaton.dfa.byte_classes();
        let mut current = self.start(automaton, start);
        let mut read = 0;
        for byte in bytes {
            match self.step(automaton, current, usize::from(classes.get(*byte)), Some(*byte), found)? {
                Some(next) => current = next,
                None => return Some(read),
            }
            read += 1;
        }
        let class = beyond.map_or(classes.alphabet_len() - 1, |byte| usize::from(classes.get(*byte)));
        self.step(automaton, current, class, beyond.copied(), found)?;
        Some(read)
    }

    fn start(&mut self, automaton: &Automaton, id: LazyStateID) -> usize {
        if self.clears == self.cache.clear_count()
            && let Some((_, number)) = self.starts.iter().find(|(known, _)| *known == id)
        {
            return *number;
        }
        let number = self.number(automaton, id);
        self.starts.push((id, number));
        number
    }

    /// One step; none inside when the walk is over.
    #[inline]
    fn step(
        &mut self,
        automaton: &Automaton,
        current: usize,
        class: usize,
        byte: Option<u8>,
        found: &mut Bits,
    ) -> Option<Option<usize>> {
        let known = self.states.get(current)?.next.get(class).copied()?;
        let next = if known == Next::Unknown { self.learn(automaton, current, class, byte)? } else { known };
        let Next::State(next) = next else { return Some(None) };
        if let Some(set) = &self.states.get(next as usize)?.set {
            found.unite(set);
        }
        Some(Some(next as usize))
    }

    /// Asks the library for a step, and keeps the answer.
    #[cold]
    fn learn(&mut self, automaton: &Automaton, current: usize, class: usize, byte: Option<u8>) -> Option<Next> {
        let id = self.states.get(current)?.id;
        let next = match byte {
            Some(byte) => automaton.dfa.next_state(&mut self.cache, id, byte).ok()?,
            None => automaton.dfa.next_eoi_state(&mut self.cache, id).ok()?,
        };
        if next.is_dead() {
            self.states.get_mut(current)?.next.get_mut(class).into_iter().for_each(|slot| *slot = Next::Dead);
            return Some(Next::Dead);
        }
        let generation = self.generation;
        let number = Next::State(u32::try_from(self.number(automaton, next)).ok()?);
        // Unless the states were thrown away in between.
        if self.generation == generation {
            self.states.get_mut(current)?.next.get_mut(class).into_iter().for_each(|slot| *slot = number);
        }
        Some(number)
    }

    /// The number of a state that the library has just given.
    fn number(&mut self, automaton: &Automaton, id: LazyStateID) -> usize {
        if self.clears != self.cache.clear_count() || self.states.len() >= MAX_STATES {
            self.clears = self.cache.clear_count();
            self.generation += 1;
            self.numbers.clear();
            self.starts.clear();
            self.states.clear();
        }
        if let Some(number) = self.numbers.get(&id) {
            return *number;
        }
        let matches = if id.is_match() { automaton.dfa.match_len(&self.cache, id) } else { 0 };
        let mut set: Option<Bits> = None;
        for index in 0..matches {
            let expression = automaton.dfa.match_pattern(&self.cache, id, index).as_usize();
            if let Some(more) = automaton.sets.get(expression) {
                set.get_or_insert_with(|| Bits(vec![0; more.0.len()])).unite(more);
            }
        }
        let next = vec![Next::Unknown; automaton.dfa.byte_classes().alphabet_len()].into_boxed_slice();
        self.states.push(State { id, set, next });
        self.numbers.insert(id, self.states.len() - 1);
        self.states.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn automaton(direction: Direction) -> Automaton {
        let expressions = [r"(?-u)[0-9]{2}", r"(?-u)[0-9]{2}\z", r"(?-u)\A[0-9]", r"(?-u)[a-z]+"];
        let hirs: Vec<Hir> = expressions.iter().map(|text| regex_syntax::parse(text).unwrap()).collect();
        let sets = (0..hirs.len()).map(|number| {
            let mut set = Bits::new(70 + hirs.len());
            set.insert(70 + number);
            set
        });
        Automaton::build(direction, &hirs, sets.collect()).unwrap()
    }

    fn walk(automaton: &Automaton, text: &str, at: usize, reach: usize) -> Vec<usize> {
        let mut found = Bits::new(74);
        automaton.walker().walk(text, at, reach, &mut found).unwrap();
        found.numbers().map(|number| number - 70).collect()
    }

    #[test]
    fn walks_begin_at_their_place_and_end_within_reach() {
        let forward = automaton(Direction::Forward);
        for _ in 0..2 {
            assert_eq!(walk(&forward, "x12", 1, 9), [0, 1]);
            assert_eq!(walk(&forward, "x123", 1, 2), [0], "the end is that of the text");
            assert_eq!(walk(&forward, "x12", 1, 1), [0; 0]);
            assert_eq!(walk(&forward, "ab1", 0, 9), [3]);
        }
        let backward = automaton(Direction::Backward);
        assert_eq!(walk(&backward, "12x", 2, 9), [0]);
        assert_eq!(walk(&backward, "1x", 1, 9), [2]);
        assert_eq!(walk(&backward, "ab1", 2, 9), [3]);
        assert_eq!(walk(&backward, "1", 0, 9), [0; 0]);
    }

    #[test]
    fn states_that_were_thrown_away_are_built_again() {
        let automaton = automaton(Direction::Forward);
        let mut walker = automaton.walker();
        for round in 0..3 {
            let mut found = Bits::new(74);
            walker.walk("12", 0, 9, &mut found).unwrap();
            assert_eq!(found.numbers().collect::<Vec<_>>(), [70, 71, 72], "round {round}");
            walker.memory.cache.reset(&automaton.dfa);
            walker.memory.clears = usize::MAX;
        }
    }

    #[test]
    fn bits_are_a_set() {
        let mut set = Bits::new(130);
        assert!(set.is_empty());
        [0, 63, 64, 129].into_iter().for_each(|number| set.insert(number));
        assert_eq!(set.numbers().collect::<Vec<_>>(), [0, 63, 64, 129]);
        let mut other = Bits::new(130);
        other.insert(64);
        set.intersect(&other);
        assert_eq!(set, other);
        set.fill(false);
        assert!(set.is_empty());
    }
}
