//! The costs as a picture: what each way has cost up to the end of each month, and where local has paid for itself. One
//! self-contained SVG of plain shapes and text, without scripts, fonts or anything fetched, so that it can stand in a
//! report, a page of the console, or a file of its own. Nothing in it comes from a caller.
//!
//! Lines differ in colour and in dashes, and each is named at its end, so that it reads in black and white. Colours follow
//! the viewer's light or dark scheme; without one they are those for light.

use std::fmt::Write as _;

use super::costs::{Costs, Scenario, Way};
use super::figures::MONTHS;
use super::{Plan, Usd};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 228.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 44.0;
/// Least distance of two names at the ends of lines.
const LABEL_GAP: f64 = 17.0;

const STYLE: &str = "\
.cordon-plan{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;font-size:12px}\
.cordon-plan .bg{fill:#ffffff}\
.cordon-plan text{fill:#334155}\
.cordon-plan .title{font-size:16px;font-weight:600;fill:#0f172a}\
.cordon-plan .grid{stroke:#e2e8f0;stroke-width:1}\
.cordon-plan .axis{stroke:#94a3b8;stroke-width:1}\
.cordon-plan .line{fill:none;stroke-width:2.5;stroke-linejoin:round}\
.cordon-plan .local{stroke:#0f766e}.cordon-plan text.local{fill:#0f766e;stroke:none}\
.cordon-plan .cloud{stroke:#b45309}.cordon-plan text.cloud{fill:#b45309;stroke:none}\
.cordon-plan .hybrid{stroke:#6d28d9}.cordon-plan text.hybrid{fill:#6d28d9;stroke:none}\
.cordon-plan .allowed{stroke:#be185d}.cordon-plan text.allowed{fill:#be185d;stroke:none}\
.cordon-plan .name{font-weight:600}\
.cordon-plan .mark{stroke:#475569;stroke-width:1;stroke-dasharray:3 3}\
.cordon-plan .dot{fill:#ffffff;stroke:#475569;stroke-width:2}\
@media (prefers-color-scheme:dark){\
.cordon-plan .bg{fill:#0f172a}\
.cordon-plan text{fill:#cbd5e1}\
.cordon-plan .title{fill:#f1f5f9}\
.cordon-plan .grid{stroke:#1e293b}\
.cordon-plan .axis{stroke:#64748b}\
.cordon-plan .local{stroke:#2dd4bf}.cordon-plan text.local{fill:#2dd4bf}\
.cordon-plan .cloud{stroke:#fbbf24}.cordon-plan text.cloud{fill:#fbbf24}\
.cordon-plan .hybrid{stroke:#c4b5fd}.cordon-plan text.hybrid{fill:#c4b5fd}\
.cordon-plan .allowed{stroke:#f9a8d4}.cordon-plan text.allowed{fill:#f9a8d4}\
.cordon-plan .mark{stroke:#94a3b8}\
.cordon-plan .dot{fill:#0f172a;stroke:#94a3b8}\
}\
@media print{\
.cordon-plan .bg{fill:#ffffff}.cordon-plan text{fill:#000000}\
}";

fn class(way: Way) -> &'static str {
    match way {
        Way::Local => "local",
        Way::Cloud => "cloud",
        Way::CloudWhereAllowed => "allowed",
        Way::Hybrid => "hybrid",
    }
}

fn dashes(way: Way) -> &'static str {
    match way {
        Way::Local => "none",
        Way::Cloud => "9 4",
        Way::CloudWhereAllowed => "2 3",
        Way::Hybrid => "9 3 2 3",
    }
}

/// The least of 1, 2, 2.5 or 5 times a power of ten that is not less.
fn nice(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
    factors.into_iter().map(|factor| factor * power).find(|nice| *nice >= step * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// Dollars in few characters.
fn short(dollars: f64) -> String {
    let (value, unit) = match dollars.abs() {
        d if d >= 1e12 => (dollars / 1e12, "T"),
        d if d >= 1e9 => (dollars / 1e9, "B"),
        d if d >= 1e6 => (dollars / 1e6, "M"),
        d if d >= 1e3 => (dollars / 1e3, "k"),
        _ => (dollars, ""),
    };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("${text}{unit}")
}

/// From months and dollars to places in the picture.
struct Scale {
    most: f64,
    step: f64,
}

impl Scale {
    fn of(costs: &Costs) -> Self {
        let most = costs.scenarios.iter().map(|scenario| scenario.total_usd.approximate()).fold(0.0, f64::max);
        let step = nice((most / 5.0).max(0.01));
        Self { most: ((most / step).ceil() * step).max(step), step }
    }

    fn x(month: f64) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * month / MONTHS as f64
    }

    fn y(&self, dollars: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * dollars / self.most
    }
}

/// The picture of a plan's costs; of a plan without costs, a picture that says so.
#[must_use]
pub fn svg(plan: &Plan) -> String {
    let mut out = String::with_capacity(12_000);
    let about =
        plan.costs.as_ref().map_or("There are no costs: the volume is not known.", |costs| costs.summary.as_str());
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"cordon-plan\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"Cumulated cost over five years\"><title>Cumulated cost over five years</title><desc>{about}</desc>\
         <style>{STYLE}</style><rect class=\"bg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"8\"/>\
         <text class=\"title\" x=\"{LEFT}\" y=\"28\">Cumulated cost over five years</text>\
         <text x=\"{LEFT}\" y=\"47\">{about}</text>"
    );
    if let Some(costs) = &plan.costs {
        let scale = Scale::of(costs);
        axes(&mut out, &scale);
        // Local last, so that it lies on top where lines meet.
        for scenario in costs.scenarios.iter().rev() {
            line(&mut out, &scale, scenario);
        }
        names(&mut out, &scale, &costs.scenarios);
        break_even(&mut out, &scale, costs);
    }
    out.push_str("</svg>\n");
    out
}

fn axes(out: &mut String, scale: &Scale) {
    let (left, right) = (Scale::x(0.0), Scale::x(MONTHS as f64));
    let steps = (scale.most / scale.step).round();
    let mut at = 0.0;
    while at <= steps {
        let dollars = at * scale.step;
        let y = scale.y(dollars);
        let class = if at == 0.0 { "axis" } else { "grid" };
        let _ = write!(
            out,
            "<line class=\"{class}\" x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            left - 8.0,
            y + 4.0,
            short(dollars)
        );
        at += 1.0;
    }
    let bottom = scale.y(0.0);
    for month in (0..=MONTHS).step_by(12) {
        let x = Scale::x(month as f64);
        let label = if month == 0 { "month 0".to_owned() } else { month.to_string() };
        let _ = write!(
            out,
            "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{bottom:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            bottom + 5.0,
            bottom + 20.0
        );
    }
}

fn line(out: &mut String, scale: &Scale, scenario: &Scenario) {
    let _ = write!(
        out,
        "<polyline class=\"line {}\" stroke-dasharray=\"{}\" points=\"",
        class(scenario.way),
        dashes(scenario.way)
    );
    for (month, usd) in scenario.cumulated_usd.iter().enumerate() {
        let separator = if month == 0 { "" } else { " " };
        let _ = write!(out, "{separator}{:.1},{:.1}", Scale::x(month as f64), scale.y(usd.approximate()));
    }
    out.push_str("\"/>");
}

/// The names at the ends of the lines, moved apart where lines end close together.
fn names(out: &mut String, scale: &Scale, scenarios: &[Scenario]) {
    let mut ends: Vec<(f64, &Scenario)> =
        scenarios.iter().map(|scenario| (scale.y(scenario.total_usd.approximate()), scenario)).collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut above = f64::NEG_INFINITY;
    for end in &mut ends {
        end.0 = end.0.max(above + LABEL_GAP);
        above = end.0;
    }
    // Whoever was pushed below the axis pushes the others up again.
    let mut below = scale.y(0.0);
    for end in ends.iter_mut().rev() {
        end.0 = end.0.min(below);
        below = end.0 - LABEL_GAP;
    }
    let x = Scale::x(MONTHS as f64) + 10.0;
    for (y, scenario) in ends {
        let mark = if scenario.permitted { "" } else { " (not permitted)" };
        let _ = write!(
            out,
            "<text class=\"name {}\" x=\"{x:.1}\" y=\"{:.1}\">{} {}{mark}</text>",
            class(scenario.way),
            y + 4.0,
            scenario.way.as_str(),
            short(scenario.total_usd.approximate())
        );
    }
}

fn break_even(out: &mut String, scale: &Scale, costs: &Costs) {
    let Some(month) = costs.break_even.lasting_month.or(costs.break_even.month) else { return };
    let local = costs.scenarios.iter().find(|scenario| scenario.way == Way::Local);
    let at =
        usize::try_from(month).ok().and_then(|month| local?.cumulated_usd.get(month).copied()).unwrap_or(Usd::ZERO);
    let (x, y) = (Scale::x(month as f64), scale.y(at.approximate()));
    // To the left of the mark where the right of it has no room.
    let (anchor, beside) = if month > MONTHS * 2 / 3 { ("end", -8.0) } else { ("start", 8.0) };
    let _ = write!(
        out,
        "<line class=\"mark\" x1=\"{x:.1}\" y1=\"{TOP:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\"/>\
         <circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">break-even: month {month}</text>",
        scale.y(0.0),
        x + beside,
        TOP + 12.0
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Stated, plan};

    fn picture(source: &str) -> String {
        svg(&plan(&Stated::read(source).unwrap(), None, None).unwrap())
    }

    #[test]
    fn the_lines_are_named_and_the_break_even_is_marked() {
        let svg = picture("queries_per_day = 50000");
        for wanted in
            ["local $150k", "cloud $450k", "hybrid $240k", "break-even: month 10", "role=\"img\"", "<desc>", "$500k"]
        {
            assert!(svg.contains(wanted), "{wanted}\n{svg}");
        }
        assert_eq!(svg.matches("<polyline").count(), 3);
        let points = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(points.split(' ').count(), 61);
    }

    #[test]
    fn it_fetches_nothing_and_runs_nothing() {
        let svg = picture("queries_per_day = 7\nmust_stay_percent = 50");
        for never in ["<script", "href", "url(", "@import", "<image", "on"] {
            let never = if never == "on" { " onload" } else { never };
            assert!(!svg.contains(never), "{never}");
        }
        assert!(svg.contains("(not permitted)"));
    }

    #[test]
    fn without_a_volume_it_says_so() {
        assert!(picture("").contains("volume is not known"));
    }

    #[test]
    fn steps_are_round_and_amounts_short() {
        for (step, wanted) in [(90_000.0, 100_000.0), (100_000.0, 100_000.0), (0.3, 0.5), (21.0, 25.0), (1.2, 2.0)] {
            assert!((nice(step) - wanted).abs() < 1e-9, "{step}: {}", nice(step));
        }
        for (dollars, wanted) in
            [(0.0, "$0"), (450_000.0, "$450k"), (1_234_567.0, "$1.23M"), (12.5, "$12.5"), (3e9, "$3B")]
        {
            assert_eq!(short(dollars), wanted);
        }
    }

    proptest::proptest! {
        /// Every number in the picture is finite and inside of it.
        #[test]
        fn all_points_lie_inside(queries in 1_u64..1_000_000_000, hardware in 0_u64..10_000_000) {
            let svg = picture(&format!("queries_per_day = {queries}\nhardware_usd = {hardware}"));
            proptest::prop_assert!(!svg.contains("NaN") && !svg.contains("inf\""));
            for points in svg.split("points=\"").skip(1) {
                for point in points.split('"').next().unwrap().split(' ') {
                    let (x, y) = point.split_once(',').unwrap();
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    proptest::prop_assert!((0.0..=WIDTH).contains(&x) && (TOP - 0.1..=HEIGHT).contains(&y), "{} {}", x, y);
                }
            }
        }
    }
}
