"""What the environment and the front matter of the README say on a Hugging Face Space."""

from pathlib import Path
from typing import Any

import yaml

from tests.constraints import ROOT

__all__ = ["as_a_space", "front_matter", "on_zero_gpu"]


def front_matter() -> dict[str, Any]:
    """The settings of the Space."""
    return yaml.safe_load((ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1])


def as_a_space() -> dict[str, str]:
    """The environment on every Space, as far as Gradio and the page read it."""
    return {
        "SYSTEM": "spaces",
        "SPACE_ID": "someone/difficmh",
        "SPACE_HOST": "someone-difficmh.hf.space",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_NUM_PORTS": "1",
        "GRADIO_ALLOW_FLAGGING": "never",
        "GRADIO_THEME": "huggingface",
        "PYTHONUNBUFFERED": "1",
    }


def on_zero_gpu(lender_url: str, folder: Path) -> dict[str, str]:
    """What comes to it on ZeroGPU.

    Args:
        lender_url: Of what lends GPUs.
        folder: For the file that tells the process's control group, which other systems lack.
    """
    group = folder / "cgroup"
    group.write_text("0::/space\n", encoding="utf-8")
    return {
        "SPACES_ZERO_GPU": "true",
        "SPACES_ZERO_DEVICE_API_URL": lender_url,
        "ZEROGPU_PROC_SELF_CGROUP_PATH": str(group),
    }
