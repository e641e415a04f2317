//! The file of an export: it appears under its name only when it is whole, is readable by its owner alone, and never
//! takes the place of another unless that is asked for.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::ExportError;

/// A file on its way. Dropped before [`ExportFile::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct ExportFile {
    path: PathBuf,
    half: PathBuf,
    finished: bool,
}

impl ExportFile {
    /// Begins a file of this name. `force` lets it take the place of one that is there.
    ///
    /// # Errors
    /// When there is one and it may not be replaced, or the folder cannot be written.
    pub fn create(path: &Path, force: bool) -> Result<(Self, BufWriter<File>), ExportError> {
        if !force && path.symlink_metadata().is_ok() {
            return Err(ExportError::Exists { path: path.to_owned() });
        }
        if path.is_dir() {
            let source = std::io::Error::from(std::io::ErrorKind::IsADirectory);
            return Err(ExportError::Io { path: path.to_owned(), source });
        }
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let half = PathBuf::from(name);
        let open = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half);
        let file = open.map_err(|source| ExportError::Io { path: half.clone(), source })?;
        Ok((Self { path: path.to_owned(), half, finished: false }, BufWriter::new(file)))
    }

    /// Gives the file its name, once it is on the disk.
    ///
    /// # Errors
    /// When it cannot be written; then there is no file of that name.
    pub fn finish(mut self, mut writer: BufWriter<File>) -> Result<(), ExportError> {
        let flushed = writer.flush().and_then(|()| writer.get_ref().sync_all());
        flushed
            .and_then(|()| std::fs::rename(&self.half, &self.path))
            .map_err(|source| ExportError::Io { path: self.path.clone(), source })?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for ExportFile {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed either is named by the error that led here.
            let _ = std::fs::remove_file(&self.half);
        }
    }
}
