//! Letters that stand for other letters: look-alikes of Latin letters in other scripts, letters and digits in circles
//! and squares, digits and signs that people write for letters; and the key words that decide when they do.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The ASCII letter that a letter of Cyrillic, Greek, Armenian or the phonetic alphabet looks like.
/// Source: Unicode Technical Standard 39, `confusables.txt`; only pairs that look alike in common typefaces.
pub(super) fn look_alike(c: char) -> Option<u8> {
    Some(match c {
        'а' | 'α' | 'ɑ' => b'a',
        'Ь' | 'ь' => b'b',
        'с' | 'ϲ' => b'c',
        'ԁ' => b'd',
        'е' | 'ҽ' => b'e',
        'ɡ' | 'ց' => b'g',
        'һ' | 'հ' => b'h',
        'і' | 'ι' | 'ı' | 'ɩ' => b'i',
        'ј' | 'ϳ' => b'j',
        'к' | 'κ' => b'k',
        'ӏ' | 'ⅼ' => b'l',
        'ո' | 'ռ' => b'n',
        'о' | 'ο' | 'օ' | 'σ' => b'o',
        'р' | 'ρ' => b'p',
        'ԛ' => b'q',
        'ѕ' => b's',
        'т' | 'τ' => b't',
        'υ' | 'ս' => b'u',
        'ν' | 'ѵ' => b'v',
        'ԝ' | 'ω' => b'w',
        'х' | 'χ' => b'x',
        'у' | 'ү' => b'y',
        'А' | 'Α' => b'A',
        'В' | 'Β' => b'B',
        'С' => b'C',
        'Е' | 'Ε' => b'E',
        'Н' | 'Η' => b'H',
        'І' | 'Ι' | 'Ӏ' => b'I',
        'Ј' => b'J',
        'К' | 'Κ' => b'K',
        'М' | 'Μ' => b'M',
        'Ν' => b'N',
        'О' | 'Ο' | 'Օ' => b'O',
        'Р' | 'Ρ' => b'P',
        'Ѕ' => b'S',
        'Т' | 'Τ' => b'T',
        'У' | 'Υ' => b'Y',
        'Х' | 'Χ' => b'X',
        'Ζ' => b'Z',
        _ => return None,
    })
}

/// The ASCII letter or digit inside a circle, a square or brackets.
/// Source: Unicode 16.0, blocks Enclosed Alphanumerics, Dingbats and Enclosed Alphanumeric Supplement.
pub(super) fn enclosed(c: char) -> Option<u8> {
    let code = c as u32;
    let (base, first) = match code {
        0x2460..=0x2468 => (b'1', 0x2460),
        0x2474..=0x247c => (b'1', 0x2474),
        0x249c..=0x24b5 => (b'a', 0x249c),
        0x24b6..=0x24cf => (b'A', 0x24b6),
        0x24d0..=0x24e9 => (b'a', 0x24d0),
        0x24ea => (b'0', 0x24ea),
        0x24f5..=0x24fd => (b'1', 0x24f5),
        0x24ff => (b'0', 0x24ff),
        0x2776..=0x277e => (b'1', 0x2776),
        0x2780..=0x2788 => (b'1', 0x2780),
        0x278a..=0x2792 => (b'1', 0x278a),
        0x1f110..=0x1f129 => (b'A', 0x1f110),
        0x1f130..=0x1f149 => (b'A', 0x1f130),
        0x1f150..=0x1f169 => (b'A', 0x1f150),
        0x1f170..=0x1f189 => (b'A', 0x1f170),
        _ => return None,
    };
    u8::try_from(code - first).ok().map(|index| base + index)
}

/// The letter that a digit or a sign stands for in disguised words; `l` and `i` share their stand-ins, so both are `i`.
fn disguised(byte: u8) -> u8 {
    match byte.to_ascii_lowercase() {
        b'0' => b'o',
        b'1' | b'!' | b'|' | b'l' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' | b'+' => b't',
        b'8' => b'b',
        other => other,
    }
}

/// Words that somebody would disguise or space out, because a reader acts on them: names of secrets and the words of
/// markings, in the languages that the word lists know best.
const KEY_WORDS: &[&str] = &[
    "access",
    "accountnumber",
    "apikey",
    "attorney",
    "classified",
    "client",
    "company",
    "confidencial",
    "confidential",
    "confidentiality",
    "confidentiel",
    "contrasena",
    "credential",
    "credentials",
    "disclose",
    "distribution",
    "embargoed",
    "for",
    "geheim",
    "intern",
    "internal",
    "interne",
    "interno",
    "is",
    "kennwort",
    "key",
    "login",
    "nicht",
    "not",
    "number",
    "only",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "passwort",
    "poufne",
    "private",
    "privileged",
    "proprietary",
    "reservado",
    "restricted",
    "riservato",
    "salary",
    "secret",
    "secrets",
    "senha",
    "sensitive",
    "streng",
    "strictly",
    "the",
    "token",
    "top",
    "undisclosed",
    "use",
    "username",
    "vertraulich",
    "vertrouwelijk",
    "wachtwoord",
];

/// The longest of these words, in bytes.
const LONGEST: usize = 15;

static DISGUISES: LazyLock<BTreeMap<Vec<u8>, &'static str>> = LazyLock::new(|| {
    KEY_WORDS.iter().filter(|word| word.len() >= 3).map(|word| (word.bytes().map(disguised).collect(), *word)).collect()
});

/// The key word of this spelling in lower case.
pub(super) fn key_word(word: &str) -> Option<&'static str> {
    KEY_WORDS.binary_search(&word).ok().and_then(|at| KEY_WORDS.get(at)).copied()
}

/// The key word that a token with digits or signs in it disguises: `p4ssw0rd`, `c0nfidential`, `$ecret`.
pub(super) fn undisguised(token: &str) -> Option<&'static str> {
    if token.len() > LONGEST + 1 {
        return None;
    }
    let folded: Vec<u8> = token.bytes().map(disguised).collect();
    DISGUISES.get(&folded).copied()
}

/// Where the key words of `joined` end, if it is made of two or more: `strictlyconfidential`. The longest word is tried
/// first at each place, which is enough for words none of which goes on as another.
pub(super) fn key_words(joined: &str) -> Option<Vec<usize>> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < joined.len() {
        let longest = LONGEST.min(joined.len() - at);
        let length = (2..=longest)
            .rev()
            .find(|length| joined.get(at..at + length).is_some_and(|word| key_word(word).is_some()))?;
        at += length;
        ends.push(at);
    }
    (ends.len() > 1).then_some(ends)
}

/// The digits in words, in the languages of the word lists; words that several of them share mean the same.
const DIGIT_WORDS: [(u8, &[&str]); 10] = [
    (b'0', &["zero", "oh", "nought", "null", "zéro", "cero", "nul", "noll", "nolla", "nula"]),
    (b'1', &["one", "eins", "un", "une", "uno", "um", "een", "één", "jeden", "ett", "én", "yksi"]),
    (b'2', &["two", "zwei", "zwo", "deux", "dos", "due", "dois", "twee", "dwa", "två", "to", "kaksi"]),
    (b'3', &["three", "drei", "trois", "tres", "tre", "três", "drie", "trzy", "kolme"]),
    (b'4', &["four", "vier", "quatre", "cuatro", "quattro", "quatro", "cztery", "fyra", "fire"]),
    (b'5', &["five", "fünf", "fuenf", "cinq", "cinco", "cinque", "vijf", "pięć", "fem", "viisi"]),
    (b'6', &["six", "sechs", "seis", "sei", "meia", "zes", "sześć", "sex", "seks", "kuusi"]),
    (b'7', &["seven", "sieben", "sept", "siete", "sette", "sete", "zeven", "siedem", "sju", "syv"]),
    (b'8', &["eight", "acht", "huit", "ocho", "otto", "oito", "osiem", "åtta", "otte", "åtte"]),
    (b'9', &["nine", "niner", "neun", "neuf", "nueve", "nove", "negen", "dziewięć", "nio", "ni"]),
];

/// Words for *twice* and *three times* before a digit.
const REPEATS: [(usize, &[&str]); 2] = [(2, &["double", "doble", "doppel", "dubbel"]), (3, &["triple", "treble"])];

/// By its first byte, which lengths a word about digits can have: most words of a text need no more than this look.
static LENGTHS: LazyLock<[u16; 256]> = LazyLock::new(|| {
    let mut lengths = [0; 256];
    let words = DIGIT_WORDS.iter().flat_map(|(_, words)| words.iter());
    for word in words.chain(REPEATS.iter().flat_map(|(_, words)| words.iter())) {
        if let Some(place) = word.bytes().next().and_then(|first| lengths.get_mut(usize::from(first))) {
            *place |= 1 << word.len();
        }
    }
    lengths
});

/// Whether a word may be one about digits, by its first byte and its length in bytes.
pub(super) fn may_be_digit(first: u8, length: usize) -> bool {
    length < 16
        && LENGTHS.get(usize::from(first.to_ascii_lowercase())).is_some_and(|lengths| lengths >> length & 1 == 1)
}

/// The digit that a word in lower case names.
pub(super) fn digit_word(word: &str) -> Option<u8> {
    DIGIT_WORDS.iter().find(|(_, words)| words.contains(&word)).map(|(digit, _)| *digit)
}

/// How often the digit after this word is meant.
pub(super) fn repeats(word: &str) -> Option<usize> {
    REPEATS.iter().find(|(_, words)| words.contains(&word)).map(|(times, _)| *times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_words_are_in_order_and_short() {
        assert!(
            KEY_WORDS.windows(2).all(|pair| pair[0] < pair[1]),
            "{:?}",
            KEY_WORDS.windows(2).find(|p| p[0] >= p[1])
        );
        assert_eq!(KEY_WORDS.iter().map(|word| word.len()).max(), Some(LONGEST));
    }

    #[test]
    fn disguises_are_seen_through() {
        for (token, word) in [
            ("p4ssw0rd", "password"),
            ("Pa$$w0rd", "password"),
            ("c0nfident1al", "confidential"),
            ("s3cret", "secret"),
            ("$3CR3T", "secret"),
            ("0n1y", "only"),
            ("cl4ss1f1ed", "classified"),
        ] {
            assert_eq!(undisguised(token), Some(word), "{token}");
        }
        for token in ["pass1234", "s3", "c0ffee", "a1b2c3", "h264", "utf8"] {
            assert_eq!(undisguised(token), None, "{token}");
        }
    }

    #[test]
    fn joined_key_words_come_apart() {
        assert_eq!(key_words("strictlyconfidential"), Some(vec![8, 20]));
        assert_eq!(key_words("topsecret"), Some(vec![3, 9]));
        assert_eq!(key_words("confidential"), None, "one word");
        assert_eq!(key_words("topsecrets1"), None);
    }
}
