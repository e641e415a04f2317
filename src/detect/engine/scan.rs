//! One part through all rules. Holds the state of a scan and counts its work, so that a test can hold the work to a
//! multiple of the text's length.

use std::ops::Range;
use std::sync::Arc;

use regex_automata::util::primitives::NonMaxUsize;

use super::address;
use super::context::PartContext;
use super::dictionary::Refused;
use super::patterns::behind_first_word;
use super::shape::{BEFORE, REACH, Reader};
use super::triggers::{Gates, Mark, Span, digit_runs};
use super::windows::Windows;
use super::{MAX_FINDINGS, Rules, ScanLimit, TEST_VALUE};
use crate::detect::trace::{Considered, Outcome, Trace};
use crate::detect::{Detector, Explanation, Finding, language, reason};
use crate::document::View;

/// A scan of one part.
pub(super) struct Scan<'s> {
    rules: &'s Rules,
    part: usize,
    field: &'s str,
    view: &'s View<'s>,
    findings: &'s mut Vec<Finding>,
    context: PartContext,
    slots: Vec<Option<NonMaxUsize>>,
    /// Findings of each recognizer.
    counts: Vec<usize>,
    /// Test values so far.
    test_values: usize,
    limit: Option<ScanLimit>,
    /// Who asks why a span is not found; nobody, in a request.
    pub(super) trace: Option<&'s mut Trace>,
    /// Bytes that expressions and the shape automaton read.
    pub(super) work: usize,
    /// Bytes that word lists read.
    pub(super) words_read: usize,
}

impl<'s> Scan<'s> {
    pub(super) fn new(
        rules: &'s Rules,
        part: usize,
        field: &'s str,
        view: &'s View<'s>,
        findings: &'s mut Vec<Finding>,
    ) -> Self {
        Self {
            rules,
            part,
            field,
            view,
            findings,
            context: PartContext::default(),
            slots: Vec::new(),
            counts: vec![0; rules.recognizers.len()],
            test_values: 0,
            limit: None,
            trace: None,
            work: 0,
            words_read: 0,
        }
    }

    /// Runs every rule.
    pub(super) fn run(&mut self) {
        self.patterns();
        self.fields();
        self.dictionary();
    }

    /// Whether every rule came to the end.
    pub(super) fn outcome(self) -> Result<(), ScanLimit> {
        self.limit.map_or(Ok(()), Err)
    }

    fn patterns(&mut self) {
        let rules = self.rules;
        let text = self.view.text();
        let mut windows = Windows::new(rules.recognizers.len());
        let mut complete = Vec::new();
        let marks = rules.literals.scan(text, &mut |recognizer, window| {
            complete.extend(windows.add(recognizer, window).map(|window| (recognizer, window)));
        });
        complete.extend(std::iter::from_fn(|| windows.pop()));
        self.literals(complete, &marks);
        self.digits(&marks);
    }

    /// Searches the windows around literals.
    fn literals(&mut self, mut windows: Vec<(usize, Span)>, marks: &[Mark]) {
        let rules = self.rules;
        windows.sort_unstable_by_key(|(recognizer, window)| (window.start, *recognizer));
        let mut gates = rules.literals.gates(marks, rules.patterns.len());
        for (recognizer, window) in windows {
            gates.advance(window.end);
            let patterns = rules.recognizers.get(recognizer).map_or(0..0, |recognizer| recognizer.patterns.clone());
            for pattern in patterns {
                if self.may_find(pattern, window, &gates) {
                    self.search(pattern, window);
                }
            }
        }
        self.context.rewind();
    }

    /// Opens windows for digit patterns, around numbers at which their shape can match.
    fn digits(&mut self, marks: &[Mark]) {
        let rules = self.rules;
        let mut windows = Windows::new(rules.patterns.len());
        let text = self.view.text();
        let (mut tokens, mut runs) = (rules.tokens.shapes.reader(), rules.runs.shapes.reader());
        let mut gates = rules.literals.gates(marks, rules.patterns.len());
        let mut read = |scan: &mut Self, shapes: &mut Reader<'_>, patterns: &[usize], at: usize| {
            let window = Span { start: at.saturating_sub(BEFORE), end: (at + REACH).min(text.len()) };
            gates.advance(window.end);
            let mut open = |index: usize| {
                if let Some(pattern) = patterns.get(index)
                    && scan.may_find(*pattern, window, &gates)
                    && let Some(complete) = windows.add(*pattern, window)
                {
                    scan.search(*pattern, complete);
                }
            };
            let read = shapes.matching(text, at, &mut open);
            scan.work += read;
        };
        digit_runs(text, &mut |run| {
            if let Some(token) = run.token {
                read(self, &mut tokens, &rules.tokens.patterns, token);
            }
            read(self, &mut runs, &rules.runs.patterns, run.start);
        });
        while let Some((pattern, window)) = windows.pop() {
            self.search(pattern, window);
        }
    }

    /// Searches the values of fields that somebody listens to.
    fn fields(&mut self) {
        let rules = self.rules;
        if rules.names.is_empty() {
            return;
        }
        let text = self.view.text();
        let cells = rules.names.cells(text, self.field, self.context.fields(text));
        for cell in cells {
            let patterns =
                rules.recognizers.get(cell.recognizer).map_or(0..0, |recognizer| recognizer.patterns.clone());
            for index in patterns {
                self.work += cell.value.len();
                let Some(pattern) = rules.patterns.get(index) else { continue };
                let Some(recognizer) = rules.recognizers.get(cell.recognizer) else { continue };
                let Some((value, end)) = pattern.find_at(text, cell.value.clone(), &mut self.slots) else { continue };
                let ends =
                    end == cell.value.end || (!cell.delimited && text.get(end..).is_some_and(super::cells::ends_value));
                if !ends {
                    continue;
                }
                match recognizer.refusal(text, &value) {
                    None => {
                        let heard = rules.context.hears(cell.recognizer, text, cell.columns.clone(), &mut self.context);
                        self.candidate_in(index, value, heard);
                        break;
                    }
                    Some(refusal) => self.explain(index, &value, || refusal.into()),
                }
            }
        }
    }

    /// Whether what a pattern cannot do without is near a window: its literals, its context words.
    fn may_find(&mut self, index: usize, window: Span, gates: &Gates<'_>) -> bool {
        let rules = self.rules;
        if rules.gated.get(index) == Some(&true) && !gates.open(index, window.start) {
            return false;
        }
        let Some(pattern) = rules.patterns.get(index) else { return false };
        let needs_word = rules.recognizers.get(pattern.recognizer).is_some_and(|spec| spec.requires_context);
        !needs_word
            // Without a word the match comes to nothing, and whoever asks is told so.
            || self.is_asked(&(window.start..window.end))
            || rules.context.may_confirm(
                pattern.recognizer,
                self.view.text(),
                self.field,
                window.start..window.end,
                &mut self.context,
            )
    }

    /// Runs one expression over one window.
    pub(super) fn search(&mut self, index: usize, window: Span) {
        let rules = self.rules;
        let text = self.view.text();
        let Some(pattern) = rules.patterns.get(index) else { return };
        let Some(recognizer) = rules.recognizers.get(pattern.recognizer) else { return };
        let mut rest = Span { start: text.floor_char_boundary(window.start), end: text.ceil_char_boundary(window.end) };
        while rest.start < rest.end {
            let Some((value, end)) = pattern.find(text, rest, &mut self.slots) else {
                self.work += rest.end - rest.start;
                return;
            };
            self.work += end - rest.start;
            let next = match recognizer.refusal(text, &value) {
                None => {
                    self.candidate(index, value.clone());
                    value.end
                }
                Some(refusal) => {
                    self.explain(index, &value, || refusal.into());
                    if refusal.is_test_value() {
                        self.test_value(index, value.clone());
                    }
                    behind_first_word(text, &value)
                }
            };
            // A boundary that the expression consumed may begin the next value: look on from the value's end.
            rest.start = if next > rest.start { next } else { end.max(rest.start + 1) };
            rest.start = text.ceil_char_boundary(rest.start);
        }
    }

    /// Makes a finding of an accepted value, if its surroundings allow it.
    fn candidate(&mut self, index: usize, value: Range<usize>) {
        self.candidate_in(index, value, false);
    }

    /// The same for a value whose record has said what its surroundings need not say again.
    fn candidate_in(&mut self, index: usize, value: Range<usize>, heard: bool) {
        let rules = self.rules;
        let Some(pattern) = rules.patterns.get(index) else { return };
        let Some(recognizer) = rules.recognizers.get(pattern.recognizer) else { return };
        let text = self.view.text();
        let value = if recognizer.extends { value.start..address::end(text, value.end) } else { value };
        let whole = recognizer.extends && text.get(value.clone()).is_some_and(address::is_whole);
        let judgement = rules.context.judge(pattern.recognizer, text, self.field, value.clone(), &mut self.context);
        if let Some(word) = judgement.refuting {
            self.explain(index, &value, || Outcome::NegativeContext(word));
            return;
        }
        if recognizer.requires_context && judgement.confirming.is_empty() && !heard {
            let wanted = || Outcome::NoContext { wanted: recognizer.words.clone(), window: recognizer.window };
            self.explain(index, &value, wanted);
            return;
        }
        let Some(count) = self.counts.get_mut(pattern.recognizer) else { return };
        *count += 1;
        if *count > MAX_FINDINGS {
            self.limit(recognizer.detector, &recognizer.id);
            return;
        }
        let weight = if heard { 1.0 } else { judgement.weight };
        let score = pattern.score + (pattern.score_in_context - pattern.score) * weight;
        let validator = if whole { Arc::from(address::VALIDATOR) } else { Arc::clone(&recognizer.validator_name) };
        let mut finding = Finding {
            part: self.part,
            range: self.view.original(value),
            entity_type: recognizer.entity_type.clone(),
            category: recognizer.category,
            score: pattern.score,
            detector: recognizer.detector,
            recognizer: Arc::clone(&recognizer.id),
            explanation: Explanation {
                pattern: Arc::clone(&pattern.name),
                validator,
                context_words: judgement.confirming,
                base_score: pattern.score,
                ..Explanation::default()
            },
        };
        finding.adjust(reason::CONTEXT_WORDS, score);
        if whole && finding.score < address::WHOLE_SCORE {
            finding.adjust(reason::WHOLE_ADDRESS, address::WHOLE_SCORE);
        }
        self.findings.push(finding);
    }

    /// Notes a value that its own recognizer knows as a published test value: with the score that it would have had it
    /// keeps weaker readings of its digits from being findings. It is a cue and never reported. Beyond the limit they are
    /// left out, which can only leave more findings.
    fn test_value(&mut self, index: usize, value: Range<usize>) {
        let rules = self.rules;
        let (Some(pattern), Some(cue)) = (rules.patterns.get(index), &rules.test_value) else { return };
        let Some(recognizer) = rules.recognizers.get(pattern.recognizer) else { return };
        if recognizer.digits.is_none() || self.test_values >= MAX_FINDINGS {
            return;
        }
        self.test_values += 1;
        let text = self.view.text();
        let judgement = rules.context.judge(pattern.recognizer, text, self.field, value.clone(), &mut self.context);
        let weight = if judgement.refuting.is_some() { 0.0 } else { judgement.weight };
        let score = pattern.score + (pattern.score_in_context - pattern.score) * weight;
        self.findings.push(Finding {
            part: self.part,
            range: self.view.original(value),
            entity_type: cue.name.clone(),
            category: cue.category,
            score,
            detector: recognizer.detector,
            recognizer: Arc::from(TEST_VALUE),
            explanation: Explanation {
                pattern: Arc::clone(&pattern.name),
                validator: Arc::clone(&recognizer.validator_name),
                base_score: score,
                ..Explanation::default()
            },
        });
    }

    /// Whether somebody asks about a range of the view.
    fn is_asked(&self, range: &Range<usize>) -> bool {
        self.trace.as_ref().is_some_and(|trace| trace.wants(self.part, &self.view.original(range.clone())))
    }

    /// Tells whoever asks what became of a value.
    fn explain(&mut self, index: usize, value: &Range<usize>, outcome: impl FnOnce() -> Outcome) {
        if !self.is_asked(value) {
            return;
        }
        let rules = self.rules;
        let Some(pattern) = rules.patterns.get(index) else { return };
        let Some(recognizer) = rules.recognizers.get(pattern.recognizer) else { return };
        let range = self.view.original(value.clone());
        if let Some(trace) = self.trace.as_mut() {
            trace.note(Considered {
                range,
                entity_type: recognizer.entity_type.clone(),
                detector: recognizer.detector,
                recognizer: Arc::clone(&recognizer.id),
                pattern: Arc::clone(&pattern.name),
                outcome: outcome(),
            });
        }
    }

    fn dictionary(&mut self) {
        let rules = self.rules;
        let mut counts = vec![0_usize; rules.dictionary.len()];
        let text = self.view.text();
        let told = std::mem::take(&mut self.context.told);
        let languages = || *told.get_or_init(|| language::tell(text).possible);
        let work = rules.dictionary.scan(text, &languages, &mut |index, hit| {
            let (Some(list), Some(count)) = (rules.dictionary.list(index), counts.get_mut(index)) else { return };
            let hit = match hit {
                Ok(hit) => hit,
                Err(Refused { range, outcome }) => {
                    let range = self.view.original(range);
                    if let Some(trace) = self.trace.as_mut().filter(|trace| trace.wants(self.part, &range)) {
                        trace.note(list.considered(range, outcome));
                    }
                    return;
                }
            };
            *count += 1;
            if *count > MAX_FINDINGS {
                self.limit(Detector::Dictionary, &list.id);
            } else {
                let range = self.view.original(hit.range.clone());
                self.findings.push(list.finding(self.part, range, &hit));
            }
        });
        self.words_read += work;
    }

    fn limit(&mut self, detector: Detector, recognizer: &Arc<str>) {
        if self.limit.is_none() {
            self.limit = Some(ScanLimit { detector, recognizer: Arc::clone(recognizer), limit: MAX_FINDINGS });
        }
    }
}
