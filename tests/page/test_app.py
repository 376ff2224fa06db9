"""The page over HTTP: what a program gets that calls its endpoints."""

import gc
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from difficmh_core.config.comparison import COLOR_METRICS
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.config.profiles import preset_of
from difficmh_core.ui.runtime.requests import MOST_ITERATIONS
from difficmh_core.ui.runtime.texts import NOT_AN_UPLOAD
from tests import needs

SETTINGS = DecodeSettings(steps=3, guidance_scale=1.5, sampler=SamplerName.DDIM, seed=5)
CHOSEN = {
    "preset": "paper",
    "steps": 3,
    "guidance_scale": 1.5,
    "sampler": "ddim",
    "seed": "5",
    "start": 1.0,
}
N_QUEUED = 30
TIMEOUT_S = 300
MAX_GROWTH_BYTES = 30 << 20
"""What thirty decodings may leave behind: one decoding leaves less than a tenth of it."""


@pytest.fixture(scope="module")
def client(page_url) -> Iterator[Client]:
    client = Client(page_url, verbose=False, httpx_kwargs={"timeout": TIMEOUT_S})
    yield client
    client.close()


def encode(client, photo, **chosen) -> tuple[bytes, dict]:
    file, facts = client.predict(handle_file(str(photo)), **chosen, api_name="/encode")
    return Path(file).read_bytes(), facts


def decode(client, file, **chosen) -> tuple[Path, dict]:
    picture, facts = client.predict(handle_file(str(file)), **chosen, api_name="/decode")
    return Path(picture), facts


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.fixture(scope="module")
def coded(codec, photos, tmp_path_factory) -> Path:
    """A file with one tag."""
    path = tmp_path_factory.mktemp("coded") / "wide.dicmh"
    path.write_bytes(codec.encode(Image.open(photos["wide"]), tags=["dog"]).data)
    return path


def test_each_endpoint_is_named_typed_and_explained(client):
    endpoints = client.view_api(return_format="dict")["named_endpoints"]

    assert {"/encode", "/decode", "/compare", "/info"} == set(endpoints)
    for endpoint in endpoints.values():
        assert endpoint["description"]
        for parameter in endpoint["parameters"]:
            assert parameter["python_type"]["type"] != "Any"


def test_each_parameter_is_told_in_whole_sentences(page_url):
    tools = httpx.get(f"{page_url}gradio_api/mcp/schema", timeout=TIMEOUT_S).json()
    told = {
        (tool["name"], name): parameter["description"]
        for tool in tools
        if tool["name"] in ("encode", "decode", "compare", "info")
        for name, parameter in tool["inputSchema"]["properties"].items()
    }
    assert ("compare", "codecs") in told
    assert f"0 (off) to {MOST_ITERATIONS}:" in told["encode", "passes"]
    assert [key for key, words in told.items() if not words.endswith(".")] == []


def test_a_photograph_becomes_the_file_that_the_codec_writes(client, codec, photos):
    data, facts = encode(client, photos["wide"])

    stream = codec.parse(data)
    assert (stream.height_px, stream.width_px) == (100, 150)
    assert data == codec.encode(Image.open(photos["wide"])).data
    assert facts["n_bytes"] == len(data)
    assert facts["bpp"] == pytest.approx(8 * len(data) / (100 * 150))
    assert sum(facts["section_bits"].values()) == pytest.approx(8 * len(data))
    assert facts["upload_bytes"] == photos["wide"].stat().st_size
    assert [tag["confidence"] for tag in facts["tags"]] == pytest.approx([0.9, 0.7, 0.5])


def test_tags_can_be_chosen_and_left_out(client, codec, photos):
    chosen, _ = encode(client, photos["wide"], tags=["dog"])
    untagged, _ = encode(client, photos["wide"], send_tags=False)

    assert codec.parse(chosen).tag_ids == (codec.vocabulary.index_of("dog"),)
    assert codec.parse(untagged).tag_ids == ()
    assert codec.parse(untagged).latent.payload == codec.parse(chosen).latent.payload


def test_a_files_latent_can_be_optimized(client, codec, photos):
    plain, _ = encode(client, photos["wide"], tags=["dog"])
    optimized, facts = encode(client, photos["wide"], tags=["dog"], passes=1)

    assert facts["n_bytes"] == len(optimized)
    assert codec.parse(optimized).latent.payload != codec.parse(plain).latent.payload
    codec.verify(optimized)


def test_a_target_size_is_kept(client, photos):
    larger, _ = encode(client, photos["wide"], quality=100)
    data, _ = encode(client, photos["wide"], target_bytes=len(larger) - 20)

    assert len(data) <= len(larger) - 20


def test_the_decoded_picture_is_the_decoders_pixel_by_pixel(client, codec, coded):
    picture, facts = decode(client, coded, **CHOSEN)

    assert np.array_equal(pixels(picture), codec.decode_image(coded.read_bytes(), SETTINGS))
    assert facts["settings"]["steps"] == 3
    again, _ = decode(client, coded, **CHOSEN)  # now from what the page has kept
    assert picture.read_bytes() == again.read_bytes()


def test_without_settings_a_preset_decodes(client, codec, coded):
    picture, _ = decode(client, coded, preset="instant")

    expected = codec.decode_image(coded.read_bytes(), preset_of("tiny", "instant"))
    assert np.array_equal(pixels(picture), expected)


def test_info_tells_what_is_in_a_file(client, codec, coded):
    facts = client.predict(handle_file(str(coded)), api_name="/info")

    assert (facts["width_px"], facts["height_px"]) == (150, 100)
    assert facts["tags"] == ["dog"]
    assert facts["fingerprint"] == codec.fingerprint.hex()


def test_compare_measures_within_the_bytes_and_names_the_absent(client, photos):
    told = client.predict(
        handle_file(str(photos["wide"])),
        target_bytes=2000,
        codecs=["ours", "content", "no_tags", "jpeg", "elic"],
        api_name="/compare",
    )

    assert told["target_bytes"] == 2000
    keys = [row["key"] for row in told["rows"]]
    if needs.HAS_COMPRESSAI:
        assert (keys, told["absent"]) == (["ours", "elic", "jpeg", "content", "no_tags"], {})
    else:
        assert keys == ["ours", "jpeg", "content", "no_tags"]
        assert "needs the package compressai" in told["absent"]["elic"]
    for row in told["rows"]:
        assert row["n_bytes"] <= 2000 or not row["fits"]
        assert row["values"]["psnr_db"] > 0
        color = {key for key in COLOR_METRICS if key in row["values"]}
        assert color == {"color_blocks", "color_worst_block", "color_shift"}  # the photo is gray
    with pytest.raises(AppError, match="no codec 'h264'"):
        client.predict(handle_file(str(photos["wide"])), codecs=["h264"], api_name="/compare")


@pytest.mark.parametrize("endpoint", ["/info", "/decode"])
@pytest.mark.parametrize("damage", ["empty", "text", "flipped"])
def test_a_damaged_file_is_refused_in_the_codecs_own_words(
    client, codec, coded, tmp_path, endpoint, damage
):
    data = coded.read_bytes()
    flipped = data[:-6] + bytes([data[-6] ^ 4]) + data[-5:]
    damaged = {"empty": b"", "text": b"just words", "flipped": flipped}[damage]
    with pytest.raises(Exception) as refusal:  # noqa: PT011 (whichever of ours it is)
        codec.parse(damaged)
    file = tmp_path / "damaged.dicmh"
    file.write_bytes(damaged)

    with pytest.raises(AppError, match=re.escape(str(refusal.value))):
        client.predict(handle_file(str(file)), api_name=endpoint)


def test_what_is_no_picture_is_refused(client, tmp_path):
    text, bomb = tmp_path / "text.jpg", tmp_path / "bomb.png"
    text.write_text("not a picture")
    Image.new("1", (20_000, 20_000)).save(bomb)

    for path, words in ((text, "text.jpg"), (bomb, "pixels")):
        with pytest.raises(AppError, match=words):
            encode(client, path)


def test_a_file_of_the_server_is_not_for_callers(page_url):
    """Not through the client, which would upload its own file of that name."""
    secret = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    call = f"{page_url}gradio_api/call/info"
    answer = httpx.post(call, json={"data": [secret]}, timeout=TIMEOUT_S)
    assert answer.status_code == 403
    assert answer.json()["detail"] == NOT_AN_UPLOAD


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"steps": 1001}, "steps must lie in 1 to 1000"),
        ({"steps": 2.5}, "steps must be a whole number"),
        ({"guidance_scale": "abc"}, "guidance_scale must be a number"),
        ({"sampler": "euler"}, "no sampler 'euler'"),
        ({"seed": "six"}, "seed must be a whole number"),
        ({"seed": "-1"}, "seed must lie in"),
        ({"start": 1.5}, "start must lie in"),
        ({"preset": "best"}, "no preset 'best'"),
    ],
)
def test_a_setting_out_of_range_is_refused(client, coded, chosen, words):
    with pytest.raises(AppError, match=words):
        decode(client, coded, **chosen)


def test_the_upload_is_gone_and_what_is_left_has_no_metadata(client, photos, served_files):
    before = served_files()
    encode(client, photos["private"])  # which no other test has left anything of

    left = [path for path in served_files() - before if path.suffix != ".dicmh"]
    assert [path.suffix for path in left] == [".png"]
    with Image.open(left[0]) as image:
        assert image.size == (120, 96)
        assert not image.getexif()
        assert not image.info
    assert b"secret" not in left[0].read_bytes()


def test_a_defect_is_one_calm_sentence_with_a_number(client, codec, photos, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise RuntimeError("internal matters")

    monkeypatch.setattr(codec, "encode", fail)
    with pytest.raises(AppError) as refusal:
        encode(client, photos["wide"], quality=33)

    message = str(refusal.value)
    incident = re.search(r"give this number: ([0-9a-f]{8})\.", message)
    assert incident
    assert "internal matters" not in message
    assert incident[1] in caplog.text
    assert "internal matters" in caplog.text


@pytest.mark.long
def test_thirty_queued_decodings_finish_with_flat_memory(client, codec, coded, tmp_path):
    def queue(seeds) -> None:
        jobs = [
            client.submit(handle_file(str(coded)), seed=str(seed), api_name="/decode")
            for seed in seeds
        ]
        pictures = {hashlib.sha256(Path(job.result()[0]).read_bytes()).digest() for job in jobs}
        assert len(pictures) == len(jobs)

    process = psutil.Process()
    queue(range(N_QUEUED))  # page and client, here one process, start all their threads
    gc.collect()
    before = process.memory_info().rss
    queue(range(100, 100 + N_QUEUED))
    gc.collect()

    assert process.memory_info().rss - before < MAX_GROWTH_BYTES


def test_two_callers_at_once_get_their_own(client, codec, photos):
    jobs = {
        name: client.submit(handle_file(str(photos[name])), quality=71, api_name="/encode")
        for name in ("wide", "turned")
    }
    sizes = {}
    for name, job in jobs.items():
        stream = codec.parse(Path(job.result()[0]).read_bytes())
        sizes[name] = (stream.width_px, stream.height_px)
    assert sizes == {"wide": (150, 100), "turned": (120, 90)}


def test_previews_and_pictures_are_lossless(page_url, client):
    components = client.config["components"]
    formats = {
        component["type"]: component["props"]["format"]
        for component in components
        if "format" in component["props"] and component["type"] in ("image", "imageslider")
    }
    assert set(formats.values()) == {"png"}
