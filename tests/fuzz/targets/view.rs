//! The normalised view of any text: every range of it maps to character boundaries of the original, in order.
#![no_main]

use cordon::document::{CodePoints, View};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let view = View::of(text);
    let points = CodePoints::of(text);
    let mut last = 0;
    for (at, character) in view.text().char_indices() {
        let original = view.original(at..at + character.len_utf8());
        assert!(text.is_char_boundary(original.start) && text.is_char_boundary(original.end));
        assert!(original.start >= last && original.start <= original.end);
        assert!(points.code_point(original.end) >= points.code_point(original.start));
        last = original.start;
    }
});
