//! What is counted in a request: its ideas, and the form of its instruction. The instruction is told from the material
//! that it speaks of, code and quotations and what stands below it, for a long letter to be corrected is no long task.
//! Counting is linear in the text and keeps numbers only.

use std::borrow::Cow;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::Regex;

use super::ideas::IDEAS;

/// Features beside the ideas.
const FORMS: [&str; 10] = [
    "words_of_instruction",
    "few_words",
    "short_request",
    "code",
    MATERIAL,
    "mathematical_signs",
    "questions",
    "numbers",
    "enumeration",
    "clauses",
];

/// The name of the feature that there is more than the instruction.
const MATERIAL: &str = "material";

/// How many features there are.
pub(super) const COUNT: usize = IDEAS.len() + FORMS.len();

/// Characters of an instruction that are read.
const LONGEST: usize = 1_500;

/// Characters from which a quotation is material.
const QUOTATION: usize = 40;

/// Their values, in the order of [`names`]; most lie between 0 and 2.
pub(super) type Features = [f32; COUNT];

/// Their names: reasons in answers and records.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    IDEAS.iter().map(|idea| idea.name).chain(FORMS)
}

/// What a text holds.
pub(super) fn of(text: &str) -> Features {
    let instruction = Instruction::of(text);
    let ideas = ideas(&instruction.text);
    let forms = instruction.forms();
    let mut features = [0.0; COUNT];
    features.iter_mut().zip(ideas.into_iter().chain(forms)).for_each(|(feature, value)| *feature = value);
    features
}

/// Notes that there is material beside the text.
pub(super) fn add_material(features: &mut Features) {
    let place = names().position(|name| name == MATERIAL).and_then(|index| features.get_mut(index));
    place.into_iter().for_each(|value| *value = 1.0);
}

/// What is asked, without what it is asked of.
struct Instruction {
    text: String,
    code: bool,
    /// Characters that were left out.
    material: usize,
}

// Expressions that could not be built would cut nothing; a test builds them.
static FENCED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)```.*?(?:```|$)").ok());
static QUOTED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let (open, close) = ("[“\"«„]", "[”\"»“]");
    Regex::new(&format!("(?s){open}[^”\"»“]{{{QUOTATION},}}?{close}")).ok()
});

fn without<'t>(expression: &LazyLock<Option<Regex>>, text: &'t str) -> Cow<'t, str> {
    expression.as_ref().map_or(Cow::Borrowed(text), |regex| regex.replace_all(text, " "))
}

impl Instruction {
    fn of(text: &str) -> Self {
        let code = text.contains("```") || text.split('`').skip(1).step_by(2).any(|inline| inline.len() >= 8);
        let unfenced = without(&FENCED, text);
        let bare = without(&QUOTED, &unfenced);
        let mut paragraphs = bare.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
        let first = paragraphs.next().unwrap_or_default();
        let mut asked = head(first);
        // "…[a letter]… Make it shorter.": the request may stand below its material.
        let below: Vec<&str> = paragraphs.collect();
        if let Some(last) = below.last().filter(|last| below.len() > 1 && is_request(last)) {
            asked.push('\n');
            asked.push_str(last);
        }
        let asked: String = asked.chars().take(LONGEST).collect();
        let material = text.chars().count().saturating_sub(asked.chars().count());
        Self { text: asked, code, material }
    }

    /// Values of [`FORMS`], in their order.
    fn forms(&self) -> [f32; FORMS.len()] {
        let words = self.text.split_whitespace().count();
        let count = |wanted: &dyn Fn(char) -> bool, most: usize| {
            self.text.chars().filter(|c| wanted(*c)).count().min(most) as f32
        };
        let numbers = self.text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()).count().min(6);
        let flag = |holds: bool| f32::from(u8::from(holds));
        [
            words.min(80) as f32 / 20.0,
            flag(words <= 8),
            flag(words <= 14),
            flag(self.code),
            flag(self.material > 300),
            count(&is_mathematical, 2),
            count(&|c| matches!(c, '?' | '？' | '؟'), 3),
            numbers as f32 / 2.0,
            count(&|c| matches!(c, ',' | '，' | '、'), 8) / 3.0,
            flag(self.text.contains([';', '；'])),
        ]
    }
}

/// The lines of a first paragraph that ask: what a colon announces is material, and so are the lines of a long list.
fn head(paragraph: &str) -> String {
    let mut lines = paragraph.lines();
    let first = lines.next().unwrap_or_default();
    let rest: Vec<&str> = lines.collect();
    match rest.len() {
        0 => paragraph.to_owned(),
        _ if first.trim_end().ends_with(':') => first.to_owned(),
        1 | 2 => paragraph.to_owned(),
        _ => [first, rest.first().copied().unwrap_or_default()].join("\n"),
    }
}

/// Whether a last paragraph is short and no item of a list.
fn is_request(paragraph: &str) -> bool {
    paragraph.chars().count() < 220
        && !paragraph.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '*' | '•' | '|'))
}

fn is_mathematical(character: char) -> bool {
    matches!(
        character,
        '∫' | '∑'
            | '∏'
            | '√'
            | '∂'
            | '∇'
            | '≤'
            | '≥'
            | '≠'
            | '≈'
            | '∞'
            | '∈'
            | '∉'
            | '⊂'
            | '⊆'
            | '∪'
            | '∩'
            | '∀'
            | '∃'
            | '→'
            | '⇒'
            | '⇔'
            | '±'
            | '≡'
            | '²'
            | '³'
            | 'π'
            | 'θ'
            | 'λ'
            | 'Σ'
            | 'Δ'
            | '^'
    )
}

struct Stems {
    automaton: AhoCorasick,
    /// For each stem its idea, and whether it may stand inside a word.
    owners: Vec<(usize, bool)>,
}

// A dictionary that could not be built would find nothing; a test builds it.
static STEMS: LazyLock<Option<Stems>> = LazyLock::new(|| {
    let (mut patterns, mut owners) = (Vec::new(), Vec::new());
    for (index, idea) in IDEAS.iter().enumerate() {
        for stem in idea.stems.split_whitespace() {
            patterns.push(stem.replace('_', " "));
            owners.push((index, !stem.starts_with(char::is_alphanumeric) || stem.chars().any(parts_no_words)));
        }
    }
    Some(Stems { automaton: AhoCorasick::new(&patterns).ok()?, owners })
});

/// Han, kana and hangul: no spaces between words, or particles joined to them.
fn parts_no_words(character: char) -> bool {
    matches!(character, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}')
}

/// How many different stems of each idea stand in an instruction, two at most. Linear: few stems end at one place.
fn ideas(instruction: &str) -> [f32; IDEAS.len()] {
    let mut counts = [0.0_f32; IDEAS.len()];
    let Some(stems) = STEMS.as_ref() else { return counts };
    // Marks end words as blanks do, and so do the ends of the text.
    let text: String = format!(" {} ", instruction.to_lowercase())
        .chars()
        .map(|c| if matches!(c, '.' | ',' | '!' | '?' | ':' | '\n' | '\t' | ')' | '"') { ' ' } else { c })
        .collect();
    let mut seen = vec![false; stems.owners.len()];
    for found in stems.automaton.find_overlapping_iter(&text) {
        let Some(&(idea, anywhere)) = stems.owners.get(found.pattern().as_usize()) else { continue };
        let before = text.get(..found.start()).and_then(|head| head.chars().next_back());
        if !anywhere && before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        let Some(seen) = seen.get_mut(found.pattern().as_usize()).filter(|seen| !**seen) else { continue };
        *seen = true;
        counts.get_mut(idea).into_iter().for_each(|count| *count = (*count + 1.0).min(2.0));
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, name: &str) -> f32 {
        of(text)[names().position(|known| known == name).unwrap()]
    }

    #[test]
    fn dictionary_and_expressions_build_and_stems_are_in_small_letters() {
        assert!(STEMS.is_some() && FENCED.is_some() && QUOTED.is_some());
        for idea in &IDEAS {
            assert_eq!(idea.stems, idea.stems.to_lowercase(), "{}", idea.name);
        }
    }

    #[test]
    fn stems_begin_words() {
        assert_eq!(value("Prove it.", "proof_asked"), 1.0);
        assert_eq!(value("I approve it", "proof_asked"), 0.0);
        assert_eq!(value("Beweise und zeige das Gegenbeispiel", "proof_asked"), 2.0, "two at most");
        assert_eq!(value("请分析这份合同", "research_asked"), 1.0);
        assert_eq!(value("a race? no", "systems"), 1.0, "a mark ends a word");
        assert_eq!(value("a racetrack", "systems"), 0.0);
    }

    #[test]
    fn material_is_no_instruction() {
        let letter = "Dear all, please prove that you have read this and design something new for us. ".repeat(20);
        for text in [
            format!("Fix the typos:\n\n{letter}"),
            format!("Fix the typos: \"{letter}\""),
            format!("```\n{letter}```\nFix the typos"),
        ] {
            assert_eq!(value(&text, "proof_asked"), 0.0, "{text}");
            assert_eq!(value(&text, "correction_asked"), 1.0, "{text}");
            assert_eq!(value(&text, "material"), 1.0, "{text}");
        }
        assert_eq!(value(&format!("{letter}\n\n{letter}\n\nProve it."), "proof_asked"), 1.0, "the request below");
        assert_eq!(value("`let x = 1;` why?", "code"), 1.0);
    }
}
