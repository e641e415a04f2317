//! Checks on values that may be credentials: placeholder or real, random or word-like, and whether the structure that
//! the format promises is there. They see the value only and must never keep or print it. They decide by shape, so
//! that a documentation example is not taken for a leak and a leak is not taken for an example.

mod placeholder;

pub(crate) use self::placeholder::{is_placeholder, is_reference};
use self::placeholder::{is_repetitive, is_sequence, is_weak_placeholder, is_wrapped};
use super::Validator;

/// The check of this name, for catalog entries.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "secret_placeholder" => is_placeholder,
        "weak_placeholder" => is_weak_placeholder,
        "secret_random" => is_random,
        "secret_password" => is_password_like,
        "secret_reference" => is_reference,
        // For structures that are proof enough, so that only a drawing such as `xxxx` is none.
        "repeated_characters" => is_repetitive,
        "jwt" => is_jwt,
        "basic_auth" => is_basic_auth,
        "pem_body" => is_pem_body,
        "azure_storage_key" => is_sixty_four_bytes,
        "base64_json" => is_base64_json,
        "password_hash" => is_not_a_documented_hash,
        "github_token" => has_github_checksum,
        _ => return None,
    })
}

/// Shannon entropy of the bytes of `value`, in bits per byte; 0 for an empty value.
#[must_use]
pub(crate) fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = value.len() as f64;
    counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total).map(|p| -p * p.log2()).sum()
}

/// How many characters of each kind a value has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) lower: usize,
    pub(crate) upper: usize,
    pub(crate) digit: usize,
    /// ASCII punctuation.
    pub(crate) symbol: usize,
    pub(crate) space: usize,
    /// Letters and signs outside ASCII.
    pub(crate) other: usize,
}

impl Shape {
    pub(crate) fn of(value: &str) -> Self {
        let mut shape = Self::default();
        for character in value.chars() {
            match character {
                'a'..='z' => shape.lower += 1,
                'A'..='Z' => shape.upper += 1,
                '0'..='9' => shape.digit += 1,
                c if c.is_whitespace() => shape.space += 1,
                c if c.is_ascii() => shape.symbol += 1,
                _ => shape.other += 1,
            }
        }
        shape
    }

    pub(crate) fn letters(self) -> usize {
        self.lower + self.upper + self.other
    }
}

/// Whether `value` looks made by a machine: enough entropy for its alphabet, letters and digits, not a sequence.
pub(crate) fn is_random(value: &str) -> bool {
    let shape = Shape::of(value);
    if value.len() < 8 || shape.space > 0 || shape.other > 0 || is_placeholder(value) || is_sequence(value) {
        return false;
    }
    let alphanumeric = shape.letters() + shape.digit;
    if alphanumeric * 3 < value.len() * 2 {
        return false;
    }
    let bits = entropy(value);
    let hexadecimal = value.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if hexadecimal {
        return value.len() >= 16 && bits >= 2.7 && shape.digit > 0;
    }
    let floor = match value.len() {
        0..=11 => 2.6,
        12..=19 => 3.0,
        20..=31 => 3.3,
        _ => 3.6,
    };
    let mixed_case = shape.lower > 1 && shape.upper > 1;
    let mixed = (shape.digit > 0 && (mixed_case || shape.digit * 8 >= value.len()))
        || (mixed_case && value.len() >= 20 && case_changes(value) * 5 >= value.len() * 2);
    bits >= floor && mixed
}

/// How often upper and lower case alternate: random text does it at nearly every second letter, `camelCase` does not.
fn case_changes(value: &str) -> usize {
    let letters: Vec<bool> = value.bytes().filter(u8::is_ascii_alphabetic).map(|b| b.is_ascii_uppercase()).collect();
    letters.iter().zip(letters.iter().skip(1)).filter(|(a, b)| a != b).count()
}

/// Whether `value` may be a password in a place that is meant for one: not a placeholder, not prose, not too short.
pub(crate) fn is_password_like(value: &str) -> bool {
    let length = value.chars().count();
    (4..=128).contains(&length) && !is_placeholder(value) && Shape::of(value).space == 0
}

/// The bytes of base64 text, standard or URL-safe alphabet, padding optional; `None` if another character is in it.
pub(crate) fn base64_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut buffer = 0_u32;
    let mut bits = 0_u32;
    for byte in text.trim_end_matches('=').bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        buffer = (buffer << 6) | u32::from(value);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push(((buffer >> bits) & 0xff) as u8);
        }
    }
    Some(out)
}

/// Whether the first part of a three-part token decodes to a JSON object that names an algorithm (RFC 7515, section 4.1),
/// and it is not the well-known sample of jwt.io.
fn is_jwt(value: &str) -> bool {
    const SAMPLE_PAYLOAD: &str = "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9l";
    let mut parts = value.split('.');
    let (Some(header), Some(payload)) = (parts.next(), parts.next()) else { return false };
    if payload.starts_with(SAMPLE_PAYLOAD) || is_repetitive(payload) {
        return false;
    }
    let Some(bytes) = base64_decode(header) else { return false };
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(&bytes) else { return false };
    fields.contains_key("alg") || fields.contains_key("enc")
}

/// Whether the credentials of HTTP basic authentication decode to `user:password` (RFC 7617).
fn is_basic_auth(value: &str) -> bool {
    base64_decode(value).and_then(|bytes| String::from_utf8(bytes).ok()).is_some_and(|text| {
        text.split_once(':')
            .is_some_and(|(_, password)| !password.is_empty() && !is_wrapped(password) && !is_reference(password))
            && !text.contains(char::is_control)
    })
}

/// Whether the body of a key block holds a key: at least 64 base64 characters that are not a drawing or dots.
fn is_pem_body(value: &str) -> bool {
    let body: String =
        value.lines().filter(|line| !line.contains(": ")).collect::<String>().replace("\\n", "").replace("\\r", "");
    let kept: String = body.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')).collect();
    // Prose about key blocks has a space at every fifth letter; a key on one line has one at every 64th.
    let spaces = body.trim().bytes().filter(|b| *b == b' ').count();
    kept.len() >= 64
        && spaces * 20 < kept.len()
        && entropy(&kept) >= 3.5
        && !value.contains("...")
        && !value.contains("***")
}

/// Whether base64 text holds exactly 64 bytes, as keys of Azure Storage and Cosmos DB do.
fn is_sixty_four_bytes(value: &str) -> bool {
    base64_decode(value).is_some_and(|bytes| bytes.len() == 64) && !is_repetitive(value)
}

/// Whether base64 text holds a JSON object.
fn is_base64_json(value: &str) -> bool {
    base64_decode(value).is_some_and(|bytes| bytes.first() == Some(&b'{')) && !is_repetitive(value)
}

/// Whether a stored hash is more than a row of one character.
fn is_not_a_documented_hash(value: &str) -> bool {
    let tail = value.rsplit('$').next().unwrap_or(value);
    !is_repetitive(tail) && !value.contains("...")
}

/// Whether the last six characters of a classic GitHub token are the CRC-32 of its random part in base 62.
/// Source: <https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>.
pub(crate) fn has_github_checksum(value: &str) -> bool {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((_, body)) = value.split_once('_') else { return false };
    if body.len() != 36 || !body.is_ascii() {
        return false;
    }
    let (random, checksum) = body.split_at(30);
    let mut rest = u64::from(crc32(random.as_bytes()));
    let mut expected = [b'0'; 6];
    for digit in expected.iter_mut().rev() {
        *digit = usize::try_from(rest % 62).ok().and_then(|index| ALPHABET.get(index)).copied().unwrap_or(b'0');
        rest /= 62;
    }
    checksum.as_bytes() == expected
}

/// CRC-32 as in ISO 3309, reflected, polynomial 0xEDB88320.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_secrets() {
        for value in [
            "<API_KEY>",
            "your-key-here",
            "xxxxxxxx",
            "changeme",
            "AKIAIOSFODNN7EXAMPLE",
            "********",
            "${DB_PASSWORD}",
            "$TOKEN",
            "0123456789abcdef0123456789abcdef",
            "a1b2c3d4e5f6a7b8c9d0",
            "00000000-0000-0000-0000-000000000000",
            "{{ secret }}",
            "%DB_PASS%",
            "[insert key]",
            "not-set",
            "os.environ['KEY']",
            "&lt;YOURPASSWORD&gt;",
            "",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in [
            "Tr4mline!Otter88",
            "c8Lw*KhdURqg8zX",
            "hunter2!",
            "Quiche!Lorraine57",
            "9f86d081884c7d659a2f",
            "S0mmer-wind",
            "$2b$12$kWq7vTz",
        ] {
            assert!(!is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn random_values_are_told_from_names() {
        for value in ["9f86d081884c7d659a2feaa0c55ad015", "MAot3dcsdQacliz1Q7K0jZcgrcL5dxQxhSHKVdKS", "Xk29fLq7"] {
            assert!(is_random(value), "{value}");
        }
        for value in [
            "my-service-account-name",
            "getUserAccessTokenFromRequest",
            "refresh_token",
            "text/html",
            "AccessDeniedException",
        ] {
            assert!(!is_random(value), "{value}");
        }
    }

    #[test]
    fn structure_is_checked() {
        assert!(is_jwt("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1aWQiOjQ0NzF9.c2lnbmF0dXJl"));
        assert!(!is_jwt(
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ.x"
        ));
        assert!(!is_jwt("eyJmb28iOiJiYXIifQ.eyJ1aWQiOjQ0NzF9.c2lnbmF0dXJl"), "no alg");
        assert!(is_basic_auth("QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), "RFC 7617's own sample");
        assert!(!is_basic_auth("bm8tY29sb24="));
    }

    #[test]
    fn checksum_of_a_github_token() {
        // Made here: thirty characters and their CRC-32 in base 62.
        let random = "kZ3nQ8vRt1YwLp6XbMc9HsDf2GjA5e";
        let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        let mut rest = u64::from(crc32(random.as_bytes()));
        let mut checksum = String::new();
        for _ in 0..6 {
            checksum.insert(0, char::from(alphabet[usize::try_from(rest % 62).unwrap()]));
            rest /= 62;
        }
        assert!(has_github_checksum(&format!("ghp_{random}{checksum}")));
        assert!(!has_github_checksum(&format!("ghp_{random}000000")));
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926, "the check value of CRC-32/ISO-HDLC");
    }
}
