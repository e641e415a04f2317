//! From a model to the memory that it needs, and from memory to machines that have it. Every figure is computed: the
//! ranges that people speak of are only held beside it, and a row that does not fit says so.
//!
//! ```text
//! weights   = parameters × bits / 8
//! KV cache  = 2 × layers × KV heads × head size × context × bits of the cache / 8
//! overhead  = 0.5 GiB for each device + 5 % of the weights
//! ```

use serde::Serialize;

use super::models::{CLASSES, Class, HARDWARE, Hardware, Model, QUANTISATIONS, Quantisation};
use super::{PlanError, Stated};

/// Bytes of a GiB.
const GIB: f64 = (1_u64 << 30) as f64;
/// What a runtime and a driver take before any weight is loaded, on each device. CUDA alone takes 0.3 to 0.5 GiB.
const FIXED_OVERHEAD_GIB: f64 = 0.5;
/// Buffers of the computation, in parts of the weights.
const OVERHEAD_OF_WEIGHTS: f64 = 0.05;
/// How far a computed figure may lie outside of the range that is said.
const TOLERANCE: f64 = 0.2;
/// Bits of a number in the KV cache when nothing else is stated.
const KV_BITS: u64 = 16;
/// A larger context than any model reads.
const MAX_CONTEXT: u64 = 16_777_216;
/// How many machines are named for a row.
const EXAMPLES: usize = 4;

/// What one model needs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelNeed {
    /// The model.
    pub model: &'static str,
    /// Billions of weights.
    pub billions: f64,
    /// Context counted, in tokens: the row's, or the most that the model reads.
    pub context: u64,
    /// GiB of weights.
    pub weights_gib: f64,
    /// GiB of KV cache for one request at a time.
    pub kv_gib: f64,
    /// GiB for runtime and buffers.
    pub overhead_gib: f64,
    /// All together.
    pub total_gib: f64,
    /// How far that lies outside of what is said, in percent of the nearer bound; 0 inside.
    pub outside_percent: f64,
    /// Where the model's figures stand.
    pub source: &'static str,
}

/// A machine held against a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MachineFit {
    /// Name with its memory.
    pub machine: String,
    /// GiB that a model can have there.
    pub usable_gib: f64,
    /// Whether every model of the row fits.
    pub fits: bool,
}

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sizing {
    /// The size.
    pub class: &'static str,
    /// Quantisation assumed.
    pub quantisation: &'static str,
    /// Its bits of a weight.
    pub bits: f64,
    /// Context assumed, in tokens.
    pub context: u64,
    /// Bits of a number in the KV cache.
    pub kv_bits: u64,
    /// The models.
    pub models: Vec<ModelNeed>,
    /// Least and most GiB that they need.
    pub computed_gib: (f64, f64),
    /// GiB that are commonly said.
    pub said_gib: (f64, f64),
    /// The largest deviation of a model from that, in percent.
    pub outside_percent: f64,
    /// Whether that is within 20 percent.
    pub fits_what_is_said: bool,
    /// The smallest machines of the table that carry every model of the row.
    pub hardware: Vec<MachineFit>,
    /// Machines that are commonly named for this size, held against it.
    pub said_hardware: Vec<MachineFit>,
}

fn gib(bytes: f64) -> f64 {
    bytes / GIB
}

/// Two places are more than the formula knows.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// What a model needs with this quantisation and context.
#[must_use]
fn need(model: &Model, bits: f64, context: u64, kv_bits: u64, said: (f64, f64)) -> ModelNeed {
    let context = context.min(model.max_context);
    let weights = gib(model.millions as f64 * 1e6 * bits / 8.0);
    let numbers = 2.0 * model.layers as f64 * model.kv_heads as f64 * model.head_dim as f64 * context as f64;
    let kv = gib(numbers * kv_bits as f64 / 8.0);
    let overhead = FIXED_OVERHEAD_GIB + OVERHEAD_OF_WEIGHTS * weights;
    let total = weights + kv + overhead;
    let (least, most) = said;
    let outside = if total < least {
        (least - total) / least
    } else if total > most {
        (total - most) / most
    } else {
        0.0
    };
    ModelNeed {
        model: model.name,
        billions: rounded(model.millions as f64 / 1000.0),
        context,
        weights_gib: rounded(weights),
        kv_gib: rounded(kv),
        overhead_gib: rounded(overhead),
        total_gib: rounded(total),
        outside_percent: rounded(outside * 100.0),
        source: model.source,
    }
}

/// What a model can have of a machine. One runtime's overhead is part of the need; each further card has its own.
fn usable(hardware: &Hardware) -> f64 {
    let all = (hardware.devices * hardware.memory_gib * hardware.usable) as f64 / 1000.0;
    all - hardware.devices.saturating_sub(1) as f64 * FIXED_OVERHEAD_GIB
}

fn fit(hardware: &Hardware, most: f64) -> MachineFit {
    let usable = usable(hardware);
    let machine = format!("{} ({} GB)", hardware.family, hardware.devices * hardware.memory_gib);
    MachineFit { machine, usable_gib: rounded(usable), fits: usable >= most }
}

fn row(class: &Class, quantisation: Quantisation, context: u64, kv_bits: u64) -> Sizing {
    let models: Vec<ModelNeed> =
        class.models.iter().map(|model| need(model, quantisation.bits, context, kv_bits, class.said_gib)).collect();
    let least = models.iter().map(|model| model.total_gib).fold(f64::INFINITY, f64::min);
    let most = models.iter().map(|model| model.total_gib).fold(0.0, f64::max);
    let outside = models.iter().map(|model| model.outside_percent).fold(0.0, f64::max);
    let mut carrying: Vec<&Hardware> = HARDWARE.iter().filter(|hardware| usable(hardware) >= most).collect();
    carrying.sort_by(|a, b| usable(a).total_cmp(&usable(b)));
    let mut hardware: Vec<MachineFit> = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    for machine in carrying {
        if hardware.len() < EXAMPLES && !named.contains(&machine.family) {
            named.push(machine.family);
            hardware.push(fit(machine, most));
        }
    }
    let said =
        class.said_hardware.iter().flat_map(|family| HARDWARE.iter().filter(move |machine| machine.family == *family));
    Sizing {
        class: class.name,
        quantisation: quantisation.name,
        bits: quantisation.bits,
        context,
        kv_bits,
        computed_gib: (least, most),
        said_gib: class.said_gib,
        outside_percent: outside,
        fits_what_is_said: outside <= TOLERANCE * 100.0,
        hardware,
        said_hardware: said.map(|machine| fit(machine, most)).collect(),
        models,
    }
}

/// The table, with what was stated instead of what the rows assume.
///
/// # Errors
/// When the quantisation is not known, or context or bits make no sense.
pub fn table(stated: &Stated) -> Result<Vec<Sizing>, PlanError> {
    let known = |name: &str| QUANTISATIONS.iter().find(|known| known.name.eq_ignore_ascii_case(name)).copied();
    let wanted = match &stated.quantisation {
        None => None,
        Some(name) => {
            let names = QUANTISATIONS.map(|known| known.name).join(", ");
            Some(
                known(name)
                    .ok_or_else(|| PlanError::wrong("quantisation", format!("is not known; take one of {names}")))?,
            )
        }
    };
    if stated.context.is_some_and(|context| !(1..=MAX_CONTEXT).contains(&context)) {
        return Err(PlanError::wrong("context", format!("must be from 1 to {MAX_CONTEXT} tokens")));
    }
    let kv_bits = stated.kv_bits.unwrap_or(KV_BITS);
    if ![4, 8, 16, 32].contains(&kv_bits) {
        return Err(PlanError::wrong("kv_bits", "must be 4, 8, 16 or 32"));
    }
    let rows = CLASSES.iter().filter_map(|class| {
        let quantisation = wanted.or_else(|| known(class.quantisation))?;
        Some(row(class, quantisation, stated.context.unwrap_or(class.context), kv_bits))
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(quantisation: &str, context: Option<u64>) -> Stated {
        Stated { quantisation: Some(quantisation.to_owned()), context, ..Stated::default() }
    }

    #[test]
    fn every_row_of_the_table_fits_within_a_fifth() {
        let rows = table(&Stated::default()).unwrap();
        let said = [
            ("1–3B", 2.0, 4.0),
            ("7–8B", 6.0, 8.0),
            ("13B", 10.0, 12.0),
            ("30–34B", 20.0, 24.0),
            ("70B", 40.0, 48.0),
            ("70B at 4 bits", 35.0, 40.0),
        ];
        assert_eq!(rows.len(), said.len());
        for (row, (class, least, most)) in rows.iter().zip(said) {
            assert_eq!((row.class, row.said_gib), (class, (least, most)));
            assert!(row.fits_what_is_said, "{class}: {:?}", row.computed_gib);
            assert!(row.computed_gib.0 >= 0.8 * least && row.computed_gib.1 <= 1.2 * most, "{class}");
            assert!(row.models.len() >= 2 && row.models.iter().all(|model| model.source.starts_with("https://")));
        }
    }

    #[test]
    fn the_formula_agrees_with_files_that_were_made() {
        // llama.cpp's own table: 8B in Q4_K_M is 4.58 GiB; 70B is 43.1 GB, which is 40.1 GiB.
        let rows = table(&Stated::default()).unwrap();
        let weights =
            |name: &str| rows.iter().flat_map(|row| &row.models).find(|model| model.model == name).unwrap().weights_gib;
        assert!((weights("Llama 3.1 8B") - 4.58).abs() < 0.02, "{}", weights("Llama 3.1 8B"));
        assert!((weights("Llama 3.1 70B") - 43.1e9 / GIB).abs() < 0.2, "{}", weights("Llama 3.1 70B"));
        // 8 KV heads of 128 numbers in 32 layers, twice, 2 bytes each: 128 KiB a token, 1 GiB for 8192 tokens.
        let llama = rows[1].models.iter().find(|model| model.model == "Llama 3.1 8B").unwrap();
        assert!((llama.kv_gib - 1.0).abs() < 0.001);
    }

    #[test]
    fn a_row_that_does_not_fit_is_shown_as_such() {
        for row in table(&stated("F16", None)).unwrap() {
            assert!(!row.fits_what_is_said, "{}: sixteen bits fit nowhere", row.class);
            assert!(row.outside_percent > 20.0);
        }
        let long = table(&Stated { context: Some(131_072), ..Stated::default() }).unwrap();
        assert!(long.iter().any(|row| !row.fits_what_is_said));
        let llama2 = long[2].models.iter().find(|model| model.model == "Llama 2 13B").unwrap();
        assert_eq!(llama2.context, 4_096, "a model reads no more than it can");
    }

    #[test]
    fn machines_are_chosen_by_memory() {
        let rows = table(&Stated::default()).unwrap();
        let fits = |row: usize, machine: &str| {
            let found = rows[row].said_hardware.iter().find(|fit| fit.machine == machine);
            found.unwrap_or_else(|| panic!("{machine}: {:?}", rows[row].said_hardware)).fits
        };
        for (row, machine, wanted) in [
            (0, "laptop (8 GB)", true),
            (1, "RTX 3060 (12 GB)", true),
            (1, "M1 Pro (16 GB)", true),
            (2, "RTX 3080 (10 GB)", false),
            (2, "RTX 3080 (12 GB)", true),
            (2, "M2 Pro (16 GB)", false),
            (2, "M2 Pro (32 GB)", true),
            (3, "RTX 4090 (24 GB)", true),
            (3, "M2 Max (64 GB)", true),
            (4, "A100 (40 GB)", false),
            (4, "2 × RTX 4090 (48 GB)", true),
            (5, "M3 Max (64 GB)", true),
            (5, "RTX A6000 (48 GB)", true),
        ] {
            assert_eq!(fits(row, machine), wanted, "{machine}");
        }
        for row in &rows {
            assert!(!row.hardware.is_empty());
            assert!(row.hardware.iter().all(|fit| fit.fits && fit.usable_gib >= row.computed_gib.1), "{}", row.class);
            assert!(row.hardware.is_sorted_by(|a, b| a.usable_gib <= b.usable_gib));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (stated, wanted) in [
            (stated("Q9_X", None), "Q4_K_M"),
            (stated("Q4_K_M", Some(0)), "context"),
            (stated("Q4_K_M", Some(u64::MAX)), "context"),
            (Stated { kv_bits: Some(0), ..Stated::default() }, "kv_bits"),
        ] {
            assert!(table(&stated).unwrap_err().to_string().contains(wanted));
        }
        assert!(table(&stated("q8_0", None)).is_ok(), "names are read in any case");
    }

    proptest::proptest! {
        #[test]
        fn more_bits_and_more_context_need_more_memory(context in 1_u64..100_000, kv in 0_usize..3, bits in 2.0_f64..16.0) {
            let kv_bits = [4, 8, 16][kv];
            for model in CLASSES.iter().flat_map(|class| class.models) {
                let total = |bits, context, kv_bits| need(model, bits, context, kv_bits, (0.0, 1.0)).total_gib;
                proptest::prop_assert!(total(bits + 1.0, context, kv_bits) > total(bits, context, kv_bits));
                proptest::prop_assert!(total(bits, context + 1, kv_bits) >= total(bits, context, kv_bits));
                proptest::prop_assert!(total(bits, context, kv_bits * 2) >= total(bits, context, kv_bits));
            }
        }
    }
}
