"""Cards of the hub's files: the published checkpoints, and what they need beside them.

Each checkpoint holds the whole system (Stable Diffusion 2.1, text tower, control module, latent
codec, RAM++) for one rate. Only the tokenizer and the tagger's names and thresholds are missing in
them. Training at full size begins instead from Stable Diffusion and RAM++ themselves.

Stable Diffusion comes from a mirror, since the original repository,
stabilityai/stable-diffusion-2-1-base, was withdrawn; the two text files of RAM++'s program from a
space, since its own repository does not hold them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from difficmh_core.config.profiles import PROFILES
from difficmh_core.weights.cards import packaged_cards
from difficmh_core.weights.hub import HubCard

_CARDS = {card.path: card for card in packaged_cards("hub_cards.json", HubCard)}
_CHECKPOINT = "difficmh_models/CNscale1.0_1_1_{}_2_WTagGCM_bs16x1_lr0.00005_cfg7.0/model.ckpt"
CHECKPOINTS: Mapping[int, HubCard] = MappingProxyType(
    {rate: _CARDS[_CHECKPOINT.format(rate)] for rate in PROFILES["sd21"].rates}
)
"""By the weight of the rate in training; a larger one means smaller files."""
TOKENIZER_VOCABULARY = _CARDS["tokenizer/vocab.json"]
TOKENIZER_MERGES = _CARDS["tokenizer/merges.txt"]
RAM_NAMES = _CARDS["ram/data/ram_tag_list.txt"]
RAM_THRESHOLDS = _CARDS["ram/data/ram_tag_list_threshold.txt"]
STABLE_DIFFUSION = _CARDS["v2-1_512-ema-pruned.safetensors"]
RAM_PLUS = _CARDS["ram_plus_swin_large_14m.pth"]
_BESIDE = (TOKENIZER_VOCABULARY, TOKENIZER_MERGES, RAM_NAMES, RAM_THRESHOLDS)


def cards_of_rate(rate: int) -> tuple[HubCard, ...]:
    """Return every file that profile ``sd21`` needs at one rate."""
    return (*_BESIDE, CHECKPOINTS[rate])


def cards_of_training() -> tuple[HubCard, ...]:
    """Return every file from which training at full size begins."""
    return (*_BESIDE, STABLE_DIFFUSION, RAM_PLUS)
