//! How much a conversation asks of a model: simple, moderate or complex, with the reasons. A deterministic estimate
//! from what can be counted: length, the words that ask for thought, structure, code, mathematics, constraints and
//! questions. The caller's own statement wins. It reads the text and keeps only counts; its time is linear, and text
//! beyond [`MAX_SCANNED`] is complex by its length alone.

mod words;

use crate::document::{Conversation, Role};
use crate::policy::Complexity;

/// The estimate with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// How much.
    pub complexity: Complexity,
    /// Why, in words such as `long_input`; never the caller's.
    pub reasons: Vec<&'static str>,
}

/// Bytes of text from which the length alone makes a request complex: about four pages.
const MAX_SCANNED: usize = 12 * 1024;

/// Points from which a request is moderate, and complex.
const MODERATE: u32 = 2;
const COMPLEX: u32 = 4;

/// Estimates, unless the caller has stated it.
#[must_use]
pub fn estimate(conversation: &Conversation, stated: Option<Complexity>) -> Estimate {
    if let Some(complexity) = stated {
        return Estimate { complexity, reasons: vec!["stated_by_caller"] };
    }
    let mut points = Points::default();
    length(conversation, &mut points);
    // Past that length nothing else can change the answer, and scanning would only take time.
    if points.total < COMPLEX {
        ask(conversation, &mut points);
    }
    let complexity = match points.total {
        COMPLEX.. => Complexity::Complex,
        MODERATE.. => Complexity::Moderate,
        _ => Complexity::Simple,
    };
    if points.reasons.is_empty() {
        points.reasons.push("short_request");
    }
    Estimate { complexity, reasons: points.reasons }
}

#[derive(Default)]
struct Points {
    total: u32,
    reasons: Vec<&'static str>,
}

impl Points {
    fn add(&mut self, points: u32, reason: &'static str) {
        if points > 0 {
            self.total += points;
            self.reasons.push(reason);
        }
    }
}

/// All messages count: a short question about a long contract is a question about a contract.
fn length(conversation: &Conversation, points: &mut Points) {
    let bytes: usize = conversation.messages().iter().map(|message| message.content.len()).sum();
    // A page of prose has about 3 KiB; a third of it is a paragraph or two.
    match bytes {
        MAX_SCANNED.. => points.add(COMPLEX, "very_long_input"),
        2_400.. => points.add(2, "long_input"),
        700.. => points.add(1, "some_length"),
        _ => {}
    }
    let turns = conversation.messages().iter().filter(|message| message.role == Role::User).count();
    if turns >= 4 {
        points.add(1, "many_turns");
    }
}

/// The user's words tell what is asked; instructions of the application and earlier answers do not.
fn ask(conversation: &Conversation, points: &mut Points) {
    let by_user = |role| matches!(role, Role::User | Role::Tool | Role::Metadata);
    let asked: Vec<&str> = conversation
        .messages()
        .iter()
        .filter(|message| by_user(message.role))
        .map(|message| message.content.expose())
        .collect();
    // A conversation of instructions alone is taken at its words.
    let asked = if asked.is_empty() {
        conversation.messages().iter().map(|message| message.content.expose()).collect()
    } else {
        asked
    };
    let mut counts = Counts::default();
    for text in asked {
        counts.read(text);
    }
    counts.judge(points);
}

/// What is counted in the user's words.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    words: words::Found,
    questions: usize,
    listed: usize,
    fenced: bool,
    code_lines: usize,
    lines: usize,
    math_signs: usize,
    table_lines: usize,
}

impl Counts {
    fn read(&mut self, text: &str) {
        self.words.read(text);
        let mut after_question = false;
        for character in text.chars() {
            // Several marks in a row are one question.
            let question = matches!(character, '?' | '？' | '؟');
            self.questions += usize::from(question && !after_question);
            after_question = question;
            self.math_signs += usize::from(is_math(character));
        }
        for line in text.lines() {
            self.line(line.trim());
        }
    }

    fn line(&mut self, line: &str) {
        if line.is_empty() {
            return;
        }
        self.lines += 1;
        self.fenced |= line.starts_with("```") || line.starts_with("~~~");
        self.listed += usize::from(is_listed(line));
        self.code_lines += usize::from(is_code(line));
        self.table_lines += usize::from(line.starts_with('|') && line.ends_with('|') && line.len() > 2);
    }

    fn judge(&self, points: &mut Points) {
        match self.words.demanding {
            0 => {}
            1 => points.add(2, "analysis_asked"),
            _ => points.add(3, "much_analysis_asked"),
        }
        points.add(u32::from(self.words.explaining > 0 && self.words.demanding == 0), "explanation_asked");
        points.add(u32::from(self.words.stepwise > 0) * 2, "steps_asked");
        points.add(u32::from(self.words.lengthy > 0), "long_answer_asked");
        let code = self.fenced || self.code_lines >= 3;
        match (code, self.words.programming) {
            (true, _) => points.add(2, "code"),
            (false, 1..) => points.add(1, "programming_asked"),
            (false, 0) => {}
        }
        let mathematics =
            self.words.mathematical + usize::from(self.math_signs >= 1) + usize::from(self.math_signs >= 6);
        points.add(u32::try_from(mathematics.min(2)).unwrap_or(2), "mathematics");
        match self.words.constraints {
            0 | 1 => {}
            2 | 3 => points.add(1, "constraints"),
            _ => points.add(2, "many_constraints"),
        }
        match self.questions {
            0 | 1 => {}
            2 | 3 => points.add(1, "several_questions"),
            _ => points.add(2, "many_questions"),
        }
        match self.listed {
            0..=2 => {}
            3..=5 => points.add(1, "listed_items"),
            _ => points.add(2, "many_listed_items"),
        }
        points.add(u32::from(self.table_lines >= 3), "table");
    }
}

fn is_math(character: char) -> bool {
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
            | '×'
            | '÷'
            | '²'
            | '³'
            | 'π'
            | 'θ'
            | 'λ'
            | 'Σ'
            | 'Δ'
    )
}

/// `1. …`, `2) …`, `- …`, `* …`, `• …`, `a) …`.
fn is_listed(line: &str) -> bool {
    let marked = ["- ", "* ", "• ", "– "].into_iter().any(|mark| line.starts_with(mark));
    let rest = line.trim_start_matches(|character: char| character.is_ascii_digit());
    let numbered = rest.len() < line.len() && line.len() - rest.len() <= 3;
    let lettered = line.starts_with(|character: char| character.is_ascii_lowercase());
    marked
        || (numbered && [". ", ") ", "、"].into_iter().any(|mark| rest.starts_with(mark)))
        || (lettered && line.split_once(") ").is_some_and(|(letter, _)| letter.len() == 1))
}

/// A line that is more likely code than prose, by how it begins and ends.
fn is_code(line: &str) -> bool {
    const BEGINS: [&str; 24] = [
        "fn ",
        "pub ",
        "let ",
        "def ",
        "class ",
        "import ",
        "from ",
        "return ",
        "return;",
        "func ",
        "function ",
        "const ",
        "var ",
        "#include",
        "public ",
        "private ",
        "package ",
        "use ",
        "SELECT ",
        "INSERT ",
        "CREATE ",
        "if (",
        "for (",
        "while (",
    ];
    let ended = [";", "{", "}", "};", "})", "});", "):", "->", "=>"].into_iter().any(|end| line.ends_with(end));
    let begun = BEGINS.into_iter().any(|begin| line.starts_with(begin));
    // `from`, `let`, `use` and `import` also begin sentences; those end with a full stop or go on for long.
    ended
        || (begun
            && line.len() < 120
            && !line.ends_with(['.', '!', '?', ','])
            && line.contains(['(', '=', ':', '*', '/', ';']))
}

#[cfg(test)]
mod tests;
