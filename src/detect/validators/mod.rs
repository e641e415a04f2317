//! Checks of found values: checksums, ranges, calendars. This module owns the names by which the catalog calls them.
//!
//! A validator sees the value alone, in the normalised view, and answers yes or no. It must never allocate without
//! bound, index out of range or keep the value, because the value is the caller's. Rules come from the public sources
//! that each function names.

mod africa_middle_east;
mod asia_pacific;
mod banking;
mod checksum;
mod crypto;
mod date;
mod device;
mod east_europe;
mod email;
mod health;
mod ip;
mod latin_america;
mod mrz;
mod north_america;
mod north_europe;
mod person;
mod phone;
mod phone_national;
mod placeholder;
mod registers;
mod secret;
mod south_europe;
mod united_kingdom;
mod vat;
mod west_europe;

pub(crate) use secret::{Shape, entropy, is_placeholder, is_random, is_reference};

/// A check of a found value: true when the value can be what its recognizer says.
pub type Validator = fn(&str) -> bool;

/// The validator of this name, as the catalog writes it.
#[must_use]
pub fn by_name(name: &str) -> Option<Validator> {
    const FAMILIES: [fn(&str) -> Option<Validator>; 24] = [
        africa_middle_east::by_name,
        asia_pacific::by_name,
        banking::by_name,
        checksum::by_name,
        crypto::by_name,
        date::by_name,
        device::by_name,
        east_europe::by_name,
        email::by_name,
        health::by_name,
        ip::by_name,
        latin_america::by_name,
        mrz::by_name,
        north_america::by_name,
        north_europe::by_name,
        person::by_name,
        phone::by_name,
        phone_national::by_name,
        placeholder::by_name,
        registers::by_name,
        south_europe::by_name,
        united_kingdom::by_name,
        vat::by_name,
        west_europe::by_name,
    ];
    FAMILIES.iter().find_map(|family| family(name)).or_else(|| secret::by_name(name))
}

/// Whether what this validator accepts is published for tests and examples, such as a test card or the IBAN of a manual.
/// Digits of such a value are no number of another kind either.
#[must_use]
pub fn is_test_value(name: &str) -> bool {
    matches!(name, "test_card" | "example_iban" | "phone_published")
}

#[cfg(test)]
mod tests;
