//! The way to the cloud for text that may not leave as it is: every finding is replaced by a placeholder, what is left is
//! classified again as a conversation of its own, and only on that verdict, and where the route allows it, it leaves.
//! The answer gets its values back as it comes.
//!
//! The placeholder map lives as long as the request, in memory only. Values are not put back into addresses, code or
//! calls of tools, through which whoever writes the answer could have them carried away, unless the policy says so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};

use crate::detect::{Category, Detector, Finding, Status};
use crate::document::{Conversation, Message, Role, Text};
use crate::policy::{Permit, RestoreIn, Route, RoutePlan};
use crate::redact::{
    Operators, PlaceholderMap, RedactError, RedactionKey, RestoreOptions, Restorer, redact_conversation, restore,
};

use super::dispatcher::within;
use super::error::DispatchError;
use super::plan::reason;
use super::provider::{AnswerStream, Piece, ProviderError, ToolCallPiece};
use super::request::{self, Classify, Judged, Request};

/// Said to the model before everything else, so that its answer keeps the placeholders.
const ABOUT_PLACEHOLDERS: &str = "Some values in this conversation are replaced by placeholders such as ⟦PERSON_1⟧. \
     The same placeholder always stands for the same value. Use placeholders as they are where you refer to a value.";

/// Conversations up to this many bytes are redacted where the request runs; that takes well below a millisecond.
const INLINE_BYTES: u64 = 16 * 1024;

/// A redacted conversation with its own verdict.
pub(super) struct Redacted {
    pub(super) conversation: Arc<Conversation>,
    pub(super) judged: Judged,
    /// How many values were replaced.
    pub(super) replaced: u64,
    map: Arc<PlaceholderMap>,
    places: Places,
}

/// What became of the redaction of a request.
#[derive(Clone, Copy)]
pub(super) enum Redaction<'a> {
    /// The route has none.
    None,
    /// The text stays, for this reason.
    Stays(&'static str),
    /// This may leave.
    May(&'a Redacted),
}

impl<'a> Redaction<'a> {
    /// Why the text stays, if a redaction is the reason.
    pub(super) fn stays(self) -> Option<&'static str> {
        match self {
            Self::Stays(reason) => Some(reason),
            Self::None | Self::May(_) => None,
        }
    }

    /// What goes by this route instead of the text.
    pub(super) fn of_route(self, route: Route) -> Option<&'a Redacted> {
        match self {
            Self::May(redacted) if route == Route::CloudRedacted => Some(redacted),
            _ => None,
        }
    }
}

/// Where values are put back.
#[derive(Clone, Copy)]
struct Places {
    options: RestoreOptions,
    in_tool_calls: bool,
}

/// Whether a verdict says where everything is that can be found: the named-entity model may be left out where the rules
/// alone give the level, but not where its findings are to be replaced.
pub(super) fn knows_every_span(judged: &Judged) -> bool {
    judged.verdict.coverage().detectors.iter().all(|entry| {
        entry.detector != Detector::Ner
            || !matches!(&entry.status, Status::PermittedSkip(why) if &**why == crate::classify::RULES_REACHED_HIGHEST_LEVEL)
    })
}

/// Redacts the conversation of a request and classifies what is left.
///
/// # Errors
/// When the time is over. Inside: the reason why the text stays.
pub(super) async fn redact(
    request: &Request,
    judged: &Judged,
    plan: &RoutePlan,
    classify: &dyn Classify,
) -> Result<Result<Redacted, &'static str>, DispatchError> {
    // What some detector did not see cannot be replaced.
    if !judged.verdict.coverage().is_complete() || !knows_every_span(judged) {
        return Ok(Err(reason::NOT_REDACTABLE));
    }
    let (conversation, verdict) = (Arc::clone(&request.conversation), Arc::clone(&judged.verdict));
    let caller = Arc::clone(&request.caller);
    let bytes = conversation.document().total_bytes();
    let work = move || replaced(&conversation, verdict.findings(), &caller);
    let done = if bytes <= INLINE_BYTES {
        work()
    } else {
        match within(request.deadline, tokio::task::spawn_blocking(work)).await? {
            Ok(done) => done,
            Err(_) => Err(RedactError::Unreached),
        }
    };
    let (conversation, map, replaced) = match done {
        Ok(done) => done,
        Err(error) => {
            tracing::warn!(%error, "a conversation could not be redacted; it stays local");
            return Ok(Err(reason::NOT_REDACTABLE));
        }
    };
    // What the caller declared holds for the redacted text too: it may know something that no detector finds, and then
    // nothing of it was replaced.
    let again = Request { conversation: Arc::clone(&conversation), always_ner: true, ..request.clone() };
    let judged = within(request.deadline, classify.classify(&again)).await?;
    let allowed = |place| plan.restore_in().contains(&place);
    let places = Places {
        options: RestoreOptions { in_urls: allowed(RestoreIn::Urls), in_code: allowed(RestoreIn::Code) },
        in_tool_calls: allowed(RestoreIn::ToolCalls),
    };
    Ok(Ok(Redacted { conversation, judged, replaced, map: Arc::new(map), places }))
}

/// Adds what may leave to the permit, or says why it stays.
pub(super) fn permitted(
    permit: Permit,
    plan: &RoutePlan,
    judged: &Judged,
    redacted: &Redacted,
) -> (Permit, Option<&'static str>) {
    let verdict = &redacted.judged.verdict;
    let permit = judged.policy.permit_redacted(permit, plan, verdict, Arc::clone(&redacted.conversation));
    let stays = permit.ceiling() < Route::CloudRedacted;
    (permit, stays.then_some(reason::REDACTED_TEXT_NOT_PERMITTED))
}

fn replaced(
    conversation: &Conversation,
    findings: &[Finding],
    caller: &str,
) -> Result<(Arc<Conversation>, PlaceholderMap, u64), RedactError> {
    let mut map = PlaceholderMap::new()?;
    // Placeholders need no key; one is made for the call and goes with it.
    let key = RedactionKey::random()?;
    let values: Vec<Finding> = findings.iter().filter(|finding| is_a_value(finding)).cloned().collect();
    let (redacted, spans) = redact_conversation(conversation, &values, &Operators::default(), &key, caller, &mut map)?;
    let redacted = if spans.is_empty() { redacted } else { with_note(&redacted) };
    Ok((Arc::new(redacted), map, spans.len() as u64))
}

/// Whether a finding is a value that can be taken out of a text, and not a word that says what the text is about. A
/// marking, a diagnosis or a merger must stay for the second verdict to see: a text does not become public because the
/// words `strictly confidential` were replaced in it.
fn is_a_value(finding: &Finding) -> bool {
    match finding.category {
        Category::Marking | Category::Business | Category::SpecialCategory => false,
        Category::Health => {
            finding.detector != Detector::Dictionary && !SUBJECTS.contains(&finding.entity_type.as_str())
        }
        Category::Person
        | Category::Contact
        | Category::Location
        | Category::Organization
        | Category::GovernmentId
        | Category::Financial
        | Category::Credential
        | Category::Network
        | Category::Device
        | Category::Temporal
        | Category::Other => true,
    }
}

/// Types of health that are no numbers of somebody.
const SUBJECTS: [&str; 2] = ["HEALTH_CONDITION", "MEDICATION"];

/// The conversation with a word about placeholders before it.
fn with_note(conversation: &Conversation) -> Conversation {
    let mut messages = vec![Message::new(Role::System, ABOUT_PLACEHOLDERS)];
    messages.extend_from_slice(conversation.messages());
    Conversation::with_tools(messages, conversation.tools().clone(), conversation.generation().clone())
}

impl Redacted {
    /// What the decision says of it.
    pub(super) fn told(&self) -> request::Redaction {
        request::Redaction { level: self.judged.verdict.level(), replaced: self.replaced }
    }

    /// The answer with its values.
    pub(super) fn restored(&self, answer: AnswerStream) -> AnswerStream {
        let state = Restoring {
            answer,
            text: Restorer::new(Arc::clone(&self.map), self.places.options),
            calls: self.places.in_tool_calls.then(|| Calls::new(Arc::clone(&self.map))),
            ready: VecDeque::new(),
        };
        Box::pin(stream::unfold(state, |mut state| async move { Some((state.next().await?, state)) }))
    }
}

/// An answer that is being restored.
struct Restoring {
    answer: AnswerStream,
    text: Restorer,
    /// `None` where calls of tools keep their placeholders.
    calls: Option<Calls>,
    ready: VecDeque<Piece>,
}

impl Restoring {
    async fn next(&mut self) -> Option<Result<Piece, ProviderError>> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                return Some(Ok(piece));
            }
            match self.answer.next().await? {
                Ok(Piece::Text(text)) => {
                    let text = self.text.push(text.expose());
                    self.give(text);
                }
                // Of the tokens as they were written, placeholders and all.
                Ok(Piece::Tokens(tokens)) => return Some(Ok(Piece::Tokens(tokens))),
                Ok(Piece::ToolCall(call)) => match &mut self.calls {
                    Some(calls) => calls.take(call),
                    None => self.ready.push_back(Piece::ToolCall(call)),
                },
                Ok(Piece::Finish(finish)) => {
                    let rest = self.text.finish();
                    self.give(rest);
                    if let Some(calls) = &mut self.calls {
                        self.ready.extend(calls.finish().map(Piece::ToolCall));
                    }
                    self.ready.push_back(Piece::Finish(finish));
                }
                // Numbers hold no placeholder.
                Ok(vectors @ Piece::Vectors(_)) => self.ready.push_back(vectors),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn give(&mut self, text: String) {
        if !text.is_empty() {
            self.ready.push_back(Piece::Text(text.into()));
        }
    }
}

/// Calls of tools, held until they are whole: a value must be written as JSON demands, which a piece cannot show. How
/// much is held is bounded by the size that an answer may have.
struct Calls {
    map: Arc<PlaceholderMap>,
    whole: BTreeMap<u32, (ToolCallPiece, String)>,
}

impl Calls {
    fn new(map: Arc<PlaceholderMap>) -> Self {
        Self { map, whole: BTreeMap::new() }
    }

    fn take(&mut self, piece: ToolCallPiece) {
        let arguments = piece.arguments.expose().to_owned();
        match self.whole.get_mut(&piece.index) {
            Some((first, all)) => {
                first.id = first.id.take().or(piece.id);
                first.name = first.name.take().or(piece.name);
                all.push_str(&arguments);
            }
            None => {
                self.whole.insert(piece.index, (piece, arguments));
            }
        }
    }

    fn finish(&mut self) -> impl Iterator<Item = ToolCallPiece> {
        let map = Arc::clone(&self.map);
        std::mem::take(&mut self.whole).into_values().map(move |(piece, arguments)| {
            let arguments = match serde_json::from_str(&arguments) {
                Ok(mut value) => {
                    restore_strings(&mut value, &map);
                    value.to_string()
                }
                // What is no JSON keeps its placeholders.
                Err(_) => arguments,
            };
            ToolCallPiece { arguments: Text::from(arguments), ..piece }
        })
    }
}

/// Puts values into the strings of JSON; never into an address, which a tool would fetch.
fn restore_strings(value: &mut serde_json::Value, map: &Arc<PlaceholderMap>) {
    use serde_json::Value;
    match value {
        Value::String(text) => *text = restore(text, Restorer::new(Arc::clone(map), RestoreOptions::default())),
        Value::Array(items) => items.iter_mut().for_each(|item| restore_strings(item, map)),
        Value::Object(fields) => fields.values_mut().for_each(|field| restore_strings(field, map)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
