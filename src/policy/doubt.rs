//! What a record leaves open, and how a condition is asked about it. A live request leaves nothing open; a record may lack
//! findings, offsets or values that a new policy asks for. A condition is then asked twice: what surely holds, and what
//! may hold. The truth lies between; nothing is guessed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::detect::{Category, Topic};

use super::condition::TypeSet;

/// From which side a question is asked. Where nothing is open, both give the same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lens {
    /// Only what is sure counts.
    Sure,
    /// What may be counts too.
    Possible,
}

impl Lens {
    /// For what is negated: it surely does not hold unless it possibly does.
    pub(super) fn flipped(self) -> Self {
        match self {
            Self::Sure => Self::Possible,
            Self::Possible => Self::Sure,
        }
    }
}

/// Why something of a record is open for a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// More was found than a record lists.
    FindingsOmitted,
    /// The policy asks for topics that are less likely than those that are recorded.
    TopicsBelowFloor,
    /// The named-entity model was left out, because the rules alone gave the highest level of the old policy.
    ModelSkipped,
    /// The policy brings recognizers or word lists that did not run.
    OwnRecognizers,
    /// `[[allow]]` or `[[deny]]` of the two policies differ, and need the values.
    ValueLists,
    /// The policy compares beginnings or endings of values that were not compared then.
    ValueForms,
    /// The record was made before cues, code points and value lists were recorded.
    OldRecord,
    /// The request had more parts, or more cues, than a record lists.
    PartsOmitted,
    /// Something in the request could be read by no detector, and the record does not say whether.
    Unscannable,
    /// The caller asked for a lower level and was refused; which level is not recorded.
    OverrideUnrecorded,
}

impl Cause {
    /// The name in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FindingsOmitted => "findings_omitted",
            Self::TopicsBelowFloor => "topics_below_floor",
            Self::ModelSkipped => "model_skipped",
            Self::OwnRecognizers => "own_recognizers",
            Self::ValueLists => "value_lists",
            Self::ValueForms => "value_forms",
            Self::OldRecord => "old_record",
            Self::PartsOmitted => "parts_omitted",
            Self::Unscannable => "unscannable",
            Self::OverrideUnrecorded => "override_unrecorded",
        }
    }
}

/// Types of findings: all, or some.
#[derive(Clone, Debug, Default)]
pub(super) struct Types {
    all: bool,
    set: TypeSet,
}

impl Types {
    pub(super) const ALL: Self = Self { all: true, set: TypeSet::EMPTY };

    pub(super) fn insert(&mut self, number: Option<usize>, category: Category) {
        self.set.insert_of(number, category);
    }

    pub(super) fn extend(&mut self, other: &Self) {
        self.all |= other.all;
        self.set.extend(&other.set);
    }

    pub(super) fn is_none(&self) -> bool {
        !self.all && self.set.is_nothing()
    }

    pub(super) fn touches(&self, types: &TypeSet) -> bool {
        self.all || self.set.meets(types)
    }
}

impl From<TypeSet> for Types {
    fn from(set: TypeSet) -> Self {
        Self { all: false, set }
    }
}

/// Which topics a record may lack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Topics {
    /// None.
    #[default]
    Whole,
    /// Those below [`Topic::LEAST_RECORDED`].
    Likely,
    /// All: nobody looked for them.
    Unknown,
}

/// What is open of one record for one policy.
#[derive(Clone, Debug, Default)]
pub(super) struct Doubt {
    /// Findings of these types may have been there too.
    pub(super) more: Types,
    pub(super) topics: Topics,
    /// Distances are known in bytes alone.
    pub(super) offsets: bool,
    /// How long the parts are is not known.
    pub(super) parts: bool,
    pub(super) causes: BTreeSet<Cause>,
}

impl Doubt {
    /// Whether a topic that is not recorded may have been this likely.
    pub(super) fn may_be_about(&self, topics: &[Topic], name: &str, probability: f32) -> bool {
        match self.topics {
            Topics::Whole => false,
            Topics::Likely => probability <= Topic::LEAST_RECORDED && !topics.iter().any(|topic| *topic.name == *name),
            Topics::Unknown => true,
        }
    }
}
