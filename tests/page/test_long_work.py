"""Measuring on the page: it is stopped within a step, and can be started again at once."""

import pytest

from tests.page.actions import decoded, encode, open_tab


@pytest.fixture
def studying(visit, paced, photos):
    """A page on which the second seed of a study is being decoded."""
    page = visit()
    encode(page, photos["wide"])
    decoded(page)
    open_tab(page, "Study")
    page.click("#study-question label:has-text('How sure')")
    page.wait_for_selector("#study-seeds", state="visible")
    start(page)
    return page


def start(page):
    page.click("#study-start")
    page.wait_for_selector("#study-progress:has-text('2 of 4')")


def is_running(page) -> bool:
    return page.is_disabled("#study-start") and page.is_enabled("#study-stop")


def test_stop_ends_a_study_within_a_step_and_what_was_measured_stays(studying, paced):
    page = studying
    assert is_running(page)
    page.click("#study-stop")
    page.wait_for_selector("#study-progress:has-text('Stopped')")
    n_steps = paced.n_steps
    page.wait_for_timeout(1000 * 6 * paced.pace_s)
    assert paced.n_steps <= n_steps + 1
    assert "Stopped" in page.inner_text("#study-progress")
    assert page.locator("#study-table tbody tr").count() >= 1
    assert page.is_enabled("#study-start")
    assert page.is_disabled("#study-stop")


def test_a_study_that_was_stopped_starts_again_at_once(studying, paced):
    page = studying
    paced.pace_s = 1.0  # the step under way outlasts the clicks
    page.click("#study-stop")
    page.click("#study-start:not([disabled])")
    page.wait_for_selector("#study-progress:has-text('Waiting')")
    paced.pace_s = 0.15
    page.wait_for_selector("#study-progress:has-text('1 of 4')")
    assert is_running(page)
    page.wait_for_selector("#study-progress:has-text('Done')")
    page.wait_for_selector("#study-start:not([disabled])")
    assert page.is_disabled("#study-stop")


def test_stop_ends_a_comparison_before_its_next_codec(visit, paced, photos):
    page = visit()
    encode(page, photos["turned"])
    decoded(page)
    open_tab(page, "Compare")
    paced.pace_s = 1.0  # ours is first
    page.click("#compare-start")
    page.wait_for_selector("#compare-progress:has-text('1 of')")
    page.click("#compare-stop")
    page.wait_for_selector("#compare-progress:has-text('Stopped')")
    page.wait_for_timeout(6000)
    assert "Stopped" in page.inner_text("#compare-progress")
    assert page.locator("#compare-table tbody tr").count() == 0
    assert page.is_enabled("#compare-start")
