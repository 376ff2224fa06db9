"""Depth through transformers: how near things are, up to scale and shift.

The network gives inverse depth d, 0 for what is infinitely far. That of the decoded picture is
first brought to the original's by the scale and shift of least squares, then both become depth::

    (s, t) = argmin sum (s d + t - d*)^2      z = 1 / max(s d + t, f)      z* = 1 / max(d*, f)

where f is a hundredth of the largest d*, so that the sky is far but not infinitely so. Then

    AbsRel = mean |z - z*| / z*      delta1 = share of pixels with max(z / z*, z* / z) < 1.25

References:
    Yang et al.: Depth Anything V2, NeurIPS 2024, https://arxiv.org/abs/2406.09414
    Ranftl et al.: Towards Robust Monocular Depth Estimation, TPAMI 2020,
    https://arxiv.org/abs/1907.01341, section 5 (alignment in inverse depth, capped depth)
    Eigen, Puhrsch, Fergus: Depth Map Prediction, NIPS 2014, https://arxiv.org/abs/1406.2283,
    section 4.1 (AbsRel, delta)
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from difficmh_core.shapes import Image01
from difficmh_core.vision.pretrained import PretrainedTask

FARTHEST = 100.0
"""Largest depth, in depths of the nearest point of the original."""
MAX_RATIO = 1.25
"""Below which ratio two depths count as the same."""
_SMALLEST = 1e-12


def depth_agreement(
    original: Float[Tensor, "height width"], decoded: Float[Tensor, "height width"]
) -> Mapping[str, float]:
    """Return AbsRel and delta1 of depth after alignment of inverse depth.

    Args:
        original: Inverse depth of the original, 0 and up.
        decoded: Inverse depth of the decoded picture, up to scale and shift.
    """
    reference = original.double()
    least = max(float(reference.max()) / FARTHEST, _SMALLEST)
    z = 1 / aligned(decoded.double(), reference).clamp(min=least)
    z_reference = 1 / reference.clamp(min=least)
    ratio = torch.maximum(z / z_reference, z_reference / z)
    return {
        "depth_absrel": float(((z - z_reference).abs() / z_reference).mean()),
        "depth_delta1": float((ratio < MAX_RATIO).double().mean()),
    }


def aligned(
    values: Float[Tensor, "height width"], reference: Float[Tensor, "height width"]
) -> Float[Tensor, "height width"]:
    """Return values by the scale and shift that bring them nearest to a reference.

    Values that are all alike become the reference's mean.
    """
    centered, wanted = values - values.mean(), reference - reference.mean()
    variance = centered.square().mean()
    scale = (centered * wanted).mean() / variance if variance > 0 else variance
    return scale * centered + reference.mean()


class DepthEstimation(PretrainedTask):
    """Inverse depth of each pixel."""

    key = "depth"
    name = "depth (Depth Anything V2, small)"

    agreement = staticmethod(depth_agreement)

    def see(self, image: Image01) -> Float[Tensor, "rows columns"]:
        """Return inverse depth, at the network's size.

        Raises:
            ImageError: If the picture is so narrow that nothing of it is left at that size.
        """
        pixels = self.pixels(image)
        try:
            depth: Tensor = self.network(pixel_values=pixels).predicted_depth[0]
        except (RuntimeError, ValueError, ZeroDivisionError) as error:
            raise self.refusal(image, error) from error
        return depth
