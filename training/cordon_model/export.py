"""Writes the ONNX graph, node by node, with products of 8-bit integers: weights rounded for each column, activations when they come.

The graph holds only what ONNX Runtime runs by itself. What is sensitive stays in floats: the topic head, norms, softmax. The weights have
7 bits (`network.WEIGHT_LIMIT`), as in training.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from .evaluate import Run
from .labels import LABELS, TOPICS
from .network import WEIGHT_LIMIT, Linear, Network

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MICROSOFT = "com.microsoft"
"""Domain of ONNX Runtime's own operators; they are in every build of it."""


class Graph:
    """Collects nodes and constants."""

    def __init__(self, eight_bit: bool) -> None:
        self.eight_bit = eight_bit
        self.nodes: list = []
        self.constants: list = []

    def constant(self, array: np.ndarray) -> str:
        """Name of a constant."""
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(
        self,
        kind: str,
        inputs: list[str],
        outputs: list[str] | None = None,
        domain: str = "",
        **settings: float | int | str | list[int],
    ) -> str:
        """Adds a node; gives the name of its first output."""
        outputs = outputs or [f"n{len(self.nodes)}"]
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **settings))
        return outputs[0]

    def linear(self, x: str, layer: Linear, exact: bool = False) -> str:
        """x · weights + bias."""
        weight, bias = array(layer.weight).T, None if layer.bias is None else array(layer.bias)
        if exact or not self.eight_bit:
            product = self.add("MatMul", [x, self.constant(weight)])
            return product if bias is None else self.add("Add", [product, self.constant(bias)])
        scale = np.maximum(np.abs(weight).max(axis=0), 1e-8) / WEIGHT_LIMIT
        numbers = np.round(weight / scale).astype(np.int8)
        inputs = [
            x,
            self.constant(numbers),
            self.constant(scale.astype(np.float32)),
            self.constant(np.zeros(len(scale), np.int8)),
        ]
        return self.add(
            "DynamicQuantizeMatMul", inputs + ([] if bias is None else [self.constant(bias)]), domain=MICROSOFT
        )

    def norm(self, x: str, layer: nn.Module) -> str:
        """Layer normalisation."""
        return self.add(
            "LayerNormalization",
            [x, self.constant(array(layer.weight)), self.constant(array(layer.bias))],
            axis=-1,
            epsilon=1e-12,
        )

    def embedding(self, indices: str, layer: nn.Module) -> str:
        """Rows of a table that is kept with 8 bits, a scale for each row."""
        table = array(layer.weight)
        if not self.eight_bit or len(table) < 1000:
            return self.add("Gather", [self.constant(table), indices])
        scale = np.maximum(np.abs(table).max(axis=1, keepdims=True), 1e-8) / 127
        rows = self.add(
            "Cast",
            [self.add("Gather", [self.constant(np.round(table / scale).astype(np.int8)), indices])],
            to=TensorProto.FLOAT,
        )
        return self.add("Mul", [rows, self.add("Gather", [self.constant(scale.astype(np.float32)), indices])])


def array(tensor: Tensor) -> np.ndarray:
    """A parameter as numbers."""
    return tensor.detach().float().numpy()


def graph(network: Network, eight_bit: bool = True) -> onnx.ModelProto:
    """Inputs `input_ids` and `shapes`, int64 `[1, tokens]`; outputs `logits` `[1, tokens, labels]` and `topics` `[1, topics]`."""
    g = Graph(eight_bit)
    width = network.words.weight.shape[1]
    x = g.add("Add", [g.embedding("input_ids", network.words), g.embedding("shapes", network.shapes)])
    length = g.add("Shape", ["input_ids"], start=1, end=2)
    zero = g.constant(np.array([0], np.int64))
    x = g.norm(
        g.add("Add", [x, g.add("Slice", [g.constant(array(network.positions.weight)), zero, length, zero])]),
        network.norm,
    )
    for layer in network.layers:
        heads, size = layer.heads, width // layer.heads
        split = g.constant(np.array([0, 0, heads, size], np.int64))
        g.add(
            "Split",
            [g.linear(x, layer.qkv)],
            thirds := [f"{name}{len(g.nodes)}" for name in "qkv"],
            axis=2,
            num_outputs=3,
        )
        q, v = (
            g.add("Transpose", [g.add("Reshape", [part, split])], perm=[0, 2, 1, 3]) for part in (thirds[0], thirds[2])
        )
        k = g.add("Transpose", [g.add("Reshape", [thirds[1], split])], perm=[0, 2, 3, 1])
        scores = g.add("Mul", [g.add("MatMul", [q, k]), g.constant(np.array(size**-0.5, np.float32))])
        seen = g.add("Transpose", [g.add("MatMul", [g.add("Softmax", [scores], axis=-1), v])], perm=[0, 2, 1, 3])
        seen = g.add("Reshape", [seen, g.constant(np.array([0, 0, width], np.int64))])
        x = g.norm(g.add("Add", [x, g.linear(seen, layer.output)]), layer.norm)
        inner = g.add("Gelu", [g.linear(x, layer.up)], domain=MICROSOFT)
        x = g.norm(g.add("Add", [x, g.linear(inner, layer.down)]), layer.last_norm)
    logits = g.linear(x, network.labels)
    g.add("Identity", [logits], ["logits"])
    weights = g.add("Softmax", [g.linear(x, network.topic_keys, exact=True)], axis=1)
    values = g.linear(x, network.topic_values, exact=True)
    g.add("ReduceSum", [g.add("Mul", [weights, values]), g.constant(np.array([1], np.int64))], ["topics"], keepdims=0)
    tensor = helper.make_tensor_value_info
    made = helper.make_graph(
        g.nodes,
        "cordon",
        [tensor("input_ids", TensorProto.INT64, [1, "tokens"]), tensor("shapes", TensorProto.INT64, [1, "tokens"])],
        [
            tensor("logits", TensorProto.FLOAT, [1, "tokens", len(LABELS)]),
            tensor("topics", TensorProto.FLOAT, [1, len(TOPICS)]),
        ],
        g.constants,
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid(MICROSOFT, 1)],
        ir_version=9,
        producer_name="cordon",
    )
    onnx.checker.check_model(model)
    return model


def session(model: onnx.ModelProto | Path) -> InferenceSession:
    """A session with one thread, as a lane of the service has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        model.SerializeToString() if isinstance(model, onnx.ModelProto) else str(model), options
    )


def runner(model: onnx.ModelProto | Path) -> Run:
    """Runs one sequence: logits `[tokens, labels]` and topics `[topics]`."""
    opened = session(model)

    def run(ids: np.ndarray, shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits, topics = opened.run(
            ["logits", "topics"], {"input_ids": ids[None].astype(np.int64), "shapes": shapes[None].astype(np.int64)}
        )
        return logits[0], topics[0]

    return run
