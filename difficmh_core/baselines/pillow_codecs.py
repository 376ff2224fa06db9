"""JPEG, WebP, AVIF and JPEG XL, by the libraries that Pillow carries.

References:
    Pillow, image file formats,
    https://pillow.readthedocs.io/en/stable/handbook/image-file-formats.html
    pillow-jxl-plugin (libjxl), https://github.com/Isotr0py/pillow-jpegxl-plugin
"""

import importlib.metadata
import io
from collections.abc import Mapping, Sequence

from PIL import Image, features

from difficmh_core.baselines.baseline import Baseline
from difficmh_core.errors import BackendUnavailableError, ProgramError


class PillowCodec(Baseline):
    """A format that Pillow writes and reads."""

    def __init__(
        self,
        key: str,
        name: str,
        version: str,
        *,
        pillow_format: str,
        qualities: Sequence[int],
        options: Mapping[str, object],
        max_side_px: int,
    ) -> None:
        """Describe the codec.

        Args:
            key: How command lines name it.
            name: How people name it.
            version: Of the library.
            pillow_format: How Pillow names the format.
            qualities: Quality numbers, from the smallest file to the largest.
            options: What else Pillow's encoder is told.
            max_side_px: Longest side that the format allows [px].
        """
        self.key = key
        self.name = name
        self.version = version
        self.qualities = qualities
        self.max_side_px = max_side_px
        self._format = pillow_format
        self._options = dict(options)

    def encode(self, image: Image.Image, quality: int) -> bytes:
        """Return the whole file; arguments and errors as :meth:`Baseline.encode`."""
        buffer = io.BytesIO()
        try:
            image.save(buffer, self._format, quality=quality, **self._options)
        except (OSError, ValueError, RuntimeError) as error:
            raise ProgramError(
                f"{self.name} cannot encode {image.width} x {image.height} px ({error}). "
                "Take another image, or leave this codec out."
            ) from error
        return buffer.getvalue()

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture; errors as :meth:`Baseline.decode`."""
        try:
            with Image.open(io.BytesIO(data), formats=[self._format]) as image:
                return image.convert("RGB")
        except (OSError, ValueError, RuntimeError) as error:
            raise ProgramError(f"{self.name} cannot decode its file ({error}).") from error


def jpeg() -> PillowCodec:
    """Return JPEG: progressive, optimized Huffman tables, 4:2:0."""
    return PillowCodec(
        "jpeg",
        "JPEG (libjpeg-turbo, progressive)",
        features.version("jpg") or "",
        pillow_format="JPEG",
        qualities=range(1, 96),
        options={"optimize": True, "progressive": True, "subsampling": "4:2:0"},
        max_side_px=65_500,
    )


def webp() -> PillowCodec:
    """Return lossy WebP at its slowest method.

    Raises:
        BackendUnavailableError: If this Pillow has no WebP.
    """
    return PillowCodec(
        "webp",
        "WebP (libwebp, method 6)",
        _feature("webp", "WebP"),
        pillow_format="WEBP",
        qualities=range(101),
        options={"method": 6},
        max_side_px=16_383,
    )


def avif() -> PillowCodec:
    """Return AVIF, 4:2:0, by libaom at speed 4.

    Raises:
        BackendUnavailableError: If this Pillow has no AVIF.
    """
    return PillowCodec(
        "avif",
        "AVIF (libaom, speed 4)",
        _feature("avif", "AVIF"),
        pillow_format="AVIF",
        qualities=range(101),
        options={"speed": 4, "codec": "aom", "subsampling": "4:2:0"},
        max_side_px=65_536,
    )


def jpeg_xl() -> PillowCodec:
    """Return lossy JPEG XL, by libjxl at effort 7.

    Raises:
        BackendUnavailableError: If the plugin is not installed.
    """
    try:
        import pillow_jxl  # noqa: F401 (registers the format)
    except ImportError as error:
        raise BackendUnavailableError(
            "JPEG XL needs the package pillow-jxl-plugin, which is not installed. "
            "Run `pip install pillow-jxl-plugin`; all other codecs work without it."
        ) from error
    return PillowCodec(
        "jxl",
        "JPEG XL (libjxl, effort 7)",
        importlib.metadata.version("pillow-jxl-plugin"),
        pillow_format="JXL",
        qualities=range(100),  # 100 would be lossless
        options={"effort": 7},
        max_side_px=1 << 18,
    )


def _feature(module: str, name: str) -> str:
    if not features.check_module(module):
        raise BackendUnavailableError(
            f"This build of Pillow has no {name}. Install Pillow 11.3 or later from the package "
            "registry; all other codecs work without it."
        )
    return features.version_module(module) or ""
