//! The ways in which a context word is written: inflected, without its diacritics, without its spaces as in the name of a
//! field. A form that is another everyday word of the language is no way to write it.

use super::super::inflection::{plain, stem, turkish_capitals, written_out};
use super::super::words::Ending;
use crate::detect::language::{CODES, Languages};

/// Shortest stem of a single word whose inflected forms are looked for: the forms of a shorter one are other words, as
/// *plac* is none of the Spanish *placa*.
const INFLECTED: usize = 5;

/// How a way to write a word ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wording {
    Plural,
    Inflected(usize),
}

impl Wording {
    /// What may follow a term that is written so.
    pub(super) fn ending(self) -> Ending {
        match self {
            Self::Plural => Ending::Plural,
            Self::Inflected(language) => Ending::Inflected(language),
        }
    }
}

/// Every way to write a word or phrase of these languages: as it is, its spaces left out as in a name of a field, without
/// its diacritics, and with the endings of each language but English, whose plural every word takes.
pub(super) fn wordings(name: &str, languages: Languages) -> Vec<(String, Wording)> {
    let mut texts = vec![name.to_owned()];
    texts.extend(plain(name));
    let told = || languages.indices().filter(|_| languages != Languages::ALL);
    texts.extend(told().filter_map(|language| written_out(name, CODES.get(language)?)));
    texts.extend(told().filter_map(|language| turkish_capitals(name, CODES.get(language)?)));
    let mut wordings = Vec::new();
    for text in texts {
        // A word that loses its sense with its accents is not typed without them.
        if text != name && languages.have_everyday(&text) {
            continue;
        }
        if text.contains(' ') {
            wordings.push((text.replace(' ', ""), Wording::Plural));
        }
        let long = |language: &usize| text.contains(' ') || stem(&text, *language).chars().count() >= INFLECTED;
        let inflecting = told().filter(|language| *language > 0).filter(long);
        wordings.extend(inflecting.map(|language| (text.clone(), Wording::Inflected(language))));
        wordings.push((text, Wording::Plural));
    }
    wordings
}
