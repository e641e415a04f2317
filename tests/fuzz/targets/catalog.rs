//! Any catalog file, as a policy may carry it: it is refused with its problems, or the rules can be built.
#![no_main]

use cordon::detect::{Catalog, Rules};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    if let Ok(catalog) = Catalog::from_files(&[("fuzz.toml", source)]) {
        let _ = Rules::build(&catalog);
    }
});
