//! Checks of numbers on vehicles and devices: VIN, IMEI, MAC address, plates, and serial numbers by shape.

use super::Validator;
use super::checksum::{alphanumerics, digit_count, digits, luhn, number};

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "vin" => vin,
        "vin_shape" => vin_shape,
        "imei" => imei,
        "imsi" => imsi,
        "iccid" => iccid,
        "mac_address" => mac_address,
        "serial_number" => serial_number,
        "plate" => plate,
        _ => return None,
    })
}

/// Vehicle identification number with its check digit (49 CFR 565.15, used in North America and by many makers
/// elsewhere).
fn vin(value: &str) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    if !vin_shape(value) {
        return false;
    }
    let Some(characters) = alphanumerics::<17>(value) else { return false };
    let sum: u32 = characters.iter().zip(WEIGHTS).map(|(c, w)| transliterate(*c) * w).sum();
    match sum % 11 {
        10 => characters[8] == b'X',
        n => characters[8].is_ascii_digit() && u32::from(characters[8] - b'0') == n,
    }
}

/// Value of a character in the check digit of a VIN: letters count along each row of the alphabet, without I, O and Q.
fn transliterate(character: u8) -> u32 {
    match character {
        b'0'..=b'9' => u32::from(character - b'0'),
        b'A'..=b'H' => u32::from(character - b'A') + 1,
        b'J'..=b'R' => u32::from(character - b'J') + 1,
        b'S'..=b'Z' => u32::from(character - b'S') + 2,
        _ => 0,
    }
}

/// Shape of a VIN (ISO 3779): 17 characters without I, O and Q, letters and digits mixed.
fn vin_shape(value: &str) -> bool {
    alphanumerics::<17>(value).is_some_and(|c| {
        let letters = c.iter().filter(|b| b.is_ascii_alphabetic()).count();
        c.iter().all(|b| !matches!(b, b'I' | b'O' | b'Q')) && (2..=15).contains(&letters)
    })
}

/// Mobile equipment identity (3GPP TS 23.003): 15 digits, Luhn, and a reporting body in use (01, 35, 86, 44, 45, 49 to
/// 54, 91, 98, 99).
fn imei(value: &str) -> bool {
    digits::<15>(value).is_some_and(|d| {
        let body = number(&d[..2]);
        matches!(body, 1 | 10 | 30..=35 | 44 | 45 | 49..=54 | 86 | 91 | 98 | 99)
            && luhn(&d)
            && !super::checksum::all_same(&d)
    })
}

/// Subscriber identity (ITU-T E.212): 15 digits, a mobile country code between 200 and 799.
fn imsi(value: &str) -> bool {
    digits::<15>(value).is_some_and(|d| (200..800).contains(&number(&d[..3])))
}

/// SIM card number (ITU-T E.118): begins with 89, 19 or 20 digits, Luhn.
fn iccid(value: &str) -> bool {
    let twenty = digits::<20>(value).is_some_and(|d| d[0] == 8 && d[1] == 9 && luhn(&d));
    twenty || digits::<19>(value).is_some_and(|d| d[0] == 8 && d[1] == 9 && luhn(&d))
}

/// Hardware address (IEEE 802): twelve hexadecimal digits that are no null, broadcast or example address.
fn mac_address(value: &str) -> bool {
    const EXAMPLES: [&[u8; 12]; 8] = [
        b"000000000000",
        b"FFFFFFFFFFFF",
        b"001122334455",
        b"112233445566",
        b"AABBCCDDEEFF",
        b"0123456789AB",
        b"010203040506",
        b"DEADBEEFCAFE",
    ];
    let Some(hex) = alphanumerics::<12>(value) else { return false };
    // Digits in pairs with hyphens and no letter at all are more often dates and part numbers.
    let lettered = hex.iter().any(u8::is_ascii_alphabetic) || !value.contains('-');
    lettered
        && hex.iter().all(u8::is_ascii_hexdigit)
        && !EXAMPLES.contains(&&hex)
        && !value.to_ascii_lowercase().starts_with("00:00:5e:00:53")
}

/// A serial number: 5 characters or more with a digit, not a counting sequence.
fn serial_number(value: &str) -> bool {
    let length = value.bytes().filter(u8::is_ascii_alphanumeric).count();
    (5..=24).contains(&length) && digit_count(value) >= 2 && !super::placeholder::is_placeholder(value)
}

/// A registration plate next to its word: a digit, at most 9 characters, and not only one repeated digit.
fn plate(value: &str) -> bool {
    let length = value.chars().filter(|c| c.is_alphanumeric()).count();
    (4..=9).contains(&length) && digit_count(value) >= 1 && !super::placeholder::is_placeholder(value)
}
