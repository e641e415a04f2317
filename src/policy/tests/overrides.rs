//! Overrides: who may lower what, and what no override can do.

use super::testing::ROUTES_OF_PUBLIC;
use super::*;
use crate::document::{Conversation, Generation, Message};

const TABLES: &str = r#"
[[rule]]
id = "person"
level = "internal"
description = "d"
when = { any_of = ["PERSON"] }
[[rule]]
id = "ssn"
level = "confidential"
description = "d"
when = { any_of = ["US_SSN"] }
[[override]]
id = "press"
callers = ["newsroom"]
from = "internal"
to = "public"
[[override]]
id = "lawyers"
callers = ["legal"]
from = "confidential"
to = "internal"
reason_required = false
[[route]]
id = "stays"
levels = ["confidential"]
to = "local"
[[route]]
id = "internal_leaves"
levels = ["internal"]
to = "cloud"
"#;

fn policy() -> Policy {
    Policy::parse(&source(&format!("{TABLES}{ROUTES_OF_PUBLIC}")), &types()).unwrap()
}

fn conversation() -> Arc<Conversation> {
    Arc::new(Conversation::new(vec![Message::new(Role::User, "Anna 123")], Generation::default()))
}

fn verdict(policy: &Policy, conversation: &Conversation, found: &[&str]) -> Verdict {
    let findings = found.iter().map(|name| finding(name, 0, 0..4, 0.9)).collect();
    policy.decide(evidence(conversation.document(), findings))
}

#[test]
fn a_named_caller_lowers_what_the_policy_lets_it_lower_and_the_verdict_stays() {
    let (policy, conversation) = (policy(), conversation());
    let internal = verdict(&policy, &conversation, &["PERSON"]);
    let waiver = policy.waive(&internal, "newsroom", Sensitivity::Public, true).unwrap().unwrap();
    assert_eq!((&**waiver.rule(), waiver.from(), waiver.to()), ("press", Sensitivity::Internal, Sensitivity::Public));
    let plan = policy.route_waived(&internal, Some(&waiver), Complexity::Complex, "newsroom");
    assert_eq!((&**plan.rule(), plan.preferred()), ("hard", Route::Cloud));
    assert!(policy.permit(&internal, &plan, conversation).cloud_text().is_some());
    assert_eq!(internal.level(), Sensitivity::Internal);
    assert!(policy.waive(&internal, "newsroom", Sensitivity::Internal, false).unwrap().is_none(), "nothing to lower");
    assert!(policy.waive(&internal, "web", Sensitivity::Confidential, false).unwrap().is_none());
}

#[test]
fn whoever_has_no_leave_is_told_which_rule_would_have_been_needed() {
    let (policy, conversation) = (policy(), conversation());
    let internal = verdict(&policy, &conversation, &["PERSON"]);
    let secret = verdict(&policy, &conversation, &["US_SSN"]);
    let denied = |verdict, caller, to, reason| policy.waive(verdict, caller, to, reason).unwrap_err();
    let press = || Arc::from("press");
    assert_eq!(denied(&internal, ANONYMOUS, Sensitivity::Public, true), OverrideDenied::Anonymous { rule: press() });
    assert_eq!(
        denied(&internal, "newsroom", Sensitivity::Public, false),
        OverrideDenied::ReasonMissing { rule: press() }
    );
    let other = denied(&internal, "legal", Sensitivity::Public, true);
    assert!(matches!(&other, OverrideDenied::NotAllowed { rule, .. } if **rule == *"press"), "{other}");
    let nobody = denied(&secret, "newsroom", Sensitivity::Public, true);
    assert_eq!(&**nobody.rule(), NO_OVERRIDE);
    let document = conversation.document();
    let partial = Evidence { coverage: coverage(&Status::Failed("timed_out".into())), ..evidence(document, vec![]) };
    let unseen = policy.decide(partial);
    let denied = policy.waive(&unseen, "legal", Sensitivity::Internal, true).unwrap_err();
    assert!(matches!(denied, OverrideDenied::IncompleteCoverage { .. }), "{denied}");
}

#[test]
fn confidential_text_never_leaves_by_an_override_whatever_the_table_says() {
    let (policy, conversation) = (policy(), conversation());
    let secret = verdict(&policy, &conversation, &["US_SSN"]);
    let waiver = policy.waive(&secret, "legal", Sensitivity::Internal, false).unwrap().unwrap();
    let plan = policy.route_waived(&secret, Some(&waiver), Complexity::Complex, "legal");
    assert_eq!((&**plan.rule(), plan.ceiling(), plan.may_fall_back()), ("internal_leaves", Route::Local, false));
    assert!(policy.permit(&secret, &plan, Arc::clone(&conversation)).cloud_text().is_none());
}

#[test]
fn a_waiver_is_for_one_verdict() {
    let (policy, one, other) = (policy(), conversation(), conversation());
    let internal = verdict(&policy, &one, &["PERSON"]);
    let waiver = policy.waive(&internal, "newsroom", Sensitivity::Public, true).unwrap().unwrap();
    let secret = verdict(&policy, &one, &["US_SSN"]);
    let plan = policy.route_waived(&secret, Some(&waiver), Complexity::Complex, "newsroom");
    assert_eq!((&**plan.rule(), plan.ceiling()), ("stays", Route::Local));
    let elsewhere = verdict(&policy, &other, &["PERSON"]);
    let plan = policy.route_waived(&elsewhere, Some(&waiver), Complexity::Complex, "newsroom");
    assert_eq!(&**plan.rule(), "internal_leaves", "the waiver of another document waives nothing");
}

#[test]
fn overrides_that_go_too_far_are_refused_and_the_rest_is_said() {
    let rules = "[[rule]]\nid = \"r\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = { any_of = [\"PERSON\"] }\n";
    let entry = |callers: &str, from: &str, to: &str| {
        format!("[[override]]\nid = \"x\"\ncallers = [{callers}]\nfrom = \"{from}\"\nto = \"{to}\"\n")
    };
    for (text, said) in [
        (entry("\"a\"", "confidential", "public"), "confidential text may never become public"),
        (entry("\"a\"", "public", "internal"), "internal is not lower than public"),
        (entry("\"a\"", "internal", "internal"), "is not lower"),
        (entry("", "internal", "public"), "name them"),
        (entry("\"anonymous\"", "internal", "public"), "everybody without a token"),
        (entry("\"a\"", "internal", "public") + &entry("\"b\"", "internal", "public"), "there twice"),
    ] {
        let error = Policy::parse(&source(&format!("{rules}{text}")), &types()).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let lint = |tables: &str| {
        let problems = check(&source(&format!("{rules}{tables}")), &types(), None).unwrap();
        problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("\n")
    };
    let leaving = format!("{ROUTES_OF_PUBLIC}{}", entry("\"a\"", "internal", "public"));
    assert!(lint(&leaving).contains("lets a send internal text where public text goes"), "{}", lint(&leaving));
    assert!(lint(&entry("\"a\"", "internal", "public")).contains("changes nothing: no route lets public text leave"));
    assert!(lint(&entry("\"a\"", "confidential", "internal")).contains("never leaves as it is"));
}

#[test]
fn a_policy_tests_its_own_overrides() {
    let tests = r#"
[[test]]
name = "the newsroom publishes"
text = "Anna"
level = "internal"
caller = "newsroom"
override_to = "public"
complexity = "complex"
route = "cloud"
[[test]]
name = "others do not"
text = "Anna"
level = "internal"
caller = "web"
override_to = "public"
"#;
    let policy = Policy::parse(&source(&format!("{TABLES}{ROUTES_OF_PUBLIC}{tests}")), &types()).unwrap();
    let detect = |_: &Document| Detected {
        findings: vec![finding("PERSON", 0, 0..4, 0.9)],
        ..Detected { coverage: complete(), ..Detected::default() }
    };
    let results = policy.run_trials(detect);
    assert!(results[0].passed(), "{:?}", results[0].failures());
    assert!(results[1].failures()[0].contains("`press`"), "{:?}", results[1].failures());
}
