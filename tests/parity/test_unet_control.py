"""The U-Net and its control module, block by block, against the published ones."""

import pytest
import torch

from difficmh_core.config.networks import ControlConfig, UNetConfig
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import CheckpointError
from difficmh_core.weights.published.diffusion import (
    CONTROL_PREFIX,
    UNET_PREFIX,
    load_published_control,
    load_published_unet,
)


@pytest.fixture(scope="module")
def published(parity):
    return parity.tensors("weights_unet_control.safetensors")


@pytest.fixture(scope="module")
def unet(parity, published):
    base = DenoisingUNet(parity.unet_config())
    control = ControlModule(parity.unet_config(), parity.control_config())
    load_published_unet(base, published, "reduced")
    load_published_control(control, published, "reduced")
    return ControlledUNet(base, control).eval()


@pytest.fixture(scope="module")
def reference(parity):
    return parity.tensors("unet_control.safetensors")


def check(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


def test_every_block_is_the_published_one(unet, reference):
    outputs = {}

    def watch(name, module):
        module.register_forward_hook(lambda _m, _i, output: outputs.update({name: output}))

    for index, block in enumerate(unet.control.encoder):
        watch(f"ctr_enc_{index}", block)
        watch(f"enc_zero_out_{index}", unet.control.to_encoder[index])
    for index, block in enumerate(unet.base.decoder):
        watch(f"base_dec_{index}", block)
        watch(f"dec_zero_out_{index}", unet.control.to_decoder[index])
    watch("base_mid", unet.base.middle)
    watch("mid_zero_out", unet.control.to_middle)
    with torch.no_grad():
        outputs["eps"] = unet(
            reference["x"], reference["t"], reference["context"], reference["hint"]
        )
    compared = [
        name
        for name in reference
        if name.startswith(("ctr_", "enc_", "mid_", "dec_", "base_mid", "base_dec"))
        or name == "eps"
    ]
    assert sorted(compared) == sorted(outputs)
    for name in compared:
        check(outputs[name], reference[name])


def test_unet_alone_is_the_published_one(unet, reference):
    arguments = reference["x"], reference["t"], reference["context"]
    with torch.no_grad():
        check(unet.base(*arguments), reference["eps_base_unet_no_control"])
        uncontrolled = unet(*arguments, reference["hint"], control_scale=0.0)
        check(uncontrolled, reference["eps_base_unet_no_control"])


def test_semantic_features_are_the_published_ones(unet, reference):
    arguments = reference["hint"], torch.zeros_like(reference["t"]), reference["context"]
    with torch.no_grad():
        middle = unet.base.features(*arguments)
        twelfth = unet.base.features(*arguments, block=11)
    check(middle, reference["sc_feature_mid_t0_of_hint"])
    check(twelfth, reference["sc_feature_enc12_t0_of_hint"])


def test_factors_other_than_one_are_refused(parity, published):
    control = ControlModule(parity.unet_config(), parity.control_config())
    with pytest.raises(CheckpointError, match=r"factors 0\.5 to 0\.5"):
        load_published_control(
            control, published | {f"{CONTROL_PREFIX}scale_list": torch.full((25,), 0.5)}, "reduced"
        )


def test_full_size_names_and_shapes_are_the_published_ones(parity):
    with torch.device("meta"):
        base, control = DenoisingUNet(UNetConfig()), ControlModule(UNetConfig(), ControlConfig())
    load_published_unet(base, parity.full_size_tensors(UNET_PREFIX), "full size")
    scales = {f"{CONTROL_PREFIX}scale_list": torch.ones(25)}
    load_published_control(control, parity.full_size_tensors(CONTROL_PREFIX) | scales, "full size")
