"""Pose through transformers: seventeen joints of each person that the detector finds.

For joint i of a person of the original, seen with enough confidence, at the distance d_i from the
same joint in the decoded picture::

    OKS = mean over i of exp(-d_i^2 / (2 s^2 k_i^2)),   s^2 = 0.53 * area of the box,
    PCK = share of i with d_i at most 0.2 of the box's longer side

with k_i twice the standard deviation among COCO's annotators. Persons are paired by OKS, the best
pair first.

References:
    Xu et al.: ViTPose, NeurIPS 2022, https://arxiv.org/abs/2204.12484
    COCO keypoint evaluation, https://cocodataset.org/#keypoints-eval (OKS and its constants)
    Xiao, Wu, Wei: Simple Baselines, ECCV 2018, https://arxiv.org/abs/1804.06208; the 0.53 for
    persons without an outline is MMPose's, https://github.com/open-mmlab/mmpose
    Yang, Ramanan: Articulated Human Detection, TPAMI 35(12), 2013,
    https://doi.org/10.1109/TPAMI.2012.261 (PCK)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from difficmh_core.shapes import Image01
from difficmh_core.tagging.detector import Detection
from difficmh_core.vision.pretrained import PretrainedTask
from difficmh_core.weights.recognition import load_detector
from difficmh_core.weights.task_models import TaskModel

SIGMAS = (
    *(0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107),
    *(0.107, 0.087, 0.087, 0.089, 0.089),
)
"""Of each of COCO's 17 joints: its standard deviation among annotators, relative to a person's
size."""
AREA_SHARE = 0.53
"""What a person covers of its box."""
MIN_PERSON_SCORE = 0.35
"""Confidence from which a box counts, as in the detection task."""
MIN_JOINT_SCORE = 0.3
"""Confidence from which a joint counts, the default of MMPose."""
PCK_SHARE = 0.2
_PERSON = "person"
_MIN_SIDE_PX = 1.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Person:
    """The joints of one person.

    Attributes:
        box_xyxy_px: Left, top, right and bottom edge [px].
        joints_px: Column and row of each joint [px].
        scores: Confidence of each joint.
    """

    box_xyxy_px: tuple[float, float, float, float]
    joints_px: Float[Tensor, "joints 2"]
    scores: Float[Tensor, " joints"]

    @property
    def sides_px(self) -> tuple[float, float]:
        """Width and height of the box [px]."""
        left, top, right, bottom = self.box_xyxy_px
        return right - left, bottom - top


def keypoint_similarity(original: Person, decoded: Person) -> float:
    """Return OKS of two persons, 0 to 1, over the joints that are sure in the original."""
    sure = original.scores >= MIN_JOINT_SCORE
    width, height = original.sides_px
    distances = (original.joints_px - decoded.joints_px).double().square().sum(dim=1)
    k = 2 * torch.tensor(SIGMAS, dtype=torch.float64)
    exponents = distances / (2 * AREA_SHARE * width * height * k.square())
    return float(torch.exp(-exponents)[sure].mean())


def pose_agreement(original: Sequence[Person], decoded: Sequence[Person]) -> Mapping[str, float]:
    """Return OKS and PCK of two pictures, each 1 if neither has a person.

    OKS is the mean over persons; one without a partner, missed or hallucinated, counts 0. PCK is
    the share of the original's sure joints that are near; those of a missed person are not.

    Args:
        original: Persons of the original, each with a sure joint.
        decoded: Persons of the decoded picture.
    """
    if not original:
        return dict.fromkeys(("pose_oks", "pose_pck"), float(not decoded))
    rated = sorted(
        (
            (keypoint_similarity(person, other), i, j)
            for i, person in enumerate(original)
            for j, other in enumerate(decoded)
        ),
        key=lambda pair: -pair[0],
    )
    partner_of, taken, total = dict[int, int](), set[int](), 0.0
    for similarity, i, j in rated:
        if i not in partner_of and j not in taken and similarity > 0:
            partner_of[i] = j
            taken.add(j)
            total += similarity
    n_near = n_sure = 0
    for i, person in enumerate(original):
        sure = person.scores >= MIN_JOINT_SCORE
        n_sure += int(sure.sum())
        if i in partner_of:
            distances = (person.joints_px - decoded[partner_of[i]].joints_px).norm(dim=1)
            n_near += int((distances[sure] <= PCK_SHARE * max(person.sides_px)).sum())
    n_persons = len(original) + len(decoded) - len(partner_of)
    return {"pose_oks": total / n_persons, "pose_pck": n_near / n_sure}


class PoseEstimation(PretrainedTask):
    """Joints of each person: ViTPose in the boxes of YOLOX-Nano."""

    key = "pose"
    name = "pose (ViTPose, base, in the boxes of YOLOX-Nano)"
    agreement = staticmethod(pose_agreement)

    def __init__(
        self,
        cache_dir: Path,
        card: TaskModel | None = None,
        detector: Callable[..., list[Detection]] | None = None,
    ) -> None:
        """Load both networks; raises what :class:`PretrainedTask` does.

        Args:
            cache_dir: Where fetched files lie.
            card: Another network of joints instead of the published one.
            detector: What finds persons instead of YOLOX-Nano, called as it is.
        """
        super().__init__(cache_dir, card)
        self._detector = load_detector(cache_dir) if detector is None else detector

    def see(self, image: Image01) -> list[Person]:
        """Return the persons of whom at least one joint is sure, by falling score of the box."""
        boxes = [
            found.box_xyxy_px
            for found in self._detector(image, min_score=MIN_PERSON_SCORE)
            if found.label == _PERSON
        ]
        boxes = [box for box in boxes if min(box[2] - box[0], box[3] - box[1]) >= _MIN_SIDE_PX]
        if not boxes:
            return []
        sized = [[left, top, right - left, bottom - top] for left, top, right, bottom in boxes]
        pixels = self.pixels(image, boxes=[sized])
        answer = self.network(pixel_values=pixels)
        process = self.image_processor.post_process_pose_estimation
        (found,) = process(answer, boxes=[sized])
        persons = [
            Person(
                box_xyxy_px=box,
                joints_px=pose["keypoints"].float(),
                scores=pose["scores"].float(),
            )
            for box, pose in zip(boxes, found, strict=True)
        ]
        return [person for person in persons if bool((person.scores >= MIN_JOINT_SCORE).any())]
