//! What readings say, where it points, and that their work is linear.

use proptest::prelude::*;

use super::*;

/// All readings of a text, each with its changed stretches of the original.
fn all(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    readings(&View::of(text), &mut |reading| {
        let stretches = reading.stretches.iter().map(|s| text[s.original.clone()].to_owned()).collect();
        found.push((reading.view.text().to_owned(), stretches));
    });
    found
}

fn texts(text: &str) -> Vec<String> {
    all(text).into_iter().map(|(text, _)| text).collect()
}

/// The only reading.
fn one(text: &str) -> (String, Vec<String>) {
    let mut found = all(text);
    assert_eq!(found.len(), 1, "{text}: {found:?}");
    found.remove(0)
}

#[test]
fn plain_text_has_no_other_reading() {
    for text in [
        "",
        "plain text, 100 % of it, a & b, 5 & 6;",
        "naïve café, Привет, 東京, Ελλάδα",
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "4c1f7be09d2a83356fe07b91d24ac8857ee3190b4c1f7be09d2a83356fe07b91",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk",
        "MIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ",
        "getUserAccessTokenFromRequestContext and some_long_identifier_name",
        "e.g. the U.S.A., i.e. q.e.d.",
        "printf(\"%d %5s %%\", a, b); 50%off",
        "one or two of them, three at most",
        "x = a[1] + b[2]; 1 2 3",
        "① first ② second",
        "eyJhbGciOiJIUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jb20ifQ.c2lnbmF0dXJl",
    ] {
        assert_eq!(texts(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn encodings_are_undone() {
    for (text, said, stretches) in [
        ("mail &#106;&#x6f;hn&#64;example.com", "mail john@example.com", vec!["&#106;", "&#x6f;", "&#64;"]),
        ("M&uuml;ller &amp; S&ouml;hne", "Müller & Söhne", vec!["&uuml;", "&amp;", "&ouml;"]),
        ("?mail=john%40example.com", "?mail=john@example.com", vec!["%40"]),
        ("caf%C3%A9", "café", vec!["%C3%A9"]),
        (r"jos\u00e9 \x40 \u{40}", "josé @ @", vec![r"\u00e9", r"\x40", r"\u{40}"]),
        (r"\ud83d\ude00!", "😀!", vec![r"\ud83d\ude00"]),
        ("x am9obkBleGFtcGxlLmNvbQ== y", "x john@example.com y", vec!["am9obkBleGFtcGxlLmNvbQ=="]),
        ("key: aHVudGVyMiEhaHVudGVy", "key: hunter2!!hunter", vec!["aHVudGVyMiEhaHVudGVy"]),
        ("url /d/w7bDpMO8w5_Dn8Ofw58", "url /d/öäüßßßß", vec!["w7bDpMO8w5_Dn8Ofw58"]),
        ("pa&shy;ss", "pass", vec!["&shy;"]),
    ] {
        assert_eq!(one(text), (said.to_owned(), stretches.into_iter().map(str::to_owned).collect()), "{text}");
    }
}

#[test]
fn encodings_nest_twice_and_no_deeper() {
    assert_eq!(texts("john%2540example.com"), ["john%40example.com", "john@example.com"]);
    // john@example.com, three times in base64.
    let thrice = "WVcwNWIySnJRbXhsUjBaMFkwZDRiRXh0VG5aaVVUMDk";
    assert!(texts(thrice).iter().all(|text| !text.contains('@')), "{:?}", texts(thrice));
}

#[test]
fn wrapped_base64_is_one_text() {
    let text = "R3LDvMOfZSBhdXMgWsO8cmljaDogSWhyZSBLYXJ0ZSA0MTExIDExMTEgMTExMSAxMTExIGlz\ndCBnZXNwZXJydC4gUsO8Y2tmcmFnZW46IGpvaG5AZXhhbXBsZS5jb20=\n";
    let (said, stretches) = one(text);
    assert_eq!(said, "Grüße aus Zürich: Ihre Karte 4111 1111 1111 1111 ist gesperrt. Rückfragen: john@example.com\n");
    assert_eq!(stretches, [text.trim_end()]);
}

#[test]
fn what_is_spelled_out_is_joined() {
    for (text, said) in [
        ("c o n f i d e n t i a l", "confidential"),
        ("c.o.n.f.i.d.e.n.t.i.a.l", "confidential"),
        ("C-O-N-F-I-D-E-N-T-I-A-L!", "CONFIDENTIAL!"),
        ("s t r i c t l y  c o n f i d e n t i a l", "strictly confidential"),
        ("t o p s e c r e t", "top secret"),
        ("card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 ok", "card 4111111111111111 ok"),
        ("j o h n @ e x a m p l e . c o m", "john@example.com"),
        ("four one one one, one one one one", "41111111"),
        ("pin is vier acht zwei eins", "pin is 4821"),
        ("double four nine triple zero", "449000"),
        ("the p4ssw0rd: x", "the password: x"),
        ("C0NFIDENT1AL", "confidential"),
        ("the pаsswоrd", "the password"),
        ("раѕѕ", "раѕѕ"),
        ("ⓢⓔⓒⓡⓔⓣ", "secret"),
        ("🅂🄴🄲🅁🄴🅃", "SECRET"),
        ("ⓢ ⓔ ⓒ ⓡ ⓔ ⓣ", "secret"),
    ] {
        let found = texts(text);
        match found.as_slice() {
            [] => assert_eq!(text, said),
            [only] => assert_eq!(only, said, "{text}"),
            more => panic!("{text}: {more:?}"),
        }
    }
}

#[test]
fn a_finding_is_near_what_was_changed_or_is_none_of_this_reading() {
    let text = "a p4ssw0rd: x and then much more";
    readings(&View::of(text), &mut |reading| {
        assert!(reading.near(&(12..13), 40).is_some(), "close behind it");
        assert!(reading.near(&(2..10), 0).is_some());
        assert!(reading.near(&(0..2), 0).is_some(), "touching");
        assert!(reading.near(&(0..1), 40).is_none(), "before it");
        assert!(reading.near(&(30..31), 10).is_none());
    });
}

#[test]
fn far_text_is_left_out() {
    let far = "word ".repeat(1000);
    let text = format!("{far}john&#64;example.com {far}jane&#64;example.com");
    let (said, stretches) = one(&text);
    assert!(said.len() < 1500, "{}", said.len());
    assert!(said.contains("john@example.com") && said.contains("jane@example.com") && said.contains("\n\n"));
    assert_eq!(stretches, ["&#64;", "&#64;"]);
}

#[test]
fn work_is_linear_on_hostile_text() {
    let line = "aGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQgaGVsbG8gd29ybGQh\n";
    let pieces = [
        "&", "%", "%4", "\\u", "a ", "1 ", "1.", "aGVsbG8g", "aGVs/", "p4", "four ", "double ", "&amp;", "%25", "Li4u",
        line, "а", "ⓐ", "a-b_",
    ];
    for piece in pieces {
        for tail in ["", "\u{1}", "!\nAAAA", "%"] {
            let work = |times: usize| readings(&View::of(&format!("{}{tail}", piece.repeat(times))), &mut |_| {});
            let (small, large) = (work(512), work(8192));
            assert!(large <= 17 * small + 4096, "{piece:?} and {tail:?}: {small}, then {large}");
            assert!(large <= 24 * piece.len() * 8192 + 4096, "{piece:?}: {large}");
        }
    }
}

fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "a",
        "7",
        " ",
        ".",
        "-",
        "@",
        "&#106;",
        "&#x200b;",
        "&amp;",
        "&ouml;",
        "%40",
        "%C3%A9",
        "%",
        "\\u00e9",
        "\\x41",
        "am9obkBleGFtcGxlLmNvbQ==",
        "w7bDpMO8w5_Dn8Ofw58",
        "WVcwNWIySnVRR1Y0",
        "p4ssw0rd",
        "four ",
        "double ",
        "а",
        "е",
        "ⓐ",
        "e\u{301}",
        "🙂",
        "\u{200b}",
        "４",
        "\n",
        "c o n f ",
        "1 1 1 1 ",
        "é",
        "字",
        "\0",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(odd, 0..40).prop_map(|pieces| pieces.concat())]
}

proptest! {
    #[test]
    fn ranges_are_on_boundaries_and_in_order(text in odd_text(), a in 0usize..300, b in 0usize..300) {
        let view = View::of(&text);
        readings(&view, &mut |reading| {
            let length = reading.view.text().len();
            let (a, b) = (a.min(b).min(length), a.max(b).min(length));
            let range = reading.view.original(a..b);
            assert!(range.start <= range.end && range.end <= text.len(), "{range:?}");
            assert!(text.is_char_boundary(range.start) && text.is_char_boundary(range.end), "{range:?}");
            let mut last = 0;
            for stretch in &reading.stretches {
                assert!(text.get(stretch.original.clone()).is_some());
                assert!(stretch.original.start >= last, "in order");
                last = stretch.original.start;
            }
            let mut last = 0;
            for (at, c) in reading.view.text().char_indices() {
                let range = reading.view.original(at..at + c.len_utf8());
                assert!(text.get(range.clone()).is_some() && range.start >= last, "{at} {range:?}");
                last = range.start;
            }
        });
    }

    #[test]
    fn nothing_grows(text in odd_text()) {
        let view = View::of(&text);
        readings(&view, &mut |reading| {
            // A line of its own may stand before each change.
            assert!(reading.view.text().len() <= view.text().len() + 2 * reading.stretches.len());
        });
    }

    #[test]
    fn base64_of_any_text_covers_all_of_it(said in "[a-z]{3,8} [a-zäöü@. 0-9]{8,60}") {
        // What is mostly signs says nothing, and is no text to the decoder either.
        let signs = said.chars().filter(|c| matches!(c, '@' | '.')).count();
        prop_assume!(signs * 2 < said.chars().count());
        let encoded = encode(said.as_bytes());
        let text = format!("value: {encoded} end");
        let mut seen = false;
        readings(&View::of(&text), &mut |reading| {
            if let Some(at) = reading.view.text().find(&said) {
                seen = true;
                assert_eq!(&text[reading.view.original(at..at + said.len())], encoded);
            }
        });
        prop_assert!(seen, "{text}");
    }
}

fn encode(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut buffer = [0; 4];
        buffer[1..=chunk.len()].copy_from_slice(chunk);
        let number = u32::from_be_bytes(buffer);
        for index in 0..4 {
            let digit = char::from(DIGITS[(number >> (18 - 6 * index)) as usize & 63]);
            text.push(if index <= chunk.len() { digit } else { '=' });
        }
    }
    text
}
