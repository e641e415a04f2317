//! CSV: each record is judged as a whole, its columns named by the header. A record is bounded, because an open quote can
//! make a record of the whole rest of a file.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use csv::{Reader, ReaderBuilder, StringRecord};

use super::pieces::encoding_note;
use super::{Event, Events, MAX_RECORD_BYTES, Options, Place, Reason, Utf8Reader, records};

/// Counts what is read, and fails once it is more than a record may have since the last record began.
struct Bounded<R> {
    inner: Utf8Reader<R>,
    read: u64,
    record_from: Arc<AtomicU64>,
}

/// Kind of the error that [`Bounded`] gives.
const TOO_LONG: io::ErrorKind = io::ErrorKind::FileTooLarge;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read.saturating_sub(self.record_from.load(Ordering::Relaxed)) > MAX_RECORD_BYTES {
            return Err(TOO_LONG.into());
        }
        let count = self.inner.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

struct Records<R> {
    reader: Reader<Bounded<R>>,
    record_from: Arc<AtomicU64>,
    path: Arc<str>,
    wanted: Vec<String>,
    no_header: bool,
    /// Index and name of the columns that are read; `None` for all.
    columns: Option<Vec<(usize, String)>>,
    names: Vec<String>,
    number: u64,
    waiting: VecDeque<Event>,
    started: bool,
    done: bool,
}

pub(super) fn events<R: Read + Send + 'static>(
    reader: Utf8Reader<R>,
    path: Arc<str>,
    delimiter: u8,
    options: &Options,
) -> Events {
    let record_from = Arc::new(AtomicU64::new(0));
    let bounded = Bounded { inner: reader, read: 0, record_from: Arc::clone(&record_from) };
    let reader = ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bounded);
    Box::new(Records {
        reader,
        record_from,
        path,
        wanted: options.columns.clone(),
        no_header: options.no_header,
        columns: None,
        names: Vec::new(),
        number: 0,
        waiting: VecDeque::new(),
        started: false,
        done: false,
    })
}

impl<R: Read> Records<R> {
    /// The next record with the line that it begins on.
    fn record(&mut self) -> Result<Option<(StringRecord, u64)>, Reason> {
        self.record_from.store(self.reader.position().byte(), Ordering::Relaxed);
        let mut record = StringRecord::new();
        let line = self.reader.position().line();
        match self.reader.read_record(&mut record) {
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                Ok(Some((record, line)))
            }
            Ok(false) => Ok(None),
            Err(error) => Err(match error.into_kind() {
                csv::ErrorKind::Io(error) if error.kind() == TOO_LONG => Reason::TooLong {
                    what: "a record from here on (perhaps a quote is not closed)",
                    limit: MAX_RECORD_BYTES,
                },
                csv::ErrorKind::Io(error) => Reason::unreadable(&error),
                _ => Reason::Malformed("is no CSV".to_owned()),
            }),
        }
    }

    /// Reads the header and finds the chosen columns.
    fn start(&mut self) -> Result<(), Reason> {
        self.started = true;
        if !self.no_header
            && let Some((header, line)) = self.record()?
        {
            self.names = header.iter().map(|name| name.trim().to_owned()).collect();
            // Without a header line, the first line would be data; it is scanned as data would be.
            self.take(&header, line);
        }
        if self.wanted.is_empty() {
            return Ok(());
        }
        let mut columns = Vec::new();
        for wanted in &self.wanted {
            let by_name = self.names.iter().position(|name| name == wanted);
            let by_number =
                || wanted.parse::<usize>().ok().and_then(|number| number.checked_sub(1)).filter(|_| self.no_header);
            let Some(index) = by_name.or_else(by_number) else {
                return Err(Reason::Malformed(format!("has no column `{wanted}`")));
            };
            columns.push((index, wanted.clone()));
        }
        self.columns = Some(columns);
        Ok(())
    }

    fn take(&mut self, record: &StringRecord, line: u64) {
        let name = |index: usize| {
            self.names.get(index).cloned().filter(|name| !name.is_empty()).unwrap_or((index + 1).to_string())
        };
        let fields: Vec<(String, String)> = match &self.columns {
            None if self.number == 0 && !self.no_header => {
                record.iter().enumerate().map(|(index, value)| ((index + 1).to_string(), value.to_owned())).collect()
            }
            None => record.iter().enumerate().map(|(index, value)| (name(index), value.to_owned())).collect(),
            Some(columns) => columns
                .iter()
                .filter_map(|(index, name)| Some((name.clone(), record.get(*index)?.to_owned())))
                .collect(),
        };
        let place = Place { line: Some(line), record: Some(self.number), ..Place::default() };
        let chosen = self.columns.as_ref().map_or(0, Vec::len);
        records::push_fields(&mut self.waiting, &self.path, &place, chosen, fields);
    }
}

impl<R: Read + Send> Iterator for Records<R> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if self.done {
                return None;
            }
            let problem = if self.started {
                match self.record() {
                    Ok(Some((record, line))) => {
                        self.number += 1;
                        self.take(&record, line);
                        continue;
                    }
                    Ok(None) => {
                        self.done = true;
                        return self.reader.get_ref().inner.repaired().then(|| encoding_note(&self.path));
                    }
                    Err(problem) => problem,
                }
            } else {
                match self.start() {
                    Ok(()) => continue,
                    Err(problem) => {
                        self.waiting.clear();
                        problem
                    }
                }
            };
            // Where one record ends and the next begins is not known any more.
            self.done = true;
            let place = self.started.then(|| Place { line: Some(self.reader.position().line()), ..Place::default() });
            return Some(Event::unscanned(&self.path, place, problem));
        }
    }
}
