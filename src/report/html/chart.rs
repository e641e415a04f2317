//! Charts as SVG of our own: no script, no library, colours by class so that they follow the page. Each has a title and a
//! description in words, and the table beside it has the same numbers.

use maud::{Markup, html};

use crate::policy::Sensitivity;

use super::super::counts::{Levels, Way};
use super::super::histogram::{AIM_US, Percentiles};
use super::super::summary::{Latency, LevelRoutes};
use super::format::{count, micros, percent};

pub(crate) const LEVELS: [Sensitivity; 3] = [Sensitivity::Public, Sensitivity::Internal, Sensitivity::Confidential];

/// The name of a way for people.
pub(crate) fn way_name(way: Way) -> &'static str {
    match way {
        Way::Local => "local model",
        Way::CloudRedacted => "cloud, redacted",
        Way::Cloud => "cloud",
        Way::Unserved => "refused or not taken",
        Way::NotAsked => "classified only",
    }
}

fn way_class(way: Way) -> &'static str {
    match way {
        Way::Local => "f-local",
        Way::CloudRedacted => "f-cloud_redacted",
        Way::Cloud => "f-cloud",
        Way::Unserved => "f-unserved",
        Way::NotAsked => "f-not_asked",
    }
}

fn level_class(level: Sensitivity) -> &'static str {
    match level {
        Sensitivity::Public => "f-public",
        Sensitivity::Internal => "f-internal",
        Sensitivity::Confidential => "f-confidential",
    }
}

fn legend(entries: impl IntoIterator<Item = (&'static str, &'static str)>) -> Markup {
    html! {
        ul.legend {
            @for (class, name) in entries {
                li { svg viewBox="0 0 11 11" aria-hidden="true" { rect class=(class) width="11" height="11" rx="2.5" {} } (name) }
            }
        }
    }
}

/// What a bar of the chart by time stands for.
pub(super) struct Bin {
    pub(super) label: String,
    pub(super) levels: Levels,
}

const WIDTH: u64 = 1000;

/// Bars over time, stacked by level.
pub(super) fn by_time(bins: &[Bin], unit: &str) -> Markup {
    const LEFT: u64 = 52;
    const TOP: u64 = 8;
    const HEIGHT: u64 = 200;
    let most = bins.iter().map(|bin| bin.levels.total()).max().unwrap_or(0);
    let (step, top) = ticks(most);
    let slot = (WIDTH - LEFT) * 100 / (bins.len() as u64).max(1);
    // Hundredths of a unit, so that many bars still have equal widths; a lone bar is no wall.
    let width = (slot * 72 / 100).min(6000);
    let y = |value: u64| TOP + HEIGHT - value * HEIGHT / top.max(1);
    let every = bins.len().div_ceil(8).max(1);
    let described = format!(
        "{} {unit}s from {} to {}; at most {} decisions in one.",
        bins.len(),
        bins.first().map_or("", |bin| &bin.label),
        bins.last().map_or("", |bin| &bin.label),
        count(most)
    );
    html! {
        figure {
            figcaption { "Decisions by " (unit) " and level" }
            (legend(LEVELS.map(|level| (level_class(level), level.as_str()))))
            svg.wide viewBox={ "0 0 " (WIDTH) " " (TOP + HEIGHT + 28) } role="img" aria-labelledby="t-time d-time" {
                title id="t-time" { "Decisions by " (unit) " and level" }
                desc id="d-time" { (described) }
                @for tick in (0..=top).step_by(usize::try_from(step).unwrap_or(1)) {
                    line class=(if tick == 0 { "base" } else { "rule" }) x1=(LEFT) x2=(WIDTH) y1=(y(tick)) y2=(y(tick)) {}
                    text x=(LEFT - 8) y=(y(tick) + 4) text-anchor="end" { (count(tick)) }
                }
                @for (index, bin) in bins.iter().enumerate() {
                    @let x = hundredths(LEFT * 100 + slot * index as u64 + (slot - width) / 2);
                    g {
                        title { (bin.label) ": " (count(bin.levels.total())) " decisions, " (count(bin.levels.public)) " public, "
                            (count(bin.levels.internal)) " internal, " (count(bin.levels.confidential)) " confidential" }
                        @for (level, from, to) in stack(&bin.levels) {
                            @let (high, low) = (y(to), y(from));
                            // What is there is seen, be it the smallest.
                            rect class=(level_class(level)) x=(x) y=(high.min(low.saturating_sub(1))) width=(hundredths(width))
                                height=((low - high).max(1)) {}
                        }
                    }
                    @if index % every == 0 {
                        text x=(hundredths(LEFT * 100 + slot * index as u64 + slot / 2)) y=(TOP + HEIGHT + 20) text-anchor="middle" { (bin.label) }
                    }
                }
            }
        }
    }
}

fn stack(levels: &Levels) -> Vec<(Sensitivity, u64, u64)> {
    let mut at = 0;
    // The highest level lies on the ground line, where its height is judged best.
    let pieces = LEVELS.iter().rev().map(|level| {
        let from = at;
        at += levels.of(*level);
        (*level, from, at)
    });
    pieces.filter(|(_, from, to)| from < to).collect()
}

/// A step of 1, 2 or 5 and its powers of ten that gives at most five ticks, and the highest tick.
fn ticks(most: u64) -> (u64, u64) {
    let mut step = 1u64;
    for (round, factor) in [2, 5, 10].into_iter().cycle().enumerate() {
        let top = most.div_ceil(step).max(1) * step;
        if top / step <= 5 || step > u64::MAX / 20 {
            return (step, top);
        }
        let power = 10u64.saturating_pow(u32::try_from(round / 3).unwrap_or(u32::MAX));
        step = factor * power;
    }
    (step, most)
}

fn hundredths(of: u64) -> String {
    format!("{}.{:02}", of / 100, of % 100)
}

/// Where the texts of each level went: a bar for each level, each as long as the others.
pub(super) fn level_routes(of: &LevelRoutes) -> Markup {
    const LEFT: u64 = 190;
    let described: Vec<String> = LEVELS
        .iter()
        .map(|level| {
            let routes = of.of(*level);
            let ways = Way::ALL.iter().filter(|way| routes.of(**way) > 0);
            let ways: Vec<String> = ways.map(|way| format!("{} {}", count(routes.of(*way)), way_name(*way))).collect();
            format!("{level}: {}", if ways.is_empty() { "none".to_owned() } else { ways.join(", ") })
        })
        .collect();
    html! {
        figure {
            figcaption { "Where the texts of each level went" }
            (legend(Way::ALL.map(|way| (way_class(way), way_name(way)))))
            svg.wide viewBox={ "0 0 " (WIDTH) " 132" } role="img" aria-labelledby="t-routes d-routes" {
                title id="t-routes" { "Where the texts of each level went" }
                desc id="d-routes" { (described.join("; ")) "." }
                @for (index, level) in LEVELS.iter().rev().enumerate() {
                    @let routes = of.of(*level);
                    @let y = 6 + 44 * index as u64;
                    text.strong x="0" y=(y + 16) { (level.as_str()) }
                    text x="0" y=(y + 31) { (count(routes.total())) }
                    rect class="f-track" x=(LEFT) y=(y) width=(WIDTH - LEFT) height="30" rx="3" {}
                    @for (way, from, to) in shares(*level, of, (WIDTH - LEFT) * 100) {
                        rect class=(way_class(way)) x=(hundredths(LEFT * 100 + from)) y=(y) width=(hundredths((to - from).max(150))) height="30" {
                            title { (level.as_str()) ", " (way_name(way)) ": " (count(routes.of(way))) " (" (percent(routes.of(way), routes.total())) ")" }
                        }
                    }
                }
            }
        }
    }
}

/// Where each way begins and ends in a bar of this length, with a hair between two.
fn shares(level: Sensitivity, of: &LevelRoutes, length: u64) -> Vec<(Way, u64, u64)> {
    let routes = of.of(level);
    let total = u128::from(routes.total()).max(1);
    let place = |sum: u64| u64::try_from(u128::from(sum) * u128::from(length) / total).unwrap_or(length);
    let mut sum = 0;
    let mut all = Vec::new();
    for way in Way::ALL.into_iter().filter(|way| routes.of(*way) > 0) {
        let from = place(sum);
        sum += routes.of(way);
        let hair = if sum == routes.total() { 0 } else { 150 };
        all.push((way, from, place(sum).saturating_sub(hair).max(from)));
    }
    all
}

/// The times of a report with their names.
pub(super) fn measures(latency: &Latency) -> Vec<(&'static str, &'static str, Percentiles)> {
    [
        ("verdict", "detectors and policy", latency.verdict),
        ("first piece", "of a model's answer", latency.first_piece),
        ("whole, local", "request to end of answer", latency.total_local),
        ("whole, cloud", "request to end of answer", latency.total_cloud),
    ]
    .into_iter()
    .filter_map(|(name, about, told)| Some((name, about, told?)))
    .collect()
}

/// Percentiles on a logarithmic scale, with the aim as a line.
pub(super) fn latency(of: &Latency) -> Markup {
    const LEFT: u64 = 190;
    const RIGHT: u64 = 30;
    let rows = measures(of);
    let longest = rows.iter().map(|(_, _, told)| told.p99_us).max().unwrap_or(0).max(AIM_US * 2);
    let shortest = rows.iter().map(|(_, _, told)| told.p50_us).min().unwrap_or(0).clamp(10, 100_000);
    // From the power of ten below the shortest to the one above the longest.
    let (low, high) = (shortest.ilog10(), longest.ilog10() + 1);
    let x = |time: u64| LEFT + log_share(time, low, high, WIDTH - LEFT - RIGHT);
    let bottom = 26 + 46 * rows.len() as u64;
    let told: Vec<String> = rows
        .iter()
        .map(|(name, _, told)| {
            format!("{name}: half within {}, 99 of 100 within {}", micros(told.p50_us), micros(told.p99_us))
        })
        .collect();
    html! {
        figure {
            figcaption { "Times against the aim of 500 ms" }
            ul.legend {
                li { svg viewBox="0 0 11 11" aria-hidden="true" { circle.dot.full cx="5.5" cy="5.5" r="4" {} } "half are faster" }
                li { svg viewBox="0 0 11 11" aria-hidden="true" { circle.dot cx="5.5" cy="5.5" r="4" {} } "90 of 100" }
                li { svg viewBox="0 0 11 11" aria-hidden="true" { rect.dot x="2" y="2" width="7" height="7" {} } "99 of 100" }
                li { "logarithmic scale" }
            }
            svg.wide viewBox={ "0 0 " (WIDTH) " " (bottom + 24) } role="img" aria-labelledby="t-times d-times" {
                title id="t-times" { "Times against the aim of 500 ms" }
                desc id="d-times" { (told.join("; ")) "." }
                @for power in low..=high {
                    @let at = x(10u64.saturating_pow(power));
                    line.rule x1=(at) x2=(at) y1="20" y2=(bottom) {}
                    text x=(at) y=(bottom + 18) text-anchor="middle" { (axis(10u64.saturating_pow(power))) }
                }
                line.aim x1=(x(AIM_US)) x2=(x(AIM_US)) y1="16" y2=(bottom) {}
                text.aim-text x=(x(AIM_US)) y="11" text-anchor="middle" { "aim: 500 ms" }
                @for (index, (name, about, told)) in rows.iter().enumerate() {
                    @let y = 44 + 46 * index as u64;
                    text.strong x="0" y=(y) { (name) }
                    text x="0" y=(y + 15) { (about) }
                    line.span x1=(x(told.p50_us)) x2=(x(told.p99_us)) y1=(y) y2=(y) {}
                    rect.dot x=(x(told.p99_us) - 5) y=(y - 5) width="10" height="10" { title { "99 of 100 within " (micros(told.p99_us)) } }
                    circle.dot cx=(x(told.p90_us)) cy=(y) r="5.5" { title { "90 of 100 within " (micros(told.p90_us)) } }
                    circle.dot.full cx=(x(told.p50_us)) cy=(y) r="5.5" { title { "half within " (micros(told.p50_us)) } }
                }
            }
        }
    }
}

fn axis(time: u64) -> String {
    match time {
        0..1000 => format!("{}.{:02} ms", time / 1000, time % 1000 / 10),
        1000..1_000_000 => format!("{} ms", time / 1000),
        _ => format!("{} s", count(time / 1_000_000)),
    }
}

/// Where a time lies between two powers of ten, on a line of this length.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn log_share(time: u64, low: u32, high: u32, length: u64) -> u64 {
    let share = ((time.max(1) as f64).log10() - f64::from(low)) / f64::from(high - low);
    (share.clamp(0.0, 1.0) * length as f64).round() as u64
}

/// What was paid, and what the other side would have taken, as bars of one scale.
pub(super) fn cost(bars: &[(&'static str, &'static str, u64, &'static str)], told: impl Fn(u64) -> String) -> Markup {
    const LEFT: u64 = 330;
    let most = bars.iter().map(|bar| bar.2).max().unwrap_or(0).max(1);
    html! {
        figure {
            figcaption { "What was paid, and what the same calls cost on the other side" }
            svg.wide viewBox={ "0 0 " (WIDTH) " " (30 * bars.len() as u64 + 6) } role="img" aria-labelledby="t-cost d-cost" {
                title id="t-cost" { "What was paid, and what the same calls cost on the other side" }
                desc id="d-cost" { @for (who, what, amount, _) in bars { (who) ", " (what) ": " (told(*amount)) "; " } }
                @for (index, (who, what, amount, class)) in bars.iter().enumerate() {
                    @let y = 4 + 30 * index as u64;
                    text.strong x="0" y=(y + 15) { (who) }
                    text x="120" y=(y + 15) { (what) }
                    @let width = u64::try_from(u128::from(*amount) * u128::from(WIDTH - LEFT - 120) / u128::from(most)).unwrap_or(0);
                    rect class=(class) x=(LEFT) y=(y) width=(width.max(2)) height="20" rx="2" {}
                    text.strong x=(LEFT + width.max(2) + 8) y=(y + 15) { (told(*amount)) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (most, expected) in
            [(0, (1, 1)), (1, (1, 1)), (5, (1, 5)), (6, (2, 6)), (11, (5, 15)), (49, (10, 50)), (1234, (500, 1500))]
        {
            assert_eq!(ticks(most), expected, "{most}");
        }
        assert!(ticks(u64::MAX / 2).1 > 0);
    }
}
