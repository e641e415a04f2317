//! How far an address goes on behind its street: unit, town, region, postal code, country, in any order and over line
//! breaks. Streets have patterns for their languages; what follows them is much the same everywhere, so it is read
//! here once. A town alone never ends an address, because a name may stand there: a unit, a postal code or a country
//! must follow it. Reads a few lines at most.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

/// Score of an address with street, number and postal code.
pub(super) const WHOLE_SCORE: f32 = 0.92;

/// What such an address counts as accepted by.
pub(super) const VALIDATOR: &str = "postal_address";

/// Bytes behind the street that are looked at.
const MAX_TAIL: usize = 160;

/// Pieces without a code (towns, districts) in a row.
const MAX_PLACES: usize = 3;

/// Words before the number of a unit, folded; English, German, French, Spanish, Italian, Portuguese, Dutch, Polish,
/// Romanian, Nordic, Turkish (UPU, addressing sheets of the countries).
static UNITS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "apt apartment suite ste unit flat floor fl room rm bldg building lot trlr app appt apto apartado \
    wohnung whg stiege top og eg étage etage bât bat piso planta esc escalera puerta pta portal int \
    interno scala andar bloco bl sc et ap nr bus m lok lokal byt lgh lejl d daire kat no box"
        .split_whitespace()
        .collect()
});

/// Countries as they end an address, in small letters, in English and in their own language (ISO 3166-1, short names).
static COUNTRIES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| include_str!("countries.txt").lines().collect());

/// Words that begin another line of a form or a message, before a number that is no postal code.
static OTHER_FIELDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    "phone tel telephone telefon teléfono téléphone telefono mobile mobil cell fax order invoice account \
    acct ref reference total amount date dob born customer member policy claim case ticket id ssn card \
    iban konto rechnung january february march april may june july august september october november \
    december januar februar märz mai juni juli oktober dezember"
        .split_whitespace()
        .collect()
});

/// The end of the address whose street ends at `street_end`; the same place if nothing follows that belongs to it.
pub(super) fn end(text: &str, street_end: usize) -> usize {
    let limit = text.floor_char_boundary((street_end + MAX_TAIL).min(text.len()));
    let Some(tail) = text.get(street_end..limit) else { return street_end };
    let mut reader = Reader { tail, at: 0 };
    let mut accepted = 0;
    let mut places = 0;
    if text.get(..street_end).is_some_and(|street| street.ends_with(char::is_alphabetic)) {
        reader.house_number();
    }
    while let Some(wide) = reader.separator() {
        match reader.piece(wide) {
            Some(Piece::Unit | Piece::Code | Piece::Country) => {
                accepted = reader.at;
                places = 0;
            }
            Some(Piece::Place) if wide && places < MAX_PLACES => places += 1,
            _ => break,
        }
    }
    street_end + accepted
}

/// Whether an address has a number and a postal code, which hardly anything else has.
pub(super) fn is_whole(address: &str) -> bool {
    let mut short = 0;
    let mut code = false;
    for run in address.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()) {
        if (5..=6).contains(&run.len()) && short > 0 {
            code = true;
        }
        short += 1;
    }
    // Other codes have letters or a sign in them, or stand before a town.
    let reader = |at: usize| Reader { tail: address, at };
    let coded = |(at, _): (usize, char)| {
        let before = address.get(..at).unwrap_or_default();
        before.ends_with([' ', '\n', ',']) && reader(at).postal_code(at, false).is_some()
    };
    code || (short > 1 && address.char_indices().skip(4).filter(|(_, c)| c.is_ascii_alphanumeric()).any(coded)) || {
        let four = |run: &str| run.len() == 4 && run.bytes().all(|byte| byte.is_ascii_digit());
        let mut words = address.split([' ', ',', '\n']).filter(|word| !word.is_empty()).skip(2).peekable();
        let mut found = false;
        while let Some(word) = words.next() {
            let town = words.peek().is_some_and(|next| next.starts_with(char::is_uppercase));
            found |= four(word) && town && short > 1;
        }
        found
    }
}

/// A part of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Unit,
    /// A postal code, with a town or region beside it.
    Code,
    Country,
    /// Words that may be a town.
    Place,
}

struct Reader<'t> {
    tail: &'t str,
    at: usize,
}

/// Words, and what stands behind them.
struct Words {
    range: Range<usize>,
    count: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.tail.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, matches: impl Fn(char) -> bool) -> usize {
        let rest = self.rest();
        let count = rest.find(|c| !matches(c)).unwrap_or(rest.len());
        self.at += count;
        count
    }

    /// The number of the house, where the pattern of the street ended before it: "tér 19.".
    fn house_number(&mut self) {
        let rest = self.rest();
        let gap = if rest.starts_with(", ") { 2 } else { usize::from(rest.starts_with(' ')) };
        let digits = rest.get(gap..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count();
        let after = rest.get(gap + digits..).unwrap_or_default();
        if gap > 0 && (1..=4).contains(&digits) && after.starts_with(['.', ',', '\n', ' ']) {
            self.at += gap + digits + usize::from(after.starts_with('.'));
        }
    }

    /// What stands between two pieces; whether it is more than a blank. `None` where an address cannot go on.
    fn separator(&mut self) -> Option<bool> {
        let blanks = self.skip(|c| c == ' ');
        let comma = self.rest().starts_with([',', ';']) && {
            self.at += 1;
            true
        };
        self.skip(|c| c == ' ');
        let rest = self.rest();
        let mut line = false;
        if let Some(next) = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n')) {
            self.at = self.tail.len() - next.len();
            // Quoted mail and comments repeat a sign at the start of each line.
            self.skip(|c| matches!(c, ' ' | '\t' | '>' | '|' | '?' | '*' | '#' | '/'));
            line = true;
        } else if !comma && (rest.starts_with("- ") || rest.starts_with("– ")) {
            let dash = rest.find(' ').unwrap_or(0);
            self.at += dash + 1;
            return Some(true);
        }
        let blank_line = self.rest().starts_with(['\n', '\r']);
        ((comma || line || blanks > 0) && !blank_line && !self.rest().is_empty()).then_some(comma || line)
    }

    /// The next piece. Behind a blank alone only what is unmistakable counts.
    fn piece(&mut self, wide: bool) -> Option<Piece> {
        if self.unit() {
            return Some(Piece::Unit);
        }
        if let Some(code) = self.postal_code(self.at, wide) {
            self.at = code;
            let before = self.at;
            self.town();
            let towns = self.at > before;
            // Four digits, and a year, are postal codes only with a town.
            return (towns || code_stands_alone(self.tail.get(..code).unwrap_or_default())).then_some(Piece::Code);
        }
        let words = self.words()?;
        let folded = self.tail.get(words.range.clone())?.to_lowercase();
        let country = COUNTRIES.contains(folded.as_str());
        self.at = words.range.end;
        let last = folded.rsplit(' ').next().unwrap_or_default();
        if OTHER_FIELDS.contains(folded.as_str()) || OTHER_FIELDS.contains(last) {
            return None;
        }
        // "OR 97701", "Illinois 60647", "Reading RG1 4QS".
        let blank = if self.rest().starts_with(", ") { 2 } else { usize::from(self.rest().starts_with(' ')) };
        let region = last.len() <= 3 && self.tail.get(words.range.clone()).is_some_and(is_capitals);
        if blank > 0
            && let Some(code) = self.postal_code(self.at + blank, region)
            && (region || country || blank == 1)
            && (wide || region)
            && (code - self.at - blank > 4 || region || country)
        {
            self.at = code;
            return Some(Piece::Code);
        }
        if country && wide {
            let rest = self.rest();
            if rest.starts_with(" (")
                && let Some(close) = rest.find(')').filter(|close| *close < 12)
            {
                self.at += close + 1;
            }
            return Some(Piece::Country);
        }
        (wide && words.count <= 4).then_some(Piece::Place)
    }

    /// `Apt. 12`, `3.º B`, `#4`, `2nd floor`.
    fn unit(&mut self) -> bool {
        let rest = self.rest();
        let word = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let known = UNITS.contains(rest.get(..word).unwrap_or_default().to_lowercase().as_str());
        let number = |text: &str| {
            let length =
                text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '/'))).unwrap_or(text.len());
            let value = text.get(..length).unwrap_or_default();
            let fits = (1..=6).contains(&length)
                && (value.bytes().any(|byte| byte.is_ascii_digit())
                    || (length == 1 && value.bytes().all(|byte| byte.is_ascii_uppercase())));
            fits.then_some(length)
        };
        if known || rest.starts_with('#') {
            let skipped = if known { word } else { 0 };
            let after = rest.get(skipped..).unwrap_or_default();
            let sign = after.trim_start_matches(['.', ':', ' ', '#']);
            let gap = after.len() - sign.len();
            if gap > 0
                && gap <= 4
                && let Some(length) = number(sign)
            {
                self.at += skipped + gap + length;
                return true;
            }
            return false;
        }
        // A floor as an ordinal: "3.º B", "4º izda.", "2. tv.", "2nd floor".
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=2).contains(&digits) {
            return false;
        }
        let after = rest.get(digits..).unwrap_or_default();
        const SIDES: [&str; 24] = [
            ".º izda.",
            ".º dcha.",
            "º izda.",
            "º dcha.",
            ".º izda",
            ".º dcha",
            "º izda",
            "º dcha",
            ".º Esq.",
            ".º Dto.",
            "º Esq.",
            "º Dto.",
            ".º Esq",
            ".º Dto",
            "º Esq",
            "º Dto",
            ". tv.",
            ". th.",
            ". mf.",
            ". tv",
            ". th",
            ". sal",
            "nd floor",
            "th floor",
        ];
        if let Some(side) = SIDES.iter().find(|side| after.starts_with(**side)) {
            self.at += digits + side.len();
            return true;
        }
        for ordinal in [".º ", "º ", ".ª ", "ª ", ".o ", ".a "] {
            let door = after.strip_prefix(ordinal).and_then(|door| door.chars().next());
            if door.is_some_and(|door| door.is_ascii_uppercase() || door.is_ascii_digit()) {
                self.at += digits + ordinal.len() + 1;
                return true;
            }
        }
        false
    }

    /// The end of a postal code that begins at a place. Four digits count in a wide gap only.
    fn postal_code(&self, at: usize, wide: bool) -> Option<usize> {
        let rest = self.tail.get(at..)?;
        let bytes = rest.as_bytes();
        let digits =
            |from: usize| bytes.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let letters = |from: usize| {
            bytes.get(from..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_uppercase()).count()
        };
        let first = digits(0);
        let length = match first {
            // "602 00", "903 26".
            3 if bytes.get(3) == Some(&b' ') && digits(4) == 2 => 6,
            // "15-092".
            2 if bytes.get(2) == Some(&b'-') && digits(3) == 3 => 6,
            // "1016 HM", "4050-032".
            4 if bytes.get(4) == Some(&b' ') && letters(5) == 2 => 7,
            4 if letters(4) == 2 => 6,
            4 if bytes.get(4) == Some(&b'-') && digits(5) == 3 => 8,
            4 if wide => 4,
            // "01304-001", "60647-1234".
            5 if bytes.get(5) == Some(&b'-') && (3..=4).contains(&digits(6)) => 6 + digits(6),
            5 | 6 => first,
            0 => match (letters(0), digits(letters(0))) {
                // "D-37085", "A-1010".
                (1..=3, 0) if bytes.get(letters(0)) == Some(&b'-') && (4..=5).contains(&digits(letters(0) + 1)) => {
                    letters(0) + 1 + digits(letters(0) + 1)
                }
                _ => british_or_canadian(bytes)?,
            },
            _ => return None,
        };
        let ends = rest
            .get(length..)?
            .chars()
            .next()
            .is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '-' | '/' | '_' | ':'));
        ends.then_some(at + length)
    }

    /// The town behind a postal code: capitalised words, with a region in brackets or capitals.
    fn town(&mut self) {
        let start = self.at;
        let rest = self.rest();
        let gap = if rest.starts_with(", ") { 2 } else { usize::from(rest.starts_with(' ')) };
        if gap == 0 {
            return;
        }
        self.at += gap;
        let Some(words) = self.words() else {
            self.at = start;
            return;
        };
        let known = self.tail.get(words.range.clone()).unwrap_or_default().to_lowercase();
        if gap == 2 && !COUNTRIES.contains(known.as_str()) && words.count > 2
            || OTHER_FIELDS.contains(known.split(' ').next().unwrap_or_default())
        {
            self.at = start;
            return;
        }
        self.at = words.range.end;
        let rest = self.rest();
        if rest.starts_with(" (")
            && let Some(close) = rest.find(')').filter(|close| *close <= 6)
        {
            self.at += close + 1;
        } else if rest.starts_with('/') {
            self.at += 1;
            self.at = self.words().map_or(self.at - 1, |words| words.range.end);
        }
    }

    /// Up to four words of a proper name that begin here; small words may stand between them.
    fn words(&self) -> Option<Words> {
        const SMALL: &[&str] = &[
            "de", "del", "la", "las", "los", "el", "di", "da", "do", "dos", "of", "the", "on", "upon", "am", "an",
            "der", "den", "van", "sur", "i", "and", "nad", "pod", "na", "u", "v", "ob", "bei", "im", "in", "les",
            "sous", "en", "aux", "y", "e", "och", "og", "by",
        ];
        let rest = self.rest();
        let (mut at, mut end, mut count) = (0, 0, 0);
        while count < 4 {
            let word = rest.get(at..).unwrap_or_default();
            let length =
                word.find(|c: char| !(c.is_alphabetic() || matches!(c, '\'' | '’' | '-' | '.'))).unwrap_or(word.len());
            let content = word.get(..length).unwrap_or_default();
            let proper = content.chars().next().is_some_and(char::is_uppercase);
            // The letters of a code such as "SY3".
            if word.get(length..).is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit())) {
                break;
            }
            let joins = count > 0 && SMALL.contains(&content);
            if !proper && !joins {
                break;
            }
            // A full stop ends a sentence, unless the word is an abbreviation such as "St.".
            let stops = content.ends_with('.') && content.len() > 4;
            let kept = if stops || content.ends_with('-') { length - 1 } else { length };
            if proper {
                count += 1;
                end = at + kept;
            }
            if stops || !word.get(length..).is_some_and(|next| next.starts_with(' ')) {
                break;
            }
            at += length + 1;
        }
        (count > 0).then(|| Words { range: self.at..self.at + end, count })
    }
}

/// Whether a postal code that ends here needs no town: it is not four plain digits.
fn code_stands_alone(before: &str) -> bool {
    let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits != 4 || before.bytes().nth_back(4).is_some_and(|byte| byte == b'-')
}

fn is_capitals(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The length of a postal code such as `SY3 8QT` or `M5V 2T6` (Royal Mail, PAF; Canada Post, addressing guidelines).
fn british_or_canadian(bytes: &[u8]) -> Option<usize> {
    let class = |at: usize| match bytes.get(at) {
        Some(byte) if byte.is_ascii_digit() => '9',
        Some(byte) if byte.is_ascii_uppercase() => 'A',
        Some(b' ') => ' ',
        _ => '.',
    };
    let shape: String = (0..8).map(class).collect();
    let shapes = ["AA9A 9AA", "AA99 9AA", "AA9 9AA", "A99 9AA", "A9A 9AA", "A9 9AA", "A9A 9A9", "A9A9A9"];
    shapes.iter().find(|known| shape.starts_with(**known)).map(|known| known.len())
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests;
