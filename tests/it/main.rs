//! Integration tests over real sockets, in one binary so that it links once.

#![allow(unreachable_pub, missing_docs)]
// A test that meets what it does not expect must panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]
#![allow(clippy::print_stderr)]

mod common;

mod bad_input;
mod classify;
mod cli;
mod console;
mod control;
mod conversation;
mod corpus;
mod dispatch;
mod health;
mod http;
mod http_bad_input;
mod http_embeddings;
mod http_tools;
mod invariants;
mod log;
mod overrides;
mod plan;
mod protocol;
mod redact;
mod redacted;
mod reload;
mod replay;
mod scan;
mod stop;
mod topics;
