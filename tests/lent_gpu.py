"""A program on a GPU that ZeroGPU lends, where there is none: ``python -m tests.lent_gpu app.py``.

All of ``spaces`` runs as it would, from the request for a GPU to the process that gets it. Only
there, what would go to the GPU stays on the CPU.
"""

import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata


def no() -> bool:
    """What a build of torch without CUDA is made to say."""
    return False


if metadata.version("torch").endswith("+cpu"):
    import torch

    # What `spaces` looks for when it is imported, and then calls in another process or replaces.
    torch.version.cuda = "12.8"
    torch.cuda._is_in_bad_fork = no
    torch._C._cuda_init = no

import spaces.zero.torch as lent  # noqa: E402
import torch  # noqa: E402
from spaces.zero import wrappers  # noqa: E402
from spaces.zero.torch import patching  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._pytree import tree_map_only  # noqa: E402


class OnCpu(TorchFunctionMode):
    """Takes the CPU where a tensor is sent to CUDA, or made there."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        args, kwargs = tree_map_only(torch.device, _not_cuda, (args, kwargs or {}))
        return func(*args, **kwargs)


class Computing(ThreadPoolExecutor):
    """The thread that computes in a process with a GPU."""

    def __init__(self, n_threads: int | None = None) -> None:
        super().__init__(n_threads, initializer=OnCpu().__enter__ if wrappers.forked else None)


def _not_cuda(device: torch.device) -> torch.device:
    return torch.device("cpu") if device.type == "cuda" else device


def _stay(callback: object = None) -> None:
    """Give each tensor that was to move to the GPU the numbers that it had on the CPU."""
    for standing_in, original in patching.cuda_aliases.items():
        standing_in.data = original


if __name__ == "__main__":
    wrappers.ThreadPoolExecutor = Computing
    lent.pack = lambda: 0
    lent.init = lambda _uuid: None
    lent.move = _stay
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
