"""VVC (H.266) still pictures: by VTM where it is installed, else by VVenC.

VTM is the reference software, slow and best; VVenC is the fast encoder of the same makers. The
name always says which of them, and which preset, made a file. Pictures are coded as 10 bit 4:2:0
by VVenC, as 8 bit 4:4:4 by VTM, in BT.709 colors, with one quantization parameter and no
adaptation to the eye, as is usual when measuring.

References:
    VTM, https://vcgit.hhi.fraunhofer.de/jvet/VVCSoftware_VTM
    Wieckowski et al.: VVenC, 2021, https://github.com/fraunhoferhhi/vvenc
"""

import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from difficmh_core.baselines.baseline import Baseline
from difficmh_core.baselines.programs import TIME_LIMIT_S, run_program
from difficmh_core.errors import BackendUnavailableError, ProgramError
from difficmh_core.image_io import to_image, to_tensor
from difficmh_core.shapes import Image01
from difficmh_core.weights.cache import cached_path
from difficmh_core.weights.cards import VVENC_FFMPEG

_RED, _BLUE = 0.2126, 0.0722  # share of luma, ITU-R BT.709; the rest is green's
_MIN_SIDE_PX = 16
_EVEN_PX = 2  # what 4:2:0 needs
_BLOCK_PX = 8  # VTM's smallest block
_EXACT = "flags=bicubic+accurate_rnd+full_chroma_int"
"""How FFmpeg makes RGB: its fast way makes every picture 2 of 255 darker, and rougher."""
_VTM_PROGRAMS = ("EncoderApp", "DecoderApp")
_CONFIG = "encoder_intra_vtm.cfg"


class Vvc(Baseline):
    """A codec of VVC; qualities are quantization parameters."""

    key = "vvc"
    qualities = tuple(range(63, 15, -1))
    max_side_px = 16_384


class FfmpegVvenc(Vvc):
    """VVenC and FFmpeg's VVC decoder, through one ffmpeg program."""

    def __init__(
        self, ffmpeg: Path, preset: str = "fast", *, limit_s: float = TIME_LIMIT_S
    ) -> None:
        """Ask the program for its version.

        Args:
            ffmpeg: The program, built with libvvenc.
            preset: VVenC's: faster, fast, medium, slow or slower.
            limit_s: When an encoder or decoder is stopped [s].

        Raises:
            ProgramError: If the program does not run.
            BackendUnavailableError: If it was built without VVenC or without a VVC decoder.
        """
        self._ffmpeg = ffmpeg
        self._preset = preset
        self._limit_s = limit_s
        self.name = f"VVC (VVenC, preset {preset})"
        with tempfile.TemporaryDirectory() as folder:
            said = run_program([ffmpeg, "-hide_banner", "-codecs"], folder=Path(folder))
            version = run_program([ffmpeg, "-version"], folder=Path(folder))
        line = next((line for line in said.splitlines() if " vvc " in line), "")
        if "libvvenc" not in line or not line.strip().startswith("D"):
            raise BackendUnavailableError(
                f"The program {ffmpeg} was built without libvvenc or without a VVC decoder. Run "
                "`python -m difficmh_core fetch baselines`, or install an ffmpeg that has both."
            )
        self.version = f"{' '.join(version.split()[:3])}, exact RGB"

    def encode(self, image: Image.Image, quality: int) -> bytes:
        """Return the whole file; arguments and errors as :meth:`Baseline.encode`."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            padded = _padded(image, _EVEN_PX)
            padded.save(folder / "in.png", compress_level=1)
            options = "-v error -i in.png -frames:v 1 -vf scale=out_color_matrix=bt709 "
            options += f"-pix_fmt yuv420p10le -colorspace bt709 -c:v libvvenc -qp {quality} "
            options += f"-qpa 0 -preset {self._preset} out.266"
            run_program([self._ffmpeg, *options.split()], folder=folder, limit_s=self._limit_s)
            # How much to crop: one byte, which a stream with a conformance window would take too.
            crop = 16 * (padded.width - image.width) + padded.height - image.height
            return bytes([crop]) + _read(folder / "out.266", self.name)

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture; errors as :meth:`Baseline.decode`."""
        beside, below = divmod(data[0], 16)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "in.266").write_bytes(data[1:])
            options = f"-v error -i in.266 -frames:v 1 -vf scale=in_color_matrix=bt709:{_EXACT} "
            options += "-pix_fmt rgb24 out.png"
            run_program([self._ffmpeg, *options.split()], folder=folder, limit_s=self._limit_s)
            with Image.open(folder / "out.png") as image:
                return image.convert("RGB").crop(
                    (0, 0, image.width - beside, image.height - below)
                )


class Vtm(Vvc):
    """VTM's ``EncoderApp`` and ``DecoderApp``, all-intra."""

    name = "VVC (VTM, all intra)"

    def __init__(self, encoder: Path, decoder: Path, config: Path) -> None:
        """Ask the programs for their version.

        Args:
            encoder: ``EncoderAppStatic`` or ``EncoderApp``.
            decoder: ``DecoderAppStatic`` or ``DecoderApp``.
            config: VTM's ``encoder_intra_vtm.cfg``.

        Raises:
            ProgramError: If the encoder does not run.
        """
        self._encoder, self._decoder, self._config = encoder, decoder, config.resolve()
        with tempfile.TemporaryDirectory() as folder:
            said = run_program([encoder, "--help"], folder=Path(folder))
        found = re.search(r"Version \[?([\d.]+)", said)
        self.version = found[1] if found else "of unknown number"

    def encode(self, image: Image.Image, quality: int) -> bytes:
        """Return the whole file; arguments and errors as :meth:`Baseline.encode`."""
        # The decoder writes planes without a size: four bytes before the stream, counted.
        size = np.array(image.size, dtype="<u2").tobytes()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            padded = _padded(image, _BLOCK_PX)
            planes = _to_ycbcr(to_tensor(padded))[0].clamp(0, 1).mul(255).round()
            (folder / "in.yuv").write_bytes(planes.to(torch.uint8).numpy().tobytes())
            options = {
                "-c": self._config,
                "-i": "in.yuv",
                "-b": "out.266",
                "-o": os.devnull,
                "-wdt": padded.width,
                "-hgt": padded.height,
                "-q": quality,
                "-f": 1,
                "-fr": 1,
            }
            command: list[str | Path] = [
                self._encoder,
                *(str(word) for pair in options.items() for word in pair),
            ]
            command += ["--InputBitDepth=8", "--InputChromaFormat=444", "--ChromaFormatIDC=444"]
            run_program(command, folder=folder, limit_s=1800)
            return size + _read(folder / "out.266", self.name)

    def decode(self, data: bytes) -> Image.Image:
        """Return the picture; errors as :meth:`Baseline.decode`."""
        width, height = (int(side) for side in np.frombuffer(data[:4], dtype="<u2"))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "in.266").write_bytes(data[4:])
            command: list[str | Path] = [self._decoder, "-b", "in.266", "-o", "out.yuv", "-d", "8"]
            run_program(command, folder=folder)
            planes = np.frombuffer(_read(folder / "out.yuv", self.name), dtype=np.uint8)
        shape = 1, 3, _padded_px(height, _BLOCK_PX), _padded_px(width, _BLOCK_PX)
        if planes.size != np.prod(shape):
            raise ProgramError(f"{self.name} decoded {planes.size} values, expected {shape}.")
        image = _to_rgb(torch.tensor(planes.reshape(shape)).float() / 255).clamp(0, 1)
        return to_image(image).crop((0, 0, width, height))


def find_vvc(cache_dir: Path, *, vtm: Path | None = None, preset: str = "fast") -> Vvc:
    """Return VTM if its folder is named, else VVenC from the path, else the packaged one.

    Args:
        cache_dir: Where fetched files lie.
        vtm: VTM's folder, with ``bin`` and ``cfg`` in it.
        preset: VVenC's.

    Raises:
        BackendUnavailableError: If there is none; the message names the command that gets one.
        CheckpointError: If the packaged program is not the published one.
        ProgramError: If the program that was found does not run.
    """
    if vtm is not None:
        encoder, decoder = (_first(vtm / "bin", stem) for stem in _VTM_PROGRAMS)
        config = vtm / "cfg" / _CONFIG
        if encoder is None or decoder is None or not config.is_file():
            raise BackendUnavailableError(
                f"{vtm} holds no built VTM: bin/EncoderAppStatic, bin/DecoderAppStatic and "
                f"cfg/{_CONFIG} are expected. Build VTM there, or name another folder."
            )
        return Vtm(encoder, decoder, config)
    if found := shutil.which("ffmpeg"):
        try:
            return FfmpegVvenc(Path(found), preset)
        except BackendUnavailableError:
            pass  # an ffmpeg without VVenC is common; the packaged one has it
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise BackendUnavailableError(
            "VVC needs an ffmpeg with libvvenc on the path, or VTM; the packaged program runs on "
            "Linux and x86-64 only. All other codecs work without it."
        )
    program = cached_path(VVENC_FFMPEG, cache_dir)  # its SHA-256 is checked here
    program.chmod(0o755)
    return FfmpegVvenc(program, preset)


def _to_ycbcr(image: Image01) -> Tensor:
    """Luma and two color differences in [0, 1], full range (ITU-R BT.709, section 3)."""
    red, green, blue = image.unbind(1)
    luma = _RED * red + (1 - _RED - _BLUE) * green + _BLUE * blue
    blueness = (blue - luma) / (2 * (1 - _BLUE)) + 0.5
    redness = (red - luma) / (2 * (1 - _RED)) + 0.5
    return torch.stack([luma, blueness, redness], dim=1)


def _to_rgb(planes: Tensor) -> Tensor:
    """The reverse of :func:`_to_ycbcr`."""
    luma, blueness, redness = planes.unbind(1)
    red = luma + 2 * (1 - _RED) * (redness - 0.5)
    blue = luma + 2 * (1 - _BLUE) * (blueness - 0.5)
    green = (luma - _RED * red - _BLUE * blue) / (1 - _RED - _BLUE)
    return torch.stack([red, green, blue], dim=1)


def _first(folder: Path, stem: str) -> Path | None:
    """The program of that name in a folder, the one without libraries of its own first."""
    names = (f"{stem}Static", stem, f"{stem}Static.exe", f"{stem}.exe")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _read(path: Path, name: str) -> bytes:
    if not path.is_file() or not path.stat().st_size:
        raise ProgramError(f"{name} ended without an error, but wrote nothing.")
    return path.read_bytes()


def _padded_px(side_px: int, multiple_px: int) -> int:
    return max(_MIN_SIDE_PX, -(-side_px // multiple_px) * multiple_px)


def _padded(image: Image.Image, multiple_px: int) -> Image.Image:
    """Return the picture with its last row and column repeated to sides that the encoder takes."""
    pixels = np.asarray(image)
    beside, below = (_padded_px(side, multiple_px) - side for side in image.size)
    return Image.fromarray(np.pad(pixels, ((0, below), (0, beside), (0, 0)), mode="edge"))
