//! A policy asked about a record, long after the request: what level it gives by the findings that were recorded. It asks
//! the same conditions by the same functions as for a live request, over a view that is made of the record; what the
//! record leaves open for this policy becomes a range of levels, with the causes, and never a guess. It makes no verdict
//! and no permit: nothing is routed by hindsight.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use toml::Value;

use crate::detect::{Category, Detector, EntityType, Topic, of_millionths};
use crate::document::Role;

use super::condition::TypeSet;
use super::custom::CUSTOM_PREFIX;
use super::decide::Circumstances;
use super::distinct::Key;
use super::doubt::{Cause, Doubt, Lens, Topics, Types};
use super::recall::Recalled;
use super::values::DENIED_PREFIX;
use super::view::{Mark, Source, View};
use super::waiver::Asked;
use super::{Policy, Sensitivity};

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

/// A level, and the rules that give it and lower ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The level.
    pub level: Sensitivity,
    /// As a verdict lists them.
    pub reasons: Vec<(Arc<str>, Sensitivity)>,
}

/// What a policy says of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redecision {
    /// The lowest level that the request can have had under it.
    pub least: Given,
    /// The highest.
    pub most: Given,
    /// What of the record was open for the policy; it matters only if the levels differ.
    pub causes: BTreeSet<Cause>,
}

impl Redecision {
    /// Whether the record decides the level.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.least.level == self.most.level
    }
}

/// A policy, ready to be asked about records.
#[derive(Debug)]
pub struct Hindsight {
    policy: Arc<Policy>,
    /// Digest of the catalog with what the policy adds to it; `None` if that is not known.
    catalog: Option<Arc<str>>,
    /// What its own recognizers and lists find.
    own: Types,
    /// Whether it changes scores or drops findings by itself.
    adjusts: bool,
    /// What the named-entity model finds.
    model: TypeSet,
    /// Whether what the model finds could undo a rule of the highest level.
    model_can_lower: bool,
    least_topic: Option<f32>,
    /// Whether it counts different cues, which records do not tell apart.
    counts_cues: bool,
}

impl Hindsight {
    /// `catalog` is the digest of the rules that the policy would be served with, `model` the types that the model finds.
    #[must_use]
    pub fn new(policy: Arc<Policy>, catalog: Option<Arc<str>>, model: &[(EntityType, Category)]) -> Self {
        let mut types = TypeSet::default();
        for (name, category) in model {
            types.insert_of(policy.index.number(name.as_str()), *category);
        }
        let custom = policy.custom_catalog();
        let mut own = Types::default();
        for table in custom.recognizers.iter().chain(&custom.lists) {
            let name = table.get("entity_type").and_then(Value::as_str).unwrap_or_default();
            let number = policy.index.number(name);
            own.insert(number, Category::Other);
        }
        let adjusts = !custom.hotwords.is_empty() || !custom.exclusions.is_empty();
        if adjusts {
            own = Types::ALL;
        }
        let highest = policy.highest_level();
        let model_can_lower = policy.rules.iter().any(|rule| rule.level == highest && rule.condition.can_fall(&types));
        let least_topic = policy.rules.iter().filter_map(|rule| rule.condition.least_topic()).reduce(f32::min);
        let counts_cues = policy.rules.iter().any(|rule| rule.condition.counts_different(&policy.index.cue_types()));
        Self { policy, catalog, own, adjusts, model: types, model_can_lower, least_topic, counts_cues }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The level of a recorded request under the policy.
    #[must_use]
    pub fn judge(&self, memory: &Memory<'_>) -> Redecision {
        let same = *memory.policy == *self.policy.reference.digest;
        let mut doubt = self.doubt(memory, same);
        let view = self.view(memory, same, &mut doubt);
        let open = |doubt: &Doubt| !doubt.causes.is_empty();
        let ask = |view: &View<'_>, lens| self.given(view, memory, same, lens);

        if memory.model_skipped && !same {
            // Live, the rules alone are asked first; for a text that would be redacted, the model runs all the same.
            let suffices = self.policy.may_skip_ner
                && !(self.model_can_lower && self.policy.redacts())
                && self.policy.reaches_highest(&View { doubt: Some(&doubt), ..view.again() }, Lens::Sure);
            if !suffices {
                doubt.more.extend(&Types::from(self.model.clone()));
                doubt.topics = Topics::Unknown;
                doubt.causes.insert(Cause::ModelSkipped);
            }
        }
        let view = View { doubt: Some(&doubt), ..view };
        let least = ask(&view, Lens::Sure);
        let mut most = if open(&doubt) { ask(&view, Lens::Possible) } else { least.clone() };
        let mut causes = doubt.causes.clone();
        let by_model = |mark: &Mark| mark.detector == Detector::Ner;
        if !same
            && !memory.model_skipped
            && self.policy.may_skip_ner
            && self.model_can_lower
            && most.level < self.policy.highest_level()
            && view.marks.iter().any(by_model)
        {
            // Live, the model might not have run, and what it found could not have undone a rule.
            let mut rules = view.again();
            rules.marks.retain(|mark| !by_model(mark));
            rules.topics = &[];
            if self.policy.reaches_highest(&rules, Lens::Possible) {
                most = ask(&rules, Lens::Possible);
                causes.insert(Cause::ModelSkipped);
            }
        }
        Redecision { least, most, causes }
    }

    /// Whether the policy lets a caller lower a level; `None` if the level is not higher anyway.
    #[must_use]
    pub fn waives(&self, memory: &Memory<'_>, from: Sensitivity, to: Sensitivity, has_reason: bool) -> Option<bool> {
        let unread = memory.recalled.as_ref().map_or(memory.said_unscannable, |recalled| recalled.unscannable > 0);
        let seen_whole = memory.complete && !(unread && self.policy.unscannable > Sensitivity::Public);
        let asked = Asked { from, to, caller: memory.caller, has_reason, own: true, seen_whole };
        self.policy.leave(&asked).map(|rule| rule.map(|_| true)).unwrap_or(Some(false))
    }

    /// Whether the caller could have been let to lower this level.
    #[must_use]
    pub fn may_waive(&self, caller: &str, from: Sensitivity) -> bool {
        let mut overrides = self.policy.overrides.iter();
        overrides.any(|rule| rule.from == from && rule.callers.iter().any(|name| name == caller))
    }

    fn given(&self, view: &View<'_>, memory: &Memory<'_>, same: bool, lens: Lens) -> Given {
        let unscannable = match &memory.recalled {
            Some(recalled) => recalled.unscannable > 0,
            None => memory.said_unscannable || (!same && lens == Lens::Possible),
        };
        let circumstances = Circumstances { complete: memory.complete, unscannable, declared: memory.declared };
        let rules = self.policy.rules_that_hold(view, lens);
        let mut reasons: Vec<_> = rules.into_iter().map(|(rule, _)| (Arc::clone(&rule.id), rule.level)).collect();
        let built_in = self.policy.built_in(&circumstances).into_iter().flatten();
        reasons.extend(built_in.map(|reason| (Arc::from(reason.rule), reason.level)));
        // Stable, as in a verdict.
        reasons.sort_by_key(|(_, level)| std::cmp::Reverse(*level));
        Given { level: reasons.first().map_or(Sensitivity::Public, |(_, level)| *level), reasons }
    }

    /// What of the record is open for the policy, before its findings are looked at.
    fn doubt(&self, memory: &Memory<'_>, same: bool) -> Doubt {
        let policy = &self.policy;
        let mut doubt = Doubt::default();
        for (name, category) in &memory.omitted {
            doubt.more.insert(policy.index.number(name), *category);
            doubt.causes.insert(Cause::FindingsOmitted);
        }
        if self.least_topic.is_some_and(|least| least <= Topic::LEAST_RECORDED) && !memory.model_skipped {
            doubt.topics = Topics::Likely;
            doubt.causes.insert(Cause::TopicsBelowFloor);
        }
        let other_finders = !same && self.catalog.as_deref() != Some(memory.catalog);
        if other_finders && !self.own.is_none() {
            doubt.more.extend(&self.own);
            doubt.causes.insert(Cause::OwnRecognizers);
        }
        match &memory.recalled {
            None => {
                doubt.more = Types::ALL;
                (doubt.offsets, doubt.parts) = (true, true);
                doubt.causes.insert(Cause::OldRecord);
                if !same && policy.unscannable > Sensitivity::Public && !memory.said_unscannable {
                    doubt.causes.insert(Cause::Unscannable);
                }
            }
            Some(recalled) => {
                if recalled.cues_omitted > 0 {
                    doubt.more.extend(&Types::from(policy.index.cue_types()));
                    doubt.causes.insert(Cause::PartsOmitted);
                }
                let anything = !memory.findings.is_empty() || !recalled.cues.is_empty();
                if anything && recalled.parts.is_empty() {
                    doubt.parts = true;
                    doubt.causes.insert(Cause::PartsOmitted);
                }
                if recalled.names.len() + recalled.values.len() != memory.findings.len() {
                    doubt.causes.insert(Cause::OldRecord);
                }
                if self.counts_cues && !recalled.cues.is_empty() {
                    doubt.causes.insert(Cause::ValueForms);
                }
            }
        }
        if self.lists_differ(memory, same) {
            for (name, category) in policy.denied.types(memory.caller) {
                doubt.more.insert(policy.index.number(name.as_str()), category);
                doubt.causes.insert(Cause::ValueLists);
            }
            for (name, category, _) in memory.recalled.iter().flat_map(|recalled| &recalled.allowed) {
                doubt.more.insert(policy.index.number(name.as_str()), *category);
                doubt.causes.insert(Cause::ValueLists);
            }
        }
        doubt
    }

    /// Whether `[[allow]]` or `[[deny]]` are, or may be, others than those that the record was made with.
    fn lists_differ(&self, memory: &Memory<'_>, same: bool) -> bool {
        let then = memory.recalled.as_ref().map(|recalled| &recalled.lists);
        !same && then != Some(&self.policy.lists)
    }

    /// The record as conditions see it. Adds what of its findings is open.
    fn view<'m>(&self, memory: &'m Memory<'_>, same: bool, doubt: &mut Doubt) -> View<'m> {
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
