"""The networks of the machine tasks in tiny sizes: real classes, random weights, real files."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import torch

from difficmh_core.weights.hub import fetch_from_hub
from difficmh_core.weights.task_models import TASK_MODELS
from tests.hub_server import serving

__all__ = ["address", "fetched", "tiny_files", "tiny_model"]

_SIDE_PX = 32
_TOWER = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
}
_SIGHT = {**_TOWER, "image_size": _SIDE_PX, "patch_size": 8}
_START, _END = 512, 513
_READING = {
    **_TOWER,
    "vocab_size": 514,
    "bos_token_id": _START,
    "eos_token_id": _END,
    "pad_token_id": _END,
}


def tiny_model(task):
    """The card of a task's network in its tiny size."""
    files = {name: (len(data), None) for name, data in tiny_files(task).items()}
    return replace(TASK_MODELS[task], name=f"tiny {task}", files=files)


def address(card):
    """Where a hub has the file of a card."""
    return f"/{card.repository}/resolve/{card.revision}/{card.path}"


def fetched(task, cache_dir):
    """The tiny card of a task, after its files came from a hub on this machine."""
    model, files = tiny_model(task), tiny_files(task)
    with serving({address(card): files[card.path] for card in model.cards}) as hub:
        for card in model.cards:
            fetch_from_hub(card, cache_dir, endpoint=hub.endpoint)
    return model


@cache
def tiny_files(task):
    """Every file of a task's tiny network, as the library itself writes it."""
    from difficmh_core._support import (  # noqa: F401 (before transformers' vision)
        torchvision_operators,
    )

    # isort: split
    import transformers

    folder = Path(mkdtemp(prefix="tiny-task-"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network, processor = _MAKERS[task](transformers)
    if task == "captions":
        _write_bert_words(folder, transformers)
    elif task in ("open-vocabulary", "retrieval"):
        _write_clip_words(folder, transformers, whole=task == "retrieval")
    network.save_pretrained(folder)
    if processor is None:
        (folder / "preprocessor_config.json").write_text(json.dumps(_OLD_PROCESSOR))
    else:
        processor.save_pretrained(folder)
    wanted = set(TASK_MODELS[task].files)
    assert wanted <= {path.name for path in folder.iterdir()}, sorted(folder.iterdir())
    return {name: (folder / name).read_bytes() for name in wanted}


_OLD_PROCESSOR = {
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "ViTFeatureExtractor",
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 2,
    "size": {"height": _SIDE_PX, "width": _SIDE_PX},
}
"""A processor's settings as older repositories have them."""


def _mask2former(library):
    backbone = library.SwinConfig(
        image_size=_SIDE_PX,
        embed_dim=8,
        depths=[1, 1, 1, 1],
        num_heads=[1, 1, 1, 1],
        window_size=4,
        out_features=["stage1", "stage2", "stage3", "stage4"],
    )
    config = library.Mask2FormerConfig(
        backbone_config=backbone,
        feature_size=32,
        mask_feature_size=32,
        hidden_dim=32,
        encoder_feedforward_dim=8,
        dim_feedforward=8,
        encoder_layers=1,
        decoder_layers=2,
        num_attention_heads=2,
        num_queries=6,
        num_labels=3,
    )
    network = library.Mask2FormerForUniversalSegmentation(config)
    with torch.no_grad():  # sure of some class, so that there are segments to compare
        network.class_predictor.weight *= 40
    return network, library.Mask2FormerImageProcessor(size={"height": 64, "width": 64})


def _segformer(library):
    config = library.SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[4, 4, 8, 8],
        num_attention_heads=[1, 1, 1, 1],
        decoder_hidden_size=8,
        num_labels=5,
    )
    network = library.SegformerForSemanticSegmentation(config)
    return network, library.SegformerImageProcessor(size={"height": 64, "width": 64})


def _clipseg(library):
    config = library.CLIPSegConfig(
        text_config=_READING,
        vision_config=_SIGHT,
        projection_dim=8,
        extract_layers=[0, 1, 2],
        reduce_dim=8,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=8,
    )
    return library.CLIPSegForImageSegmentation(config), None


def _clip(library):
    config = library.CLIPConfig(text_config=_READING, vision_config=_SIGHT, projection_dim=8)
    side = {"height": _SIDE_PX, "width": _SIDE_PX}
    processor = library.CLIPImageProcessor(size={"shortest_edge": _SIDE_PX}, crop_size=side)
    return library.CLIPModel(config), processor


def _depth_anything(library):
    backbone = library.Dinov2Config(
        hidden_size=16,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
    )
    config = library.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=16,
        neck_hidden_sizes=[4, 4, 8, 8],
        fusion_hidden_size=8,
        patch_size=14,
        head_hidden_size=4,
    )
    processor = library.DPTImageProcessor(
        size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14
    )
    network = library.DepthAnythingForDepthEstimation(config)
    with torch.no_grad():  # random weights may all fall below zero, which would be flat
        network.head.conv3.bias += 1.0
    return network, processor


def _vitpose(library):
    backbone = library.VitPoseBackboneConfig(
        image_size=[64, 48],
        patch_size=[16, 16],
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        out_indices=[1],
    )
    config = library.VitPoseConfig(backbone_config=backbone, num_labels=17)
    network = library.VitPoseForPoseEstimation(config)
    with torch.no_grad():  # sure of its joints, so that they count
        network.head.conv.bias += 1.0
    return network, library.VitPoseImageProcessor(size={"height": 64, "width": 48})


def _git(library):
    config = library.GitConfig(
        vision_config=_SIGHT, vocab_size=31, bos_token_id=2, eos_token_id=3, **_TOWER
    )
    side = {"height": _SIDE_PX, "width": _SIDE_PX}
    processor = library.CLIPImageProcessor(size={"shortest_edge": _SIDE_PX}, crop_size=side)
    return library.GitForCausalLM(config), processor


_MAKERS = {
    "instances": _mask2former,
    "panoptic": _mask2former,
    "semantic": _segformer,
    "open-vocabulary": _clipseg,
    "retrieval": _clip,
    "depth": _depth_anything,
    "pose": _vitpose,
    "captions": _git,
}


def _write_clip_words(folder, library, *, whole):
    """Byte-pair tokens without pairs; ``whole`` adds the one file that holds it all."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    vocabulary = {token: index for index, token in enumerate(tokens)}
    marks = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>"}
    vocabulary |= {"<|startoftext|>": _START, "<|endoftext|>": _END}
    marks |= {"pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(marks))
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, **marks}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    if whole:
        library.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77).save_pretrained(
            folder
        )


def _write_bert_words(folder, library):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcdefghijklmnopqrstuvwxyz"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    library.BertTokenizer(vocab={word: i for i, word in enumerate(words)}).save_pretrained(folder)
