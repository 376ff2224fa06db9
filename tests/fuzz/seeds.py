"""The corpus: small good files and what was once read wrongly; ``python -m tests.fuzz.seeds``."""

import io
import json
import pickle
import shutil
import struct

import numpy as np
import torch
from PIL import Image, ImageCms
from safetensors.torch import save as to_safetensors

from difficmh_core.config.decoding import controls_of
from difficmh_core.config.profiles import presets_of
from difficmh_core.models.load import load_codec
from difficmh_core.training.checkpoints import CHECKPOINT_NAME, save_checkpoint
from difficmh_core.training.settings import StageSettings
from tests.fuzz import weights
from tests.fuzz.dicmh import split, with_crc
from tests.fuzz.targets import CORPUS
from tests.golden.__main__ import synthetic_photo


def containers():
    """Files of both profiles, with and without tags and corrections."""
    for profile, size, quality, tags in (
        ("tiny", (40, 50), 20, ()),
        ("tiny", (100, 75), 80, ("tabby", "person")),
        ("nano", (64, 64), 20, ("volcano",)),
        ("nano", (40, 130), 90, ()),
    ):
        data = load_codec(profile).encode(synthetic_photo(*size), quality=quality, tags=tags).data
        yield f"good-{profile}-{size[1]}x{size[0]}", data
    parts = split(data)
    body = parts.to_bytes()[:-6]
    yield "empty", b""
    yield "overlong-number", with_crc(body[:10] + b"\x80\x00" + body[12:] + b"\0\0")


def pictures():
    """One picture of each format, in its variants."""
    rgb = synthetic_photo(9, 13)
    grey, rgba = rgb.convert("L"), rgb.convert("RGBA")
    rgba.putalpha(grey)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    deep = Image.fromarray(np.arange(117, dtype=np.uint16).reshape(9, 13) * 500)
    palette = io.BytesIO()
    rgb.quantize(8).save(palette, "PNG")
    start = palette.getvalue().index(b"PLTE") - 4
    end = start + 12 + int.from_bytes(palette.getvalue()[start : start + 4], "big")
    yield "no-palette.png", palette.getvalue()[:start] + palette.getvalue()[end:]
    for name, image, options in (
        ("rgb.png", rgb, {}),
        ("palette.png", rgb.quantize(8), {"transparency": 0}),
        ("deep.png", deep, {}),
        ("profile.png", rgb, {"icc_profile": profile}),
        ("turned.jpg", rgb, {"exif": exif, "quality": 30}),
        ("progressive.jpg", rgb.convert("CMYK"), {"progressive": True, "quality": 30}),
        ("lossy.webp", rgba, {"quality": 30}),
        ("lossless.webp", rgb, {"lossless": True}),
        ("it.avif", rgb, {"quality": 30}),
        ("it.gif", rgb.quantize(8), {}),
        ("it.bmp", rgb, {}),
        ("packed.tiff", rgb, {"compression": "tiff_lzw"}),
        ("deflated.tiff", rgba, {"compression": "tiff_adobe_deflate"}),
        ("fax.tiff", rgb.convert("1"), {"compression": "group4"}),
        ("it.ppm", rgb, {}),
        ("it.jp2", rgb, {"quality_mode": "dB", "quality_layers": [30]}),
    ):
        file = io.BytesIO()
        formats = {"jpg": "JPEG", "jp2": "JPEG2000"}
        suffix = name.split(".")[1]
        image.save(file, formats.get(suffix, suffix.upper()), **options)
        yield name, file.getvalue()


def settings():
    """Links and calls, good ones and those that were once read wrongly."""
    controls = controls_of(presets_of("nano")["paper"])
    query = "&".join(f"{key}={value}" for key, value in controls.items())
    yield "good-link", f"mode=quality&quality=50&bytes=2000&tags=true&passes=0&{query}".encode()
    yield "size-link", b"mode=size&bytes=900&steps=3&seed=12"
    yield "unused-size", b"mode=quality&bytes=abc"
    yield "infinite-size", b"mode=quality&bytes=inf&quality=nan"
    yield "quality-beyond", b"quality=1000"
    yield "other-digits", "steps=\uff11\uff12&passes=1_0".encode()
    call = controls | {"mode": "size", "target_bytes": 900, "tags": ["tabby"], "codecs": ["vvc"]}
    yield "good-call", json.dumps(call).encode()
    yield "long-number", b'{"steps": 1' + b"0" * 400 + b', "target_bytes": 1' + b"0" * 400 + b"}"
    yield "wrong-kinds", b'{"tags": [1, {}], "preset": [], "sampler": {}, "seed": {}, "codecs": 1}'
    yield "not-finite", b'{"steps": NaN, "quality": Infinity, "mode": "quality", "passes": -0.0}'


def weight_files():
    """Checkpoints, latents and cards."""
    state = weights.make_state()
    path = weights.folder() / CHECKPOINT_NAME
    save_checkpoint(path, state, StageSettings(minutes=1))
    checkpoint = path.read_bytes()
    yield "good-checkpoint", checkpoint
    latents = {"00000": torch.ones(2, 1, 1).half()}
    good = {"tags": "[[1, 2]]", "scaling_factor": "0.5"}
    yield "good-latents", to_safetensors(latents, good)
    for name, changed in {
        "no-metadata": None,
        "deep-tags": good | {"tags": "[" * 5000},
        "endless-factor": good | {"scaling_factor": "inf"},
        "endless-step": {"step": "1" + "0" * 20, "elapsed_s": "nan"},
        "step-is-no-number": {"step": "many", "elapsed_s": "0"},
    }.items():
        yield name, to_safetensors(latents, changed)
    eight_bits = {"weight": torch.ones(3, 2, dtype=torch.int8), "weight.step": torch.ones(3)}
    yield "good-eight-bits", to_safetensors(eight_bits | {"bias": torch.ones(3).half()})
    yield "other-moments", checkpoint.replace(b"[3,2]", b"[2,3]")
    for name, header in {
        "enormous": {"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}},
        "empty-side": {"a": {"dtype": "F32", "shape": [0, 1 << 62], "data_offsets": [0, 0]}},
        "overflow": {"a": {"dtype": "F32", "shape": [1 << 62, 4], "data_offsets": [0, 0]}},
    }.items():
        text = json.dumps(header).encode()
        yield name, struct.pack("<Q", len(text)) + text
    yield "deep-card", b"[" * 5000
    card = {"file": "a", "n_bytes": 1, "sha256": "0", "license": "", "source": "", "data": ""}
    card |= {"n_steps": {}, "training_seconds": 0, "device": "", "metrics": {}}
    yield "good-card", json.dumps(card).encode()


def pickle_files():
    """Instructions of good checkpoints and of hostile ones."""
    file = io.BytesIO()
    torch.save({"state_dict": {"a": torch.arange(4.0), "b": torch.ones(2, 2)}, "epoch": 3}, file)
    yield "good-whole", file.getvalue()
    start = file.getvalue().index(b"\x80\x02")
    good = file.getvalue()[start : file.getvalue().index(b".PK", start) + 1]
    yield "good-instructions", good
    yield "enormous", good.replace(b"K\x04\x85", b"\x8a\x06\0\0\0\0\0\x10\x85")
    yield "sparse", good.replace(b"_rebuild_tensor_v2", b"_rebuild_sparse_tensor")
    yield "module", b"\x80\x02cantigravity\ngeohash\n)R."
    yield "lightning", b"\x80\x02}X\x01\0\0\0acpytorch_lightning.callbacks\nAny\n)Rs."
    nested = {"net": {"kernel": np.arange(6, dtype=">f4").reshape(2, 3).T}, "n": np.array([1])}
    for protocol in (3, 4):
        yield f"good-arrays-{protocol}", pickle.dumps(nested, protocol=protocol)
    yield "called-array", b"cnumpy\nndarray\n(J\xff\xff\xff\x7ftR."
    yield "long-memo", b"\x80\x02}r\xff\xff\xff\xff."
    yield "cycle", b"\x80\x02}q\0X\x01\0\0\0ah\0s."
    yield "objects", pickle.dumps({"a": np.array([None])}, protocol=2)
    yield "no-contents", b"cnumpy.core.multiarray\n_reconstruct\n)R."


def main():
    """Write every file anew."""
    for name, seeds in {
        "container": containers,
        "pictures": pictures,
        "settings": settings,
        "weights": weight_files,
        "pickles": pickle_files,
    }.items():
        shutil.rmtree(CORPUS / name, ignore_errors=True)
        (CORPUS / name).mkdir(parents=True)
        for seed, data in seeds():
            (CORPUS / name / seed).write_bytes(data)


if __name__ == "__main__":
    main()
