"""A network whose kernels are recorded once for each shape and then launched as one.

Where recording fails (a driver that cannot, too little memory beside the network), the network
runs kernel by kernel from then on: slower, with the same result, and a warning says so.

At batch size two, a U-Net of Stable Diffusion's size spends more time on launching its 2,000
kernels than on computing them. A CUDA graph launches all of them at once.

References:
    PyTorch, CUDA Graphs, https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

_logger = logging.getLogger(__name__)

_WARM_UP = 3  # runs before recording, in which libraries choose their algorithms
_MOST_RECORDINGS = 4  # each keeps the memory of its inputs and outputs


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Recording:
    """One graph and the memory that it reads and writes."""

    graph: torch.cuda.CUDAGraph
    inputs: tuple[Tensor, ...]
    output: Tensor


class Recorded:
    """Runs a function of tensors on CUDA as a recorded graph, one for each set of shapes.

    The function, ``run(*tensors, option)``, must do the same on every call with these shapes and
    this option, a number: no branch on values, nothing that waits for the device.
    """

    def __init__(self, run: Callable[..., Tensor]) -> None:
        self._run = run
        self._recordings: OrderedDict[Hashable, _Recording] = OrderedDict()
        self._can_record = True
        self._pool: torch.cuda._POOL_HANDLE | None = None

    def __call__(self, *tensors: Tensor, option: float) -> Tensor:
        """Return the function's value in new memory; the first call of a shape records."""
        if not self._can_record:
            return self._run(*tensors, option)
        key = (option, *((value.shape, value.dtype, value.device) for value in tensors))
        recording = self._recordings.pop(key, None)
        if recording is None:
            while len(self._recordings) >= _MOST_RECORDINGS:
                self._recordings.popitem(last=False)
            try:
                recording = self._record(tensors, option)
            except RuntimeError as error:  # what torch raises, also for too little memory
                self._give_up(error)
                return self._run(*tensors, option)
        self._recordings[key] = recording  # the last in the row is the last used
        for kept, given in zip(recording.inputs, tensors, strict=True):
            kept.copy_(given)
        recording.graph.replay()
        return recording.output.clone()

    def _give_up(self, error: Exception) -> None:
        """Record nothing any more, free what was recorded, and say why."""
        self._can_record = False
        self._recordings.clear()
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        _logger.warning(
            "The network's kernels could not be recorded (%s). They are launched one by one, "
            "which is slower and gives the same image.",
            first_line.rstrip("."),
        )

    def _record(self, tensors: tuple[Tensor, ...], option: float) -> _Recording:
        # Outside inference mode, or its tensors could not be written to from any other mode.
        device = tensors[0].device
        with torch.inference_mode(mode=False), torch.no_grad(), torch.cuda.device(device):
            inputs = tuple(value.clone() for value in tensors)
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(_WARM_UP):
                    self._run(*inputs, option)
            torch.cuda.current_stream().wait_stream(aside)
            if self._pool is None:
                # One memory for all recordings: no two run at once, and what each puts out is
                # copied before the next one runs.
                self._pool = torch.cuda.graph_pool_handle()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool):
                output = self._run(*inputs, option)
        return _Recording(graph=graph, inputs=inputs, output=output)
