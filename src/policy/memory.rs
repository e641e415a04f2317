//! A recorded request as conditions see it: its findings and cues numbered, placed and keyed as those of a live one are.

use std::cell::OnceCell;
use std::ops::Range;

use crate::detect::{Category, Detector, Topic, of_millionths};
use crate::document::Role;

use super::custom::CUSTOM_PREFIX;
use super::distinct::Key;
use super::doubt::{Cause, Doubt};
use super::recall::Recalled;
use super::values::DENIED_PREFIX;
use super::view::{Mark, Source, View};
use super::{Hindsight, Sensitivity};

/// A recorded finding.
#[derive(Clone, Debug)]
pub struct Remembered<'a> {
    /// What the span holds.
    pub entity_type: &'a str,
    /// Its group.
    pub category: Category,
    /// In millionths.
    pub score: u32,
    /// Who found it.
    pub detector: Detector,
    /// Id of what found it.
    pub recognizer: &'a str,
    /// Who speaks in its part.
    pub role: Role,
    /// Index of the part.
    pub part: usize,
    /// Bytes of the part.
    pub range: Range<usize>,
    /// Equal numbers under one type mean equal values.
    pub value: u64,
}

/// A request as its record tells of it.
#[derive(Clone, Debug)]
pub struct Memory<'a> {
    /// The listed findings, in the order of the record.
    pub findings: Vec<Remembered<'a>>,
    /// Types of which more was found than is listed.
    pub omitted: Vec<(&'a str, Category)>,
    /// The recorded topics.
    pub topics: Vec<Topic>,
    /// Whether every detector saw everything that it must.
    pub complete: bool,
    /// Whether the model was left out because the rules alone gave the highest level.
    pub model_skipped: bool,
    /// Whether the recorded reasons say that something could not be read.
    pub said_unscannable: bool,
    /// The level that the caller declared.
    pub declared: Option<Sensitivity>,
    /// The caller.
    pub caller: &'a str,
    /// Digest of the policy that decided.
    pub policy: &'a str,
    /// Digest of the catalog that found.
    pub catalog: &'a str,
    /// What else the record keeps; `None` if it was made before that was recorded.
    pub recalled: Option<Recalled>,
}

impl Hindsight {
    /// The record as conditions see it. Adds what of its findings is open.
    pub(super) fn view<'m>(&self, memory: &'m Memory<'_>, same: bool, doubt: &mut Doubt) -> View<'m> {
        let index = &self.policy.index;
        let recalled = memory.recalled.as_ref();
        let other_lists = self.lists_differ(memory, same);
        let allowed = if other_lists { self.policy.allowed.types(memory.caller) } else { Some(Vec::new()) };
        let may_be_allowed = |number: Option<usize>| match &allowed {
            None => true,
            Some(types) => number.is_some_and(|number| types.contains(&number)),
        };
        let adjusted = self.adjusts && doubt.causes.contains(&Cause::OwnRecognizers);

        let mut marks = Vec::with_capacity(memory.findings.len());
        let mut keys = Keys::of(recalled, memory);
        let mut points = recalled.map(|recalled| recalled.points.iter()).unwrap_or_default();
        let bytewise = recalled.is_some_and(|recalled| recalled.points.is_empty());
        let mut next_points = |range: &Range<usize>| match points.next() {
            Some((start, end)) if !bytewise => *start..*end,
            _ => range.start as u64..range.end as u64,
        };
        for (finding, remembered) in memory.findings.iter().enumerate() {
            let number = index.number(remembered.entity_type);
            keys.next(remembered, number);
            let points = next_points(&remembered.range);
            let by_rules = remembered.detector != Detector::Ner;
            // A type of another policy's own, which nothing finds under this one.
            if !same && number.is_none() && by_rules && remembered.entity_type.starts_with(CUSTOM_PREFIX) {
                continue;
            }
            let denied_then = other_lists && remembered.recognizer.starts_with(DENIED_PREFIX);
            let by_lists = denied_then || (other_lists && may_be_allowed(number));
            if by_lists {
                doubt.causes.insert(Cause::ValueLists);
            }
            marks.push(Mark {
                number,
                category: remembered.category,
                score: of_millionths(remembered.score),
                detector: remembered.detector,
                role: remembered.role,
                part: remembered.part,
                range: remembered.range.clone(),
                bytes: 0..0,
                points,
                finding,
                unsure: by_lists || adjusted,
            });
        }
        let listed = memory.findings.len();
        let mut names: Vec<&str> = memory.findings.iter().map(|finding| finding.entity_type).collect();
        for group in recalled.iter().flat_map(|recalled| &recalled.cues) {
            let number = index.number(group.entity_type.as_str());
            for (part, start, end, score) in &group.at {
                let (part, start, end) = (place(*part), place(*start), place(*end));
                let role = recalled.and_then(|recalled| recalled.parts.get(part)).map(super::PartLength::role);
                let finding = names.len();
                names.push(group.entity_type.as_str());
                keys.cue(number, finding);
                marks.push(Mark {
                    number,
                    category: group.category,
                    score: of_millionths(*score),
                    detector: group.detector,
                    role: role.unwrap_or_default(),
                    part,
                    range: start..end,
                    bytes: 0..0,
                    points: next_points(&(start..end)),
                    finding,
                    unsure: adjusted || role.is_none(),
                });
            }
        }
        if names.len() > listed {
            let order = |mark: &Mark| (mark.part, mark.range.start, mark.range.end);
            let name = |mark: &Mark| names.get(mark.finding).copied().unwrap_or_default();
            marks.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| name(a).cmp(name(b))));
        }
        locate(&mut marks, recalled);
        marks.retain(|mark| mark.score >= self.policy.min_score);
        if self.asks_unknown_forms(&marks, &names, recalled) {
            doubt.causes.insert(Cause::ValueForms);
        }
        View {
            source: Source::Record { recalled, keys: keys.keys },
            marks,
            topics: &memory.topics,
            declared: memory.declared,
            caller: memory.caller,
            doubt: None,
            keys: OnceCell::new(),
        }
    }

    /// Whether the policy compares values in a way that nobody compared them in then.
    fn asks_unknown_forms(&self, marks: &[Mark], names: &[&str], recalled: Option<&Recalled>) -> bool {
        let Some(recalled) = recalled else { return false };
        self.policy.forms.iter().any(|form| {
            let concerns = |mark: &Mark| {
                let name = names.get(mark.finding).copied().unwrap_or_default();
                form.types.iter().any(|known| **known == *name)
            };
            recalled.fits(&form.values.id, 0).is_none() && marks.iter().any(concerns)
        })
    }
}

/// The keys of values as a record tells them.
struct Keys<'m> {
    keys: Vec<Key>,
    names: std::slice::Iter<'m, Vec<u32>>,
    values: std::slice::Iter<'m, u32>,
    known: bool,
}

impl<'m> Keys<'m> {
    fn of(recalled: Option<&'m Recalled>, memory: &Memory<'_>) -> Self {
        let (names, values) =
            recalled.map(|recalled| (recalled.names.iter(), recalled.values.iter())).unwrap_or_default();
        let known = names.len() + values.len() == memory.findings.len();
        Self { keys: Vec::with_capacity(memory.findings.len()), names, values, known }
    }

    fn next(&mut self, finding: &Remembered<'_>, number: Option<usize>) {
        let unique = Key::Unique(self.keys.len());
        let key = match (self.known, finding.category) {
            (false, _) => Key::Loose(number, finding.value),
            (true, Category::Person) => match self.names.next() {
                Some(words) if !words.is_empty() => Key::Name(words.as_slice().into()),
                _ => unique,
            },
            (true, _) => self.values.next().map_or(unique, |number| Key::Value(*number)),
        };
        self.keys.push(key);
    }

    fn cue(&mut self, number: Option<usize>, finding: usize) {
        self.keys.push(Key::Loose(number, finding as u64));
    }
}

/// Turns places inside parts into places in the document.
fn locate(marks: &mut [Mark], recalled: Option<&Recalled>) {
    let lengths = recalled.map(|recalled| recalled.parts.as_slice()).unwrap_or_default();
    let (mut part, mut bytes, mut points) = (0, 0, 0);
    for mark in marks {
        while part < mark.part {
            let Some(length) = lengths.get(part) else { break };
            bytes += length.1 + 1;
            points += length.2 + 1;
            part += 1;
        }
        if part < mark.part && !lengths.is_empty() {
            // Outside the document, where it ends.
            (mark.bytes, mark.points) = (bytes..bytes, points..points);
            continue;
        }
        // Without lengths, offsets of different parts are never compared.
        mark.bytes = bytes + mark.range.start as u64..bytes + mark.range.end as u64;
        mark.points = points + mark.points.start..points + mark.points.end;
    }
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
