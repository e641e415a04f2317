//! The rules engine: every recognizer and word list of a catalog over one part, in linear time.
//!
//! One pass finds literals, one finds runs of digits, one finds words; expressions run only in bounded windows
//! around what these found. No text makes it slow: windows that overlap are merged, values per recognizer are limited,
//! and reaching a limit is an error, never a shorter result that looks complete.

mod address;
mod automaton;
mod cells;
mod context;
mod dictionary;
mod expression;
mod fields;
mod inflection;
mod near_miss;
mod patterns;
mod scan;
mod shape;
mod terms;
#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests;
mod triggers;
mod windows;
mod words;

use std::sync::Arc;

use regex_syntax::hir::Hir;

use self::cells::FieldNames;
use self::context::ContextWords;
use self::dictionary::Dictionary;
use self::expression::Start;
use self::patterns::{Pattern, Recognizer};
use self::scan::Scan;
use self::shape::{From, Shapes};
pub use self::terms::{TermError, TermTable};
use self::triggers::{Literal, Literals, Wakes};
use super::catalog::{Catalog, EntityTypeInfo};
use super::secrets::{SecretMatch, SecretRefused, Secrets};
use super::trace::{Considered, Outcome};
use super::{Adjustments, Category, Detector, EntityType, Explanation, Finding, Trace};
use crate::document::View;
use crate::error::Kind;

/// Most findings of one recognizer or list in one part. Ten distinct people make a text confidential; a part with
/// more than this is a dump of a database, and saying so takes no more findings.
pub const MAX_FINDINGS: usize = 1 << 16;

/// Rules that cannot be built from a catalog.
#[derive(Debug, thiserror::Error)]
#[error("the rules cannot be built: {0}")]
pub struct RulesError(String);

impl RulesError {
    /// Always a fault of configuration.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::FailedPrecondition
    }
}

/// A limit that stopped a recognizer before the end of a part. The detector's coverage is incomplete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{recognizer} found more than {limit} values in one part; split the text into parts")]
pub struct ScanLimit {
    /// The detector that did not finish.
    pub detector: Detector,
    /// Id of the recognizer or list.
    pub recognizer: Arc<str>,
    /// Findings that it may have in one part.
    pub limit: usize,
}

impl ScanLimit {
    /// The text is too large; sending it unchanged cannot help.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::InvalidArgument
    }

    /// The reason for the coverage receipt.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        "too_many_findings"
    }
}

/// The end of an address whose street ends at `street_end`, in bytes; for streets that another detector found.
#[must_use]
pub(super) fn address_end(text: &str, street_end: usize) -> usize {
    address::end(text, street_end)
}

/// A catalog, ready to run. Build it once; it is shared by all threads.
pub struct Rules {
    recognizers: Vec<Recognizer>,
    patterns: Vec<Pattern>,
    literals: Literals,
    /// Digit patterns by where their values start.
    tokens: Shaped,
    runs: Shaped,
    /// For each pattern, whether it waits for one of its required literals.
    gated: Vec<bool>,
    context: ContextWords,
    names: FieldNames,
    dictionary: Dictionary,
    secrets: Secrets,
    adjustments: Adjustments,
    /// The cue of test values, if the catalog has it.
    test_value: Option<EntityTypeInfo>,
    digest: Arc<str>,
}

/// The cue that stands where a recognizer refused a value as a published test value.
const TEST_VALUE: &str = "TEST_VALUE";

/// The recognizer of findings that come from no entry of the catalog.
const SECRETS: &str = "secrets";

/// What a refused secret is called: the coarse label, since its type was not told.
const SECRET: &str = "SECRET";

/// Digit patterns with the automaton of their shapes.
struct Shaped {
    shapes: Shapes,
    /// The pattern of each shape.
    patterns: Vec<usize>,
}

impl Shaped {
    fn build(from: From, found: Vec<(usize, Hir)>) -> Result<Self, automaton::TooLarge> {
        let (patterns, expressions): (Vec<usize>, Vec<Hir>) = found.into_iter().unzip();
        Ok(Self { shapes: Shapes::build(from, &expressions)?, patterns })
    }
}

impl Rules {
    /// Compiles every expression and automaton.
    ///
    /// # Errors
    /// When an expression is wrong or too large, naming its recognizer.
    pub fn build(catalog: &Catalog) -> Result<Self, RulesError> {
        let failed = |error: &dyn std::fmt::Display| RulesError(error.to_string());
        let mut patterns = Vec::new();
        let mut recognizers = Vec::new();
        for (index, spec) in catalog.recognizers().iter().enumerate() {
            recognizers.push(Recognizer::build(index, spec, catalog, &mut patterns).map_err(|error| failed(&error))?);
        }
        let mut literals = Vec::new();
        let (mut tokens, mut runs) = (Vec::new(), Vec::new());
        let mut gated = vec![false; patterns.len()];
        for (index, (spec, recognizer)) in catalog.recognizers().iter().zip(&recognizers).enumerate() {
            let case_sensitive = spec.trigger.case_sensitive;
            for text in spec.trigger.literals.iter().flatten() {
                let wakes = Wakes::Recognizer { index, reach: spec.trigger.reach() };
                literals.push(Literal { text: text.clone(), case_sensitive, wakes });
            }
            for (pattern, written) in recognizer.patterns.clone().zip(&spec.pattern) {
                let hir = regex_syntax::parse(&written.regex).map_err(|error| failed(&error))?;
                for required in expression::required(&hir).into_iter().flatten() {
                    gated.get_mut(pattern).into_iter().for_each(|gated| *gated = true);
                    let wakes = Wakes::Gate { pattern };
                    literals.push(Literal { text: required.text, case_sensitive: required.exact, wakes });
                }
                if recognizer.digits.is_none() {
                    continue;
                }
                match expression::start(&hir) {
                    Start::Token => tokens.push((pattern, hir)),
                    Start::Anywhere => runs.push((pattern, hir)),
                }
            }
        }
        let secrets = Secrets::new().map_err(|error| failed(&error))?;
        Ok(Self {
            literals: Literals::build(literals).map_err(|error| failed(&error))?,
            tokens: Shaped::build(From::Token, tokens).map_err(|error| failed(&error))?,
            runs: Shaped::build(From::Digit, runs).map_err(|error| failed(&error))?,
            gated,
            context: ContextWords::build(catalog.recognizers()).map_err(|error| failed(&error))?,
            names: FieldNames::build(catalog.recognizers().iter().map(AsRef::as_ref)),
            dictionary: Dictionary::build(catalog).map_err(|error| failed(&error))?,
            adjustments: Adjustments::build(catalog).map_err(|error| failed(&error))?,
            test_value: catalog.entity_type(TEST_VALUE).cloned(),
            recognizers,
            patterns,
            digest: digest(catalog, &secrets),
            secrets,
        })
    }

    /// Appends what the rules find in one part. Findings overlap; [`super::resolve`] decides between them.
    ///
    /// # Errors
    /// When a recognizer has more than [`MAX_FINDINGS`]. Everything found until then is in `findings` all the same.
    pub fn scan(&self, part: usize, view: &View<'_>, findings: &mut Vec<Finding>) -> Result<(), ScanLimit> {
        self.scan_field(part, "", view, findings)
    }

    /// The same for a part that is the value of a field of this name, such as the last step of its JSON pointer.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn scan_field(
        &self,
        part: usize,
        field: &str,
        view: &View<'_>,
        findings: &mut Vec<Finding>,
    ) -> Result<(), ScanLimit> {
        self.scan_traced(part, field, view, findings, None)
    }

    /// The same, which also tells `trace` what was considered for its span and why it is no finding.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn scan_traced(
        &self,
        part: usize,
        field: &str,
        view: &View<'_>,
        findings: &mut Vec<Finding>,
        mut trace: Option<&mut Trace>,
    ) -> Result<(), ScanLimit> {
        self.scan_view(part, field, view, findings, trace.as_deref_mut())?;
        super::decoded::scan(self, part, field, view, findings, trace.as_deref_mut())?;
        if let Some(trace) = trace {
            self.suggest(part, field, view, findings, trace);
        }
        Ok(())
    }

    /// The same over this view alone: encodings and what is spelled out stay as they are.
    pub(super) fn scan_view(
        &self,
        part: usize,
        field: &str,
        view: &View<'_>,
        findings: &mut Vec<Finding>,
        mut trace: Option<&mut Trace>,
    ) -> Result<(), ScanLimit> {
        self.find_secrets(part, view, findings, trace.as_deref_mut())?;
        let mut scan = Scan::new(self, part, field, view, findings);
        scan.trace = trace;
        scan.run();
        scan.outcome()
    }

    /// Credentials that no fixed format tells: assignments, prose, high entropy.
    fn find_secrets(
        &self,
        part: usize,
        view: &View<'_>,
        findings: &mut Vec<Finding>,
        trace: Option<&mut Trace>,
    ) -> Result<(), ScanLimit> {
        let mut count = 0usize;
        let mut emit = |found: SecretMatch| {
            count += 1;
            if count > MAX_FINDINGS {
                return;
            }
            findings.push(Finding {
                part,
                range: view.original(found.range),
                entity_type: EntityType::new(found.entity_type),
                category: Category::Credential,
                score: found.score,
                detector: Detector::Secret,
                recognizer: Arc::from(SECRETS),
                explanation: Explanation {
                    pattern: Arc::from(found.pattern),
                    base_score: found.score,
                    note: Arc::from(found.note),
                    ..Explanation::default()
                },
            });
        };
        match trace {
            None => self.secrets.scan(part, view.text(), &mut emit),
            Some(trace) => self.secrets.scan_traced(
                part,
                view.text(),
                &mut emit,
                Some(&mut |refused: SecretRefused| {
                    let range = view.original(refused.range);
                    if trace.wants(part, &range) {
                        trace.note(Considered {
                            range,
                            entity_type: EntityType::new(SECRET),
                            detector: Detector::Secret,
                            recognizer: Arc::from(SECRETS),
                            pattern: Arc::default(),
                            outcome: Outcome::NoSecret(refused.why),
                        });
                    }
                }),
            ),
        }
        if count > MAX_FINDINGS {
            let recognizer = Arc::from(SECRETS);
            return Err(ScanLimit { detector: Detector::Secret, recognizer, limit: MAX_FINDINGS });
        }
        Ok(())
    }

    /// Hotwords and exclusions, for the findings of every detector.
    #[must_use]
    pub fn adjustments(&self) -> &Adjustments {
        &self.adjustments
    }

    /// Digest of the catalog and the rules that they were built of, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> Arc<str> {
        Arc::clone(&self.digest)
    }
}

/// Of the catalog and of the rules for secrets together, in hexadecimal.
fn digest(catalog: &Catalog, secrets: &Secrets) -> Arc<str> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(catalog.digest().as_bytes());
    hasher.update(secrets.digest().as_bytes());
    Arc::from(hasher.finalize().to_hex().as_str())
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rules({} patterns, {} lists)", self.patterns.len(), self.dictionary.len())
    }
}
