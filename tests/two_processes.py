"""Train a line in several processes, each with points of its own.

Started by ``accelerate launch -m tests.two_processes OUT``. Each process leaves in OUT its weights
and the threads it still has; the first one also the run folder.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch

from difficmh_core._support.processes import leave_processes, make_accelerator
from difficmh_core.training.data import Crops
from difficmh_core.training.loop import train
from difficmh_core.training.settings import StageSettings
from difficmh_core.training.stage import Progress, Stage


class LineStage(Stage):
    """Fit y = 3 x - 1, for which the answer is known."""

    def __init__(self, settings: StageSettings) -> None:
        super().__init__(settings)
        self.trained = torch.nn.Linear(1, 1)

    def forward(self, batch: Crops, progress: Progress) -> dict[str, torch.Tensor]:
        x = batch.image
        return {"total": (self.trained(x).float() - (3 * x - 1)).square().mean()}

    def validate(self, average: torch.nn.Module) -> dict[str, float]:
        return {"check_slope": average.weight.item(), "check_offset": average.bias.item()}


class LineSampler:
    """Points between two ends, in the place of crops."""

    def __init__(self, low: float, high: float) -> None:
        self.ends = low, high

    def draw(self, n: int, random: np.random.Generator) -> Crops:
        return Crops(image=torch.from_numpy(random.uniform(*self.ends, (n, 3, 1, 1))).float())


def train_here(out: str) -> None:
    """Train in this process; the first one sees only the left half of the line."""
    rank = make_accelerator().process_index
    torch.manual_seed(rank)
    settings = StageSettings(
        minutes=10, steps=400, learning_rate=0.05, bfloat16=False, log_every=400
    )
    stage = LineStage(settings)
    for _ in train(stage, LineSampler(rank - 1.0, rank), settings, Path(out) / "run"):
        pass
    weights = [stage.trained.weight.item(), stage.trained.bias.item()]
    (Path(out) / f"{rank}.json").write_text(json.dumps(weights))
    leave_processes()
    threads = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    (Path(out) / f"{rank}.threads.json").write_text(json.dumps(threads))


if __name__ == "__main__":
    train_here(sys.argv[1])
