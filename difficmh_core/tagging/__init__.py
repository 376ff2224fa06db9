"""Tags: vocabularies, what a picture shows, and the networks that see it."""
