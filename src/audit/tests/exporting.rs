//! Exports: every format holds every decision, and no file appears before it is whole.

use super::*;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

/// Three decisions, the first with an outcome, the second of a request whose id looks like a formula.
async fn exported(format: ExportFormat) -> (Vec<u8>, Vec<StoredDecision>) {
    let fixture = Fixture::signed(2);
    let log = fixture.open();
    let first = log.append(decision(&log)).unwrap().durable().await.unwrap().decision_id();
    let formula = DecisionInput { request_id: RequestId::parse("=1+1").unwrap(), ..request(None) };
    for input in [formula, request(Some(Route::Cloud))] {
        let next = decision_on("x", Sensitivity::Public, input, log.digest_key());
        log.append(next).unwrap().durable().await.unwrap();
    }
    let outcome = Outcome { cost_micros: Some(1234), output_tokens: 7, ..Outcome::new(OutcomeStatus::Completed) };
    log.append_outcome(first, outcome).unwrap().recorded().await.unwrap();
    let mut exporter = Exporter::new(format, Vec::new()).unwrap();
    let mut all = Vec::new();
    let mut visit = |stored: StoredDecision| {
        exporter.push(&stored).unwrap();
        all.push(stored);
        ControlFlow::Continue(())
    };
    log.reader().decisions(&DecisionFilter::default(), &mut visit, &mut |_, _| {}).unwrap();
    let bytes = exporter.finish().unwrap();
    assert_eq!(all.len(), 3);
    assert!(!String::from_utf8_lossy(&bytes).contains("4111"), "no text");
    (bytes, all)
}

#[tokio::test]
async fn json_lines_hold_whole_records() {
    let (bytes, all) = exported(ExportFormat::Jsonl).await;
    let lines: Vec<serde_json::Value> =
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["id"], all[0].decision.id.to_string());
    assert_eq!(lines[0]["outcome"]["output_tokens"], 7);
    assert_eq!(lines[1]["request_id"], "=1+1");
    assert!(lines[1]["outcome"].is_null() && lines[1]["findings"][0]["entity_type"] == "CREDIT_CARD");
}

#[tokio::test]
async fn csv_has_one_row_a_decision_and_no_formula() {
    let (bytes, all) = exported(ExportFormat::Csv).await;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let names: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(names, COLUMNS.iter().map(|column| column.name).collect::<Vec<_>>());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    let cell = |row: usize, name: &str| rows[row][names.iter().position(|n| n == name).unwrap()].to_owned();
    assert_eq!(rows.len(), 3);
    assert_eq!(cell(0, "decision_id"), all[0].decision.id.to_string());
    assert_eq!((cell(0, "cost_micros"), cell(0, "status")), ("1234".into(), "completed".into()));
    assert_eq!((cell(1, "request_id"), cell(1, "route"), cell(1, "status")), ("'=1+1".into(), "".into(), "".into()));
    assert_eq!((cell(2, "route"), cell(2, "entities")), ("cloud".into(), "CREDIT_CARD:1".into()));
    assert_eq!(cell(0, "coverage_complete"), "false");
    assert_eq!(cell(0, "time").parse::<jiff::Timestamp>().unwrap(), all[0].decision.time);
}

#[tokio::test]
async fn parquet_reads_back_with_its_types() {
    let (bytes, all) = exported(ExportFormat::Parquet).await;
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    let cell = |row: usize, name: &str| {
        let (_, field) = rows[row].get_column_iter().find(|(column, _)| *column == name).unwrap();
        field.clone()
    };
    assert_eq!(cell(0, "decision_id"), Field::Str(all[0].decision.id.to_string()));
    assert_eq!(cell(0, "time"), Field::TimestampMicros(all[0].decision.time.as_microsecond()));
    assert_eq!((cell(0, "output_tokens"), cell(1, "output_tokens")), (Field::Long(7), Field::Null));
    assert_eq!((cell(1, "request_id"), cell(1, "route")), (Field::Str("=1+1".into()), Field::Null));
    assert_eq!(cell(0, "coverage_complete"), Field::Bool(false));
    assert_eq!(rows[0].get_column_iter().count(), COLUMNS.len());
}

#[test]
fn an_empty_parquet_file_is_one() {
    let bytes = Exporter::new(ExportFormat::Parquet, Vec::new()).unwrap().finish().unwrap();
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn a_file_appears_when_it_is_whole_and_replaces_nothing_unasked() {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    let files = || std::fs::read_dir(directory.path()).unwrap().count();
    let (file, writer) = ExportFile::create(&path, false).unwrap();
    assert!(!path.exists());
    drop((file, writer));
    assert_eq!(files(), 0, "nothing is left behind");
    let (file, mut writer) = ExportFile::create(&path, false).unwrap();
    writer.write_all(b"rows").unwrap();
    file.finish(writer).unwrap();
    assert_eq!((std::fs::read(&path).unwrap().as_slice(), files()), (&b"rows"[..], 1));
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = ExportFile::create(&path, false).unwrap_err();
    assert!(refused.to_string().contains("--force"), "{refused}");
    let (file, writer) = ExportFile::create(&path, true).unwrap();
    file.finish(writer).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"");
    let nowhere = ExportFile::create(&directory.path().join("no/such/folder.csv"), false).unwrap_err();
    assert!(matches!(&nowhere, ExportError::Io { .. }) && nowhere.to_string().contains("no/such"), "{nowhere}");
    assert!(ExportFile::create(directory.path(), true).is_err(), "a folder is no file");
}
