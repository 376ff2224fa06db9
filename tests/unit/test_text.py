"""Text read in two pictures, and what is said of it."""

import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from difficmh_core.errors import BackendUnavailableError
from difficmh_core.image_io import to_tensor
from difficmh_core.vision.task_metrics import TASK_METRICS
from difficmh_core.vision.text import TextReading


def test_shares_of_several_pictures_are_those_of_their_sums():
    counts = {"letters_kept": [9, 1], "letters_changed": [1, 9]}
    column = {key: torch.tensor(values).double().numpy() for key, values in counts.items()}
    assert TASK_METRICS["text_kept"].over_pictures(column.__getitem__) == 0.5


@pytest.fixture(scope="module")
def reading(tmp_path_factory):
    pytest.importorskip("rapidocr")
    return TextReading(tmp_path_factory.mktemp("cache"))


def sign(text, blur=0):
    picture = Image.new("RGB", (360, 120), (230, 230, 220))
    font = ImageFont.load_default(size=48)
    ImageDraw.Draw(picture).text((30, 30), text, fill=(20, 20, 60), font=font)
    small = picture.resize((360 // (1 + blur), 120 // (1 + blur)))
    return to_tensor(small.resize(picture.size))


def test_a_sign_is_read_where_it_stands(reading):
    (found,) = reading.see(sign("STATION"))
    assert found.label == "STATION"
    left, top, right, bottom = found.box_xyxy_px
    assert 10 < left < 40
    assert 20 < top < 50
    assert 200 < right < 260
    assert 60 < bottom < 100


def test_agreement_falls_when_letters_change(reading):
    original = reading.see(sign("STATION 42"))
    same = reading.agreement(original, reading.see(sign("STATION 42")))
    other = reading.agreement(original, reading.see(sign("STALION 47")))
    nothing = reading.agreement(original, reading.see(sign("", blur=2)))
    assert same == {
        "text_kept": 1.0,
        "letters_kept": 9,
        "letters_changed": 0,
        "letters_invented": 0,
    }
    assert other["letters_kept"] == 7
    assert other["letters_changed"] == 2
    assert nothing["text_kept"] == 0
    # Where there is no text, none can be kept.
    assert set(reading.agreement([], original)) == set(same) - {"text_kept"}


def test_other_networks_than_the_measured_ones_are_refused(tmp_path, monkeypatch):
    rapidocr = pytest.importorskip("rapidocr")
    models = tmp_path / "models"
    shutil.copytree(Path(rapidocr.__file__).parent / "models", models)
    monkeypatch.setattr(rapidocr, "__file__", str(tmp_path / "__init__.py"))
    (models / "PP-OCRv6_rec_small.onnx").write_bytes(b"of another version")
    with pytest.raises(BackendUnavailableError, match=r"another PP-OCRv6_rec_small.onnx"):
        TextReading(tmp_path)
    (models / "PP-OCRv6_rec_small.onnx").unlink()
    with pytest.raises(BackendUnavailableError, match="SHA-256 absent"):
        TextReading(tmp_path)
