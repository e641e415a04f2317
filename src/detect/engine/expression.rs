//! What can be known of an expression before it runs: where its value starts, and which literals every match holds.
//! Everything here errs on the safe side: an expression that is not understood is searched for everywhere.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Shortest literal that is worth waiting for, in bytes.
const MIN_LITERAL: usize = 2;

/// Most literals of one expression.
const MAX_LITERALS: usize = 1000;

/// Where a value starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Its first letter or digit begins a token, a run of ASCII letters and digits, and that token holds a digit.
    Token,
    /// Anywhere before its first digit.
    Anywhere,
}

/// A literal that a match holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Required {
    pub(super) text: String,
    /// Whether its case counts.
    pub(super) exact: bool,
}

/// The parts of an expression, and the index of the one that is its value, if a top-level group is.
pub(super) fn parts(hir: &Hir) -> (&[Hir], Option<usize>) {
    let parts = match hir.kind() {
        HirKind::Concat(parts) => parts.as_slice(),
        _ => std::slice::from_ref(hir),
    };
    let named = |part: &Hir| match part.kind() {
        HirKind::Capture(capture) => capture.name.as_deref() == Some("value"),
        _ => false,
    };
    (parts, parts.iter().position(named))
}

/// Where the values of an expression start.
pub(super) fn start(hir: &Hir) -> Start {
    let (parts, value) = parts(hir);
    let (before, value) = match value {
        Some(at) => (parts.get(..at).unwrap_or_default(), parts.get(at..=at).unwrap_or_default()),
        None => {
            // The whole match is the value; only a boundary at its front can stand before it.
            let boundaries = parts.iter().take_while(|part| matches!(part.kind(), HirKind::Look(_))).count();
            parts.split_at(boundaries)
        }
    };
    let bounded = ends_outside_token(before);
    let lead = value.iter().fold(Lead::OUTSIDE, Lead::on);
    if bounded && !lead.may(Lead::LEAVES) { Start::Token } else { Start::Anywhere }
}

/// Whether no letter or digit stands directly before what follows these parts.
fn ends_outside_token(parts: &[Hir]) -> bool {
    for part in parts.iter().rev() {
        match part.kind() {
            HirKind::Repetition(repetition) if repetition.min == 0 => {
                if !ends_outside_token(std::slice::from_ref(&*repetition.sub)) {
                    return false;
                }
            }
            HirKind::Look(Look::Start | Look::WordAscii | Look::WordUnicode) => return true,
            HirKind::Class(class) => return !class_holds(class, is_alphanumeric),
            HirKind::Literal(literal) => return literal.0.last().is_some_and(|byte| !byte.is_ascii_alphanumeric()),
            HirKind::Repetition(repetition) => return ends_outside_token(std::slice::from_ref(&*repetition.sub)),
            HirKind::Capture(capture) => return ends_outside_token(std::slice::from_ref(&*capture.sub)),
            HirKind::Alternation(branches) => {
                return branches.iter().all(|branch| ends_outside_token(std::slice::from_ref(branch)));
            }
            HirKind::Concat(parts) => return ends_outside_token(parts),
            HirKind::Empty | HirKind::Look(_) => return false,
        }
    }
    false
}

/// How far the beginning of a match may have come: a set of cases.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lead(u8);

impl Lead {
    /// Other signs only, so far.
    const OUTSIDE: Self = Self(1);
    /// Letters, after such signs.
    const LETTERS: Self = Self(2);
    /// A digit, with nothing but letters between it and such signs.
    const DIGIT: Self = Self(4);
    /// Out of the first token, before a digit.
    const LEAVES: Self = Self(8);

    fn may(self, case: Self) -> bool {
        self.0 & case.0 != 0
    }

    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// After this part.
    fn on(self, hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => self,
            HirKind::Literal(literal) => literal.0.iter().fold(self, |lead, byte| {
                lead.by(byte.is_ascii_digit(), byte.is_ascii_alphabetic(), !byte.is_ascii_alphanumeric())
            }),
            HirKind::Class(class) => self.by(
                class_holds(class, |byte| byte.is_ascii_digit()),
                class_holds(class, |byte| byte.is_ascii_alphabetic()),
                class_holds(class, |byte| !byte.is_ascii_alphanumeric()) || beyond_ascii(class),
            ),
            HirKind::Repetition(repetition) => {
                let once = self.on(&repetition.sub);
                // There are three steps to take, so more rounds add nothing.
                let more = (0..3).fold(once, |lead, _| lead.or(lead.on(&repetition.sub)));
                let some = if repetition.max == Some(1) { once } else { more };
                if repetition.min == 0 { some.or(self) } else { some }
            }
            HirKind::Capture(capture) => self.on(&capture.sub),
            HirKind::Concat(parts) => parts.iter().fold(self, Self::on),
            HirKind::Alternation(parts) => parts.iter().map(|part| self.on(part)).fold(Self(0), Self::or),
        }
    }

    /// After one more character, which may be a digit, a letter or another sign.
    fn by(self, digit: bool, letter: bool, other: bool) -> Self {
        let mut after = Self(self.0 & (Self::DIGIT.0 | Self::LEAVES.0));
        if self.may(Self::OUTSIDE.or(Self::LETTERS)) {
            after = if digit { after.or(Self::DIGIT) } else { after };
            after = if letter { after.or(Self::LETTERS) } else { after };
        }
        if other {
            after = if self.may(Self::OUTSIDE) { after.or(Self::OUTSIDE) } else { after };
            after = if self.may(Self::LETTERS) { after.or(Self::LEAVES) } else { after };
        }
        after
    }
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Whether a class holds an ASCII byte of this kind.
pub(super) fn class_holds(class: &Class, kind: impl Fn(u8) -> bool) -> bool {
    (0..0x80_u8).filter(|byte| kind(*byte)).any(|byte| match class {
        Class::Unicode(class) => {
            class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&char::from(byte)))
        }
        Class::Bytes(class) => class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&byte)),
    })
}

/// Whether a class holds something beyond ASCII.
pub(super) fn beyond_ascii(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => class.ranges().iter().any(|range| !range.end().is_ascii()),
        Class::Bytes(class) => class.ranges().iter().any(|range| !range.end().is_ascii()),
    }
}

/// Literals of which every match holds at least one; none if there is no such set worth waiting for.
pub(super) fn required(hir: &Hir) -> Option<Vec<Required>> {
    let mut set = required_in(hir)?;
    set.sort();
    set.dedup();
    let enough = set.len() <= MAX_LITERALS && set.iter().all(|literal| literal.text.len() >= MIN_LITERAL);
    enough.then_some(set)
}

fn required_in(hir: &Hir) -> Option<Vec<Required>> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Literal(_) | HirKind::Class(_) => fixed(hir).map(|literal| vec![literal]),
        HirKind::Repetition(repetition) => {
            if repetition.min > 0 {
                required_in(&repetition.sub)
            } else {
                None
            }
        }
        HirKind::Capture(capture) => required_in(&capture.sub),
        HirKind::Alternation(parts) => {
            parts.iter().map(required_in).collect::<Option<Vec<_>>>().map(|sets| sets.concat())
        }
        HirKind::Concat(parts) => {
            let mut best: Option<Vec<Required>> = None;
            let mut offer = |set: Vec<Required>| {
                let shortest =
                    |set: &[Required]| set.iter().map(|literal| literal.text.len()).min().unwrap_or_default();
                if best.as_ref().is_none_or(|best| shortest(&set) > shortest(best)) {
                    best = Some(set);
                }
            };
            let mut joined: Option<Required> = None;
            for part in parts {
                if let Some(next) = fixed(part) {
                    let so_far = joined.get_or_insert(Required { text: String::new(), exact: true });
                    so_far.text.push_str(&next.text);
                    so_far.exact &= next.exact;
                    continue;
                }
                joined.take().into_iter().for_each(|literal| offer(vec![literal]));
                required_in(part).into_iter().for_each(&mut offer);
            }
            joined.into_iter().for_each(|literal| offer(vec![literal]));
            best
        }
    }
}

/// The one text that a part matches, in any case if need be.
fn fixed(hir: &Hir) -> Option<Required> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            std::str::from_utf8(&literal.0).ok().map(|text| Required { text: text.to_owned(), exact: true })
        }
        HirKind::Class(Class::Unicode(class)) => {
            let mut letters = class.ranges().iter().flat_map(|range| range.start()..=range.end().min('\u{ff}'));
            let (upper, lower) = (letters.next()?, letters.next()?);
            // In any case, `s` and `k` stand for the long s and the Kelvin sign too, which nobody writes.
            let rest = class
                .ranges()
                .iter()
                .all(|range| range.end().is_ascii() || matches!(range.end(), '\u{17f}' | '\u{212a}'));
            let folded = upper.is_ascii_uppercase() && lower == upper.to_ascii_lowercase() && letters.next().is_none();
            (rest && folded).then(|| Required { text: lower.to_string(), exact: false })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use regex_syntax::parse;

    use super::*;

    #[test]
    fn a_start_at_a_token_needs_a_boundary_and_a_digit_in_the_first_token() {
        let token = [
            r"\b[0-9]{3}-[0-9]{2}",
            r"(?:^|[^0-9A-Za-z_.+/-])(?P<value>[A-Z]{2}[0-9]{6})(?:$|[^0-9])",
            r"(?:^|[^0-9A-Za-z])(?P<value>[A-Z0-9]{9})",
            r"(?:^|[^0-9A-Za-z])(?P<value>\+?[0-9]{3})",
            r"(?:^|, |: ?)(?P<value>\(?[0-9]{3}\)? [0-9])",
            r"\b(?P<value>[A-Z]{0,2}[0-9]{4} [A-Z])",
            r"(?:^|[^0-9A-Za-z])(?P<value>(?:ab|c[0-9])[0-9])",
        ];
        for pattern in token {
            assert_eq!(start(&parse(pattern).unwrap()), Start::Token, "{pattern}");
        }
        let anywhere = [
            r"[0-9]{3}-[0-9]{2}",
            r"(?:^|[^0-9])(?P<value>[A-Z]{2}[0-9]{6})",
            r"\b(?P<value>[A-Z]{2} [0-9]{6})",
            r"\b(?P<value>[A-Z]{2}[ -]?[0-9]{6})",
            r"\b(?P<value>[A-Z]+ [A-Z0-9]{4})",
            r"\b(?P<value>[A-Z .]{1,9}[0-9])",
            r"(?i)no: ?(?P<value>[0-9]{3})|x",
        ];
        for pattern in anywhere {
            assert_eq!(start(&parse(pattern).unwrap()), Start::Anywhere, "{pattern}");
        }
    }

    #[test]
    fn required_literals_are_those_that_no_match_can_lack() {
        let all = |pattern: &str| {
            let set = required(&parse(pattern).unwrap());
            set.map(|set| set.into_iter().map(|l| (l.text, l.exact)).collect::<Vec<_>>())
        };
        let exact = |texts: &[&str]| Some(texts.iter().map(|text| ((*text).to_owned(), true)).collect::<Vec<_>>());
        assert_eq!(all("[0-9]+ (?:[A-Z]+ )?(?:Street|Roads?|Way)"), exact(&["Road", "Street", "Way"]));
        assert_eq!(all("(?i)ask[0-9]"), Some(vec![("ask".to_owned(), false)]));
        assert_eq!(all("x[0-9]{3}abc[0-9]"), exact(&["abc"]));
        assert_eq!(all("(?:Street|[0-9])"), None);
        assert_eq!(all("[0-9]{3}-[0-9]"), None, "too short");
        assert_eq!(all("(?:Street)?[0-9]"), None);
        assert_eq!(all("straße [0-9]"), exact(&["straße "]));
        assert_eq!(all("(?i)straße [0-9]"), Some(vec![("stra".to_owned(), false)]));
    }
}
