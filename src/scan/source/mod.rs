//! Documents out of files: the one way from a path to texts that can be classified, for `cordon scan` and for whoever
//! feeds a queue with them.
//!
//! [`Files`] walks paths and yields [`Event`]s: a file that begins, a [`Unit`] to classify, something that was not scanned
//! and why, a note. It reads as it is asked, so it is bounded by its consumer: of each file it holds one piece, record or
//! message at a time, whatever the size of the file. It must never leave something out silently: what gives no unit gives
//! an [`Unscanned`].
//!
//! A text longer than [`PIECE_BYTES`] becomes several units that overlap by [`OVERLAP_BYTES`]. Each owns a range of its
//! text, and the ranges of one text touch and never overlap, so a finding counts for the unit in whose range it begins and
//! has at least half of the overlap around it.

mod decode;
mod event;
mod jsonl;
mod mail;
mod mbox;
mod parquet;
mod pieces;
mod records;
mod table;
#[cfg(test)]
mod tests;
mod walk;

use std::fs::File;
use std::io::Read;
use std::path::Path;

pub use decode::Utf8Reader;
pub use event::{Event, Note, Place, Reason, Unit, Unscanned};
pub use pieces::{OVERLAP_BYTES, PIECE_BYTES, Piece, Pieces};
pub use walk::{Files, SourceError};

/// Longest line of JSONL, record of CSV or value of Parquet; a longer one is not scanned, and that is said.
pub const MAX_RECORD_BYTES: u64 = 16 << 20;
/// Largest e-mail; a larger one is not scanned, and that is said.
pub const MAX_MESSAGE_BYTES: u64 = 64 << 20;
/// How much of a file is looked at to tell text from anything else.
const SNIFFED_BYTES: usize = 8192;

/// How a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// Text of any kind, source code too.
    Text,
    /// One JSON object a line.
    Jsonl,
    /// Columns, parted by commas, or by tabs where the file is called `.tsv`.
    Csv,
    /// Parquet.
    Parquet,
    /// One e-mail.
    Eml,
    /// A mailbox.
    Mbox,
}

impl Format {
    /// The format that the end of a name tells; text for every other.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" => Self::Jsonl,
            "csv" | "tsv" => Self::Csv,
            "parquet" => Self::Parquet,
            "eml" => Self::Eml,
            "mbox" => Self::Mbox,
            _ => Self::Text,
        }
    }
}

/// What is read of paths, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The format of every file, whatever its name.
    pub format: Option<Format>,
    /// Fields of a JSONL line, by name or RFC 6901 pointer; the whole line if there are none.
    pub fields: Vec<String>,
    /// Columns of CSV and Parquet, by name; all if there are none.
    pub columns: Vec<String>,
    /// What parts the columns of CSV.
    pub delimiter: Option<u8>,
    /// The first line of CSV holds no names; columns are called 1, 2, 3.
    pub no_header: bool,
    /// Files and folders whose names begin with a dot are read too.
    pub hidden: bool,
    /// `.gitignore` and `.ignore` are not honoured.
    pub no_ignore: bool,
    /// Symbolic links are followed.
    pub follow: bool,
}

/// The events of one file, whatever its format.
type Events = Box<dyn Iterator<Item = Event> + Send>;

/// Opens one file and yields what is in it.
///
/// # Errors
/// Why nothing of it can be scanned.
pub fn open(path: &Path, options: &Options) -> Result<Events, Reason> {
    let metadata = std::fs::metadata(path).map_err(|error| Reason::unreadable(&error))?;
    // A pipe would be waited for, a device may have no end.
    if !metadata.is_file() {
        return Err(Reason::NoFile);
    }
    let mut file = File::open(path).map_err(|error| Reason::unreadable(&error))?;
    let format = options.format.unwrap_or_else(|| Format::of(path));
    let name: std::sync::Arc<str> = path.to_string_lossy().into();
    if format == Format::Parquet {
        return parquet::events(file, name, options);
    }
    let mut head = Vec::with_capacity(SNIFFED_BYTES);
    (&mut file).take(SNIFFED_BYTES as u64).read_to_end(&mut head).map_err(|error| Reason::unreadable(&error))?;
    if let Some(kind) = decode::binary_kind(&head) {
        return Err(Reason::Binary(kind));
    }
    let whole = std::io::Cursor::new(head).chain(file);
    Ok(match format {
        Format::Text => pieces::events(Utf8Reader::new(whole), name),
        Format::Jsonl => jsonl::events(Utf8Reader::new(whole), name, options.fields.clone()),
        Format::Csv => {
            let tabs = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("tsv"));
            let delimiter = options.delimiter.unwrap_or(if tabs { b'\t' } else { b',' });
            table::events(Utf8Reader::new(whole), name, delimiter, options)
        }
        // Mail has encodings of its own, told by its headers.
        Format::Eml => mail::events(whole, name),
        Format::Mbox => mbox::events(whole, name),
        Format::Parquet => return Err(Reason::Malformed("is no Parquet file".to_owned())),
    })
}
