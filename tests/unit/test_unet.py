"""The U-Net, against diffusers' own and by its size."""

import pytest
import torch
from diffusers import UNet2DConditionModel

from difficmh_core.config.networks import UNetConfig
from difficmh_core.config.profiles import TINY
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import ConfigError

CONFIGS = [
    TINY.unet,
    UNetConfig(
        block_channels=(8, 16, 24),
        attention_levels=(True, False, True),
        layers_per_block=2,
        head_channels=4,
        context_channels=12,
        norm_groups=4,
    ),
    UNetConfig(
        block_channels=(8, 8, 16, 16),
        attention_levels=(True, True, True, False),
        layers_per_block=1,
        head_channels=8,
        context_channels=12,
        norm_groups=4,
    ),
]


def diffusers_twin(config, unet):
    """Return diffusers' U-Net with the weights of ours, layer by layer in order of execution."""
    kinds = [("CrossAttn" if has else "") for has in config.attention_levels]
    twin = UNet2DConditionModel(
        block_out_channels=config.block_channels,
        down_block_types=[f"{kind}DownBlock2D" for kind in kinds],
        up_block_types=[f"{kind}UpBlock2D" for kind in reversed(kinds)],
        layers_per_block=config.layers_per_block,
        attention_head_dim=[c // config.head_channels for c in config.block_channels],
        cross_attention_dim=config.context_channels,
        norm_num_groups=config.norm_groups,
        use_linear_projection=True,
    )
    middle = twin.mid_block
    theirs = [twin.time_embedding, twin.conv_in]
    for block in twin.down_blocks:
        theirs += interleaved(block, block.downsamplers)
    theirs += [middle.resnets[0], middle.attentions[0], middle.resnets[1]]
    for block in twin.up_blocks:
        theirs += interleaved(block, block.upsamplers)
    theirs += [twin.conv_norm_out, twin.conv_out]
    ours = [unet.time_embedding.layers]
    ours += [layer for block in (*unet.encoder, unet.middle, *unet.decoder) for layer in block]
    ours += [unet.out[0], unet.out[2]]
    for their_layer, our_layer in zip(theirs, ours, strict=True):
        their_layer.load_state_dict(our_layer.state_dict())
    return twin.eval()


def interleaved(block, resamplers):
    attentions = list(getattr(block, "attentions", []))
    layers = []
    for index, residual in enumerate(block.resnets):
        layers += [residual, *attentions[index : index + 1]]
    return layers + list(resamplers or [])


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{len(config.block_channels)}")
def test_prediction_is_the_one_of_diffusers(config):
    torch.manual_seed(0)
    unet = DenoisingUNet(config).eval()
    latent, context = torch.randn(2, 4, 16, 24), torch.randn(2, 5, config.context_channels)
    timesteps = torch.tensor([999, 3])
    with torch.no_grad():
        expected = diffusers_twin(config, unet)(latent, timesteps, context).sample
        torch.testing.assert_close(
            unet(latent, timesteps, context), expected, atol=1e-5, rtol=1e-5
        )


def test_full_size_has_the_published_number_of_parameters():
    with torch.device("meta"):
        unet = DenoisingUNet(UNetConfig())
    assert sum(parameter.numel() for parameter in unet.parameters()) == 865_910_724
    assert (len(unet.encoder), len(unet.decoder)) == (12, 12)


def test_features_come_from_the_named_block():
    torch.manual_seed(0)
    unet = DenoisingUNet(CONFIGS[1]).eval()
    outputs = []
    for block in (*unet.encoder, unet.middle):
        block.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    arguments = torch.randn(1, 4, 8, 8), torch.tensor([0]), torch.randn(1, 3, 12)
    with torch.no_grad():
        unet(*arguments)
        expected = list(outputs)
        for index in range(len(unet.encoder)):
            assert torch.equal(unet.features(*arguments, block=index), expected[index])
        assert torch.equal(unet.features(*arguments), expected[-1])


def test_gradients_reach_every_parameter_in_bfloat16():
    config = TINY.unet
    unet = DenoisingUNet(config)
    with torch.autocast("cpu", torch.bfloat16):
        prediction = unet(torch.randn(2, 4, 8, 8), torch.tensor([1, 2]), torch.randn(2, 3, 16))
    prediction.float().square().mean().backward()
    assert [name for name, each in unet.named_parameters() if not each.grad.any()] == []


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"norm_groups": 5}, "norm_groups must divide"), ({"head_channels": 7}, "head_channels")],
)
def test_sizes_that_do_not_divide_are_refused(setting, message):
    sizes = {"block_channels": (8, 16), "attention_levels": (False, True)}
    with pytest.raises(ConfigError, match=message):
        DenoisingUNet(UNetConfig(**sizes, **({"norm_groups": 4, "head_channels": 8} | setting)))
