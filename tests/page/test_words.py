"""What the page says: from measurements, in the right number, each thing once."""

import json
import re
from html import unescape

import numpy as np
import pytest
from PIL import Image, ImageDraw

from difficmh_core._support.fonts import label_font
from difficmh_core.config.experiments import ExperimentRequest
from difficmh_core.config.profiles import preset_of, presets_of, profile_of
from difficmh_core.evaluation.comparison import Row
from difficmh_core.evaluation.experiments import plan
from difficmh_core.evaluation.own_results import MEASURED_PATH, own_results, own_results_of
from difficmh_core.quality.metric import ARROWS
from difficmh_core.ui import texts
from difficmh_core.ui.about import texts as about_texts
from difficmh_core.ui.compare import texts as compare_texts
from difficmh_core.ui.compare.codecs import Measured
from difficmh_core.ui.compare.results import best_of_codecs, draw_table, why_ablations_win
from difficmh_core.ui.components import html
from difficmh_core.ui.components.hints import hints_of
from difficmh_core.ui.page import build_page
from difficmh_core.ui.study.plots import draw_curves
from difficmh_core.weights.network_card import NANO_FOLDER
from tests.packaged_results import packaged


def row_of(key, lpips, *, fits=True):
    row = Row(
        picture="x",
        codec=key,
        name=compare_texts.CODECS[key],
        version="1",
        target_bytes=900,
        target_bpp=0.03,
        n_bytes=880 if fits else 1700,
        bpp=0.03,
        fits=fits,
        values={"lpips_alex": lpips, "psnr_db": 25.0},
    )
    return Measured(key=key, row=row, png=b"x")


def plain(markup):
    return unescape(re.sub(r"<[^>]+>", " ", markup))


def test_the_packaged_summary_is_that_of_the_measurements():
    assert json.loads(MEASURED_PATH.read_text()) == packaged(), (
        "run `python -m tests.packaged_results`"
    )


def test_the_measurements_are_those_of_the_packaged_networks(nano):
    assert packaged()["model"] == nano.fingerprint.hex()
    assert MEASURED_PATH.parent == NANO_FOLDER


def test_the_default_preset_is_the_one_that_measured_best():
    best = own_results().best_preset(presets_of("nano"))
    assert profile_of("nano").default_preset == best
    assert preset_of("nano") == presets_of("nano")[best]


def test_hints_are_of_networks_that_were_measured():
    assert hints_of("tiny") == hints_of("sd21") == {}
    assert own_results_of("tiny") is None
    hints = hints_of("nano")
    assert hints.keys() == {"steps", "guidance_scale", "tags"}
    for hint in hints.values():
        assert hint.startswith("Measured with this model")
        assert hint.endswith(".")
    effect = own_results().effect_of_steps(0.05)
    assert f"{effect.best_lpips:.3f}" in hints["steps"]


def test_ablations_stand_apart_and_are_never_the_best():
    lines = [row_of("ours", 0.2), row_of("jpeg", 0.5), row_of("content", 0.1)]
    assert best_of_codecs(lines)["lpips_alex"] == 0.2
    table = draw_table(lines, "nano")
    assert table.index("JPEG") < table.index(compare_texts.WHICH_ABLATIONS)
    assert table.index(compare_texts.WHICH_ABLATIONS) < table.index("without diffusion")
    (best,) = re.findall(r'class="best"[^>]*>([^<]*)', table)
    assert best == "0.200"


def test_an_ablation_that_wins_says_why_and_one_that_loses_says_nothing():
    lines = [row_of("ours", 0.2), row_of("content", 0.1), row_of("no_tags", 0.3)]
    (said,) = why_ablations_win(lines, "nano")
    assert said.startswith("Without diffusion, LPIPS is lower for this photo: 0.100")
    assert f"over {own_results().n_photos} photos" in said
    (general,) = why_ablations_win(lines, "tiny")
    assert "photos" not in general
    assert why_ablations_win([row_of("ours", 0.2), row_of("content", 0.2001)], "nano") == []
    assert said in plain(draw_table(lines, "nano"))


def test_an_asterisk_is_explained_in_sight():
    words = compare_texts.MARK_HELP.format(target=900)
    too_large = draw_table([row_of("jpeg", 0.5, fits=False)], "nano")
    assert "1,700 *" in too_large
    assert words in plain(too_large)
    assert words not in plain(draw_table([row_of("jpeg", 0.5)], "nano"))


def test_every_number_of_a_table_names_its_column_for_narrow_screens():
    table = draw_table([row_of("ours", 0.2), row_of("content", 0.1)], "nano")
    cells = re.findall(r"<td[^>]*>[^<]+", table)
    assert len(cells) == 8
    assert all('data-column="' in cell for cell in cells)


def test_means_of_what_was_measured_are_in_the_plots():
    points = [(0.03, {"lpips_alex": 0.5}), (0.06, {"lpips_alex": 0.4})]
    drawn = draw_curves(points, own_results())
    for name in ("nano, mean of 40 photos", "with latent optimization", "VVC"):
        assert name in drawn
    assert "mean of" not in draw_curves(points)


@pytest.mark.parametrize("n", [1, 2])
def test_one_thing_is_singular(n):
    assert texts.count(n, "step") == ("1 step" if n == 1 else "2 steps")


def test_no_label_says_one_steps(tiny_codec, picture):
    encoded = tiny_codec.encode(picture, tags=None)
    asked = ExperimentRequest(experiment="grid")
    labels = [each.label for each in plan(asked, encoded, preset_of("tiny"), has_rates=True)]
    assert "guidance 1, 1 step" in labels
    assert not any("1 steps" in label for label in labels)


def test_the_font_of_drawn_pictures_has_arrows():
    def drawn(letter):
        image = Image.new("L", (40, 40))
        ImageDraw.Draw(image).text((4, 4), letter, fill=255, font=label_font(24))
        return np.asarray(image)

    lacking = drawn("\uffff")
    for letter in (*ARROWS.values(), "é", "ж"):
        assert not np.array_equal(drawn(letter), lacking)


def values_of(demo):
    """The markup of every part of a page."""
    return [
        str(block.value)
        for block in demo.blocks.values()
        if isinstance(getattr(block, "value", None), str)
    ]


def test_the_notice_stands_once_and_the_stand_in_is_named_at_the_top(codec, nano, cache_dir):
    for each, is_stand_in in ((codec, False), (nano, True)):
        values = values_of(build_page(each).demo)
        assert sum(texts.NOTICE in value for value in values) == 1
        (header,) = (value for value in values if texts.TAGLINE in value)
        assert (texts.STAND_IN["nano"] in unescape(header)) == is_stand_in


def test_addresses_are_links(codec, cache_dir):
    (about,) = (
        value for value in values_of(build_page(codec).demo) if about_texts.LIMITS in value
    )
    addresses = re.findall(r"https?://[^\s<\"]+", re.sub(r"<[^>]*>", " ", about))
    assert len(addresses) > 5
    for address in addresses:
        assert f'<a href="{address.rstrip(".,;")}"' in about


def test_what_is_no_address_stays_as_it_is():
    assert html.draw_links("<b> & /path/ http:") == "&lt;b&gt; &amp; /path/ http:"
    assert 'href="https://a.org/&quot;' not in html.draw_links('https://a.org/" onclick="x')
