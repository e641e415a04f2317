//! Why a backend of the configuration cannot be used. No message holds a key, or an url that may hold one.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::dispatch::provider::EndpointError;
use crate::error::Kind;
use crate::money::PriceError;

/// A backend of the configuration cannot be used.
#[derive(Debug, Error)]
#[error("backend `{backend}`: {problem}")]
pub struct BackendError {
    pub(super) backend: String,
    pub(super) problem: Problem,
}

impl BackendError {
    /// Two backends have one name.
    pub(in crate::dispatch) fn duplicate(backend: &str) -> Self {
        Self { backend: backend.to_owned(), problem: Problem::Duplicate }
    }

    /// What kind of error it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        Kind::FailedPrecondition
    }
}

/// What is wrong with it, and what would be right.
#[derive(Debug, Error)]
pub(super) enum Problem {
    #[error("the name needs 1 to 64 letters, digits, `-`, `_` or `.`")]
    Name,
    #[error("another backend has the same name; choose a different one")]
    Duplicate,
    #[error("the model needs a name of 1 to 128 characters")]
    Model,
    #[error("{0} is 0; leave it out for the default")]
    Zero(&'static str),
    #[error("weight shares requests among backends of one priority; set priority too, or remove it")]
    WeightAlone,
    #[error("weight must be from 1 to {0}")]
    Weight(u32),
    #[error("max_waiting bounds the queue behind max_calls; set max_calls too, or remove it")]
    WaitingAlone,
    #[error("health_interval_ms must be 0 for never, or from {0} to {1}")]
    HealthInterval(u64, u64),
    #[error(transparent)]
    Price(#[from] PriceError),
    #[error("retries must be from 0 to {0}")]
    Retries(u32),
    #[error("{0} belongs to backends of the kind `{1}`; remove it")]
    ForeignField(&'static str, &'static str),
    #[error("the url is none; write it as `http://host:port` or `https://host`")]
    Url,
    #[error("the url holds a user name or password; put the key into api_key_env or api_key_file")]
    UserInfo,
    #[error(
        "the url leads to a public address, so the backend is refused as local; if the machine is this organisation's, \
         set allow_public_address = true"
    )]
    PublicAddress,
    #[error("allow_public_address is for local backends; remove it")]
    CloudOptIn,
    #[error("the url is http://, so the text would cross the network in the clear; use https://")]
    PlainHttp,
    #[error("a local backend never uses a proxy; remove it")]
    LocalProxy,
    #[error("the proxy is no url; write it as `http://host:port`")]
    Proxy,
    #[error("api_key_env and api_key_file are both set; keep one")]
    TwoKeys,
    #[error("the environment variable {0} that should hold the key is not set; set it, or use api_key_file")]
    KeyVariable(String),
    #[error("the key file {path} cannot be read: {1}", path = .0.display())]
    KeyFile(PathBuf, io::ErrorKind),
    #[error("the key is empty; remove the setting if the backend needs none")]
    EmptyKey,
    #[error("{0} is for local backends, whose answers may be escalated; remove it")]
    LocalField(&'static str),
    #[error("a backend of the kind `anthropic` gives no log-probabilities; remove logprobs")]
    NoProbabilities,
    #[error("escalation.calibration names a file, and threshold, early_threshold or weights stand beside it; keep one")]
    TwoCalibrations,
    #[error("the calibration file {path} cannot be read: {1}", path = .0.display())]
    CalibrationFile(PathBuf, io::ErrorKind),
    #[error("the calibration file {path} is none; write it with `cordon calibrate escalation`: {1}", path = .0.display())]
    Calibration(PathBuf, String),
    #[error("escalation.{0} must be from 0 to 1")]
    NoShare(&'static str),
    #[error(
        "escalation.weights must be finite, mean and window not negative, margins not positive, and usual what answers can have"
    )]
    Weights,
    #[error("escalation.{0} must be from 1 to {1}")]
    HoldBack(&'static str, u64),
    #[error("{0}")]
    Endpoint(#[from] EndpointError),
}
