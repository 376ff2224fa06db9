"""ELIC: a learned codec for PSNR, CompressAI's layers with one stream for a whole picture.

The reduced width that is trained here codes every rate with one network: gains (see
:mod:`difficmh_core.compression.gains`) stand around CompressAI's model, which stays what it is.

References:
    He et al.: ELIC: Efficient Learned Image Compression with Unevenly Grouped Space-Channel
    Contextual Adaptive Coding, CVPR 2022, https://arxiv.org/abs/2203.10886
    CompressAI, ``Elic2022Official``, https://github.com/InterDigitalInc/CompressAI
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

from jaxtyping import Float
from torch import Tensor, nn

from difficmh_core._support import torchvision_operators  # noqa: F401 (before compressai)
from difficmh_core.errors import BackendUnavailableError

# isort: split
try:
    from compressai.ans import BufferedRansEncoder, RansDecoder
    from compressai.entropy_models import EntropyModel
    from compressai.latent_codecs import CheckerboardLatentCodec
    from compressai.models.sensetime import Elic2022Chandelier, Elic2022Official
except ImportError as error:
    raise BackendUnavailableError(
        f"ELIC needs the package compressai ({error}), which is not published for every machine "
        "and version of Python. All other codecs work without it."
    ) from error

from difficmh_core.compression.gains import Gains
from difficmh_core.config.networks import ElicConfig
from difficmh_core.shapes import Image01

STRIDE_PX = 64
"""Side of the square that one value of the hyper-latent stands for [px]."""
_LATENT_STRIDE_PX = 16
_CHANDELIER_CHANNELS = 512


class ElicOutput(NamedTuple):
    """What training sees.

    Attributes:
        image: The decoded pictures, not clipped.
        bits: Estimated size of each [bit].
    """

    image: Float[Tensor, "batch 3 height width"]
    bits: Float[Tensor, " batch"]


class ElicNetwork(nn.Module):
    """ELIC, of one rate or, with gains, of every rate."""

    def __init__(self, config: ElicConfig) -> None:
        """Build the layers, randomly initialized.

        Args:
            config: Widths.
        """
        super().__init__()
        self.config = config
        kind = Elic2022Chandelier if config.is_chandelier else Elic2022Official
        self.elic = kind(config.channels, config.latent_channels, config.groups)
        self.gains = (
            Gains(config.n_rate_points, config.latent_channels, config.gain_spread)
            if config.n_rate_points
            else None
        )
        for module in self.elic.modules():
            if isinstance(module, CheckerboardLatentCodec):
                # Equal to the other two-pass method, without its redundant operations.
                module.forward_method = "twopass_faster"

    def forward(self, image: Image01, quality: Float[Tensor, " batch"]) -> ElicOutput:
        """Return decoded pictures and estimated bits, with gradients.

        Args:
            image: RGB in [0, 1], sides multiples of 64 px.
            quality: In [0, 1]; ignored by a network of one rate.
        """
        coded = self.elic.latent_codec(self._gained(self.elic.g_a(image), quality))
        bits = sum(
            -likelihoods.log2().flatten(1).sum(dim=1)
            for likelihoods in coded["likelihoods"].values()
        )
        decoded = self.elic.g_s(self._ungained(coded["y_hat"], quality))
        return ElicOutput(decoded, cast(Tensor, bits))

    def auxiliary_loss(self) -> Float[Tensor, ""]:
        """The loss that fits the quantiles of the hyper-latent's prior."""
        loss: Tensor = self.elic.latent_codec["hyper"].entropy_bottleneck.loss()
        return loss

    def prepare(self) -> None:
        """Compute the integer tables that coding needs, after weights were loaded."""
        self.elic.update(force=True)

    def analyze(self, image: Image01) -> Float[Tensor, "1 m h16 w16"]:
        """Return the latent of one picture, before gains and rounding."""
        latent: Tensor = self.elic.g_a(image)
        return latent

    def compress(self, latent: Float[Tensor, "1 m h16 w16"], quality: float) -> bytes:
        """Return the entropy-coded latent: one rANS stream.

        Args:
            latent: Of :meth:`analyze`.
            quality: In [0, 1].
        """
        coder = _WritingCoder()
        self._use(coder)
        self.elic.latent_codec.compress(self._gained(latent, latent.new_tensor([quality])))
        return coder.flush()

    def decompress(self, data: bytes, size: tuple[int, int]) -> Float[Tensor, "1 m h16 w16"]:
        """Return the rounded latent of a stream that :meth:`compress` made, gained as it was.

        Args:
            data: The stream.
            size: Height and width of the picture [px], multiples of 64.
        """
        self._use(_ReadingCoder(data))
        height, width = (side // _LATENT_STRIDE_PX for side in size)
        groups = self.config.groups
        decoded = self.elic.latent_codec.decompress(
            # One empty string where CompressAI expects one per pass: the coder has the stream.
            [[b""]] * (2 * len(groups) + 1),
            {
                "y": [(channels, height, width) for channels in groups],
                "hyper": (height // 4, width // 4),
            },
        )
        latent: Tensor = decoded["y_hat"]
        return latent

    def synthesize(self, latent: Float[Tensor, "1 m h16 w16"], quality: float) -> Image01:
        """Return the picture of a latent that :meth:`decompress` gave.

        Args:
            latent: Rounded and gained.
            quality: As when it was coded.
        """
        image: Tensor = self.elic.g_s(self._ungained(latent, latent.new_tensor([quality])))
        return image.clamp(0, 1)

    def _gained(self, latent: Tensor, quality: Tensor) -> Tensor:
        return latent if self.gains is None else latent * self.gains.gain(quality)

    def _ungained(self, latent: Tensor, quality: Tensor) -> Tensor:
        return latent if self.gains is None else latent * self.gains.inverse_gain(quality)

    def _use(self, coder: "_WritingCoder | _ReadingCoder") -> None:
        for module in self.elic.modules():
            if isinstance(module, EntropyModel):
                module.entropy_coder = coder


class _WritingCoder:
    """Collects all symbols of a picture for one stream.

    CompressAI's latent codecs write one stream for each group and pass, each with some bytes of
    its own, and read it back at once to go on from the rounded values; this gives them back.
    """

    def __init__(self) -> None:
        self._encoder = BufferedRansEncoder()
        self._last: Sequence[int] = ()

    def encode_with_indexes(self, symbols: Sequence[int], *tables: object) -> bytes:
        self._encoder.encode_with_indexes(symbols, *tables)
        self._last = symbols
        return b""

    def decode_with_indexes(self, *_: object) -> Sequence[int]:
        return self._last

    def flush(self) -> bytes:
        data: bytes = self._encoder.flush()
        return data


class _ReadingCoder:
    """Reads the symbols of one stream in the order in which they were written."""

    def __init__(self, data: bytes) -> None:
        self._decoder = RansDecoder()
        self._decoder.set_stream(data)

    def decode_with_indexes(self, _: bytes, *tables: object) -> Sequence[int]:
        symbols: Sequence[int] = self._decoder.decode_stream(*tables)
        return symbols


def config_of(tensors: Mapping[str, Tensor]) -> ElicConfig:
    """Return the widths of published weights, read off their shapes.

    Args:
        tensors: State of an ``Elic2022Official`` or ``Elic2022Chandelier``.

    Raises:
        KeyError: If a layer is missing.
    """
    groups = list[int]()
    group = "latent_codec.y.latent_codec.y{}.{}.weight"
    while (key := group.format(len(groups), "context_prediction")) in tensors:
        groups.append(tensors[key].shape[1])
    channels = tensors["g_a.0.weight"].shape[0]
    # Chandelier's second layer has the same width in every group.
    second = {
        tensors[group.format(index, "entropy_parameters.2")].shape[0]
        for index in range(len(groups))
    }
    return ElicConfig(
        channels=channels,
        latent_channels=tensors["g_s.1.weight"].shape[0],
        groups=tuple(groups),
        n_rate_points=0,
        is_chandelier=second == {_CHANDELIER_CHANNELS},
    )
