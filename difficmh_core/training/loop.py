"""The training loop: optimizers, moving average, log, and checkpoints from which it goes on.

``accelerate`` chooses the device and, started by ``accelerate launch`` or
``torch.distributed.run``, joins several GPUs or machines: each process draws its own batches,
gradients are averaged, and only the first process writes. A run folder holds
``checkpoint.safetensors`` (see :mod:`.checkpoints`), ``log.jsonl``, one object per line, which any
plotting program reads, and ``devices.txt``, one line for each device that trained it.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from difficmh_core._support.processes import make_accelerator
from difficmh_core.training.checkpoints import (
    CHECKPOINT_NAME,
    TrainingState,
    load_checkpoint,
    save_checkpoint,
)
from difficmh_core.training.data import Sampler, batches
from difficmh_core.training.precision import device_name, has_bfloat16
from difficmh_core.training.settings import StageSettings
from difficmh_core.training.stage import Progress, Stage

_logger = logging.getLogger(__name__)

LOG_NAME = "log.jsonl"
DEVICES_NAME = "devices.txt"
_FINAL_LEARNING_RATE = 0.02  # of the peak: the average needs a little movement to the end


def train(
    stage: Stage, sampler: Sampler, settings: StageSettings, folder: Path
) -> Iterator[Mapping[str, float]]:
    """Train until the minutes or steps are spent, going on from the checkpoint if there is one.

    Args:
        stage: What to train.
        sampler: Where its batches come from.
        settings: How to train it.
        folder: The run folder; made if it is absent.

    Yields:
        Each line of the log, in the first process only: ``step``, ``seconds`` and losses or
        metrics.

    Raises:
        CheckpointError: If the folder holds a checkpoint of another architecture.
    """
    folder.mkdir(parents=True, exist_ok=True)
    accelerator = make_accelerator()
    device_type = accelerator.device.type
    in_bfloat16 = settings.bfloat16 and has_bfloat16(device_type)
    _logger.info("Computing in %s.", "bfloat16" if in_bfloat16 else "single precision")
    # channels_last: 15 % faster in bfloat16 on a CPU, measured; what tensor cores like too.
    stage.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    state = TrainingState(
        trained=stage.trained,
        adversary=stage.adversary,
        average=AveragedModel(stage.trained, multi_avg_fn=_moving_average(settings.ema_decay)),
        optimizers=stage.optimizers(),
    )
    path = folder / CHECKPOINT_NAME
    if path.exists():
        load_checkpoint(path, state)
        _logger.info("Going on from step %d of %s.", state.step, path)
    model = accelerator.prepare_model(torch.compile(stage) if settings.compiled else stage)
    rank = accelerator.process_index
    torch.manual_seed(settings.seed + state.step + 1_000_003 * rank)
    source = batches(
        sampler,
        settings.batch_size,
        (settings.seed, state.step, rank),
        workers=settings.workers,
    )

    limit_s = 60 * settings.minutes
    began = time.monotonic() - state.elapsed_s
    saved = validated = time.monotonic()
    peaks = {name: made.param_groups[0]["lr"] for name, made in state.optimizers.items()}
    is_first = accelerator.is_main_process
    n_processes, first_step = accelerator.num_processes, state.step
    here = device_name(accelerator.device, in_bfloat16=in_bfloat16, n_processes=n_processes)
    n_left_out = torch.zeros((), device=accelerator.device)
    with (folder / LOG_NAME).open("a", encoding="utf-8") as log:

        def record(values: Mapping[str, float]) -> Mapping[str, float]:
            line = {"step": state.step, "seconds": round(state.elapsed_s, 1), **values}
            log.write(json.dumps(line) + "\n")
            log.flush()
            return line

        while True:
            state.elapsed_s = _of_first(accelerator, state.elapsed_s)
            share_done = max(state.elapsed_s / limit_s, state.step / (settings.steps or math.inf))
            if share_done >= 1:
                break
            progress = Progress(state.step, share_done)
            factor = _learning_rate(progress, settings)
            for name, optimizer in state.optimizers.items():
                optimizer.param_groups[0]["lr"] = peaks[name] * factor
            batch = next(source).to(accelerator.device)
            with torch.autocast(device_type, torch.bfloat16, enabled=in_bfloat16):
                losses = model(batch, progress)
            accelerator.backward(losses["total"])
            norm, is_left_out = _step(state.optimizers, settings.gradient_norm)
            n_left_out += is_left_out
            state.average.update_parameters(stage.trained)
            state.step += 1
            now = time.monotonic()
            state.elapsed_s = now - began
            if not is_first:
                continue
            if state.step == first_step + 1:
                note_device(folder, here)
            if state.step % settings.log_every == 0:
                if count := int(n_left_out.item()):
                    _logger.warning("%d steps had no finite gradient and were left out.", count)
                    n_left_out.zero_()
                values = {name: round(loss.item(), 5) for name, loss in losses.items()}
                yield record({**values, "gradient_norm": round(norm.item(), 3)})
            if now - validated > settings.validate_every_s:
                validated = now
                yield record(stage.validate(state.average.module))
            if now - saved > settings.save_every_s:
                saved = now
                save_checkpoint(path, state, settings)
        if is_first:
            save_checkpoint(path, state, settings)
            yield record(stage.validate(state.average.module))
    accelerator.wait_for_everyone()


def read_log(folder: Path) -> list[Mapping[str, float]]:
    """Return the log of a run folder, oldest line first; empty if nothing ran there."""
    path = folder / LOG_NAME
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def note_device(folder: Path, device: str) -> None:
    """Add a line to a run folder's devices, unless the last one says the same."""
    if read_devices(folder)[-1:] != [device]:
        with (folder / DEVICES_NAME).open("a", encoding="utf-8") as file:
            file.write(f"{device}\n")


def read_devices(folder: Path) -> list[str]:
    """List what trained a run folder, in this order; empty if nothing was noted."""
    path = folder / DEVICES_NAME
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _of_first(accelerator: Accelerator, elapsed_s: float) -> float:
    """Return the first process's clock, by which all set their learning rate and stop."""
    if accelerator.num_processes == 1:
        return elapsed_s
    (answer,) = broadcast_object_list([elapsed_s])
    return float(answer)


def _step(
    optimizers: Mapping[str, Optimizer], longest: float | None
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Step every optimizer and clear its gradients, without waiting for the device.

    Returns:
        The length of the main gradient, and 1 if a gradient was not finite, else 0; then no
        optimizer stepped.
    """
    norms = dict[str, Tensor]()
    for name, optimizer in optimizers.items():
        parameters = optimizer.param_groups[0]["params"]
        norms[name] = nn.utils.clip_grad_norm_(parameters, longest or math.inf)
    is_left_out = (~torch.stack(list(norms.values())).isfinite().all()).float()
    for optimizer in optimizers.values():
        # What torch's GradScaler sets: the fused kernel reads it and leaves the step out.
        optimizer.found_inf = is_left_out  # type: ignore[attr-defined]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return norms["main"], is_left_out


def _moving_average(decay: float) -> Callable[..., None]:
    """Return the update of an exponential moving average that forgets its start.

    The decay rises with the number of updates as ``(1 + n) / (10 + n)`` up to its value, or a
    short run would ship weights that still hold a share of the untrained ones.
    """

    @torch.no_grad()
    def update(averages: list[Tensor], values: list[Tensor], n_averaged: Tensor) -> None:
        # As tensors, or the host would wait for the device at every step.
        share = 1 - ((1 + n_averaged) / (10 + n_averaged)).clamp(max=decay)
        changes = torch._foreach_sub(values, averages)
        torch._foreach_mul_(changes, share)
        torch._foreach_add_(averages, changes)

    return update


def _learning_rate(progress: Progress, settings: StageSettings) -> float:
    """Return the factor on every peak learning rate."""
    warm = min(1.0, (progress.step + 1) / max(1, settings.warmup_steps))
    if not settings.decays:
        return warm
    cosine = 0.5 * (1 + math.cos(math.pi * progress.share_done))
    return warm * (_FINAL_LEARNING_RATE + (1 - _FINAL_LEARNING_RATE) * cosine)
