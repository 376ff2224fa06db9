"""The web page of Diff-ICMH."""
