"""Networks applied strip by strip give what they give for the whole; those of nano, bit by bit."""

import pytest
import torch
from torch import nn

from difficmh_core._support import strips
from difficmh_core._support.parts import result_of
from difficmh_core._support.strips import cost_of, in_strips, reach_of
from difficmh_core._support.threads import one_thread
from difficmh_core.compression.context_model import ContextModel
from difficmh_core.compression.layers import BottleneckBlock, DownsamplingBlock, conv_stack
from difficmh_core.compression.transforms import AnalysisTransform
from difficmh_core.config.profiles import NANO, TINY
from difficmh_core.diffusion.autoencoder import Autoencoder


@pytest.fixture
def whole(monkeypatch):
    """Return a function after which nothing is cut any more."""
    return lambda: monkeypatch.setattr(strips, "LEAST_POSITIONS", 1 << 40)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize(
    ("network", "channels", "dtype"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), 3, torch.float32),
        (nn.Sequential(DownsamplingBlock(3, 8), BottleneckBlock(8)), 3, torch.float32),
        (nn.Sequential(DownsamplingBlock(3, 8), DownsamplingBlock(8, 8)), 3, torch.float32),
        (conv_stack(6, 8, 8, 4, kernel=5), 6, torch.float64),
    ],
)
def test_strips_are_those_of_the_whole(network, channels, dtype, n_threads):
    torch.manual_seed(0)
    network = network.to(dtype)
    x = torch.randn(1, channels, 320, 160, dtype=dtype)
    before = torch.get_num_threads()
    torch.set_num_threads(n_threads)
    try:
        with torch.inference_mode(), one_thread():
            parts = list[float]()
            work = in_strips(network, x)
            while True:
                try:
                    parts.append(next(work))
                except StopIteration as end:
                    found = end.value
                    break
            whole = network(x)
    finally:
        torch.set_num_threads(before)
    assert len(parts) > 1
    assert parts == sorted(parts)
    assert parts[-1] == 1
    tolerance = 1e-12 if dtype == torch.float64 else 1e-5
    torch.testing.assert_close(found, whole, rtol=0, atol=tolerance)


@torch.inference_mode()
@pytest.mark.parametrize("config", [NANO, TINY], ids=lambda config: config.profile)
def test_the_analysis_is_the_same_in_strips(config):
    torch.manual_seed(0)
    analysis = AnalysisTransform(config.latent_codec).eval()
    channels = config.latent_codec.diffusion_channels
    image, latent = torch.rand(1, 3, 768, 512), torch.randn(1, channels, 96, 64)
    with one_thread():
        found = result_of(analysis.in_strips(image, latent))
        assert torch.equal(found, analysis(image, latent))


@torch.inference_mode()
def test_the_autoencoder_is_the_same_in_strips():
    torch.manual_seed(0)
    autoencoder = Autoencoder(NANO.autoencoder).eval().to(memory_format=torch.channels_last)
    details = autoencoder.model.decoder.conv_out.details
    nn.init.normal_(details[-1].weight, std=0.1)  # begins at zero
    image, latent = torch.rand(1, 3, 768, 512), torch.randn(1, 8, 96, 64)
    with one_thread():
        patches = torch.nn.functional.pixel_unshuffle(2 * image - 1, 4)
        encoded = result_of(autoencoder.model.encode_in_strips(patches))
        assert torch.equal(encoded, autoencoder.model.encode(patches))
        decoded = result_of(autoencoder.model.decode_in_strips(latent))
        torch.testing.assert_close(decoded, autoencoder.model.decode(latent), rtol=0, atol=1e-5)


@torch.inference_mode()
def test_the_context_model_is_the_same_in_strips(whole):
    torch.manual_seed(0)
    config = TINY.latent_codec
    model = ContextModel(config).double().eval()
    features = torch.randn(1, 2 * config.latent_channels, 200, 96, dtype=torch.float64)

    def walk():
        seen = []

        def code(_step, scales, means):
            seen.append(scales)
            return means.round()

        return model.run(features, code), seen

    cut, seen = walk()
    whole()
    uncut, expected = walk()
    torch.testing.assert_close(cut, uncut, rtol=0, atol=1e-12)
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-12)


def test_gradients_see_the_whole():
    network, x = nn.Conv2d(3, 8, 3, padding=1), torch.randn(1, 3, 200, 160)
    assert torch.equal(result_of(in_strips(network, x)), network(x))


def test_reach_and_cost_count_strides():
    network = nn.Sequential(nn.Conv2d(3, 8, 3, 2, padding=1), nn.Conv2d(8, 8, 5, padding=2))
    assert reach_of(network) == 1 + 2 * 2
    assert cost_of(network) == (3 * 8 * 9 + 8 * 8 * 25) / 4
