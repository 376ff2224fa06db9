"""The control module: silent at first, a copy of the U-Net's encoder half, sliced if narrower."""

from dataclasses import replace

import torch

from difficmh_core.config.networks import ControlConfig, UNetConfig
from difficmh_core.config.profiles import TINY
from difficmh_core.diffusion.control import ControlledUNet, ControlModule
from difficmh_core.diffusion.unet import DenoisingUNet

CONFIG = TINY.unet
CONTROL = TINY.control
ARGUMENTS = {
    "latent": torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(1)),
    "timesteps": torch.tensor([999, 3]),
    "context": torch.randn(2, 5, 16, generator=torch.Generator().manual_seed(2)),
}
CONTENT = torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(3))


def build(control=CONTROL, *, awake=False):
    torch.manual_seed(0)
    unet = ControlledUNet(DenoisingUNet(CONFIG), ControlModule(CONFIG, control)).eval()
    unet.control.initialize_from(unet.base)
    if awake:
        control = unet.control
        for layer in (*control.to_encoder, control.to_middle, *control.to_decoder):
            torch.nn.init.normal_(layer.weight, std=0.1)
    return unet


def test_untrained_control_changes_nothing():
    unet = build()
    with torch.no_grad():
        controlled = unet(**ARGUMENTS, content_latent=CONTENT)
        assert torch.equal(controlled, unet.base(**ARGUMENTS))


def test_control_scale_is_the_strength():
    unet = build(awake=True)
    with torch.no_grad():
        alone = unet.base(**ARGUMENTS)
        none, weak, full = (
            unet(**ARGUMENTS, content_latent=CONTENT, control_scale=scale)
            for scale in (0.0, 1e-3, 1.0)
        )
    assert torch.equal(none, alone)
    assert 0 < (weak - alone).abs().max() < (full - alone).abs().max()


def test_full_width_copy_computes_the_features_of_the_unet():
    """With no content, the doubled first convolution is the U-Net's own."""
    unet = build(ControlConfig(width=1.0, head_channels=CONFIG.head_channels))
    features = []
    unet.control.middle.register_forward_hook(lambda _m, _i, output: features.append(output))
    with torch.no_grad():
        unet(**ARGUMENTS, content_latent=torch.zeros_like(CONTENT))
        torch.testing.assert_close(features[0], unet.base.features(**ARGUMENTS))


def test_narrow_copy_takes_the_leading_channels():
    unet = build(ControlConfig(width=0.5, head_channels=8))
    base, control = unet.base.state_dict(), unet.control.state_dict()
    first = base["encoder.0.0.weight"][:8]
    assert torch.equal(control["encoder.0.0.weight"], torch.cat([first, first], dim=1))
    key = "middle.1.transformer_blocks.0.ff.net.0.proj.bias"
    values, gates = base[key].chunk(2)
    assert torch.equal(control[key], torch.cat([values[:64], gates[:64]]))
    key = "time_embedding.layers.linear_2.weight"
    assert torch.equal(control[key], base[key])


def test_only_the_control_module_learns_from_a_frozen_unet():
    unet = build(awake=True)
    unet.base.requires_grad_(requires_grad=False)
    with torch.autocast("cpu", torch.bfloat16):
        prediction = unet(**ARGUMENTS, content_latent=CONTENT)
    prediction.float().square().mean().backward()
    assert all(parameter.grad is None for parameter in unet.base.parameters())
    unmoved = [name for name, each in unet.control.named_parameters() if not each.grad.any()]
    assert unmoved == []


def test_full_size_has_the_published_number_of_parameters():
    with torch.device("meta"):
        control = ControlModule(UNetConfig(), ControlConfig())
    n_scales = 25  # the checkpoint counts its scale list
    n_parameters = sum(parameter.numel() for parameter in control.parameters())
    assert n_parameters + n_scales == 374_019_225


def test_widths_groups_and_heads_follow_the_published_rules():
    unet = replace(UNetConfig(), block_channels=(320, 640, 1280, 1280))
    with torch.device("meta"):
        control = ControlModule(unet, ControlConfig(width=0.23, head_channels=16))
    # int(320 * 0.23) = 73 is prime: one group, and heads of one channel from there on
    assert control.encoder[0][0].out_channels == 73
    assert control.encoder[4][0].conv1.in_channels == 73
    assert control.encoder[4][0].norm1.num_groups == 1
    assert control.encoder[4][0].norm2.num_groups == 2
    assert control.encoder[1][1].cross_attention.n_heads == 73
    assert control.encoder[4][1].cross_attention.n_heads == 146
    assert control.time_embedding.layers.linear_1.in_features == 320
    assert control.to_middle.out_channels == 1280
