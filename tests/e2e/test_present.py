"""A talk in the browser: keys, a clicker, large type on every screen, and no other host."""

import shutil
import subprocess
import sys

import pytest

from difficmh_core._support.cache_folder import cache_folder
from difficmh_core.ui.present import texts
from difficmh_core.ui.present.markup import draw_talk
from difficmh_core.ui.present.serving import app_of, serving
from difficmh_core.ui.present.tour import each_photograph, plan_tour
from difficmh_core.ui.server.listening import open_port
from tests.crafted_talk import box, presented
from tests.e2e.program import ROOT

N_STATIONS, N_PHOTOS = 6, 2
SCREENS = [(1920, 1080), (1440, 900), (1024, 768)]


@pytest.fixture(scope="module")
def talk_url():
    photographs = [
        presented("hill", objects=([box("cup")], [box("cup")])),
        presented("face", objects=([box("person")], [])),
    ]
    talk = draw_talk(plan_tour(photographs, "nano", print), list(each_photograph(photographs)))
    with open_port("127.0.0.1", None) as opened, serving(app_of(talk), opened):
        yield f"http://127.0.0.1:{opened.getsockname()[1]}/"


@pytest.fixture
def attend(browser, talk_url):
    """Return a function that opens the talk; nothing may be asked of another host, or fail."""
    contexts, complaints = [], []

    def note(asked):
        if not asked.url.startswith((talk_url, "data:")):
            complaints.append(asked.url)

    def open_talk(width=1440, height=900, *, part="", **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", note)
        page.on("requestfailed", lambda asked: complaints.append(asked.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda told: complaints.append(told.text) if told.type == "error" else None
        )
        page.goto(talk_url + part)
        page.wait_for_selector("body.ready")
        return page

    yield open_talk
    for context in contexts:
        context.close()
    assert complaints == []


def shown(page) -> str:
    (slide,) = page.locator("main > section:visible").evaluate_all("all => all.map(s => s.id)")
    return slide


def viewer(page, expression):
    return page.locator("section:visible dicmh-viewer").evaluate(f"v => {expression}")


def test_keys_and_a_clicker_go_on_and_back(attend):
    page = attend()
    assert shown(page) == "station-1"
    for key, expected in [
        ("ArrowRight", "station-2"),
        ("PageDown", "station-3"),
        ("Space", "station-4"),
        ("ArrowLeft", "station-3"),
        ("PageUp", "station-2"),
        ("End", f"photo-{N_PHOTOS}"),
        ("PageDown", f"photo-{N_PHOTOS}"),
        ("Home", "station-1"),
        ("ArrowLeft", "station-1"),
    ]:
        page.keyboard.press(key)
        assert shown(page) == expected, key
    assert page.evaluate("document.activeElement.tagName") == "H2"
    page.reload()
    page.wait_for_selector("body.ready")
    assert shown(page) == "station-1"
    page = attend(part="#station-5")
    assert shown(page) == "station-5"
    assert page.title() == f"{texts.FAILS} \N{EN DASH} {texts.TITLE}"


def test_a_clicker_goes_on_after_the_line_was_dragged(attend):
    page = attend(part="#station-2")
    divider = page.locator("section:visible .divider")
    area = divider.bounding_box()
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + 200, area["y"] + 50)
    page.mouse.up()
    assert viewer(page, "v.state.split") > 55
    page.keyboard.press("ArrowRight")
    assert shown(page) == "station-3"
    page.keyboard.press("ArrowLeft")
    assert viewer(page, "v.state.split") == 50, "each section begins as it is planned"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert viewer(page, "v.state.split") == 51, "with the focus on the line, arrows move it"
    page.keyboard.press("PageDown")
    assert shown(page) == "station-3"


def test_blinking_shows_original_and_decoded_in_turn_until_escape(attend):
    page = attend(part="#station-3")
    assert viewer(page, "v.state.mode") == "side"
    tops = []
    for _ in range(3):
        page.keyboard.press("b")
        tops.append(viewer(page, "v.stage.querySelector('.layer.top .picture').alt"))
    assert tops == ["Original", "Diff-ICMH", "Original"]
    page.keyboard.press("Escape")
    assert viewer(page, "v.state.mode") == "side"


def test_boxes_lie_on_the_detector_station_and_go(attend):
    page = attend(part="#station-4")
    overlays = page.locator("section:visible .stage .overlay.objects")
    assert (
        overlays.evaluate_all("all => all.map(o => getComputedStyle(o).visibility)")
        == ["visible"] * 2
    )
    page.keyboard.press("o")
    assert viewer(page, "v.state.boxes") is None


def test_a_part_is_enlarged_around_its_place(attend):
    page = attend(part="#station-5")
    scale, x, y, fitted = viewer(page, "[v.view.scale, v.view.x, v.view.y, v.view.fitted]")
    assert scale == pytest.approx(3 * fitted)
    assert (x, y) == pytest.approx((30, 22), abs=4), "the top of the person, but inside"


def test_the_viewers_own_keys_work_wherever_the_focus_is(attend):
    page = attend()
    fitted = viewer(page, "v.view.scale")
    page.keyboard.press("+")
    page.keyboard.press("+")
    scale, x = viewer(page, "[v.view.scale, v.view.x]")
    assert scale > fitted
    page.keyboard.press("Shift+ArrowRight")
    assert viewer(page, "v.view.x") > x
    assert shown(page) == "station-1"
    page.keyboard.press("0")
    assert viewer(page, "v.view.scale") == 1
    page.keyboard.press("Escape")
    assert viewer(page, "v.view.scale") == fitted


def test_help_lists_the_keys_and_takes_none_for_the_talk(attend):
    page = attend()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name=texts.KEYS)
    assert all(what in dialog.inner_text() for _, what in texts.KEY_ROWS)
    page.keyboard.press("PageDown")
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert shown(page) == "station-1"


def test_buttons_do_the_same_and_space_presses_them(attend):
    page = attend()
    page.get_by_role("button", name=texts.NEXT).click()
    assert shown(page) == "station-2"
    page.get_by_role("button", name=texts.PREVIOUS).focus()
    page.keyboard.press("Space")
    assert shown(page) == "station-1"
    assert page.get_by_role("button", name=texts.PREVIOUS).is_disabled()


@pytest.mark.parametrize(("width", "height"), SCREENS)
def test_every_section_fits_its_screen_in_large_type(attend, width, height):
    page = attend(width, height)
    for _ in range(N_STATIONS + N_PHOTOS):
        size = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert size == [width, height], shown(page)
        assert viewer(page, "v.body.offsetHeight <= v.clientHeight"), shown(page)
        # The pictures take the height or the width that there is.
        use = viewer(page, "v.frames.length * v.frames[0].offsetHeight * v.frames[0].offsetWidth")
        assert use > 0.25 * width * height, shown(page)
        letters = page.locator("section:visible .sentence")
        pixels = letters.evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        assert pixels >= height / 44, shown(page)
        page.keyboard.press("PageDown")


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (360, 740)])
def test_axe_finds_no_fault(attend, width, height):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = attend(width, height, reduced_motion="reduce")
    for _ in range(N_STATIONS):
        assert axe.run(page).response["violations"] == [], shown(page)
        assert page.evaluate("document.getAnimations().length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.keyboard.press("PageDown")
    page.keyboard.press("?")
    assert axe.run(page).response["violations"] == []


def test_every_button_shows_its_focus(attend):
    page = attend()
    reached = set()
    for _ in range(8):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "(e => [e.id, getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        if outline == "solid":
            reached.add(name)
    assert {"keys", "full", "next"} <= reached


def test_without_its_script_it_is_a_document(attend, browser, talk_url):
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(talk_url)
        assert page.locator("section").count() == N_STATIONS + N_PHOTOS
        assert page.locator("section figure img.picture").first.is_visible()
    finally:
        context.close()


def test_once_it_is_open_it_needs_no_server(browser):
    photographs = [presented("hill")]
    talk = draw_talk(plan_tour(photographs, "nano", print), list(each_photograph(photographs)))
    context = browser.new_context()
    try:
        page = context.new_page()
        with open_port("127.0.0.1", None) as opened, serving(app_of(talk), opened):
            page.goto(f"http://127.0.0.1:{opened.getsockname()[1]}/", wait_until="networkidle")
        for _ in range(N_STATIONS):
            page.keyboard.press("PageDown")
            loaded = viewer(
                page, "[...v.stage.querySelectorAll('.picture')].every(p => p.naturalWidth)"
            )
            assert loaded, shown(page)
    finally:
        context.close()


CUT_OFF = (
    "unshare",
    "--map-root-user",
    "--net",
    "sh",
    "-c",
    'ip link set lo up && exec "$@"',
    "-",
)
"""Runs a command where only the loopback is left of the network."""
ATTENDED = """
import re, socket, sys, urllib.request
from pathlib import Path
from tests.e2e.program import running_program
try:
    socket.create_connection(("9.9.9.9", 53), timeout=5)
    raise SystemExit("the network is not cut")
except OSError:
    pass
words = ("app.py", "--present", "--cache-dir", sys.argv[2])
with running_program(Path(sys.argv[1]), words) as program:
    page = urllib.request.urlopen(program.url).read().decode()
    for picture in set(re.findall(r"pictures/[0-9a-f]+[.]png", page)):
        assert urllib.request.urlopen(program.url + picture).read()[:4] == b"\\x89PNG"
    print(len(re.findall('<section id="station-', page)))
"""


@pytest.mark.long
def test_the_program_starts_and_presents_with_the_network_cut(tmp_path):
    if not shutil.which("unshare") or subprocess.run([*CUT_OFF, "true"], check=False).returncode:
        pytest.skip("this machine cannot cut a program off from the network")
    cache, words = tmp_path / "cache", [sys.executable, "-c", ATTENDED]
    cache.mkdir()
    for path in cache_folder().iterdir():  # the weights, without the results of others
        if path.is_file():
            (cache / path.name).symlink_to(path)
    for log in ("first", "second"):
        folder = tmp_path / log
        folder.mkdir()
        ran = subprocess.run(
            [*CUT_OFF, *words, str(folder), str(cache)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.stdout, ran.returncode) == ("6\n", 0), ran.stderr
        was_computed = "was missing" in (folder / "log.txt").read_text()
        assert was_computed == (log == "first")
