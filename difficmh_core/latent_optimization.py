"""Latent optimization: what is stored of a picture, fitted to that picture before it is coded.

The networks learned to code pictures in general. For a single one, a few iterations of gradient
descent on its latent y find values that cost as many bits and decode to a better picture::

    y ─ round, estimate bits ─ g_s ─ content latent ─ autoencoder ─ picture
    └──── rate weight * bits + LPIPS + DISTS + L1, against the photograph ────┘ (gradient)

Only the encoder changes: any decoder reads the file, at the speed of any other. The rate weight is
the one for which the file's quality was trained, so that size and quality keep their balance. An
iteration costs about as much as a training step on the whole picture. What differs in the last
digit between machines, numbers of threads, or, on a GPU, from run to run, grows with each
iteration, so that optimized files differ a little; every machine decodes each of them to the same
integers.

LPIPS (alex) and DISTS of optimized pictures have been optimized directly: compare them by others.

References:
    Campos et al.: Content Adaptive Optimization for Neural Image Compression, CVPR Workshops 2019,
    https://arxiv.org/abs/1906.01223
    Yang, Bamler, Mandt: Improving Inference for Neural Image Compression, NeurIPS 2020,
    https://arxiv.org/abs/2006.04240
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.compression.gains import with_gain
from difficmh_core.config.coding import OptimizationSettings
from difficmh_core.config.networks import PIXELS_PER_BLOCK, quality_share
from difficmh_core.encoding import (
    Analyzed,
    Encoded,
    TagChoice,
    best_file,
    level_of,
    levels_of,
)
from difficmh_core.errors import BackendUnavailableError, ConfigError, ImageError
from difficmh_core.quality.dists import structure_texture_distance
from difficmh_core.quality.lpips import perceptual_distance
from difficmh_core.rate_control import best_within
from difficmh_core.shapes import CodecLatent, Image01

_TILE_PX = 512
"""The picture is compared in tiles: only one at a time needs memory for the gradient of that."""
_MAX_PIXELS = 1_500_000
"""An iteration on a megapixel takes 4 GB of memory."""
_LEVELS_BELOW, _LEVELS_ABOVE = 32, 7
"""How far from the optimized level others are tried; further off, files grow again."""
_TINY = 1e-30


def levels_near(level: int, rate: int | None) -> range:
    """The levels at which a picture that was optimized for one of them is coded well.

    There, files grow with the level.

    Args:
        level: For which it was optimized.
        rate: The model's only rate, if it has no more than one.
    """
    levels = levels_of(rate)
    first, last = max(levels[0], level - _LEVELS_BELOW), min(levels[-1], level + _LEVELS_ABOVE)
    return range(first, last + 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptimizationStep:
    """The state of latent optimization after one iteration.

    Attributes:
        index: Iterations done so far, 1 to ``total``; 0 of 0 for a file without any.
        total: Number of iterations in all.
        encoded: The file after the last iteration, ``None`` before.
    """

    index: int
    total: int
    encoded: Encoded | None


def file_of(steps: Iterable[OptimizationStep]) -> Encoded:
    """Run all iterations, and return the file."""
    *_, last = steps
    if last.encoded is None:
        raise BackendUnavailableError("Latent optimization ended before its last iteration.")
    return last.encoded


_Tile = tuple[slice, slice]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Original:
    """A tile of the photograph, and what the networks that compare see in it."""

    tile: _Tile
    pixels: Image01
    share: float
    lpips: list[Tensor]
    dists: list[Tensor]


class LatentOptimizer:
    """Codes pictures with latent optimization.

    Attributes:
        codec: Whose files these are.
        settings: How to optimize.
    """

    def __init__(
        self,
        codec: DiffICMHCodec,
        settings: OptimizationSettings | None = None,
        *,
        cache_dir: Path | None = None,
    ) -> None:
        """Load what compares pictures, from the default cache unless another is named.

        Raises:
            ConfigError: If the profile was not trained on decoded pictures, as sd21.
            BackendUnavailableError: If the weights of LPIPS or DISTS have not been fetched.
        """
        if codec.config.rate_weights is None:
            raise ConfigError(
                f"Profile {codec.config.profile!r} has no latent optimization: its content latent "
                "was never trained to be an image of its own. Use profile nano, or set the "
                "iterations to 0."
            )
        self.codec = codec
        self.settings = settings or OptimizationSettings()
        self._rate_weights = codec.config.rate_weights
        folder = cache_dir or cache_folder()
        device = codec.networks.latent_codec.prior.quantiles.device
        self._lpips = perceptual_distance("alex", folder).to(device)
        self._dists = structure_texture_distance(folder).to(device)

    def encode(
        self,
        image: Image.Image,
        *,
        quality: float | None = None,
        target_bytes: int | None = None,
        tags: TagChoice = "auto",
    ) -> Encoded:
        """Code a picture, optimized; arguments and errors as in :meth:`steps`."""
        return file_of(self.steps(image, quality=quality, target_bytes=target_bytes, tags=tags))

    def steps(
        self,
        image: Image.Image,
        *,
        quality: float | None = None,
        target_bytes: int | None = None,
        tags: TagChoice = "auto",
        iterations: int | None = None,
    ) -> Iterator[OptimizationStep]:
        """Yield the state after each iteration; the last one holds the file.

        With ``target_bytes``, the picture is optimized for the quality that fits without; then the
        best quality near it that fits is taken. If none does, it is the file without optimization.

        Args:
            image: RGB picture of at most 1.5 megapixels.
            quality: 0 (smallest file) to 100 (best picture); ``None`` is 50.
            target_bytes: Largest file [bytes]; the best quality that fits is taken instead of
                ``quality``.
            tags: ``"auto"`` asks the tagger, others are taken as they are.
            iterations: Of this picture; ``None`` takes those of the settings.

        Yields:
            One state per iteration. Stop iterating to cancel.

        Raises:
            ConfigError: As :meth:`DiffICMHCodec.encode`, or if there are too many iterations.
            ImageError: If the picture is too large.
            BackendUnavailableError: If tags are asked for and the tagger's weights are absent.
        """
        total = self.settings.iterations if iterations is None else iterations
        replace(self.settings, iterations=total)  # refuses too many
        rate = self.codec.config.rate
        level, plain = level_of(quality, rate), None
        _refuse_large(image)
        found = self.codec.tag(image) if isinstance(tags, str) else tags
        analyzed = self.codec.analyze(image)
        plain_coder = self.codec.coder(image, tags=found, analyzed=analyzed)  # refuses wrong tags
        if target_bytes is not None:
            plain = best_file(plain_coder, levels_of(rate), target_bytes)
            level = plain.stream.quality_level
        for index, y in enumerate(self._iterate(image, analyzed, level, total), start=1):
            if index < total:
                yield OptimizationStep(index=index, total=total, encoded=None)
                continue
            at_level = self.codec.coder(image, tags=found, analyzed=analyzed._replace(y=y))
            if plain is None or target_bytes is None:
                encoded = at_level(level)
            else:
                encoded = best_within(at_level, levels_near(level, rate), target_bytes)
                encoded = encoded if len(encoded.data) <= target_bytes else plain
            yield OptimizationStep(index=index, total=total, encoded=encoded)

    def coder(
        self, image: Image.Image, level: int, *, tags: TagChoice = "auto"
    ) -> Callable[[int], Encoded]:
        """Optimize a picture for one level; what it returns codes it at this or one near it.

        Arguments and errors as in :meth:`steps`; levels are 0 to 255.
        """
        _refuse_large(image)
        found = self.codec.tag(image) if isinstance(tags, str) else tags
        analyzed = self.codec.analyze(image)
        *_, y = self._iterate(image, analyzed, level, self.settings.iterations)
        return self.codec.coder(image, tags=found, analyzed=analyzed._replace(y=y))

    def _iterate(
        self, image: Image.Image, analyzed: Analyzed, level: int, iterations: int
    ) -> Iterator[CodecLatent]:
        """Yield y after each iteration. Between them no mode of gradients is held."""
        latent_codec = self.codec.networks.latent_codec
        quality = quality_share(level)
        lowest, highest = self._rate_weights
        # Of padding only what completes a block: networks that compare need so much.
        height, width = (max(edge, PIXELS_PER_BLOCK) for edge in (image.height, image.width))
        rate_weight = lowest * (highest / lowest) ** quality / (height * width)
        with torch.inference_mode(mode=False):
            padded, diffusion_latent, y = (latent.clone() for latent in analyzed)
            at = torch.tensor([quality], device=y.device)
            gain = with_gain(latent_codec.latent_gains, torch.ones_like(y[:, :, :1, :1]), at)
            gained = (y * gain).detach()
            step = self.settings.step * _root_mean_square(gained).sqrt()
            originals = [
                self._original(padded[..., *tile], tile, height * width)
                for tile in _tiles(height, width)
            ]
        for index in range(iterations):
            with torch.inference_mode(mode=False), torch.enable_grad():
                gained.requires_grad_()
                output = latent_codec.estimate(gained / gain, diffusion_latent, at)
                decoded = self.codec.networks.autoencoder.decode_raw(output.content_latent)
                rate = rate_weight * output.bits().sum()
                of_picture = self._picture_gradient(originals, decoded.detach())
                (gradient,) = torch.autograd.grad((rate, decoded), gained, (None, of_picture))
                direction = -gradient / _root_mean_square(gradient).clamp(min=_TINY)
                share_left = 1 - index / iterations
                gained = (gained + share_left * step * direction).detach()
                optimized = gained / gain
            yield optimized

    def _original(self, pixels: Image01, tile: _Tile, n_pixels: int) -> _Original:
        with torch.no_grad():
            lpips, dists = self._lpips.features(pixels), self._dists.features(pixels)
        share = pixels[0, 0].numel() / n_pixels
        return _Original(tile=tile, pixels=pixels, share=share, lpips=lpips, dists=dists)

    def _picture_gradient(self, originals: Sequence[_Original], decoded: Tensor) -> Tensor:
        """The gradient of the losses on the picture, tile by tile; 0 in the padding."""
        settings, gradient = self.settings, torch.zeros_like(decoded)
        for one in originals:
            shown = decoded[..., *one.tile].clone().requires_grad_()
            loss = (
                settings.lpips * self._lpips.compare(one.lpips, self._lpips.features(shown)).sum()
                + settings.dists
                * self._dists.compare(one.dists, self._dists.features(shown)).sum()
                + settings.l1 * (shown - one.pixels).abs().mean()
            )
            (of_tile,) = torch.autograd.grad(one.share * loss, shown)
            gradient[..., *one.tile] = of_tile
        return gradient


def _refuse_large(image: Image.Image) -> None:
    if image.width * image.height > _MAX_PIXELS:
        raise ImageError(
            f"Latent optimization takes images of up to {_MAX_PIXELS:,} pixels, this one has "
            f"{image.width} x {image.height}. Shrink it, or set the iterations to 0."
        )


def _root_mean_square(values: Tensor) -> Float[Tensor, ""]:
    return values.square().mean().sqrt()


def _tiles(height: int, width: int) -> Iterator[_Tile]:
    """Cut a picture into tiles of at most 512 px a side, each side's as equal as can be."""
    rows, columns = (
        torch.linspace(0, edge, -(-edge // _TILE_PX) + 1).round().int().tolist()
        for edge in (height, width)
    )
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield slice(top, bottom), slice(left, right)
