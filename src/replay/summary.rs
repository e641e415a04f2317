//! What a replay says, in the form that programs read: the words and numbers alone, and their bytes. How they come out of
//! the counts is in `tell.rs`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::policy::Sensitivity;

/// The form of [`Summary`]; a new one is another number.
pub(super) const FORMAT: &str = "cordon replay 1";

/// A fixed word.
pub type Word = Cow<'static, str>;

/// What another policy would have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The form of all this.
    pub format: Word,
    /// What was looked at.
    pub input: Input,
    /// The policies that are compared.
    pub policies: Policies,
    /// Decisions that were asked about. A retry or an escalation is a decision of its own.
    pub decisions: u64,
    /// Those among them that were classifications, which go nowhere.
    pub classifications: u64,
    /// Whether the policies that decided then say the same again.
    pub self_check: Check,
    /// What the records do not decide.
    pub undecided: Undecided,
    /// How many requests go from one level to another.
    pub levels: Vec<LevelChange>,
    /// How many go from one route to another.
    pub routes: Vec<RouteChange>,
    /// What each rule of either policy decided, and what becomes of that.
    pub rules: Vec<Rule>,
    /// What changes of the cost.
    pub cost: Cost,
    /// Requests that would newly go to the cloud as they are.
    pub newly_to_cloud: Moved,
    /// Requests that a redacting route would newly take, if the verdict on the redacted text lets it.
    pub newly_redacted: Moved,
    /// Undecided requests of which some would newly go to the cloud.
    pub may_newly_go_to_cloud: Moved,
    /// Requests that would no longer leave.
    pub no_longer_to_cloud: Moved,
    /// The largest groups of requests that change in the same way.
    pub groups: Vec<Group>,
    /// How many such groups there are.
    pub groups_in_all: u64,
    /// Callers with requests that change or are undecided.
    pub callers: Vec<Caller>,
    /// What else bore on the requests then, and no policy says.
    pub circumstances: Circumstances,
    /// What found then: findings are taken as they were recorded, whatever is in force now.
    pub found_by: Vec<FoundBy>,
}

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Position of the first decision.
    pub first_sequence: u64,
    /// Position of the last record that counted.
    pub last_sequence: u64,
    /// Chain hash of that record, which covers all before it.
    pub last_hash: String,
    /// The filter.
    pub since: Option<String>,
    /// The filter.
    pub until: Option<String>,
    /// The filter.
    pub caller: Option<String>,
    /// The filter.
    pub level: Option<Sensitivity>,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyName {
    /// Name in the file.
    pub name: String,
    /// Version in the file.
    pub version: String,
    /// BLAKE3 of the file.
    pub digest: String,
}

/// The policies that are compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// The one that is tried.
    pub new: PolicyName,
    /// The one that it is compared with; absent for the recorded decisions.
    pub against: Option<PolicyName>,
    /// Those that decided then.
    pub recorded: Vec<Recorded>,
}

/// A policy that decided then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Which.
    #[serde(flatten)]
    pub policy: PolicyName,
    /// Its decisions.
    pub decisions: u64,
}

/// Whether records give what they say under the policy that made them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Records of one of the policies that are compared.
    pub checked: u64,
    /// Those that came out the same: level, reasons and route.
    pub reproduced: u64,
    /// Those that the record leaves open, with the recorded level in the range.
    pub open: u64,
    /// Those that did not.
    pub not_reproducible: u64,
    /// The first of these.
    pub examples: Vec<String>,
}

/// What the records do not decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// Requests whose level is open.
    pub levels: u64,
    /// Requests whose route is open.
    pub routes: u64,
    /// The first with an open level.
    pub examples: Vec<String>,
    /// What of their records is missing; one request can lack several things.
    pub causes: BTreeMap<Word, u64>,
    /// Between which levels the open ones lie.
    pub ranges: Vec<LevelRange>,
}

/// Requests with an open level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelRange {
    /// The level on the other side, or the least.
    pub from: Sensitivity,
    /// At least this.
    pub at_least: Sensitivity,
    /// At most this.
    pub at_most: Sensitivity,
    /// How many.
    pub decisions: u64,
}

/// One cell of the matrix of levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LevelChange {
    /// Before.
    pub from: Sensitivity,
    /// After.
    pub to: Sensitivity,
    /// How many.
    pub decisions: u64,
}

/// One cell of the matrix of routes: where the policies want a request, whatever stood in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteChange {
    /// Before.
    pub from: Word,
    /// After.
    pub to: Word,
    /// How many.
    pub decisions: u64,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `before` or `after`.
    pub of: Word,
    /// Its id; empty for no rule.
    pub rule: String,
    /// Requests that it decides.
    pub decides: u64,
    /// From which level to which they go.
    pub levels: Vec<LevelChange>,
    /// From which route to which they go.
    pub routes: Vec<RouteChange>,
    /// Those whose level is open on either side.
    pub undecided: u64,
    /// What changes of their cost.
    pub cost: Cost,
}

/// Cost, in millionths of a US dollar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Requests whose cost is known on both sides.
    pub known: u64,
    /// Theirs before.
    pub before_micros: u64,
    /// Theirs after.
    pub after_micros: u64,
    /// The difference.
    pub change_micros: i64,
    /// The others, by what is missing.
    pub unknown: BTreeMap<Word, u64>,
}

/// Requests that move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// How many.
    pub decisions: u64,
    /// What they hold.
    pub entity_types: Vec<Held>,
    /// The first.
    pub examples: Vec<String>,
}

/// A type that requests hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The type.
    pub entity_type: String,
    /// Requests that hold it.
    pub decisions: u64,
    /// Its findings in them.
    pub findings: u64,
}

/// Requests that change in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub decisions: u64,
    /// Level before.
    pub from: Sensitivity,
    /// Level after.
    pub to: Sensitivity,
    /// Rule before; empty for none.
    pub rule_before: String,
    /// Rule after; empty for none.
    pub rule_after: String,
    /// Route before.
    pub route_before: Word,
    /// Route after.
    pub route_after: Word,
    /// The first.
    pub examples: Vec<String>,
}

/// What changes for a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Its name.
    pub caller: String,
    /// Its decisions.
    pub decisions: u64,
    /// Those that get a higher level.
    pub raised: u64,
    /// Those that get a lower level.
    pub lowered: u64,
    /// Those that get another route.
    pub rerouted: u64,
    /// Those that would newly go to the cloud as they are.
    pub newly_to_cloud: u64,
    /// Those whose level is open.
    pub undecided: u64,
    /// What changes of the cost.
    pub cost: Cost,
}

/// What bore on requests beside the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Circumstances {
    /// Why requests did not go where their policy wanted them: a closed cloud, a spent budget, a backend that was away.
    pub held_back: BTreeMap<String, u64>,
    /// Calls of the cloud after a local answer that was not sure enough.
    pub escalations: u64,
    /// Those that the new policy does not allow.
    pub escalations_not_allowed: u64,
    /// Local requests for which the new policy allows them; whether the answer was sure enough is not known.
    pub may_escalate: u64,
    /// Calls of the cloud because the local side was away.
    pub fallbacks: u64,
    /// Those that the new policy does not allow.
    pub fallbacks_not_allowed: u64,
    /// Requests with an override.
    pub overrides: u64,
    /// Those that the new policy refuses.
    pub overrides_refused: u64,
}

/// What found, and how many requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundBy {
    /// Version of Cordon.
    pub service_version: String,
    /// Digest of the catalog.
    pub catalog: String,
    /// Digest of the model.
    pub model: String,
    /// Digest of the calibration.
    pub calibration: String,
    /// Whether that catalog is in force now; absent if it is not known.
    pub catalog_is_now: Option<bool>,
    /// Decisions.
    pub decisions: u64,
}

impl Summary {
    /// The bytes that are written, and signed: JSON on one line, keys in the order of the alphabet.
    ///
    /// # Errors
    /// Never for a summary of this program.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        value.sort_all_objects();
        serde_json::to_vec(&value)
    }
}
