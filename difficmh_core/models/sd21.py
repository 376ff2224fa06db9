"""Profile ``sd21``: the published system, put together from the published files."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from accelerate import init_empty_weights
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.codec import DiffICMHCodec, Networks
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.networks import CodecConfig
from difficmh_core.config.profiles import SD21, profile_of
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import (
    TagPrompt,
    TextTower,
    Tokenizer,
    load_clip_tokenizer,
)
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.preview import LatentPreview
from difficmh_core.diffusion.tiling import Tiling
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import BackendUnavailableError, CheckpointError, ConfigError
from difficmh_core.tagging.ram import RamConfig, RamNetwork, RamTagger
from difficmh_core.tagging.vocabulary import Vocabulary, load_vocabulary
from difficmh_core.weights.hub import HubCard, hub_path
from difficmh_core.weights.hub_cards import (
    CHECKPOINTS,
    RAM_NAMES,
    RAM_THRESHOLDS,
    TOKENIZER_VOCABULARY,
    cards_of_rate,
)
from difficmh_core.weights.published.checkpoint import account_for, read_checkpoint
from difficmh_core.weights.published.codec import load_published_codec
from difficmh_core.weights.published.diffusion import (
    load_published_autoencoder,
    load_published_control,
    load_published_text_tower,
    load_published_unet,
)
from difficmh_core.weights.published.stripped import SHARED_FILE, TAGGER_FILE, rate_file
from difficmh_core.weights.published.tagger import load_published_tagger

_logger = logging.getLogger(__name__)

STRIPPED_FOLDER = "sd21"
"""Folder of the stripped files, below the cache."""

_PREVIEW_PX, _PREVIEW_COLORS = 256, 16
AUTOENCODER_TILING = Tiling(untiled_area=128 * 128, tile=128, overlap=32)
"""Above 1024 x 1024 px, the autoencoder works in tiles of this size."""

ModuleT = TypeVar("ModuleT", bound=nn.Module)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The system's words.

    Attributes:
        tokenizer: From prompts to tokens.
        vocabulary: The tagger's names.
        thresholds: Confidence above which each is a tag.
    """

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    thresholds: Sequence[float]


def config_of_rate(rate: int) -> CodecConfig:
    """Return the configuration of one rate.

    Raises:
        ConfigError: If there is no published checkpoint of that rate.
    """
    rates = profile_of("sd21").rates
    if rate not in rates:
        known = ", ".join(map(str, rates))
        raise ConfigError(f"There is no published checkpoint of rate {rate}. Choose {known}.")
    return replace(SD21, rate=rate)


def stripped_files(rate: int, cache_dir: Path) -> tuple[Path, ...]:
    """The places of the stripped files of one rate, whether they are there or not."""
    folder = cache_dir / STRIPPED_FOLDER
    return tuple(folder / name for name in (SHARED_FILE, TAGGER_FILE, rate_file(rate)))


def find_files(rate: int, cache_dir: Path) -> tuple[tuple[Path, ...], Mapping[HubCard, Path]]:
    """Find the files of one rate.

    Returns:
        The weights: the stripped ones if they were made, else the checkpoint; and each file that
        was fetched.

    Raises:
        BackendUnavailableError: If a file has not been fetched.
        CheckpointError: If one has changed since.
    """
    stripped, checkpoint = stripped_files(rate, cache_dir), CHECKPOINTS[rate]
    is_stripped = all(path.is_file() for path in stripped)
    paths, missing = dict[HubCard, Path](), list[HubCard]()
    for card in cards_of_rate(rate):
        if is_stripped and card is checkpoint:
            continue
        try:
            paths[card] = hub_path(card, cache_dir)
        except BackendUnavailableError:
            missing.append(card)
    if missing:
        n_bytes = sum(card.n_bytes for card in missing)
        raise BackendUnavailableError(
            f"Profile sd21 at rate {rate} needs {missing[-1].purpose}"
            + (f" and {len(missing) - 1} smaller files" if len(missing) > 1 else "")
            + f", not in {cache_dir}. Get what is missing ({max(n_bytes / 1e9, 0.01):.2f} GB) "
            f"with `{checkpoint.command}`, or use profile nano, which needs nothing from the hub."
        )
    return stripped if is_stripped else (paths[checkpoint],), paths


def read_words(paths: Mapping[HubCard, Path]) -> Words:
    """Return the words of the published system.

    Raises:
        CheckpointError: If a file is not the published one.
    """
    lines = paths[RAM_THRESHOLDS].read_text(encoding="ascii").split()
    return Words(
        tokenizer=load_clip_tokenizer(paths[TOKENIZER_VOCABULARY].parent),
        vocabulary=load_vocabulary("ram", paths[RAM_NAMES]),
        thresholds=[float(line) for line in lines],
    )


def load_sd21(device: torch.device | str, cache_dir: Path, rate: int) -> DiffICMHCodec:
    """Load the published system at one rate.

    Raises:
        ConfigError: If there is no such rate.
        BackendUnavailableError: If a file has not been fetched.
        CheckpointError: If one is damaged.
    """
    config = config_of_rate(rate)
    weights, paths = find_files(rate, cache_dir)
    words = read_words(paths)
    is_cuda = torch.device(device).type == "cuda"
    if not is_cuda:
        _logger.warning("%s", profile_of("sd21").cost_on_cpu)
    networks, tagger = load_published(
        config,
        RamConfig(),
        weights,
        words,
        device=device,
        dtype=torch.bfloat16 if is_cuda else torch.float32,
    )
    return DiffICMHCodec(config, networks, words.vocabulary, tagger, device=device)


def load_published(
    config: CodecConfig,
    tagger: RamConfig,
    weights: Sequence[Path],
    words: Words,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Networks, Callable[[], RamTagger]]:
    """Return the networks, and what makes the tagger.

    Every tensor of the files has a place or a reason to be left out, and every parameter of the
    networks comes from the files.

    Args:
        config: Sizes of the networks.
        tagger: Sizes of the tagger.
        weights: The checkpoint, or the stripped files made of it.
        words: Tokenizer, names and thresholds.
        device: Where the networks shall lie.
        dtype: Element type of autoencoder, U-Net, control module and text tower; the latent codec
            stays in single precision.

    Raises:
        CheckpointError: If a tensor is missing, unknown or of another shape.
        ConfigError: If the configuration names no text tower.
    """
    if config.conditioning.text_tower is None:
        raise ConfigError("The published system needs a text tower, but none is configured.")
    source = weights[-1].name
    tensors = dict[str, Tensor]()
    for path in weights:
        tensors |= read_checkpoint(path)
    account_for(tensors, source)

    with init_empty_weights():
        tower = TextTower(config.conditioning.text_tower)
        autoencoder = Autoencoder(config.autoencoder)
        base = DenoisingUNet(config.unet)
        control = ControlModule(config.unet, config.control)
    latent_codec = LatentCodec(config.latent_codec)
    load_published_text_tower(tower, tensors, source)
    load_published_autoencoder(autoencoder, tensors, source)
    load_published_unet(base, tensors, source)
    load_published_control(control, tensors, source)
    load_published_codec(latent_codec, tensors, source)
    for module in (tower, autoencoder, base, control):
        _finish(module, source).to(device, dtype)
    autoencoder.tiling = AUTOENCODER_TILING
    for module in (autoencoder, base, control):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _finish(latent_codec, source).to(device)

    def make_tagger() -> RamTagger:
        with init_empty_weights():
            network = RamNetwork(tagger)
        load_published_tagger(network, tensors, source)
        return RamTagger(_finish(network, source).to(device), words.vocabulary, words.thresholds)

    networks = Networks(
        autoencoder=autoencoder,
        latent_codec=latent_codec,
        unet=ControlledUNet(base, control),
        conditioner=TagPrompt(tower, words.tokenizer, words.vocabulary.names),
        preview=_fit_preview(autoencoder, device),
    )
    return networks, make_tagger


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


@torch.inference_mode()
def _fit_preview(autoencoder: Autoencoder, device: torch.device | str) -> LatentPreview:
    """Return the preview's map, fitted to a picture of random colors."""
    generator = torch.Generator().manual_seed(0)
    colors = torch.rand(1, 3, _PREVIEW_COLORS, _PREVIEW_COLORS, generator=generator)
    picture = functional.interpolate(colors, (_PREVIEW_PX, _PREVIEW_PX), mode="bilinear")
    latent = autoencoder.encode(picture.to(device)).float().cpu()
    preview = LatentPreview(latent.shape[1])
    preview.fit(latent, picture)
    return preview.to(device)
