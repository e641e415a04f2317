//! What a record of a decision says of each rule of the policy that made it, for people who read the record later. The
//! text is gone, so it says only what the counts of the record can carry: that something which a rule asks for is not
//! there, or that what it asks for is there and more would have to be known. It decides nothing.

use std::sync::Arc;

use crate::detect::Category;

use super::condition::{Condition, Quantity, Selection};
use super::{Policy, Sensitivity};

/// What a record counts under one type.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The type.
    pub entity_type: &'a str,
    /// Its group.
    pub category: Category,
    /// Findings.
    pub count: u64,
    /// Different values among them.
    pub distinct: u64,
    /// Highest score, from 0 to 1.
    pub max_score: f32,
}

/// What a record holds that a rule may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// What was found.
    pub counts: &'a [Counted<'a>],
    /// What the text is about, with the probability from 0 to 1; unlikely topics are not recorded.
    pub topics: &'a [(&'a str, f32)],
    /// What the caller declared.
    pub declared: Option<Sensitivity>,
    /// Who asked.
    pub caller: &'a str,
    /// The rules that applied.
    pub applied: &'a [&'a str],
}

/// Where a rule stands in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It applied.
    Applied,
    /// It was not asked: this rule of the same level stands before it and applied.
    AfterOther(Arc<str>),
    /// It did not apply, because of this.
    Lacks(String),
    /// It did not apply, and the record does not say why: this would have to be known.
    NotRecorded(String),
}

/// A rule with where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTold {
    /// Its id.
    pub rule: Arc<str>,
    /// What it gives.
    pub level: Sensitivity,
    /// What it says.
    pub description: Arc<str>,
    /// Where it stands.
    pub standing: Standing,
}

/// Names that are listed of a selection of types.
const NAMES: usize = 6;
/// A topic that is less likely is not recorded.
const LEAST_TOPIC: f32 = 0.1;

impl Policy {
    /// Every rule of the file in its order, the highest level first, with where it stands in a record that this policy
    /// made.
    #[must_use]
    pub fn told(&self, recorded: &Recorded<'_>) -> Vec<RuleTold> {
        let mut all = Vec::with_capacity(self.rules.len());
        for level in [Sensitivity::Confidential, Sensitivity::Internal, Sensitivity::Public] {
            let mut before: Option<Arc<str>> = None;
            for rule in self.rules.iter().filter(|rule| rule.level == level) {
                let applied = recorded.applied.contains(&&*rule.id);
                let standing = match (&before, applied) {
                    (_, true) => Standing::Applied,
                    (Some(other), false) => Standing::AfterOther(Arc::clone(other)),
                    (None, false) => match self.ask(&rule.condition, recorded) {
                        Answer::No(why) => Standing::Lacks(why),
                        Answer::Yes(what) | Answer::Open(what) => Standing::NotRecorded(what),
                    },
                };
                if applied && before.is_none() {
                    before = Some(Arc::clone(&rule.id));
                }
                all.push(RuleTold {
                    rule: Arc::clone(&rule.id),
                    level,
                    description: Arc::clone(&rule.description),
                    standing,
                });
            }
        }
        all
    }

    fn ask(&self, condition: &Condition, recorded: &Recorded<'_>) -> Answer {
        match condition {
            Condition::Always => Answer::Yes("it always holds".to_owned()),
            Condition::Found(selection, quantity) => self.found(selection, quantity, recorded),
            Condition::Near(selections, _) => {
                let each = selections.iter().map(|selection| self.found(selection, &Quantity::ONE, recorded));
                match all(each) {
                    Answer::No(why) => Answer::No(why),
                    Answer::Yes(what) | Answer::Open(what) => Answer::Open(format!("{what}, close together")),
                }
            }
            Condition::Declared(level) => {
                let holds = recorded.declared.is_some_and(|declared| declared >= *level);
                Answer::of(holds, || format!("the caller declares at least {level}"))
            }
            Condition::Caller(names) => Answer::of(names.iter().any(|name| name == recorded.caller), || {
                format!("the caller is {}", list(names.iter().map(String::as_str), "or"))
            }),
            Condition::Topic(wanted) => {
                let holds = wanted.iter().any(|(name, least)| {
                    recorded.topics.iter().any(|(topic, probability)| topic == name && probability >= least)
                });
                let names = list(wanted.iter().map(|(name, _)| name.as_str()), "or");
                let what = format!("the text is about {names}");
                // A topic below what is recorded may still be above what the rule asks for.
                if !holds && wanted.iter().any(|(_, least)| *least < LEAST_TOPIC) {
                    return Answer::Open(what);
                }
                Answer::of(holds, || what)
            }
            Condition::All(inner) => all(inner.iter().map(|inner| self.ask(inner, recorded))),
            Condition::Any(inner) => any(inner.iter().map(|inner| self.ask(inner, recorded))),
            Condition::Not(inner) => match self.ask(inner, recorded) {
                Answer::Yes(what) => Answer::No(format!("not that {what}")),
                Answer::No(what) => Answer::Yes(format!("not that {what}")),
                Answer::Open(what) => Answer::Open(format!("not that {what}")),
            },
        }
    }

    fn found(&self, selection: &Selection, quantity: &Quantity, recorded: &Recorded<'_>) -> Answer {
        let holds = |count: &&Counted<'_>| {
            let number = self.index.number(count.entity_type);
            let least = selection.min_score.max(self.min_score);
            selection.types.contains(number, count.category) && count.max_score >= least
        };
        let (mut findings, mut distinct, mut kinds) = (0u64, 0u64, 0u64);
        for count in recorded.counts.iter().filter(holds) {
            findings = findings.saturating_add(count.count);
            distinct = distinct.saturating_add(count.distinct);
            kinds += 1;
        }
        let mut names: Vec<Arc<str>> = self.index.names();
        names.retain(|name| selection.types.contains(self.index.number(name), Category::Other));
        names.sort_unstable();
        let cues = names.iter().any(|name| self.index.is_cue(name));
        let what = asked(&list(names.iter().map(AsRef::as_ref), "or"), quantity);
        let enough = findings >= u64::from(quantity.count)
            && distinct >= u64::from(quantity.distinct)
            && kinds >= u64::from(quantity.kinds);
        let plain = selection.roles.is_empty()
            && selection.detectors.is_empty()
            && selection.values.is_none()
            && selection.except_values.is_empty()
            && selection.excuses.is_empty()
            && quantity.reach.is_none();
        match (enough, plain) {
            // Words that only help to judge are counted in no record.
            (false, _) if cues => Answer::Open(what),
            (false, _) => Answer::No(what),
            (true, true) => Answer::Yes(what),
            (true, false) => Answer::Open(what),
        }
    }
}

/// What a record says of a condition, with what the condition asks for.
enum Answer {
    Yes(String),
    No(String),
    Open(String),
}

impl Answer {
    fn of(holds: bool, what: impl FnOnce() -> String) -> Self {
        if holds { Self::Yes(what()) } else { Self::No(what()) }
    }
}

/// All of them: what is lacking says most, then what is open.
fn all(answers: impl Iterator<Item = Answer>) -> Answer {
    let (mut lacking, mut open, mut there) = (Vec::new(), Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Answer::No(what) => lacking.push(what),
            Answer::Open(what) => open.push(what),
            Answer::Yes(what) => there.push(what),
        }
    }
    match (lacking.is_empty(), open.is_empty()) {
        (false, _) => Answer::No(lacking.join("; ")),
        (true, false) => Answer::Open(open.join("; ")),
        (true, true) => Answer::Yes(there.join("; ")),
    }
}

/// Any of them.
fn any(answers: impl Iterator<Item = Answer>) -> Answer {
    let (mut lacking, mut open) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Answer::Yes(what) => return Answer::Yes(what),
            Answer::Open(what) => open.push(what),
            Answer::No(what) => lacking.push(what),
        }
    }
    if open.is_empty() { Answer::No(lacking.join(", or ")) } else { Answer::Open(open.join(", or ")) }
}

fn asked(names: &str, quantity: &Quantity) -> String {
    let mut what = match quantity.count {
        0 | 1 => names.to_owned(),
        count => format!("at least {count} of {names}"),
    };
    if quantity.distinct > 1 {
        what = format!("{what}, {} different values", quantity.distinct);
    }
    if quantity.kinds > 1 {
        what = format!("{what}, {} different types", quantity.kinds);
    }
    what
}

fn list<'n>(names: impl Iterator<Item = &'n str>, joined: &str) -> String {
    let names: Vec<&str> = names.collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, rest)) if names.len() <= NAMES => format!("{} {joined} {last}", rest.join(", ")),
        Some(_) => {
            let shown: Vec<&str> = names.iter().take(NAMES).copied().collect();
            format!("{} {joined} {} others", shown.join(", "), names.len() - NAMES)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Catalog;

    const POLICY: &str = r#"
format = 1
name = "t"
version = "1"
description = "d"
[[rule]]
id = "card"
level = "confidential"
description = "A card."
when = { any_of = ["CREDIT_CARD"] }
[[rule]]
id = "iban"
level = "confidential"
description = "An account."
when = { any_of = ["IBAN_CODE"] }
[[rule]]
id = "many"
level = "internal"
description = "Many names."
when = { any_of = ["PERSON"], count = 3 }
[[rule]]
id = "office"
level = "internal"
description = "A mailbox."
when = { any_of = ["EMAIL_ADDRESS"], values.ends_with = ["@corp.example"] }
[[route]]
id = "all"
levels = ["public", "internal", "confidential"]
to = "local"
"#;

    fn told(counts: &[(&'static str, u64)], applied: &[&str]) -> Vec<Standing> {
        let catalog = Catalog::embedded().unwrap();
        let policy = Policy::parse(POLICY, &catalog).unwrap_or_else(|error| panic!("{error}"));
        let counted = |(entity_type, count): &(&'static str, u64)| Counted {
            entity_type,
            category: Category::Other,
            count: *count,
            distinct: *count,
            max_score: 0.9,
        };
        let counts: Vec<_> = counts.iter().map(counted).collect();
        let recorded = Recorded { counts: &counts, topics: &[], declared: None, caller: "c", applied };
        policy.told(&recorded).into_iter().map(|told| told.standing).collect()
    }

    #[test]
    fn a_rule_that_did_not_apply_says_what_it_lacks() {
        let standings = told(&[("PERSON", 2)], &[]);
        assert_eq!(standings[0], Standing::Lacks("CREDIT_CARD".into()));
        assert_eq!(standings[2], Standing::Lacks("at least 3 of PERSON".into()));
    }

    #[test]
    fn a_rule_behind_one_that_applied_was_not_asked() {
        let standings = told(&[("CREDIT_CARD", 1), ("IBAN_CODE", 1)], &["card"]);
        assert_eq!(standings[0], Standing::Applied);
        assert_eq!(standings[1], Standing::AfterOther("card".into()));
    }

    #[test]
    fn what_the_counts_cannot_tell_is_not_told() {
        let standings = told(&[("EMAIL_ADDRESS", 1)], &[]);
        assert_eq!(standings[3], Standing::NotRecorded("EMAIL_ADDRESS".into()));
    }
}
