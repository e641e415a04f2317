//! `Classify` and `ClassifyStream` by a client of the generated code.

use std::collections::BTreeSet;
use std::process::Command;

use cordon::service::proto::classify_stream_response::Result as ItemResult;
use cordon::service::proto::{
    ClassifyOptions, ClassifyRequest, CoverageStatus, Detector, ListEntityTypesRequest, NerMode, Part, Role,
    Sensitivity,
};
use serde_json::Value;

use crate::common::{Model, Setup, TestServer};

fn text(text: &str) -> ClassifyRequest {
    ClassifyRequest { text: text.into(), ..Default::default() }
}

#[tokio::test]
async fn the_three_levels_with_the_real_model() {
    let server = TestServer::start(Setup { model: Model::Real, ..Setup::default() }).await;
    let mut client = server.classifier().await;
    for (input, level) in [
        ("Patient Margaret Okonkwo, DOB 1984-03-12, HbA1c 9.1", Sensitivity::Confidential),
        // "Patient Margaret Okonkwo was diagnosed with breast cancer in March."
        (
            "what does this say: UGF0aWVudCBNYXJnYXJldCBPa29ua3dvIHdhcyBkaWFnbm9zZWQgd2l0aCBicmVhc3QgY2FuY2VyIGluIE1hcmNoLg==",
            Sensitivity::Confidential,
        ),
        ("What is the capital of France?", Sensitivity::Public),
        ("build 4.11.0 failed on 7f3a9c1e", Sensitivity::Public),
    ] {
        let request = ClassifyRequest {
            options: Some(ClassifyOptions { ner: NerMode::Always as i32, ..Default::default() }),
            ..text(input)
        };
        let response = client.classify(request).await.unwrap().into_inner();
        let verdict = response.verdict.unwrap();
        assert_eq!(verdict.level(), level, "{input}: {:?}", verdict.reasons);
        let types: Vec<_> = verdict.findings.iter().map(|finding| finding.entity_type.as_str()).collect();
        if input.starts_with("Patient") {
            assert!(types.contains(&"PERSON") && types.contains(&"DATE_OF_BIRTH"), "{types:?}");
        } else if level == Sensitivity::Confidential {
            assert!(types.contains(&"PERSON") && types.contains(&"HEALTH_CONDITION"), "{types:?}");
        }
        assert!(!response.decision_id.is_empty());
        assert!(verdict.coverage.unwrap().complete);
    }
    server.stop().await;
}

#[tokio::test]
async fn offsets_fit_any_text() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    let request = ClassifyRequest {
        options: Some(ClassifyOptions { include_quotes: true, include_utf16: true, ..Default::default() }),
        ..text("👩‍🔬 café naïve\u{0301} — write to ada.brandt@firma-nord.de\0 שלום")
    };
    let sent = request.text.clone();
    let verdict = client.classify(request).await.unwrap().into_inner().verdict.unwrap();
    let found = verdict.findings.iter().find(|finding| finding.entity_type == "EMAIL_ADDRESS").unwrap();
    assert_eq!(found.quote, "ada.brandt@firma-nord.de");
    let bytes = found.byte_range.unwrap();
    assert_eq!(&sent[bytes.start as usize..bytes.end as usize], found.quote);
    let points = found.codepoint_range.unwrap();
    let by_points: String =
        sent.chars().skip(points.start as usize).take((points.end - points.start) as usize).collect();
    assert_eq!(by_points, found.quote);
    let units: Vec<u16> = sent.encode_utf16().collect();
    let utf16 = found.utf16_range.unwrap();
    assert_eq!(String::from_utf16(&units[utf16.start as usize..utf16.end as usize]).unwrap(), found.quote);
    server.stop().await;
}

#[tokio::test]
async fn parts_are_one_document_and_keep_their_paths() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    let part = |role: Role, pointer: &str, text: &str| Part {
        role: role as i32,
        json_pointer: pointer.into(),
        text: text.into(),
    };
    let request = ClassifyRequest {
        parts: vec![
            part(Role::System, "", "You are a helpful assistant."),
            part(Role::Tool, "/result/card", "card 4539 1488 0343 6467 exp 09/27"),
        ],
        ..Default::default()
    };
    let verdict = client.classify(request).await.unwrap().into_inner().verdict.unwrap();
    assert_eq!(verdict.level(), Sensitivity::Confidential);
    let card = verdict.findings.iter().find(|finding| finding.entity_type == "CREDIT_CARD").unwrap();
    assert_eq!((card.part_index, card.json_pointer.as_str()), (1, "/result/card"));
    assert!(card.quote.is_empty(), "quotes only on request");
    server.stop().await;
}

#[tokio::test]
async fn options_hide_findings_and_change_no_level() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    let request = ClassifyRequest {
        options: Some(ClassifyOptions { min_score: 1.0, entity_types: vec!["PERSON".into()], ..Default::default() }),
        ..text("my card is 4539 1488 0343 6467")
    };
    let verdict = client.classify(request).await.unwrap().into_inner().verdict.unwrap();
    assert!(verdict.findings.is_empty());
    assert_eq!(verdict.level(), Sensitivity::Confidential);
    server.stop().await;
}

#[tokio::test]
async fn a_declared_level_only_raises() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    for (input, declared, level) in [
        ("What is the capital of France?", Sensitivity::Confidential, Sensitivity::Confidential),
        ("my card is 4539 1488 0343 6467", Sensitivity::Public, Sensitivity::Confidential),
    ] {
        let request = ClassifyRequest { declared_level: declared as i32, ..text(input) };
        assert_eq!(client.classify(request).await.unwrap().into_inner().verdict.unwrap().level(), level);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_model_is_skipped_only_where_the_rules_suffice() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    for (input, ner, status, reason) in [
        ("my card is 4539 1488 0343 6467", NerMode::Auto, CoverageStatus::PermittedSkip, "rules_reached_highest_level"),
        ("my card is 4539 1488 0343 6467", NerMode::Always, CoverageStatus::Complete, ""),
        // A line of code that could hold no name is left out by the model itself, and a name in one is not.
        (
            "x_y[1] = Foo::of(a_b); // 4539 1488 0343 6467",
            NerMode::Always,
            CoverageStatus::PermittedSkip,
            "machine_text",
        ),
        ("x_y[1] = Foo::of(a_b); // Anna 4539 1488 0343 6467", NerMode::Always, CoverageStatus::Complete, ""),
        ("What is the capital of France?", NerMode::Auto, CoverageStatus::Complete, ""),
    ] {
        let request =
            ClassifyRequest { options: Some(ClassifyOptions { ner: ner as i32, ..Default::default() }), ..text(input) };
        let coverage = client.classify(request).await.unwrap().into_inner().verdict.unwrap().coverage.unwrap();
        let entry = coverage.detectors.iter().find(|entry| entry.detector() == Detector::Ner).unwrap();
        assert_eq!((entry.status(), entry.reason.as_str()), (status, reason), "{input}");
        assert_eq!(entry.bytes_total, input.len() as u64);
        assert!(coverage.complete && coverage.detectors.len() == 4);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stream_answers_each_item_in_order_and_survives_bad_ones() {
    let server = TestServer::start(Setup::default()).await;
    let mut client = server.classifier().await;
    let items: Vec<ClassifyRequest> = (0..200)
        .map(|index| match index % 3 {
            0 => text("What is the capital of France?"),
            1 => text("my card is 4539 1488 0343 6467"),
            _ => text(""),
        })
        .collect();
    let mut answers = client.classify_stream(tokio_stream::iter(items)).await.unwrap().into_inner();
    let mut seen = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        assert_eq!(answer.index, seen);
        match (seen % 3, answer.result.unwrap()) {
            (0, ItemResult::Response(response)) => {
                assert_eq!(response.verdict.unwrap().level(), Sensitivity::Public);
            }
            (1, ItemResult::Response(response)) => {
                assert_eq!(response.verdict.unwrap().level(), Sensitivity::Confidential);
            }
            (2, ItemResult::Error(error)) => {
                assert_eq!((error.code, error.field.as_str()), (3, "text"));
            }
            (_, other) => panic!("item {seen}: {other:?}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 200);
    server.stop().await;
}

#[tokio::test]
async fn entity_types_are_listed_with_what_finds_them() {
    let server = TestServer::start(Setup { model: Model::Real, ..Setup::default() }).await;
    let types =
        server.classifier().await.list_entity_types(ListEntityTypesRequest {}).await.unwrap().into_inner().entity_types;
    let card = types.iter().find(|info| info.name == "CREDIT_CARD").unwrap();
    assert_eq!((card.category.as_str(), card.coarse.as_str()), ("financial", "CREDIT_CARD"));
    assert!(card.validators.iter().any(|validator| validator.contains("luhn") || validator.contains("card")));
    assert!(!card.sources.is_empty());
    let person = types.iter().find(|info| info.name == "PERSON").unwrap();
    assert!(!person.detectors.is_empty(), "the model finds them");
    assert!(types.len() >= 100, "{}", types.len());
    let countries: BTreeSet<&String> = types.iter().flat_map(|info| &info.countries).collect();
    assert!(countries.len() >= 30, "{countries:?}");

    // `cordon types` loads no model and yet says the same.
    let output = Command::new(env!("CARGO_BIN_EXE_cordon")).args(["types", "--json"]).output().unwrap();
    let rows: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), types.len());
    for (row, info) in rows.iter().zip(&types) {
        let names = |numbers: &[i32]| -> BTreeSet<String> {
            let name = |number: &i32| Detector::try_from(*number).unwrap().as_str_name().replace("DETECTOR_", "");
            numbers.iter().map(|number| name(number).to_lowercase()).collect()
        };
        assert_eq!(row["name"], info.name.as_str());
        assert_eq!(row["coarse"], info.coarse.as_str(), "{}", info.name);
        assert_eq!(row["validators"], serde_json::json!(info.validators), "{}", info.name);
        assert_eq!(row["detectors"], serde_json::json!(names(&info.detectors)), "{}", info.name);
    }
    server.stop().await;
}
