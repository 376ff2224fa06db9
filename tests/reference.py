"""Reference values of the published system, read from a folder that is not part of this project.

The folder is ``DIFFICMH_PARITY``, by default ``../shared/parity`` beside the repository. Where it
or one of its files is absent, the tests that need it are skipped and say so.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from torch import Tensor

from difficmh_core.config.networks import (
    AutoencoderConfig,
    ControlConfig,
    LatentCodecConfig,
    ScheduleConfig,
    TextTowerConfig,
    UNetConfig,
)
from difficmh_core.tagging.ram import RamConfig

DEFAULT_FOLDER = Path(__file__).parents[1].parent / "shared" / "parity"


@dataclass(frozen=True)
class Parity:
    """The folder of reference values."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return a file of the folder, or skip the test naming what is missing."""
        path = self.folder / name
        if not path.exists():
            pytest.skip(f"reference file {name} is not in {self.folder} (set DIFFICMH_PARITY)")
        return path

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Return the tensors of a file, half-precision ones as float32 (their exact values)."""
        return {
            key: tensor.float() if tensor.dtype == torch.float16 else tensor
            for key, tensor in load_file(self.path(name)).items()
        }

    def full_size_tensors(self, prefix: str) -> dict[str, Tensor]:
        """Return empty tensors with the names and shapes of the full-size checkpoint."""
        text = self.path("state_dict_shapes.json").read_text(encoding="utf-8")
        groups = [group for group in json.loads(text).values() if isinstance(group, dict)]
        return {
            key: torch.empty(entry["shape"], device="meta")
            for group in groups
            for key, entry in group.items()
            if key.startswith(prefix)
        }

    @cached_property
    def config(self) -> dict[str, Any]:
        """The settings of the reduced networks, as the published system writes them."""
        text = self.path("reduced_config.yaml").read_text(encoding="utf-8")
        settings: dict[str, Any] = yaml.safe_load(text)["params"]
        return settings

    def unet_config(self) -> UNetConfig:
        """Return the reduced U-Net's settings."""
        params = self.config["unet_config"]["params"]
        multiples = params["channel_mult"]
        return UNetConfig(
            block_channels=tuple(params["model_channels"] * multiple for multiple in multiples),
            attention_levels=tuple(
                2**level in params["attention_resolutions"] for level in range(len(multiples))
            ),
            layers_per_block=params["num_res_blocks"],
            head_channels=params["num_head_channels"],
            context_channels=params["context_dim"],
        )

    def control_config(self) -> ControlConfig:
        """Return the reduced control module's settings."""
        params = self.config["control_stage_config"]["params"]
        return ControlConfig(
            width=params["control_model_ratio"], head_channels=params["num_head_channels"]
        )

    def autoencoder_config(self) -> AutoencoderConfig:
        """Return the reduced autoencoder's settings."""
        params = self.config["first_stage_config"]["params"]["ddconfig"]
        return AutoencoderConfig(
            block_channels=tuple(params["ch"] * multiple for multiple in params["ch_mult"]),
            layers_per_block=params["num_res_blocks"],
            scaling_factor=self.config["scale_factor"],
        )

    def codec_config(self) -> LatentCodecConfig:
        """Return the reduced latent codec's settings."""
        params = self.config["preprocess_config"]["params"]
        return LatentCodecConfig(
            stage_channels=tuple(params["enc_mid"]),
            hyper_channels=params["N"],
            latent_channels=params["M"],
            prior_channels=params["prior_nc"],
            slice_channels=tuple(params["slice_ch"]),
        )

    def tagger_config(self) -> RamConfig:
        """Return the reduced tagger's settings."""
        settings = json.loads(self.path("ram_reduced.json").read_text(encoding="utf-8"))
        swin, query = settings["swin"], settings["q2l"]
        return RamConfig(
            image_px=swin["image_res"],
            swin_channels=swin["embed_dim"],
            swin_depths=tuple(swin["depths"]),
            swin_heads=tuple(swin["num_heads"]),
            window=swin["window_size"],
            n_descriptions=settings["des_per_class"],
            n_tags=settings["num_tags"],
            query_channels=query["hidden_size"],
            feed_forward_channels=query["intermediate_size"],
            query_heads=query["num_attention_heads"],
            query_layers=query["num_hidden_layers"],
        )

    def schedule_config(self) -> ScheduleConfig:
        """Return the noise schedule's settings."""
        return ScheduleConfig(
            n_timesteps=self.config["timesteps"],
            beta_start=self.config["linear_start"],
            beta_end=self.config["linear_end"],
        )

    def text_config(self, weights: dict[str, Tensor]) -> TextTowerConfig:
        """Return the reduced text tower's settings, read off its weights; heads are 8 wide."""
        below = "cond_stage_model.model."
        max_tokens, channels = weights[f"{below}positional_embedding"].shape
        hidden = weights[f"{below}transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
        n_trained = sum(key.endswith(".ln_1.weight") for key in weights)
        return TextTowerConfig(
            channels=channels,
            feed_forward_channels=hidden,
            n_layers=n_trained - 1,
            n_heads=channels // 8,
            max_tokens=max_tokens,
        )
