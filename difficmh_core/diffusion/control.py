"""The control module: a second encoder half that steers a frozen U-Net by the content latent.

::

    latent ────────────── U-Net  encoder 0 ─ + ─ encoder 1 ─ + ─ … middle ─ + ─ ( + decoder 0 ) …
                                             │               │              │     │
    latent, content ─ control    encoder 0 ──┴── encoder 1 ──┴── … middle ──┘   skips, last first

What crosses over goes through a 1 x 1 convolution that starts at zero and is multiplied by
``control_scale``; before training, the U-Net therefore predicts what it did alone. Nothing flows
back from the U-Net to the control module.

References:
    Diff-ICMH, NeurIPS 2025. Code: https://github.com/RuoyuFeng/Diff-ICMH
    Zavadski et al.: ControlNet-XS, ECCV 2024, https://arxiv.org/abs/2312.06573 (the wiring)
    Zhang et al.: Adding Conditional Control to Text-to-Image Diffusion Models, ICCV 2023,
    https://arxiv.org/abs/2302.05543 (convolutions that start at zero)
"""

from typing import TypeAlias, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.config.networks import ControlConfig, UNetConfig
from difficmh_core.diffusion.blocks import EncoderHalf, decoder_channels, encoder_channels
from difficmh_core.diffusion.cross_attention import (
    KeysAndValues,
    ProjectedContext,
    cross_attentions,
    project_context,
)
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.shapes import Context, DiffusionLatent, Timesteps

Hint: TypeAlias = Float[Tensor, "batch features h8 w8"]
"""The control module's first features, or the share of them that the content latent decides."""

_FIRST_WEIGHT = "encoder.0.0.weight"
_GATED = ".ff.net.0.proj."  # GEGLU: values and gates in one layer


class ControlModule(EncoderHalf):
    """Encoder blocks and middle block beside the U-Net's, and where they join it.

    Training begins with :meth:`initialize_from`.
    """

    def __init__(self, unet: UNetConfig, control: ControlConfig) -> None:
        first = int(unet.block_channels[0] * control.width)
        widths = [first * width // unet.block_channels[0] for width in unet.block_channels]
        super().__init__(
            unet,
            in_channels=2 * unet.diffusion_channels,
            level_channels=widths,
            head_channels=control.head_channels,
        )
        own = encoder_channels(unet, widths)
        self.to_encoder = _zero_convolutions(own, encoder_channels(unet, unet.block_channels))
        self.to_middle = _zero_convolution(widths[-1], unet.block_channels[-1])
        self.to_decoder = _zero_convolutions(own[::-1], decoder_channels(unet))

    def hint(self, content_latent: DiffusionLatent) -> Hint:
        """Return the share of the first features that the content latent alone decides."""
        first = cast(nn.Conv2d, self.encoder.get_submodule("0.0"))
        _, weight = first.weight.chunk(2, dim=1)
        return functional.conv2d(content_latent, weight, first.bias, padding=first.padding)

    def first_features(self, latent: DiffusionLatent, hint: Hint) -> Hint:
        """Return the first features, of the noisy latent and the hint.

        A convolution of two latents side by side is the sum of a convolution of each.
        """
        first = cast(nn.Conv2d, self.encoder.get_submodule("0.0"))
        weight, _ = first.weight.chunk(2, dim=1)
        return functional.conv2d(latent, weight, padding=first.padding) + hint

    @torch.no_grad()
    def initialize_from(self, unet: DenoisingUNet) -> None:
        """Copy the U-Net's encoder half, so that training starts from its features.

        The first convolution reads the noisy latent and the content latent: both halves get the
        U-Net's weights. A narrower module takes the leading channels of each tensor; of the gated
        feed-forward layers, whose outputs are values and then gates, the leading ones of each.

        Args:
            unet: Trained U-Net of the configuration that this module was built for.
        """
        source = unet.state_dict()
        for name, own in self.state_dict().items():
            if name.startswith(("to_encoder.", "to_middle.", "to_decoder.")):
                continue
            given = source[name]
            if name == _FIRST_WEIGHT:
                given = torch.cat([given, given], dim=1)
            if _GATED in name:
                for own_half, half in zip(own.chunk(2), given.chunk(2), strict=True):
                    own_half.copy_(_leading(half, own_half.shape))
            else:
                own.copy_(_leading(given, own.shape))


class ControlledUNet(nn.Module):
    """A U-Net together with the control module that steers it."""

    def __init__(self, base: DenoisingUNet, control: ControlModule) -> None:
        super().__init__()
        self.base = base
        self.control = control
        self._transformers = cross_attentions(self)

    def forward(
        self,
        latent: DiffusionLatent,
        timesteps: Timesteps,
        context: Context,
        content_latent: DiffusionLatent,
        control_scale: float = 1.0,
    ) -> DiffusionLatent:
        """Return the controlled prediction.

        Args:
            latent: Noisy latent; sides are multiples of 2 to the number of downsamplings.
            timesteps: Timestep of each latent.
            context: What cross-attention reads.
            content_latent: What the codec stored, the hint.
            control_scale: Strength of the control, 1 as trained; 0 is the U-Net alone.
        """
        if control_scale == 0:
            return self.base(latent, timesteps, context)  # type: ignore[no-any-return]
        time = self.control.time_embedding(timesteps)
        both = torch.cat([latent, content_latent], dim=1)
        steering = self.control.encoder[0](both, time, context)
        return self._controlled(latent, timesteps, context, steering, control_scale)

    def project(self, context: Context) -> ProjectedContext:
        """Return keys and values of a context for every transformer, the same at every step."""
        return project_context(self._transformers, context)

    def prepared(
        self,
        latent: DiffusionLatent,
        timesteps: Timesteps,
        projected: ProjectedContext,
        hint: Hint,
        control_scale: float = 1.0,
    ) -> DiffusionLatent:
        """Return the controlled prediction, as :meth:`forward` does.

        ``projected`` is what :meth:`project` made of the context, ``hint`` what
        :meth:`ControlModule.hint` made of the content latent, or a crop of it.
        """
        context = KeysAndValues(self._transformers, projected)
        if control_scale == 0:
            return self.base(latent, timesteps, context)  # type: ignore[no-any-return]
        steering = self.control.first_features(latent, hint)
        return self._controlled(latent, timesteps, context, steering, control_scale)

    def _controlled(
        self,
        latent: DiffusionLatent,
        timesteps: Timesteps,
        context: Context | KeysAndValues,
        steering: Hint,
        control_scale: float,
    ) -> DiffusionLatent:
        """Return the prediction; ``steering`` is what the first control block returns."""
        base, control = self.base, self.control
        time, control_time = base.time_embedding(timesteps), control.time_embedding(timesteps)
        hidden, skips, control_skips = latent, list[Tensor](), list[Tensor]()
        for index, (block, control_block, cross) in enumerate(
            zip(base.encoder, control.encoder, control.to_encoder, strict=True)
        ):
            if index > 0:
                steering = control_block(steering, control_time, context)
            hidden = block(hidden, time, context) + control_scale * cross(steering)
            skips.append(hidden)
            control_skips.append(steering)
        steering = control.middle(steering, control_time, context)
        hidden = base.middle(hidden, time, context) + control_scale * control.to_middle(steering)
        for block, cross in zip(base.decoder, control.to_decoder, strict=True):
            hidden = hidden + control_scale * cross(control_skips.pop())
            hidden = block(torch.cat([hidden, skips.pop()], dim=1), time, context)
        prediction: Tensor = base.out(hidden)
        return prediction


def _zero_convolution(in_channels: int, out_channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(in_channels, out_channels, kernel_size=1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(cast(Tensor, layer.bias))
    return layer


def _zero_convolutions(in_channels: list[int], out_channels: list[int]) -> nn.ModuleList:
    return nn.ModuleList(
        _zero_convolution(own, base) for own, base in zip(in_channels, out_channels, strict=True)
    )


def _leading(tensor: Tensor, shape: torch.Size) -> Tensor:
    """Return the leading entries of a tensor along every axis."""
    return tensor[tuple(slice(size) for size in shape)]
