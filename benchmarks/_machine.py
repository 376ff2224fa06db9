"""What the seconds of a benchmark depend on."""

import os
import platform
from pathlib import Path
from typing import Any

import torch

from difficmh_core import __version__


def this_machine() -> dict[str, Any]:
    """The processor, and the versions that matter."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    return {
        "cpu": ", ".join(sorted(names)) or platform.processor(),
        "n_cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "difficmh": __version__,
    }
