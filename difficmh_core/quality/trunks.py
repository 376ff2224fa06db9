"""The two classification networks whose features LPIPS and DISTS compare, and how they compare.

Only the convolutions are here, up to the last one that a metric reads; each returns its five
rectified feature maps. The weights were learned on ImageNet and stay frozen.

References:
    Krizhevsky: One weird trick for parallelizing convolutional neural networks, 2014 (AlexNet),
    https://arxiv.org/abs/1404.5997
    Simonyan, Zisserman: Very Deep Convolutional Networks, 2015, configuration D (VGG-16),
    https://arxiv.org/abs/1409.1556
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core.shapes import Image01
from difficmh_core.weights.loading import load_strict

VGG16_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of the convolutions of each stage of VGG-16."""


class Trunk(nn.Module):
    """Five stages of convolutions, run one after another.

    Attributes:
        channels: Channels of each stage's output.
    """

    def __init__(self, stages: list[nn.Sequential], channels: tuple[int, ...]) -> None:
        super().__init__()
        self.channels = channels
        self.stages = nn.ModuleList(stages)
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the output of each stage for normalized images."""
        features = []
        for stage in self.stages:
            image = stage(image)
            features.append(image)
        return features

    def load(self, tensors: Mapping[str, Tensor], name: str) -> None:
        """Fill the convolutions, in their order, from ``Conv_0``, ``Conv_1`` and so on.

        Args:
            tensors: For each convolution a ``kernel`` (height, width, in, out) and a ``bias``.
            name: What the weights are, for messages.

        Raises:
            CheckpointError: If a tensor is missing, left over or of another shape.
        """
        own = [key for key, module in self.named_modules() if isinstance(module, nn.Conv2d)]
        renamed = {f"Conv_{i}": key for i, key in enumerate(own)}
        mapped = {}
        for key, tensor in tensors.items():
            layer, _, kind = key.partition(".")
            target = renamed.get(layer, layer)
            if kind == "kernel":
                mapped[f"{target}.weight"] = tensor.permute(3, 2, 0, 1)  # HWIO to OIHW
            else:
                mapped[f"{target}.{kind}"] = tensor
        load_strict(self, mapped, name)


class TrunkDistance(nn.Module, ABC):
    """A distance between the features of two pictures; frozen, differentiable in both pictures."""

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        trunk: Trunk,
        mean: tuple[float, float, float],
        deviation: tuple[float, float, float],
    ) -> None:
        """Keep the network and what its pictures are normalized by.

        Args:
            trunk: Sees the pictures.
            mean: Of the pictures that it learned from, R, G and B.
            deviation: Their standard deviation.
        """
        super().__init__()
        self.trunk = trunk
        for name, values in {"mean": mean, "deviation": deviation}.items():
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, reference: Image01, decoded: Image01) -> Float[Tensor, " batch"]:
        """Return the distance of each pair, about 0 for equal pictures (lower is better).

        Args:
            reference: Original images, RGB in [0, 1].
            decoded: Decoded images of the same size, RGB in [0, 1].

        Returns:
            One value per pair, without unit, in float32 even under autocast.
        """
        return self.compare(self.features(reference), self.features(decoded))

    @abstractmethod
    def features(self, image: Image01) -> list[Tensor]:
        """The features of pictures that are compared, one tensor for each stage."""

    @abstractmethod
    def compare(self, ours: list[Tensor], theirs: list[Tensor]) -> Float[Tensor, " batch"]:
        """Return the distance of each pair of :meth:`features`."""


def alexnet_trunk() -> Trunk:
    """Return AlexNet's five convolutions, with random weights."""
    return Trunk(
        [
            nn.Sequential(nn.Conv2d(3, 64, 11, stride=4, padding=2), nn.ReLU()),
            nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()),
            nn.Sequential(nn.MaxPool2d(3, 2), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
            nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
        ],
        channels=(64, 192, 384, 256, 256),
    )


def vgg16_trunk(pooling: Callable[[int], nn.Module]) -> Trunk:
    """Return VGG-16's thirteen convolutions, with random weights.

    Args:
        pooling: Makes the layer that halves the size, for a number of channels.
    """
    stages = []
    n_in = 3
    for index, widths in enumerate(VGG16_STAGES):
        layers: list[nn.Module] = [pooling(n_in)] if index else []
        for width in widths:
            layers += [nn.Conv2d(n_in, width, 3, padding=1), nn.ReLU()]
            n_in = width
        stages.append(nn.Sequential(*layers))
    return Trunk(stages, channels=tuple(widths[-1] for widths in VGG16_STAGES))
