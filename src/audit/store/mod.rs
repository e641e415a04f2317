//! The store: the only place with SQL. It keeps rows and the head, and knows nothing of what a body means.

mod append;
mod own;
mod read;
mod sqlite;

pub(super) use append::{Insert, Position, Session};
pub(super) use read::{Bounds, Found, Query, RawRow, Reading, Window};
