"""Names of the latent codec's parameters in the published checkpoints.

The published checkpoints hold the codec under ``preprocess_model.``. Its entropy bottleneck comes
from CompressAI, which renamed its parameters in 1.2.7 (``_matrix0`` to ``matrices.0`` and so on);
both are understood. The checkpoints hold no integer tables; they are built after loading.

References:
    Published checkpoints: https://huggingface.co/RuoyuFeng/Diff-ICMH
"""

import re
from collections.abc import Iterator, Mapping

from torch import Tensor, nn

from difficmh_core.compression.context_model import ContextModel
from difficmh_core.compression.integer_tables import IntegerTables
from difficmh_core.compression.latent_codec import LatentCodec
from difficmh_core.compression.layers import (
    DownsamplingBlock,
    ModulatedResidualBlock,
    Modulation,
    UpsamplingBlock,
)
from difficmh_core.compression.transforms import (
    AnalysisTransform,
    HyperAnalysis,
    SynthesisTransform,
)
from difficmh_core.errors import CheckpointError
from difficmh_core.weights.loading import load_strict

PREFIX = "preprocess_model."
"""What the codec's names begin with in a published checkpoint."""

_CHILDREN: Mapping[type[nn.Module], Mapping[str, str]] = {
    LatentCodec: {
        "analysis": "encoder",
        "hyper_analysis": "hyper_enc",
        "hyper_synthesis": "hyper_dec.hyper_dec",
        "hyper_prior": "f_c",
        "synthesis": "decoder",
        "prior": "entropy_bottleneck",
    },
    AnalysisTransform: {
        "prior_8": "sft_1_8",
        "prior_16": "sft_1_16",
        "prior_16_refined": "sft_1_16_2",
        "to_stride_8": "g_a1",
        "modulation_8": "g_a1_ref",
        "to_stride_16": "g_a2",
        "modulation_16": "g_a2_ref",
        "mix": "g_a3",
        "first_block": "g_a4",
        "second_block": "g_a5",
        "to_latent": "g_a6",
    },
    HyperAnalysis: {
        "prior_of_diffusion": "sft_feature",
        "prior_16": "sft_feature_h1",
        "prior_32": "sft_feature_h2",
        "prior_64": "sft_feature_h3",
        "at_16": "h_a0",
        "modulation_16": "h_a1",
        "to_stride_32": "h_a3",
        "modulation_32": "h_a4",
        "to_stride_64": "h_a6",
        "first_block": "h_a7",
        "second_block": "h_a8",
        "to_hyper_latent": "h_a9",
    },
    SynthesisTransform: {
        "prior_16": "sft_feature_gs1",
        "prior_16_refined": "sft_feature_gs2",
        "prior_8": "sft_feature_gs3",
        "first_block": "g_s0",
        "second_block": "g_s1",
        "at_16": "g_s2",
        "modulation_16": "g_s2_ref",
        "to_stride_8": "g_s3",
        "modulation_8": "g_s3_ref",
        "to_content_latent": "g_s4",
    },
    Modulation: {"shared": "mlp_shared.0", "gamma": "mlp_gamma", "beta": "mlp_beta"},
    ModulatedResidualBlock: {
        "first_modulation": "norm_0",
        "first": "conv_0",
        "second_modulation": "norm_1",
        "second": "conv_1",
    },
    DownsamplingBlock: {"first": "conv1", "second": "conv2", "shortcut": "downsample"},
    UpsamplingBlock: {"first": "subpel_conv.0", "second": "conv", "shortcut": "upsample.0"},
}
"""For each of our modules, what the published system calls its children, where that differs."""

_SLICE_NETWORKS = {
    "channel_context": ("channel_context", 1, ".fushion"),
    "local_context": ("local_context", 0, ""),
    "anchor_parameters": ("entropy_parameters_anchor", 0, ".fusion"),
    "other_parameters": ("entropy_parameters_nonanchor", 0, ".fusion"),
}
"""Lists of the context model: published name, published index of the first, what follows it."""

_OLD_BOTTLENECK = re.compile(r"^entropy_bottleneck\._(matrix|bias|factor)(\d)$")
_NEW_BOTTLENECK = {"matrix": "matrices", "bias": "biases", "factor": "factors"}
_COMPUTED = re.compile(
    r"^entropy_bottleneck\.(target|likelihood_lower_bound\.bound|_offset|_quantized_cdf"
    r"|_cdf_length)$"
    r"|^gaussian_conditional\.(likelihood_lower_bound\.bound|lower_bound_scale\.bound|scale_bound"
    r"|scale_table|_offset|_quantized_cdf|_cdf_length)$"
)
"""Constants of CompressAI and its tables, which are computed anew."""


def load_published_codec(codec: LatentCodec, tensors: Mapping[str, Tensor], name: str) -> None:
    """Copy a published checkpoint's codec into ours, strictly, and build its integer tables.

    Args:
        codec: The codec to fill; it has one rate point.
        tensors: The published tensors; those without the prefix ``preprocess_model.`` belong to
            other parts and are left alone.
        name: What the weights are, for messages.

    Raises:
        CheckpointError: If a tensor is missing, left over or of another shape.
    """
    if codec.config.n_rate_points != 1:
        raise CheckpointError(
            f"The published codec {name} has one rate, but the configuration asks for "
            f"{codec.config.n_rate_points} rate points. Set n_rate_points to 1."
        )
    published = {
        _current_name(key.removeprefix(PREFIX)): tensor
        for key, tensor in tensors.items()
        if key.startswith(PREFIX)
    }
    ours_of = {theirs: ours for ours, theirs in published_names(codec).items()}
    renamed = {
        ours_of.get(key, PREFIX + key): tensor
        for key, tensor in published.items()
        if not _COMPUTED.match(key)
    }
    tables = {
        key: value for key, value in codec.state_dict().items() if key not in ours_of.values()
    }
    load_strict(codec, renamed | tables, name)
    codec.update_tables()


def published_names(codec: LatentCodec) -> dict[str, str]:
    """Return the published name, without its prefix, of each of our parameters."""
    return dict(_walk(codec, "", ""))


def _current_name(key: str) -> str:
    """Return the name that CompressAI uses since 1.2.7."""
    match = _OLD_BOTTLENECK.match(key)
    if match is None:
        return key
    return f"entropy_bottleneck.{_NEW_BOTTLENECK[match[1]]}.{match[2]}"


def _walk(module: nn.Module, ours: str, theirs: str) -> Iterator[tuple[str, str]]:
    """Yield our name and the published one for each parameter in ``module``."""
    for name, _ in module.named_parameters(recurse=False):
        yield ours + name, theirs + name
    renamed = _CHILDREN.get(type(module), {})
    for name, child in module.named_children():
        if isinstance(child, ContextModel):
            yield from _walk_context_model(child, f"{ours}{name}.")
        elif not isinstance(child, IntegerTables):
            yield from _walk(child, f"{ours}{name}.", f"{theirs}{renamed.get(name, name)}.")


def _walk_context_model(module: ContextModel, ours: str) -> Iterator[tuple[str, str]]:
    for name, (published, first, rest) in _SLICE_NETWORKS.items():
        for index, network in enumerate(module.get_submodule(name).children()):
            prefix = f"{published}.{index + first}{rest}."
            yield from _walk(network, f"{ours}{name}.{index}.", prefix)
