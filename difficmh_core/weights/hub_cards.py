"""Cards of the hub's files: the published checkpoints, and what they need beside them.

Each checkpoint holds the whole system (Stable Diffusion 2.1, text tower, control module, latent
codec, RAM++) for one rate. Only the tokenizer and the tagger's names and thresholds are missing in
them. Training at full size begins instead from Stable Diffusion and RAM++ themselves.
"""

from collections.abc import Mapping
from types import MappingProxyType

from difficmh_core.config.profiles import PROFILES
from difficmh_core.weights.hub import HubCard

_FETCH = "python -m difficmh_core fetch sd21"
_FETCH_TRAINING = "python -m difficmh_core fetch sd21-training"
_COMMIT_OF_RATE = {4: "58939bc5ff527eebcb4d9ea752e41abb1760370e"}
_SHA256_OF_RATE = {4: "9519b7d83a7527690203270d587cf88b096d2b8b7a2fe86e140603ce8c2c5c1f"}
_CHECKPOINT_BYTES = 11_654_100_259
_DIFFUSION = "Manojb/stable-diffusion-2-1-base"
"""A mirror: the original repository, stabilityai/stable-diffusion-2-1-base, was withdrawn."""
_RAM_FILES = "magicr/BuboGPT"
"""A space with the two text files of RAM++'s program, which its own repository does not hold."""
_RAM_FILES_COMMIT = "192e5fbaae100f3c4476bfa9df6cf9394d637f21"


def _checkpoint(rate: int) -> HubCard:
    return HubCard(
        purpose=f"the published checkpoint of rate {rate}",
        repository="RuoyuFeng/Diff-ICMH",
        path=f"difficmh_models/CNscale1.0_1_1_{rate}_2_WTagGCM_bs16x1_lr0.00005_cfg7.0/model.ckpt",
        revision=_COMMIT_OF_RATE.get(rate, "main"),
        sha256=_SHA256_OF_RATE.get(rate),
        n_bytes=_CHECKPOINT_BYTES,
        license="Apache-2.0 AND CreativeML-Open-RAIL++-M",
        command=f"{_FETCH} --rate {rate}",
    )


CHECKPOINTS: Mapping[int, HubCard] = MappingProxyType(
    {rate: _checkpoint(rate) for rate in PROFILES["sd21"].rates}
)
"""By the weight of the rate in training; a larger one means smaller files."""

TOKENIZER_VOCABULARY = HubCard(
    purpose="the text tower's vocabulary",
    repository=_DIFFUSION,
    path="tokenizer/vocab.json",
    revision="main",
    sha256=None,
    n_bytes=1_060_000,
    license="MIT",
    command=_FETCH,
)
TOKENIZER_MERGES = HubCard(
    purpose="the text tower's merges",
    repository=_DIFFUSION,
    path="tokenizer/merges.txt",
    revision="main",
    sha256=None,
    n_bytes=525_000,
    license="MIT",
    command=_FETCH,
)
RAM_NAMES = HubCard(
    purpose="the tag names of RAM++",
    repository=_RAM_FILES,
    path="ram/data/ram_tag_list.txt",
    revision=_RAM_FILES_COMMIT,
    sha256="5d96d2f7225527480ad773aaac76b6e5c08a18adf6eae9ca7d2ab923d5e7bd8b",
    n_bytes=41_904,
    license="Apache-2.0",
    command=_FETCH,
    is_space=True,
)
RAM_THRESHOLDS = HubCard(
    purpose="the thresholds of RAM++",
    repository=_RAM_FILES,
    path="ram/data/ram_tag_list_threshold.txt",
    revision=_RAM_FILES_COMMIT,
    sha256="b6f81d0de1bc7f9c251af512c413eae976c77dbfbadf700d4e3d90510f4c6447",
    n_bytes=22_016,
    license="Apache-2.0",
    command=_FETCH,
    is_space=True,
)
STABLE_DIFFUSION = HubCard(
    purpose="Stable Diffusion 2.1-base",
    repository=_DIFFUSION,
    path="v2-1_512-ema-pruned.safetensors",
    revision="main",
    sha256=None,
    n_bytes=5_210_000_000,
    license="CreativeML-Open-RAIL++-M",
    command=_FETCH_TRAINING,
)
RAM_PLUS = HubCard(
    purpose="RAM++",
    repository="xinyu1205/recognize-anything-plus-model",
    path="ram_plus_swin_large_14m.pth",
    revision="84d4aee3a0265c4e0df1f714f0572011d1bf2ec3",
    sha256="497c178836ba66698ca226c7895317e6e800034be986452dbd2593298d50e87d",
    n_bytes=3_010_210_801,
    license="Apache-2.0",
    command=_FETCH_TRAINING,
)
_BESIDE = (TOKENIZER_VOCABULARY, TOKENIZER_MERGES, RAM_NAMES, RAM_THRESHOLDS)


def cards_of_rate(rate: int) -> tuple[HubCard, ...]:
    """Return every file that profile ``sd21`` needs at one rate."""
    return (*_BESIDE, CHECKPOINTS[rate])


def cards_of_training() -> tuple[HubCard, ...]:
    """Return every file from which training at full size begins."""
    return (*_BESIDE, STABLE_DIFFUSION, RAM_PLUS)
