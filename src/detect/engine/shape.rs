//! Which digit patterns can match at a number: automata over the *shapes* of all of them, in place of hundreds of regex
//! searches around every number of a log. A shape is what an expression asks for from its first digit on, or from the
//! first letter of the token that holds it, where the expression says that its value begins with the token; and what
//! it asks for before that place. It forgets which digit it is, drops most boundaries and relaxes counts; it may let
//! too much through and must never hold a match back.
//!
//! The automata start at a number and die a few bytes on, as a rule. That they start nowhere else keeps their states
//! few: an automaton that looks for all shapes everywhere has a state for each mixture of half-seen shapes, and spends
//! its time on building them.

use regex_syntax::hir::{Capture, Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look, Repetition};

use super::automaton::{Automaton, Bits, Direction, TooLarge, Walker};
use super::expression::{beyond_ascii, class_holds, parts};

/// Bytes before the first digit of a value, or before its token, that its pattern sees.
pub(super) const BEFORE: usize = 64;

/// Bytes from there to the end of the match, at most.
pub(super) const REACH: usize = 192;

/// The shapes of many patterns.
pub(super) struct Shapes {
    /// Gives the shapes that match at a place.
    ahead: Automaton,
    /// Gives the shapes that may begin at a place, by what stands before it.
    behind: Automaton,
    /// The expression of each shape.
    owners: Vec<usize>,
}

/// Reads text with the states of one thread.
pub(super) struct Reader<'s> {
    ahead: Walker<'s>,
    behind: Walker<'s>,
    owners: &'s [usize],
    possible: Bits,
    matching: Bits,
}

impl Shapes {
    /// The shapes of these expressions; their indices are those of the results. Each way in which an expression can
    /// come to the place where its shape begins is a shape of its own: what stands before and what follows belong
    /// together.
    pub(super) fn build(from: From, expressions: &[Hir]) -> Result<Self, TooLarge> {
        let (mut ahead, mut owners, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
        // Many shapes follow the same boundary.
        let mut behind: Vec<Hir> = Vec::new();
        for (owner, hir) in expressions.iter().enumerate() {
            // Both walk through the expression in the same way, so their results pair up.
            for (after, before) in from.derive(&value_part(hir)).into_iter().zip(from.before(hir)) {
                let known = behind.iter().position(|known| *known == before).unwrap_or_else(|| {
                    behind.push(before);
                    behind.len() - 1
                });
                pairs.push((known, ahead.len()));
                ahead.push(after);
                owners.push(owner);
            }
        }
        let mut itself = vec![Bits::new(ahead.len()); ahead.len()];
        itself.iter_mut().enumerate().for_each(|(shape, set)| set.insert(shape));
        let mut followers = vec![Bits::new(ahead.len()); behind.len()];
        for (before, shape) in pairs {
            followers.get_mut(before).into_iter().for_each(|set| set.insert(shape));
        }
        Ok(Self {
            ahead: Automaton::build(Direction::Forward, &ahead, itself)?,
            behind: Automaton::build(Direction::Backward, &behind, followers)?,
            owners,
        })
    }

    /// A reader of its own states; one for each scan.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader {
            ahead: self.ahead.walker(),
            behind: self.behind.walker(),
            owners: &self.owners,
            possible: Bits::new(self.owners.len()),
            matching: Bits::new(self.owners.len()),
        }
    }
}

impl Reader<'_> {
    /// Calls `found` for the patterns that may match at `at`, the start of a run of digits or of a token; for one more
    /// than once, at times. Returns the bytes read.
    pub(super) fn matching(&mut self, text: &str, at: usize, found: &mut dyn FnMut(usize)) -> usize {
        let Self { ahead, behind, owners, possible, matching } = self;
        possible.fill(false);
        let before = behind.walk(text, at, BEFORE, possible);
        if before.is_none() {
            possible.fill(true);
        } else if possible.is_empty() {
            return before.unwrap_or_default();
        }
        matching.fill(false);
        let after = ahead.walk(text, at, REACH, matching);
        if after.is_none() {
            matching.fill(true);
        }
        matching.intersect(possible);
        matching.numbers().filter_map(|shape| owners.get(shape)).for_each(|owner| found(*owner));
        before.unwrap_or(BEFORE) + after.unwrap_or(REACH)
    }
}

/// What a shape begins with, after signs that do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// The first digit of a run.
    Digit,
    /// The first letter or digit of a token.
    Token,
}

impl From {
    fn holds(self, byte: u8) -> bool {
        byte.is_ascii_digit() || (self == Self::Token && byte.is_ascii_alphabetic())
    }
}

/// The value and what follows it. A value ends with its run of digits, so another digit cannot follow.
fn value_part(hir: &Hir) -> Hir {
    let (parts, value) = parts(hir);
    let mut rest = parts.get(value.unwrap_or(0)..).unwrap_or_default().to_vec();
    let last = rest.iter().rposition(|part| !matches!(part.kind(), HirKind::Look(_))).unwrap_or_default();
    let ends_value = value.is_none() || last == 0;
    if ends_value && rest.get(last).is_some_and(ends_with_digit) {
        rest.truncate(last + 1);
        rest.push(Hir::alternation(vec![Hir::look(Look::End), any_but_digits()]));
    }
    Hir::concat(rest)
}

fn any_but_digits() -> Hir {
    let ranges = [ClassBytesRange::new(0, b'0' - 1), ClassBytesRange::new(b'9' + 1, 0xff)];
    Hir::class(Class::Bytes(ClassBytes::new(ranges)))
}

/// Whether every match ends with a digit.
fn ends_with_digit(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => literal.0.last().is_some_and(u8::is_ascii_digit),
        HirKind::Class(class) => only_digits(class),
        HirKind::Repetition(repetition) => repetition.min > 0 && ends_with_digit(&repetition.sub),
        HirKind::Capture(capture) => ends_with_digit(&capture.sub),
        HirKind::Concat(parts) => {
            // An optional part at the end must end with a digit as well, and so must what stands before it.
            for part in parts.iter().rev() {
                if ends_with_digit(part) {
                    return true;
                }
                let skipped = match part.kind() {
                    HirKind::Look(_) => true,
                    HirKind::Repetition(repetition) => repetition.min == 0 && ends_with_digit(&repetition.sub),
                    _ => false,
                };
                if !skipped {
                    return false;
                }
            }
            false
        }
        HirKind::Alternation(parts) => parts.iter().all(ends_with_digit),
    }
}

fn only_digits(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => class.ranges().iter().all(|range| range.start() >= '0' && range.end() <= '9'),
        Class::Bytes(class) => class.ranges().iter().all(|range| range.start() >= b'0' && range.end() <= b'9'),
    }
}

impl From {
    /// Whether some match holds nothing that a shape can begin with.
    fn passes(self, hir: &Hir) -> bool {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => true,
            HirKind::Literal(literal) => !literal.0.iter().any(|byte| self.holds(*byte)),
            HirKind::Class(class) => beyond_ascii(class) || class_holds(class, |byte| !self.holds(byte)),
            HirKind::Repetition(repetition) => repetition.min == 0 || self.passes(&repetition.sub),
            HirKind::Capture(capture) => self.passes(&capture.sub),
            HirKind::Concat(parts) => parts.iter().all(|part| self.passes(part)),
            HirKind::Alternation(parts) => parts.iter().any(|part| self.passes(part)),
        }
    }

    /// What an expression may still ask for from its first digit (or letter) on, that one included: its derivatives
    /// by every text without (Antimirov, "Partial derivatives of regular expressions", 1996).
    fn derive(self, hir: &Hir) -> Vec<Hir> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Vec::new(),
            HirKind::Literal(literal) => {
                let first = literal.0.iter().position(|byte| self.holds(*byte));
                first.and_then(|first| literal.0.get(first..)).map(|rest| vec![literal_shape(rest)]).unwrap_or_default()
            }
            HirKind::Class(class) => {
                let first: Vec<(u8, u8)> = (0..0x80_u8)
                    .filter(|byte| self.holds(*byte) && class_holds(class, |held| held == *byte))
                    .map(|byte| (byte, byte))
                    .collect();
                if first.is_empty() { Vec::new() } else { vec![bytes_shape(&first)] }
            }
            HirKind::Repetition(repetition) => {
                let rest = Repetition {
                    min: if self.passes(&repetition.sub) { 0 } else { repetition.min.saturating_sub(1) },
                    max: repetition.max.map(|max| max.saturating_sub(1)),
                    ..repetition.clone()
                };
                let rest = repetition_shape(&rest);
                let starts = self.derive(&repetition.sub).into_iter();
                starts.map(|start| Hir::concat(vec![start, rest.clone()])).collect()
            }
            HirKind::Capture(capture) => self.derive(&capture.sub),
            HirKind::Concat(parts) => {
                let mut all = Vec::new();
                for (at, part) in parts.iter().enumerate() {
                    let rest: Vec<Hir> = parts.get(at + 1..).unwrap_or_default().iter().map(shape).collect();
                    for start in self.derive(part) {
                        all.push(Hir::concat(std::iter::once(start).chain(rest.iter().cloned()).collect()));
                    }
                    if !self.passes(part) {
                        break;
                    }
                }
                all
            }
            HirKind::Alternation(parts) => parts.iter().flat_map(|part| self.derive(part)).collect(),
        }
    }
}

impl From {
    /// What stands before the places where shapes begin, back to the beginning of the match.
    fn before(self, hir: &Hir) -> Vec<Hir> {
        let (parts, value) = parts(hir);
        let context: Vec<Hir> = parts.get(..value.unwrap_or(0)).unwrap_or_default().iter().map(shape).collect();
        let passed = self.passed(&value_part(hir)).into_iter();
        passed.map(|last| Hir::concat(context.iter().cloned().chain([last]).collect())).collect()
    }

    /// The texts that [`Self::derive`] derives by.
    fn passed(self, hir: &Hir) -> Vec<Hir> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Vec::new(),
            HirKind::Literal(literal) => {
                let first = literal.0.iter().position(|byte| self.holds(*byte));
                first.and_then(|first| literal.0.get(..first)).map(|text| vec![literal_shape(text)]).unwrap_or_default()
            }
            HirKind::Class(class) if class_holds(class, |byte| self.holds(byte)) => vec![Hir::empty()],
            HirKind::Class(_) => Vec::new(),
            HirKind::Repetition(repetition) => {
                let passed = self.passed(&repetition.sub);
                if !self.passes(&repetition.sub) {
                    return passed;
                }
                let before = Repetition { min: 0, max: None, ..repetition.clone() };
                let before = repetition_shape(&before);
                passed.into_iter().map(|last| Hir::concat(vec![before.clone(), last])).collect()
            }
            HirKind::Capture(capture) => self.passed(&capture.sub),
            HirKind::Concat(parts) => {
                let mut all = Vec::new();
                for (at, part) in parts.iter().enumerate() {
                    let before: Vec<Hir> = parts.get(..at).unwrap_or_default().iter().map(shape).collect();
                    for last in self.passed(part) {
                        all.push(Hir::concat(before.iter().cloned().chain([last]).collect()));
                    }
                    if !self.passes(part) {
                        break;
                    }
                }
                all
            }
            HirKind::Alternation(parts) => parts.iter().flat_map(|part| self.passed(part)).collect(),
        }
    }
}

/// The shape of an expression: a language that holds at least everything that the expression matches. High counts of
/// letters and groups are relaxed, which keeps the automaton small.
fn shape(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(look @ (Look::Start | Look::End)) => Hir::look(*look),
        HirKind::Empty | HirKind::Look(_) => Hir::empty(),
        HirKind::Literal(literal) => literal_shape(&literal.0),
        HirKind::Class(class) => class_shape(class),
        HirKind::Repetition(repetition) => repetition_shape(repetition),
        HirKind::Capture(Capture { sub, .. }) => shape(sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(shape).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(shape).collect()),
    }
}

fn literal_shape(bytes: &[u8]) -> Hir {
    Hir::concat(bytes.iter().map(|byte| bytes_shape(&[(*byte, *byte)])).collect())
}

fn repetition_shape(repetition: &Repetition) -> Hir {
    let most = match repetition.sub.kind() {
        HirKind::Class(class) if only_digits(class) => 63,
        HirKind::Class(_) => 16,
        _ if only_signs_and_digits(&repetition.sub) => 32,
        _ => 3,
    };
    Hir::repetition(Repetition {
        min: repetition.min.min(most),
        max: repetition.max.filter(|max| *max <= most),
        greedy: true,
        sub: Box::new(shape(&repetition.sub)),
    })
}

/// Whether no match holds a letter: such groups are short, and a walk must not go on through a column of numbers.
fn only_signs_and_digits(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => !literal.0.iter().any(u8::is_ascii_alphabetic),
        HirKind::Class(class) => !beyond_ascii(class) && !class_holds(class, |byte| byte.is_ascii_alphabetic()),
        HirKind::Repetition(repetition) => repetition.max.is_some() && only_signs_and_digits(&repetition.sub),
        HirKind::Capture(capture) => only_signs_and_digits(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(only_signs_and_digits),
    }
}

fn class_shape(class: &Class) -> Hir {
    let mut low = Vec::new();
    let mut beyond_ascii = false;
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                if let Ok(start) = u8::try_from(u32::from(range.start()))
                    && start.is_ascii()
                {
                    low.push((start, u8::try_from(u32::from(range.end())).unwrap_or(0x7f).min(0x7f)));
                }
                beyond_ascii |= !range.end().is_ascii();
            }
        }
        Class::Bytes(class) => low.extend(class.ranges().iter().map(|range| (range.start(), range.end()))),
    }
    let ascii = bytes_shape(&low);
    if !beyond_ascii {
        return ascii;
    }
    // Any character of two to four bytes.
    let lead = Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(0xc2, 0xf4)])));
    let next = Hir::class(Class::Bytes(ClassBytes::new([ClassBytesRange::new(0x80, 0xbf)])));
    let tail = Hir::repetition(Repetition { min: 1, max: Some(3), greedy: true, sub: Box::new(next) });
    Hir::alternation(vec![ascii, Hir::concat(vec![lead, tail])])
}

/// These bytes, with all digits if a digit is among them.
fn bytes_shape(ranges: &[(u8, u8)]) -> Hir {
    let mut class = ClassBytes::new(ranges.iter().map(|(start, end)| ClassBytesRange::new(*start, *end)));
    if ranges.iter().any(|(start, end)| *start <= b'9' && *end >= b'0') {
        class.push(ClassBytesRange::new(b'0', b'9'));
    }
    Hir::class(Class::Bytes(class))
}

#[cfg(test)]
mod tests;
