//! Rules about findings, as data: a hotword near a value raises, lowers or sets its score, and an exclusion drops a value
//! that is on a list, has a form, or lies inside another finding. They hold for what every detector found, the model
//! included, and come from the catalog and from policy files alike. They never make a finding.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::catalog::{Catalog, ExclusionSpec, HotwordSpec};
use super::trace::{Considered, Outcome, Trace};
use super::{EntityType, Finding, reason};
use crate::document::Document;

/// Widest window of a hotword in code points: every value of a type looks through it.
pub(super) const MAX_WINDOW: usize = 300;

/// Largest compiled expression in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// The hotwords and exclusions of a catalog, ready to run.
#[derive(Debug, Default)]
pub struct Adjustments {
    hotwords: Vec<Hotword>,
    exclusions: Vec<Exclusion>,
}

#[derive(Debug)]
struct Hotword {
    note: Arc<str>,
    types: Vec<EntityType>,
    word: Regex,
    before: usize,
    after: usize,
    change: Change,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Set(f32),
    Add(f32),
}

#[derive(Debug)]
struct Exclusion {
    id: Arc<str>,
    types: Vec<EntityType>,
    /// In small letters.
    values: Vec<String>,
    regex: Option<Regex>,
    inside: Vec<EntityType>,
}

impl Adjustments {
    /// Those of a catalog.
    ///
    /// # Errors
    /// Names the entry whose expression is wrong or too large.
    pub fn build(catalog: &Catalog) -> Result<Self, String> {
        let hotwords = catalog.hotwords().iter().map(Hotword::build).collect::<Result<_, _>>()?;
        let exclusions = catalog.exclusions().iter().map(Exclusion::build).collect::<Result<_, _>>()?;
        Ok(Self { hotwords, exclusions })
    }

    /// Applies them to new findings; `others` are those that were found before. To be called once for each finding.
    pub fn apply(&self, document: &Document, findings: &mut Vec<Finding>, others: &[Finding]) {
        self.apply_traced(document, findings, others, None);
    }

    /// The same, which also tells `trace` what was dropped in its span.
    pub fn apply_traced(
        &self,
        document: &Document,
        findings: &mut Vec<Finding>,
        others: &[Finding],
        mut trace: Option<&mut Trace>,
    ) {
        if self.hotwords.is_empty() && self.exclusions.is_empty() {
            return;
        }
        let covers: Vec<Option<Covers>> = self
            .exclusions
            .iter()
            .map(|rule| (!rule.inside.is_empty()).then(|| Covers::of(&rule.inside, findings.iter().chain(others))))
            .collect();
        findings.retain(|finding| {
            let text = document.parts().get(finding.part).map(|part| part.text.expose()).unwrap_or_default();
            let value = text.get(finding.range.clone()).unwrap_or_default();
            let dropped = self.exclusions.iter().zip(&covers).find(|(rule, covers)| {
                rule.types.contains(&finding.entity_type)
                    && (rule.has(value) || covers.as_ref().is_some_and(|covers| covers.hold(finding)))
            });
            if let Some((rule, _)) = dropped
                && let Some(trace) = trace.as_deref_mut().filter(|trace| trace.wants(finding.part, &finding.range))
            {
                trace.note(Considered::of(finding, Outcome::Excluded(Arc::clone(&rule.id))));
            }
            dropped.is_none()
        });
        for finding in findings {
            let text = document.parts().get(finding.part).map(|part| part.text.expose()).unwrap_or_default();
            for rule in &self.hotwords {
                if rule.types.contains(&finding.entity_type) && rule.is_near(text, &finding.range) {
                    let score = match rule.change {
                        Change::Set(score) => score,
                        Change::Add(score) => (finding.score + score).clamp(0.0, 1.0),
                    };
                    finding.adjust(reason::HOTWORD, score);
                    finding.explanation.note = Arc::clone(&rule.note);
                }
            }
        }
    }
}

impl Hotword {
    fn build(spec: &HotwordSpec) -> Result<Self, String> {
        let words: Vec<String> = spec.words.values().flatten().map(|word| phrase(word)).collect();
        let pattern = match &spec.regex {
            Some(regex) => regex.clone(),
            None => format!(r"\b(?:{})\b", words.join("|")),
        };
        Ok(Self {
            note: format!("hotword {}", spec.id).into(),
            types: spec.entity_types.clone(),
            word: compiled(&spec.id, &pattern)?,
            before: spec.before,
            after: spec.after,
            change: match (spec.set, spec.add) {
                (Some(set), _) => Change::Set(set),
                (None, add) => Change::Add(add.unwrap_or_default()),
            },
        })
    }

    fn is_near(&self, text: &str, value: &Range<usize>) -> bool {
        let before = text.get(..value.start).unwrap_or_default();
        let after = text.get(value.end..).unwrap_or_default();
        let from = before.char_indices().rev().take(self.before).last().map_or(before.len(), |(at, _)| at);
        let to = after.char_indices().nth(self.after).map_or(after.len(), |(at, _)| at);
        before.get(from..).is_some_and(|window| self.word.is_match(window))
            || after.get(..to).is_some_and(|window| self.word.is_match(window))
    }
}

impl Exclusion {
    fn build(spec: &ExclusionSpec) -> Result<Self, String> {
        let whole = |regex: &String| compiled(&spec.id, &format!(r"\A(?:{regex})\z"));
        Ok(Self {
            id: spec.id.as_str().into(),
            types: spec.entity_types.clone(),
            values: spec.values.iter().map(|value| value.trim().to_lowercase()).collect(),
            regex: spec.regex.as_ref().map(whole).transpose()?,
            inside: spec.inside.clone(),
        })
    }

    fn has(&self, value: &str) -> bool {
        (!self.values.is_empty() && self.values.contains(&value.trim().to_lowercase()))
            || self.regex.as_ref().is_some_and(|regex| regex.is_match(value.trim()))
    }
}

/// A word or phrase as an expression: a space stands for any run of white space.
fn phrase(word: &str) -> String {
    word.split_whitespace().map(regex::escape).collect::<Vec<_>>().join(r"\s+")
}

/// In any case; an error names the entry.
pub(super) fn compiled(id: &str, pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .size_limit(REGEX_SIZE)
        .build()
        .map_err(|error| format!("{id}: {error}"))
}

/// Where findings of some types lie: for each part their starts, and behind each the farthest end until there.
struct Covers {
    parts: HashMap<usize, Vec<(usize, usize)>>,
}

impl Covers {
    fn of<'f>(types: &[EntityType], findings: impl Iterator<Item = &'f Finding>) -> Self {
        let mut parts: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
        for finding in findings.filter(|finding| types.contains(&finding.entity_type)) {
            parts.entry(finding.part).or_default().push((finding.range.start, finding.range.end));
        }
        for places in parts.values_mut() {
            places.sort_unstable();
            let mut farthest = 0;
            for (_, end) in places {
                farthest = farthest.max(*end);
                *end = farthest;
            }
        }
        Self { parts }
    }

    fn hold(&self, finding: &Finding) -> bool {
        let Some(places) = self.parts.get(&finding.part) else { return false };
        let behind = places.partition_point(|(start, _)| *start <= finding.range.start);
        let last = behind.checked_sub(1).and_then(|last| places.get(last));
        last.is_some_and(|(_, farthest)| *farthest >= finding.range.end)
    }
}

#[cfg(test)]
#[allow(clippy::string_slice)] // texts of tests are cut where they are known
mod tests {
    use super::*;
    use crate::detect::{Category, Detector, Explanation};

    const TYPES: &str = "[[entity_type]]\nname = \"CARD\"\ncategory = \"financial\"\n\
                         [[entity_type]]\nname = \"URL\"\ncategory = \"network\"\n";

    /// What is left of findings of the type CARD over each `4111`, and one of URL over the whole address.
    fn adjusted(rules: &str, text: &str) -> Vec<(String, f32)> {
        let catalog = Catalog::from_files(&[("t", TYPES), ("r", rules)]).unwrap_or_else(|error| panic!("{error}"));
        let document = Document::of(text);
        let finding = |name: &str, range: Range<usize>| Finding {
            part: 0,
            range,
            entity_type: EntityType::new(name),
            category: Category::Other,
            score: 0.6,
            detector: Detector::Ner,
            recognizer: "by_hand".into(),
            explanation: Explanation::default(),
        };
        let others: Vec<Finding> = text.find("https:").map(|at| finding("URL", at..text.len())).into_iter().collect();
        let mut findings: Vec<Finding> =
            text.match_indices("4111").map(|(at, _)| finding("CARD", at..at + 4)).collect();
        Adjustments::build(&catalog).unwrap().apply(&document, &mut findings, &others);
        findings.into_iter().map(|finding| (text[finding.range].to_owned(), finding.score)).collect()
    }

    fn hotword(rest: &str) -> String {
        format!("[[hotword]]\nid = \"h\"\nentity_types = [\"CARD\"]\n{rest}\n")
    }

    #[test]
    fn a_hotword_sets_raises_or_lowers_within_its_distance() {
        let card = |score| vec![("4111".to_owned(), score)];
        let order = hotword("words = { en = [\"order number\"] }\nbefore = 20\nset = 0.1");
        assert_eq!(adjusted(&order, "ORDER  Number 4111"), card(0.1));
        assert_eq!(adjusted(&order, "4111 order number"), card(0.6), "only before");
        assert_eq!(adjusted(&order, &format!("order number {} 4111", "é".repeat(20))), card(0.6), "too far");
        assert_eq!(adjusted(&order, "reorder number 4111"), card(0.6), "whole words");
        let raise = hotword("regex = 'visa|master ?card'\nbefore = 5\nafter = 20\nadd = 0.3");
        assert!((adjusted(&raise, "4111 by MasterCard")[0].1 - 0.9).abs() < 1e-6);
        assert_eq!(adjusted(&hotword("words = { en = [\"é\"] }\nbefore = 3\nadd = -0.9"), "é 4111"), card(0.0));
    }

    #[test]
    fn an_exclusion_drops_listed_values_forms_and_what_lies_inside() {
        let exclusion = |rest: &str| format!("[[exclusion]]\nid = \"e\"\nentity_types = [\"CARD\"]\n{rest}\n");
        assert_eq!(adjusted(&exclusion("values = [\"4111\"]"), "a 4111"), []);
        assert_eq!(adjusted(&exclusion("values = [\"411\"]"), "a 4111").len(), 1);
        assert_eq!(adjusted(&exclusion("regex = '41+'"), "a 4111"), []);
        assert_eq!(adjusted(&exclusion("regex = '1+'"), "a 4111").len(), 1, "the whole value");
        let inside = exclusion("inside = [\"URL\"]");
        assert_eq!(adjusted(&inside, "4111 https://x.org/4111").len(), 1);
    }

    /// The score that a number ends with which some detector took for this type; nothing if it is dropped.
    fn embedded(name: &str, before: &str, value: &str, after: &str) -> Option<f32> {
        let adjustments = Adjustments::build(&Catalog::embedded().unwrap()).unwrap();
        let mut findings = vec![Finding {
            part: 0,
            range: before.len()..before.len() + value.len(),
            entity_type: EntityType::new(name),
            category: Category::Other,
            score: 0.6,
            detector: Detector::Ner,
            recognizer: "by_hand".into(),
            explanation: Explanation::default(),
        }];
        adjustments.apply(&Document::of(format!("{before}{value}{after}")), &mut findings, &[]);
        findings.first().map(|finding| finding.score)
    }

    #[test]
    fn numbers_of_publications_pages_and_counts_are_no_identifiers() {
        for (name, before, value, after) in [
            ("DRIVER_LICENSE", "Patent No. ", "4405829", " is"),
            ("IT_DOCUMENT", "US patent 6,285,999 and ", "EP 1182044", ""),
            ("PHONE_NUMBER", "arXiv:", "2404.11820", ""),
            ("ORDER_ID", "PMID: ", "28445112", ""),
            ("CUSTOMER_ID", "of the account, page ", "118204", ""),
            ("NATIONAL_ID", "siehe Tabelle ", "118204", ""),
            ("PASSPORT", "In 2019, ", "118204", " passports were issued"),
            ("ORDER_ID", "", "448120", " commandes"),
        ] {
            assert_eq!(embedded(name, before, value, after), Some(0.1), "{before}{value}{after}");
        }
        for (name, value) in
            [("STREET_ADDRESS", "page 118, figure 20-44"), ("STREET_ADDRESS", "NGC 4414"), ("LOCATION", "97.450")]
        {
            assert_eq!(embedded(name, "see ", value, ""), None, "{value}");
        }
    }

    #[test]
    fn identifiers_beside_the_same_words_stay() {
        for (name, before, value, after) in [
            ("DRIVER_LICENSE", "Patente di guida ", "U1D44058H", ""),
            ("PHONE_NUMBER", "direct line ", "020 7183 8750", ""),
            ("PASSPORT", "on page 4 the passport ", "118204", " of Ms Roe"),
            ("US_SSN", "page ", "536-90-4399", ""),
            ("CUSTOMER_ID", "customer ", "118204", " ordered"),
            ("STREET_ADDRESS", "", "Pagestreet 118", ""),
            ("LOCATION", "", "14050", " Berlin"),
        ] {
            assert_eq!(embedded(name, before, value, after), Some(0.6), "{before}{value}{after}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let wrong =
            |rules: &str| Catalog::from_files(&[("t", TYPES), ("r", rules)]).map(|_| ()).unwrap_err().to_string();
        assert!(wrong(&hotword("before = 9\nset = 0.1")).contains("give exactly one of words and regex"));
        assert!(wrong(&hotword("regex = 'x'\nbefore = 9")).contains("give exactly one of set and add"));
        assert!(wrong(&hotword("regex = 'x'\nset = 0.1")).contains("before and after"));
        assert!(wrong(&hotword("regex = 'x('\nbefore = 9\nset = 0.1")).contains("regex"));
        assert!(wrong(&hotword("regex = 'x'\nbefore = 9\nset = 0.1").replace("CARD", "CAR")).contains("not declared"));
        assert!(wrong("[[exclusion]]\nid = \"e\"\nentity_types = [\"CARD\"]").contains("values, regex or inside"));
        let itself = "[[exclusion]]\nid = \"e\"\nentity_types = [\"CARD\"]\ninside = [\"CARD\"]";
        assert!(wrong(itself).contains("inside a finding of its own type"));
    }
}
