//! A whole conversation, redacted: the derived text that a route to the cloud would send. It is a new conversation with
//! a document of its own, so the verdict on the original permits nothing for it; it has to be classified again.

use crate::detect::Finding;
use crate::document::{Conversation, Misfit};

use super::{Operators, PlaceholderMap, RedactError, RedactedSpan, RedactionKey, redact};

/// Redacts every string of a conversation. `findings` are those of the verdict on its document.
///
/// # Errors
/// When a finding belongs to another document, the cipher fails, or the conversation has a string that is not
/// redacted here; then nothing may leave.
pub fn redact_conversation(
    conversation: &Conversation,
    findings: &[Finding],
    operators: &Operators,
    key: &RedactionKey,
    caller: &str,
    map: &mut PlaceholderMap,
) -> Result<(Conversation, Vec<RedactedSpan>), RedactError> {
    // What no detector can read, nobody can redact.
    if conversation.document().unscannable() > 0 {
        return Err(RedactError::NotRedactable);
    }
    let done = redact(conversation.document(), findings, operators, key, caller, map)?;
    let texts = done.document.parts().iter().map(|part| part.text.clone());
    let redacted = conversation.with_texts(texts).map_err(|misfit| match misfit {
        Misfit::Json => RedactError::NotRedactable,
        Misfit::Number => RedactError::Unreached,
    })?;
    Ok((redacted, done.spans))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Category;
    use crate::detect::testing::finding;
    use crate::document::{Generation, Message, Role, Text};

    #[test]
    fn every_string_is_redacted_and_the_document_is_new() {
        let message = |content: &str, name: Option<&str>| Message {
            name: name.map(Text::from),
            ..Message::new(Role::User, content)
        };
        let conversation = Conversation::new(
            vec![message("I am Ada", Some("ada")), message("hello", None)],
            Generation { stop: vec!["Bo".into()], seed: Some(3), ..Generation::default() },
        );
        let person = |part, range| Finding { part, ..finding("PERSON", Category::Person, range, 0.9) };
        let findings = [person(0, 5..8), person(1, 0..3), person(3, 0..2)];
        let mut map = PlaceholderMap::new().unwrap();
        let key = RedactionKey::from_bytes(&[1; 32]);
        let (redacted, spans) =
            redact_conversation(&conversation, &findings, &Operators::default(), &key, "crm", &mut map).unwrap();
        let texts: Vec<_> = redacted.document().parts().iter().map(|part| part.text.expose()).collect();
        assert_eq!(texts, ["I am ⟦PERSON_1⟧", "⟦PERSON_1⟧", "hello", "⟦PERSON_2⟧"]);
        assert_eq!(redacted.messages()[0].name.as_ref().unwrap().expose(), "⟦PERSON_1⟧");
        assert_eq!((redacted.generation().seed, spans.len()), (Some(3), 3));
        assert_ne!(redacted.document().id(), conversation.document().id());
    }
}
