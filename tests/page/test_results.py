"""Results of the compress tab: numbers with their changes, and earlier results."""

from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from difficmh_core.config.profiles import preset_of
from difficmh_core.ui.compress.history import MOST_RESULTS, History, Result, thumbnail_of
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.compress.result_handlers import ResultHandlers
from difficmh_core.ui.compress.results import draw_history, draw_numbers, figures_of
from difficmh_core.ui.runtime import measures
from difficmh_core.ui.runtime.measures import Measures, measure_picture
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.weights.cards import PACKAGE_CARDS
from tests.cached_weights import folder_with


@pytest.fixture
def result(tmp_path):
    """A result; each call makes another picture of the same photo."""

    def made(name="a", digest="d", **changes) -> Result:
        path = tmp_path / f"{name}.png"
        Image.new("RGB", (8, 6), "red").save(path)
        photo = Photo(
            path=str(path),
            digest=digest,
            name="x",
            upload_bytes=1,
            upload_format="PNG",
            size_px=(8, 8),
        )
        usual = {
            "photo": photo,
            "size_px": (6, 8),
            "picture": str(path),
            "thumbnail": "data:,",
            "n_bytes": 900,
            "bpp": 0.1,
            "settings": preset_of("nano", "fast"),
            "steps": 2,
            "seconds": 1.5,
            "was_kept": False,
            "measures": Measures(values={"psnr_db": 24.0}),
        }
        return Result(**(usual | changes))

    return made


def history_of(*results) -> History:
    history = History()
    for result in results:
        history = history.with_new(result)
    return history


def test_the_history_is_bounded_and_its_thumbnails_are_small(result):
    history = history_of(*(result(str(index)) for index in range(MOST_RESULTS + 3)))
    assert len(history.results) == MOST_RESULTS
    assert [each.number for each in history.results] == list(range(4, MOST_RESULTS + 4))
    assert len(thumbnail_of(Image.effect_noise((3000, 2000), 90))) < 20_000


def test_earlier_results_are_those_of_this_photo_whose_pictures_are_there(result, tmp_path):
    history = history_of(result("a"), result("b", digest="other"), result("c"), result("d"))
    assert [each.number for each in history.earlier] == [3, 1]
    (tmp_path / "c.png").unlink()
    assert [each.number for each in history.earlier] == [1]
    assert history.find(3) is None


def test_the_same_picture_again_is_one_result(result):
    history = history_of(result("a"), result("b"), result("a"))
    assert [each.number for each in history.results] == [2, 3]


def test_numbers_are_told_with_unit_and_direction_and_what_is_being_measured(result):
    drawn = draw_numbers(result())
    assert '24.00 <span class="unit">dB</span>' in drawn
    assert drawn.count("\N{HORIZONTAL ELLIPSIS}") == 2  # LPIPS and DISTS
    for way in ("higher", "lower"):
        assert f'aria-label="({way} is better)"' in drawn
    assert "better</dd>" not in drawn


def test_the_difference_to_another_result_is_told_with_whether_it_is_better(result):
    values = {"psnr_db": 24.0, "lpips_alex": 0.2, "dists": 0.1}
    before = result("a", measures=Measures(values=values), is_measured=True)
    changed = {"psnr_db": 23.5, "lpips_alex": 0.15, "dists": 0.1}
    after = result("b", measures=Measures(values=changed), is_measured=True, n_bytes=1200)
    drawn = draw_numbers(after, before)
    assert "\N{MINUS SIGN}0.50 worse" in drawn
    assert "\N{MINUS SIGN}0.050 better" in drawn
    assert "unchanged" in drawn
    assert "+300 bytes compared with the earlier result (900 bytes)" in drawn
    assert [figure.key for figure in figures_of(after, before)] == ["original", "ours", "before"]


def test_a_measure_whose_network_is_absent_says_so(result):
    absent = {"dists": "The weights <x> are missing."}
    known = Measures(values={"psnr_db": 24.0}, absent=absent)
    drawn = draw_numbers(result(measures=known, is_measured=True))
    assert "The weights &lt;x&gt; are missing." in drawn
    assert "\N{HORIZONTAL ELLIPSIS}" not in drawn


def test_a_strip_needs_two_results_and_marks_the_one_compared_with(result):
    assert draw_history(history_of(result()), None, "nano") == ""
    drawn = draw_history(history_of(result("a"), result("b")), 1, "nano")
    assert 'data-number="1" aria-pressed="true"' in drawn
    assert 'data-number="0" aria-pressed="false"' in drawn
    assert "Newest, 900 bytes, Fast" in drawn


@pytest.fixture
def runtime(runtime_in, tmp_path):
    return runtime_in(tmp_path / "served", weights_dir=tmp_path / "none")


def test_without_fetched_networks_a_picture_is_measured_as_far_as_it_can_be(runtime, photos):
    photo = runtime.receive(photos["wide"])
    known = measure_picture(runtime.service, runtime.uploads, photo, photo.path)
    assert set(known.values) == {"psnr_db"}
    assert set(known.absent) == {"lpips_alex", "dists"}
    assert all("difficmh" in reason for reason in known.absent.values())


def test_networks_do_not_look_at_a_large_picture_unasked(runtime, photos, monkeypatch):
    photo = runtime.receive(photos["wide"])
    told = (runtime.service, runtime.uploads, photo, photo.path)
    monkeypatch.setattr(type(runtime.service), "evaluator", None)
    monkeypatch.setattr(measures, "MOST_PX", 100)
    known = measure_picture(*told)
    assert set(known.values) == {"psnr_db"}
    assert "not measured above 2 megapixels" in known.absent["lpips_alex"]
    assert measures.boxes_of(*told) is None


def test_what_was_measured_is_kept(runtime_in, tmp_path, photos, monkeypatch):
    runtime = runtime_in(tmp_path, weights_dir=folder_with(*PACKAGE_CARDS))
    photo = runtime.receive(photos["wide"])
    told = (runtime.service, runtime.uploads, photo, photo.path)
    first = measure_picture(*told)
    assert set(first.values) == {"psnr_db", "lpips_alex", "dists"}
    monkeypatch.setattr(type(runtime.service), "evaluator", None)
    assert measure_picture(*told).values == first.values


@pytest.fixture
def handlers(codec, runtime):
    with gr.Blocks():
        tab = CompressTab(codec, (), is_quick=True)
    return tab, ResultHandlers(tab, runtime.service, runtime.uploads)


def test_a_click_compares_the_newest_with_an_earlier_result(handlers, result, tmp_path):
    tab, results = handlers
    history = history_of(result("a"), result("b"), result("c"))
    last = history.last
    session = Session(photo=last.photo, picture=last.picture)
    values = {tab.session: session, tab.history: history, tab.chosen: None}

    shown = results.choose(values, SimpleNamespace(number=1))
    assert shown[tab.chosen] == 1
    assert 'data-pair="before ours"' in shown[tab.viewer.html]
    assert "a.png" in shown[tab.viewer.html]
    assert "b.png" not in shown[tab.viewer.html]

    shown = results.choose(values, SimpleNamespace(number=0))
    assert shown[tab.chosen] is None
    assert 'data-pair="original ours"' in shown[tab.viewer.html]

    (tmp_path / "a.png").unlink()
    with pytest.raises(gr.Error, match="deleted"):
        results.choose(values, SimpleNamespace(number=1))


def test_an_unfinished_change_keeps_its_words_while_earlier_results_are_compared(handlers, result):
    tab, results = handlers
    history = history_of(result("a"), result("b"))
    session = Session(photo=history.last.photo, picture=None)
    values = {tab.session: session, tab.history: history, tab.chosen: None}
    assert tab.status not in results.choose(values, SimpleNamespace(number=1))
    assert results.show_known(values) == gr.skip()
    other = replace(session, photo=result("z", digest="other").photo)
    assert results.choose(values | {tab.session: other}, SimpleNamespace(number=1)) == gr.skip()
