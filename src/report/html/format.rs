//! Numbers as people read them. Nothing is rounded to nothing: what is more than zero never reads as zero.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// With commas between thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `noun` for one, `nouns` for others, with the number.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A share in percent.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    match tenths {
        0 if part > 0 => "< 0.1 %".to_owned(),
        0 => "0 %".to_owned(),
        1000 => "100 %".to_owned(),
        _ => format!("{}.{} %", tenths / 10, tenths % 10),
    }
}

/// Bytes in the largest unit of 1024 that leaves at least one.
pub(crate) fn bytes(number: u64) -> String {
    let (mut tenths, mut name) = (u128::from(number) * 10, "B");
    for unit in ["KiB", "MiB", "GiB", "TiB"] {
        if tenths < 10 * 1024 {
            break;
        }
        (tenths, name) = (tenths / 1024, unit);
    }
    if name == "B" || tenths >= 1000 {
        format!("{} {name}", tenths / 10)
    } else {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    }
}

/// Microseconds as milliseconds or seconds.
pub(crate) fn micros(micros: u64) -> String {
    match micros {
        0 => "0 ms".to_owned(),
        1..10 => "< 0.01 ms".to_owned(),
        10..10_000 => format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        1_000_000..600_000_000 => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
        _ => format!("{} min", count(micros / 60_000_000)),
    }
}

/// Millionths of a dollar as dollars: to the cent from one dollar on, with four places below, and whole where even those
/// would say nothing. Rounded up, because a cost is never told smaller than it is.
pub(crate) fn dollars(micros: u64) -> String {
    let unit = match micros {
        1_000_000.. => 10_000,
        100.. => 100,
        _ => 1,
    };
    let rounded = micros.div_ceil(unit).saturating_mul(unit);
    let (whole, places) = (rounded / 1_000_000, format!("{:06}", rounded % 1_000_000));
    let short = places.trim_end_matches('0');
    format!("${}.{short:0<2}", count(whole))
}

/// The same with a sign.
pub(crate) fn signed_dollars(micros: i128) -> String {
    let amount = dollars(u64::try_from(micros.unsigned_abs()).unwrap_or(u64::MAX));
    if micros < 0 { format!("−{amount}") } else { amount }
}

/// To the second, in UTC.
pub(crate) fn time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// For people: `1 March 2026`.
pub(crate) fn date(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
}

/// The beginning of a digest, enough to tell it from others.
pub(crate) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

/// A word of the log for people: `no_cloud_backend` as `no cloud backend`.
pub(crate) fn words(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well_and_never_as_nothing() {
        assert_eq!([count(0), count(999), count(1000), count(1_234_567)], ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [percent(0, 9), percent(1, 100_000), percent(1, 3), percent(9_999_999, 10_000_000), percent(7, 7)],
            ["0 %", "< 0.1 %", "33.3 %", "99.9 %", "100 %"]
        );
        assert_eq!(percent(0, 0), "–");
        assert_eq!([bytes(0), bytes(1023), bytes(1536), bytes(250 << 20)], ["0 B", "1023 B", "1.5 KiB", "250 MiB"]);
        assert_eq!(
            [micros(3), micros(1500), micros(12_345), micros(1_500_000), micros(3_600_000_000)],
            ["< 0.01 ms", "1.50 ms", "12 ms", "1.50 s", "60 min"]
        );
        assert_eq!(
            [
                dollars(0),
                dollars(75),
                dollars(123_401),
                dollars(1_500_000),
                dollars(123_456_789),
                dollars(90_000_000_000)
            ],
            ["$0.00", "$0.000075", "$0.1235", "$1.50", "$123.46", "$90,000.00"]
        );
        assert_eq!(signed_dollars(-1_500_000), "−$1.50");
        assert_eq!([counted(1, "call"), counted(2, "call")], ["1 call", "2 calls"]);
    }
}
