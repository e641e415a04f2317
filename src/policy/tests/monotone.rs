//! More evidence never lowers a level.

use proptest::prelude::*;

use super::*;

const NAMES: [&str; 7] =
    ["PERSON", "AGE", "EMAIL_ADDRESS", "HEALTH_CONDITION", "US_SSN", "LOCATION", "MARKING_CONFIDENTIAL"];

/// Words that findings may cover; names come whole and in pieces.
const TEXT: &str = "Anna Berg, Berg and Ida. Übermüde é Tom Ode 41 kiel flu ida@x.de Anna Tom 12 Ida Berg ---- end";

fn policy() -> Policy {
    Policy::parse(
        &source(
            r#"
[[rule]]
id = "near_part"
level = "confidential"
description = "d"
when = { near = [{ any_of = ["PERSON"] }, { categories = ["health"], min_score = 0.6 }], within = 20 }
[[rule]]
id = "near_three"
level = "confidential"
description = "d"
when = { near = [{ categories = ["person"] }, { any_of = ["PERSON"] }, { any_of = ["LOCATION"] }], within = 30, scope = "document" }
[[rule]]
id = "kinds"
level = "confidential"
description = "d"
when = { any_of = ["AGE", "LOCATION", "EMAIL_ADDRESS"], kinds = 3, within = 25 }
[[rule]]
id = "people"
level = "confidential"
description = "d"
when = { any_of = ["PERSON"], distinct = 4 }
[[rule]]
id = "people_close"
level = "confidential"
description = "d"
when = { any_of = ["PERSON"], distinct = 3, within = 15 }
[[rule]]
id = "some"
level = "internal"
description = "d"
when = { any = [{ any_of = ["PERSON"] }, { all_of = ["AGE", "LOCATION"] }, { categories = ["contact"], count = 2 }] }
"#,
        ),
        &types(),
    )
    .unwrap()
}

fn some_finding() -> impl Strategy<Value = Finding> {
    let boundaries: Vec<usize> = TEXT.char_indices().map(|(at, _)| at).chain([TEXT.len()]).collect();
    (0..NAMES.len(), 0..3_usize, proptest::sample::subsequence(boundaries, 2), 0.0..=1.0_f32).prop_map(
        |(name, part, span, score)| finding(NAMES[name], part, span[0]..span[1].min(span[0] + 16).max(span[0]), score),
    )
}

fn level(
    policy: &Policy,
    document: &Document,
    findings: &[Finding],
    declared: Option<Sensitivity>,
    status: &Status,
) -> Sensitivity {
    let mut evidence = evidence(document, findings.to_vec());
    evidence.declared_level = declared;
    evidence.coverage = coverage(status);
    policy.decide(evidence).level()
}

fn declared() -> impl Strategy<Value = Option<Sensitivity>> {
    prop_oneof![
        Just(None),
        Just(Some(Sensitivity::Public)),
        Just(Some(Sensitivity::Internal)),
        Just(Some(Sensitivity::Confidential))
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn more_evidence_never_lowers(
        findings in proptest::collection::vec(some_finding(), 0..14),
        extra in some_finding(),
        raised in any::<proptest::sample::Index>(),
        to in 0.0..=1.0_f32,
        declared in declared(),
    ) {
        let policy = policy();
        let document = document(&[TEXT, TEXT, TEXT]);
        let before = level(&policy, &document, &findings, declared, &Status::Complete);

        let mut more = findings.clone();
        more.push(extra);
        prop_assert!(level(&policy, &document, &more, declared, &Status::Complete) >= before, "a finding more");

        if !findings.is_empty() {
            let mut surer = findings.clone();
            let at = raised.index(surer.len());
            surer[at].score = surer[at].score.max(to);
            prop_assert!(level(&policy, &document, &surer, declared, &Status::Complete) >= before, "a higher score");
        }

        for higher in [Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential] {
            if Some(higher) >= declared {
                prop_assert!(
                    level(&policy, &document, &findings, Some(higher), &Status::Complete) >= before.max(higher),
                    "a higher declared level"
                );
            }
        }
        let failed = Status::Failed("timed_out".into());
        prop_assert_eq!(level(&policy, &document, &findings, declared, &failed), Sensitivity::Confidential);
    }

    /// The cascade may stop early only where no finding could raise the level.
    #[test]
    fn nothing_raises_what_suffices(
        findings in proptest::collection::vec(some_finding(), 0..14),
        extra in proptest::collection::vec(some_finding(), 0..5),
    ) {
        let policy = policy();
        let document = document(&[TEXT, TEXT, TEXT]);
        if policy.rules_suffice(&evidence(&document, findings.clone())) {
            let mut more = findings.clone();
            more.extend(extra);
            let before = level(&policy, &document, &findings, None, &Status::Complete);
            prop_assert_eq!(before, level(&policy, &document, &more, None, &Status::Complete));
        }
    }
}
