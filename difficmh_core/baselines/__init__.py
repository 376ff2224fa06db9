"""The codecs that a user would take instead, and the search for equal bytes."""
