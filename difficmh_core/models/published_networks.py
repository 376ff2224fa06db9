"""The networks of the published system, filled from its files without reading them.

They are built without values and take the tensors that the files are mapped to. So a file that
does not fit is refused within seconds, whatever its size, and what is never used is never read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from accelerate import init_empty_weights
from torch import Tensor, nn

from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.networks import CodecConfig
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import TextTower
from difficmh_core.diffusion.control import ControlModule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import CheckpointError, ConfigError
from difficmh_core.tagging.ram import RamConfig, RamNetwork
from difficmh_core.weights.published.checkpoint import account_for, read_checkpoint
from difficmh_core.weights.published.codec import load_published_codec
from difficmh_core.weights.published.diffusion import (
    load_published_autoencoder,
    load_published_control,
    load_published_text_tower,
    load_published_unet,
)
from difficmh_core.weights.published.tagger import load_published_tagger

ModuleT = TypeVar("ModuleT", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PublishedNetworks:
    """The networks of one rate, except the tagger."""

    tower: TextTower
    autoencoder: Autoencoder
    base: DenoisingUNet
    control: ControlModule
    latent_codec: LatentCodec


def empty(config: CodecConfig) -> PublishedNetworks:
    """Return the networks without values.

    Raises:
        ConfigError: If the configuration names no text tower.
    """
    if config.conditioning.text_tower is None:
        raise ConfigError("The published system needs a text tower, but none is configured.")
    with init_empty_weights():
        return PublishedNetworks(
            tower=TextTower(config.conditioning.text_tower),
            autoencoder=Autoencoder(config.autoencoder),
            base=DenoisingUNet(config.unet),
            control=ControlModule(config.unet, config.control),
            latent_codec=LatentCodec(config.latent_codec),
        )


def empty_tagger(config: RamConfig) -> RamNetwork:
    """Return the tagger's network without values."""
    with init_empty_weights():
        return RamNetwork(config)


def n_values(*networks: nn.Module) -> int:
    """Count the parameters."""
    return sum(value.numel() for network in networks for value in network.parameters())


def filled(config: CodecConfig, weights: Sequence[Path]) -> PublishedNetworks:
    """Return the networks with the values of files, mapped.

    Args:
        config: Sizes of the networks.
        weights: The checkpoint, or the stripped files made of it.

    Raises:
        CheckpointError: If a tensor is missing, unknown or of another shape.
        ConfigError: If the configuration names no text tower.
    """
    source, tensors = _mapped(weights)
    parts = empty(config)
    load_published_text_tower(parts.tower, tensors, source)
    load_published_autoencoder(parts.autoencoder, tensors, source)
    load_published_unet(parts.base, tensors, source)
    load_published_control(parts.control, tensors, source)
    load_published_codec(parts.latent_codec, tensors, source)
    for module in (parts.tower, parts.autoencoder, parts.base, parts.control, parts.latent_codec):
        _finish(module, source)
    return parts


def filled_tagger(config: RamConfig, weights: Sequence[Path]) -> RamNetwork:
    """Return the tagger's network with the values of files, as :func:`filled` does."""
    source, tensors = _mapped(weights)
    network = empty_tagger(config)
    load_published_tagger(network, tensors, source)
    return _finish(network, source)


def _mapped(weights: Sequence[Path]) -> tuple[str, dict[str, Tensor]]:
    """Map the files; their name for messages, and every tensor that they hold."""
    source, tensors = weights[-1].name, dict[str, Tensor]()
    for path in weights:
        tensors |= read_checkpoint(path)
    account_for(tensors, source)
    return source, tensors


def _finish(module: ModuleT, source: str) -> ModuleT:
    """Return a loaded network ready to run, and refuse one that is not loaded to the end."""
    empty = [name for name, value in module.state_dict().items() if value.is_meta]
    if empty:
        raise CheckpointError(
            f"{source} left {len(empty)} values of {type(module).__name__} without content "
            f"({empty[0]}). Use a published checkpoint."
        )
    module.requires_grad_(requires_grad=False)
    return module.eval()
