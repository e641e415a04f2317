//! Compiles `proto/cordon/v1` with protox, so that no `protoc` is needed, and writes the descriptor set that
//! reflection serves and that a test compares with the released one. Lists the catalog's TOML files, so that a new
//! file is part of the catalog by being there.

use std::path::{Path, PathBuf};
use std::{env, error, fs, io};

use prost::Message as _;

const PROTOS: [&str; 5] = [
    "proto/cordon/v1/sensitivity.proto",
    "proto/cordon/v1/classifier.proto",
    "proto/cordon/v1/dispatcher.proto",
    "proto/cordon/v1/audit.proto",
    "proto/cordon/v1/admin.proto",
];

const CATALOG: &str = "src/detect/catalog";

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("cordon_descriptor.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure().codec_path("crate::service::codec::SmallBuffers").compile_fds(descriptors)?;
    println!("cargo:rerun-if-changed={CATALOG}");
    fs::write(out.join("catalog_files.rs"), catalog_files()?)?;
    Ok(())
}

/// The expression `&[(name, content), …]` of every TOML file in the catalog's folder and the folders in it, by name.
fn catalog_files() -> Result<String, Box<dyn error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(CATALOG);
    let mut files = Vec::new();
    find_toml(&root, &mut files)?;
    files.sort();
    let mut code = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        code.push_str(&format!("    ({name:?}, include_str!({file:?})),\n"));
    }
    code.push_str("]\n");
    Ok(code)
}

fn find_toml(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_toml(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
