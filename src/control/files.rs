//! The directory and files of the control store: the directory 0700, every file 0600. What is open to others is refused
//! rather than mended: somebody may have opened a closed cloud there, and the operator should know.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::ControlError;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const OTHERS: u32 = 0o077;

/// Makes the directory if it is not there, and takes its lock, which lasts as long as the file stays open.
pub(super) fn prepare(directory: &Path) -> Result<File, ControlError> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
        .map_err(|error| ControlError::file("cannot create", directory, &error))?;
    refuse_open_to_others(directory, DIRECTORY_MODE)?;
    let path = directory.join("control.lock");
    let lock = private(&path)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(ControlError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(error)) => Err(ControlError::file("cannot lock", &path, &error)),
    }
}

/// Opens a file, made with mode 0600 if it is not there.
pub(super) fn private(path: &Path) -> Result<File, ControlError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|error| ControlError::file("cannot open", path, &error))?;
    refuse_open_to_others(path, FILE_MODE)?;
    Ok(file)
}

fn refuse_open_to_others(path: &Path, wanted: u32) -> Result<(), ControlError> {
    let metadata = std::fs::metadata(path).map_err(|error| ControlError::file("cannot look at", path, &error))?;
    if metadata.permissions().mode() & OTHERS == 0 {
        Ok(())
    } else {
        Err(ControlError::OpenToOthers { path: path.to_owned(), wanted })
    }
}
