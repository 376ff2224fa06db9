"""nano's recipe: which stage needs what from which earlier one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from difficmh_core._support import torchvision_operators  # noqa: F401 (before diffusers)
from difficmh_core._support.cache_folder import cache_folder
from difficmh_core._support.processes import make_accelerator
from difficmh_core.baselines.elic_network import ElicConfig, ElicNetwork
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.config.networks import CodecConfig
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
from difficmh_core.training.data import CropSampler, Photographs, Sampler, load_photographs
from difficmh_core.training.device_data import (
    DeviceCropSampler,
    EncodedCropSampler,
    with_reduced_copies,
)
from difficmh_core.training.elic_stage import ElicStage
from difficmh_core.training.few_step_stage import FewStepStage
from difficmh_core.training.joint_stage import JointStage
from difficmh_core.training.latents import LatentSampler, encode_photographs, read_latents
from difficmh_core.training.loop import read_log, train
from difficmh_core.training.picture_loss import PerceptualLosses
from difficmh_core.training.prior_stage import PriorStage
from difficmh_core.training.settings import (
    AutoencoderSettings,
    CodecSettings,
    ElicSettings,
    FewStepSettings,
    JointSettings,
    PriorSettings,
    StageName,
    StageSettings,
)
from difficmh_core.training.stage import Stage
from difficmh_core.weights.loading import load_strict
from difficmh_core.weights.recognition import load_tagger

_CHECK_PX = 256
_N_CHECK = 8
_REPORT_EVERY = 250
_STAGES_ON_PICTURES = (StageName.AUTOENCODER, StageName.DECODER, StageName.ELIC)
"""Stages that need no latents."""
_PARTS_OF_STAGE = (StageName.CODEC, StageName.JOINT, StageName.FEW_STEP)
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
        self._elic = elic or ElicConfig()

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

    def autoencoder(self, *, scaled: bool, before: StageName | None = None) -> Autoencoder:
        """Return the trained autoencoder.

        Args:
            scaled: Whether its latents have unit variance; not known before they are encoded.
            before: Leave this stage and later ones out; ``None`` takes the last that ran.
        """
        module = Autoencoder(self.config(scaled=scaled).autoencoder)
        stages = (StageName.AUTOENCODER, StageName.DECODER, *_PARTS_OF_STAGE)
        self._load(module, "autoencoder", self._last("autoencoder", stages, before))
        return module.requires_grad_(requires_grad=False).eval()

    def prior(self) -> tuple[DenoisingUNet, TagEmbedding]:
        """Return the trained U-Net and tag embedding."""
        unet = DenoisingUNet(self._config.unet)
        tags = TagEmbedding(self._config.conditioning, self._config.unet.context_channels)
        module = nn.ModuleDict({"unet": unet, "tags": tags})
        load_strict(module, read_average(self.runs / StageName.PRIOR), StageName.PRIOR)
        return unet, tags

    def latent_codec(self, *, before: StageName | None = None) -> LatentCodec:
        """Return the trained latent codec, of the last stage before one."""
        module = LatentCodec(self._config.latent_codec)
        stages = (StageName.CODEC, StageName.JOINT)
        self._load(module, "latent_codec", self._last("latent_codec", stages, before))
        return module.eval()

    def control(self, *, before: StageName | None = None) -> ControlModule:
        """Return the trained control module, of the last stage before one."""
        module = ControlModule(self._config.unet, self._config.control)
        stages = (StageName.JOINT, StageName.FEW_STEP)
        self._load(module, "control", self._last("control", stages, before))
        return module

    def _last(self, part: str, stages: Sequence[StageName], before: StageName | None) -> StageName:
        """Return the last of some stages that trained a network, or the first if none did."""
        order = list(StageName)
        end = len(order) if before is None else order.index(before)
        ran = [
            stage
            for stage in stages
            if order.index(stage) < end
            and holds_weights(self.runs / stage, f"{part}." if stage in _PARTS_OF_STAGE else "")
        ]
        return ran[-1] if ran else stages[0]

    def _load(self, module: nn.Module, part: str, stage: StageName) -> None:
        """Load a network from a stage that trained it, alone or together with another."""
        tensors = read_average(self.runs / stage)
        if stage in _PARTS_OF_STAGE:
            prefix = f"{part}."
            tensors = {
                k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)
            }
        load_strict(module, tensors, f"{stage}, {part}")

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

    def train(self, stage: StageName, settings: StageSettings) -> Iterator[Mapping[str, float]]:
        """Train one stage and yield the lines of its log."""
        made = self._make(stage, settings)
        yield from train(made, self._sampler(stage, settings), settings, self.runs / stage)

    def _sampler(self, stage: StageName, settings: StageSettings) -> Sampler:
        if settings.on_device:
            return self._device_sampler(stage, settings)
        if stage in _STAGES_ON_PICTURES:
            return CropSampler(self.photographs, crop_px=settings.crop_px)
        dropout = settings.tag_dropout if isinstance(settings, PriorSettings) else 0.0
        return LatentSampler(
            self.photographs, self.latents_path, crop_px=settings.crop_px, tag_dropout=dropout
        )

    def _device_sampler(self, stage: StageName, settings: StageSettings) -> Sampler:
        device = make_accelerator().device
        photographs = with_reduced_copies(self.photographs, crop_px=settings.crop_px)
        crops = DeviceCropSampler(photographs, device, crop_px=settings.crop_px)
        if stage in _STAGES_ON_PICTURES:
            return crops
        autoencoder = self.autoencoder(scaled=True, before=StageName.PRIOR).to(device)
        dropout = settings.tag_dropout if isinstance(settings, PriorSettings) else 0.0
        tag_ids = 2 * read_latents(self.latents_path)[1]
        return EncodedCropSampler(crops, autoencoder, tag_ids, tag_dropout=dropout)

    def _make(self, stage: StageName, settings: StageSettings) -> Stage:
        """Return a stage with what earlier ones left; what it trains itself starts anew."""
        perceptual = PerceptualLosses(
            lpips=partial(perceptual_distance, "alex", self.cache_dir),
            dists=partial(structure_texture_distance, self.cache_dir),
        )
        check = self.check_pictures
        schedule = NoiseSchedule(self._config.schedule)
        match stage:
            case StageName.AUTOENCODER:
                new = Autoencoder(self.config(scaled=False).autoencoder)
                return AutoencoderStage(
                    cast(AutoencoderSettings, settings), new, perceptual, check
                )
            case StageName.DECODER:
                return AutoencoderStage(
                    cast(AutoencoderSettings, settings),
                    self.autoencoder(scaled=False, before=stage),
                    perceptual,
                    check,
                    only_decoder=True,
                )
            case StageName.PRIOR:
                config = self._config
                return PriorStage(
                    cast(PriorSettings, settings),
                    schedule,
                    DenoisingUNet(config.unet),
                    TagEmbedding(config.conditioning, config.unet.context_channels),
                    self.autoencoder(scaled=True, before=stage).encode(check),
                )
            case StageName.CODEC:
                return CodecStage(
                    cast(CodecSettings, settings),
                    LatentCodec(self._config.latent_codec),
                    self.autoencoder(scaled=True, before=stage),
                    perceptual,
                    check,
                )
            case StageName.JOINT:
                unet, tags = self.prior()
                control = ControlModule(self._config.unet, self._config.control)
                control.initialize_from(unet)
                return JointStage(
                    cast(JointSettings, settings),
                    schedule,
                    self.latent_codec(before=stage),
                    control,
                    unet,
                    tags,
                    self.autoencoder(scaled=True, before=stage),
                    perceptual,
                    check,
                )
            case StageName.FEW_STEP:
                return FewStepStage(
                    cast(FewStepSettings, settings),
                    schedule,
                    self.latent_codec(before=stage),
                    self.control(before=stage),
                    *self.prior(),
                    self.autoencoder(scaled=True, before=stage),
                    perceptual,
                    check,
                )
            case StageName.ELIC:
                network = ElicNetwork(self._elic)
                return ElicStage(cast(ElicSettings, settings), network, check)

    def history(self, stage: StageName) -> list[Mapping[str, float]]:
        """Return the log of a stage, oldest line first; empty if it did not run."""
        return read_log(self.runs / stage)
