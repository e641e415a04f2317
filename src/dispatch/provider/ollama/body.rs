//! The request of Ollama's chat, written from a conversation. Every string in it is a part of the conversation's document
//! or a word of the API. The API has no name of a speaker and no choice of a tool.

use serde::Serialize;

use crate::document::{self, Attachment, Conversation, Json, ResponseFormat, Role, Text, Tool, ToolChoice};

use super::super::{Fault, scores};

/// The JSON that is posted.
#[derive(Serialize)]
pub(super) struct Request<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    stream: bool,
    /// Without this, a conversation longer than the context loses its beginning silently.
    truncate: bool,
    /// Since version 0.12.11; older ones ignore it.
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u8>,
    options: Options<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Typed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format<'a>>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    #[serde(serialize_with = "exposed")]
    content: Text,
    /// Base64, without the header of a URL.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_name: Option<&'a str>,
}

#[derive(Serialize)]
struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    num_predict: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_ctx: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stop: Vec<&'a str>,
}

#[derive(Serialize)]
struct Call<'a> {
    function: Called<'a>,
}

#[derive(Serialize)]
struct Called<'a> {
    name: &'a str,
    arguments: &'a Json,
}

#[derive(Serialize)]
struct Typed<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Json>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Format<'a> {
    Word(&'static str),
    Schema(&'a Json),
}

impl<'a> Request<'a> {
    /// With the log-probabilities of the answer's tokens, if they are wanted.
    pub(super) fn scored(self, wanted: bool) -> Self {
        Self { logprobs: wanted.then_some(true), top_logprobs: wanted.then_some(scores::TOP), ..self }
    }

    pub(super) fn new(
        model: &'a str,
        num_predict: Option<u32>,
        num_ctx: Option<u32>,
        conversation: &'a Conversation,
    ) -> Result<Self, Fault> {
        let (tools, generation) = (conversation.tools(), conversation.generation());
        let offered = match tools.choice {
            ToolChoice::Auto => tools.definitions.as_slice(),
            // What is not offered is not called.
            ToolChoice::None => &[],
            ToolChoice::Required | ToolChoice::Named(_) => return Err(Fault::Unsupported("a choice of a tool")),
        };
        Ok(Self {
            model,
            messages: conversation
                .messages()
                .iter()
                .map(|message| Message::of(message, conversation))
                .collect::<Result<_, _>>()?,
            stream: true,
            truncate: false,
            logprobs: None,
            top_logprobs: None,
            options: Options {
                num_predict,
                num_ctx,
                temperature: generation.temperature,
                top_p: generation.top_p,
                seed: generation.seed,
                stop: generation.stop.iter().map(Text::expose).collect(),
            },
            tools: offered.iter().map(typed).collect(),
            format: match &generation.response_format {
                ResponseFormat::Text => None,
                ResponseFormat::JsonObject => Some(Format::Word("json")),
                ResponseFormat::JsonSchema { schema, .. } => Some(Format::Schema(schema)),
            },
        })
    }
}

impl<'a> Message<'a> {
    fn of(message: &'a document::Message, conversation: &'a Conversation) -> Result<Self, Fault> {
        let call = |call: &'a document::ToolCall| Call {
            function: Called { name: call.name.expose(), arguments: &call.arguments },
        };
        // A result names its tool here, not its call.
        let answered = message.answers.and_then(|number| {
            conversation.messages().iter().flat_map(|message| &message.tool_calls).find(|call| call.number == number)
        });
        Ok(Self {
            role: role(message.role),
            content: message.text(),
            images: message.attachments().map(image).collect::<Result<_, _>>()?,
            tool_calls: message.tool_calls.iter().map(call).collect(),
            tool_name: answered.map(|call| call.name.expose()),
        })
    }
}

/// The API takes images as base64 only.
fn image(attachment: &Attachment) -> Result<String, Fault> {
    const ONLY_IMAGES: Fault = Fault::Unsupported("content other than texts and images in base64");
    let url = attachment.field(&["image_url", "url"]).ok_or(ONLY_IMAGES)?;
    let (_, bytes) = url.split_once(";base64,").filter(|_| url.starts_with("data:image/")).ok_or(ONLY_IMAGES)?;
    Ok(bytes.to_owned())
}

fn typed(tool: &Tool) -> Typed<'_> {
    Typed {
        kind: "function",
        function: Function {
            name: tool.name.expose(),
            description: tool.description.as_ref().map(Text::expose),
            parameters: tool.parameters.as_ref(),
        },
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System | Role::ToolDefinition => "system",
        Role::User | Role::Metadata => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

fn exposed<S: serde::Serializer>(text: &Text, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.expose())
}
