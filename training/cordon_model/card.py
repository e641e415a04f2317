"""The model card: what the model is, what it learned from, how good it is where, and what it must not be used for. Everything that can be
counted is written by this file; what was tried and decided stands in `notes.md` and is put behind it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path

from .documents import Document
from .labels import BUSINESS, HARMLESS, SENSITIVE, TYPES

LICENCES = {
    "own": "CC0, written for this project",
    "generator": "CC0, templates of this project; values from Faker (MIT)",
    "presidio_synth_v2": "MIT, Microsoft; some values from FakeNameGenerator, CC BY-SA 3.0",
    "kiji_e2e": "Apache-2.0",
    "synth_struct_en": "CC0",
    "synth_struct_multi": "CC0",
    "tab_echr": "MIT, Norsk Regnesentral (Text Anonymization Benchmark)",
    "meddocan_es": "CC BY 4.0, MEDDOCAN (Marimon et al., 2019)",
    "wnut17": "CC BY 4.0, WNUT 2017 (Derczynski et al., 2017)",
    "neg_code": "MIT, Apache-2.0, Unlicense: sources of open projects",
    "neg_docs": "MIT, Apache-2.0, Unlicense: documentation of open projects",
    "secrets_noseyparker_pos": "Apache-2.0",
    "secrets_noseyparker_neg": "Apache-2.0",
}
NOTES = Path(__file__).parent.parent / "notes.md"


def write(
    out: Path, config: dict, steps: int, training: list[Document], validating: list[Document], figures: dict
) -> None:
    """Writes `MODEL_CARD.md` and `SHA256SUMS`."""
    model = (out / "model.onnx").read_bytes()
    of, held = Counter(document.source for document in training), Counter(document.source for document in validating)
    settings = config["model"]
    lines = [
        "# Cordon's own model",
        "",
        "A small encoder that reads a window of text once and says two things: what each word is (people, addresses, identifiers and so on), and",
        "what the window is about (a decision about a person, somebody's health, an unreleased deal, a password in prose; or a general question,",
        "fiction, a template, published material). Written by `training/`; do not edit: the words that are not counted stand in `training/notes.md`.",
        "",
        f"- Form: BERT, {len(settings['layers'])} layers, 384 wide, {settings['inner']} inner units, uncased WordPiece, and for each token its capitals and the space before it;",
        f"  ONNX, 8-bit weights for each column, {len(model) / 1e6:.1f} MB.",
        "- Base: all-MiniLM-L6-v2 (Apache-2.0, sentence-transformers)."
        if config["model"]["base"] == "minilm"
        else "- Base: Rampart (CC BY 4.0, National Design Studio).",
        f"- Labels: {', '.join(TYPES)}.",
        f"- Topics that make a text sensitive: {', '.join(SENSITIVE)}; of business: {', '.join(BUSINESS)}; harmless: {', '.join(HARMLESS)};",
        "  and two for the window as a whole: confidential_matter, internal_matter.",
        f"- Training: {steps} steps of about {config['train']['batch_tokens']} tokens, seed {config['train']['seed']}; log in `training-log.jsonl`, settings in `training/config.toml`.",
        f"- SHA-256 of the graph: `{hashlib.sha256(model).hexdigest()}`.",
        "",
        "## Data",
        "",
        "The validation fold is every document with `blake3(id) mod 5 = 0`; what shares a template with one of them was not learned from.",
        "",
        "| source | learned from | measured on | licence |",
        "|---|---|---|---|",
        *(
            f"| {source} | {of[source]} | {held[source]} | {LICENCES.get(source, 'see its own')} |"
            for source in sorted(set(of) | set(held))
        ),
        f"| generator | {config['data']['generated']} new ones in each epoch | – | {LICENCES['generator']} |",
        "",
        "Languages of our own texts: "
        + ", ".join(
            f"{lang} {count}"
            for lang, count in Counter(d.lang for d in training + validating if d.source == "own").most_common()
        )
        + ".",
        "",
        "## On the validation fold",
        "",
        "Overlap F1 in percent, the model alone with its decoder; *flagged*: texts without personal data in which it finds some. 8 bits, as shipped, and floats.",
        "",
        "| source | PERSON | (floats) | CORE | (floats) | all types | flagged |",
        "|---|---|---|---|---|---|---|",
    ]
    for source, line in figures["int8"]["sources"].items():
        exact = figures["float32"]["sources"][source]
        cells = [
            line.get("person"),
            exact.get("person"),
            line.get("core"),
            exact.get("core"),
            line.get("all"),
            line.get("flagged"),
        ]
        lines.append(f"| {source} | " + " | ".join("–" if cell is None else f"{cell}" for cell in cells) + " |")
    lines += [
        "",
        "By type, F1: " + ", ".join(f"{kind} {value}" for kind, value in figures["int8"]["types"].items()) + ".",
        "",
    ]
    lines += [
        "By topic, average precision on our own texts of the fold: "
        + ", ".join(f"{name} {value}" for name, value in figures["int8"]["topics"].items())
        + ".",
        "",
    ]
    (out / "MODEL_CARD.md").write_text("\n".join(lines) + (NOTES.read_text() if NOTES.exists() else ""))
    names = (
        "MODEL_CARD.md",
        "config.json",
        "figures.json",
        "golden.jsonl",
        "model.onnx",
        "tokenizer.json",
        "training-log.jsonl",
    )
    sums = [f"{hashlib.sha256((out / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (out / "SHA256SUMS").write_text("".join(sums))
    json.loads((out / "config.json").read_text())
