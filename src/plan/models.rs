//! Facts about open models and machines: how large they are. What follows from them is computed in `sizing.rs`; nothing
//! here says which machine carries which model.
//!
//! Figures of models are those of their `config.json` and model card (`source`). Bits of a weight are what llama.cpp
//! measured for its quantisations of Llama 3.1 8B: a name such as Q4_K_M mixes several widths, so it costs more than its
//! number says.

/// A way to store weights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantisation {
    /// Its name.
    pub name: &'static str,
    /// Bits of a weight, its scales included.
    pub bits: f64,
}

/// Where the bits of [`QUANTISATIONS`] were measured.
pub const QUANTISATION_SOURCE: &str = "https://github.com/ggml-org/llama.cpp/blob/master/tools/quantize/README.md";

/// Ways to store weights.
pub const QUANTISATIONS: [Quantisation; 9] = [
    Quantisation { name: "IQ4_XS", bits: 4.4597 },
    Quantisation { name: "Q3_K_L", bits: 4.2979 },
    Quantisation { name: "Q4_K_S", bits: 4.6672 },
    Quantisation { name: "Q4_K_M", bits: 4.8944 },
    Quantisation { name: "Q5_K_S", bits: 5.5704 },
    Quantisation { name: "Q5_K_M", bits: 5.7036 },
    Quantisation { name: "Q6_K", bits: 6.5633 },
    Quantisation { name: "Q8_0", bits: 8.5008 },
    Quantisation { name: "F16", bits: 16.0005 },
];

/// An open model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: &'static str,
    /// Millions of weights; of a mixture of experts all of them, because all must be in memory.
    pub millions: u64,
    /// Layers.
    pub layers: u64,
    /// Heads of keys and values in a layer.
    pub kv_heads: u64,
    /// Numbers in a head.
    pub head_dim: u64,
    /// Tokens that it can read at once.
    pub max_context: u64,
    /// Where these figures stand.
    pub source: &'static str,
}

/// A size that people speak of, with what is said of it.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Memory that is commonly said to be needed, from and to.
    pub said_gib: (f64, f64),
    /// Quantisation that the row assumes.
    pub quantisation: &'static str,
    /// Context that the row assumes, in tokens.
    pub context: u64,
    /// Models of this size.
    pub models: &'static [Model],
    /// Hardware that is commonly named for it, to be checked.
    pub said_hardware: &'static [&'static str],
}

const LLAMA_32_1B: Model = Model {
    name: "Llama 3.2 1B",
    millions: 1_236,
    layers: 16,
    kv_heads: 8,
    head_dim: 64,
    max_context: 131_072,
    source: "https://huggingface.co/meta-llama/Llama-3.2-1B/blob/main/config.json",
};
const SMOLLM2: Model = Model {
    name: "SmolLM2 1.7B",
    millions: 1_711,
    layers: 24,
    kv_heads: 32,
    head_dim: 64,
    max_context: 8_192,
    source: "https://huggingface.co/HuggingFaceTB/SmolLM2-1.7B-Instruct/blob/main/config.json",
};
const LLAMA_32_3B: Model = Model {
    name: "Llama 3.2 3B",
    millions: 3_213,
    layers: 28,
    kv_heads: 8,
    head_dim: 128,
    max_context: 131_072,
    source: "https://huggingface.co/meta-llama/Llama-3.2-3B/blob/main/config.json",
};
const MISTRAL_7B: Model = Model {
    name: "Mistral 7B v0.3",
    millions: 7_248,
    layers: 32,
    kv_heads: 8,
    head_dim: 128,
    max_context: 32_768,
    source: "https://huggingface.co/mistralai/Mistral-7B-v0.3/blob/main/config.json",
};
const QWEN25_7B: Model = Model {
    name: "Qwen2.5 7B",
    millions: 7_616,
    layers: 28,
    kv_heads: 4,
    head_dim: 128,
    max_context: 131_072,
    source: "https://huggingface.co/Qwen/Qwen2.5-7B-Instruct/blob/main/config.json",
};
const LLAMA_31_8B: Model = Model {
    name: "Llama 3.1 8B",
    millions: 8_030,
    layers: 32,
    kv_heads: 8,
    head_dim: 128,
    max_context: 131_072,
    source: "https://huggingface.co/meta-llama/Llama-3.1-8B/blob/main/config.json",
};
const MISTRAL_NEMO: Model = Model {
    name: "Mistral Nemo 12B",
    millions: 12_248,
    layers: 40,
    kv_heads: 8,
    head_dim: 128,
    max_context: 131_072,
    source: "https://huggingface.co/mistralai/Mistral-Nemo-Instruct-2407/blob/main/config.json",
};
const LLAMA_2_13B: Model = Model {
    name: "Llama 2 13B",
    millions: 13_016,
    layers: 40,
    kv_heads: 40,
    head_dim: 128,
    max_context: 4_096,
    source: "https://huggingface.co/meta-llama/Llama-2-13b-hf/blob/main/config.json",
};
const QWEN25_14B: Model = Model {
    name: "Qwen2.5 14B",
    millions: 14_770,
    layers: 48,
    kv_heads: 8,
    head_dim: 128,
    max_context: 131_072,
    source: "https://huggingface.co/Qwen/Qwen2.5-14B-Instruct/blob/main/config.json",
};
const QWEN3_30B: Model = Model {
    name: "Qwen3 30B A3B",
    millions: 30_532,
    layers: 48,
    kv_heads: 4,
    head_dim: 128,
    max_context: 40_960,
    source: "https://huggingface.co/Qwen/Qwen3-30B-A3B/blob/main/config.json",
};
const QWEN25_32B: Model = Model {
    name: "Qwen2.5 32B",
    millions: 32_764,
    layers: 64,
    kv_heads: 8,
    head_dim: 128,
    max_context: 131_072,
    source: "https://huggingface.co/Qwen/Qwen2.5-32B-Instruct/blob/main/config.json",
};
const CODE_LLAMA_34B: Model = Model {
    name: "Code Llama 34B",
    millions: 33_744,
    layers: 48,
    kv_heads: 8,
    head_dim: 128,
    max_context: 16_384,
    source: "https://huggingface.co/codellama/CodeLlama-34b-hf/blob/main/config.json",
};
const LLAMA_31_70B: Model = Model {
    name: "Llama 3.1 70B",
    millions: 70_554,
    layers: 80,
    kv_heads: 8,
    head_dim: 128,
    max_context: 131_072,
    source: "https://huggingface.co/meta-llama/Llama-3.1-70B/blob/main/config.json",
};
const QWEN25_72B: Model = Model {
    name: "Qwen2.5 72B",
    millions: 72_706,
    layers: 80,
    kv_heads: 8,
    head_dim: 128,
    max_context: 131_072,
    source: "https://huggingface.co/Qwen/Qwen2.5-72B-Instruct/blob/main/config.json",
};

/// The sizes that people speak of.
///
/// Small models lose more by few bits, so the first row assumes six. "70B" and "70B at 4 bits" differ in the quantisation
/// alone: Q4_K_M keeps some weights in six bits, IQ4_XS is the narrowest that is called four.
pub const CLASSES: [Class; 6] = [
    Class {
        name: "1–3B",
        said_gib: (2.0, 4.0),
        quantisation: "Q6_K",
        context: 8_192,
        models: &[LLAMA_32_1B, SMOLLM2, LLAMA_32_3B],
        said_hardware: &["laptop"],
    },
    Class {
        name: "7–8B",
        said_gib: (6.0, 8.0),
        quantisation: "Q4_K_M",
        context: 8_192,
        models: &[MISTRAL_7B, QWEN25_7B, LLAMA_31_8B],
        said_hardware: &["RTX 3060", "M1 Pro"],
    },
    Class {
        name: "13B",
        said_gib: (10.0, 12.0),
        quantisation: "Q4_K_M",
        context: 8_192,
        models: &[MISTRAL_NEMO, LLAMA_2_13B, QWEN25_14B],
        said_hardware: &["RTX 3080", "M2 Pro"],
    },
    Class {
        name: "30–34B",
        said_gib: (20.0, 24.0),
        quantisation: "Q4_K_M",
        context: 8_192,
        models: &[QWEN3_30B, QWEN25_32B, CODE_LLAMA_34B],
        said_hardware: &["RTX 4090", "M2 Max"],
    },
    Class {
        name: "70B",
        said_gib: (40.0, 48.0),
        quantisation: "Q4_K_M",
        context: 8_192,
        models: &[LLAMA_31_70B, QWEN25_72B],
        said_hardware: &["A100", "2 × RTX 4090"],
    },
    Class {
        name: "70B at 4 bits",
        said_gib: (35.0, 40.0),
        quantisation: "IQ4_XS",
        context: 8_192,
        models: &[LLAMA_31_70B, QWEN25_72B],
        said_hardware: &["M3 Max", "RTX A6000"],
    },
];

/// A machine, or several cards that carry one model together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// What it is called, without its memory.
    pub family: &'static str,
    /// Cards or machines that share the model.
    pub devices: u64,
    /// Memory of one in GiB. (Makers write GB and mean GiB.)
    pub memory_gib: u64,
    /// Thousandths of it that a model can have.
    pub usable: u64,
    /// Where its memory stands.
    pub source: &'static str,
}

/// A graphics card has all of its memory for the model; what its driver needs is in the overhead of the formula.
const CARD: u64 = 1000;
/// Metal lets a model have two thirds of up to 36 GB, and three quarters of more: 10,923 MB of 16 GB and 48 of 64 GB, as
/// llama.cpp prints (`recommendedMaxWorkingSetSize`).
const APPLE_SMALL: u64 = 667;
/// See [`APPLE_SMALL`].
const APPLE_LARGE: u64 = 750;
/// The system and a browser have the other half of a laptop's memory.
const LAPTOP: u64 = 500;

/// Where the share of Apple's memory was measured.
pub const APPLE_SOURCE: &str = "https://developer.apple.com/documentation/metal/mtldevice/recommendedmaxworkingsetsize";

const NVIDIA_30: &str = "https://www.nvidia.com/en-us/geforce/graphics-cards/30-series/";
const NVIDIA_40: &str = "https://www.nvidia.com/en-us/geforce/graphics-cards/40-series/";
const NVIDIA_50: &str = "https://www.nvidia.com/en-us/geforce/graphics-cards/50-series/";
const A6000: &str = "https://www.nvidia.com/en-us/design-visualization/rtx-a6000/";
const L40S: &str = "https://www.nvidia.com/en-us/data-center/l40s/";
const A100: &str = "https://www.nvidia.com/en-us/data-center/a100/";
const H100: &str = "https://www.nvidia.com/en-us/data-center/h100/";
const APPLE: &str = "https://support.apple.com/specs";

const fn hardware(family: &'static str, devices: u64, memory_gib: u64, usable: u64, source: &'static str) -> Hardware {
    Hardware { family, devices, memory_gib, usable, source }
}

/// Machines.
pub const HARDWARE: [Hardware; 27] = [
    hardware("laptop", 1, 8, LAPTOP, "half of its memory is assumed to be free"),
    hardware("laptop", 1, 16, LAPTOP, "half of its memory is assumed to be free"),
    hardware("laptop", 1, 32, LAPTOP, "half of its memory is assumed to be free"),
    hardware("RTX 3060", 1, 12, CARD, NVIDIA_30),
    hardware("RTX 3080", 1, 10, CARD, NVIDIA_30),
    hardware("RTX 3080", 1, 12, CARD, NVIDIA_30),
    hardware("RTX 4060 Ti", 1, 16, CARD, NVIDIA_40),
    hardware("RTX 4090", 1, 24, CARD, NVIDIA_40),
    hardware("RTX 5090", 1, 32, CARD, NVIDIA_50),
    hardware("2 × RTX 4090", 2, 24, CARD, NVIDIA_40),
    hardware("2 × RTX 5090", 2, 32, CARD, NVIDIA_50),
    hardware("RTX A6000", 1, 48, CARD, A6000),
    hardware("L40S", 1, 48, CARD, L40S),
    hardware("A100", 1, 40, CARD, A100),
    hardware("A100", 1, 80, CARD, A100),
    hardware("H100", 1, 80, CARD, H100),
    hardware("2 × H100", 2, 80, CARD, H100),
    hardware("M1 Pro", 1, 16, APPLE_SMALL, APPLE),
    hardware("M1 Pro", 1, 32, APPLE_SMALL, APPLE),
    hardware("M2 Pro", 1, 16, APPLE_SMALL, APPLE),
    hardware("M2 Pro", 1, 32, APPLE_SMALL, APPLE),
    hardware("M2 Max", 1, 32, APPLE_SMALL, APPLE),
    hardware("M2 Max", 1, 64, APPLE_LARGE, APPLE),
    hardware("M3 Max", 1, 36, APPLE_SMALL, APPLE),
    hardware("M3 Max", 1, 64, APPLE_LARGE, APPLE),
    hardware("M3 Max", 1, 128, APPLE_LARGE, APPLE),
    hardware("M3 Ultra", 1, 256, APPLE_LARGE, APPLE),
];
