//! `--server`: a running service replays its own log.

use std::path::Path;

use jiff::Timestamp;
use tonic::Request;

use crate::replay::Summary;
use crate::service::proto::audit_service_client::AuditServiceClient;
use crate::service::proto::{ReplayPolicyRequest, Sensitivity};

use super::super::client::{DEFAULT_SERVER, explain};
use super::{Arguments, Failure, print};

/// Bytes of an answer; a policy of thousands of rules fits.
const MAX_ANSWER: usize = 64 << 20;

pub(super) fn written(arguments: &Arguments, tried: &Path) -> Result<Vec<u8>, Failure> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| Failure(format!("cannot read {}: {error}", path.display())))
    };
    let level = match arguments.level.as_deref() {
        Some("public") => Sensitivity::Public,
        Some("internal") => Sensitivity::Internal,
        Some(_) => Sensitivity::Confidential,
        None => Sensitivity::Unspecified,
    };
    let request = ReplayPolicyRequest {
        policy: read(tried)?,
        against: arguments.against.as_deref().map(read).transpose()?.unwrap_or_default(),
        since: arguments.since.map(time),
        until: arguments.until.map(time),
        caller: arguments.caller.clone().unwrap_or_default(),
        level: level as i32,
    };
    let answer = super::super::runtime()?.block_on(async {
        let connection = arguments.server.connect(DEFAULT_SERVER).await?;
        let mut client = AuditServiceClient::new(connection).max_decoding_message_size(MAX_ANSWER);
        client.replay_policy(Request::new(request)).await.map_err(|status| explain(&status))
    })?;
    let json = answer.into_inner().canonical_json;
    if arguments.json {
        return Ok(format!("{json}\n").into_bytes());
    }
    let summary: Summary = serde_json::from_str(&json)?;
    Ok(print::summary(&summary).into_bytes())
}

fn time(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        return prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 };
    }
    prost_types::Timestamp { seconds, nanos }
}
