//! From labelled words to entities: the words of all windows in one row, neighbours joined. A given name and a surname
//! are one person; house number, street, flat, code and town are one address across commas and one line end.

use std::ops::Range;

use super::decode::LabelledWord;
use super::labels::{LabelSet, Role};
use super::model_config::Decoder;
use super::prose::Looks;

/// A labelled word in bytes of its part, and how its window looked.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) word: LabelledWord,
    pub(super) looks: Looks,
}

/// Joined words.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entity {
    /// Bytes of the part.
    pub(super) range: Range<usize>,
    /// The label that stands for it; an index into [`LabelSet::kinds`].
    pub(super) kind: usize,
    /// Its role.
    pub(super) role: Role,
    /// Mean probability of its words, by their length.
    pub(super) score: f32,
    /// How the window of its main word looks.
    pub(super) looks: Looks,
}

/// Roles that are joined with each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Person,
    Address,
    /// Joined with the same kind only; the marks that may stand between two words.
    Same(&'static str),
}

fn family(role: Role) -> Family {
    match role {
        Role::GivenName | Role::Surname | Role::Person => Family::Person,
        Role::Address | Role::Building | Role::Street | Role::Unit | Role::PostalCode | Role::Place | Role::Region => {
            Family::Address
        }
        Role::Email => Family::Same("@.-_+"),
        Role::Url => Family::Same(":/.-_?=&#%~+"),
        Role::Phone => Family::Same(" -./()+\u{a0}"),
        Role::Identifier | Role::Number => Family::Same(" -./"),
        Role::Other => Family::Same(" -'’.&"),
    }
}

/// Roles that make an address of what stands with them.
const STREETS: [Role; 3] = [Role::Address, Role::Street, Role::Unit];
/// Roles that are a place without a street.
const PLACES: [Role; 2] = [Role::Place, Role::Region];
/// Longest gap between two joined words, in characters.
const LONGEST_GAP: usize = 4;
/// Most words in one entity: nothing real is longer, and joining stays linear.
const MOST_WORDS: usize = 64;

/// Joins the words of a part. They are in order and do not overlap.
pub(super) fn entities(text: &str, words: &[Placed], labels: &LabelSet) -> Vec<Entity> {
    let mut found = Vec::new();
    let mut run: Vec<(&Placed, Role)> = Vec::new();
    for placed in words {
        let Some(role) = labels.kinds.get(placed.word.kind).map(|kind| kind.role) else { continue };
        if run.len() >= MOST_WORDS || !run.is_empty() && !joins(text, &run, (placed, role), labels.decoder) {
            close(text, &mut run, &mut found);
        }
        run.push((placed, role));
    }
    close(text, &mut run, &mut found);
    found
}

fn joins(text: &str, run: &[(&Placed, Role)], (next, role): (&Placed, Role), decoder: Decoder) -> bool {
    let Some((last, last_role)) = run.last() else { return false };
    let Some(gap) = text.get(last.word.range.end..next.word.range.start) else { return false };
    if family(role) != family(*last_role) {
        return false;
    }
    // The search over all words has already said what goes on; an address is whole in such a model.
    let same = last.word.kind == next.word.kind;
    if decoder == Decoder::Viterbi && (same || family(role) == Family::Address) {
        return same && !next.word.begins && gap.trim().is_empty() && gap.matches('\n').count() < 2;
    }
    if gap.chars().nth(LONGEST_GAP).is_some() {
        return family(role) == Family::Address && STREETS.contains(last_role) && names_unit(gap);
    }
    match family(role) {
        Family::Person => joins_person(gap, *last_role, role, next.word.begins),
        Family::Address => joins_address(gap, run, role, next.word.begins),
        Family::Same(marks) => {
            same && gap.chars().all(|c| marks.contains(c)) && !(next.word.begins && gap.contains([' ', '\u{a0}']))
        }
    }
}

/// Whether the gap after a street is a flat or a floor that the model did not see, such as `Suite 831`.
fn names_unit(gap: &str) -> bool {
    const UNITS: [&str; 14] = [
        "apt",
        "apartment",
        "suite",
        "ste",
        "unit",
        "flat",
        "floor",
        "fl",
        "room",
        "rm",
        "building",
        "bldg",
        "block",
        "#",
    ];
    let mut words = gap.split(|c: char| c.is_whitespace() || ",.".contains(c)).filter(|word| !word.is_empty());
    let (unit, number) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    UNITS.contains(&unit.to_ascii_lowercase().as_str())
        && (1..=6).contains(&number.len())
        && (number.len() == 1 || number.contains(|c: char| c.is_ascii_digit()))
        && words.next().is_none()
}

/// "Anna Maria Schmidt", "J. R. Smith", "O'Neil", "Jean-Luc"; not across lines or commas, where the next person stands.
fn joins_person(gap: &str, last: Role, role: Role, begins: bool) -> bool {
    match gap {
        "" | "-" | "'" | "’" | "." | "‐" | "‑" => true,
        " " | "\u{a0}" | "  " | ". " => {
            let again =
                last == Role::Surname && role == Role::GivenName || last == Role::Person && role == Role::Person;
            !(begins && again)
        }
        // The initial of a middle name: "Thomas R. Sylvester".
        gap => {
            let initial = gap.trim_matches([' ', '\u{a0}']).strip_suffix('.').unwrap_or_default();
            initial.chars().count() == 1 && initial.chars().all(char::is_uppercase) && gap.starts_with([' ', '\u{a0}'])
        }
    }
}

/// Parts of one address, until one of them comes a second time.
fn joins_address(gap: &str, run: &[(&Placed, Role)], role: Role, begins: bool) -> bool {
    let lines = gap.matches('\n').count();
    if lines > 1 || !gap.chars().all(|c| " \n\r\u{a0},.-/#".contains(c)) {
        return false;
    }
    let has = |wanted: Role| run.iter().any(|(_, role)| *role == wanted);
    let (street, place) = (has(Role::Street) || has(Role::Address), has(Role::Place) || has(Role::Region));
    match role {
        // A list of towns is not one place, but town and state are, and so is everything after a street.
        Role::Place => !begins || street || !place || !gap.contains([',', '\n', '/']),
        Role::Address => !street || !begins && !place,
        Role::Building | Role::Street => !(place && street),
        _ => true,
    }
}

fn close(text: &str, run: &mut Vec<(&Placed, Role)>, found: &mut Vec<Entity>) {
    let members = std::mem::take(run);
    let Some((_, first_role)) = members.first() else { return };
    let speaks = |wanted: &[Role]| members.iter().find(|(_, role)| wanted.contains(role));
    let members: Vec<_> = match family(*first_role) {
        // Without a street it is a place at most: numbers beside a town do not make an address.
        Family::Address if speaks(&STREETS).is_none() && speaks(&PLACES).is_some() => {
            let skip = members.iter().take_while(|(_, role)| !PLACES.contains(role)).count();
            members.into_iter().skip(skip).collect()
        }
        _ => members,
    };
    let order = [Role::Address, Role::Street, Role::Unit, Role::Place, Role::Region, Role::GivenName, Role::Person];
    let main = order.iter().find_map(|role| members.iter().find(|(_, had)| had == role)).or(members.first());
    let (Some((main, role)), Some((first, _)), Some((last, _))) = (main, members.first(), members.last()) else {
        return;
    };
    let length: usize = members.iter().map(|(placed, _)| placed.word.range.len()).sum();
    let sum: f32 = members.iter().map(|(placed, _)| placed.word.score * placed.word.range.len() as f32).sum();
    let range = trim(text, first.word.range.start..last.word.range.end, *role);
    if range.is_empty() {
        return;
    }
    found.push(Entity {
        range,
        kind: main.word.kind,
        role: *role,
        score: if length == 0 { 0.0 } else { sum / length as f32 },
        looks: main.looks,
    });
}

/// Without the white space, quotes and stops at the edges, and without the `'s` of a name.
fn trim(text: &str, range: Range<usize>, role: Role) -> Range<usize> {
    let Some(mut value) = text.get(range.clone()) else { return range.start..range.start };
    let opening: &[char] = if role == Role::Phone { &['"', '\'', '“', '‘', ',', ':', ';'] } else { OPENING };
    let front = value.trim_start_matches(|c: char| c.is_whitespace() || opening.contains(&c));
    let start = range.start + value.len() - front.len();
    value = front.trim_end_matches(|c: char| c.is_whitespace() || CLOSING.contains(&c));
    if family(role) == Family::Person {
        for possessive in ["'s", "’s"] {
            value = value.strip_suffix(possessive).unwrap_or(value);
        }
    }
    start..start + value.len()
}

const OPENING: &[char] =
    &['"', '\'', '“', '‘', '”', '’', '(', '[', '{', '<', '>', ',', ':', ';', '.', '-', '/', '*', '_'];
const CLOSING: &[char] =
    &['"', '\'', '“', '‘', '”', '’', ')', ']', '}', '<', '>', ',', ':', ';', '.', '-', '/', '*', '_', '!', '?', '('];

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::ner::model_config::Own;

    const LABELS: [&str; 8] =
        ["O", "GIVEN_NAME", "SURNAME", "BUILDING_NUMBER", "STREET_NAME", "CITY", "ZIP_CODE", "PHONE"];

    /// Joins words that are given as `(word, label, begins)`.
    fn join(text: &str, labelled: &[(&str, &str, bool)]) -> Vec<(String, Role)> {
        let names: Vec<String> = LABELS.iter().map(|label| (*label).to_owned()).collect();
        join_with(&LabelSet::new(&names, &BTreeMap::new(), None).unwrap(), text, labelled)
    }

    fn join_with(labels: &LabelSet, text: &str, labelled: &[(&str, &str, bool)]) -> Vec<(String, Role)> {
        let mut at = 0;
        let words: Vec<Placed> = labelled
            .iter()
            .map(|(word, label, begins)| {
                let start = at + text[at..].find(word).unwrap();
                at = start + word.len();
                let kind = labels.kinds.iter().position(|kind| &*kind.name == *label).unwrap();
                let word = LabelledWord { range: start..at, kind, begins: *begins, score: 0.9 };
                Placed { word, looks: Looks::default() }
            })
            .collect();
        let found = entities(text, &words, labels);
        found.into_iter().map(|entity| (text[entity.range].to_owned(), entity.role)).collect()
    }

    #[test]
    fn given_name_and_surname_are_one_person() {
        let (g, s) = ("GIVEN_NAME", "SURNAME");
        let found = join(
            "Dr Anna-Maria O'Neil's",
            &[("Anna", g, true), ("Maria", g, false), ("O", s, true), ("Neil", s, false), ("'s", s, false)],
        );
        assert_eq!(found, [("Anna-Maria O'Neil".to_owned(), Role::GivenName)]);
        let two = [("Ann", g, true), ("Lee", s, true), ("Bo", g, true), ("Ray", s, true)];
        for text in ["Ann Lee Bo Ray", "Ann Lee, Bo Ray", "Ann Lee\nBo Ray"] {
            let found: Vec<_> = join(text, &two).into_iter().map(|found| found.0).collect();
            assert_eq!(found, ["Ann Lee", "Bo Ray"], "{text}");
        }
    }

    #[test]
    fn parts_of_an_address_are_one_address() {
        let parts = [
            ("12", "BUILDING_NUMBER", true),
            ("Main St", "STREET_NAME", true),
            ("Springfield", "CITY", true),
            ("62704", "ZIP_CODE", true),
        ];
        for text in ["at 12 Main St, Springfield 62704.", "12 Main St\nSpringfield, 62704"] {
            let found = join(text, &parts);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].1, Role::Street);
            assert!(found[0].0.ends_with("62704"), "{text}");
        }
    }

    #[test]
    fn a_flat_that_the_model_missed_does_not_divide_an_address() {
        let parts = [("12", "BUILDING_NUMBER", true), ("Main St", "STREET_NAME", true), ("Springfield", "CITY", true)];
        assert_eq!(join("12 Main St Suite 831, Springfield", &parts).len(), 1);
        assert_eq!(join("12 Main St opened in 1999. Springfield", &parts).len(), 2);
    }

    #[test]
    fn towns_in_a_list_stay_apart_and_a_number_before_a_town_is_dropped() {
        let towns = [("Paris", "CITY", true), ("Rome", "CITY", true)];
        assert_eq!(join("Paris, Rome", &towns).len(), 2);
        let found = join(
            "3 Paris 75001",
            &[("3", "BUILDING_NUMBER", true), ("Paris", "CITY", true), ("75001", "ZIP_CODE", true)],
        );
        assert_eq!(found, [("Paris 75001".to_owned(), Role::Place)]);
    }

    #[test]
    fn in_a_best_sequence_the_model_says_what_goes_on() {
        let names: Vec<String> = ["O", "B-PERSON", "I-PERSON", "B-ADDRESS", "I-ADDRESS", "B-LOCATION", "I-LOCATION"]
            .map(str::to_owned)
            .to_vec();
        let own = Own { decoder: Decoder::Viterbi, ..Own::default() };
        let labels = LabelSet::new(&names, &BTreeMap::new(), Some(&own)).unwrap();
        let (person, address, place) = (("PERSON", true), ("ADDRESS", true), ("LOCATION", true));
        let on = |(label, _): (&'static str, bool)| (label, false);
        let text = "Lee, Ana\nBo in 4 Rue X, 75001 Paris, 6 Rue Y; Rome";
        let labelled = [
            ("Lee", person),
            (",", on(person)),
            ("Ana", on(person)),
            ("Bo", person),
            ("4", address),
            ("Rue", on(address)),
            ("X", on(address)),
            (",", on(address)),
            ("75001", on(address)),
            ("Paris", on(address)),
            ("6", address),
            ("Rue", on(address)),
            ("Y", on(address)),
            ("Rome", place),
        ];
        let found: Vec<String> =
            join_with(&labels, text, &labelled.map(|(word, (label, begins))| (word, label, begins)))
                .into_iter()
                .map(|found| found.0)
                .collect();
        assert_eq!(found, ["Lee, Ana", "Bo", "4 Rue X, 75001 Paris", "6 Rue Y", "Rome"]);
    }

    #[test]
    fn a_phone_keeps_its_bracket_and_its_pieces() {
        let phone = |word| (word, "PHONE", false);
        let found = join("call (555) 123-4567.", &[phone("("), phone("555"), phone("123"), phone("4567")]);
        assert_eq!(found, [("(555) 123-4567".to_owned(), Role::Phone)]);
    }
}
