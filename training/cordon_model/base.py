"""Where the weights start from: an encoder that ships in a package with a licence that allows it. Two are known: Rampart, whose 4-bit
blocks expand exactly to floats, and all-MiniLM-L6-v2. Both are BERT of six layers, 384 wide.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch


def folders(assets: str) -> dict[str, Path]:
    """The folders of the bases by name, from what `assets/fetch.py --json` prints."""
    paths = json.loads(assets)
    return {"rampart": Path(paths["ner_model"]), "minilm": Path(paths["minilm"])}


def load(folder: Path) -> tuple[dict[str, torch.Tensor], Path]:
    """Weights by the names of BERT (`encoder.layer.0.…`), and the tokenizer's file."""
    if (folder / "model.safetensors").exists():
        from safetensors.torch import load_file

        weights = load_file(folder / "model.safetensors")
    else:
        weights = of_onnx(folder / "model.onnx")
    weights = {name.removeprefix("bert."): tensor.float() for name, tensor in weights.items()}
    return weights, folder / "tokenizer.json"


def of_onnx(path: Path) -> dict[str, torch.Tensor]:
    """Weights of a graph whose matrices are blocks of 4 bits (`MatMulNBits`) and whose embeddings have 8 bits."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = {
        name: torch.from_numpy(array.copy())
        for name, array in arrays.items()
        if name.startswith(("bert.", "classifier."))
    }
    for node in graph.node:
        settings = {attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute}
        if node.op_type == "MatMulNBits":
            quantized, scales = arrays[node.input[1]], arrays[node.input[2]]
            zeros = arrays[node.input[3]] if len(node.input) > 3 and node.input[3] else None
            matrix = blocks(quantized, scales, zeros, settings["bits"])[:, : settings["K"]]
            name = node.name.rsplit("/MatMul", 1)[0].strip("/").replace("/", ".") + ".weight"
            weights[name] = torch.from_numpy(matrix)
    for name in [name for name in weights if name.endswith("_quantized")]:
        stem = name.removesuffix("_quantized")
        values = weights.pop(name).float() - weights.pop(stem + "_zero_point").float()
        weights[stem] = values * weights.pop(stem + "_scale")
    return weights


def nibbles(packed: np.ndarray) -> np.ndarray:
    """Two numbers of 4 bits of each byte, the lower one first, along the last axis."""
    return np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:-1], -1)


def blocks(quantized: np.ndarray, scales: np.ndarray, zeros: np.ndarray | None, bits: int) -> np.ndarray:
    """A matrix `[columns, rows]` of blocks `[columns, blocks, bytes]`: (number - zero point) * scale of its block."""
    if bits != 4:
        raise ValueError(f"weights of {bits} bits are not known here")
    values = nibbles(quantized).astype(np.float32)
    columns, count = values.shape[:2]
    points = 8.0 if zeros is None else nibbles(zeros.reshape(columns, -1))[:, :count, None].astype(np.float32)
    return ((values - points) * scales.reshape(columns, count, 1)).reshape(columns, -1)
