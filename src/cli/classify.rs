//! `cordon classify`: texts as arguments, or JSON lines in and JSON lines out; in this process, or by a running
//! service. A line that cannot be read is answered with an error and the level confidential, and the rest goes on.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use crate::classify::{Classified, Classifier, NerMode, Query, RULES_REACHED_HIGHEST_LEVEL};
use crate::detect::{Status, Trace};
use crate::document::Document;
use crate::service::{ANONYMOUS, convert, proto};
use crate::startup;
use proto::classifier_service_client::ClassifierServiceClient;
use proto::classify_stream_response::Result as ItemResult;

use super::client::{self, Server};
use super::explain::{Asked as Span, Context, Why};
use super::jsonl::{self, BadLine, Item, Items};
use super::row::{Row, Types, text_of};
use super::{CommandResult, Common, Exit, Failure, explain, output};

/// Arguments of `classify`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// The texts.
    text: Vec<String>,
    /// JSON lines, `{"id": …, "text": …}`; a file or `-` for standard input. Prints JSON lines.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    input: Option<String>,
    /// Print JSON lines instead of a table.
    #[arg(long)]
    json: bool,
    /// Run the named-entity model even where the rules already reach the highest level, so that all spans are found.
    #[arg(long)]
    all_findings: bool,
    /// Explain each text: what was found in it, by whom, how sure that is and why, and which rule gave the level. Shows
    /// the text.
    #[arg(long)]
    explain: bool,
    /// Say why the characters from START to before END of each text were found or not. In this process only.
    #[arg(long, value_name = "START:END")]
    why: Option<Span>,
    /// Show only findings with at least this score, from 0 to 1.
    #[arg(long, default_value_t = 0.0, value_name = "SCORE")]
    min_score: f32,
}

type Line = Result<(Value, Item), (Value, String)>;

/// The items of the arguments: the texts, or the lines of the input.
fn items(
    arguments: &Arguments,
    max_bytes: u64,
) -> Result<Box<dyn Iterator<Item = std::io::Result<Line>> + Send>, Failure> {
    let Some(path) = &arguments.input else {
        if arguments.text.is_empty() {
            return Err(Failure("give texts as arguments, or --input FILE (`-` for standard input)".into()));
        }
        let texts = arguments.text.clone().into_iter().enumerate();
        return Ok(Box::new(
            texts.map(|(index, text)| Ok(Ok((Value::from(index + 1), Item { id: None, text, declared_level: None })))),
        ));
    };
    let reader: Box<dyn BufRead + Send> = jsonl::open(path)?;
    // JSON escapes can make a line six times as long as its text.
    Ok(Box::new(Items::new(reader, max_bytes.saturating_mul(6)).map(|item| {
        Ok(match item? {
            Ok((line, item)) => Ok((item.id.clone().unwrap_or_else(|| Value::from(line)), item)),
            Err(BadLine { line, problem }) => Err((Value::from(line), format!("line {line} {problem}"))),
        })
    })))
}

pub(super) fn run(common: &Common, arguments: Arguments) -> CommandResult {
    if !(0.0..=1.0).contains(&arguments.min_score) {
        return Err(Failure("--min-score must be from 0 to 1".into()));
    }
    if arguments.why.is_some() && arguments.server.server.is_some() {
        let problem = "--why watches the detectors of this process; leave out --server and CORDON_SERVER, or use --explain with it";
        return Err(Failure(problem.into()));
    }
    let runtime = super::runtime()?;
    if arguments.server.server.is_some() {
        runtime.block_on(by_service(common, arguments))
    } else {
        runtime.block_on(in_process(common, arguments))
    }
}

async fn in_process(common: &Common, arguments: Arguments) -> CommandResult {
    let config = common.load()?;
    let limit = config.limits.max_text_bytes;
    let items = items(&arguments, limit)?;
    let classifier = Arc::new(startup::classifier(&config)?);
    let patience = config.limits.classify_deadline();
    let ner = if arguments.all_findings { NerMode::Always } else { NerMode::Auto };
    let width = std::thread::available_parallelism().map_or(2, |cores| cores.get() * 2);
    let mut printer = Printer::new(&arguments);
    let mut rows = futures_util::stream::iter(items)
        .map(|line| {
            let classifier = Arc::clone(&classifier);
            async move {
                let (id, item) = match line? {
                    Ok(pair) => pair,
                    Err((id, problem)) => return Ok::<_, std::io::Error>(Row::failed(id, problem)),
                };
                if item.text.len() as u64 > limit {
                    let problem = format!(
                        "the text holds {} bytes, the limit max_text_bytes is {limit}; split it, nothing was scanned",
                        item.text.len()
                    );
                    return Ok(Row::failed(id, problem));
                }
                let document = Arc::new(Document::of(item.text));
                let query = Query { declared_level: item.declared_level, ner, caller: ANONYMOUS.into() };
                let classified = classifier.classify(&document, &query, Instant::now() + patience).await;
                let catalog = classifier.catalog();
                let row = Row::local(id, &classified, &document, &catalog, arguments.min_score);
                let row = if arguments.explain || arguments.why.is_some() {
                    row.explained(&classified, &document, &query)
                } else {
                    row
                };
                let Some(span) = arguments.why else { return Ok(row) };
                let skipped = skipped_model(&classified);
                let context = (skipped, arguments.min_score);
                Ok(why(row, span, context, &classifier, &document, &query, Instant::now() + patience).await)
            }
        })
        .buffered(width);
    while let Some(row) = rows.try_next().await? {
        printer.print(&row)?;
    }
    drop(rows);
    classifier.shutdown().await;
    printer.finish()
}

/// Whether the policy let the model be skipped because the rules already decide.
fn skipped_model(classified: &Classified) -> bool {
    classified.verdict.coverage().detectors.iter().any(|entry| {
        matches!(&entry.status, Status::PermittedSkip(reason) if reason.as_ref() == RULES_REACHED_HIGHEST_LEVEL)
    })
}

/// A row with the answer about a span: the same run again, traced, with the model.
async fn why(
    mut row: Row,
    span: Span,
    (model_skipped, shown_min_score): (bool, f32),
    classifier: &Classifier,
    document: &Arc<Document>,
    query: &Query,
    deadline: Instant,
) -> Row {
    let text = text_of(document);
    let bytes = match span.bytes(text) {
        Ok(bytes) => bytes,
        Err(problem) => {
            row.error = Some(problem);
            return row;
        }
    };
    let mut trace = Trace::new(0, bytes);
    let query = Query { ner: NerMode::Always, ..query.clone() };
    let classified = classifier.classify_traced(document, &query, deadline, Some(&mut trace)).await;
    let catalog = classifier.catalog();
    let run = Row::local(row.id.clone(), &classified, document, &catalog, shown_min_score);
    let context = Context {
        text,
        catalog: &catalog,
        rows: &run.findings,
        policy_min_score: classified.policy.min_score(),
        shown_min_score,
        model_skipped,
    };
    row.why = Some(Why::of(span, &trace, &classified, &context));
    row
}

/// An item that was sent, and its text where the answer is explained.
struct Asked {
    id: Value,
    text: Option<String>,
}

async fn by_service(common: &Common, arguments: Arguments) -> CommandResult {
    let limit = common.file()?.server.limits.max_text_bytes;
    let items = items(&arguments, limit)?;
    let connection = arguments.server.connect(client::DEFAULT_SERVER).await?;
    let mut service = ClassifierServiceClient::new(connection).max_decoding_message_size(usize::MAX);
    let types = service.list_entity_types(proto::ListEntityTypesRequest {}).await.map_err(|s| client::explain(&s))?;
    let types: Types = types.into_inner().entity_types.into_iter().map(|info| (info.name.clone(), info)).collect();
    let options = proto::ClassifyOptions {
        min_score: arguments.min_score,
        ner: if arguments.all_findings { proto::NerMode::Always } else { proto::NerMode::Auto } as i32,
        ..Default::default()
    };
    // A line that cannot be read is not sent; its place among the answers is kept here.
    let (ids, mut waiting) = tokio::sync::mpsc::channel::<Result<Asked, Row>>(1024);
    let explain = arguments.explain;
    let requests = futures_util::stream::iter(items).filter_map(move |line| {
        let (ids, options) = (ids.clone(), options.clone());
        async move {
            let (place, request) = match line {
                Ok(Ok((id, item))) => {
                    let text = explain.then(|| item.text.clone());
                    let declared = item.declared_level.map_or(0, |level| convert::level(level) as i32);
                    let request = proto::ClassifyRequest {
                        text: item.text,
                        options: Some(options),
                        declared_level: declared,
                        ..Default::default()
                    };
                    (Ok(Asked { id, text }), Some(request))
                }
                Ok(Err((id, problem))) => (Err(Row::failed(id, problem)), None),
                Err(error) => (Err(Row::failed(Value::Null, error.to_string())), None),
            };
            ids.send(place).await.ok()?;
            request
        }
    });
    let mut answers = service.classify_stream(requests).await.map_err(|s| client::explain(&s))?.into_inner();
    let mut printer = Printer::new(&arguments);
    while let Some(place) = waiting.recv().await {
        let Asked { id, text } = match place {
            Ok(asked) => asked,
            Err(row) => {
                printer.print(&row)?;
                continue;
            }
        };
        let answer = answers.message().await.map_err(|s| client::explain(&s))?;
        let row = match answer.and_then(|answer| answer.result) {
            Some(ItemResult::Response(response)) => {
                let verdict = response.verdict.unwrap_or_default();
                match text {
                    Some(text) => Row::remote_explained(id, verdict, &types, text),
                    None => Row::remote(id, verdict, &types),
                }
            }
            Some(ItemResult::Error(error)) => Row::failed(id, error.message),
            None => Row::failed(id, "the service ended the stream before this item".to_owned()),
        };
        printer.print(&row)?;
    }
    printer.finish()
}

/// Prints rows as they come, and remembers whether one failed.
struct Printer {
    json: bool,
    explain: bool,
    failed: bool,
}

impl Printer {
    fn new(arguments: &Arguments) -> Self {
        let for_people = arguments.explain || arguments.why.is_some();
        let json = arguments.json || (arguments.input.is_some() && !for_people);
        Self { json, explain: arguments.explain, failed: false }
    }

    fn print(&mut self, row: &Row) -> std::io::Result<()> {
        self.failed |= row.error.is_some();
        if self.json {
            return output::json(row);
        }
        if let Some(detail) = &row.detail {
            if self.explain {
                output::line(explain::render(row))?;
            }
            if let Some(problem) = &row.error {
                output::error(problem);
            }
            return row.why.as_ref().map_or(Ok(()), |why| output::line(why.render(&row.id, &detail.text)));
        }
        output::line(format_args!("{}  {}", output::level(row.level), row.reasons.join(", ")))?;
        if let Some(problem) = &row.error {
            output::line(format_args!("  {problem}"))?;
        }
        if !row.findings.is_empty() {
            let mut table = output::table(&["entity type", "from", "to", "score", "detector", "recognizer"]);
            for finding in &row.findings {
                table.add_row([
                    finding.entity_type.clone(),
                    finding.start.to_string(),
                    finding.end.to_string(),
                    format!("{:.2}", finding.score),
                    finding.detector.clone(),
                    finding.recognizer.clone(),
                ]);
            }
            output::line(table)?;
        }
        Ok(())
    }

    fn finish(self) -> CommandResult {
        Ok(if self.failed { Exit::SomeFailed } else { Exit::Done })
    }
}
