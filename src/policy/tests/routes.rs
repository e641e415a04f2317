//! Routes, ceilings and permits.

use proptest::prelude::*;

use super::testing::ROUTES_OF_PUBLIC;
use super::*;
use crate::document::{Conversation, Generation, Message};

const RULES: &str = r#"
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
"#;

const ROUTES: &str = r#"
[[route]]
id = "stays"
levels = ["confidential", "internal"]
to = "local"
[[route]]
id = "research"
levels = ["public"]
callers = ["research"]
to = "cloud"
"#;

fn policy() -> Policy {
    Policy::parse(&source(&format!("{RULES}{ROUTES}{ROUTES_OF_PUBLIC}")), &types()).unwrap()
}

fn conversation() -> Arc<Conversation> {
    let message = Message::new(Role::User, "Anna 123");
    Arc::new(Conversation::new(vec![message], Generation::default()))
}

fn verdict(policy: &Policy, conversation: &Conversation, types: &[&str]) -> Verdict {
    let findings = types.iter().map(|name| finding(name, 0, 0..4, 0.9)).collect();
    policy.decide(evidence(conversation.document(), findings))
}

#[test]
fn the_first_route_that_fits_decides() {
    let (policy, conversation) = (policy(), conversation());
    let public = verdict(&policy, &conversation, &[]);
    let plan = |complexity, caller| {
        let plan = policy.route(&public, complexity, caller);
        (plan.rule().to_string(), plan.preferred(), plan.ceiling(), plan.may_fall_back())
    };
    let is = |rule: &str, to, ceiling, fallback| (rule.to_owned(), to, ceiling, fallback);
    assert_eq!(plan(Complexity::Simple, "web"), is("easy", Route::Local, Route::Cloud, true));
    assert_eq!(plan(Complexity::Complex, "web"), is("hard", Route::Cloud, Route::Cloud, true));
    assert_eq!(plan(Complexity::Simple, "research"), is("research", Route::Cloud, Route::Cloud, false));
}

#[test]
fn what_is_not_public_has_no_cloud_text() {
    let (policy, conversation) = (policy(), conversation());
    for found in [vec!["PERSON"], vec!["US_SSN"], vec!["PERSON", "US_SSN"]] {
        let verdict = verdict(&policy, &conversation, &found);
        let plan = policy.route(&verdict, Complexity::Complex, "research");
        assert_eq!((plan.preferred(), plan.ceiling(), plan.may_fall_back()), (Route::Local, Route::Local, false));
        assert!(policy.permit(&verdict, &plan, Arc::clone(&conversation)).cloud_text().is_none());
    }
}

#[test]
fn public_text_gets_its_cloud_text() {
    let (policy, conversation) = (policy(), conversation());
    let public = verdict(&policy, &conversation, &[]);
    let plan = policy.route(&public, Complexity::Complex, "web");
    assert!(policy.permit(&public, &plan, conversation).cloud_text().is_some());
}

#[test]
fn what_does_not_belong_together_stays_local() {
    let (policy, one, other) = (policy(), conversation(), conversation());
    let (public, secret) = (verdict(&policy, &one, &[]), verdict(&policy, &other, &["US_SSN"]));
    let outward = policy.route(&public, Complexity::Complex, "web");
    let local = |verdict: &Verdict, plan: &RoutePlan, conversation: &Arc<Conversation>| {
        policy.permit(verdict, plan, Arc::clone(conversation)).cloud_text().is_none()
    };
    assert!(local(&public, &outward, &other), "a verdict on another conversation");
    assert!(local(&secret, &outward, &other), "a plan for another verdict");
    let mut lenient = source(&format!("{RULES}{ROUTES}{ROUTES_OF_PUBLIC}"));
    lenient = lenient.replace("[\"US_SSN\"]", "[\"AGE\"]");
    let lenient = Policy::parse(&lenient, &types()).unwrap();
    let lax = verdict(&lenient, &other, &["US_SSN"]);
    assert_eq!(lax.level(), Sensitivity::Public);
    let lax_plan = policy.route(&lax, Complexity::Complex, "web");
    assert_eq!((lax_plan.ceiling(), &**lax_plan.rule()), (Route::Local, NO_ROUTE), "a verdict of another policy");
    let lax_plan = lenient.route(&lax, Complexity::Complex, "web");
    assert!(local(&lax, &lax_plan, &other), "a plan of another policy");
}

#[test]
fn no_route_means_local() {
    let policy = Policy::parse(&source(RULES), &types()).unwrap();
    let conversation = conversation();
    let public = verdict(&policy, &conversation, &[]);
    let plan = policy.route(&public, Complexity::Complex, "web");
    assert_eq!((&**plan.rule(), plan.ceiling()), (NO_ROUTE, Route::Local));
}

#[test]
fn a_table_that_lets_confidential_text_out_is_refused() {
    for route in [
        "levels = [\"confidential\"]\nto = \"cloud\"",
        "to = \"cloud\"",
        "levels = [\"public\", \"confidential\"]\nto = \"local\"\nfallback = true",
        "callers = [\"trusted\"]\nto = \"cloud\"",
    ] {
        let text = source(&format!("{RULES}[[route]]\nid = \"out\"\n{route}\n"));
        let error = Policy::parse(&text, &types()).unwrap_err();
        assert!(error.to_string().contains("confidential text to the cloud"), "{error}");
        let line = 3 + RULES.lines().count() + 1;
        let PolicyError::Invalid { problems } = &error else { panic!("{error}") };
        assert_eq!(problems[0].line, line, "{error}");
    }
}

fn list(name: &str, values: &Option<Vec<&'static str>>) -> String {
    values.as_ref().map_or(String::new(), |values| format!("{name} = {values:?}\n"))
}

proptest! {
    /// Whatever a route table says: if it is accepted at all, confidential text has no way out.
    #[test]
    fn no_policy_text_sends_confidential_text_to_the_cloud(
        routes in proptest::collection::vec(
            (
                proptest::option::of(proptest::collection::vec(
                    prop_oneof![Just("public"), Just("internal"), Just("confidential")], 1..4)),
                proptest::option::of(proptest::collection::vec(
                    prop_oneof![Just("simple"), Just("moderate"), Just("complex")], 1..4)),
                proptest::option::of(proptest::collection::vec(prop_oneof![Just("web"), Just("hr")], 1..3)),
                prop_oneof![Just("local"), Just("cloud")],
                any::<bool>(),
            ),
            0..5,
        ),
        complexity in prop_oneof![Just(Complexity::Simple), Just(Complexity::Moderate), Just(Complexity::Complex)],
        caller in prop_oneof![Just("web"), Just("hr"), Just("anonymous")],
    ) {
        let mut text = source(RULES);
        for (i, (levels, complexities, callers, to, fallback)) in routes.iter().enumerate() {
            text += &format!(
                "[[route]]\nid = \"r{i}\"\n{}{}{}to = \"{to}\"\nfallback = {fallback}\n",
                list("levels", levels), list("complexities", complexities), list("callers", callers),
            );
        }
        if let Ok(policy) = Policy::parse(&text, &types()) {
            let conversation = conversation();
            let verdict = verdict(&policy, &conversation, &["US_SSN"]);
            let plan = policy.route(&verdict, complexity, caller);
            prop_assert_eq!((plan.preferred(), plan.ceiling(), plan.may_fall_back()), (Route::Local, Route::Local, false));
            prop_assert!(policy.permit(&verdict, &plan, conversation).cloud_text().is_none());
        } else {
            let outward = |(levels, _, _, to, fallback): &(Option<Vec<&str>>, _, _, &str, bool)| {
                (*to == "cloud" || *fallback) && levels.as_ref().is_none_or(|levels| levels.contains(&"confidential"))
            };
            prop_assert!(routes.iter().any(outward), "refused for no reason: {}", text);
        }
    }
}
