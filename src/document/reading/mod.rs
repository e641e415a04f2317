//! Other readings of a part: what it says once encodings are undone and what people spell out is joined. A reading is
//! a view of a view, so everything found in it points into the original; it must never be shown, stored or sent.
//!
//! A reading holds only the surroundings of what it changed, so a text with one `&amp;` costs a few hundred bytes
//! more and a plain text costs one look at each byte. Encodings may nest twice; nothing decodes to more than its own
//! length; the work is linear in the text, and [`Readings::work`] counts it for the test that says so.

mod base64;
mod escapes;
mod letters;
mod plan;
mod spelled;
#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests;
mod transport;

use std::ops::Range;

use self::plan::Plan;
use super::View;

/// How often an encoding may lie inside another.
const DEPTH: usize = 2;

/// A reading of a part.
#[derive(Debug)]
pub struct Reading<'v> {
    view: View<'v>,
    stretches: Vec<Stretch>,
}

/// A stretch that a reading changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Bytes of the original.
    pub original: Range<usize>,
    /// What was undone.
    pub kind: Kind,
    /// The same for people.
    pub how: &'static str,
}

/// What a reading undid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An encoding, which most programs write without a thought.
    Encoding,
    /// Letters set apart, disguised or of another script, which only people do, and mean.
    Letters,
    /// So many digits set apart or in words. They stand in rows for many reasons, so a number that was put together
    /// needs more evidence than one that was written as one.
    Digits(usize),
}

impl Reading<'_> {
    /// What the detectors read.
    #[must_use]
    pub fn view(&self) -> &View<'_> {
        &self.view
    }

    /// Whether something of this kind is undone in it.
    #[must_use]
    pub fn undoes(&self, kind: Kind) -> bool {
        self.stretches.iter().any(|stretch| stretch.kind == kind)
    }

    /// The nearest changed stretch that a range of the original overlaps or touches, or that ends at most `reach`
    /// bytes before it; `None` for what owes nothing to this reading.
    #[must_use]
    pub fn near(&self, range: &Range<usize>, reach: usize) -> Option<&Stretch> {
        let behind = self.stretches.partition_point(|stretch| stretch.original.start <= range.end);
        let last = self.stretches.get(behind.checked_sub(1)?)?;
        (range.start <= last.original.end + reach).then_some(last)
    }
}

/// Calls `read` with each other reading of a part; most parts have none. Returns how many bytes were looked at.
pub fn readings(view: &View<'_>, read: &mut dyn FnMut(&Reading<'_>)) -> usize {
    let mut work = 0;
    decoded(view, DEPTH, &mut work, read);
    work
}

fn decoded(view: &View<'_>, depth: usize, work: &mut usize, read: &mut dyn FnMut(&Reading<'_>)) {
    *work += view.text().len();
    let plan = if depth > 0 { transport::plan(view.text(), work) } else { Plan::default() };
    if let Some(reading) = plan.read(view) {
        *work += reading.view.text().len();
        read(&reading);
        decoded(&reading.view, depth - 1, work, read);
    }
    if let Some(reading) = spelled::plan(view.text()).read(view) {
        *work += reading.view.text().len();
        read(&reading);
    }
}
