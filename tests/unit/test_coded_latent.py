"""A coded latent holds what the format can."""

import pytest

from difficmh_core.bitstream.coded_latent import CodedLatent
from difficmh_core.errors import ConfigError


@pytest.mark.parametrize("symbol_check", [1 << 16, -1])
def test_a_check_that_the_format_cannot_hold_is_refused(symbol_check):
    with pytest.raises(ConfigError, match="16 bits"):
        CodedLatent(payload=b"", corrections=b"", symbol_check=symbol_check)
