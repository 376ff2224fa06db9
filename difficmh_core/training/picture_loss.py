"""The losses on a decoded picture: L1, LPIPS, DISTS, and a patch discriminator.

The discriminator's gradient is balanced: it is scaled to a fixed share of the gradient of the
other terms, whatever the size of the two losses. The two are compared where they act, in the
weights of the last layer.

References:
    Isola et al.: Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017
    (patch discriminator), https://arxiv.org/abs/1611.07004
    Lim, Ye: Geometric GAN, 2017 (hinge loss), https://arxiv.org/abs/1705.02894
    Esser et al.: Taming Transformers for High-Resolution Image Synthesis, CVPR 2021, eq. 7
    (adaptive weight), https://arxiv.org/abs/2012.09841
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.shapes import Image01
from difficmh_core.training.settings import PictureWeights

_GROUPS = 8
_LEAK = 0.2
_TINY = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptualLosses:
    """How to get the perceptual distances that a stage's weights ask for, on demand.

    Attributes:
        lpips: Returns LPIPS, ``(reference, decoded) -> (batch,)``.
        dists: Returns DISTS, likewise.
    """

    lpips: Callable[[], nn.Module]
    dists: Callable[[], nn.Module]


class PatchDiscriminator(nn.Module):
    """Says of overlapping patches whether they look real (above 0) or decoded.

    Three widths, each at half the size of the one before, see patches of 46 px.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        layers, width = list[nn.Module](), 3
        for index, channels in enumerate(widths):
            layers += [nn.Conv2d(width, channels, kernel_size=4, stride=2, padding=1)]
            # Not on the first layer: colors and contrast tell pictures apart, too.
            layers += [nn.GroupNorm(_GROUPS, channels)] if index else []
            layers += [nn.LeakyReLU(_LEAK)]
            width = channels
        layers += [nn.Conv2d(width, width, kernel_size=3, padding=1)]
        layers += [nn.GroupNorm(_GROUPS, width), nn.LeakyReLU(_LEAK)]
        layers += [nn.Conv2d(width, 1, kernel_size=1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, image: Image01) -> Float[Tensor, "batch 1 h8 w8"]:
        """Return one score for each patch."""
        score: Tensor = self.layers(2 * image - 1)
        return score


class PictureLoss(nn.Module):
    """The weighted sum of the losses on decoded pictures; holds the discriminator."""

    def __init__(self, weights: PictureWeights, perceptual: PerceptualLosses) -> None:
        """Build the discriminator, and load the distances that have a weight.

        Args:
            weights: Weights of the terms.
            perceptual: Where the distances come from.
        """
        super().__init__()
        self.weights = weights
        self.lpips = perceptual.lpips() if weights.lpips else None
        self.dists = perceptual.dists() if weights.dists else None
        self.discriminator = None
        if weights.adversarial:
            self.discriminator = PatchDiscriminator(weights.discriminator_channels)

    def forward(
        self,
        image: Image01,
        decoded: Tensor,
        share_done: float,
        compare_at: Tensor,
        emphasis: Float[Tensor, " batch"] | None = None,
    ) -> dict[str, Tensor]:
        """Return ``picture``, the term to minimize, and what it is made of.

        ``discriminator`` is the discriminator's own loss; minimize it along with ``picture``:
        neither sends gradients to the other's weights. It learns from the beginning and pulls
        from :attr:`PictureWeights.adversarial_from` on: one that cannot tell yet would pull
        anywhere, and as hard as one that can.

        Args:
            image: Original pictures.
            decoded: Decoded pictures, not clamped to [0, 1].
            share_done: Share of the stage's minutes or steps that is over, in [0, 1).
            compare_at: Where the two gradients are compared, something ``decoded`` comes from:
                the weights of the last layer, or, if those are frozen, the latent.
            emphasis: Weight of each picture; ``None`` is 1 for all.
        """
        weights = self.weights
        emphasis = torch.ones(len(image), device=image.device) if emphasis is None else emphasis
        picture = decoded.detach().float().requires_grad_()
        with torch.enable_grad():
            terms = {"l1": ((picture - image).abs().flatten(1).mean(dim=1), emphasis)}
            if self.lpips is not None:
                terms["lpips"] = (self.lpips(image, picture).float(), emphasis)
            if self.dists is not None:
                # Others at each step: all count in the end, and most of its time is saved.
                n = max(1, round(weights.dists_share * len(image)))
                some = torch.randperm(len(image), device=image.device)[:n]
                terms["dists"] = (self.dists(image[some], picture[some]).float(), emphasis[some])
            loss = sum(getattr(weights, k) * (v * e).mean() for k, (v, e) in terms.items())
            (gradient,) = torch.autograd.grad(loss, picture)
        losses = {name: values.detach().mean() for name, (values, _) in terms.items()}
        if self.discriminator is not None:
            if share_done >= weights.adversarial_from:
                with torch.enable_grad():
                    realism = -self.discriminator(picture).float().mean(dim=(1, 2, 3))
                    (pull,) = torch.autograd.grad((realism * emphasis).mean(), picture)
                ours, theirs = (_length_at(compare_at, decoded, g) for g in (gradient, pull))
                gradient = gradient + weights.adversarial * ours / (theirs + _TINY) * pull
            real = self.discriminator(image).float()
            fake = self.discriminator(picture.detach()).float()
            losses["discriminator"] = ((1 - real).relu() + (1 + fake).relu()).mean()
        # Its value is the loss, its gradient the balanced one.
        surrogate = (decoded.float() * gradient).sum()
        losses["picture"] = loss.detach() + surrogate - surrogate.detach()
        return losses


def _length_at(place: Tensor, decoded: Tensor, gradient: Tensor) -> Tensor:
    """The norm that a gradient in the picture has further back."""
    (further,) = torch.autograd.grad(decoded, place, gradient.to(decoded.dtype), retain_graph=True)
    length: Tensor = further.float().norm()
    return length
