//! The catalog files that the binary carries: every TOML file of this folder, listed by `build.rs`.

/// Name and content of each file, by name.
pub(super) const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalog_files.rs"));
