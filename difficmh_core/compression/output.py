"""What one pass through the latent codec gives, and what it would cost."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from difficmh_core.shapes import CodecLatent, DiffusionLatent, HyperLatent


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LatentCodecOutput:
    """What one pass through the whole codec gives, for losses and for comparison.

    Attributes:
        content_latent: The decoder's estimate of the diffusion latent.
        y: The latent before gain and rounding.
        y_hat: The quantized latent, gained.
        z_hat: The quantized hyper-latent, gained.
        y_likelihoods: Probability of each value of y, in [1e-9, 1].
        z_likelihoods: Probability of each value of z, in [1e-9, 1].
        means: Predicted mean of each gained value of y.
    """

    content_latent: DiffusionLatent
    y: CodecLatent
    y_hat: CodecLatent
    z_hat: HyperLatent
    y_likelihoods: CodecLatent
    z_likelihoods: HyperLatent
    means: CodecLatent

    def latent_bits(self) -> Float[Tensor, " batch"]:
        """The estimated size of each picture's latent [bit]."""
        return -self.y_likelihoods.log2().flatten(1).sum(dim=1)

    def hyper_bits(self) -> Float[Tensor, " batch"]:
        """The estimated size of each picture's hyper-latent [bit]."""
        return -self.z_likelihoods.log2().flatten(1).sum(dim=1)

    def bits(self) -> Float[Tensor, " batch"]:
        """The estimated size of each picture, latent and hyper-latent together [bit]."""
        return self.latent_bits() + self.hyper_bits()
