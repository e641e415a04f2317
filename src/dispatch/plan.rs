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
    /// The caller asked for a lower level and has no leave for it.
    pub const OVERRIDE_DENIED: &str = "override_denied";
    /// A budget has no room for what the request may cost in the cloud.
    pub const BUDGET_SPENT: &str = "budget_spent";
    /// The reservation of what it may cost could not be made durable.
    pub const BUDGET_UNAVAILABLE: &str = "budget_unavailable";
    /// The local answer was not sure enough.
    pub const LOW_CONFIDENCE: &str = "low_confidence";
    /// The rule's route is beyond the verdict's ceiling.
    pub const NOT_PERMITTED: &str = "not_permitted";
    /// The text cannot be redacted: something in it can be read by no detector, or some detector did not see all of it.
    pub const NOT_REDACTABLE: &str = "not_redactable";
    /// The redacted text is of a level that the route does not let out.
    pub const REDACTED_TEXT_NOT_PERMITTED: &str = "redacted_text_not_permitted";
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

/// Why a cloud that is not open is not tried.
pub(super) fn unopened(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::Absent => reason::NO_CLOUD_BACKEND,
        Cloud::Closed => reason::CLOUD_CLOSED,
        Cloud::Open => reason::NONE,
    }
}

/// The steps in order; at least one. `ceiling` is the permit's; where it is below the preferred route, `stays` says why
/// if more is known than that.
pub(super) fn steps(
    preferred: Route,
    ceiling: Route,
    may_fall_back: bool,
    cloud: Cloud,
    stays: Option<&'static str>,
) -> Vec<Step> {
    let step = |route, reason| Step { route, reason };
    match (preferred, ceiling, cloud) {
        (Route::Cloud | Route::CloudRedacted, ..) if ceiling < preferred => {
            vec![step(Route::Local, stays.unwrap_or(reason::NOT_PERMITTED))]
        }
        (Route::Cloud | Route::CloudRedacted, _, Cloud::Open) => {
            vec![step(preferred, reason::NONE), step(Route::Local, reason::CLOUD_UNAVAILABLE)]
        }
        (Route::Cloud | Route::CloudRedacted, ..) => vec![step(Route::Local, unopened(cloud))],
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
        const ROUTES: [Route; 3] = [Route::Local, Route::CloudRedacted, Route::Cloud];
        for preferred in ROUTES {
            for ceiling in ROUTES {
                for may_fall_back in [false, true] {
                    for cloud in [Cloud::Absent, Cloud::Closed, Cloud::Open] {
                        let steps = steps(preferred, ceiling, may_fall_back, cloud, None);
                        let told = format!("{preferred} {ceiling} {may_fall_back} {cloud:?}: {steps:?}");
                        assert!(!steps.is_empty(), "{told}");
                        assert!(steps.iter().any(|step| step.route == Route::Local), "local is always tried: {told}");
                        assert!(steps.iter().all(|step| step.route <= ceiling), "{told}");
                        let cloudy = steps.iter().any(|step| step.route.leaves());
                        assert!(!cloudy || cloud == Cloud::Open, "{told}");
                        assert!(!cloudy || preferred.leaves() || may_fall_back, "{told}");
                        let first = steps.first().unwrap();
                        assert_eq!(first.reason.is_empty(), first.route == preferred, "{told}");
                    }
                }
            }
        }
    }
}
