//! Cordon stands between the services of an organisation and the language models they call.
//!
//! It says whether a text is public, internal or confidential, sends the request to local or cloud inference by that
//! verdict, and keeps a record that proves it. The life of a request, file by file:
//!
//! 1. `service/` accepts it, names the caller, checks limits and turns it into a [`document::Document`];
//! 2. [`classify`] runs the detectors over it: `detect/` (patterns, word lists, secrets) and `ner/` (the model);
//! 3. [`policy`] turns the findings and the coverage receipt into a [`policy::Verdict`];
//! 4. [`dispatch`] estimates complexity, asks the policy for a [`policy::Permit`], and chooses a backend under it;
//! 5. [`audit`] makes the decision durable before any byte leaves for the cloud, and records the outcome;
//! 6. `dispatch/provider/` talks to the backend and streams the answer back.
//!
//! Dependencies point one way: `cli, service → dispatch → policy → detect, ner → document`, with `audit` beside
//! `policy`. What must always hold is written where it is enforced; `tests/it/invariants.rs` tests it.

pub mod audit;
pub mod classify;
pub mod cli;
pub mod config;
pub mod control;
pub mod detect;
pub mod dispatch;
pub mod document;
pub mod error;
pub mod eval;
pub mod money;
pub mod ner;
pub mod plan;
pub mod policy;
pub mod redact;
pub mod replay;
pub mod report;
pub mod scan;
pub mod service;
pub mod startup;
pub mod telemetry;
pub mod worker;
