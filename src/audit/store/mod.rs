//! The store: the only place with SQL. It keeps rows and the head, and knows nothing of what a body means.

mod append;
mod own;
mod postgres;
mod read;
mod sqlite;

pub(super) use postgres::{
    Address, ChainRow, Connector, Cursor, FleetQuery, FleetReading, Shipping, Span, migrate,
};
pub(super) use append::{Insert, Position, Session};
pub(super) use read::{Bounds, Found, Query, RawRow, Reading, Window};
