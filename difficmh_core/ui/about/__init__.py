"""The tab that tells what this is."""
