"""A checkpoint with the published names, shapes and element types, and numbers that mean nothing.

The file is laid out first, empty, and then filled in place, one tensor at a time, so that 11.65 GB
take the memory of one tensor. Optimizer moments are laid out, too, but stay holes in the file:
they are read as zeros and take no room on this disk.
"""

import json
import math
import sys
import types
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

__all__ = ["Entry", "fill", "lay_out", "read_inventory"]

RATE_PREFIXES = ("control_model.", "preprocess_model.")
"""What is trained, and so differs between the rates; the rest is Stable Diffusion and RAM++."""
_CODEC, _TAGGER = "preprocess_model.", "preprocess_tag_model."
_BOTTLENECK = f"{_CODEC}entropy_bottleneck."
_INITIAL_SCALE, _WIDTHS = 10.0, (3, 3, 3, 3, 1)  # of CompressAI's entropy bottleneck
_TEMPERATURE = math.log(1 / 0.07)  # as RAM++ and CLIP begin
_SMALL = 0.02
_CERTAIN = 3.0  # logit of most tags, above the thresholds


@dataclass(frozen=True, slots=True)
class Entry:
    """One tensor: its shape and element type."""

    shape: tuple[int, ...]
    dtype: torch.dtype


def read_inventory(path: Path) -> dict[str, Entry]:
    """Read names, shapes and element types: groups of names in one JSON file."""
    groups = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: Entry(tuple(entry["shape"]), getattr(torch, entry["dtype"]))
        for group in groups.values()
        if isinstance(group, dict)
        for name, entry in group.items()
    }


def lay_out(inventory: Mapping[str, Entry], path: Path, *, more: object = None) -> None:
    """Write a checkpoint of Lightning's without values.

    Args:
        inventory: Its weights.
        path: The file.
        more: A further entry beside the weights, as a hostile file has one.
    """
    with FakeTensorMode(), _lightning() as callback:
        weights = {name: torch.empty(e.shape, dtype=e.dtype) for name, e in inventory.items()}
        trained = [
            name
            for name, entry in inventory.items()
            if name.startswith(RATE_PREFIXES)
            and entry.dtype == torch.float32
            and math.prod(entry.shape) > 1
            and not name.endswith("scale_list")
        ]
        moments = {
            index: {
                "step": 300_000,
                "exp_avg": torch.empty(inventory[name].shape),
                "exp_avg_sq": torch.empty(inventory[name].shape),
            }
            for index, name in enumerate(trained)
        }
        content: dict[str, object] = {
            "epoch": 3,
            "global_step": 300_000,
            "pytorch-lightning_version": "1.5.0",
            "state_dict": weights,
            "callbacks": {callback: {"best_model_path": ""}},
            "optimizer_states": [
                {"state": moments, "param_groups": [{"lr": 5e-5, "params": [*moments]}]}
            ],
            "lr_schedulers": [],
        }
        if more is not None:
            content["more"] = more
        with torch.serialization.skip_data(materialize_fake_tensors=True):
            torch.save(content, path)


def fill(
    inventory: Mapping[str, Entry], path: Path, rate: int, *, names: Iterable[str] | None = None
) -> None:
    """Draw the weights of a checkpoint that was laid out.

    Args:
        inventory: Its weights.
        path: The file.
        rate: Decides the numbers of what differs between the rates.
        names: Of the weights to draw; ``None`` draws all.
    """
    with FakeTensorMode(), _lightning():
        weights = torch.load(path, weights_only=False)["state_dict"]  # written by lay_out
    with path.open("r+b") as file:
        for name in inventory if names is None else names:
            entry, differs = inventory[name], name.startswith(RATE_PREFIXES)
            if math.prod(entry.shape) == 0:
                continue
            seed = zlib.crc32(f"{name} {rate if differs else 0}".encode())
            file.seek(weights[name].untyped_storage()._checkpoint_offset)
            file.write(_draw(name, entry, torch.Generator().manual_seed(seed)).numpy().data)


def _draw(name: str, entry: Entry, generator: torch.Generator) -> Tensor:
    """Draw one tensor, so that what is computed with it stays of moderate size."""
    shape, last = entry.shape, name.rsplit(".", 1)[-1]
    if not entry.dtype.is_floating_point:
        return torch.zeros(shape, dtype=entry.dtype)
    if name.startswith(_BOTTLENECK):
        return _draw_bottleneck(last, shape, generator)
    if last in ("reweight_scale", "logit_scale"):
        return torch.full(shape, _TEMPERATURE)
    if name.endswith("scale_list") or (len(shape) == 1 and last == "weight"):
        return torch.ones(shape)
    if name.startswith(_TAGGER) and last == "bias" and shape == (1,):
        return torch.full(shape, _CERTAIN)
    if len(shape) < 2:
        return torch.zeros(shape)
    values = torch.randn(shape, generator=generator)
    if last in ("positional_embedding", "relative_position_bias_table"):
        return values * _SMALL
    gain = 0.5 if name.startswith(_CODEC) else 1.0
    if "token_embedding" in name or "label_embed" in name:
        return values / math.sqrt(shape[-1])
    return values * (gain / math.sqrt(math.prod(shape[1:])))


def _draw_bottleneck(last: str, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw a parameter of CompressAI's entropy bottleneck as its own program begins."""
    if last == "quantiles":
        return torch.tensor([-_INITIAL_SCALE, 0.0, _INITIAL_SCALE]).expand(shape).contiguous()
    kind, index = last.rstrip("0123456789"), last[len(last.rstrip("0123456789")) :]
    if kind == "_matrix":
        scale = _INITIAL_SCALE ** (1 / len(_WIDTHS))
        return torch.full(shape, math.log(math.expm1(1 / scale / _WIDTHS[int(index)])))
    if kind == "_bias":
        return torch.rand(shape, generator=generator) - 0.5
    return torch.zeros(shape)


@contextmanager
def _lightning() -> Iterator[type]:
    """Put a class under one of Lightning's names, for as long as it is pickled."""
    stand_in = _stand_in()
    parts = stand_in.__module__.split(".")
    names = [".".join(parts[: n + 1]) for n in range(len(parts))]
    before = {name: sys.modules.get(name) for name in names}
    sys.modules.update({name: types.ModuleType(name) for name in names})
    setattr(sys.modules[names[-1]], stand_in.__name__, stand_in)
    try:
        yield stand_in
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def _stand_in() -> type:
    name, module = "ModelCheckpoint", "pytorch_lightning.callbacks.model_checkpoint"
    return type(name, (), {"__module__": module, "__qualname__": name})
