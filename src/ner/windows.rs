//! How a text is cut into windows that fit the model: about as many tokens as it was trained on, overlapping, cut at
//! the ends of lines, sentences or words where there are any, and inside a word where there are none. Together the
//! cores of the windows are the text, without gap and without overlap: nothing is left out however long it is.
//!
//! The cut is made before tokenising, on an estimate of tokens, so that no tokenizer ever sees more than a few KiB, and
//! a megabyte without a space takes linear time. A window with more tokens than estimated is divided again by its lane.

use std::ops::Range;

use super::words::{extends, unspaced};

/// One window of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Bytes that the model sees.
    pub(super) text: Range<usize>,
    /// Bytes that this window answers for: those farther from its edges than from those of its neighbours.
    pub(super) core: Range<usize>,
}

/// No window is longer than this many bytes for each token: invisible characters cost no token, but time.
const MAX_BYTES_PER_TOKEN: usize = 16;

/// A place where a window may begin or end.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Bytes from the start of the window.
    at: usize,
    /// Tokens from the start of the window, estimated.
    cost: usize,
    strength: Strength,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strength {
    /// Inside a word.
    Character,
    /// Before a word.
    Word,
    /// After the end of a sentence.
    Sentence,
    /// After the end of a line.
    Line,
}

/// The windows of a text, made as they are asked for.
pub(super) struct Windows<'t> {
    text: &'t str,
    budget: usize,
    overlap: usize,
    /// Start of the next window and of its core.
    next: Option<(usize, usize)>,
}

/// Windows of at most about `budget` tokens that share about `overlap` with their neighbours; a text of a few windows
/// has them of about the same size, because they are read at the same time and the longest one is waited for.
pub(super) fn windows(text: &str, budget: usize, overlap: usize) -> Windows<'_> {
    let budget = budget.max(4);
    let overlap = overlap.min(budget / 2);
    let budget = even_budget(text, budget, overlap);
    Windows { text, budget, overlap, next: (!text.is_empty()).then_some((0, 0)) }
}

/// Texts of more windows than this are cut by the whole budget: the last window is a small part of them.
const EVEN_WINDOWS: usize = 4;

/// The smallest budget that needs no more windows than the whole one, wherever in its last quarter a window ends.
fn even_budget(text: &str, budget: usize, overlap: usize) -> usize {
    let mut pace = Pace::default();
    for c in text.chars() {
        pace.push(c);
        if pace.cost > budget * EVEN_WINDOWS {
            return budget;
        }
    }
    if pace.cost <= budget {
        return budget;
    }
    let windows = (pace.cost - overlap).div_ceil(budget - overlap);
    let shared = pace.cost + (windows - 1) * overlap;
    // All windows but the last may end after three quarters of it: 3/4 (n - 1) + 1 budgets hold everything.
    (shared * 4).div_ceil(3 * (windows - 1) + 4).max(overlap * 2).clamp(4, budget)
}

impl Iterator for Windows<'_> {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let (start, core_start) = self.next.take()?;
        let Some(cuts) = self.cuts(self.text.get(start..)?, core_start - start) else {
            return Some(Window { text: start..self.text.len(), core: core_start..self.text.len() });
        };
        let end = self.end(&cuts, core_start - start)?;
        let within: Vec<&Cut> = cuts.iter().filter(|cut| cut.at < end.at).collect();
        // The next window begins where the overlap does, and the two divide it in its middle.
        let begin = nearest(&within, end.cost.saturating_sub(self.overlap), self.overlap / 2).unwrap_or(end);
        let middle = nearest(&within, begin.cost.midpoint(end.cost), self.overlap / 2).unwrap_or(end);
        // A window always answers for something, or the text would never end.
        let core_end = start + if start + middle.at > core_start && middle.at >= begin.at { middle.at } else { end.at };
        self.next = Some((start + begin.at, core_end));
        Some(Window { text: start..start + end.at, core: core_start..core_end })
    }
}

impl Windows<'_> {
    /// Places to cut up to the budget, the last one where it ends and behind `least`; `None` if the rest of the text
    /// fits in it.
    fn cuts(&self, rest: &str, least: usize) -> Option<Vec<Cut>> {
        let limit = self.budget * MAX_BYTES_PER_TOKEN;
        let mut cuts: Vec<Cut> = Vec::with_capacity(self.budget);
        let mut pace = Pace::default();
        for (at, c) in rest.char_indices() {
            let full = at > least && (pace.cost >= self.budget || at >= limit);
            let strength = pace.strength();
            let far = pace.cost >= cuts.last().map_or(0, |cut| cut.cost) + 4;
            if at > 0 && (full || !extends(c) && (strength > Strength::Character || far)) {
                cuts.push(Cut { at, cost: pace.cost, strength });
            }
            if full {
                return Some(cuts);
            }
            pace.push(c);
        }
        None
    }

    /// The strongest cut near the budget: a line or sentence in its last quarter, else a word in its last half. It lies
    /// behind `least` bytes, which the window before this one answers for.
    fn end(&self, cuts: &[Cut], least: usize) -> Option<Cut> {
        let last_of = |from: usize, strength: Strength| {
            // Half of what two windows do not share, at least, so that every window moves on.
            let from = from.max(self.budget.midpoint(self.overlap));
            let near = cuts.iter().rev().take_while(|cut| cut.cost >= from && cut.at > least);
            near.copied().find(|cut| cut.strength >= strength)
        };
        last_of(self.budget * 3 / 4, Strength::Line)
            .or_else(|| last_of(self.budget * 3 / 4, Strength::Sentence))
            .or_else(|| last_of(self.budget / 2, Strength::Word))
            .or_else(|| cuts.last().copied().filter(|cut| cut.at > least))
    }
}

/// The last cut at or before a cost; a border of a word if one is at most `slack` tokens away.
fn nearest(cuts: &[&Cut], cost: usize, slack: usize) -> Option<Cut> {
    let before = || cuts.iter().rev().filter(|cut| cut.cost <= cost);
    before()
        .take_while(|cut| cut.cost + slack >= cost)
        .find(|cut| cut.strength >= Strength::Word)
        .or_else(|| before().next())
        .map(|cut| **cut)
}

/// Estimate of the tokens so far: a word costs one and more if it is long, digits go by pairs, marks one each.
#[derive(Default)]
struct Pace {
    cost: usize,
    run: Run,
    length: usize,
    last: Last,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Run {
    #[default]
    None,
    Letters,
    Digits,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Other,
    Stop,
    Space,
    SpaceAfterStop,
    NewLine,
}

/// Letters in the first piece of a word, and in each piece after it; WordPiece on English text.
const FIRST_PIECE: usize = 6;
const NEXT_PIECE: usize = 4;

impl Pace {
    fn strength(&self) -> Strength {
        match self.last {
            Last::NewLine => Strength::Line,
            Last::SpaceAfterStop => Strength::Sentence,
            Last::Space => Strength::Word,
            Last::Stop | Last::Other => Strength::Character,
        }
    }

    fn push(&mut self, c: char) {
        let run = if extends(c) {
            return;
        } else if unspaced(c) {
            Run::None
        } else if c.is_numeric() {
            Run::Digits
        } else if c.is_alphabetic() {
            Run::Letters
        } else {
            Run::None
        };
        self.length = if run == self.run { self.length + 1 } else { 1 };
        self.run = run;
        let begins = match run {
            Run::None => !c.is_whitespace(),
            Run::Letters => {
                self.length == 1 || self.length > FIRST_PIECE && (self.length - FIRST_PIECE) % NEXT_PIECE == 1
            }
            Run::Digits => self.length % 2 == 1,
        };
        self.cost += usize::from(begins);
        self.last = match (c, self.last) {
            ('\n', _) => Last::NewLine,
            (c, last) if c.is_whitespace() => match last {
                Last::NewLine => Last::NewLine,
                Last::Stop | Last::SpaceAfterStop => Last::SpaceAfterStop,
                Last::Space | Last::Other => Last::Space,
            },
            ('.' | '?' | '!' | '。' | '؟', _) => Last::Stop,
            _ => Last::Other,
        };
    }
}

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;

    fn check(text: &str, budget: usize, overlap: usize) -> usize {
        let mut at = 0;
        let mut start = 0;
        let mut count = 0;
        for window in windows(text, budget, overlap) {
            assert_eq!(window.core.start, at, "gap or overlap of cores");
            assert!(window.core.end > at, "no progress");
            assert!(window.text.start <= window.core.start && window.text.end >= window.core.end);
            assert!(count == 0 || window.text.start > start, "windows move on");
            assert!(text.get(window.text.clone()).is_some() && text.get(window.core.clone()).is_some());
            assert!(window.text.len() <= budget.max(4) * MAX_BYTES_PER_TOKEN + 4);
            at = window.core.end;
            start = window.text.start;
            count += 1;
        }
        assert_eq!(at, text.len(), "the end is missing");
        count
    }

    #[test]
    fn a_short_text_is_one_window_and_an_empty_one_none() {
        assert_eq!(check("Anna lives here.", 120, 32), 1);
        assert_eq!(check("", 120, 32), 0);
        assert_eq!(check("\n", 120, 32), 1);
    }

    #[test]
    fn a_text_of_two_windows_is_cut_in_its_middle() {
        let text = "This sentence has a few words in it. ".repeat(26);
        let lengths: Vec<usize> = windows(&text, 190, 24).map(|window| window.text.len()).collect();
        let [first, second] = lengths.as_slice() else { panic!("{lengths:?}") };
        assert!(first.abs_diff(*second) < text.len() / 5, "{lengths:?}");
    }

    #[test]
    fn even_windows_are_no_more_than_full_ones() {
        for sentences in 1..90 {
            let text = "Every sentence of this text has about a dozen words, marks included. ".repeat(sentences);
            let full = Windows { text: &text, budget: 190, overlap: 24, next: Some((0, 0)) };
            assert!(check(&text, 190, 24) <= full.count(), "{sentences}");
        }
    }

    #[test]
    fn windows_end_at_sentences() {
        let text = "This sentence has a few words in it. ".repeat(40);
        for window in windows(&text, 60, 16) {
            let cut = &text[window.text.clone()];
            assert!(cut.ends_with(". "), "{cut}");
        }
    }

    #[test]
    fn a_megabyte_without_a_space_takes_linear_time() {
        let time = |text: &str| {
            let begun = Instant::now();
            assert!(check(text, 120, 32) > 100);
            begun.elapsed()
        };
        for piece in ["a", "7", "é", "王", "\u{301}", "!", " ", "\n", "🙂", "a1-"] {
            let text = piece.repeat((1 << 20) / piece.len());
            assert!(time(&text) < Duration::from_secs(5), "{piece:?}");
        }
    }

    proptest! {
        #[test]
        fn cores_tile_any_text(text in "(?s).{0,600}", budget in 4_usize..40, overlap in 0_usize..40) {
            check(&text, budget, overlap);
        }

        #[test]
        fn cores_tile_prose(text in "([A-Za-z]{1,14}[ ,.\n]{1,3}){0,120}", budget in 4_usize..40, overlap in 0_usize..40) {
            check(&text, budget, overlap);
        }
    }
}
