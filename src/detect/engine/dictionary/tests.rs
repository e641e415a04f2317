//! Which terms of a list count in a text, in which of their forms, and with which score.

use super::*;

fn is_prose(text: &str) -> bool {
    let at = text.find("secret").unwrap();
    !names_something(text, &(at..at + 6))
}

/// Findings of a small catalog with one list: text and score.
fn found<'t>(list: &str, text: &'t str) -> Vec<(&'t str, f32)> {
    let types = "[[entity_type]]\nname = \"T\"\ncategory = \"other\"\n";
    let head = "[[list]]\nid = \"l\"\nentity_type = \"T\"\nsource = \"s\"\nscore = 0.5\n";
    let tail = "\n[list.examples]\npositive = [\"x\"]";
    let catalog = Catalog::from_files(&[("t", types), ("l", &format!("{head}{list}{tail}"))]).unwrap();
    let dictionary = Dictionary::build(&catalog).unwrap();
    let mut hits = Vec::new();
    let languages = || crate::detect::language::tell(text).possible;
    dictionary.scan(text, &languages, &mut |_, hit| {
        hits.extend(hit.ok().map(|hit| (text.get(hit.range).unwrap(), hit.score)));
    });
    hits
}

#[test]
fn inflected_lists_find_forms_with_and_without_diacritics() {
    let list = "language = \"pl\"\nmatch = \"inflect\"\nterms = [\"ściśle tajny\", \"związek zawodowy\"]";
    let text = "SCISLE TAJNE, ściśle tajnego, zwiazek zawodowym; ściśle mówiąc";
    let texts: Vec<_> = found(list, text).into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["SCISLE TAJNE", "ściśle tajnego", "zwiazek zawodowym"]);
    let list = "language = \"de\"\nmatch = \"inflect\"\nterms = [\"Behörde\"]";
    assert_eq!(found(list, "Behörden, Behorde, behoerden, Behördlich").len(), 3);
}

#[test]
fn ambiguous_and_everyday_words_count_in_their_own_language() {
    let english = "There was a draft of the report, and it has been sent to them with what we had.";
    let german = "Das ist der Text, und er ist nicht von mir, aber die Zahlen sind auch da.";
    let list = "language = \"de\"\nambiguous = [\"draft\"]";
    assert_eq!(found(list, english).len(), 0);
    assert_eq!(found(list, &format!("{german} draft")).len(), 1);
    assert_eq!(found(list, "draft").len(), 1, "a short text may be in any language");
    let list = "language = \"es\"\nterms = [\"nie\"]";
    assert_eq!(found(list, &format!("{german} nie mehr")).len(), 0);
    assert_eq!(found(list, &format!("{german} NIE")).len(), 1);
    assert_eq!(found(list, "mi nie").len(), 1);
    assert_eq!(found("terms = [\"nie\"]", &format!("{german} nie mehr")).len(), 1, "a list of no language");
}

#[test]
fn different_weak_terms_near_each_other_add_up() {
    let list = "weighted = [[\"alpha\", 0.3], [\"beta\", 0.4]]\nadds_up = { within = 40, at_most = 0.8 }\n\
                terms = [\"gamma\"]";
    let scores = |text: &str| -> Vec<f32> {
        found(list, text).into_iter().map(|(_, score)| (score * 1000.0).round() / 1000.0).collect()
    };
    assert_eq!(scores("alpha"), [0.3]);
    assert_eq!(scores("alpha alpha alpha"), [0.3, 0.3, 0.3], "one term is one sign");
    assert_eq!(scores("alpha beta"), [0.58, 0.58]);
    assert_eq!(scores("alpha beta gamma"), [0.79, 0.79, 0.79]);
    assert_eq!(scores(&format!("alpha {} beta", "x ".repeat(40))), [0.3, 0.4]);
    assert_eq!(scores(&format!("alpha {} beta {} gamma", "x ".repeat(12), "x ".repeat(12))), [0.58, 0.79, 0.7]);
}

#[test]
fn terms_of_prose() {
    for text in [
        "secret",
        "a secret.",
        "**secret**",
        "\"secret\"",
        "secret: yes",
        "level:secret",
        "secret/internal",
        "(secret)",
        "secret-ish",
        "#secret",
        "end. secret",
        "secret...",
        "the secret is out: see https://x.org/a/b",
    ] {
        assert!(is_prose(text), "{text}");
    }
}

#[test]
fn parts_of_identifiers_paths_and_addresses() {
    for text in [
        "my_secret",
        "secret_key",
        "obj.secret",
        "secret.txt",
        "std::secret",
        "secret::new",
        "non-secret",
        "secret-key-name",
        "https://x.org/secret",
        "/etc/secret",
        "./secret",
        "dir/secret.rs",
        "C:\\secret",
        "secret@x.org",
        "www.secret",
        "$secret",
        "a/secret/b",
    ] {
        assert!(!is_prose(text), "{text}");
    }
}
