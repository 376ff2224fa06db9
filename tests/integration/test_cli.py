"""The command line does what it says, and tells it for people and for programs."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.decoding import SamplerName
from difficmh_core.config.profiles import preset_of
from difficmh_core.image_io import read_image, write_png

ENCODE = ["--profile", "tiny", "--tags", "none"]
DECODE = ["--steps", "2"]


def in_new_process(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )


def test_a_picture_comes_back_in_its_size(run, tiny_file, tmp_path, picture):
    code, out, _ = run("decode", tiny_file, tmp_path / "out.png", *DECODE, "--json")
    told = json.loads(out)
    assert code == 0
    with Image.open(tmp_path / "out.png") as decoded:
        assert (decoded.format, decoded.mode, decoded.size) == (
            "PNG",
            "RGB",
            picture.size,
        )
    assert (told["width_px"], told["height_px"]) == picture.size
    assert told["n_steps"] == told["settings"]["steps"] == 2
    assert told["seed"] == Bitstream.from_bytes(tiny_file.read_bytes()).checksum


def test_a_new_process_gives_the_same_bytes_and_one_line_for_an_error(
    run, photo, tiny_file, tmp_path
):
    again, out, here = tmp_path / "again.dicmh", tmp_path / "out.png", tmp_path / "here.png"
    commands = [
        ["encode", photo, again, "--profile", "tiny", "--tags", "tabby,tiger cat"],
        ["decode", tiny_file, out, *DECODE],
        ["decode", tiny_file, tmp_path / "none.png", "--tags", "no such thing"],
    ]
    words = [[str(word) for word in command] for command in commands]
    done = in_new_process(
        "from difficmh_core.cli.main import main\n"
        f"assert [main(words) for words in {words!r}] == [0, 0, 1]"
    )
    assert done.returncode == 0, done.stderr
    # Before the error, a slow machine also tells the progress of the decoding that went well.
    others = [line for line in done.stderr.splitlines() if not line.startswith("decoding: ")]
    assert len(others) == 1
    assert others[0].startswith("error: ")
    assert again.read_bytes() == tiny_file.read_bytes()
    run("decode", again, here, *DECODE)
    assert out.read_bytes() == here.read_bytes()


def test_without_settings_library_and_command_decode_alike(run, tiny_codec, tiny_file, tmp_path):
    data = tiny_file.read_bytes()
    assert run("decode", tiny_file, tmp_path / "command.png")[0] == 0
    write_png(tiny_codec.decode_image(data), tmp_path / "library.png")
    assert (tmp_path / "command.png").read_bytes() == (tmp_path / "library.png").read_bytes()
    fast = preset_of("tiny", "fast")
    assert len(list(tiny_codec.decode(data))) == fast.steps
    assert tiny_codec.decode_image(data) == tiny_codec.decode_image(data, fast)


def test_encode_tells_every_bit(run, photo, tmp_path):
    path = tmp_path / "photo.dicmh"
    code, out, _ = run("encode", photo, path, *ENCODE, "--quality", "25.5", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["n_bytes"] == path.stat().st_size
    assert sum(told["section_bits"].values()) == pytest.approx(8 * told["n_bytes"])
    assert told["quality"] == pytest.approx(25.5, abs=0.2)
    assert told["bpp"] == pytest.approx(8 * told["n_bytes"] / 7500)
    assert told["tags"] == []


def test_what_reading_leaves_out_is_a_note(run, tmp_path):
    frames = [Image.new("RGB", (32, 32), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "two.gif", save_all=True, append_images=frames[1:])
    code, _, err = run("encode", tmp_path / "two.gif", tmp_path / "x", *ENCODE)
    assert code == 0
    assert "note: The first of 2 frames is used.\n" in err


def test_the_target_is_kept(run, photo, tmp_path):
    sizes = {}
    for quality in (0, 100):
        run("encode", photo, tmp_path / "x", *ENCODE, "--quality", quality)
        sizes[quality] = (tmp_path / "x").stat().st_size
    target = sum(sizes.values()) // 2
    run("encode", photo, tmp_path / "x", *ENCODE, "--target-bytes", target)
    assert min(sizes.values()) <= (tmp_path / "x").stat().st_size <= target


def test_info_tells_every_field_and_every_section(run, tiny_file):
    code, out, _ = run("info", tiny_file, "--json")
    told = json.loads(out)
    stream = Bitstream.from_bytes(tiny_file.read_bytes())
    assert code == 0
    assert [tag["name"] for tag in told["tags"]] == ["tabby", "tiger cat"]
    assert tuple(tag["id"] for tag in told["tags"]) == stream.tag_ids
    assert sum(told["section_bits"].values()) == 8 * stream.n_bytes
    assert told["fingerprint"] == stream.fingerprint.hex()
    assert told["profile"] == "tiny"
    code, out, _ = run("info", tiny_file)
    assert code == 0
    for word in ("100 x 75 px", "tiny", "tabby, tiger cat", "header", "payload", "checks"):
        assert word in out


def test_the_package_is_a_program(tmp_path):
    words = [sys.executable, "-m", "difficmh_core", "info", tmp_path / "missing.dicmh"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("missing.dicmh: No such file or directory.\n")
    assert done.stderr.count("\n") == 1


def test_a_name_that_the_output_has_no_letters_for_is_told(tiny_file):
    """A pipe on Windows has the letters of one region."""
    file = tiny_file.with_name("zażółć.dicmh")
    file.write_bytes(tiny_file.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "difficmh_core", "info", file],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        check=True,
    )
    assert b"za\\u017c\xf3\\u0142\\u0107.dicmh" in done.stdout


def test_verify_checks_and_writes_nothing(run, tiny_file):
    before = sorted(tiny_file.parent.iterdir())
    code, out, _ = run("verify", tiny_file, "--json")
    assert (code, json.loads(out)["is_valid"]) == (0, True)
    assert sorted(tiny_file.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        (["--steps", "3"], {"steps": 3}),
        (["--guidance", "9"], {"guidance_scale": 9.0}),
        (["--guidance", "9", "--guidance-interval", "0.3", "0.5"],
         {"guidance_scale": 9.0, "guidance_interval": (0.3, 0.5)}),
        (["--sampler", "ddpm"], {"sampler": SamplerName.DDPM}),
        (["--seed", "7"], {"seed": 7}),
        (["--start", "0.9"], {"start": 0.9}),
        (["--realism", "0.5"], {"realism": 0.5}),
        (["--control", "0.5"], {"control_scale": 0.5}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_each_setting_reaches_the_decoder(
    run, tiny_codec, tiny_file, tmp_path, monkeypatch, words, changes
):
    base = replace(preset_of("tiny", "fast"), steps=2, guidance_scale=2.0, start=0.6)
    expected, decode, seen = replace(base, **changes), DiffICMHCodec.decode, []
    picture = tiny_codec.decode_image(tiny_file.read_bytes(), expected)

    def watched(codec, data, settings, **named):
        seen.append(settings)
        return decode(codec, data, settings, **named)

    monkeypatch.setattr(DiffICMHCodec, "decode", watched)
    given = ["--steps", "2", "--guidance", "2", "--start", "0.6"]
    code, _, err = run("decode", tiny_file, tmp_path / "out.png", *given, *words)
    assert code == 0, err
    assert seen == [expected] != [base]
    assert read_image(tmp_path / "out.png") == picture


@pytest.mark.parametrize(("words", "tags"), [("none", []), ("golden retriever", None)])
def test_tags_reach_the_decoder(run, tiny_codec, tiny_file, tmp_path, words, tags):
    given = ["--steps", "2", "--guidance", "9", "--start", "0.9", "--tags", words]
    settings = replace(preset_of("tiny", "fast"), steps=2, guidance_scale=9.0, start=0.9)
    assert run("decode", tiny_file, tmp_path / "out.png", *given)[0] == 0
    data, chosen = tiny_file.read_bytes(), [words] if tags is None else tags
    decoded = read_image(tmp_path / "out.png")
    assert decoded == tiny_codec.decode_image(data, settings, tags=chosen)
    assert decoded != tiny_codec.decode_image(data, settings)


def test_a_preset_reaches_the_decoder_and_an_option_changes_it(
    run, tiny_codec, tiny_file, tmp_path
):
    paper = replace(preset_of("tiny", "paper"), steps=3)
    words = ["--preset", "paper", "--steps", "3"]
    assert run("decode", tiny_file, tmp_path / "out.png", *words)[0] == 0
    decoded = read_image(tmp_path / "out.png")
    assert decoded == tiny_codec.decode_image(tiny_file.read_bytes(), paper)


def test_help_is_no_error(run):
    for words in (["--help"], ["encode", "--help"], ["train", "--help"]):
        code, out, _ = run(*words)
        assert code == 0
        assert "usage: " in out


@pytest.mark.parametrize(
    ("size", "mode"),
    [((1, 1), "RGB"), ((7, 500), "RGB"), ((20, 9), "L"), ((20, 9), "P"), ((20, 9), "RGBA")],
)
def test_odd_pictures_come_back_in_their_size(run, tmp_path, size, mode):
    values = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(values).convert(mode).save(tmp_path / "odd.png")
    assert run("encode", tmp_path / "odd.png", tmp_path / "odd.dicmh", *ENCODE)[0] == 0
    assert run("decode", tmp_path / "odd.dicmh", tmp_path / "out.png", "--steps", "1")[0] == 0
    with Image.open(tmp_path / "out.png") as decoded:
        assert decoded.size == size
