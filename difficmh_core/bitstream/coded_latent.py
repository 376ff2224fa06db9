"""A coded latent: what the latent codec writes of a picture, and reads to get it back."""

from dataclasses import dataclass

from difficmh_core.errors import ConfigError

_CHECK_BITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedLatent:
    """The integers of one picture, as bytes.

    Attributes:
        payload: Range-coded integers, hyper-latent then latent.
        corrections: Choices that another machine might make differently; normally empty.
        symbol_check: 16 bits over all integers.
    """

    payload: bytes
    corrections: bytes
    symbol_check: int

    def __post_init__(self) -> None:
        """Refuse what the format cannot hold.

        Raises:
            ConfigError: If the check is out of range.
        """
        if not 0 <= self.symbol_check < 1 << _CHECK_BITS:
            raise ConfigError(f"The symbol check must have 16 bits, got {self.symbol_check}.")
