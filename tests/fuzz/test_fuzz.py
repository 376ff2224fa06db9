"""The corpus is read as it should be, searches see faults, and a minute of each finds none."""

import subprocess
import sys
from random import Random

import pytest

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.profiles import presets_of
from difficmh_core.image_io import read_image
from difficmh_core.ui.compress.links import read_link
from difficmh_core.weights.loading import read_safetensors
from difficmh_core.weights.pickled_arrays import read_numpy_pickle
from difficmh_core.weights.published.checkpoint import read_checkpoint
from tests.documents import ROOT
from tests.fuzz import container, dicmh, pickles, pictures, settings, weights
from tests.fuzz.engine import search
from tests.fuzz.targets import CORPUS, TARGETS

MOST_BYTES = 100_000
FILES = [(target.name, path) for target in TARGETS.values() for path in target.corpus]


@pytest.mark.parametrize(("name", "path"), FILES, ids=[f"{n}-{p.name}" for n, p in FILES])
def test_the_corpus_is_read_or_refused(name, path):
    TARGETS[name].load()(path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_mutants_are_read_or_refused(name, tmp_path):
    target = TARGETS[name]
    n_tried, failure = search(
        target.load(),
        [path.read_bytes() for path in target.corpus],
        seconds=0.5,
        random=Random(0),
        crashes=tmp_path,
        max_bytes=target.max_bytes,
        name=name,
    )
    assert failure is None
    assert n_tried > 0


def test_the_corpus_is_small():
    assert sum(path.stat().st_size for path in CORPUS.rglob("*")) < MOST_BYTES
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


def good(name):
    """The good files of a target."""
    return [path for path in TARGETS[name].corpus if path.name.startswith("good")]


@pytest.mark.parametrize("path", good("container"), ids=lambda path: path.name)
def test_good_files_pass_through_the_frame_unchanged(path):
    data = path.read_bytes()
    stream = Bitstream.from_bytes(data)
    fingerprints = {dicmh.NANO: stream.fingerprint, dicmh.TINY: stream.fingerprint}
    assert dicmh.repaired(data, fingerprints) == data
    assert dicmh.split(data).to_bytes() == data


def test_mutants_have_the_right_checksum_and_reach_the_range_decoder():
    reader = container.readers()[dicmh.TINY]
    data = (CORPUS / "container" / "good-tiny-75x100").read_bytes()
    stream = Bitstream.from_bytes(data)
    # The weights of this profile are drawn anew by each version of PyTorch.
    parts = dicmh.split(dicmh.repaired(data, {dicmh.TINY: reader.codec.fingerprint}))
    assert parts.payload == stream.latent.payload
    refusals = set()
    for seed in range(60):
        mutant = dicmh.mutant(parts, Random(seed), [parts])
        assert mutant != data
        try:
            reader.read(mutant)
        except container.REFUSALS as error:
            refusals.add(str(error).partition(" (")[0][:25])
    assert not any("its checksum does not match" in refusal for refusal in refusals)
    assert len(refusals) > 5


def test_what_is_good_is_read():
    weight_files = CORPUS / "weights"
    assert len(read_safetensors(weight_files / "good-checkpoint")[0]) > 4
    assert len(read_safetensors(weight_files / "good-latents")[0]) == 1
    assert read_checkpoint(CORPUS / "pickles" / "good-whole")["a"].tolist() == [0, 1, 2, 3]
    for path in good("pickles")[:2]:
        assert read_numpy_pickle(path)["net.kernel"].tolist() == [[0, 3], [1, 4], [2, 5]]
    assert read_image((CORPUS / "pictures" / "rgb.png").read_bytes()).size == (13, 9)
    link = dict(
        part.split("=") for part in (CORPUS / "settings" / "good-link").read_text().split("&")
    )
    assert read_link(link, presets_of("nano"), can_optimize=True)["preset"] == "paper"


def faulty(monkeypatch, name):
    """Break what a target reads, in the way in which it was once broken."""

    def raises(*_, **__):
        raise TypeError("a defect")

    def reads_anything(*_, **__):
        return {"steps": float("inf")}

    if name == "container":
        reader = container.readers()[dicmh.TINY]
        monkeypatch.setattr(type(reader), "read", raises)
    elif name == "pictures":
        monkeypatch.setattr(
            pictures, "read_image", lambda data, **_: read_image(data).convert("L")
        )
    elif name == "settings":
        monkeypatch.setattr(settings, "read_link", reads_anything)
    elif name == "weights":
        monkeypatch.setattr(weights, "read_latents", raises)
    else:
        monkeypatch.setattr(pickles, "read_numpy_pickle", raises)


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_sees_a_fault_and_keeps_its_input(name, monkeypatch, tmp_path, capsys):
    faulty(monkeypatch, name)
    target = TARGETS[name]
    _, failure = search(
        target.load(),
        [path.read_bytes() for path in target.corpus if path.stat().st_size],
        seconds=30,
        random=Random(1),
        crashes=tmp_path,
        max_bytes=target.max_bytes,
        name=name,
    )
    assert failure is not None
    assert failure.parent == tmp_path
    assert "Traceback" in capsys.readouterr().err
    with pytest.raises((TypeError, AssertionError)):
        target.load()(failure.read_bytes())


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_a_minute_of_search_finds_nothing(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", name, "--seconds", "60", "--crashes", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert not list(tmp_path.iterdir())
