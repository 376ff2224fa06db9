"""JPEG, WebP, AVIF and JPEG XL, by the libraries that Pillow carries.

References:
    Pillow, image file formats,
    https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html
    pillow-jxl-plugin (libjxl), https://github.com/Isotr0py/pillow-jpegxl-plugin
"""

import importlib.metadata
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, features

from difficmh_core.baselines.baseline import Baseline
from difficmh_core.errors import BackendUnavailableError, ProgramError


@dataclass(frozen=True, kw_only=True, eq=False)
class PillowCodec(Baseline):
    """A format that Pillow writes and reads.

    Attributes:
        pillow_format: How Pillow names the format.
        options: What else Pillow's encoder is told.
    """

    key: str
    name: str
    version: str
    qualities: Sequence[int]
    max_side_px: int
    pillow_format: str
    options: Mapping[str, Any]

    def encode(self, image: Image.Image, quality: int) -> bytes:
        """Return the whole file; arguments and errors as :meth:`Baseline.encode`."""
        buffer = io.BytesIO()
        try:
            image.save(buffer, self.pillow_format, quality=quality, **self.options)
        except (OSError, ValueError, RuntimeError) as error:
            raise ProgramError(
                f"{self.name} cannot encode {image.width} x {image.height} px ({error}). "
                "Take another image, or leave this codec out."
            ) from error
        return buffer.getvalue()

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture; errors as :meth:`Baseline.decode`."""
        try:
            with Image.open(io.BytesIO(data), formats=[self.pillow_format]) as image:
                return image.convert("RGB")
        except (OSError, ValueError, RuntimeError) as error:
            raise ProgramError(f"{self.name} cannot decode its file ({error}).") from error


def _feature(module: str, name: str) -> str:
    if not features.check_module(module):
        raise BackendUnavailableError(
            f"This build of Pillow has no {name}. Install Pillow 11.3 or later from the package "
            "registry; all other codecs work without it."
        )
    return features.version_module(module) or ""


class JpegliCodec(PillowCodec):
    """JPEG by jpegli, which any reader of JPEG decodes."""

    def encode(self, image: Image.Image, quality: int) -> bytes:
        """Return the whole file; arguments and errors as :meth:`Baseline.encode`."""
        import pyjpegli

        try:
            data: bytes = pyjpegli.encode(image.tobytes(), image.width, image.height, quality)
        except (OSError, ValueError, RuntimeError) as error:
            raise ProgramError(f"{self.name} cannot encode this image ({error}).") from error
        return data


def _jpegli() -> str:
    try:
        return importlib.metadata.version("pyjpegli")
    except importlib.metadata.PackageNotFoundError as error:
        raise BackendUnavailableError(
            "jpegli needs the package pyjpegli, which is not installed. Run `pip install "
            "pyjpegli`; all other codecs work without it."
        ) from error


def _avif() -> PillowCodec:
    """AVIF as people run it: tuned for how images look, where this build's libaom knows that."""
    version, options = _feature("avif", "AVIF"), {"speed": 4, "codec": "aom"}
    tuned = {"advanced": {"tune": "iq"}}
    try:
        Image.new("RGB", (8, 8)).save(io.BytesIO(), "AVIF", **options, **tuned)
    except ValueError:  # libaom before 3.12
        tuned = {}
    from PIL import _avif as library  # the only place that knows the encoder's version

    found = re.search(r"aom \[enc[^]]*\]:([\w.]+)", library.codec_versions())
    encoder = found[1] if found else "of unknown version"
    return PillowCodec(
        key="avif",
        name=f"AVIF (libaom {encoder}{', tune iq' if tuned else ''}, speed 4)",
        version=f"{version}, libaom {encoder}",
        qualities=range(100 if tuned else 101),  # the last one is lossless, which has no tuning
        max_side_px=65_536,
        pillow_format="AVIF",
        options={**options, **tuned, "subsampling": "4:2:0"},
    )


def _plugin() -> str:
    try:
        import pillow_jxl  # noqa: F401 (registers the format)
    except ImportError as error:
        raise BackendUnavailableError(
            "JPEG XL needs the package pillow-jxl-plugin, which is not installed. "
            "Run `pip install pillow-jxl-plugin`; all other codecs work without it."
        ) from error
    return importlib.metadata.version("pillow-jxl-plugin")


PILLOW_CODECS: Mapping[str, Callable[[], PillowCodec]] = {
    "jpeg": lambda: PillowCodec(
        key="jpeg",
        name="JPEG (libjpeg-turbo, progressive)",
        version=features.version("jpg") or "",
        qualities=range(1, 96),
        max_side_px=65_500,
        pillow_format="JPEG",
        options={"optimize": True, "progressive": True, "subsampling": "4:2:0"},
    ),
    "jpegli": lambda: JpegliCodec(
        key="jpegli",
        name="JPEG (jpegli)",
        version=_jpegli(),
        qualities=range(1, 101),
        max_side_px=65_500,
        pillow_format="JPEG",
        options={},
    ),
    "webp": lambda: PillowCodec(
        key="webp",
        name="WebP (libwebp, method 6)",
        version=_feature("webp", "WebP"),
        qualities=range(101),
        max_side_px=16_383,
        pillow_format="WEBP",
        options={"method": 6},
    ),
    "avif": _avif,
    "jxl": lambda: PillowCodec(
        key="jxl",
        name="JPEG XL (libjxl, effort 7)",
        version=_plugin(),
        qualities=range(100),  # 100 would be lossless
        max_side_px=1 << 18,
        pillow_format="JXL",
        options={"effort": 7},
    ),
}
"""What makes each codec, by its key; raises BackendUnavailableError where a library is absent."""
