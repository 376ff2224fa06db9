"""A report of one photograph: a card to show (PNG), and all numbers with their origin (JSON).

The report names versions and hashes, and the two commands that make the same file and the same
picture again.
"""

import hashlib
import importlib.metadata
import platform
import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from difficmh_core.codec import DiffICMHCodec
from difficmh_core.config.decoding import options_of
from difficmh_core.evaluation.experiments import ExperimentResult
from difficmh_core.models.model_key import model_key
from difficmh_core.quality.metric import Group
from difficmh_core.ui import texts
from difficmh_core.ui.study import texts as words
from difficmh_core.ui.study.photograph import StudyInput
from difficmh_core.ui.viewer import texts as viewer_texts
from difficmh_core.ui.viewer.metrics import METRICS

WIDTH_PX, MARGIN_PX, GAP_PX = 1280, 40, 20
BACKGROUND, INK, MUTED, ACCENT = "#ffffff", "#16202c", "#526072", "#0f766e"
_PACKAGES = ("torch", "diffusers", "constriction", "numpy", "pillow", "gradio")


def report_of(
    codec: DiffICMHCodec,
    given: StudyInput,
    result: ExperimentResult,
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Gather everything about one file and its picture; what JSON can hold.

    Args:
        codec: The codec of the page.
        given: The photograph and its file.
        result: The picture.
        rows: What else was measured on this photograph.
    """
    encoded = given.encoded
    stream = encoded.stream
    return {
        "program": {
            "name": "difficmh",
            "version": _version("difficmh"),
            "python": platform.python_version(),
            **{name: _version(name) for name in _PACKAGES},
        },
        "model": {
            "profile": codec.config.profile,
            "fingerprint": codec.fingerprint.hex(),
            "sha256": model_key(codec),
        },
        "photograph": {
            "name": given.photo.name,
            "width_px": given.image.width,
            "height_px": given.image.height,
            "rgb_sha256": _sha256(given.image.tobytes()),
        },
        "file": {
            "n_bytes": stream.n_bytes,
            "bpp": stream.bpp,
            "quality": round(stream.quality, 2),
            "tags": [tag.name for tag in encoded.tags],
            "section_bits": dict(encoded.section_bits),
            "sha256": _sha256(encoded.data),
        },
        "settings": given.settings.as_dict(),
        "picture": {
            "png_sha256": _sha256(result.png),
            "rgb_sha256": _sha256(result.image.tobytes()),
            "seconds": round(result.seconds, 3),
        },
        "measures": dict(result.values),
        "commands": commands_of(codec, given),
        "measured": [dict(row) for row in rows],
    }


def commands_of(codec: DiffICMHCodec, given: StudyInput) -> list[str]:
    """Write the commands that make the same file and the same picture again."""
    name, profile = given.photo.name, codec.config.profile
    tags = ",".join(tag.name for tag in given.encoded.tags) or "none"
    rate = codec.config.rate
    quality = (
        ["--quality", f"{given.encoded.stream.quality:.6g}"]
        if rate is None
        else ["--rate", str(rate)]
    )
    program = ["python", "-m", "difficmh_core"]
    encode = [*program, "encode", f"{name}.png", f"{name}.dicmh", *quality, "--tags", tags]
    decode = [*program, "decode", f"{name}.dicmh", f"{name}-decoded.png"]
    decode += options_of(given.settings)
    return [shlex.join([*command, "--profile", profile]) for command in (encode, decode)]


def draw_card(
    report: Mapping[str, Any], given: StudyInput, result: ExperimentResult
) -> Image.Image:
    """Draw the card: both pictures at equal size, the numbers, the commands, the notice."""
    side = (WIDTH_PX - 2 * MARGIN_PX - GAP_PX) // 2
    pictures = [_fitted(image, side) for image in (given.image, result.image)]
    file, model = report["file"], report["model"]
    numbers = [f"{file['n_bytes']:,} {viewer_texts.BYTES.lower()}, {file['bpp']:.4f} bpp"]
    numbers += [
        f"{measure.short} {measure.text(result.values[key])} {measure.unit}".strip()
        for key, measure in METRICS.items()
        if key in result.values and measure.group is not Group.MACHINES
    ]
    origin = [
        f"{texts.FACT_TAGS}: {', '.join(file['tags']) or texts.NO_TAGS}",
        f"{texts.FACT_PROFILE} {model['profile']}, {texts.FACT_MODEL.lower()} "
        f"{model['fingerprint']}, difficmh {report['program']['version']}, "
        f"torch {report['program']['torch']}",
        f"SHA-256 {words.CARD_ORIGINAL.lower()} (RGB) {report['photograph']['rgb_sha256'][:32]}",
        f"SHA-256 .dicmh {file['sha256'][:32]}",
        f"SHA-256 {words.CARD_DECODED.lower()} (RGB) {report['picture']['rgb_sha256'][:32]}",
    ]
    wrapper = textwrap.TextWrapper(
        118, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    commands = [line for command in report["commands"] for line in wrapper.wrap(command)]
    height = 130 + pictures[0].height + 40 + 46 + 26 * (len(origin) + len(commands) + 1) + 90
    card = Image.new("RGB", (WIDTH_PX, height), BACKGROUND)
    draw = ImageDraw.Draw(card)
    draw.text((MARGIN_PX, 34), words.CARD_TITLE, fill=ACCENT, font=_font(34))
    draw.text((MARGIN_PX, 84), given.photo.name, fill=MUTED, font=_font(20))
    top = 130
    for index, (picture, name) in enumerate(
        zip(pictures, (words.CARD_ORIGINAL, words.CARD_DECODED), strict=True)
    ):
        left = MARGIN_PX + index * (side + GAP_PX)
        card.paste(picture, (left, top))
        draw.text((left, top + picture.height + 8), name, fill=MUTED, font=_font(18))
    top += pictures[0].height + 44
    draw.text((MARGIN_PX, top), "     ".join(numbers), fill=INK, font=_font(21))
    top += 46
    for line in origin:
        draw.text((MARGIN_PX, top), line, fill=MUTED, font=_font(17))
        top += 26
    for line in (words.CARD_COMMAND, *commands):
        draw.text((MARGIN_PX, top), line, fill=INK, font=_font(17))
        top += 26
    draw.text((MARGIN_PX, top + 16), words.CARD_NOTICE, fill="#8a4b08", font=_font(18))
    return card


def _fitted(image: Image.Image, width: int) -> Image.Image:
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
