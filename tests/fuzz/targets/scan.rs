//! All rules over any text: nothing panics, and every finding lies on character boundaries.
#![no_main]

use std::sync::LazyLock;

use cordon::detect::{Catalog, Rules, resolve};
use cordon::document::View;
use libfuzzer_sys::fuzz_target;

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::build(&Catalog::embedded().unwrap()).unwrap());

fuzz_target!(|text: &str| {
    let mut findings = Vec::new();
    let _ = RULES.scan(0, &View::of(text), &mut findings);
    for finding in resolve(findings) {
        assert!(text.get(finding.range.clone()).is_some_and(|value| !value.is_empty()));
        assert!((0.0..=1.0).contains(&finding.score));
    }
});
