//! The language of a text, told by its commonest words. It keeps a word of one language from counting in a text of
//! another: Spanish *sin* is no social insurance number, German *nie* no number of a foreigner. It must never make a
//! short or mixed text lose a finding: where the evidence is thin, every language is possible.
//!
//! Function words and not letter sequences, because logs and code have the letter statistics of some language too, but
//! not its articles; and because the same words are those that must not count. Letters that few languages write help where a text
//! is short. Of 998 texts of `tests/corpus` and `tests/levels` they tell the language of 850, none of them wrongly; most of
//! the others are a line long, or logs and tables.

mod words;

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use words::{COMMON, HOMOGRAPHS, LETTERS};

/// ISO 639-1 codes of the languages that are told.
pub const CODES: [&str; 15] =
    ["en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "no", "fi", "cs", "ro", "tr"];

/// Bytes read from the start of a text, and as many from its middle.
const SAMPLE: usize = 2048;

/// Different common words that it takes to name a language.
const ENOUGH: usize = 4;

/// A language with at least this share of the best one's score is possible too. Danish and Norwegian, and texts in two
/// languages, come out as two.
const RIVAL: f32 = 0.5;

/// Different other words whose letters speak for a language, at most: half of what it takes to name one, because an
/// English text may quote a few.
const BY_LETTERS: usize = 2;

/// Words of the sample for one common word, at most: where common words are rarer, the text is no prose.
const SPARSE: usize = 16;

/// Languages that a text may be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Languages(u16);

/// The languages of a text, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Told {
    /// The languages that are possible: all of them if the text does not tell.
    pub possible: Languages,
    /// The likeliest one; none if the text does not tell.
    pub likeliest: Option<&'static str>,
    /// Share of the likeliest in the evidence, from 0 to 1.
    pub confidence: f32,
}

impl Languages {
    /// Every language, also those that are not told apart.
    pub const ALL: Self = Self(u16::MAX);
    /// Those that are told apart.
    pub const EVERY: Self = Self((1 << CODES.len()) - 1);
    /// None.
    pub const NONE: Self = Self(0);

    /// The language of this code; every language for an empty code or one that is not told.
    #[must_use]
    pub fn of(code: &str) -> Self {
        CODES.iter().position(|known| *known == code).map_or(Self::ALL, |index| Self(1 << index))
    }

    /// These and those.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of them is among those.
    #[must_use]
    pub fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it is known that a text is not in just any language.
    #[must_use]
    pub fn known(self) -> bool {
        self != Self::ALL
    }

    /// Positions of the languages in [`CODES`].
    pub(super) fn indices(self) -> impl Iterator<Item = usize> {
        (0..CODES.len()).filter(move |index| self.0 >> index & 1 == 1)
    }

    /// Whether a word, in small letters, is an everyday word of one of them.
    #[must_use]
    pub fn have_everyday(self, word: &str) -> bool {
        self.known() && TABLE.everyday.get(word).is_some_and(|languages| languages.meet(self))
    }
}

struct Table {
    /// Languages of each common word.
    common: HashMap<&'static str, Languages>,
    /// Languages of each common word or homograph.
    everyday: HashMap<&'static str, Languages>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut common: HashMap<&'static str, Languages> = HashMap::new();
    let add = |table: &mut HashMap<&'static str, Languages>, code: &str, words: &'static str| {
        for word in words.split_whitespace() {
            let languages = table.entry(word).or_insert(Languages::NONE);
            *languages = languages.and(Languages::of(code));
        }
    };
    CODES.iter().zip(COMMON).for_each(|(code, words)| add(&mut common, code, words));
    let mut everyday = common.clone();
    HOMOGRAPHS.iter().for_each(|(code, words)| add(&mut everyday, code, words));
    Table { common, everyday }
});

/// Tells the language of a text, by a sample of at most four kilobytes of it.
#[must_use]
pub fn tell(text: &str) -> Told {
    let table = &*TABLE;
    let mut scores = [0.0_f32; CODES.len()];
    let mut seen: HashMap<&str, u8> = HashMap::new();
    let mut counts = [Count::default(); CODES.len()];
    let mut total = 0;
    let mut by_letters: HashSet<&str> = HashSet::new();
    let mut small = String::new();
    for sample in samples(text) {
        for word in sample.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '’')) {
            if word.is_empty() || word.len() > 24 {
                continue;
            }
            total += 1;
            small.clear();
            small.extend(word.chars().map(|c| if c == '’' { '\'' } else { c }).flat_map(char::to_lowercase));
            let Some((word, languages)) = table.common.get_key_value(small.as_str()) else {
                // Names keep their letters in every language, and begin with a capital one.
                if !word.is_ascii() && small == word && word.chars().count() > 2 && by_letters.insert(word) {
                    count_letters(word, &mut scores, &mut counts);
                }
                continue;
            };
            // A word counts thrice at most: a table that repeats one says no more.
            let times = seen.entry(word).or_default();
            *times = times.saturating_add(1);
            #[allow(clippy::cast_precision_loss)] // at most 15
            let share = 1.0 / languages.0.count_ones() as f32;
            // A single letter is a variable or an item of a list as often as a word.
            let weight = if word.len() == 1 { share / 4.0 } else { share };
            for index in languages.indices() {
                let (Some(score), Some(count)) = (scores.get_mut(index), counts.get_mut(index)) else { continue };
                count.all += 1;
                count.different += usize::from(*times == 1 && word.len() > 1);
                if *times <= 3 {
                    *score += weight;
                }
            }
        }
    }
    decide(&scores, &counts, total)
}

/// Common words of one language in a sample.
#[derive(Clone, Copy, Default)]
struct Count {
    all: usize,
    different: usize,
    /// Those of `different` that speak by their letters.
    by_letters: usize,
}

/// A word that is no common one, but is written with letters of few languages.
fn count_letters(word: &str, scores: &mut [f32; CODES.len()], counts: &mut [Count; CODES.len()]) {
    let Some(languages) = written_in(word) else { return };
    #[allow(clippy::cast_precision_loss)] // at most 15
    let share = 1.0 / languages.0.count_ones() as f32;
    for index in languages.indices() {
        let (Some(score), Some(count)) = (scores.get_mut(index), counts.get_mut(index)) else { continue };
        if count.by_letters < BY_LETTERS {
            count.by_letters += 1;
            count.different += 1;
            count.all += 1;
            *score += share;
        }
    }
}

/// The languages that write every rare letter of a word; none if it has none, or no language has them all.
fn written_in(word: &str) -> Option<Languages> {
    let known = word.chars().filter_map(|c| LETTERS.iter().find(|(letters, _)| letters.contains(c)));
    let codes = known.map(|(_, codes)| codes.iter().fold(Languages::NONE, |all, code| all.and(Languages::of(code))));
    codes.reduce(|all, more| Languages(all.0 & more.0)).filter(|languages| *languages != Languages::NONE)
}

fn decide(scores: &[f32; CODES.len()], counts: &[Count; CODES.len()], total: usize) -> Told {
    const UNKNOWN: Told = Told { possible: Languages::ALL, likeliest: None, confidence: 0.0 };
    let best = scores.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
    let Some((best, score)) = best.filter(|(_, score)| **score > 0.0) else { return UNKNOWN };
    let count = counts.get(best).copied().unwrap_or_default();
    if count.different < ENOUGH || count.all * SPARSE < total {
        return UNKNOWN;
    }
    let possible = scores
        .iter()
        .zip(CODES)
        .filter(|(rival, _)| **rival >= RIVAL * score)
        .fold(Languages::NONE, |all, (_, code)| all.and(Languages::of(code)));
    let sum: f32 = scores.iter().sum();
    Told { possible, likeliest: CODES.get(best).copied(), confidence: score / sum }
}

/// The start of a text, and a piece of its middle if it is long.
fn samples(text: &str) -> [&str; 2] {
    let cut = |from: usize| {
        let from = text.ceil_char_boundary(from.min(text.len()));
        text.get(from..text.floor_char_boundary((from + SAMPLE).min(text.len())))
    };
    let middle = if text.len() > 2 * SAMPLE { cut(text.len() / 2) } else { cut(SAMPLE) };
    [cut(0).unwrap_or_default(), middle.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_is_told_by_a_sentence_or_two() {
        for (code, text) in [
            ("en", "Please send the invoice to our office before the end of the month, and let me know if it is paid."),
            (
                "de",
                "Bitte senden Sie die Rechnung bis zum Ende des Monats an unser Büro, wenn sie noch nicht bezahlt ist.",
            ),
            (
                "fr",
                "Merci de nous envoyer la facture avant la fin du mois, et dites-moi si elle est déjà payée par le client.",
            ),
            (
                "es",
                "Por favor envíe la factura a nuestra oficina antes de que termine el mes y dígame si ya está pagada.",
            ),
            (
                "it",
                "La preghiamo di inviare la fattura prima della fine del mese e di farci sapere se è già stata pagata.",
            ),
            (
                "pt",
                "Por favor envie a fatura para o nosso escritório até ao fim do mês e diga se já foi paga pelo cliente.",
            ),
            (
                "nl",
                "Wilt u de factuur voor het einde van de maand naar ons kantoor sturen, en is deze al door u betaald?",
            ),
            (
                "pl",
                "Proszę przesłać fakturę do naszego biura przed końcem miesiąca i dać znać, czy już jest opłacona przez nas.",
            ),
            (
                "sv",
                "Skicka fakturan till vårt kontor före slutet av månaden och säg till om den inte är betald ännu, tack.",
            ),
            (
                "fi",
                "Lähetä lasku toimistoomme ennen kuun loppua ja kerro, jos se on jo maksettu, mutta ei vielä tilitetty.",
            ),
            (
                "cs",
                "Prosím, pošlete fakturu do naší kanceláře, než skončí měsíc, a dejte nám vědět, když už je zaplacená.",
            ),
            (
                "ro",
                "Vă rugăm să trimiteți factura la biroul nostru până la sfârșitul lunii și să ne spuneți dacă este plătită.",
            ),
            (
                "tr",
                "Lütfen faturayı ay sonundan önce ofisimize gönderin ve daha ödenmedi ise bana bir mesaj ile bildirin.",
            ),
        ] {
            let told = tell(text);
            assert_eq!(told.likeliest, Some(code), "{text}");
            assert!(told.possible.meet(Languages::of(code)));
            assert!(!told.possible.meet(Languages::of(if code == "tr" { "en" } else { "tr" })), "{text}");
        }
        for (code, text) in [
            (
                "da",
                "Send venligst fakturaen til vores kontor, og skriv til mig, hvis den ikke er blevet betalt af kunden.",
            ),
            (
                "no",
                "Send fakturaen til kontoret vårt, og skriv til meg hvis den ikke har blitt betalt av kunden etter nå.",
            ),
        ] {
            assert_eq!(tell(text).likeliest, Some(code), "{text}");
        }
    }

    #[test]
    fn what_is_short_or_no_prose_tells_nothing() {
        for text in [
            "",
            "SIN 046 454 286",
            "nie: X1234567L",
            "die Karte",
            "id,name,phone\n1,Ann,555\n",
            "{\"a\": 1, \"de\": \"x\", \"la\": 2}",
            "fn main() { let x = foo(y, z); if x == 0 { return; } for i in a { b(i); } }",
            "0x00000000 e4 3f 1a\n0x00000010 00 00 01\n",
        ] {
            let told = tell(text);
            assert_eq!((told.possible, told.likeliest), (Languages::ALL, None), "{text}");
        }
    }

    #[test]
    fn letters_help_where_words_are_few_but_names_do_not() {
        assert_eq!(tell("Czy już wpłynęła zaległa płatność?").likeliest, Some("pl"));
        assert_eq!(tell("Wpłynęła zaległa płatność").likeliest, None, "letters alone are half of what it takes");
        assert_eq!(tell("Łukasz Żółkiewski, Małgorzata Łęcka, Święty Józef, Gdańsk, Kraków i Łódź").likeliest, None);
        assert_eq!(written_in("größe"), Some(Languages::of("de")));
        assert_eq!(written_in("résumé"), None);
    }

    #[test]
    fn a_text_in_two_languages_may_be_in_both() {
        let told = tell(
            "Hello, please find the letter of our client below; it was not in English.\n\
             Sehr geehrte Damen und Herren, bitte senden Sie mir die Unterlagen zu, wenn es möglich ist.",
        );
        assert!(told.possible.meet(Languages::of("en")) && told.possible.meet(Languages::of("de")));
        assert!(!told.possible.meet(Languages::of("pl")));
    }

    #[test]
    fn everyday_words_are_those_of_the_language() {
        let spanish = Languages::of("es");
        assert!(spanish.have_everyday("sin") && !spanish.have_everyday("curp"));
        assert!(!Languages::of("cs").have_everyday("fin"));
        assert!(!Languages::ALL.have_everyday("sin"), "an unknown language has no everyday words");
        assert!(Languages::of("de").have_everyday("nie") && Languages::of("nl").have_everyday("of"));
    }

    #[test]
    fn a_long_text_is_sampled() {
        let text = format!("{}{}", "# \n".repeat(4000), "this is the house that was built by them ".repeat(400));
        assert_eq!(tell(&text).likeliest, Some("en"));
    }
}
