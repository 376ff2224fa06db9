"""Latent optimization on the page: how far it is, how it is stopped, and what it costs to load."""

import pytest
from PIL import Image

from difficmh_core.latent_optimization import LatentOptimizer
from difficmh_core.ui.runtime.requests import read_request
from tests.e2e.actions import decoded, download, encode, file_size, set_auto, until_told
from tests.gate import Gate


@pytest.fixture
def iterations(monkeypatch):
    """The gate that the iterations of the optimization go through."""
    gate, steps = Gate(), LatentOptimizer.steps
    monkeypatch.setattr(
        LatentOptimizer, "steps", lambda *args, **named: gate.passing(steps(*args, **named))
    )
    yield gate
    gate.open()


def optimize(page, iterations):
    number = page.locator("#iterations input[type=number]")
    number.fill(str(iterations))
    number.press("Enter")


def test_optimization_shows_its_iterations_and_makes_another_file(
    visit, iterations, codec, photos
):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    plain = download(page, "#dicmh-file").read_bytes()
    iterations.close_after(1)
    optimize(page, 3)
    page.wait_for_selector("#compress-progress:has-text('iteration 1 of 3')")
    assert "s left" in page.inner_text("#compress-progress")
    iterations.open()
    page.wait_for_function(
        "text => document.querySelector('#facts .size strong').innerText !== text",
        arg=f"{len(plain):,} bytes",
    )
    decoded(page)
    optimized = download(page, "#dicmh-file").read_bytes()
    codec.verify(optimized)
    assert codec.parse(optimized).latent.payload != codec.parse(plain).latent.payload


def test_stop_ends_optimization_within_an_iteration_and_the_file_stays(visit, iterations, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    before = file_size(page)
    iterations.close_after(2)
    optimize(page, 20)
    page.wait_for_selector("#compress-progress:has-text('iteration 2 of 20')")
    page.click("#compress-stop")
    page.wait_for_selector("#status:has-text('Stopped')")
    optimize(page, 1)  # at once, while the iteration that was under way still runs
    iterations.open()
    page.wait_for_function(
        "text => document.querySelector('#facts .size strong').innerText !== text", arg=before
    )
    assert iterations.n_steps <= 4  # that iteration, and the new one
    decoded(page)


def test_another_number_of_iterations_ends_the_running_optimization(visit, iterations, photos):
    page = visit()
    encode(page, photos["wide"])
    set_auto(page, on=False)
    before = file_size(page)
    iterations.close_after(2)
    optimize(page, 20)
    page.wait_for_selector("#compress-progress:has-text('iteration 2 of 20')")
    optimize(page, 4)
    iterations.let_one_go()
    page.wait_for_selector("#compress-progress:has-text('of 4')")
    assert page.is_enabled("#compress-stop")
    iterations.open()
    page.wait_for_function(
        "text => document.querySelector('#facts .size strong').innerText !== text", arg=before
    )
    page.wait_for_selector("#compress-progress", state="hidden")
    assert iterations.n_steps <= 7  # one that was under way, and the new ones
    assert page.is_enabled("#compress-decode")


def test_a_picture_that_is_too_large_to_optimize_frees_the_page(visit, tmp_path, monkeypatch):
    monkeypatch.setattr("difficmh_core.latent_optimization._MAX_PIXELS", 100)
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "teal.png")
    page = visit()
    optimize(page, 2)
    page.set_input_files("#photo input[type=file]", tmp_path / "teal.png")
    page.wait_for_selector("text=Latent optimization takes images of up to 100 pixels")
    page.wait_for_selector("#compress-progress", state="hidden")
    optimize(page, 0)
    page.wait_for_selector("#facts .file")
    decoded(page)


def test_the_first_file_of_a_photograph_can_be_stopped_and_made_after_all(
    visit, iterations, until_idle, photos
):
    page = visit()
    iterations.close_after(2)
    optimize(page, 20)
    page.set_input_files("#photo input[type=file]", photos["wide"])
    page.wait_for_selector("#compress-progress:has-text('iteration 2 of 20')")
    page.click("#compress-stop")
    page.wait_for_selector("#status:has-text('Stopped')")
    assert page.is_disabled("#compress-decode")
    iterations.open()
    until_idle()
    until_told(page)
    assert "Change any setting" in page.inner_text("#status")
    optimize(page, 0)
    page.wait_for_selector("#facts .file")
    decoded(page)


def test_arrow_keys_optimize(visit, photos):
    page = visit()
    encode(page, photos["wide"])
    set_auto(page, on=False)
    before = file_size(page)
    page.focus("#iterations input[type=range]")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "text => document.querySelector('#facts .size strong').innerText !== text", arg=before
    )


def test_clearing_the_photograph_ends_its_optimization(visit, iterations, until_idle, photos):
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    iterations.close_after(2)
    optimize(page, 20)
    page.wait_for_selector("#compress-progress:has-text('iteration 2 of 20')")
    page.click("#photo button[aria-label*='lear'], #photo button[aria-label*='emove']")
    page.wait_for_selector("#facts .how")
    iterations.open()
    until_idle()
    assert iterations.n_steps <= 3
    until_told(page)
    assert page.is_visible("#facts .how")
    assert not page.is_visible("#compress-progress")


@pytest.fixture
def runtime(runtime_in, tmp_path):
    return runtime_in(tmp_path, max_pixels=100_000)


def test_another_number_of_iterations_loads_no_network_again(runtime, photos, monkeypatch):
    loaded, make = [], LatentOptimizer.__init__

    def counted(self, *args, **kwargs):
        loaded.append(self)
        make(self, *args, **kwargs)

    monkeypatch.setattr(LatentOptimizer, "__init__", counted)
    photo = runtime.receive(photos["wide"])
    image = runtime.uploads.load(photo)
    files = []
    for n_iterations in (1, 2, 1):
        request = read_request("quality", 50, 0, False, n_iterations)
        steps = list(runtime.service.encode_steps(photo, image, request, ()))
        files.append(steps[-1].encoded.data)
    assert len(steps) == 1  # kept since the first time
    assert files[0] == files[2] != files[1]
    assert len(loaded) == 1
