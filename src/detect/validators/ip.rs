//! Checks of internet addresses: public, private, reserved for documentation, or a version in disguise.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Validator;

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "ipv4_public" => ipv4_public,
        "ipv4_public_low" => ipv4_public_low,
        "ipv4_private" => ipv4_private,
        "ipv6_public" => ipv6_public,
        "ipv6_private" => ipv6_private,
        _ => return None,
    })
}

/// The four bytes, without leading zeros.
fn v4(value: &str) -> Option<Ipv4Addr> {
    value.parse().ok()
}

/// Whether an address belongs to one machine on the open internet (IANA special-purpose registry, RFC 6890), and is
/// not a public resolver that every manual names.
fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    let resolver = matches!(
        (a, b, c, d),
        (8, 8, 8, 8)
            | (8, 8, 4, 4)
            | (1, 1, 1, 1)
            | (1, 0, 0, 1)
            | (9, 9, 9, 9)
            | (208, 67, 222, 222)
            | (208, 67, 220, 220)
    );
    let special = a == 0
        || a >= 224
        || a == 127
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    // 1.2.3.4 and its like are what people write for any address; a last byte of 0 is a network.
    let example = matches!((a, b, c, d), (1, 2, 3, 4) | (1, 2, 3, 5) | (4, 3, 2, 1) | (5, 6, 7, 8))
        || d == 0 && c == 0
        || (a == b && b == c && c == d);
    !resolver && !special && !example
}

/// Whether the bytes are small enough to be a version.
fn looks_like_version(address: Ipv4Addr) -> bool {
    let [a, ..] = address.octets();
    a < 30 && address.octets().iter().filter(|byte| **byte < 100).count() == 4
}

/// A public address that is no version.
fn ipv4_public(value: &str) -> bool {
    v4(value).is_some_and(|address| is_public(address) && !looks_like_version(address))
}

/// A public address that could be a version: only its context tells.
fn ipv4_public_low(value: &str) -> bool {
    v4(value).is_some_and(|address| is_public(address) && looks_like_version(address))
}

/// An address of an inner network (RFC 1918, RFC 6598), and not the one that every router and manual uses.
fn ipv4_private(value: &str) -> bool {
    v4(value).is_some_and(|address| {
        let [a, b, c, d] = address.octets();
        let inner = address.is_private() || (a == 100 && (64..128).contains(&b));
        let textbook = matches!(
            (a, b, c, d),
            (192, 168, 0 | 1, 0..=2 | 100 | 254 | 255)
                | (10, 0, 0, 0..=3 | 255)
                | (172, 16, 0, 0..=1)
                | (10, 1, 1, 1)
                | (10, 1, 2, 3)
                | (10, 255, 255, 255)
                | (172, 31, 255, 255)
                | (192, 168, 255, 255)
        ) || matches!((a, b, c, d), (172, 17, 0, 0..=2) | (100, 64, 0, 0) | (10, 10, 10, 10));
        inner && !textbook
    })
}

/// A public version 6 address: global unicast, and not 2001:db8::/32 (RFC 3849) or 3fff::/20 (RFC 9637).
fn ipv6_public(value: &str) -> bool {
    value.parse::<Ipv6Addr>().is_ok_and(|address| {
        let [first, second, third, ..] = address.segments();
        let documentation = (first == 0x2001 && second == 0xdb8) || (first == 0x3fff && second < 0x1000);
        // Counting groups (1:2:3:4:5:6:7:8) and nearly empty addresses are examples.
        let example = address.segments().iter().all(|segment| *segment < 16);
        let resolver = (first, second) == (0x2001, 0x4860) && third == 0x4860
            || (first, second) == (0x2606, 0x4700) && third == 0x4700;
        let inner = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || first & 0xff00 == 0xff00;
        first != 0 && !documentation && !example && !resolver && !inner
    })
}

/// An inner version 6 address: unique local (RFC 4193) or link local with an interface (RFC 4291).
fn ipv6_private(value: &str) -> bool {
    value.parse::<Ipv6Addr>().is_ok_and(|address| {
        let [first, .., last] = address.segments();
        (first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80)
            && address.segments().iter().filter(|s| **s != 0).count() > 2
            && last != 0
    })
}
