"""How much memory a picture of any size needs, counted without a device that has it.

    python -m benchmarks.memory [--profile sd21] [--sizes 768x512 3840x2160] [--dtype bfloat16]

The networks are built on PyTorch's ``meta`` device, which computes shapes and no values, and what
a real device would hold at the same moment is added up. Attention counts as a fused kernel, which
keeps no matrix of weights. Not counted: workspaces of the libraries, and the context model and
range decoder, which need less than the analysis of the same picture.
"""

import argparse
import json
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, UntypedStorage, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.networks import CodecConfig
from difficmh_core.config.profiles import PROFILES
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import TextTower
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.decoder import DiffusionDecoder
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.models.sd21 import AUTOENCODER_TILING
from difficmh_core.tagging.ram import RamConfig, RamNetwork

__all__ = ["CONFIGS", "FusedAttention", "LiveTensors", "peak_of_stages"]

CONFIGS = {name: profile.config for name, profile in PROFILES.items()}
_N_TOKENS = 77
_PX_PER_BLOCK = 64


class LiveTensors(TorchDispatchMode):
    """Adds up the tensors that are made inside it and not yet freed.

    Attributes:
        n_bytes: What is held now [bytes].
        peak_bytes: The most that was held at any moment [bytes].
    """

    def __init__(self, networks: Iterable[nn.Module] = ()) -> None:
        """Begin with nothing.

        Args:
            networks: What was there before; views of their weights take no memory.
        """
        super().__init__()
        self.n_bytes = self.peak_bytes = 0
        states = [network.state_dict() for network in networks]
        self._before = {
            id(value.untyped_storage()) for state in states for value in state.values()
        }
        self._held: dict[int, weakref.ref[UntypedStorage]] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[object] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run an operation and count what it made."""
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self._count(value.untyped_storage())
        return result

    def _count(self, storage: UntypedStorage) -> None:
        key, n_bytes = id(storage), storage.nbytes()
        if key in self._held or key in self._before:
            return

        def freed(_: object) -> None:
            del self._held[key]
            self.n_bytes -= n_bytes

        self._held[key] = weakref.ref(storage, freed)
        self.n_bytes += n_bytes
        self.peak_bytes = max(self.peak_bytes, self.n_bytes)


class FusedAttention(TorchFunctionMode):
    """Attention that makes nothing but its result, as fused kernels do."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        """Run a function, attention in its fused form."""
        if func is functional.scaled_dot_product_attention:
            query, _, value = args[:3]
            return query.new_empty(*query.shape[:-1], value.shape[-1])
        return func(*args, **(kwargs or {}))


def peak_of_stages(
    config: CodecConfig,
    width: int,
    height: int,
    *,
    dtype: torch.dtype = torch.bfloat16,
    tagger: RamConfig | None = None,
) -> dict[str, float]:
    """Return the memory of the weights, and the most of each stage beside them [GB].

    Args:
        config: Sizes of the networks.
        width: Of the picture [px].
        height: Of the picture [px].
        dtype: Element type of all networks but the latent codec and the tagger.
        tagger: Sizes of RAM++; ``None`` leaves it out.
    """
    height, width = (-(-side // _PX_PER_BLOCK) * _PX_PER_BLOCK for side in (height, width))
    with torch.device("meta"):
        autoencoder = Autoencoder(config.autoencoder).to(dtype)
        unet = ControlledUNet(
            DenoisingUNet(config.unet), ControlModule(config.unet, config.control)
        ).to(dtype)
        latent_codec = LatentCodec(config.latent_codec)
        networks: list[nn.Module] = [autoencoder, unet, latent_codec]
        if config.conditioning.text_tower is not None:
            networks.append(TextTower(config.conditioning.text_tower).to(dtype))
        if tagger is not None:
            networks.append(RamNetwork(tagger))
        picture = torch.empty(1, 3, height, width)
        latent = torch.empty(1, config.unet.diffusion_channels, height // 8, width // 8)
        context = torch.empty(1, _N_TOKENS, config.unet.context_channels)
    if config.autoencoder.patch_px == 1:
        autoencoder.tiling = AUTOENCODER_TILING
    for network in networks:
        network.requires_grad_(requires_grad=False).eval()
    stages: dict[str, Callable[[], object]] = {
        "encode: autoencoder": lambda: autoencoder.encode(picture),
        "encode: analysis": lambda: latent_codec.analyze(picture, latent),
        "decode: denoising": lambda: _denoise(unet, config, latent, context),
        "decode: autoencoder": lambda: autoencoder.decode(latent),
    }
    n_weights = sum(
        value.nbytes for network in networks for value in network.state_dict().values()
    )
    peaks = {"weights": n_weights / 1e9}
    for name, run in stages.items():
        with ExitStack() as modes:
            modes.enter_context(torch.no_grad())
            modes.enter_context(FusedAttention())
            live = modes.enter_context(LiveTensors(networks))
            run()
        peaks[name] = live.peak_bytes / 1e9
    return peaks


def _denoise(unet: ControlledUNet, config: CodecConfig, latent: Tensor, context: Tensor) -> object:
    """Run one guided step, in tiles where the picture is large."""
    settings = DecodeSettings(steps=1, guidance_scale=2.0, sampler=SamplerName.DDIM)
    decoder = DiffusionDecoder(unet, NoiseSchedule(config.schedule))
    return list(decoder.steps(latent, context, context, settings, 0))


def lines(arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
    """Yield one line for each size."""
    config = CONFIGS[arguments.profile]
    tagger = RamConfig() if arguments.profile == "sd21" else None
    for size in arguments.sizes:
        width, height = (int(side) for side in size.split("x"))
        dtype = getattr(torch, arguments.dtype)
        peaks = peak_of_stages(config, width, height, dtype=dtype, tagger=tagger)
        most = max(value for name, value in peaks.items() if name != "weights")
        peaks |= {"most at once": peaks["weights"] + most}
        yield {"size": size} | {f"{name} [GB]": round(value, 2) for name, value in peaks.items()}


def main() -> None:
    """Count, and print one line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default="sd21", choices=list(CONFIGS))
    parser.add_argument("--sizes", nargs="+", default=["768x512", "1920x1080", "3840x2160"])
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float32"])
    for line in lines(parser.parse_args()):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
