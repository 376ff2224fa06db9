"""Profile ``sd21``: the published system, put together from the published files."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from difficmh_core._support.once import once
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.networks import CodecConfig
from difficmh_core.config.profiles import SD21, profile_of
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import (
    TagPrompt,
    Tokenizer,
    load_clip_tokenizer,
)
from difficmh_core.diffusion.control import ControlledUNet
from difficmh_core.diffusion.preview import LatentPreview
from difficmh_core.diffusion.tiling import Tiling
from difficmh_core.errors import BackendUnavailableError, ConfigError
from difficmh_core.models.published_networks import (
    empty,
    empty_tagger,
    filled,
    filled_tagger,
    n_values,
)
from difficmh_core.networks import Networks
from difficmh_core.shapes import DiffusionLatent
from difficmh_core.tagging.ram import RamConfig, RamTagger
from difficmh_core.tagging.vocabulary import Vocabulary, load_vocabulary
from difficmh_core.weights.hub import HubCard, hub_path
from difficmh_core.weights.hub_cards import (
    CHECKPOINTS,
    RAM_NAMES,
    RAM_THRESHOLDS,
    TOKENIZER_VOCABULARY,
    cards_of_rate,
)
from difficmh_core.weights.in_place import settle
from difficmh_core.weights.published.stripped import SHARED_FILE, TAGGER_FILE, rate_file

_logger = logging.getLogger(__name__)

STRIPPED_FOLDER = "sd21"
"""Folder of the stripped files, below the cache."""

_PREVIEW_PX, _PREVIEW_COLORS = 256, 16
AUTOENCODER_TILING = Tiling(untiled_area=128 * 128, tile=128, overlap=32)
"""Above 1024 x 1024 px, the autoencoder works in tiles of this size."""


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
    parts = filled(config, weights)
    for module in (parts.tower, parts.autoencoder, parts.base, parts.control):
        settle(module, device, dtype)
    if torch.device(device).type != "cpu":
        for module in (parts.base, parts.control):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    # On a CPU, too, the autoencoder alone: it is small, and its pictures are large. What is stored
    # in a narrower type gets this layout where it is widened, and is not copied here.
    for value in parts.autoencoder.parameters():
        if value.dim() == 4 and value.dtype == dtype:
            value.data = value.data.contiguous(memory_format=torch.channels_last)
    parts.autoencoder.tiling = AUTOENCODER_TILING
    parts.latent_codec.to(device, torch.float32)

    def make_tagger() -> RamTagger:
        # Read only now: who decodes needs no tagger, and on a GPU the host keeps no weights.
        network = filled_tagger(tagger, weights)
        settle(network, device, torch.float32)
        return RamTagger(network, words.vocabulary, words.thresholds)

    networks = Networks(
        autoencoder=parts.autoencoder,
        latent_codec=parts.latent_codec,
        unet=ControlledUNet(parts.base, parts.control),
        conditioner=TagPrompt(parts.tower, words.tokenizer, words.vocabulary.names),
        preview=_Preview(parts.autoencoder, config.autoencoder.diffusion_channels).to(device),
    )
    return networks, make_tagger


def check_checkpoint(path: Path, rate: int) -> None:
    """Refuse a checkpoint of which the networks cannot be made; reads names and shapes only.

    Raises:
        ConfigError: If there is no such rate.
        CheckpointError: If a tensor is missing, unknown or of another shape.
    """
    filled(config_of_rate(rate), [path])
    filled_tagger(RamConfig(), [path])


def bytes_to_strip(rate: int, cache_dir: Path, dtype: torch.dtype) -> int:
    """The size of the stripped files of one rate that are not there yet [bytes].

    Raises:
        ConfigError: If there is no such rate.
    """
    networks, tagger = empty(config_of_rate(rate)), empty_tagger(RamConfig())
    shared = (networks.tower, networks.autoencoder, networks.base)
    sizes = (
        n_values(*shared) * dtype.itemsize,
        n_values(tagger) * dtype.itemsize,
        n_values(networks.control) * dtype.itemsize
        + n_values(networks.latent_codec) * torch.float32.itemsize,
    )
    places = stripped_files(rate, cache_dir)
    return sum(size for size, place in zip(sizes, places, strict=True) if not place.is_file())


class _Preview(LatentPreview):
    """The preview's map, fitted to a picture of random colors when it is first asked for."""

    def __init__(self, autoencoder: Autoencoder, latent_channels: int) -> None:
        super().__init__(latent_channels)
        self._fitted = once(lambda: self._fit_to_colors(autoencoder))

    def forward(self, latent: DiffusionLatent) -> Float[Tensor, "batch 3 h8 w8"]:
        """Return small pictures in [0, 1]."""
        self._fitted()
        return super().forward(latent)

    @torch.inference_mode()
    def _fit_to_colors(self, autoencoder: Autoencoder) -> None:
        generator = torch.Generator().manual_seed(0)
        colors = torch.rand(1, 3, _PREVIEW_COLORS, _PREVIEW_COLORS, generator=generator)
        picture = functional.interpolate(colors, (_PREVIEW_PX, _PREVIEW_PX), mode="bilinear")
        latent = autoencoder.encode(picture.to(self.weight.device)).float().cpu()
        self.fit(latent, picture)
