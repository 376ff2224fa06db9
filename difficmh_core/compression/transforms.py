"""The transforms between pictures, latents y, hyper-latents z and content latents.

::

    image ──────────── AnalysisTransform ─ y ─ HyperAnalysis ─ z
    diffusion latent ──┴──────────────────────┘ (modulates both)

    z_hat ─┬─ HyperSynthesis ─ hyper features, for the context model
           └─ HyperPrior ───┐ (modulates)
    y_hat ──────────── SynthesisTransform ─ content latent

Strides against the picture: y 16, z 64, diffusion and content latent 8.

References:
    Diff-ICMH, NeurIPS 2025, section 3. Code: https://github.com/RuoyuFeng/Diff-ICMH
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from difficmh_core.compression.layers import (
    BottleneckBlock,
    DownsamplingBlock,
    ModulatedResidualBlock,
    Modulation,
    UpsamplingBlock,
    conv,
    conv_stack,
    deconv,
)
from difficmh_core.config.networks import LatentCodecConfig
from difficmh_core.shapes import CodecLatent, DiffusionLatent, HyperLatent, Image01


def _prior_net(in_channels: int, out_channels: int, stride: int = 1) -> nn.Sequential:
    """Return the network that makes modulating features out of a map, ``stride`` times smaller."""
    return nn.Sequential(
        conv(in_channels, out_channels, stride=stride),
        nn.GELU(),
        conv(out_channels, out_channels, kernel=1),
    )


def _fusing_prior_net(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return the network that fuses two concatenated maps into modulating features."""
    return conv_stack(in_channels, 4 * out_channels, 2 * out_channels, out_channels)


def _bottlenecks(channels: int) -> list[nn.Module]:
    """Return the three residual blocks that follow each change of size."""
    return [BottleneckBlock(channels) for _ in range(3)]


class AnalysisTransform(nn.Module):
    """g_a: a picture becomes the latent y, steered by its diffusion latent."""

    def __init__(self, config: LatentCodecConfig) -> None:
        super().__init__()
        first, second, third, fourth = config.stage_channels
        prior, hidden = config.prior_channels, config.modulation_channels
        self.prior_8 = _prior_net(config.diffusion_channels, prior)
        self.prior_16 = _prior_net(prior, prior, stride=2)
        self.prior_16_refined = _prior_net(prior, prior)
        self.to_stride_8 = nn.Sequential(
            DownsamplingBlock(3, first),
            *_bottlenecks(first),
            DownsamplingBlock(first, second),
            *_bottlenecks(second),
            DownsamplingBlock(second, third),
            *_bottlenecks(third),
        )
        self.modulation_8 = Modulation(third, prior, hidden)
        self.to_stride_16 = nn.Sequential(DownsamplingBlock(third, fourth), *_bottlenecks(fourth))
        self.modulation_16 = Modulation(fourth, prior, hidden)
        self.mix = conv(fourth, fourth)
        self.first_block = ModulatedResidualBlock(fourth, prior, hidden)
        self.second_block = ModulatedResidualBlock(fourth, prior, hidden)
        self.to_latent = conv(fourth, config.latent_channels)

    def forward(self, image: Image01, diffusion_latent: DiffusionLatent) -> CodecLatent:
        """Return the latent y of ``image``; height and width must be multiples of 64 [px]."""
        prior = self.prior_8(diffusion_latent)
        x = self.modulation_8(self.to_stride_8(image), prior)
        prior = self.prior_16(prior)
        x = self.modulation_16(self.to_stride_16(x), prior)
        prior = self.prior_16_refined(prior)
        x = self.second_block(self.first_block(self.mix(x), prior), prior)
        y: Tensor = self.to_latent(x)
        return y


class HyperAnalysis(nn.Module):
    """h_a: the latent y becomes the hyper-latent z, steered by the diffusion latent and y."""

    def __init__(self, config: LatentCodecConfig) -> None:
        super().__init__()
        channels, prior = config.hyper_channels, config.prior_channels
        hidden, latent = config.modulation_channels, config.latent_channels
        self.prior_of_diffusion = _prior_net(config.diffusion_channels, prior, stride=2)
        self.prior_16 = _fusing_prior_net(prior + latent, prior)
        self.prior_32 = _prior_net(prior, prior, stride=2)
        self.prior_64 = _prior_net(prior, prior, stride=2)
        self.at_16 = conv(latent, channels)
        self.modulation_16 = Modulation(channels, prior, hidden)
        self.to_stride_32 = conv(channels, channels, kernel=5, stride=2)
        self.modulation_32 = Modulation(channels, prior, hidden)
        self.to_stride_64 = conv(channels, channels, kernel=5, stride=2)
        self.first_block = ModulatedResidualBlock(channels, prior, hidden)
        self.second_block = ModulatedResidualBlock(channels, prior, hidden)
        self.to_hyper_latent = conv(channels, channels, kernel=1)

    def forward(self, y: CodecLatent, diffusion_latent: DiffusionLatent) -> HyperLatent:
        """Return the hyper-latent z."""
        prior = self.prior_16(torch.cat((self.prior_of_diffusion(diffusion_latent), y), dim=1))
        x = functional.gelu(self.modulation_16(self.at_16(y), prior))
        prior = self.prior_32(prior)
        x = functional.gelu(self.modulation_32(self.to_stride_32(x), prior))
        prior = self.prior_64(prior)
        x = self.first_block(self.to_stride_64(x), prior)
        z: Tensor = self.to_hyper_latent(self.second_block(x, prior))
        return z


class HyperSynthesis(nn.Sequential):
    """h_s: z_hat becomes the features from which the context model starts, 2 M channels."""

    def __init__(self, config: LatentCodecConfig) -> None:
        latent = config.latent_channels
        super().__init__(
            deconv(config.hyper_channels, latent),
            nn.GELU(),
            deconv(latent, latent * 3 // 2),
            nn.GELU(),
            deconv(latent * 3 // 2, 2 * latent, kernel=3, stride=1),
        )

    def forward(self, z_hat: HyperLatent) -> Float[Tensor, "batch features h16 w16"]:
        """Return the hyper features."""
        features: Tensor = super().forward(z_hat)  # type: ignore[no-untyped-call]
        return features


class HyperPrior(nn.Sequential):
    """What z_hat tells the synthesis transform, N / 4 channels."""

    def __init__(self, config: LatentCodecConfig) -> None:
        channels = config.hyper_channels
        super().__init__(
            deconv(channels, channels // 2),
            nn.GELU(),
            deconv(channels // 2, channels // 4),
            nn.GELU(),
            deconv(channels // 4, channels // 4, kernel=3, stride=1),
        )

    def forward(self, z_hat: HyperLatent) -> Float[Tensor, "batch prior h16 w16"]:
        """Return modulating features at the stride of y."""
        prior: Tensor = super().forward(z_hat)  # type: ignore[no-untyped-call]
        return prior


class SynthesisTransform(nn.Module):
    """g_s: y_hat becomes the content latent, steered by features of z_hat and y_hat."""

    def __init__(self, config: LatentCodecConfig) -> None:
        super().__init__()
        _, _, at_8, at_16 = config.stage_channels
        latent, prior = config.latent_channels, config.prior_channels
        hidden = config.modulation_channels
        self.prior_16 = _fusing_prior_net(config.hyper_channels // 4 + latent, prior)
        self.prior_16_refined = _prior_net(prior, prior)
        self.prior_8 = nn.Sequential(
            deconv(prior, prior, kernel=3), nn.GELU(), conv(prior, prior, kernel=1)
        )
        self.first_block = ModulatedResidualBlock(latent, prior, hidden)
        self.second_block = ModulatedResidualBlock(latent, prior, hidden)
        self.at_16 = nn.Sequential(conv(latent, at_16), *_bottlenecks(at_16))
        self.modulation_16 = Modulation(at_16, prior, hidden)
        self.to_stride_8 = nn.Sequential(UpsamplingBlock(at_16, at_8), *_bottlenecks(at_8))
        self.modulation_8 = Modulation(at_8, prior, hidden)
        self.to_content_latent = conv(at_8, config.diffusion_channels)

    def forward(
        self, y_hat: CodecLatent, hyper_prior: Float[Tensor, "batch prior h16 w16"]
    ) -> DiffusionLatent:
        """Return the content latent."""
        prior = self.prior_16(torch.cat((hyper_prior, y_hat), dim=1))
        x = self.second_block(self.first_block(y_hat, prior), prior)
        prior = self.prior_16_refined(prior)
        x = self.modulation_16(self.at_16(x), prior)
        x = self.modulation_8(self.to_stride_8(x), self.prior_8(prior))
        content_latent: Tensor = self.to_content_latent(x)
        return content_latent
