//! Names in code and configuration: what `DB_PASSWORD`, `clientSecret` or `aws-access-key` would hold. A name counts by
//! its last word, so `password_length`, `tokenUrl` and `public_key` hold no secret.

/// What a named value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// A password; any plausible word may be one.
    Password,
    /// A secret that a machine made.
    Secret,
    /// A token that a machine made.
    Token,
    /// An API or access key that a machine made.
    ApiKey,
    /// A key for encryption or signatures.
    CryptoKey,
    /// A cookie or session id.
    Session,
    /// A name that ends in `key` with nothing that says which; only a very random value counts.
    AnyKey,
}

/// The words of a name, lower-case, split at signs and at camelCase; at most the last eight, since only those decide.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut previous_lower = false;
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        if !character.is_alphanumeric() {
            previous_lower = false;
            if !current.is_empty() {
                words.push(std::mem::take(&mut current));
            }
            continue;
        }
        let upper = character.is_ascii_uppercase();
        let next_lower = characters.peek().is_some_and(char::is_ascii_lowercase);
        let ends_acronym = upper && next_lower && current.len() > 1;
        if upper && (previous_lower || ends_acronym) && !current.is_empty() {
            words.push(std::mem::take(&mut current));
        }
        previous_lower = !upper;
        current.push(character.to_ascii_lowercase());
    }
    if !current.is_empty() {
        words.push(current);
    }
    let surplus = words.len().saturating_sub(8);
    words.split_off(surplus)
}

/// Words after the noun that change nothing.
const TAILS: &[&str] = &[
    "value",
    "default",
    "new",
    "old",
    "current",
    "confirm",
    "confirmation",
    "prod",
    "production",
    "dev",
    "development",
    "test",
    "testing",
    "staging",
    "stage",
    "live",
    "local",
    "b64",
    "base64",
    "plain",
    "plaintext",
    "cleartext",
    "str",
    "string",
    "text",
    "raw",
    "env",
    "main",
    "backup",
    "hex",
    "base",
    "primary",
    "secondary",
    "admin",
    "root",
    "db",
    "repeat",
    "again",
    "unencrypted",
    "decrypted",
    "sid",
    "v1",
    "v2",
];

/// Words before the noun that make it an action, a label or a setting.
const NOT_BEFORE: &[&str] = &[
    "forgot",
    "forgotten",
    "reset",
    "show",
    "toggle",
    "is",
    "has",
    "no",
    "without",
    "enable",
    "disable",
    "require",
    "requires",
    "required",
    "invalid",
    "wrong",
    "missing",
    "empty",
    "label",
    "add",
    "edit",
    "change",
    "update",
    "verify",
    "validate",
    "check",
    "hide",
    "max",
    "min",
    "num",
    "next",
    "page",
    "continuation",
    "csrf",
    "xsrf",
    "eos",
    "bos",
    "pad",
    "unk",
    "sep",
    "cls",
    "mask",
    "special",
    "stop",
    "start",
    "prompt",
    "completion",
    "input",
    "output",
    "sync",
    "bypass",
    "compass",
    "public",
    "foreign",
    "sort",
    "partition",
    "cache",
    "object",
    "idempotency",
    "row",
    "index",
    "map",
    "dict",
    "registry",
    "group",
    "search",
    "hash",
    "translation",
    "lookup",
    "unique",
    "host",
    "hot",
    "arrow",
    "composite",
    "natural",
    "routing",
    "metadata",
    "json",
    "error",
    "message",
    "i18n",
    "locale",
    "cancellation",
    "known",
    "fingerprint",
];

const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passwort",
    "kennwort",
    "passphrase",
    "pwd",
    "passcode",
    "passwrd",
    "contrasena",
    "contraseña",
    "senha",
    "haslo",
    "hasło",
    "wachtwoord",
    "losenord",
    "lösenord",
    "motdepasse",
    "mdp",
    "salasana",
    "heslo",
    "pword",
    "clave",
];

const SHORT_PASSWORDS: &[&str] = &[
    "pass",
    "pw",
    "dbpass",
    "userpass",
    "mypass",
    "sshpass",
    "ftppass",
    "smtppass",
    "mysqlpass",
    "adminpass",
    "rootpass",
    "dbpw",
    "authpass",
    "keypass",
    "storepass",
    "mailpass",
    "bindpw",
    "psw",
    "pswd",
];

const API_QUALIFIERS: &[&str] = &[
    "api",
    "access",
    "secret",
    "auth",
    "account",
    "storage",
    "shared",
    "service",
    "app",
    "application",
    "consumer",
    "client",
    "deploy",
    "developer",
    "dev",
    "subscription",
    "stream",
    "insert",
    "ingest",
    "write",
    "read",
    "query",
    "license",
    "licence",
    "integration",
    "bot",
    "webhook",
    "rest",
    "personal",
    "user",
    "admin",
    "server",
    "project",
    "write",
    "tracking",
    "instrumentation",
    "unseal",
    "recovery",
    "personalapi",
];

const CRYPTO_QUALIFIERS: &[&str] = &[
    "private",
    "encryption",
    "encrypt",
    "signing",
    "sign",
    "signature",
    "master",
    "aes",
    "hmac",
    "rsa",
    "ssh",
    "gpg",
    "pgp",
    "preshared",
    "psk",
    "jwt",
    "session",
    "cookie",
    "crypto",
    "cipher",
    "wallet",
    "seed",
    "priv",
    "symmetric",
    "fernet",
    "vapid",
    "wireguard",
    "wg",
    "root",
];

/// What a value of this name would be; `None` if the name says nothing of a secret.
pub(super) fn holds(name: &str) -> Option<Holds> {
    let mut words = words(name);
    while let Some(last) = words.last_mut() {
        let trimmed = last.trim_end_matches(|c: char| c.is_ascii_digit());
        if trimmed.is_empty() || TAILS.contains(&trimmed) {
            words.pop();
            continue;
        }
        let length = trimmed.len();
        last.truncate(length);
        break;
    }
    let head = words.pop()?;
    let before = words;
    let says_no = before.iter().rev().take(2).any(|word| NOT_BEFORE.contains(&word.as_str()));
    let last_before = before.last().map_or("", String::as_str);
    if SHORT_PASSWORDS.contains(&head.as_str()) || PASSWORDS.iter().any(|noun| head.ends_with(noun)) {
        return (!says_no).then_some(Holds::Password);
    }
    let found = match head.as_str() {
        "psk" => Holds::Password,
        "word" | "phrase" if last_before == "pass" => Holds::Password,
        "jsessionid" | "phpsessid" | "sessionid" | "sid" | "sessid" | "cookie" => Holds::Session,
        "id" if last_before == "session" => Holds::Session,
        "pat" if !before.is_empty() => Holds::Token,
        "creds" | "credential" | "credentials" => Holds::Secret,
        "connectionstring" => return None,
        _ if head.ends_with("apikey")
            || head.ends_with("accesskey")
            || head.ends_with("secretkey")
            || head.ends_with("authkey") =>
        {
            Holds::ApiKey
        }
        _ if head.ends_with("privatekey")
            || head.ends_with("masterkey")
            || head.ends_with("presharedkey")
            || head.ends_with("encryptionkey") =>
        {
            Holds::CryptoKey
        }
        _ if head.ends_with("token") => Holds::Token,
        _ if head.ends_with("secret") => Holds::Secret,
        "login" if last_before == "sonar" => Holds::Token,
        "key" => match last_before {
            _ if says_no => return None,
            word if CRYPTO_QUALIFIERS.contains(&word) => Holds::CryptoKey,
            word if API_QUALIFIERS.contains(&word) => Holds::ApiKey,
            "" => return None,
            _ => Holds::AnyKey,
        },
        _ => return None,
    };
    (!says_no).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_decides() {
        for (name, expected) in [
            ("password", Some(Holds::Password)),
            ("DB_PASSWORD", Some(Holds::Password)),
            ("PGPASSWORD", Some(Holds::Password)),
            ("dbPass", Some(Holds::Password)),
            ("adminPwd2", Some(Holds::Password)),
            ("clientSecret", Some(Holds::Secret)),
            ("AWS_SECRET_ACCESS_KEY", Some(Holds::ApiKey)),
            ("X-Api-Key", Some(Holds::ApiKey)),
            ("githubToken", Some(Holds::Token)),
            ("private_key_pem", None),
            ("JWT_SIGNING_KEY", Some(Holds::CryptoKey)),
            ("password_length", None),
            ("passwordLabel", None),
            ("tokenUrl", None),
            ("public_key", None),
            ("max_tokens", None),
            ("next_page_token", None),
            ("bypass", None),
            ("forgot_password", None),
            ("key", None),
            ("password_hash", None),
            ("secretName", None),
            ("JINA_KEY", Some(Holds::AnyKey)),
        ] {
            assert_eq!(holds(name), expected, "{name}");
        }
    }

    #[test]
    fn names_split_at_signs_and_camel_case() {
        assert_eq!(words("myHTTPServer-auth_token"), ["my", "http", "server", "auth", "token"]);
        assert_eq!(words("APIKey"), ["api", "key"]);
    }
}
