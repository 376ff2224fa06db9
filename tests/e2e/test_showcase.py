"""Examples that were decoded in advance: a presenter's page asks the networks for nothing."""

import os
import re
import subprocess
import sys

import pytest

from tests.e2e.actions import decoded, follow, open_tab, until_measured, until_told
from tests.e2e.program import ROOT, running_program

pytestmark = pytest.mark.long
TIMEOUT_MS = 120_000


def work_in(log):
    """The lines about work of the networks."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if re.search(r": (Tagging|Encoding|Decoding|Measuring) ", line)]


def test_examples_and_their_comparison_need_no_work(browser, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "difficmh_core.ui.showcase"],
        cwd=ROOT,
        env=os.environ,
        check=True,
        capture_output=True,
    )
    with running_program(tmp_path) as program:
        context = browser.new_context()
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        follow(page)
        page.goto(program.url)
        page.wait_for_selector("#examples button.gallery-item[aria-label]")
        examples = page.locator("#examples button.gallery-item")
        for index in range(examples.count()):
            examples.nth(index).click()
            page.wait_for_selector("#dicmh-file", state="visible")
            decoded(page)
            until_measured(page)
            until_told(page)
            open_tab(page, "Compare")
            page.click("#compare-start")
            page.wait_for_selector("#compare-progress .message")
            assert page.locator("#compare-table tbody tr").count() > 4
            open_tab(page, "Compress")
        context.close()
        work = work_in(tmp_path / "log.txt")
    assert [line for line in work if "Measuring" not in line] == []
    # VVC is not at hand everywhere; what is absent is looked for each time.
    assert work == []
