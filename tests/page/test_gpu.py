"""Where GPUs are borrowed, work runs in a process of its own: all that crosses is pickled."""

import inspect
import pickle

import gradio as gr
import pytest

from difficmh_core.ui.compare import handlers as compare
from difficmh_core.ui.compare.layout import CompareTab
from difficmh_core.ui.components import decoding
from difficmh_core.ui.compress import handlers as compress
from difficmh_core.ui.compress.layout import CompressTab
from difficmh_core.ui.decode import handlers as decode
from difficmh_core.ui.decode.layout import DecodeTab
from difficmh_core.ui.runtime.gpu import MAX_S, MIN_S
from difficmh_core.ui.runtime.session import Session
from difficmh_core.ui.study import handlers as study
from difficmh_core.ui.study.layout import StudyTab


def crossed(value):
    return pickle.loads(pickle.dumps(value))


def borrowed(event, duration_s):
    """Stand in for the package ``spaces``: pickle what goes in and out, and ask for how long."""
    assert inspect.isgeneratorfunction(event)

    def in_another_process(*arguments):
        seconds = duration_s(*arguments) if callable(duration_s) else duration_s
        assert MIN_S <= seconds <= MAX_S
        for state in event(*crossed(arguments)):
            yield crossed(state)

    return in_another_process


@pytest.fixture(autouse=True)
def borrows(monkeypatch):
    for module in (compare, compress, decoding, study):
        monkeypatch.setattr(module, "with_gpu", borrowed)


@pytest.fixture(scope="module")
def runtime(runtime_in, tmp_path_factory):
    return runtime_in(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def compress_tab(codec):
    with gr.Blocks():
        return CompressTab(codec, (), is_quick=True)


@pytest.fixture
def session(runtime, compress_tab, photos):
    """That of a visitor whose photograph was compressed in one iteration, and decoded."""
    tab = compress_tab
    handlers = compress.CompressHandlers(tab, runtime.service, runtime.uploads)
    values = {component: component.value for component in tab.linked.values()}
    values |= {tab.file.tags: [], tab.file.iterations: 1}
    values[tab.session] = Session(photo=runtime.receive(photos["wide"]))
    for event in (handlers.encode, handlers.decode):
        *_, shown = event(values)
        values[tab.session] = shown[tab.session]
    return values[tab.session]


def test_a_photograph_becomes_a_file_and_a_picture(session):
    assert session.encoded is not None
    assert session.picture is not None


def test_a_file_is_decoded(runtime, session):
    with gr.Blocks():
        tab = DecodeTab("tiny", is_quick=True)
    values = {component: component.value for component in tab.panel.settings.values()}
    values[tab.file] = runtime.service.save(session.encoded.data, "photo.dicmh")
    handlers = decode.DecodeHandlers(tab, runtime.service, runtime.uploads)
    *_, shown = handlers.decode(values)
    assert shown[tab.picture]["value"].endswith("photo-decoded.png")


def test_codecs_are_compared(runtime, session):
    with gr.Blocks():
        tab, state = CompareTab(), gr.State()
    values = {state: session, tab.codecs: ["ours", "jpeg"], tab.n_bytes: None}
    handlers = compare.CompareHandlers(tab, runtime.service, runtime.uploads, state)
    *_, shown = handlers.compare(values)
    assert "JPEG" in shown[tab.table]


def test_experiments_are_run(runtime, session):
    with gr.Blocks():
        tab, state, rows = StudyTab(), gr.State(), gr.State()
    values = {component: component.value for component in tab.options}
    values |= {tab.question: "seeds", tab.n_seeds: 2, state: session, rows: study.Study()}
    handlers = study.StudyHandlers(
        tab, runtime.service, runtime.uploads, session=state, study=rows
    )
    *_, shown = handlers.run(values)
    assert len(shown[rows].rows) == 2
    *_, shown = handlers.report(values)
    assert shown[tab.card]["visible"]
