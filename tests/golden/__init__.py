"""Files that a released model wrote, and the integers in them: decoded forever.

``python -m tests.golden`` writes them anew; do that only together with a new model fingerprint.
"""
