"""What the viewer of pictures is made of: its markup, and what goes into the head."""

import re

import pytest

from difficmh_core.ui.viewer.markup import Fact, Figure, viewer_head, viewer_markup
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
