"""What the page keeps for one visitor."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from difficmh_core.config.decoding import DecodeSettings
from difficmh_core.encoding import Encoded
from difficmh_core.errors import ConfigError
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.runtime.requests import CodingRequest, read_settings
from difficmh_core.ui.runtime.uploads import Photo

KEPT_S = 600
"""What the page keeps for a visitor is forgotten after this time [s]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """What the page keeps for one visitor.

    Attributes:
        photo: The photograph, if there is one.
        sizes: Of a large one: a smaller one and the whole, one of which is ``photo``.
        proposals: What the tagger saw; ``None`` until it was asked.
        offered: Tags that the page shows: the tagger's and the visitor's.
        encoded: The file.
        request: How the file was asked for, with the tags that it holds; ``None`` without one.
        picture: Where the decoded picture of this file lies; ``None`` before it is decoded.
        settings: How a picture was last decoded; ``None`` before the first.
    """

    photo: Photo | None = None
    sizes: tuple[Photo, ...] = ()
    proposals: tuple[Tag, ...] | None = None
    offered: tuple[Tag, ...] = ()
    encoded: Encoded | None = None
    request: CodingRequest | None = None
    picture: str | None = None
    settings: DecodeSettings | None = None

    def lacks_picture(self, controls: Mapping[str, object]) -> bool:
        """Tell whether there is a file whose picture with these controls is not shown yet."""
        if self.encoded is None:
            return False
        return self.picture is None or not is_decoded_with(self.settings, controls)

    def asked(self, request: CodingRequest) -> CodingRequest:
        """Reduce a request to what decides the file: of the tags, those that are sent."""
        sent = (tag.name for tag in self.offered if tag.name in request.tags)
        return replace(request, tags=tuple(sorted(sent)) if request.send_tags else ())

    def has_file_of(self, request: CodingRequest) -> bool:
        """Tell whether the file is the one that is asked for."""
        return self.encoded is not None and self.asked(request) == self.request


def is_decoded_with(settings: DecodeSettings | None, controls: Mapping[str, object]) -> bool:
    """Tell whether what the controls hold means these settings."""
    try:
        return read_settings(controls) == settings
    except ConfigError:
        return False
