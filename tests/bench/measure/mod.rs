//! What the benches share: time on a core, medians, and one way to print. Time is processor time where the system tells it
//! (Linux), because other programs on the machine then count less; elsewhere it is time on the wall.

use std::fs;
use std::time::{Duration, Instant};

/// A place in time, on the wall and on the cores.
pub(crate) struct Moment {
    wall: Instant,
    processor: Option<Duration>,
}

/// What a piece of work took.
#[derive(Clone, Copy)]
pub(crate) struct Spent {
    /// By the clock on the wall.
    pub(crate) wall: Duration,
    /// On all cores together, where the system tells.
    pub(crate) processor: Option<Duration>,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { processor: processor_time(), wall: Instant::now() }
    }

    pub(crate) fn spent(&self) -> Spent {
        let wall = self.wall.elapsed();
        let processor = processor_time().zip(self.processor).map(|(now, then)| now.saturating_sub(then));
        Spent { wall, processor }
    }
}

impl Spent {
    /// Seconds on a core.
    pub(crate) fn core_seconds(self) -> f64 {
        self.processor.unwrap_or(self.wall).as_secs_f64()
    }
}

/// Time that the threads of this process, those that still run, spent on a core (proc_pid_schedstat, first number, in
/// nanoseconds).
fn processor_time() -> Option<Duration> {
    let mut nanoseconds = 0_u64;
    for task in fs::read_dir("/proc/self/task").ok()? {
        let line = fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        nanoseconds += line.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanoseconds))
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Prints one result: for programs as a line of JSON with `--json`, else for people.
pub(crate) fn report(name: &str, value: f64, unit: &str) {
    if std::env::args().any(|argument| argument == "--json") {
        println!("{}", serde_json::json!({ "name": name, "value": value, "unit": unit }));
    } else {
        println!("{name:<44} {value:>10.2} {unit}");
    }
}

/// Whether the command line names this measure, or none: `cargo bench --bench rules -- logs`.
#[allow(dead_code)] // not every bench has a choice
pub(crate) fn chosen(name: &str) -> bool {
    let mut names = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    names.peek().is_none() || names.any(|wanted| name.contains(&wanted))
}

/// The labelled texts of tests/corpus, in one row.
pub(crate) fn corpus() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let contents = files.iter().filter_map(|path| fs::read_to_string(path).ok());
    let lines = contents.flat_map(|content| content.lines().map(str::to_owned).collect::<Vec<_>>());
    let texts = lines.filter_map(|line| serde_json::from_str::<serde_json::Value>(&line).ok());
    texts.filter_map(|value| value.get("text")?.as_str().map(str::to_owned)).collect()
}

/// Pieces of at least `length` bytes, cut behind the line that reaches it; the last one may be shorter.
pub(crate) fn pieces(text: &str, length: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::with_capacity(length + 256);
    for line in text.split_inclusive('\n') {
        piece.push_str(line);
        if piece.len() >= length {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}
