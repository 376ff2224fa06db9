"""Whatever the command line refuses, it refuses in one line, and nothing is half-written."""

import os
import struct
import zlib
from dataclasses import replace

import pytest

from difficmh_core.bitstream.container import Bitstream

ENCODE = ["--profile", "tiny", "--tags", "none"]
DECODE = ["--steps", "2"]


@pytest.fixture
def refused(run, tmp_path):
    """Run a command that must fail with one line and leave no file behind; returns the line."""

    def refused(*words, code=1):
        before = sorted(tmp_path.rglob("*"))
        found, out, err = run(*words)
        assert (found, out) == (code, ""), err
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert err.endswith("\n")
        assert sorted(tmp_path.rglob("*")) == before
        return err

    return refused


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("compress", "a", "b"),
        ("encode", "a.jpg"),
        ("encode", "a.jpg", "b.dicmh", "--quality", "good"),
        ("encode", "a.jpg", "b.dicmh", "--quality", "5", "--target-bytes", "900"),
        ("decode", "a.dicmh", "b.png", "--guidance", "abc"),
        ("decode", "a.dicmh", "b.png", "--steps", "2.5"),
        ("decode", "a.dicmh", "b.png", "--sampler", "magic"),
        ("info", "a.dicmh", "--nonsense"),
    ],
)
def test_a_misspelled_command_is_refused(refused, words):
    assert "--help" in refused(*words, code=2)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--steps", "0"), "steps must lie in 1 to 1000, got 0"),
        (("--steps", "-3"), "steps"),
        (("--guidance", "nan"), "guidance_scale"),
        (("--guidance", "0.5"), "guidance_scale"),
        (("--start", "0"), "start"),
        (("--realism", "2"), "realism"),
        (("--seed", "-1"), "seed"),
        (("--preset", "nonsense"), "instant, fast, paper"),
        (("--profile", "nonsense"), "nano"),
        (("--tags", "no such thing"), "no such thing"),
    ],
)
def test_settings_out_of_range_are_refused(refused, tiny_file, tmp_path, words, reason):
    assert reason in refused("decode", tiny_file, tmp_path / "out.png", *words)


@pytest.mark.parametrize(
    "words",
    [
        ("--quality", "101"),
        ("--quality", "nan"),
        ("--target-bytes", "10"),
        ("--target-bytes", "-1"),
        ("--tags", "no such thing"),
    ],
)
def test_impossible_files_are_refused(refused, photo, tmp_path, words):
    refused("encode", photo, tmp_path / "x.dicmh", *ENCODE, *words)


@pytest.mark.parametrize("kind", ["missing", "empty", "text", "truncated", "bomb", "folder"])
def test_what_is_no_picture_is_refused(refused, tmp_path, picture, kind):
    path = tmp_path / "photo.jpg"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("This is no photograph.")
    elif kind == "truncated":
        picture.save(path)
        path.write_bytes(path.read_bytes()[:900])
    elif kind == "bomb":
        header = struct.pack(">4sIIBBBBB", b"IHDR", 30_000, 30_000, 8, 2, 0, 0, 0)
        chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    elif kind == "folder":
        path.mkdir()
    refused("encode", path, tmp_path / "x.dicmh", *ENCODE)


def damaged(data, kind):
    """A file that must not be decoded."""
    stream = Bitstream.from_bytes(data)
    middle, later = len(data) // 2, data[:3] + b"\x09" + data[4:-4]
    fingerprint = bytes(byte ^ 0xFF for byte in stream.fingerprint)
    return {
        "empty": lambda: b"",
        "truncated": lambda: data[:-7],
        "flipped": lambda: data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "later version": lambda: later + struct.pack(">I", zlib.crc32(later)),
        "other model": lambda: replace(stream, fingerprint=fingerprint).to_bytes(),
        "lying about its size": lambda: replace(stream, height_px=9000, width_px=9000).to_bytes(),
        "longer": lambda: data + b"\0",
        "a picture": lambda: b"\x89PNG\r\n\x1a\n" + data,
    }[kind]()


@pytest.mark.parametrize(
    "kind",
    [
        "empty",
        "truncated",
        "flipped",
        "later version",
        "other model",
        "lying about its size",
        "longer",
        "a picture",
    ],
)
def test_a_damaged_file_is_refused(refused, tiny_file, tmp_path, kind):
    path = tmp_path / "damaged.dicmh"
    path.write_bytes(damaged(tiny_file.read_bytes(), kind))
    line = refused("decode", path, tmp_path / "out.png", *DECODE)
    assert refused("verify", path) == line
    if kind != "other model":
        assert refused("info", path) == line
    if kind == "later version":
        assert "version 9" in line


def test_a_missing_file_is_named(refused, tmp_path):
    line = refused("info", tmp_path / "missing.dicmh")
    assert "missing.dicmh: No such file or directory" in line


@pytest.mark.parametrize("target", ["missing/x", "file/x", "/dev/null"])
def test_an_unwritable_target_is_refused(refused, photo, tiny_file, tmp_path, target):
    (tmp_path / "file").write_bytes(b"kept")
    assert "cannot be written" in refused("encode", photo, tmp_path / target, *ENCODE)
    assert "cannot be written" in refused("decode", tiny_file, tmp_path / target, *DECODE)


def test_the_input_is_never_overwritten(refused, photo):
    before = photo.read_bytes()
    assert "is the input" in refused("encode", photo, photo, *ENCODE)
    assert photo.read_bytes() == before


def test_a_picture_is_not_named_as_something_else(refused, tiny_file, tmp_path):
    assert ".png" in refused("decode", tiny_file, tmp_path / "out.gif", *DECODE)
    line = refused("decode", tiny_file, tmp_path / "out.png", "--format", "jpg", *DECODE)
    assert "Leave one out" in line


def test_a_failure_keeps_the_older_file(refused, tiny_file, tmp_path):
    (tmp_path / "out.png").write_bytes(b"older")
    refused("decode", tiny_file, tmp_path / "out.png", "--tags", "no such thing")
    assert (tmp_path / "out.png").read_bytes() == b"older"


def test_missing_weights_name_the_command_that_gets_them(refused, photo, tmp_path):
    words = ["--profile", "tiny", "--cache-dir", tmp_path / "nothing"]
    assert "fetch" in refused("encode", photo, tmp_path / "x.dicmh", *words)


def test_ctrl_c_leaves_quietly_and_leaves_nothing(run, tiny_file, tmp_path, monkeypatch):
    from difficmh_core.codec import DiffICMHCodec

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(DiffICMHCodec, "decode", interrupted)
    assert run("decode", tiny_file, tmp_path / "out.png") == (130, "", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_write_protected_file_is_not_replaced(refused, photo, tmp_path):
    target = tmp_path / "kept.dicmh"
    target.write_bytes(b"kept")
    target.chmod(0o444)
    assert "write-protected" in refused("encode", photo, target, *ENCODE)
    assert target.read_bytes() == b"kept"
