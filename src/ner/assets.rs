//! Where the ONNX Runtime and the model are. It only looks and reads: fetching and checking digests is the asset script's
//! work. The runtime is where the configuration or the environment says, else in the cache of the user; the model too, but
//! without a word about it, it is the one in the program itself, which cannot be missing. A path that is named and not
//! there is an error, because falling back to another model would change verdicts silently.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::{NerConfig, NerError};

/// Library version that the asset lock pins.
const RUNTIME_FOLDER: &str = "onnxruntime-1.32.0";
/// Model that the asset lock pins.
const MODEL_FOLDER: &str = "rampart-1.4.0";
#[cfg(target_os = "macos")]
const LIBRARY: &str = "libonnxruntime.dylib";
#[cfg(not(target_os = "macos"))]
const LIBRARY: &str = "libonnxruntime.so";

/// Name of the pinned model in settings, in place of its folder.
pub const RAMPART: &str = "rampart";

/// The files to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Paths {
    /// ONNX Runtime, a shared library.
    pub(super) runtime: PathBuf,
    /// The model.
    pub(super) model: ModelPaths,
}

/// Where a model is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ModelPaths {
    /// In the program.
    Embedded,
    /// In files.
    Files {
        config: PathBuf,
        tokenizer: PathBuf,
        /// The graph.
        graph: PathBuf,
    },
}

/// A file of a model.
#[derive(Clone, Debug)]
pub(super) struct ModelFile {
    /// Where it was, for messages.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) bytes: Cow<'static, [u8]>,
}

/// The files of a model, read: what is hashed is what runs.
#[derive(Clone, Debug)]
pub(super) struct ModelFiles {
    pub(super) config: ModelFile,
    pub(super) tokenizer: ModelFile,
    pub(super) graph: ModelFile,
}

/// Cordon's own model, as `assets/ner` has it.
mod embedded {
    pub(super) const CONFIG: &[u8] = include_bytes!("../../assets/ner/config.json");
    pub(super) const TOKENIZER: &[u8] = include_bytes!("../../assets/ner/tokenizer.json");
    pub(super) const GRAPH: &[u8] = include_bytes!("../../assets/ner/model.onnx");
}

impl ModelPaths {
    /// Reads the files.
    pub(super) fn read(&self) -> Result<ModelFiles, NerError> {
        let (config, tokenizer, graph) = match self {
            Self::Embedded => {
                let file = |name: &str, bytes: &'static [u8]| ModelFile {
                    path: Path::new("(embedded)").join(name),
                    bytes: bytes.into(),
                };
                (
                    file("config.json", embedded::CONFIG),
                    file("tokenizer.json", embedded::TOKENIZER),
                    file("model.onnx", embedded::GRAPH),
                )
            }
            Self::Files { config, tokenizer, graph } => (read(config)?, read(tokenizer)?, read(graph)?),
        };
        Ok(ModelFiles { config, tokenizer, graph })
    }
}

fn read(path: &Path) -> Result<ModelFile, NerError> {
    let path = path.to_path_buf();
    let bytes = std::fs::read(&path).map_err(|source| NerError::Read { path: path.clone(), source })?;
    Ok(ModelFile { path, bytes: bytes.into() })
}

/// Finds the files, without opening them.
///
/// # Errors
/// [`NerError::Missing`] names the file, where it was expected and what to do.
pub(super) fn locate(config: &NerConfig) -> Result<Paths, NerError> {
    locate_in(config, &|key| std::env::var_os(key).filter(|value| !value.is_empty()).map(PathBuf::from))
}

fn locate_in(config: &NerConfig, env: &dyn Fn(&str) -> Option<PathBuf>) -> Result<Paths, NerError> {
    let assets = || -> Result<PathBuf, NerError> {
        let of_user = || env("XDG_CACHE_HOME").or_else(|| env("HOME").map(|home| home.join(".cache")));
        let cache = env("CORDON_CACHE").or_else(|| of_user().map(|cache| cache.join("cordon")));
        Ok(cache.ok_or(NerError::NoCache)?.join("assets"))
    };
    let runtime = match config.runtime.clone().or_else(|| env("CORDON_ONNXRUNTIME")) {
        Some(path) => path,
        None => assets()?.join(RUNTIME_FOLDER).join(LIBRARY),
    };
    let runtime = present(runtime, "the onnx runtime library", "ner.runtime or CORDON_ONNXRUNTIME")?;
    let model = match config.model.clone().or_else(|| env("CORDON_NER_MODEL")) {
        None => ModelPaths::Embedded,
        Some(name) if name == Path::new(RAMPART) => files_in(&assets()?.join(MODEL_FOLDER))?,
        Some(folder) => files_in(&folder)?,
    };
    Ok(Paths { runtime, model })
}

/// The files of a model in its folder.
fn files_in(folder: &Path) -> Result<ModelPaths, NerError> {
    const MODEL_KEY: &str = "ner.model or CORDON_NER_MODEL";
    Ok(ModelPaths::Files {
        config: present(folder.join("config.json"), "the ner model's config.json", MODEL_KEY)?,
        tokenizer: present(folder.join("tokenizer.json"), "the ner model's tokenizer.json", MODEL_KEY)?,
        graph: graph_in(folder, MODEL_KEY)?,
    })
}

fn present(path: PathBuf, what: &'static str, key: &'static str) -> Result<PathBuf, NerError> {
    if path.is_file() { Ok(path) } else { Err(NerError::Missing { what, path, key }) }
}

/// `model.onnx` in the folder or in `onnx/`, else the only graph there. Several without a `model.onnx` are a question
/// for the operator, not for us.
fn graph_in(folder: &Path, key: &'static str) -> Result<PathBuf, NerError> {
    let places = [folder.to_path_buf(), folder.join("onnx")];
    for place in &places {
        let path = place.join("model.onnx");
        if path.is_file() {
            return Ok(path);
        }
    }
    for place in &places {
        let mut graphs: Vec<PathBuf> = std::fs::read_dir(place)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
            .collect();
        match graphs.len() {
            0 => {}
            1 => return graphs.pop().ok_or(NerError::NoCache),
            _ => {
                return Err(NerError::Model(format!(
                    "{} holds several .onnx files; name the right one model.onnx",
                    place.display()
                )));
            }
        }
    }
    Err(NerError::Missing { what: "the ner model's graph", path: folder.join("model.onnx"), key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, b"x").unwrap();
    }

    fn pinned() -> NerConfig {
        NerConfig { model: Some(RAMPART.into()), ..NerConfig::default() }
    }

    fn graph(paths: Paths) -> PathBuf {
        match paths.model {
            ModelPaths::Files { graph, .. } => graph,
            ModelPaths::Embedded => panic!("the model of the program"),
        }
    }

    #[test]
    fn the_cache_is_the_last_place() {
        let home = tempfile::tempdir().unwrap();
        let assets = home.path().join(".cache/cordon/assets");
        let env = |key: &str| (key == "HOME").then(|| home.path().to_path_buf());
        let missing = locate_in(&pinned(), &env).unwrap_err().to_string();
        assert!(missing.contains("make assets") && missing.contains("CORDON_ONNXRUNTIME"), "{missing}");

        touch(&assets.join(RUNTIME_FOLDER).join(LIBRARY));
        assert_eq!(locate_in(&NerConfig::default(), &env).unwrap().model, ModelPaths::Embedded, "no more is needed");
        touch(&assets.join(MODEL_FOLDER).join("config.json"));
        touch(&assets.join(MODEL_FOLDER).join("tokenizer.json"));
        let missing = locate_in(&pinned(), &env).unwrap_err().to_string();
        assert!(missing.contains("graph"), "{missing}");
        touch(&assets.join(MODEL_FOLDER).join("model.onnx"));
        let paths = locate_in(&pinned(), &env).unwrap();
        assert_eq!(graph(paths), assets.join(MODEL_FOLDER).join("model.onnx"));
    }

    #[test]
    fn a_cache_of_ones_own_comes_before_the_users() {
        let own = tempfile::tempdir().unwrap();
        let assets = own.path().join("assets");
        touch(&assets.join(RUNTIME_FOLDER).join(LIBRARY));
        for file in ["config.json", "tokenizer.json", "model.onnx"] {
            touch(&assets.join(MODEL_FOLDER).join(file));
        }
        let env = |key: &str| match key {
            "CORDON_CACHE" => Some(own.path().to_path_buf()),
            _ => Some("/nonexistent".into()),
        };
        let named = |key: &str| env(key).filter(|_| key.ends_with("CACHE") || key.ends_with("HOME"));
        assert_eq!(graph(locate_in(&pinned(), &named).unwrap()), assets.join(MODEL_FOLDER).join("model.onnx"));
    }

    #[test]
    fn a_named_path_that_is_not_there_is_an_error_even_if_the_cache_has_one() {
        let home = tempfile::tempdir().unwrap();
        touch(&home.path().join(".cache/cordon/assets").join(RUNTIME_FOLDER).join(LIBRARY));
        let env = |key: &str| (key == "HOME").then(|| home.path().to_path_buf());
        let config = NerConfig { runtime: Some("/nonexistent/lib.so".into()), ..NerConfig::default() };
        assert!(matches!(locate_in(&config, &env), Err(NerError::Missing { .. })));
    }

    #[test]
    fn the_pinned_model_has_a_name_and_a_missing_folder_is_named() {
        let own = tempfile::tempdir().unwrap();
        let assets = own.path().join("assets");
        touch(&assets.join(RUNTIME_FOLDER).join(LIBRARY));
        let env = |key: &str| (key == "CORDON_CACHE").then(|| own.path().to_path_buf());
        let missing = locate_in(&pinned(), &env).unwrap_err().to_string();
        assert!(missing.contains(MODEL_FOLDER) && missing.contains("make assets"), "{missing}");
        for file in ["config.json", "tokenizer.json", "model.onnx"] {
            touch(&assets.join(MODEL_FOLDER).join(file));
        }
        assert_eq!(graph(locate_in(&pinned(), &env).unwrap()), assets.join(MODEL_FOLDER).join("model.onnx"));
        let by_env = |key: &str| env(key).or_else(|| (key == "CORDON_NER_MODEL").then(|| RAMPART.into()));
        let paths = locate_in(&NerConfig::default(), &by_env).unwrap();
        assert_eq!(graph(paths), assets.join(MODEL_FOLDER).join("model.onnx"), "by the environment");
        let named = NerConfig { model: Some("/nonexistent/model".into()), ..NerConfig::default() };
        let missing = locate_in(&named, &env).unwrap_err().to_string();
        assert!(missing.contains("/nonexistent/model") && missing.contains("ner.model"), "{missing}");
    }

    #[test]
    fn an_export_of_any_name_is_found_and_two_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        touch(&folder.path().join("onnx/model_q4.onnx"));
        assert_eq!(graph_in(folder.path(), "k").unwrap(), folder.path().join("onnx/model_q4.onnx"));
        touch(&folder.path().join("onnx/model_fp16.onnx"));
        assert!(graph_in(folder.path(), "k").is_err());
        touch(&folder.path().join("onnx/model.onnx"));
        assert_eq!(graph_in(folder.path(), "k").unwrap(), folder.path().join("onnx/model.onnx"));
    }
}
