"""Fetching from the hub: the real client against a small server on this machine."""

import errno
import hashlib
import shutil
from dataclasses import replace

import pytest
from huggingface_hub import file_download

from difficmh_core.errors import BackendUnavailableError, CheckpointError
from difficmh_core.weights.hub import HubCard, fetch_from_hub, hub_path
from tests.hub_server import serving

CONTENT = bytes(range(256)) * 60_000  # more than the ten megabytes that the client keeps at a time
SHA256 = hashlib.sha256(CONTENT).hexdigest()
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CARD = HubCard(
    purpose="the toy checkpoint",
    repository="somebody/toy",
    path="folder/model.ckpt",
    revision=COMMIT,
    sha256=SHA256,
    n_bytes=len(CONTENT),
    license="CC0-1.0",
    command="python -m difficmh_core fetch toy",
)
PLACE = f"/{CARD.repository}/resolve/{COMMIT}/{CARD.path}"


@pytest.fixture
def hub(monkeypatch):
    # The client waits between its own attempts; here nothing is won by waiting.
    monkeypatch.setattr(file_download.time, "sleep", lambda _: None)
    with serving({PLACE: CONTENT}) as server:
        yield server


def fetched(hub, tmp_path, card=CARD):
    return fetch_from_hub(card, tmp_path, endpoint=hub.endpoint)


def refused(kind, hub, tmp_path, card=CARD):
    with pytest.raises(kind) as caught:
        fetched(hub, tmp_path, card)
    with pytest.raises(BackendUnavailableError, match="fetch toy"):
        hub_path(card, tmp_path)
    return str(caught.value)


def test_a_file_arrives_checked_and_only_once(hub, tmp_path):
    told = []
    path = fetch_from_hub(
        CARD, tmp_path, endpoint=hub.endpoint, on_bytes=lambda *given: told.append(given)
    )
    assert path.read_bytes() == CONTENT
    assert told[0] < told[-1] == (len(CONTENT), len(CONTENT))
    assert hub_path(CARD, tmp_path) == path == fetched(hub, tmp_path)
    assert hub.ranges == [0]


def test_an_interrupted_download_goes_on_where_it_stopped(hub, tmp_path):
    hub.cut_after = 12_000_000
    message = refused(BackendUnavailableError, hub, tmp_path)
    assert "what has arrived is kept" in message
    hub.cut_after = hub.refusal = None
    assert fetched(hub, tmp_path).read_bytes() == CONTENT
    assert hub.ranges[0] == 0
    assert hub.ranges[-1] >= 10_000_000


def test_the_token_stays_with_the_hub_when_a_store_has_the_file(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub.has_store = True
    assert fetched(hub, tmp_path).read_bytes() == CONTENT
    assert hub.tokens == [(PLACE, True), ("/store" + PLACE, False)]


def test_another_file_than_the_pinned_one_is_not_downloaded(hub, tmp_path):
    hub.etag = "f" * 64
    assert "was not downloaded" in refused(CheckpointError, hub, tmp_path)
    assert hub.ranges == []


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_damage_on_the_way_is_found_and_the_file_not_kept(hub, tmp_path, sha256):
    hub.files[PLACE] = CONTENT[:-1] + b"x"
    hub.etag = SHA256
    card = replace(CARD, sha256=sha256)
    assert "It was not kept" in refused(CheckpointError, hub, tmp_path, card)
    assert not card.place(tmp_path).exists()


def test_a_small_file_is_checked_by_the_checksum_of_git(hub, tmp_path):
    hub.files[PLACE] = b"small"
    card = replace(CARD, sha256=None, n_bytes=5)
    assert fetched(hub, tmp_path, card).read_bytes() == b"small"
    hub.etag = hashlib.sha1(b"blob 5\0other").hexdigest()
    shutil.rmtree(tmp_path / "hub")
    assert "It was not kept" in refused(CheckpointError, hub, tmp_path, card)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (404, "EntryNotFound", "has no file folder/model.ckpt"),
        (404, "RevisionNotFound", "has no revision"),
        (404, "RepoNotFound", "does not exist, or is not public"),
        (403, "GatedRepo", "accepted its license"),
        (500, "", "did not arrive"),
    ],
)
def test_each_refusal_has_its_own_words(hub, tmp_path, status, code, words):
    hub.refusal = status, code
    assert words in refused(BackendUnavailableError, hub, tmp_path)


def test_a_full_disk_is_noticed_before_and_during_the_download(hub, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
        assert "0.00 GB free" in refused(BackendUnavailableError, hub, tmp_path)
        assert hub.ranges == []

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_download, "http_get", full)
    assert "became full" in refused(BackendUnavailableError, hub, tmp_path)


def test_no_server_at_all(tmp_path):
    with pytest.raises(BackendUnavailableError, match="did not arrive from the hub"):
        fetch_from_hub(CARD, tmp_path, endpoint="http://127.0.0.1:9")


def test_a_file_that_changed_since_is_refused(hub, tmp_path):
    fetched(hub, tmp_path).write_bytes(b"short")
    with pytest.raises(CheckpointError, match="has 5 bytes, but had"):
        hub_path(CARD, tmp_path)
