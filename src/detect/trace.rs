//! What the detectors considered around one span and did not report, for a person who asks why. The same code that
//! finds notes it, through an optional reference that is absent in every request; nothing here decides anything. It
//! holds offsets and words of the catalog, never the caller's text.

use std::ops::Range;
use std::sync::Arc;

use super::{Detector, EntityType, Finding};

/// Most things that are noted about one span.
const MOST: usize = 256;

/// Most words of a span whose reading by the model is told, and most labels of one of them.
const MOST_WORDS: usize = 24;
const MOST_LABELS: usize = 3;

/// Least probability of a label that is told.
const LEAST: f32 = 0.01;

/// The span that is asked about, and what was noted.
#[derive(Debug)]
pub struct Trace {
    part: usize,
    range: Range<usize>,
    considered: Vec<Considered>,
    near_misses: Vec<NearMiss>,
    words: Vec<WordReading>,
}

/// Something that was considered and is no finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Considered {
    /// Bytes of the part's original text, half-open.
    pub range: Range<usize>,
    /// What it would have been.
    pub entity_type: EntityType,
    /// Who considered it.
    pub detector: Detector,
    /// Id of the catalog entry, word list or model label; empty if there is none.
    pub recognizer: Arc<str>,
    /// Name of the pattern.
    pub pattern: Arc<str>,
    /// What became of it.
    pub outcome: Outcome,
}

/// Why something that was considered is no finding.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It has so many digits, and the recognizer takes values of so many.
    Digits {
        /// Digits of the value.
        digits: usize,
        /// The fewest.
        min: usize,
        /// The most.
        max: usize,
    },
    /// It begins or ends inside a longer number.
    PieceOfNumber,
    /// The validator of this name refused the value.
    Refused(Arc<str>),
    /// The validator of this name takes the value for a placeholder, a test value or something else harmless.
    Rejected(Arc<str>),
    /// There is no finding without a context word, and none was near.
    NoContext {
        /// Some of the words that would do.
        wanted: Vec<Arc<str>>,
        /// Code points before the value in which a word counts; a third of it behind.
        window: usize,
    },
    /// This word near the value speaks against it, and none that speaks for it is nearer.
    NegativeContext(Arc<str>),
    /// A term of a list, but as a part of an identifier, a path or an address.
    PartOfName,
    /// A term of a list whose case counts, in another case.
    OtherCase,
    /// A term of a list, but an everyday word of the language of the text, or ambiguous outside the list's own.
    OtherLanguage,
    /// A word for a secret stands before it, but it is none; one line for people says why.
    NoSecret(&'static str),
    /// The exclusion of this id drops such values.
    Excluded(Arc<str>),
    /// Found once something was undone, which this line names, but digits that were put together need a word near them,
    /// or a validator's consent and the length of a card number.
    PutTogether(&'static str),
    /// Found only beside what was undone, which this line names: the value itself stood there before.
    BesideUndone(&'static str),
    /// The model's own reading of what a rule has read as an address of mail, whose ends the rule knows.
    Deferred(Winner),
    /// The model found this much of an address; the unit, town, postal code or country behind it was added.
    Completed,
    /// It became part of another finding of its type.
    Joined(Winner),
    /// Another finding that overlaps it has the better rank.
    Lost {
        /// Its own score.
        score: f32,
        /// The other.
        to: Winner,
    },
    /// A rule of the detector's own dropped it.
    Dropped {
        /// Its score.
        score: f32,
        /// Name of the rule.
        rule: &'static str,
        /// One line for people.
        description: &'static str,
    },
}

impl Considered {
    /// What became of something that had been found.
    #[must_use]
    pub fn of(finding: &Finding, outcome: Outcome) -> Self {
        Self {
            range: finding.range.clone(),
            entity_type: finding.entity_type.clone(),
            detector: finding.detector,
            recognizer: Arc::clone(&finding.recognizer),
            pattern: Arc::clone(&finding.explanation.pattern),
            outcome,
        }
    }
}

/// The finding that stayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Winner {
    /// Its bytes.
    pub range: Range<usize>,
    /// Its type.
    pub entity_type: EntityType,
    /// Its recognizer.
    pub recognizer: Arc<str>,
    /// Its score.
    pub score: f32,
    /// Whether a validator accepted it.
    pub validated: bool,
}

impl Winner {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            range: finding.range.clone(),
            entity_type: finding.entity_type.clone(),
            recognizer: Arc::clone(&finding.recognizer),
            score: finding.score,
            validated: !finding.explanation.validator.is_empty(),
        }
    }
}

/// What the model says about one word.
#[derive(Clone, Debug, PartialEq)]
pub struct WordReading {
    /// Bytes of the part's original text.
    pub range: Range<usize>,
    /// Its likeliest labels with their probabilities, the likeliest first; those below a hundredth are left out.
    pub labels: Vec<(Arc<str>, f32)>,
    /// Probability that the word is nothing of what the model knows.
    pub nothing: f32,
}

impl WordReading {
    /// The reading of a word by all labels that the model has.
    #[must_use]
    pub fn of(range: Range<usize>, labels: impl Iterator<Item = (Arc<str>, f32)>) -> Self {
        let mut labels: Vec<(Arc<str>, f32)> = labels.collect();
        let nothing = (1.0 - labels.iter().map(|(_, probability)| probability).sum::<f32>()).clamp(0.0, 1.0);
        labels.retain(|(_, probability)| *probability >= LEAST);
        labels.sort_by(|a, b| b.1.total_cmp(&a.1));
        labels.truncate(MOST_LABELS);
        Self { range, labels, nothing }
    }
}

/// A recognizer of which nothing matched, though something near the span suggests it.
#[derive(Clone, Debug, PartialEq)]
pub struct NearMiss {
    /// What it finds.
    pub entity_type: EntityType,
    /// Its id.
    pub recognizer: Arc<str>,
    /// What suggests it.
    pub hint: Hint,
    /// Fewest and most digits of its values, if digits matter.
    pub digits: Option<(usize, usize)>,
}

/// Why a recognizer comes to mind.
#[derive(Clone, Debug, PartialEq)]
pub enum Hint {
    /// The span alone, without the text around it, would be found.
    Alone,
    /// These context words of it stand near the span.
    Words(Vec<Arc<str>>),
    /// The span holds a literal that its patterns look for.
    Literal,
}

impl Trace {
    /// A question about bytes of a part.
    #[must_use]
    pub fn new(part: usize, range: Range<usize>) -> Self {
        Self { part, range, considered: Vec::new(), near_misses: Vec::new(), words: Vec::new() }
    }

    /// The bytes that are asked about, if they are of this part.
    #[must_use]
    pub fn asked(&self, part: usize) -> Option<Range<usize>> {
        (self.part == part).then(|| self.range.clone())
    }

    /// The bytes that are asked about.
    #[must_use]
    pub fn range(&self) -> &Range<usize> {
        &self.range
    }

    /// Whether a range of a part has something to do with the question.
    #[must_use]
    pub fn wants(&self, part: usize, range: &Range<usize>) -> bool {
        self.part == part && range.start < self.range.end && self.range.start < range.end
    }

    /// Notes something, once.
    pub fn note(&mut self, considered: Considered) {
        if self.considered.len() < MOST && !self.considered.contains(&considered) {
            self.considered.push(considered);
        }
    }

    pub(super) fn suggest(&mut self, near_miss: NearMiss) {
        self.near_misses.push(near_miss);
    }

    /// Notes what the model says about a word.
    pub fn tell(&mut self, word: WordReading) {
        if !self.is_told() {
            self.words.push(word);
        }
    }

    /// Whether no more words are noted.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.words.len() >= MOST_WORDS
    }

    /// What the model says about the words of the span, in their order; empty where it did not run on them.
    #[must_use]
    pub fn words(&self) -> &[WordReading] {
        &self.words
    }

    /// What was considered, in the order in which it happened.
    #[must_use]
    pub fn considered(&self) -> &[Considered] {
        &self.considered
    }

    /// Recognizers that did not match, though something suggests them; the likeliest first.
    #[must_use]
    pub fn near_misses(&self) -> &[NearMiss] {
        &self.near_misses
    }
}
