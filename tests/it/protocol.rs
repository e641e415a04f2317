//! The released protocol never breaks: everything that `proto/released.binpb` holds must still be there, with the same
//! number, type and name. Additions are fine; `UPDATE_RELEASED=1` writes them into the file.

use std::collections::BTreeMap;

use cordon::service::proto::FILE_DESCRIPTOR_SET;
use prost::Message as _;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};

const RELEASED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto/released.binpb");

/// Every fact of a protocol that a client can depend on, by its place.
fn facts(set: &FileDescriptorSet) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    for file in &set.file {
        let package = file.package();
        if !package.starts_with("cordon.") {
            continue;
        }
        for message in &file.message_type {
            message_facts(package, message, &mut facts);
        }
        for definition in &file.enum_type {
            enum_facts(package, definition, &mut facts);
        }
        for service in &file.service {
            for method in &service.method {
                let streams = (method.client_streaming(), method.server_streaming());
                facts.insert(
                    format!("rpc {package}.{}/{}", service.name(), method.name()),
                    format!("{} -> {} {streams:?}", method.input_type(), method.output_type()),
                );
            }
        }
    }
    facts
}

fn message_facts(scope: &str, message: &DescriptorProto, facts: &mut BTreeMap<String, String>) {
    let name = format!("{scope}.{}", message.name());
    facts.insert(format!("message {name}"), String::new());
    for field in &message.field {
        let oneof = field.oneof_index.filter(|_| !field.proto3_optional()).and_then(|index| {
            message.oneof_decl.get(usize::try_from(index).ok()?).map(|oneof| oneof.name().to_owned())
        });
        facts.insert(
            format!("field {name} = {}", field.number()),
            format!(
                "{} {:?} {:?} {} optional={} oneof={oneof:?}",
                field.name(),
                field.r#type(),
                field.label(),
                field.type_name(),
                field.proto3_optional()
            ),
        );
    }
    for nested in &message.nested_type {
        message_facts(&name, nested, facts);
    }
    for definition in &message.enum_type {
        enum_facts(&name, definition, facts);
    }
}

fn enum_facts(scope: &str, definition: &EnumDescriptorProto, facts: &mut BTreeMap<String, String>) {
    for value in &definition.value {
        facts.insert(format!("enum {scope}.{} = {}", definition.name(), value.number()), value.name().to_owned());
    }
}

/// What the new protocol lost or changed.
fn breaks(released: &FileDescriptorSet, now: &FileDescriptorSet) -> Vec<String> {
    let now = facts(now);
    facts(released)
        .into_iter()
        .filter(|(place, fact)| now.get(place) != Some(fact))
        .map(|(place, fact)| format!("{place}: was `{fact}`, is {:?}", now.get(&place)))
        .collect()
}

#[test]
fn the_released_protocol_is_kept() {
    if std::env::var_os("UPDATE_RELEASED").is_some() {
        std::fs::write(RELEASED, FILE_DESCRIPTOR_SET).unwrap();
    }
    let released = std::fs::read(RELEASED).expect("proto/released.binpb is committed");
    let released = FileDescriptorSet::decode(released.as_slice()).unwrap();
    let now = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    assert!(facts(&released).len() > 100, "the released file holds the whole protocol");
    assert_eq!(breaks(&released, &now), Vec::<String>::new());
    let unreleased: Vec<String> =
        facts(&now).into_keys().filter(|place| !facts(&released).contains_key(place)).collect();
    assert_eq!(unreleased, Vec::<String>::new(), "run the test with UPDATE_RELEASED=1 and commit the file");
}

#[test]
fn a_break_is_noticed() {
    let now = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let change = |change: fn(&mut DescriptorProto)| {
        let mut broken = now.clone();
        let file = broken.file.iter_mut().find(|file| file.name().ends_with("classifier.proto")).unwrap();
        change(file.message_type.iter_mut().find(|message| message.name() == "ClassifyRequest").unwrap());
        breaks(&now, &broken)
    };
    assert_eq!(breaks(&now, &now), Vec::<String>::new());
    assert!(!change(|message| message.field[1].number = Some(99)).is_empty(), "a new number");
    assert!(!change(|message| message.field[1].name = Some("body".into())).is_empty(), "a new name");
    assert!(!change(|message| message.field.truncate(2)).is_empty(), "a field removed");
    assert!(!change(|message| message.field[1].r#type = Some(12)).is_empty(), "another type");
}
