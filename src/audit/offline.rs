//! What an operator does to a log that no service has open: hand the signature over to a new key, and make the file of an
//! old log small.

use super::files::{self, HeadFile, Layout};
use super::signer::Signer;
use super::store::Session;
use super::{AuditConfig, AuditError, PublicKey};

/// Lets another key sign the log from now on, and gives its public half.
///
/// # Errors
/// As [`super::AuditLog::open`]; [`AuditError::Unsigned`] for a log that is not signed.
pub fn rotate_signing_key(config: &AuditConfig) -> Result<PublicKey, AuditError> {
    alone(config, |layout, session| {
        let plan = config.checkpoints.clone().ok_or(AuditError::Unsigned)?;
        let public = Signer::open(layout, plan, session)?.rotate(layout, session)?;
        HeadFile::open(&layout.head)?.write(&session.head())?;
        Ok(public)
    })
}

/// Gives the space of removed records back, where the log is so old that this does not happen of itself. It needs room
/// for a second copy of the database meanwhile.
///
/// # Errors
/// As [`super::AuditLog::open`], and when the disk is full.
pub fn compact(config: &AuditConfig) -> Result<(), AuditError> {
    alone(config, |_, session| session.compact())
}

/// Works on the log as its only writer.
fn alone<T>(
    config: &AuditConfig,
    work: impl FnOnce(&Layout, &mut Session) -> Result<T, AuditError>,
) -> Result<T, AuditError> {
    let layout = config.layout();
    if !layout.database.exists() {
        return Err(AuditError::Missing { directory: layout.directory });
    }
    let lock = files::lock(&layout)?;
    let mut session = Session::open(&layout, config.busy_timeout)?;
    let result = work(&layout, &mut session)?;
    session.close()?;
    drop(lock);
    Ok(result)
}
