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
        "to = \"local\"\nescalate = true",
        "levels = [\"internal\", \"confidential\"]\nto = \"local\"\nescalate = true",
    ] {
        let text = source(&format!("{RULES}[[route]]\nid = \"out\"\n{route}\n"));
        let error = Policy::parse(&text, &types()).unwrap_err();
        assert!(error.to_string().contains("confidential text to the cloud"), "{error}");
        let line = 3 + RULES.lines().count() + 1;
        let PolicyError::Invalid { problems } = &error else { panic!("{error}") };
        assert_eq!(problems[0].line, line, "{error}");
    }
}

#[test]
fn a_route_may_escalate_what_may_leave() {
    let text =
        source(&format!("{RULES}[[route]]\nid = \"try\"\nlevels = [\"public\"]\nto = \"local\"\nescalate = true\n"));
    let policy = Policy::parse(&text, &types()).unwrap();
    assert!(policy.escalates() && !self::policy().escalates());
    let conversation = conversation();
    let public = verdict(&policy, &conversation, &[]);
    let plan = policy.route(&public, Complexity::Simple, "web");
    assert_eq!((plan.preferred(), plan.ceiling(), plan.may_fall_back()), (Route::Local, Route::Cloud, false));
    assert!(plan.may_escalate());
    assert!(policy.permit(&public, &plan, Arc::clone(&conversation)).cloud_text().is_some());
    let internal = verdict(&policy, &conversation, &["PERSON"]);
    let plan = policy.route(&internal, Complexity::Simple, "web");
    assert!(!plan.may_escalate() && plan.ceiling() == Route::Local);
}

#[test]
fn what_goes_to_the_cloud_cannot_escalate() {
    let text =
        source(&format!("{RULES}[[route]]\nid = \"odd\"\nlevels = [\"public\"]\nto = \"cloud\"\nescalate = true\n"));
    let error = Policy::parse(&text, &types()).unwrap_err().to_string();
    assert!(error.contains("`odd` goes to the cloud already"), "{error}");
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
                any::<bool>(),
            ),
            0..5,
        ),
        complexity in prop_oneof![Just(Complexity::Simple), Just(Complexity::Moderate), Just(Complexity::Complex)],
        caller in prop_oneof![Just("web"), Just("hr"), Just("anonymous")],
    ) {
        let mut text = source(RULES);
        for (i, (levels, complexities, callers, to, fallback, escalate)) in routes.iter().enumerate() {
            text += &format!(
                "[[route]]\nid = \"r{i}\"\n{}{}{}to = \"{to}\"\nfallback = {fallback}\nescalate = {escalate}\n",
                list("levels", levels), list("complexities", complexities), list("callers", callers),
            );
        }
        if let Ok(policy) = Policy::parse(&text, &types()) {
            let conversation = conversation();
            let verdict = verdict(&policy, &conversation, &["US_SSN"]);
            let plan = policy.route(&verdict, complexity, caller);
            prop_assert_eq!((plan.preferred(), plan.ceiling(), plan.may_fall_back()), (Route::Local, Route::Local, false));
            prop_assert!(!plan.may_escalate());
            prop_assert!(policy.permit(&verdict, &plan, conversation).cloud_text().is_none());
        } else {
            let outward = |(levels, _, _, to, fallback, escalate): &(Option<Vec<&str>>, _, _, &str, bool, bool)| {
                let senseless = *to == "cloud" && *escalate;
                senseless || (*to == "cloud" || *fallback || *escalate) && levels.as_ref().is_none_or(|levels| levels.contains(&"confidential"))
            };
            prop_assert!(routes.iter().any(outward), "refused for no reason: {}", text);
        }
    }
}

/// A policy whose private text may leave redacted.
fn redacting(extra: &str) -> Result<Policy, PolicyError> {
    let route = format!(
        "[[route]]\nid = \"redacted\"\nlevels = [\"confidential\", \"internal\"]\nto = \"cloud-redacted\"\n{extra}\n"
    );
    Policy::parse(&source(&format!("{RULES}{route}")), &types())
}

#[test]
fn a_redacted_text_leaves_on_its_own_verdict_and_the_text_itself_never() {
    let policy = redacting("").unwrap();
    let (original, redacted) = (conversation(), conversation());
    for found in ["PERSON", "US_SSN"] {
        let own = verdict(&policy, &original, &[found]);
        let plan = policy.route(&own, Complexity::Simple, "web");
        assert_eq!((plan.preferred(), plan.ceiling()), (Route::CloudRedacted, Route::CloudRedacted));
        let permit = || policy.permit(&own, &plan, Arc::clone(&original));
        assert_eq!(
            (permit().ceiling(), permit().cloud_text().is_none()),
            (Route::Local, true),
            "nothing is redacted yet"
        );
        let level_of = |types: &[&str]| {
            let verdict = verdict(&policy, &redacted, types);
            policy.permit_redacted(permit(), &plan, &verdict, Arc::clone(&redacted))
        };
        let text = level_of(&[]).cloud_text().unwrap();
        assert_eq!(
            (text.route(), text.conversation().document().id()),
            (Route::CloudRedacted, redacted.document().id())
        );
        assert!(level_of(&["PERSON"]).cloud_text().is_none(), "still internal");
        assert!(level_of(&["US_SSN"]).cloud_text().is_none(), "still confidential");
        // The verdict of one conversation lets no other out.
        let foreign = verdict(&policy, &redacted, &[]);
        assert!(policy.permit_redacted(permit(), &plan, &foreign, Arc::clone(&original)).cloud_text().is_none());
        let other_policy = self::policy();
        let foreign = verdict(&other_policy, &redacted, &[]);
        assert!(policy.permit_redacted(permit(), &plan, &foreign, Arc::clone(&redacted)).cloud_text().is_none());
    }
    let lax = redacting("redacted_levels = [\"public\", \"internal\"]").unwrap();
    let own = verdict(&lax, &original, &["US_SSN"]);
    let plan = lax.route(&own, Complexity::Simple, "web");
    let permit = |types: &[&str]| {
        let permit = lax.permit(&own, &plan, Arc::clone(&original));
        lax.permit_redacted(permit, &plan, &verdict(&lax, &redacted, types), Arc::clone(&redacted))
    };
    assert!(permit(&["PERSON"]).cloud_text().is_some() && permit(&["US_SSN"]).cloud_text().is_none());
}

#[test]
fn a_route_that_does_not_redact_permits_no_redacted_text() {
    let policy = policy();
    let (original, redacted) = (conversation(), conversation());
    let own = verdict(&policy, &original, &["PERSON"]);
    let plan = policy.route(&own, Complexity::Complex, "web");
    let permit = policy.permit(&own, &plan, original);
    let public = verdict(&policy, &redacted, &[]);
    assert!(policy.permit_redacted(permit, &plan, &public, redacted).cloud_text().is_none());
}

#[test]
fn redacted_routes_are_checked() {
    for (extra, field) in [
        ("fallback = true", "fallback"),
        ("redacted_levels = []", "redacted_levels"),
        ("redacted_levels = [\"confidential\"]", "redacted_levels"),
    ] {
        let error = redacting(extra).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    for key in ["redacted_levels = [\"public\"]", "restore_in = [\"urls\"]"] {
        let route = format!("[[route]]\nid = \"r\"\nlevels = [\"public\"]\nto = \"cloud\"\n{key}\n");
        let error = Policy::parse(&source(&format!("{RULES}{route}")), &types()).unwrap_err().to_string();
        assert!(error.contains("cloud-redacted"), "{error}");
    }
}
