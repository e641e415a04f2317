//! Endings that nouns and adjectives take, by language: plural, gender, case, the article that is joined on, the
//! possessive. A term of an inflected list is cut back to its stem, and a word of the text is a form of it if it is the
//! stem with one of these endings. A list of endings and no full stemmer, because a false ending costs a false alarm
//! only where a stem of four letters and more is right, and because terms stay what their authors wrote.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A stem is never cut shorter than this many letters: shorter ones are other words.
const SHORTEST_STEM: usize = 4;

/// Longest ending in bytes.
pub(super) const MAX_ENDING: usize = 16;

/// Endings by language, in the order of [`crate::detect::language::CODES`]; written with and without their diacritics.
const ENDINGS: [&[&str]; 15] = [
    // English: plural
    &["s", "es"],
    // German: case, plural, weak and strong adjectives
    &["e", "en", "er", "es", "em", "n", "s", "ern", "sten", "ste", "in", "innen"],
    // French: feminine and plural
    &["s", "e", "es", "x", "aux", "ale", "ales", "al", "elle", "elles", "el", "els", "els"],
    // Spanish: gender and plural
    &["s", "es", "o", "a", "os", "as", "e"],
    // Italian
    &["o", "a", "i", "e", "ie", "io", "ia", "he", "hi"],
    // Portuguese
    &["s", "es", "o", "a", "os", "as", "e", "l", "is", "ais", "al", "ões", "oes", "ão", "ao"],
    // Dutch: adjective, plural
    &["e", "en", "s", "n", "er", "ers"],
    // Polish: cases of nouns and adjectives
    &[
        "a", "ą", "e", "ę", "y", "i", "u", "o", "ie", "em", "ego", "emu", "ej", "ym", "im", "ymi", "imi", "ych", "ich",
        "ów", "ow", "om", "ami", "ach", "owi", "owie", "ię", "iem", "iego", "iej", "ią", "ia", "iu", "iami", "iach",
    ],
    // Swedish: article, plural, genitive
    &["n", "en", "et", "t", "a", "ar", "er", "or", "na", "arna", "erna", "orna", "s", "ens", "ets", "e", "an", "ande"],
    // Danish
    &["n", "en", "et", "t", "e", "er", "ne", "erne", "ene", "s", "ens", "ets", "r"],
    // Norwegian
    &["n", "en", "et", "t", "a", "e", "er", "ne", "erne", "ene", "s", "ens", "ets", "r", "ar", "ane"],
    // Finnish: cases, possessives
    &[
        "n", "a", "ä", "t", "ta", "tä", "ssa", "ssä", "sta", "stä", "lla", "llä", "lta", "ltä", "lle", "ksi", "na",
        "nä", "in", "en", "i", "ni", "si", "nsa", "nsä", "mme", "nne", "ja", "jä", "jen", "ia", "iä", "ien", "ista",
        "istä", "issa", "issä", "ille", "illa", "illä", "ssani", "ssäni", "stani", "nen", "sen", "set", "sta", "seen",
        "hin", "an", "än", "ensa", "ensä", "eni", "et", "ien", "tta", "ttä", "tteen", "tteet", "tteessa", "tteesta",
        "inen", "ist", "isen", "iset", "ista", "isia", "isiä", "isten", "isesti",
    ],
    // Czech
    &[
        "a", "á", "e", "é", "ě", "i", "í", "o", "u", "ů", "ú", "y", "ý", "ou", "em", "em", "ého", "eho", "ému", "emu",
        "ém", "ým", "ym", "ými", "ymi", "ých", "ych", "ovi", "ové", "ami", "ách", "ech", "ích", "im", "ím", "ími",
        "ho", "mu", "ům", "um", "ce", "ci", "ně",
    ],
    // Romanian: article, gender, plural, genitive
    &[
        "a", "ă", "e", "i", "ii", "iii", "u", "ul", "ului", "lui", "le", "lor", "ilor", "elor", "ele", "ei", "iei",
        "ia", "ie", "ea", "te", "ți", "ti", "uri", "urile", "urilor",
    ],
    // Turkish: plural, possessive, case
    &[
        "lar", "ler", "ı", "i", "u", "ü", "sı", "si", "su", "sü", "ım", "im", "um", "üm", "m", "n", "ın", "in", "un",
        "ün", "nın", "nin", "nun", "nün", "a", "e", "ya", "ye", "da", "de", "ta", "te", "dan", "den", "tan", "ten",
        "ları", "leri", "larım", "lerim", "nda", "nde", "ndan", "nden", "na", "ne", "mız", "miz", "ımız", "imiz",
        "umuz", "ümüz", "nız", "niz", "ınız", "iniz", "unuz", "ünüz", "sının", "sinin", "yı", "yi", "yu", "yü", "nı",
        "ni", "nu", "nü", "dir", "dır", "dur", "dür", "tır", "tir",
    ],
];

/// The endings of a language by its position in [`crate::detect::language::CODES`].
fn endings(language: usize) -> &'static [&'static str] {
    ENDINGS.get(language).copied().unwrap_or_default()
}

/// The stem of a word in small letters: the word without its longest ending.
pub(super) fn stem(word: &str, language: usize) -> &str {
    let cut = |ending: &&str| word.strip_suffix(*ending).filter(|stem| stem.chars().count() >= SHORTEST_STEM);
    endings(language).iter().filter_map(cut).min_by_key(|stem| stem.len()).unwrap_or(word)
}

/// Every ending in order, with the languages that have it as bits: whoever has read a rest of a word asks once for all.
static LANGUAGES: LazyLock<Vec<(&'static str, u32)>> = LazyLock::new(|| {
    let mut languages: BTreeMap<&str, u32> = BTreeMap::new();
    for (language, endings) in ENDINGS.iter().enumerate() {
        endings.iter().for_each(|ending| *languages.entry(ending).or_default() |= 1 << language);
    }
    languages.into_iter().collect()
});

/// The languages in which a stem with this ending, in small letters, is a form of its word: one bit for each by its
/// position in [`crate::detect::language::CODES`].
pub(super) fn languages_with(ending: &str) -> u32 {
    if ending.is_empty() {
        return u32::MAX;
    }
    let found = LANGUAGES.binary_search_by(|(known, _)| (*known).cmp(ending));
    found.ok().and_then(|at| LANGUAGES.get(at)).map_or(0, |(_, languages)| *languages)
}

/// Whether a stem with this ending, in small letters, is a form of the word.
pub(super) fn is_ending(ending: &str, language: usize) -> bool {
    languages_with(ending) & (1 << language) != 0
}

/// A word without the diacritics of the languages above, as people type it on another keyboard: `ż` is `z`.
/// `None` if it has none.
pub(super) fn plain(word: &str) -> Option<String> {
    let mut changed = false;
    let mut plain = String::with_capacity(word.len());
    for c in word.chars() {
        let base = base(c);
        changed |= base != c;
        plain.push(base);
    }
    changed.then_some(plain)
}

/// German and Scandinavian letters written out: `ä` is `ae`, `ø` is `oe`, `å` is `aa`. `None` if there is none.
pub(super) fn written_out(word: &str, language: &str) -> Option<String> {
    if !matches!(language, "de" | "sv" | "da" | "no") {
        return None;
    }
    let mut changed = false;
    let mut plain = String::with_capacity(word.len());
    for c in word.chars() {
        let two = match c {
            'ä' | 'æ' => "ae",
            'ö' | 'ø' => "oe",
            'ü' => "ue",
            'ß' => "ss",
            'å' => "aa",
            _ => {
                plain.push(c);
                continue;
            }
        };
        changed = true;
        plain.push_str(two);
    }
    changed.then_some(plain)
}

/// A Turkish word as its capitals fold: `İ` keeps its length only as itself, and `I` folds to `i`. `None` for a word that
/// capitals do not change.
pub(super) fn turkish_capitals(word: &str, language: &str) -> Option<String> {
    let change = |c| match c {
        'i' => 'İ',
        'ı' => 'i',
        _ => c,
    };
    (language == "tr" && word.contains(['i', 'ı'])).then(|| word.chars().map(change).collect())
}

fn base(c: char) -> char {
    match c {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ą' | 'ă' | 'æ' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'ď' | 'đ' => 'd',
        'è' | 'é' | 'ê' | 'ë' | 'ę' | 'ě' => 'e',
        'ğ' => 'g',
        'ì' | 'í' | 'î' | 'ï' | 'ı' => 'i',
        'ł' => 'l',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
        'ř' => 'r',
        'ś' | 'š' | 'ş' | 'ș' => 's',
        'ť' | 'ţ' | 'ț' => 't',
        'ù' | 'ú' | 'û' | 'ü' | 'ů' => 'u',
        'ý' | 'ÿ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::language::CODES;

    fn index(code: &str) -> usize {
        CODES.iter().position(|known| *known == code).unwrap()
    }

    #[test]
    fn forms_share_a_stem() {
        for (code, words) in [
            ("de", "vertraulich vertrauliche vertraulichen vertrauliches"),
            ("es", "sindicato sindicatos"),
            ("pl", "poufny poufna poufnego poufnych poufne"),
            ("cs", "důvěrný důvěrné důvěrného důvěrných"),
            ("fi", "salainen salaisen salaiset"),
            ("sv", "hemlig hemliga hemligt"),
            ("tr", "gizli"),
            ("ro", "confidențial confidențiale confidențialul"),
        ] {
            let language = index(code);
            let mut words = words.split(' ');
            let stem = stem(words.next().unwrap(), language);
            for word in words {
                let ending = word.strip_prefix(stem);
                assert!(ending.is_some_and(|ending| is_ending(ending, language)), "{code}: {word} of {stem}");
            }
        }
    }

    #[test]
    fn short_words_keep_their_endings() {
        assert_eq!(stem("gewe", index("de")), "gewe");
        assert_eq!(stem("secrets", index("en")), "secret");
        assert_eq!(stem("aids", index("en")), "aids");
    }

    #[test]
    fn words_are_typed_without_diacritics() {
        assert_eq!(plain("ściśle tajne").as_deref(), Some("scisle tajne"));
        assert_eq!(plain("secret"), None);
        assert_eq!(written_out("größe", "de").as_deref(), Some("groesse"));
        assert_eq!(written_out("año", "es"), None);
        assert_eq!(turkish_capitals("dağıtılan gizli", "tr").as_deref(), Some("dağitilan gİzlİ"));
    }

    #[test]
    fn endings_are_short_and_in_small_letters() {
        for ending in ENDINGS.iter().flat_map(|endings| endings.iter()) {
            assert!(ending.len() <= MAX_ENDING && *ending == ending.to_lowercase(), "{ending}");
        }
    }
}
