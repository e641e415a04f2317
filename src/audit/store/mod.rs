//! The store: the only place with SQL. It keeps rows and the head, and knows nothing of what a body means.

mod append;
mod choice;
mod own;
mod postgres;
mod read;
mod sqlite;

pub(super) use append::{Insert, Position, Session};
pub(super) use choice::{Choice, PAGE_BYTES};
pub(super) use postgres::{
    Address, ChainRow, Connector, Cursor, FleetFound, FleetQuery, FleetReading, Shipping, Span, migrate,
};
pub(super) use read::{Bounds, Found, RawRow, Reading, Window};
