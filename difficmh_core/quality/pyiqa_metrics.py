"""Further metrics by the names that pyiqa gives them: gmsd, fsim, vif, niqe, musiq, topiq_fr ...

Some compare with the original, others look at the decoded picture alone. pyiqa gets their weights
when they are first used; they are read as tensors only (:mod:`.foreign_weights`), and a file that
cannot be read so is removed. Some of these metrics shrink or crop the picture by definition; all
are given it at its own size, and those that draw crops draw the same ones each time. A name that
is ours too (``ms_ssim``, ``dists``) means ours. pyiqa's ``psnr`` ends at 80 dB, ours does not.

References:
    Chen, Mo: IQA-PyTorch (pyiqa), https://github.com/chaofengc/IQA-PyTorch
"""

import contextlib
import importlib.metadata
import importlib.util
import io
import math
import pickle
import re
import runpy
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from http.client import HTTPException
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from difficmh_core._support import torchvision_operators  # noqa: F401 (before pyiqa)
from difficmh_core.errors import (
    BackendUnavailableError,
    CheckpointError,
    ConfigError,
    ImageError,
)
from difficmh_core.quality.foreign_weights import removed_on_failure, tensors_only
from difficmh_core.quality.metric import Group, PairFunction, PictureMetric, unknown_name
from difficmh_core.shapes import Image01

_REFUSED = {
    "FID": "compares sets of images; ask `evaluate` for it with --set-metrics",
    "InceptionScore": "looks at sets of images",
    "CLIPScore": "compares with captions",
    "Compare2Score": "runs code that comes with its weights",
    "QAlign": "runs code that comes with its weights",
}
"""Kinds of pyiqa's that say nothing about one picture, or are not safe to run; and why."""
_WITHOUT_WEIGHTS = {
    *("CW_SSIM", "Entropy", "FSIM", "GMSD", "MAD", "MS_SSIM"),
    *("NLPD", "PIQE", "PSNR", "SSIM", "VIF", "VSI"),
}
"""Kinds that are formulas."""
_CLIP_PROGRAMS = {
    "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",  # RN50
    "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",  # ViT-B/32
    "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",  # ViT-B/16
    "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",  # ViT-L/14
}
"""SHA-256 of CLIP's files, as the addresses of their publisher give them; TorchScript archives."""
_DISTRIBUTIONS = {"pkg_resources": "'setuptools<81'"}
"""What to install for a module whose name is not its package's."""
_NUMBER = r"~?(-?[\d.]+)"
_RANGE = re.compile(rf"^(?:{_NUMBER}|~), (?:{_NUMBER}|~)$")
_DOWNLOAD = re.compile(r'Downloading: "(.+?)" to (.+)')
_UNREADABLE = (pickle.UnpicklingError, EOFError, LookupError, RuntimeError, TypeError, ValueError)
_UNMEASURABLE = (
    *(ArithmeticError, AssertionError, LookupError),
    *(NotImplementedError, RuntimeError, TypeError, ValueError),
)
"""What its many authors raise on a picture that is too small, say."""


def pyiqa_metric(name: str, others: Iterable[str] = ()) -> PictureMetric:
    """Look up a metric of pyiqa; its range is what pyiqa expects, not a bound.

    Args:
        name: As pyiqa names it.
        others: Names of metrics that are not pyiqa's, for the message about a wrong one.

    Raises:
        BackendUnavailableError: If pyiqa is not installed.
        ConfigError: If it has no such metric of one decoded picture.
    """
    known = _registry()
    if name not in known:
        usable = [key for key in known if _refusal(known[key]) is None]
        raise unknown_name("metric", name, others, usable)
    entry = known[name]
    reason = _refusal(entry)
    if reason is not None:
        raise ConfigError(f"{name} is no metric of one decoded image here: it {reason}.")
    ends = _RANGE.match(entry["score_range"])
    lowest, highest = ends.groups() if ends else (None, None)
    kind = entry["metric_opts"]["type"]
    return PictureMetric(
        key=name,
        name=f"{name} (pyiqa)",
        unit="dB" if kind == "PSNR" else "",
        group=Group.DISTORTION
        if _is_compared(entry) and kind in _WITHOUT_WEIGHTS
        else Group.PERCEPTION,
        lowest=-math.inf if lowest is None else float(lowest),
        highest=math.inf if highest is None else float(highest),
        is_higher_better=not entry.get("lower_better"),
        min_side_px=1,
        load=lambda _: pyiqa_function(name),
    )


def pyiqa_function(name: str) -> PairFunction:
    """Return a metric of pyiqa; its weights are fetched if they are not there.

    Args:
        name: As :func:`pyiqa_metric` knows it.

    Returns:
        What takes original and decoded pictures and gives one number each. It raises ImageError
        for a picture that pyiqa's code cannot measure.

    Raises:
        BackendUnavailableError: If pyiqa is not installed, or its weights cannot be fetched.
        CheckpointError: If its weights are damaged, or hold anything but tensors.
        ConfigError: If there is no such metric.
    """
    metric = pyiqa_metric(name)
    is_compared = _is_compared(_registry()[name])
    network = from_pyiqa(metric.name, lambda pyiqa: pyiqa.create_metric(name, device="cpu"))

    def measure(reference: Image01, decoded: Image01) -> Tensor:
        try:
            with contextlib.redirect_stdout(sys.stderr), _same_draws(), _calm():
                value = network(decoded, reference) if is_compared else network(decoded)
            numbers = torch.as_tensor(value).detach().float().reshape(len(decoded))
        except _UNMEASURABLE as error:
            raise ImageError(
                f"{metric.name} cannot measure an image of {decoded.shape[3]} x "
                f"{decoded.shape[2]} px ({_line_of(error)}). Leave this metric out."
            ) from error
        if numbers.isnan().any():
            raise ImageError(f"{metric.name} is not defined for this image.")
        return numbers

    return measure


def from_pyiqa(name: str, build: Callable[[ModuleType], Any]) -> Any:  # noqa: ANN401 (pyiqa's)
    """Return a network that pyiqa builds, its weights fetched whole and read as tensors only.

    Args:
        name: What is built, for messages.
        build: Takes the package, and builds.

    Raises:
        BackendUnavailableError: If a package is not installed, or weights cannot be fetched.
        CheckpointError: If weights are damaged, or hold anything but tensors.
    """
    _registry()
    told = _Told()
    with contextlib.redirect_stdout(told), _calm():
        try:
            import pyiqa
            import pyiqa.utils.download_util as downloads

            with removed_on_failure(downloads), tensors_only(_CLIP_PROGRAMS):
                return build(pyiqa)
        except ImportError as error:
            package = _DISTRIBUTIONS.get(error.name or "", error.name)
            raise BackendUnavailableError(
                f"{name} needs a package that is not installed ({_line_of(error)}). "
                + (f"Run `pip install {package}`, or leave" if package else "Leave")
                + " this metric out."
            ) from error
        except (OSError, HTTPException) as error:
            *_, last = [None, *_DOWNLOAD.finditer(told.getvalue())]
            what = f"Put {last[1]} at {last[2]}" if last else "Connect to the network"
            raise BackendUnavailableError(
                f"The weights of {name} are not available and could not be fetched "
                f"({_line_of(error)}). {what}, or leave this metric out."
            ) from error
        except _UNREADABLE as error:
            raise CheckpointError(
                f"The weights of {name} cannot be read as tensors ({_line_of(error)}). "
                "Try again, or leave this metric out."
            ) from error


class _Told(io.StringIO):
    """What pyiqa prints: kept, and sent to the error stream, where progress belongs."""

    def write(self, text: str) -> int:
        sys.stderr.write(text)
        return super().write(text)


@contextlib.contextmanager
def _calm() -> Iterator[None]:
    """Leave out warnings about its code, which concern its authors; what fails is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _same_draws() -> Iterator[None]:
    """Draw the same random numbers each time, and leave others' generators as they were."""
    state = np.random.get_state()
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        np.random.seed(0)
        try:
            yield
        finally:
            np.random.set_state(state)


def _line_of(error: BaseException) -> str:
    """Return the first sentence of what happened."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__


def _is_compared(entry: Mapping[str, Any]) -> bool:
    return entry.get("metric_mode") == "FR"


def _refusal(entry: Mapping[str, Any]) -> str | None:
    if not _RANGE.match(entry.get("score_range") or ""):
        return "gives several numbers"
    return _REFUSED.get(entry["metric_opts"]["type"])


@cache
def _registry() -> Mapping[str, Mapping[str, Any]]:
    """Return pyiqa's table, read without importing pyiqa, which takes many seconds."""
    spec = importlib.util.find_spec("pyiqa")
    if spec is None or not spec.submodule_search_locations:
        raise BackendUnavailableError(
            "Metrics by other names need the package pyiqa, which is not installed. "
            "Run `pip install pyiqa`."
        )
    path = Path(spec.submodule_search_locations[0]) / "default_model_configs.py"
    try:
        table: Mapping[str, Mapping[str, Any]] = runpy.run_path(str(path))["DEFAULT_CONFIGS"]
    except (OSError, LookupError) as error:
        raise BackendUnavailableError(
            f"This version of pyiqa ({importlib.metadata.version('pyiqa')}) has no table of its "
            "metrics. Run `pip install 'pyiqa>=0.1.14,<0.2'`."
        ) from error
    return table
