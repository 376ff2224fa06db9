"""What the events of the compress tab do, without a browser."""

import gradio as gr
import pytest

from difficmh_core.ui.compress.handlers import CompressHandlers
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.runtime.session import Session


@pytest.fixture(scope="module")
def tab(codec):
    with gr.Blocks():
        return CompressTab(codec, (), is_quick=True)


@pytest.fixture
def runtime(runtime_in, tmp_path):
    return runtime_in(tmp_path, max_pixels=100_000)


@pytest.fixture
def handlers(tab, runtime):
    return CompressHandlers(tab, runtime.service, runtime.uploads)


@pytest.fixture
def values(tab, runtime, photos):
    """What the components hold when a visitor has just brought a photograph; without tags."""
    held = {component: component.value for component in tab.linked.values()}
    session = Session(photo=runtime.receive(photos["wide"]))
    file = {tab.file.tags: [], tab.file.add_tag: None, tab.file.send_tags: False}
    return held | file | {tab.session: session, tab.panel.auto: True}


def test_a_photograph_whose_first_file_failed_can_be_coded_in_another_way(handlers, tab, values):
    with pytest.raises(gr.Error, match="No quality fits"):
        list(handlers.encode(values | {tab.file.mode: "size", tab.file.target_bytes: 1}))
    *_, shown = handlers.encode(values)
    assert shown[tab.session].encoded is not None


def test_tags_are_chosen_by_the_tagger_first_and_by_the_visitor_then(handlers, tab, values):
    *_, shown = handlers.encode(values | {tab.file.send_tags: True})
    proposed = shown[tab.file.tags]["value"]
    assert len(proposed) == 3
    values |= {tab.session: shown[tab.session], tab.file.send_tags: True}
    *_, shown = handlers.encode(values | {tab.file.tags: proposed[:1]})
    assert "value" not in shown[tab.file.tags]  # a visitor may have changed more meanwhile
    assert [tag.name for tag in shown[tab.session].encoded.tags] == proposed[:1]


def test_a_word_is_added_only_to_a_file_and_leaving_the_field_adds_none(handlers, tab, values):
    values[tab.file.add_tag] = "boat"
    assert not handlers.adds_tag(values)
    assert handlers.add_tag(values) == gr.skip()  # the word stays
    *_, shown = handlers.encode(values)
    values[tab.session] = shown[tab.session]
    assert not handlers.adds_tag(values | {tab.file.add_tag: None})
    assert handlers.adds_tag(values)
    shown = handlers.add_tag(values | {tab.file.tags: ["dog"]})
    assert (shown[tab.file.tags]["value"], shown[tab.file.add_tag]) == (["dog", "boat"], None)


def test_without_a_photograph_there_is_nothing_to_code(handlers, tab, values):
    assert list(handlers.encode(values | {tab.session: Session()})) == []


def test_a_file_is_decoded_automatically_until_its_picture_is_shown(handlers, tab, values):
    *_, shown = handlers.encode(values)
    values[tab.session] = shown[tab.session]
    assert not handlers.is_wanted(values | {tab.panel.auto: False})
    *_, shown = handlers.decode_automatically(values)
    assert shown[tab.session].picture == shown[tab.comparison]["value"][1]
    values[tab.session] = shown[tab.session]
    assert list(handlers.decode_automatically(values)) == []
    assert handlers.is_wanted(values | {tab.panel.settings["steps"]: 7})
