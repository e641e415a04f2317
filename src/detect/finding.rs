//! A finding: one span of one part, what it holds, how sure that is, and why. It holds no text, only offsets and words
//! of the catalog, so it may be logged and recorded.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Name of an entity type, such as `CREDIT_CARD`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityType(Arc<str>);

impl EntityType {
    /// A type of this name. Whether the catalog knows it is the catalog's business.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EntityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for EntityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Coarse group of entity types, which policies use to speak of many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Names and titles of people, dates of birth, ages.
    Person,
    /// Addresses of mail, phones, user names.
    Contact,
    /// Places and postal addresses.
    Location,
    /// Organisations.
    Organization,
    /// Numbers that a state gives to a person.
    GovernmentId,
    /// Cards, accounts, crypto addresses.
    Financial,
    /// Medical record numbers, conditions, treatments.
    Health,
    /// Religion, politics, union, orientation, ethnicity, biometrics, criminal records, children.
    SpecialCategory,
    /// Passwords, keys, tokens, private keys.
    Credential,
    /// IP and MAC addresses, internal hosts and URLs.
    Network,
    /// Vehicles and devices.
    Device,
    /// Markings such as `strictly confidential`.
    Marking,
    /// Terms of business that is not published.
    Business,
    /// Dates and times.
    Temporal,
    /// Any other identifying code.
    Other,
}

impl Category {
    /// The name in policies, protocol and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Contact => "contact",
            Self::Location => "location",
            Self::Organization => "organization",
            Self::GovernmentId => "government_id",
            Self::Financial => "financial",
            Self::Health => "health",
            Self::SpecialCategory => "special_category",
            Self::Credential => "credential",
            Self::Network => "network",
            Self::Device => "device",
            Self::Marking => "marking",
            Self::Business => "business",
            Self::Temporal => "temporal",
            Self::Other => "other",
        }
    }
}

/// Which kind of detector speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Regular expressions with validators and context words.
    Pattern,
    /// Word lists.
    Dictionary,
    /// Credentials.
    Secret,
    /// The named-entity model.
    Ner,
}

impl Detector {
    /// The name in protocol and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pattern => "pattern",
            Self::Dictionary => "dictionary",
            Self::Secret => "secret",
            Self::Ner => "ner",
        }
    }
}

/// Steps of a score, as in Google's Sensitive Data Protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likelihood {
    /// Below 0.2.
    VeryUnlikely,
    /// From 0.2.
    Unlikely,
    /// From 0.4.
    Possible,
    /// From 0.6.
    Likely,
    /// From 0.85.
    VeryLikely,
}

impl Likelihood {
    /// The step of a score from 0 to 1.
    #[must_use]
    pub fn of(score: f32) -> Self {
        match score {
            s if s >= 0.85 => Self::VeryLikely,
            s if s >= 0.6 => Self::Likely,
            s if s >= 0.4 => Self::Possible,
            s if s >= 0.2 => Self::Unlikely,
            _ => Self::VeryUnlikely,
        }
    }

    /// The lowest score of this step.
    #[must_use]
    pub fn floor(self) -> f32 {
        match self {
            Self::VeryLikely => 0.85,
            Self::Likely => 0.6,
            Self::Possible => 0.4,
            Self::Unlikely => 0.2,
            Self::VeryUnlikely => 0.0,
        }
    }
}

/// Why a finding has its score. Holds words of the catalog only, never the caller's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Name of the pattern, list or label.
    pub pattern: Arc<str>,
    /// Name of the validator that accepted the value; empty if the pattern has none.
    pub validator: Arc<str>,
    /// Catalog words near the value that raised or lowered the score.
    pub context_words: Vec<Arc<str>>,
    /// Score of the pattern, list or model alone, from 0 to 1.
    pub base_score: f32,
    /// What changed the score since, in order; empty if nothing did.
    pub adjustments: Vec<Adjustment>,
    /// A remark for people; may be empty.
    pub note: Arc<str>,
}

impl Explanation {
    /// Adds a remark behind those that there are.
    pub fn remark(&mut self, remark: &str) {
        self.note =
            if self.note.is_empty() { Arc::from(remark) } else { Arc::from(format!("{}; {remark}", self.note)) };
    }
}

/// One change of a score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adjustment {
    /// Why, in `snake_case`: one of [`reason`], or the name of a rule of form such as `no_capital`.
    pub reason: &'static str,
    /// The score from here on.
    pub score: f32,
}

/// The usual reasons of an [`Adjustment`].
pub mod reason {
    /// Words that confirm the value stand near it, or name its field.
    pub const CONTEXT_WORDS: &str = "context_words";
    /// Words that speak against the value stand near it.
    pub const NEGATIVE_CONTEXT: &str = "negative_context";
    /// A hotword stands near it; the note names which.
    pub const HOTWORD: &str = "hotword";
    /// An address has street, number and postal code.
    pub const WHOLE_ADDRESS: &str = "whole_address";
    /// Personal data stand near it.
    pub const BESIDE_PERSONAL_DATA: &str = "beside_personal_data";
    /// Other terms of the same list stand near it.
    pub const OTHER_TERMS: &str = "other_terms";
    /// The score was mapped to the precision that was measured for it.
    pub const CALIBRATED: &str = "calibrated";
}

/// One span that holds something.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Index of the part in its document.
    pub part: usize,
    /// Bytes of the part's original text, half-open, on character boundaries.
    pub range: Range<usize>,
    /// What the span holds.
    pub entity_type: EntityType,
    /// Its group.
    pub category: Category,
    /// From 0 to 1.
    pub score: f32,
    /// Who found it.
    pub detector: Detector,
    /// Id of the catalog entry, word list or model label.
    pub recognizer: Arc<str>,
    /// Why.
    pub explanation: Explanation,
}

impl Finding {
    /// The score's step.
    #[must_use]
    pub fn likelihood(&self) -> Likelihood {
        Likelihood::of(self.score)
    }

    /// Sets the score and says why; the way to change a score once a finding is made.
    pub fn adjust(&mut self, reason: &'static str, score: f32) {
        // Bit by bit: an adjustment that changes nothing explains nothing.
        if self.score.to_bits() != score.to_bits() {
            self.score = score;
            self.explanation.adjustments.push(Adjustment { reason, score });
        }
    }
}

/// A score or probability in millionths, as records keep it. What is not a number counts as certain, because unknown is
/// worst.
#[must_use]
pub fn in_millionths(score: f32) -> u32 {
    if score.is_nan() {
        return MILLION;
    }
    // In range, so the cast neither wraps nor loses its sign.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let millionths = (f64::from(score.clamp(0.0, 1.0)) * f64::from(MILLION)).round() as u32;
    millionths
}

/// The score that so many millionths stand for.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn of_millionths(millionths: u32) -> f32 {
    (f64::from(millionths) / f64::from(MILLION)) as f32
}

const MILLION: u32 = 1_000_000;

/// What a text is about; it has no span.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// `health`, `people_decision`, ….
    pub name: Arc<str>,
    /// From 0 to 1.
    pub probability: f32,
}

impl Topic {
    /// From here on answers and explanations name a topic. A policy sees all of them.
    pub const SHOWN: f32 = 0.5;

    /// Whether it is more likely than not.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        self.probability >= Self::SHOWN
    }

    /// A topic that is less likely than this is not recorded: a model knows dozens, and most are not the matter of a text.
    pub const LEAST_RECORDED: f32 = 0.1;
    /// A probability is recorded, and judged, in such parts; what is finer is noise of the arithmetic.
    const STEPS: f32 = 1000.0;

    /// The probability as records keep it, in millionths.
    #[must_use]
    pub fn millionths(&self) -> u32 {
        in_millionths((self.probability * Self::STEPS).round() / Self::STEPS)
    }
}
