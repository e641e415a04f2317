"""The model: a BERT encoder that also sees the shape of each token, a label for each token, and topics for the window.

Topics are pooled by attention of their own: each looks at the tokens that matter to it, so that one sentence in a long window counts.
In training, weights can be rounded as the 8-bit export will round them (`fake_quantised`), so that the model learns to live with it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .labels import LABELS, TOPICS
from .windows import SHAPES

WEIGHT_LIMIT = 63
"""Largest 8-bit weight. Sums of two products of 8 and 8 bits overflow 16 bits on x86 without VNNI; 7 bits do not."""


def rounded(weight: Tensor) -> Tensor:
    """The weight as the export rounds it, a scale for each output; gradients pass as if it were not."""
    scale = weight.detach().abs().amax(dim=1, keepdim=True).clamp_min(1e-8) / WEIGHT_LIMIT
    return weight + (torch.round(weight.detach() / scale) * scale - weight.detach())


class Linear(nn.Linear):
    """A linear layer that is exported with 8 bits."""

    fake_quantised = False

    def forward(self, x: Tensor) -> Tensor:
        if not self.fake_quantised:
            return super().forward(x)
        with torch.no_grad():
            low, high = x.amin().clamp(max=0).float(), x.amax().clamp(min=0).float()
            step = ((high - low) / 255).clamp_min(1e-8)
            error = (torch.round(x.float() / step) * step - x.float()).to(x.dtype)
        return F.linear(
            x + error, rounded(self.weight).to(x.dtype), None if self.bias is None else self.bias.to(x.dtype)
        )


class Layer(nn.Module):
    """One block of the encoder."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv, self.output = Linear(width, 3 * width), Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.up, self.down = Linear(width, inner), Linear(inner, width)
        self.last_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        q, k, v = self.qkv(x).view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        rate = self.dropout if self.training else 0.0
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=0.0)
        seen = seen.transpose(1, 2).reshape(batch, tokens, width)
        x = self.norm(x + F.dropout(self.output(seen), rate, self.training))
        return self.last_norm(x + F.dropout(self.down(F.gelu(self.up(x))), rate, self.training))


class Network(nn.Module):
    """Ids and shapes `[batch, tokens]` in; logits `[batch, tokens, labels]` and topics `[batch, topics]` out."""

    def __init__(
        self,
        vocabulary: int,
        layers: int,
        inner: int,
        width: int = 384,
        heads: int = 12,
        positions: int = 512,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.shapes = nn.Embedding(SHAPES, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(width, heads, inner, dropout) for _ in range(layers))
        self.labels = Linear(width, len(LABELS))
        self.topic_keys = Linear(width, len(TOPICS), bias=False)
        self.topic_values = Linear(width, len(TOPICS))
        self.dropout = dropout
        nn.init.zeros_(self.shapes.weight)
        nn.init.normal_(self.topic_keys.weight, std=1 / math.sqrt(width) / 4)
        nn.init.normal_(self.topic_values.weight, std=0.02)

    def forward(self, ids: Tensor, shapes: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        x = self.words(ids) + self.shapes(shapes) + self.positions.weight[: ids.shape[1]]
        x = F.dropout(self.norm(x), self.dropout, self.training)
        wide = torch.zeros(mask.shape, dtype=x.dtype).masked_fill(~mask, -1e4)[:, None, None, :]
        for layer in self.layers:
            x = layer(x, wide)
        keys = self.topic_keys(x).float() + torch.zeros(mask.shape).masked_fill(~mask, -1e4)[:, :, None]
        topics = (torch.softmax(keys, dim=1) * self.topic_values(x).float()).sum(dim=1)
        return self.labels(x).float(), topics

    def quantise(self, on: bool) -> None:
        """Rounds as the export does from now on, or no more."""
        for module in self.modules():
            if isinstance(module, Linear):
                module.fake_quantised = on


def of_base(weights: dict[str, Tensor], layers: list[int], inner: int, dropout: float) -> Network:
    """A network that starts from BERT's weights: the named layers of it, and in each the `inner` units that matter most."""
    words = weights["embeddings.word_embeddings.weight"]
    network = Network(len(words), len(layers), inner, words.shape[1], dropout=dropout)
    with torch.no_grad():
        network.words.weight.copy_(words + weights["embeddings.token_type_embeddings.weight"][0])
        network.positions.weight.copy_(weights["embeddings.position_embeddings.weight"])
        put(network.norm, weights, "embeddings.LayerNorm")
        for layer, number in zip(network.layers, layers, strict=True):
            stem = f"encoder.layer.{number}."
            for part in ("weight", "bias"):
                pieces = [weights[f"{stem}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
                getattr(layer.qkv, part).copy_(torch.cat(pieces))
            put(layer.output, weights, stem + "attention.output.dense")
            put(layer.norm, weights, stem + "attention.output.LayerNorm")
            up, down = weights[stem + "intermediate.dense.weight"], weights[stem + "output.dense.weight"]
            kept = (up.norm(dim=1) * down.norm(dim=0)).topk(inner).indices.sort().values
            layer.up.weight.copy_(up[kept])
            layer.up.bias.copy_(weights[stem + "intermediate.dense.bias"][kept])
            layer.down.weight.copy_(down[:, kept])
            layer.down.bias.copy_(weights[stem + "output.dense.bias"])
            put(layer.last_norm, weights, stem + "output.LayerNorm")
    return network


def put(module: nn.Module, weights: dict[str, Tensor], name: str) -> None:
    """Weight and bias of one module."""
    module.weight.copy_(weights[name + ".weight"])
    module.bias.copy_(weights[name + ".bias"])
