//! Credentials that have no form of their own: passwords, codes and tokens that only the words around them give away.
//! What has a known prefix or structure is in the catalog (`catalog/secrets*.toml`).
//!
//! One pass finds the words that introduce a secret (`keywords.rs`), and a bounded piece of text at each of them is read
//! as an assignment (`assign.rs`, `name.rs`, `value.rs`) or as a sentence (`prose.rs`, `codes.rs`); a second pass looks for seed
//! phrases (`seed.rs`). Work is linear in the text. It must never keep or print a value: it reports ranges.

mod assign;
mod codes;
mod keyword_table;
mod keywords;
mod literal;
mod looks;
mod markup;
mod name;
mod name_words;
mod not_values;
mod prose;
mod seed;
mod token;
mod value;
mod work;

use std::ops::Range;

use keywords::{Keywords, Word};
use name::Holds;

/// Something behind a word for a secret that is none.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretRefused {
    /// Bytes of the view.
    pub range: Range<usize>,
    /// One line for people.
    pub why: &'static str,
}

/// A span of the view that holds a secret.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretMatch {
    /// Bytes of the view text, on character boundaries.
    pub range: Range<usize>,
    /// Name of an entity type of the catalog.
    pub entity_type: &'static str,
    /// From 0 to 1.
    pub score: f32,
    /// What rule found it.
    pub pattern: &'static str,
    /// A remark for people.
    pub note: &'static str,
}

/// The detector. Build it once; it is read-only afterwards.
#[derive(Debug)]
pub struct Secrets {
    keywords: Keywords,
    seeds: seed::Words,
    digest: String,
}

/// The word lists of the detector could not be made into an automaton.
#[derive(Debug, thiserror::Error)]
#[error("cannot build the key words of the secret detector; report this as a bug")]
pub struct SecretsError(#[source] aho_corasick::BuildError);

impl SecretsError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> crate::error::Kind {
        crate::error::Kind::Internal
    }
}

/// Names of the entity types that it can report; a test holds that it reports no other.
pub const ENTITY_TYPES: [&str; 10] = [
    "ACCESS_CODE",
    "ACCESS_TOKEN",
    "API_KEY",
    "CRYPTO_SEED",
    "CVV",
    "ONE_TIME_CODE",
    "PASSWORD",
    "PRIVATE_KEY",
    "RECOVERY_CODE",
    "SESSION_COOKIE",
];

/// Raised whenever a rule changes, so that records tell versions apart.
const RULES_VERSION: &str = "secrets/1";

impl Secrets {
    /// The detector with its built-in words.
    ///
    /// # Errors
    /// When the automaton cannot be built, which only a change of the words can cause.
    pub fn new() -> Result<Self, SecretsError> {
        let keywords = Keywords::new().map_err(SecretsError)?;
        let mut hasher = blake3::Hasher::new();
        hasher.update(RULES_VERSION.as_bytes());
        for word in Keywords::table() {
            hasher.update(&[0]);
            hasher.update(word.as_bytes());
        }
        Ok(Self { keywords, seeds: seed::Words::new(), digest: hasher.finalize().to_hex().to_string() })
    }

    /// Digest of the rules and words, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Emits every secret of one part's view text. `part` is the caller's index of the part, which nothing here depends on.
    /// Matches may overlap; they come in the order of the words that introduce them.
    pub fn scan(&self, part: usize, view: &str, emit: &mut impl FnMut(SecretMatch)) {
        self.scan_traced(part, view, emit, None);
    }

    /// The same, which also tells what was looked at and is no secret.
    pub fn scan_traced(
        &self,
        _part: usize,
        view: &str,
        emit: &mut impl FnMut(SecretMatch),
        mut refuse: Option<&mut dyn FnMut(SecretRefused)>,
    ) {
        // Several words may lead to one value: `access_token_secret`. Only the last few can.
        let mut last: Option<Range<usize>> = None;
        let mut once = |found: SecretMatch| {
            if last.as_ref() != Some(&found.range) {
                last = Some(found.range.clone());
                emit(found);
            }
        };
        work::read(view.len());
        for (range, word) in self.keywords.find(view) {
            let mut found = false;
            at_word(view, &range, word, &mut |secret| {
                found = true;
                once(secret);
            });
            if let Some(refuse) = refuse.as_deref_mut().filter(|_| !found) {
                refused(view, &range).into_iter().for_each(refuse);
            }
        }
        self.seeds.find(view, &mut |phrase| {
            let note = if phrase.checksum {
                "twelve or more BIP-39 words with a right checksum"
            } else {
                "twelve or more BIP-39 words"
            };
            emit(SecretMatch {
                range: phrase.range,
                entity_type: "CRYPTO_SEED",
                score: phrase.score,
                pattern: "seed_phrase",
                note,
            });
        });
    }
}

/// What follows a word for a secret and is none.
fn refused(view: &str, word: &Range<usize>) -> Option<SecretRefused> {
    let name = assign::name_around(view, word).unwrap_or_else(|| word.clone());
    match assign::after_name(view, &name) {
        Some(given) => {
            let other = view.get(name.clone()).is_some_and(|name| name::holds(name).is_none()) && name != *word;
            let why = if other {
                "the name before it is not the name of a secret itself, such as password_length"
            } else {
                "the name before it may hold a secret, but this value looks like a placeholder, a reference or a common word"
            };
            Some(SecretRefused { range: given.value, why })
        }
        None => {
            let end = view.ceil_char_boundary((name.end + REFUSED_REACH).min(view.len()));
            let why = "a word for a secret stands before it, but the sentence does not give this as the secret";
            is_whole_word(view, word).then_some(SecretRefused { range: name.end..end, why })
        }
    }
}

/// Bytes behind a word for a secret in which a sentence would give it.
const REFUSED_REACH: usize = 64;

fn at_word(view: &str, range: &Range<usize>, word: Word, emit: &mut impl FnMut(SecretMatch)) {
    match word {
        Word::Password | Word::Passphrase | Word::Secret | Word::Token | Word::Key => {
            if named(view, range, word, emit) {
                return;
            }
        }
        _ => {
            if !is_whole_word(view, range) {
                return;
            }
        }
    }
    match word {
        Word::Password | Word::Login if is_whole_word(view, range) => {
            let end = name_end(view, range);
            if let Some((range, score)) =
                prose::password(view, end, word, word == Word::Login && names_a_user(view, range))
            {
                emit(SecretMatch {
                    range,
                    entity_type: "PASSWORD",
                    score,
                    pattern: "password_in_prose",
                    note: "a sentence gives a password",
                });
            } else if word == Word::Password {
                nearby_token(view, end, emit);
            }
        }
        Word::Passphrase if is_whole_word(view, range) => {
            let found =
                prose::password(view, range.end, Word::Password, false).or_else(|| prose::passphrase(view, range.end));
            if let Some((range, score)) = found {
                emit(SecretMatch {
                    range,
                    entity_type: "PASSWORD",
                    score,
                    pattern: "passphrase_in_prose",
                    note: "a sentence gives a pass phrase",
                });
            }
        }
        Word::Secret | Word::Token | Word::Key => {
            if let Some(end) = token::noun_end(view, range, word) {
                nearby_token(view, end, emit);
            }
        }
        Word::Pin | Word::DoorCode | Word::OneTimeCode | Word::CardCode => {
            if let Some((value, score)) = codes::code(view, range, word) {
                let (entity_type, note) = match word {
                    Word::OneTimeCode => ("ONE_TIME_CODE", "a code that is valid once"),
                    Word::CardCode => ("CVV", "the check number of a card"),
                    _ => ("ACCESS_CODE", "a number that opens something"),
                };
                emit(SecretMatch { range: value, entity_type, score, pattern: "code_in_prose", note });
            }
        }
        Word::PlainCode => {
            if let Some((range, score)) = codes::plain_code(view, range) {
                emit(SecretMatch {
                    range,
                    entity_type: "ACCESS_CODE",
                    score,
                    pattern: "code_in_prose",
                    note: "a number that opens something",
                });
            }
        }
        Word::RecoveryCode => {
            for value in codes::recovery_codes(view, range.end) {
                emit(SecretMatch {
                    range: value,
                    entity_type: "RECOVERY_CODE",
                    score: 0.8,
                    pattern: "recovery_code",
                    note: "one of a list of recovery codes",
                });
            }
        }
        _ => {}
    }
}

/// Reads the name around the word and the value it is given. Returns whether a judgement was made: then no sentence is
/// looked for.
fn named(view: &str, range: &Range<usize>, word: Word, emit: &mut impl FnMut(SecretMatch)) -> bool {
    let Some(name_range) = assign::name_around(view, range) else { return true };
    let Some(name) = view.get(name_range.clone()) else { return true };
    // `access_token_secret` holds several words; the last one speaks for the name.
    let holds = if range.end == name_range.end || name.is_ascii() { name::holds(name) } else { None };
    let holds = holds.or_else(|| {
        (matches!(word, Word::Password | Word::Passphrase) && *range == name_range).then_some(Holds::Password)
    });
    let Some(holds) = holds else {
        // `password_length`, `forgot-password`: a name of something else. A word alone may be one of a sentence.
        return *range != name_range;
    };
    let Some(given) = assign::after_name(view, &name_range) else {
        // A sentence goes on with a space or a colon, code with anything else.
        return !view.get(name_range.end..).is_none_or(|rest| {
            rest.starts_with([' ', ':', '\n', '\r', '\t', '*', '`', '\u{ff1a}'])
                && !rest.starts_with('(')
                && !rest.trim_start().starts_with(['=', '{', ';'])
        });
    };
    let Some(text) = view.get(given.value.clone()) else { return true };
    let login_near = holds == Holds::Password && token::login_near(view, name_range.start, given.value.end);
    let Some(score) = value::judge(holds, name, text, &given, login_near) else {
        // `password: it is …` goes on as a sentence; anything else was judged.
        return given.form != assign::Form::BareInText;
    };
    let lead = text.len() - text.trim_start().len();
    let start = given.value.start + lead;
    let entity_type = match holds {
        Holds::Password => "PASSWORD",
        Holds::Secret | Holds::ApiKey | Holds::AnyKey => "API_KEY",
        Holds::Token => "ACCESS_TOKEN",
        Holds::CryptoKey => "PRIVATE_KEY",
        Holds::Session => "SESSION_COOKIE",
    };
    emit(SecretMatch {
        range: start..start + text.trim().len(),
        entity_type,
        score,
        pattern: "assignment",
        note: "a name that holds secrets is given a value",
    });
    true
}

/// A machine-made token close after a word for one: *here is the API key … *.
fn nearby_token(view: &str, end: usize, emit: &mut impl FnMut(SecretMatch)) {
    if let Some((range, score)) = token::after(view, end) {
        emit(SecretMatch {
            range,
            entity_type: "ACCESS_TOKEN",
            score,
            pattern: "random_token",
            note: "a random string near a word for a secret",
        });
    }
}

/// Where the name that the word belongs to ends: `root-Passwort` ends with the word.
fn name_end(view: &str, range: &Range<usize>) -> usize {
    assign::name_around(view, range).map_or(range.end, |name| name.end)
}

/// The word is one for the name of a user: the value after it is no password.
fn names_a_user(view: &str, range: &Range<usize>) -> bool {
    const NAMES: &[&str] = &[
        "user",
        "benutzer",
        "usuario",
        "usuário",
        "utente",
        "utilizador",
        "gebruik",
        "użytk",
        "använd",
        "identifiant",
    ];
    view.get(range.clone()).is_some_and(|word| {
        let word = word.to_lowercase();
        NAMES.iter().any(|name| word.starts_with(name))
    })
}

/// No letter, digit or `_` touches the word.
fn is_whole_word(view: &str, range: &Range<usize>) -> bool {
    let before = view.get(..range.start).and_then(|text| text.chars().next_back());
    let after = view.get(range.end..).and_then(|text| text.chars().next());
    let touches = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    !touches(before) && !touches(after)
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
