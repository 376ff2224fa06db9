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
from types import MappingProxyType
from typing import Any

from difficmh_core.quality.metric import Group, Metric, Pooling
from difficmh_core.vision.boxes import f1_of_counts, share_of_counts

N_FEATURE_STAGES = 9
"""Stem, seven stages and head."""
COCO_MAP = Metric(
    key="coco_map", name="mAP", group=Group.ANNOTATIONS, is_higher_better=True, highest=1.0
)
"""COCO's mean average precision, of the boxes that people drew."""


def _share(key: str, name: str, short: str = "", **changes: Any) -> Metric:  # noqa: ANN401
    """Return a metric from 0 (nothing agrees) to 1 (all does)."""
    usual: dict[str, Any] = {"group": Group.MACHINES, "is_higher_better": True, "highest": 1.0}
    return Metric(key=key, name=name, short=short, **(usual | changes))


def _distance(key: str, name: str, short: str = "", **changes: Any) -> Metric:  # noqa: ANN401
    """Return a metric from 0 (no difference) upward."""
    usual: dict[str, Any] = {"group": Group.MACHINES, "is_higher_better": False}
    return Metric(key=key, name=name, short=short, **(usual | changes))


def _count(key: str, name: str, short: str = "", *, is_higher_better: bool = False) -> Metric:
    return Metric(
        key=key,
        name=name,
        short=short,
        digits=0,
        group=Group.COUNTS,
        is_higher_better=is_higher_better,
        has_column=False,
    )


_COUNTS = (
    _count("boxes_matched", "boxes matched", is_higher_better=True),
    _count("boxes_missed", "boxes missed"),
    _count("boxes_hallucinated", "boxes hallucinated"),
)
_TEXT_COUNTS = (
    _count("letters_kept", "letters kept", is_higher_better=True),
    _count("letters_changed", "letters changed", "Letters changed"),
    _count("letters_invented", "letters invented", "Letters invented"),
)
TEXT_COUNTS = tuple(count.key for count in _TEXT_COUNTS)
"""Keys of the numbers of letters kept, changed and invented."""
BOX_COUNTS = tuple(count.key for count in _COUNTS)
"""Keys of the numbers of boxes matched, missed and hallucinated."""
TASK_METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.key: metric
        for metric in (
            _share(
                "box_f1",
                "boxes, F1",
                "Detection F1",
                digits=2,
                pooling=Pooling(counts=BOX_COUNTS, ratio=f1_of_counts),
                has_column=False,
            ),
            *_COUNTS,
            _share("top1", "first class", "class"),
            _share("top5", "first class in five", has_column=False),
            _distance("js_bits", "classes, JS", "JS", unit="bit", highest=1.0),
            _share("tags_iou", "tags, IoU", "tags"),
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
            _share("clip_cosine", "CLIP, cosine", lowest=-1.0),
            _distance("depth_absrel", "depth, AbsRel"),
            _share("depth_delta1", "depth, within 1.25"),
            _share("pose_oks", "pose, OKS"),
            _share("pose_pck", "pose, PCK at 0.2"),
            _share("caption_rouge_l", "captions, ROUGE-L"),
            _share("caption_f1", "captions, F1"),
            _share(
                "text_kept",
                "text, letters kept",
                "Letters kept",
                digits=2,
                pooling=Pooling(counts=TEXT_COUNTS[:2], ratio=share_of_counts),
            ),
            *_TEXT_COUNTS,
            *(
                _distance(
                    f"features_{index}",
                    f"features, depth {index}",
                    str(index),
                    group=Group.DEPTH,
                    has_column=False,
                )
                for index in range(N_FEATURE_STAGES)
            ),
        )
    }
)
"""Every number of every task, by its key."""
