//! From paths to files: folders with all that is in them, as their ignore files say. A file that is named is read in any
//! case. Symbolic links are not followed unless that is asked for, and then a loop is noticed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use ignore::{DirEntry, Walk, WalkBuilder};

use super::{Event, Events, Options, Reason, open};
use crate::error::Kind;

/// Paths that cannot be scanned at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is none.
    #[error("give at least one file or folder to scan")]
    NoPath,
    /// A path that was named cannot be looked at.
    #[error("cannot scan {path}: {source}; check the path and its permissions")]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl SourceError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::InvalidArgument
    }
}

/// The events of paths.
pub struct Files {
    walk: Walk,
    options: Options,
    open: Option<Events>,
    links: u64,
    done: bool,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("options", &self.options).finish_non_exhaustive()
    }
}

fn walk(paths: &[PathBuf], options: &Options) -> Option<Walk> {
    let (first, others) = paths.split_first()?;
    let mut builder = WalkBuilder::new(first);
    for path in others {
        builder.add(path);
    }
    builder
        .hidden(!options.hidden)
        .ignore(!options.no_ignore)
        .git_ignore(!options.no_ignore)
        .git_exclude(!options.no_ignore)
        .parents(!options.no_ignore)
        // What is scanned must not depend on whose machine it is, nor on whether a copy of a repository has its history.
        .git_global(false)
        .require_git(false)
        .follow_links(options.follow)
        .sort_by_file_path(Path::cmp)
        // The objects of a repository are compressed; its files are scanned as files.
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git");
    Some(builder.build())
}

impl Files {
    /// The events of these files and folders.
    ///
    /// # Errors
    /// When there is no path, or one of them is not there.
    pub fn new(paths: &[PathBuf], options: Options) -> Result<Self, SourceError> {
        for path in paths {
            std::fs::metadata(path).map_err(|source| SourceError::Path { path: path.clone(), source })?;
        }
        let walk = walk(paths, &options).ok_or(SourceError::NoPath)?;
        Ok(Self { walk, options, open: None, links: 0, done: false })
    }

    /// How many files there are and how many bytes they hold, for a progress bar. Errors are left for the scan itself.
    #[must_use]
    pub fn measure(paths: &[PathBuf], options: &Options) -> (u64, u64) {
        let Some(walk) = walk(paths, options) else { return (0, 0) };
        let sizes =
            walk.filter_map(Result::ok).filter_map(|entry| entry.metadata().ok()).filter(std::fs::Metadata::is_file);
        sizes.fold((0, 0), |(files, bytes), metadata| (files + 1, bytes + metadata.len()))
    }

    /// Tells whether the files, and the way in which they are read, are the same as before: by name, size and time, never by
    /// what they hold.
    #[must_use]
    pub fn fingerprint(paths: &[PathBuf], options: &Options) -> String {
        let mut hash = blake3::Hasher::new();
        let mut add = |part: &[u8]| {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(format!("{options:?}").as_bytes());
        for entry in walk(paths, options).into_iter().flatten().filter_map(Result::ok) {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                let time = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                add(entry.path().as_os_str().as_encoded_bytes());
                add(&metadata.len().to_le_bytes());
                add(&time.unwrap_or_default().as_nanos().to_le_bytes());
            }
        }
        hash.finalize().to_hex().to_string()
    }

    /// What one entry gives at once; the rest comes from the file that it may have opened.
    fn enter(&mut self, entry: &DirEntry) -> Option<Event> {
        let path: Arc<str> = entry.path().to_string_lossy().into();
        if let Some(problem) = entry.error() {
            // Of an ignore file; what it would have left out is scanned.
            let note = format!("an ignore file beside it was not understood: {problem}");
            self.open = Some(Box::new(std::iter::once(Event::note(&path, note))));
        }
        let kind = entry.file_type()?;
        if kind.is_dir() {
            return None;
        }
        if kind.is_symlink() && entry.depth() > 0 {
            self.links += 1;
            return None;
        }
        let bytes = entry.metadata().map_or(0, |metadata| metadata.len());
        let before = self.open.take();
        let events: Events = match open(entry.path(), &self.options) {
            Ok(events) => events,
            Err(reason) => Box::new(std::iter::once(Event::unscanned(&path, None, reason))),
        };
        self.open = Some(match before {
            Some(before) => Box::new(before.chain(events)),
            None => events,
        });
        Some(Event::File { path, bytes })
    }
}

/// An error of the walk.
fn problem(error: &ignore::Error) -> Event {
    let (path, inner) = located(error);
    let path: Arc<str> = path.map_or_else(|| "(unknown)".into(), |path| path.to_string_lossy().into());
    if let ignore::Error::Loop { ancestor, .. } = inner {
        // Everything in it is scanned once already.
        return Event::note(
            &path,
            format!("is a loop of symbolic links back to {}; not followed again", ancestor.display()),
        );
    }
    let text = inner.io_error().map_or_else(|| inner.to_string(), ToString::to_string);
    Event::unscanned(&path, None, Reason::Unreadable(text))
}

fn located(error: &ignore::Error) -> (Option<&Path>, &ignore::Error) {
    match error {
        ignore::Error::WithPath { path, err } => {
            let (inner, err) = located(err);
            (inner.or(Some(path)), err)
        }
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => located(err),
        ignore::Error::Loop { child, .. } => (Some(child), error),
        _ => (None, error),
    }
}

impl Iterator for Files {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.open.as_mut().and_then(Iterator::next) {
                return Some(event);
            }
            self.open = None;
            if self.done {
                return None;
            }
            match self.walk.next() {
                Some(Ok(entry)) => {
                    if let Some(event) = self.enter(&entry) {
                        return Some(event);
                    }
                }
                Some(Err(error)) => return Some(problem(&error)),
                None => {
                    self.done = true;
                    let links = std::mem::take(&mut self.links);
                    if links > 0 {
                        let text = format!("{links} symbolic links were not followed; --follow follows them");
                        return Some(Event::note(&Arc::from(""), text));
                    }
                }
            }
        }
    }
}
