//! The order in which the sides are tried. Pure, so that the whole table can be tested: the ceiling bounds every step,
//! going inward needs no leave, and going outward after a local failure needs the policy's.

use crate::policy::Route;

/// Why a route differs from what the rule prefers.
pub mod reason {
    /// It does not differ.
    pub const NONE: &str = "";
    /// No cloud backend is configured.
    pub const NO_CLOUD_BACKEND: &str = "no_cloud_backend";
    /// The switch closes the cloud for everybody.
    pub const CLOUD_CLOSED: &str = "cloud_closed";
    /// No cloud backend answered.
    pub const CLOUD_UNAVAILABLE: &str = "cloud_unavailable";
    /// No local backend answered.
    pub const LOCAL_UNAVAILABLE: &str = "local_unavailable";
    /// The decision could not be made durable.
    pub const AUDIT_LOG_UNAVAILABLE: &str = "audit_log_unavailable";
    /// A budget has no room for what the request may cost in the cloud.
    pub const BUDGET_SPENT: &str = "budget_spent";
    /// The reservation of what it may cost could not be made durable.
    pub const BUDGET_UNAVAILABLE: &str = "budget_unavailable";
    /// The rule's route is beyond the verdict's ceiling.
    pub const NOT_PERMITTED: &str = "not_permitted";
}

/// What is known of the cloud before anything is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cloud {
    /// No backend is configured.
    Absent,
    /// The switch is off.
    Closed,
    /// It may be tried.
    Open,
}

/// One side to try, and why if it is not the preferred one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) route: Route,
    pub(super) reason: &'static str,
}

/// The steps in order; at least one. `ceiling` is the permit's.
pub(super) fn steps(preferred: Route, ceiling: Route, may_fall_back: bool, cloud: Cloud) -> Vec<Step> {
    let step = |route, reason| Step { route, reason };
    match (preferred, ceiling, cloud) {
        (Route::Cloud, Route::Cloud, Cloud::Open) => {
            vec![step(Route::Cloud, reason::NONE), step(Route::Local, reason::CLOUD_UNAVAILABLE)]
        }
        (Route::Cloud, Route::Cloud, Cloud::Absent) => vec![step(Route::Local, reason::NO_CLOUD_BACKEND)],
        (Route::Cloud, Route::Cloud, Cloud::Closed) => vec![step(Route::Local, reason::CLOUD_CLOSED)],
        (Route::Cloud, Route::Local, _) => vec![step(Route::Local, reason::NOT_PERMITTED)],
        (Route::Local, Route::Cloud, Cloud::Open) if may_fall_back => {
            vec![step(Route::Local, reason::NONE), step(Route::Cloud, reason::LOCAL_UNAVAILABLE)]
        }
        (Route::Local, _, _) => vec![step(Route::Local, reason::NONE)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_goes_beyond_the_ceiling_or_a_closed_cloud() {
        for preferred in [Route::Local, Route::Cloud] {
            for ceiling in [Route::Local, Route::Cloud] {
                for may_fall_back in [false, true] {
                    for cloud in [Cloud::Absent, Cloud::Closed, Cloud::Open] {
                        let steps = steps(preferred, ceiling, may_fall_back, cloud);
                        let told = format!("{preferred} {ceiling} {may_fall_back} {cloud:?}: {steps:?}");
                        assert!(!steps.is_empty(), "{told}");
                        assert!(steps.iter().any(|step| step.route == Route::Local), "local is always tried: {told}");
                        assert!(steps.iter().all(|step| step.route <= ceiling), "{told}");
                        let cloudy = steps.iter().any(|step| step.route == Route::Cloud);
                        assert!(!cloudy || cloud == Cloud::Open, "{told}");
                        assert!(!cloudy || preferred == Route::Cloud || may_fall_back, "{told}");
                        let first = steps.first().unwrap();
                        assert_eq!(first.reason.is_empty(), first.route == preferred, "{told}");
                    }
                }
            }
        }
    }
}
