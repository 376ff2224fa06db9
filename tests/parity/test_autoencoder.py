"""The autoencoder against the published one."""

import itertools

import pytest
import torch

from difficmh_core.config.networks import AutoencoderConfig
from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.tiling import Tiling, tile_starts
from difficmh_core.weights.published.diffusion import (
    AUTOENCODER_PREFIX,
    load_published_autoencoder,
)


@pytest.fixture(scope="module")
def autoencoder(parity):
    module = Autoencoder(parity.autoencoder_config()).eval()
    load_published_autoencoder(module, parity.tensors("weights_vae.safetensors"), "reduced")
    return module


@pytest.fixture(scope="module")
def reference(parity):
    return parity.tensors("vae.safetensors")


def test_latent_is_the_published_one(autoencoder, reference):
    image = reference["image_u8"].permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        moments = autoencoder.model.encode(2 * image - 1)
        latent = autoencoder.encode(image)
    torch.testing.assert_close(moments, reference["moments"], atol=1e-4, rtol=0)
    torch.testing.assert_close(latent, reference["z"], atol=1e-4, rtol=0)


def test_decoded_picture_is_the_published_one(autoencoder, reference):
    with torch.no_grad():
        decoded = autoencoder.decode(reference["z"])
    expected = ((reference["decoded"] + 1) / 2).clamp(0, 1)
    torch.testing.assert_close(decoded, expected, atol=1e-4, rtol=0)


def rms(values):
    return values.square().mean().sqrt()


def test_tiles_of_a_large_picture_leave_no_seam(parity):
    """A picture goes on as the tile before does where the next begins, and as that one at its end.

    Tiles of 64 px overlap by at least 16 px, in which the one before fades into the next.
    """
    whole, tiled = (Autoencoder(parity.autoencoder_config()).eval() for _ in range(2))
    for module in (whole, tiled):
        load_published_autoencoder(module, parity.tensors("weights_vae.safetensors"), "reduced")
    tiled.tiling = Tiling(untiled_area=64, tile=8, overlap=2)
    pixels = parity.tensors("vae.safetensors")["image_u8"].permute(2, 0, 1)[None].float() / 255
    picture = torch.nn.functional.interpolate(pixels, (64, 224), mode="bilinear")
    with torch.no_grad():
        latent = whole.encode(picture)
        assert tiled.encode(picture).shape == latent.shape
        made, untiled = (  # the rows of the upper tiles only
            module.decode_raw(latent)[..., :48, :] for module in (tiled, whole)
        )
        starts = tile_starts(28, 8, 2)
        tiles = [whole.decode_raw(latent[..., x : x + 8])[..., :48, :] for x in starts]
    assert (made - untiled).abs().max() > 0.01  # it was tiled
    pairs = itertools.pairwise(zip(starts, tiles, strict=True))
    for (before_start, before), (after_start, after) in pairs:
        start, end = 8 * after_start, 8 * before_start + 64
        shift = start - 8 * before_start
        disagreement = rms(before[..., shift:] - after[..., : end - start])
        own_steps = (
            before[..., shift] - before[..., shift - 1],
            after[..., end - start] - after[..., end - start - 1],
        )
        for border, own in zip((start, end), own_steps, strict=True):
            step = made[..., border] - made[..., border - 1]
            # As large as the disagreement, if the tiles were put side by side.
            assert rms(step - own) < disagreement / 8


def test_full_size_names_and_shapes_are_the_published_ones(parity):
    with torch.device("meta"):
        module = Autoencoder(AutoencoderConfig())
    load_published_autoencoder(module, parity.full_size_tensors(AUTOENCODER_PREFIX), "full size")
