//! A normalised view of a part, and the way back to its bytes. Detectors read the view; what they report points into
//! the original. The view must never be shown, stored or sent, and a mapped range always lies on character boundaries
//! of the original, or redaction would cut a character in two.
//!
//! The view differs from the text only where people write the same thing with other characters: digits of other
//! scripts, full-width forms, odd spaces, hyphens and quotation marks, characters that nobody sees, and accents that
//! stand apart from their letter. Case and accents stay. Plain text is borrowed, not copied.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use icu_normalizer::properties::CanonicalCompositionBorrowed;

use super::characters::{Change, change, digit};
use super::segment::{Rule, Segment};

const COMPOSITION: CanonicalCompositionBorrowed<'static> = CanonicalCompositionBorrowed::new();

/// What detectors read of one part.
pub struct View<'a> {
    original: &'a str,
    text: Cow<'a, str>,
    /// Empty when view and original are the same; otherwise sorted, the first at 0, and without gaps in the view.
    segments: Vec<Segment>,
    /// What this view was made of, where that is a view itself: its places are places there.
    under: Option<&'a View<'a>>,
}

impl<'a> View<'a> {
    /// The view of a text. Linear in its length; copies nothing when nothing has to change.
    #[must_use]
    pub fn of(original: &'a str) -> Self {
        match first_change(original) {
            None => Self { original, text: Cow::Borrowed(original), segments: Vec::new(), under: None },
            Some(at) => Builder::new(original, at).build(),
        }
    }

    /// A view of a view. `segments` are sorted, begin at 0 and have no gap in `text`; their places are places in
    /// `under`.
    pub(super) fn over(under: &'a View<'a>, text: String, segments: Vec<Segment>) -> Self {
        Self { original: under.original, text: Cow::Owned(text), segments, under: Some(under) }
    }

    /// The normalised text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as it came.
    #[must_use]
    pub fn original_text(&self) -> &'a str {
        self.original
    }

    /// The bytes of the original that a range of the view stands for. A range beyond the text is cut to it; one that
    /// splits a character is widened to it.
    #[must_use]
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        let range = self.below(range);
        self.under.map_or_else(|| range.clone(), |under| under.original(range.clone()))
    }

    /// The range in what this view was made of.
    fn below(&self, range: Range<usize>) -> Range<usize> {
        let start = self.text.floor_char_boundary(range.start);
        let end = self.text.ceil_char_boundary(range.end.clamp(start, self.text.len()));
        if self.segments.is_empty() {
            return start..end;
        }
        let whole = self.under.map_or(self.original.len(), |under| under.text.len());
        let from =
            if start == self.text.len() { whole } else { self.segment_of(start).map_or(start, |s| s.start(start)) };
        let to = if end == start { from } else { self.segment_of(end - 1).map_or(end, |s| s.end(end - 1)) };
        from..to.max(from)
    }

    /// The segment in which a byte of the view lies.
    fn segment_of(&self, at: usize) -> Option<&Segment> {
        self.segments.get(self.segments.partition_point(|segment| segment.view <= at).saturating_sub(1))
    }
}

impl fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({} of {} bytes)", self.text.len(), self.original.len())
    }
}

/// Byte offset of the first character that may have to change.
fn first_change(text: &str) -> Option<usize> {
    let ascii = text.bytes().position(|byte| !byte.is_ascii())?;
    let rest = text.get(ascii..)?;
    rest.char_indices().find(|(_, c)| change(*c) != Change::Keep).map(|(at, _)| ascii + at)
}

struct Builder<'a> {
    original: &'a str,
    text: String,
    segments: Vec<Segment>,
    /// Bytes before this are in the view.
    copied: usize,
    start: usize,
}

impl<'a> Builder<'a> {
    fn new(original: &'a str, start: usize) -> Self {
        Self { original, text: String::with_capacity(original.len()), segments: Vec::new(), copied: 0, start }
    }

    fn build(mut self) -> View<'a> {
        let start = self.start;
        let rest = self.original.get(start..).unwrap_or_default();
        for (at, c) in rest.char_indices().map(|(at, c)| (at + start, c)) {
            let after = at + c.len_utf8();
            match change(c) {
                Change::Keep => {}
                Change::Combine => self.combine(at, c),
                Change::Drop => self.replace(at, after, None),
                Change::Ascii(byte) => self.replace(at, after, Some(byte)),
                Change::Dash => {
                    self.copy_until(at);
                    if self.beside_digit(after) {
                        self.replace(at, after, Some(b'-'));
                    }
                }
            }
        }
        self.copy_until(self.original.len());
        if self.segments.is_empty() {
            // Only invisible characters: the view is empty, and every range of it maps to the start.
            self.segments.push(Segment { view: 0, original: 0, rule: Rule::Step(1) });
        }
        View { original: self.original, text: Cow::Owned(self.text), segments: self.segments, under: None }
    }

    fn copy_until(&mut self, at: usize) {
        if at > self.copied {
            self.segment(self.copied, 1);
            self.text.push_str(self.original.get(self.copied..at).unwrap_or_default());
            self.copied = at;
        }
    }

    fn replace(&mut self, at: usize, after: usize, byte: Option<u8>) {
        self.copy_until(at);
        if let Some(byte) = byte {
            self.segment(at, after - at);
            self.text.push(char::from(byte));
        }
        self.copied = after;
    }

    /// Joins an accent to the letter before it. One that has no letter of its own with it, as in letters drowned in
    /// marks, is left out where the letter is Latin.
    fn combine(&mut self, at: usize, mark: char) {
        self.copy_until(at);
        let Some(letter) = self.text.chars().next_back() else { return };
        let composed = COMPOSITION.compose(letter, mark);
        let kept = match composed {
            Some(composed) => composed,
            None if is_latin(letter) => letter,
            None => return,
        };
        let view = self.text.len() - letter.len_utf8();
        let Some(start) = self.segments.last().map(|segment| segment.start(view)) else { return };
        self.text.truncate(view);
        if self.segments.last().is_some_and(|segment| segment.view == view) {
            self.segments.pop();
        }
        let after = at + mark.len_utf8();
        self.segments.push(Segment { view, original: start, rule: Rule::Whole(after - start) });
        self.text.push(kept);
        self.copied = after;
    }

    /// Starts a segment unless the last one goes on by the same rule.
    fn segment(&mut self, original: usize, step: usize) {
        let view = self.text.len();
        if !self.segments.last().is_some_and(|last| last.goes_on(view, original, step)) {
            self.segments.push(Segment { view, original, rule: Rule::Step(step) });
        }
    }

    /// Whether a digit stands before the dash or after it, with at most one space between.
    fn beside_digit(&self, after: usize) -> bool {
        let mut before = self.text.bytes().rev();
        let left = match before.next() {
            Some(b' ') => before.next(),
            other => other,
        };
        let mut following = self.original.get(after..).unwrap_or_default().chars();
        let right = match following.next() {
            Some(c) if c.is_whitespace() => following.next(),
            other => other,
        };
        left.is_some_and(|byte| byte.is_ascii_digit()) || right.is_some_and(|c| digit(c).is_some())
    }
}

/// A letter of the Latin script, with the precomposed ones of European languages and Vietnamese.
fn is_latin(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || (letter.is_alphabetic() && matches!(letter, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}'))
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The original text of the first occurrence of `needle` in the view.
    fn origin<'a>(view: &View<'a>, needle: &str) -> &'a str {
        let at = view.text().find(needle).unwrap();
        &view.original_text()[view.original(at..at + needle.len())]
    }

    #[test]
    fn plain_text_is_borrowed() {
        for text in ["", "plain text, 123-45", "été à Zürich, 東京の天気", "🙂 naïve\0", "a — b"] {
            let view = View::of(text);
            assert_eq!(view.text(), text);
            if !text.contains('—') {
                assert!(matches!(view.text, Cow::Borrowed(_)), "{text}");
            }
            assert_eq!(view.original(0..text.len()), 0..text.len());
        }
    }

    #[test]
    fn digits_spaces_hyphens_and_quotes_become_ascii() {
        let cases = [
            ("card ４１１１ １１１１", "card 4111 1111"),
            ("٠١٢٣٤٥٦٧٨٩", "0123456789"),
            ("536\u{2011}90\u{2013}4399", "536-90-4399"),
            ("536 \u{2013} 90", "536 - 90"),
            ("salary\u{2014}confidential", "salary\u{2014}confidential"),
            ("a\u{a0}b\u{3000}c", "a b c"),
            ("“quoted” it’s", "\"quoted\" it's"),
            ("jo\u{200b}hn\u{ad}@\u{feff}x\u{2060}.org", "john@x.org"),
            ("\u{202e}123\u{202c}", "123"),
            ("5\u{fe0f}\u{20e3}", "5"),
            ("𝐬𝐞𝐜𝐫𝐞𝐭 𝟏𝟐", "secret 12"),
            ("ａｄｍｉｎ＠ｘ．ｏｒｇ", "admin@x.org"),
            ("hi\u{e0068}\u{e0069}", "hihi"),
            ("contrasen\u{303}a, Passwo\u{308}rter", "contraseña, Passwörter"),
            ("a\u{302}\u{301}", "ấ"),
            ("p\u{337}a\u{335}\u{31b}ss", "pass"),
            ("\u{438}\u{306}", "й"),
            ("ℂℕ ℯ", "CN e"),
            ("\u{200b}\u{200b}", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(View::of(text).text(), expected, "{text}");
        }
    }

    #[test]
    fn ranges_of_the_view_point_into_the_original() {
        let view = View::of("🙂 id\u{a0}４１１１\u{200b}22 e\u{301}nd\0\u{5d0}\u{200f} 7");
        assert_eq!(origin(&view, "4111"), "４１１１");
        assert_eq!(origin(&view, "411122"), "４１１１\u{200b}22");
        assert_eq!(origin(&view, "22"), "22");
        assert_eq!(origin(&view, "id 4"), "id\u{a0}４");
        assert_eq!(origin(&view, "nd\0\u{5d0}"), "nd\0\u{5d0}", "the mark behind it stays out");
        assert_eq!(origin(&view, "é"), "e\u{301}", "with its accent");
        assert_eq!(view.original(0..view.text().len()).start, 0);
        assert_eq!(View::of("a\u{200b}").original(0..1), 0..1, "an invisible character at the end stays out");
        assert_eq!(View::of("\u{200b}").original(0..0), 3..3);
        assert_eq!(View::of("é").original(1..1).end, 2, "a split character is widened");
        assert_eq!(View::of("abc").original(2..99), 2..3);
    }

    #[test]
    fn debug_shows_no_text() {
        assert_eq!(format!("{:?}", View::of("canary\u{a0}")), "View(7 of 8 bytes)");
    }

    fn odd_text() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "a",
            "7",
            "-",
            " ",
            "４",
            "٣",
            "\u{200b}",
            "\u{a0}",
            "\u{2013}",
            "é",
            "e\u{301}",
            "🙂",
            "👩\u{200d}🔬",
            "א",
            "\0",
            "\n",
            "\u{e0041}",
            "𝟗",
            "字",
            "\u{ff0d}",
            "\u{feff}",
        ]);
        prop_oneof![any::<String>(), prop::collection::vec(odd, 0..60).prop_map(|pieces| pieces.concat())]
    }

    proptest! {
        #[test]
        fn mapped_ranges_are_on_boundaries_and_in_order(text in odd_text(), a in 0usize..400, b in 0usize..400) {
            let view = View::of(&text);
            let (a, b) = (a.min(b), a.max(b));
            let range = view.original(a..b);
            prop_assert!(range.start <= range.end && range.end <= text.len());
            prop_assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end));
        }

        #[test]
        fn each_character_of_the_view_maps_to_its_own_place(text in odd_text()) {
            let view = View::of(&text);
            let mut last = 0;
            for (at, c) in view.text().char_indices() {
                let range = view.original(at..at + c.len_utf8());
                prop_assert!(range.start >= last, "in order");
                let source: Vec<char> = text[range.clone()].chars().collect();
                let accents = source.iter().skip(1).all(|c| matches!(change(*c), Change::Combine | Change::Drop));
                prop_assert!(accents, "one character for one character and its accents");
                let same = match change(source[0]) {
                    _ if source.len() > 1 => true,
                    Change::Keep | Change::Combine => source[0] == c,
                    Change::Dash => c == '-' || source[0] == c,
                    Change::Ascii(byte) => char::from(byte) == c,
                    Change::Drop => false,
                };
                prop_assert!(same);
                last = range.end;
            }
        }
    }
}
