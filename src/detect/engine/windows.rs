//! The windows in which a pattern has to search. Windows of one pattern that overlap become one, so that no byte is
//! searched twice by the same pattern, however many triggers there are.

use super::triggers::Span;

/// Open windows, one at most for each pattern.
pub(super) struct Windows {
    open: Vec<Option<Span>>,
    /// Patterns that have an open window, or had one.
    touched: Vec<usize>,
}

impl Windows {
    /// For patterns `0..count`.
    pub(super) fn new(count: usize) -> Self {
        Self { open: vec![None; count], touched: Vec::new() }
    }

    /// Adds a window; those of a pattern come in the order of their starts. Returns the window before it, if that one
    /// is complete.
    pub(super) fn add(&mut self, pattern: usize, window: Span) -> Option<Span> {
        let open = self.open.get_mut(pattern)?;
        match open {
            Some(last) if window.start <= last.end => {
                last.end = last.end.max(window.end);
                None
            }
            Some(last) => Some(std::mem::replace(last, window)),
            None => {
                self.touched.push(pattern);
                open.replace(window)
            }
        }
    }

    /// Takes out a window that is still open.
    pub(super) fn pop(&mut self) -> Option<(usize, Span)> {
        while let Some(pattern) = self.touched.pop() {
            if let Some(window) = self.open.get_mut(pattern).and_then(Option::take) {
                return Some((pattern, window));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_overlap_become_one() {
        let span = |start, end| Span { start, end };
        let mut windows = Windows::new(2);
        assert_eq!(windows.add(0, span(0, 10)), None);
        assert_eq!(windows.add(1, span(3, 4)), None);
        assert_eq!(windows.add(0, span(10, 20)), None);
        assert_eq!(windows.add(0, span(12, 15)), None);
        assert_eq!(windows.add(0, span(21, 30)), Some(span(0, 20)));
        let mut rest = [windows.pop(), windows.pop()];
        rest.sort_by_key(|window| window.map(|(pattern, _)| pattern));
        assert_eq!(rest, [Some((0, span(21, 30))), Some((1, span(3, 4)))]);
        assert_eq!(windows.pop(), None);
    }
}
