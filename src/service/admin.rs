//! `AdminService`: the switch of the cloud and the state of budgets. Who closed or opened it is in the audit log before
//! an opening takes effect, and right after a closing did.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use crate::audit::{Change, ChangeKind};
use crate::control::BudgetState;
use crate::error::Kind;

use super::auth::Permission;
use super::core::{self, Core};
use super::error::Refusal;
use super::proto::admin_service_server::AdminService;
use super::proto::{Budget, CloudState, GetCloudRequest, ListBudgetsRequest, ListBudgetsResponse, SetCloudRequest};

/// The service.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    core: Arc<Core>,
}

impl Admin {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    fn state(&self) -> CloudState {
        let closed = self.core.dispatcher.control().closed();
        CloudState {
            closed: closed.everybody,
            closed_callers: closed.callers.iter().map(ToString::to_string).collect(),
            configured: !self.core.dispatcher.backends().cloud().is_empty(),
        }
    }

    async fn switch(&self, caller: Option<&str>, closed: bool) -> Result<(), Refusal> {
        self.core.dispatcher.control().set_cloud(caller, closed).await.map_err(|error| {
            let message = if closed {
                format!("the cloud is closed until the service ends, but that could not be kept: {error}")
            } else {
                format!("the cloud was not opened: {error}")
            };
            Refusal::new(Kind::Unavailable, "CHANGE_NOT_KEPT", message)
        })
    }

    async fn record(&self, change: Change) -> Result<(), Refusal> {
        let closed = change.kind == ChangeKind::CloudClosed;
        let recorded = async { self.core.audit.append_change(change)?.recorded().await };
        recorded.await.map(|_| ()).map_err(|error| {
            let what = if closed { "the cloud is closed, but that" } else { "the cloud was not opened, because it" };
            let message = format!("{what} could not be recorded: {error}");
            Refusal::new(Kind::Unavailable, "AUDIT_LOG_UNAVAILABLE", message)
        })
    }
}

#[tonic::async_trait]
impl AdminService for Admin {
    async fn get_cloud(&self, request: Request<GetCloudRequest>) -> Result<Response<CloudState>, Status> {
        core::caller(&request, Permission::Admin)?;
        Ok(Response::new(self.state()))
    }

    async fn set_cloud(&self, request: Request<SetCloudRequest>) -> Result<Response<CloudState>, Status> {
        let by = core::caller(&request, Permission::Admin)?;
        let SetCloudRequest { closed, caller } = request.into_inner();
        if !caller.is_empty() && !self.core.dispatcher.control().knows(&caller) {
            let message = "is no caller of the configuration; leave it empty for everybody";
            return Err(Refusal::field("caller", "UNKNOWN_CALLER", message).into());
        }
        let whom = Some(caller.as_str()).filter(|caller| !caller.is_empty());
        if closed {
            // It is closed from here on, so it is recorded even if it could not be kept for the next start.
            let kept = self.switch(whom, true).await;
            self.record(Change::new(ChangeKind::CloudClosed, by.name(), &caller)).await?;
            kept?;
        } else {
            self.record(Change::new(ChangeKind::CloudOpened, by.name(), &caller)).await?;
            self.switch(whom, false).await?;
        }
        tracing::info!(by = %by.name(), whom = whom.unwrap_or("everybody"), closed, "the cloud was switched");
        metrics::gauge!("cordon_cloud_closed").set(if self.state().closed { 1.0 } else { 0.0 });
        Ok(Response::new(self.state()))
    }

    async fn list_budgets(
        &self,
        request: Request<ListBudgetsRequest>,
    ) -> Result<Response<ListBudgetsResponse>, Status> {
        core::caller(&request, Permission::Admin)?;
        let budgets = self.core.dispatcher.control().budgets().iter().map(budget).collect();
        Ok(Response::new(ListBudgetsResponse { budgets }))
    }
}

fn budget(state: &BudgetState) -> Budget {
    Budget {
        name: state.budget.to_string(),
        caller: state.caller.to_string(),
        limit_micros: state.limit.micros_up(),
        spent_micros: state.spent.micros_up(),
        held_micros: state.held.micros_up(),
        day: state.date(),
    }
}
