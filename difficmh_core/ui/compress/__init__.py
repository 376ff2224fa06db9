"""The tab that compresses a photograph."""
