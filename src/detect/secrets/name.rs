//! Names in code and configuration: what `DB_PASSWORD`, `clientSecret` or `aws-access-key` would hold. A name counts by
//! its last word, so `password_length`, `tokenUrl` and `public_key` hold no secret. The words are in `name_words.rs`.

use super::name_words::{API_QUALIFIERS, CRYPTO_QUALIFIERS, NOT_BEFORE, PASSWORDS, SHORT_PASSWORDS, TAILS};

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
