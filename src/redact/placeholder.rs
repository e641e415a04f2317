//! How a placeholder is written, and how one is read. `⟦PERSON_1⟧` is what Cordon writes; models write it back in other
//! case, with spaces, with `\_` as Markdown wants it, or with brackets of ASCII. Both the search for look-alikes in the
//! caller's text and the restoring of answers read by this one grammar, so that whatever would be restored is also
//! noticed beforehand.

use crate::detect::EntityType;

/// Longest label of a type in a placeholder, in bytes; longer names are cut.
pub(super) const MAX_LABEL: usize = 48;
/// Longest name (label and number) that is read: a label, an underscore, and ten digits.
const MAX_NAME: usize = MAX_LABEL + 11;
/// Most characters between two words of a name.
const MAX_GAP: usize = 3;
/// Most hexadecimal digits of an encrypted value that are read.
const MAX_CIPHER: usize = 2 * (CIPHER_CHUNK + super::cipher::OVERHEAD);
/// Bytes of a value that are encrypted together; a longer value becomes several tokens in a row, so that an answer never
/// has to be held back for longer than one of them.
pub(super) const CIPHER_CHUNK: usize = 512;

/// The label of a type: capital letters, digits and single underscores.
pub(super) fn label(entity_type: &EntityType) -> String {
    let mut label = String::new();
    for c in entity_type.as_str().chars() {
        match c {
            c if c.is_ascii_alphanumeric() => label.push(c.to_ascii_uppercase()),
            _ if label.is_empty() || label.ends_with('_') => {}
            _ => label.push('_'),
        }
    }
    label.truncate(MAX_LABEL);
    let label = label.trim_end_matches('_');
    if label.is_empty() { "VALUE".to_owned() } else { label.to_owned() }
}

/// The name of the value with this number.
pub(super) fn name(label: &str, number: u32) -> String {
    format!("{label}_{number}")
}

/// A name as it stands in a text.
pub(super) fn written(name: &str) -> String {
    format!("⟦{name}⟧")
}

/// An encrypted piece of a value as it stands in a text.
pub(super) fn token(label: &str, cipher: &[u8]) -> String {
    format!("⟦{label}={}⟧", hex::encode(cipher))
}

/// What one more character makes of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It may still become a placeholder.
    More,
    /// The character closed it.
    Closed,
    /// It is none; the character is not part of it.
    No,
}

/// Characters that may be a placeholder, from the opening bracket on.
pub(super) struct Candidate {
    raw: String,
    close: char,
    name: String,
    gap: usize,
    cipher: Option<String>,
}

impl Candidate {
    /// A candidate that begins with this character, if it is a bracket that can open one.
    pub(super) fn open(c: char) -> Option<Self> {
        let close = match c {
            '⟦' => '⟧',
            '〚' => '〛',
            '[' => ']',
            '<' => '>',
            _ => return None,
        };
        Some(Self { raw: c.to_string(), close, name: String::new(), gap: 0, cipher: None })
    }

    /// Takes the next character, unless the answer is [`Step::No`].
    pub(super) fn push(&mut self, c: char) -> Step {
        let step = self.next(c);
        if step != Step::No {
            self.raw.push(c);
        }
        step
    }

    fn next(&mut self, c: char) -> Step {
        if c == self.close {
            return Step::Closed;
        }
        if let Some(cipher) = &mut self.cipher {
            if !c.is_ascii_hexdigit() || cipher.len() >= MAX_CIPHER {
                return Step::No;
            }
            cipher.push(c);
            return Step::More;
        }
        match c {
            ' ' | '\u{a0}' | '_' | '-' | '\\' if self.gap < MAX_GAP => {
                self.gap += 1;
                Step::More
            }
            c if c.is_ascii_alphanumeric() && self.name.len() < MAX_NAME => {
                if self.gap > 0 && !self.name.is_empty() {
                    self.name.push('_');
                }
                self.gap = 0;
                self.name.push(c.to_ascii_uppercase());
                Step::More
            }
            '=' if self.close == '⟧' && !self.name.is_empty() => {
                self.cipher = Some(String::new());
                Step::More
            }
            _ => Step::No,
        }
    }

    /// Everything as it was written, brackets included.
    pub(super) fn raw(&self) -> &str {
        &self.raw
    }

    /// What stands in the brackets, folded: `PERSON_1`. Of an encrypted value the label.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The hexadecimal digits of an encrypted value.
    pub(super) fn cipher(&self) -> Option<&str> {
        self.cipher.as_deref()
    }

    /// Whether the brackets are of ASCII, which stand for many other things as well.
    pub(super) fn is_ascii(&self) -> bool {
        matches!(self.close, ']' | '>')
    }
}

/// The names in everything in a text that reads like a placeholder.
pub(super) fn names_in(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut candidate: Option<Candidate> = None;
    for c in text.chars() {
        match candidate.as_mut().map(|candidate| candidate.push(c)) {
            Some(Step::More) => {}
            Some(Step::Closed) => names.extend(candidate.take().map(|candidate| candidate.name)),
            Some(Step::No) | None => candidate = Candidate::open(c),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_placeholder_is_read() {
        for text in [
            "⟦PERSON_1⟧",
            "⟦person_1⟧",
            "⟦ Person_1 ⟧",
            "⟦PERSON 1⟧",
            "⟦PERSON\\_1⟧",
            "⟦PERSON-1⟧",
            "〚PERSON_1〛",
            "[PERSON_1]",
            "<person_1>",
            "⟦⟦PERSON_1⟧⟧",
            "⟦x ⟦PERSON_1⟧",
            "⟦PERSON\u{a0}_ 1⟧",
        ] {
            assert_eq!(names_in(text), ["PERSON_1"], "{text}");
        }
        for text in ["PERSON_1", "⟦PERSON_1", "⟦PERSON_1]", "⟦PERSON\n1⟧", "[PERSON.1]", "⟦PERSON    1⟧"] {
            assert_eq!(names_in(text), Vec::<String>::new(), "{text}");
        }
        assert_eq!(names_in("[a][b] <c>"), ["A", "B", "C"]);
    }

    #[test]
    fn labels_read_back_as_they_are_written() {
        for (name, expected) in [("US_SSN", "US_SSN"), ("CUSTOM__x-y_", "CUSTOM_X_Y"), ("é", "VALUE"), ("", "VALUE")] {
            let label = label(&EntityType::new(name));
            assert_eq!(label, expected);
            assert_eq!(names_in(&written(&super::name(&label, 7))), [format!("{expected}_7")]);
        }
        let long = label(&EntityType::new("CUSTOM_".repeat(40)));
        let name = super::name(&long, u32::MAX);
        assert_eq!(names_in(&written(&name)), [name]);
    }
}
