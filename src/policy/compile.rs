//! From conditions as they are written to conditions as they are evaluated. Whatever could make a rule hold never, or
//! always, without its author meaning it, is a problem here and not a surprise later.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use crate::detect::Likelihood;

use super::condition::{Condition, Excuse, MAX_NEAR, Quantity, Reach, Selection, TypeIndex, TypeSet, Values};
use super::file::{Narrowed, RawCondition, RawExcuse, RawSelection, RawValues, Scope};
use super::known::did_you_mean;
use super::problem::Problems;

/// Conditions nest at most this deep; a person reads no deeper.
const MAX_DEPTH: usize = 8;

/// Turns what is written into what is evaluated, and collects what is wrong with it.
pub(super) struct Compiler<'a, 'p> {
    pub(super) index: &'a TypeIndex,
    pub(super) problems: &'a mut Problems<'p>,
    /// Selections that rules share, by name.
    pub(super) groups: &'a BTreeMap<String, Selection>,
    /// Of the policy; lower ones in conditions have no effect.
    pub(super) min_score: f32,
}

impl Compiler<'_, '_> {
    pub(super) fn condition(&mut self, raw: &Spanned<RawCondition>, field: &str) -> Condition {
        self.nested(raw, field, 0)
    }

    fn nested(&mut self, raw: &Spanned<RawCondition>, field: &str, depth: usize) -> Condition {
        let span = raw.span();
        if depth > MAX_DEPTH {
            self.problems.error(span, field, format!("conditions nest more than {MAX_DEPTH} deep; make several rules"));
            return Condition::Any(Vec::new());
        }
        let raw = raw.get_ref();
        let reach =
            Reach { within: raw.within, unit: raw.unit.unwrap_or_default(), scope: raw.scope.unwrap_or_default() };
        let mut all = Vec::new();
        self.found(raw, reach, &span, field, &mut all);
        self.all_and_none(raw, reach, &span, field, &mut all);
        self.near(raw, reach, &span, field, &mut all);
        self.circumstances(raw, &span, field, &mut all);
        for (i, inner) in raw.all.iter().enumerate() {
            all.push(self.nested(inner, &format!("{field}.all[{i}]"), depth + 1));
        }
        if !raw.any.is_empty() {
            let any = raw.any.iter().enumerate();
            all.push(Condition::Any(
                any.map(|(i, inner)| self.nested(inner, &format!("{field}.any[{i}]"), depth + 1)).collect(),
            ));
        }
        if let Some(not) = &raw.not {
            all.push(Condition::Not(Box::new(self.nested(not, &format!("{field}.not"), depth + 1))));
        }
        match all.len() {
            0 => {
                self.problems.error(span, field, "an empty condition; write `always = true` if every request is meant");
                Condition::Any(Vec::new())
            }
            1 => all.swap_remove(0),
            _ => Condition::All(all),
        }
    }

    /// `any_of`, `categories` and what narrows and counts them.
    fn found(&mut self, raw: &RawCondition, reach: Reach, span: &Range<usize>, field: &str, all: &mut Vec<Condition>) {
        let names_types = raw.group.is_some() || !raw.any_of.is_empty() || !raw.categories.is_empty();
        let narrows = raw.min_score.is_some()
            || raw.min_likelihood.is_some()
            || !raw.roles.is_empty()
            || raw.values.is_some()
            || raw.except_values.is_some()
            || !raw.detectors.is_empty();
        let counts = raw.count.is_some() || raw.distinct.is_some() || raw.kinds.is_some();
        if !names_types {
            if counts || !raw.except.is_empty() || (narrows && raw.all_of.is_empty()) {
                self.problems.error(span.clone(), field, "names no types: add `any_of`, `categories` or `group`");
            }
            return;
        }
        if [raw.count, raw.distinct, raw.kinds].contains(&Some(0)) {
            self.problems.error(span.clone(), field, "a count of 0 always holds; write `not` or leave it out");
        }
        let selection = self.selection(&Narrowed::from(raw), span, field);
        // Beside `near` or `all_of` the distance is theirs.
        let close = counts
            && raw.near.is_empty()
            && raw.all_of.len() < 2
            && (raw.within.is_some() || raw.scope == Some(Scope::Part));
        let kinds = raw.kinds.unwrap_or(1);
        let distinct = raw.distinct.unwrap_or(1);
        let quantity = Quantity {
            count: raw.count.unwrap_or(1).max(kinds).max(distinct),
            distinct,
            kinds,
            reach: close.then_some(reach),
        };
        all.push(Condition::Found(selection, quantity));
    }

    /// `all_of` and `none_of`.
    fn all_and_none(
        &mut self,
        raw: &RawCondition,
        reach: Reach,
        span: &Range<usize>,
        field: &str,
        all: &mut Vec<Condition>,
    ) {
        let mut each = Vec::new();
        for name in &raw.all_of {
            let narrowed = Narrowed {
                any_of: std::slice::from_ref(name),
                group: None,
                except: &[],
                categories: &[],
                ..Narrowed::from(raw)
            };
            each.push(self.selection(&narrowed, span, field));
        }
        let close = raw.within.is_some() || raw.scope.is_some();
        if each.len() > 1 && close {
            if each.len() > MAX_NEAR {
                self.problems.error(
                    span.clone(),
                    field,
                    format!("`all_of` with a distance takes at most {MAX_NEAR} types"),
                );
            }
            all.push(Condition::Near(each, reach));
        } else {
            all.extend(each.into_iter().map(|selection| Condition::Found(selection, Quantity::ONE)));
        }
        if !raw.none_of.is_empty() {
            let narrowed =
                Narrowed { any_of: &raw.none_of, group: None, except: &[], categories: &[], ..Narrowed::from(raw) };
            let selection = self.selection(&narrowed, span, field);
            all.push(Condition::Not(Box::new(Condition::Found(selection, Quantity::ONE))));
        }
    }

    fn near(&mut self, raw: &RawCondition, reach: Reach, span: &Range<usize>, field: &str, all: &mut Vec<Condition>) {
        let close = raw.within.is_some() || raw.unit.is_some();
        let several = !raw.near.is_empty()
            || raw.all_of.len() > 1
            || raw.count.is_some()
            || raw.distinct.is_some()
            || raw.kinds.is_some();
        if close && !several {
            self.problems.error(
                span.clone(),
                field,
                "a distance takes `count`, `distinct`, `kinds`, `all_of` or `near`",
            );
        }
        if raw.near.is_empty() {
            return;
        }
        if !(2..=MAX_NEAR).contains(&raw.near.len()) {
            self.problems.error(span.clone(), field, format!("`near` takes 2 to {MAX_NEAR} selections"));
        }
        let mut selections = Vec::new();
        for (i, side) in raw.near.iter().enumerate() {
            let field = format!("{field}.near[{i}]");
            let (span, side) = (side.span(), side.get_ref());
            if side.group.is_none() && side.any_of.is_empty() && side.categories.is_empty() {
                self.problems.error(span.clone(), &field, "names no types: add `any_of`, `categories` or `group`");
            }
            selections.push(self.selection(&Narrowed::from(side), &span, &field));
        }
        all.push(Condition::Near(selections, reach));
    }

    /// What is known of the request beside findings.
    fn circumstances(&mut self, raw: &RawCondition, span: &Range<usize>, field: &str, all: &mut Vec<Condition>) {
        match raw.always {
            Some(true) => all.push(Condition::Always),
            Some(false) => self.problems.error(span.clone(), field, "`always = false` never holds; remove the rule"),
            None => {}
        }
        if let Some(level) = raw.declared {
            all.push(Condition::Declared(level));
        }
        if !raw.callers.is_empty() {
            all.push(Condition::Caller(raw.callers.clone()));
        }
        if !raw.topics.is_empty() {
            let mut topics = Vec::new();
            for (name, probability) in &raw.topics {
                if !(0.0..=1.0).contains(probability) {
                    self.problems.error(span.clone(), field, format!("probability of `{name}` is not between 0 and 1"));
                }
                topics.push((name.clone(), *probability));
            }
            all.push(Condition::Topic(topics));
        }
    }

    fn selection(&mut self, raw: &Narrowed<'_>, span: &Range<usize>, field: &str) -> Selection {
        let group = raw.group.and_then(|name| self.group(name, field));
        let mut types = TypeSet::of(raw.categories, self.index);
        if let Some(group) = &group {
            types.extend(&group.types);
        }
        for name in raw.any_of {
            if let Some(number) = self.known(name, field) {
                types.insert(number);
            }
        }
        for name in raw.except {
            if let Some(number) = self.known(name, field) {
                types.remove(number);
            }
        }
        if types.is_empty() && !raw.categories.is_empty() {
            self.problems.error(span.clone(), field, "no known type is left; `ListEntityTypes` names them all");
        }
        let own_score = raw.min_score.unwrap_or(0.0).max(raw.min_likelihood.map_or(0.0, Likelihood::floor));
        if !(0.0..=1.0).contains(&own_score) {
            self.problems.error(span.clone(), field, "`min_score` is not between 0 and 1");
        }
        if raw.min_score.is_some() && own_score < self.min_score {
            let policy = self.min_score;
            self.problems.warning(
                span.clone(),
                field,
                format!("`min_score = {own_score}` has no effect: `scan.min_score` is {policy} for every rule"),
            );
        }
        let mut excuses: Vec<Excuse> =
            raw.unless_near.iter().map(|excuse| self.excuse(excuse, &types, field)).collect();
        let mut selection = Selection {
            types,
            min_score: own_score,
            roles: raw.roles.clone(),
            detectors: raw.detectors.to_vec(),
            values: raw.values.map(|values| self.values(values, span, field)),
            except_values: raw.except_values.map(|values| self.values(values, span, field)).into_iter().collect(),
            excuses: Vec::new(),
        };
        if let Some(group) = group {
            selection.min_score = own_score.max(group.min_score);
            excuses.extend(group.excuses);
            selection.except_values.extend(group.except_values);
            if selection.values.is_none() {
                selection.values = group.values;
            }
            if selection.roles.is_empty() {
                selection.roles = group.roles;
            }
            if selection.detectors.is_empty() {
                selection.detectors = group.detectors;
            }
        }
        selection.excuses = excuses;
        selection
    }

    fn values(&mut self, raw: &RawValues, span: &Range<usize>, field: &str) -> Values {
        let lower = |all: &[String]| all.iter().map(|text| text.to_lowercase()).collect::<Vec<_>>();
        let values = Values::new(lower(&raw.starts_with), lower(&raw.ends_with));
        let mut all = values.starts_with.iter().chain(&values.ends_with).peekable();
        if all.peek().is_none() || all.any(|text| text.trim().is_empty()) {
            self.problems.error(span.clone(), field, "`values` takes `starts_with` or `ends_with`, none of them empty");
        }
        values
    }

    fn group(&mut self, name: &Spanned<String>, field: &str) -> Option<Selection> {
        let group = self.groups.get(name.get_ref()).cloned();
        if group.is_none() {
            let names: Vec<&str> = self.groups.keys().map(String::as_str).collect();
            let hint = if names.is_empty() {
                "add a [group.NAME] table".to_owned()
            } else {
                format!("there are {}", names.join(", "))
            };
            self.problems.error(name.span(), field, format!("no group `{}`; {hint}", name.get_ref()));
        }
        group
    }

    fn excuse(&mut self, raw: &Spanned<RawExcuse>, excused: &TypeSet, field: &str) -> Excuse {
        let field = format!("{field}.unless_near");
        let (span, raw) = (raw.span(), raw.get_ref());
        let mut types = TypeSet::default();
        for name in &raw.any_of {
            if let Some(number) = self.known(name, &field) {
                types.insert(number);
            }
        }
        if raw.any_of.is_empty() {
            self.problems.error(span.clone(), &field, "names no types: add `any_of`");
        }
        if types.overlaps(excused) {
            self.problems.error(span, &field, "a type cannot excuse itself");
        }
        Excuse { types, reach: Reach { within: Some(raw.within), unit: raw.unit, scope: raw.scope } }
    }

    fn known(&mut self, name: &Spanned<String>, field: &str) -> Option<usize> {
        known_type(self.index, self.problems, name, field)
    }
}

/// The `[group.NAME]` tables. A group cannot build on another, so that each is read in one place.
pub(super) fn groups(
    raw: &BTreeMap<String, Spanned<RawSelection>>,
    index: &TypeIndex,
    min_score: f32,
    problems: &mut Problems<'_>,
) -> BTreeMap<String, Selection> {
    let none = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for (name, group) in raw {
        let field = format!("group.{name}");
        let (span, group) = (group.span(), group.get_ref());
        if group.any_of.is_empty() && group.categories.is_empty() {
            problems.error(span.clone(), &field, "names no types: add `any_of` or `categories`");
        }
        let mut compiler = Compiler { index, problems: &mut *problems, groups: &none, min_score };
        groups.insert(name.clone(), compiler.selection(&Narrowed::from(group), &span, &field));
    }
    groups
}

/// The number of a type, or an error with a suggestion.
pub(super) fn known_type(
    index: &TypeIndex,
    problems: &mut Problems<'_>,
    name: &Spanned<String>,
    field: &str,
) -> Option<usize> {
    let number = index.number(name.get_ref());
    if number.is_none() {
        let hint = did_you_mean(name.get_ref(), &index.names())
            .map_or_else(|| "`ListEntityTypes` names them all".to_owned(), |near| format!("did you mean `{near}`?"));
        problems.error(name.span(), field, format!("no detector finds `{}`; {hint}", name.get_ref()));
    }
    number
}
