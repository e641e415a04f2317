//! What the schedules of faults ask, and how it is judged: private texts with their secret at any place, a model that
//! fails, a policy that is swapped while requests are in work, a log that cannot be written for a while.

use std::sync::atomic::{AtomicU64, Ordering};

use super::schedules::{SECRET, SEED};
use super::*;
use crate::detect::testing::finding;
use crate::dispatch::chance::Chance;
use crate::dispatch::sabotage::Sabotage;
use crate::document::{Json, ResponseFormat, Tool, Tools};

/// Version of the policy that lets nothing leave.
pub(super) const STRICT: &str = "strict";

/// One caller's private text may leave redacted. Public text has its own routes behind, and its easy kind stays while the
/// local answer is sure enough.
const ROUTES: &str = r#"
[[route]]
id = "redacted"
levels = ["confidential", "internal"]
callers = ["redacts"]
to = "cloud-redacted"
[[route]]
id = "private"
levels = ["confidential", "internal"]
to = "local"
"#;

const RULES: &str = r#"
[[rule]]
id = "person"
level = "internal"
description = "A name."
when = { any_of = ["PERSON"] }
"#;

/// Finds the secret wherever a document has it, unless its model fails; gives one policy after the other.
pub(super) struct Judge {
    policies: [Arc<Policy>; 2],
    asked: AtomicU64,
}

/// The secret's places in a request.
const PLACES: [&str; 6] = ["content", "name", "stop/0", "description", "parameters", "schema"];

fn policy(version: &str, routes: &str) -> Arc<Policy> {
    let source = format!("format = 1\nname = \"test\"\nversion = \"{version}\"\n{RULES}{routes}");
    Arc::new(Policy::parse(&source, &TypeTable::new().with("PERSON", Category::Person)).unwrap())
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            policies: [policy("1", &format!("{ROUTES}{ROUTES_OF_PUBLIC}escalate = true\n")), policy(STRICT, "")],
            asked: AtomicU64::new(0),
        }
    }
}

/// Whether the model fails on this schedule.
fn fails(schedule: u64) -> bool {
    Chance::seeded(SEED.rotate_left(31) ^ schedule).below(10) == 0
}

#[async_trait]
impl Classify for Judge {
    async fn classify(&self, request: &Request) -> Judged {
        let document = request.conversation.document();
        let schedule = request.request_id.as_ref().map_or("", RequestId::as_str);
        let failed = schedule.strip_prefix("s-").and_then(|number| number.parse().ok()).is_some_and(fails);
        let seen = |detector| DetectorCoverage {
            detector,
            status: if failed && detector == Detector::Ner { Status::Failed("run".into()) } else { Status::Complete },
            bytes_scanned: document.total_bytes(),
            bytes_total: document.total_bytes(),
            digest: "d".into(),
        };
        let mut findings = Vec::new();
        for (part, text) in document.parts().iter().enumerate().filter(|_| !failed) {
            let found = text.text.expose().match_indices(SECRET).map(|(at, _)| crate::detect::Finding {
                part,
                ..finding("PERSON", Category::Person, at..at + SECRET.len(), 0.9)
            });
            findings.extend(found);
        }
        // Every few verdicts the policy is another one, so some requests have one for their text and another for the
        // redacted text.
        let turn = self.asked.fetch_add(1, Ordering::Relaxed) / 5 % 4;
        let policy = &self.policies[usize::from(turn == 3)];
        let verdict = policy.decide(Evidence {
            document,
            findings,
            topics: Vec::new(),
            coverage: Coverage {
                detectors: [Detector::Pattern, Detector::Dictionary, Detector::Secret, Detector::Ner]
                    .map(seen)
                    .to_vec(),
            },
            declared_level: request.declared_level,
            caller: &request.caller,
        });
        Judged {
            verdict: Arc::new(verdict),
            timings: Timings::default(),
            provenance: Provenance::default(),
            observed: None,
            policy: Arc::clone(policy),
        }
    }
}

/// The request of a schedule.
pub(super) fn scheduled(schedule: u64, sabotage: Sabotage) -> Request {
    let chance = Chance::seeded(SEED.rotate_left(17) ^ schedule);
    let level = [Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential][chance.below(3) as usize];
    let complexity = [Complexity::Simple, Complexity::Complex][chance.below(2) as usize];
    let place = PLACES[chance.below(PLACES.len() as u64) as usize];
    let secret = |at: &str| if level != Sensitivity::Public && at == place { SECRET } else { "" };
    let object = |at: &str| Json::object(&format!("{{\"title\":\"{}\"}}", secret(at))).unwrap();
    let message = Message::new(Role::User, format!("schedule-{schedule}- {}", secret("content")));
    let tool = Tool {
        name: "look".into(),
        description: Some(format!("looks {}", secret("description")).into()),
        parameters: Some(object("parameters")),
        strict: None,
    };
    let generation = Generation {
        stop: vec![format!("end{}", secret("stop/0")).into()],
        response_format: ResponseFormat::JsonSchema { name: "s".into(), schema: object("schema"), strict: None },
        ..Generation::default()
    };
    let message = message.named(format!("n{}", secret("name")));
    let tools = Tools { definitions: vec![tool], ..Tools::default() };
    let conversation = Conversation::with_tools(vec![message], tools, generation);
    let conversation =
        if sabotage == Sabotage::ForwardsUnscanned { conversation.with_unscanned(place) } else { conversation };
    // What is confidential is declared; what is internal must be found. Neither holds where a string is not scanned.
    let declared = (level == Sensitivity::Confidential && sabotage != Sabotage::ForwardsUnscanned).then_some(level);
    Request {
        request_id: RequestId::parse(&format!("s-{schedule}")).unwrap(),
        caller: if chance.below(2) == 0 { "redacts".into() } else { "plain".into() },
        conversation: Arc::new(conversation),
        declared_level: declared,
        deadline: Instant::now() + Duration::from_millis(700 + chance.below(1500)),
        whole: chance.below(2) == 0,
        ..request(level, complexity)
    }
}
