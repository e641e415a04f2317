//! The documents of text files and of JSON lines, in a fixed order.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::Value;
use tokio::sync::mpsc;

use super::super::Failure;
use crate::document::Text;
use crate::policy::Sensitivity;
use crate::worker::Place;

/// What a file gives.
pub(super) enum Item {
    /// A document.
    Document { place: Place, declared_level: Option<Sensitivity>, text: Text },
    /// What could not be read.
    Unreadable(Unreadable),
}

/// What could not be read, and why.
#[derive(Clone, Debug)]
pub(super) struct Unreadable {
    pub(super) place: Place,
    pub(super) problem: String,
}

/// All files, sorted.
pub(super) fn list(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| Failure(format!("cannot read {}: {error}", path.display())))?;
        if kind.is_dir() {
            folder(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn folder(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let mut entries = fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type()?;
        if kind.is_dir() {
            folder(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Tells whether the files are still the same, by name, size and time.
pub(super) fn fingerprint(files: &[PathBuf], options: &[&str]) -> String {
    let mut hash = blake3::Hasher::new();
    let mut add = |part: &[u8]| {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for option in options {
        add(option.as_bytes());
    }
    for file in files {
        add(file.as_os_str().as_encoded_bytes());
        if let Ok(data) = fs::metadata(file) {
            add(&data.len().to_le_bytes());
            let time = data.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            add(&time.map_or(0, |time| time.as_nanos()).to_le_bytes());
        }
    }
    hash.finalize().to_hex().to_string()
}

/// Reads all files in order; ends early when nobody listens any more.
pub(super) fn read(files: &[PathBuf], field: &str, limit: u64, documents: &mpsc::Sender<Item>) {
    for path in files {
        let place = Place { path: path.display().to_string(), ..Place::default() };
        let lines = path.extension().is_some_and(|end| end == "jsonl" || end == "ndjson");
        let done = if lines {
            read_lines(path, &place, field, limit, documents)
        } else {
            read_text(path, &place, limit, documents)
        };
        if done.is_none() {
            return;
        }
    }
}

fn read_text(path: &Path, place: &Place, limit: u64, documents: &mpsc::Sender<Item>) -> Option<()> {
    let unreadable = |problem: String| Item::Unreadable(Unreadable { place: place.clone(), problem });
    let mut bytes = Vec::new();
    let item = match fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)) {
        Err(error) => unreadable(format!("cannot be read: {error}")),
        Ok(_) if bytes.len() as u64 > limit => unreadable(format!("is longer than max_text_bytes, {limit} bytes")),
        Ok(_) => match String::from_utf8(bytes) {
            Ok(text) => Item::Document { place: place.clone(), declared_level: None, text: Text::from(text) },
            Err(_) => unreadable("is not valid UTF-8".to_owned()),
        },
    };
    documents.blocking_send(item).ok()
}

fn read_lines(path: &Path, place: &Place, field: &str, limit: u64, documents: &mpsc::Sender<Item>) -> Option<()> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) => {
            let problem = format!("cannot be read: {error}");
            return documents.blocking_send(Item::Unreadable(Unreadable { place: place.clone(), problem })).ok();
        }
    };
    let (mut reader, mut line) = (BufReader::new(file), 0);
    loop {
        let mut bytes = Vec::new();
        // JSON escapes can make a line six times as long as its text.
        let taken = (&mut reader).take(limit * 6 + 1).read_until(b'\n', &mut bytes);
        let place =
            Place { record: Some(line + 1), line: Some(line + 1), field: Some(field.to_owned()), ..place.clone() };
        line += 1;
        let problem = match taken {
            Ok(0) => return Some(()),
            Err(error) => format!("cannot be read: {error}"),
            Ok(taken) if taken as u64 > limit * 6 => {
                reader.skip_until(b'\n').ok()?;
                format!("is longer than {} bytes", limit * 6)
            }
            Ok(_) if bytes.iter().all(u8::is_ascii_whitespace) => continue,
            Ok(_) => match serde_json::from_slice::<Value>(&bytes) {
                Ok(Value::Object(mut object)) => match object.remove(field) {
                    Some(Value::String(text)) => {
                        let level = object.remove("declared_level");
                        let declared_level = level.and_then(|level| serde_json::from_value(level).ok());
                        let text = Text::from(text);
                        documents.blocking_send(Item::Document { place, declared_level, text }).ok()?;
                        continue;
                    }
                    _ => format!("has no string `{field}`"),
                },
                _ => "is no JSON object".to_owned(),
            },
        };
        documents.blocking_send(Item::Unreadable(Unreadable { place, problem })).ok()?;
    }
}
