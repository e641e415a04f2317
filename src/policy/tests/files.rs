//! What reading and checking a policy file says.

use super::*;

const RULE: &str =
    "[[rule]]\nid = \"person\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = { any_of = [\"PERSON\"] }\n";

/// Lines that the head takes; the first line of the tables comes after them.
const HEAD: usize = 3;

fn problems(tables: &str) -> Vec<Problem> {
    check(&source(tables), &types(), None).unwrap()
}

/// The one problem whose message holds these words.
fn problem(tables: &str, words: &str) -> Problem {
    let all = problems(tables);
    let found: Vec<_> = all.iter().filter(|problem| problem.message.contains(words)).collect();
    assert_eq!(found.len(), 1, "wanted `{words}` once in {all:#?}");
    found[0].clone()
}

fn one_rule(when: &str) -> String {
    format!("[[rule]]\nid = \"r\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = {when}\n")
}

#[test]
fn an_unknown_type_is_refused_with_a_suggestion() {
    let tables = one_rule("{ any_of = [\n  \"PERSON\",\n  \"US_SNN\",\n] }");
    let found = problem(&tables, "US_SNN");
    assert_eq!((found.severity, found.line, found.column), (Severity::Error, HEAD + 7, 3));
    assert!(found.message.contains("did you mean `US_SSN`?"), "{found}");
    assert_eq!(found.field, "rule[0].when");
    assert!(Policy::parse(&source(&tables), &types()).is_err(), "a rule that never applies is no protection");
}

#[test]
fn conditions_that_mean_nothing_are_refused() {
    for (when, words) in [
        ("{}", "empty condition"),
        ("{ min_score = 0.5 }", "names no types"),
        ("{ count = 2 }", "names no types"),
        ("{ always = false }", "never holds"),
        ("{ any_of = [\"PERSON\"], within = 5 }", "a distance takes"),
        ("{ any_of = [\"PERSON\"], count = 0 }", "count of 0"),
        ("{ near = [{ any_of = [\"PERSON\"] }] }", "2 to 4"),
        ("{ near = [{ any_of = [\"PERSON\"] }, {}] }", "names no types"),
        ("{ any_of = [\"PERSON\"], min_score = 1.5 }", "between 0 and 1"),
        ("{ topics = { health = 2.0 } }", "between 0 and 1"),
        ("{ any_of = [\"PERSON\"], unless_near = [{ any_of = [\"PERSON\"], within = 3 }] }", "cannot excuse itself"),
        ("{ categories = [\"device\"] }", "no known type"),
        ("{ any_of = [\"PERSON\"], values = {} }", "none of them empty"),
        ("{ any_of = [\"PERSON\"], none_of = [\"PERSON\"] }", "can never hold"),
    ] {
        let found = problem(&one_rule(when), words);
        assert_eq!(found.severity, Severity::Error, "{found}");
        assert!(found.line > HEAD, "{found}");
    }
}

#[test]
fn deep_nesting_is_refused() {
    let mut when = "{ any_of = [\"PERSON\"] }".to_owned();
    for _ in 0..12 {
        when = format!("{{ not = {when} }}");
    }
    problem(&one_rule(&when), "nest more than");
}

#[test]
fn ids_are_plain_unique_and_not_built_in() {
    problem(&format!("{RULE}{RULE}"), "there twice");
    problem(&one_rule("{ always = true }").replace("\"r\"", "\"Not Plain\""), "an id is");
    problem(&one_rule("{ always = true }").replace("\"r\"", "\"declared_level\""), "built-in");
    problem(
        &format!("{RULE}[[route]]\nid = \"a\"\nto = \"local\"\n[[route]]\nid = \"a\"\nto = \"local\"\n"),
        "there twice",
    );
}

#[test]
fn a_policy_without_rules_is_refused() {
    problem("", "call everything public");
}

#[test]
fn another_format_is_refused() {
    let text = source(RULE).replace("format = 1", "format = 2");
    assert!(Policy::parse(&text, &types()).unwrap_err().to_string().contains("reads format 1"));
}

#[test]
fn rules_that_never_decide_are_named() {
    let wide = "[[rule]]\nid = \"wide\"\nlevel = \"confidential\"\ndescription = \"d\"\nwhen = { categories = [\"person\"] }\n";
    let found = problem(&format!("{RULE}{wide}"), "can never decide");
    assert_eq!((found.field.as_str(), found.severity), ("rule `person`", Severity::Warning));
    assert!(found.message.contains("`wide`"), "{found}");
    assert_eq!(found.line, HEAD + 2);
    // A rule of a lower level after it is shadowed too; one that asks for less is not.
    let narrow = RULE.replace("\"person\"", "\"surer\"").replace("[\"PERSON\"]", "[\"PERSON\"], min_score = 0.9");
    problem(&format!("{RULE}{narrow}"), "can never decide");
    assert!(!problems(&format!("{narrow}{RULE}")).iter().any(|problem| problem.message.contains("never decide")));
}

#[test]
fn near_shadows_only_what_it_implies() {
    let near = |id: &str, within: u32| {
        one_rule(&format!("{{ near = [{{ any_of = [\"PERSON\"] }}, {{ any_of = [\"AGE\"] }}], within = {within} }}"))
            .replace("\"r\"", &format!("\"{id}\""))
    };
    let never = |tables: String| problems(&tables).iter().any(|problem| problem.message.contains("never decide"));
    assert!(never(format!("{}{}", near("wide", 20), near("tight", 10))));
    assert!(!never(format!("{}{}", near("tight", 10), near("wide", 20))));
    assert!(never(format!("{RULE}{}", near("tight", 10))), "a person is near an age only if there is a person");
}

#[test]
fn a_floor_below_the_policys_own_is_named() {
    problem(&one_rule("{ any_of = [\"PERSON\"], min_score = 0.2 }"), "has no effect");
}

#[test]
fn routes_are_checked() {
    let route = |id: &str, rest: &str| format!("[[route]]\nid = \"{id}\"\n{rest}\n");
    problem(RULE, "no [[route]]");
    let internal = route("out", "levels = [\"internal\", \"public\"]\nto = \"cloud\"");
    problem(&format!("{RULE}{internal}"), "internal text leave");
    problem(&format!("{RULE}{internal}"), "no route for confidential text");
    let twice =
        format!("{}{}", route("all", "to = \"local\""), route("never", "levels = [\"public\"]\nto = \"local\""));
    let found = problem(&format!("{RULE}{twice}"), "is never taken");
    assert_eq!(found.field, "route `never`");
    let part = route("some", "levels = [\"public\"]\ncomplexities = [\"simple\"]\nto = \"local\"");
    problem(&format!("{RULE}{part}"), "no route for public text that is moderate or complex");
    problem(&format!("{RULE}{}", route("none", "levels = []\nto = \"local\"")), "empty list");
}

#[test]
fn tests_are_asked_for_and_checked() {
    problem(RULE, "no [[test]]");
    let test = |rest: &str| format!("{RULE}[[test]]\nname = \"t\"\ntext = \"Anna\"\nlevel = \"internal\"\n{rest}");
    problem(&test(""), "names it in `rule`");
    assert!(!problems(&test("rule = \"person\"\n")).iter().any(|problem| problem.message.contains("names it")));
    problem(&test("rule = \"persons\"\n"), "no rule `persons`");
    problem(&test("findings = [{ type = \"PERSON\", value = \"Berta\" }]\n"), "not in the text");
    problem(&test("findings = [{ type = \"PERSONA\", value = \"Anna\" }]\n"), "did you mean `PERSON`?");
    problem(&test("[[test]]\nname = \"t\"\ntext = \"x\"\nlevel = \"public\"\n"), "there twice");
}

#[test]
fn a_file_that_is_no_policy_is_one_problem() {
    let all = problems("[[rule]]\nid = 7\n");
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].severity, all[0].line), (Severity::Error, HEAD + 2));
}

const CUSTOM: &str = r#"
[[rule]]
id = "project"
level = "internal"
description = "d"
when = { any_of = ["CUSTOM_PROJECT"] }
[[entity_type]]
name = "CUSTOM_PROJECT"
category = "business"
coarse = "OTHER"
description = "Code names of projects"
countries = []
"#;

const LIST: &str = "[[list]]\nid = \"projects\"\nentity_type = \"CUSTOM_PROJECT\"\n";

#[test]
fn an_organisation_adds_types_and_lists() {
    let text = source(&format!("{CUSTOM}{LIST}terms = [\"Blue Heron\"]\n"));
    let policy = Policy::parse(&text, &types()).unwrap();
    let custom = policy.custom_catalog();
    assert_eq!((custom.entity_types.len(), custom.lists.len(), custom.recognizers.len()), (1, 1, 0));
    assert!(custom.to_table().contains_key("list"));
    let document = document(&["Blue Heron"]);
    let mut found = finding("CUSTOM_PROJECT", 0, 0..10, 0.8);
    found.category = Category::Business;
    assert_eq!(policy.decide(evidence(&document, vec![found])).level(), Sensitivity::Internal);
}

#[test]
fn custom_types_are_checked() {
    let with = |from: &str, to: &str| format!("{}{LIST}terms = [\"x\"]\n", CUSTOM.replace(from, to));
    problem(&with("name = \"CUSTOM_PROJECT\"", "name = \"PROJECT\""), "must begin with `CUSTOM_`");
    problem(&with("\"business\"", "\"buisness\""), "buisness");
    problem(&format!("{RULE}{}", &LIST.replace("_PROJECT", "_OTHER")), "no entity type `CUSTOM_OTHER`");
    problem(&format!("{CUSTOM}{LIST}"), "needs `terms` or `file`");
    problem(&format!("{CUSTOM}{LIST}terms = [\"x\"]\nfile = \"y\"\n"), "both");
    problem(&format!("{CUSTOM}{LIST}file = \"words.txt\"\n"), "read from a file");
    problem(CUSTOM, "nothing finds it");
    let unused = CUSTOM.replace("any_of = [\"CUSTOM_PROJECT\"]", "any_of = [\"PERSON\"]");
    problem(&format!("{unused}{LIST}terms = [\"x\"]\n"), "counts for no rule");
}

#[test]
fn lists_are_read_from_beside_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("words.txt"), "# ours\nBlue Heron\n\n  Red Kite \n").unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, source(&format!("{CUSTOM}{LIST}file = \"words.txt\"\n"))).unwrap();
    let policy = Policy::load(&path, &types()).unwrap();
    let list = &policy.custom_catalog().lists[0];
    assert!(!list.contains_key("file"));
    let table = &policy.custom_catalog().files[list["id"].as_str().unwrap()];
    assert_eq!(table.entries(), 2);
    std::fs::remove_file(folder.path().join("words.txt")).unwrap();
    let error = Policy::load(&path, &types()).unwrap_err();
    assert!(matches!(error, PolicyError::Unreadable { .. }), "{error}");
}

#[test]
fn groups_are_shared_and_checked() {
    let group = "[group.named]\nany_of = [\"PERSON\"]\nmin_score = 0.8\n";
    let rule = one_rule("{ near = [{ group = \"named\" }, { any_of = [\"AGE\"] }], within = 9 }");
    let policy = Policy::parse(&source(&format!("{group}{rule}")), &types()).unwrap();
    let document = document(&["Anna 41"]);
    let level = |score| {
        let findings = vec![finding("PERSON", 0, 0..4, score), finding("AGE", 0, 5..7, 0.9)];
        policy.decide(evidence(&document, findings)).level()
    };
    assert_eq!((level(0.79), level(0.8)), (Sensitivity::Public, Sensitivity::Internal));
    problem(&format!("{group}{}", rule.replace("\"named\"", "\"name\"")), "no group `name`; there are named");
    problem(&format!("[group.empty]\nmin_score = 0.8\n{RULE}"), "names no types");
}

#[test]
fn a_budget_overrun_is_local_unless_the_policy_refuses() {
    let rule = "[[rule]]\nid = \"r\"\nlevel = \"internal\"\ndescription = \"d\"\nwhen = { any_of = [\"PERSON\"] }\n";
    let read = |tables: &str| Policy::parse(&source(&format!("{rule}{tables}")), &types());
    assert_eq!(read("").unwrap().budget_overrun(), BudgetOverrun::Local);
    assert_eq!(read("[limits]\nbudget_overrun = \"refuse\"\n").unwrap().budget_overrun(), BudgetOverrun::Refuse);
    let error = read("[limits]\nbudget_overrun = \"cloud\"\n").unwrap_err().to_string();
    assert!(error.contains("limits.budget_overrun") && error.contains("cloud"), "{error}");
    let problems = check(&source(&format!("{rule}[limits]\nbudget_overrun = \"refuse\"\n")), &types(), None).unwrap();
    assert!(problems.iter().any(|problem| problem.message.contains("no route leads to the cloud")), "{problems:?}");
}
