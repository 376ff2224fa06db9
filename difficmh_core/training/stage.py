"""What every stage of the recipe is: networks to train, their losses, their validation."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from difficmh_core.training.settings import RateSettings, StageSettings


class Progress(NamedTuple):
    """How far a stage has come."""

    step: int
    share_done: float
    """Share of its minutes or steps that is over, in [0, 1)."""


class Stage(nn.Module, ABC):
    """One stage: calling it returns the losses of a batch.

    Everything it computes with is a submodule, so that it moves to a device, and is wrapped for
    several processes, as a whole. Only parameters with gradients are trained.

    A stage is made of its settings, the networks that it trains or that earlier stages left,
    ``perceptual`` distances for its losses, and ``check``, pictures for validation that are never
    trained on. The encoder of a trained autoencoder stays as it is.

    Attributes:
        settings: How it is trained.
        trained: What it trains; checkpoints hold it and its moving average.
        adversary: What is trained against it; checkpoints hold it too.
    """

    trained: nn.Module
    adversary: nn.Module | None

    def __init__(self, settings: StageSettings) -> None:
        super().__init__()
        # Not on the class, where it would hide the module of this name that a stage registers.
        self.adversary = None
        self.settings = settings

    @abstractmethod
    def forward(self, batch: Any, progress: Progress) -> dict[str, Tensor]:  # noqa: ANN401
        """Return scalar losses; ``total`` is the one that is minimized."""

    @abstractmethod
    def validate(self, average: nn.Module) -> Mapping[str, float]:
        """Return metrics of the averaged weights on pictures that are never trained on."""

    def optimizers(self) -> dict[str, Optimizer]:
        """Return the optimizers by name, their learning rates at the peak.

        The quantiles of a codec's prior have their own, as published.
        """
        named = dict(self.trained.named_parameters())
        quantiles = [named.pop(name) for name in list(named) if name.endswith("quantiles")]
        # Fused: besides being faster, it can leave a step out without waiting for the device.
        made: dict[str, Optimizer] = {
            "main": AdamW(
                [parameter for parameter in named.values() if parameter.requires_grad],
                lr=self.settings.learning_rate,
                betas=(0.9, 0.98),
                weight_decay=self.settings.weight_decay,
                fused=True,
            )
        }
        if self.adversary is not None:
            # With little momentum, as is usual: what it tells apart changes all the time.
            made["adversary"] = AdamW(
                self.adversary.parameters(),
                lr=self.settings.learning_rate,
                betas=(0.5, 0.9),
                weight_decay=0.0,
                fused=True,
            )
        if isinstance(self.settings, RateSettings) and any(q.requires_grad for q in quantiles):
            rate = self.settings.quantiles_learning_rate
            made["quantiles"] = AdamW(quantiles, lr=rate, weight_decay=0.0, fused=True)
        return made
