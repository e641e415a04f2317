//! Compiles `proto/cordon/v1` with protox, so that no `protoc` is needed, and writes the descriptor set that
//! reflection serves and that a test compares with the released one.

use std::path::PathBuf;
use std::{env, error, fs};

use prost::Message as _;

const PROTOS: [&str; 4] = [
    "proto/cordon/v1/sensitivity.proto",
    "proto/cordon/v1/classifier.proto",
    "proto/cordon/v1/dispatcher.proto",
    "proto/cordon/v1/audit.proto",
];

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("cordon_descriptor.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(descriptors)?;
    Ok(())
}
