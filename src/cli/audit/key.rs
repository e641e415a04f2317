//! `cordon audit key`: the public half of the key that signs the log. The other half is never shown.

use crate::audit::rotate_signing_key;

use super::super::{CommandResult, Common, Exit, Failure, output};
use super::{Place, config, only_own, open};

/// Arguments of `key`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Key {
    /// Print 64 hexadecimal digits a key instead of PEM.
    #[arg(long)]
    hex: bool,
    /// Let a new key sign from now on; the old one vouches for it in the log and is then destroyed. Stop the service
    /// first.
    #[arg(long)]
    rotate: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(common: &Common, arguments: &Key) -> CommandResult {
    if arguments.rotate {
        let key = rotate_signing_key(&config(common, &arguments.place)?)?;
        output::note(&format!("the key {} signs from now on", key.id()));
    }
    only_own(&arguments.place)?;
    let reader = open(common, &arguments.place)?;
    let keys = reader.public_keys().map_err(|error| {
        Failure(format!("no public key beside the log ({error}); the service makes one when it starts"))
    })?;
    for key in &keys {
        if arguments.hex {
            output::line(key)?;
        } else {
            output::line(key.to_pem().trim_end())?;
        }
    }
    if let Some(newest) = keys.last() {
        let before = if keys.len() > 1 { ", after the others in their order" } else { "" };
        output::note(&format!("key {} signs{before}; keep this elsewhere", newest.id()));
    }
    Ok(Exit::Done)
}
