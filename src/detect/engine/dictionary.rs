//! Word lists: markings, special terms, an organisation's own words. A term counts as a word of prose only; as part
//! of an identifier, a path or an address it names something else.

use std::ops::Range;
use std::sync::Arc;

use super::words::{Ending, Hit, Joins, Term, WordSet, is_word};
use crate::detect::catalog::{Catalog, ListSpec, MatchMode};
use crate::detect::{Category, Detector, EntityType, Explanation, Finding};

/// How far the token around a term is read.
const MAX_TOKEN: usize = 256;

/// All word lists.
pub(super) struct Dictionary {
    words: WordSet,
    lists: Vec<List>,
    /// The list of each term.
    owners: Vec<u32>,
    /// Terms as they are written, for those lists whose case counts; by index of the term.
    exact: Vec<Option<Box<str>>>,
}

/// One list.
pub(super) struct List {
    pub(super) id: Arc<str>,
    entity_type: EntityType,
    category: Category,
    score: f32,
    mode: MatchMode,
}

impl Dictionary {
    /// The lists of a catalog.
    pub(super) fn build(catalog: &Catalog) -> Result<Self, aho_corasick::BuildError> {
        let mut lists = Vec::new();
        let mut owners = Vec::new();
        let mut exact = Vec::new();
        let mut terms = Vec::new();
        for spec in catalog.lists() {
            let Some(info) = catalog.entity_type(spec.entity_type.as_str()) else { continue };
            let owner = u32::try_from(lists.len()).unwrap_or(u32::MAX);
            lists.push(List {
                id: spec.id.as_str().into(),
                entity_type: info.name.clone(),
                category: info.category,
                score: spec.score,
                mode: spec.mode,
            });
            for term in &spec.terms {
                owners.push(owner);
                exact.push((spec.mode == MatchMode::Exact).then(|| single_spaces(term)));
                terms.push(Term { text: term, ending: ending(spec) });
            }
        }
        Ok(Self { words: WordSet::build(terms, Joins::Space)?, lists, owners, exact })
    }

    /// The list of this index.
    pub(super) fn list(&self, index: usize) -> Option<&List> {
        self.lists.get(index)
    }

    /// How many lists there are.
    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }

    /// Calls `found` with a list and a range of the text, for each term of prose.
    pub(super) fn scan(&self, text: &str, found: &mut dyn FnMut(usize, Range<usize>)) {
        self.words.scan(text, &mut |hit: Hit| {
            let Some(owner) = self.owners.get(hit.term).map(|owner| *owner as usize) else { return };
            let Some(list) = self.lists.get(owner) else { return };
            let mut range = hit.start..hit.end;
            if let Some(Some(exact)) = self.exact.get(hit.term)
                && text.get(range.clone()).is_none_or(|found| *single_spaces(found) != **exact)
            {
                return;
            }
            if list.mode == MatchMode::Prefix {
                let rest = text.get(range.end..).unwrap_or_default();
                range.end += rest.find(|c| !is_word(c)).unwrap_or(rest.len()).min(MAX_TOKEN);
                range.end = text.ceil_char_boundary(range.end);
            }
            if !names_something(text, &range) {
                found(owner, range);
            }
        });
    }
}

impl List {
    /// The finding of a term in a part.
    pub(super) fn finding(&self, part: usize, range: Range<usize>) -> Finding {
        Finding {
            part,
            range,
            entity_type: self.entity_type.clone(),
            category: self.category,
            score: self.score,
            detector: Detector::Dictionary,
            recognizer: Arc::clone(&self.id),
            explanation: Explanation {
                pattern: Arc::clone(&self.id),
                base_score: self.score,
                ..Explanation::default()
            },
        }
    }
}

fn ending(spec: &ListSpec) -> Ending {
    match spec.mode {
        MatchMode::Prefix => Ending::Open,
        MatchMode::Word | MatchMode::Exact => Ending::Whole,
    }
}

fn single_spaces(text: &str) -> Box<str> {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |joined, word| joined + " " + word).into()
}

/// Whether a term is part of an identifier, an address or a path.
fn names_something(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(text.floor_char_boundary(range.start.saturating_sub(MAX_TOKEN))..range.start);
    let after = text.get(range.end..text.ceil_char_boundary((range.end + MAX_TOKEN).min(text.len())));
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let mut back = before.chars().rev();
    let mut forth = after.chars();
    joined(back.next(), back.next()) || joined(forth.next(), forth.next()) || {
        let before = before.rsplit(ends_token).next().unwrap_or_default();
        let after = after.split(ends_token).next().unwrap_or_default();
        in_hyphens(before, after) || in_path(before, after)
    }
}

/// Whether a sign joins a term to what lies beyond: `my_term`, `object.term`, `term.txt`, `module::term`.
fn joined(sign: Option<char>, beyond: Option<char>) -> bool {
    match sign {
        Some('_' | '@' | '\\' | '$') => true,
        Some('.') => beyond.is_some_and(is_word),
        Some(':') => beyond == Some(':'),
        _ => false,
    }
}

/// Whether a term follows a hyphen (`non-confidential`, `my-secret`) or stands in a name of three words in small
/// letters (`secret-key-name`). `HIV-positive` is prose.
fn in_hyphens(before: &str, after: &str) -> bool {
    let follows = before.strip_suffix('-').is_some_and(|word| word.ends_with(is_word));
    let small = !before.chars().chain(after.chars()).any(char::is_uppercase);
    follows || (after.starts_with('-') && after.matches('-').count() >= 2 && small)
}

/// Whether the token is a path or an address: two slashes, or one with a root or a file's extension. `and/or` is prose.
fn in_path(before: &str, after: &str) -> bool {
    let slashes = before.matches('/').count() + after.matches('/').count();
    let rooted = before.starts_with(['/', '~', '.']);
    let extension = after.trim_end_matches(['.', ':', '!', '?']).contains('.');
    slashes >= 2 || (slashes == 1 && (rooted || extension)) || before.starts_with("www.") || before.contains('\\')
}

fn ends_token(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | ';' | '`' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_prose(text: &str) -> bool {
        let at = text.find("secret").unwrap();
        !names_something(text, &(at..at + 6))
    }

    #[test]
    fn terms_of_prose() {
        for text in [
            "secret",
            "a secret.",
            "**secret**",
            "\"secret\"",
            "secret: yes",
            "level:secret",
            "secret/internal",
            "(secret)",
            "secret-ish",
            "#secret",
            "end. secret",
            "secret...",
            "the secret is out: see https://x.org/a/b",
        ] {
            assert!(is_prose(text), "{text}");
        }
    }

    #[test]
    fn parts_of_identifiers_paths_and_addresses() {
        for text in [
            "my_secret",
            "secret_key",
            "obj.secret",
            "secret.txt",
            "std::secret",
            "secret::new",
            "non-secret",
            "secret-key-name",
            "https://x.org/secret",
            "/etc/secret",
            "./secret",
            "dir/secret.rs",
            "C:\\secret",
            "secret@x.org",
            "www.secret",
            "$secret",
            "a/secret/b",
        ] {
            assert!(!is_prose(text), "{text}");
        }
    }
}
