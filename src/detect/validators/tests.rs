//! Published values and near misses, one line each, for validators whose own file has no tests.

use super::by_name;

/// Every case names a validator, values it must accept and values it must refuse.
const CASES: &str = include_str!("cases.txt");
#[test]
fn validators_accept_valid_values_and_refuse_near_misses() {
    let mut count = 0;
    for line in CASES.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut fields = line.split('|').map(str::trim);
        let (Some(name), Some(good), Some(bad)) = (fields.next(), fields.next(), fields.next()) else {
            panic!("three fields in {line}")
        };
        let validator = by_name(name).unwrap_or_else(|| panic!("no validator {name}"));
        for value in good.split(';').map(str::trim).filter(|v| !v.is_empty()) {
            assert!(validator(value), "{name} must accept {value}");
        }
        for value in bad.split(';').map(str::trim).filter(|v| !v.is_empty()) {
            assert!(!validator(value), "{name} must refuse {value}");
        }
        count += 1;
    }
    assert!(count > 80, "the table was read: {count}");
}

#[test]
fn unknown_names_have_no_validator() {
    assert!(by_name("no_such_check").is_none());
}

#[test]
fn no_validator_panics_on_odd_text() {
    let odd = [
        "",
        " ",
        "ß",
        "٣٣٣",
        "0",
        "999999999999999999999999999999",
        "A",
        "é123456789",
        "1-",
        "@",
        "://",
        "\u{0}",
        "P<",
        "0x",
        "1".repeat(500).as_str(),
    ]
    .map(str::to_owned);
    for line in CASES.lines().filter(|line| !line.starts_with('#')) {
        if let Some(validator) = line.split('|').next().and_then(|name| by_name(name.trim())) {
            for value in &odd {
                validator(value);
            }
        }
    }
}
