"""What a user sets when coding a picture."""

import math
from dataclasses import dataclass

from difficmh_core.errors import ConfigError

DEFAULT_QUALITY = 50.0
"""What is coded with where neither quality nor size is asked for, 0 to 100."""
MAX_ITERATIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizationSettings:
    """How a picture's latent is optimized.

    Attributes:
        iterations: Steps of gradient descent, 1 to 100.
        step: How far the first step moves the gained y, as a share of the geometric mean of its
            rounding step, 1, and of its own size (both root mean squares); falls linearly to zero.
        lpips: Weight of LPIPS (alex).
        dists: Weight of DISTS.
        l1: Weight of the mean absolute difference, pictures in [0, 1].
    """

    iterations: int = 5
    step: float = 0.085
    lpips: float = 1.5
    dists: float = 1.5
    l1: float = 0.4

    def __post_init__(self) -> None:
        """Refuse what cannot run."""
        if not 1 <= self.iterations <= MAX_ITERATIONS:
            raise ConfigError(
                f"Latent optimization takes 1 to {MAX_ITERATIONS} iterations, got "
                f"{self.iterations}."
            )
        if not 0 < self.step < math.inf:
            raise ConfigError(f"The step must be above 0, got {self.step}.")
        for name in ("lpips", "dists", "l1"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}.")
