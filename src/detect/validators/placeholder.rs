//! Blanks that people write where a number would stand: one repeated digit, a counting sequence, letters X.

use super::Validator;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "placeholder" => is_placeholder,
        "has_digit" => has_digit,
        "year" => is_year,
        "not_a_word" => not_a_word,
        "person_handle" => person_handle,
        "username" => username,
        "street_line" => street_line,
        _ => return None,
    })
}

/// Whether the digits repeat one digit or count up or down (123456789, 987654321, 0123456789).
pub(super) fn is_counting_or_repeated(value: &str) -> bool {
    let digits: Vec<u8> = value.bytes().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
    let steps = |step: u8| {
        digits.windows(2).all(|pair| match pair {
            [a, b] => (a + step) % 10 == *b,
            _ => false,
        })
    };
    digits.len() >= 4 && (steps(0) || steps(1) || steps(9))
}

/// Whether the value is a blank to be filled in, or an example number.
pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let marks =
        lower.bytes().filter(u8::is_ascii_alphanumeric).all(|b| b == b'x' || b == b'n' || b == b'0' || b == b'#');
    let words =
        ["xxx", "example", "sample", "your", "placeholder", "dummy", "foobar"].iter().any(|word| lower.contains(word));
    let letters = lower.bytes().any(|b| b.is_ascii_alphabetic());
    marks
        || words
        || (!letters && is_counting_or_repeated(value))
        || lower.ends_with("12345")
        || lower.ends_with("123456")
        || lower.ends_with("1234567")
        || lower.ends_with("12345678")
        || lower.ends_with("123456789")
}

/// Whether the value is a year of our time, and so rather a date than a number that somebody was given.
fn is_year(value: &str) -> bool {
    value.len() == 4 && value.parse().is_ok_and(|year: u32| (1900..2100).contains(&year))
}

/// Whether the value holds a digit.
fn has_digit(value: &str) -> bool {
    value.bytes().any(|b| b.is_ascii_digit())
}

/// Whether the value is a code rather than a word: two digits or more, and no blank.
fn not_a_word(value: &str) -> bool {
    value.bytes().filter(u8::is_ascii_digit).count() >= 2 && !is_placeholder(value)
}

/// Whether the value can be a user name where its label says so: a handle of a person or a number of a login.
fn username(value: &str) -> bool {
    const GENERIC: [&str; 24] = [
        "balance",
        "care",
        "centre",
        "center",
        "helpdesk",
        "hotline",
        "portal",
        "relations",
        "services",
        "success",
        "support",
        "team",
        "postgres",
        "mysql",
        "redis",
        "git",
        "ubuntu",
        "system",
        "service",
        "username_here",
        "content",
        "assistant",
        "client",
        "server",
    ];
    let lower = value.to_lowercase();
    let number = value.len() >= 6 && value.bytes().all(|b| b.is_ascii_digit()) && !is_placeholder(value);
    let blank = lower.contains("your") || lower.contains("example") || lower.contains("username");
    number || (person_handle(value) && !GENERIC.contains(&lower.as_str()) && !blank)
}

/// Whether a number, capital words and `Court` or `Square` can be a street, rather than a court of law or a sentence.
fn street_line(value: &str) -> bool {
    const COURTS: [&str; 24] = [
        "supreme",
        "high",
        "district",
        "regional",
        "county",
        "crown",
        "appeal",
        "appeals",
        "european",
        "constitutional",
        "federal",
        "criminal",
        "civil",
        "administrative",
        "labour",
        "tax",
        "municipal",
        "military",
        "magistrates",
        "security",
        "assize",
        "cassation",
        "rules",
        "state",
    ];
    let mut words = value.split(' ');
    let number = words.next().unwrap_or_default();
    let court = value.contains("Court");
    let law = words.any(|word| COURTS.contains(&word.trim_end_matches(['.', ',']).to_lowercase().as_str()));
    !(court && (law || is_year(number)))
}

/// Whether the value can be the user name of a person: no variable, no word that stands for a user, no number alone.
fn person_handle(value: &str) -> bool {
    const WORDS: [&str; 80] = [
        "name",
        "user",
        "username",
        "users",
        "admin",
        "root",
        "id",
        "guest",
        "test",
        "none",
        "null",
        "nil",
        "true",
        "false",
        "string",
        "str",
        "is",
        "the",
        "a",
        "and",
        "or",
        "not",
        "for",
        "to",
        "in",
        "on",
        "with",
        "this",
        "that",
        "interface",
        "agent",
        "account",
        "input",
        "value",
        "default",
        "anonymous",
        "required",
        "optional",
        "nobody",
        "session",
        "data",
        "type",
        "info",
        "password",
        "can",
        "has",
        "was",
        "will",
        "from",
        "does",
        "who",
        "story",
        "profile",
        "settings",
        "manual",
        "friendly",
        "experience",
        "unknown",
        "param",
        "params",
        "return",
        "returns",
        "throws",
        "link",
        "todo",
        "author",
        "since",
        "deprecated",
        "example",
        "property",
        "override",
        "public",
        "current_user",
        "get_user",
        "user_name",
        "user_id",
        "userid",
        "everyone",
        "here",
        "channel",
    ];
    let lower = value.to_lowercase();
    let bare = lower.trim_start_matches('@');
    // A letter with digits is a type or a variable (i64, x86), and a path into an object is code.
    let short = bare.len() <= 4 && bare.chars().skip(1).all(|c| c.is_ascii_digit());
    let path = ["self.", "this.", "req.", "request.", "ctx.", "user.", "config.", "env."];
    !short
        && !path.iter().any(|head| bare.starts_with(head))
        && bare.chars().count() >= 3
        && bare.chars().any(char::is_alphabetic)
        && !WORDS.contains(&bare)
        && !is_placeholder(bare)
}
