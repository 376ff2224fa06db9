"""nano's recipe: which stage needs what from which earlier one."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core._support.processes import make_accelerator
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.networks import CodecConfig, ElicConfig
from difficmh_core.config.profiles import NANO
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import TagEmbedding
from difficmh_core.diffusion.control import ControlModule
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import ConfigError
from difficmh_core.image_io import read_image, to_tensor
from difficmh_core.quality.dists import structure_texture_distance
from difficmh_core.quality.lpips import perceptual_distance
from difficmh_core.shapes import Image01
from difficmh_core.training.autoencoder_stage import AutoencoderStage
from difficmh_core.training.checkpoints import holds_weights, read_average
from difficmh_core.training.codec_stage import CodecStage
from difficmh_core.training.contents import CropEncoder, SteeredSampler
from difficmh_core.training.data import CropSampler, Photographs, Sampler, load_photographs
from difficmh_core.training.device_data import (
    DeviceCropSampler,
    EncodedCropSampler,
    with_reduced_copies,
)
from difficmh_core.training.few_step_stage import FewStepStage
from difficmh_core.training.joint_stage import JointStage
from difficmh_core.training.latents import LatentSampler, encode_photographs, read_latents
from difficmh_core.training.loop import read_log, train
from difficmh_core.training.picture_loss import PerceptualLosses
from difficmh_core.training.prior_stage import PriorStage
from difficmh_core.training.settings import PriorSettings, StageName, StageSettings
from difficmh_core.training.stage import Stage
from difficmh_core.training.steering import Steering
from difficmh_core.weights.loading import load_strict
from difficmh_core.weights.recognition import load_classifier, load_tagger

_CHECK_PX = 256
_N_CHECK = 8
_CROPS_PER_PHOTOGRAPH = 2
_HIGHEST_CHECKED = 0.6
"""Of the qualities at which stage ``prior`` is validated: above, little is left to invent."""
_REPORT_EVERY = 250
_STAGES_ON_PICTURES = (StageName.AUTOENCODER, StageName.DECODER, StageName.ELIC)
"""Stages that need no latents."""
STAGES_OF_PART: Mapping[str, tuple[StageName, ...]] = {
    "autoencoder": (
        StageName.AUTOENCODER,
        StageName.DECODER,
        StageName.CODEC,
        StageName.JOINT,
        StageName.FEW_STEP,
    ),
    "prior": (StageName.PRIOR, StageName.FEW_STEP),
    "control": (StageName.PRIOR, StageName.JOINT, StageName.FEW_STEP),
    "latent_codec": (StageName.CODEC, StageName.JOINT),
}
"""The stages that train each part of nano, in the order in which they run."""
_STAGES_OF_PARTS = (StageName.PRIOR, StageName.CODEC, StageName.JOINT, StageName.FEW_STEP)
"""Stages that train several networks, each under a name of its own."""


class Recipe:
    """The stages, their inputs on disk, and the networks that earlier stages left there."""

    def __init__(
        self,
        *,
        photos: Path,
        check: Path | None,
        runs: Path,
        config: CodecConfig = NANO,
        elic: ElicConfig | None = None,
        limit: int | None = None,
        cache_dir: Path | None = None,
    ) -> None:
        """Name the folders.

        Args:
            photos: Training photographs, see :mod:`difficmh_core.training.data`.
            check: Pictures for validation; every stage but ``latents`` needs them.
            runs: Where each stage keeps its folder.
            config: The networks; its scaling factor is measured, not read.
            elic: Widths of the learned codec beside ours; ``None`` takes those that ship.
            limit: Use only this many photographs.
            cache_dir: Where fetched weights lie; ``None`` takes the default cache.
        """
        self.photos = photos
        self.check = check
        self.runs = runs
        self.limit = limit
        self.cache_dir = cache_dir or cache_folder()
        self._config = config
        self.elic = elic or ElicConfig()

    @property
    def latents_path(self) -> Path:
        """Where the latents of all photographs lie."""
        return self.runs / "latents.safetensors"

    @property
    def contents_folder(self) -> Path:
        """Where crops of all photographs lie as latents and content latents."""
        return self.runs / "contents"

    @cached_property
    def photographs(self) -> Photographs:
        """The training photographs, in memory."""
        return load_photographs(self.photos, limit=self.limit)

    @cached_property
    def scaling_factor(self) -> float:
        """What brings the trained encoder's latents to unit variance."""
        if not self.latents_path.exists() and not self.history(StageName.AUTOENCODER):
            return self._config.autoencoder.scaling_factor  # of an encoder that was unpacked
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

    def autoencoder(self, *, scaled: bool, before: StageName | None = None) -> Autoencoder:
        """Return the trained autoencoder.

        Args:
            scaled: Whether its latents have unit variance; not known before they are encoded.
            before: Leave this stage and later ones out; ``None`` takes the last that ran.
        """
        module = Autoencoder(self.config(scaled=scaled).autoencoder)
        self._load(module, "autoencoder", before)
        return module.requires_grad_(requires_grad=False).eval()

    def prior(self, *, before: StageName | None = None) -> tuple[DenoisingUNet, TagEmbedding]:
        """Return the trained U-Net, of the last stage before one, and the tag embedding."""
        unet = DenoisingUNet(self._config.unet)
        tags = TagEmbedding(self._config.conditioning, self._config.unet.context_channels)
        load_strict(tags, read_average(self.runs / StageName.PRIOR, "tags."), "prior")
        self._load(unet, "unet", before)
        return unet, tags

    def latent_codec(self, *, before: StageName | None = None) -> LatentCodec:
        """Return the trained latent codec, of the last stage before one."""
        module = LatentCodec(self._config.latent_codec)
        self._load(module, "latent_codec", before)
        return module.eval()

    def control(self, *, before: StageName | None = None) -> ControlModule:
        """Return the trained control module, of the last stage before one."""
        module = ControlModule(self._config.unet, self._config.control)
        self._load(module, "control", before)
        return module

    def _load(self, module: nn.Module, part: str, before: StageName | None = None) -> None:
        """Load a part from the last stage that trained it, or the first if none did.

        Args:
            module: The part.
            part: Key of :data:`STAGES_OF_PART`, or ``unet``, the prior without its tags.
            before: Leave this stage and later ones out.
        """
        stages, order = STAGES_OF_PART["prior" if part == "unet" else part], list(StageName)
        end = len(order) if before is None else order.index(before)
        prefixes = {stage: f"{part}." if stage in _STAGES_OF_PARTS else "" for stage in stages}
        ran = [
            stage
            for stage in stages
            if order.index(stage) < end and holds_weights(self.runs / stage, prefixes[stage])
        ]
        last = ran[-1] if ran else stages[0]
        load_strict(module, read_average(self.runs / last, prefixes[last]), f"{last}, {part}")

    def encode_latents(self) -> Iterator[Mapping[str, float]]:
        """Encode and tag all photographs; yield how many are done.

        The scaling factor is measured for an encoder that was trained here. Networks that came
        with theirs, by ``unpack``, learned from latents scaled by it, and keep it.
        """
        tagger = load_tagger(self.cache_dir)
        is_new = bool(self.history(StageName.AUTOENCODER))
        done = encode_photographs(
            self.photographs,
            self.autoencoder(scaled=False, before=StageName.FEW_STEP),
            lambda image: [tag.id for tag in tagger(image)],
            self.latents_path,
            scaling_factor=None if is_new else self._config.autoencoder.scaling_factor,
        )
        for count in done:
            if count % _REPORT_EVERY == 0:
                yield {"photographs": count}
        yield {"scaling_factor": self.scaling_factor}

    def encode_contents(self) -> Iterator[Mapping[str, float]]:
        """Encode crops of all photographs with the trained encoder and codec."""
        tagger = load_tagger(self.cache_dir)
        encoder = CropEncoder(
            photographs=self.photographs,
            autoencoder=self.autoencoder(scaled=True, before=StageName.FEW_STEP),
            latent_codec=self.latent_codec().requires_grad_(requires_grad=False),
            tag=lambda image: [tag.id for tag in tagger(image)],
        )
        for count in encoder.write(self.contents_folder, _CROPS_PER_PHOTOGRAPH):
            yield {"crops": count}

    def train(self, stage: StageName, settings: StageSettings) -> Iterator[Mapping[str, float]]:
        """Train one stage and yield the lines of its log."""
        made = self._make(stage, settings)
        yield from train(made, self._sampler(stage, settings), settings, self.runs / stage)

    def _sampler(self, stage: StageName, settings: StageSettings) -> Sampler:
        crop_px, photographs = settings.crop_px, self.photographs
        dropout = settings.tag_dropout if isinstance(settings, PriorSettings) else 0.0
        is_steered = isinstance(settings, PriorSettings) and settings.controlled > 0
        if is_steered or (stage is StageName.FEW_STEP and not settings.on_device):
            return SteeredSampler(
                photographs,
                self.contents_folder,
                crop_px=crop_px,
                tag_dropout=dropout,
                with_images=stage is StageName.FEW_STEP,
            )
        if not settings.on_device:
            if stage in _STAGES_ON_PICTURES:
                return CropSampler(photographs, crop_px)
            path = self.latents_path
            return LatentSampler(photographs, path, crop_px=crop_px, tag_dropout=dropout)
        device = make_accelerator().device
        photographs = with_reduced_copies(photographs, crop_px=crop_px)
        crops = DeviceCropSampler(photographs, device, crop_px=crop_px)
        if stage in _STAGES_ON_PICTURES:
            return crops
        autoencoder = self.autoencoder(scaled=True, before=StageName.PRIOR).to(device)
        tag_ids = 2 * read_latents(self.latents_path)[1]
        return EncodedCropSampler(crops, autoencoder, tag_ids, tag_dropout=dropout)

    def _make(self, stage: StageName, settings: Any) -> Stage:  # noqa: ANN401 (of the stage)
        """Return a stage with what earlier ones left; what it trains itself starts anew."""
        config, check = self._config, self.check_pictures
        schedule = NoiseSchedule(config.schedule)
        perceptual = PerceptualLosses(
            lpips=partial(perceptual_distance, "alex", self.cache_dir),
            dists=partial(structure_texture_distance, self.cache_dir),
            classifier=partial(load_classifier, self.cache_dir),
        )
        match stage:
            case StageName.AUTOENCODER:
                new = Autoencoder(self.config(scaled=False).autoencoder)
                return AutoencoderStage(settings, new, perceptual, check)
            case StageName.DECODER:
                trained = self.autoencoder(scaled=False, before=stage)
                return AutoencoderStage(settings, trained, perceptual, check, only_decoder=True)
            case StageName.PRIOR:
                unet = DenoisingUNet(config.unet)
                tags = TagEmbedding(config.conditioning, config.unet.context_channels)
                latent = self.autoencoder(scaled=True, before=stage).encode(check)
                if not settings.controlled:
                    return PriorStage(settings, schedule, unet, tags, latent)
                control = ControlModule(config.unet, config.control)
                control.initialize_from(unet)
                quality = torch.linspace(0, _HIGHEST_CHECKED, len(check))
                content = self.latent_codec()(check, latent, quality).content_latent
                return PriorStage(settings, schedule, unet, tags, latent, control, content)
            case StageName.CODEC:
                codec = LatentCodec(config.latent_codec)
                autoencoder = self.autoencoder(scaled=True, before=stage)
                return CodecStage(settings, codec, autoencoder, perceptual, check)
            case StageName.ELIC:
                # Imported here, since CompressAI is not published for every machine.
                from difficmh_core.baselines.elic_network import ElicNetwork
                from difficmh_core.training.elic_stage import ElicStage

                return ElicStage(settings, ElicNetwork(self.elic), check)
            case StageName.JOINT:
                unet, tags = self.prior(before=stage)
                if holds_weights(self.runs / StageName.PRIOR, "control."):
                    control = self.control(before=stage)
                else:
                    control = ControlModule(config.unet, config.control)
                    control.initialize_from(unet)
            case StageName.FEW_STEP:
                unet, tags = self.prior(before=stage)
                control = self.control(before=stage)
        make = JointStage if stage is StageName.JOINT else FewStepStage
        steering = Steering(settings, schedule, control, unet, tags)
        codec = self.latent_codec(before=stage)
        autoencoder = self.autoencoder(scaled=True, before=stage)
        return make(settings, steering, codec, autoencoder, perceptual, check)

    def history(self, stage: StageName) -> list[Mapping[str, float]]:
        """Return the log of a stage, oldest line first; empty if it did not run."""
        return read_log(self.runs / stage)
