"""Read a published checkpoint without running any code that it may bring along.

The published files are PyTorch Lightning's: besides the weights they hold optimizer moments and
objects of Lightning. Only tensors are built; Lightning's objects become inert stand-ins, and any
other name that the pickle asks for is refused. Tensors are mapped from the file, not read, so that
a file of 11.7 GB costs no memory until its parts are used.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from difficmh_core.errors import CheckpointError
from difficmh_core.weights.loading import (
    READING_ERRORS,
    named_tensors,
    read_safetensors,
    unreadable,
)
from difficmh_core.weights.published.codec import PREFIX as CODEC_PREFIX
from difficmh_core.weights.published.diffusion import (
    AUTOENCODER_PREFIX,
    CONTROL_PREFIX,
    TEXT_PREFIX,
    UNET_PREFIX,
)
from difficmh_core.weights.published.tagger import TAGGER_PREFIX

PARTS: Mapping[str, str] = {
    "autoencoder": AUTOENCODER_PREFIX,
    "unet": UNET_PREFIX,
    "text tower": TEXT_PREFIX,
    "control module": CONTROL_PREFIX,
    "latent codec": CODEC_PREFIX,
    "tagger": TAGGER_PREFIX,
}
"""What each part's names begin with."""

_SCHEDULE = "the noise schedule follows from its two ends"
_IGNORED: Mapping[str, str] = {
    r"betas|logvar|(sqrt_)?alphas_cumprod|alphas_cumprod_prev": _SCHEDULE,
    r"(sqrt|log)_one_minus_alphas_cumprod|sqrt_recip(m1)?_alphas_cumprod": _SCHEDULE,
    r"posterior_(variance|log_variance_clipped|mean_coef[12])": _SCHEDULE,
    r"cond_stage_model\.model\.(text_projection|logit_scale)": "compare texts with pictures",
    r"cond_stage_model\.model\.transformer\.resblocks\.23\..*": "the layer before it is read",
    r"control_model\.scale_list": "factors of the control module, all 1; checked on loading",
    r"preprocess_model\.(entropy_bottleneck|gaussian_conditional)\."
    r".*(_offset|_quantized_cdf|_cdf_length|scale_table|bound|target)": "computed anew",
    r"preprocess_tag_model\.preprocess_normalize_(mean|std)": "ImageNet's mean and deviation",
    r"preprocess_tag_model\..*\.(relative_position_index|attn_mask)": "follow from the windows",
}
"""What is not loaded, by regular expressions over whole names, and why."""

_INERT_MODULES = ("pytorch_lightning.", "lightning.", "lightning_fabric.")
_INERT_NAMES = (
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "_codecs.encode",
)
"""Training state that is not used here; each becomes an object without content."""
_STATE_KEYS = ("state_dict", "model")


class _Inert:
    """Stands in for an object of the training program; takes anything, keeps and does nothing."""

    def __new__(cls, *_: object, **__: object) -> "_Inert":
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def account_for(names: Iterable[str], source: str) -> dict[str, list[str]]:
    """Find the names that are loaded, by part, and refuse one of which nothing is known.

    Raises:
        CheckpointError: If a name belongs to no part and is not among the ignored ones.
    """
    parts = {part: list[str]() for part in PARTS}
    unknown = list[str]()
    for name in names:
        if any(re.fullmatch(pattern, name) for pattern in _IGNORED):
            continue
        owner = next((part for part, prefix in PARTS.items() if name.startswith(prefix)), None)
        if owner is not None:
            parts[owner].append(name)
        else:
            unknown.append(name)
    if unknown:
        raise CheckpointError(
            f"The checkpoint {source} holds {len(unknown)} tensors of which nothing is known "
            f"({', '.join(sorted(unknown)[:3])}). Use a published checkpoint of Diff-ICMH."
        )
    return parts


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Return the named tensors of a published checkpoint, mapped from the file.

    Args:
        path: A file of PyTorch (``.ckpt``, ``.pth``) or a ``.safetensors`` file.

    Raises:
        CheckpointError: If the file is missing or damaged, holds no named tensors, or asks for
            anything that is not a tensor or known training state; nothing of it is run.
    """
    if path.suffix == ".safetensors":
        return read_safetensors(path)[0]
    try:
        asked = torch.serialization.get_unsafe_globals_in_checkpoint(str(path))
        inert = [name for name in asked if _is_inert(name)]
        refused = sorted(set(asked) - set(inert))
        if refused:
            raise CheckpointError(
                f"The checkpoint {path.name} asks to run {refused[0]}, which no weights need. "
                "It was not opened. Get the published file again."
            )
        with torch.serialization.safe_globals([(_Inert, name) for name in inert]):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except CheckpointError:
        raise
    except READING_ERRORS as error:
        raise unreadable(path, error) from error
    for key in _STATE_KEYS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
            break
    if not isinstance(content, Mapping):
        raise unreadable(path, f"it holds a {type(content).__name__}, no named tensors")
    return named_tensors(content, path)


def _is_inert(name: str) -> bool:
    return name.startswith(_INERT_MODULES) or name in _INERT_NAMES
