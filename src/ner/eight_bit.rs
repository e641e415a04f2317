//! Products of 8-bit integers in place of 4-bit weights. A model whose weights have 4 bits each (`MatMulNBits`) is small,
//! but ONNX Runtime turns the weights into floats for every run and multiplies those: on processors with instructions for
//! 8-bit products that takes more than twice as long as `DynamicQuantizeMatMul` on the same weights. They are converted
//! once, when the model is loaded. What is not understood stays as it is; nothing else in the graph may change.
//!
//! A column of weights gets one scale for all its blocks, and 7 bits: with 8, sums of two products overflow 16 bits on
//! x86 processors without VNNI (ONNX Runtime, "Quantize ONNX models", on U8S8 and reduced range).

use std::collections::{HashMap, HashSet};

use super::onnx_file::{Field, bytes, element, fields, integer, number, put_bytes, strings, tensor};

/// Largest weight.
const MOST: f32 = 63.0;
/// Of four bits, where no other is given (`MatMulNBits`, `zero_points`).
const USUAL_ZERO: u8 = 8;
const DOMAIN: &str = "com.microsoft";

/// The tensors of a graph by name.
type Tensors<'a> = HashMap<&'a str, Vec<Field<'a>>>;

/// A node in place of another one, with its weights.
struct Product {
    node: Vec<u8>,
    tensors: [Vec<u8>; 3],
}

/// The file with its 4-bit products converted; `None` if there are none that are understood.
pub(super) fn converted(file: &[u8]) -> Option<Vec<u8>> {
    let model = fields(file)?;
    let graph = fields(bytes(&model, number::MODEL_GRAPH)?)?;
    let mut tensors = Tensors::new();
    for tensor in graph.iter().filter(|field| field.number == number::GRAPH_INITIALIZER) {
        let tensor = fields(tensor.bytes?)?;
        tensors.insert(strings(&tensor, number::TENSOR_NAME).first()?, tensor);
    }
    let mut nodes = Vec::new();
    let (mut used, mut replaced) = (HashSet::new(), HashSet::new());
    for field in graph.iter().filter(|field| field.number == number::GRAPH_NODE) {
        let node = fields(field.bytes?)?;
        let product = product(&node, &tensors);
        let inputs = strings(&node, number::NODE_INPUT);
        match product {
            // The first one is not a weight.
            Some(_) => replaced.extend(inputs.into_iter().skip(1)),
            None => used.extend(inputs),
        }
        nodes.push((field.raw, product));
    }
    if replaced.is_empty() {
        return None;
    }

    let mut written = Vec::with_capacity(file.len() * 3 / 2);
    for (raw, product) in &nodes {
        match product {
            Some(product) => put_bytes(&mut written, number::GRAPH_NODE, &product.node),
            None => written.extend_from_slice(raw),
        }
    }
    for field in graph.iter().filter(|field| field.number != number::GRAPH_NODE) {
        let name = match (field.number, field.bytes) {
            (number::GRAPH_INITIALIZER, Some(tensor)) => {
                strings(&fields(tensor)?, number::TENSOR_NAME).first().copied()
            }
            _ => None,
        };
        // Weights that only converted products have read are of no more use.
        if name.is_none_or(|name| used.contains(name) || !replaced.contains(name)) {
            written.extend_from_slice(field.raw);
        }
    }
    for tensor in nodes.iter().filter_map(|(_, product)| product.as_ref()).flat_map(|product| &product.tensors) {
        put_bytes(&mut written, number::GRAPH_INITIALIZER, tensor);
    }
    let mut file = Vec::with_capacity(written.len() + 1024);
    for field in &model {
        if field.number == number::MODEL_GRAPH {
            put_bytes(&mut file, number::MODEL_GRAPH, &written);
        } else {
            file.extend_from_slice(field.raw);
        }
    }
    Some(file)
}

/// The product that a node stands for, if it is one of 4-bit weights in a form that is known.
fn product(node: &[Field<'_>], tensors: &Tensors<'_>) -> Option<Product> {
    let is = |number, wanted: &str| strings(node, number).first().is_some_and(|value| *value == wanted);
    if !is(number::NODE_OPERATOR, "MatMulNBits") || !is(number::NODE_DOMAIN, DOMAIN) {
        return None;
    }
    let inputs = strings(node, number::NODE_INPUT);
    let (activation, weights, scales) = (*inputs.first()?, *inputs.get(1)?, *inputs.get(2)?);
    let zeros = inputs.get(3).filter(|name| !name.is_empty());
    // An order of groups, or a bias.
    if inputs.iter().skip(4).any(|name| !name.is_empty()) || attribute(node, "bits")? != 4 {
        return None;
    }
    let rows = attribute(node, "K")?;
    let columns = attribute(node, "N")?;
    let block = attribute(node, "block_size")?;
    if rows == 0 || columns == 0 || block < 2 || !block.is_multiple_of(2) {
        return None;
    }
    let blocks = rows.div_ceil(block);
    let weights = values(tensors, weights, element::UINT8, columns.checked_mul(blocks)?.checked_mul(block / 2)?)?;
    let scales = values(tensors, scales, element::FLOAT, columns.checked_mul(blocks)?.checked_mul(4)?)?;
    let zeros = match zeros {
        Some(zeros) => Some(values(tensors, zeros, element::UINT8, columns.checked_mul(blocks.div_ceil(2))?)?),
        None => None,
    };
    let (matrix, column_scales) = matrix(weights, scales, zeros, rows, columns, block)?;

    let output = *strings(node, number::NODE_OUTPUT).first()?;
    let name = |suffix: &str| format!("{output}/eight_bit/{suffix}");
    let (matrix_name, scale_name, zero_name) = (name("weights"), name("scales"), name("zeros"));
    let mut written = Vec::new();
    for input in [activation, &matrix_name, &scale_name, &zero_name] {
        put_bytes(&mut written, number::NODE_INPUT, input.as_bytes());
    }
    put_bytes(&mut written, number::NODE_OUTPUT, output.as_bytes());
    put_bytes(&mut written, number::NODE_NAME, name("product").as_bytes());
    put_bytes(&mut written, number::NODE_OPERATOR, b"DynamicQuantizeMatMul");
    put_bytes(&mut written, number::NODE_DOMAIN, DOMAIN.as_bytes());
    Some(Product {
        node: written,
        tensors: [
            tensor(&matrix_name, element::INT8, &[rows, columns], &matrix),
            tensor(&scale_name, element::FLOAT, &[columns], &column_scales),
            tensor(&zero_name, element::INT8, &[columns], &vec![0; columns]),
        ],
    })
}

fn attribute(node: &[Field<'_>], name: &str) -> Option<usize> {
    let attributes = node.iter().filter(|field| field.number == number::NODE_ATTRIBUTE);
    let attributes = attributes.filter_map(|field| fields(field.bytes?));
    let mut named = attributes.filter(|attribute| strings(attribute, number::ATTRIBUTE_NAME).first() == Some(&name));
    usize::try_from(integer(&named.next()?, number::ATTRIBUTE_INTEGER)?).ok()
}

/// The bytes of a tensor, if it is of this type and length.
fn values<'a>(tensors: &Tensors<'a>, name: &str, kind: u64, length: usize) -> Option<&'a [u8]> {
    let tensor = tensors.get(name)?;
    let values = bytes(tensor, number::TENSOR_BYTES)?;
    (integer(tensor, number::TENSOR_TYPE)? == kind && values.len() == length).then_some(values)
}

/// The 8-bit matrix, row by row, and the scale of each column, as bytes. The 4-bit weights come column by column in blocks,
/// two in a byte, the lower half first; each block has a scale, and a zero, two in a byte as well.
fn matrix(
    weights: &[u8],
    scales: &[u8],
    zeros: Option<&[u8]>,
    rows: usize,
    columns: usize,
    block: usize,
) -> Option<(Vec<u8>, Vec<u8>)> {
    let blocks = rows.div_ceil(block);
    let mut matrix = vec![0_u8; rows.checked_mul(columns)?];
    let mut column_scales = Vec::with_capacity(columns * 4);
    let packed = weights.chunks_exact(blocks * block / 2).zip(scales.chunks_exact(blocks * 4));
    for (column, (weights, scales)) in packed.enumerate() {
        let zeros = zeros.and_then(|zeros| zeros.chunks_exact(blocks.div_ceil(2)).nth(column));
        let zero_of = |block: usize| match zeros.and_then(|zeros| zeros.get(block / 2)) {
            Some(pair) => half(*pair, block),
            None => USUAL_ZERO,
        };
        let scales = scales.chunks_exact(4).filter_map(|bytes| Some(f32::from_le_bytes(bytes.try_into().ok()?)));
        let scales: Vec<(f32, f32)> =
            scales.enumerate().map(|(block, scale)| (scale, f32::from(zero_of(block)))).collect();
        // The largest weight that the blocks can hold.
        let most = scales.iter().map(|(scale, zero)| scale.abs() * zero.max(15.0 - zero)).fold(0.0, f32::max);
        if !scales.iter().all(|(scale, _)| scale.is_finite()) || !most.is_finite() {
            return None;
        }
        let scale_of_column = if most > 0.0 { most / MOST } else { 1.0 };
        column_scales.extend_from_slice(&scale_of_column.to_le_bytes());
        let mut places = matrix.iter_mut().skip(column).step_by(columns);
        for (block, (scale, zero)) in weights.chunks_exact(block / 2).zip(scales) {
            let table = converted_block(scale / scale_of_column, zero);
            for pair in block {
                for at in 0..2 {
                    // The last block may be longer than what is left of the column.
                    let Some(place) = places.next() else { break };
                    *place = table.get(usize::from(half(*pair, at))).copied().unwrap_or_default();
                }
            }
        }
    }
    Some((matrix, column_scales))
}

/// The even or the odd one of two values in a byte.
fn half(pair: u8, index: usize) -> u8 {
    if index.is_multiple_of(2) { pair & 15 } else { pair >> 4 }
}

/// What each value of a block becomes.
fn converted_block(scale: f32, zero: f32) -> [u8; 16] {
    let mut table = [0; 16];
    for (place, value) in table.iter_mut().zip(0_u8..) {
        // Within -63 to 63, as the scale of the column was chosen.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let weight = ((f32::from(value) - zero) * scale).round().clamp(-MOST, MOST) as i8;
        *place = weight.to_le_bytes()[0];
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::onnx_file::put_integer;
    use super::*;

    /// A model of one product of 4-bit weights, the last block half empty.
    fn model(weights: &[u8], scales: &[f32], zeros: Option<&[u8]>, sizes: [u64; 3], operator: &str) -> Vec<u8> {
        let mut node = Vec::new();
        for input in ["x", "w", "s"].into_iter().chain(zeros.map(|_| "z")) {
            put_bytes(&mut node, number::NODE_INPUT, input.as_bytes());
        }
        put_bytes(&mut node, number::NODE_OUTPUT, b"y");
        put_bytes(&mut node, number::NODE_OPERATOR, operator.as_bytes());
        put_bytes(&mut node, number::NODE_DOMAIN, DOMAIN.as_bytes());
        for (name, value) in ["K", "N", "block_size", "bits"].iter().zip(sizes.iter().chain(&[4])) {
            let mut attribute = Vec::new();
            put_bytes(&mut attribute, number::ATTRIBUTE_NAME, name.as_bytes());
            put_integer(&mut attribute, number::ATTRIBUTE_INTEGER, *value);
            put_bytes(&mut node, number::NODE_ATTRIBUTE, &attribute);
        }
        let scales: Vec<u8> = scales.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let mut graph = Vec::new();
        put_bytes(&mut graph, number::GRAPH_NODE, &node);
        put_bytes(&mut graph, number::GRAPH_INITIALIZER, &tensor("w", element::UINT8, &[weights.len()], weights));
        put_bytes(&mut graph, number::GRAPH_INITIALIZER, &tensor("s", element::FLOAT, &[scales.len() / 4], &scales));
        if let Some(zeros) = zeros {
            put_bytes(&mut graph, number::GRAPH_INITIALIZER, &tensor("z", element::UINT8, &[zeros.len()], zeros));
        }
        put_bytes(&mut graph, number::GRAPH_INITIALIZER, &tensor("other", element::UINT8, &[1], &[7]));
        let mut model = Vec::new();
        put_integer(&mut model, 1, 9);
        put_bytes(&mut model, number::MODEL_GRAPH, &graph);
        model
    }

    /// The weights of a converted model, as numbers, row by row.
    fn weights_of(file: &[u8], columns: usize) -> Vec<f32> {
        let model = fields(file).unwrap();
        let graph = fields(bytes(&model, number::MODEL_GRAPH).unwrap()).unwrap();
        let tensors = graph.iter().filter(|field| field.number == number::GRAPH_INITIALIZER);
        let tensors: Vec<_> = tensors.map(|field| fields(field.bytes.unwrap()).unwrap()).collect();
        let names: Vec<_> = tensors.iter().map(|tensor| strings(tensor, number::TENSOR_NAME)[0]).collect();
        assert_eq!(names, ["other", "y/eight_bit/weights", "y/eight_bit/scales", "y/eight_bit/zeros"]);
        let scales: Vec<f32> = bytes(&tensors[2], number::TENSOR_BYTES)
            .unwrap()
            .chunks_exact(4)
            .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
            .collect();
        let matrix = bytes(&tensors[1], number::TENSOR_BYTES).unwrap();
        matrix.iter().enumerate().map(|(at, weight)| f32::from(weight.cast_signed()) * scales[at % columns]).collect()
    }

    fn close(found: &[f32], wanted: &[f32], most: f32) {
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() <= most / MOST / 2.0 + 1e-6, "{found} for {wanted}");
        }
    }

    #[test]
    fn weights_keep_their_values_to_half_a_step() {
        // Two columns of three rows, in blocks of two: 4-bit values 1, 15 | 9 and 8, 0 | 7.
        let file = model(&[0xf1, 0x09, 0x08, 0x07], &[1.0, 0.5, 2.0, 4.0], None, [3, 2, 2], "MatMulNBits");
        let converted = converted(&file).unwrap();
        close(&weights_of(&converted, 2), &[-7.0, 0.0, 7.0, -16.0, 0.5, -4.0], 32.0);
        assert!(super::converted(&converted).is_none(), "there is no such product left");
    }

    #[test]
    fn zeros_of_blocks_count() {
        let file = model(&[0xf1, 0x09], &[1.0, 0.5], Some(&[0x31]), [3, 1, 2], "MatMulNBits");
        close(&weights_of(&converted(&file).unwrap(), 1), &[0.0, 14.0, 3.0], 14.0);
    }

    #[test]
    fn what_is_not_understood_stays() {
        let with = |weights: &[u8], operator| model(weights, &[1.0, 0.5], None, [3, 1, 2], operator);
        assert!(converted(&with(&[0xf1, 0x09], "MatMulNBits")).is_some());
        assert!(converted(&with(&[0xf1, 0x09], "MatMul")).is_none(), "another operator");
        assert!(converted(&with(&[0xf1], "MatMulNBits")).is_none(), "weights are missing");
        assert!(converted(b"no model").is_none());
        let endless = model(&[0xf1, 0x09], &[1.0, f32::NAN], None, [3, 1, 2], "MatMulNBits");
        assert!(converted(&endless).is_none(), "no number");
    }

    proptest::proptest! {
        #[test]
        fn a_damaged_file_is_no_panic(at in 0_usize..200, byte in proptest::prelude::any::<u8>()) {
            let mut file = model(&[0xf1, 0x09], &[1.0, 0.5], Some(&[0x31]), [3, 1, 2], "MatMulNBits");
            if let Some(place) = file.get_mut(at) {
                *place = byte;
            }
            let _ = converted(&file);
        }
    }
}
