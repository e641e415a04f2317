//! The curve as a picture: SVG written by hand, so that it needs nothing and looks the same everywhere. The three lines
//! differ in dash and in brightness as well as in colour, for eyes and printers that tell no colours.

use std::fmt::Write as _;

use super::{Replay, Step};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 56.0;
const BOTTOM: f64 = 56.0;
/// Points of a line at most: more cannot be told apart at this width.
const MOST_POINTS: usize = 300;

struct Line {
    name: &'static str,
    colour: &'static str,
    dash: &'static str,
    width: f64,
    of: fn(&Step) -> f64,
}

/// Colours of Okabe and Ito (2008), which people with any colour vision tell apart.
const LINES: [Line; 3] = [
    Line { name: "oracle", colour: "#009e73", dash: "2 4", width: 1.75, of: |step| step.oracle },
    Line { name: "random", colour: "#767676", dash: "7 5", width: 1.75, of: |step| step.random },
    Line { name: "confidence", colour: "#0072b2", dash: "none", width: 2.75, of: |step| step.quality },
];

/// Draws quality against share escalated.
#[must_use]
pub fn draw(replay: &Replay) -> String {
    let values = || replay.curve.iter().flat_map(|step| LINES.iter().map(|line| (line.of)(step)));
    // To the next tenth, and at least a fifth high, so that noise does not look like a mountain.
    let low = (values().fold(1.0, f64::min) * 10.0 - 0.001).floor().max(0.0) / 10.0;
    let high = (values().fold(low + 0.2, f64::max) * 10.0 - 0.001).ceil().min(10.0) / 10.0;
    let low = low.min(high - 0.2).max(0.0);
    let x = |share: f64| LEFT + share * (WIDTH - LEFT - RIGHT);
    let y = |quality: f64| HEIGHT - BOTTOM - (quality - low) / (high - low) * (HEIGHT - TOP - BOTTOM);

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\" role=\"img\">\n\
         <title>Quality against share escalated, {} requests</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"16\" font-weight=\"600\" fill=\"#1a1a1a\">Quality against share escalated</text>\n",
        replay.requests
    );
    let gain = replay.gain.map(|gain| format!(" · {:.0} % of the oracle's gain", gain * 100.0)).unwrap_or_default();
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"43\" fill=\"#595959\">{} requests · weak alone {:.2}, strong alone {:.2}{gain}</text>",
        replay.requests, replay.weak, replay.strong
    );
    grid(&mut out, low, high, &x, &y);
    for line in &LINES {
        let every = replay.curve.len().div_ceil(MOST_POINTS).max(1);
        let last = replay.curve.len().saturating_sub(1);
        let kept = replay.curve.iter().enumerate().filter(|(at, _)| at % every == 0 || *at == last);
        let points: Vec<String> =
            kept.map(|(_, step)| format!("{:.1},{:.1}", x(step.share), y((line.of)(step)))).collect();
        let Line { colour, dash, width, .. } = line;
        let _ = writeln!(
            out,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-dasharray=\"{dash}\" \
             stroke-linejoin=\"round\" points=\"{}\"/>",
            points.join(" ")
        );
    }
    legend(&mut out);
    out.push_str("</svg>\n");
    out
}

fn grid(out: &mut String, low: f64, high: f64, x: &impl Fn(f64) -> f64, y: &impl Fn(f64) -> f64) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    #[allow(clippy::cast_possible_truncation, reason = "at most ten tenths")]
    let tenths = |value: f64| (value * 10.0).round() as i32;
    for tenth in tenths(low)..=tenths(high) {
        let at = y(f64::from(tenth) / 10.0);
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" stroke=\"#e3e3e3\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#404040\">{:.1}</text>",
            LEFT - 10.0,
            at + 4.5,
            f64::from(tenth) / 10.0
        );
    }
    for fifth in 0..=5 {
        let share = f64::from(fifth) / 5.0;
        let _ = writeln!(
            out,
            "<line x1=\"{0:.1}\" y1=\"{bottom}\" x2=\"{0:.1}\" y2=\"{1}\" stroke=\"#8c8c8c\"/>\
             <text x=\"{0:.1}\" y=\"{2}\" text-anchor=\"middle\" fill=\"#404040\">{3} %</text>",
            x(share),
            bottom + 5.0,
            bottom + 21.0,
            fifth * 20
        );
    }
    let _ = writeln!(
        out,
        "<line x1=\"{LEFT}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{bottom}\" stroke=\"#8c8c8c\"/>\n\
         <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#404040\">share of requests that escalate</text>\n\
         <text transform=\"translate(18 {}) rotate(-90)\" text-anchor=\"middle\" fill=\"#404040\">mean quality</text>",
        f64::midpoint(LEFT, right),
        HEIGHT - 14.0,
        f64::midpoint(TOP, bottom)
    );
}

/// At the lower right, where a curve that rises leaves room.
fn legend(out: &mut String) {
    let (left, top) = (WIDTH - RIGHT - 150.0, HEIGHT - BOTTOM - 76.0);
    let _ = writeln!(
        out,
        "<rect x=\"{left}\" y=\"{top}\" width=\"142\" height=\"68\" rx=\"4\" fill=\"#ffffff\" fill-opacity=\"0.9\" stroke=\"#e3e3e3\"/>"
    );
    let mut at = top + 16.0;
    for Line { name, colour, dash, width, .. } in LINES.iter().rev() {
        let _ = writeln!(
            out,
            "<line x1=\"{}\" y1=\"{at}\" x2=\"{}\" y2=\"{at}\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-dasharray=\"{dash}\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"#1a1a1a\">{name}</text>",
            left + 10.0,
            left + 46.0,
            left + 56.0,
            at + 4.5
        );
        at += 19.0;
    }
}
