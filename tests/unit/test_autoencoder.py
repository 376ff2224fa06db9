"""The autoencoder: ranges, scale, element types."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from diffusers import AutoencoderKL

from difficmh_core.config.networks import AutoencoderConfig
from difficmh_core.config.profiles import TINY
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.errors import ConfigError


@pytest.fixture(scope="module")
def autoencoder():
    torch.manual_seed(0)
    return Autoencoder(TINY.autoencoder).eval()


@pytest.fixture
def image():
    return torch.rand(2, 3, 64, 40, generator=torch.Generator().manual_seed(1))


def test_latent_is_an_eighth_of_the_picture_and_back(autoencoder, image):
    with torch.no_grad():
        latent = autoencoder.encode(image)
        decoded = autoencoder.decode(latent)
    assert latent.shape == (2, 4, 8, 5)
    assert decoded.shape == image.shape
    assert 0 <= decoded.min() <= decoded.max() <= 1


@pytest.mark.parametrize("mid_attention", [True, False])
def test_layers_are_those_of_diffusers(image, mid_attention):
    config = AutoencoderConfig(
        block_channels=(8, 16, 16, 24),
        layers_per_block=2,
        norm_groups=4,
        mid_attention=mid_attention,
    )
    ours = Autoencoder(config).eval()
    n_levels = len(config.block_channels)
    theirs = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * n_levels,
        up_block_types=("UpDecoderBlock2D",) * n_levels,
        block_out_channels=config.block_channels,
        layers_per_block=config.layers_per_block,
        norm_num_groups=config.norm_groups,
        mid_block_add_attention=mid_attention,
    ).eval()
    theirs.load_state_dict(ours.model.state_dict())
    with torch.no_grad():
        ours_seen, seen = ours.posterior(image), theirs.encode(2 * image - 1).latent_dist
        torch.testing.assert_close(ours_seen.mean, seen.mean)
        torch.testing.assert_close(ours_seen.stddev, seen.std)
        made = theirs.decode(seen.mean).sample
        torch.testing.assert_close(
            ours.decode_raw(seen.mean * config.scaling_factor), (made + 1) / 2
        )


def test_latent_is_the_scaled_mean_of_the_posterior(autoencoder, image):
    with torch.no_grad():
        mean = autoencoder.posterior(image).mean
        torch.testing.assert_close(autoencoder.encode(image), 0.18215 * mean)


def test_sampling_draws_from_the_posterior(autoencoder, image):
    with torch.no_grad():
        torch.manual_seed(2)
        first = autoencoder.encode(image, sample=True)
        second = autoencoder.encode(image, sample=True)
    assert not torch.equal(first, second)


def test_half_precision_stays_inside(autoencoder, image):
    half = deepcopy(autoencoder).bfloat16()
    with torch.no_grad():
        latent, exact = half.encode(image), autoencoder.encode(image)
        for found, expected in (
            (latent, exact),
            (half.decode(exact), autoencoder.decode(exact)),
        ):
            assert found.dtype == torch.float32
            assert 0 < (found - expected).abs().mean() < 0.02


def test_gradients_reach_every_parameter(image):
    module = Autoencoder(TINY.autoencoder)
    module.decode(module.encode(image, sample=True)).square().mean().backward()
    assert [name for name, each in module.named_parameters() if not each.grad.any()] == []


def test_full_size_has_the_published_number_of_parameters():
    with torch.device("meta"):
        module = Autoencoder(AutoencoderConfig())
    assert sum(parameter.numel() for parameter in module.parameters()) == 83_653_863


@pytest.mark.parametrize("changes", [{"block_channels": (8, 8, 8)}, {"patch_px": 2}])
def test_another_stride_is_refused(changes):
    with pytest.raises(ConfigError, match="stride must be 8"):
        AutoencoderConfig(**changes)


def test_patches_without_normalization_keep_the_stride():
    image = torch.rand(1, 3, 256, 320)
    config = replace(TINY.autoencoder, block_channels=(8, 16), patch_px=4, norm_groups=None)
    module = Autoencoder(config)
    assert not any(isinstance(layer, torch.nn.GroupNorm) for layer in module.modules())
    latent = module.encode(image)
    assert latent.shape == (len(image), 4, image.shape[2] // 8, image.shape[3] // 8)
    assert module.decode(latent).shape == image.shape
    # Without normalization over the picture, what lies far away does not matter.
    changed = image.clone()
    changed[..., -8:, -8:] = 1 - changed[..., -8:, -8:]
    assert torch.equal(module.encode(changed)[..., 0, 0], latent[..., 0, 0])


def test_details_start_at_zero_and_then_count():
    config = replace(TINY.autoencoder, block_channels=(8, 16), patch_px=4, norm_groups=None)
    plain, detailed = Autoencoder(config), Autoencoder(replace(config, detail_channels=(6, 4)))
    weights = {
        name.replace("conv_out.", "conv_out.squares.") if "decoder" in name else name: tensor
        for name, tensor in plain.state_dict().items()
    }
    missing, unexpected = detailed.load_state_dict(weights, strict=False)
    assert not unexpected
    assert all("conv_out.details" in name for name in missing)
    latent = torch.randn(1, 4, 8, 8)
    torch.testing.assert_close(detailed.decode_raw(latent), plain.decode_raw(latent))
    last = detailed.model.decoder.conv_out.details[-1]
    torch.nn.init.constant_(last.bias, 0.5)
    torch.testing.assert_close(detailed.decode_raw(latent), plain.decode_raw(latent) + 0.25)


def test_details_that_miss_the_full_size_are_refused():
    with pytest.raises(ConfigError, match="double the size"):
        AutoencoderConfig(block_channels=(8, 16), patch_px=4, detail_channels=(8,))
