//! `cordon plan`: local or cloud. Reads options, a plan file and the audit log, and prints what `crate::plan` makes of
//! them; it computes nothing itself.

mod print;

use std::path::PathBuf;

use indicatif::ProgressBar;
use jiff::Timestamp;

use crate::audit::{AuditLog, DecisionFilter};
use crate::config::Config;
use crate::dispatch;
use crate::plan::{self, CloudPrice, Recorder, Stated, Traffic};

use super::{CommandResult, Common, Exit, Failure, output};

/// Records read at a time.
const PAGE: u32 = 1000;

/// Arguments of `plan`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// A TOML file with the same names as the options below (`queries_per_day = 50000`); options go before it.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Count the recorded traffic: volume, levels, what must stay, tokens and costs.
    #[arg(long)]
    from_audit: bool,
    /// The folder of the log; the one of the configuration when absent.
    #[arg(long, value_name = "DIR", requires = "from_audit")]
    directory: Option<PathBuf>,
    /// Count records at or after this time, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME", requires = "from_audit")]
    since: Option<Timestamp>,
    /// Count records before this time.
    #[arg(long, value_name = "TIME", requires = "from_audit")]
    until: Option<Timestamp>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write the costs as a picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    stated: Stated,
}

pub(super) fn run(common: &Common, arguments: Arguments) -> CommandResult {
    let file = match &arguments.file {
        None => Stated::default(),
        Some(path) => {
            let source = std::fs::read_to_string(path)
                .map_err(|error| Failure(format!("cannot read {}: {error}", path.display())))?;
            Stated::read(&source).map_err(|error| Failure(format!("{}: {error}", path.display())))?
        }
    };
    let stated = arguments.stated.clone().or(file);
    let (traffic, price) = if arguments.from_audit { recorded(common, &arguments)? } else { (None, None) };
    let plan = plan::plan(&stated, traffic, price)?;
    if let Some(path) = &arguments.svg {
        std::fs::write(path, plan::chart::svg(&plan))
            .map_err(|error| Failure(format!("cannot write {}: {error}", path.display())))?;
        output::note(&format!("wrote {}", path.display()));
    }
    if arguments.json {
        output::json(&plan)?;
    } else {
        print::all(&plan)?;
    }
    Ok(Exit::Done)
}

/// What the log says, and the cloud's price in the configuration.
fn recorded(common: &Common, arguments: &Arguments) -> Result<(Option<Traffic>, Option<CloudPrice>), Failure> {
    if let (Some(since), Some(until)) = (arguments.since, arguments.until)
        && since >= until
    {
        return Err(Failure("--since must be before --until".into()));
    }
    // A folder that is named needs no configuration, unless one is named too.
    let config = match (&arguments.directory, &common.config) {
        (Some(_), None) => None,
        _ => Some(common.load()?),
    };
    let directory = match (&arguments.directory, &config) {
        (Some(directory), _) => directory.clone(),
        (None, Some(config)) => config.audit.directory.clone(),
        (None, None) => return Err(Failure("give --directory or --config".into())),
    };
    let reader = AuditLog::open_read_only(&directory)?;
    let filter = DecisionFilter { since: arguments.since, until: arguments.until, ..DecisionFilter::default() };
    let mut recorder = Recorder::default();
    let bar = ProgressBar::new_spinner();
    let mut token = String::new();
    loop {
        let page = reader.list(&filter, &token, PAGE)?;
        for stored in &page.decisions {
            recorder.take(&stored.decision, stored.outcome.as_ref().map(|stored| &stored.outcome));
        }
        bar.inc(page.decisions.len() as u64);
        bar.set_message(format!("{} records", bar.position()));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    bar.finish_and_clear();
    let traffic = recorder.finish(arguments.since, arguments.until);
    if traffic.is_none() {
        output::note("the log holds no request of that time; what is stated is used alone");
    }
    Ok((traffic, config.as_ref().and_then(cloud_price)))
}

/// The price of the first cloud backend that has one.
fn cloud_price(config: &Config) -> Option<CloudPrice> {
    let clouds = config.backends.iter().filter(|backend| backend.side == dispatch::Side::Cloud);
    let price = clouds.filter_map(|backend| backend.price).next()?;
    Some(CloudPrice { input: price.input, output: price.output })
}
