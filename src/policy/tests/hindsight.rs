//! What a record keeps decides a policy as the text does: for any findings, cues and parts, by the same rules and by others.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use proptest::prelude::*;

use super::*;

/// Words of several bytes between what is found, names whole and in pieces, mail of two kinds.
const TEXT: &str =
    "Anna Berg, Berg und Ida. Übermüde é Tom 41 kiel flu ida@x.de info@y.de Anna Tom 请 12 Ida Berg ---- end";
const NAMES: [&str; 7] = ["PERSON", "AGE", "EMAIL_ADDRESS", "HEALTH_CONDITION", "US_SSN", "LOCATION", "SHE"];

fn known() -> TypeTable {
    types().with_cue("SHE", Category::Other)
}

const RULES: &str = r#"
[group.name]
any_of = ["PERSON"]
min_score = 0.5
unless_near = [{ any_of = ["SHE"], within = 12 }, { any_of = ["US_SSN"], within = 9, scope = "document" }]
[[rule]]
id = "near_part"
level = "confidential"
description = "d"
when = { near = [{ group = "name" }, { categories = ["health"], min_score = 0.6 }], within = 11 }
[[rule]]
id = "near_document"
level = "confidential"
description = "d"
when = { near = [{ any_of = ["SHE"] }, { any_of = ["PERSON"] }, { any_of = ["LOCATION"] }], within = 30, scope = "document", unit = "bytes" }
[[rule]]
id = "kinds"
level = "confidential"
description = "d"
when = { any_of = ["AGE", "LOCATION", "EMAIL_ADDRESS"], kinds = 3, within = 25, except_values = { starts_with = ["info@"] } }
[[rule]]
id = "people"
level = "confidential"
description = "d"
when = { any_of = ["PERSON"], distinct = 3 }
[[rule]]
id = "mails"
level = "internal"
description = "d"
when = { any_of = ["EMAIL_ADDRESS"], distinct = 2, values = { ends_with = [".de"] }, within = 40, scope = "document" }
[[rule]]
id = "some"
level = "internal"
description = "d"
when = { any = [{ group = "name", roles = ["user"] }, { all_of = ["AGE", "LOCATION"] }] }
unless = { any_of = ["SHE"], count = 3 }
"#;

fn some_finding() -> impl Strategy<Value = Finding> {
    // Inside of the text in its shorter form too, and in a part that has it: a detector finds nothing elsewhere.
    let shortest = TEXT.chars().count();
    let boundaries: Vec<usize> = TEXT.char_indices().map(|(at, _)| at).filter(|at| *at <= shortest).collect();
    (
        0..NAMES.len(),
        proptest::sample::select(vec![0_usize, 2]),
        proptest::sample::subsequence(boundaries, 2),
        0.0..=1.0_f32,
    )
        .prop_map(|(name, part, span, score)| {
            let mut found = finding(NAMES[name], part, span[0]..span[1].min(span[0] + 12), score);
            // A cut inside a letter is a defect that must not matter either.
            found.category = known().category(NAMES[name]).unwrap();
            found
        })
}

/// A name of the value: equal for equal texts, as the keyed digest of a record is.
fn value_of(document: &Document, finding: &Finding) -> u64 {
    let part = document.parts().get(finding.part);
    let value = part.and_then(|part| part.text.expose().get(finding.range.clone()));
    let mut hasher = DefaultHasher::new();
    value.map_or_else(|| finding.range.start.to_string(), str::to_owned).hash(&mut hasher);
    hasher.finish()
}

/// The verdict as a record tells of it.
fn remembered<'a>(verdict: &'a Verdict, document: &'a Document, digest: &'a str) -> Memory<'a> {
    let finding = |finding: &'a Finding| Remembered {
        entity_type: finding.entity_type.as_str(),
        category: finding.category,
        score: crate::detect::in_millionths(finding.score),
        detector: finding.detector,
        recognizer: &finding.recognizer,
        role: document.parts().get(finding.part).map_or(Role::Metadata, |part| part.role),
        part: finding.part,
        range: finding.range.clone(),
        value: value_of(document, finding),
    };
    Memory {
        findings: verdict.findings().iter().map(finding).collect(),
        omitted: Vec::new(),
        topics: verdict.topics().to_vec(),
        complete: verdict.coverage().is_complete(),
        model_skipped: false,
        said_unscannable: false,
        declared: None,
        caller: "anonymous",
        policy: digest,
        catalog: "",
        recalled: Some(verdict.recalled(document, 4096)),
    }
}

fn look_back(policy: &Policy) -> Hindsight {
    Hindsight::new(Arc::new(policy.clone()), None, &[])
}

fn reasons(verdict: &Verdict) -> Vec<(Arc<str>, Sensitivity)> {
    verdict.reasons().iter().map(|reason| (Arc::clone(&reason.rule), reason.level)).collect()
}

proptest! {
    #[test]
    fn a_record_decides_as_the_text_does(
        found in proptest::collection::vec(some_finding(), 0..14),
        ascii in any::<bool>(),
    ) {
        let text = if ascii { TEXT.replace(|c: char| !c.is_ascii(), "x") } else { TEXT.to_owned() };
        let document = document(&[&text, "é", &text]);
        let policy = Policy::parse(&source(RULES), &known()).unwrap();
        let verdict = policy.decide(evidence(&document, found.clone()));
        // The record as JSON and back.
        let json = serde_json::to_string(&verdict.recalled(&document, 4096)).unwrap();
        let again: Recalled = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&again, &verdict.recalled(&document, 4096));

        let own = Arc::clone(&policy.reference().digest);
        let memory = remembered(&verdict, &document, &own);
        let same = look_back(&policy).judge(&memory);
        prop_assert_eq!(&same.least.reasons, &reasons(&verdict));
        prop_assert!(same.causes.is_empty() && same.least == same.most, "{:?}", same);

        // Another policy of the same forms decides by the record alone.
        let other = source(&RULES.replace("min_score = 0.5", "min_score = 0.3").replace("distinct = 3", "distinct = 2"));
        let other = Policy::parse(&other, &known()).unwrap();
        let truth = other.decide(evidence(&document, found));
        let judged = look_back(&other).judge(&memory);
        prop_assert_eq!(&judged.least.reasons, &reasons(&truth));
        prop_assert!(judged.is_decided(), "{:?}", judged);

        // Less of the record never makes it wrong.
        let forms = |recalled: Recalled| Recalled { forms: Vec::new(), ..recalled };
        let parts = |recalled: Recalled| Recalled { parts: Vec::new(), ..recalled };
        let keys = |recalled: Recalled| Recalled { names: Vec::new(), values: Vec::new(), ..recalled };
        let whole = memory.recalled.clone().unwrap();
        for recalled in [None, Some(forms(whole.clone())), Some(parts(whole.clone())), Some(keys(whole.clone()))] {
            let judged = look_back(&other).judge(&Memory { recalled, ..memory.clone() });
            let range = judged.least.level..=judged.most.level;
            prop_assert!(range.contains(&truth.level()), "{} is not in {:?}", truth.level(), judged);
        }
    }
}

#[test]
fn an_override_is_judged_by_the_new_policy() {
    let tables = "[[rule]]\nid = \"r\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = { any_of = [\"PERSON\"] }\n\
                  [[override]]\nid = \"o\"\ncallers = [\"press\"]\nfrom = \"internal\"\nto = \"public\"\n";
    let policy = Policy::parse(&source(tables), &types()).unwrap();
    let document = document(&["Anna"]);
    let verdict = policy.decide(evidence(&document, vec![at(&document, "PERSON", "Anna")]));
    let hindsight = look_back(&policy);
    let asked = |caller: &'static str, to, has_reason| {
        let memory = Memory { caller, ..remembered(&verdict, &document, "other") };
        hindsight.waives(&memory, Sensitivity::Internal, to, has_reason)
    };
    assert_eq!(asked("press", Sensitivity::Public, true), Some(true));
    assert_eq!(asked("press", Sensitivity::Public, false), Some(false), "the reason is missing");
    assert_eq!(asked("other", Sensitivity::Public, true), Some(false));
    assert_eq!(asked("other", Sensitivity::Confidential, true), None, "it is not lower");
    let unseen = Memory { complete: false, caller: "press", ..remembered(&verdict, &document, "other") };
    assert_eq!(hindsight.waives(&unseen, Sensitivity::Internal, Sensitivity::Public, true), Some(false));
    assert!(
        hindsight.may_waive("press", Sensitivity::Internal) && !hindsight.may_waive("press", Sensitivity::Confidential)
    );
}
