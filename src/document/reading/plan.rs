//! What a reading changes, and the making of the reading. It owns how much of the surroundings comes along; what to
//! change is for `transport` and `spelled`.

use std::ops::Range;

use super::super::View;
use super::super::characters::{Change, change};
use super::super::segment::{Rule, Segment};
use super::{Kind, Reading, Stretch};

/// Bytes to either side of a change that a reading keeps: the words of context, the name of a field, the rest of an
/// address.
const MARGIN: usize = 192;

/// Changes of a text, from left to right.
#[derive(Debug, Default)]
pub(super) struct Plan {
    changes: Vec<Planned>,
    pieces: Vec<Piece>,
    /// What the pieces say, one after the other.
    said: String,
}

#[derive(Debug)]
struct Planned {
    range: Range<usize>,
    pieces: Range<usize>,
    kind: Kind,
    how: &'static str,
}

/// A part of a change that maps by one rule.
#[derive(Debug)]
struct Piece {
    said: Range<usize>,
    original: usize,
    rule: Rule,
}

impl Plan {
    /// Ends a change of `range` made of the pieces since the last one. Without pieces that say anything it is none,
    /// and so is one that begins before the last ended.
    pub(super) fn finish(&mut self, range: Range<usize>, kind: Kind, how: &'static str) {
        let from = self.changes.last().map_or(0, |last| last.pieces.end);
        let in_order = self.changes.last().is_none_or(|last| last.range.end <= range.start);
        if !in_order || from == self.pieces.len() {
            return self.drop_open();
        }
        self.changes.push(Planned { range, pieces: from..self.pieces.len(), kind, how });
    }

    /// Forgets the pieces of a change that came to nothing.
    pub(super) fn drop_open(&mut self) {
        let from = self.changes.last().map_or(0, |last| last.pieces.end);
        if let Some(first) = self.pieces.get(from) {
            self.said.truncate(first.said.start);
        }
        self.pieces.truncate(from);
    }

    /// A character that stands for `length` bytes at `original`, itself normalised.
    pub(super) fn character(&mut self, c: char, original: usize, length: usize) {
        let from = self.said.len();
        match change(c) {
            Change::Keep | Change::Combine => self.said.push(c),
            Change::Drop => {}
            Change::Ascii(byte) => self.said.push(char::from(byte)),
            Change::Dash => self.said.push('-'),
        }
        self.pieces.push(Piece { said: from..self.said.len(), original, rule: Rule::Whole(length) });
    }

    /// Text that maps by a rule of its own.
    pub(super) fn text(&mut self, text: &str, original: usize, rule: Rule) {
        let from = self.said.len();
        self.said.push_str(text);
        self.pieces.push(Piece { said: from..self.said.len(), original, rule });
    }

    /// The reading, if anything changes.
    pub(super) fn read<'v>(&self, view: &'v View<'v>) -> Option<Reading<'v>> {
        let mut maker = Maker { lower: view.text(), text: String::new(), segments: Vec::new(), copied: 0 };
        let mut places = Vec::with_capacity(self.changes.len());
        let mut changes = self.changes.iter().peekable();
        while let Some(planned) = changes.next() {
            maker.skip_to(planned.range.start);
            maker.copy_to(planned.range.start);
            let from = maker.text.len();
            for piece in self.pieces.get(planned.pieces.clone()).unwrap_or_default() {
                maker.say(self.said.get(piece.said.clone()).unwrap_or_default(), piece.original, piece.rule);
            }
            maker.copied = planned.range.end;
            places.push((from..maker.text.len(), planned));
            let stop = maker.lower.ceil_char_boundary((planned.range.end + MARGIN).min(maker.lower.len()));
            maker.copy_to(changes.peek().map_or(stop, |next| next.range.start.min(stop)));
        }
        if places.is_empty() || maker.text.is_empty() {
            return None;
        }
        let reading = View::over(view, maker.text, maker.segments);
        let stretches = places
            .into_iter()
            .map(|(place, planned)| {
                let original =
                    if place.is_empty() { view.original(planned.range.clone()) } else { reading.original(place) };
                Stretch { original, kind: planned.kind, how: planned.how }
            })
            .collect();
        Some(Reading { view: reading, stretches })
    }
}

/// A reading in the making.
struct Maker<'t> {
    lower: &'t str,
    text: String,
    segments: Vec<Segment>,
    /// Bytes of `lower` before this are said, changed or left out.
    copied: usize,
}

impl Maker<'_> {
    /// Leaves out what is too far from the change at `at`. A line of its own stands between what was apart.
    fn skip_to(&mut self, at: usize) {
        let from = self.lower.floor_char_boundary(at.saturating_sub(MARGIN));
        if from <= self.copied {
            return;
        }
        // Not in the middle of a word, unless there is no end of one.
        let piece = self.lower.get(from..at).unwrap_or_default();
        let word = piece.find(char::is_whitespace).unwrap_or(0);
        self.copied = from + word;
        if !self.text.is_empty() {
            self.say("\n\n", self.copied, Rule::Whole(0));
        }
    }

    fn copy_to(&mut self, at: usize) {
        if at > self.copied {
            let text = self.lower.get(self.copied..at).unwrap_or_default();
            self.say(text, self.copied, Rule::Step(1));
            self.copied = at;
        }
    }

    fn say(&mut self, text: &str, original: usize, rule: Rule) {
        if text.is_empty() {
            return;
        }
        let view = self.text.len();
        let goes_on = matches!(rule, Rule::Step(step) if self.segments.last().is_some_and(|last| last.goes_on(view, original, step)));
        if !goes_on {
            self.segments.push(Segment { view, original, rule });
        }
        self.text.push_str(text);
    }
}
