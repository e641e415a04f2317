//! Whether a place in an answer is inside code: a fenced block or inline code, as CommonMark has them
//! (spec.commonmark.org, "Fenced code blocks" and "Code spans"). Where only the rest of the answer could tell, it says
//! code: a lone backtick counts as the beginning of inline code until the paragraph ends.

/// The state behind the characters seen so far.
#[derive(Debug, Default)]
pub(super) struct Code {
    state: State,
    /// Backticks or tildes in a row, not yet judged.
    run: Option<Run>,
    line: Line,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    mark: char,
    length: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Text,
    /// Inline code that as many backticks end.
    Inline(usize),
    /// The line of an opening fence.
    Info(Fence),
    /// A fenced block.
    Block(Fence),
    /// A fence that closes the block if nothing else stands in its line.
    Closing(Fence),
}

#[derive(Clone, Copy, Debug)]
struct Fence {
    run: Run,
    indent: usize,
}

/// What the current line holds so far.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// White space and marks of quotes only.
    only_indent: bool,
    /// The same, with marks of lists.
    only_marks: bool,
    /// White space only.
    blank: bool,
    indent: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { only_indent: true, only_marks: true, blank: true, indent: 0 }
    }
}

impl Line {
    fn content(&mut self) {
        (self.only_indent, self.only_marks, self.blank) = (false, false, false);
    }
}

impl Code {
    /// Whether the next character stands in code, if it is no backtick and no tilde.
    pub(super) fn inside(&mut self) -> bool {
        self.settle();
        !matches!(self.state, State::Text)
    }

    /// Takes the next character of the answer.
    pub(super) fn step(&mut self, c: char) {
        if matches!(c, '`' | '~') {
            match &mut self.run {
                Some(run) if run.mark == c => run.length += 1,
                _ => {
                    self.settle();
                    self.run = Some(Run { mark: c, length: 1 });
                }
            }
            return;
        }
        self.settle();
        match c {
            '\n' => self.end_line(),
            c if c.is_whitespace() => self.line.indent += if c == '\t' { 4 } else { 1 },
            '>' if self.line.only_indent => self.line.blank = false,
            '-' | '*' | '+' | '.' | ')' | '0'..='9' if self.line.only_marks => {
                (self.line.only_indent, self.line.blank) = (false, false);
                self.line.indent += 1;
                self.reopen();
            }
            _ => {
                self.line.content();
                self.reopen();
            }
        }
    }

    /// Takes a character that is not the answer's own: it ends a run and a beginning of a line, nothing else.
    pub(super) fn other(&mut self) {
        self.settle();
        self.line.content();
        self.reopen();
    }

    fn end_line(&mut self) {
        self.state = match self.state {
            State::Info(fence) => State::Block(fence),
            State::Closing(_) => State::Text,
            // Inline code does not go over the end of a paragraph.
            State::Inline(_) if self.line.blank => State::Text,
            state => state,
        };
        self.line = Line::default();
    }

    /// What seemed to close a block does not, since something else follows.
    fn reopen(&mut self) {
        if let State::Closing(fence) = self.state {
            self.state = State::Block(fence);
        }
    }

    /// Judges the backticks or tildes before this place.
    fn settle(&mut self) {
        let Some(run) = self.run.take() else { return };
        let line = self.line;
        let fence = Fence { run, indent: line.indent };
        let ticks = run.mark == '`';
        self.state = match self.state {
            State::Text | State::Inline(_) if run.length >= 3 && line.only_marks => State::Info(fence),
            State::Text if ticks => State::Inline(run.length),
            State::Inline(length) if ticks && length == run.length => State::Text,
            // A fence of backticks has none behind it in its line: this is inline code.
            State::Info(open) if ticks && open.run.mark == '`' => {
                if open.run.length == run.length {
                    State::Text
                } else {
                    State::Inline(open.run.length)
                }
            }
            State::Block(open)
                if run.mark == open.run.mark
                    && run.length >= open.run.length
                    && line.only_indent
                    && line.indent <= open.indent + 3 =>
            {
                State::Closing(open)
            }
            State::Closing(open) => State::Block(open),
            state => state,
        };
        self.line.content();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each `?` in the text, whether it is in code.
    fn asked(text: &str) -> Vec<bool> {
        let mut code = Code::default();
        let mut answers = Vec::new();
        for c in text.chars() {
            if c == '?' {
                answers.push(code.inside());
            }
            code.step(c);
        }
        answers
    }

    #[test]
    fn code_is_told_from_text() {
        for (text, expected) in [
            ("? `?` ?", vec![false, true, false]),
            ("``? ` ?`` ?", vec![true, true, false]),
            ("?\n```\n?\n```\n?", vec![false, true, false]),
            ("```sh ?\n?\n``\n?\n````  \n?", vec![true, true, true, false]),
            ("~~~\n?\n```\n?\n~~~\n?", vec![true, true, false]),
            ("- item\n  ```\n  ?\n  ```\n?", vec![true, false]),
            ("1. ```\n   ?\n   ```\n?", vec![true, false]),
            ("> ```\n> ?\n> ```\n> ?", vec![true, false]),
            ("```\n?\n``` no\n?\n        ```\n?", vec![true, true, true]),
            ("```a``` ?", vec![false]),
            ("a lone ` tick ?\nand ?\n\n? later", vec![true, true, false]),
            ("a lone ` tick\n```\n?\n```\n?", vec![true, false]),
            ("~? a ~~?~~", vec![false, false]),
            ("x ```? ```?", vec![true, false]),
        ] {
            assert_eq!(asked(text), expected, "{text:?}");
        }
    }
}
