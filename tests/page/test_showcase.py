"""Examples decoded in advance: a presenter's page shows them without running the decoder."""

import numpy as np
import pytest

from difficmh_core.config.presets import presets_of
from difficmh_core.ui.compare.codecs import Task, run
from difficmh_core.ui.runtime.cache import ResultCache
from difficmh_core.ui.runtime.service import Workshop
from difficmh_core.ui.runtime.session import CodingWish
from difficmh_core.ui.showcase import example_photos, prepare, showcase_dir

WISH = CodingWish(quality=50.0, target_bytes=None, send_tags=True, tags=())


@pytest.fixture
def prepared(codec, photos, tmp_path):
    lines = list(prepare(codec, tmp_path, [photos["wide"]], ["fast"]))
    assert any("bytes" in line for line in lines)
    return tmp_path


def test_what_was_prepared_needs_no_network_of_the_codec(workshop, codec, photos, monkeypatch):
    settings = presets_of("tiny")["fast"]
    picture = workshop.load(workshop.receive(str(photos["wide"])))
    expected = codec.decode_image(codec.encode(picture).data, settings)

    def fail(*_args, **_kwargs):
        raise AssertionError("the codec was asked")

    for name in ("tag", "encode", "decode", "coder"):
        monkeypatch.setattr(codec, name, fail)
    photo = workshop.receive(str(photos["wide"]))
    image = workshop.load(photo)
    encoded = workshop.encode(photo, image, WISH, workshop.tag(photo, image))
    *_, last = workshop.decode(encoded.stream, settings)
    assert np.array_equal(last.image, expected)
    task = Task(
        photo=photo,
        image=image,
        target_bytes=len(encoded.data),
        tags=encoded.tags,
        settings=settings,
    )
    rows = [item.row for item in run(workshop, ("ours", "content", "jpeg"), task)]
    assert [row.error for row in rows] == [None, None, None]


def test_another_model_finds_nothing(workshop, codec, photos, monkeypatch):
    workshop.model = "another"
    photo = workshop.receive(str(photos["wide"]))
    calls = []
    monkeypatch.setattr(codec, "tag", lambda image: calls.append(image) or [])
    workshop.tag(photo, workshop.load(photo))
    assert len(calls) == 1


def test_visitors_add_nothing_to_it(workshop, prepared, photos):
    before = sorted(showcase_dir(prepared).rglob("*"))
    photo = workshop.receive(str(photos["turned"]))
    image = workshop.load(photo)
    workshop.encode(photo, image, WISH, workshop.tag(photo, image))
    after = [path for path in showcase_dir(prepared).rglob("*") if "served" not in path.parts]
    assert sorted(after) == before


def test_the_examples_are_there():
    assert {path.name for path in example_photos()} >= {"astronaut.png", "cat.png", "coffee.png"}


@pytest.fixture
def workshop(codec, prepared, files_in) -> Workshop:
    """That of a page which starts after the examples were prepared."""
    files = files_in(prepared / "served")
    return Workshop(
        codec,
        max_pixels=1_000_000,
        files=files,
        results=ResultCache(showcase_dir(prepared)),
    )
