//! Checks of bank and card numbers: payment cards, IBAN, BIC, American routing numbers, sort codes.
//!
//! Test cards that payment companies publish are told apart, because a text about them gives nothing away.

use super::Validator;
use super::checksum::{digit, digit_count, digits, luhn, mod_97, number, weighted};

/// The validator of this name, if it is one of these.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    Some(match name {
        "credit_card" => credit_card,
        "credit_card_any_scheme" => credit_card_any_scheme,
        "test_card" => test_card,
        "iban" => iban,
        "example_iban" => example_iban,
        "bic" => bic,
        "aba_routing" => aba_routing,
        "sort_code" => sort_code,
        "sort_code_and_account" => sort_code_and_account,
        "account_number" => account_number,
        "clabe" => clabe,
        "es_ccc" => es_ccc,
        "lei" => lei,
        _ => return None,
    })
}

/// Digits of a card number, 12 to 19 of them (ISO/IEC 7812-1), in a fixed array with their count.
fn pan(value: &str) -> Option<([u8; 19], usize)> {
    let mut out = [0u8; 19];
    let mut slots = out.iter_mut();
    // A number may be wrapped over a line, quoted as in mail.
    for c in value.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '\n' | '\r' | '\t' | '>' | '|' | '*' | '#')) {
        *slots.next()? = digit(c)?;
    }
    let count = digit_count(value);
    (12..=19).contains(&count).then_some((out, count))
}

/// A card of a scheme whose ranges are narrow: Visa, Mastercard, American Express, Diners Club, Discover, JCB,
/// UnionPay and Mir, with the scheme's length and a Luhn digit. Ranges as the schemes publish them; see
/// <https://en.wikipedia.org/wiki/Payment_card_number>.
fn credit_card(value: &str) -> bool {
    let Some((padded, count)) = pan(value) else { return false };
    let body = padded.get(..count).unwrap_or_default();
    let six = number(&padded[..6]);
    let four = six / 100;
    let scheme = match (six / 100_000, six / 10_000) {
        (4, _) => matches!(count, 13 | 16 | 19),
        (_, 51..=55) => count == 16,
        (_, 34 | 37) => count == 15,
        (_, 36 | 38 | 39) => (14..=19).contains(&count),
        (_, 30) if (3000..=3059).contains(&four) || four == 3095 => (14..=19).contains(&count),
        (_, 35) => (3528..=3589).contains(&four) && (16..=19).contains(&count),
        (_, 62) => (16..=19).contains(&count),
        (_, 60) => four == 6011 && (16..=19).contains(&count),
        (_, 64) => four >= 6440 && (16..=19).contains(&count),
        (_, 65) => (16..=19).contains(&count),
        (_, 22..=27) => {
            (2200..=2204).contains(&four) && (16..=19).contains(&count) || (2221..=2720).contains(&four) && count == 16
        }
        _ => matches!(four, 2131 | 1800) && count == 15,
    };
    scheme && luhn(body)
}

/// A card of any scheme, wide ranges included (Maestro, RuPay, Elo, Troy, Verve, UATP): a Luhn digit and a known
/// first pair of digits. Weak alone.
fn credit_card_any_scheme(value: &str) -> bool {
    let Some((padded, count)) = pan(value) else { return false };
    let body = padded.get(..count).unwrap_or_default();
    let known = matches!(number(&padded[..2]), 30..=39 | 40..=49 | 50..=69 | 81 | 82 | 97 | 22..=27 | 18 | 21);
    known && luhn(body) && !super::checksum::all_same(body)
}

/// A card number that a payment company publishes for tests, or one of few distinct digits.
fn test_card(value: &str) -> bool {
    /// From the public test pages of Stripe, Adyen, Braintree, PayPal, Authorize.Net and Worldpay.
    const PUBLISHED: [u64; 44] = [
        4_111_111_111_111_111,
        4_242_424_242_424_242,
        4_012_888_888_881_881,
        4_000_056_655_665_556,
        5_555_555_555_554_444,
        2_223_003_122_003_222,
        5_200_828_282_828_210,
        5_105_105_105_105_100,
        378_282_246_310_005,
        371_449_635_398_431,
        378_734_493_671_000,
        6_011_111_111_111_117,
        6_011_000_990_139_424,
        6_011_981_111_111_113,
        3_056_930_009_020_004,
        36_227_206_271_667,
        30_569_309_025_904,
        38_520_000_023_237,
        3_530_111_333_300_000,
        3_566_002_020_360_505,
        6_200_000_000_000_005,
        6_205_500_000_000_000_004,
        4_222_222_222_222,
        5_019_717_010_103_742,
        6_331_101_999_990_016,
        5_431_111_111_111_111,
        4_917_610_000_000_000,
        4_444_333_322_221_111,
        4_988_438_843_884_305,
        5_577_000_055_770_004,
        2_222_400_070_000_005,
        4_005_519_200_000_004,
        4_009_348_888_881_881,
        4_012_000_033_330_026,
        4_012_000_077_777_777,
        4_217_651_111_111_119,
        4_500_600_000_000_061,
        5_424_000_000_000_015,
        4_007_000_000_027,
        6_304_000_000_000_000,
        4_988_080_000_000_000,
        2_720_992_593_319_364,
        5_454_545_454_545_454,
        4_263_970_000_005_262,
    ];
    let Some((padded, count)) = pan(value) else { return false };
    let body = padded.get(..count).unwrap_or_default();
    let most = (0..10u8).map(|d| body.iter().filter(|x| **x == d).count()).max().unwrap_or(0);
    PUBLISHED.contains(&number(body)) || most * 10 >= count * 6
}

/// International bank account number: registered country, its length, and remainder 1 modulo 97 (ISO 13616; lengths
/// from the SWIFT IBAN registry, release 99).
fn iban(value: &str) -> bool {
    /// Country and length, as `CCnn`.
    const REGISTRY: &str = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24\
        FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25\
        MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23\
        ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";
    let compact = || value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase());
    let length = compact().count();
    let registered = REGISTRY.as_bytes().chunks_exact(4).any(|entry| match entry {
        [a, b, tens, ones] => {
            compact().take(2).eq([*a, *b]) && usize::from(tens - b'0') * 10 + usize::from(ones - b'0') == length
        }
        _ => false,
    });
    // A body of one repeated digit is a form's blank, whatever its remainder.
    let blank = compact().skip(4).all(|b| b == b'0');
    registered && !blank && mod_97(compact().skip(4).chain(compact().take(4))) == Some(1)
}

/// An IBAN that the registry and encyclopedias print as the example of its country.
fn example_iban(value: &str) -> bool {
    const PRINTED: [&str; 21] = [
        "AT611904300234573201",
        "BE68539007547034",
        "CH9300762011623852957",
        "DE89370400440532013000",
        "DK5000400440116243",
        "ES9121000418450200051332",
        "FI2112345600000785",
        "FR1420041010050500013M02606",
        "FR7630006000011234567890189",
        "GB29NWBK60161331926819",
        "GB33BUKB20201555555555",
        "GB82WEST12345698765432",
        "GR1601101250000000012300695",
        "IE29AIBK93115212345678",
        "IT60X0542811101000000123456",
        "LU280019400644750000",
        "NL91ABNA0417164300",
        "NO9386011117947",
        "PL61109010140000071219812874",
        "PT50000201231234567890154",
        "SE4550000000058398257466",
    ];
    let compact = || value.bytes().filter(u8::is_ascii_alphanumeric).map(|b| b.to_ascii_uppercase());
    PRINTED.iter().any(|printed| compact().eq(printed.bytes()))
}

/// Two-letter country codes (ISO 3166-1), and XK, which banks use for Kosovo.
pub(super) fn is_country(code: &[u8]) -> bool {
    const CODES: &str = "ADAEAFAGAIALAMAOARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBWBYBZCACCCDCFCGCHCICKCLCMCNCOCRCUCVCWCXCYCZ\
        DEDJDKDMDODZECEEEGERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHNHRHTHUIDIEILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKN\
        KPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPR\
        PSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUSUYUZVAVCVEVGVIVNVUWFWSXK\
        YEYTZAZMZW";
    CODES.as_bytes().chunks_exact(2).any(|pair| pair == code)
}

/// Business identifier code (ISO 9362): four letters, a country, two characters, and a branch of three or none.
fn bic(value: &str) -> bool {
    let bytes = value.as_bytes();
    matches!(bytes.len(), 8 | 11)
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        && bytes.iter().take(6).all(u8::is_ascii_uppercase)
        && bytes.get(4..6).is_some_and(is_country)
}

/// American bank routing number: a Federal Reserve prefix and weights 3, 7, 1 modulo 10 (American Bankers
/// Association, routing number policy).
fn aba_routing(value: &str) -> bool {
    digits::<9>(value).is_some_and(|d| {
        let known = matches!(number(&d[..2]), 1..=12 | 21..=32 | 61..=72 | 80);
        known && weighted(&d, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10)
    })
}

/// British sort code: six digits, not all the same. There is no check digit in it alone.
fn sort_code(value: &str) -> bool {
    digits::<6>(value).is_some_and(|d| !super::checksum::all_same(&d))
}

/// British sort code and account number together: 14 digits, neither part one repeated digit.
fn sort_code_and_account(value: &str) -> bool {
    digits::<14>(value).is_some_and(|d| !super::checksum::all_same(&d[..6]) && !super::checksum::all_same(&d[6..]))
}

/// A plausible account number: 5 to 18 digits, neither one repeated digit nor a counting sequence.
fn account_number(value: &str) -> bool {
    (5..=18).contains(&digit_count(value)) && !super::placeholder::is_counting_or_repeated(value)
}

/// Mexican interbank code: weights 3, 7, 1 of each product modulo 10 (Banco de México, CLABE rules).
fn clabe(value: &str) -> bool {
    digits::<18>(value).is_some_and(|d| {
        let sum: u32 = d.iter().take(17).zip([3u32, 7, 1].iter().cycle()).map(|(d, w)| u32::from(*d) * w % 10).sum();
        !super::checksum::all_same(&d) && (10 - sum % 10) % 10 == u32::from(d[17])
    })
}

/// Spanish account code (código cuenta cliente): two check digits modulo 11.
fn es_ccc(value: &str) -> bool {
    const WEIGHTS: [u32; 10] = [1, 2, 4, 8, 5, 10, 9, 7, 3, 6];
    let check = |digits: &[u8], skip: usize| {
        let rest = weighted(digits, WEIGHTS.get(skip..).unwrap_or_default()) % 11;
        match 11 - rest {
            11 => 0,
            10 => 1,
            n => n,
        }
    };
    digits::<20>(value).is_some_and(|d| {
        !super::checksum::all_same(&d) && check(&d[..8], 2) == u32::from(d[8]) && check(&d[10..], 0) == u32::from(d[9])
    })
}

/// Legal entity identifier (ISO 17442): 18 characters and two digits, remainder 1 modulo 97.
fn lei(value: &str) -> bool {
    super::checksum::alphanumerics::<20>(value)
        .is_some_and(|c| c[18].is_ascii_digit() && c[19].is_ascii_digit() && mod_97(c.into_iter()) == Some(1))
}
