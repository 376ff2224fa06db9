"""Names of the autoencoder, U-Net, control module and text tower in the published checkpoints.

The published system is built on the original Stable Diffusion code, whose names it keeps. Each
part has a list of rules, applied one after another to every name below the part's prefix; a name
that no rule brings to one of ours is refused. What is left out on purpose is named here with the
reason.

References:
    Published checkpoints: https://huggingface.co/RuoyuFeng/Diff-ICMH
"""

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from difficmh_core.diffusion.autoencoder import Autoencoder
from difficmh_core.diffusion.conditioning import TextTower
from difficmh_core.diffusion.control import ControlModule
from difficmh_core.diffusion.unet import DenoisingUNet
from difficmh_core.errors import CheckpointError
from difficmh_core.weights.loading import Rules, load_strict, rename_below

AUTOENCODER_PREFIX = "first_stage_model."
UNET_PREFIX = "model.diffusion_model."
CONTROL_PREFIX = "control_model."
TEXT_PREFIX = "cond_stage_model.model."

_UNET_RULES: Rules = (
    (r"^time_embed\.0\.", "time_embedding.layers.linear_1."),
    (r"^time_embed\.2\.", "time_embedding.layers.linear_2."),
    (r"^input_blocks\.", "encoder."),
    (r"^middle_block\.", "middle."),
    (r"^output_blocks\.", "decoder."),
    (r"\.in_layers\.0\.", ".norm1."),
    (r"\.in_layers\.2\.", ".conv1."),
    (r"\.emb_layers\.1\.", ".time_emb_proj."),
    (r"\.out_layers\.0\.", ".norm2."),
    (r"\.out_layers\.3\.", ".conv2."),
    (r"\.skip_connection\.", ".conv_shortcut."),
    (r"\.op\.", ".conv."),
)
_CONTROL_RULES: Rules = (
    (r"^enc_zero_convs_out\.(\d+)\.0\.", r"to_encoder.\1."),
    (r"^middle_block_out\.0\.", "to_middle."),
    (r"^dec_zero_convs_out\.(\d+)\.0\.", r"to_decoder.\1."),
    (r"^control_model\.", ""),
    *_UNET_RULES,
)
_AUTOENCODER_RULES: Rules = (
    (r"^", "model."),
    (r"\.norm_out\.", ".conv_norm_out."),
    (r"\.mid\.block_1\.", ".mid_block.resnets.0."),
    (r"\.mid\.block_2\.", ".mid_block.resnets.1."),
    (r"\.mid\.attn_1\.norm\.", ".mid_block.attentions.0.group_norm."),
    (r"\.mid\.attn_1\.([qkv])\.", r".mid_block.attentions.0.to_\1."),
    (r"\.mid\.attn_1\.proj_out\.", ".mid_block.attentions.0.to_out.0."),
    (r"\.(down|up)\.(\d+)\.block\.", r".\1_blocks.\2.resnets."),
    (r"\.(down|up)\.(\d+)\.(down|up)sample\.", r".\1_blocks.\2.\3samplers.0."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
)
_TEXT_RULES: Rules = (
    (r"^token_embedding\.", "embeddings.token_embedding."),
    (r"^positional_embedding$", "embeddings.position_embedding.weight"),
    (r"^ln_final\.", "final_layer_norm."),
    (r"^transformer\.resblocks\.", "encoder.layers."),
    (r"\.ln_1\.", ".layer_norm1."),
    (r"\.ln_2\.", ".layer_norm2."),
    (r"\.attn\.", ".self_attn."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
)

_SCALE_LIST = "scale_list"
_UNUSED_IN_TEXT = ("text_projection", "logit_scale")
"""They compare texts with pictures; the U-Net reads the tokens themselves."""
_LEVEL_OF_UP_BLOCK = re.compile(r"^(model\.decoder\.up_blocks\.)(\d+)(\..*)$")
_ATTENTION_PROJECTION = re.compile(r"\.mid_block\.attentions\.0\.to_.*\.weight$")
_JOINT_PROJECTION = re.compile(r"^(.*\.self_attn\.)in_proj_(weight|bias)$")


def load_published_autoencoder(
    autoencoder: Autoencoder, tensors: Mapping[str, Tensor], name: str
) -> None:
    """Copy a published checkpoint's autoencoder into ours, strictly.

    Its decoder counts levels from the largest picture, ours from the smallest; its attention
    projects by 1 x 1 convolutions, ours by matrices.
    Arguments and errors are those of :func:`load_published_unet`.
    """
    last_level = len(autoencoder.model.config.block_out_channels) - 1
    renamed = dict[str, Tensor]()
    for key, tensor in rename_below(AUTOENCODER_PREFIX, tensors, _AUTOENCODER_RULES).items():
        match = _LEVEL_OF_UP_BLOCK.match(key)
        ours = key if match is None else f"{match[1]}{last_level - int(match[2])}{match[3]}"
        is_projection = _ATTENTION_PROJECTION.search(ours) is not None
        renamed[ours] = tensor.flatten(1) if is_projection else tensor
    load_strict(autoencoder, renamed, name)


def load_published_unet(unet: DenoisingUNet, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copy a published checkpoint's U-Net into ours, strictly.

    Args:
        unet: The U-Net to fill.
        tensors: The published tensors; those of other parts are left alone.
        name: What the weights are, for messages.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    load_strict(unet, rename_below(UNET_PREFIX, tensors, _UNET_RULES), name)


def load_published_control(
    control: ControlModule, tensors: Mapping[str, Tensor], name: str
) -> None:
    """Copy a published checkpoint's control module into ours, strictly.

    The checkpoint also holds a factor for each place where control joins the U-Net, all equal to
    the ``control_scale`` of its training. Here that is a setting of decoding, so the factors are
    not loaded; a checkpoint with others than 1 would decode differently, and is refused.
    Arguments and errors are those of :func:`load_published_unet`.
    """
    renamed = rename_below(CONTROL_PREFIX, tensors, _CONTROL_RULES)
    scales = renamed.pop(_SCALE_LIST, torch.ones(1))
    if not torch.all(scales == 1):
        raise CheckpointError(
            f"The control module {name} was trained with factors {scales.min():g} to "
            f"{scales.max():g} where control joins the U-Net, but only 1 is supported. "
            "Multiply its zero convolutions by the factors and set them to 1."
        )
    load_strict(control, renamed, name)


def load_published_text_tower(tower: TextTower, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copy a published checkpoint's text tower into ours, strictly.

    Left out are the projection and temperature that compare texts with pictures, and the last
    transformer layer: the published system reads the output of the one before.
    Arguments and errors are those of :func:`load_published_unet`.
    """
    last_layer = f"encoder.layers.{tower.model.config.num_hidden_layers}."
    table = "embeddings.token_embedding.weight"
    # transformers 4 puts one more module around the tower than transformers 5.
    prefix = next(key for key in tower.state_dict() if key.endswith(table)).removesuffix(table)
    renamed = dict[str, Tensor]()
    for key, tensor in rename_below(TEXT_PREFIX, tensors, _TEXT_RULES).items():
        if key in _UNUSED_IN_TEXT or key.startswith(last_layer):
            continue
        match = _JOINT_PROJECTION.match(key)
        if match is None:
            renamed[prefix + key] = tensor
            continue
        for letter, part in zip("qkv", tensor.chunk(3), strict=True):
            renamed[f"{prefix}{match[1]}{letter}_proj.{match[2]}"] = part
    load_strict(tower, renamed, name)
