"""The tiny codec, slowed down where a test acts in the middle of a decoding."""

import time

from difficmh_core.codec import DiffICMHCodec


class PacedCodec(DiffICMHCodec):
    """The tiny codec, with a pause after each step so that a test can act in the middle."""

    pace_s = 0.0
    n_steps = 0

    def decode(self, *args, **kwargs):
        for step in super().decode(*args, **kwargs):
            self.n_steps += 1
            time.sleep(self.pace_s)
            yield step
