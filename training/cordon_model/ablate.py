"""What each choice gives: short runs that differ in one thing each, and the figures of each on the validation fold, as a table for the card.

    python -m cordon_model.ablate --assets JSON --data FOLDER --steps 300 --run FOLDER

Runs that are done are not run again. The differences between short runs tell which way a choice pulls, not how far it goes.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import numpy as np
import tomllib

from . import base, calibrate, evaluate, export
from .__main__ import HERE, Stage

VARIANTS: dict[str, dict] = {
    "as configured": {},
    "base: the other one": {"model": {"base": "minilm"}},
    "four layers": {"model": {"layers": [0, 1, 3, 5]}},
    "half the inner units": {"model": {"inner": 768}},
    "without the generator": {"data": {"generated": 0}},
    "without development sets": {"data": {"development": {}}},
    "without texts of our own": {"data": {"own": 0}},
    "without noise": {"noise": {"lower": 0.0, "upper": 0.0, "cut": 0.0, "joined": 0.0}},
    "without rounding in training": {"train": {"quantise_from": 1.1}},
    "labels alone, no topics": {"train": {"topic_weight": 0.0}},
}
WINDOWS = (64, 128, 254)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="cordon_model.ablate")
    parser.add_argument("--assets", required=True, help="what `assets/fetch.py runtime training --json` prints")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--run", type=Path, default=HERE / "run" / "ablations")
    parser.add_argument("--only", nargs="*", help="beginnings of the names of variants")
    return parser.parse_args()


def changed(config: dict, changes: dict) -> dict:
    """The configuration with some keys changed; an empty table empties one."""
    config = copy.deepcopy(config)
    for section, values in changes.items():
        config[section].update(values)
    return config


def row(name: str, read: list[evaluate.Read], thresholds: np.ndarray) -> str:
    """A line of the table: means over the sources, and over the topics."""
    figures = evaluate.report(read, thresholds)
    sources = figures["sources"].values()

    def mean(key: str) -> str:
        found = [line[key] for line in sources if key in line]
        return f"{np.mean(found):.1f}" if found else "–"

    topics = [value for topic, value in figures["topics"].items()]
    about = f"{np.mean(topics):.1f}" if topics else "–"
    return f"| {name} | {mean('person')} | {mean('core')} | {mean('all')} | {mean('flagged')} | {about} |"


def main() -> None:
    """Runs every variant and prints the table as it grows."""
    options = arguments()
    bases = base.folders(options.assets)
    config = tomllib.loads((HERE / "config.toml").read_text())
    print(f"After {options.steps} steps, means over the sources and topics of the validation fold.\n")
    print(
        "| variant | PERSON | CORE | all types | flagged | topics, average precision |\n|---|---|---|---|---|---|",
        flush=True,
    )
    for name, changes in VARIANTS.items():
        if options.only and not name.startswith(tuple(options.only)):
            continue
        settings = changed(config, changes)
        # Whatever is left out of the training is measured on all the same.
        stage = Stage.of(config, bases[settings["model"]["base"]], options.data)
        stage.config = settings
        stage.training = [d for d in stage.training if d.source == "own" or d.source in settings["data"]["development"]]
        model = stage.network()
        stage.fit(model, options.steps, options.run / name.replace(" ", "-").replace(":", "").replace(",", ""))
        eight = stage.read(export.graph(model))
        thresholds = calibrate.thresholds(eight)
        print(row(name, eight, thresholds), flush=True)
        if not changes:
            print(row("the same in floats", stage.read(export.graph(model, eight_bit=False)), thresholds), flush=True)
            for length in WINDOWS:
                print(
                    row(f"windows of {length} tokens", stage.read(export.graph(model), length), thresholds), flush=True
                )


if __name__ == "__main__":
    main()
