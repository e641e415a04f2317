"""Fits the model. It can be stopped at any time and goes on where it was; seeds and settings come from `config.toml`, and the log of the
run is kept beside the weights for the model card.
"""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from .labels import LABELS, TYPES
from .network import Network
from .windows import IGNORED, Window, batches


def tensors(batch: list[Window], unknowns: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """A padded batch: ids, shapes, mask, labels, unknown columns for each window, topics."""
    longest = max(len(window.ids) for window in batch)

    def padded(name: str, fill: int) -> torch.Tensor:
        rows = np.full((len(batch), longest), fill, np.int64)
        for row, window in zip(rows, batch, strict=True):
            row[: len(window.ids)] = getattr(window, name)
        return torch.from_numpy(rows)

    ids, shapes, labels = padded("ids", 0), padded("shapes", 0), padded("labels", IGNORED)
    mask = torch.zeros(ids.shape, dtype=torch.bool)
    for row, window in zip(mask, batch, strict=True):
        row[: len(window.ids)] = True
    topics = torch.from_numpy(np.stack([window.topics for window in batch]))
    return ids, shapes, mask, labels, unknowns[[window.unknown for window in batch]], topics


def unknown_columns(unknowns: list[frozenset[str]]) -> torch.Tensor:
    """For each set of types that a source does not annotate, the columns that "outside" may also mean there, `[sets, labels]`."""
    columns = torch.zeros(len(unknowns), len(LABELS), dtype=torch.bool)
    for row, types in zip(columns, unknowns, strict=True):
        for kind in types:
            row[1 + 2 * TYPES.index(kind)] = row[2 + 2 * TYPES.index(kind)] = True
    return columns


def losses(
    logits: torch.Tensor, topics: torch.Tensor, batch: tuple[torch.Tensor, ...], outside_weight: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss of labels and of topics. A token that nobody labelled counts as right if it is outside or of a type that its source does not
    annotate: what was not looked for is unknown, not absent."""
    _, _, _, labels, unknown, known_topics = batch
    kept = labels != IGNORED
    rows = F.log_softmax(logits[kept], dim=-1)
    gold = labels[kept]
    maybe = unknown[:, None, :].expand(-1, labels.shape[1], -1)[kept].clone()
    maybe[:, 0] = True
    outside = torch.logsumexp(rows.masked_fill(~maybe, -1e4), dim=-1)
    hit = rows.gather(1, gold[:, None]).squeeze(1)
    weights = torch.where(gold == 0, outside_weight, 1.0)
    of_labels = -(torch.where(gold == 0, outside, hit) * weights).sum() / weights.sum()
    stated = ~torch.isnan(known_topics)
    of_topics = (
        F.binary_cross_entropy_with_logits(topics[stated], known_topics[stated]) if stated.any() else topics.sum() * 0
    )
    return of_labels, of_topics


def groups(network: Network, settings: dict) -> list[dict]:
    """Parameters with their rates: what is new learns faster than what is known, biases and norms do not decay."""
    fresh = ("labels.", "topic_", "shapes.")
    found: dict[tuple[bool, bool], list] = {}
    for name, parameter in network.named_parameters():
        found.setdefault((name.startswith(fresh), parameter.ndim > 1), []).append(parameter)
    return [
        {
            "params": parameters,
            "lr": settings["rate"] * (settings["fresh_factor"] if new else 1),
            "weight_decay": 0.01 if decays else 0.0,
        }
        for (new, decays), parameters in found.items()
    ]


def train(
    network: Network,
    make_windows: Callable[[int, random.Random], list[Window]],
    steps: int,
    settings: dict,
    unknowns: Callable[[], list[frozenset[str]]],
    run: Path,
    progress: bool = True,
) -> None:
    """Fits `network` in place. `make_windows(epoch, rng)` gives the windows of an epoch; `unknowns()` the sets of unknown types so far."""
    run.mkdir(parents=True, exist_ok=True)
    state_file, log_file = run / "state.pt", run / "log.jsonl"
    optimiser = torch.optim.AdamW(groups(network, settings), betas=(0.9, 0.98))
    warm = max(1, int(steps * settings["warmup"]))

    def factor(step: int) -> float:
        return (
            (step + 1) / warm
            if step < warm
            else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))) * 0.98 + 0.02
        )

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    done, epoch, place = 0, 0, 0
    if state_file.exists():
        state = torch.load(state_file, weights_only=False)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        done, epoch, place = state["done"], state["epoch"], state["place"]
    bar = tqdm(total=steps, initial=done, disable=not progress, unit="step", mininterval=5)
    started, tokens, sums = time.time(), 0, [0.0, 0.0, 0]
    network.train()
    with log_file.open("a") as log:
        while done < steps:
            rng = random.Random(settings["seed"] * 1000 + epoch)
            torch.manual_seed(settings["seed"] * 1000 + epoch)
            all_batches = batches(make_windows(epoch, rng), settings["batch_tokens"], rng)
            columns = unknown_columns(unknowns())
            for at in range(place, len(all_batches)):
                if done >= steps:
                    break
                network.quantise(done >= steps * settings["quantise_from"])
                batch = tensors(all_batches[at], columns)
                with torch.autocast("cpu", torch.bfloat16):
                    logits, topics = network(*batch[:3])
                of_labels, of_topics = losses(logits, topics, batch, settings["outside_weight"])
                (of_labels + settings["topic_weight"] * of_topics).backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                optimiser.zero_grad(set_to_none=True)
                schedule.step()
                done += 1
                tokens += int(batch[2].sum())
                sums = [sums[0] + of_labels.item(), sums[1] + of_topics.item(), sums[2] + 1]
                bar.update()
                if done % settings["log_every"] == 0 or done == steps:
                    line = {
                        "step": done,
                        "labels": round(sums[0] / sums[2], 4),
                        "topics": round(sums[1] / sums[2], 4),
                        "tokens_per_second": round(tokens / (time.time() - started)),
                    }
                    log.write(json.dumps(line) + "\n")
                    log.flush()
                    bar.set_postfix(labels=line["labels"], topics=line["topics"])
                    sums = [0.0, 0.0, 0]
                if done % settings["save_every"] == 0:
                    state = {
                        "network": network.state_dict(),
                        "optimiser": optimiser.state_dict(),
                        "schedule": schedule.state_dict(),
                        "done": done,
                        "epoch": epoch,
                        "place": at + 1,
                    }
                    torch.save(state, state_file.with_suffix(".new"))
                    state_file.with_suffix(".new").replace(state_file)
            epoch, place = epoch + 1, 0
    bar.close()
    network.eval()
    network.quantise(False)
    torch.save(network.state_dict(), run / "weights.pt")
