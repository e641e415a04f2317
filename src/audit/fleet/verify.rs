//! Verifying a fleet: every chain from its first record to its last, its checkpoints' signatures, and then the chains
//! against each other. A chain that lost its end still hashes well; that it lost it, the other chains' records of its
//! heads tell, and say from which record on.
//!
//! A record of heads is compared with the hashes that the database has at those positions. That those hashes follow from
//! the records is what the walk over each chain proves, so nothing has to be kept in memory between the two.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::reader::Asking;
use super::{ChainHead, ReplicaId};
use crate::audit::body::{self, Record, Undecodable};
use crate::audit::chain::{ChainHash, Head};
use crate::audit::row::{Columns, HEADS, PRUNE, Row};
use crate::audit::seals::{Evidence, Seals};
use crate::audit::store::ChainRow;
use crate::audit::verification::{Fault, Problem, Progress, Unproven, Verification, Witness};
use crate::audit::{AuditError, Label};

/// What a verification of all chains found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetVerification {
    /// One for each chain, by the names of the replicas.
    pub chains: Vec<ChainVerification>,
    /// Statements of one chain about the head of another that were compared.
    pub heads_compared: u64,
}

impl FleetVerification {
    /// Whether every record of every chain that can be checked is in place and unchanged.
    #[must_use]
    pub fn intact(&self) -> bool {
        self.chains.iter().all(|chain| chain.verification.intact())
    }

    /// All chains in one: counts together, the first fault, and each thing that is unproven once. It has no head.
    #[must_use]
    pub fn together(self) -> Verification {
        let mut all = Verification {
            records: 0,
            decisions: 0,
            outcomes: 0,
            changes: 0,
            checkpoints: 0,
            proven: 0,
            removed: 0,
            head: Head::EMPTY,
            fault: None,
            unproven: Vec::new(),
        };
        for ChainVerification { verification: one, .. } in self.chains {
            all.records += one.records;
            all.decisions += one.decisions;
            all.outcomes += one.outcomes;
            all.changes += one.changes;
            all.checkpoints += one.checkpoints;
            all.proven += one.proven;
            all.removed += one.removed;
            all.fault = all.fault.or(one.fault);
            for note in one.unproven {
                if !all.unproven.contains(&note) {
                    all.unproven.push(note);
                }
            }
        }
        all
    }
}

/// What a verification found in one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainVerification {
    /// The chain.
    pub chain: ReplicaId,
    /// The replica's name; empty if it never gave one.
    pub name: String,
    /// What was found.
    pub verification: Verification,
}

/// Verifies all chains. `evidence.heads` are of no chain and not used; `outside` are heads that were kept elsewhere.
pub(super) fn verify(
    asking: &Asking,
    evidence: &Evidence,
    outside: &[ChainHead],
    progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
) -> Result<FleetVerification, AuditError> {
    let mut chains = asking.ask(|reading| reading.chains())?;
    let (_, total) = asking.ask(|reading| reading.extent())?;
    let mut named = Named::default();
    let given: Vec<_> = outside.iter().map(|head| (*head, Witness::Asker)).collect();
    named.compare(asking, &chains, &given)?;
    for witness in chains.clone() {
        for (_, body) in asking.ask(|reading| reading.bodies(witness.chain, HEADS))? {
            // A record that is none is found by the walk.
            let Ok(Record::Heads(heads)) = body::decode(&body) else { continue };
            let heads: Vec<_> = heads.heads.iter().map(|head| (*head, Witness::Chain(witness.chain))).collect();
            named.compare(asking, &chains, &heads)?;
        }
    }
    // A chain that others name and of which nothing is left.
    for chain in named.of.keys() {
        if chains.iter().all(|known| known.chain != *chain) {
            chains.push(ChainRow { chain: *chain, name: String::new(), first: 0, last: 0 });
        }
    }
    let mut done = 0;
    let mut found = Vec::with_capacity(chains.len());
    for chain in chains {
        let mut tell = |records: u64| progress(Progress { done: done + records, total: total.max(done + records) });
        let verification = one(asking, &chain, evidence, named.of.remove(&chain.chain), &mut tell)?;
        done += verification.records;
        found.push(ChainVerification { chain: chain.chain, name: chain.name, verification });
    }
    Ok(FleetVerification { chains: found, heads_compared: named.compared })
}

/// What others say of the chains' heads.
#[derive(Default)]
struct Named {
    of: BTreeMap<ReplicaId, Word>,
    compared: u64,
}

/// What others say of one chain.
#[derive(Default)]
struct Word {
    /// The newest position that others name and the chain has.
    newest: u64,
    /// The first contradiction, by position.
    fault: Option<Fault>,
}

impl Named {
    /// Compares heads with the hashes that the database has there.
    fn compare(
        &mut self,
        asking: &Asking,
        chains: &[ChainRow],
        heads: &[(ChainHead, Witness)],
    ) -> Result<(), AuditError> {
        if heads.is_empty() {
            return Ok(());
        }
        let plain: Vec<ChainHead> = heads.iter().map(|(head, _)| *head).collect();
        let hashes = asking.ask(|reading| reading.hashes(&plain))?;
        for ((head, witness), (hash, end)) in heads.iter().zip(hashes) {
            let first = chains.iter().find(|chain| chain.chain == head.chain).map_or(0, |chain| chain.first);
            if i64::try_from(head.sequence).unwrap_or(i64::MAX) < first {
                // Removed by retention before the chain came into the fleet.
                continue;
            }
            self.compared += 1;
            let word = self.of.entry(head.chain).or_default();
            let fault = match hash {
                Some(hash) if hash == head.hash => {
                    word.newest = word.newest.max(head.sequence);
                    continue;
                }
                Some(_) => Fault { sequence: head.sequence, problem: Problem::Replaced { witness: *witness } },
                None if head.sequence > end => Fault {
                    sequence: end.saturating_add(1),
                    problem: Problem::CutOff { end, remembered: head.sequence, witness: *witness },
                },
                // A gap, which the walk finds.
                None => continue,
            };
            let sooner = word.fault.as_ref().is_none_or(|known| fault.sequence < known.sequence);
            if sooner {
                word.fault = Some(fault);
            }
        }
        Ok(())
    }
}

fn one(
    asking: &Asking,
    chain: &ChainRow,
    evidence: &Evidence,
    word: Option<Word>,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Verification, AuditError> {
    let log = Label::token(&chain.chain.to_string());
    let before = beginning(asking, chain)?;
    let mut seals = Seals::archived(evidence, log, before);
    let (start, fault) = match seals.begin() {
        Ok(start) => (start, None),
        Err((sequence, problem)) => (Head::EMPTY, Some(Fault { sequence, problem })),
    };
    let mut walk = Walk { head: start, records: 0, decisions: 0, outcomes: 0, changes: 0, seals: &mut seals };
    let mut fault = fault;
    let mut after = 0;
    while fault.is_none() {
        if progress(walk.records).is_break() {
            return Err(AuditError::Cancelled);
        }
        let at = asking.ask(|reading| {
            let (walk, fault) = (&mut walk, &mut fault);
            async move {
                let mut visit = |row: &Row| match walk.row(row) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(found) => {
                        *fault = Some(found);
                        ControlFlow::Break(())
                    }
                };
                reading.chain(chain.chain, after, chain.last, &mut visit).await
            }
        })?;
        match at {
            Some(at) => after = at,
            None => break,
        }
    }
    let Walk { head, records, decisions, outcomes, changes, .. } = walk;
    let word = word.unwrap_or_default();
    let fault = match (fault, word.fault) {
        (Some(walked), Some(told)) if told.sequence < walked.sequence => Some(told),
        (walked, told) => walked.or(told),
    };
    let mut unproven = Vec::new();
    if fault.is_some() {
        unproven.push(Unproven::RestOfLog);
    }
    let end = head.sequence;
    if word.newest == 0 && end > 0 {
        unproven.push(Unproven::NamedByNobody);
    } else if word.newest < end {
        unproven.push(Unproven::NewerThanOthersSaw { from: word.newest.saturating_add(1), to: end });
    }
    let proven = seals.proven.min(end);
    if proven < end {
        unproven.push(Unproven::Unsigned { from: proven.saturating_add(1), to: end });
    }
    if seals.checkpoints > 0 && seals.trusted.is_empty() {
        unproven.push(Unproven::NoPublicKey);
    }
    if start.sequence > 0 {
        unproven.push(Unproven::Removed { last: start.sequence });
    }
    Ok(Verification {
        records,
        decisions,
        outcomes,
        changes,
        checkpoints: seals.checkpoints,
        proven,
        removed: start.sequence,
        head,
        fault,
        unproven,
    })
}

/// The removal that a chain begins after, if it was pruned before it came into the fleet.
fn beginning(asking: &Asking, chain: &ChainRow) -> Result<Option<(u64, crate::audit::checkpoint::Prune)>, AuditError> {
    if chain.first <= 1 {
        return Ok(None);
    }
    for (sequence, body) in asking.ask(|reading| reading.bodies(chain.chain, PRUNE))? {
        if let Ok(Record::Prune(prune)) = body::decode(&body)
            && i64::try_from(prune.last).ok() == Some(chain.first - 1)
        {
            return Ok(Some((u64::try_from(sequence).unwrap_or(0), *prune)));
        }
    }
    Ok(None)
}

/// A walk over one chain.
struct Walk<'a> {
    head: Head,
    records: u64,
    decisions: u64,
    outcomes: u64,
    changes: u64,
    seals: &'a mut Seals,
}

impl Walk<'_> {
    fn next(&self, problem: Problem) -> Fault {
        Fault { sequence: self.head.sequence.saturating_add(1), problem }
    }

    fn row(&mut self, row: &Row) -> Result<(), Fault> {
        self.records += 1;
        let sequence = u64::try_from(row.sequence).unwrap_or(0);
        let next = self.head.then(&row.body);
        if sequence < next.sequence {
            return Err(self.next(Problem::PutIn { position: row.sequence }));
        }
        if sequence > next.sequence {
            return Err(self.next(Problem::Removed { next: sequence }));
        }
        if ChainHash::from_slice(&row.hash) != Some(next.hash) {
            return Err(self.next(Problem::Changed));
        }
        let record = body::decode(&row.body).map_err(|problem| {
            self.next(match problem {
                Undecodable::UnknownVersion | Undecodable::Malformed => Problem::NoRecord,
                Undecodable::NotCanonical => Problem::NotCanonical,
            })
        })?;
        if let Some(column) = row.columns.difference(&Columns::of(&record)) {
            return Err(self.next(Problem::Column { column }));
        }
        self.seals.record(&self.head, &record).map_err(|problem| self.next(problem))?;
        match record {
            Record::Decision(_) => self.decisions += 1,
            Record::Outcome { .. } => self.outcomes += 1,
            Record::Change(_) => self.changes += 1,
            Record::Checkpoint(_) | Record::Prune(_) | Record::Heads(_) => {}
        }
        self.head = next;
        Ok(())
    }
}
