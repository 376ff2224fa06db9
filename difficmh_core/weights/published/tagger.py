"""Names of RAM++ in the published checkpoints, and in its own.

Below ``preprocess_tag_model.model.`` in a checkpoint of Diff-ICMH; in RAM++'s own file, below
``model``, with ``vision_multi`` in place of ``tagging_head``.

References:
    https://huggingface.co/xinyu1205/recognize-anything-plus-model
"""

import re
from collections.abc import Mapping

from torch import Tensor

from difficmh_core.tagging.ram import RamNetwork
from difficmh_core.weights.loading import Rules, load_strict, rename_below

TAGGER_PREFIX = "preprocess_tag_model."

_RULES: Rules = (
    (r"^visual_encoder\.patch_embed\.proj\.", "levels.0.0."),
    (r"^visual_encoder\.patch_embed\.norm\.", "levels.0.2."),
    (r"^visual_encoder\.norm\.", "norm."),
    (r"^label_embed$", "descriptions"),
    (r"^reweight_scale$", "log_temperature"),
    (r"^image_proj\.", "to_text."),
    (r"^wordvec_proj\.", "to_query."),
    (r"^fc\.", "to_logit."),
    (r"^(?:tagging_head|vision_multi)\.encoder\.layer\.", "layers."),
    (r"\.crossattention\.self\.(query|key|value)\.", r".\1."),
    (r"\.crossattention\.output\.dense\.", ".attended."),
    (r"\.crossattention\.output\.LayerNorm\.", ".norm1."),
    (r"\.intermediate\.dense\.", ".widen."),
    (r"\.output\.dense\.", ".narrow."),
    (r"\.output\.LayerNorm\.", ".norm2."),
    (r"\.mlp\.fc1\.", ".mlp.0."),
    (r"\.mlp\.fc2\.", ".mlp.3."),
)
_BLOCK = re.compile(r"^visual_encoder\.layers\.(\d+)\.blocks\.")
_MERGING = re.compile(r"^visual_encoder\.layers\.(\d+)\.downsample\.")
_COMPUTED = re.compile(r"\.(relative_position_index|attn_mask)$")
"""Follow from the sizes; ours has its own."""
_INDEX_NAME = "relative_position_index"
_CONSTANTS = ("preprocess_normalize_mean", "preprocess_normalize_std")
"""ImageNet's mean and deviation, which the network here brings along."""


def load_published_tagger(network: RamNetwork, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copy a published checkpoint's RAM++ into ours, strictly.

    Arguments and errors are those of :func:`.load_published_unet`.
    """
    own = {k: v for k, v in network.state_dict().items() if k.endswith(_INDEX_NAME)}
    renamed = dict[str, Tensor]()
    for key, tensor in rename_below(TAGGER_PREFIX, tensors, ()).items():
        if key in _CONSTANTS or _COMPUTED.search(key):
            continue
        below = key.removeprefix("model.")
        # torchvision counts blocks and mergings of patches in one list, behind the embedding.
        below = _BLOCK.sub(lambda match: f"levels.{2 * int(match[1]) + 1}.", below)
        below = _MERGING.sub(lambda match: f"levels.{2 * int(match[1]) + 2}.", below)
        renamed |= rename_below("", {below: tensor}, _RULES)
    load_strict(network, renamed | own, name)
