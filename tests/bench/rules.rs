//! Speed of the rules, the whole embedded catalog, on texts of 1 KiB: `cargo bench --bench rules`. Prose, logs and code are
//! generated from a fixed seed, so that runs compare, and hold values at about the rate at which real texts do; beside
//! them stand this repository's own sources and its labelled corpus, whose texts hold a secret each.

#![allow(clippy::panic, clippy::print_stdout)] // a bench without rules has nothing to measure, and it prints

mod measure;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use cordon::detect::{Catalog, Finding, Rules, TermTable, resolve};
use cordon::dispatch::estimate;
use cordon::document::{Conversation, Generation, Message, Role, View};

use measure::{Moment, chosen, corpus, median, pieces, report};

const SIZE: usize = 256 * 1024;
const TEXT: usize = 1024;
/// How long each kind of text is measured.
const MEASURED: Duration = Duration::from_millis(1500);

fn main() {
    let builds = (0..5).map(|_| {
        let started = Moment::now();
        let catalog = Catalog::embedded().unwrap_or_else(|error| panic!("{error}"));
        let rules = Rules::build(&catalog).unwrap_or_else(|error| panic!("{error}"));
        (started.spent().wall.as_secs_f64() * 1000.0, rules, catalog)
    });
    let (times, mut built): (Vec<f64>, Vec<_>) = builds.map(|(time, rules, catalog)| (time, (rules, catalog))).unzip();
    let Some((rules, catalog)) = built.pop() else { panic!("no rules") };
    report("rules: recognizers", catalog.recognizers().len() as f64, "");
    report("rules: word lists", catalog.lists().len() as f64, "");
    report("rules: load and build", median(times), "ms");

    if chosen("list") {
        million();
    }
    if chosen("complexity") {
        complexity();
    }
    let (sources, labelled) = (sources(), corpus().join("\n"));
    for (name, text) in [
        ("prose", prose(false)),
        ("prose with accents", prose(true)),
        ("logs", log()),
        ("code", code()),
        ("numbers only", digits()),
        ("Cordon's own sources", sources),
        ("labelled corpus", labelled),
    ] {
        if !chosen(name) {
            continue;
        }
        report(&format!("rules: {name}"), megabytes_per_second(&rules, &pieces(&text, TEXT)), "MB/s a core");
    }
}

/// The estimate of a prompt of 4 KiB.
fn complexity() {
    let message = Message::new(Role::User, prose(false).chars().take(4096).collect::<String>());
    let conversation = Conversation::new(vec![message], Generation::default());
    let estimates = (0..500).map(|_| {
        let started = Moment::now();
        black_box(estimate(black_box(&conversation), None));
        started.spent().wall.as_secs_f64() * 1e6
    });
    report("complexity: 4 KiB", median(estimates.collect()), "µs");
}

/// A list of a million terms: time to build, memory, and the speed of a text through it.
fn million() {
    let file: String = (0..1_000_000_u32).fold(String::with_capacity(24 << 20), |mut file, number| {
        let _ = writeln!(file, "Customer{:x} North{number} Ltd", number / 5);
        file
    });
    let table = TermTable::read(&file, false).unwrap_or_else(|error| panic!("{error}"));
    report("list: entries", table.entries() as f64, "");
    report("list: build", table.took().as_secs_f64(), "s");
    report("list: memory", table.bytes() as f64 / f64::from(1 << 20), "MiB");
    let text = prose(false);
    let started = Moment::now();
    let mut hits = 0;
    table.find_in(black_box(&text), &mut |_| hits += 1);
    black_box(hits);
    report("list: prose", text.len() as f64 / 1e6 / started.spent().core_seconds(), "MB/s a core");
}

/// Median over passes through all texts, each scanned and resolved on its own.
fn megabytes_per_second(rules: &Rules, texts: &[String]) -> f64 {
    let bytes: usize = texts.iter().map(String::len).sum();
    let pass = || {
        let started = Moment::now();
        for text in texts {
            let mut findings: Vec<Finding> = Vec::new();
            let outcome = rules.scan(0, &View::of(black_box(text)), &mut findings);
            black_box((outcome.is_ok(), resolve(findings)));
        }
        bytes as f64 / 1e6 / started.spent().core_seconds()
    };
    // The first pass builds the lazy automata.
    pass();
    let begun = Moment::now();
    let mut rates = Vec::new();
    while rates.len() < 5 || begun.spent().wall < MEASURED {
        rates.push(pass());
    }
    median(rates)
}

/// The Rust files of two folders of `src`.
fn sources() -> String {
    fn read(folder: &Path, text: &mut String) {
        let mut paths: Vec<_> =
            std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    let mut text = String::new();
    read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/service")), &mut text);
    read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/dispatch")), &mut text);
    text
}

/// Numbers that look random and are the same in every run (a linear congruential generator, Knuth's MMIX constants).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let index = self.below(words.len() as u64);
        words.get(usize::try_from(index).unwrap_or_default()).copied().unwrap_or_default()
    }
}

fn generate(mut line: impl FnMut(&mut Numbers, &mut String)) -> String {
    let mut numbers = Numbers(7);
    let mut text = String::with_capacity(SIZE + 256);
    while text.len() < SIZE {
        line(&mut numbers, &mut text);
    }
    text
}

fn prose(accents: bool) -> String {
    const PLAIN: &str = "the report of a meeting with customers in our office about plans for next year and results that were discussed number account \
        contact please to call team at from project between which people asked whether it would";
    let plain: Vec<&str> = PLAIN.split(' ').collect();
    const ACCENTS: &[&str] = &["été", "naïve", "Müller", "garçon", "señor", "København", "Łódź", "—", "“quote”"];
    generate(|numbers, text| {
        for _ in 0..12 {
            let word = if accents && numbers.below(6) == 0 { numbers.pick(ACCENTS) } else { numbers.pick(&plain) };
            text.push_str(word);
            text.push(' ');
        }
        match numbers.below(8) {
            0 => _ = write!(text, "on {} May {} ", 1 + numbers.below(28), 1990 + numbers.below(40)),
            1 => _ = write!(text, "costs {}.{:02} euros ", numbers.below(2000), numbers.below(100)),
            2 => _ = write!(text, "mail jane{}@acme.org ", numbers.below(100)),
            3 => _ = write!(text, "call +1 (555) 010-{:04} ", numbers.below(10_000)),
            _ => {}
        }
        text.push_str("today.\n");
    })
}

fn log() -> String {
    generate(|numbers, text| {
        let level = numbers.pick(&["INFO", "WARN", "DEBUG", "ERROR"]);
        let _ = writeln!(
            text,
            "2026-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {level} [worker-{}] c.a.s.Handler - GET /v1/items/{} 200 {}ms \
             ip=10.{}.{}.{} request_id={:08x}-{:04x}-4{:03x} user={}",
            1 + numbers.below(12),
            1 + numbers.below(28),
            numbers.below(24),
            numbers.below(60),
            numbers.below(60),
            numbers.below(1000),
            numbers.below(16),
            numbers.below(1_000_000),
            numbers.below(900),
            numbers.below(256),
            numbers.below(256),
            numbers.below(256),
            numbers.below(1 << 32),
            numbers.below(1 << 16),
            numbers.below(1 << 12),
            numbers.below(100_000),
        );
    })
}

fn code() -> String {
    generate(|numbers, text| {
        let name = numbers.pick(&["parse_header", "read_block", "nextToken", "userAccount", "flush", "password_hash"]);
        let kind = numbers.pick(&["u32", "String", "Vec<u8>", "Option<usize>", "&str"]);
        let (a, b) = (numbers.below(1 << 16), numbers.below(4096));
        let _ = match numbers.below(5) {
            0 => writeln!(text, "fn {name}(input: {kind}, limit: usize) -> Result<{kind}, Error> {{"),
            1 => writeln!(text, "    let {name} = self.table.get(index + {b}).copied().unwrap_or({a:#x});"),
            2 => writeln!(text, "    // See the note on {name}: at most {b} bytes are read at a time."),
            3 => writeln!(text, "    const LIMIT_{a}: {kind} = config[\"{name}\"]; // {b}.{a}"),
            _ => writeln!(text, "    assert_eq!({name}(&buffer[{b}..]), Some({a})); }}\n"),
        };
    })
}

fn digits() -> String {
    generate(|numbers, text| {
        for _ in 0..8 {
            let _ = write!(text, "{} ", numbers.below(1 << 31));
        }
        text.push('\n');
    })
}
