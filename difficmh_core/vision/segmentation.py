"""Segmentation through transformers: instances, panorama, classes of pixels, and free words.

The two Mask2Formers answer with N queries: a class distribution and a mask each::

    instance   query whose best class has p > 1/2; its mask where the logit is above 0;
               score = p * mean probability of the mask
    panorama   queries with p > 0.8; each pixel goes to the largest p * mask; a query keeps what is
               at least 4/5 of its own mask; segments of one class that is no thing are one

References:
    Cheng et al.: Mask2Former, CVPR 2022, https://arxiv.org/abs/2112.01527
    Cheng, Schwing, Kirillov: MaskFormer, NeurIPS 2021, https://arxiv.org/abs/2107.06278, section
    3.4 (from queries to segments)
    Xie et al.: SegFormer, NeurIPS 2021, https://arxiv.org/abs/2105.15203
    Lüddecke, Ecker: CLIPSeg, CVPR 2022, https://arxiv.org/abs/2112.10003
"""

from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from difficmh_core.shapes import Image01
from difficmh_core.vision.masks import (
    Instance,
    Panorama,
    class_agreement,
    instance_agreement,
    panoptic_agreement,
    word_agreement,
)
from difficmh_core.vision.pretrained import PretrainedTask
from difficmh_core.weights.task_models import TaskModel

MIN_INSTANCE_SCORE = 0.5
"""Least score of an instance, the default of transformers."""
MIN_SEGMENT_SCORE = 0.8
"""Least probability of a segment's class, as the authors evaluate COCO."""
MIN_SEGMENT_SHARE = 0.8
"""Least part of its own mask that a segment keeps, as the authors evaluate COCO."""
MIN_PIXEL_SCORE = 0.5
"""Probability from which a pixel belongs to a mask."""
N_THINGS = 80
"""COCO's classes of things; the panoptic ones after them are stuff, such as sky."""
WORDS = (
    *("person", "animal", "vehicle", "building", "tree", "grass", "sky", "water", "road"),
    *("mountain", "flower", "food", "furniture", "window", "door", "sign", "clothing", "rock"),
    *("sand", "snow"),
)
"""What the open-vocabulary task looks for: frequent things and stuff of photographs."""


class InstanceSegmentation(PretrainedTask):
    """Things of 80 classes, each with its mask."""

    key = "instances"
    name = "instance segmentation (Mask2Former, Swin-T)"
    agreement = staticmethod(instance_agreement)

    def see(self, image: Image01) -> list[Instance]:
        """Return the instances that count, by falling score."""
        pixels = self.pixels(image)
        answer = self.network(pixel_values=pixels)
        classes = answer.class_queries_logits[0].softmax(dim=-1)
        return instances_of(classes, _enlarged(answer.masks_queries_logits, pixels)[0])


class PanopticSegmentation(PretrainedTask):
    """Every pixel a thing of 80 classes or stuff of 53."""

    key = "panoptic"
    name = "panoptic segmentation (Mask2Former, Swin-T)"
    agreement = staticmethod(panoptic_agreement)

    def see(self, image: Image01) -> Panorama:
        """Return the segments."""
        pixels = self.pixels(image)
        answer = self.network(pixel_values=pixels)
        classes = answer.class_queries_logits[0].softmax(dim=-1)
        masks = _enlarged(answer.masks_queries_logits, pixels)[0].sigmoid()
        return panorama_of(classes, masks, n_things=N_THINGS)


class SemanticSegmentation(PretrainedTask):
    """The class of each pixel, of ADE20K's 150."""

    key = "semantic"
    name = "semantic segmentation (SegFormer-B0)"
    agreement = staticmethod(class_agreement)

    def see(self, image: Image01) -> Int[Tensor, "rows columns"]:
        """Return the class of each pixel, at the network's size."""
        pixels = self.pixels(image)
        logits = self.network(pixel_values=pixels).logits
        classes: Tensor = _enlarged(logits, pixels)[0].argmax(dim=0)
        return classes


class OpenVocabularySegmentation(PretrainedTask):
    """Where a picture shows what words say; the words are :data:`WORDS`."""

    key = "open-vocabulary"
    name = "open-vocabulary segmentation (CLIPSeg)"
    agreement = staticmethod(word_agreement)

    def __init__(self, cache_dir: Path, card: TaskModel | None = None) -> None:
        """Load the network and read the words; as :class:`PretrainedTask`."""
        super().__init__(cache_dir, card)
        clip = self.network.clip
        read = clip.text_model(**self.tokens(WORDS))
        self._words: Tensor = clip.text_projection(read.pooler_output)

    def see(self, image: Image01) -> Bool[Tensor, "words rows columns"]:
        """Return a mask for each word, at the network's size."""
        network = self.network
        # The picture is read once; only the small decoder runs for each word.
        read = network.clip.vision_model(
            pixel_values=self.pixels(image),
            output_hidden_states=True,
            interpolate_pos_encoding=True,
        )
        features = [
            read.hidden_states[layer + 1].expand(len(WORDS), -1, -1)
            for layer in network.extract_layers
        ]
        logits: Tensor = network.decoder(features, self._words).logits
        return logits.sigmoid() >= MIN_PIXEL_SCORE


def instances_of(
    classes: Float[Tensor, "queries labels"], logits: Float[Tensor, "queries height width"]
) -> list[Instance]:
    """Return the instances that queries name, by falling score.

    Args:
        classes: Distribution over the classes and, last, over "nothing", of each query.
        logits: Of each query's mask.
    """
    found = list[Instance]()
    for (p, label), mask_logits in zip(_best_classes(classes), logits, strict=True):
        mask = mask_logits > 0
        if p < MIN_INSTANCE_SCORE or not mask.any():
            continue
        score = p * float(mask_logits.sigmoid()[mask].mean())
        if score >= MIN_INSTANCE_SCORE:
            found.append(Instance(label_id=label, score=score, mask=mask))
    return sorted(found, key=lambda instance: -instance.score)


def panorama_of(
    classes: Float[Tensor, "queries labels"],
    masks: Float[Tensor, "queries height width"],
    *,
    n_things: int,
) -> Panorama:
    """Return the segments that queries name.

    Args:
        classes: Distribution over the classes and, last, over "nothing", of each query.
        masks: Probability of each query's mask.
        n_things: Classes below this number are things, of which each is a segment of its own.
    """
    nothing = classes.shape[1] - 1
    chosen, weights, labels = list[int](), list[float](), list[int]()
    for query, (p, label) in enumerate(_best_classes(classes, with_nothing=True)):
        if label != nothing and p > MIN_SEGMENT_SCORE:
            chosen.append(query)
            weights.append(p)
            labels.append(label)
    segments = torch.zeros(masks.shape[1:], dtype=torch.int64)
    if not chosen:
        return Panorama(segments=segments, labels={})
    kept = masks[chosen]
    owner = (kept * torch.tensor(weights)[:, None, None]).argmax(dim=0)
    named, stuff = dict[int, int](), dict[int, int]()
    for index, label in enumerate(labels):
        own = kept[index] >= MIN_PIXEL_SCORE
        mask = (owner == index) & own
        if not mask.any() or int((owner == index).sum()) < MIN_SEGMENT_SHARE * int(own.sum()):
            continue
        number = stuff.get(label, len(named) + 1)
        if label >= n_things:
            stuff[label] = number
        named[number] = label
        segments[mask] = number
    return Panorama(segments=segments, labels=named)


def _best_classes(
    classes: Float[Tensor, "queries labels"], *, with_nothing: bool = False
) -> list[tuple[float, int]]:
    """Return probability and number of each query's best class."""
    found = (classes if with_nothing else classes[:, :-1]).max(dim=-1)
    return list(zip(found.values.tolist(), found.indices.tolist(), strict=True))


def _enlarged(
    logits: Float[Tensor, "batch n h w"], pixels: Float[Tensor, "batch 3 height width"]
) -> Float[Tensor, "batch n height width"]:
    """Return an answer at the size of the network's input."""
    return functional.interpolate(
        logits, size=pixels.shape[2:], mode="bilinear", align_corners=False
    )
