"""One picture, or a folder of them, by every codec at the same bytes, measured the same way."""
