//! Whether a place in an answer is inside an address that somebody could follow: after `//`, after a scheme without
//! slashes, after `www.`, after a bare host with a path, and in the target of a Markdown link. Renderers differ in where
//! an address ends; this errs towards "still inside", because the price is a placeholder that stays and not a value
//! that leaves.

/// Characters of the current word that are kept; a host is recognised within them.
const WORD: usize = 80;
/// Beginnings of addresses that need no slashes.
const SCHEMES: [&str; 7] = ["http:", "https:", "ftp:", "ws:", "wss:", "mailto:", "javascript:"];

/// The state behind the characters seen so far.
#[derive(Debug, Default)]
pub(super) struct Address {
    state: State,
    /// The current word in small letters, without the bracket or quotation mark before it.
    word: String,
    /// What stands directly before the word.
    before: Option<char>,
    /// The last character that is not white space, before `before`.
    earlier: Option<char>,
    last: Option<char>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Outside,
    /// Ends at this character, and at white space if `spaces`.
    Inside { close: Option<char>, spaces: bool },
    /// The target of a Markdown link.
    Target { depth: usize, angle: bool, escaped: bool },
}

impl Address {
    /// Whether the next character stands in an address.
    pub(super) fn inside(&self) -> bool {
        !matches!(self.state, State::Outside)
    }

    /// Takes the next character.
    pub(super) fn step(&mut self, c: char) {
        self.state = match self.state {
            State::Outside => self.outside(c),
            State::Inside { close, spaces } => {
                if Some(c) == close || (spaces && c.is_whitespace()) {
                    State::Outside
                } else {
                    self.state
                }
            }
            State::Target { depth, angle, escaped } => target(c, depth, angle, escaped),
        };
        self.remember(c);
    }

    fn outside(&self, c: char) -> State {
        let link = self.last == Some(']') && c == '(';
        if link {
            return State::Target { depth: 0, angle: false, escaped: false };
        }
        let begins = match c {
            '/' if self.last == Some('/') => true,
            ':' => SCHEMES.iter().any(|scheme| scheme.strip_suffix(':').is_some_and(|name| self.ends_with(name))),
            '.' => self.word == "www",
            '/' | '?' | '#' | '\\' => self.is_host(),
            _ => false,
        };
        if !begins {
            return State::Outside;
        }
        match self.before {
            // In HTML the value of an attribute may hold spaces.
            Some(quote @ ('"' | '\'')) => State::Inside { close: Some(quote), spaces: self.earlier != Some('=') },
            Some('<') => State::Inside { close: Some('>'), spaces: true },
            _ => State::Inside { close: None, spaces: true },
        }
    }

    /// Whether the word ends in this scheme and not merely in a longer word of letters.
    fn ends_with(&self, scheme: &str) -> bool {
        self.word
            .strip_suffix(scheme)
            .is_some_and(|before| !before.chars().next_back().is_some_and(|c| c.is_ascii_alphanumeric()))
    }

    /// Whether the word is a host with at least one dot, perhaps with a port.
    fn is_host(&self) -> bool {
        let host = match self.word.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => self.word.as_str(),
        };
        host.rsplit_once('.').is_some_and(|(name, top)| {
            let known = |c: char| c.is_alphanumeric() || c == '-';
            // A top-level domain has two characters or more; numbers are an address only where there are four.
            let numbers = top.bytes().all(|b| b.is_ascii_digit());
            let named = top.chars().count() >= 2 && !numbers;
            (named || name.bytes().filter(|b| *b == b'.').count() == 2 && !top.is_empty())
                && top.chars().all(known)
                && name.chars().next_back().is_some_and(known)
        })
    }

    fn remember(&mut self, c: char) {
        if c.is_whitespace()
            || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '=' | ',' | '`')
        {
            self.word.clear();
            if self.before.is_some_and(|before| !before.is_whitespace()) {
                self.earlier = self.before;
            }
            if self.last.is_some_and(|last| !last.is_whitespace()) {
                self.earlier = self.last;
            }
            self.before = Some(c);
        } else {
            if self.word.len() >= WORD {
                // Only the end of a long word can be a scheme or the end of a host.
                let half = self.word.floor_char_boundary(WORD / 2);
                self.word.drain(..half);
            }
            self.word.extend(c.to_lowercase());
        }
        self.last = Some(c);
    }
}

/// In the target of a link, behind one more character. A target that has ended is still an address to those renderers
/// that saw no link in it.
fn target(c: char, depth: usize, angle: bool, escaped: bool) -> State {
    let inside = |depth, angle, escaped| State::Target { depth, angle, escaped };
    match c {
        '\n' => State::Outside,
        _ if escaped => inside(depth, angle, false),
        '\\' => inside(depth, angle, true),
        '<' => inside(depth, true, false),
        '>' => inside(depth, false, false),
        '(' if !angle => inside(depth + 1, angle, false),
        ')' if !angle && depth == 0 => State::Inside { close: None, spaces: true },
        ')' if !angle => inside(depth - 1, angle, false),
        _ => inside(depth, angle, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each `¿` in the text, whether it is in an address.
    fn asked(text: &str) -> Vec<bool> {
        let mut address = Address::default();
        let mut answers = Vec::new();
        for c in text.chars() {
            if c == '¿' {
                answers.push(address.inside());
            }
            address.step(c);
        }
        answers
    }

    #[test]
    fn addresses_are_told_from_text() {
        for (text, expected) in [
            ("¿ https://a.example/?q=¿&r=¿ ¿", vec![false, true, true, false]),
            ("HTTPS://¿/ ¿", vec![true, false]),
            ("https:¿ mailto:¿ javascript:¿", vec![true, true, true]),
            ("see //a.example/¿ and www.¿", vec![true, true]),
            ("a.example/¿ a.example?¿ a.example:80/¿ 10.0.0.1/¿", vec![true, true, true, true]),
            ("[a](/x?¿) ¿ [b](<a ¿> \"¿\") ¿", vec![true, false, true, true, false]),
            ("[a](x\\)¿) ¿ [a](x(¿)¿) ¿", vec![true, false, true, true, false]),
            ("[a](x)¿ ¿", vec![true, false]),
            ("<https://a.example/¿> ¿<https://a.example>¿", vec![true, false, false]),
            ("{\"u\":\"https://a.example/¿\",\"n\":\"¿\"}", vec![true, false]),
            ("<img src=\"https://a.example/ ¿\"> ¿", vec![true, false]),
            ("<img src = 'https://a.example/ ¿'> ¿", vec![true, false]),
            ("https://a.example/\"¿)¿>¿", vec![true, true, true]),
            ("Dear ¿, e.g. ¿/¿ and/or ¿: 3.5/¿? Note: ¿", vec![false; 6]),
            ("Tel:¿ (¿) [¿] x.¿ https ¿", vec![false; 5]),
        ] {
            assert_eq!(asked(text), expected, "{text:?}");
        }
    }
}
