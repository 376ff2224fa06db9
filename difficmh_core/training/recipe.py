"""nano's recipe: which stage needs what from which earlier one."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from difficmh_core import torchvision_operators  # noqa: F401 (before diffusers)
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config import CodecConfig
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import TagEmbedding
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import ConfigError
from difficmh_core.image_io import read_image, to_tensor
from difficmh_core.profiles import NANO
from difficmh_core.quality.lpips import perceptual_distance
from difficmh_core.shapes import Image01
from difficmh_core.training.autoencoder_stage import AutoencoderStage
from difficmh_core.training.codec_stage import CodecStage
from difficmh_core.training.data import CropSampler, Photographs, load_photographs
from difficmh_core.training.diffusion_stages import ControlStage, PriorStage
from difficmh_core.training.latents import LatentSampler, encode_photographs, read_latents
from difficmh_core.training.loop import CHECKPOINT_NAME, Stage, read_average, train
from difficmh_core.training.settings import StageName, StageSettings
from difficmh_core.weights.cache import default_cache_dir
from difficmh_core.weights.loading import load_strict
from difficmh_core.weights.recognition import load_tagger

__all__ = ["Recipe"]

_CHECK_PX = 256
_N_CHECK = 8
_REPORT_EVERY = 250


class Recipe:
    """The stages, their inputs on disk, and the networks that earlier stages left there."""

    def __init__(
        self,
        *,
        photos: Path,
        check: Path | None,
        runs: Path,
        config: CodecConfig = NANO,
        limit: int | None = None,
    ) -> None:
        """Name the folders.

        Args:
            photos: Training photographs, see :mod:`difficmh_core.training.data`.
            check: Pictures for validation; every stage but ``latents`` needs them.
            runs: Where each stage keeps its folder.
            config: The networks; its scaling factor is measured, not read.
            limit: Use only this many photographs.
        """
        self.photos = photos
        self.check = check
        self.runs = runs
        self.limit = limit
        self._config = config

    @property
    def latents_path(self) -> Path:
        """Where the latents of all photographs lie."""
        return self.runs / "latents.safetensors"

    @cached_property
    def photographs(self) -> Photographs:
        """The training photographs, in memory."""
        return load_photographs(self.photos, limit=self.limit)

    @cached_property
    def scaling_factor(self) -> float:
        """What brings the trained encoder's latents to unit variance."""
        return read_latents(self.latents_path)[2]

    def config(self, *, scaled: bool) -> CodecConfig:
        """Return the configuration; unscaled while the scaling factor is not known yet."""
        factor = self.scaling_factor if scaled else 1.0
        autoencoder = replace(self._config.autoencoder, scaling_factor=factor)
        return replace(self._config, autoencoder=autoencoder)

    @cached_property
    def check_pictures(self) -> Image01:
        """The centers of a few pictures for validation."""
        if self.check is None:
            raise ConfigError("Validation needs pictures. Name their folder with --check.")
        paths = sorted(path for path in self.check.iterdir() if path.is_file())[:_N_CHECK]
        pictures = list[Tensor]()
        for path in paths:
            image = to_tensor(read_image(path))
            top, left = ((edge - _CHECK_PX) // 2 for edge in image.shape[-2:])
            pictures.append(image[..., top : top + _CHECK_PX, left : left + _CHECK_PX])
        return torch.cat(pictures)

    def autoencoder(self, *, scaled: bool) -> Autoencoder:
        """Return the trained autoencoder, with the decoder of its last stage."""
        module = Autoencoder(self.config(scaled=scaled).autoencoder)
        tensors = read_average(self.runs / StageName.AUTOENCODER)
        decoder = self.runs / StageName.DECODER
        if (decoder / CHECKPOINT_NAME).exists():
            tensors = tensors | read_average(decoder)
        load_strict(module, tensors, StageName.AUTOENCODER)
        return module.requires_grad_(requires_grad=False).eval()

    def prior(self) -> tuple[DenoisingUNet, TagEmbedding]:
        """Return the trained U-Net and tag embedding."""
        config = self._config
        unet = DenoisingUNet(config.unet)
        tags = TagEmbedding(config.conditioning, config.unet.context_channels)
        module = nn.ModuleDict({"unet": unet, "tags": tags})
        load_strict(module, read_average(self.runs / StageName.PRIOR), StageName.PRIOR)
        return unet, tags

    def latent_codec(self) -> LatentCodec:
        """Return the trained latent codec."""
        module = LatentCodec(self._config.latent_codec)
        load_strict(module, read_average(self.runs / StageName.CODEC), StageName.CODEC)
        return module.eval()

    def encode_latents(self) -> Iterator[Mapping[str, float]]:
        """Encode and tag all photographs; yield how many are done."""
        tagger = load_tagger(default_cache_dir())
        done = encode_photographs(
            self.photographs,
            self.autoencoder(scaled=False),
            lambda image: [tag.id for tag in tagger(image)],
            self.latents_path,
        )
        for count in done:
            if count % _REPORT_EVERY == 0:
                yield {"photographs": count}
        yield {"scaling_factor": self.scaling_factor}

    def train(self, stage: StageName, settings: StageSettings) -> Iterator[Mapping[str, float]]:
        """Train one stage and yield the lines of its log."""
        folder = self.runs / stage
        yield from train(self._make(stage, settings), settings, folder)

    def _make(self, stage: StageName, settings: StageSettings) -> Stage:
        if stage in (StageName.AUTOENCODER, StageName.DECODER):
            only_decoder = stage is StageName.DECODER
            return AutoencoderStage(
                self.config(scaled=False),
                settings,
                CropSampler(self.photographs, crop_px=settings.crop_px, seed=settings.seed),
                self.check_pictures,
                perceptual_distance("alex", default_cache_dir()),
                start_from=self.autoencoder(scaled=False) if only_decoder else None,
            )
        crops = LatentSampler(
            self.photographs,
            self.latents_path,
            crop_px=settings.crop_px,
            tag_dropout=settings.tag_dropout,
            seed=settings.seed,
        )
        check_latent = self.autoencoder(scaled=True).encode(self.check_pictures)
        config = self.config(scaled=True)
        match stage:
            case StageName.PRIOR:
                return PriorStage(config, settings, crops, check_latent)
            case StageName.CODEC:
                return CodecStage(config, settings, crops, self.check_pictures, check_latent)
            case _:
                return ControlStage(
                    config,
                    settings,
                    crops,
                    *self.prior(),
                    self.latent_codec(),
                    self.check_pictures,
                    check_latent,
                )

    def history(self, stage: StageName) -> list[Mapping[str, float]]:
        """Return the log of a stage, oldest line first; empty if it did not run."""
        path = self.runs / stage / "log.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
