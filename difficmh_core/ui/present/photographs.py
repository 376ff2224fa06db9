"""The photographs of a talk, each with the files that its stations compare.

Results come from where ``make showcase`` keeps them; what is missing is computed once and kept
there, too.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from difficmh_core.errors import ImageError
from difficmh_core.ui.compare import texts as compare_texts
from difficmh_core.ui.compare.codecs import Measured, codecs_of, measure_one
from difficmh_core.ui.components.file_facts import BYTES_PER_RAW_PIXEL
from difficmh_core.ui.present import texts
from difficmh_core.ui.runtime.service import CodecService
from difficmh_core.ui.runtime.uploads import Photo, UploadStore
from difficmh_core.ui.showcase import comparison_of

OURS, CONTENT = "ours", "content"
CODECS = (OURS, CONTENT, "vvc", "jpeg")
"""What the stations show; ``make showcase`` measures more."""
_SLOW_S = 1.0
"""What takes longer was not kept, and is told [s]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Presented:
    """A photograph with its files.

    Attributes:
        photo: As it was received.
        image: Its pixels.
        png: The same as a file.
        files: Each codec's, decoded and measured, by the codec's key; none without a picture.
    """

    photo: Photo
    image: Image.Image
    png: bytes
    files: Mapping[str, Measured]

    @property
    def ours(self) -> Measured:
        """Our file."""
        return self.files[OURS]

    @property
    def n_raw_bytes(self) -> int:
        """Its size with eight bits for each of red, green and blue [bytes]."""
        return BYTES_PER_RAW_PIXEL * self.image.width * self.image.height


def measure_photograph(
    service: CodecService, uploads: UploadStore, example: str, tell: Callable[[str], None]
) -> Presented:
    """Gather a photograph's files.

    Args:
        service: The codec, with the results that are kept.
        uploads: Takes in the photograph.
        example: Name of one of the page's own files.
        tell: Takes a line about what was missing, and is computed now.

    Raises:
        DiffICMHError: If the photograph cannot be coded.
    """
    photo = uploads.receive(example)
    image = uploads.load(photo)
    name = Path(example).name

    def tell_if_slow(what: str, started: float) -> None:
        seconds = time.monotonic() - started
        if seconds > _SLOW_S:
            tell(texts.COMPUTED.format(name=name, what=what, seconds=seconds))

    started = time.monotonic()
    asked = comparison_of(service, photo, image)
    tell_if_slow(texts.THE_FILE, started)
    files = dict[str, Measured]()
    for key, codec in codecs_of(service, CODECS, asked).items():
        started = time.monotonic()
        measured = measure_one(service, key, codec, asked)
        if measured.row.error is None:
            files[key] = measured
            tell_if_slow(compare_texts.CODECS[key], started)
            continue
        reason = texts.NO_FILE.format(name=name, reason=measured.row.error)
        if key == OURS:
            raise ImageError(reason)
        tell(reason)
    return Presented(photo=photo, image=image, png=Path(photo.path).read_bytes(), files=files)
