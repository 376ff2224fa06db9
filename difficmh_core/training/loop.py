"""The training loop: AdamW, moving average, log, and checkpoints from which it goes on.

A run folder holds ``checkpoint.safetensors`` (weights, their moving average, the optimizer's
moments, and in its metadata step, seconds and settings) and ``log.jsonl``, one object per line.
Both are written so that an interruption at any moment leaves a complete file behind.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from difficmh_core.errors import CheckpointError
from difficmh_core.training.settings import StageSettings

__all__ = ["CHECKPOINT_NAME", "Stage", "read_average", "train"]

_logger = logging.getLogger(__name__)

CHECKPOINT_NAME = "checkpoint.safetensors"
_GRADIENT_NORM = 1.0
_FINAL_LEARNING_RATE = 0.02  # of the peak: the average needs a little movement to the end


@runtime_checkable
class Stage(Protocol):
    """What one stage of the recipe trains."""

    @property
    def trained(self) -> nn.Module:
        """Everything with gradients; it is what a checkpoint holds."""
        ...

    def losses(self, step: int) -> Mapping[str, Tensor]:
        """Draw a batch and return its losses; ``total`` is the one that is minimized."""
        ...

    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return the measures of the averaged weights on pictures that are never trained on."""
        ...

    def parameter_groups(self, learning_rate: float) -> list[dict[str, object]]:
        """Return AdamW's parameter groups with their peak learning rates."""
        ...


@dataclass(slots=True)
class _Progress:
    step: int = 0
    elapsed_s: float = 0.0


def train(
    stage: Stage, settings: StageSettings, folder: Path, *, device: str = "cpu"
) -> Iterator[Mapping[str, float]]:
    """Train until the minutes are spent, going on from the checkpoint if there is one.

    Args:
        stage: What to train.
        settings: How to train it.
        folder: The run folder; made if it is absent.
        device: Device type for mixed precision, such as ``cpu`` or ``cuda``.

    Yields:
        Each line of the log: ``step``, ``seconds`` and losses or measures.

    Raises:
        CheckpointError: If the folder holds a checkpoint of another architecture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    average = AveragedModel(stage.trained, multi_avg_fn=_moving_average(settings.ema_decay))
    optimizer = torch.optim.AdamW(
        stage.parameter_groups(settings.learning_rate), betas=(0.9, 0.98), weight_decay=1e-3
    )
    peaks = [float(group["lr"]) for group in optimizer.param_groups]
    progress = _Progress()
    path = folder / CHECKPOINT_NAME
    if path.exists():
        progress = _load(path, stage.trained, average, optimizer)
        _logger.info("Going on from step %d of %s.", progress.step, path)
    torch.manual_seed(settings.seed + progress.step)

    began = time.monotonic() - progress.elapsed_s
    saved = validated = time.monotonic()
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:

        def record(values: Mapping[str, float]) -> Mapping[str, float]:
            line = {"step": progress.step, "seconds": round(progress.elapsed_s, 1), **values}
            log.write(json.dumps(line) + "\n")
            log.flush()
            return line

        while progress.elapsed_s < 60 * settings.minutes:
            done = progress.elapsed_s / (60 * settings.minutes)
            for group, peak in zip(optimizer.param_groups, peaks, strict=True):
                group["lr"] = peak * _learning_rate(progress.step, done, settings)
            with torch.autocast(device, torch.bfloat16, enabled=settings.bfloat16):
                losses = stage.losses(progress.step)
            optimizer.zero_grad(set_to_none=True)
            losses["total"].backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(optimizer.param_groups[0]["params"], _GRADIENT_NORM)
            if torch.isfinite(norm):
                optimizer.step()
                average.update_parameters(stage.trained)
            else:
                _logger.warning("Step %d had no finite gradient and was left out.", progress.step)
            progress.step += 1
            now = time.monotonic()
            progress.elapsed_s = now - began
            if progress.step % settings.log_every == 0:
                values = {name: round(loss.item(), 5) for name, loss in losses.items()}
                yield record({**values, "gradient_norm": round(float(norm), 3)})
            if now - validated > settings.validate_every_s:
                validated = now
                yield record(stage.validate(average.module))
            if now - saved > settings.save_every_s:
                saved = now
                _save(path, stage.trained, average, optimizer, progress, settings)
        _save(path, stage.trained, average, optimizer, progress, settings)
        yield record(stage.validate(average.module))


def _moving_average(decay: float) -> Callable[..., None]:
    """Return the update of an exponential moving average that forgets its start.

    The decay rises with the number of updates as ``(1 + n) / (10 + n)`` up to its value, or a
    short run would ship weights that still hold a share of the untrained ones.
    """

    @torch.no_grad()
    def update(averages: list[Tensor], values: list[Tensor], n_averaged: Tensor) -> None:
        n = int(n_averaged)
        share = 1 - min(decay, (1 + n) / (10 + n))
        torch._foreach_lerp_(averages, values, share)

    return update


def _learning_rate(step: int, done: float, settings: StageSettings) -> float:
    warm = min(1.0, (step + 1) / max(1, settings.warmup_steps))
    cosine = 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    return warm * (_FINAL_LEARNING_RATE + (1 - _FINAL_LEARNING_RATE) * cosine)


def _save(
    path: Path,
    trained: nn.Module,
    average: AveragedModel,
    optimizer: torch.optim.Optimizer,
    progress: _Progress,
    settings: StageSettings,
) -> None:
    tensors = {f"model.{key}": value for key, value in trained.state_dict().items()}
    tensors |= {f"average.{key}": value for key, value in average.module.state_dict().items()}
    tensors["average_count"] = average.n_averaged
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items()}
    metadata = {
        "step": str(progress.step),
        "elapsed_s": str(progress.elapsed_s),
        "settings": json.dumps(asdict(settings)),
    }
    unfinished = path.with_suffix(".unfinished")
    save_file({key: value.contiguous() for key, value in tensors.items()}, unfinished, metadata)
    unfinished.replace(path)


def _load(
    path: Path, trained: nn.Module, average: AveragedModel, optimizer: torch.optim.Optimizer
) -> _Progress:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no iterator)
    try:
        trained.load_state_dict(_below(tensors, "model."))
        average.module.load_state_dict(_below(tensors, "average."))
        average.n_averaged.copy_(tensors["average_count"])
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(tensors, "optimizer.").items():
            index, name = key.split(".")
            state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict(
            {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
        )
    except (RuntimeError, KeyError, ValueError) as error:
        raise CheckpointError(
            f"{path} was trained with another architecture: {str(error).splitlines()[0]} "
            "Choose an empty run folder, or the settings that it was started with."
        ) from error
    return _Progress(step=int(metadata["step"]), elapsed_s=float(metadata["elapsed_s"]))


def read_average(folder: Path) -> dict[str, Tensor]:
    """Return the averaged weights of a run folder.

    Raises:
        CheckpointError: If the folder holds no checkpoint.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        raise CheckpointError(f"{folder} holds no checkpoint. Train that stage first.")
    with safe_open(path, framework="pt") as file:
        return _below({key: file.get_tensor(key) for key in file.keys()}, "average.")  # noqa: SIM118


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
