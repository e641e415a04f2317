//! Definitions of tools, which OpenAI's and Ollama's clients write alike.

use crate::service::error::Refusal;
use crate::service::proto::Tool;

use super::fields::{self, Dropped, Fields};

/// Takes the field `tools`.
pub(super) fn definitions(fields: &mut Fields, dropped: &mut Dropped) -> Result<Vec<Tool>, Refusal> {
    let listed = fields.list("tools")?.unwrap_or_default();
    listed
        .into_iter()
        .enumerate()
        .map(|(index, tool)| definition(Fields::of(format!("tools[{index}]"), tool)?, dropped))
        .collect()
}

fn definition(mut fields: Fields, dropped: &mut Dropped) -> Result<Tool, Refusal> {
    if fields.text("type")?.is_some_and(|kind| kind != "function") {
        return Err(fields::unsupported(&fields.path("type"), "offer functions alone"));
    }
    let mut function = fields.object("function")?.ok_or_else(|| fields::missing(&fields.path("function")))?;
    let tool = Tool {
        name: function.required_text("name")?,
        description: function.text("description")?.unwrap_or_default(),
        parameters: function.json("parameters")?.unwrap_or_default(),
        strict: function.boolean("strict")?,
    };
    function.drop_rest(dropped);
    fields.drop_rest(dropped);
    Ok(tool)
}

/// The path of a field of a tool or of a call in gRPC, in the words of these APIs: what it has stands in `function`.
pub(super) fn path(field: &str) -> String {
    let (head, name) = match field.rsplit_once('.') {
        Some((head, name @ ("name" | "arguments" | "parameters" | "description"))) => (head, name),
        _ => return field.to_owned(),
    };
    let of_call = head.rsplit_once(".tool_calls[").is_some_and(|(_, index)| index.ends_with(']'));
    if of_call || head.starts_with("tools[") { format!("{head}.function.{name}") } else { field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_client() {
        for (field, expected) in [
            ("tools[2].parameters", "tools[2].function.parameters"),
            ("messages[1].tool_calls[0].arguments", "messages[1].tool_calls[0].function.arguments"),
            ("messages[1].tool_calls[0].id", "messages[1].tool_calls[0].id"),
            ("messages[1].name", "messages[1].name"),
            ("messages", "messages"),
        ] {
            assert_eq!(path(field), expected);
        }
    }
}
