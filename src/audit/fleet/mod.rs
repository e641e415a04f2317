//! The fleet's log: many replicas, one PostgreSQL, one chain for each replica.
//!
//! A replica writes its own log on its own disk first, exactly as it does alone: that record is the proof that lets text
//! leave, so nobody waits for the network and nothing is lost when the database is away. The shipper then sends records
//! on, in order. What is not sent yet is no second queue: it is the part of the local log after the newest record that
//! the database has. So nothing can be sent twice or passed over, whatever dies when.
//!
//! The chains are joined by records of [`FleetHeads`]: each replica writes down, in its own chain, where the others stand.
//! Whoever cuts the end off one chain contradicts all others.
//!
//! File by file: `config.rs` says where and as whom, `shipper.rs` sends, `heads.rs` joins, `status.rs` tells how it goes,
//! `reader.rs` and `verify.rs` read all chains. SQL is in `store/postgres/`. Nothing here may hold up a decision.

mod config;
mod error;
mod heads;
mod reader;
mod replica;
mod shipper;
mod status;
mod verify;

pub use config::{Answers, FleetConfig, FleetSection, PASSWORD_VARIABLE};
pub use error::FleetError;
pub use heads::{ChainHead, FleetHeads};
pub(in crate::audit) use reader::FleetReader;
pub use replica::ReplicaId;
pub(in crate::audit) use shipper::{Append, Shipper};
pub use status::FleetStatus;
pub use verify::{ChainVerification, FleetVerification};

use super::AuditError;
use super::store::{Connector, migrate as migrate_tables};

/// What a migration of the fleet's log did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Schema version before; 0 without tables.
    pub from: i32,
    /// Schema version now.
    pub to: i32,
}

/// Makes the tables of the fleet's log or brings them up to date, and gives roles their rights: `writer` may insert and
/// select, `reader` may select. Blocks.
///
/// # Errors
/// When the database cannot be reached or refuses.
pub fn migrate(config: &FleetConfig, writer: Option<&str>, reader: Option<&str>) -> Result<Migration, AuditError> {
    let connector = Connector::new(config)?;
    let runtime = reader::runtime()?;
    let done = runtime.block_on(migrate_tables(&connector, writer, reader));
    runtime.shutdown_background();
    let done = done?;
    Ok(Migration { from: done.from, to: done.to })
}
