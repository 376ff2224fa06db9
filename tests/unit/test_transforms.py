"""The transforms have the strides that the format relies on, and modulation does what it says."""

import pytest
import torch

from difficmh_core.compression.layers import (
    BottleneckBlock,
    DownsamplingBlock,
    ModulatedResidualBlock,
    Modulation,
    UpsamplingBlock,
)
from difficmh_core.compression.transforms import (
    AnalysisTransform,
    HyperAnalysis,
    HyperPrior,
    HyperSynthesis,
    SynthesisTransform,
)
from difficmh_core.config.networks import LatentCodecConfig
from difficmh_core.config.profiles import TINY

CONFIG = TINY.latent_codec


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 192)])
def test_strides_and_channels(height, width):
    image = torch.rand(2, 3, height, width)
    diffusion_latent = torch.randn(2, 4, height // 8, width // 8)
    y = AnalysisTransform(CONFIG)(image, diffusion_latent)
    z = HyperAnalysis(CONFIG)(y, diffusion_latent)
    prior = HyperPrior(CONFIG)(z)
    assert y.shape == (2, CONFIG.latent_channels, height // 16, width // 16)
    assert z.shape == (2, CONFIG.hyper_channels, height // 64, width // 64)
    assert HyperSynthesis(CONFIG)(z).shape == (2, 2 * CONFIG.latent_channels, *y.shape[2:])
    assert prior.shape == (2, CONFIG.hyper_channels // 4, *y.shape[2:])
    assert SynthesisTransform(CONFIG)(y, prior).shape == diffusion_latent.shape


def test_default_widths_are_the_published_ones():
    with torch.device("meta"):
        synthesis = SynthesisTransform(LatentCodecConfig())
        analysis = AnalysisTransform(LatentCodecConfig())
    assert synthesis.prior_16[0].weight.shape == (256, 368, 3, 3)
    assert analysis.to_latent.weight.shape == (320, 192, 3, 3)


def test_modulation_known_answer():
    modulation = Modulation(2, 3, 4)
    for parameter in modulation.parameters():
        torch.nn.init.zeros_(parameter)
    x, prior = torch.randn(1, 2, 5, 7), torch.randn(1, 3, 5, 7)
    torch.testing.assert_close(modulation(x, prior), x, rtol=0, atol=0)
    torch.nn.init.constant_(modulation.gamma.bias, 0.5)
    torch.nn.init.constant_(modulation.beta.bias, -2.0)
    torch.testing.assert_close(modulation(x, prior), 1.5 * x - 2)


def test_residual_blocks_with_zero_branches_are_identities():
    x, prior = torch.randn(1, 4, 6, 6), torch.randn(1, 3, 6, 6)
    bottleneck, modulated = BottleneckBlock(4), ModulatedResidualBlock(4, 3, 5)
    for last in (bottleneck.branch[4], modulated.second):
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
    assert torch.equal(bottleneck(x), x)
    assert torch.equal(modulated(x, prior), x)


def test_sampling_blocks_halve_and_double():
    x = torch.randn(1, 4, 6, 10)
    assert DownsamplingBlock(4, 7)(x).shape == (1, 7, 3, 5)
    assert UpsamplingBlock(4, 7)(x).shape == (1, 7, 12, 20)
