"""The page as a Space on ZeroGPU starts it, with what lends GPUs but none behind it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from tests.e2e.program import ROOT, running_program
from tests.space_settings import as_a_space, on_zero_gpu
from tests.zero_gpu import Answer, running_lender

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="Spaces run on Linux"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def lender():
    with running_lender() as running:
        yield running


@pytest.fixture(scope="module")
def program(lender, tmp_path_factory):
    """The program with tiny on ZeroGPU."""
    folder = tmp_path_factory.mktemp("space")
    with pytest.MonkeyPatch.context() as patching:
        for name, value in (as_a_space() | on_zero_gpu(lender.url, folder)).items():
            patching.setenv(name, value)
        words = ("-m", "tests.lent_gpu", "app.py", "--profile", "tiny")
        with running_program(folder, words) as running:
            yield running


@pytest.fixture
def client(program, lender):
    """A visitor whom the hub has given a token."""
    lender.answer = Answer.LENT
    lender.asked.clear()
    client = Client(program.url, verbose=False, headers={"X-IP-Token": "a.e30.b"})
    yield client
    client.close()


def test_zero_gpu_is_told_that_there_are_events_which_borrow(program, lender):
    assert lender.n_reported == 1


def test_a_photo_is_encoded_and_decoded_on_borrowed_gpus(client, lender, photo, program):
    file, _ = client.predict(handle_file(str(photo)), tags=["dog"], api_name="/encode")
    told = client.predict(handle_file(file), api_name="/info")
    picture, _ = client.predict(handle_file(file), api_name="/decode")
    assert told["tags"] == ["dog"]
    with Image.open(picture) as decoded, Image.open(photo) as original:
        assert decoded.size == original.size
    assert lender.seconds == [10, 10, 10]
    assert {query["token"] for query in lender.asked} == {"a.e30.b"}


def test_an_error_on_a_borrowed_gpu_is_told_in_its_own_words(client):
    nano = ROOT / "tests" / "golden" / "small.dicmh"
    with pytest.raises(AppError, match="The file was coded with profile 'nano'"):
        client.predict(handle_file(str(nano)), api_name="/info")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer.NONE_FREE, "No GPU was available"),
        (Answer.OVER_QUOTA, "You have exceeded your ZeroGPU quota"),
        (Answer.TOO_LONG, "larger than the maximum allowed"),
    ],
)
def test_who_gets_no_gpu_is_told_so_and_the_next_one_is_served(
    client, lender, photo, answer, words
):
    lender.answer = answer
    with pytest.raises(AppError, match=words):
        client.predict(handle_file(str(photo)), api_name="/encode")
    lender.answer = Answer.LENT
    file, _ = client.predict(handle_file(str(photo)), tags=["dog"], api_name="/encode")
    assert Path(file).stat().st_size


def test_visitors_files_lie_in_the_folder_that_goes_with_the_page(program, client, photo):
    client.predict(handle_file(str(photo)), tags=["dog"], api_name="/encode")
    (own,) = program.served.glob("difficmh-*")
    assert list(own.glob("served/*/photo.dicmh"))


def test_spaces_is_imported_in_the_pages_own_folder_and_before_torch(tmp_path):
    names = tmp_path / "told.json"
    (tmp_path / "spaces.py").write_text(
        "import json, os, sys\n"
        f"told = json.dumps([sorted(sys.modules), dict(os.environ)])\n"
        f"open({str(names)!r}, 'w').write(told)\n"
        "raise SystemExit(0)\n"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path)} | as_a_space()
    subprocess.run([sys.executable, "app.py"], cwd=ROOT, env=environment, check=True, timeout=60)
    modules, seen = json.loads(names.read_text())
    assert {"torch", "gradio"}.isdisjoint(modules)
    assert Path(seen["GRADIO_TEMP_DIR"]).parent.name.startswith("difficmh-")
