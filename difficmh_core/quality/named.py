"""Further measures by the names that pyiqa gives them: gmsd, fsim, vif, niqe, musiq, topiq_fr ...

Some compare with the original, others look at the decoded picture alone. pyiqa gets their weights
when they are first used. Its files are pickles; here they are read as tensors only, and one that
holds anything else is refused. Some of these measures shrink or crop the picture by definition;
all are given it at its own size.

References:
    Chen, Mo: IQA-PyTorch (pyiqa), https://github.com/chaofengc/IQA-PyTorch
"""

import contextlib
import difflib
import importlib.metadata
import importlib.util
import math
import pickle
import re
import runpy
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

from difficmh_core.errors import (
    BackendUnavailableError,
    CheckpointError,
    ConfigError,
    ImageError,
)
from difficmh_core.quality.metric import Metric
from difficmh_core.shapes import Image01

__all__ = ["named_measure", "named_metric", "tensors_only"]

PairMeasure = Callable[[Image01, Image01], Tensor]

_OTHER_KINDS = {"CLIPScore", "Compare2Score", "FID", "InceptionScore"}
"""What pyiqa computes on sets, on captions, or on pairs of another kind."""
_NUMBER = r"~?(-?[\d.]+)"
_RANGE = re.compile(rf"^(?:{_NUMBER}|~), (?:{_NUMBER}|~)$")


def named_metric(name: str) -> Metric:
    """Return what a measure of pyiqa is; its range is what pyiqa expects, not a bound.

    Raises:
        BackendUnavailableError: If pyiqa is not installed.
        ConfigError: If it has no such measure of pictures.
    """
    known = _registry()
    if name not in known or known[name]["metric_opts"]["type"] in _OTHER_KINDS:
        near = difflib.get_close_matches(name, known, n=5)
        raise ConfigError(
            f"There is no measure {name!r}, neither here nor in pyiqa"
            f"{'; near are ' + ', '.join(near) if near else ''}. "
            "Take psnr_db, ms_ssim, lpips_alex, lpips_vgg, dists, or a name of pyiqa's."
        )
    entry = known[name]
    ends = _RANGE.match(entry.get("score_range") or "")
    lowest, highest = ends.groups() if ends else (None, None)
    return Metric(
        key=name,
        name=f"{name} (pyiqa)",
        unit="",
        lowest=-math.inf if lowest is None else float(lowest),
        highest=math.inf if highest is None else float(highest),
        is_higher_better=not entry.get("lower_better"),
        min_side_px=1,
        needs_weights=True,
        reference=f"pyiqa {importlib.metadata.version('pyiqa')}, {name}",
    )


def named_measure(name: str, device: torch.device) -> PairMeasure:
    """Return a measure of pyiqa; its weights are fetched if they are not there.

    Args:
        name: As :func:`named_metric` knows it.
        device: Where it runs.

    Raises:
        BackendUnavailableError: If pyiqa is not installed, or its weights cannot be fetched.
        CheckpointError: If its weights are damaged, or hold anything but tensors.
        ConfigError: If there is no such measure.
    """
    metric = named_metric(name)
    is_compared = _registry()[name].get("metric_mode") == "FR"
    with _quiet(), tensors_only():
        from difficmh_core import torchvision_operators  # noqa: F401 (before pyiqa)

        # isort: split
        import pyiqa

        try:
            network: Any = pyiqa.create_metric(name, device=device)
        except (pickle.UnpicklingError, KeyError, RuntimeError) as error:
            raise CheckpointError(
                f"The weights of {metric.name} cannot be read as tensors: "
                f"{str(error).splitlines()[0] if str(error) else type(error).__name__} "
                "Leave this measure out."
            ) from error
        except (OSError, ImportError) as error:
            raise BackendUnavailableError(
                f"The weights of {metric.name} are not at hand and could not be fetched "
                f"({error}). Connect to the network, or leave this measure out."
            ) from error

    def measure(reference: Image01, decoded: Image01) -> Tensor:
        try:
            with _quiet():
                value = network(decoded, reference) if is_compared else network(decoded)
        except (AssertionError, RuntimeError, ValueError) as error:
            raise ImageError(
                f"{metric.name} cannot measure a picture of {decoded.shape[3]} x "
                f"{decoded.shape[2]} px ({error}). Leave this measure out."
            ) from error
        return torch.as_tensor(value).float().reshape(-1)[: len(decoded)]

    return measure


@contextlib.contextmanager
def tensors_only() -> Iterator[None]:
    """Let ``torch.load`` read nothing but tensors, whatever a library asks of it."""
    load = partial(torch.load)

    def safe(*args: Any, **options: Any) -> Any:  # noqa: ANN401 (torch's own signature)
        return load(*args, **(options | {"weights_only": True}))

    with patch.object(torch, "load", safe):
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what pyiqa prints to the error stream, where progress belongs."""
    with contextlib.redirect_stdout(sys.stderr):
        yield


@cache
def _registry() -> Mapping[str, Mapping[str, Any]]:
    """Return pyiqa's table, read without importing pyiqa, which takes many seconds."""
    spec = importlib.util.find_spec("pyiqa")
    if spec is None or not spec.submodule_search_locations:
        raise BackendUnavailableError(
            "Measures by other names need the package pyiqa, which is not installed. "
            "Run `pip install pyiqa`."
        )
    path = Path(spec.submodule_search_locations[0]) / "default_model_configs.py"
    table: Mapping[str, Mapping[str, Any]] = runpy.run_path(str(path))["DEFAULT_CONFIGS"]
    return table
