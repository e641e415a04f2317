//! One pass over the decisions of a range. Every record is looked at once and forgotten; what stays are counts, whose
//! number is bounded by the tallies. Decisions come newest first, each with its outcome.

use crate::audit::{
    Decision, EntityCount, Operation, Outcome, OutcomeStatus, RecordedOverride, StoredChange, StoredDecision,
};
use crate::detect::Status;
use crate::policy::Sensitivity;

use super::counts::{
    Endings, Gap, Levels, ModelUse, Money, Operations, PolicyUse, ProgramUse, Routes, RuleUse, TypeUse, Volume, Way,
};
use super::egress;
use super::histogram::Histogram;
use super::summary::{
    Complexities, ConfidenceUse, DeclaredLevels, Escalations, Latency, LevelRoutes, ObservedUse, Operator, Override,
    Overrides, Redactions, Summary,
};
use super::tally::{Count, Tally};

/// Days that are counted each by itself: more than ten years.
const MAX_DAYS: usize = 4000;
/// Overrides that are listed, the newest.
const MAX_OVERRIDES: usize = 1000;
/// Changes of operators that are listed, the newest.
const MAX_CHANGES: usize = 1000;

/// What is known so far.
pub(super) struct Gather {
    first: Option<jiff::Timestamp>,
    last: Option<jiff::Timestamp>,
    total: Volume,
    operations: Operations,
    level_routes: LevelRoutes,
    days: Tally<Volume>,
    callers: Tally<Volume>,
    models: Tally<ModelUse>,
    types: Tally<TypeUse>,
    rules: Tally<RuleUse>,
    route_reasons: Tally<Count>,
    complexities: Complexities,
    policies: Tally<PolicyUse>,
    programs: Tally<ProgramUse>,
    endings: Endings,
    failures: Tally<Count>,
    escalations: Escalations,
    withheld: Tally<Count>,
    confidence_reasons: Tally<Count>,
    failed_detectors: Tally<Gap>,
    skipped_detectors: Tally<Gap>,
    incomplete: u64,
    redactions: Redactions,
    overrides: Overrides,
    override_rules: Tally<Count>,
    declared: DeclaredLevels,
    observed: ObservedUse,
    local: Money,
    cloud: Money,
    verdict: Histogram,
    first_piece: Histogram,
    total_local: Histogram,
    total_cloud: Histogram,
    outward: egress::Gathered,
}

impl Gather {
    /// Keeps so many rows of what left.
    pub(super) fn new(egress_rows: usize) -> Self {
        Self {
            first: None,
            last: None,
            total: Volume::default(),
            operations: Operations::default(),
            level_routes: LevelRoutes::default(),
            days: Tally::limited(MAX_DAYS),
            callers: Tally::default(),
            models: Tally::default(),
            types: Tally::default(),
            rules: Tally::default(),
            route_reasons: Tally::default(),
            complexities: Complexities::default(),
            policies: Tally::default(),
            programs: Tally::default(),
            endings: Endings::default(),
            failures: Tally::default(),
            escalations: Escalations::default(),
            withheld: Tally::default(),
            confidence_reasons: Tally::default(),
            failed_detectors: Tally::default(),
            skipped_detectors: Tally::default(),
            incomplete: 0,
            redactions: Redactions::default(),
            overrides: Overrides::default(),
            override_rules: Tally::default(),
            declared: DeclaredLevels::default(),
            observed: ObservedUse::default(),
            local: Money::default(),
            cloud: Money::default(),
            verdict: Histogram::default(),
            first_piece: Histogram::default(),
            total_local: Histogram::default(),
            total_cloud: Histogram::default(),
            outward: egress::Gathered::new(egress_rows),
        }
    }

    pub(super) fn decisions(&self) -> u64 {
        self.total.decisions
    }

    pub(super) fn add(&mut self, stored: &StoredDecision) {
        let decision = &stored.decision;
        let outcome = stored.outcome.as_ref().map(|stored| &stored.outcome);
        let way = Way::of(decision);
        let time = decision.time;
        self.first = Some(self.first.map_or(time, |first| first.min(time)));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));

        self.total.add(decision, outcome);
        self.operations.add(decision.operation);
        self.level_routes.add(decision.level, way);
        self.days.at(&day(time)).add(decision, outcome);
        self.callers.at(decision.caller.as_str()).add(decision, outcome);
        self.deciders(decision);
        self.rules(decision);
        self.types(decision, way);
        self.coverage(decision);
        self.claims(stored);
        if decision.operation == Operation::Dispatch {
            self.call(decision, outcome, way);
        }
        self.times(decision, outcome, way);
        self.outward.add(stored);
    }

    fn deciders(&mut self, decision: &Decision) {
        let policy = self.policies.at(&decision.policy.digest);
        decision.policy.name.as_ref().clone_into(&mut policy.policy);
        decision.policy.version.as_ref().clone_into(&mut policy.version);
        policy.seen.at(decision.time);
        let from = &decision.provenance;
        let key = [&from.service_version, &from.catalog, &from.dictionaries, &from.model, &from.calibration];
        let program = self.programs.at(&key.map(|label| label.as_str()).join(" "));
        from.service_version.as_str().clone_into(&mut program.service_version);
        from.catalog.as_str().clone_into(&mut program.catalog);
        from.model.as_str().clone_into(&mut program.model);
        from.calibration.as_str().clone_into(&mut program.calibration);
        program.seen.at(decision.time);
    }

    fn rules(&mut self, decision: &Decision) {
        for (index, reason) in decision.reasons.iter().enumerate() {
            let rule = self.rules.at(reason.rule.as_str());
            rule.applied += 1;
            rule.decided += u64::from(index == 0);
            rule.levels.add(reason.level);
        }
    }

    fn types(&mut self, decision: &Decision, way: Way) {
        for EntityCount { entity_type, count, distinct, .. } in &decision.entities {
            let used = self.types.at(entity_type.as_str());
            used.decisions += 1;
            used.findings += count;
            used.distinct += distinct;
        }
        if !way.leaves() {
            return;
        }
        let redacted = decision.routing.as_ref().and_then(|routing| routing.redacted.as_ref());
        for entity in redacted.map_or(&decision.entities, |redacted| &redacted.entities) {
            self.types.at(entity.entity_type.as_str()).left += 1;
        }
    }

    fn coverage(&mut self, decision: &Decision) {
        self.incomplete += u64::from(!decision.coverage.is_complete());
        for entry in &decision.coverage.detectors {
            let (tally, why) = match &entry.status {
                // Bytes that nobody looked at are a gap, whatever the detector says of itself.
                Status::Complete if entry.bytes_scanned < entry.bytes_total => {
                    (&mut self.failed_detectors, "bytes_missed")
                }
                Status::Complete => continue,
                Status::PermittedSkip(why) => (&mut self.skipped_detectors, why.as_ref()),
                Status::Failed(why) => (&mut self.failed_detectors, why.as_ref()),
            };
            let gap = tally.at(&format!("{}: {why}", entry.detector.as_str()));
            gap.decisions += 1;
            gap.bytes_missed = gap.bytes_missed.saturating_add(entry.bytes_total.saturating_sub(entry.bytes_scanned));
        }
    }

    /// What somebody claimed or asked beside the text: a declared level, an override, and what the observed policy says.
    fn claims(&mut self, stored: &StoredDecision) {
        let decision = &stored.decision;
        self.declared.add(decision.declared_level, decision.level);
        if let Some(observed) = &decision.observed {
            self.observed.decisions += 1;
            self.observed.differs += u64::from(observed.differs);
            self.observed.higher += u64::from(observed.level > decision.level);
            self.observed.lower += u64::from(observed.level < decision.level);
            let outward = |route: crate::policy::Route| route.leaves();
            let acts = decision.routing.as_ref().map(|routing| outward(routing.route));
            let would = observed.route.map(outward);
            self.observed.newly_outward += u64::from(acts == Some(false) && would == Some(true));
            self.observed.newly_inward += u64::from(acts == Some(true) && would == Some(false));
        }
        let Some(routing) = &decision.routing else { return };
        if let Some(redacted) = &routing.redacted {
            self.redactions.calls += 1;
            self.redactions.values_replaced += redacted.replaced;
            self.redactions.before.add(decision.level);
            self.redactions.after.add(redacted.level);
        }
        if let Some(RecordedOverride { rule, from, to, reason }) = &routing.overridden {
            self.overrides.count += 1;
            self.override_rules.at(rule.as_str()).count += 1;
            if self.overrides.rows.len() < MAX_OVERRIDES {
                self.overrides.rows.push(Override {
                    decision_id: decision.id.to_string(),
                    time: decision.time,
                    caller: decision.caller.to_string(),
                    rule: rule.to_string(),
                    from: *from,
                    to: *to,
                    reason: reason.to_string(),
                });
            } else {
                self.overrides.rows_left_out += 1;
            }
        }
    }

    /// A call of a model, or one that no model took.
    fn call(&mut self, decision: &Decision, outcome: Option<&Outcome>, way: Way) {
        self.endings.add(outcome);
        if let Some(routing) = &decision.routing {
            if !routing.reason.as_str().is_empty() {
                self.route_reasons.at(routing.reason.as_str()).count += 1;
            }
            self.complexities.add(routing.complexity);
            self.escalations.asked_again += u64::from(routing.escalated_from.is_some());
            if way != Way::Unserved {
                let used = self.models.at(&format!("{} / {}", routing.backend, routing.model));
                used.calls += 1;
                used.left += u64::from(way.leaves());
                if let Some(outcome) = outcome {
                    used.failed += u64::from(outcome.status == OutcomeStatus::Failed);
                    used.input_tokens = used.input_tokens.saturating_add(outcome.input_tokens);
                    used.output_tokens = used.output_tokens.saturating_add(outcome.output_tokens);
                    used.money.add(outcome);
                }
            }
        }
        let Some(outcome) = outcome else { return };
        match way {
            Way::Local => self.local.add(outcome),
            Way::Cloud | Way::CloudRedacted => self.cloud.add(outcome),
            Way::Unserved | Way::NotAsked => {}
        }
        if outcome.status == OutcomeStatus::Failed {
            let name = format!("{}: {}", outcome.error, outcome.reason);
            self.failures.at(&name).count += 1;
        }
        self.escalations.escalated += u64::from(outcome.status == OutcomeStatus::Escalated);
        if let Some(withheld) = &outcome.escalation_withheld {
            self.escalations.withheld += 1;
            self.withheld.at(withheld.as_str()).count += 1;
        }
        if let Some(confidence) = &outcome.confidence {
            self.escalations.confidence.judged += 1;
            self.escalations.confidence.low += u64::from(confidence.low);
            for reason in &confidence.reasons {
                self.confidence_reasons.at(reason.as_str()).count += 1;
            }
        }
    }

    fn times(&mut self, decision: &Decision, outcome: Option<&Outcome>, way: Way) {
        let timings = &decision.timings;
        let escalated = decision.routing.as_ref().is_some_and(|routing| routing.escalated_from.is_some());
        // The record of an escalation repeats the verdict of the local answer before it.
        if !escalated {
            self.verdict.add(timings.rules_us.saturating_add(timings.ner_us).saturating_add(timings.policy_us));
        }
        let Some(outcome) = outcome.filter(|outcome| outcome.status == OutcomeStatus::Completed) else { return };
        if outcome.time_to_first_token_us > 0 {
            self.first_piece.add(outcome.time_to_first_token_us);
        }
        match way {
            Way::Local => self.total_local.add(outcome.total_us),
            Way::Cloud | Way::CloudRedacted => self.total_cloud.add(outcome.total_us),
            Way::Unserved | Way::NotAsked => {}
        }
    }

    /// The counts, with what operators changed, newest first.
    pub(super) fn done(self, changes: &[StoredChange]) -> Summary {
        let operator = |stored: &StoredChange| Operator {
            sequence: stored.sequence,
            time: stored.change.time,
            change: stored.change.kind.as_str().to_owned(),
            by: stored.change.by.to_string(),
            caller: stored.change.caller.to_string(),
        };
        Summary {
            first: self.first,
            last: self.last,
            total: self.total,
            operations: self.operations,
            level_routes: self.level_routes,
            days: self.days.by_name(),
            callers: self.callers.ranked(),
            models: self.models.ranked(),
            entity_types: self.types.ranked(),
            rules: self.rules.ranked(),
            route_reasons: self.route_reasons.ranked(),
            complexities: self.complexities,
            policies: self.policies.ranked(),
            programs: self.programs.ranked(),
            operators: changes.iter().take(MAX_CHANGES).map(operator).collect(),
            operators_left_out: changes.len().saturating_sub(MAX_CHANGES) as u64,
            endings: self.endings,
            failures: self.failures.ranked(),
            escalations: Escalations {
                withheld_because: Some(self.withheld.ranked()),
                confidence: ConfidenceUse {
                    low_because: Some(self.confidence_reasons.ranked()),
                    ..self.escalations.confidence
                },
                ..self.escalations
            },
            incomplete_coverage: self.incomplete,
            failed_detectors: self.failed_detectors.ranked(),
            skipped_detectors: self.skipped_detectors.ranked(),
            redactions: self.redactions,
            overrides: Overrides { by_rule: Some(self.override_rules.ranked()), ..self.overrides },
            declared: self.declared,
            observed: self.observed,
            local_money: self.local,
            cloud_money: self.cloud,
            latency: Latency {
                verdict: self.verdict.told(),
                first_piece: self.first_piece.told(),
                total_local: self.total_local.told(),
                total_cloud: self.total_cloud.told(),
            },
            cloud_egress: self.outward.done(),
        }
    }
}

/// The day of a time, in UTC.
pub(super) fn day(time: jiff::Timestamp) -> String {
    time.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
}

impl LevelRoutes {
    fn add(&mut self, level: Sensitivity, way: Way) {
        match level {
            Sensitivity::Public => self.public.add(way),
            Sensitivity::Internal => self.internal.add(way),
            Sensitivity::Confidential => self.confidential.add(way),
        }
    }

    /// Those of a level.
    #[must_use]
    pub fn of(&self, level: Sensitivity) -> &Routes {
        match level {
            Sensitivity::Public => &self.public,
            Sensitivity::Internal => &self.internal,
            Sensitivity::Confidential => &self.confidential,
        }
    }
}

impl DeclaredLevels {
    fn add(&mut self, declared: Option<Sensitivity>, found: Sensitivity) {
        let row: &mut Levels = match declared {
            None => &mut self.undeclared,
            Some(Sensitivity::Public) => &mut self.public,
            Some(Sensitivity::Internal) => &mut self.internal,
            Some(Sensitivity::Confidential) => &mut self.confidential,
        };
        row.add(found);
        self.raised += u64::from(declared.is_some_and(|declared| declared < found));
    }
}

impl Complexities {
    fn add(&mut self, complexity: crate::policy::Complexity) {
        *match complexity {
            crate::policy::Complexity::Simple => &mut self.simple,
            crate::policy::Complexity::Moderate => &mut self.moderate,
            crate::policy::Complexity::Complex => &mut self.complex,
        } += 1;
    }
}
