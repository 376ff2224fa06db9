"""What the compare tab shows of measured files: boxes, text and numbers."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from difficmh_core.config.profiles import presets_of
from difficmh_core.evaluation.comparison import Row
from difficmh_core.tagging.detector import Detection
from difficmh_core.ui.compare import texts
from difficmh_core.ui.compare.codecs import ComparisonInput, Measured, codecs_of, measure_one
from difficmh_core.ui.compare.results import draw_table, figure_of, original_of
from difficmh_core.ui.runtime.service import png_of
from difficmh_core.vision.letters import compare_text
from difficmh_core.vision.task_metrics import TEXT_COUNTS

SIZE = (150, 100)


@pytest.fixture(scope="module")
def runtime(runtime_in, tmp_path_factory):
    return runtime_in(tmp_path_factory.mktemp("served"))


def line(text, top):
    box = 10.0, float(top), 10.0 + 12 * len(text), top + 20.0
    return Detection(label_id=0, label=text, score=0.9, box_xyxy_px=box)


def measured(original, decoded):
    text = compare_text(original, decoded)
    values = dict(zip(TEXT_COUNTS, map(float, text.counts), strict=True))
    if text.kept is not None:
        values["text_kept"] = text.kept
    row = Row(
        picture="sign.png",
        codec="jpeg",
        name="JPEG",
        version="1",
        target_bytes=900,
        target_bpp=0.5,
        n_bytes=800,
        fits=True,
        values=values,
    )
    return Measured(key="jpeg", row=row, png=png_of(Image.new("RGB", SIZE)), text=text)


def numbers(table):
    """The cells of a table's one line, by the words of its heads."""
    heads = re.findall(r"<th scope=\"col\"[^>]*>([\w ]+)", table)
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", table)
    return dict(zip((head.strip() for head in heads[1:]), cells, strict=True))


def test_letters_are_counted_and_drawn(runtime):
    item = measured([line("STOP", 30), line("GO", 70)], [line("SHOP", 30), line("NEW", 5)])
    figure = figure_of(runtime.service, item, {}, SIZE)
    original = original_of(runtime.service, "sign.png", [item], SIZE)
    assert figure.note == "Text: 50% of 6 letters kept, 3 changed, 3 invented."
    assert figure.text_overlay != original.text_overlay
    assert figure.overlay is None
    assert original.note == ""
    shown = numbers(draw_table([item]))
    assert (shown["Letters kept"], shown["Letters changed"], shown["Letters invented"]) == (
        "0.50",
        "3",
        "3",
    )


def test_a_photograph_without_text_says_so(runtime):
    item = measured([], [])
    figure = figure_of(runtime.service, item, {}, SIZE)
    original = original_of(runtime.service, "sign.png", [item], SIZE)
    assert original.note == texts.NO_TEXT
    assert (original.text_overlay, figure.text_overlay, figure.note) == (None, None, "")
    assert not any("Letters" in head for head in numbers(draw_table([item])))


def test_text_that_stands_where_none_stood_is_told(runtime):
    item = measured([], [line("NEW", 5)])
    figure = figure_of(runtime.service, item, {}, SIZE)
    assert figure.note == "Text: 3 letters invented, none in the original."
    assert figure.text_overlay is not None
    assert original_of(runtime.service, "sign.png", [item], SIZE).note == texts.NO_TEXT
    shown = numbers(draw_table([item]))
    assert shown["Letters invented"] == "3"
    assert "Letters kept" not in shown


def test_what_is_kept_of_a_comparison_knows_its_boxes_and_its_text(runtime, photos, monkeypatch):
    service, photo = runtime.service, runtime.receive(photos["wide"])
    asked = ComparisonInput(
        photo=photo,
        image=runtime.uploads.load(photo),
        target_bytes=5000,
        tags=(),
        settings=presets_of("tiny")["fast"],
    )
    jpeg = codecs_of(service, ["jpeg"], asked)["jpeg"]
    found = compare_text([line("STOP", 30)], [line("SHOP", 30), line("NEW", 5)])
    monkeypatch.setattr(service.evaluator, "text", lambda *_: found)
    first = measure_one(service, "jpeg", jpeg, asked)
    monkeypatch.undo()
    again = measure_one(service, "jpeg", jpeg, asked)
    assert first.text == again.text == found
    assert first.boxes == again.boxes
    assert np.array_equal(
        *(np.asarray(Image.open(io.BytesIO(item.png))) for item in (first, again))
    )
