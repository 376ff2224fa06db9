"""What the viewer of pictures is made of: its markup, and what goes into the head."""

import re

import pytest

from difficmh_core.evaluation.comparison import Row
from difficmh_core.ui.compare.codecs import Measured
from difficmh_core.ui.compare.results import draw_table
from difficmh_core.ui.viewer.markup import Fact, Figure, viewer_head, viewer_markup
from difficmh_core.ui.viewer.metrics import best_of, facts_of
from tests.e2e.viewer.drawn import markup, some_figures


def test_everything_from_outside_is_escaped():
    evil = "<script>alert('\"evil\"')</script>"
    fact = Fact(name=evil, value=evil, unit=evil, help=evil, is_higher_better=True, is_best=True)
    figure = Figure(key=evil, label=evil, source=evil, facts=(fact,), note=evil, overlay=evil)

    written = viewer_markup([figure], size=(1, 1), viewer_id=evil)

    assert "<script" not in written
    assert "alert('" not in written
    assert '"evil"' not in written


def test_a_number_says_its_unit_its_better_way_and_whether_it_is_best():
    written = markup()
    assert 'aria-label="(higher is better)"' in written
    assert 'aria-label="(lower is better)"' in written
    assert re.search(r"24\.10 <span class=\"unit\">dB</span> <span class=\"best\"", written)
    assert written.count("Eyes.</dd>") == 1


def test_color_is_a_number_of_each_picture_and_a_column_of_the_table():
    values = [{"color_blocks": 4.61, "color_worst_block": 18.2}, {"color_blocks": 2.64}, {}]
    best = best_of(values)
    names = [[fact.name for fact in facts_of(900, 0.03, each, best)] for each in values]
    assert names == [["Bytes", "bpp", "Color"], ["Bytes", "bpp", "Color"], ["Bytes", "bpp"]]
    color = facts_of(900, 0.03, values[1], best)[-1]
    assert (color.value, color.unit) == ("2.6", "of 255")
    assert (color.is_higher_better, color.is_best) == (False, True)

    shared = {"picture": "x", "name": "JPEG", "version": "1", "fits": True}
    rows = [
        Row(**shared, codec="jpeg", target_bytes=900, target_bpp=0.03, values=each)
        for each in values
    ]
    table = draw_table([Measured(key="jpeg", row=row) for row in rows])
    assert "Color [of 255] <span" in table
    assert "worst block" not in table
    assert "<td>4.6</td>" in table
    assert "<td class=best>2.6</td>" in table
    assert table.count("<td></td>") == 1  # measured before color was


def test_a_drawing_becomes_an_address_and_the_boxes_are_explained():
    assert 'src="data:image/svg+xml,%3Csvg' in markup()
    assert "hallucinated" in markup()
    bare = [Figure(key="one", label="One", source="one.png")]
    assert "hallucinated" not in markup(bare)


def test_figures_with_the_same_key_are_refused():
    with pytest.raises(ValueError, match="keys of the figures must differ"):
        markup([some_figures()[0]] * 2)


def test_the_head_needs_no_network():
    assert not re.search(r"https?://|@import|url\(", viewer_head())
    assert viewer_head().count("</script>") == 1
