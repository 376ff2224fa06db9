"""Loading a profile: its networks, filled with its weights, as one codec."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import torch
from torch import nn

from difficmh_core._support import torchvision_operators  # noqa: F401 (before diffusers)
from difficmh_core.codec import DiffICMHCodec, Networks, Tagger
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.networks import CodecConfig
from difficmh_core.config.profiles import DEFAULT_RATE, NANO, PROFILE_NAMES, TINY
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import TagEmbedding
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.preview import LatentPreview
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import ConfigError
from difficmh_core.models.sd21 import config_of_rate, find_files, load_published, read_words
from difficmh_core.tagging.ram import RamConfig
from difficmh_core.tagging.vocabulary import load_vocabulary
from difficmh_core.weights.cache import default_cache_dir
from difficmh_core.weights.loading import load_strict, read_safetensors
from difficmh_core.weights.recognition import load_tagger
from difficmh_core.weights.storage import restored

__all__ = [
    "NANO_FOLDER",
    "build_networks",
    "cost_notice",
    "load_codec",
]

_logger = logging.getLogger(__name__)

NANO_FOLDER = Path(__file__).parents[1] / "weights" / "nano"
"""Where nano's weights and their card are packaged."""
_SLOW_ON_CPU = (
    "Profile sd21 on a CPU takes about 46 s for each evaluation of its networks (512 x 512 px, "
    "two cores): 77 minutes for 50 steps with guidance, and 10 GB of memory. Use --device cuda, "
    "or --profile nano, which takes seconds."
)


def build_networks(config: CodecConfig) -> Networks:
    """Return the untrained networks of a profile.

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
    """Return which module each weights file of a profile holds, by the file's stem."""
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


def load_codec(
    name: str = "nano",
    *,
    device: torch.device | str = "cpu",
    cache_dir: Path | None = None,
    weights_folder: Path = NANO_FOLDER,
    rate: int = DEFAULT_RATE,
) -> DiffICMHCodec:
    """Load a profile.

    Args:
        name: ``nano``, ``sd21`` or ``tiny``.
        device: Where to run the networks.
        cache_dir: Where fetched weights lie; ``None`` takes the default cache.
        weights_folder: Where nano's weights lie, if not the packaged ones.
        rate: Which of sd21's checkpoints: 2, 4, 8, 16 or 32; a larger one makes smaller files.

    Raises:
        ConfigError: If there is no such profile or rate.
        BackendUnavailableError: If the profile's weights are absent.
        CheckpointError: If the profile's weights are damaged.
    """
    if name == "sd21":
        return _load_sd21(rate, device, cache_dir or default_cache_dir())
    loaders: Mapping[str, Callable[[], tuple[CodecConfig, Networks]]] = {
        "nano": lambda: _load_nano(weights_folder),
        "tiny": _make_tiny,
    }
    if name not in loaders:
        raise ConfigError(
            f"There is no profile {name!r}. Choose one of {', '.join(PROFILE_NAMES)}."
        )
    config, networks = loaders[name]()
    for module in network_files(networks).values():
        module.requires_grad_(requires_grad=False).eval().to(device)
    # A third faster on a CPU, measured.
    networks.autoencoder.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    vocabulary = load_vocabulary(config.conditioning.vocabulary)

    def tagger() -> Tagger:
        return load_tagger(cache_dir or default_cache_dir())

    return DiffICMHCodec(config, networks, vocabulary, tagger, device=device)


def cost_notice(name: str, device: torch.device | str) -> str | None:
    """Return what a profile would take on this device, if it would take long."""
    is_slow = name == "sd21" and torch.device(device).type != "cuda"
    return _SLOW_ON_CPU if is_slow else None


def _load_nano(folder: Path) -> tuple[CodecConfig, Networks]:
    networks = build_networks(NANO)
    for stem, module in network_files(networks).items():
        path = folder / f"{stem}.safetensors"
        tensors, _ = read_safetensors(path)
        load_strict(module, restored(tensors, path.name), name=path.name)
    return NANO, networks


def _load_sd21(rate: int, device: torch.device | str, cache_dir: Path) -> DiffICMHCodec:
    config = config_of_rate(rate)
    files = find_files(rate, cache_dir)
    words = read_words(files)
    is_cuda = torch.device(device).type == "cuda"
    if (notice := cost_notice("sd21", device)) is not None:
        _logger.warning("%s", notice)
    networks, tagger = load_published(
        config,
        RamConfig(),
        files.weights,
        words,
        device=device,
        dtype=torch.bfloat16 if is_cuda else torch.float32,
    )
    return DiffICMHCodec(config, networks, words.vocabulary, tagger, device=device)


def _make_tiny() -> tuple[CodecConfig, Networks]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = build_networks(TINY)
    networks.latent_codec.update_tables()
    return TINY, networks
