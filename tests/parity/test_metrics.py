"""Measures against values that the published programs gave for twelve pairs of pictures."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.quality.metrics import QualityMeter
from difficmh_core.weights.cache import is_cached
from difficmh_core.weights.cards import DISTS_WEIGHTS, LPIPS_ALEX, LPIPS_VGG

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("DIFFICMH_PARITY", REPOSITORY.parent / "shared/parity")) / "metrics"
CARDS = {
    "psnr_db": (),
    "lpips_alex": (LPIPS_ALEX,),
    "lpips_vgg": (LPIPS_VGG,),
    "dists": (LPIPS_VGG, DISTS_WEIGHTS),
}


def read_picture(name: str) -> torch.Tensor:
    with Image.open(FOLDER / name) as file:
        pixels = np.array(file.convert("RGB"))
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.fixture(scope="module")
def meter() -> QualityMeter:
    return QualityMeter(cache_folder())


def compare(meter: QualityMeter, key: str, rows: slice) -> None:
    expected_file = FOLDER / "expected.json"
    if not expected_file.is_file():
        pytest.skip(f"{expected_file} is absent")
    for card in CARDS[key]:
        if not is_cached(card, cache_folder()):
            pytest.skip(f"{card.file} is not in the cache; run `python -m difficmh_core fetch`")
    for row in json.loads(expected_file.read_text())[rows]:
        reference, decoded = read_picture(row["reference"]), read_picture(row["distorted"])
        value = meter.measure(key, reference, decoded).item()
        assert value == pytest.approx(row[key], abs=1e-4), row["distorted"]


@pytest.mark.weights
@pytest.mark.parametrize("key", CARDS)
def test_values_are_the_published_ones(meter, key):
    compare(meter, key, slice(None, None, 5))  # three pairs, one of each kind of distortion


@pytest.mark.slow
@pytest.mark.weights
@pytest.mark.parametrize("key", CARDS)
def test_values_are_the_published_ones_for_all_pairs(meter, key):
    compare(meter, key, slice(None))
