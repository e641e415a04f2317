//! Judges a value that a name was given: a secret, or a reference, a type, a label, a placeholder. It must not take
//! ordinary code for a leak: in most code the value of `password` is another name.

use super::assign::{Assignment, Form, Sign};
use super::looks::{
    counts, has_inner_symbol, is_code, is_drawn_uuid, is_identifier_path, is_location, is_markup, is_strong,
};
use super::name::Holds;
use super::not_values::NOT_VALUES;
use crate::detect::validators::{Shape, entropy, is_placeholder, is_random, is_reference};

/// The score of a value, from 0 to 1; `None` if it is no secret.
pub(super) fn judge(holds: Holds, name: &str, value: &str, given: &Assignment, login_near: bool) -> Option<f32> {
    let value = value.trim();
    let shape = Shape::of(value);
    let length = value.chars().count();
    let lowest = if holds == Holds::Password { 4 } else { 8 };
    let unquoted = value.trim_matches(['\'', '"', '\\']);
    if length < lowest || is_placeholder(unquoted) || is_reference(unquoted) || closes_a_string(value) {
        return None;
    }
    let folded = value.to_lowercase();
    let core = folded.trim_matches(|c: char| !c.is_alphanumeric());
    if NOT_VALUES.contains(&core) || is_location(value) || is_markup(value) {
        return None;
    }
    if given.form != Form::Quoted && is_code(value) {
        return None;
    }
    match holds {
        Holds::Password => password(name, value, core, shape, given, login_near),
        Holds::AnyKey => (shape.space == 0
            && is_random(value)
            && length >= 20
            && name.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c.is_ascii_digit()))
        .then_some(0.55),
        _ => machine_made(holds, value, shape, given),
    }
}

/// Values of passwords may be any word, so the place decides how much the word must look like one.
fn password(name: &str, value: &str, core: &str, shape: Shape, given: &Assignment, login_near: bool) -> Option<f32> {
    let marked = shape.digit > 0 || has_inner_symbol(value) || (shape.lower > 0 && mixed_inside(value));
    if shape.space > 0 {
        return spaced_password(value, shape, given);
    }
    if is_identifier_path(value) && given.form != Form::Quoted || is_rule_list(value) {
        return None;
    }
    let spelled = given.form == Form::Bare && !given.tight && names_itself(&without_leet_signs(core));
    if (names_itself(core) || spelled) && shape.digit == 0 && !(given.tight && is_shouting(name)) {
        // `thisismypassword` is a password that people do use; `confirm_password` is the name of a field.
        let plain = shape.lower == value.len()
            && value.len() >= 12
            && (given.form == Form::Quoted || (given.form == Form::Bare && given.tight))
            && matches!(given.sign, Sign::Equals | Sign::Colon | Sign::Markup);
        return plain.then_some(0.5);
    }
    match (given.form, given.sign) {
        (Form::Quoted, Sign::Argument) => (marked && !is_ordinary_name(value)).then_some(0.6),
        (Form::Quoted, Sign::Compare) => (!is_ordinary_name(value) || value.len() >= 8).then_some(0.55),
        (Form::Quoted, Sign::Space) => {
            if marked {
                Some(0.75)
            } else {
                (value.len() >= 5 && shape.upper == 0).then_some(0.5)
            }
        }
        (Form::Quoted, _) => {
            if marked && !is_ordinary_name(value) {
                Some(0.85)
            } else if is_camel_case(value) || value.contains('_') && shape.digit == 0 && shape.upper > 0 {
                None
            } else {
                Some(if login_near { 0.65 } else { 0.55 })
            }
        }
        (Form::Bare, sign) => {
            if marked && !is_ordinary_name(value) {
                Some(if sign == Sign::Equals { 0.8 } else { 0.75 })
            } else if is_shouting(name) && (given.tight || shape.digit > 0) || login_near {
                (!is_camel_case(value)).then_some(0.55)
            } else if given.tight && sign == Sign::Equals && shape.digit > 0 && value.contains('-') {
                // No language has names with a hyphen where it writes `name=value` without spaces.
                Some(0.5)
            } else {
                None
            }
        }
        (Form::BareInText, _) => (marked && is_strong(value)).then_some(0.7),
    }
}

/// `required|string|min:8`: rules that a field is checked by.
fn is_rule_list(value: &str) -> bool {
    let is_rule = |rule: &str| {
        let name = rule.split(':').next().unwrap_or_default();
        name.len() >= 2 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    value.contains('|') && value.split('|').all(is_rule)
}

/// What was read as an opening quote closed a string: `'password = ' . $name . '…'`.
fn closes_a_string(value: &str) -> bool {
    value.starts_with([',', ')', ';']) || [".$", ". ", "+ ", "+$", ".("].iter().any(|begin| value.starts_with(begin))
}

/// A password of two or three words in quotes; more are prose.
fn spaced_password(value: &str, shape: Shape, given: &Assignment) -> Option<f32> {
    const PROSE: &[&str] = &[
        "password",
        "your",
        "the",
        "is",
        "are",
        "required",
        "must",
        "invalid",
        "wrong",
        "incorrect",
        "enter",
        "confirm",
        "forgot",
        "reset",
        "new",
        "please",
        "and",
        "or",
        "for",
        "not",
        "no",
        "a",
        "an",
        "to",
        "of",
        "at",
        "least",
        "characters",
        "mot",
        "passwort",
        "contraseña",
        "too",
        "short",
        "does",
        "match",
        "failed",
        "user",
        "email",
        "login",
        "in",
        "with",
        "from",
    ];
    if given.form != Form::Quoted
        || matches!(given.sign, Sign::Argument | Sign::Compare)
        || value.ends_with(['.', ':', '?'])
    {
        return None;
    }
    let mut count = 0;
    for word in value.split_whitespace() {
        count += 1;
        if count > 3 || PROSE.contains(&word.to_lowercase().trim_matches(|c: char| !c.is_alphanumeric())) {
            return None;
        }
    }
    (shape.digit > 0 || shape.upper == 0).then_some(0.5)
}

/// Tokens, keys and secrets are made by machines; a plain word is none, except where `secret` is given one in quotes.
fn machine_made(holds: Holds, value: &str, shape: Shape, given: &Assignment) -> Option<f32> {
    if shape.space > 0 || is_drawn_uuid(value) {
        return None;
    }
    // Issued by a service, and then changed by hand; what people choose themselves may well count.
    if matches!(holds, Holds::ApiKey | Holds::Token) && counts(value) {
        return None;
    }
    if is_random(value) && !is_identifier_path(value) && !is_ordinary_name(value) {
        let long = value.len() >= 16;
        return Some(match given.form {
            Form::Quoted => {
                if long {
                    0.85
                } else {
                    0.7
                }
            }
            Form::Bare => {
                if long {
                    0.8
                } else {
                    0.6
                }
            }
            Form::BareInText => {
                if long {
                    0.7
                } else {
                    return None;
                }
            }
        });
    }
    // A person's own secret: punctuation and digits mixed in, or a word compared with.
    let symbols_inside =
        shape.symbol >= 2 && shape.digit >= 1 && shape.letters() >= 4 && value.len() >= 10 && entropy(value) >= 3.0;
    match (holds, given.form, given.sign) {
        (
            Holds::Secret | Holds::CryptoKey | Holds::ApiKey,
            Form::Quoted | Form::Bare,
            Sign::Equals | Sign::Colon | Sign::Markup,
        ) if symbols_inside && !is_identifier_path(value) && has_rare_symbol(value) => Some(0.75),
        (Holds::Secret, Form::Quoted, Sign::Equals | Sign::Colon)
            if has_inner_symbol(value) && shape.letters() >= 8 && value.len() >= 12 && !value.starts_with('#') =>
        {
            Some(0.55)
        }
        (Holds::Secret, Form::Quoted, Sign::Compare) if shape.lower >= 6 && value.contains('-') => Some(0.5),
        _ => None,
    }
}

/// Words joined by `_` or `-`, or one word with at most a digit or two at its end: names of things.
fn is_ordinary_name(value: &str) -> bool {
    let joined = value.contains(['_', '-', '.']);
    let stem = value.trim_end_matches(|c: char| c.is_ascii_digit());
    let plain = |part: &str| {
        let case = Shape::of(part);
        part.bytes().all(|b| b.is_ascii_alphabetic())
            && (case.upper == 0
                || case.lower == 0
                || (case.upper == 1 && part.as_bytes().first().is_some_and(u8::is_ascii_uppercase)))
    };
    joined && value.len() - stem.len() <= 2 && stem.split(['_', '-', '.']).all(plain)
}

/// `getValue`, `SecretString`.
fn is_camel_case(value: &str) -> bool {
    let shape = Shape::of(value);
    shape.digit == 0
        && shape.symbol == 0
        && shape.upper > 0
        && shape.lower > 0
        && value.bytes().skip(1).any(|b| b.is_ascii_uppercase())
}

fn mixed_inside(value: &str) -> bool {
    value.chars().skip(1).any(|c| c.is_ascii_uppercase()) && !is_camel_case(value)
}

fn has_rare_symbol(value: &str) -> bool {
    value.chars().any(|c| matches!(c, '!' | '#' | '$' | '%' | '&' | '*' | '?' | '+' | '=' | '~' | '^' | '@'))
}

/// `password`, `dbPassword`, `user_token`: a value that only repeats what the name says.
fn names_itself(core: &str) -> bool {
    ["password", "passwd", "passwort", "secret", "token", "pwd", "contraseña", "wachtwoord"]
        .iter()
        .any(|word| core.contains(word))
}

/// `super$ecret`, `p@ssword`: signs that stand for a letter are read as it.
fn without_leet_signs(core: &str) -> String {
    core.replace('$', "s").replace('@', "a")
}

/// A name of an environment file: capitals only.
fn is_shouting(name: &str) -> bool {
    name.bytes().any(|b| b.is_ascii_uppercase()) && !name.bytes().any(|b| b.is_ascii_lowercase())
}
