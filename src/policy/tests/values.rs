//! Lists of values that are harmless and of values that are always findings.

use super::*;

const RULE: &str = "[[rule]]\nid = \"r\"\nlevel = \"internal\"\ndescription = \"d\"\n\
                    when = { any_of = [\"EMAIL_ADDRESS\", \"CUE\"] }\n";

fn policy(tables: &str) -> Policy {
    Policy::parse(&source(&format!("{RULE}{tables}")), &types()).unwrap()
}

/// The level for a caller when these mail addresses are found.
fn level(policy: &Policy, text: &str, addresses: &[&str], caller: &str) -> Sensitivity {
    let document = document(&[text]);
    let found = addresses.iter().map(|address| at(&document, "EMAIL_ADDRESS", address)).collect();
    policy.decide(Evidence { caller, ..evidence(&document, found) }).level()
}

fn problems(tables: &str) -> String {
    let problems = check(&source(&format!("{RULE}{tables}")), &types(), None).unwrap();
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn values_are_allowed_by_form_and_for_some_callers() {
    let policy = policy(
        "[[allow]]\nregex = ['[a-z]+@ours\\.org']\ncallers = [\"press\"]\nreason = \"published\"\n\
         [[allow]]\nvalues = [\"Info@Ours.org\"]\nreason = \"published\"\n",
    );
    let text = "a@ours.org info@ours.org a@ours.org.uk";
    assert_eq!(level(&policy, text, &["a@ours.org"], "press"), Sensitivity::Public);
    assert_eq!(level(&policy, text, &["a@ours.org"], "sales"), Sensitivity::Internal);
    assert_eq!(level(&policy, text, &["info@ours.org"], "sales"), Sensitivity::Public);
    assert_eq!(level(&policy, text, &["a@ours.org.uk"], "press"), Sensitivity::Internal, "the whole value");
}

#[test]
fn denied_values_are_always_findings_for_their_callers() {
    let policy = policy(
        "[[deny]]\nentity_type = \"CUE\"\nvalues = [\"Blue Heron\"]\nreason = \"a deal\"\n\
         [[deny]]\nentity_type = \"CUE\"\nregex = ['KX-[0-9]{4}']\ncallers = [\"lab\"]\nreason = \"samples\"\n\
         [[allow]]\nvalues = [\"blue heron\"]\nreason = \"a mistake\"\n",
    );
    assert_eq!(level(&policy, "about BLUE\n heron", &[], "any"), Sensitivity::Internal);
    assert_eq!(level(&policy, "about blueheron", &[], "any"), Sensitivity::Public);
    assert_eq!(level(&policy, "kx-2041 broke", &[], "lab"), Sensitivity::Internal);
    assert_eq!(level(&policy, "kx-2041 broke", &[], "any"), Sensitivity::Public);
    let document = document(&["x", "KX-2041"]);
    let verdict = policy.decide(Evidence { caller: "lab", ..evidence(&document, Vec::new()) });
    let found = &verdict.findings()[0];
    assert_eq!((found.part, found.range.clone(), found.score), (1, 0..7, 1.0));
}

#[test]
fn tests_in_the_file_see_denied_values() {
    let policy = policy(
        "[[deny]]\nentity_type = \"CUE\"\nvalues = [\"Blue Heron\"]\nreason = \"a deal\"\n\
         [[test]]\nname = \"t\"\ntext = \"about Blue Heron\"\nlevel = \"internal\"\n\
         findings = [{ type = \"CUE\", value = \"Blue Heron\" }]\n",
    );
    let results = policy.run_trials(|_| Detected { coverage: complete(), ..Detected::default() });
    assert!(results.iter().all(TrialResult::passed), "{:?}", results[0].failures());
}

#[test]
fn too_many_denied_values_are_not_a_shorter_result() {
    let policy = policy("[[deny]]\nentity_type = \"CUE\"\nvalues = [\"a\"]\nreason = \"x\"\n");
    let document = document(&["a ".repeat(70_000).as_str()]);
    let verdict = policy.decide(evidence(&document, Vec::new()));
    assert_eq!(verdict.level(), Sensitivity::Confidential, "coverage is incomplete");
}

#[test]
fn mistakes_are_found() {
    for (tables, expected) in [
        ("[[deny]]\nentity_type = \"CUE\"\n", "denies nothing"),
        ("[[deny]]\nentity_type = \"CU\"\nvalues = [\"x\"]\n", "no detector finds `CU`"),
        ("[[deny]]\nentity_type = \"CUE\"\nregex = ['a*']\n", "matches the empty text"),
        ("[[deny]]\nentity_type = \"CUE\"\nregex = ['a+']\n", "bound what repeats"),
        ("[[deny]]\nentity_type = \"CUE\"\nregex = ['a(']\n", "regex parse error"),
        ("[[deny]]\nentity_type = \"CUE\"\nvalues = [\"--\"]\n", "holds a letter or a digit"),
        ("[[deny]]\nentity_type = \"CUE\"\nvalues = [\"x\"]\n", "has no `reason`"),
        ("[[allow]]\nregex = ['a(']\nreason = \"x\"\n", "regex parse error"),
        ("[[allow]]\nreason = \"x\"\n", "allows nothing"),
        (
            "[[allow]]\nvalues = [\"X\"]\nreason = \"x\"\n[[deny]]\nentity_type = \"CUE\"\nvalues = [\"x\"]\n",
            "allowed too",
        ),
    ] {
        let found = problems(tables);
        assert!(found.contains(expected), "{expected:?} is not in {found}");
    }
}
