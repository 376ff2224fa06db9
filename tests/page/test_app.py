"""The page over HTTP: what a program gets that calls its endpoints, one client per visitor."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from difficmh_core.config import DecodeSettings, SamplerName

SETTINGS = DecodeSettings(steps=3, guidance_scale=1.5, sampler=SamplerName.DDIM, seed=5)
CONTROLS = (3, 1.5, "ddim", "5", 1.0, 1.0, 1.0, 0.0, 1.0)


@pytest.fixture(scope="module")
def clients(page_url) -> Iterator[list[Client]]:
    clients = [Client(page_url, verbose=False) for _ in range(2)]
    yield clients
    for client in clients:
        client.close()


@pytest.fixture
def connect(clients):
    """Return a function that opens the page as a new visitor, twice at most."""
    unused = list(clients)

    def new_visitor() -> Client:
        client = unused.pop()
        client.reset_session()
        return client

    return new_visitor


def value_of(output):
    return output["value"] if isinstance(output, dict) else output


def encode(client, photo, quality=50, send_tags=True) -> tuple[bytes, str, str]:
    """Return the bytes of the file, the facts, and the path of the photograph as shown."""
    shown, facts, _, file, *_ = client.predict(
        handle_file(str(photo)), quality, send_tags, api_name="/encode"
    )
    return Path(value_of(file)).read_bytes(), facts, value_of(shown)


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_a_photograph_becomes_the_file_that_the_codec_writes(connect, codec, photos):
    data, facts, shown = encode(connect(), photos["wide"])

    stream = codec.parse(data)
    assert (stream.height_px, stream.width_px) == (100, 150)
    assert [codec.vocabulary.name_of(tag) for tag in stream.tag_ids]
    assert data == codec.encode(Image.open(shown)).data
    assert f"{len(data):,} bytes" in facts
    assert f"{8 * len(data) / (100 * 150):.4f} bpp" in facts
    assert "smaller than the upload" in facts or "larger than the upload" in facts


def test_tags_can_be_left_out_and_edited(connect, codec, photos):
    client = connect()
    with_tags, *_ = encode(client, photos["wide"])

    def recode(send_tags, names) -> bytes:
        file = client.predict(50, send_tags, names, api_name="/recode")[2]
        return Path(value_of(file)).read_bytes()

    edited, untagged = recode(True, ["dog"]), recode(False, ["dog"])

    assert codec.parse(with_tags).tag_ids != codec.parse(edited).tag_ids
    assert codec.parse(edited).tag_ids == (codec.vocabulary.index_of("dog"),)
    assert codec.parse(untagged).tag_ids == ()
    assert codec.parse(untagged).payload == codec.parse(with_tags).payload


def test_the_decoded_picture_is_the_decoders_pixel_by_pixel(connect, codec, photos):
    client = connect()
    data, *_ = encode(client, photos["wide"])

    _, comparison, _, status, picture = client.predict(*CONTROLS, api_name="/decode")

    expected = np.asarray(codec.decode_image(data, SETTINGS))
    assert np.array_equal(pixels(value_of(picture)), expected)
    assert np.array_equal(pixels(value_of(comparison)[1]), expected)
    assert re.search(r"PSNR \d+\.\d\d dB \(higher is better\)", status)


def test_a_file_decodes_for_another_visitor(connect, codec, photos, tmp_path):
    data, *_ = encode(connect(), photos["wide"])
    file = tmp_path / "photo.dicmh"
    file.write_bytes(data)
    client = connect()

    facts = client.predict(handle_file(str(file)), api_name="/info")
    shown, _, status, picture = client.predict(
        handle_file(str(file)), *CONTROLS, api_name="/decode_file"
    )

    assert "150 × 100 px" in facts  # noqa: RUF001
    assert codec.fingerprint.hex() in facts
    expected = np.asarray(codec.decode_image(data, SETTINGS))
    assert np.array_equal(pixels(value_of(shown)), expected)
    assert np.array_equal(pixels(value_of(picture)), expected)
    assert "3 steps" in status


@pytest.mark.parametrize("endpoint", ["/info", "/decode_file"])
@pytest.mark.parametrize("damage", ["empty", "text", "flipped"])
def test_a_damaged_file_is_refused_in_the_codecs_own_words(
    connect, codec, photos, tmp_path, endpoint, damage
):
    data = codec.encode(Image.open(photos["wide"]).convert("RGB"), tags=None).data
    flipped = data[:-6] + bytes([data[-6] ^ 4]) + data[-5:]
    damaged = {"empty": b"", "text": b"just words", "flipped": flipped}[damage]
    with pytest.raises(Exception) as refusal:  # noqa: PT011 (whichever of ours it is)
        codec.parse(damaged)
    file = tmp_path / "damaged.dicmh"
    file.write_bytes(damaged)
    controls = CONTROLS if endpoint == "/decode_file" else ()

    with pytest.raises(AppError, match=re.escape(str(refusal.value))):
        connect().predict(handle_file(str(file)), *controls, api_name=endpoint)


def test_what_is_no_picture_is_refused(connect, tmp_path):
    text, bomb = tmp_path / "text.jpg", tmp_path / "bomb.png"
    text.write_text("not a picture")
    Image.new("1", (20_000, 20_000)).save(bomb)

    client = connect()
    for path, words in ((text, "text.jpg"), (bomb, "pixels")):
        with pytest.raises(AppError, match=words):
            encode(client, path)


def test_a_setting_out_of_range_is_refused(connect, photos):
    client = connect()
    encode(client, photos["wide"])
    for controls, words in (
        ((0, *CONTROLS[1:]), "steps must lie in 1 to 1000"),
        ((2.5, *CONTROLS[1:]), "steps must be a whole number"),
        ((3, "abc", *CONTROLS[2:]), "guidance_scale must be a number"),
        ((3, 1.5, "euler", *CONTROLS[3:]), "no sampler 'euler'"),
        ((3, 1.5, "ddim", "six", *CONTROLS[4:]), "seed must be a whole number"),
        ((3, 1.5, "ddim", "-1", *CONTROLS[4:]), "seed must lie in"),
        ((*CONTROLS[:4], 0.0, *CONTROLS[5:]), "start must lie in"),
    ):
        with pytest.raises(AppError, match=words):
            client.predict(*controls, api_name="/decode")


def test_uploads_lose_their_metadata_and_are_turned_upright(connect, photos):
    _, _, shown = encode(connect(), photos["turned"])

    with Image.open(shown) as image:
        assert image.format == "PNG"
        assert image.size == (120, 90)
        assert not image.getexif()
        assert not image.info
    assert b"secret" not in Path(shown).read_bytes()


def test_two_visitors_do_not_share_files(connect, photos):
    first, second = connect(), connect()
    encode(first, photos["wide"])

    with pytest.raises(AppError, match="no file yet"):
        second.predict(*CONTROLS, api_name="/decode")

    encode(second, photos["turned"])
    pictures = [
        pixels(value_of(client.predict(*CONTROLS, api_name="/decode")[-1])).shape
        for client in (first, second)
    ]
    assert pictures == [(100, 150, 3), (90, 120, 3)]


def test_a_defect_is_one_calm_sentence_with_a_number(connect, codec, photos, monkeypatch, caplog):
    def fail(*_args, **_kwargs):
        raise RuntimeError("internal matters")

    monkeypatch.setattr(codec, "encode", fail)
    with pytest.raises(AppError) as refusal:
        encode(connect(), photos["wide"])

    message = str(refusal.value)
    incident = re.search(r"give this number: ([0-9a-f]{8})\.", message)
    assert incident
    assert "internal matters" not in message
    assert incident[1] in caplog.text
    assert "internal matters" in caplog.text
