"""The losses of the paper's training stage against those of the released code."""

import pytest
import torch

from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.schedule import NoiseSchedule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.training.default_settings import PAPER_SETTINGS
from difficmh_core.training.losses import latent_distance, prediction_error, semantic_distance
from difficmh_core.training.settings import FeatureDistance, SemanticSettings
from difficmh_core.weights.published.diffusion import load_published_control, load_published_unet

BLOCKS = {"mid": None, "enc_5": 4}


@pytest.fixture(scope="module")
def reference(parity):
    return parity.tensors("losses.safetensors")


@pytest.fixture(scope="module")
def schedule(parity):
    return NoiseSchedule(parity.schedule_config())


@pytest.fixture(scope="module")
def unet(parity):
    base = DenoisingUNet(parity.unet_config())
    load_published_unet(base, parity.tensors("weights_unet_control.safetensors"), "reduced")
    return base.requires_grad_(requires_grad=False).eval()


def test_the_prediction_error_is_the_published_one(parity, reference, schedule, unet):
    control = ControlModule(parity.unet_config(), parity.control_config())
    published = parity.tensors("weights_unet_control.safetensors")
    load_published_control(control, published, "reduced")
    controlled = ControlledUNet(unet, control)

    def predict(noisy, timesteps):
        torch.testing.assert_close(noisy, reference["x_noisy"], atol=1e-6, rtol=0)
        return controlled(noisy, timesteps, reference["context"], reference["c_latent"])

    with torch.no_grad():
        error = prediction_error(
            predict, schedule, reference["x_start"], reference["noise"], reference["t"]
        )
    torch.testing.assert_close(error, reference["l_simple"][0], atol=1e-4, rtol=0)


def test_the_latent_distance_is_the_published_one(reference):
    distance = latent_distance(reference["c_latent"], reference["x_start"])
    torch.testing.assert_close(distance, reference["l_guide"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("time", ["zero", "random"])
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("distance", list(FeatureDistance))
def test_semantic_loss_and_total_are_the_published_ones(
    reference, schedule, unet, time, block, distance
):
    paper = PAPER_SETTINGS
    t = int(reference["t"])
    settings = SemanticSettings(
        weight=paper.semantic.weight,
        block=BLOCKS[block],
        timesteps=None if time == "zero" else (t, t + 1),
        distance=distance,
    )
    semantic = semantic_distance(
        unet,
        schedule,
        reference["c_latent"],
        reference["x_start"],
        reference["context"],
        settings,
        noise=reference["noise"],
    )
    expected = f"{time}.{block}.{distance}"
    torch.testing.assert_close(semantic, reference[f"{expected}.l_semantic"][0], atol=1e-5, rtol=0)
    total = (
        paper.diffusion * reference["l_simple"]
        + paper.distance * reference["l_guide"]
        + paper.rate[0] * reference["l_bpp"]
        + settings.weight * semantic
    )
    torch.testing.assert_close(total, reference[f"{expected}.total"], atol=1e-4, rtol=0)
