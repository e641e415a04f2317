//! Prompts with the answers that are accepted for them: what a threshold is calibrated on. An answer is compared by a
//! plain rule that anybody can check by hand, so a wrong judgement is the file's and can be mended there.

use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use crate::error::Kind;

/// How an accepted answer is looked for. The first two compare words alone: small letters, with everything between
/// letters and digits read as one space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// Its words stand in the answer, in a row.
    #[default]
    Contains,
    /// The answer is its words and no others.
    Equal,
    /// It is a regular expression that finds something in the answer as it is.
    Regex,
}

/// A prompt as the file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptedPrompt {
    /// Its name, unique in the file.
    pub id: String,
    /// What the model is asked.
    pub prompt: String,
    /// Any of these makes an answer accepted.
    pub accepted: Vec<String>,
    /// How they are looked for.
    #[serde(default, rename = "match")]
    pub how: Match,
}

/// A prompt that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AcceptedError {
    /// Nothing would be accepted.
    #[error("it accepts nothing; add words or expressions to `accepted`")]
    Nothing,
    /// An expression is none.
    #[error("one of `accepted` is no regular expression; mend it, or match by `contains`")]
    Expression,
}

impl AcceptedError {
    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::InvalidArgument
    }
}

/// Bytes of a compiled expression.
const MOST_BYTES: usize = 1 << 20;

/// What a prompt accepts, ready to compare.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// Words in a row.
    Contains(Vec<String>),
    /// The words and no others.
    Equal(Vec<String>),
    /// Expressions.
    Regex(Vec<Regex>),
}

impl AcceptedPrompt {
    /// Makes the comparison ready.
    ///
    /// # Errors
    /// When nothing could match, or an expression is none.
    pub fn compile(&self) -> Result<Accepted, AcceptedError> {
        if self.accepted.is_empty() || self.accepted.iter().any(|accepted| accepted.trim().is_empty()) {
            return Err(AcceptedError::Nothing);
        }
        if self.how == Match::Regex {
            let compile = |text: &String| RegexBuilder::new(text).size_limit(MOST_BYTES).build();
            let all = self.accepted.iter().map(compile).collect::<Result<_, _>>();
            return all.map(Accepted::Regex).map_err(|_| AcceptedError::Expression);
        }
        let words: Vec<String> = self.accepted.iter().map(|text| words(text)).collect();
        if words.iter().any(|words| words.trim().is_empty()) {
            return Err(AcceptedError::Nothing);
        }
        Ok(if self.how == Match::Equal { Accepted::Equal(words) } else { Accepted::Contains(words) })
    }
}

impl Accepted {
    /// Whether this answer is accepted.
    #[must_use]
    pub fn takes(&self, answer: &str) -> bool {
        match self {
            Self::Contains(all) => {
                let answer = words(answer);
                all.iter().any(|wanted| answer.contains(wanted))
            }
            Self::Equal(all) => all.contains(&words(answer)),
            Self::Regex(all) => all.iter().any(|wanted| wanted.is_match(answer)),
        }
    }
}

/// The words in small letters, with one space before, between and after them.
fn words(text: &str) -> String {
    let mut words = String::from(" ");
    for character in text.chars().flat_map(char::to_lowercase) {
        if character.is_alphanumeric() {
            words.push(character);
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(how: &str, accepted: &[&str]) -> Result<Accepted, AcceptedError> {
        let prompt = serde_json::json!({"id": "a", "prompt": "?", "accepted": accepted, "match": how});
        serde_json::from_value::<AcceptedPrompt>(prompt).unwrap().compile()
    }

    #[test]
    fn words_are_compared_and_not_letters() {
        let paris = accepted("contains", &["Paris"]).unwrap();
        assert!(paris.takes("The capital is PARIS.") && paris.takes("paris"));
        assert!(!paris.takes("The comparison") && !paris.takes(""));
        let time = accepted("contains", &["15:55", "3:55"]).unwrap();
        assert!(time.takes("It arrives at 15:55.") && !time.takes("It arrives at 1555."));
        let water = accepted("contains", &["H2O", "H₂O"]).unwrap();
        assert!(water.takes("Its formula is H₂O."));
        let equal = accepted("equal", &["yes"]).unwrap();
        assert!(equal.takes("Yes.") && !equal.takes("Yes, it is."));
        assert!(accepted("regex", &["^4[0-9]$"]).unwrap().takes("42"));
    }

    #[test]
    fn what_accepts_nothing_or_everything_is_refused() {
        for (how, all) in [("contains", &[][..]), ("contains", &["..."]), ("equal", &[" "]), ("regex", &[""])] {
            assert!(matches!(accepted(how, all), Err(AcceptedError::Nothing)), "{how} {all:?}");
        }
        assert!(matches!(accepted("regex", &["("]), Err(AcceptedError::Expression)));
        assert!(
            serde_json::from_str::<AcceptedPrompt>(r#"{"id":"a","prompt":"b","accepted":["c"],"acepted":[]}"#).is_err()
        );
    }
}
