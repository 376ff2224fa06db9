"""Diff-ICMH: a generative image codec whose one bitstream serves people and machines."""
