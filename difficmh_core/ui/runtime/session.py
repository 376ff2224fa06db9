"""What the page keeps for one visitor."""

from collections.abc import Mapping
from dataclasses import dataclass

from difficmh_core.config.decoding import DecodeSettings, controls_of
from difficmh_core.encoding import Encoded
from difficmh_core.tagging.tags import Tag
from difficmh_core.ui.runtime.uploads import Photo

KEPT_S = 600
"""What the page keeps for a visitor is forgotten after this time [s]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Session:
    """What the page keeps for one visitor.

    Attributes:
        photo: The photograph, if there is one.
        proposals: What the tagger saw; ``None`` until it was asked.
        offered: Tags that the page shows: the tagger's and the visitor's.
        encoded: The file.
        picture: Where the decoded picture of this file lies; ``None`` before it is decoded.
        settings: How a picture was last decoded; ``None`` before the first.
    """

    photo: Photo | None = None
    proposals: tuple[Tag, ...] | None = None
    offered: tuple[Tag, ...] = ()
    encoded: Encoded | None = None
    picture: str | None = None
    settings: DecodeSettings | None = None

    def lacks_picture(self, controls: Mapping[str, object]) -> bool:
        """Tell whether there is a file whose picture with these controls is not shown yet."""
        if self.encoded is None:
            return False
        if self.picture is None or self.settings is None:
            return True
        return controls_of(self.settings) != controls
