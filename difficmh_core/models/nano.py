"""Profile ``nano``, whose weights are packaged, and ``tiny``, whose weights are random."""

from pathlib import Path
from typing import cast

import torch
from torch import nn

from difficmh_core.codec import DiffICMHCodec, Networks, Tagger
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.networks import CodecConfig
from difficmh_core.config.profiles import NANO, TINY
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import TagEmbedding
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.preview import LatentPreview
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.vocabulary import load_vocabulary
from difficmh_core.weights.loading import load_strict, read_safetensors
from difficmh_core.weights.recognition import load_tagger
from difficmh_core.weights.storage import restored


def build_networks(config: CodecConfig) -> Networks:
    """Build the untrained networks of a profile.

    Raises:
        ConfigError: If the profile's text tower is asked for, which has no packaged form.
    """
    if config.conditioning.text_tower is not None:
        raise ConfigError(
            "Networks with a text tower are built from a published checkpoint, not from settings."
        )
    return Networks(
        autoencoder=Autoencoder(config.autoencoder),
        latent_codec=LatentCodec(config.latent_codec),
        unet=ControlledUNet(
            DenoisingUNet(config.unet), ControlModule(config.unet, config.control)
        ),
        conditioner=TagEmbedding(config.conditioning, config.unet.context_channels),
        preview=LatentPreview(config.autoencoder.diffusion_channels),
    )


def network_files(networks: Networks) -> dict[str, nn.Module]:
    """Find the module that each file of weights holds, by the file's stem."""
    prior = nn.ModuleDict(
        {"unet": networks.unet.base, "tags": cast(nn.Module, networks.conditioner)}
    )
    return {
        "autoencoder": nn.ModuleDict(
            {"autoencoder": networks.autoencoder, "preview": networks.preview}
        ),
        "prior": prior,
        "control": networks.unet.control,
        "latent_codec": networks.latent_codec,
    }


def load_nano(device: torch.device | str, cache_dir: Path, weights: Path) -> DiffICMHCodec:
    """Load ``nano``.

    Args:
        device: Where to run the networks.
        cache_dir: Where fetched weights lie, those of the tagger.
        weights: Where its own lie.

    Raises:
        CheckpointError: If its weights are missing or damaged.
    """
    networks = build_networks(NANO)
    for stem, module in network_files(networks).items():
        path = weights / f"{stem}.safetensors"
        tensors, _ = read_safetensors(path)
        load_strict(module, restored(tensors, path.name), name=path.name)
    return _codec(NANO, networks, device, cache_dir)


def load_tiny(device: torch.device | str, cache_dir: Path) -> DiffICMHCodec:
    """Make ``tiny``, the same at every call; arguments as those of :func:`load_nano`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = build_networks(TINY)
    networks.latent_codec.update_tables()
    return _codec(TINY, networks, device, cache_dir)


def _codec(
    config: CodecConfig, networks: Networks, device: torch.device | str, cache_dir: Path
) -> DiffICMHCodec:
    for module in network_files(networks).values():
        module.requires_grad_(requires_grad=False).eval().to(device)
    # A third faster on a CPU, measured.
    networks.autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    vocabulary = load_vocabulary(config.conditioning.vocabulary)

    def tagger() -> Tagger:
        return load_tagger(cache_dir)

    return DiffICMHCodec(config, networks, vocabulary, tagger, device=device)
