"""Examples decoded in advance: a presenter's page shows them without running the decoder."""

import numpy as np
import pytest

from difficmh_core.config.profiles import presets_of
from difficmh_core.errors import ImageError
from difficmh_core.ui.compare.codecs import ComparisonInput, codecs_of, measure_one, run
from difficmh_core.ui.runtime.cache import ResultCache
from difficmh_core.ui.runtime.requests import CodingRequest
from difficmh_core.ui.showcase import example_photos, prepare, showcase_dir

REQUEST = CodingRequest(quality=50.0, target_bytes=None, send_tags=True, tags=())


@pytest.fixture
def prepared(codec, photos, tmp_path):
    lines = list(prepare(codec, tmp_path, [photos["wide"]], ["fast"]))
    assert any("bytes" in line for line in lines)
    return tmp_path


def test_what_was_prepared_needs_no_network_of_the_codec(runtime, codec, photos, monkeypatch):
    service, settings = runtime.service, presets_of("tiny")["fast"]
    picture = runtime.uploads.load(runtime.receive(photos["wide"]))
    expected = codec.decode_image(codec.encode(picture).data, settings)

    def fail(*_args, **_kwargs):
        raise AssertionError("the codec was asked")

    for name in ("tag", "encode", "decode", "coder"):
        monkeypatch.setattr(codec, name, fail)
    photo = runtime.receive(photos["wide"])
    image = runtime.uploads.load(photo)
    encoded = service.encode(photo, image, REQUEST, service.tag(photo, image))
    *_, last = service.decode(encoded.stream, settings)
    assert np.array_equal(last.image, expected)
    asked = ComparisonInput(
        photo=photo,
        image=image,
        target_bytes=len(encoded.data),
        tags=encoded.tags,
        settings=settings,
    )
    rows = [item.row for item in run(service, ("ours", "content", "jpeg"), asked)]
    assert [row.error for row in rows] == [None, None, None]


def test_another_model_finds_nothing(runtime, codec, photos, monkeypatch):
    service = runtime.service
    monkeypatch.setattr(service, "model", "another")
    photo = runtime.receive(photos["wide"])
    calls = []
    monkeypatch.setattr(codec, "tag", lambda image: calls.append(image) or [])
    service.tag(photo, runtime.uploads.load(photo))
    assert len(calls) == 1


def test_visitors_add_nothing_to_it(runtime, prepared, photos):
    service = runtime.service
    before = sorted(showcase_dir(prepared).rglob("*"))
    photo = runtime.receive(photos["turned"])
    image = runtime.uploads.load(photo)
    service.encode(photo, image, REQUEST, service.tag(photo, image))
    after = [path for path in showcase_dir(prepared).rglob("*") if "served" not in path.parts]
    assert sorted(after) == before


def test_the_examples_are_there():
    assert {path.name for path in example_photos()} >= {"astronaut.png", "cat.png", "coffee.png"}


@pytest.fixture
def runtime(prepared, runtime_in):
    """That of a page which starts after the examples were prepared."""
    return runtime_in(prepared / "served", results=ResultCache(showcase_dir(prepared)))


def test_a_kept_result_is_not_measured_again(runtime, photos, monkeypatch):
    service, photo = runtime.service, runtime.receive(photos["wide"])
    asked = ComparisonInput(
        photo=photo,
        image=runtime.uploads.load(photo),
        target_bytes=5000,
        tags=(),
        settings=presets_of("tiny")["fast"],
    )
    jpeg = codecs_of(service, ["jpeg"], asked)["jpeg"]

    def fail(*_args):
        raise ImageError("It cannot take it.")

    with monkeypatch.context() as broken:
        broken.setattr(type(jpeg), "code", fail)
        assert measure_one(service, "jpeg", jpeg, asked).row.error == "It cannot take it."
    first = measure_one(service, "jpeg", jpeg, asked)  # a failure is tried again
    assert first.row.error is None
    monkeypatch.setattr(type(jpeg), "code", fail)
    again = measure_one(service, "jpeg", jpeg, asked)
    assert (again.png, again.row.to_json()) == (first.png, first.row.to_json())
