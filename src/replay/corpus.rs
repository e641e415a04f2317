//! The same question about texts that are given now: nothing is missing, so both policies decide for certain. Each text is
//! classified under both by the function that the service calls, and only what they say is kept.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

use crate::classify::{Classified, Classifier, NerMode, Query};
use crate::dispatch;
use crate::document::{Conversation, Generation, Message, Role};
use crate::error::Kind;
use crate::eval::LevelScores;
use crate::policy::{ANONYMOUS, PolicyReference, Route, Sensitivity};

use super::summary::{LevelChange, RouteChange};

/// Longer than any text takes.
const PATIENCE: Duration = Duration::from_secs(600);
/// Bytes of one line.
const MOST_BYTES: u64 = 64 << 20;

/// A text of a corpus.
#[derive(Clone, Debug)]
pub struct CorpusText {
    /// As the file says, else the number of its line.
    pub id: String,
    /// The text.
    pub text: Arc<str>,
    /// Its level by label, if the file has one.
    pub level: Option<Sensitivity>,
    /// The level that a caller declares with it.
    pub declared_level: Option<Sensitivity>,
    /// Who sends it.
    pub caller: Arc<str>,
}

/// A corpus that cannot be used. It never quotes a text.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line is no text.
    #[error("{path}:{line}: {problem}")]
    Line {
        /// Which file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// There is nothing in it.
    #[error("{path} holds no text; each line is a JSON object with `text`")]
    Empty {
        /// Which.
        path: PathBuf,
    },
}

impl CorpusError {
    /// The kind of every such error.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::InvalidArgument
    }
}

#[derive(Deserialize)]
struct Line {
    id: Option<String>,
    text: String,
    level: Option<Sensitivity>,
    declared_level: Option<Sensitivity>,
    caller: Option<String>,
}

impl CorpusText {
    /// Reads JSON lines.
    ///
    /// # Errors
    /// Names the file and the line.
    pub fn read(path: &Path) -> Result<Vec<Self>, CorpusError> {
        let failed = |source| CorpusError::Read { path: path.to_owned(), source };
        let mut file = io::BufReader::new(std::fs::File::open(path).map_err(failed)?);
        let mut texts = Vec::new();
        for number in 1.. {
            let wrong = |problem: String| CorpusError::Line { path: path.to_owned(), line: number, problem };
            let mut line = String::new();
            let read = io::Read::take(&mut file, MOST_BYTES).read_line(&mut line).map_err(failed)?;
            if read == 0 {
                break;
            }
            if read as u64 >= MOST_BYTES {
                return Err(wrong(format!("is longer than {MOST_BYTES} bytes")));
            }
            if line.trim().is_empty() {
                continue;
            }
            // What serde says may quote the line.
            let line: Line = serde_json::from_str(&line).map_err(|error| {
                wrong(format!("is no JSON object with a string `text` and known levels (column {})", error.column()))
            })?;
            texts.push(Self {
                id: line.id.unwrap_or_else(|| number.to_string()),
                text: line.text.into(),
                level: line.level,
                declared_level: line.declared_level,
                caller: line.caller.as_deref().unwrap_or(ANONYMOUS).into(),
            });
        }
        if texts.is_empty() { Err(CorpusError::Empty { path: path.to_owned() }) } else { Ok(texts) }
    }
}

/// What one policy says of one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    level: Sensitivity,
    rule: Arc<str>,
    route: Route,
}

/// What a policy says of every text, in their order.
pub async fn said(
    classifier: &Arc<Classifier>,
    texts: &[CorpusText],
    progress: &(dyn Fn() + Sync),
) -> (PolicyReference, Vec<Said>) {
    let width = std::thread::available_parallelism().map_or(2, |cores| cores.get() * 2);
    let said = futures_util::stream::iter(texts.to_vec())
        .map(|text| {
            let classifier = Arc::clone(classifier);
            async move {
                let message = Message::new(Role::User, &*text.text);
                let conversation = Conversation::new(vec![message], Generation::default());
                let query =
                    Query { declared_level: text.declared_level, ner: NerMode::Auto, caller: Arc::clone(&text.caller) };
                let deadline = Instant::now() + PATIENCE;
                let classified = classifier.classify(conversation.document(), &query, deadline).await;
                of(&classified, &conversation, &text.caller)
            }
        })
        .buffered(width)
        .inspect(|_| progress())
        .collect()
        .await;
    (classifier.policy().reference().clone(), said)
}

fn of(classified: &Classified, conversation: &Conversation, caller: &str) -> Said {
    let verdict = &classified.verdict;
    let complexity = dispatch::estimate(conversation, None).complexity;
    Said {
        level: verdict.level(),
        rule: verdict.reasons().first().map_or_else(|| Arc::from(""), |reason| Arc::clone(&reason.rule)),
        route: classified.policy.route(verdict, complexity, caller).preferred(),
    }
}

/// What changes on a corpus.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CorpusSummary {
    /// The form of all this.
    pub format: &'static str,
    /// Digest of the policy before.
    pub before: String,
    /// Digest of the policy after.
    pub after: String,
    /// Texts.
    pub texts: u64,
    /// From level to level.
    pub levels: Vec<LevelChange>,
    /// From route to route.
    pub routes: Vec<RouteChange>,
    /// From rule to rule, of texts whose level or route changes.
    pub rules: Vec<RuleChange>,
    /// How right both are, where texts have levels.
    pub accuracy: Option<Accuracy>,
    /// The texts that change.
    pub changed: Vec<Changed>,
}

/// Texts that go from one rule to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleChange {
    /// Before; empty for none.
    pub before: String,
    /// After; empty for none.
    pub after: String,
    /// How many.
    pub texts: u64,
}

/// How often the level is the labelled one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    /// Texts with a level.
    pub labelled: u64,
    /// Right before.
    pub right_before: u64,
    /// Right after.
    pub right_after: u64,
    /// `confusion[label][level]` before, in the order public, internal, confidential.
    pub confusion_before: [[u64; 3]; 3],
    /// The same after.
    pub confusion_after: [[u64; 3]; 3],
}

/// A text that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// Its id.
    pub id: String,
    /// Level before.
    pub from: Sensitivity,
    /// Level after.
    pub to: Sensitivity,
    /// Rule before; empty for none.
    pub rule_before: String,
    /// Rule after; empty for none.
    pub rule_after: String,
    /// Route before.
    pub route_before: &'static str,
    /// Route after.
    pub route_after: &'static str,
    /// Its level by label.
    pub label: Option<Sensitivity>,
    /// The text, where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Compares what two policies say of the same texts. Texts themselves are told only where that is asked for.
#[must_use]
pub fn compare(
    texts: &[CorpusText],
    (before, said_before): (PolicyReference, Vec<Said>),
    (after, said_after): (PolicyReference, Vec<Said>),
    show_text: bool,
) -> CorpusSummary {
    let mut levels: BTreeMap<(Sensitivity, Sensitivity), u64> = BTreeMap::new();
    let mut routes: BTreeMap<(Route, Route), u64> = BTreeMap::new();
    let mut rules: BTreeMap<(Arc<str>, Arc<str>), u64> = BTreeMap::new();
    let (mut scores_before, mut scores_after) = (LevelScores::default(), LevelScores::default());
    let mut labelled = 0;
    let (mut right_before, mut right_after) = (0, 0);
    let mut changed = Vec::new();
    for (text, (a, b)) in texts.iter().zip(said_before.iter().zip(&said_after)) {
        *levels.entry((a.level, b.level)).or_default() += 1;
        *routes.entry((a.route, b.route)).or_default() += 1;
        if let Some(label) = text.level {
            labelled += 1;
            scores_before.add(label, a.level);
            scores_after.add(label, b.level);
            right_before += u64::from(label == a.level);
            right_after += u64::from(label == b.level);
        }
        if a.level == b.level && a.route == b.route {
            continue;
        }
        *rules.entry((Arc::clone(&a.rule), Arc::clone(&b.rule))).or_default() += 1;
        changed.push(Changed {
            id: text.id.clone(),
            from: a.level,
            to: b.level,
            rule_before: a.rule.to_string(),
            rule_after: b.rule.to_string(),
            route_before: a.route.as_str(),
            route_after: b.route.as_str(),
            label: text.level,
            text: show_text.then(|| text.text.to_string()),
        });
    }
    let level = |((from, to), decisions)| LevelChange { from, to, decisions };
    let route = |((from, to), decisions): ((Route, Route), u64)| RouteChange {
        from: from.as_str().into(),
        to: to.as_str().into(),
        decisions,
    };
    let rule = |((before, after), texts): ((Arc<str>, Arc<str>), u64)| RuleChange {
        before: before.to_string(),
        after: after.to_string(),
        texts,
    };
    CorpusSummary {
        format: "cordon replay corpus 1",
        before: before.digest.to_string(),
        after: after.digest.to_string(),
        texts: texts.len() as u64,
        levels: levels.into_iter().map(level).collect(),
        routes: routes.into_iter().map(route).collect(),
        rules: rules.into_iter().map(rule).collect(),
        accuracy: (labelled > 0).then_some(Accuracy {
            labelled,
            right_before,
            right_after,
            confusion_before: scores_before.confusion,
            confusion_after: scores_after.confusion,
        }),
        changed,
    }
}
