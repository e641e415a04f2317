//! The few fields of an ONNX file that are read and written here, as the protobuf wire format has them (onnx.proto3;
//! protobuf.dev, "Encoding"). Fields that are not known pass through byte by byte. A file that is damaged gives `None`,
//! never a panic: ONNX Runtime says then what is wrong with it.

/// Field numbers of `onnx.proto3`.
pub(super) mod number {
    pub(in super::super) const MODEL_GRAPH: u64 = 7;
    pub(in super::super) const GRAPH_NODE: u64 = 1;
    pub(in super::super) const GRAPH_INITIALIZER: u64 = 5;
    pub(in super::super) const NODE_INPUT: u64 = 1;
    pub(in super::super) const NODE_OUTPUT: u64 = 2;
    pub(in super::super) const NODE_NAME: u64 = 3;
    pub(in super::super) const NODE_OPERATOR: u64 = 4;
    pub(in super::super) const NODE_ATTRIBUTE: u64 = 5;
    pub(in super::super) const NODE_DOMAIN: u64 = 7;
    pub(in super::super) const ATTRIBUTE_NAME: u64 = 1;
    pub(in super::super) const ATTRIBUTE_INTEGER: u64 = 3;
    pub(in super::super) const TENSOR_DIMENSIONS: u64 = 1;
    pub(in super::super) const TENSOR_TYPE: u64 = 2;
    pub(in super::super) const TENSOR_NAME: u64 = 8;
    pub(in super::super) const TENSOR_BYTES: u64 = 9;
}

/// Types of tensors in `onnx.proto3`.
pub(super) mod element {
    pub(in super::super) const FLOAT: u64 = 1;
    pub(in super::super) const UINT8: u64 = 2;
    pub(in super::super) const INT8: u64 = 3;
}

/// The bits of a key that say how a value is written, and the two ways that matter here.
const WIRE_BITS: u32 = 3;
const VARINT: u64 = 0;
const LENGTH: u64 = 2;

/// One field of a message.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) number: u64,
    /// Of a number.
    pub(super) integer: Option<u64>,
    /// Of a message, a string or bytes.
    pub(super) bytes: Option<&'a [u8]>,
    /// The whole field as it is written.
    pub(super) raw: &'a [u8],
}

/// The fields of a message, in order.
pub(super) fn fields(mut message: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let begun = message;
        let key = take_varint(&mut message)?;
        let (mut integer, mut bytes) = (None, None);
        match key & ((1 << WIRE_BITS) - 1) {
            VARINT => integer = Some(take_varint(&mut message)?),
            LENGTH => {
                let length = usize::try_from(take_varint(&mut message)?).ok()?;
                bytes = Some(take(&mut message, length)?);
            }
            1 => drop(take(&mut message, 8)?),
            5 => drop(take(&mut message, 4)?),
            _ => return None,
        }
        let raw = begun.get(..begun.len() - message.len())?;
        fields.push(Field { number: key >> WIRE_BITS, integer, bytes, raw });
    }
    Some(fields)
}

fn take<'a>(message: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = message.split_at_checked(length)?;
    *message = rest;
    Some(taken)
}

fn take_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// The strings of a field that may be there many times.
pub(super) fn strings<'a>(message: &[Field<'a>], number: u64) -> Vec<&'a str> {
    let values = message.iter().filter(|field| field.number == number).filter_map(|field| field.bytes);
    values.map(|value| std::str::from_utf8(value).unwrap_or_default()).collect()
}

/// A field of bytes that is there once.
pub(super) fn bytes<'a>(message: &[Field<'a>], number: u64) -> Option<&'a [u8]> {
    message.iter().find(|field| field.number == number)?.bytes
}

/// A number that is there once.
pub(super) fn integer(message: &[Field<'_>], number: u64) -> Option<u64> {
    message.iter().find(|field| field.number == number)?.integer
}

/// Appends a field of bytes.
pub(super) fn put_bytes(message: &mut Vec<u8>, number: u64, value: &[u8]) {
    put_varint(message, number << WIRE_BITS | LENGTH);
    put_varint(message, value.len() as u64);
    message.extend_from_slice(value);
}

/// Appends a number.
pub(super) fn put_integer(message: &mut Vec<u8>, number: u64, value: u64) {
    put_varint(message, number << WIRE_BITS | VARINT);
    put_varint(message, value);
}

#[allow(clippy::cast_possible_truncation)] // the low seven bits are meant
fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

/// A tensor as an initializer.
pub(super) fn tensor(name: &str, kind: u64, dimensions: &[usize], values: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(values.len() + name.len() + 32);
    for dimension in dimensions {
        put_integer(&mut message, number::TENSOR_DIMENSIONS, *dimension as u64);
    }
    put_integer(&mut message, number::TENSOR_TYPE, kind);
    put_bytes(&mut message, number::TENSOR_NAME, name.as_bytes());
    put_bytes(&mut message, number::TENSOR_BYTES, values);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_they_were_written() {
        let mut message = Vec::new();
        put_integer(&mut message, 3, 300);
        put_bytes(&mut message, 200, b"abc");
        message.extend([0x0d, 1, 2, 3, 4]);
        let fields = fields(&message).unwrap();
        assert_eq!(integer(&fields, 3), Some(300));
        assert_eq!(bytes(&fields, 200), Some(&b"abc"[..]));
        assert_eq!(strings(&fields, 200), ["abc"]);
        assert_eq!(fields.iter().map(|field| field.raw).collect::<Vec<_>>().concat(), message);
    }

    proptest::proptest! {
        #[test]
        fn no_file_is_a_panic(message in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64)) {
            for field in fields(&message).into_iter().flatten() {
                assert!(!field.raw.is_empty());
            }
        }
    }
}
