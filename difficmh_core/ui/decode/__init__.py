"""The tab that decodes a file."""
