//! Caller text on the caller's own screen: the whole of it with numbered marks around the findings, and single values
//! between quotation marks. Control characters and marks of direction are replaced, or a pasted log could move the
//! cursor and hide what was found.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;

use super::DIM;
use super::finding::style;
use crate::cli::row::FindingRow;

/// Code points of a stretch without findings that are shown; the middle of a longer one is left out.
const STRETCH: usize = 1200;
/// Code points that stay on each side of what is left out.
const EDGE: usize = 300;
/// Code points of a value in a list.
const VALUE: usize = 60;

/// A value between quotation marks, shortened, on one line.
pub(super) fn quoted(text: &[char], start: u64, end: u64) -> String {
    let (start, end) = (index(start), index(end));
    let value = text.get(start..end.min(text.len())).unwrap_or_default();
    if value.len() <= VALUE {
        return format!("\"{}\"", line(value));
    }
    let (head, tail) = (value.get(..VALUE * 2 / 3).unwrap_or_default(), value.get(value.len() - VALUE / 4..));
    format!("\"{} … {}\"", line(head), line(tail.unwrap_or_default()))
}

fn index(point: u64) -> usize {
    usize::try_from(point).unwrap_or(usize::MAX)
}

fn line(text: &[char]) -> String {
    text.iter().map(|c| if *c == '\n' { '⏎' } else { visible(*c) }).collect()
}

/// A character that cannot steer a terminal: control characters and marks of direction become a replacement.
fn visible(c: char) -> char {
    match c {
        '\n' => c,
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
        c => c,
    }
}

/// A text on one line, without characters that steer a terminal.
pub(super) fn visible_line(text: &str) -> String {
    line(&text.chars().collect::<Vec<char>>())
}

/// The text with numbered marks around the findings.
pub(super) fn marked(text: &[char], findings: &[FindingRow]) -> String {
    // At each place: the marks that close there, and those that open, the longer first.
    let mut places: BTreeMap<usize, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (number, finding) in findings.iter().enumerate() {
        let (start, end) = (index(finding.start).min(text.len()), index(finding.end).min(text.len()));
        places.entry(start).or_default().1.push(number);
        places.entry(end).or_default().0.push(number);
    }
    let style_of = |number: Option<&usize>| number.and_then(|number| findings.get(*number)).map_or(Style::new(), style);
    let mut out = String::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    for (place, (closing, mut opening)) in places {
        stretch(&mut out, text.get(at..place).unwrap_or_default(), open.is_empty(), style_of(open.last()));
        at = place;
        for number in closing {
            open.retain(|other| *other != number);
            let style = style_of(Some(&number));
            let _ = write!(out, "{style}]{style:#}");
        }
        opening.sort_by_key(|number| findings.get(*number).map(|finding| std::cmp::Reverse(finding.end)));
        for number in opening {
            let style = style_of(Some(&number));
            let _ = write!(out, "{style}[{} {style:#}", number + 1);
            open.push(number);
        }
    }
    stretch(&mut out, text.get(at..).unwrap_or_default(), true, Style::new());
    out
}

/// A piece of the text between two marks; of a long one between findings the middle is left out.
fn stretch(out: &mut String, piece: &[char], between: bool, style: Style) {
    let styled = |piece: &[char]| {
        let shown: String = piece.iter().copied().map(visible).collect();
        format!("{style}{shown}{style:#}")
    };
    match (piece.get(..EDGE), piece.get(piece.len().saturating_sub(EDGE)..)) {
        (Some(head), Some(tail)) if between && piece.len() > STRETCH => {
            let left_out = piece.len() - 2 * EDGE;
            let _ = write!(out, "{}{DIM} … {left_out} characters … {DIM:#}{}", styled(head), styled(tail));
        }
        _ if piece.is_empty() => {}
        _ => out.push_str(&styled(piece)),
    }
}
