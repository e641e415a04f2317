//! What cannot be what the model says. Small models call pieces of code names, numbers addresses, hashes licences and
//! times phones; simple facts about the whole word tell. A dropped entity costs recall, so each rule here stands for a
//! kind of mistake that was measured on many texts, and none for a single one.

use std::ops::Range;

use super::labels::Role;
use super::lexicon::is_given_name;
use super::prose::Capitals;
use super::reason::Reason;
use super::spans::Entity;
use super::stopwords::is_particle;
use super::wording::{Objection, object};

/// What becomes of an entity.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Judged {
    /// Bytes of the part; never more than the entity's.
    pub(super) range: Range<usize>,
    /// The score that it keeps.
    pub(super) score: f32,
    /// Whether it is a place and not the address that the model says.
    pub(super) only_a_place: bool,
    /// Why it is less than what the model said.
    pub(super) lowered: Option<Reason>,
}

/// Identifiers have checksums, which the rules verify; what the model alone calls one stays below
/// [`crate::detect::Likelihood::Possible`].
const IDENTIFIER_CAP: f32 = 0.35;
/// The same for a model that is taken at its word: such a number counts, and a policy that asks for 0.5 waits for a rule
/// or for a person beside it.
const BELIEVED_IDENTIFIER_CAP: f32 = 0.49;
/// A number of an account or a case, which nothing can check.
const NUMBER_CAP: f32 = 0.6;
/// Shorter numbers identify nobody.
const FEWEST_DIGITS: usize = 4;
/// A number that only the model calls a phone. The rules know the formats and the words that go with them.
const PHONE_CAP: f32 = 0.6;
/// Least probability in text that is not prose.
const MACHINE_FLOOR: f32 = 0.85;
/// The same for a name that the lists know.
const LISTED_MACHINE_FLOOR: f32 = 0.5;
/// Least probability of a name without a capital, where nobody writes capitals.
const SMALL_FLOOR: f32 = 0.75;
/// The same where others do write capitals: half of what a model is less sure of there is a common noun.
const SURE_SMALL_FLOOR: f32 = 0.97;
/// What such a name keeps: such text is short and its words are often nicknames and common nouns.
const SMALL_FACTOR: f32 = 0.7;
/// Least probability of a single word in capitals among others that are not: mostly an acronym.
const ACRONYM_FLOOR: f32 = 0.9;

/// Judges an entity by its words and what stands around it. `place_before` is where the last place or address ended.
/// Without `form_rules` only by what no name, number or address can be, whoever says so.
///
/// # Errors
/// The reason why it is dropped.
pub(super) fn judge(
    text: &str,
    entity: &Entity,
    place_before: Option<usize>,
    form_rules: bool,
) -> Result<Judged, Reason> {
    let value = text.get(entity.range.clone()).ok_or(Reason::Empty)?;
    let kept = |score: f32, lowered| Judged { range: entity.range.clone(), score, only_a_place: false, lowered };
    let unless = |wrong: bool, reason: Reason| if wrong { Err(reason) } else { Ok(()) };
    let digits = value.chars().filter(char::is_ascii_digit).count();
    match entity.role {
        role if !form_rules && (role.is_person() || role.is_place()) => {
            unless(!value.contains(char::is_alphabetic), Reason::NoLetters)?;
            unless(is_glued(text, &entity.range), Reason::PartOfLonger)?;
            Ok(kept(entity.score, None))
        }
        Role::Number if !form_rules => {
            unless(digits == 0, Reason::FewDigits)?;
            Ok(kept(entity.score.min(NUMBER_CAP), Some(Reason::NoChecksum)))
        }
        Role::GivenName | Role::Surname | Role::Person => name(text, entity),
        Role::Place | Role::Region => {
            unless(!value.contains(char::is_alphabetic), Reason::NoLetters)?;
            name(text, entity)
        }
        Role::Building => Err(Reason::HouseNumberAlone),
        Role::PostalCode => postal_code(text, value, entity, place_before),
        Role::Address | Role::Street | Role::Unit => address(text, value, entity),
        Role::Phone => {
            unless(!is_phone(value), Reason::NotAPhone)?;
            unless(is_glued(text, &entity.range), Reason::PartOfLonger)?;
            Ok(kept(entity.score.min(PHONE_CAP), Some(Reason::FormatUnchecked)))
        }
        Role::Email => unless(!value.contains('@'), Reason::NoAtSign).map(|()| kept(entity.score, None)),
        Role::Url => unless(!value.contains(['.', '/']), Reason::NotAUrl).map(|()| kept(entity.score, None)),
        Role::Identifier | Role::Number => {
            unless(digits < FEWEST_DIGITS, Reason::FewDigits)?;
            let cap = if form_rules { IDENTIFIER_CAP } else { BELIEVED_IDENTIFIER_CAP };
            Ok(kept(entity.score.min(cap), Some(Reason::NoChecksum)))
        }
        Role::Other => Ok(kept(entity.score, None)),
    }
}

/// A person or a place: words that could be a name, not a piece of code, of a mail address or of a company's name.
fn name(text: &str, entity: &Entity) -> Result<Judged, Reason> {
    let range = capitalised(text, entity).ok_or(Reason::NoCapital)?;
    let value = text.get(range.clone()).ok_or(Reason::Empty)?;
    if is_glued(text, &range) {
        return Err(Reason::PartOfLonger);
    }
    if !value.split_whitespace().all(could_be_name) {
        return Err(Reason::NotAWord);
    }
    let person = !matches!(entity.role, Role::Place | Role::Region);
    let listed = person && value.split_whitespace().any(is_given_name);
    let objection = if person { object(text, &range, entity) } else { None };
    if let Some(Objection::Drop(reason)) = objection {
        return Err(reason);
    }
    let machine_floor = if listed { LISTED_MACHINE_FLOOR } else { MACHINE_FLOOR };
    if entity.looks.is_machine() && entity.score < machine_floor {
        return Err(Reason::MachineText);
    }
    let single = !value.contains(char::is_whitespace);
    let capitals = value.chars().filter(|c| c.is_alphabetic()).all(char::is_uppercase);
    if single && capitals && value.contains(char::is_uppercase) && entity.looks.capitals != Capitals::All {
        let letters = value.chars().count();
        if !listed && (entity.score < ACRONYM_FLOOR || letters < 4) {
            return Err(Reason::Acronym);
        }
    }
    let small = !value.contains(char::is_uppercase) && value.contains(char::is_lowercase);
    let range = if person { with_initials(text, range) } else { range };
    let judged = |score: f32, lowered| Judged { range: range.clone(), score, only_a_place: false, lowered };
    Ok(match objection {
        Some(Objection::Place(reason)) => Judged { only_a_place: true, ..judged(entity.score, Some(reason)) },
        Some(Objection::Lower(factor, reason)) => judged(entity.score * factor, Some(reason)),
        _ if small => judged(entity.score * SMALL_FACTOR, Some(Reason::SmallLetters)),
        _ => judged(entity.score, None),
    })
}

/// Most initials before a name.
const MOST_INITIALS: usize = 4;

/// The name with the initials before it: "G.C. Baker", "H. Winkler".
fn with_initials(text: &str, range: Range<usize>) -> Range<usize> {
    let mut start = range.start;
    for _ in 0..MOST_INITIALS {
        let before = text.get(..start).unwrap_or_default();
        let Some(bare) = before.strip_suffix([' ', '\u{a0}']).unwrap_or(before).strip_suffix('.') else { break };
        let mut letters = bare.char_indices().rev();
        match (letters.next(), letters.next()) {
            (Some((at, letter)), other) if letter.is_uppercase() && other.is_none_or(|(_, c)| !c.is_alphanumeric()) => {
                start = at;
            }
            _ => break,
        }
    }
    start..range.end
}

/// The entity without the words at its ends that have no capital, unless they are particles at its front; where
/// capitals are not used, and where the model is sure of a person that has none, the entity as it is.
fn capitalised(text: &str, entity: &Entity) -> Option<Range<usize>> {
    let value = text.get(entity.range.clone())?;
    if !value.contains(char::is_lowercase) || entity.looks.capitals == Capitals::None {
        let small = entity.looks.capitals == Capitals::None && !value.contains(char::is_uppercase);
        return (!small || entity.score >= SMALL_FLOOR).then(|| entity.range.clone());
    }
    let starts = |word: &str| word.chars().find(|c| c.is_alphabetic()).is_none_or(|c| !c.is_lowercase());
    let mut words = Vec::new();
    let mut at = 0;
    for piece in value.split_inclusive(char::is_whitespace) {
        if let word @ [_, ..] = piece.trim_end().as_bytes() {
            words.push((at, piece.get(..word.len())?));
        }
        at += piece.len();
    }
    let Some(first) = words.iter().position(|(_, word)| starts(word)) else {
        return (entity.role.is_person() && entity.score >= SURE_SMALL_FLOOR).then(|| entity.range.clone());
    };
    let last = words.iter().rposition(|(_, word)| starts(word))?;
    let particles = words.iter().take(first).rev().take_while(|(_, word)| is_particle(word)).count();
    let (from, _) = words.get(first - particles)?;
    let (to, word) = words.get(last)?;
    Some(entity.range.start + from..entity.range.start + to + word.len())
}

/// Whether a word has the form of a name: letters, an apostrophe, a hyphen, a stop; no capital in the middle but after
/// such a mark or a prefix such as `Mc`, and no run of capitals before small letters.
fn could_be_name(word: &str) -> bool {
    let mut letters = 0_usize;
    // Since the last mark: letters, and whether the last one and the one before it were capitals.
    let (mut since, mut capital, mut two_capitals) = (0_usize, false, false);
    for c in word.chars() {
        if c.is_numeric() || matches!(c, '_' | '/' | '\\' | '=' | '<' | '>' | '{' | '}' | '|' | '`' | '$' | '%' | '@') {
            return false;
        }
        if !c.is_alphabetic() {
            (since, capital, two_capitals) = (0, false, false);
            continue;
        }
        letters += 1;
        let prefixed = (2..=4).contains(&since) && NAME_PREFIXES.iter().any(|known| word.starts_with(known));
        if c.is_uppercase() && since > 0 && !capital && !prefixed || c.is_lowercase() && two_capitals {
            return false;
        }
        since += 1;
        two_capitals = c.is_uppercase() && capital;
        capital = c.is_uppercase();
    }
    letters > 0
}

const NAME_PREFIXES: &[&str] =
    &["Mc", "Mac", "De", "Di", "Da", "Du", "La", "Le", "Lo", "Van", "Von", "Fitz", "St", "El", "Al", "Ja", "Del", "Ni"];

/// Whether the entity is a piece of something longer that is no word: of an identifier, a path, a tag, a call, a mail
/// address. "Anna" in `say_anna`, `anna.rs`, `<Anna`, `anna(`, `anna@`; but not in `name=Anna`, `"Anna"`, `>Anna<`.
pub(super) fn is_glued(text: &str, range: &Range<usize>) -> bool {
    let mut before = text.get(..range.start).unwrap_or_default().chars().rev();
    let (last, last_but_one) = (before.next(), before.next());
    let mut after = text.get(range.end..).unwrap_or_default().chars();
    let (next, next_but_one) = (after.next(), after.next());
    let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let glued_before = match last {
        Some('_' | '@' | '/' | '\\' | '$' | '%' | '`' | '<' | '~' | '&') => true,
        Some('.') => word(last_but_one),
        Some(':') => last_but_one == Some(':'),
        Some('-') => word(last_but_one) || last_but_one == Some('-'),
        Some('!') => last_but_one == Some('#'),
        Some('{') => matches!(last_but_one, Some('$' | '{' | '%')),
        Some(c) => c.is_alphanumeric(),
        None => false,
    };
    let glued_after = match next {
        Some('_' | '@' | '(' | '\\' | '`' | '%' | '$' | '~' | '=' | '[' | '{') => true,
        Some('.') => word(next_but_one),
        Some(':') => next_but_one == Some(':'),
        Some('<') => word(next_but_one),
        Some('!') => matches!(next_but_one, Some('(' | '[' | '{')),
        Some('-') => word(next_but_one),
        Some('/') => word(next_but_one),
        Some(c) => c.is_alphanumeric(),
        None => false,
    };
    glued_before || glued_after
}

/// An address has the name of a street and a number; the name alone is a place.
fn address(text: &str, value: &str, entity: &Entity) -> Result<Judged, Reason> {
    let long_word = |word: &str| {
        word.chars().filter(|c| c.is_alphabetic()).count() >= 3 && !word.contains(['_', '{', '}', '=', '<', '>', '\\'])
    };
    if is_glued(text, &entity.range) {
        return Err(Reason::PartOfLonger);
    }
    if !value.split_whitespace().any(long_word) {
        return Err(Reason::NoStreetName);
    }
    if entity.looks.is_machine() && entity.score < MACHINE_FLOOR {
        return Err(Reason::MachineText);
    }
    if value.contains(|c: char| c.is_numeric()) {
        return Ok(Judged { range: entity.range.clone(), score: entity.score, only_a_place: false, lowered: None });
    }
    let judged = name(text, entity)?;
    Ok(Judged { only_a_place: true, lowered: Some(Reason::StreetWithoutNumber), ..judged })
}

/// How far behind a place a postal code still belongs to it, in bytes: a flat or a country stands in between.
const POSTAL_CODE_REACH: usize = 32;

/// A bare number is a postal code only behind a place or behind a word that says so, and then it is a place.
fn postal_code(text: &str, value: &str, entity: &Entity, place_before: Option<usize>) -> Result<Judged, Reason> {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let start = text.ceil_char_boundary(entity.range.start.saturating_sub(POSTAL_CODE_REACH));
    let before = text.get(start..entity.range.start).unwrap_or_default();
    let near = place_before.is_some_and(|end| end >= start);
    let named = || {
        let words = before.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.rev().take(2).any(|word| POSTAL_WORDS.contains(&word.to_lowercase().as_str()))
    };
    let form = (3..=9).contains(&digits) && value.len() <= 12 && !is_glued(text, &entity.range);
    if !form || entity.score < POSTAL_FLOOR || !(near || named()) {
        return Err(Reason::PostalCodeAlone);
    }
    let lowered = Some(Reason::PostalCode);
    Ok(Judged { range: entity.range.clone(), score: entity.score, only_a_place: true, lowered })
}

/// Least probability of a postal code that stands apart from its address.
const POSTAL_FLOOR: f32 = 0.7;
/// Words that announce a postal code.
const POSTAL_WORDS: [&str; 10] =
    ["zip", "zipcode", "postcode", "postal", "plz", "postleitzahl", "cp", "cap", "postnummer", "postnr"];

/// Digits of a telephone number, as ITU-T E.164 allows at most 15; fewer than 7 are an extension.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Whether the digits are a North American number that is kept for fiction: local, with an area code (which begins with 2
/// to 9), or with the country's 1 before it. Elsewhere the same digits are a number like others.
fn is_fiction(digits: &str) -> bool {
    let local = match digits.len() {
        7 => Some(digits),
        10 => digits.get(3..).filter(|_| digits.starts_with(|c: char| c >= '2')),
        11 => digits.get(4..).filter(|_| digits.starts_with('1')),
        _ => None,
    };
    local.is_some_and(|local| local.starts_with("55501"))
}

/// Whether the form of a value allows a phone: enough digits, and none of the forms of a date, a time, an address of
/// the internet or a social security number; nor a number that is kept for fiction, 555-0100 to 555-0199 (NANPA,
/// ATIS-0300115).
fn is_phone(value: &str) -> bool {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    if !PHONE_DIGITS.contains(&digits.len()) || value.contains([':', '=', '_', '\n', '\t']) {
        return false;
    }
    if is_fiction(&digits) {
        return false;
    }
    let groups: Vec<usize> =
        value.split(|c: char| !c.is_ascii_digit()).map(str::len).filter(|length| *length > 0).collect();
    let dotted = value.matches('.').count() == groups.len().saturating_sub(1) && groups.len() == 4;
    !(groups == [3, 2, 4]
        || groups == [4, 2, 2]
        || groups == [2, 2, 4]
        || dotted && groups.iter().all(|length| *length <= 3))
}

#[cfg(test)]
#[allow(clippy::string_slice)] // A wrong range must fail the test.
mod tests {
    use super::super::prose::Looks;
    use super::*;

    /// Judges `value` where it first stands in `text`.
    fn judged(text: &str, value: &str, role: Role, score: f32) -> Option<(String, f32)> {
        let start = text.find(value).unwrap();
        let entity = Entity { range: start..start + value.len(), kind: 0, role, score, looks: Looks::of(text) };
        judge(text, &entity, None, true).ok().map(|judged| (text[judged.range].to_owned(), judged.score))
    }

    #[test]
    fn a_name_in_small_letters_among_capitals_needs_a_sure_model() {
        let text = "That moment when ian connor walks in. Friday again.";
        assert_eq!(judged(text, "ian connor", Role::Person, 0.96), None);
        let (name, score) = judged(text, "ian connor", Role::Person, 0.98).unwrap();
        assert_eq!(name, "ian connor");
        assert!(score < 0.7, "{score}");
        assert_eq!(judged(text, "ian connor", Role::Place, 0.98), None);
    }

    /// The score that a model keeps which is taken at its word.
    fn believed(text: &str, value: &str, role: Role) -> Result<f32, Reason> {
        let start = text.find(value).unwrap();
        let entity = Entity { range: start..start + value.len(), kind: 0, role, score: 0.95, looks: Looks::of(text) };
        judge(text, &entity, None, false).map(|judged| judged.score)
    }

    #[test]
    fn a_model_that_is_believed_is_held_to_what_nothing_can_be() {
        assert_eq!(believed("so will came by today", "will", Role::Person), Ok(0.95));
        assert_eq!(believed("in the May Report", "May", Role::Person), Ok(0.95));
        assert_eq!(believed("call get_anna now", "anna", Role::Person), Err(Reason::PartOfLonger));
        assert_eq!(believed("at 12 or so", "12", Role::Place), Err(Reason::NoLetters));
        assert_eq!(believed("Calle Mayor, Madrid", "Calle Mayor, Madrid", Role::Address), Ok(0.95));
        assert_eq!(believed("id AB123456", "AB123456", Role::Identifier), Ok(BELIEVED_IDENTIFIER_CAP));
        assert_eq!(believed("id AB12", "AB12", Role::Identifier), Err(Reason::FewDigits));
        assert_eq!(believed("case 7/2024", "7/2024", Role::Number), Ok(NUMBER_CAP));
        assert_eq!(believed("case seven", "seven", Role::Number), Err(Reason::FewDigits));
    }

    fn person(text: &str, value: &str) -> bool {
        judged(text, value, Role::GivenName, 0.95).is_some()
    }

    #[test]
    fn names_in_prose_and_in_data_are_kept() {
        for (text, value) in [
            ("Please call Anna Maria Schmidt today.", "Anna Maria Schmidt"),
            ("Jean-Luc O'Neil, Ronald McDonald and DeShawn came.", "Ronald McDonald"),
            ("Jean-Luc O'Neil was there.", "Jean-Luc O'Neil"),
            ("{\"name\":\"Anna Schmidt\",\"age\":4}", "Anna Schmidt"),
            ("name=Anna&x=1 is in the address of that page here, and that is all", "Anna"),
            ("id;name\n7;Anna Schmidt;x", "Anna Schmidt"),
            ("<b>Anna</b> came in and sat down on her chair", "Anna"),
            ("Das ist Anna van der Berg aus Köln.", "Anna van der Berg"),
            ("NAME BRANDHORST ELKE", "BRANDHORST"),
            ("王小明 is here.", "王小明"),
        ] {
            assert!(person(text, value), "{text}");
        }
    }

    #[test]
    fn pieces_of_code_are_no_names() {
        for (text, value) in [
            ("if haystack.len() > 3 then", "len"),
            ("use tokio::io::AsyncReadExt;", "AsyncReadExt"),
            ("call say_hello now", "hello"),
            ("name: OTEL_SERVICE_NAME", "OTEL"),
            ("the `faillback` property", "faillback"),
            ("model: claude-3-sonnet", "claude"),
            ("<ApiField name", "ApiField"),
            ("write to anna.schmidt@example.com now", "schmidt"),
            ("The AzureOpenAI Provider Of Choice", "AzureOpenAI"),
            ("The AWSBedrock Provider Of Choice", "AWSBedrock"),
            ("On Monday we met", "Monday"),
            ("2024-01-01 ERROR Disk full", "ERROR"),
        ] {
            assert!(!person(text, value), "{text}");
        }
    }

    #[test]
    fn companies_and_projects_are_no_people() {
        assert!(!person("The contract with Barber LLC ended.", "Barber"));
        assert!(!person("We sold it to Pellworth Castings Ltd in May.", "Pellworth"));
        assert!(!person("Status of Project Magnolia: green.", "Magnolia"));
        assert!(person("We met Mr Barber. The Group left.", "Barber"));
        assert!(person("Barber, our man at Acme Ltd, left.", "Barber"));
    }

    #[test]
    fn small_words_at_the_ends_are_cut_off_and_small_names_count_where_nobody_writes_capitals() {
        let cut = judged("The Wiebkes ordre public was met by Dover people.", "Wiebkes ordre", Role::Place, 0.9);
        assert_eq!(cut.unwrap().0, "Wiebkes");
        let cut = judged("So Wiebke ordre public was met by Dover people.", "Wiebke ordre", Role::Person, 0.9);
        assert_eq!(cut.unwrap().0, "Wiebke");
        assert!(!person("She asked for a dismissal of the case in Vienna.", "dismissal"));
        let (_, score) = judged("my name is anna smith and i am ill", "anna smith", Role::Person, 0.99).unwrap();
        assert!((0.6..0.75).contains(&score));
        assert!(judged("he aint really happy", "happy", Role::Person, 0.6).is_none());
    }

    #[test]
    fn an_address_needs_a_street_and_a_number() {
        assert!(judged("port 8080 is open", "8080", Role::PostalCode, 0.9).is_none());
        assert!(judged("billing zip 60814.", "60814", Role::PostalCode, 0.9).is_some());
        assert!(judged("restart takes 71 seconds", "71", Role::Building, 0.9).is_none());
        assert!(judged("at 12 Main Street, Springfield", "12 Main Street", Role::Street, 0.9).is_some());
        let street = "She lives in Mill Lane.";
        let start = street.find("Mill").unwrap();
        let entity =
            Entity { range: start..start + 9, kind: 0, role: Role::Street, score: 0.9, looks: Looks::of(street) };
        assert!(judge(street, &entity, None, true).unwrap().only_a_place);
    }

    #[test]
    fn numbers_that_only_the_model_knows_score_low() {
        let id = |value| judged(value, value, Role::Identifier, 0.99).map(|judged| judged.1);
        assert_eq!(id("AB 123456"), Some(IDENTIFIER_CAP));
        assert_eq!(id("Ab-Z"), None);
        let phone = |value| judged(value, value, Role::Phone, 0.99).is_some();
        assert!(phone("+49 30 123456") && phone("(555) 123-4567"));
        assert!(phone("030 555 0142"), "an area code of another country");
        for no in [
            "10:22:01",
            "2024-03-01",
            "219-09-9999",
            "10.0.12.7",
            "4111 1111 1111 1111",
            "12 34",
            "555-0142",
            "(212) 555-0142",
        ] {
            assert!(!phone(no), "{no}");
        }
    }
}
