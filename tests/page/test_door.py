"""Nobody reads what is not theirs: files that a caller names, however they are named."""

from collections.abc import Iterator

import pytest

from tests.page.foreign_files import Attempt, Plant, attempt_all, planted, reads_of


@pytest.fixture(scope="module")
def plant(tmp_path_factory, cache_dir) -> Iterator[Plant]:
    yield from planted(tmp_path_factory.mktemp("foreign"), cache_dir)


@pytest.fixture(
    scope="module", params=[2, pytest.param(None, marks=pytest.mark.long)], ids=["two", "all"]
)
def attempts(request, page_url, plant) -> tuple[list[Attempt], list[str]]:
    """What came of two ways to name a file for each input, or of all of them."""
    made = list[Attempt]()
    opened = reads_of(lambda: made.extend(attempt_all(page_url, plant, request.param)))
    return made, opened


def test_no_way_to_name_a_foreign_file_opens_it(attempts):
    _, opened = attempts
    assert opened == []


def test_no_address_on_this_machine_is_asked(attempts, plant):
    assert plant.hits == []


def test_no_answer_tells_whether_a_file_exists(attempts):
    made, _ = attempts
    assert [attempt for attempt in made if attempt.answers[0] != attempt.answers[1]] == []


def test_all_that_the_page_answers_was_tried(attempts, served_page):
    made, _ = attempts
    n_events = sum(event.fn is not None for event in served_page.demo.fns.values())
    tried = {attempt.target.split(",")[0] for attempt in made if ", input" in attempt.target}
    assert len(tried) == n_events > 40
    tools = {attempt.target for attempt in made if attempt.target.startswith("tool")}
    assert len({attempt.form for attempt in made}) > 20
    assert {"tool encode, photo", "tool decode, file", "tool info, file"} <= tools
