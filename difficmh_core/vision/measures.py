"""The table of all numbers that say how far a machine's answers to two pictures agree.

References:
    boxes, masks: COCO, Lin et al., ECCV 2014, https://arxiv.org/abs/1405.0312
    panoptic quality: Kirillov et al., CVPR 2019, https://arxiv.org/abs/1801.00868
    mIoU, pixel accuracy: Long, Shelhamer, Darrell, CVPR 2015, https://arxiv.org/abs/1411.4038
    recall of retrieval, cosine: Radford et al., CLIP, 2021, https://arxiv.org/abs/2103.00020
    AbsRel, delta: Eigen, Puhrsch, Fergus, NIPS 2014, https://arxiv.org/abs/1406.2283
    OKS: COCO's keypoint evaluation, https://cocodataset.org/#keypoints-eval
    PCK: Yang, Ramanan, TPAMI 35(12), 2013, https://doi.org/10.1109/TPAMI.2012.261
    ROUGE-L: Lin, ACL workshop 2004, https://aclanthology.org/W04-1013/
    F1 of words: Rajpurkar et al., EMNLP 2016, https://arxiv.org/abs/1606.05250
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

__all__ = ["MEASURES", "N_FEATURE_STAGES", "Measure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What one number of agreement is.

    Attributes:
        key: How tables and files name it.
        name: How people name it.
        is_higher_better: Which way is better.
        highest: Largest value.
        lowest: Least value.
    """

    key: str
    name: str
    is_higher_better: bool
    highest: float
    lowest: float = 0.0


N_FEATURE_STAGES = 9
"""Stem, seven stages and head."""


def _share(key: str, name: str) -> Measure:
    """Return a measure from 0 (nothing agrees) to 1 (all does)."""
    return Measure(key=key, name=name, is_higher_better=True, highest=1.0)


def _distance(key: str, name: str, highest: float = inf) -> Measure:
    """Return a measure from 0 (no difference) upward."""
    return Measure(key=key, name=name, is_higher_better=False, highest=highest)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        measure.key: measure
        for measure in (
            _share("box_f1", "boxes, F1"),
            Measure(key="boxes_matched", name="boxes matched", is_higher_better=True, highest=inf),
            _distance("boxes_missed", "boxes missed"),
            _distance("boxes_hallucinated", "boxes hallucinated"),
            _share("top1", "first class"),
            _share("top5", "first class in five"),
            _distance("js_bits", "classes, JS [bit]", highest=1.0),
            _share("tags_iou", "tags, IoU"),
            _share("mask_f1", "masks, F1"),
            _share("mask_iou", "matched masks, IoU"),
            _share("pq", "panoptic quality"),
            _share("pq_segmentation", "panoptic, segmentation"),
            _share("pq_recognition", "panoptic, recognition"),
            _share("semantic_miou", "semantic, mIoU"),
            _share("semantic_accuracy", "semantic, same class"),
            _share("open_miou", "open vocabulary, mIoU"),
            _share("clip_recall1", "CLIP, first text"),
            _share("clip_recall5", "CLIP, first text in five"),
            Measure(
                key="clip_cosine",
                name="CLIP, cosine",
                is_higher_better=True,
                highest=1.0,
                lowest=-1.0,
            ),
            _distance("depth_absrel", "depth, AbsRel"),
            _share("depth_delta1", "depth, within 1.25"),
            _share("pose_oks", "pose, OKS"),
            _share("pose_pck", "pose, PCK at 0.2"),
            _share("caption_rouge_l", "captions, ROUGE-L"),
            _share("caption_f1", "captions, F1"),
            *(
                _distance(f"features_{index}", f"features, depth {index}")
                for index in range(N_FEATURE_STAGES)
            ),
        )
    }
)
"""Every number of every task, by its key."""
