//! The cheap searches that come before the patterns: literals through one automaton, and runs of digits in one
//! pass. They read every byte of a part once, so they must stay linear and must not allocate for each hit.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, MatchKind};

/// Bytes before a literal that a pattern sees.
const BEFORE_LITERAL: usize = 96;

/// A stretch of text, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A literal to look for.
#[derive(Clone, Debug)]
pub(super) struct Literal {
    pub(super) text: String,
    pub(super) case_sensitive: bool,
    pub(super) wakes: Wakes,
}

/// What a literal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wakes {
    /// The patterns of a recognizer search from some bytes before it to `reach` bytes behind it.
    Recognizer { index: usize, reach: usize },
    /// A pattern, woken by something else, searches near this literal only.
    Gate { pattern: usize },
}

/// A literal that gates patterns was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    end: usize,
    /// Index of the literal.
    literal: usize,
}

/// All literals of all recognizers.
pub(super) struct Literals {
    automaton: AhoCorasick,
    /// For each string of the automaton, who waits for it.
    waiting: Vec<Waiting>,
}

#[derive(Default)]
struct Waiting {
    windows: Vec<Window>,
    /// Patterns that wait for it, with the case that it must have.
    gates: Vec<(usize, Exact)>,
}

/// A literal in its own case, if that counts.
type Exact = Option<Box<[u8]>>;

struct Window {
    recognizer: usize,
    exact: Exact,
    /// Bytes before the end of the literal; the same for every literal of a recognizer, so that the windows of a
    /// recognizer come in the order of their starts.
    before: usize,
    reach: usize,
}

impl Literals {
    /// One automaton without case for all; literals that need their case are compared when they are found, which is
    /// cheaper than a second pass over the text.
    pub(super) fn build(literals: Vec<Literal>) -> Result<Self, BuildError> {
        let mut longest: BTreeMap<usize, usize> = BTreeMap::new();
        for literal in &literals {
            if let Wakes::Recognizer { index, .. } = literal.wakes {
                let length = longest.entry(index).or_default();
                *length = (*length).max(literal.text.len());
            }
        }
        let mut strings: BTreeMap<String, Waiting> = BTreeMap::new();
        for Literal { text, case_sensitive, wakes } in literals {
            let exact = case_sensitive.then(|| text.as_bytes().into());
            let waiting = strings.entry(text.to_ascii_lowercase()).or_default();
            match wakes {
                Wakes::Recognizer { index, reach } => waiting.windows.push(Window {
                    recognizer: index,
                    exact,
                    before: BEFORE_LITERAL + longest.get(&index).copied().unwrap_or_default(),
                    reach,
                }),
                Wakes::Gate { pattern } => waiting.gates.push((pattern, exact)),
            }
        }
        // A full table of some 35,000 states takes 20 MiB, and most of it never enters the cache: it is no faster.
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(strings.keys())?;
        Ok(Self { automaton, waiting: strings.into_values().collect() })
    }

    /// Calls `found` with a recognizer and the window that its patterns see. Returns the literals that gate digit
    /// patterns, in the order of their ends.
    pub(super) fn scan(&self, text: &str, found: &mut impl FnMut(usize, Span)) -> Vec<Mark> {
        let mut marks = Vec::new();
        for hit in self.automaton.find_overlapping_iter(text) {
            let literal = hit.pattern().as_usize();
            let Some(waiting) = self.waiting.get(literal) else { continue };
            for window in &waiting.windows {
                if matches(text, hit.range(), &window.exact) {
                    let start = hit.end().saturating_sub(window.before);
                    let end = (hit.end() + window.reach).min(text.len());
                    found(window.recognizer, Span { start, end });
                }
            }
            if waiting.gates.iter().any(|(_, exact)| matches(text, hit.range(), exact)) {
                marks.push(Mark { end: hit.end(), literal });
            }
        }
        marks
    }

    /// Calls `found` with each recognizer one of whose literals the text holds as words of their own: `owe`, but not in
    /// `Owens`. For suggestions, which a piece of a word would only mislead.
    pub(super) fn scan_words(&self, text: &str, found: &mut impl FnMut(usize)) {
        for hit in self.automaton.find_overlapping_iter(text) {
            let (before, literal) = (text.get(..hit.start()), text.get(hit.range()).unwrap_or_default());
            let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            let goes_on = |inside: Option<char>, outside: Option<char>| letter(inside) && letter(outside);
            let after = text.get(hit.end()..).and_then(|after| after.chars().next());
            let whole = !goes_on(literal.chars().next(), before.and_then(|before| before.chars().next_back()))
                && !goes_on(literal.chars().next_back(), after);
            let waiting = self.waiting.get(hit.pattern().as_usize()).filter(|_| whole);
            for window in waiting.into_iter().flat_map(|waiting| &waiting.windows) {
                if matches(text, hit.range(), &window.exact) {
                    found(window.recognizer);
                }
            }
        }
    }

    /// The gates of the patterns, to be opened by these marks.
    pub(super) fn gates<'s>(&'s self, marks: &'s [Mark], patterns: usize) -> Gates<'s> {
        Gates { literals: self, marks: marks.iter(), next: None, last: vec![0; patterns] }
    }
}

fn matches(text: &str, range: std::ops::Range<usize>, exact: &Exact) -> bool {
    exact.as_ref().is_none_or(|exact| text.as_bytes().get(range) == Some(exact.as_ref()))
}

/// Which patterns have one of their literals near the place that a scan has come to.
pub(super) struct Gates<'s> {
    literals: &'s Literals,
    marks: std::slice::Iter<'s, Mark>,
    /// The first mark that is not counted yet.
    next: Option<Mark>,
    /// For each pattern, one more than the end of its last literal; 0 for none.
    last: Vec<usize>,
}

impl Gates<'_> {
    /// Counts every literal that ends before `until`. Called with places in ascending order.
    pub(super) fn advance(&mut self, until: usize) {
        while let Some(mark) = self.next.take().or_else(|| self.marks.next().copied()) {
            if mark.end > until {
                self.next = Some(mark);
                return;
            }
            for (pattern, _) in self.literals.waiting.get(mark.literal).map_or(&[][..], |waiting| &waiting.gates) {
                self.last.get_mut(*pattern).into_iter().for_each(|last| *last = mark.end + 1);
            }
        }
    }

    /// Whether a pattern has a literal that ends at `from` or later.
    pub(super) fn open(&self, pattern: usize, from: usize) -> bool {
        self.last.get(pattern).is_some_and(|last| *last > from)
    }
}

/// Longest run of digits that can be part of a value.
const MAX_RUN: usize = 63;

/// A run of digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: usize,
    /// Start of the token that holds it, a run of ASCII letters and digits, if it is the first run there.
    pub(super) token: Option<usize>,
}

/// Calls `found` with each run of digits, in order. A run of more than 63 digits is no part of any value.
pub(super) fn digit_runs(text: &str, found: &mut impl FnMut(Run)) {
    let bytes = text.as_bytes();
    let mut end = 0;
    while let Some(gap) = bytes.get(end..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let between = bytes.get(end..end + gap).unwrap_or_default();
        let letters = between.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let same_token = letters == gap && end > 0;
        let start = end + gap;
        end = start + bytes.get(start..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        if end - start <= MAX_RUN {
            found(Run { start, token: (!same_token).then_some(start - letters) });
        }
    }
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests {
    use super::*;

    #[test]
    fn runs_are_whole_and_endless_ones_are_left_out() {
        let text = format!("1a23 {} B456", "7".repeat(64));
        let mut runs = Vec::new();
        digit_runs(&text, &mut |run| runs.push(run));
        let run = |start, token| Run { start, token };
        assert_eq!(runs, [run(0, Some(0)), run(2, None), run(71, Some(70))]);
    }

    fn literal(text: &str, case_sensitive: bool, index: usize) -> Literal {
        Literal { text: text.to_owned(), case_sensitive, wakes: Wakes::Recognizer { index, reach: 4 } }
    }

    #[test]
    fn literals_match_in_any_case_unless_they_must_not() {
        let literals = Literals::build(vec![literal("AKIA", true, 0), literal("token", false, 1)]).unwrap();
        let mut seen = Vec::new();
        literals.scan("akia AKIA Token=1", &mut |recognizer, span| seen.push((recognizer, span)));
        assert_eq!(seen, [(0, Span { start: 0, end: 13 }), (1, Span { start: 0, end: 17 })]);
    }

    #[test]
    fn gates_open_near_their_literals() {
        let gate = |text: &str, pattern| Literal {
            text: text.to_owned(),
            case_sensitive: true,
            wakes: Wakes::Gate { pattern },
        };
        let literals = Literals::build(vec![gate("Street", 0), gate("Way", 1)]).unwrap();
        let marks = literals.scan("way Street .......... Way", &mut |_, _| {});
        let mut gates = literals.gates(&marks, 2);
        gates.advance(12);
        assert!(gates.open(0, 10) && !gates.open(0, 11) && !gates.open(1, 0));
        gates.advance(25);
        assert!(gates.open(0, 0) && gates.open(1, 20));
    }
}
