//! The lines of machine text that could hold a name: those with a comment, a sentence in a string literal, the message of
//! a log line, a cell of a table, or a word with a capital that stands bare among marks. Where the model does not run on
//! code and logs as a whole it still reads these, each from end to end, for a name is told by what stands around it. The
//! rest is marks, numbers and identifiers, in which a token classifier invents people.
//!
//! Finding the lines is a scan of each by its marks, not a parse of a language: a line too many costs a few tokens, a
//! line too few costs a name, so the doubtful ones are taken.

use std::ops::Range;

use super::prose::Looks;

/// Lines of a text, copied one behind the other, and where each stood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Human {
    /// What the model reads.
    pub(super) text: String,
    /// Start in `text` and range in the window of each run of lines, in order.
    pieces: Vec<(usize, Range<usize>)>,
}

impl Human {
    /// The lines of a window that could hold a name.
    pub(super) fn of(window: &str) -> Self {
        let mut human = Self::default();
        let mut start = 0;
        for line in window.split_inclusive('\n') {
            let range = start..start + line.len();
            start = range.end;
            if !could_hold_a_name(line) {
                continue;
            }
            match human.pieces.last_mut().filter(|(_, last)| last.end == range.start) {
                Some((_, last)) => last.end = range.end,
                None => human.pieces.push((human.text.len(), range)),
            }
            human.text.push_str(line);
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

/// Whether a line holds words of people, or a bare word that could be a name.
fn could_hold_a_name(line: &str) -> bool {
    holds_bare_name(line) || written_by_people(line).into_iter().any(|piece| line.get(piece).is_some_and(is_sentence))
}

/// Where people write in a line.
fn written_by_people(line: &str) -> Vec<Range<usize>> {
    if let Some(comment) = comment(line) {
        let mut found = literals(line.get(..comment.start).unwrap_or_default());
        found.push(comment);
        return found;
    }
    match message(line) {
        Some(start) => std::iter::once(start..line.len()).collect(),
        None => literals(line),
    }
}

/// Three words, which could be a sentence without capitals.
fn is_sentence(piece: &str) -> bool {
    let words = piece.split_whitespace().filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1);
    words.count() >= 3 && !Looks::of(piece).is_machine()
}

/// Words with capitals that programs write, in most languages or in queries and logs: they are nobody's name.
const PROGRAM_WORDS: [&str; 30] = [
    "None",
    "True",
    "False",
    "Null",
    "Self",
    "String",
    "Integer",
    "Boolean",
    "Object",
    "Error",
    "Exception",
    "Promise",
    "Override",
    "Date",
    "NULL",
    "TRUE",
    "FALSE",
    "INFO",
    "WARN",
    "WARNING",
    "ERROR",
    "DEBUG",
    "TRACE",
    "HTTP",
    "POST",
    "SELECT",
    "FROM",
    "WHERE",
    "INSERT",
    "INTO",
];

/// Letters of a word in capitals from which it is no acronym: the model believes them as names.
const NO_ACRONYM: usize = 4;

/// Whether a line holds a word that is written like a name and is not part of an identifier, a path or a call: one with
/// a capital and small letters, one or several in capitals, or one of a script without capitals.
fn holds_bare_name(line: &str) -> bool {
    let mut in_capitals = 0;
    let mut rest = line.char_indices().peekable();
    while let Some((mut start, first)) = rest.next() {
        if !first.is_alphanumeric() {
            // Words in a row stand one blank apart.
            in_capitals = if first == ' ' { in_capitals } else { 0 };
            continue;
        }
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = rest.next_if(|(_, c)| c.is_alphanumeric()) {
            end = at + c.len_utf8();
        }
        if matches!(first, 'n' | 'r' | 't') && line.get(..start).is_some_and(|before| before.ends_with('\\')) {
            // `\nAnna`: the letter belongs to the escape.
            start += first.len_utf8();
        }
        let word = line.get(start..end).unwrap_or_default();
        let shape = Shape::of(word);
        let (before, after) = (line.get(..start).unwrap_or_default(), line.get(end..).unwrap_or_default());
        if shape == Shape::Other || belongs_to_code(before, after) || PROGRAM_WORDS.contains(&word) {
            in_capitals = 0;
            continue;
        }
        in_capitals = if shape == Shape::Capitals { in_capitals + 1 } else { 0 };
        if shape == Shape::Name || in_capitals == 2 || (in_capitals == 1 && word.chars().count() >= NO_ACRONYM) {
            return true;
        }
    }
    false
}

/// How a word is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// A capital and small letters, or letters of a script without capitals.
    Name,
    /// Two capitals and more.
    Capitals,
    /// In any other way.
    Other,
}

impl Shape {
    fn of(word: &str) -> Self {
        let mut letters = word.chars();
        let Some(first) = letters.next().filter(|c| c.is_alphabetic()) else { return Self::Other };
        if !first.is_uppercase() {
            return if first.is_lowercase() { Self::Other } else { Self::Name };
        }
        let (mut small, mut large, mut turns) = (0_usize, 1_usize, 0_usize);
        let mut last = first;
        for c in letters {
            small += usize::from(c.is_lowercase());
            large += usize::from(c.is_uppercase());
            turns += usize::from(last.is_lowercase() && c.is_uppercase());
            last = c;
        }
        match (small, large) {
            // `McCarthy` turns once, `GetUserName` more often.
            (1.., _) if turns <= 1 => Self::Name,
            (0, 2..) => Self::Capitals,
            _ => Self::Other,
        }
    }
}

/// Whether what touches a word makes it a part of an identifier, a path, a generic type or a call. Marks that people put
/// around words too, such as those of emphasis, do not.
fn belongs_to_code(before: &str, after: &str) -> bool {
    const JOINS: [&str; 5] = ["$", "\\", "::", "->", "=>"];
    const OPENS: [&str; 3] = ["[", "{", "::"];
    if JOINS.iter().any(|mark| before.ends_with(mark)) || OPENS.iter().any(|mark| after.starts_with(mark)) {
        return true;
    }
    let behind = |mark: char| before.strip_suffix(mark).map(|rest| rest.chars().next_back());
    let ahead = |mark: char| after.strip_prefix(mark).map(|rest| rest.chars().next());
    // `x_Anna` and `Anna_x`, but `_Anna_`; `src/Anna`, but `Tom/Anna`.
    let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let in_path = |c: Option<char>| !c.is_some_and(|c| c.is_uppercase() || c == ' ');
    if [behind('_'), ahead('_')].into_iter().flatten().any(in_word)
        || [behind('/'), ahead('/')].into_iter().flatten().any(in_path)
    {
        return true;
    }
    // `Vec<Anna>` and `<Anna>`, but `<Anna> hello` in a chat and `<b>Anna</b>`.
    let generic = behind('<').is_some_and(|c| in_word(c) || !after.starts_with("> "));
    let opens_type = after.starts_with('<') && !after.starts_with("</");
    // `java.Anna` and `Anna.of`, but `S.Anna`.
    let head = before.strip_suffix('.').unwrap_or_default();
    let initial = head.chars().next_back().is_some_and(char::is_uppercase)
        && !head.chars().rev().nth(1).is_some_and(char::is_alphanumeric);
    let member = (in_word(head.chars().next_back()) && !initial) || ahead('.').is_some_and(in_word);
    // `Anna(x)` is a call, `Anna (x)` and `Anna(32)` are not.
    let call = after.strip_prefix('(').is_some_and(|inside| !inside.starts_with(|c: char| c.is_ascii_digit()));
    generic || opens_type || member || call
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
    fn lines_with_words_of_people_are_read_from_end_to_end() {
        for line in [
            "let x = f(y); // ask maria about this first",
            "# written by Anna Schmidt",
            "greet(\"Anna Schmidt\", 3, \"id_7\");",
            "INSERT INTO t VALUES (7, 'Anna');",
            "7,Anna Schmidt,2024-03-01",
            "| 09 | basket | Yara |",
            "7;BRANDHORST ELKE;2024",
            "2024-03-01T10:22:01Z INFO [api] c.e.Api - loaded by anna schmidt again",
            "<given>Lucian</given>",
            "N:Thandeka;Mokoena",
            "user=Anna id=7",
            "{\"nome\":\"Lucio\",\"id\":7}",
            "[19:02] Ailsa: ok",
            "  author = {Claude E. Shannon},",
            "-    Ian McCarthy <i@x.io>",
            "log.info('王小明', 7)",
            "| **Anna Schmidt** | 09 |",
            "_Lucian_ = 7",
            "note = \"a\\nAnna: ok\"",
            "id=7 owner=S.Okonjo",
            "pair: Tom/Anna",
            "<Anna> ok [7]",
            "row[7] = BRANDHORST;",
            "Gonzalez(32)",
        ] {
            assert_eq!(read(line), [line]);
        }
        assert_eq!(read("x_y[1] = 2;\n# by Anna\n# and Ben\nx_y[2] = 3;"), ["# by Anna\n# and Ben\n"]);
    }

    #[test]
    fn code_and_numbers_alone_are_not() {
        for code in [
            "fn f<'a>(x: &'a [u8]) -> Option<Anna<'a>> { x }",
            "x = y_1[0] + 2;",
            "GET /v1/items?id=92",
            "use std::collections::HashMap;",
            "7,8,2024-03-01,0.25",
            "java.util.List x = Foo.bar(GetUserName());",
            "return None",
            "x_Anna = Anna_y + src/Anna",
            "LOG INFO 7",
            "",
            "\n",
        ] {
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
                prop_assert_eq!(human.place(&(*start..range.end + 1)), None, "beyond its piece");
            }
            prop_assert_eq!(human.seen(&(0..window.len())), human.pieces.iter().map(|(_, piece)| piece.len()).sum::<usize>());
        }
    }
}
