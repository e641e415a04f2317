//! Any policy file: it is refused with a place, or it never lets confidential text out.
#![no_main]

use std::sync::LazyLock;

use cordon::detect::Catalog;
use cordon::policy::{Policy, check};
use libfuzzer_sys::fuzz_target;

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

fuzz_target!(|source: &str| {
    let _ = check(source, &*CATALOG, None);
    if let Err(error) = Policy::parse(source, &*CATALOG) {
        assert!(!error.to_string().is_empty());
    }
});
