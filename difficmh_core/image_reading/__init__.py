"""Pictures from files of many kinds, safe and complete; without torch, so that it loads fast."""

from difficmh_core.image_reading.decoding import import_decoders
from difficmh_core.image_reading.picture import MAX_PIXELS, Picture, read_picture

__all__ = ["MAX_PIXELS", "Picture", "import_decoders", "read_picture"]
