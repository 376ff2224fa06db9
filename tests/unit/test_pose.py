"""Agreement of poses: OKS against pycocotools, PCK by hand."""

import numpy as np
import pytest
import torch
from pycocotools.cocoeval import COCOeval

from difficmh_core.vision.pose import (
    AREA_SHARE,
    SIGMAS,
    Person,
    keypoint_similarity,
    pose_agreement,
)


def person(shift=0.0, *, left=0.0, sure=17, seed=0):
    """A person in a box of 50 x 100 px, its joints moved to the right [px]."""
    places = torch.rand(17, 2, generator=torch.Generator().manual_seed(seed)) * 40
    scores = torch.zeros(17)
    scores[:sure] = 0.9
    return Person(
        box_xyxy_px=(left, 0.0, left + 50, 100.0),
        joints_px=places + torch.tensor([left + shift, 0.0]),
        scores=scores,
    )


def test_similarity_is_cocos(generator):
    original = person()
    decoded = Person(
        box_xyxy_px=original.box_xyxy_px,
        joints_px=original.joints_px + 10 * torch.rand(17, 2, generator=generator),
        scores=original.scores,
    )

    def annotation(who):
        visible = torch.full((17, 1), 2.0)
        return {
            "keypoints": torch.cat([who.joints_px, visible], dim=1).flatten().tolist(),
            "bbox": [0.0, 0.0, 50.0, 100.0],
            "area": AREA_SHARE * 50 * 100,
            "score": 1.0,
        }

    official = COCOeval(iouType="keypoints")
    official.params.maxDets = [20]
    assert np.allclose(official.params.kpt_oks_sigmas, SIGMAS)
    official.params.useCats = 1
    official._gts[1, 1], official._dts[1, 1] = [annotation(original)], [annotation(decoded)]
    expected = official.computeOks(1, 1)[0, 0]
    assert keypoint_similarity(original, decoded) == pytest.approx(expected)
    assert 0 < expected < 1


def test_a_person_is_like_itself_and_unsure_joints_do_not_count():
    assert pose_agreement([person()], [person()]) == {"pose_oks": 1, "pose_pck": 1}
    original, moved = person(sure=1), person(sure=17)
    moved.joints_px[1:] += 500
    assert keypoint_similarity(original, moved) == pytest.approx(1)


def test_persons_pair_up_by_similarity_and_the_others_count_nothing():
    original = [person(), person(left=300, seed=1)]
    # The second is missed, one is hallucinated: one pair of three persons.
    found = pose_agreement(original, [person(left=900, seed=2), person()])
    assert found["pose_oks"] == pytest.approx(1 / 3, abs=1e-6)
    assert found["pose_pck"] == pytest.approx(1 / 2)
    swapped = pose_agreement(original, original[::-1])
    assert swapped == {"pose_oks": pytest.approx(1), "pose_pck": 1}


def test_near_is_a_fifth_of_the_longer_side():
    assert pose_agreement([person()], [person(19.9)])["pose_pck"] == 1
    far = pose_agreement([person(sure=1)], [person(20.1, sure=1)])
    assert far["pose_pck"] == 0
    # exp(-20.1^2 / (2 * 0.53 * 5000 * (2 * 0.026)^2)) for the nose alone.
    assert far["pose_oks"] == pytest.approx(np.exp(-(20.1**2) / (2 * 2650 * 0.052**2)))


def test_pictures_without_persons():
    assert pose_agreement([], []) == {"pose_oks": 1, "pose_pck": 1}
    assert pose_agreement([], [person()]) == {"pose_oks": 0, "pose_pck": 0}
    assert pose_agreement([person()], []) == {"pose_oks": 0, "pose_pck": 0}
