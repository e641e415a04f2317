//! The files of a log and their modes. The directory is 0700 and every file 0600; what is open to others is refused
//! rather than mended, because it may have been read already and the operator should know.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::AuditError;
use super::chain::{ChainHash, Head};

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const OTHERS: u32 = 0o077;

/// Where the files of a log are.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) directory: PathBuf,
    /// The SQLite database.
    pub(super) database: PathBuf,
    /// Held by the one process that writes.
    pub(super) lock: PathBuf,
    /// The newest record, outside the database, so that a cut or an old copy of the database is seen.
    pub(super) head: PathBuf,
    /// The newest record that the fleet's log has; there only if the log is part of a fleet.
    pub(super) shipped: PathBuf,
    /// Secret of the digests.
    pub(super) key: PathBuf,
    /// Secret of the signatures.
    pub(super) signing_key: PathBuf,
    /// Public halves of all keys that ever signed.
    pub(super) public_key: PathBuf,
    /// Copies of the checkpoints.
    pub(super) checkpoints: PathBuf,
}

impl Layout {
    pub(super) fn of(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            database: directory.join("audit.db"),
            lock: directory.join("audit.lock"),
            head: directory.join("audit.head"),
            shipped: directory.join("audit.shipped"),
            key: directory.join("audit.key"),
            signing_key: directory.join("audit.signing-key"),
            public_key: directory.join("audit.pub"),
            checkpoints: directory.join("checkpoints.jsonl"),
        }
    }

    /// Makes the directory if it is not there, and refuses one that others can look into.
    pub(super) fn prepare(&self) -> Result<(), AuditError> {
        let directory = &self.directory;
        DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(directory)
            .map_err(|error| AuditError::io("cannot create", directory, error))?;
        refuse_open_to_others(directory, DIRECTORY_MODE)
    }
}

fn refuse_open_to_others(path: &Path, wanted: u32) -> Result<(), AuditError> {
    let metadata = std::fs::metadata(path).map_err(|error| AuditError::io("cannot look at", path, error))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & OTHERS == 0 { Ok(()) } else { Err(AuditError::OpenToOthers { path: path.to_owned(), mode, wanted }) }
}

/// Opens a file for reading and writing, made with mode 0600 if it is not there.
pub(super) fn open_private(path: &Path) -> Result<File, AuditError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)
        .map_err(|error| AuditError::io("cannot open", path, error))?;
    refuse_open_to_others(path, FILE_MODE)?;
    Ok(file)
}

/// Reads a small private file; `None` if there is none.
pub(super) fn read_private(path: &Path) -> Result<Option<Vec<u8>>, AuditError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AuditError::io("cannot open", path, error)),
    };
    refuse_open_to_others(path, FILE_MODE)?;
    let mut bytes = Vec::new();
    file.take(4096).read_to_end(&mut bytes).map_err(|error| AuditError::io("cannot read", path, error))?;
    Ok(Some(bytes))
}

/// Makes a small private file that survives a power cut: the file and its directory entry are flushed to the disk.
pub(super) fn create_private(path: &Path, content: &[u8]) -> Result<(), AuditError> {
    let failed = |error| AuditError::io("cannot create", path, error);
    // Under another name first, so that a crash leaves no half of it behind.
    let mut half = path.as_os_str().to_owned();
    half.push(".new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(&half).map_err(failed)?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&half, path).map_err(failed)?;
    match path.parent() {
        Some(parent) => File::open(parent).and_then(|directory| directory.sync_all()).map_err(failed),
        None => Ok(()),
    }
}

/// Takes the writer's lock, which lasts as long as the file stays open.
pub(super) fn lock(layout: &Layout) -> Result<File, AuditError> {
    let file = open_private(&layout.lock)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(AuditError::InUse { directory: layout.directory.clone() }),
        Err(TryLockError::Error(error)) => Err(AuditError::io("cannot lock", &layout.lock, error)),
    }
}

/// The head file: one line of fixed length, written over in place after each commit. It is not flushed to the disk, so
/// after a power cut it may be older than the log, which proves less but never accuses wrongly; it is never newer.
#[derive(Debug)]
pub(super) struct HeadFile {
    file: File,
    path: PathBuf,
}

/// What the head file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RememberedHead {
    /// There is no such file.
    Absent,
    /// The file is not readable as a head.
    Unreadable,
    /// The newest record when it was last written.
    At(Head),
}

const HEAD_MARK: &str = "cordon-audit-head-1";

impl HeadFile {
    pub(super) fn open(path: &Path) -> Result<Self, AuditError> {
        Ok(Self { file: open_private(path)?, path: path.to_owned() })
    }

    pub(super) fn write(&self, head: &Head) -> Result<(), AuditError> {
        let line = format!("{HEAD_MARK} {:020} {}\n", head.sequence, head.hash);
        self.file.write_all_at(line.as_bytes(), 0).map_err(|error| AuditError::io("cannot write", &self.path, error))
    }

    pub(super) fn read(path: &Path) -> Result<RememberedHead, AuditError> {
        let Some(bytes) = read_private(path)? else { return Ok(RememberedHead::Absent) };
        if bytes.is_empty() {
            // Made at the first start and not written yet.
            return Ok(RememberedHead::Absent);
        }
        Ok(parse_head(&bytes).map_or(RememberedHead::Unreadable, RememberedHead::At))
    }
}

fn parse_head(bytes: &[u8]) -> Option<Head> {
    let line = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let mut words = line.split(' ');
    let (mark, sequence, hash) = (words.next()?, words.next()?, words.next()?);
    if mark != HEAD_MARK || words.next().is_some() {
        return None;
    }
    Some(Head { sequence: sequence.parse().ok()?, hash: ChainHash::from_hex(hash)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_open_to_others_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let made = Layout::of(&outer.path().join("a/b"));
        made.prepare().unwrap();
        let mode = std::fs::metadata(&made.directory).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700);
        std::fs::set_permissions(&made.directory, PermissionsExt::from_mode(0o750)).unwrap();
        let refused = made.prepare().unwrap_err();
        assert!(matches!(refused, AuditError::OpenToOthers { mode: 0o750, .. }), "{refused}");
        assert!(refused.to_string().contains("chmod 700"), "{refused}");
    }

    #[test]
    fn the_head_reads_back_and_damage_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("h");
        assert_eq!(HeadFile::read(&path).unwrap(), RememberedHead::Absent);
        let file = HeadFile::open(&path).unwrap();
        assert_eq!(HeadFile::read(&path).unwrap(), RememberedHead::Absent);
        for sequence in [1, 999, u64::MAX] {
            let head = Head { sequence, hash: ChainHash::GENESIS };
            file.write(&head).unwrap();
            assert_eq!(HeadFile::read(&path).unwrap(), RememberedHead::At(head));
        }
        std::fs::write(&path, "cordon-audit-head-1 00").unwrap();
        assert_eq!(HeadFile::read(&path).unwrap(), RememberedHead::Unreadable);
    }

    #[test]
    fn a_second_lock_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::of(&directory.path().join("d"));
        layout.prepare().unwrap();
        let held = lock(&layout).unwrap();
        assert!(matches!(lock(&layout), Err(AuditError::InUse { .. })));
        drop(held);
        lock(&layout).unwrap();
    }
}
