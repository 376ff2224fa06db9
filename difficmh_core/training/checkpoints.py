"""Checkpoints of a stage: one safetensors file from which training goes on at any step.

It holds the weights (``model.``), their moving average (``average.``), the adversary
(``adversary.``) and the optimizers' moments (``optimizer.``); its metadata holds step, seconds and
settings. It is written beside the old one and then renamed, so that an interruption at any moment
leaves a complete file behind.
"""

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from difficmh_core.errors import CheckpointError
from difficmh_core.training.settings import StageSettings
from difficmh_core.weights.loading import first_line, read_safetensors, tensors_below, unreadable

_logger = logging.getLogger(__name__)

CHECKPOINT_NAME = "checkpoint.safetensors"
_COUNT = "average_count"


@dataclass(slots=True, kw_only=True, eq=False)
class TrainingState:
    """Everything that changes while a stage is trained.

    Attributes:
        trained: What is trained and shipped.
        adversary: What is trained against it; ``None`` if nothing is.
        average: The moving average of ``trained``.
        optimizers: The optimizers by name, one parameter group each.
        step: Steps done.
        elapsed_s: Time spent so far [s].
    """

    trained: nn.Module
    adversary: nn.Module | None
    average: AveragedModel
    optimizers: Mapping[str, Optimizer]
    step: int = 0
    elapsed_s: float = 0.0


def save_checkpoint(path: Path, state: TrainingState, settings: StageSettings) -> None:
    """Write a checkpoint in the place of the one before."""
    modules = {"model": state.trained, "average": state.average.module}
    if state.adversary is not None:
        modules["adversary"] = state.adversary
    tensors = {_COUNT: state.average.n_averaged}
    for prefix, module in modules.items():
        tensors |= {f"{prefix}.{key}": value for key, value in module.state_dict().items()}
    for name, optimizer in state.optimizers.items():
        for index, moments in optimizer.state_dict()["state"].items():
            for key, value in moments.items():
                tensors[f"optimizer.{name}.{index}.{key}"] = value
    metadata = {
        "step": str(state.step),
        "elapsed_s": str(state.elapsed_s),
        "settings": json.dumps(asdict(settings)),
    }
    write_tensors(path, tensors, metadata)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file; an interruption leaves the one before, or none."""
    unfinished = path.with_suffix(".unfinished")
    # Cloned, since safetensors refuses tensors that share memory.
    own = {key: value.cpu().clone().contiguous() for key, value in tensors.items()}
    save_file(own, unfinished, metadata)
    unfinished.replace(path)


def write_weights(folder: Path, weights: Mapping[str, Tensor]) -> None:
    """Write a checkpoint of weights alone, from which a stage starts at step 0.

    Args:
        folder: The run folder; made if it is absent.
        weights: The weights under the names of what the stage trains.

    Raises:
        CheckpointError: If the folder holds a checkpoint already.
    """
    path = folder / CHECKPOINT_NAME
    if path.exists():
        raise CheckpointError(f"{path} exists already. Choose an empty folder with --runs.")
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {_COUNT: torch.tensor(1)}
    for prefix in ("model", "average"):
        tensors |= {f"{prefix}.{key}": value for key, value in weights.items()}
    write_tensors(path, tensors, {"step": "0", "elapsed_s": "0", "settings": "{}"})


def load_checkpoint(path: Path, state: TrainingState) -> None:
    """Read a checkpoint into a stage.

    Raises:
        CheckpointError: If it is damaged, or was trained with another architecture.
    """
    tensors, metadata = read_safetensors(path)
    step, elapsed_s = _progress_of(metadata, path)
    try:
        state.trained.load_state_dict(tensors_below(tensors, "model."))
        state.average.module.load_state_dict(tensors_below(tensors, "average."))
        state.average.n_averaged.copy_(tensors[_COUNT])
        adversary = tensors_below(tensors, "adversary.")
        if state.adversary is not None and adversary:
            state.adversary.load_state_dict(adversary)
        elif state.adversary is not None:
            _logger.warning("%s holds no adversary; a new one starts.", path)
        for name, optimizer in state.optimizers.items():
            moments: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors_below(tensors, f"optimizer.{name}.").items():
                index, moment = key.split(".")
                moments.setdefault(int(index), {})[moment] = value
            _check_shapes(name, optimizer, moments)
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": moments, "param_groups": groups})
    except (RuntimeError, LookupError, ValueError) as error:
        raise CheckpointError(
            f"{path} was trained with another architecture: {first_line(error)}. "
            "Choose an empty run folder, or the settings that it was started with."
        ) from error
    state.step, state.elapsed_s = step, elapsed_s


def _progress_of(metadata: Mapping[str, str], path: Path) -> tuple[int, float]:
    """Return the steps done and the time spent [s] that a checkpoint tells of."""
    found = {name: metadata.get(name, "nothing") for name in ("step", "elapsed_s")}
    try:
        step, elapsed_s = int(found["step"]), float(found["elapsed_s"])
    except ValueError as error:
        raise unreadable(path, f"its metadata say {str(found)[:200]}") from error
    if step < 0 or not 0 <= elapsed_s < math.inf:
        raise unreadable(path, f"its metadata say {str(found)[:200]}")
    return step, elapsed_s


def _check_shapes(
    name: str, optimizer: Optimizer, moments: Mapping[int, Mapping[str, Tensor]]
) -> None:
    """Refuse moments that are not those of the parameters; the next step would fail.

    Raises:
        ValueError: If there are some.
    """
    parameters = [value for group in optimizer.param_groups for value in group["params"]]
    for index, values in moments.items():
        shape = parameters[index].shape if 0 <= index < len(parameters) else None
        found = {moment: value.shape for moment, value in values.items()}
        if found != {"step": (), "exp_avg": shape, "exp_avg_sq": shape}:
            shapes = {moment: tuple(size) for moment, size in sorted(found.items())}
            raise ValueError(f"parameter {index} of {name} has the moments {str(shapes)[:200]}")
        if not all(value.is_floating_point() for value in values.values()):
            types = {moment: str(value.dtype) for moment, value in sorted(values.items())}
            raise ValueError(f"parameter {index} of {name} has moments of {str(types)[:200]}")


def read_average(folder: Path, prefix: str = "") -> dict[str, Tensor]:
    """Return the averaged weights of a run folder whose names begin with ``prefix``, without it.

    Raises:
        CheckpointError: If the folder holds no checkpoint.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        raise CheckpointError(f"{folder} holds no checkpoint. Train that stage first.")
    return tensors_below(read_safetensors(path)[0], f"average.{prefix}")


def holds_weights(folder: Path, prefix: str = "") -> bool:
    """Tell whether a run folder holds averaged weights whose names begin with ``prefix``.

    Raises:
        CheckpointError: If its checkpoint is damaged.
    """
    path = folder / CHECKPOINT_NAME
    if not path.exists():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from error
    return any(name.startswith(f"average.{prefix}") for name in names)
