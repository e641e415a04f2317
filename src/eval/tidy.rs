//! Makes gold and predicted spans comparable: surrounding blanks and punctuation go, a title before a name goes,
//! places and addresses are one class, dates and dates of birth another, and neighbouring pieces of one name or one
//! address are joined. Both sides pass through here, so nobody gains by it.

use std::sync::LazyLock;

use regex::Regex;

use super::Span;

/// A span after tidying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tidy {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The class that is compared: `LOC` for places and addresses, `DATE*` for dates, else the label.
    pub(super) class: String,
    /// The coarse label; an address when a place was joined with one.
    pub(super) label: String,
}

/// The class of a coarse label.
pub(super) fn class_of(label: &str) -> &str {
    match label {
        "ADDRESS" | "LOCATION" => "LOC",
        "DATE" | "DATE_OF_BIRTH" => "DATE*",
        other => other,
    }
}

#[allow(clippy::expect_used, reason = "a constant pattern; a test compiles it")]
static TITLES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Dame|Lord|Lady|Judge|Justice|Rev|Hon|Herr|Frau|Mme|MM?|Mlle|Sr|Sra|Srta|D|Dª|Dña|Don|Doña)\b\.?\s+)+",
    )
    .expect("a valid pattern")
});

const BEFORE: &[char] = &['"', '\'', '“', '”', '‘', '’', '(', '[', '{', '<', ',', ';', ':'];
const AFTER: &[char] = &['"', '“', '”', '‘', ')', ']', '}', '>', ',', ';', ':'];
/// Labels whose last full stop belongs to the sentence.
const SENTENCE_STOP: [&str; 7] = ["LOCATION", "ADDRESS", "PHONE", "EMAIL", "URL", "IP_ADDRESS", "DATE"];

fn trim(text: &[char], span: &Span) -> Option<Tidy> {
    let at = |index: usize| text.get(index).copied().unwrap_or(' ');
    let (mut start, mut end) = (span.start, span.end.min(text.len()));
    while start < end && (at(start).is_whitespace() || BEFORE.contains(&at(start))) {
        start += 1;
    }
    while end > start && (at(end - 1).is_whitespace() || AFTER.contains(&at(end - 1))) {
        end -= 1;
    }
    if span.label == "PERSON" {
        let name: String = text.get(start..end).unwrap_or_default().iter().collect();
        if let Some(title) = TITLES.find(&name) {
            let length = title.as_str().chars().count();
            if length < end - start {
                start += length;
            }
        }
        for apostrophe in ['\'', '’'] {
            if end - start >= 2 && at(end - 1) == 's' && at(end - 2) == apostrophe {
                end -= 2;
            }
        }
    } else if end > start
        && at(end - 1) == '.'
        && (SENTENCE_STOP.contains(&span.label.as_str()) || span.label == "DATE_OF_BIRTH")
    {
        end -= 1;
    }
    (end > start).then(|| Tidy { start, end, class: class_of(&span.label).to_owned(), label: span.label.clone() })
}

/// Whether what stands between two pieces of one class still lets them be one. A line feed at the end of it never
/// parts them.
fn joins(class: &str, between: &[char]) -> bool {
    if between.len() > 3 {
        return false;
    }
    let between = match between {
        [before @ .., '\n'] => before,
        whole => whole,
    };
    match class {
        "LOC" => between.iter().all(|c| c.is_whitespace() || ",.;/-".contains(*c)),
        "PERSON" => match between {
            [] => true,
            [only] => only.is_whitespace() || matches!(only, '-' | '.' | '\'' | '’'),
            [first, second] => *first == '.' && *second == ' ',
            _ => false,
        },
        _ => between.is_empty(),
    }
}

/// Tidies and joins spans; the result is ordered by place.
pub(super) fn tidy<'s>(text: &[char], spans: impl Iterator<Item = &'s Span>) -> Vec<Tidy> {
    let mut all: Vec<Tidy> = spans.filter_map(|span| trim(text, span)).collect();
    all.sort_by(|a, b| (&a.class, a.start, a.end).cmp(&(&b.class, b.start, b.end)));
    let mut joined: Vec<Tidy> = Vec::with_capacity(all.len());
    for next in all {
        if let Some(last) = joined.last_mut()
            && last.class == next.class
            && (next.start <= last.end || joins(&last.class, text.get(last.end..next.start).unwrap_or_default()))
        {
            if last.label != next.label && last.class == "LOC" {
                last.label = "ADDRESS".to_owned();
            }
            last.end = last.end.max(next.end);
            continue;
        }
        joined.push(next);
    }
    joined.sort_by(|a, b| (a.start, a.end, &a.class).cmp(&(b.start, b.end, &b.class)));
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(text: &str, spans: &[(usize, usize, &str)]) -> Vec<(usize, usize, String)> {
        let chars: Vec<char> = text.chars().collect();
        let spans: Vec<Span> = spans.iter().map(|&(start, end, label)| Span::new(start, end, label)).collect();
        tidy(&chars, spans.iter()).into_iter().map(|t| (t.start, t.end, t.class)).collect()
    }

    #[test]
    fn titles_and_possessives_go() {
        assert_eq!(tidied("Dr. Ann Lee's file", &[(0, 13, "PERSON")]), [(4, 11, "PERSON".into())]);
    }

    #[test]
    fn pieces_of_a_name_and_of_an_address_join() {
        assert_eq!(tidied("Ann Lee", &[(0, 3, "PERSON"), (4, 7, "PERSON")]), [(0, 7, "PERSON".into())]);
        assert_eq!(tidied("1 Elm St, Bath.", &[(0, 8, "ADDRESS"), (10, 15, "LOCATION")]), [(0, 14, "LOC".into())]);
        assert_eq!(tidied("Ann -\nLee", &[(0, 3, "PERSON"), (6, 9, "PERSON")]).len(), 2);
        assert_eq!(tidied("a@b.ie\nc@d.ie", &[(0, 6, "EMAIL"), (7, 13, "EMAIL")]), [(0, 13, "EMAIL".into())]);
        assert_eq!(tidied("a@b.ie, c@d.ie", &[(0, 6, "EMAIL"), (8, 14, "EMAIL")]).len(), 2);
    }
}
