//! Any authorization header and any listen address: no panic, and nobody is named without a known token.
#![no_main]

use std::sync::LazyLock;

use cordon::config::parse_listen;
use cordon::service::{CallerConfig, Callers, Permission};
use libfuzzer_sys::fuzz_target;

static CALLERS: LazyLock<Callers> = LazyLock::new(|| {
    let caller =
        CallerConfig { name: "crm".into(), token_sha256: "ab".repeat(32), permissions: vec![Permission::Classify] };
    Callers::build(&[caller], None).unwrap()
});

fuzz_target!(|text: &str| {
    assert!(CALLERS.identify(Some(text)).is_none());
    let _ = parse_listen(text);
});
