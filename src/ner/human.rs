//! What people wrote inside machine text: comments, sentences in string literals, the message of a log line, the cells
//! of a table. Where the model does not run on code and logs as a whole, it still reads these, for that is where names
//! stand. The rest is marks and identifiers, in which a token classifier invents people.
//!
//! Finding the pieces is a scan of each line by its marks, not a parse of a language: a piece too many costs a few
//! tokens, a piece too few costs a name, so the doubtful ones are taken.

use std::ops::Range;

use super::prose::Looks;

/// Pieces of a text, copied together with a line end between them, and where each stood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Human {
    /// What the model reads.
    pub(super) text: String,
    /// Start in `text` and range in the window, in order.
    pieces: Vec<(usize, Range<usize>)>,
}

impl Human {
    /// The pieces of a window.
    pub(super) fn of(window: &str) -> Self {
        let mut human = Self::default();
        let mut start = 0;
        for line in window.split_inclusive('\n') {
            for piece in pieces(line) {
                let Some(text) = line.get(piece.clone()) else { continue };
                human.pieces.push((human.text.len(), start + piece.start..start + piece.end));
                human.text.push_str(text);
                human.text.push('\n');
            }
            start += line.len();
        }
        human
    }

    /// Bytes of the window in a range that the model reads.
    pub(super) fn seen(&self, within: &Range<usize>) -> usize {
        let overlap = |piece: &Range<usize>| piece.end.min(within.end).saturating_sub(piece.start.max(within.start));
        self.pieces.iter().map(|(_, piece)| overlap(piece)).sum()
    }

    /// The place in the window of a range of [`Human::text`]; `None` if it is not inside one piece.
    pub(super) fn place(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let at = self.pieces.partition_point(|(start, _)| *start <= range.start).checked_sub(1)?;
        let (start, piece) = self.pieces.get(at)?;
        let place = piece.start + range.start - start..piece.start + range.end.checked_sub(*start)?;
        (place.end <= piece.end).then_some(place)
    }
}

/// The pieces of one line, in order, apart from each other.
fn pieces(line: &str) -> Vec<Range<usize>> {
    let body = 0..line.trim_end().len();
    let mut found = if let Some(comment) = comment(line) {
        let mut found = literals(line.get(..comment.start).unwrap_or_default());
        found.push(comment.start..body.end.max(comment.start));
        found
    } else if let Some(cells) = cells(line) {
        cells
    } else if let Some(message) = message(line) {
        std::iter::once(message..body.end.max(message)).collect()
    } else {
        literals(line)
    };
    found.retain(|piece| line.get(piece.clone()).is_some_and(is_human));
    found
}

/// Whether a piece could hold a name: a capital with a letter behind it, or three words; and not code itself.
fn is_human(piece: &str) -> bool {
    let words = piece.split_whitespace().filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
    let capital = words
        .clone()
        .any(|word| word.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with(char::is_uppercase));
    let unspaced = piece.chars().any(|c| c.is_alphabetic() && !c.is_lowercase() && !c.is_uppercase());
    (capital || unspaced || words.count() >= 3) && !Looks::of(piece).is_machine()
}

/// The text of a comment, from behind its mark.
fn comment(line: &str) -> Option<Range<usize>> {
    const OPENING: [&str; 7] = ["///", "//!", "//", "/*", "<!--", "# ", "-- "];
    let bare = line.trim_start();
    let indent = line.len() - bare.len();
    if let Some(rest) = bare.strip_prefix("* ") {
        return Some(line.len() - rest.len()..line.len());
    }
    let at_start = OPENING.iter().find(|mark| bare.starts_with(**mark)).map(|mark| indent + mark.len());
    let behind_code = || {
        // With a blank before it, which the `//` of an address has not.
        [" // ", " # ", " /* ", " -- "].iter().filter_map(|mark| line.find(mark).map(|at| at + mark.len())).min()
    };
    let start = at_start.or_else(behind_code)?;
    Some(start..line.len())
}

/// What stands between double quotes or backticks.
fn literals(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(char, usize)> = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match open {
            Some((quote, start)) if c == quote && !escaped => {
                found.push(start..at);
                open = None;
            }
            None if matches!(c, '"' | '`') => open = Some((c, at + 1)),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    found
}

/// Least marks of one kind that make a line a row of a table.
const FEWEST_MARKS: usize = 2;

/// The cells of a row.
fn cells(line: &str) -> Option<Vec<Range<usize>>> {
    let mark = ['|', '\t', ';', ','].into_iter().find(|mark| line.matches(*mark).count() >= FEWEST_MARKS)?;
    // A call or a sentence has commas too; a row has no brackets and no blanks behind its marks.
    if mark == ',' && (line.contains(", ") || line.contains(['(', '{', '=']))
        || mark == ';' && line.contains(['{', '='])
    {
        return None;
    }
    let mut start = 0;
    let mut found = Vec::new();
    for cell in line.split(mark) {
        let bare = cell.trim_matches(|c: char| c.is_whitespace() || c == '"');
        let lead = cell.len() - cell.trim_start_matches(|c: char| c.is_whitespace() || c == '"').len();
        if !bare.is_empty() {
            found.push(start + lead..start + lead + bare.len());
        }
        start += cell.len() + mark.len_utf8();
    }
    Some(found)
}

/// Where the message of a log line begins: behind the last of the marks that end its head.
fn message(line: &str) -> Option<usize> {
    const LEVELS: [&str; 9] = ["TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL"];
    const HEAD: usize = 160;
    let head = line.get(..line.floor_char_boundary(HEAD.min(line.len()))).unwrap_or_default();
    let dated = line.trim_start().trim_start_matches('[').starts_with(|c: char| c.is_ascii_digit());
    let levelled = head.split(|c: char| !c.is_ascii_alphabetic()).any(|word| LEVELS.contains(&word));
    if !dated && !levelled {
        return None;
    }
    let behind = |mark: &str| head.rfind(mark).map(|at| at + mark.len());
    let level = || LEVELS.iter().filter_map(|level| head.find(level).map(|at| at + level.len())).min();
    let start =
        [" - ", ": ", "] "].into_iter().filter_map(behind).max().or_else(level).filter(|at| *at < line.len())?;
    // "[10:22:01] WARN call her back": the level may come behind the last mark.
    let rest = line.get(start..).unwrap_or_default();
    let level = rest.split(' ').next().filter(|word| LEVELS.contains(word)).map_or(0, |word| word.len() + 1);
    Some(start + level.min(rest.len()))
}

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(window: &str) -> Vec<&str> {
        Human::of(window).pieces.into_iter().map(|(_, piece)| &window[piece]).collect()
    }

    #[test]
    fn what_people_wrote_is_read() {
        assert_eq!(read("let x = f(y); // ask Maria Gonzalez first\n"), ["ask Maria Gonzalez first"]);
        assert_eq!(read("# written by Anna Schmidt\nimport os\n"), ["written by Anna Schmidt"]);
        assert_eq!(read("greet(\"Anna Schmidt\", 3, \"id_7\");"), ["Anna Schmidt"]);
        assert_eq!(read("7,Anna Schmidt,2024-03-01\n8,x_y,3"), ["Anna Schmidt"]);
        assert_eq!(read("| 09 | basket | Yara |"), ["Yara"]);
        assert_eq!(
            read("2024-03-01T10:22:01Z INFO [api] c.e.Api - loaded by Anna Schmidt"),
            ["loaded by Anna Schmidt"]
        );
        assert_eq!(read("[10:22:01] WARN call Anna back"), ["call Anna back"]);
    }

    #[test]
    fn code_alone_is_not() {
        for code in
            ["fn f<'a>(x: &'a [u8]) -> Option<Anna<'a>> { x }", "x = y_1[0] + 2;", "GET /v1/items?id=92", "", "\n"]
        {
            assert!(read(code).is_empty(), "{code}");
        }
    }

    proptest! {
        #[test]
        fn every_piece_is_found_where_it_stood(window in "([A-Z]?[a-z]{1,6}|[ ,|\"`#/*:;\n-]|é|[0-9]){0,120}") {
            let human = Human::of(&window);
            let mut last = 0;
            for (start, piece) in &human.pieces {
                prop_assert!(piece.start >= last);
                last = piece.end;
                let range = *start..*start + piece.len();
                prop_assert_eq!(&human.text[range.clone()], &window[piece.clone()]);
                prop_assert_eq!(human.place(&range), Some(piece.clone()));
                prop_assert_eq!(human.place(&(*start..range.end + 1)), None, "into the line end");
            }
            prop_assert_eq!(human.seen(&(0..window.len())), human.pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>());
        }
    }
}
