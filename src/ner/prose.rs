//! How a window looks: like prose or like code, a log or a table; and how it uses capitals. Token classifiers are
//! trained on prose and invent names elsewhere, so what they say about machine text is believed less; and a name
//! without a capital is only believed where nobody writes capitals.

/// The looks of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Looks {
    /// Share of what is not white space that is typical of machines: marks of code, digits, borders inside words.
    pub(super) machine_share: f32,
    /// Use of capitals.
    pub(super) capitals: Capitals,
}

/// How a window uses capitals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Capitals {
    /// As usual.
    #[default]
    Some,
    /// Hardly any, as in chats.
    None,
    /// Hardly anything else, as on forms.
    All,
}

/// Share from which a window counts as machine text. Measured on windows of 480 characters: of source code 77 in 100
/// are above it, of technical documentation 28, of letters, reports and chats 5, of court cases and user comments 1.
const MACHINE: f32 = 0.1;
/// Of this many words one may have a capital where capitals are not used.
const WORDS_PER_CAPITAL: u32 = 25;
/// Of this many letters one may be small where everything is in capitals.
const LETTERS_PER_SMALL: u32 = 8;

impl Looks {
    /// Looks at a text, in one pass.
    pub(super) fn of(text: &str) -> Self {
        let (mut visible, mut machine) = (0_u32, 0.0_f32);
        let (mut words, mut capital_words, mut capitals, mut smalls) = (0_u32, 0_u32, 0_u32, 0_u32);
        let mut last = ' ';
        for c in text.chars() {
            if c.is_alphabetic() {
                let begins = !last.is_alphanumeric();
                words += u32::from(begins);
                capital_words += u32::from(begins && c.is_uppercase());
                capitals += u32::from(c.is_uppercase());
                smalls += u32::from(c.is_lowercase());
            }
            if !c.is_whitespace() {
                visible += 1;
                machine += weight(c, last);
            }
            last = c;
        }
        let capitals = if smalls > 0 && capital_words <= words / WORDS_PER_CAPITAL {
            Capitals::None
        } else if capitals > smalls.saturating_mul(LETTERS_PER_SMALL) {
            Capitals::All
        } else {
            Capitals::Some
        };
        Self { machine_share: if visible == 0 { 0.0 } else { machine / visible as f32 }, capitals }
    }

    /// Whether this is code, a log or a table rather than prose.
    pub(super) fn is_machine(self) -> bool {
        self.machine_share >= MACHINE
    }
}

fn weight(c: char, last: char) -> f32 {
    match c {
        '{' | '}' | '<' | '>' | '=' | '_' | '\\' | '|' | '`' | '[' | ']' | '*' | '$' | '^' | '~' => 1.0,
        '(' | ')' | ';' | '/' | '#' | '&' | '%' | '+' | '"' | ':' | '@' => 0.5,
        '0'..='9' => 0.25,
        c if c.is_uppercase() && last.is_lowercase() => 1.0,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_below_and_code_above_the_line() {
        let prose = "Dear Ms Keller, thank you for your call on Tuesday. The invoice (no. 4471) was paid.";
        let code = "impl<'a> From<&'a str> for Text { fn from(text: &'a str) -> Self { Self::new(text) } }";
        let log = "2024-03-01T10:22:01Z INFO [http-nio-8080] c.e.Api - GET /v1/items?id=92 200 13ms";
        assert!(!Looks::of(prose).is_machine(), "{:?}", Looks::of(prose));
        assert!(Looks::of(code).is_machine(), "{:?}", Looks::of(code));
        assert!(Looks::of(log).is_machine(), "{:?}", Looks::of(log));
        assert_eq!(Looks::of(" \n"), Looks::default());
    }

    #[test]
    fn capitals_are_seen() {
        assert_eq!(Looks::of("can anna smith call me back pls").capitals, Capitals::None);
        assert_eq!(Looks::of("Can Anna call me back").capitals, Capitals::Some);
        assert_eq!(Looks::of("NAME: BRANDHORST ELKE").capitals, Capitals::All);
        assert_eq!(Looks::of("王小明 42").capitals, Capitals::Some, "a script without capitals");
    }
}
