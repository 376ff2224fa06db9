"""The result that the page shows before anything is asked for.

It was made in advance and lies beside this file, so that it is there before the model is loaded:
the file, its decoded picture (as a WebP, so that it stays small), and the numbers, which were
measured on the decoder's own pixels. ``python -m tests.first_example`` makes it anew, and a test
says when the weights are no longer those it was made with.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from difficmh_core.bitstream.container import Bitstream
from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.config.profiles import preset_of
from difficmh_core.ui.compress.history import Result, thumbnail_of
from difficmh_core.ui.runtime.measures import Measures
from difficmh_core.ui.runtime.served_files import ServedFiles
from difficmh_core.ui.runtime.uploads import Photo
from difficmh_core.vision.boxes import boxes_from

FOLDER = Path(__file__).with_name("first")
FACTS, CODED, DECODED = "facts.json", "photo.dicmh", "decoded.webp"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FirstExample:
    """A photo, its file and its decoded picture, made in advance.

    Attributes:
        stream: The file.
        section_bits: Size of each of its sections [bit].
        result: What is shown of it.
    """

    stream: Bitstream
    section_bits: dict[str, float]
    result: Result


def read_first_example(
    files: ServedFiles, profile: str, folder: Path | None = FOLDER
) -> FirstExample | None:
    """Read the example of a profile; ``None`` for a profile that has none, or without its photo.

    Args:
        files: Serves the photo, as one of the examples, and from now on the decoded picture.
        profile: Whose files the page makes.
        folder: Where the example lies; ``None`` for none.
    """
    if folder is None:
        return None
    facts: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    served = {Path(name).name: name for name in files.examples}
    if facts["profile"] != profile or facts["photo"] not in served:
        return None
    stream = Bitstream.from_bytes((folder / CODED).read_bytes())
    decoded = (folder / DECODED).read_bytes()
    photo = Path(served[facts["photo"]])
    with Image.open(folder / DECODED) as image:
        thumbnail = thumbnail_of(image)
    settings: DecodeSettings = preset_of(profile, facts["preset"])
    result = Result(
        photo=Photo(
            path=str(photo),
            digest="",
            name=photo.stem,
            upload_bytes=photo.stat().st_size,
            upload_format="",
            size_px=(stream.height_px, stream.width_px),
        ),
        size_px=(stream.height_px, stream.width_px),
        picture=files.keep(decoded, DECODED),
        thumbnail=thumbnail,
        n_bytes=stream.n_bytes,
        bpp=stream.bpp,
        settings=settings,
        steps=settings.steps,
        seconds=0.0,
        was_kept=False,
        measures=Measures(values=facts["values"]),
        is_measured=True,
        boxes=boxes_from(facts["boxes"]),
    )
    return FirstExample(stream=stream, section_bits=facts["section_bits"], result=result)
