"""Make ``import torchvision`` work beside a build of torch that it was not compiled for.

The registry's torchvision wheel is built for CUDA. Beside a CPU build of torch its compiled
operators do not load, and the import stops with "operator torchvision::nms does not exist".
Declaring the two operators first lets the Python part load, which is all that lpips, timm,
compressai and diffusers use. Where torchvision's own operators load, this file does nothing.

Import it before any package that imports torchvision.
"""

import importlib.machinery
import importlib.util
import logging
from pathlib import Path

import torch

_logger = logging.getLogger(__name__)

_DECLARATIONS: list[torch.library.Library] = []
"""Keeps the declarations alive: they vanish with the object that made them."""


def _compiled_operators_load() -> bool:
    """Tell whether torchvision's extension library can be loaded into this torch."""
    package = importlib.util.find_spec("torchvision")
    if package is None or package.origin is None:
        return True  # nothing to mend; the import itself will name what is missing
    folder = Path(package.origin).parent
    for suffix in importlib.machinery.EXTENSION_SUFFIXES:
        library = folder / f"_C{suffix}"
        if library.exists():
            try:
                torch.ops.load_library(library)  # type: ignore[no-untyped-call]
            except OSError:
                return False
            return True
    return False


def declare_missing_operators() -> None:
    """Declare torchvision's detection operators if its own library does not load."""
    if _DECLARATIONS or _compiled_operators_load():
        return
    _logger.info("torchvision's compiled operators do not fit this torch; declaring them only.")
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in ("nms", "qnms"):
        signature = f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library.define(signature)  # type: ignore[no-untyped-call]
    _DECLARATIONS.append(library)


declare_missing_operators()
