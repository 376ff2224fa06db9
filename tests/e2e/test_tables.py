"""Tables and rows of choices fit the screen: no column is cut, and phones see every number."""

import pytest

from tests.e2e.actions import decoded, encode, open_tab

CUT = """() => [...document.querySelectorAll(".numbers")].filter(
  table => table.checkVisibility() && table.scrollWidth > table.clientWidth).length"""


@pytest.fixture
def compare(visit, photos):
    """Return a function that compares a photo on a page of some width."""

    def done(width, height):
        page = visit(width=width, height=height)
        encode(page, photos["wide"])
        decoded(page)
        open_tab(page, "Compare")
        for slow in ("ELIC", "VVC", "AVIF", "JPEG XL"):
            page.locator("#compare-codecs label", has_text=slow).locator("input").uncheck()
        page.click("#compare-start")
        page.wait_for_selector("#compare-progress .message", timeout=90_000)
        return page

    return done


def test_a_phone_shows_every_number_of_a_comparison(compare):
    page = compare(360, 740)
    assert page.evaluate(CUT) == 0
    cells = page.locator("#compare-table td:not(:empty)")
    assert cells.count() >= 4 * 4
    for cell in cells.all():
        box = cell.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360
    named = cells.evaluate_all(
        "all => all.map(cell => getComputedStyle(cell, '::before').content)"
    )
    assert not {"none", '""'} & set(named)
    heights = {
        name: page.locator(name).bounding_box()["height"]
        for name in ("#compare-codecs", "#compare-viewer .chooser")
    }
    assert heights["#compare-codecs"] < 240
    assert heights["#compare-viewer .chooser"] < 80


def test_ablations_have_a_choice_and_a_part_of_the_table_of_their_own(compare):
    page = compare(1440, 900)
    assert page.evaluate(CUT) == 0
    lines = page.locator("#compare-table tbody tr").all_inner_texts()
    place = next(n for n, line in enumerate(lines) if line.startswith("Ablations of Diff-ICMH"))
    assert ["Ablation" in line for line in lines[place + 1 :]] == [True, True]
    assert not any("Ablation:" in line for line in lines[:place])
    assert page.locator("#compare-codecs label").count() == 8
    assert page.locator("#compare-ablations label").count() == 2
    assert "*" in page.inner_text("#compare-table")
    assert "The smallest file that this codec makes" in page.inner_text("#compare-table")


def test_no_column_of_a_study_is_cut(visit, photos):
    page = visit(width=1440)
    encode(page, photos["wide"])
    decoded(page)
    open_tab(page, "Study")
    page.click("#study-question label:has-text('Tags')")
    page.click("#study-start")
    page.wait_for_selector("#study-progress .message", timeout=90_000)
    assert page.evaluate(CUT) == 0
    assert page.locator("#study-table th").count() > 12
