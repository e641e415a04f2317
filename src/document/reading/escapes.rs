//! One character written as several: `&#x6a;` and `&amp;` of HTML, `%40` of addresses, `\u006a` and `\x6a` of string
//! literals. Only what stands for a character that people can read is undone: a control character hides nothing.

use super::Kind;
use super::plan::Plan;

/// Named references of HTML for characters that matter to detection: signs of ASCII, letters of Latin-1.
/// Source: the HTML standard, section "Named character references".
const NAMED: &[(&str, char)] = &[
    ("AElig", 'Æ'),
    ("Aacute", 'Á'),
    ("Acirc", 'Â'),
    ("Agrave", 'À'),
    ("Aring", 'Å'),
    ("Atilde", 'Ã'),
    ("Auml", 'Ä'),
    ("Ccedil", 'Ç'),
    ("ETH", 'Ð'),
    ("Eacute", 'É'),
    ("Ecirc", 'Ê'),
    ("Egrave", 'È'),
    ("Euml", 'Ë'),
    ("Iacute", 'Í'),
    ("Icirc", 'Î'),
    ("Igrave", 'Ì'),
    ("Iuml", 'Ï'),
    ("Lstrok", 'Ł'),
    ("Ntilde", 'Ñ'),
    ("Oacute", 'Ó'),
    ("Ocirc", 'Ô'),
    ("Ograve", 'Ò'),
    ("Oslash", 'Ø'),
    ("Otilde", 'Õ'),
    ("Ouml", 'Ö'),
    ("Scaron", 'Š'),
    ("THORN", 'Þ'),
    ("Uacute", 'Ú'),
    ("Ucirc", 'Û'),
    ("Ugrave", 'Ù'),
    ("Uuml", 'Ü'),
    ("Yacute", 'Ý'),
    ("Zcaron", 'Ž'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("aelig", 'æ'),
    ("agrave", 'à'),
    ("amp", '&'),
    ("apos", '\''),
    ("aring", 'å'),
    ("ast", '*'),
    ("atilde", 'ã'),
    ("auml", 'ä'),
    ("bsol", '\\'),
    ("ccedil", 'ç'),
    ("colon", ':'),
    ("comma", ','),
    ("commat", '@'),
    ("dash", '-'),
    ("dollar", '$'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("egrave", 'è'),
    ("emsp", ' '),
    ("ensp", ' '),
    ("equals", '='),
    ("eth", 'ð'),
    ("euml", 'ë'),
    ("euro", '€'),
    ("excl", '!'),
    ("gt", '>'),
    ("hyphen", '-'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("igrave", 'ì'),
    ("iuml", 'ï'),
    ("lbrack", '['),
    ("lcub", '{'),
    ("lowbar", '_'),
    ("lpar", '('),
    ("lsqb", '['),
    ("lstrok", 'ł'),
    ("lt", '<'),
    ("nbsp", ' '),
    ("ndash", '-'),
    ("ntilde", 'ñ'),
    ("num", '#'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("ograve", 'ò'),
    ("oslash", 'ø'),
    ("otilde", 'õ'),
    ("ouml", 'ö'),
    ("percnt", '%'),
    ("period", '.'),
    ("plus", '+'),
    ("pound", '£'),
    ("quest", '?'),
    ("quot", '"'),
    ("rbrack", ']'),
    ("rcub", '}'),
    ("rpar", ')'),
    ("rsqb", ']'),
    ("scaron", 'š'),
    ("semi", ';'),
    ("shy", '\u{ad}'),
    ("sol", '/'),
    ("szlig", 'ß'),
    ("thinsp", ' '),
    ("thorn", 'þ'),
    ("uacute", 'ú'),
    ("ucirc", 'û'),
    ("ugrave", 'ù'),
    ("uuml", 'ü'),
    ("vert", '|'),
    ("yacute", 'ý'),
    ("yuml", 'ÿ'),
    ("zcaron", 'ž'),
    ("zwj", '\u{200d}'),
    ("zwnj", '\u{200c}'),
];

/// The longest of these names, in bytes.
const LONGEST: usize = 6;

/// A character that stands for something to read.
fn is_readable(c: char) -> bool {
    !c.is_control() || matches!(c, '\n' | '\r' | '\t')
}

/// `&name;`, `&#106;`, `&#x6a;` at `at`; returns where it ends.
pub(super) fn reference(text: &str, at: usize, plan: &mut Plan) -> Option<usize> {
    let bytes = text.as_bytes();
    let (c, end) = match bytes.get(at + 1)? {
        b'#' => numeric(bytes, at + 2)?,
        _ => {
            let length = bytes.iter().skip(at + 1).take(LONGEST + 1).take_while(|b| b.is_ascii_alphabetic()).count();
            let end = at + 1 + length;
            if bytes.get(end) != Some(&b';') {
                return None;
            }
            let name = text.get(at + 1..end)?;
            let place = NAMED.binary_search_by(|(known, _)| known.cmp(&name)).ok()?;
            (NAMED.get(place)?.1, end + 1)
        }
    };
    plan.character(c, at, end - at);
    plan.finish(at..end, Kind::Encoding, "HTML character references undone");
    Some(end)
}

/// The number of a reference whose digits, or the `x` before them, begin at `at`. Browsers do without the semicolon.
fn numeric(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let hexadecimal = matches!(bytes.get(at)?, b'x' | b'X');
    let from = at + usize::from(hexadecimal);
    let radix = if hexadecimal { 16 } else { 10 };
    let mut code = 0u32;
    let mut end = from;
    while let Some(digit) = bytes.get(end).and_then(|byte| char::from(*byte).to_digit(radix)).filter(|_| end < from + 8)
    {
        code = code.checked_mul(radix)?.checked_add(digit)?;
        end += 1;
    }
    let c = char::from_u32(code).filter(|c| end > from && is_readable(*c))?;
    Some((c, end + usize::from(bytes.get(end) == Some(&b';'))))
}

/// The byte that two hexadecimal digits at `at` write.
fn hexadecimal(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    u8::try_from(digit(at)? * 16 + digit(at + 1)?).ok()
}

/// `%40` and `%C3%A9` at `at`: the bytes of one character of UTF-8; returns where it ends.
pub(super) fn percent(bytes: &[u8], at: usize, plan: &mut Plan) -> Option<usize> {
    let end = written(bytes, at, b"%", plan)?;
    plan.finish(at..end, Kind::Encoding, "percent encoding undone");
    Some(end)
}

/// The bytes of one character of UTF-8, each as two hexadecimal digits after `mark`.
fn written(bytes: &[u8], at: usize, mark: &[u8], plan: &mut Plan) -> Option<usize> {
    let width = mark.len() + 2;
    let byte = |index: usize| {
        let at = at + index * width;
        bytes.get(at..)?.starts_with(mark).then(|| hexadecimal(bytes, at + mark.len()))?
    };
    let first = byte(0)?;
    let count = match first {
        0x20..=0x7e | b'\n' | b'\r' | b'\t' => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let mut buffer = [0; 4];
    for (index, place) in buffer.iter_mut().enumerate().take(count) {
        *place = byte(index)?;
    }
    let c = std::str::from_utf8(buffer.get(..count)?).ok()?.chars().next().filter(|c| is_readable(*c))?;
    let end = at + count * width;
    plan.character(c, at, end - at);
    Some(end)
}

/// `\u006a`, `\u{6a}`, `\x6a` at `at`; returns where it ends.
pub(super) fn escape(bytes: &[u8], at: usize, plan: &mut Plan) -> Option<usize> {
    let end = match bytes.get(at + 1)? {
        b'x' => written(bytes, at, b"\\x", plan)?,
        b'u' if bytes.get(at + 2) == Some(&b'{') => {
            let (c, end) = braced(bytes, at + 3)?;
            plan.character(c, at, end - at);
            end
        }
        b'u' => {
            let first = four(bytes, at + 2)?;
            // Characters beyond the first plane are two halves.
            let (code, end) = match first {
                0xd800..=0xdbff if bytes.get(at + 6..)?.starts_with(b"\\u") => {
                    let second = four(bytes, at + 8)?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    (0x1_0000 + (first - 0xd800) * 0x400 + second, at + 12)
                }
                code => (code, at + 6),
            };
            let c = char::from_u32(code).filter(|c| is_readable(*c))?;
            plan.character(c, at, end - at);
            end
        }
        _ => return None,
    };
    plan.finish(at..end, Kind::Encoding, "escapes of a string literal undone");
    Some(end)
}

fn four(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from(hexadecimal(bytes, at)?) * 256 + u32::from(hexadecimal(bytes, at + 2)?))
}

fn braced(bytes: &[u8], at: usize) -> Option<(char, usize)> {
    let length = bytes.iter().skip(at).take(7).take_while(|byte| byte.is_ascii_hexdigit()).count();
    if length == 0 || length > 6 || bytes.get(at + length) != Some(&b'}') {
        return None;
    }
    let digits = std::str::from_utf8(bytes.get(at..at + length)?).ok()?;
    let c = char::from_u32(u32::from_str_radix(digits, 16).ok()?).filter(|c| is_readable(*c))?;
    Some((c, at + length + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order_and_short() {
        assert!(NAMED.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(NAMED.iter().map(|(name, _)| name.len()).max(), Some(LONGEST));
        assert!(NAMED.iter().all(|(name, c)| c.len_utf8() <= name.len() + 2), "nothing grows");
    }
}
