//! How the places of a view map to the places of what it was made of. A segment owns the rule for one stretch; it never
//! looks at text, so whoever makes one must see to it that both ends lie on character boundaries.

/// A stretch of a view that maps by one rule.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    /// First byte in the view.
    pub(super) view: usize,
    /// First byte in what the view was made of.
    pub(super) original: usize,
    pub(super) rule: Rule,
}

/// How the bytes of a stretch map.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rule {
    /// Each byte of the view stands for so many bytes.
    Step(usize),
    /// All bytes of the view stand for so many bytes together.
    Whole(usize),
    /// Base64: three bytes of the view stand for four, counted from `phase` bytes before the first; the last group,
    /// which may be shorter or padded, ends at `end`.
    Groups {
        /// 0, 1 or 2.
        phase: usize,
        /// Where the encoded stretch ends.
        end: usize,
    },
}

impl Segment {
    /// Where what the byte `at` of the view stands for begins.
    pub(super) fn start(&self, at: usize) -> usize {
        let index = at.saturating_sub(self.view);
        match self.rule {
            Rule::Step(step) => self.original + index * step,
            Rule::Whole(_) => self.original,
            Rule::Groups { phase, .. } => self.original + (phase + index) / 3 * 4,
        }
    }

    /// Where what the byte `at` of the view stands for ends.
    pub(super) fn end(&self, at: usize) -> usize {
        let index = at.saturating_sub(self.view);
        match self.rule {
            Rule::Step(step) => self.original + (index + 1) * step,
            Rule::Whole(length) => self.original + length,
            // A group of two or three characters at the end holds one or two bytes, and the padding belongs to it.
            Rule::Groups { phase, end } => (self.original + ((phase + index) / 3 + 1) * 4).min(end),
        }
    }

    /// Whether the byte at `view`, standing for `step` bytes from `original` on, follows by this segment's rule.
    pub(super) fn goes_on(&self, view: usize, original: usize, step: usize) -> bool {
        matches!(self.rule, Rule::Step(own) if own == step) && self.start(view) == original
    }
}
