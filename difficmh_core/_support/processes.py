"""Processes that work together: joining those started by ``accelerate launch``, and leaving them.

A process that ends while gloo's threads still hold one of its tensors is aborted: such a thread
asks for an interpreter that is already gone (https://github.com/pytorch/pytorch/pull/179291). The
threads end with the group, and the group with the last that refers to it.
"""

import gc

import torch

# Loaded after a group was made, as DistributedDataParallel does, it would keep that group alive.
import torch._dynamo
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs


def make_accelerator() -> Accelerator:
    """Make what knows the device and joins the processes that were started together."""
    # A discriminator that has not joined yet has no gradients, which must be allowed.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    # Without being told, accelerate takes processes on a CPU for one process each.
    return Accelerator(cpu=not torch.accelerator.is_available(), kwargs_handlers=[unused])


def leave_processes() -> None:
    """Leave the group, if there is one, and end its threads."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
        gc.collect()
