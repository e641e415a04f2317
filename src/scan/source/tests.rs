//! Sources on real files: every format, what is left out, and inputs that are wrong.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn events_of(paths: &[PathBuf], options: Options) -> Vec<Event> {
    Files::new(paths, options).unwrap().collect()
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn units(events: &[Event]) -> Vec<&Unit> {
    events.iter().filter_map(|event| if let Event::Unit(unit) = event { Some(unit) } else { None }).collect()
}

fn left_out(events: &[Event]) -> Vec<(&str, &Reason)> {
    let mut found = Vec::new();
    for event in events {
        if let Event::Unscanned(unscanned) = event {
            found.push((unscanned.path.as_ref(), &unscanned.reason));
        }
    }
    found
}

fn notes(events: &[Event]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|event| if let Event::Note(note) = event { Some(note.text.as_str()) } else { None })
        .collect()
}

fn one(name: &str, bytes: &[u8], options: Options) -> Vec<Event> {
    let folder = folder(&[(name, bytes)]);
    events_of(&[folder.path().join(name)], options)
}

fn texts(events: &[Event]) -> Vec<String> {
    units(events).iter().map(|unit| unit.text.expose().to_owned()).collect()
}

#[test]
fn folders_are_walked_as_their_ignore_files_say() {
    let folder = folder(&[
        ("a.txt", b"a"),
        ("src/b.rs", b"b"),
        ("src/c.log", b"c"),
        (".gitignore", b"*.log\nbuilt/\n"),
        (".ignore", b"secret.md\n"),
        ("secret.md", b"s"),
        ("built/d.txt", b"d"),
        (".hidden/e.txt", b"e"),
        (".git/config", b"never"),
    ]);
    let names = |options: Options| -> Vec<String> {
        let events = events_of(&[folder.path().to_owned()], options);
        let root = format!("{}/", folder.path().display());
        units(&events).iter().map(|unit| unit.path.strip_prefix(&root).unwrap().to_owned()).collect()
    };
    assert_eq!(names(Options::default()), ["a.txt", "src/b.rs"]);
    let hidden = names(Options { hidden: true, ..Options::default() });
    assert_eq!(hidden, [".gitignore", ".hidden/e.txt", ".ignore", "a.txt", "src/b.rs"]);
    let all = names(Options { no_ignore: true, ..Options::default() });
    assert_eq!(all, ["a.txt", "built/d.txt", "secret.md", "src/b.rs", "src/c.log"]);
    // A file that is named is read whatever an ignore file says.
    assert_eq!(units(&events_of(&[folder.path().join("secret.md")], Options::default())).len(), 1);
    assert_eq!(Files::measure(&[folder.path().to_owned()], &Options::default()), (2, 2));
}

#[test]
fn binary_files_and_what_is_no_file_are_said() {
    let folder = folder(&[("a.png", b"\x89PNG\r\n\x1a\n"), ("b.bin", b"a\x00b"), ("c.txt", b"text")]);
    let socket = std::os::unix::net::UnixListener::bind(folder.path().join("d.sock")).unwrap();
    let events = events_of(&[folder.path().to_owned()], Options::default());
    let kinds: Vec<_> = left_out(&events).iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(kinds, ["binary", "binary", "no_file"]);
    assert_eq!(units(&events).len(), 1);
    drop(socket);
    assert!(matches!(open(Path::new("/dev/null"), &Options::default()), Err(Reason::NoFile)));
}

#[test]
fn links_are_followed_on_request_and_loops_are_noticed() {
    let folder = folder(&[("a/b.txt", b"b")]);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    let events = events_of(&[folder.path().to_owned()], Options::default());
    assert_eq!(units(&events).len(), 1);
    assert!(notes(&events)[0].contains("1 symbolic links were not followed"));
    let events = events_of(&[folder.path().to_owned()], Options { follow: true, ..Options::default() });
    assert_eq!(units(&events).len(), 1, "{events:?}");
    assert!(notes(&events).iter().any(|note| note.contains("is a loop")), "{events:?}");
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let error = Files::new(&["/nonexistent/x".into()], Options::default()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/x"));
    assert!(matches!(Files::new(&[], Options::default()), Err(SourceError::NoPath)));
}

#[test]
fn a_huge_sparse_file_is_told_at_its_first_bytes() {
    let folder = folder(&[("huge.txt", b"")]);
    let path = folder.path().join("huge.txt");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(20 << 30).unwrap();
    let events = events_of(&[path], Options::default());
    assert!(matches!(events[0], Event::File { bytes, .. } if bytes == 20 << 30));
    assert_eq!(left_out(&events)[0].1.as_str(), "binary");
}

#[test]
fn a_long_text_keeps_its_lines() {
    let text = "x".repeat(99) + "\n";
    let events = one("a.txt", text.repeat(8_000).as_bytes(), Options::default());
    let found = units(&events);
    assert!(found.len() > 2);
    for unit in &found {
        assert!(unit.text.expose().starts_with('x') && unit.text.len() <= PIECE_BYTES);
    }
    let owned: usize = found.iter().map(|unit| unit.owned.len()).sum();
    assert_eq!(owned, 800_000);
    assert!(found[1].place.line.unwrap() > 1_000);
    let ids: std::collections::HashSet<_> = found.iter().map(|unit| unit.id.as_str()).collect();
    assert_eq!(ids.len(), found.len());
}

#[test]
fn json_lines_give_lines_or_fields() {
    let lines =
        b"{\"text\":\"M\\u00fcller\",\"n\":1}\n\nnot json\n{\"a\":{\"b\":\"deep\"}}\n{\"card\":4111111111111111000}\n";
    let events = one("a.jsonl", lines, Options::default());
    assert_eq!(
        texts(&events),
        ["{\"text\":\"Müller\",\"n\":1}", "not json", "{\"a\":{\"b\":\"deep\"}}", "{\"card\":4111111111111111000}"]
    );
    assert_eq!(units(&events)[1].place.line, Some(3));
    let fields =
        |fields: &[&str]| Options { fields: fields.iter().map(ToString::to_string).collect(), ..Options::default() };
    let events = one("a.jsonl", lines, fields(&["text"]));
    assert_eq!(texts(&events), ["Müller"]);
    assert_eq!(units(&events)[0].field.as_deref(), Some("text"));
    assert_eq!(left_out(&events).len(), 3, "what has no such field is said");
    assert_eq!(texts(&one("a.jsonl", lines, fields(&["text", "/a/b"]))).len(), 2);
}

#[test]
fn a_line_that_is_too_long_is_said_and_the_next_is_read() {
    let mut lines = vec![b'x'; MAX_RECORD_BYTES as usize + 10];
    lines.extend(b"\n{\"a\":1}\n");
    let events = one("a.jsonl", &lines, Options::default());
    let [(_, reason)] = left_out(&events)[..] else { panic!("{:?}", left_out(&events)) };
    assert_eq!(reason.as_str(), "too_long");
    assert!(reason.to_string().contains("16777216"));
    assert_eq!(units(&events)[0].place.line, Some(2));
}

#[test]
fn csv_gives_records_with_their_lines() {
    let table = "name,iban\n\"Müller, Zoë\",DE1\n\"two\nlines\",DE2,extra\n,\n".as_bytes();
    let events = one("a.csv", table, Options::default());
    assert_eq!(
        texts(&events),
        [
            "{\"1\":\"name\",\"2\":\"iban\"}",
            "{\"name\":\"Müller, Zoë\",\"iban\":\"DE1\"}",
            "{\"name\":\"two\\nlines\",\"iban\":\"DE2\",\"3\":\"extra\"}",
        ]
    );
    let places: Vec<_> = units(&events).iter().map(|unit| (unit.place.record, unit.place.line)).collect();
    assert_eq!(places, [(Some(0), Some(1)), (Some(1), Some(2)), (Some(2), Some(3))]);
    let iban = Options { columns: vec!["iban".into()], ..Options::default() };
    let events = one("a.csv", table, iban.clone());
    assert_eq!(texts(&events)[1..], ["DE1", "DE2"]);
    let events = one("a.csv", b"a,b\n", iban);
    assert!(left_out(&events)[0].1.to_string().contains("no column `iban`"));
    assert_eq!(texts(&one("a.tsv", b"x\ty\nA\tB\n", Options::default()))[1], "{\"x\":\"A\",\"y\":\"B\"}");
    let plain = Options { no_header: true, ..Options::default() };
    assert_eq!(texts(&one("a.csv", b"A,B\n", plain)), ["{\"1\":\"A\",\"2\":\"B\"}"]);
    assert_eq!(texts(&one("a.csv", b"a,a\n1,2\n", Options::default()))[1], "{\"a\":\"1\",\"a'\":\"2\"}");
}

#[test]
fn an_open_quote_does_not_read_the_whole_file() {
    let mut table = b"a,b\n1,\"open".to_vec();
    table.resize(MAX_RECORD_BYTES as usize + (1 << 20), b'x');
    let events = one("a.csv", &table, Options::default());
    assert_eq!(left_out(&events)[0].1.as_str(), "too_long");
}

#[test]
fn mail_gives_headers_bodies_and_text_attachments() {
    let mail = "From: =?UTF-8?Q?Zo=C3=AB_M=C3=BCller?= <zoe@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: =?UTF-8?B?UmVjaG51bmcgw7xiZXI=?=\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>Pay &euro;5 <a href=\"mailto:x@example.org\">here</a></p>\r\n\
        --b\r\nContent-Type: text/csv\r\nContent-Disposition: attachment; filename=\"a.csv\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYSxiCjEsMg==\r\n\
        --b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n";
    let events = one("a.eml", mail.as_bytes(), Options::default());
    let all = texts(&events).join("\n");
    for wanted in
        ["Zoë Müller <zoe@example.org>", "Rechnung über", "Grüße", "Pay €5", "mailto:x@example.org", "a,b\n1,2"]
    {
        assert!(all.contains(wanted), "{wanted}: {all}");
    }
    assert_eq!(left_out(&events).iter().map(|(_, reason)| reason.as_str()).collect::<Vec<_>>(), ["binary"]);
    let sections: Vec<_> = units(&events).iter().filter_map(|unit| unit.place.section.clone()).collect();
    assert!(sections.contains(&"headers".to_owned()) && sections.contains(&"text 2".to_owned()), "{sections:?}");
}

#[test]
fn a_mailbox_gives_its_messages() {
    let mailbox = b"From a@x Mon Jan  1 00:00:00 2026\nSubject: one\n\nbody\n>From here\n\nFrom b@x Mon Jan  1 00:00:00 2026\nSubject: two\n\nsecond\n";
    let events = one("a.mbox", mailbox, Options::default());
    let all = texts(&events);
    assert!(
        all.iter().any(|text| text.contains("Subject: one")) && all.iter().any(|text| text.contains("body\nFrom here")),
        "{all:?}"
    );
    let numbers: Vec<_> =
        units(&events).iter().map(|unit| (unit.place.record.unwrap(), unit.place.line.unwrap())).collect();
    assert_eq!(numbers.first(), Some(&(1, 1)));
    assert_eq!(numbers.last(), Some(&(2, 7)));
}

fn parquet_file(
    schema: &str,
    write: impl FnOnce(&mut ::parquet::file::writer::SerializedRowGroupWriter<'_, fs::File>),
) -> tempfile::TempDir {
    use ::parquet::file::writer::SerializedFileWriter;
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("a.parquet")).unwrap();
    let schema = ::parquet::schema::parser::parse_message_type(schema).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema.into(), std::sync::Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    write(&mut group);
    group.close().unwrap();
    writer.close().unwrap();
    folder
}

/// Writes the next column of bytes.
fn column(
    group: &mut ::parquet::file::writer::SerializedRowGroupWriter<'_, fs::File>,
    values: &[&str],
    levels: Option<&[i16]>,
    repeats: Option<&[i16]>,
) {
    use ::parquet::data_type::{ByteArray, ByteArrayType};
    let values: Vec<ByteArray> = values.iter().map(|value| ByteArray::from(*value)).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&values, levels, repeats).unwrap();
    column.close().unwrap();
}

fn numbers(group: &mut ::parquet::file::writer::SerializedRowGroupWriter<'_, fs::File>, values: &[i64]) {
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<::parquet::data_type::Int64Type>().write_batch(values, None, None).unwrap();
    column.close().unwrap();
}

#[test]
fn parquet_gives_rows_of_its_text_columns() {
    let schema = "message m { required binary name (UTF8); required int64 id; optional binary note (UTF8); }";
    let folder = parquet_file(schema, |group| {
        column(group, &["Zoë", "Bob", "Ada"], None, None);
        numbers(group, &[1, 2, 3]);
        column(group, &["first", "third"], Some(&[1, 0, 1]), None);
    });
    let paths = [folder.path().to_owned()];
    let events = events_of(&paths, Options::default());
    assert_eq!(
        texts(&events),
        ["{\"name\":\"Zoë\",\"note\":\"first\"}", "{\"name\":\"Bob\"}", "{\"name\":\"Ada\",\"note\":\"third\"}"]
    );
    assert_eq!(units(&events)[2].place.record, Some(3));
    assert!(notes(&events)[0].ends_with(": id"), "columns without text are named");
    let chosen = |column: &str| Options { columns: vec![column.into()], ..Options::default() };
    let events = events_of(&paths, chosen("note"));
    assert_eq!(texts(&events), ["first", "third"]);
    assert_eq!(units(&events)[1].place.record, Some(3));
    assert!(left_out(&events_of(&paths, chosen("nothing")))[0].1.to_string().contains("no column `nothing`"));
}

#[test]
fn a_nested_column_is_named_and_the_others_are_read() {
    let schema = "message m { required binary name (UTF8); required group tags (LIST) { repeated group list { required binary element (UTF8); } } }";
    let folder = parquet_file(schema, |group| {
        column(group, &["Zoë"], None, None);
        column(group, &["a", "b"], Some(&[1, 1]), Some(&[0, 1]));
    });
    let events = events_of(&[folder.path().to_owned()], Options::default());
    assert_eq!(texts(&events), ["{\"name\":\"Zoë\"}"]);
    let [(_, reason)] = left_out(&events)[..] else { panic!("{events:?}") };
    assert!(reason.to_string().contains("`tags.list.element` is nested"), "{reason}");
    let flat = Options { columns: vec!["name".into()], ..Options::default() };
    assert!(left_out(&events_of(&[folder.path().to_owned()], flat)).is_empty());
}

#[test]
fn a_damaged_parquet_file_is_said() {
    let schema = "message m { required binary name (UTF8); }";
    let folder = parquet_file(schema, |group| column(group, &["a text that is long enough to be cut"; 50], None, None));
    let path = folder.path().join("a.parquet");
    let whole = fs::read(&path).unwrap();
    for cut in [0, 3, 20, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        let events = events_of(std::slice::from_ref(&path), Options::default());
        assert_eq!(left_out(&events)[0].1.as_str(), "malformed", "cut at {cut}");
    }
    for place in (4..whole.len()).step_by(7) {
        let mut broken = whole.clone();
        broken[place] ^= 0x55;
        fs::write(&path, &broken).unwrap();
        // It says so or reads other text; it must not panic.
        let _ = events_of(std::slice::from_ref(&path), Options::default());
    }
    assert_eq!(left_out(&one("b.csv", b"PAR1....", Options::default()))[0].1.as_str(), "binary");
}

#[test]
fn no_event_shows_a_text() {
    let events = one("a.txt", b"canary-7f3a", Options::default());
    assert!(!format!("{events:?}").contains("canary"));
}
