//! Answers that go in circles: the same words again and again at the end, or the same sentences over and over. Looked for
//! every [`STEP`] characters in the last [`TAIL`], so the work for each character is bounded, whatever the text.

use std::collections::HashSet;

/// Characters that are looked at for a loop.
const TAIL: usize = 768;
/// Characters between two looks.
const STEP: usize = 192;
/// How often something must come in a row to be a loop. Refrains and tables have two or three.
const ROUNDS: usize = 4;
/// Shortest stretch that is a loop: "ha ha ha ha" is none.
const LEAST_LOOP: usize = 80;
/// Different letters in one round. Rulers, rows of zeros and indentation are drawings, not loops.
const LEAST_LETTERS: usize = 3;

/// Sentences and lines that are remembered.
const MOST_UNITS: usize = 256;
/// Shorter ones say nothing: `end`, `});`, "Yes."
const LEAST_UNIT: usize = 24;
/// Repeats of sentences, and their share of all characters in sentences, that make a loop.
const LEAST_REPEATS: u32 = 5;
const LEAST_SHARE: f64 = 0.5;

/// What was seen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Repetition {
    tail: Tail,
    since_look: usize,
    looped: bool,
    unit: Unit,
    units: HashSet<u64>,
    repeats: u32,
    repeated: u64,
    counted: u64,
}

/// The last characters, at most twice [`TAIL`]; shown by their number alone.
#[derive(Clone, Default)]
struct Tail(Vec<char>);

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tail({})", self.0.len())
    }
}

/// The sentence or line that has begun, as a sum over its characters.
#[derive(Clone, Copy, Debug, Default)]
struct Unit {
    hash: u64,
    length: usize,
}

impl Repetition {
    pub(super) fn take(&mut self, text: &str) {
        for character in text.chars() {
            self.character(character);
        }
    }

    /// Whether the answer goes in circles.
    pub(super) fn found(&self) -> bool {
        self.looped || self.repeats_itself() || loops(self.recent())
    }

    fn recent(&self) -> &[char] {
        let all = &self.tail.0;
        all.get(all.len().saturating_sub(TAIL)..).unwrap_or_default()
    }

    fn character(&mut self, character: char) {
        if self.tail.0.len() >= 2 * TAIL {
            let _old = self.tail.0.drain(..TAIL);
        }
        self.tail.0.push(character);
        self.since_look += 1;
        if self.since_look >= STEP {
            self.since_look = 0;
            self.looped = self.looped || loops(self.recent());
        }
        if matches!(character, '\n' | '.' | '!' | '?' | '。') {
            self.end_unit();
        } else if !(character.is_whitespace() && self.unit.length == 0) {
            // FNV-1a over the code points: two sentences with one sum would only be one false repeat.
            let hash = if self.unit.length == 0 { 0xcbf2_9ce4_8422_2325 } else { self.unit.hash };
            self.unit.hash = (hash ^ u64::from(u32::from(character))).wrapping_mul(0x0000_0100_0000_01b3);
            self.unit.length += 1;
        }
    }

    fn end_unit(&mut self) {
        let Unit { hash, length } = std::mem::take(&mut self.unit);
        if length < LEAST_UNIT {
            return;
        }
        self.counted += length as u64;
        if self.units.contains(&hash) {
            self.repeats += 1;
            self.repeated += length as u64;
        } else if self.units.len() < MOST_UNITS {
            self.units.insert(hash);
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "characters of one answer")]
    fn repeats_itself(&self) -> bool {
        self.repeats >= LEAST_REPEATS && self.repeated as f64 >= LEAST_SHARE * self.counted as f64
    }
}

/// Whether the text ends in one stretch that comes [`ROUNDS`] times in a row. The lengths of the longest borders of all
/// beginnings of the reversed text (Knuth, Morris and Pratt 1977) give the shortest period of each ending.
fn loops(tail: &[char]) -> bool {
    let mut borders: Vec<usize> = Vec::with_capacity(tail.len());
    let from_end = |at: usize| tail.len().checked_sub(at + 1).and_then(|at| tail.get(at)).copied();
    for at in 0..tail.len() {
        let mut border = if at == 0 { 0 } else { borders.last().copied().unwrap_or(0) };
        if at > 0 {
            while border > 0 && from_end(border) != from_end(at) {
                border = borders.get(border - 1).copied().unwrap_or(0);
            }
            if from_end(border) == from_end(at) {
                border += 1;
            }
        }
        borders.push(border);
        let length = at + 1;
        let period = length - border;
        if border > 0 && length >= LEAST_LOOP && length >= ROUNDS * period && has_letters(tail, period) {
            return true;
        }
    }
    false
}

fn has_letters(tail: &[char], period: usize) -> bool {
    let round = tail.get(tail.len().saturating_sub(period)..).unwrap_or_default();
    let mut letters: Vec<char> = round.iter().copied().filter(|character| character.is_alphabetic()).collect();
    letters.sort_unstable();
    letters.dedup();
    letters.len() >= LEAST_LETTERS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> bool {
        let mut repetition = Repetition::default();
        repetition.take(text);
        repetition.found()
    }

    #[test]
    fn circles_are_found() {
        assert!(found(&"the cat sat on the mat and ".repeat(6)), "words without an end of sentence");
        assert!(found(&format!("A good beginning. {}", "no, that is wrong, ".repeat(40))));
        assert!(found(&"La réponse est la même que la question posée. ".repeat(12)));
        assert!(found(&"一二三四五六七八九十".repeat(20)));
        let mut wandering = String::new();
        for number in 0..20 {
            wandering
                .push_str(&format!("Step {number}. We then add the two numbers to get the sum of the two numbers. "));
        }
        assert!(found(&wandering), "sentences that repeat between numbers that do not");
        let then_out =
            format!("{} And then it found its way out with many other words.", "round and round ".repeat(60));
        assert!(found(&then_out), "a loop in the middle");
    }

    #[test]
    fn ordinary_answers_are_none() {
        let table = (0..60).map(|n| format!("| {n} | {} | {:.3} |\n", n * n, f64::from(n).sqrt())).collect::<String>();
        let code = "    fn get(&self) -> u32 {\n        self.value\n    }\n\n".to_owned()
            + &"        }\n    }\n});\n----------------\n".repeat(3);
        let numbers = (1..400).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
        let zeros = "0, ".repeat(300);
        let ruler = "-".repeat(500);
        let song = "Row, row, row your boat, gently down the stream. Merrily, merrily, merrily, merrily, life is but a dream. "
            .repeat(3);
        for text in [&table, &code, &numbers, &zeros, &ruler, &song, "ha ha ha ha ha ha", "", "Paris."] {
            assert!(!found(text), "{text}");
        }
    }

    #[test]
    fn memory_and_time_do_not_grow_with_the_answer() {
        let mut repetition = Repetition::default();
        for number in 0..20_000 {
            repetition.take(&format!("This is sentence number {number} of a long answer. "));
        }
        assert!(repetition.tail.0.len() <= 2 * TAIL && repetition.units.len() <= MOST_UNITS);
        assert!(!repetition.found());
    }
}
