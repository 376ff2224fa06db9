"""The tab that compares codecs."""
