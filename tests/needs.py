"""What some machines lack, and the reason that tests give for leaving out what needs it."""

from importlib.util import find_spec

import pytest

from difficmh_core.training.settings import StageName

HAS_COMPRESSAI = find_spec("compressai") is not None
compressai = pytest.mark.skipif(
    not HAS_COMPRESSAI, reason="CompressAI is not published for this machine's version of Python"
)
STAGES = [stage for stage in StageName if HAS_COMPRESSAI or stage is not StageName.ELIC]
"""The stages of training that can run here."""
EACH_STAGE = [
    pytest.param(stage, marks=[] if stage in STAGES else [compressai]) for stage in StageName
]
