//! ONNX Runtime behind the seam. This is the only file that knows `ort`.
//!
//! One session for each lane, one thread inside it: on a CPU, sequences of their own length in parallel beat a padded
//! batch, and a session is not safe to share. The runtime library is loaded once for the process, from a path that
//! the configuration names; nothing is downloaded.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{Tensor, TensorElementType, ValueType};

use super::assets::ModelFile;
use super::eight_bit::converted;
use super::{ClassifierError, Logits, NerError, Sequence, TokenClassifier};

/// The environment and the library that it came from. `ort` allows one for each process.
static RUNTIME: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// Loads the library, or gives the environment that is already there.
pub(super) fn environment(library: &Path) -> Result<Environment, NerError> {
    let damaged =
        |why: String| NerError::Damaged { what: "the onnx runtime library", path: library.to_path_buf(), why };
    // An absolute path, because a relative one would be looked for beside the executable first.
    let path =
        std::fs::canonicalize(library).map_err(|source| NerError::Read { path: library.to_path_buf(), source })?;
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((loaded, environment)) = runtime.as_ref() {
        if *loaded != path {
            return Err(NerError::RuntimeTaken { loaded: loaded.clone() });
        }
        return Ok(environment.clone());
    }
    let environment = ort::init_from(&path)
        .map_err(|error| damaged(error.to_string()))?
        .with_name("cordon")
        .with_telemetry(false)
        .build()
        .map_err(|error| damaged(error.to_string()))?;
    environment.set_log_level(ort::logging::LogLevel::Error);
    *runtime = Some((path, environment.clone()));
    Ok(environment)
}

/// The graph's bytes, and where they came from for error messages.
#[derive(Clone)]
pub(super) struct Graph {
    /// What is hashed is what runs.
    pub(super) bytes: Arc<Cow<'static, [u8]>>,
    /// Where it was.
    pub(super) path: PathBuf,
}

impl Graph {
    /// The graph of the file; its products are made 8-bit ones if that is wanted and possible.
    pub(super) fn of(file: ModelFile, eight_bit: bool) -> Self {
        let ModelFile { path, bytes } = file;
        let converted = if eight_bit { converted(&bytes) } else { None };
        Self { bytes: Arc::new(converted.map_or(bytes, Cow::Owned)), path }
    }
}

/// Which tensor an input of the graph wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    Ids,
    Ones,
    Zeros,
    Positions,
    Shapes,
}

struct Input {
    name: String,
    fill: Fill,
    wide: bool,
}

/// A session with what it wants to be fed.
pub(super) struct OnnxClassifier {
    session: Session,
    inputs: Vec<Input>,
    output: usize,
    /// The output of that name, if the graph has one.
    topics: Option<usize>,
}

impl OnnxClassifier {
    /// Builds a session with one thread.
    pub(super) fn new(environment: &Environment, graph: &Graph) -> Result<Self, NerError> {
        let session = session(environment, &graph.bytes).map_err(|error| NerError::Damaged {
            what: "the ner model's graph",
            path: graph.path.clone(),
            why: error.to_string(),
        })?;
        let inputs = session.inputs().iter().map(input).collect::<Result<Vec<_>, _>>()?;
        if !inputs.iter().any(|input| input.fill == Fill::Ids) {
            return Err(NerError::Model("the graph has no input named input_ids".into()));
        }
        let floats = |outlet: &ort::value::Outlet| {
            matches!(outlet.dtype(), ValueType::Tensor { ty: TensorElementType::Float32, .. })
        };
        let named = |name: &str| session.outputs().iter().position(|outlet| outlet.name() == name && floats(outlet));
        let topics = named("topics");
        let output = named("logits")
            .or_else(|| session.outputs().iter().position(floats).filter(|first| Some(*first) != topics))
            .ok_or_else(|| NerError::Model("the graph has no 32-bit float output of logits".into()))?;
        Ok(Self { session, inputs, output, topics })
    }
}

fn session(environment: &Environment, bytes: &[u8]) -> ort::Result<Session> {
    let builder = Session::builder(environment)?;
    builder
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        // Every window has its own length, so a plan of the memory for one length fits no other.
        .with_memory_pattern(false)?
        .commit_from_memory(bytes)
}

fn input(outlet: &ort::value::Outlet) -> Result<Input, NerError> {
    let wide = match outlet.dtype() {
        ValueType::Tensor { ty: TensorElementType::Int64, .. } => true,
        ValueType::Tensor { ty: TensorElementType::Int32, .. } => false,
        _ => return Err(NerError::Model(format!("the input {} is no tensor of integers", outlet.name()))),
    };
    let fill = match outlet.name() {
        "input_ids" => Fill::Ids,
        "attention_mask" => Fill::Ones,
        "token_type_ids" => Fill::Zeros,
        "position_ids" => Fill::Positions,
        "shapes" => Fill::Shapes,
        other => return Err(NerError::Model(format!("the graph wants an input {other} that is not known here"))),
    };
    Ok(Input { name: outlet.name().to_owned(), fill, wide })
}

fn tensor(input: &Input, sequence: &Sequence) -> ort::Result<SessionInputValue<'static>> {
    let shape = [1, sequence.ids.len()];
    let tokens = sequence.ids.iter().zip(&sequence.shapes).zip(0_i32..);
    let values = tokens.map(|((id, shape), position)| match input.fill {
        Fill::Ids => i32::try_from(*id).unwrap_or(i32::MAX),
        Fill::Ones => 1,
        Fill::Zeros => 0,
        Fill::Positions => position,
        Fill::Shapes => i32::from(*shape),
    });
    if input.wide {
        Ok(Tensor::from_array((shape, values.map(i64::from).collect::<Vec<_>>()))?.into())
    } else {
        Ok(Tensor::from_array((shape, values.collect::<Vec<_>>()))?.into())
    }
}

impl TokenClassifier for OnnxClassifier {
    fn classify(&mut self, sequence: &Sequence) -> Result<Logits, ClassifierError> {
        let mut feed = Vec::with_capacity(self.inputs.len());
        for input in &self.inputs {
            feed.push((input.name.clone(), tensor(input, sequence).map_err(|_| ClassifierError::Run)?));
        }
        let outputs = self.session.run(feed).map_err(|_| ClassifierError::Run)?;
        let tensor = |index: usize| -> Result<(Vec<i64>, Vec<f32>), ClassifierError> {
            let output = outputs.values().nth(index).ok_or(ClassifierError::Output)?;
            let (shape, values) = output.try_extract_tensor::<f32>().map_err(|_| ClassifierError::Output)?;
            Ok((shape.to_vec(), values.to_vec()))
        };
        let (shape, values) = tensor(self.output)?;
        let topics = match self.topics.map(tensor).transpose()? {
            Some((shape, topics)) if matches!(*shape, [1, _]) => topics,
            Some(_) => return Err(ClassifierError::Output),
            None => Vec::new(),
        };
        let [1, tokens, labels] = *shape else { return Err(ClassifierError::Output) };
        let (Ok(tokens), Ok(labels)) = (usize::try_from(tokens), usize::try_from(labels)) else {
            return Err(ClassifierError::Output);
        };
        Ok(Logits { values, tokens, labels, topics })
    }
}
