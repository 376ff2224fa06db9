"""A codec that is loaded behind the page: what needs its networks waits, or is told why not."""

import threading

import pytest

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.profiles import TINY
from difficmh_core.errors import BackendUnavailableError, CheckpointError
from difficmh_core.models.deferred import DeferredCodec


def test_settings_are_there_at_once_and_networks_later(tiny_codec, picture):
    may_load = threading.Event()

    def load():
        may_load.wait(60)
        return tiny_codec

    codec = DeferredCodec(TINY, load)
    assert isinstance(codec, DiffICMHCodec)
    assert codec.is_loading
    assert codec.failure is None
    assert len(codec.vocabulary.names) == TINY.conditioning.vocabulary_size
    may_load.set()
    assert codec.fingerprint == tiny_codec.fingerprint
    assert not codec.is_loading
    data = codec.encode(picture, tags=["tabby"]).data
    assert data == tiny_codec.encode(picture, tags=["tabby"]).data
    assert codec.decode_image(data).size == picture.size


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (CheckpointError("The weights are damaged."), "damaged"),
        (MemoryError(), "Memory"),
    ],
)
def test_what_cannot_be_loaded_says_why(picture, error, told):
    def load():
        raise error

    codec = DeferredCodec(TINY, load)
    with pytest.raises(BackendUnavailableError, match=told):
        codec.encode(picture, tags=None)
    assert not codec.is_loading
    assert told in codec.failure
