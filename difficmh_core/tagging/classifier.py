"""EfficientNet-Lite0: which of the thousand classes of ImageNet a picture shows.

Inverted residual blocks without squeeze-and-excitation, with ReLU6, so that small devices run it::

    stem 3x3/2 ─ 16 blocks, strides 1 2 2 2 1 2 1 ─ head 1x1 ─ mean over positions ─ linear

Ported from TensorFlow weights: strided convolutions pad as TensorFlow's "SAME" does, one more at
the bottom and the right than at the top and the left.

References:
    Tan, Le: EfficientNet, ICML 2019, table 1, https://arxiv.org/abs/1905.11946
    Liu, Tan, et al.: EfficientNet-Lite, 2020,
    https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
"""

from itertools import accumulate

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.shapes import Image01

N_CLASSES = 1000
"""Classes of ImageNet-1k."""
INPUT_SIZE_PX = 224
"""Side of the square that the network was trained to see [px]."""
CROP_FRACTION = 0.875
"""Part of the shorter side that the central square covers, as in the authors' evaluation."""

_MEAN = 127.0 / 255.0
_SCALE = 128.0 / 255.0
"""The authors' normalization (value - 127) / 128 of values in 0 to 255, for values in [0, 1]."""
_NORM_EPSILON = 1e-3
_STAGES = (
    # repeats, kernel, stride, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM_CHANNELS = 32
_HEAD_CHANNELS = 1280


class EfficientNetLite0(nn.Module):
    """The classifier; pictures of any size go in, class probabilities come out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, _STEM_CHANNELS, kernel=3, stride=2)
        blocks = []
        n_in = _STEM_CHANNELS
        for repeats, kernel, stride, expansion, n_out in _STAGES:
            for index in range(repeats):
                step = stride if index == 0 else 1
                blocks.append(InvertedResidual(n_in, n_out, kernel, step, expansion))
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.head = ConvNorm(n_in, _HEAD_CHANNELS, kernel=1)
        self.classifier = nn.Linear(_HEAD_CHANNELS, N_CLASSES)

    def forward(self, image: Image01) -> Float[Tensor, "batch 1000"]:
        """Return the logit of each class.

        Args:
            image: RGB in [0, 1], already of the size that the network shall see.
        """
        logits: Tensor = self.classifier(self.pooled(image))
        return logits

    def pooled(self, image: Image01) -> Float[Tensor, "batch 1280"]:
        """Return the features of the last layer before the classes, averaged over positions.

        Args:
            image: RGB in [0, 1], already of the size that the network shall see.
        """
        features = functional.relu6(self.head(self.blocks(self._stem(image))))
        return features.mean(dim=(2, 3))

    def probabilities(self, image: Image01) -> Float[Tensor, "batch 1000"]:
        """Return the probability of each class; together they make 1.

        The central square, 7/8 of the shorter side, is what the network sees.

        Args:
            image: RGB in [0, 1], of any size.
        """
        logits: Tensor = self(central_square(image))
        return logits.softmax(dim=1)

    def stages(self, image: Image01) -> list[Float[Tensor, "batch _features _height _width"]]:
        """Return the :meth:`maps` of the central square of pictures of any size."""
        return self.maps(central_square(image))

    def maps(self, image: Image01) -> list[Float[Tensor, "batch _features _height _width"]]:
        """Return the features after the stem, each of the seven stages, and the head.

        Args:
            image: RGB in [0, 1], already of the size that the network shall see.
        """
        ends = set(accumulate(repeats for repeats, *_ in _STAGES))
        features = self._stem(image)
        found = [features]
        for index, block in enumerate(self.blocks, start=1):
            features = block(features)
            if index in ends:
                found.append(features)
        return [*found, functional.relu6(self.head(features))]

    def _stem(self, image: Image01) -> Tensor:
        return functional.relu6(self.stem((image - _MEAN) / _SCALE))


class ConvNorm(nn.Module):
    """A convolution that pads as TensorFlow does, then batch normalization."""

    def __init__(
        self, n_in: int, n_out: int, *, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(n_out, eps=_NORM_EPSILON)
        self._kernel, self._stride = kernel, stride

    def forward(self, features: Tensor) -> Tensor:
        """Return features of size / stride, rounded up."""
        top, bottom = self._padding(features.shape[2])
        left, right = self._padding(features.shape[3])
        padded = functional.pad(features, (left, right, top, bottom))
        output: Tensor = self.norm(self.conv(padded))
        return output

    def _padding(self, size: int) -> tuple[int, int]:
        """Return the padding before and after one axis of this size [px]."""
        n_out = -(-size // self._stride)
        total = max((n_out - 1) * self._stride + self._kernel - size, 0)
        return total // 2, total - total // 2


class InvertedResidual(nn.Module):
    """Widen, filter each channel, narrow; added to the input where the shapes agree."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        n_hidden = n_in * expansion
        self.expand = ConvNorm(n_in, n_hidden, kernel=1) if expansion > 1 else None
        self.depthwise = ConvNorm(
            n_hidden, n_hidden, kernel=kernel, stride=stride, groups=n_hidden
        )
        self.project = ConvNorm(n_hidden, n_out, kernel=1)
        self._is_residual = stride == 1 and n_in == n_out

    def forward(self, features: Tensor) -> Tensor:
        """Return the block's output."""
        hidden = features if self.expand is None else functional.relu6(self.expand(features))
        output: Tensor = self.project(functional.relu6(self.depthwise(hidden)))
        return features + output if self._is_residual else output


def central_square(image: Image01) -> Float[Tensor, "batch 3 224 224"]:
    """Cut out the central square and scale it to the network's size.

    Args:
        image: RGB in [0, 1], of any size.
    """
    height_px, width_px = image.shape[2:]
    side = max(round(min(height_px, width_px) * CROP_FRACTION), 1)
    top, left = (height_px - side) // 2, (width_px - side) // 2
    square = image[:, :, top : top + side, left : left + side]
    size = (INPUT_SIZE_PX, INPUT_SIZE_PX)
    scaled = functional.interpolate(
        square, size, mode="bicubic", antialias=True, align_corners=False
    )
    return scaled.clamp(0.0, 1.0)
