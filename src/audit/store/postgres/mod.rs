//! The fleet's log in PostgreSQL: many chains in one table that only grows. It knows rows, positions and hashes, and
//! nothing of what a body means. Nothing here waits without a limit, and no error holds a value of a row.
//!
//! A row is never changed: roles need no more than to insert and to select, and a trigger refuses the rest even for the
//! owner. Where a chain stands is no row of its own, which would have to be changed: it is the newest record of the chain.

mod address;
mod connect;
mod read;
mod schema;
mod ship;
#[cfg(test)]
mod tests;
mod tls;

pub(in crate::audit) use address::Address;
pub(in crate::audit) use connect::Connector;
pub(in crate::audit) use read::{ChainRow, Cursor, FleetFound, FleetQuery, FleetReading, Span};
pub(in crate::audit) use schema::migrate;
pub(in crate::audit) use ship::Shipping;
