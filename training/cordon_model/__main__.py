"""The whole way: data, training, evaluation, export, card. `make model` runs it; see README.md.

python -m cordon_model --assets JSON [--data FOLDER] [--steps N] [--out FOLDER] [--run FOLDER]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
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
GOLDEN_TEXTS = 120


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="cordon_model", description="Trains and exports Cordon's own model.")
    parser.add_argument("--config", type=Path, default=HERE / "config.toml")
    parser.add_argument("--assets", required=True, help="what `assets/fetch.py runtime training --json` prints")
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


@dataclass
class Stage:
    """What every stage needs."""

    config: dict
    weights: dict[str, torch.Tensor]
    tokenizer: Tokenizer
    cutter: Cutter
    training: list[documents.Document]
    validating: list[documents.Document]

    @classmethod
    def of(cls, config: dict, base_folder: Path, data: Path | None) -> Stage:
        """Reads the base and the documents, and divides them."""
        weights, tokenizer_file = base.load(base_folder)
        tokenizer = tokenizer_of(tokenizer_file)
        sets = list(config["data"]["development"])
        found = documents.own() + (documents.development(data, sets) if data else [])
        return cls(config, weights, tokenizer, Cutter(tokenizer), *documents.folds(found))

    def network(self) -> network.Network:
        """A network that starts from the base."""
        torch.manual_seed(self.config["train"]["seed"])
        model = self.config["model"]
        return network.of_base(self.weights, model["layers"], model["inner"], model["dropout"])

    def fit(self, model: network.Network, steps: int, run: Path) -> None:
        """Trains it, or takes the weights of a run that is done."""
        seed = self.config["train"]["seed"]

        def generated(epoch: int, count: int) -> Iterator[documents.Document]:
            return map(of_generator, generate.texts(seed + epoch, count, "train"))

        if not (run / "weights.pt").exists():
            mixture = Mixture(self.config, self.cutter, self.training, generated)
            train.train(model, mixture.epoch, steps, self.config["train"], lambda: self.cutter.unknowns, run)
        model.load_state_dict(torch.load(run / "weights.pt", weights_only=True))
        model.eval()

    def read(self, graph: onnx.ModelProto, length: int | None = None) -> list[evaluate.Read]:
        """What the graph says of the validation fold, in windows of so many tokens."""
        data = self.config["data"]
        run, length = export.runner(graph), length or data["window_tokens"]
        overlap = min(data["overlap_tokens"], length // 4)
        return [evaluate.Read(document, self.cutter, run, length, overlap) for document in self.validating]


def main() -> None:
    """Runs all stages; one whose result is there goes on from it."""
    options = arguments()
    config = tomllib.loads(options.config.read_text())
    steps = options.steps or config["train"]["steps"]
    if options.threads:
        torch.set_num_threads(options.threads)
    started = time.time()

    def say(text: str) -> None:
        print(f"[{time.time() - started:7.1f} s] {text}", flush=True)

    stage = Stage.of(config, base.folders(options.assets)[config["model"]["base"]], options.data)
    say(f"{len(stage.training)} documents to learn from, {len(stage.validating)} to measure on")
    model = stage.network()
    stage.fit(model, steps, options.run)
    say("trained")

    small = export.graph(model)
    in_eight, in_floats = stage.read(small), stage.read(export.graph(model, eight_bit=False))
    thresholds, lines = calibrate.thresholds(in_eight), calibrate.lines(in_eight)
    figures = {"int8": evaluate.report(in_eight, thresholds), "float32": evaluate.report(in_floats, thresholds)}
    say("validation fold, 8 bits:\n" + evaluate.table(figures["int8"]))
    say("validation fold, floats:\n" + evaluate.table(figures["float32"]))

    write(options.out, small, stage.tokenizer, config, thresholds, lines)
    cutter, length = stage.cutter, config["data"]["window_tokens"]
    short = [d.text for d in stage.validating if d.source == "own" and len(cutter.tokens(d.text)[0]) <= length]
    run = export.runner(options.out / "model.onnx")
    golden.write(options.out / "golden.jsonl", short[:GOLDEN_TEXTS], cutter, run, thresholds, lines)
    shutil.copy(options.run / "log.jsonl", options.out / "training-log.jsonl")
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    card.write(options.out, config, steps, stage.training, stage.validating, figures)
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
