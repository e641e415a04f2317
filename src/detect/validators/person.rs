//! Names of people and organisations in fields: what is written there when nobody is meant. A name itself cannot be
//! checked; these refuse words of code, blanks to be filled in, and words that no person is called.

use super::Validator;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "person_in_field" => person_in_field,
        "organisation_name" => organisation_name,
        "academic_title" => is_academic_title,
        _ => return None,
    })
}

/// Whether the value is a title that stands before a name, and no name: "Frau Dr." names nobody.
fn is_academic_title(value: &str) -> bool {
    let words = value.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    words.into_iter().all(|word| TITLES.contains(&word.to_lowercase().as_str()))
}

/// Academic and professional titles as they stand behind an address, without their stops.
const TITLES: &[&str] = &[
    "dipl",
    "doc",
    "dott",
    "dottore",
    "dottoressa",
    "dr",
    "dra",
    "drs",
    "hab",
    "habil",
    "ing",
    "inż",
    "ir",
    "lic",
    "mag",
    "med",
    "mgr",
    "mr",
    "mudr",
    "phd",
    "prof",
    "professor",
    "ssa",
    "univ",
];

/// Values of fields for names that are types, states or blanks.
const NO_NAMES: &[&str] = &[
    "any",
    "array",
    "bool",
    "boolean",
    "char",
    "charfield",
    "column",
    "date",
    "default",
    "enum",
    "false",
    "field",
    "first",
    "fullname",
    "last",
    "name",
    "firstname",
    "lastname",
    "surname",
    "input",
    "int",
    "integer",
    "label",
    "length",
    "list",
    "max",
    "min",
    "n/a",
    "na",
    "nil",
    "no",
    "none",
    "not",
    "null",
    "number",
    "object",
    "optional",
    "option",
    "required",
    "schema",
    "str",
    "string",
    "text",
    "textfield",
    "true",
    "tbd",
    "tba",
    "type",
    "undefined",
    "unknown",
    "unassigned",
    "value",
    "varchar",
    "vec",
    "yes",
    "your",
    "enter",
    "please",
    "see",
    "same",
    "sample",
    "example",
    "test",
    "testing",
    "dummy",
    "placeholder",
    "anonymous",
    "redacted",
    "lorem",
    "ipsum",
    "foo",
    "bar",
    "baz",
    "doe",
    "mustermann",
    "musterfrau",
    "bloggs",
    "nobody",
    "somebody",
    "various",
    "multiple",
    "all",
    "other",
    "otro",
    "keine",
    "keiner",
    "unbekannt",
    "aucun",
    "inconnu",
    "ninguno",
    "desconocido",
    "nessuno",
    "brak",
    "ingen",
    "geen",
    "neznámý",
];

/// Words in names of organisations, products and things, and of roles.
const THINGS: &[&str] = &[
    "inc",
    "llc",
    "ltd",
    "plc",
    "gmbh",
    "ag",
    "kg",
    "corp",
    "company",
    "group",
    "holding",
    "holdings",
    "bank",
    "service",
    "services",
    "server",
    "team",
    "department",
    "dept",
    "office",
    "university",
    "school",
    "hospital",
    "clinic",
    "institute",
    "foundation",
    "association",
    "project",
    "system",
    "systems",
    "solutions",
    "software",
    "support",
    "sales",
    "marketing",
    "finance",
    "engineering",
    "operations",
    "security",
    "manager",
    "admin",
    "administrator",
    "user",
    "customer",
    "client",
    "account",
    "data",
    "api",
    "app",
    "application",
    "module",
    "pro",
    "kit",
    "set",
    "pack",
    "model",
    "edition",
    "version",
    "standard",
    "premium",
    "basic",
    "plan",
    "product",
    "item",
    "order",
    "report",
    "build",
    "release",
    "deploy",
    "docs",
    "checkout",
    "workflow",
    "pipeline",
    "job",
    "task",
    "stage",
    "step",
    "config",
    "settings",
    "dashboard",
    "form",
    "list",
    "table",
    "list",
    "page",
    "home",
    "main",
    "global",
    "international",
    "industries",
    "energy",
    "logistics",
    "partners",
    "consulting",
    "labs",
    "technologies",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "street",
    "road",
    "avenue",
    "insurance",
    "council",
    "ministry",
    "city",
    "county",
    "airport",
    "hotel",
];

fn words(value: &str) -> impl Iterator<Item = String> {
    let split = value.split(|c: char| c.is_whitespace() || c == ',');
    split.map(|word| word.trim_matches('.').to_lowercase()).filter(|word| !word.is_empty())
}

/// Whether what stands in a field for a name can be one.
fn person_in_field(value: &str) -> bool {
    let mut long = 0;
    for word in words(value) {
        if NO_NAMES.contains(&word.as_str()) || THINGS.contains(&word.as_str()) {
            return false;
        }
        long += usize::from(word.chars().filter(|c| c.is_alphabetic()).count() >= 2);
    }
    // `FirstName`, `LAST_NAME`: identifiers. `McRae`, `DeVries` and `O'Neil` have one turn, near the start.
    let turns = |word: &str| {
        let letters: Vec<char> = word.chars().collect();
        let turn = |pair: &[char]| matches!(pair, [small, capital] if small.is_lowercase() && capital.is_uppercase());
        letters.windows(2).skip(3).any(turn)
    };
    long > 0 && !value.split([' ', '-', '\'', '’']).any(turns)
}

/// Whether capital words with a legal form, or in a place where only organisations stand, can be an organisation: the
/// first word is no pronoun, greeting or month.
fn organisation_name(value: &str) -> bool {
    const NO_START: &[&str] = &[
        "i",
        "he",
        "she",
        "we",
        "you",
        "they",
        "dear",
        "hi",
        "hello",
        "this",
        "that",
        "these",
        "if",
        "when",
        "where",
        "and",
        "or",
        "but",
        "please",
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "herr",
        "frau",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    words(value).next().is_some_and(|first| !NO_START.contains(&first.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_pass_and_words_of_code_do_not() {
        for name in
            ["Maëlys", "O'Neil", "McRae", "DeVries", "Ines Fairweather", "Wiesenthal, Ottokar", "LEE", "J. R. Roe"]
        {
            assert!(person_in_field(name), "{name}");
        }
        for word in ["String", "Checkout Service", "Acme Inc.", "N/A", "FirstName", "John Doe", "Build Docs", "J."] {
            assert!(!person_in_field(word), "{word}");
        }
    }

    #[test]
    fn organisations_do_not_begin_like_sentences() {
        assert!(organisation_name("Wagner Inc"));
        assert!(!organisation_name("Dear Wagner Inc") && !organisation_name("We, Lynch and Jackson"));
    }
}
