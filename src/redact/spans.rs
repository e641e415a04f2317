//! From findings to spans that do not overlap. Every byte of every finding that goes is in a span: where findings
//! overlap, they become one span over all of them, so that no remainder of the one that lost is left behind.

use std::cmp::Ordering;
use std::ops::Range;

use crate::detect::{Category, EntityType, Finding};

use super::{Operator, Operators};

/// Bytes of one part that become something else.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) range: Range<usize>,
    pub(super) entity_type: EntityType,
    pub(super) category: Category,
    pub(super) operator: Operator,
}

/// A finding that goes, with its range on character boundaries and without white space at its ends.
struct Wanted<'f> {
    range: Range<usize>,
    finding: &'f Finding,
    operator: Operator,
}

/// The spans of one text, in order. Among findings that overlap, the strictest operator decides; its type is that of the
/// longest, then of the highest score, then of the first by place and name.
pub(super) fn spans<'f>(text: &str, findings: impl Iterator<Item = &'f Finding>, operators: &Operators) -> Vec<Span> {
    let wanted = |finding: &'f Finding| {
        let operator = operators.of(&finding.entity_type);
        let range = if operator == Operator::Keep { None } else { whole(text, &finding.range) }?;
        Some(Wanted { range, finding, operator })
    };
    let mut wanted: Vec<Wanted<'_>> = findings.filter_map(wanted).collect();
    wanted.sort_by_key(|wanted| (wanted.range.start, wanted.range.end));
    let mut spans = Vec::with_capacity(wanted.len());
    let mut wanted = wanted.into_iter().peekable();
    while let Some(first) = wanted.next() {
        let mut end = first.range.end;
        let mut cluster = vec![first];
        while let Some(next) = wanted.next_if(|next| next.range.start < end) {
            end = end.max(next.range.end);
            cluster.push(next);
        }
        spans.extend(joined(&cluster, end));
    }
    spans
}

/// One span over all of a cluster.
fn joined(cluster: &[Wanted<'_>], end: usize) -> Option<Span> {
    let start = cluster.first()?.range.start;
    let winner = cluster.iter().min_by(|a, b| rank(a, b))?;
    let operator = match winner.operator {
        // Of a value that another finding wants gone, not even the last characters stay.
        Operator::Mask { with, .. } => {
            let kept = cluster.iter().map(|wanted| match wanted.operator {
                Operator::Mask { keep_last, .. } => keep_last,
                _ => 0,
            });
            Operator::Mask { keep_last: kept.min().unwrap_or(0), with }
        }
        operator => operator,
    };
    let finding = winner.finding;
    Some(Span { range: start..end, entity_type: finding.entity_type.clone(), category: finding.category, operator })
}

/// The one that decides first.
fn rank(a: &Wanted<'_>, b: &Wanted<'_>) -> Ordering {
    let place = |wanted: &Wanted<'_>| (wanted.range.start, wanted.finding.entity_type.clone());
    (b.operator.strictness().cmp(&a.operator.strictness()))
        .then_with(|| b.range.len().cmp(&a.range.len()))
        .then_with(|| b.finding.score.total_cmp(&a.finding.score))
        .then_with(|| place(a).cmp(&place(b)))
}

/// The range on character boundaries, never narrower except by white space at its ends; `None` if there is nothing in it.
fn whole(text: &str, range: &Range<usize>) -> Option<Range<usize>> {
    let start = text.floor_char_boundary(range.start);
    let end = text.ceil_char_boundary(range.end.min(text.len()));
    let value = text.get(start..end).filter(|_| range.start < range.end)?;
    let front = value.len() - value.trim_start().len();
    let trimmed = value.trim();
    let range = if trimmed.is_empty() { start..end } else { start + front..start + front + trimmed.len() };
    (!range.is_empty()).then_some(range)
}
