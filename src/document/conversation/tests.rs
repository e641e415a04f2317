//! That every string of a conversation is a part of its document, and that new texts find the places of the old.

use serde_json::json;

use super::*;

fn rich() -> Conversation {
    let image = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "d"}});
    let object = |text| Json::object(text).unwrap();
    let messages = vec![
        Message::new(Role::System, "a").named("b"),
        Message {
            content: vec![
                Content::Text("c".into()),
                Content::Attachment(Attachment::new(image.as_object().unwrap())),
                Content::Text("d".into()),
            ],
            ..Message::new(Role::User, "")
        },
        Message {
            content: Vec::new(),
            tool_calls: vec![ToolCall { number: 1, name: "e".into(), arguments: object(r#"{"f":1}"#) }],
            ..Message::new(Role::Assistant, "")
        },
        Message { answers: Some(1), ..Message::new(Role::Tool, "g") },
    ];
    let tool = Tool {
        name: "h".into(),
        description: Some("i".into()),
        parameters: Some(object(r#"{"type":"j"}"#)),
        strict: Some(true),
    };
    let tools = Tools { definitions: vec![tool], choice: ToolChoice::Named(0), parallel: None };
    let generation = Generation {
        stop: vec!["k".into()],
        response_format: ResponseFormat::JsonSchema { name: "l".into(), schema: object(r#"{"m":1}"#), strict: None },
        ..Generation::default()
    };
    Conversation::with_tools(messages, tools, generation)
}

fn texts(conversation: &Conversation) -> Vec<&str> {
    conversation.document().parts().iter().map(|part| part.text.expose()).collect()
}

#[test]
fn every_string_is_a_part() {
    let conversation = rich();
    let seen: Vec<_> = conversation
        .document()
        .parts()
        .iter()
        .map(|part| format!("{} {}", part.pointer.expose(), part.text.expose()))
        .collect();
    assert_eq!(
        seen,
        [
            "/messages/0/content a",
            "/messages/0/name b",
            "/messages/1/content/0/text c",
            r#"/messages/1/content/1 {"type":"image_url","image_url":{"url":"data:image/png;base64,","detail":"d"}}"#,
            "/messages/1/content/2/text d",
            "/messages/2/tool_calls/0/function/name e",
            r#"/messages/2/tool_calls/0/function/arguments {"f":1}"#,
            "/messages/3/content g",
            "/tools/0/function/name h",
            "/tools/0/function/description i",
            r#"/tools/0/function/parameters {"type":"j"}"#,
            "/generation/stop/0 k",
            "/response_format/json_schema/name l",
            r#"/response_format/json_schema/schema {"m":1}"#,
        ]
    );
    assert_eq!(conversation.document().unscannable(), 1);
    assert_eq!(conversation.messages()[1].text().expose(), "c\n\nd");
}

#[test]
fn new_texts_take_the_places_of_the_old() {
    let conversation = rich();
    let new: Vec<Text> = texts(&conversation).iter().map(|text| Text::from(text.replace('f', "z"))).collect();
    let changed = conversation.with_texts(new.clone()).unwrap();
    assert_eq!(texts(&changed), new.iter().map(Text::expose).collect::<Vec<_>>());
    assert_ne!(changed.document().id(), conversation.document().id());
    assert_eq!(changed.messages()[2].tool_calls[0].arguments.text().expose(), r#"{"z":1}"#);
    assert_eq!(conversation.with_texts(new[1..].to_vec()).unwrap_err(), Misfit::Number);
    assert_eq!(conversation.with_texts([new.clone(), vec!["x".into()]].concat()).unwrap_err(), Misfit::Number);
    let mut broken = new;
    broken[6] = r#"{"f":⟦X_1⟧}"#.into();
    assert_eq!(conversation.with_texts(broken).unwrap_err(), Misfit::Json);
}

#[test]
fn only_encoded_bytes_of_an_attachment_are_not_read() {
    let readable =
        |value: serde_json::Value| Attachment::new(value.as_object().unwrap()).readable().expose().to_owned();
    assert_eq!(
        readable(json!({"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}})),
        r#"{"type":"input_audio","input_audio":{"data":"","format":"wav"}}"#
    );
    // What only pretends to be bytes is read.
    for text in ["Anna Smith, born 1980", "https://example.org/?patient=Anna"] {
        for value in [json!({"type": "x", "data": text}), json!({"type": "y", "deep": [{"file_data": text}]})] {
            assert!(readable(value).contains(text));
        }
    }
    let whole = Attachment::new(json!({"type": "image_url", "image_url": {"url": "u"}}).as_object().unwrap());
    assert_eq!(
        (whole.kind().as_deref(), whole.field(&["image_url", "url"]).as_deref()),
        (Some("image_url"), Some("u"))
    );
}
