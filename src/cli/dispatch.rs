//! `cordon dispatch`: one request through a running service, the answer streamed as it comes.

use std::io::{self, Read as _, Write as _};

use serde::Serialize;

use crate::money::Amount;
use crate::policy::{Complexity, Sensitivity};
use crate::service::proto;
use proto::dispatch_stream_response::Event;
use proto::dispatcher_service_client::DispatcherServiceClient;

use super::client::{self, Server};
use super::{CommandResult, Exit, Failure, output};
use crate::service::convert;

/// Arguments of `dispatch`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: Server,
    /// The message; read from --input when absent.
    text: Option<String>,
    /// File with the message, or `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    input: Option<String>,
    /// Instructions to the model.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// How much the request asks of a model; estimated when absent.
    #[arg(long, value_parser = ["simple", "moderate", "complex"])]
    complexity: Option<String>,
    /// Your own opinion of the level; it can raise it, never lower it.
    #[arg(long, value_parser = ["public", "internal", "confidential"])]
    declared_level: Option<String>,
    /// Treat the text as of this lower level, where the policy lets you; the verdict keeps its own.
    #[arg(long, value_name = "LEVEL", value_parser = ["public", "internal", "confidential"])]
    override_level: Option<String>,
    /// Why, in one word for the audit log.
    #[arg(long, value_name = "WORD", requires = "override_level", default_value = "")]
    override_reason: String,
    /// At most this many tokens in the answer.
    #[arg(long, value_name = "TOKENS")]
    max_tokens: Option<u32>,
    /// Kept in the audit record.
    #[arg(long, value_name = "ID", default_value = "")]
    request_id: String,
    /// Say how sure the local model was of its answer.
    #[arg(long)]
    confidence: bool,
    /// Say where it would go, and call nothing.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object at the end.
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Debug, Default, Serialize)]
struct Report {
    decision_id: String,
    level: Option<Sensitivity>,
    reasons: Vec<String>,
    entity_types: Vec<String>,
    coverage_complete: bool,
    route: Option<&'static str>,
    backend: String,
    model: String,
    complexity: Option<Complexity>,
    complexity_reasons: Vec<String>,
    route_rule: String,
    /// Why the route differs from what the policy prefers; empty if it does not.
    reason: String,
    /// The override that was granted; empty if none was.
    overridden: String,
    content: String,
    finish_reason: Option<String>,
    input_tokens: u64,
    output_tokens: u64,
    time_to_first_token_ms: f64,
    total_ms: f64,
    cached_input_tokens: u64,
    /// Millionths of a US dollar; absent if no price is known.
    cost_micros: Option<u64>,
    other_side_cost_micros: Option<u64>,
    cost_estimated: bool,
    confidence: Option<Confidence>,
    /// Whether the cloud's answer took the place of the local one.
    escalated: bool,
    /// Why it did not, though the local one was not sure enough.
    escalation_withheld: String,
}

/// How sure the local model was.
#[derive(Debug, Serialize)]
struct Confidence {
    /// From 0 to 1.
    score: f64,
    low: bool,
    early: bool,
    signals: Vec<String>,
    reasons: Vec<String>,
}

pub(super) fn run(arguments: Arguments) -> CommandResult {
    super::runtime()?.block_on(dispatch(arguments))
}

fn message(arguments: &Arguments) -> Result<String, Failure> {
    let read = |path: &str| -> io::Result<String> {
        let mut bytes = Vec::new();
        if path == "-" {
            io::stdin().read_to_end(&mut bytes)?;
        } else {
            bytes = std::fs::read(path)?;
        }
        String::from_utf8(bytes).map_err(|_| io::Error::other("the message is not valid UTF-8; convert it first"))
    };
    match (&arguments.text, &arguments.input) {
        (Some(text), _) => Ok(text.clone()),
        (None, Some(path)) => Ok(read(path)?),
        (None, None) => {
            Err(Failure("give the message as an argument, or --input FILE (`-` for standard input)".into()))
        }
    }
}

fn request(arguments: &Arguments) -> Result<proto::DispatchRequest, Failure> {
    let mut messages = Vec::new();
    if let Some(system) = &arguments.system {
        messages.push(proto::Message {
            role: proto::Role::System as i32,
            content: system.clone(),
            ..Default::default()
        });
    }
    messages.push(proto::Message {
        role: proto::Role::User as i32,
        content: message(arguments)?,
        ..Default::default()
    });
    let complexity = match arguments.complexity.as_deref() {
        Some("simple") => proto::Complexity::Simple,
        Some("moderate") => proto::Complexity::Moderate,
        Some("complex") => proto::Complexity::Complex,
        _ => proto::Complexity::Unspecified,
    };
    let level = |name: Option<&str>| match name {
        Some("public") => proto::Sensitivity::Public,
        Some("internal") => proto::Sensitivity::Internal,
        Some("confidential") => proto::Sensitivity::Confidential,
        _ => proto::Sensitivity::Unspecified,
    };
    let declared = level(arguments.declared_level.as_deref());
    let level_override = arguments.override_level.as_deref().map(|name| proto::LevelOverride {
        level: level(Some(name)) as i32,
        reason_code: arguments.override_reason.clone(),
    });
    Ok(proto::DispatchRequest {
        request_id: arguments.request_id.clone(),
        messages,
        generation: Some(proto::GenerationOptions { max_output_tokens: arguments.max_tokens, ..Default::default() }),
        complexity: complexity as i32,
        declared_level: declared as i32,
        level_override,
        validate_only: arguments.dry_run,
        confidence: arguments.confidence,
        ..Default::default()
    })
}

async fn dispatch(arguments: Arguments) -> CommandResult {
    let request = request(&arguments)?;
    let connection = arguments.server.connect(client::DEFAULT_SERVER).await?;
    let mut service = DispatcherServiceClient::new(connection).max_decoding_message_size(usize::MAX);
    let mut stream = service.dispatch_stream(request).await.map_err(|status| client::explain(&status))?.into_inner();
    let mut report = Report::default();
    while let Some(message) = stream.message().await.map_err(|status| client::explain(&status))? {
        report.decision_id = message.decision_id;
        match message.event {
            Some(Event::Verdict(verdict)) => report.verdict(&verdict),
            Some(Event::Decision(decision)) => {
                report.decision(decision);
                if !arguments.json {
                    report.announce()?;
                }
            }
            Some(Event::Delta(delta)) => {
                if !arguments.json {
                    let mut out = io::stdout().lock();
                    out.write_all(delta.as_bytes())?;
                    out.flush()?;
                }
                report.content.push_str(&delta);
            }
            // The command line offers no tools, so no model can call one.
            Some(Event::ToolCall(_)) => {}
            Some(Event::Outcome(outcome)) => report.outcome(&outcome),
            None => {}
        }
    }
    if arguments.json {
        output::json(&report)?;
    } else {
        output::line("")?;
        output::note(&format!(
            "{} tokens in, {} out, {:.0} ms{}; decision {}",
            report.input_tokens,
            report.output_tokens,
            report.total_ms,
            report.costs(),
            report.decision_id
        ));
        if let Some(told) = report.told_of_confidence() {
            output::note(&told);
        }
    }
    Ok(Exit::Done)
}

impl Report {
    fn verdict(&mut self, verdict: &proto::Verdict) {
        self.level = convert::level_from_proto(verdict.level());
        self.reasons = verdict.reasons.iter().map(|reason| reason.rule.clone()).collect();
        self.entity_types = verdict.findings.iter().map(|finding| finding.entity_type.clone()).collect();
        self.entity_types.sort();
        self.entity_types.dedup();
        self.coverage_complete = verdict.coverage.as_ref().is_some_and(|coverage| coverage.complete);
    }

    fn decision(&mut self, decision: proto::Decision) {
        self.route = Some(route_name(decision.route()));
        self.complexity = match decision.complexity() {
            proto::Complexity::Unspecified => None,
            proto::Complexity::Simple => Some(Complexity::Simple),
            proto::Complexity::Moderate => Some(Complexity::Moderate),
            proto::Complexity::Complex => Some(Complexity::Complex),
        };
        self.backend = decision.backend;
        self.model = decision.model;
        self.complexity_reasons = decision.complexity_reasons;
        self.route_rule = decision.route_rule;
        self.reason = decision.reason;
        self.overridden = decision.overridden.map(|overridden| overridden.rule).unwrap_or_default();
    }

    fn outcome(&mut self, outcome: &proto::Outcome) {
        self.finish_reason = Some(outcome.finish_reason().as_str_name().to_owned());
        self.route = Some(route_name(outcome.route()));
        self.backend.clone_from(&outcome.backend);
        self.model.clone_from(&outcome.model);
        self.input_tokens = outcome.input_tokens;
        self.output_tokens = outcome.output_tokens;
        self.time_to_first_token_ms = milliseconds(outcome.time_to_first_token_us);
        self.total_ms = milliseconds(outcome.total_us);
        self.cached_input_tokens = outcome.cached_input_tokens;
        self.cost_micros = outcome.cost_micros;
        self.other_side_cost_micros = outcome.other_side_cost_micros;
        self.cost_estimated = outcome.cost_estimated;
        self.confidence = outcome.confidence.as_ref().map(|confidence| Confidence {
            score: f64::from(confidence.millionths) / 1e6,
            low: confidence.low,
            early: confidence.early,
            signals: confidence.signals.clone(),
            reasons: confidence.reasons.clone(),
        });
        self.escalated = outcome.escalated;
        self.escalation_withheld.clone_from(&outcome.escalation_withheld);
    }

    /// What it costs, for people; empty if nobody knows.
    fn costs(&self) -> String {
        let most = if self.cost_estimated { "at most " } else { "" };
        let dollars = |micros| Amount::from_micros(micros);
        let mut told = String::new();
        if let Some(micros) = self.cost_micros {
            told.push_str(&format!(", {most}{}", dollars(micros)));
        }
        if let Some(micros) = self.other_side_cost_micros {
            let other = if self.route == Some("cloud") { "local" } else { "in the cloud" };
            told.push_str(&format!(", {most}{} {other}", dollars(micros)));
        }
        told
    }

    fn told_of_confidence(&self) -> Option<String> {
        let Confidence { score, reasons, .. } = self.confidence.as_ref()?;
        let why = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        let then = match self.escalation_withheld.as_str() {
            _ if self.escalated => "; the cloud answered instead".to_owned(),
            "" => String::new(),
            withheld => format!("; it stays local: {withheld}"),
        };
        Some(format!("confidence of the local answer {score:.2}{why}{then}"))
    }

    fn announce(&self) -> io::Result<()> {
        let level = self.level.map_or_else(|| "unknown, so confidential".to_owned(), output::level);
        let reasons = if self.reasons.is_empty() { "nothing sensitive found".into() } else { self.reasons.join(", ") };
        let why = if self.reason.is_empty() { String::new() } else { format!(", {}", self.reason) };
        let mut err = anstream::stderr();
        writeln!(err, "{level} ({reasons})")?;
        writeln!(err, "→ {} by {}{why}: {} {}", self.route.unwrap_or("?"), self.route_rule, self.backend, self.model)
    }
}

fn route_name(route: proto::Route) -> &'static str {
    match route {
        proto::Route::Local => "local",
        proto::Route::Cloud => "cloud",
        proto::Route::CloudRedacted => "cloud-redacted",
        proto::Route::Unspecified => "none",
    }
}

#[allow(clippy::cast_precision_loss, reason = "microseconds of one request fit")]
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
