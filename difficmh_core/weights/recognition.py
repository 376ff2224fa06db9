"""Load the classifier, the detector and the tagger from the cache.

The classifier's published key names are mapped to ours here.
"""

import re
from pathlib import Path

from difficmh_core.tagging.classifier import EfficientNetLite0
from difficmh_core.tagging.detector import Detector
from difficmh_core.tagging.nano import NanoTagger, TaggerSettings
from difficmh_core.weights.cache import cached_path
from difficmh_core.weights.cards import EFFICIENTNET_LITE0, YOLOX_NANO
from difficmh_core.weights.loading import load_strict, read_torch_file

_OUTER_NAMES = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
    "_fc": "classifier",
}
_BLOCK_NAMES = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
_BLOCK_KEY = re.compile(r"_blocks\.(\d+)\.(\w+)\.(\w+)")


def load_classifier(cache_dir: Path) -> EfficientNetLite0:
    """Return EfficientNet-Lite0 with its published weights, on the CPU, ready to run.

    Raises:
        BackendUnavailableError: If the weights have not been fetched.
        CheckpointError: If the weights are damaged.
    """
    tensors = read_torch_file(cached_path(EFFICIENTNET_LITE0, cache_dir))
    model = EfficientNetLite0()
    renamed = {_own_name(key): tensor for key, tensor in tensors.items()}
    load_strict(model, renamed, EFFICIENTNET_LITE0.file)
    return model.requires_grad_(False).eval()


def load_detector(cache_dir: Path) -> Detector:
    """Return YOLOX-Nano with its published weights, ready to run on the CPU.

    Raises:
        BackendUnavailableError: If the weights have not been fetched, or ONNX Runtime is absent.
        CheckpointError: If the weights are damaged.
    """
    return Detector(cached_path(YOLOX_NANO, cache_dir))


def load_tagger(cache_dir: Path, settings: TaggerSettings | None = None) -> NanoTagger:
    """Return the tagger of the ``nano`` profile, ready to run on the CPU.

    Raises:
        BackendUnavailableError: If weights have not been fetched, or ONNX Runtime is absent.
        CheckpointError: If weights are damaged.
    """
    return NanoTagger(load_classifier(cache_dir), load_detector(cache_dir), settings)


def _own_name(key: str) -> str:
    """Return our name of a published tensor; unknown names stay, and fail to load."""
    match = _BLOCK_KEY.fullmatch(key)
    if match is not None:
        index, layer, kind = match.groups()
        return f"blocks.{index}.{_BLOCK_NAMES.get(layer, layer)}.{kind}"
    layer, _, kind = key.partition(".")
    return f"{_OUTER_NAMES.get(layer, layer)}.{kind}"
