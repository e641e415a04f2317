//! What the words of a "person" and those around it say against it: a month, a unit, a product, a court, a version
//! number behind it, an article before it, a word that any dictionary holds. The model sees the shape of a name; this
//! knows the word. Where the lists know a given name they are believed more than the dictionary, for a name that is
//! lost costs more than a false one.

use std::ops::Range;

use super::lexicon::{is_dictionary_word, is_given_name, is_surname};
use super::prose::Capitals;
use super::reason::Reason;
use super::spans::Entity;
use super::stopwords::{
    Class, class_of, is_company_suffix, is_country, is_determiner, is_institution, is_project_word, is_title,
    speaks_of_software,
};

/// What is held against an entity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Objection {
    /// It is nothing.
    Drop(Reason),
    /// Its score is multiplied by this.
    Lower(f32, Reason),
    /// It is a place.
    Place(Reason),
}

/// Least probability of a single word that is in no list; measured: below it one in three is a name.
const UNKNOWN_FLOOR: f32 = 0.5;
/// The same in text with some marks of code, such as documentation.
const UNKNOWN_TECHNICAL_FLOOR: f32 = 0.75;
/// Share of marks of code from which a window is technical; half of that of machine text.
const TECHNICAL: f32 = 0.05;
/// Least probability of a frequent surname that is also a word of the dictionary: Brown, Bishop.
const AMBIGUOUS_FLOOR: f32 = 0.6;
/// Least probability of a word of the dictionary that no list of names holds.
const DICTIONARY_FLOOR: f32 = 0.8;
/// What such a word keeps: one in four is a name.
const DICTIONARY_FACTOR: f32 = 0.4;
/// Least probability of several words of which one is in the dictionary and none in a list of given names.
const MIXED_FLOOR: f32 = 0.7;
/// Least probability of a name that no list knows where a business partner is named.
const PARTNER_FLOOR: f32 = 0.9;
/// Bytes on both sides in which words of software are looked for.
const SOFTWARE_REACH: usize = 400;

/// What the words say against a person at `range`, the piece of `entity` that is left.
pub(super) fn object(text: &str, range: &Range<usize>, entity: &Entity) -> Option<Objection> {
    let value = text.get(range.clone())?;
    let words: Vec<&str> = value.split_whitespace().collect();
    let listed = words.iter().any(|word| is_given_name(word));
    let before = near(text, range.start.saturating_sub(NEAR), range.start);
    let last = before.split_whitespace().next_back().filter(|_| before.ends_with([' ', '\u{a0}'])).unwrap_or_default();
    if let Some(reason) = is_company(text, range) {
        return Some(Objection::Drop(reason));
    }
    if !listed && is_of_institution(before, text.get(range.end..).unwrap_or_default()) {
        return Some(Objection::Drop(Reason::Institution));
    }
    if !listed && words.iter().all(|word| is_country(word)) {
        return Some(Objection::Place(Reason::Country));
    }
    let titled = is_title(last);
    if !listed && !titled && entity.score < PARTNER_FLOOR && is_partner(before) {
        return Some(Objection::Drop(Reason::CompanyName));
    }
    match words.as_slice() {
        [word] => of_class(text, range, word, listed)
            .or_else(|| (!titled && is_versioned(text, range.end)).then_some(Reason::Versioned))
            .or_else(|| (!listed && !titled && is_determiner(last)).then_some(Reason::Article))
            .map(Objection::Drop)
            .or_else(|| if listed || titled { None } else { unlisted(word, entity) }),
        // A vendor and its product: "Anthropic Claude".
        words
            if words
                .iter()
                .all(|word| class_of(word) == Some(Class::Technology) || class_of(word) == Some(Class::Assistant)) =>
        {
            Some(Objection::Drop(Reason::Technology))
        }
        words if listed || titled || words.iter().any(|word| !is_latin(word)) => None,
        words => {
            let common =
                |word: &&str| class_of(word).is_some() || is_dictionary_word(bare(word)) && !is_surname(bare(word));
            if words.iter().all(common) {
                Some(Objection::Drop(Reason::CommonWord))
            } else if words.iter().any(common) && entity.score < MIXED_FLOOR {
                Some(Objection::Drop(Reason::UnknownWord))
            } else {
                None
            }
        }
    }
}

/// Whether a name is a company's, a project's or an institution's by what stands around it.
pub(super) fn is_name_of_body(text: &str, range: &Range<usize>) -> bool {
    let before = near(text, range.start.saturating_sub(NEAR), range.start);
    is_company(text, range).is_some() || is_of_institution(before, text.get(range.end..).unwrap_or_default())
}

/// Why a single word is no name, by its class.
fn of_class(text: &str, range: &Range<usize>, word: &str, listed: bool) -> Option<Reason> {
    let reason = match class_of(word)? {
        Class::Calendar => Reason::CalendarWord,
        Class::Unit => Reason::UnitWord,
        Class::Log => Reason::LogWord,
        Class::Code => Reason::CodeWord,
        Class::Greeting => Reason::Greeting,
        Class::Nationality => Reason::Nationality,
        Class::Technology => Reason::Technology,
        Class::Assistant => {
            let around = near(text, range.start.saturating_sub(SOFTWARE_REACH), range.end + SOFTWARE_REACH);
            return speaks_of_software(around).then_some(Reason::Technology);
        }
    };
    // Juli and Mart are people too, but not beside a number.
    let dated = reason == Reason::CalendarWord && is_beside_number(text, range);
    (!listed || dated).then_some(reason)
}

/// A single word that no list of given names holds.
fn unlisted(word: &str, entity: &Entity) -> Option<Objection> {
    if !is_latin(word) {
        return None;
    }
    let (surname, common) = (is_surname(word), is_dictionary_word(word));
    let small = entity.looks.capitals == Capitals::None && !word.contains(char::is_uppercase);
    let floor = if entity.looks.machine_share < TECHNICAL { UNKNOWN_FLOOR } else { UNKNOWN_TECHNICAL_FLOOR };
    match (surname, common) {
        (_, true) if small => Some(Objection::Drop(Reason::CommonWord)),
        (true, true) => (entity.score < AMBIGUOUS_FLOOR).then_some(Objection::Drop(Reason::CommonWord)),
        (false, true) if entity.score < DICTIONARY_FLOOR => Some(Objection::Drop(Reason::CommonWord)),
        (false, true) => Some(Objection::Lower(DICTIONARY_FACTOR, Reason::CommonWordAlone)),
        (true, false) => None,
        (false, false) => (entity.score < floor).then_some(Objection::Drop(Reason::UnknownWord)),
    }
}

/// Whether the lists could hold a word: they are of names in Latin letters.
fn is_latin(word: &str) -> bool {
    const LAST_LATIN: char = '\u{24f}';
    word.chars().filter(|c| c.is_alphabetic()).all(|c| c <= LAST_LATIN)
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

/// Whether a version number follows: "v2", "3.5".
fn is_versioned(text: &str, end: usize) -> bool {
    let Some(next) = text.get(end..).and_then(|after| after.strip_prefix([' ', '\u{a0}'])) else { return false };
    let version: &str = next.split(|c: char| !c.is_ascii_alphanumeric() && c != '.').next().unwrap_or_default();
    let (prefixed, digits) = match version.strip_prefix('v') {
        Some(rest) => (true, rest),
        None => (false, version),
    };
    let mut numbers = digits.trim_end_matches('.').split('.');
    let all = numbers.clone().all(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    all && (prefixed || numbers.nth(1).is_some_and(|second| second.len() == 1))
}

fn is_beside_number(text: &str, range: &Range<usize>) -> bool {
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let before = text.get(..range.start).unwrap_or_default().trim_end_matches([' ', '.', '-', '/', '\u{a0}']);
    let after = text.get(range.end..).unwrap_or_default().trim_start_matches([' ', '.', '-', '/', '\u{a0}']);
    digit(before.chars().next_back()) || digit(after.chars().next())
}

/// Whether the name is a piece of the name of a court, an office, a school: "Izmir Administrative Court",
/// "the Court of Cassation", "Supreme Court (Naczelny Sąd)".
fn is_of_institution(before: &str, after: &str) -> bool {
    let behind = after.strip_prefix([' ', '\u{a0}']).is_some_and(|rest| {
        let words = rest.split([' ', '\u{a0}', '\n']).take(SUFFIX_REACH);
        let mut own = words.take_while(|word| word.starts_with(char::is_uppercase));
        own.any(|word| is_institution(word.trim_matches(|c: char| !c.is_alphanumeric()).trim_end_matches("’s")))
    });
    let mut words = before.split_whitespace().rev();
    let is_named = |word: Option<&str>| word.is_some_and(|word| is_institution(word.trim_end_matches(',')));
    behind
        || if before.ends_with('(') {
            words.next();
            is_named(words.next())
                || before.trim_end_matches('(').split_whitespace().next_back().is_some_and(is_institution)
        } else {
            matches!(words.next(), Some("of" | "de" | "for")) && is_named(words.next())
        }
}

/// Whether the words before a name say that a business partner follows: "the contract with", "our supplier", "a stake in".
/// Clients and customers are left out: they are people as often.
fn is_partner(before: &str) -> bool {
    const LINKS: [&str; 18] = [
        "with", "by", "from", "of", "in", "to", "mit", "von", "bei", "avec", "chez", "con", "com", "met", "z", "med",
        "da", "de",
    ];
    const PARTNERS: [&str; 43] = [
        "contract",
        "contracts",
        "agreement",
        "deal",
        "partnership",
        "tender",
        "merger",
        "takeover",
        "stake",
        "shares",
        "subsidiary",
        "supplier",
        "suppliers",
        "vendor",
        "vendors",
        "provider",
        "manufacturer",
        "contractor",
        "subcontractor",
        "competitor",
        "reseller",
        "distributor",
        "vertrag",
        "lieferant",
        "lieferanten",
        "anbieter",
        "hersteller",
        "fournisseur",
        "prestataire",
        "contrat",
        "proveedor",
        "contrato",
        "fornitore",
        "contratto",
        "fornecedor",
        "leverancier",
        "contractant",
        "dostawca",
        "dostawcy",
        "leverantör",
        "leverandør",
        "toimittaja",
        "dodavatel",
    ];
    if !before.ends_with([' ', '\u{a0}']) {
        return false;
    }
    let mut words = before.split_whitespace().rev().map(str::to_lowercase);
    let Some(mut word) = words.next() else { return false };
    if LINKS.contains(&word.as_str()) {
        word = words.next().unwrap_or_default();
    }
    PARTNERS.contains(&word.as_str())
}

/// A piece of the text, on character boundaries.
fn near(text: &str, start: usize, end: usize) -> &str {
    text.get(text.ceil_char_boundary(start)..text.floor_char_boundary(end.min(text.len()))).unwrap_or_default()
}

/// Words after a name that are looked at for the form of a company.
const SUFFIX_REACH: usize = 3;
/// Bytes around an entity that are looked at.
const NEAR: usize = 64;

/// Why the name is not a person's but a company's or a project's: "Barber LLC", "Olson and Sons", "Project Magnolia".
fn is_company(text: &str, range: &Range<usize>) -> Option<Reason> {
    let start = text.ceil_char_boundary(range.start.saturating_sub(NEAR));
    let end = text.floor_char_boundary((range.end + NEAR).min(text.len()));
    let before = text.get(start..range.start).unwrap_or_default();
    if before.ends_with([' ', '\u{a0}']) && before.split_whitespace().next_back().is_some_and(is_project_word) {
        return Some(Reason::ProjectName);
    }
    let after = text.get(range.end..end).unwrap_or_default();
    if !after.starts_with([' ', '\u{a0}', ',']) {
        return None;
    }
    let line = after.lines().next().unwrap_or_default();
    for (position, word) in line.split_whitespace().take(SUFFIX_REACH).enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '&');
        if is_company_suffix(bare) {
            return Some(Reason::CompanyName);
        }
        // Only words of the company's own name stand in between, and its punctuation ends it.
        let own =
            bare.chars().next().is_some_and(char::is_uppercase) || matches!(bare, "and" | "&" | "of" | "und" | "et");
        if !own || word.ends_with(['.', ',', ';', ':', '!', '?', ')']) && position + 1 < SUFFIX_REACH && bare.len() > 2
        {
            return None;
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::string_slice)]
mod tests {
    use super::super::labels::Role;
    use super::super::prose::Looks;
    use super::*;

    fn objection(text: &str, value: &str, score: f32) -> Option<Objection> {
        let start = text.find(value).unwrap();
        let range = start..start + value.len();
        let entity = Entity { range: range.clone(), kind: 0, role: Role::Person, score, looks: Looks::of(text) };
        object(text, &range, &entity)
    }

    #[test]
    fn words_of_a_class_are_dropped_with_its_name() {
        for (text, value, reason) in [
            ("We met on Donnerstag in the hall", "Donnerstag", Reason::CalendarWord),
            ("on 3. Juli we met in the hall", "Juli", Reason::CalendarWord),
            ("a fine of two Schilling was paid", "Schilling", Reason::UnitWord),
            ("WARN Disk is full", "WARN", Reason::LogWord),
            ("an Enum of two cases", "Enum", Reason::CodeWord),
            ("we moved to Keycloak last year", "Keycloak", Reason::Technology),
            ("ask Claude to review the code", "Claude", Reason::Technology),
            ("we tried Anthropic Claude at last", "Anthropic Claude", Reason::Technology),
            ("before Easter we met again", "Easter", Reason::CalendarWord),
            ("Cheers and good night", "Cheers", Reason::Greeting),
            ("an Austrian citizen came in", "Austrian", Reason::Nationality),
        ] {
            assert_eq!(objection(text, value, 0.95), Some(Objection::Drop(reason)), "{text}");
        }
        assert_eq!(objection("Claude came to dinner and left early.", "Claude", 0.6), None, "nothing of software");
        assert_eq!(objection("I met Juli in the hall", "Juli", 0.6), None);
        assert_eq!(objection("he fled to Austria then", "Austria", 0.9), Some(Objection::Place(Reason::Country)));
    }

    #[test]
    fn what_stands_around_tells_things_from_people() {
        for (text, value, reason) in [
            ("Use Brontide v2 or later", "Brontide", Reason::Versioned),
            ("it runs Brontide 3.5 now", "Brontide", Reason::Versioned),
            ("a pilot of the Brontide in two depots", "Brontide", Reason::Article),
            ("the Izmir Administrative Court rejected it", "Izmir", Reason::Institution),
            ("before the Court of Cassation in May", "Cassation", Reason::Institution),
            ("the Supreme Court (Naczelny) dismissed it", "Naczelny", Reason::Institution),
            ("The contract with Brontide was extended", "Brontide", Reason::CompanyName),
            ("our supplier Brontide is slow", "Brontide", Reason::CompanyName),
            ("Jelka Ltd was sold", "Jelka", Reason::CompanyName),
            ("Project Jelka is green", "Jelka", Reason::ProjectName),
        ] {
            assert_eq!(objection(text, value, 0.85), Some(Objection::Drop(reason)), "{text}");
        }
        for (text, value) in [
            ("the contract with Maria ended", "Maria"),
            ("the contract with Mr Brontide ended", "Brontide"),
            ("a client Brontide called", "Brontide"),
            ("the Maria whom I met", "Maria"),
            ("Anna 34 has left", "Anna"),
            ("She went to Court with Wiebke and won", "Wiebke"),
            ("Maria Court and her sister", "Maria"),
        ] {
            assert_eq!(objection(text, value, 0.95), None, "{text}");
        }
    }

    #[test]
    fn a_word_of_the_dictionary_needs_a_list_or_a_title() {
        assert_eq!(
            objection("Biscuits are in the drawer.", "Biscuits", 0.7),
            Some(Objection::Drop(Reason::CommonWord))
        );
        assert!(matches!(objection("Biscuits are in it.", "Biscuits", 0.95), Some(Objection::Lower(_, _))));
        assert_eq!(objection("that is rubbish again", "rubbish", 0.95), Some(Objection::Drop(Reason::CommonWord)));
        assert_eq!(objection("Ask Mr Brown about it.", "Brown", 0.5), None, "a title");
        assert_eq!(objection("Then Brown came in again.", "Brown", 0.9), None, "a surname");
        assert_eq!(objection("Then Rose came in again.", "Rose", 0.5), None, "a given name");
        assert_eq!(objection("Then Wzgqy came in again.", "Wzgqy", 0.45), Some(Objection::Drop(Reason::UnknownWord)));
        assert_eq!(objection("Then Wzgqy came in again.", "Wzgqy", 0.7), None);
        assert_eq!(
            objection("The Stream Window Operator is new.", "Stream Window Operator", 0.9),
            Some(Objection::Drop(Reason::CommonWord))
        );
    }
}
