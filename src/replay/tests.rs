//! Whether hindsight tells the truth: what it says of a record against what the classifier says of the text, for every
//! shipped policy and with the real model.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::audit::{Decision, DecisionInput, DigestKey, Label, MAX_FINDINGS, Operation};
use crate::classify::{Classified, Classifier, NerMode, Query};
use crate::config::{Config, File};
use crate::detect::{Catalog, Rules};
use crate::document::{Conversation, Document, Generation, Message, Role};
use crate::policy::{Cause, Hindsight, Policy, Redecision, Sensitivity};
use crate::startup;

use super::question;
use super::record::{self, Record};
use super::words::Words;

const POLICIES: [&str; 6] = ["default", "gateway", "escalation", "gdpr", "hipaa", "pci"];

fn config() -> Config {
    File { data_dir: Some("/nonexistent".into()), ..File::default() }.validate().unwrap()
}

/// Every eleventh text of the committed sets, and some that the sets do not have.
fn texts() -> Vec<Arc<Document>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut lines = Vec::new();
    for file in ["corpus/hr", "corpus/med", "corpus/biz", "corpus/dev", "corpus/data", "corpus/life", "levels/blind"] {
        let content = std::fs::read_to_string(root.join(format!("{file}.jsonl"))).unwrap();
        lines.extend(content.lines().map(str::to_owned));
    }
    let text =
        |line: &String| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned();
    let mut documents: Vec<Arc<Document>> =
        lines.iter().step_by(11).map(text).map(|text| Arc::new(Document::of(text))).collect();
    // Conversations of several parts, with letters of several bytes between what is found.
    for pair in lines.iter().step_by(37).map(text).collect::<Vec<_>>().windows(2) {
        let [first, second] = pair else { panic!("two texts") };
        let messages = vec![
            Message::new(Role::System, "Sei höflich — répondez brièvement, 请简短回答."),
            Message::new(Role::User, first.clone()),
            Message::new(Role::Assistant, "Über Änderungen später…"),
            Message::new(Role::User, second.clone()),
        ];
        documents.push(Arc::clone(Conversation::new(messages, Generation::default()).document()));
    }
    let names = "Anna Berg, Anna, Berg, Tom Öz, ÖZ, Ida Moor, Jan de Vries, Lena Koch, Max Roth, Eva Lang, Paul Beck, Nina Frey";
    for text in [
        names.to_owned(),
        "mail anna.berg@gmail.com and info@example.org or press@firma.de, +49 30 1234567, 0800 123 456".to_owned(),
        "She lost her job, and her son has asthma. She asked Tom Berg to say nothing.".to_owned(),
        "In the novel, Anna Berg has cancer and loses her job.".to_owned(),
        "AKIAIOSFODNN7EXAMPLE and Anna Berg, 4539 1488 0343 6467".to_owned(),
        String::new(),
        "STRICTLY CONFIDENTIAL: we will acquire Globex, nobody knows yet.".to_owned(),
    ] {
        documents.push(Arc::new(Document::of(text)));
    }
    documents
}

fn source(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("policy/{name}.toml"))).unwrap()
}

fn parsed(source: &str) -> Policy {
    Policy::parse(source, &Catalog::embedded().unwrap()).unwrap()
}

fn looking_back(source: &str) -> Hindsight {
    super::hindsight(parsed(source), &Catalog::embedded().unwrap(), &config().ner).unwrap()
}

/// Puts a policy into force, with what it adds to the catalog.
fn enforce(classifier: &Classifier, source: &str) {
    let policy = parsed(source);
    let catalog = startup::catalog(&Catalog::embedded().unwrap(), &policy).unwrap();
    classifier.replace(catalog.clone(), Rules::build(&catalog).unwrap(), policy);
}

async fn live(classifier: &Classifier, document: &Arc<Document>, declared: Option<Sensitivity>) -> Classified {
    let query = Query { declared_level: declared, ner: NerMode::Auto, caller: "lab".into() };
    classifier.classify(document, &query, Instant::now() + Duration::from_secs(60)).await
}

/// The bytes of the record of a classification.
fn body(classified: &Classified, document: &Document, declared: Option<Sensitivity>, old: bool) -> Vec<u8> {
    let input = DecisionInput {
        operation: Operation::Classify,
        caller: Label::new("lab"),
        request_id: None,
        declared_level: declared,
        provenance: classified.provenance.clone(),
        timings: classified.timings.for_record(),
        routing: None,
    };
    let mut decision = Decision::new(input, &classified.verdict, document, &DigestKey::from_bytes(&[7; 32])).unwrap();
    if old {
        decision.recalled = None;
    }
    written(&decision)
}

fn written(decision: &Decision) -> Vec<u8> {
    format!(r#"{{"v":1,"record":{{"decision":{}}}}}"#, serde_json::to_string(decision).unwrap()).into_bytes()
}

fn hindsight_of(hindsight: &Hindsight, body: &[u8]) -> Redecision {
    let Record::Decision(mut decision) = record::read(1, body).unwrap() else { panic!("a decision") };
    let recalled = decision.recalled.take();
    let mut words = Words::default();
    hindsight.judge(&question::memory(&decision, recalled, &mut words))
}

fn reasons(classified: &Classified) -> Vec<(String, Sensitivity)> {
    classified.verdict.reasons().iter().map(|reason| (reason.rule.to_string(), reason.level)).collect()
}

#[tokio::test]
async fn a_record_gives_what_the_text_gives() {
    let classifier = startup::classifier(&config()).unwrap_or_else(|error| panic!("{error}"));
    let documents = texts();
    let declared = |index: usize| (index % 9 == 4).then_some(Sensitivity::Internal);
    let mut said = Vec::new();
    for name in POLICIES {
        enforce(&classifier, &source(name));
        let mut of_policy = Vec::new();
        for (index, document) in documents.iter().enumerate() {
            of_policy.push(live(&classifier, document, declared(index)).await);
        }
        said.push(of_policy);
    }
    classifier.shutdown().await;
    let policies = POLICIES.map(|name| looking_back(&source(name)));
    let (mut decided, mut all) = (0, 0);
    for (recorded_by, recorded) in POLICIES.iter().zip(&said) {
        for (index, (document, classified)) in documents.iter().zip(recorded).enumerate() {
            let body = body(classified, document, declared(index), false);
            let old = self::body(classified, document, declared(index), true);
            for ((name, policy), truth) in POLICIES.iter().zip(&policies).zip(&said) {
                let truth = &truth[index];
                let told = format!("record {index} of {recorded_by} under {name}");
                let (now, long_ago) = (hindsight_of(policy, &body), hindsight_of(policy, &old));
                let level = truth.verdict.level();
                for redecision in [&now, &long_ago] {
                    let range = redecision.least.level..=redecision.most.level;
                    assert!(range.contains(&level), "{told}: {level} is not in {redecision:?}");
                }
                if name == recorded_by {
                    assert!(now.is_decided() && now.least == now.most, "{told}: {now:?}");
                    let given: Vec<_> =
                        now.least.reasons.iter().map(|(rule, level)| (rule.to_string(), *level)).collect();
                    assert_eq!(given, reasons(truth), "{told}");
                }
                all += 1;
                decided += usize::from(now.is_decided());
            }
        }
    }
    eprintln!(
        "{} texts, {} policies: {decided} of {all} levels decided by the record",
        documents.len(),
        POLICIES.len()
    );
    assert!(decided * 10 > all * 8, "{decided} of {all} are decided");
}

/// A policy of one confidential rule.
fn rule(head: &str, when: &str) -> String {
    format!(
        "format = 1\nname = \"t\"\nversion = \"1\"\n{head}\n[[rule]]\nid = \"r\"\nlevel = \"confidential\"\ndescription = \"d\"\nwhen = {when}\n"
    )
}

#[tokio::test]
async fn what_a_record_leaves_open_is_said_with_its_reason() {
    let classifier = startup::classifier(&config()).unwrap_or_else(|error| panic!("{error}"));
    let mail = Arc::new(Document::of("Write to anna.berg@bergwerk.de or to tom@gmail.com about the Aurora plan."));
    let secret = Arc::new(Document::of("password = \"xK9#mQ2$vL5pW8\" for Anna Berg"));
    let plain = live(&classifier, &mail, None).await;
    let skipped = live(&classifier, &secret, None).await;
    enforce(
        &classifier,
        &rule("[[allow]]\nvalues = [\"tom@gmail.com\"]\nreason = \"r\"", "{ any_of = [\"EMAIL_ADDRESS\"], count = 2 }"),
    );
    let allowed = live(&classifier, &mail, None).await;
    classifier.shutdown().await;
    assert_eq!(allowed.verdict.level(), Sensitivity::Public);
    let (plain, allowed) = (body(&plain, &mail, None, false), body(&allowed, &mail, None, false));
    let skipped = body(&skipped, &secret, None, false);
    let open = |source: &str, body: &[u8]| {
        let redecision = hindsight_of(&looking_back(source), body);
        let causes: Vec<Cause> = redecision.causes.iter().copied().collect();
        ((redecision.least.level, redecision.most.level), causes)
    };
    use Sensitivity::{Confidential, Public};
    let two_mails = "{ any_of = [\"EMAIL_ADDRESS\"], count = 2 }";
    let cases = [
        ("plain", two_mails, "", &plain, (Confidential, Confidential), vec![]),
        (
            "values not compared then",
            "{ any_of = [\"EMAIL_ADDRESS\"], values = { ends_with = [\".de\"] } }",
            "",
            &plain,
            (Public, Confidential),
            vec![Cause::ValueForms],
        ),
        (
            "its own recognizer",
            "{ any_of = [\"CUSTOM_PLAN\"] }",
            "[[entity_type]]\nname = \"CUSTOM_PLAN\"\ncategory = \"business\"\ncoarse = \"OTHER\"\ndescription = \"d\"\n[[list]]\nid = \"plans\"\nentity_type = \"CUSTOM_PLAN\"\nscore = 0.9\nterms = [\"Aurora\"]",
            &plain,
            (Public, Confidential),
            vec![Cause::OwnRecognizers],
        ),
        (
            "allowed now",
            two_mails,
            "[[allow]]\nvalues = [\"x\"]\nentity_types = [\"EMAIL_ADDRESS\"]\nreason = \"r\"",
            &plain,
            (Public, Confidential),
            vec![Cause::ValueLists],
        ),
        ("allowed then", two_mails, "", &allowed, (Public, Confidential), vec![Cause::ValueLists]),
        (
            "denied now",
            "{ any_of = [\"PASSWORD\"] }",
            "[[deny]]\nentity_type = \"PASSWORD\"\nvalues = [\"Aurora\"]\nreason = \"r\"",
            &plain,
            (Public, Confidential),
            vec![Cause::ValueLists],
        ),
        (
            "a topic below the floor",
            "{ topics = { health = 0.05 } }",
            "",
            &plain,
            (Public, Confidential),
            vec![Cause::TopicsBelowFloor],
        ),
        (
            "the model did not run",
            "{ any_of = [\"PERSON\"], count = 2 }",
            "",
            &skipped,
            (Public, Confidential),
            vec![Cause::ModelSkipped],
        ),
        (
            "the model is not needed",
            "{ categories = [\"credential\"] }",
            "",
            &skipped,
            (Confidential, Confidential),
            vec![],
        ),
    ];
    for (what, when, head, body, levels, causes) in cases {
        assert_eq!(open(&rule(head, when), body), (levels, causes), "{what}");
    }
}

#[test]
fn more_findings_than_are_listed_leave_counts_open() {
    let text = "a@b.example ".repeat(MAX_FINDINGS + 3);
    let policy = |count: usize| rule("", &format!("{{ any_of = [\"EMAIL_ADDRESS\"], count = {count} }}"));
    let document = Document::of(text.clone());
    let finding = |start: usize| crate::detect::Finding {
        part: 0,
        range: start..start + 11,
        entity_type: crate::detect::EntityType::new("EMAIL_ADDRESS"),
        category: crate::detect::Category::Contact,
        score: 0.9,
        detector: crate::detect::Detector::Pattern,
        recognizer: "mail".into(),
        explanation: crate::detect::Explanation::default(),
    };
    let verdict = parsed(&policy(1)).decide(crate::policy::Evidence {
        document: &document,
        findings: (0..MAX_FINDINGS + 3).map(|at| finding(at * 12)).collect(),
        topics: Vec::new(),
        coverage: crate::detect::Coverage::default(),
        declared_level: None,
        caller: "lab",
    });
    let recalled = verdict.recalled(&document, MAX_FINDINGS);
    assert_eq!((recalled.values.len(), recalled.points.len()), (MAX_FINDINGS, 0), "ASCII needs no code points");
    let input = DecisionInput {
        operation: Operation::Classify,
        caller: Label::new("lab"),
        request_id: None,
        declared_level: None,
        provenance: crate::audit::Provenance::default(),
        timings: crate::audit::Timings::default(),
        routing: None,
    };
    let decision = Decision::new(input, &verdict, &document, &DigestKey::from_bytes(&[7; 32])).unwrap();
    let body = written(&decision);
    let Record::Decision(decision) = record::read(1, &body).unwrap() else { panic!("a decision") };
    let mut words = Words::default();
    let mut memory = question::memory(&decision, decision.recalled.clone(), &mut words);
    memory.complete = true;
    let judged = |count| looking_back(&policy(count)).judge(&memory);
    assert!(judged(MAX_FINDINGS).is_decided());
    let open = judged(MAX_FINDINGS + 2);
    assert_eq!((open.least.level, open.most.level), (Sensitivity::Public, Sensitivity::Confidential));
    assert!(open.causes.contains(&Cause::FindingsOmitted));
}

#[test]
fn a_record_of_another_version_or_none_is_refused() {
    let version = record::read(9, br#"{"v":2,"record":{"decision":{}}}"#).err().unwrap();
    assert!(version.to_string().contains("record 9") && version.to_string().contains("version"), "{version}");
    let broken = record::read(9, br#"{"v":1,"record":{"decision":{"id":1}}}"#).err().unwrap();
    assert!(broken.to_string().contains("record 9") && broken.to_string().contains("verify"), "{broken}");
}
