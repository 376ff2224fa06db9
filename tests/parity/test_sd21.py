"""The published system as a whole, on reduced weights, through the loader of profile sd21."""

import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest
import torch
from gradio_client import Client, handle_file
from PIL import Image

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.decoding import DecodeSettings, SamplerName
from difficmh_core.errors import CheckpointError, ConfigError, ModelMismatchError
from difficmh_core.image_io import to_image
from difficmh_core.models.sd21 import STRIPPED_FOLDER, load_published
from difficmh_core.weights.published.stripped import strip_checkpoint
from tests.golden.__main__ import digest_of
from tests.reduced_sd21 import fill_cache, reduced_config, reduced_weights, reduced_words

RATE = 4
QUICK = DecodeSettings(steps=2, guidance_scale=3.0, sampler=SamplerName.DPM_SOLVER)


@pytest.fixture(scope="module")
def weights(parity):
    return reduced_weights(parity)


@pytest.fixture(scope="module")
def checkpoint(weights, tmp_path_factory):
    path = tmp_path_factory.mktemp("sd21") / "model.ckpt"
    torch.save({"state_dict": weights, "optimizer_states": [{"state": {}}]}, path)
    return path


@pytest.fixture(scope="module")
def config(parity, weights):
    return reduced_config(parity, weights, RATE)


@pytest.fixture(scope="module")
def words(parity):
    return reduced_words(parity)


@pytest.fixture(scope="module")
def load(parity, config, words):
    def loaded(*paths):
        networks, tagger = load_published(config, parity.tagger_config(), paths, words)
        return DiffICMHCodec(config, networks, words.vocabulary, tagger)

    return loaded


@pytest.fixture(scope="module")
def codec(load, checkpoint):
    return load(checkpoint)


@pytest.fixture(scope="module")
def image(parity):
    pixels = parity.tensors("vae.safetensors")["image_u8"]
    return to_image(pixels.permute(2, 0, 1)[None].float() / 255)


@pytest.fixture(scope="module")
def encoded(codec, image):
    return codec.encode(image)


def test_a_picture_is_coded_and_decoded(codec, encoded, image, parity):
    reference = parity.tensors("ram_reduced.safetensors")
    assert list(encoded.stream.tag_ids) == reference["indexes"].tolist()
    assert encoded.stream.quality_level == RATE
    steps = list(codec.decode(encoded.data, QUICK))
    assert steps[-1].image.size == image.size
    assert steps[0].preview().size == (image.width // 8, image.height // 8)
    assert codec.decode_image(encoded.data, QUICK).tobytes() == steps[-1].image.tobytes()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_integers_are_the_same_on_cuda(parity, config, words, checkpoint, codec, image):
    networks, tagger = load_published(
        config, parity.tagger_config(), [checkpoint], words, device="cuda", dtype=torch.bfloat16
    )
    other = DiffICMHCodec(config, networks, words.vocabulary, tagger, device="cuda")
    assert other.fingerprint == codec.fingerprint
    for writer in (codec, other):
        data = writer.encode(image, tags=None).data
        assert digest_of(codec, data) == digest_of(other, data)
    assert other.decode_image(data, QUICK).size == image.size


def test_the_rate_is_the_checkpoints_own(codec, image, encoded):
    with pytest.raises(ConfigError, match="one rate"):
        codec.encode(image, quality=50.0)
    n_bytes = len(encoded.data)
    assert codec.encode(image, target_bytes=n_bytes).data == encoded.data
    with pytest.raises(ConfigError, match="No quality fits"):
        codec.encode(image, target_bytes=n_bytes - 1)


@pytest.mark.parametrize("style", ["old", "new"])
def test_both_namings_of_the_entropy_bottleneck_load(load, codec, weights, style, tmp_path):
    plural = {"matrix": "matrices", "bias": "biases", "factor": "factors"}
    before = "preprocess_model.entropy_bottleneck."
    renamed = {}
    for name, tensor in weights.items():
        for word, many in plural.items():
            for index in range(5):
                old, new = f"{before}_{word}{index}", f"{before}{many}.{index}"
                if name in (old, new):
                    name = old if style == "old" else new
        renamed[name] = tensor
    assert any("._matrix0" in name for name in renamed) == (style == "old")
    torch.save({"state_dict": renamed}, tmp_path / "model.ckpt")
    assert load(tmp_path / "model.ckpt").fingerprint == codec.fingerprint


def test_stripped_files_decode_to_the_same_picture(load, checkpoint, codec, encoded, tmp_path):
    folder = tmp_path / STRIPPED_FOLDER
    sizes = strip_checkpoint(checkpoint, folder, RATE)
    stripped = load(*(folder / name for name in sizes))
    assert stripped.decode_image(encoded.data, QUICK) == codec.decode_image(encoded.data, QUICK)


def test_other_weights_refuse_the_file(load, weights, encoded, tmp_path):
    name = next(name for name in weights if name.startswith("preprocess_model.hyper_dec"))
    torch.save({"state_dict": weights | {name: weights[name] + 0.1}}, tmp_path / "model.ckpt")
    with pytest.raises(ModelMismatchError):
        load(tmp_path / "model.ckpt").decode_image(encoded.data, QUICK)


@pytest.mark.parametrize(
    "prefix",
    ["first_stage_model.", "model.diffusion_model.", "control_model.", "preprocess_model."],
)
def test_a_missing_or_wrong_tensor_is_named(load, weights, tmp_path, prefix):
    name = next(name for name in weights if name.startswith(prefix) and name.endswith("weight"))
    without = {key: value for key, value in weights.items() if key != name}
    torch.save({"state_dict": without}, tmp_path / "model.ckpt")
    with pytest.raises(CheckpointError, match=r"1 \(.*missing"):
        load(tmp_path / "model.ckpt")
    torch.save({"state_dict": weights | {name: torch.zeros(7)}}, tmp_path / "model.ckpt")
    with pytest.raises(CheckpointError, match=r"has the shape \(7,\)"):
        load(tmp_path / "model.ckpt")


def test_a_configuration_without_text_tower_is_refused(parity, config, checkpoint, words):
    conditioning = replace(config.conditioning, text_tower=None)
    with pytest.raises(ConfigError, match="text tower"):
        load_published(
            replace(config, conditioning=conditioning), parity.tagger_config(), [checkpoint], words
        )


def test_the_page_runs_it(parity, checkpoint, image, tmp_path):
    image.save(tmp_path / "photo.png")
    fill_cache(tmp_path / "cache", checkpoint, RATE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tests.reduced_sd21", str(parity.folder), "app"]
    command += ["--profile", "sd21", "--port", str(port), "--cache-dir", str(tmp_path / "cache")]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stderr=log) as page:
        try:
            client = connect(f"http://127.0.0.1:{port}", page, tmp_path / "log")
            file, facts = client.predict(
                handle_file(str(tmp_path / "photo.png")), api_name="/encode"
            )
            assert facts["profile"] == "sd21"
            assert facts["tags"]
            shown, _ = client.predict(
                handle_file(file), steps=3, guidance_scale=2.0, api_name="/decode"
            )
            with Image.open(shown) as decoded:
                assert decoded.size == image.size
            notice = json.dumps(client.config, ensure_ascii=False)
            assert "77 minutes" in notice
            assert "--profile nano" in notice
            client.close()
        finally:
            page.terminate()


def connect(url, page, log):
    for _ in range(1200):
        assert page.poll() is None, log.read_text()
        with suppress(httpx.ConnectError):
            return Client(url, verbose=False)
        time.sleep(0.5)
    raise AssertionError(log.read_text())


def test_the_program_runs_in_processes_of_its_own(parity, checkpoint, image, tmp_path):
    photo, file = tmp_path / "photo.png", tmp_path / "photo.dicmh"
    image.save(photo)
    cache_dir = tmp_path / "cache"
    fill_cache(cache_dir, checkpoint, RATE)

    def run(*words):
        command = [
            sys.executable,
            "-m",
            "tests.reduced_sd21",
            str(parity.folder),
            *map(str, words),
        ]
        command += ["--cache-dir", str(cache_dir), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), done.stderr

    told, said = run("encode", photo, file, "--profile", "sd21", "--rate", RATE)
    assert told["rate"] == RATE
    assert [tag["name"] for tag in told["tags"]]
    assert "--profile nano" in said
    pictures = []
    for name in ("one.png", "two.png"):
        run("decode", file, tmp_path / name, "--steps", 2)
        pictures.append((tmp_path / name).read_bytes())
    assert pictures[0] == pictures[1]
    assert run("verify", file)[0]["is_valid"]
