"""ELIC beside ours: the reduced one that is packaged, or published weights that a user has.

Its files hold width, height and quality in five bytes, then one rANS stream. Unlike ours they are
not portable: the networks that decide symbols run in floating point, on one thread so that at
least the number of threads does not matter. They live as long as a comparison.

References:
    He et al.: ELIC, CVPR 2022, https://arxiv.org/abs/2203.10886
"""

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from difficmh_core._support.threads import one_thread
from difficmh_core.baselines.baseline import Baseline
from difficmh_core.baselines.elic_network import STRIDE_PX, ElicNetwork, config_of
from difficmh_core.config.networks import ElicConfig
from difficmh_core.errors import CheckpointError, ProgramError
from difficmh_core.image_io import crop, pad_to_multiple, to_image, to_tensor
from difficmh_core.weights.cards import sha256_of
from difficmh_core.weights.loading import load_strict, read_safetensors, read_torch_file
from difficmh_core.weights.network_card import ELIC_FILE, read_network_card

_HEADER = struct.Struct("<HHB")
_MAX_QUALITY = 100
_TABLES = ("_quantized_cdf", "_offset", "_cdf_length", "scale_table")
"""Buffers that CompressAI computes anew from the weights."""
_OLD_NAME = re.compile(r"\b_(matrix|bias|factor)(\d)$")
"""How CompressAI called the hyper-latent's prior before version 1.2.7."""
_NEW_NAMES = {"matrix": "matrices", "bias": "biases", "factor": "factors"}
_N_VERSION_DIGITS = 8


class Elic(Baseline):
    """ELIC by CompressAI's layers: one network of every rate, or one for each rate."""

    key = "elic"
    max_side_px = 65_535

    def __init__(self, networks: Sequence[ElicNetwork], name: str, version: str) -> None:
        """Offer loaded networks as a codec.

        Args:
            networks: One with gains, or those of single rates, from the smallest file on.
            name: How people name it.
            version: Of the weights.
        """
        self.name, self.version = name, version
        self._networks = [
            network.eval().requires_grad_(requires_grad=False) for network in networks
        ]
        for network in self._networks:
            network.prepare()
        has_gains = self._networks[0].gains is not None
        self.qualities = range(_MAX_QUALITY + 1) if has_gains else range(len(self._networks))

    def encode(self, image: Image.Image, quality: int) -> bytes:
        """Return the whole file; arguments and errors as :meth:`Baseline.encode`."""
        return self.open(image)(quality)

    @torch.inference_mode()
    def open(self, image: Image.Image) -> Callable[[int], bytes]:
        """As :meth:`Baseline.open`; each network analyzes the picture once."""
        self.check(image)
        padded = pad_to_multiple(to_tensor(image), STRIDE_PX)
        latents = dict[int, Tensor]()

        @torch.inference_mode()
        def encode(quality: int) -> bytes:
            index, share = self._place(quality)
            network = self._networks[index]
            if index not in latents:
                latents[index] = network.analyze(padded)
            with one_thread():
                stream = network.compress(latents[index], share)
            return _HEADER.pack(image.width, image.height, quality) + stream

        return encode

    @torch.inference_mode()
    def decode(self, data: bytes) -> Image.Image:
        """Return the picture; errors as :meth:`Baseline.decode`."""
        try:
            width, height, quality = _HEADER.unpack_from(data)
        except struct.error as error:
            raise ProgramError(f"{self.name} cannot decode its file ({error}).") from error
        size = tuple(-(-side // STRIDE_PX) * STRIDE_PX for side in (height, width))
        index, share = self._place(quality)
        network = self._networks[index]
        with one_thread():
            latent = network.decompress(data[_HEADER.size :], (size[0], size[1]))
        return to_image(crop(network.synthesize(latent, share), (height, width)))

    def _place(self, quality: int) -> tuple[int, float]:
        """Find the network that codes a quality, and the place between its ends."""
        if len(self._networks) > 1:
            return quality, 0.0
        return 0, quality / _MAX_QUALITY


def packaged_elic() -> Elic:
    """Return the reduced ELIC that ships with this package.

    Raises:
        CheckpointError: If file or card is missing or damaged.
    """
    card = read_network_card(ELIC_FILE)
    config = ElicConfig()
    network = ElicNetwork(config)
    load_strict(network, read_safetensors(ELIC_FILE)[0], ELIC_FILE.name)
    name = f"ELIC (reduced: N {config.channels}, M {config.latent_channels}; trained here)"
    return Elic([network], name, card.sha256[:_N_VERSION_DIGITS])


def published_elic(files: Sequence[Path]) -> Elic:
    """Return ELIC with published weights, such as those trained with CompressAI.

    Args:
        files: State dictionaries of CompressAI's ``Elic2022Official`` or ``Elic2022Chandelier``,
            one for each rate, from the smallest files on; safetensors or what ``torch.save``
            wrote, of which nothing but tensors is read.

    Raises:
        CheckpointError: If a file is missing or damaged, or holds another network.
    """
    networks = [_published(path) for path in files]
    config = networks[0].config
    name = (
        f"ELIC (N {config.channels}, M {config.latent_channels}; "
        f"{len(networks)} published {'rate' if len(networks) == 1 else 'rates'})"
    )
    version = " ".join(sha256_of(path)[:_N_VERSION_DIGITS] for path in files)
    return Elic(networks, name, version)


def _published(path: Path) -> ElicNetwork:
    is_safe = path.suffix == ".safetensors"
    tensors = read_safetensors(path)[0] if is_safe else read_torch_file(path)
    kept = {
        _OLD_NAME.sub(_new_name, key.removeprefix("module.")): tensor
        for key, tensor in tensors.items()
        if not key.endswith(_TABLES)
    }
    try:
        config = config_of(kept)
    except KeyError as error:
        raise CheckpointError(
            f"The weights {path.name} are no ELIC of CompressAI: {error} is missing. Name state "
            "dictionaries of Elic2022Official or Elic2022Chandelier."
        ) from error
    network = ElicNetwork(config)
    tables: Mapping[str, Tensor] = {
        key: value for key, value in network.state_dict().items() if key.endswith(_TABLES)
    }
    own = {f"elic.{key}": tensor for key, tensor in kept.items()}
    load_strict(network, {**tables, **own}, path.name)
    return network


def _new_name(match: re.Match[str]) -> str:
    return f"{_NEW_NAMES[match[1]]}.{match[2]}"
