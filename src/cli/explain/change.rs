//! What would change the level of a text: the findings without which it would be another one, the cues that hold it down
//! or up, the guesses that are too weak to count, and a name. Each is tried with the policy itself, so that no line here
//! says what the rules do not; the number of trials is bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::marked::quoted;
use super::{BOLD, marks};
use crate::classify::Query;
use crate::cli::output;
use crate::cli::row::FindingRow;
use crate::detect::{Category, Detector, EntityType, Explanation, Finding};
use crate::document::{CodePoints, Document};
use crate::policy::{Policy, Sensitivity, Verdict};

/// Most changes that are told, and most that are tried of each kind.
const TOLD: usize = 4;
const TRIED: usize = 24;

/// Most findings and cues of a text for which a name is put in: the rules look at all pairs of places.
const FEW: usize = 200;

/// What rules about people ask for first.
const PERSON: &str = "PERSON";

/// Something that would change the level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(in crate::cli) struct Change {
    pub(in crate::cli) what: What,
    /// The type that it is about.
    pub(in crate::cli) entity_type: String,
    /// Where, in code points, half-open; the first places of many.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::cli) places: Vec<Range<u64>>,
    /// The level then.
    pub(in crate::cli) level: Sensitivity,
    /// The rule that would give it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) rule: Option<Arc<str>>,
}

/// What would be otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::cli) enum What {
    /// This value, wherever it stands, would not be found.
    WithoutValue,
    /// No value of this type would be found.
    WithoutType,
    /// No cue of this type would be there.
    WithoutCue,
    /// A finding below the policy's least score would reach it.
    Surer,
    /// The name of a person would stand in the text.
    WithName,
}

/// What would change a verdict, the smallest changes first.
pub(in crate::cli) fn changes(verdict: &Verdict, policy: &Policy, document: &Document, query: &Query) -> Vec<Change> {
    Trials { verdict, policy, document, query, told: Vec::new() }.all()
}

struct Trials<'a> {
    verdict: &'a Verdict,
    policy: &'a Policy,
    document: &'a Document,
    query: &'a Query,
    told: Vec<Change>,
}

impl Trials<'_> {
    fn all(mut self) -> Vec<Change> {
        let level = self.verdict.level();
        let used: Vec<&Finding> = self
            .verdict
            .findings()
            .iter()
            .zip(self.verdict.reasons_by_finding())
            .filter(|(_, rules)| rules.iter().any(|rule| rule.level == level))
            .map(|(finding, _)| finding)
            .collect();
        let mut values: BTreeMap<(EntityType, &str), Vec<&Finding>> = BTreeMap::new();
        for finding in &used {
            values.entry((finding.entity_type.clone(), self.text_of(finding))).or_default().push(finding);
        }
        let mut in_order: Vec<Vec<&Finding>> = values.into_values().collect();
        in_order.sort_by_key(|group| group.first().map(|finding| (finding.part, finding.range.start)));
        for group in in_order.into_iter().take(TRIED) {
            let gone = |finding: &Finding| group.contains(&finding);
            self.attempt(What::WithoutValue, &group, &mut |findings| findings.retain(|finding| !gone(finding)));
        }
        let alone: BTreeSet<String> = self.told.iter().map(|change| change.entity_type.clone()).collect();
        let types: BTreeSet<&EntityType> = used.iter().map(|finding| &finding.entity_type).collect();
        for name in types.into_iter().filter(|name| !alone.contains(name.as_str())) {
            let of_type = self.verdict.findings().iter().filter(|finding| finding.entity_type == *name);
            let group: Vec<&Finding> = of_type.collect();
            self.attempt(What::WithoutType, &group, &mut |findings| findings.retain(|f| f.entity_type != *name));
        }
        let cues: BTreeSet<&EntityType> = self.verdict.cues().iter().map(|cue| &cue.entity_type).collect();
        for name in cues.into_iter().take(TRIED) {
            let group: Vec<&Finding> = self.verdict.cues().iter().filter(|cue| cue.entity_type == *name).collect();
            self.attempt(What::WithoutCue, &group, &mut |findings| findings.retain(|f| f.entity_type != *name));
        }
        let least = self.policy.min_score();
        let weak = self.verdict.findings().iter().filter(|finding| finding.score < least);
        for finding in weak.take(TRIED) {
            self.attempt(What::Surer, &[finding], &mut |findings| {
                findings.iter_mut().filter(|other| *other == finding).for_each(|finding| finding.score = least);
            });
        }
        self.with_name();
        self.told.truncate(TOLD);
        self.told
    }

    /// The text of a finding, which says whether two are the same value.
    fn text_of(&self, finding: &Finding) -> &str {
        let text = self.document.parts().get(finding.part).map(|part| part.text.expose()).unwrap_or_default();
        text.get(finding.range.clone()).unwrap_or_default()
    }

    fn level_if(
        &self,
        document: &Document,
        change: &mut dyn FnMut(&mut Vec<Finding>),
    ) -> (Sensitivity, Option<Arc<str>>) {
        self.policy.level_if(self.verdict, document, (self.query.declared_level, &self.query.caller), change)
    }

    /// Tries a change about these findings, and keeps it if the level is another one then.
    fn attempt(&mut self, what: What, about: &[&Finding], change: &mut dyn FnMut(&mut Vec<Finding>)) {
        let (level, rule) = self.level_if(self.document, change);
        let Some(first) = about.first().filter(|_| level != self.verdict.level()) else { return };
        let text = self.document.parts().get(first.part).map(|part| part.text.expose()).unwrap_or_default();
        let points = CodePoints::of(text);
        let place = |finding: &&Finding| {
            points.code_point(finding.range.start) as u64..points.code_point(finding.range.end) as u64
        };
        self.told.push(Change {
            what,
            entity_type: first.entity_type.to_string(),
            places: about.iter().take(TRIED).map(place).collect(),
            level,
            rule,
        });
    }

    /// Tries what a name would do, unless it does the same in a text that holds nothing else.
    fn with_name(&mut self) {
        let held = self.verdict.findings().len() + self.verdict.cues().len();
        let has = self.verdict.findings().iter().any(|finding| finding.entity_type.as_str() == PERSON);
        if has || held == 0 || held > FEW || self.verdict.level() == Sensitivity::HIGHEST {
            return;
        }
        let last = self.verdict.findings().iter().chain(self.verdict.cues()).max_by_key(|f| (f.part, f.range.end));
        let Some((part, end)) = last.map(|finding| (finding.part, finding.range.end)) else { return };
        let name = Finding {
            part,
            range: end..end,
            entity_type: EntityType::new(PERSON),
            category: Category::Person,
            score: 1.0,
            detector: Detector::Ner,
            recognizer: Arc::default(),
            explanation: Explanation::default(),
        };
        let (level, rule) = self.level_if(self.document, &mut |findings| findings.push(name.clone()));
        let (alone, _) = self.level_if(self.document, &mut |findings| *findings = vec![name.clone()]);
        if level > self.verdict.level() && level > alone {
            let entity_type = PERSON.to_owned();
            self.told.push(Change { what: What::WithName, entity_type, places: Vec::new(), level, rule });
        }
    }
}

impl Change {
    /// The change in a sentence; `findings` are those that are shown, with their numbers.
    pub(super) fn told(&self, findings: &[FindingRow], text: &[char]) -> String {
        let numbers: Vec<usize> = (1..)
            .zip(findings)
            .filter(|(_, finding)| {
                finding.entity_type == self.entity_type && self.places.contains(&(finding.start..finding.end))
            })
            .map(|(number, _)| number)
            .collect();
        let value = self.places.first().map_or_else(String::new, |place| quoted(text, place.start, place.end));
        let (name, marks) = (&self.entity_type, marks(&numbers));
        let condition = match self.what {
            What::WithoutValue => format!("without {value}{marks}"),
            What::WithoutType => format!("without all of {name}{marks}"),
            What::WithoutCue => format!("without the cue {name} {value}"),
            What::Surer => format!("with a surer {name} {value}{marks}, which the policy does not count now,"),
            What::WithName => format!("with the name of a person in it ({name})"),
        };
        let rule = self
            .rule
            .as_ref()
            .map_or_else(|| ", for no rule would hold".to_owned(), |rule| format!(", because of {BOLD}{rule}{BOLD:#}"));
        format!("{condition} it would be {}{rule}", output::level(self.level))
    }
}
