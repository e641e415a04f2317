//! The generated code of `proto/cordon/v1`, and nothing else. It stays in this layer and the command line's client.

#![allow(missing_docs, clippy::all, clippy::pedantic, unreachable_pub)]

tonic::include_proto!("cordon.v1");

/// The serialised descriptor set, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/cordon_descriptor.bin"));
