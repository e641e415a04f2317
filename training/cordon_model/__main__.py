"""The whole way: data, training, evaluation, export, card. `make model` runs it; see README.md.

python -m cordon_model --base FOLDER [--data FOLDER] [--steps N] [--out FOLDER] [--run FOLDER]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import tomllib
import torch
from tokenizers import Tokenizer

from . import base, calibrate, card, documents, evaluate, export, generate, golden, network, train
from .labels import LABELS, TOPICS, TYPES
from .mixture import Mixture, of_generator
from .windows import Cutter

HERE = Path(__file__).parent.parent


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="cordon_model", description="Trains and exports Cordon's own model.")
    parser.add_argument("--config", type=Path, default=HERE / "config.toml")
    parser.add_argument("--base", type=Path, required=True, help="folder of the encoder to start from")
    parser.add_argument(
        "--data", type=Path, help="folder with development sets; without it only texts of our own and the generator's"
    )
    parser.add_argument("--steps", type=int, help="steps of training, instead of those of the configuration")
    parser.add_argument(
        "--run", type=Path, default=HERE / "run", help="where the state, the log and the weights of this run are kept"
    )
    parser.add_argument("--out", type=Path, default=HERE.parent / "assets" / "ner", help="where the model goes")
    parser.add_argument("--threads", type=int, default=0)
    return parser.parse_args()


def tokenizer_of(path: Path) -> Tokenizer:
    """The base's tokenizer, which must not shorten a text."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = True
    return tokenizer


def main() -> None:
    """Runs all stages; a stage whose result is there for the same steps goes on from it."""
    options = arguments()
    config = tomllib.loads(options.config.read_text())
    steps = options.steps or config["train"]["steps"]
    if options.threads:
        torch.set_num_threads(options.threads)
    started = time.time()

    def say(text: str) -> None:
        print(f"[{time.time() - started:7.1f} s] {text}", flush=True)

    weights, tokenizer_file = base.load(options.base)
    tokenizer = tokenizer_of(tokenizer_file)
    cutter = Cutter(tokenizer)
    data = config["data"]
    found = documents.own() + (documents.development(options.data, list(data["development"])) if options.data else [])
    training, validating = documents.folds(found)
    say(f"{len(training)} documents to learn from, {len(validating)} to measure on")

    def generated(epoch: int, count: int) -> Iterator[documents.Document]:
        return map(of_generator, generate.texts(config["train"]["seed"] + epoch, count, "train"))

    mixture = Mixture(config, cutter, training, generated)
    torch.manual_seed(config["train"]["seed"])
    model = network.of_base(weights, config["model"]["layers"], config["model"]["inner"], config["model"]["dropout"])
    if not (options.run / "weights.pt").exists():
        train.train(model, mixture.epoch, steps, config["train"], lambda: cutter.unknowns, options.run)
    model.load_state_dict(torch.load(options.run / "weights.pt", weights_only=True))
    model.eval()
    say("trained")

    whole, small = export.graph(model, eight_bit=False), export.graph(model, eight_bit=True)
    length, overlap = data["window_tokens"], data["overlap_tokens"]

    def read(graph: onnx.ModelProto) -> list[evaluate.Read]:
        run = export.runner(graph)
        return [evaluate.Read(document, cutter, run, length, overlap) for document in validating]

    in_eight, in_floats = read(small), read(whole)
    thresholds, lines = calibrate.thresholds(in_eight), calibrate.lines(in_eight)
    figures = {"int8": evaluate.report(in_eight, thresholds), "float32": evaluate.report(in_floats, thresholds)}
    say("validation fold, 8 bits:\n" + evaluate.table(figures["int8"]))
    say("validation fold, floats:\n" + evaluate.table(figures["float32"]))

    write(options.out, small, tokenizer, config, thresholds, lines)
    run = export.runner(options.out / "model.onnx")
    shown = [d.text for d in validating if d.source == "own" and len(cutter.tokens(d.text)[0]) <= length][:120]
    golden.write(options.out / "golden.jsonl", shown, cutter, run, thresholds, lines)
    for name in ("log.jsonl",):
        shutil.copy(options.run / name, options.out / "training-log.jsonl")
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    card.write(options.out, config, steps, training, validating, figures)
    say(f"written to {options.out}: {(options.out / 'model.onnx').stat().st_size / 1e6:.1f} MB")


def write(
    out: Path,
    graph: onnx.ModelProto,
    tokenizer: Tokenizer,
    config: dict,
    thresholds: np.ndarray,
    lines: list[tuple[float, float]],
) -> None:
    """Graph, tokenizer, and the configuration that the service reads."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").write_bytes(graph.SerializeToString())
    tokenizer.save(str(out / "tokenizer.json"), pretty=False)
    settings = {
        "model_type": "bert",
        "max_position_embeddings": 512,
        "id2label": {str(index): label for index, label in enumerate(LABELS)},
        "cordon": {
            "decoder": "viterbi",
            "window_tokens": config["data"]["window_tokens"],
            "overlap_tokens": config["data"]["overlap_tokens"],
            "labels": {
                kind: {"threshold": float(threshold)} for kind, threshold in zip(TYPES, thresholds, strict=True)
            },
            "topics": [
                {"name": name, "scale": scale, "bias": bias} for name, (scale, bias) in zip(TOPICS, lines, strict=True)
            ],
        },
    }
    (out / "config.json").write_text(json.dumps(settings, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
