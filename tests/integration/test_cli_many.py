"""``encode`` and ``decode`` of many files, and pipes."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from difficmh_core.batch.sources import Source
from difficmh_core.cli.main import main
from tests.documents import ROOT

TINY = ["--profile", "tiny", "--tags", "none"]


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    random = np.random.default_rng(1)
    for name in ("a.png", "sub/b.png", "sub/odd ünd [x]\n.png"):
        pixels = random.integers(0, 256, (32, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "sub" / "notes.txt").write_text("no picture")
    return folder


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".difficmh" not in path.parts
    }


def told(capsys):
    return json.loads(capsys.readouterr().out)


def test_a_folder_goes_there_and_back(photos, tmp_path, capsys):
    coded, decoded = tmp_path / "coded", tmp_path / "decoded"
    assert main(["encode", str(photos), f"{coded}/", *TINY, "--json"]) == 0
    summary = told(capsys)
    assert (summary["n_written"], summary["n_failed"]) == (3, 0)
    assert set(files(coded)) == {"a.dicmh", "sub/b.dicmh", "sub/odd ünd [x]\n.dicmh"}
    assert summary["n_bytes"] == sum(map(len, files(coded).values()))
    assert main(["decode", str(coded), f"{decoded}/", "--preset", "instant", "--json"]) == 0
    assert told(capsys)["n_written"] == 3
    assert Image.open(decoded / "sub" / "b.png").size == (48, 32)
    assert main(["encode", str(photos), str(coded), *TINY, "--json"]) == 0
    assert told(capsys)["n_done_before"] == 3


def test_one_photo_into_a_folder_is_the_file_it_would_be_alone(photos, tmp_path, capsys):
    (tmp_path / "out").mkdir()
    photo = str(photos / "a.png")
    assert main(["encode", photo, str(tmp_path / "out"), *TINY]) == 0
    assert main(["encode", photo, str(tmp_path / "alone.dicmh"), *TINY]) == 0
    assert (tmp_path / "out" / "a.dicmh").read_bytes() == (tmp_path / "alone.dicmh").read_bytes()


def test_bad_files_end_in_exit_code_1_after_all_others(photos, tmp_path, capsys):
    (photos / "0 bad.jpg").write_bytes(b"no picture")
    coded = tmp_path / "coded"
    assert main(["encode", str(photos), f"{coded}/", *TINY]) == 1
    said = capsys.readouterr()
    assert "3 written" in said.out
    assert "1 failed, named in failures.jsonl" in said.out
    assert "failed: " in said.err
    assert len(files(coded)) == 4
    (failure,) = (coded / "failures.jsonl").read_text().splitlines()
    assert json.loads(failure)["source"] == str(photos / "0 bad.jpg")


def test_an_archive_and_a_bucket_give_what_the_folder_gives(photos, tmp_path, capsys):
    archive = tmp_path / "shard-00.tar"
    with tarfile.open(archive, "w") as file:
        file.add(photos, arcname="")
        outside = tarfile.TarInfo("../outside.png")
        outside.size = len(data := (photos / "a.png").read_bytes())
        file.addfile(outside, io.BytesIO(data))
    bucket = fsspec.filesystem("memory")
    for name, data in files(photos).items():
        bucket.pipe_file(f"/bucket/photos/{name}", data)
    outs = [tmp_path / name for name in ("folder", "tar")]
    assert main(["encode", str(photos), f"{outs[0]}/", *TINY]) == 0
    assert main(["encode", str(tmp_path / "shard-{00..00}.tar"), f"{outs[1]}/", *TINY]) == 1
    (failure,) = (outs[1] / "failures.jsonl").read_text().splitlines()
    assert "leads out" in json.loads(failure)["reason"]
    (outs[1] / "failures.jsonl").unlink()
    assert files(outs[0]) == files(outs[1])
    assert not (tmp_path / "outside.dicmh").exists()
    try:
        assert main(["encode", "memory://bucket/photos", "memory://bucket/out", *TINY]) == 0
        for name, data in files(outs[0]).items():
            assert bucket.cat_file(f"/bucket/out/{name}") == data
        capsys.readouterr()
        again = ["encode", "memory://bucket/photos", "memory://bucket/out", *TINY, "--json"]
        assert main(again) == 0
        assert told(capsys)["n_done_before"] == 3
    finally:
        bucket.store.clear()
        bucket.pseudo_dirs[:] = [""]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["photos", "out/", "--quality", "500"], "quality must lie in 0 to 100"),
        (["photos", "out/", "--device", "cuda"], "There is no device 'cuda'"),
        (["photos", "photos/out/"], "lies in the input"),
        (["photos/a.png", "photos/sub/../a.png", "out/"], "would both be written"),
        (["nothing/*.png", "out/"], "names no file"),
        (["photos", "out/", "--jobs", "0"], "--jobs must be at least 1"),
        (["photos/a.png", "out", "--jobs", "2"], "work on many files"),
        (["photos/a.png", "out", "--ray"], "work on many files"),
        (["photos/a.png", "photos/sub/b.png", "-"], "Standard output takes one file"),
        (["nowhere://x/y", "out/"], "cannot be reached"),
        (["-", "out/"], "Standard input has no name"),
        (["-", f"out{os.sep}"], "Standard input has no name"),
        (["photos/a.png", "photos/sub/b.png", "out.dicmh"], "is called like one file"),
        (["photos", "out.PNG"], "is called like one file"),
        (["memory://bucket/in/a.png", "a.dicmh"], "is called like one file"),
        (["photos/a.png", "memory://bucket/out/a.dicmh"], "is called like one file"),
        (["photos/a.png", "photos/sub/b.png"], "is an image that a .dicmh file would replace"),
        (["photos/a.png", "photos/sub/b.png", "file"], "'file' is a file, but"),
        (["photos", "file/deep/out"], "file' is a file, but"),
        (["photos", "memory://bucket/file"], "'memory://bucket/file' is a file, but"),
        (["memory:///bucket/in", "memory://bucket/in/out"], "lies in the input"),
        (["memory:///bucket/in/*", "memory://bucket/in"], "lies in the input"),
    ],
)
def test_what_cannot_be_done_is_refused_before_any_work(
    photos, tmp_path, monkeypatch, capsys, words, reason
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_bytes(b"mine")
    bucket = fsspec.filesystem("memory")
    monkeypatch.setattr(type(bucket), "store", {})
    monkeypatch.setattr(type(bucket), "pseudo_dirs", [""])
    bucket.pipe_file("/bucket/file", b"mine")
    bucket.pipe_file("/bucket/in/a.png", (photos / "a.png").read_bytes())
    monkeypatch.setattr("difficmh_core.batch.run.Worker.do", None)
    assert main(["encode", *words, *TINY]) == 1
    said = capsys.readouterr()
    assert reason in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", ["jpg", "webp", "avif", "jxl", "tiff"])
def test_a_picture_is_written_as_its_name_says(photos, tmp_path, capsys, suffix):
    coded, picture = tmp_path / "a.dicmh", tmp_path / f"a.{suffix}"
    assert main(["encode", str(photos / "a.png"), str(coded), *TINY]) == 0
    assert main(["decode", str(coded), str(tmp_path / "a.png"), "--preset", "instant"]) == 0
    capsys.readouterr()
    assert main(["decode", str(coded), str(picture), "--preset", "instant"]) == 0
    is_lossy = suffix in ("jpg", "avif")
    assert ("adds a little loss" in capsys.readouterr().err) == is_lossy
    ours, exact = (np.asarray(Image.open(path), int) for path in (picture, tmp_path / "a.png"))
    difference = np.abs(ours - exact)
    assert (difference.max() > 0) == is_lossy
    assert difference.mean() < 4


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--preset", "bogus"], "There is no preset 'bogus'"),
        (["--steps", "0"], "steps must"),
        (["--tags", "nonsense"], "does not contain 'nonsense'"),
        (["--tags", "nonsense", "--profile", "tiny"], "does not contain 'nonsense'"),
    ],
)
def test_settings_of_decoding_are_checked_before_any_work(photos, tmp_path, capsys, words, reason):
    coded, out = tmp_path / "coded", tmp_path / "out"
    assert main(["encode", str(photos), f"{coded}/", *TINY]) == 0
    capsys.readouterr()
    assert main(["decode", str(coded), f"{out}/", *words]) == 1
    assert reason in capsys.readouterr().err
    assert not out.exists()


def test_a_picture_too_long_for_a_format_is_refused_before_it_is_decoded(tmp_path, capsys):
    Image.new("RGB", (16_384, 64)).save(tmp_path / "wide.png")
    coded = tmp_path / "wide.dicmh"
    assert main(["encode", str(tmp_path / "wide.png"), str(coded), *TINY]) == 0
    assert main(["decode", str(coded), str(tmp_path / "wide.webp")]) == 1
    said = capsys.readouterr().err
    assert "WEBP has room for 16,383" in said
    assert "decoding" not in said


def test_names_reach_the_terminal_without_their_control_characters(tmp_path, capsys):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "a\x1b[31m\nfailed: b.png").write_bytes(b"no picture")
    assert main(["encode", str(photos), f"{tmp_path}/out/", *TINY]) == 1
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "a\\x1b[31m\\nfailed: b.png" in said


def test_pipes_carry_the_files_and_nothing_else(photos, tmp_path):
    def run(*words, data):
        command = [sys.executable, "-m", "difficmh_core", *words]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, input=data, capture_output=True, check=True, env=environment
        )
        return done.stdout, done.stderr.decode()

    alone = tmp_path / "a.dicmh"
    assert main(["encode", str(photos / "a.png"), str(alone), *TINY]) == 0
    coded, told = run("encode", "-", "-", *TINY, data=(photos / "a.png").read_bytes())
    assert coded == alone.read_bytes()
    assert "-: " in told
    decoded, _ = run("decode", "-", "-", "--preset", "instant", "--format", "webp", data=coded)
    assert Image.open(io.BytesIO(decoded)).format == "WEBP"


def test_photos_are_not_replaced_by_what_their_files_decode_to(photos, tmp_path, capsys):
    coded, before = tmp_path / "coded", files(photos)
    assert main(["encode", str(photos), f"{coded}/", *TINY]) == 0
    assert main(["decode", str(coded), str(photos), "--preset", "instant"]) == 1
    assert "no run made would be replaced: 'a.png'" in capsys.readouterr().err
    assert files(photos) == before


def test_files_that_were_encoded_anew_are_decoded_anew(photos, tmp_path, capsys):
    coded, decoded = tmp_path / "coded", tmp_path / "decoded"
    pictures = []
    for quality in ("10", "95"):
        assert main(["encode", str(photos), f"{coded}/", *TINY, "--quality", quality]) == 0
        capsys.readouterr()
        decode = ["decode", str(coded), f"{decoded}/", "--preset", "instant", "--json"]
        assert main(decode) == 0
        assert told(capsys)["n_written"] == 3
        pictures.append((decoded / "a.png").read_bytes())
    assert pictures[0] != pictures[1]


def test_passwords_in_errors_of_an_output_are_not_shown(photos, monkeypatch, capsys):
    def refuse(self, *_):
        raise PermissionError("sftp://ann:se@cret@host/out is closed")

    monkeypatch.setattr("difficmh_core.batch.targets.Target.sizes", refuse)
    assert main(["encode", str(photos), "memory://bucket/none", *TINY]) == 1
    assert "sftp://ann:***@host/out is closed" in capsys.readouterr().err


class Signed(SimpleHTTPRequestHandler):
    """A server that gives photos to whom signs, and some not even then."""

    def do_GET(self):
        is_allowed = "Signature=secret" in self.path and "closed" not in self.path
        (super().do_GET if is_allowed else lambda: self.send_error(403))()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(photos):
    handler = partial(Signed, directory=photos)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


def test_what_signs_an_address_is_kept_nowhere(server, tmp_path, capfd, monkeypatch):
    out, signed = tmp_path / "out", "?X-Credential=AK/2020/s3&X-Signature=secret"
    for day in ("1", "2"):
        assert main(["encode", f"{server}/a.png{signed}&day={day}", f"{out}/", *TINY]) == 0
    assert "1 done before" in capfd.readouterr().out
    read = Source.read

    def closed(self, most):
        return read(replace(self, path=f"{self.path}&closed"), most)

    monkeypatch.setattr(Source, "read", closed)
    assert main(["encode", f"{server}/sub/b.png{signed}", f"{out}/", *TINY]) == 1
    said = capfd.readouterr()
    assert "403" in said.err
    assert "Traceback" not in said.err
    assert set(files(out)) == {"a.dicmh", "failures.jsonl"}
    kept = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"/sub/b.png?***" in kept
    for text in (said.out, said.err, kept.decode(errors="replace")):
        assert "secret" not in text


@pytest.mark.parametrize("way", ["pipe", "full"])
def test_an_output_that_nobody_reads_or_that_is_full_is_one_line(photos, tmp_path, way):
    coded = tmp_path / "a.dicmh"
    assert main(["encode", str(photos / "a.png"), str(coded), *TINY]) == 0
    if way == "full" and not Path("/dev/full").exists():
        pytest.skip("only Linux has a device that is full")
    for words in (["info", str(coded)], ["decode", str(coded), "-", "--preset", "instant"]):
        if way == "pipe":
            reading, writing = os.pipe()
            os.close(reading)
        else:
            writing = os.open("/dev/full", os.O_WRONLY)
        command = [sys.executable, "-m", "difficmh_core", *words]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, stdout=writing, stderr=subprocess.PIPE, env=environment, check=False
        )
        os.close(writing)
        assert done.returncode == 1
        (line,) = done.stderr.decode().splitlines()
        assert line in ("error: Broken pipe.", "error: No space left on device.")
