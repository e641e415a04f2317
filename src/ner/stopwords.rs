//! Words that small models take for names, by the class that says what they are. The classes stand whole in
//! `lists/no_names.txt` and `lists/countries.txt`; a word belongs there because it is of the class, never because one
//! text had it wrong.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// What a word that is no name is instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// A month, a weekday, a feast.
    Calendar,
    /// A unit of measure or of money.
    Unit,
    /// A level or a value of a log.
    Log,
    /// A key word or a short word of systems.
    Code,
    /// A language, a system, a product, a vendor.
    Technology,
    /// A product that bears the name of a person.
    Assistant,
    /// A salutation or an exclamation.
    Greeting,
    /// Where or of what faith somebody is.
    Nationality,
}

static CLASSES: LazyLock<HashMap<&'static str, Class>> = LazyLock::new(|| {
    let mut classes = HashMap::new();
    let mut class = None;
    for line in lines(include_str!("lists/no_names.txt")) {
        match line.strip_suffix(':') {
            Some(name) => class = class_of_name(name),
            None => classes.extend(line.split_ascii_whitespace().filter_map(|word| Some((word, class?)))),
        }
    }
    classes
});

static COUNTRIES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| lines(include_str!("lists/countries.txt")).flat_map(str::split_ascii_whitespace).collect());

fn lines(file: &'static str) -> impl Iterator<Item = &'static str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn class_of_name(name: &str) -> Option<Class> {
    Some(match name {
        "calendar" => Class::Calendar,
        "unit" => Class::Unit,
        "log" => Class::Log,
        "code" => Class::Code,
        "technology" => Class::Technology,
        "assistant" => Class::Assistant,
        "greeting" => Class::Greeting,
        "nationality" => Class::Nationality,
        _ => return None,
    })
}

/// What a word is if it is no name; `None` for any other word. Case and the marks around it are ignored.
pub(super) fn class_of(word: &str) -> Option<Class> {
    CLASSES.get(bare(word).as_str()).copied()
}

/// Whether a word is the name of a state or a continent. Case and the marks around it are ignored.
pub(super) fn is_country(word: &str) -> bool {
    COUNTRIES.contains(bare(word).as_str())
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// Whether a word is a form of address or a title, which a name follows.
pub(super) fn is_title(word: &str) -> bool {
    const TITLES: [&str; 54] = [
        "mr",
        "mrs",
        "ms",
        "miss",
        "mx",
        "dr",
        "prof",
        "professor",
        "sir",
        "dame",
        "lord",
        "lady",
        "judge",
        "justice",
        "officer",
        "nurse",
        "rev",
        "father",
        "sister",
        "brother",
        "uncle",
        "aunt",
        "auntie",
        "captain",
        "sergeant",
        "colonel",
        "general",
        "ambassador",
        "herr",
        "herrn",
        "frau",
        "mme",
        "madame",
        "monsieur",
        "mlle",
        "sr",
        "sra",
        "srta",
        "señor",
        "señora",
        "don",
        "doña",
        "sig",
        "signor",
        "signora",
        "dott",
        "senhor",
        "senhora",
        "mevrouw",
        "dhr",
        "pan",
        "pani",
        "hr",
        "fru",
    ];
    TITLES.contains(&bare(word).as_str())
}

/// Whether a word is an article or a possessive that does not stand before a person's name. "a" does in Portuguese.
pub(super) fn is_determiner(word: &str) -> bool {
    matches!(word, "the" | "The" | "an" | "An" | "this" | "This" | "our" | "Our" | "their" | "Their")
}

/// Whether a text speaks of software: then a product that has the name of a person is the product.
pub(super) fn speaks_of_software(text: &str) -> bool {
    const SIGNS: [&str; 30] = [
        "agent",
        "agents",
        "ai",
        "api",
        "app",
        "assistant",
        "browser",
        "chatbot",
        "cli",
        "cluster",
        "code",
        "config",
        "container",
        "deploy",
        "endpoint",
        "framework",
        "gateway",
        "http",
        "https",
        "library",
        "llm",
        "mcp",
        "model",
        "models",
        "plugin",
        "prompt",
        "sdk",
        "server",
        "software",
        "yaml",
    ];
    text.split(|c: char| !c.is_alphanumeric())
        .any(|word| word.len() < 10 && SIGNS.contains(&word.to_ascii_lowercase().as_str()))
}

/// Whether a word is a particle inside a name, such as `van`.
pub(super) fn is_particle(word: &str) -> bool {
    matches!(
        word,
        "van"
            | "von"
            | "der"
            | "den"
            | "de"
            | "del"
            | "della"
            | "di"
            | "da"
            | "dos"
            | "das"
            | "do"
            | "la"
            | "le"
            | "du"
            | "des"
            | "el"
            | "al"
            | "bin"
            | "ibn"
            | "ben"
            | "ter"
            | "ten"
            | "te"
            | "zu"
            | "zum"
            | "zur"
            | "af"
            | "av"
            | "y"
            | "e"
            | "i"
            | "d'"
            | "dalla"
            | "los"
            | "las"
    ) || word.starts_with("al-")
        || word.starts_with("el-")
        || word.starts_with("d'")
        || word.starts_with("d’")
        || word.starts_with("l'")
}

/// Whether a word is the legal form or the trade of a company.
pub(super) fn is_company_suffix(word: &str) -> bool {
    matches!(
        word,
        "Ltd"
            | "Limited"
            | "LLC"
            | "LLP"
            | "LP"
            | "Inc"
            | "Incorporated"
            | "Corp"
            | "Corporation"
            | "Company"
            | "Co"
            | "PLC"
            | "plc"
            | "GmbH"
            | "AG"
            | "KG"
            | "mbH"
            | "SE"
            | "e.V"
            | "SA"
            | "S.A"
            | "SARL"
            | "SAS"
            | "SpA"
            | "Srl"
            | "S.r.l"
            | "SL"
            | "S.L"
            | "BV"
            | "B.V"
            | "NV"
            | "AB"
            | "AS"
            | "ApS"
            | "Oy"
            | "Sp"
            | "Pty"
            | "Pvt"
            | "Group"
            | "Holdings"
            | "Holding"
            | "Partners"
            | "Associates"
            | "Brothers"
            | "Bros"
            | "Sons"
            | "Daughters"
            | "Foods"
            | "Bank"
            | "Insurance"
            | "Solutions"
            | "Systems"
            | "Technologies"
            | "Industries"
            | "Enterprises"
            | "Consulting"
            | "Logistics"
            | "Ventures"
            | "Capital"
            | "Motors"
            | "Airlines"
            | "Pharma"
            | "Pharmaceuticals"
            | "University"
            | "College"
            | "Institute"
            | "Foundation"
            | "Hospital"
            | "Hotel"
    )
}

/// Whether a word names a body of the state or of a profession: what stands before it names the body.
pub(super) fn is_institution(word: &str) -> bool {
    matches!(
        word,
        "Court"
            | "Tribunal"
            | "Municipality"
            | "Council"
            | "Ministry"
            | "Directorate"
            | "Department"
            | "Police"
            | "Prosecutor"
            | "Prison"
            | "School"
            | "Academy"
            | "Church"
            | "Solicitors"
            | "Committee"
            | "Commission"
            | "Agency"
            | "Authority"
            | "Association"
            | "Union"
            | "Federation"
            | "Society"
            | "Party"
            | "Club"
            | "Museum"
            | "Library"
            | "Parliament"
            | "Senate"
            | "Assembly"
            | "Army"
            | "Airport"
            | "Embassy"
            | "District"
            | "Province"
            | "County"
            | "Region"
            | "Act"
            | "Law"
            | "Convention"
            | "Treaty"
            | "Agreement"
            | "Protocol"
            | "Services"
            | "Centre"
            | "Center"
            | "Clinic"
            | "Trust"
            | "Bureau"
            | "Registry"
            | "Board"
            | "Chamber"
            | "Office"
            | "Organisation"
            | "Organization"
    )
}

/// Whether the word before a name says that it is a project's.
pub(super) fn is_project_word(word: &str) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    matches!(
        bare,
        "Project" | "project" | "Projekt" | "Projet" | "Proyecto" | "Progetto" | "Operation" | "Codename" | "codename"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_read_and_in_lower_case() {
        for (word, _) in CLASSES.iter() {
            assert_eq!(*word, word.to_lowercase(), "never matched");
        }
        for (word, class) in [
            ("Monday,", Class::Calendar),
            ("kilometres", Class::Unit),
            ("ERROR:", Class::Log),
            ("`impl`", Class::Code),
            ("Kubernetes", Class::Technology),
            ("Hello", Class::Greeting),
            ("Austrian", Class::Nationality),
        ] {
            assert_eq!(class_of(word), Some(class), "{word}");
        }
        assert_eq!(class_of("Anna"), None);
        assert_eq!(class_of(""), None);
        assert!(is_country("Austria") && is_country("Türkiye") && !is_country("Georgia"));
        assert!(COUNTRIES.iter().all(|country| *country == country.to_lowercase()));
    }

    #[test]
    fn months_that_are_given_names_too_stay_possible() {
        for word in ["April", "May", "June", "August"] {
            assert_eq!(class_of(word), None, "{word}");
        }
    }

    #[test]
    fn software_is_told_by_its_words() {
        assert!(speaks_of_software("add the MCP gateway to it"));
        assert!(!speaks_of_software("She met him on the beach and they had ice cream."));
    }
}
