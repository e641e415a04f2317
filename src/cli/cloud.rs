//! `cordon cloud` and `cordon budgets`: the switch and the sums of a running service.

use serde::Serialize;

use crate::money::Amount;
use crate::service::proto::admin_service_client::AdminServiceClient;
use crate::service::proto::{CloudState, GetCloudRequest, ListBudgetsRequest, SetCloudRequest};

use super::client::{self, Server};
use super::{CommandResult, Exit, Failure, output};

/// Subcommands of `cloud`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Let nothing more leave for the cloud: at once, and over restarts.
    Close(Change),
    /// Let what the policy allows leave again.
    Open(Change),
    /// Say for whom the cloud is closed.
    Status(Asking),
}

/// Arguments of a change.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Change {
    /// Only for this caller; for everybody when absent.
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,
    #[command(flatten)]
    asking: Asking,
}

/// Which service, and how to answer.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Asking {
    #[command(flatten)]
    server: Server,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct StateRow {
    closed: bool,
    closed_callers: Vec<String>,
    configured: bool,
}

#[derive(Serialize)]
struct BudgetRow {
    name: String,
    caller: String,
    day: String,
    limit_micros: u64,
    spent_micros: u64,
    held_micros: u64,
}

pub(super) fn run(command: Command) -> CommandResult {
    super::runtime()?.block_on(async {
        match command {
            Command::Close(change) => set(change, true).await,
            Command::Open(change) => set(change, false).await,
            Command::Status(asking) => {
                let mut service = AdminServiceClient::new(asking.server.connect(client::DEFAULT_SERVER).await?);
                let state = service.get_cloud(GetCloudRequest {}).await.map_err(|status| client::explain(&status))?;
                show(state.into_inner(), asking.json)
            }
        }
    })
}

async fn set(change: Change, closed: bool) -> CommandResult {
    let mut service = AdminServiceClient::new(change.asking.server.connect(client::DEFAULT_SERVER).await?);
    let request = SetCloudRequest { closed, caller: change.caller.unwrap_or_default() };
    let state = service.set_cloud(request).await.map_err(|status| client::explain(&status))?;
    show(state.into_inner(), change.asking.json)
}

fn show(state: CloudState, json: bool) -> CommandResult {
    if json {
        let CloudState { closed, closed_callers, configured } = state;
        output::json(&StateRow { closed, closed_callers, configured })?;
        return Ok(Exit::Done);
    }
    output::line(match (state.closed, state.closed_callers.is_empty()) {
        (true, _) => "the cloud is closed for everybody",
        (false, true) => "the cloud is open",
        (false, false) => "the cloud is open, but for those named below",
    })?;
    for caller in &state.closed_callers {
        output::line(format_args!("closed for {caller}"))?;
    }
    if !state.configured {
        output::note("no cloud backend is configured");
    }
    Ok(Exit::Done)
}

/// `cordon budgets`.
pub(super) fn budgets(asking: &Asking) -> CommandResult {
    super::runtime()?.block_on(async {
        let mut service = AdminServiceClient::new(asking.server.connect(client::DEFAULT_SERVER).await?);
        let listed = service.list_budgets(ListBudgetsRequest {}).await.map_err(|status| client::explain(&status))?;
        let mut table = output::table(&["budget", "caller", "day", "limit", "spent", "held"]);
        let budgets = listed.into_inner().budgets;
        if budgets.is_empty() && !asking.json {
            output::note("no budget is configured; add a [[budget]]");
            return Ok::<_, Failure>(Exit::Done);
        }
        for budget in budgets {
            let row = BudgetRow {
                name: budget.name,
                caller: budget.caller,
                day: budget.day,
                limit_micros: budget.limit_micros,
                spent_micros: budget.spent_micros,
                held_micros: budget.held_micros,
            };
            if asking.json {
                output::json(&row)?;
                continue;
            }
            let dollars = |micros| Amount::from_micros(micros).to_string();
            let caller = if row.caller.is_empty() { "together".to_owned() } else { row.caller };
            let (limit, spent, held) = (dollars(row.limit_micros), dollars(row.spent_micros), dollars(row.held_micros));
            table.add_row([row.name, caller, row.day, limit, spent, held]);
        }
        if !asking.json {
            output::line(table)?;
        }
        Ok(Exit::Done)
    })
}
