"""What some machines lack, and the reason that tests give for leaving out what needs it."""

from importlib.util import find_spec

import pytest

HAS_COMPRESSAI = find_spec("compressai") is not None
compressai = pytest.mark.skipif(
    not HAS_COMPRESSAI, reason="CompressAI is not published for this machine's version of Python"
)
