//! Log-probabilities as OpenAI's format and Ollama's write them for each token: `{"token", "logprob", "top_logprobs"}`.
//! The tokens themselves are only compared, to tell the chosen one from the runner-up, and never kept. A server that
//! leaves them out, or writes something else there, gives an answer without them and no error.

use serde_json::Value;

use super::{Piece, TokenScore};

/// Alternatives to ask for: the chosen token is one of them as a rule, so two show how close the next one was.
pub(super) const TOP: u8 = 2;

/// The piece of a list of entries; none if it holds no log-probability.
pub(super) fn piece(entries: Option<&Value>) -> Option<Piece> {
    let scores: Vec<TokenScore> = entries?.as_array()?.iter().filter_map(score).collect();
    (!scores.is_empty()).then_some(Piece::Tokens(scores))
}

fn score(entry: &Value) -> Option<TokenScore> {
    let logprob = |entry: &Value| entry.get("logprob").and_then(Value::as_f64);
    let token = entry.get("token").and_then(Value::as_str);
    let others = entry.get("top_logprobs").and_then(Value::as_array).into_iter().flatten();
    let others = others.filter(|other| other.get("token").and_then(Value::as_str) != token);
    TokenScore::new(logprob(entry)?, others.filter_map(logprob).reduce(f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(json: &str) -> Option<Vec<TokenScore>> {
        match piece(Some(&serde_json::from_str(json).unwrap())) {
            Some(Piece::Tokens(scores)) => Some(scores),
            _ => None,
        }
    }

    #[test]
    fn a_token_has_its_probability_and_the_distance_to_the_next() {
        let found = scores(
            r#"[{"token":"a","logprob":-0.5,"top_logprobs":[{"token":"a","logprob":-0.5},{"token":"b","logprob":-1.5}]},
                {"token":"c","logprob":-2.0,"top_logprobs":[{"token":"d","logprob":-1.0},{"token":"c","logprob":-2.0}]},
                {"token":"e","logprob":-1.0},
                {"token":"f","logprob":-9999.0,"top_logprobs":[]}]"#,
        );
        let of = |logprob, margin| TokenScore { logprob, margin };
        let wanted = [of(-0.5, Some(1.0)), of(-2.0, Some(-1.0)), of(-1.0, None), of(TokenScore::LOWEST, None)];
        assert_eq!(found.unwrap(), wanted);
    }

    #[test]
    fn what_is_none_is_left_out() {
        for json in ["null", "{}", "[]", "7", r#"[{"token":"a"}]"#, r#"[{"logprob":"no"}]"#, r#"["a", null, 3]"#] {
            assert_eq!(scores(json), None, "{json}");
        }
        assert_eq!(piece(None), None);
        assert_eq!(scores(r#"[{"token":"a","logprob":0.2}]"#).unwrap()[0].logprob, 0.0, "rounded above one");
    }
}
