"""Diff-ICMH: a generative image codec whose one bitstream serves people and machines."""

__version__ = "0.1.0"
