"""Many photographs encoded and decoded: the bytes, the records, the devices."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from difficmh_core.batch.cluster import _share_of_device, parquet_of
from difficmh_core.batch.journal import Journal
from difficmh_core.batch.targets import Target
from difficmh_core.batch.work import Decoding, Encoding
from difficmh_core.config.profiles import preset_of
from tests.integration.test_batch import do, outputs


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    for number in range(3):
        pixels = random.integers(0, 256, (40 + number, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def encoding(**changes):
    settings = {
        "profile": "tiny",
        "rate": 4,
        "device": "cpu",
        "cache_dir": Path("nowhere"),
        "quality": 30.0,
        "target_bytes": None,
        "tags": ("zebra",),
        "iterations": 0,
    }
    return Encoding(**settings | changes)


def decoding(**changes):
    settings = {
        "profile": None,
        "device": "cpu",
        "cache_dir": Path("nowhere"),
        "preset": "instant",
        "changes": {"seed": 3},
        "tags": None,
        "suffix": ".png",
    }
    return Decoding(**settings | changes)


def test_one_process_and_two_write_the_same_files_as_the_codec(photos, tmp_path, tiny_codec):
    one, two, decoded = (tmp_path / name for name in ("one", "two", "decoded"))
    outcomes = do(encoding(), photos, one)
    do(encoding(), photos, two, jobs=2)
    assert outputs(one) == outputs(two)
    image = Image.open(photos / "1.png").convert("RGB")
    alone = tiny_codec.encode(image, quality=30, tags=["zebra"])
    assert outputs(one)["1.dicmh"] == alone.data
    record = next(o.record for o in outcomes if o.name == "1.dicmh")
    assert record["bpp"] == 8 * len(alone.data) / (41 * 64)
    assert (record["height_px"], record["width_px"], record["tags"]) == (41, 64, ["zebra"])
    assert encoding().settings()["model"] == tiny_codec.fingerprint.hex()

    assert [o.reason for o in do(decoding(), one, decoded)] == [None] * 3
    settings = replace(preset_of("tiny", "instant"), seed=3)
    assert np.array_equal(
        np.asarray(Image.open(decoded / "1.png")),
        np.asarray(tiny_codec.decode_image(alone.data, settings)),
    )


def test_workers_take_turns_at_the_gpus(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    for work in (encoding(device="cuda"), decoding(device="cuda")):
        devices = [work.at(number).device for number in range(3)]
        assert devices == ["cuda:0", "cuda:1", "cuda:0"]
        assert work.n_threads > replace(work, device="cpu").n_threads
        assert replace(work, device="cuda:1").at(0).device == "cuda:1"
        assert replace(work, device="cpu").at(1).device == "cpu"
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert encoding(device="cuda").at(1).device == "cuda"  # refused when it is loaded


@pytest.mark.parametrize(
    ("unit", "n_workers", "n_devices", "expected"),
    [
        ("CPU", 8, 2, {"num_cpus": 1}),
        ("GPU", 2, 2, {"num_gpus": 1}),
        ("GPU", 1, 8, {"num_gpus": 1}),
        ("GPU", 16, 8, {"num_gpus": 0.5}),
        ("GPU", 5, 2, {"num_gpus": 1 / 3}),
    ],
)
def test_more_workers_than_gpus_share_them(unit, n_workers, n_devices, expected):
    assert _share_of_device(unit, n_workers, n_devices) == expected


def test_what_was_left_out_of_a_photo_stands_in_journal_and_table(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    Image.new("RGB", (64, 40)).save(photos / "plain.png")
    frames = [Image.new("RGB", (64, 40), color) for color in ("red", "blue")]
    frames[0].save(photos / "animated.gif", save_all=True, append_images=frames[1:])
    outcomes = do(encoding(), photos, out)
    notes = {outcome.name: outcome.record["notes"] for outcome in outcomes}
    assert notes["plain.dicmh"] == []
    assert notes["animated.dicmh"] == ["The first of 2 frames is used."]
    records = list(Journal(Target(str(out)), {}).records())
    table = io.BytesIO(parquet_of([*records, [{"name": "later\udcff", "quality": 3.0}]]))
    rows = {row["name"]: row for row in parquet.read_table(table).to_pylist()}
    assert {name: rows[name]["notes"] for name in notes} == notes
    assert rows["plain.dicmh"]["tags"] == ["zebra"]
    assert rows["plain.dicmh"]["finished_ns"] > 0
    assert rows["later\\xff"]["quality"] == 3.0


def test_a_table_may_be_empty_and_seeds_as_large_as_they_get():
    parquet = pytest.importorskip("pyarrow.parquet")
    empty = parquet.read_table(io.BytesIO(parquet_of([])))
    assert (empty.num_rows, empty.column_names) == (0, ["name", "source", "n_bytes"])
    seeds = [[{"name": "a", "seed": 5}], [{"name": "b", "seed": 2**64 - 1}, {"name": "c"}]]
    table = parquet.read_table(io.BytesIO(parquet_of(seeds)))
    assert table["seed"].to_pylist() == [5, 2**64 - 1, None]


def test_a_damaged_file_is_named_and_the_others_are_decoded(photos, tmp_path):
    one, decoded = tmp_path / "one", tmp_path / "decoded"
    do(encoding(), photos, one)
    (one / "0.dicmh").write_bytes((one / "0.dicmh").read_bytes()[:-1])
    outcomes = do(decoding(suffix=".webp"), one, decoded)
    assert [o.name for o in outcomes if o.reason] == ["0.webp"]
    assert set(outputs(decoded)) == {"1.webp", "2.webp", "failures.jsonl"}
