"""The losses on a decoded picture: L1, LPIPS, DISTS, color, and a discriminator.

The discriminator's gradient is balanced: it is scaled to a fixed share of the gradient of the
other terms, whatever the size of the two losses. The two are compared where they act, in the
weights of the last layer.

References:
    Lim, Ye: Geometric GAN, 2017 (hinge loss), https://arxiv.org/abs/1705.02894
    Esser et al.: Taming Transformers for High-Resolution Image Synthesis, CVPR 2021, eq. 7
    (adaptive weight), https://arxiv.org/abs/2012.09841
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.shapes import Image01
from difficmh_core.tagging.classifier import EfficientNetLite0
from difficmh_core.training.discriminator import ProjectedDiscriminator, augmented
from difficmh_core.training.settings import PictureWeights

_TINY = 1e-12
_COLOR_PX = 32
"""Side of the squares whose mean colors are compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerceptualLosses:
    """How to get the perceptual distances that a stage's weights ask for, on demand.

    Attributes:
        lpips: Returns LPIPS, ``(reference, decoded) -> (batch,)``.
        dists: Returns DISTS, likewise.
        classifier: Returns what the discriminator sees pictures with.
    """

    lpips: Callable[[], nn.Module]
    dists: Callable[[], nn.Module]
    classifier: Callable[[], EfficientNetLite0]


class PictureLoss(nn.Module):
    """The weighted sum of the losses on decoded pictures; holds the discriminator."""

    def __init__(
        self, weights: PictureWeights, perceptual: PerceptualLosses, context_channels: int = 0
    ) -> None:
        """Build the discriminator, and load the networks of what has a weight.

        Args:
            weights: Weights of the terms.
            perceptual: Where the networks come from.
            context_channels: Width of the tags' embeddings, if the discriminator is told of them.
        """
        super().__init__()
        self.weights = weights
        self.lpips = perceptual.lpips() if weights.lpips else None
        self.dists = perceptual.dists() if weights.dists else None
        self.discriminator, self.classifier = None, None
        if weights.adversarial:
            self.discriminator = ProjectedDiscriminator(context_channels)
            self.classifier = perceptual.classifier().requires_grad_(requires_grad=False).eval()

    def forward(
        self,
        image: Image01,
        decoded: Tensor,
        share_done: float,
        compare_at: Tensor,
        emphasis: Float[Tensor, " batch"] | None = None,
        pulled_context: Float[Tensor, "pulled tokens context"] | None = None,
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
            pulled_context: Embeddings of tags. The discriminator is told of them, and sees the
                first pictures only, as many as there are; ``None`` shows it all, without tags.
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
            if weights.color:
                difference = functional.avg_pool2d(picture - image, _COLOR_PX, _COLOR_PX // 2)
                terms["color"] = (difference.abs().flatten(1).mean(dim=1), emphasis)
            loss = sum(getattr(weights, k) * (v * e).mean() for k, (v, e) in terms.items())
            (gradient,) = torch.autograd.grad(loss, picture)
        losses = {name: values.detach().mean() for name, (values, _) in terms.items()}
        if self.discriminator is not None and self.classifier is not None:
            see = self.classifier.maps
            n = len(image) if pulled_context is None else len(pulled_context)
            if share_done >= weights.adversarial_from:
                with torch.enable_grad():
                    realism = self.discriminator.realism(
                        see(augmented(picture[:n])), pulled_context
                    )
                    (pull,) = torch.autograd.grad((realism * emphasis[:n]).mean().neg(), picture)
                ours, theirs = (_length_at(compare_at, decoded, g) for g in (gradient, pull))
                gradient = gradient + weights.adversarial * ours / (theirs + _TINY) * pull
            with torch.no_grad():
                real, fake = (see(augmented(shot[:n])) for shot in (image, picture.detach()))
            losses["discriminator"] = self.discriminator.loss(real, fake, pulled_context)
        # Its value is the loss, its gradient the balanced one.
        surrogate = (decoded.float() * gradient).sum()
        losses["picture"] = loss.detach() + surrogate - surrogate.detach()
        return losses


def _length_at(place: Tensor, decoded: Tensor, gradient: Tensor) -> Tensor:
    """The norm that a gradient in the picture has further back."""
    (further,) = torch.autograd.grad(decoded, place, gradient.to(decoded.dtype), retain_graph=True)
    length: Tensor = further.float().norm()
    return length
