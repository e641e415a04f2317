//! Tells documentation and templates from secrets: `<API_KEY>`, `${TOKEN}`, `xxxx`, `AKIAIOSFODNN7EXAMPLE`. A placeholder
//! taken for a secret costs trust; a secret taken for a placeholder is a leak, so short words count only where they are
//! the whole value.

/// Words that stand in documentation where the secret would be. Matched anywhere, without case and with `_`, `-` and
/// spaces removed.
const PLACEHOLDER_PARTS: &[&str] = &[
    "example",
    "changeme",
    "changeit",
    "placeholder",
    "redacted",
    "replaceme",
    "replacewith",
    "replacethis",
    "insertyour",
    "insertkey",
    "inserttoken",
    "enteryour",
    "putyour",
    "goeshere",
    "yourkey",
    "yourapi",
    "yourtoken",
    "yoursecret",
    "yourpass",
    "youraccess",
    "yourclient",
    "yourown",
    "youraccount",
    "yourproject",
    "yourpersonal",
    "yourdb",
    "yourdatabase",
    "yourstrong",
    "yourreal",
    "yourlicense",
    "yourauth",
    "yourbot",
    "yourprivate",
    "yourcustom",
    "yourvalue",
    "xxxx",
    "dummy",
    "fakekey",
    "fakesecret",
    "faketoken",
    "fakepass",
    "notarealkey",
    "notareal",
    "sampletoken",
    "samplekey",
    "samplesecret",
    "mysecretkey",
    "mysecrettoken",
    "myapikey",
    "mytoken",
    "secrethere",
    "keyhere",
    "tokenhere",
    "passwordhere",
    "somesecret",
    "sometoken",
    "somepassword",
    "somekey",
    "testtoken",
    "testkey",
    "testsecret",
    "apikeyhere",
    "deadbeefdeadbeef",
    "tobefilled",
    "fillmein",
    "hierpasswort",
    "deinpasswort",
    "ihrpasswort",
    "tucontrase",
    "votremotdepasse",
    "suasenha",
];

/// Whole values that are only the name of what belongs there.
const PLACEHOLDER_WORDS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "apikey",
    "value",
    "string",
    "text",
    "none",
    "null",
    "nil",
    "undefined",
    "true",
    "false",
    "todo",
    "tbd",
    "fixme",
    "test",
    "foo",
    "bar",
    "baz",
    "foobar",
    "abc",
    "user",
    "username",
    "login",
    "n/a",
    "na",
    "empty",
    "default",
    "optional",
    "required",
    "credentials",
    "apitoken",
    "accesstoken",
    "secretkey",
    "accesskey",
    "clientsecret",
    "privatekey",
    "passphrase",
    "mypassword",
    "mypass",
    "mysecret",
    "userpassword",
    "mykey",
    "yours",
    "yourself",
    "testing",
    "demo",
    "invalid",
    "fake",
    "sample",
    "passwort",
    "kennwort",
    "geheim",
    "contraseña",
    "contrasena",
    "motdepasse",
    "senha",
    "wachtwoord",
    "lösenord",
    "hasło",
    "p4ssw0rd",
    "somevalue",
    "pw",
    "pin",
    "code",
    "hidden",
    "removed",
    "masked",
    "notset",
    "unset",
    "dummy",
    "redacted",
    "unknown",
    "missing",
];

/// Whether `value` is documentation or a template rather than a secret: `<API_KEY>`, `your-key-here`, `xxxx`, `****`,
/// `AKIAIOSFODNN7EXAMPLE`, `0123456789abcdef`.
pub(crate) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    if value.is_empty() || is_reference(value) || is_wrapped(value) {
        return true;
    }
    let folded: String =
        value.chars().filter(|c| !matches!(c, '_' | '-' | ' ' | '.')).flat_map(char::to_lowercase).collect();
    PLACEHOLDER_WORDS.contains(&folded.as_str())
        || PLACEHOLDER_PARTS.iter().any(|part| folded.contains(part))
        || (folded.starts_with("your") && !folded.bytes().any(|b| b.is_ascii_digit()))
        || is_repetitive(value)
        // `123456789` is a bad password, and one that people have; a key that counts is a sample.
        || (value.len() >= 16 && is_sequence(value))
}

/// As [`is_placeholder`], but lets pass weak words that people do use where a structure says that this is the password.
pub(super) fn is_weak_placeholder(value: &str) -> bool {
    const USED: &[&str] =
        &["secret", "test", "admin", "root", "postgres", "guest", "demo", "login", "default", "geheim", "testing"];
    is_placeholder(value) && !USED.contains(&value)
}

/// `<…>`, `[…]`, `{…}`, `%…%`, `&lt;…`, `**…`.
pub(super) fn is_wrapped(value: &str) -> bool {
    [("<", ">"), ("[", "]"), ("{", "}"), ("%", "%"), ("&lt;", ";"), ("__", "__"), ("(", ")")]
        .iter()
        .any(|(open, close)| value.len() > 2 && value.starts_with(open) && value.ends_with(close))
        || value.contains("***")
        || value.contains("...")
        || value.contains('…')
        || value.contains("•••")
}

/// Few distinct characters for the length: `aaaaaaaa`, `00000000-0000-…`, `x1x1x1x1`.
pub(super) fn is_repetitive(value: &str) -> bool {
    let mut seen = Vec::new();
    let mut counted = 0_usize;
    let mut longest = 0_usize;
    let mut run = 0_usize;
    let mut previous = None;
    for character in value.chars().filter(|c| c.is_alphanumeric() || *c == '*') {
        counted += 1;
        run = if previous == Some(character) { run + 1 } else { 1 };
        longest = longest.max(run);
        previous = Some(character);
        if seen.len() < 4 && !seen.contains(&character) {
            seen.push(character);
        }
    }
    (counted >= 6 && seen.len() <= 2) || (counted >= 16 && seen.len() <= 3) || (longest >= 8 && longest * 2 >= counted)
}

/// Characters that count up or down, alone or in two interleaved rows: `0123456789abcdef`, `a1b2c3d4e5f6`.
pub(super) fn is_sequence(value: &str) -> bool {
    let bytes: Vec<u8> = value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_lowercase()).collect();
    if bytes.len() < 10 {
        return false;
    }
    let step = |a: u8, b: u8| {
        b == a.wrapping_add(1)
            || a == b.wrapping_add(1)
            || matches!((a, b), (b'9', b'0' | b'a') | (b'z' | b'f', b'a' | b'0'))
    };
    let share = |distance: usize| {
        let pairs = bytes.len().saturating_sub(distance);
        let hits = bytes.iter().zip(bytes.iter().skip(distance)).filter(|(a, b)| step(**a, **b)).count();
        pairs > 0 && hits * 10 >= pairs * 6
    };
    share(1) || share(2)
}

/// Whether `value` only refers to a secret that is kept elsewhere: a variable, a lookup, a secret manager's path.
pub(crate) fn is_reference(value: &str) -> bool {
    const INSIDE: &[&str] = &[
        "${",
        "$(",
        "#{",
        "{{",
        "}}",
        "<%",
        "%>",
        "process.env",
        "os.environ",
        "os.getenv",
        "getenv(",
        "ENV[",
        "env(",
        "secrets.",
        "Secret(",
        "secretsmanager",
        "arn:aws",
        "keyvault",
        "vault:",
        "vault kv",
        "op://",
        "ssm:",
        "kms:",
        "valueFrom",
        "secretKeyRef",
        "$_POST",
        "$_GET",
        "$_ENV",
        "$_SERVER",
        "$this",
        "self.",
        "this.",
        "config.",
        "config[",
        "params[",
        "params.",
        "request.",
        "req.",
        "args.",
        "settings.",
        "options.",
        "opts.",
        "var.",
        "local.",
        "data.",
        "module.",
        "env.",
        "Env.",
        "String(",
        "credentials.",
        "import.meta",
    ];
    if INSIDE.iter().any(|part| value.contains(part)) {
        return true;
    }
    let mut characters = value.chars();
    match characters.next() {
        // `$NAME`, but not a hash such as `$2b$…`.
        Some('$') => {
            let rest = characters.as_str();
            rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !is_crypt(value)
        }
        Some('%') => {
            value.len() > 2
                && characters
                    .as_str()
                    .bytes()
                    .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'(')
                    .count()
                    > 0
                && (value.ends_with('%') || value.ends_with("s") && value.len() <= 3 || value.starts_with("%("))
        }
        _ => false,
    }
}

fn is_crypt(value: &str) -> bool {
    value.split('$').nth(1).is_some_and(|id| {
        [
            "1", "2a", "2b", "2x", "2y", "5", "6", "7", "8", "9", "y", "argon2i", "argon2d", "argon2id", "scrypt",
            "apr1", "P", "H",
        ]
        .contains(&id)
    }) && value.matches('$').count() >= 3
}
