"""What visitors bring: photographs, which lose their metadata on arrival, and .dicmh files."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from difficmh_core.bitstream.container import Bitstream, Limits
from difficmh_core.errors import ImageError
from difficmh_core.image_io import read_image
from difficmh_core.picture_pool import PngPicture, read_as_png
from difficmh_core.ui.runtime import texts
from difficmh_core.ui.runtime.served_files import ForeignFileError, ServedFiles

PictureReader = Callable[..., PngPicture]
"""As :func:`~difficmh_core.picture_pool.read_as_png`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A photograph that a visitor brought.

    Attributes:
        path: Where it lies without its metadata, a PNG in the page's cache.
        digest: Of that PNG.
        name: Name of the upload without its suffix.
        upload_bytes: Size of the upload [bytes].
        upload_format: Format of the upload, as people call it.
        notes: What was told when it was read, such as that it was the first of several frames.
    """

    path: str
    digest: str
    name: str
    upload_bytes: int
    upload_format: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedFile:
    """A .dicmh file that a visitor brought.

    Attributes:
        stream: What its header says, and its payload.
        name: Its name without the suffix.
    """

    stream: Bitstream
    name: str


class UploadStore:
    """Takes in what visitors bring, and finds it again; all visitors share it."""

    def __init__(
        self, files: ServedFiles, *, max_pixels: int, read: PictureReader = read_as_png
    ) -> None:
        """Start with no photograph.

        Args:
            files: What visitors sent.
            max_pixels: Largest picture that the page takes [px].
            read: Reads pictures; in public that of a :class:`PicturePool`.
        """
        self._files = files
        self._max_pixels = max_pixels
        self._read = read

    def receive(self, named: object) -> Photo:
        """Take an upload: strip its metadata, keep the picture, delete the upload itself.

        Args:
            named: The upload, as a caller names it.

        Raises:
            ForeignFileError: If it is no upload, or has been deleted.
            ImageError: If it is no picture, or too large.
        """
        path = self._files.path_of(named)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:  # two visitors may bring the same at once
            known = self._files.read_in(path)
            if not isinstance(known, Photo) or not Path(known.path).is_file():
                raise ForeignFileError from error
            return known
        read = self._read(data, name=path.name, max_pixels=self._max_pixels)
        photo = Photo(
            path=self._files.save(read.png, f"{path.stem}.png"),
            digest=hashlib.sha256(read.png).hexdigest(),
            name=path.stem,
            upload_bytes=len(data),
            upload_format=read.format_name,
            notes=read.notes,
        )
        self._files.delete_upload(path, photo)
        return photo

    def load(self, photo: Photo) -> Image.Image:
        """Read the pixels of a photograph that was received.

        Raises:
            ImageError: If it has been deleted, as all are after a while.
        """
        if not Path(photo.path).is_file():
            raise ImageError(texts.PHOTO_EXPIRED)
        return read_image(photo.path, max_pixels=self._max_pixels)

    def open_file(self, named: object) -> OpenedFile:
        """Open a .dicmh file.

        Args:
            named: The file, as a caller names it.

        Raises:
            ForeignFileError: If it is no upload or result, or has been deleted.
            BitstreamError: If it is damaged or not ours.
            ImageError: If it announces a picture that is too large.
        """
        path = self._files.path_of(named)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise ForeignFileError from error
        stream = Bitstream.from_bytes(data, limits=Limits(max_pixels=self._max_pixels))
        return OpenedFile(stream=stream, name=path.stem)
