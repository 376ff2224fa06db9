"""What a visitor had comes back to that visitor's browser, to nobody else, and not for ever."""

from dataclasses import replace

import gradio as gr
import pytest

from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.ui.runtime.visits import Visits, is_kept, kept_of

KEEP_S = 100.0


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def visits(clock):
    return Visits(keep_s=KEEP_S, clock=clock)


@pytest.fixture(scope="module")
def parts():
    with gr.Blocks():
        return {"state": gr.State(), "words": gr.HTML(), "number": gr.Slider(), "file": gr.File()}


@pytest.fixture
def key(visits, parts):
    """Of a visit on whose page something was shown, and something entered."""
    key, shown = visits.arrive("first", None)
    assert shown == {}
    shown = {parts["state"]: "a", parts["words"]: gr.update(value="b", visible=True)}
    visits.keep("first", shown, is_shown=True)
    visits.keep("first", {parts["number"]: 7}, is_shown=False)
    return key


def values(shown):
    return {
        component: value["value"] if isinstance(value, dict) else value
        for component, value in shown.items()
    }


def test_a_browser_that_has_the_key_gets_back_what_was_shown_and_entered(visits, parts, key):
    again, shown = visits.arrive("second", key)
    assert again == key
    expected = {parts["state"]: "a", parts["words"]: "b", parts["number"]: 7}
    assert values(shown) == expected
    assert shown[parts["words"]]["visible"] is True


@pytest.mark.parametrize(
    "guess",
    [None, "", "x", "A" * 43, "../key", 7, ["key"], {"path": "key"}, "k" * 10**6, "\ud800"],
)
def test_a_guess_gets_nothing_and_a_key_of_its_own(visits, key, guess):
    drawn, shown = visits.arrive("stranger", guess)
    assert shown == {}
    assert drawn not in (key, guess)
    assert len(drawn) >= 43  # 256 bits


def test_keys_differ_and_no_key_is_kept_here(visits, key):
    drawn = {visits.arrive(str(number), None)[0] for number in range(100)}
    assert len(drawn) == 100
    assert key not in repr(vars(visits))


def test_the_key_of_somebody_who_is_logged_in_is_of_no_use_to_others(visits, parts):
    key, _ = visits.arrive("first", None, owner="ada")
    visits.keep("first", {parts["words"]: "hers"}, is_shown=True)
    for owner in ("eve", None):
        assert visits.arrive(f"of {owner}", key, owner=owner)[1] == {}
    assert values(visits.arrive("again", key, owner="ada")[1]) == {parts["words"]: "hers"}


def test_whoever_learns_the_number_of_a_page_cannot_take_it_into_a_visit(visits, parts, key):
    theirs, _ = visits.arrive("thief", None)
    assert visits.arrive("first", theirs)[1] == {}
    visits.keep("first", {parts["words"]: "later"}, is_shown=True)
    assert visits.arrive("thief again", theirs)[1] == {}
    assert values(visits.arrive("owner again", key)[1])[parts["words"]] == "later"


def test_each_tab_finds_its_own_and_a_new_one_the_last(visits, parts, key):
    words = parts["words"]
    visits.arrive("left", key, tab="left")
    visits.keep("left", {words: "left"}, is_shown=True)
    visits.arrive("right", key, tab="right")
    visits.keep("right", {words: "right"}, is_shown=True)
    for tab, expected in (("left", "left"), ("right", "right"), ("new", "right")):
        assert values(visits.arrive(f"{tab} again", key, tab=tab)[1])[words] == expected


def test_a_page_that_begins_anew_shows_nothing_and_stays_of_the_visit(visits, parts, key):
    again, shown = visits.arrive("linked", key, tab="linked", is_new=True)
    assert (again, shown) == (key, {})
    visits.keep("linked", {parts["words"]: "linked"}, is_shown=True)
    assert values(visits.arrive("reload", key, tab="linked")[1]) == {parts["words"]: "linked"}


def test_nothing_is_kept_longer_than_it_may(visits, parts, key, clock):
    clock.now = 0.9 * KEEP_S
    visits.keep("first", {parts["number"]: 8}, is_shown=False)
    clock.now = 1.1 * KEEP_S
    assert values(visits.arrive("later", key)[1]) == {parts["number"]: 8}
    clock.now = 3 * KEEP_S
    assert visits.arrive("much later", key)[1] == {}


def test_seeing_it_again_makes_nothing_last_longer(visits, key, clock):
    for now in (0.4, 0.8, 1.2):
        clock.now = now * KEEP_S
        _, shown = visits.arrive(f"at {now}", key)
    assert shown == {}


def test_without_the_photograph_only_what_was_entered_comes_back(visits, parts, key, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(b"pixels")
    photo = Photo(
        path=str(path), digest="", name="p", upload_bytes=1, upload_format="PNG", size_px=(8, 8)
    )
    visits.keep("first", {parts["state"]: Session(photo=photo)}, is_shown=True)
    assert parts["words"] in visits.arrive("before", key)[1]
    path.unlink()
    assert values(visits.arrive("after", key)[1]) == {parts["number"]: 7}
    gone = replace(photo, path=str(tmp_path / "never.png"))
    assert gone != photo


def test_a_file_that_is_gone_does_not_come_back(visits, parts, tmp_path):
    key, _ = visits.arrive("first", None)
    path = tmp_path / "a.dicmh"
    path.write_bytes(b"data")
    visits.keep("first", {parts["file"]: {"path": str(path), "meta": {}}}, is_shown=False)
    assert values(visits.arrive("before", key)[1]) == {parts["file"]: str(path)}
    path.unlink()
    assert visits.arrive("after", key)[1] == {}


def test_what_a_visitor_does_while_the_page_begins_counts_more(visits, parts, key):
    visits.keep("quick", {parts["words"]: "quick"}, is_shown=True)
    again, shown = visits.arrive("quick", key)
    assert (again, shown) == (key, {})
    assert values(visits.arrive("reload", key)[1]) == {parts["words"]: "quick"}


def test_a_page_that_never_begins_is_of_no_visit(visits, parts, key):
    visits.keep("program", {parts["words"]: "of a program"}, is_shown=True)
    assert values(visits.arrive("again", key)[1])[parts["words"]] == "b"


def test_a_browser_that_names_a_file_that_was_read_changes_nothing(visits, parts, tmp_path):
    key, _ = visits.arrive("first", None)
    path = tmp_path / "read.png"
    path.write_bytes(b"pixels")
    visits.keep("first", {parts["file"]: str(path)}, is_shown=True)
    visits.keep("first", {parts["file"]: {"path": str(tmp_path / "sent.png")}}, is_shown=False)
    assert values(visits.arrive("again", key)[1]) == {parts["file"]: str(path)}


def test_visits_are_bounded(parts):
    visits = Visits(most=3)
    keys = []
    for number in range(5):
        key, _ = visits.arrive(str(number), None)
        visits.keep(str(number), {parts["words"]: "x"}, is_shown=True)
        keys.append(key)
    kept = [bool(visits.arrive(f"{key} again", key)[1]) for key in keys]
    assert kept == [False, False, True, True, True]


def test_what_is_of_the_moment_is_not_kept(served_page):
    demo = served_page.demo
    kept = {component.elem_id for component in kept_of(demo) if hasattr(component, "elem_id")}
    assert {"photo", "quality", "tags", "facts", "status", "picture-file", "file"} <= kept
    of_the_moment = {"compress-progress", "compress-stop", "compress-request", "arrival", "link"}
    assert kept.isdisjoint(of_the_moment)
    assert not is_kept(gr.Button())


def test_no_event_checks_what_a_visitor_enters_before_the_core_does(served_page):
    """A component that was updated is a new one, which would check by itself again."""
    ours = [event for event in served_page.demo.fns.values() if event.inputs_as_dict]
    assert len(ours) > 20
    assert [event.name for event in ours if event.preprocess] == []
