//! Doors: TCP addresses and Unix sockets. A socket file is created with mode 0600, a stale one is replaced, a living
//! one is never taken over, and ours is removed at the end.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::server::TcpIncoming;

use crate::config::Listen;
use crate::error::Kind;

/// An open door.
#[derive(Debug)]
pub enum Door {
    /// TCP.
    Tcp(TcpIncoming),
    /// A Unix domain socket.
    Unix(UnixDoor),
}

/// A Unix socket and the file that goes when it closes.
#[derive(Debug)]
pub struct UnixDoor {
    pub(super) stream: UnixListenerStream,
    pub(super) path: SocketFile,
}

/// Removes the socket's file when dropped.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A door that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address or path is taken.
    #[error("{door} is in use; stop the other program or choose another with --listen")]
    InUse {
        /// Which.
        door: String,
    },
    /// Anything else.
    #[error("cannot listen on {door}: {source}")]
    Other {
        /// Which.
        door: String,
        /// Why.
        source: io::Error,
    },
}

impl ListenError {
    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::FailedPrecondition
    }
}

/// Opens a door and says where it is: port 0 becomes a real port.
///
/// # Errors
/// When the address is taken or may not be used.
pub async fn open(listen: &Listen) -> Result<(Door, Listen), ListenError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::InUse { door: listen.to_string() },
        _ => ListenError::Other { door: listen.to_string(), source },
    };
    match listen {
        Listen::Tcp(address) => {
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            let bound: SocketAddr = listener.local_addr().map_err(failed)?;
            Ok((Door::Tcp(TcpIncoming::from(listener).with_nodelay(Some(true))), Listen::Tcp(bound)))
        }
        Listen::Unix(path) => {
            clear_stale(path).await.map_err(failed)?;
            let listener = bind_private(path).map_err(failed)?;
            let door = UnixDoor { stream: UnixListenerStream::new(listener), path: SocketFile(path.clone()) };
            Ok((Door::Unix(door), listen.clone()))
        }
    }
}

/// Binds under a private name first, sets the mode, then moves it to its place: nobody can connect in between.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let mut private = path.as_os_str().to_owned();
    private.push(format!(".{}", std::process::id()));
    let private = PathBuf::from(private);
    let _ = std::fs::remove_file(&private);
    let listener = UnixListener::bind(&private)?;
    std::fs::set_permissions(&private, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&private, path)?;
    Ok(listener)
}

/// Removes a socket that nobody answers on. Anything that is no socket, and a socket that answers, stays.
async fn clear_stale(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;
    let Ok(metadata) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::other("a file that is no socket is in its place; remove it or choose another path"));
    }
    match UnixStream::connect(path).await {
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
        Err(_) => std::fs::remove_file(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_a_clear_error() {
        let (_door, at) = open(&Listen::Tcp("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let message = open(&at).await.unwrap_err().to_string();
        assert!(message.contains("in use") && message.contains("--listen"), "{message}");
    }

    #[tokio::test]
    async fn sockets_are_private_and_stale_ones_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let listen = Listen::Unix(dir.path().join("c.sock"));
        let (door, _) = open(&listen).await.unwrap();
        let mode = std::fs::metadata(dir.path().join("c.sock")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(open(&listen).await, Err(ListenError::InUse { .. })), "a living socket is not taken over");
        let Door::Unix(UnixDoor { stream, path }) = door else { panic!("no socket") };
        drop(stream);
        std::mem::forget(path);
        open(&listen).await.unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.txt");
        std::fs::write(&path, "keep").unwrap();
        open(&Listen::Unix(path.clone())).await.unwrap_err();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "keep");
    }
}
