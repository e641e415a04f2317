//! Restoring, whole and in pieces.

use proptest::prelude::*;

use super::*;
use crate::detect::testing::finding;
use crate::detect::{Category, EntityType};
use crate::document::Document;
use crate::redact::{Operator, Operators, redact};

/// PERSON_1 is Ada, PERSON_2 is Bo Ek, URL_1 an address.
fn map() -> Arc<PlaceholderMap> {
    let mut map = PlaceholderMap::new().unwrap();
    for (name, value) in [("PERSON", "Ada"), ("PERSON", "Bo Ek"), ("URL", "https://a.example/x")] {
        map.placeholder(&EntityType::new(name), Category::Other, value);
    }
    Arc::new(map)
}

fn plain(text: &str) -> String {
    restore(text, Restorer::new(map(), RestoreOptions::default()))
}

#[test]
fn placeholders_become_values_however_they_are_written() {
    for text in ["⟦PERSON_1⟧", "⟦person_1⟧", "⟦ PERSON_1 ⟧", "⟦PERSON 1⟧", "⟦PERSON\\_1⟧", "[PERSON_1]", "<Person_1>"]
    {
        assert_eq!(plain(text), "Ada", "{text}");
        assert_eq!(plain(&format!("Dear {text}, {text}.")), "Dear Ada, Ada.", "{text}");
    }
    assert_eq!(plain("⟦PERSON_1⟧⟦PERSON_2⟧[PERSON_1]<PERSON_1>"), "AdaBo EkAdaAda");
    assert_eq!(plain("[PERSON_1](x) and [PERSON_1]"), "[Ada](x) and Ada", "the text of a link");
}

#[test]
fn what_is_no_placeholder_of_this_map_stays() {
    for text in [
        "⟦PERSON_3⟧ ⟦PERSON_01⟧ ⟦PERSON_⟧ ⟦EMAIL_1⟧ ⟦⟧ ⟦",
        "⟦PERSON_1",
        "[PERSON_1",
        "PERSON_1",
        "⟦PERSON_1]",
        "⟦PERSON\n_1⟧",
        "list[PERSON_1] Vec<PERSON_1> f()[person_1]",
        "[1] <b> [PERSON_] </PERSON_1>",
        "⟦PERSON=00ff⟧",
    ] {
        assert_eq!(plain(text), text);
    }
    assert_eq!(plain("⟦PERSON_⟦PERSON_1⟧ [⟦PERSON_2⟧]"), "⟦PERSON_Ada [Bo Ek]");
}

#[test]
fn a_value_is_not_read_again() {
    let mut map = PlaceholderMap::new().unwrap();
    map.placeholder(&EntityType::new("PERSON"), Category::Person, "⟦PERSON_2⟧");
    map.placeholder(&EntityType::new("PERSON"), Category::Person, "Bo");
    let restorer = Restorer::new(Arc::new(map), RestoreOptions::default());
    assert_eq!(restore("⟦PERSON_1⟧", restorer), "⟦PERSON_2⟧");
}

#[test]
fn addresses_and_code_get_no_values_unless_a_setting_says_so() {
    let text = "⟦PERSON_1⟧ https://e.example/?q=⟦PERSON_1⟧ ![x](//e.example/⟦PERSON_1⟧) `⟦PERSON_1⟧`\n```\n[PERSON_1]\n```\n\
                ⟦URL_1⟧?q=⟦PERSON_1⟧ <PERSON_1>";
    let with = |in_urls, in_code| restore(text, Restorer::new(map(), RestoreOptions { in_urls, in_code }));
    assert_eq!(
        with(false, false),
        "Ada https://e.example/?q=⟦PERSON_1⟧ ![x](//e.example/⟦PERSON_1⟧) `⟦PERSON_1⟧`\n```\n[PERSON_1]\n```\n\
         https://a.example/x?q=⟦PERSON_1⟧ Ada"
    );
    assert_eq!(
        with(true, true),
        "Ada https://e.example/?q=Ada ![x](//e.example/Ada) `Ada`\n```\nAda\n```\nhttps://a.example/x?q=Ada Ada"
    );
    assert!(with(false, true).contains("`Ada`") && with(false, true).contains("?q=⟦PERSON_1⟧"));
    assert!(with(true, false).contains("`⟦PERSON_1⟧`") && with(true, false).contains("?q=Ada"));
}

#[test]
fn only_what_may_become_a_placeholder_waits() {
    let mut restorer = Restorer::new(map(), RestoreOptions::default());
    assert_eq!(restorer.push("hello ⟦PER"), "hello ");
    assert_eq!(restorer.push("X and [no"), "⟦PERX and [no", "no name begins so");
    assert_eq!(restorer.push(" ⟦PERSON_1"), " ");
    assert_eq!(restorer.held_back(), "⟦PERSON_1".len());
    assert_eq!(restorer.push("⟧!"), "Ada!");
    assert_eq!(restorer.push("[PERSON_2]"), "");
    assert_eq!(restorer.finish(), "Bo Ek");
    assert_eq!(restorer.restored(), 2);
    assert_eq!(format!("{restorer:?}"), "Restorer(PlaceholderMap(3 placeholders, 0 reserved), 2 restored)");
}

#[test]
fn encrypted_values_open_for_their_caller_only() {
    let key = Arc::new(RedactionKey::from_bytes(&[3; 32]));
    let name = "Zoë ".repeat(400);
    let text = format!("Dear {name}!");
    let found = [finding("PERSON", Category::Person, 5..text.len() - 1, 0.9)];
    let mut map = PlaceholderMap::new().unwrap();
    let operators = Operators::all(Operator::Encrypt);
    let done = redact(&Document::of(text.as_str()), &found, &operators, &key, "crm", &mut map).unwrap();
    let redacted = done.document.parts()[0].text.expose();
    assert!(!redacted.contains("Zo") && redacted.matches('⟦').count() == 4, "a long value becomes several tokens");
    let map = Arc::new(map);
    let opened = |text: &str, key: &Arc<RedactionKey>, caller: &str| {
        let restorer = Restorer::new(Arc::clone(&map), RestoreOptions::default());
        restore(text, restorer.decrypting(Decryptor::new(Arc::clone(key), caller.into())))
    };
    assert_eq!(opened(redacted, &key, "crm"), text);
    assert_eq!(opened(redacted, &key, "web"), redacted);
    assert_eq!(opened(redacted, &Arc::new(RedactionKey::from_bytes(&[4; 32])), "crm"), redacted);
    let moved = redacted.replace("PERSON=", "EMAIL=");
    assert_eq!(opened(&moved, &key, "crm"), moved, "the type is bound");
    let without = restore(redacted, Restorer::new(Arc::clone(&map), RestoreOptions::default()));
    assert_eq!(without, redacted, "only who asks gets them opened");
}

/// Pieces of answers in which everything that restoring looks at happens.
fn answer() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "⟦PERSON_1⟧",
        "⟦person 2⟧",
        "[PERSON_1]",
        "<PERSON_2>",
        "⟦PERSON_9⟧",
        "⟦",
        "⟧",
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "PERSON",
        "_",
        "1",
        " ",
        "\n",
        "`",
        "```",
        "~~~",
        "https://",
        "e.example/",
        "\"",
        "=",
        "é",
        "🙂",
        "word",
        "\\",
        "⟦URL_1⟧",
        "www.",
        ":",
        "-",
        "⟦PERSON=00⟧",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_answer(
        text in answer(),
        cuts in prop::collection::vec(1usize..9, 1..30),
        in_urls: bool,
        in_code: bool,
        decrypt: bool,
    ) {
        let restorer = || {
            let restorer = Restorer::new(map(), RestoreOptions { in_urls, in_code });
            let key = Arc::new(RedactionKey::from_bytes(&[3; 32]));
            if decrypt { restorer.decrypting(Decryptor::new(key, "crm".into())) } else { restorer }
        };
        let whole = restore(&text, restorer());
        let mut pieces = restorer();
        let mut joined = String::new();
        let mut rest = text.as_bytes();
        for size in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*size).min(rest.len()));
            joined.push_str(&pieces.push_bytes(piece));
            prop_assert!(pieces.held_back() <= pieces.longest() + 3, "{} held", pieces.held_back());
            rest = after;
        }
        joined.push_str(&pieces.finish());
        prop_assert_eq!(&joined, &whole);
        prop_assert_eq!(pieces.held_back(), 0);
    }

    #[test]
    fn nothing_but_placeholders_changes(text in "[^⟦〚\\[<]*") {
        prop_assert_eq!(plain(&text), text);
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_it(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let mut restorer = Restorer::new(map(), RestoreOptions::default());
        let mut joined = restorer.push_bytes(&bytes);
        joined.push_str(&restorer.finish());
        prop_assert_eq!(joined, plain(&String::from_utf8_lossy(&bytes)));
    }
}
