"""The command line, ``python -m difficmh_core``."""
